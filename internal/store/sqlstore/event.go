package sqlstore

import (
	"context"

	"facteur.dev/facteur/internal/gateway"
)

var events = newTable("events", func(e *gateway.Event) []field {
	return []field{
		{"id", str(&e.ID)},
		{"seq", optNum(&e.Seq)},
		{"type", str(&e.Type)},
		{"happened_at", moment{&e.At}},
		{"recorded_at", moment{&e.RecordedAt}},
		{"actor", asJSON(&e.Actor)},
		{"grade", num(&e.Grade)},
		{"order_id", opt(&e.OrderID)},
		{"invoice_id", opt(&e.InvoiceID)},
		{"inbound_id", opt(&e.InboundID)},
		{"delivery_id", str(&e.DeliveryID)},
		{"external_id", str(&e.ExternalID)},
		{"evidence", str(&e.Evidence)},
		{"evidence_type", str(&e.EvidenceType)},
		{"data", raw{&e.Data}},
		{"once", opt(&e.Key)},
		{
			"(SELECT fields FROM event_personal p WHERE p.tenant = events.tenant AND p.event_id = events.id)",
			readOnly{asJSON(&e.Personal)},
		},
	}
}, nil, "id")

// Event implements gateway.Reader.
func (s *session) Event(ctx context.Context, id string) (gateway.Event, error) {
	return events.byID(ctx, s, id)
}

// EventByKey implements gateway.Reader.
func (s *session) EventByKey(ctx context.Context, key string) (gateway.Event, error) {
	return events.one(ctx, s, "WHERE tenant = ? AND once = ?", string(s.tenant), key)
}

// Timeline implements gateway.Reader.
func (s *session) Timeline(ctx context.Context, f gateway.EventFilter) ([]gateway.Event, error) {
	if f.OrderID == "" && f.InvoiceID == "" && f.InboundID == "" {
		return nil, gateway.ErrInvalid.With("a timeline is asked for an order, an invoice or an inbound document", nil)
	}
	where := s.events(f)
	return events.all(ctx, s, where.where()+" ORDER BY happened_at, id", where.args...)
}

// EventsAfter implements gateway.Reader. Numbers are given in the order of
// commits, by one writer after the other ([session.AppendLog]), so that a
// number that can be read has no unread one before it.
func (s *session) EventsAfter(ctx context.Context, seq int64, f gateway.EventFilter, limit int) ([]gateway.Event, error) {
	where := s.events(f)
	where.and("seq > ?", seq)
	return events.all(ctx, s, where.where()+" ORDER BY seq LIMIT ?", append(where.args, int64(max(limit, 0)))...)
}

// Unsealed implements gateway.Reader.
func (s *session) Unsealed(ctx context.Context, limit int) ([]gateway.Event, error) {
	return events.all(ctx, s, "WHERE tenant = ? AND seq IS NULL ORDER BY recorded_at, id LIMIT ?", string(s.tenant), int64(max(limit, 0)))
}

func (s *session) events(f gateway.EventFilter) *filter {
	where := of(s)
	where.equal("order_id", f.OrderID)
	where.equal("invoice_id", f.InvoiceID)
	where.equal("inbound_id", f.InboundID)
	in(where, "type", f.Types)
	return where
}

// AppendEvent implements gateway.Tx.
func (s *session) AppendEvent(ctx context.Context, e gateway.Event) (bool, error) {
	e.Seq = 0 // the sealer's to give
	written, err := events.insert(ctx, s, &e, " ON CONFLICT (tenant, once) DO NOTHING")
	if err != nil || !written || len(e.Personal) == 0 {
		return written, err
	}
	fields, err := asJSON(&e.Personal).arg()
	if err != nil {
		return false, s.fail(err)
	}
	_, err = s.exec(ctx, "INSERT INTO event_personal (tenant, event_id, fields) VALUES (?, ?, ?)", string(s.tenant), e.ID, fields)
	return err == nil, s.fail(err)
}

// ErasePersonal implements gateway.Tx.
func (s *session) ErasePersonal(ctx context.Context, eventID string) error {
	_, err := s.exec(ctx, "DELETE FROM event_personal WHERE tenant = ? AND event_id = ?", string(s.tenant), eventID)
	return err
}
