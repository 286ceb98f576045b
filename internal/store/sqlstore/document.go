package sqlstore

import (
	"context"

	"facteur.dev/facteur/internal/gateway"
)

var documents = newTable("documents", func(d *gateway.Document) []field {
	return []field{
		{"id", derived{d.SHA256 + " " + d.InvoiceID + " " + d.InboundID + " " + d.Role}},
		{"sha256", str(&d.SHA256)},
		{"invoice_id", opt(&d.InvoiceID)},
		{"inbound_id", opt(&d.InboundID)},
		{"role", str(&d.Role)},
		{"syntax", str(&d.Syntax)},
		{"customization", str(&d.Customization)},
		{"media_type", str(&d.MediaType)},
		{"filename", str(&d.Filename)},
		{"size", num(&d.Size)},
		{"created_at", moment{&d.CreatedAt}},
	}
}, nil, "id")

var verdicts = newTable("verdicts", func(v *gateway.VerdictRecord) []field {
	return []field{
		{"id", str(&v.ID)},
		{"invoice_id", opt(&v.InvoiceID)},
		{"inbound_id", opt(&v.InboundID)},
		{"sha256", str(&v.SHA256)},
		{"valid", flag{&v.Valid}},
		{"result", raw{&v.Result}},
		{"created_at", moment{&v.CreatedAt}},
	}
}, nil, "id")

// Document implements gateway.Reader.
func (s *session) Document(ctx context.Context, sha256 string) (gateway.Document, error) {
	return documents.one(ctx, s, "WHERE tenant = ? AND sha256 = ? ORDER BY created_at, id", string(s.tenant), sha256)
}

// InvoiceDocuments implements gateway.Reader.
func (s *session) InvoiceDocuments(ctx context.Context, invoiceID string) ([]gateway.Document, error) {
	return documents.all(ctx, s, "WHERE tenant = ? AND invoice_id = ? ORDER BY created_at, id", string(s.tenant), invoiceID)
}

// InboundDocuments implements gateway.Reader.
func (s *session) InboundDocuments(ctx context.Context, inboundID string) ([]gateway.Document, error) {
	return documents.all(ctx, s, "WHERE tenant = ? AND inbound_id = ? ORDER BY created_at, id", string(s.tenant), inboundID)
}

// InsertDocument implements gateway.Tx.
func (s *session) InsertDocument(ctx context.Context, d gateway.Document) error {
	_, err := documents.insert(ctx, s, &d, " ON CONFLICT (tenant, id) DO NOTHING")
	return err
}

// Verdicts implements gateway.Reader.
func (s *session) Verdicts(ctx context.Context, invoiceID, inboundID string) ([]gateway.VerdictRecord, error) {
	where := of(s)
	where.equal("invoice_id", invoiceID)
	where.equal("inbound_id", inboundID)
	if len(where.args) == 1 {
		return nil, gateway.ErrInvalid.With("verdicts are asked for an invoice or an inbound document", nil)
	}
	return verdicts.all(ctx, s, where.where()+" ORDER BY created_at, id", where.args...)
}

// InsertVerdict implements gateway.Tx.
func (s *session) InsertVerdict(ctx context.Context, v gateway.VerdictRecord) error {
	_, err := verdicts.insert(ctx, s, &v, "")
	return err
}
