package sqlstore

import (
	"context"

	"facteur.dev/facteur/internal/gateway"
)

var deliveries = newTable("deliveries", func(d *gateway.Delivery) []field {
	return []field{
		{"id", str(&d.ID)},
		{"invoice_id", opt(&d.InvoiceID)},
		{"inbound_id", opt(&d.InboundID)},
		{"purpose", str(&d.Purpose)},
		{"document_sha256", str(&d.DocumentSHA256)},
		{"message_id", str(&d.MessageID)},
		{"route", asJSON(&d.Route)},
		{"state", str(&d.State)},
		{"attempts", num(&d.Attempts)},
		{"code", str(&d.Code)},
		{"detail", str(&d.Detail)},
		{"receipt_sha256", str(&d.ReceiptSHA256)},
		{"next_at", maybe{&d.NextAt}},
		{"version", num(&d.Version)},
		{"created_at", moment{&d.CreatedAt}},
		{"updated_at", moment{&d.UpdatedAt}},
	}
}, nil, "id")

var attempts = newTable("attempts", func(a *gateway.Attempt) []field {
	return []field{
		{"delivery_id", str(&a.DeliveryID)},
		{"n", num(&a.N)},
		{"started_at", moment{&a.StartedAt}},
		{"ended_at", maybe{&a.EndedAt}},
		{"outcome", str(&a.Outcome)},
		{"code", str(&a.Code)},
		{"detail", str(&a.Detail)},
	}
}, nil, "delivery_id", "n")

// Delivery implements gateway.Reader.
func (s *session) Delivery(ctx context.Context, id string) (gateway.Delivery, error) {
	return deliveries.byID(ctx, s, id)
}

// DeliveryByMessageID implements gateway.Reader.
func (s *session) DeliveryByMessageID(ctx context.Context, messageID string) (gateway.Delivery, error) {
	return deliveries.one(ctx, s, "WHERE tenant = ? AND message_id = ?", string(s.tenant), messageID)
}

// InvoiceDeliveries implements gateway.Reader.
func (s *session) InvoiceDeliveries(ctx context.Context, invoiceID string) ([]gateway.Delivery, error) {
	return deliveries.all(ctx, s, "WHERE tenant = ? AND invoice_id = ? ORDER BY created_at, id", string(s.tenant), invoiceID)
}

// InboundReplies implements gateway.Reader.
func (s *session) InboundReplies(ctx context.Context, inboundID string) ([]gateway.Delivery, error) {
	return deliveries.all(ctx, s, "WHERE tenant = ? AND inbound_id = ? ORDER BY created_at, id", string(s.tenant), inboundID)
}

// Attempts implements gateway.Reader.
func (s *session) Attempts(ctx context.Context, deliveryID string) ([]gateway.Attempt, error) {
	return attempts.all(ctx, s, "WHERE tenant = ? AND delivery_id = ? ORDER BY n", string(s.tenant), deliveryID)
}

// InsertDelivery implements gateway.Tx. A message id is never given twice.
func (s *session) InsertDelivery(ctx context.Context, d *gateway.Delivery) error {
	d.Version = 1
	written, err := deliveries.insert(ctx, s, d, " ON CONFLICT (tenant, message_id) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT id FROM deliveries WHERE tenant = ? AND message_id = ?", string(s.tenant), d.MessageID)
}

// UpdateDelivery implements gateway.Tx.
func (s *session) UpdateDelivery(ctx context.Context, d *gateway.Delivery) error {
	return deliveries.update(ctx, s, d, d.ID, &d.Version)
}

// PutAttempt implements gateway.Tx.
func (s *session) PutAttempt(ctx context.Context, a gateway.Attempt) error {
	return attempts.upsert(ctx, s, &a)
}
