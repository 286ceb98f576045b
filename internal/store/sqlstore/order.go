package sqlstore

import (
	"context"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

var orders = newTable("orders", func(o *gateway.Order) []field {
	return []field{
		{"id", str(&o.ID)},
		{"external_id", opt(&o.ExternalID)},
		{"number", str(&o.Number)},
		{"business_key", opt(&o.BusinessKey)},
		{"legal_entity", str(&o.LegalEntity)},
		{"customer", str(&o.Customer)},
		{"state", str(&o.State)},
		{"reason", str(&o.Reason)},
		{"source_sha256", str(&o.SourceSHA256)},
		{"source_type", str(&o.SourceType)},
		{"body", raw{&o.Body}},
		{"remainder", raw{&o.Remainder}},
		{"version", num(&o.Version)},
		{"created_at", moment{&o.CreatedAt}},
		{"updated_at", moment{&o.UpdatedAt}},
	}
}, nil, "id")

var orderDeliveries = newTable("order_deliveries", func(d *gateway.OrderDelivery) []field {
	return []field{
		{"id", str(&d.ID)},
		{"order_id", str(&d.OrderID)},
		{"note_id", str(&d.NoteID)},
		{"source_sha256", str(&d.SourceSHA256)},
		{"body", raw{&d.Body}},
		{"invoice_id", str(&d.InvoiceID)},
		{"created_at", moment{&d.CreatedAt}},
	}
}, nil, "id")

// Order implements gateway.Reader.
func (s *session) Order(ctx context.Context, id string) (gateway.Order, error) {
	return orders.byID(ctx, s, id)
}

// OrderByBusinessKey implements gateway.Reader.
func (s *session) OrderByBusinessKey(ctx context.Context, key string) (gateway.Order, error) {
	return orders.one(ctx, s, "WHERE tenant = ? AND business_key = ?", string(s.tenant), key)
}

// Orders implements gateway.Reader.
func (s *session) Orders(ctx context.Context, f gateway.OrderFilter, p gateway.Page) (gateway.List[gateway.Order], error) {
	where := of(s)
	where.equal("state", string(f.State))
	where.equal("customer", f.Customer)
	where.equal("external_id", f.ExternalID)
	where.equal("number", f.Number)
	return newestFirst(ctx, s, orders, where, p, func(o *gateway.Order) (time.Time, string) { return o.CreatedAt, o.ID })
}

// OrderDeliveries implements gateway.Reader.
func (s *session) OrderDeliveries(ctx context.Context, orderID string) ([]gateway.OrderDelivery, error) {
	return orderDeliveries.all(ctx, s, "WHERE tenant = ? AND order_id = ? ORDER BY created_at, id", string(s.tenant), orderID)
}

// InsertOrder implements gateway.Tx.
func (s *session) InsertOrder(ctx context.Context, o *gateway.Order) error {
	o.Version = 1
	written, err := orders.insert(ctx, s, o, " ON CONFLICT (tenant, business_key) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT id FROM orders WHERE tenant = ? AND business_key = ?", string(s.tenant), o.BusinessKey)
}

// UpdateOrder implements gateway.Tx.
func (s *session) UpdateOrder(ctx context.Context, o *gateway.Order) error {
	return orders.update(ctx, s, o, o.ID, &o.Version)
}

// InsertOrderDelivery implements gateway.Tx.
func (s *session) InsertOrderDelivery(ctx context.Context, d *gateway.OrderDelivery) error {
	written, err := orderDeliveries.insert(ctx, s, d, " ON CONFLICT (tenant, order_id, note_id) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT id FROM order_deliveries WHERE tenant = ? AND order_id = ? AND note_id = ?", string(s.tenant), d.OrderID, d.NoteID)
}

// UpdateOrderDelivery implements gateway.Tx.
func (s *session) UpdateOrderDelivery(ctx context.Context, d *gateway.OrderDelivery) error {
	return orderDeliveries.update(ctx, s, d, d.ID, nil)
}

// duplicate gives ErrDuplicate that points at the row a query finds.
func (s *session) duplicate(ctx context.Context, query string, args ...any) error {
	var first string
	if err := s.get(ctx, []any{&first}, query, args...); err != nil {
		return err
	}
	return gateway.ErrDuplicate.For(first)
}
