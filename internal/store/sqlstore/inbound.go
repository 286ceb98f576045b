package sqlstore

import (
	"context"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

var inbounds = newTable("inbound", func(d *gateway.Inbound) []field {
	return []field{
		{"id", str(&d.ID)},
		{"message_id", str(&d.MessageID)},
		{"sender", str(&d.Sender)},
		{"receiver", str(&d.Receiver)},
		{"document_type", str(&d.DocumentType)},
		{"sha256", str(&d.SHA256)},
		{"media_type", str(&d.MediaType)},
		{"channel", str(&d.Channel)},
		{"state", str(&d.State)},
		{"model", raw{&d.Model}},
		{"number", str(&d.Number)},
		{"seller_key", str(&d.SellerKey)},
		{"duplicate_of", str(&d.DuplicateOf)},
		{"answer", str(&d.Answer)},
		{"answer_detail", raw{&d.AnswerDetail}},
		{"reply_to", asJSON(&d.ReplyTo)},
		{"receipt", bytes{&d.Receipt}},
		{"acknowledged_at", maybe{&d.AcknowledgedAt}},
		{"version", num(&d.Version)},
		{"created_at", moment{&d.CreatedAt}},
		{"updated_at", moment{&d.UpdatedAt}},
	}
}, nil, "id")

// Inbound implements gateway.Reader.
func (s *session) Inbound(ctx context.Context, id string) (gateway.Inbound, error) {
	return inbounds.byID(ctx, s, id)
}

// InboundByMessageID implements gateway.Reader.
func (s *session) InboundByMessageID(ctx context.Context, sender, messageID string) (gateway.Inbound, error) {
	return inbounds.one(ctx, s, "WHERE tenant = ? AND sender = ? AND message_id = ?", string(s.tenant), sender, messageID)
}

// Inbounds implements gateway.Reader.
func (s *session) Inbounds(ctx context.Context, f gateway.InboundFilter, p gateway.Page) (gateway.List[gateway.Inbound], error) {
	where := of(s)
	in(where, "state", f.States)
	if f.Unacked {
		where.and("acknowledged_at IS NULL")
	}
	where.equal("seller_key", f.SellerKey)
	where.equal("number", f.Number)
	where.equal("document_type", f.DocumentType)
	return newestFirst(ctx, s, inbounds, where, p, func(d *gateway.Inbound) (time.Time, string) { return d.CreatedAt, d.ID })
}

// InsertInbound implements gateway.Tx.
func (s *session) InsertInbound(ctx context.Context, d *gateway.Inbound) error {
	d.Version = 1
	written, err := inbounds.insert(ctx, s, d, " ON CONFLICT (tenant, sender, message_id) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT id FROM inbound WHERE tenant = ? AND sender = ? AND message_id = ?", string(s.tenant), d.Sender, d.MessageID)
}

// UpdateInbound implements gateway.Tx.
func (s *session) UpdateInbound(ctx context.Context, d *gateway.Inbound) error {
	return inbounds.update(ctx, s, d, d.ID, &d.Version)
}
