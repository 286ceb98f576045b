package sqlstore

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"facteur.dev/facteur/internal/gateway"
)

var invoices = newTable("invoices", func(i *gateway.Invoice) []field {
	return []field{
		{"id", str(&i.ID)},
		{"external_id", opt(&i.ExternalID)},
		{"order_id", opt(&i.OrderID)},
		{"credit_of", opt(&i.CreditOf)},
		{"legal_entity", str(&i.LegalEntity)},
		{"customer", str(&i.Customer)},
		{"customer_name", str(&i.CustomerName)},
		{"state", str(&i.State)},
		{"hold", str(&i.Hold)},
		{"hold_detail", raw{&i.HoldDetail}},
		{"number", str(&i.Number)},
		{"number_given", flag{&i.NumberGiven}},
		{"business_key", opt(&i.BusinessKey)},
		{"kind", str(&i.Kind)},
		{"issue_date", str(&i.IssueDate)},
		{"due_date", str(&i.DueDate)},
		{"currency", str(&i.Currency)},
		{"total", decimal{&i.Total}},
		{"payable", decimal{&i.Payable}},
		{"model", raw{&i.Model}},
		{"sources", raw{&i.Sources}},
		{"source_sha256", str(&i.SourceSHA256)},
		{"source_type", str(&i.SourceType)},
		{"override", raw{&i.Override}},
		{"status", asJSON(&i.Status)},
		{"transport", derived{i.Status.Transport().State}},
		{"answer", derived{i.Status.Answer().State}},
		{"words", derived{fold(i.Number + "\n" + i.ExternalID + "\n" + i.CustomerName)}},
		{"version", num(&i.Version)},
		{"created_at", moment{&i.CreatedAt}},
		{"updated_at", moment{&i.UpdatedAt}},
	}
}, nil, "id")

// counts reads the number of invoices by standing.
var counts = newTable("invoices", func(c *gateway.Count) []field {
	return []field{
		{"state", str(&c.State)},
		{"hold", str(&c.Hold)},
		{"transport", str(&c.Transport)},
		{"answer", str(&c.Answer)},
		{"COUNT(*)", readOnly{num(&c.N)}},
	}
}, nil)

// Invoice implements gateway.Reader.
func (s *session) Invoice(ctx context.Context, id string) (gateway.Invoice, error) {
	return invoices.byID(ctx, s, id)
}

// InvoiceByBusinessKey implements gateway.Reader.
func (s *session) InvoiceByBusinessKey(ctx context.Context, key string) (gateway.Invoice, error) {
	return invoices.one(ctx, s, "WHERE tenant = ? AND business_key = ?", string(s.tenant), key)
}

// Invoices implements gateway.Reader.
func (s *session) Invoices(ctx context.Context, f gateway.InvoiceFilter, p gateway.Page) (gateway.List[gateway.Invoice], error) {
	where := of(s)
	in(where, "state", f.States)
	where.equal("customer", f.Customer)
	where.equal("order_id", f.OrderID)
	where.equal("external_id", f.ExternalID)
	where.equal("credit_of", f.CreditOf)
	where.equal("number", f.Number)
	if f.Text != "" {
		if err := checkText([]any{f.Text}); err != nil { // folding would mend it
			return gateway.List[gateway.Invoice]{}, err
		}
		where.and(`words LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fold(f.Text))+"%")
	}
	since(where, f.Since, f.Until)
	return newestFirst(ctx, s, invoices, where, p, func(i *gateway.Invoice) (time.Time, string) { return i.CreatedAt, i.ID })
}

// since bounds the creation time: from since on, before until.
func since(where *filter, since, until time.Time) {
	if !since.IsZero() {
		where.and("created_at >= ?", micros(since))
	}
	if !until.IsZero() {
		where.and("created_at < ?", micros(until))
	}
}

// Counts implements gateway.Reader.
func (s *session) Counts(ctx context.Context, from, until time.Time) ([]gateway.Count, error) {
	where := of(s)
	since(where, from, until)
	return counts.all(ctx, s, where.where()+" GROUP BY tenant, state, hold, transport, answer ORDER BY state, hold, transport, answer", where.args...)
}

// InsertInvoice implements gateway.Tx.
func (s *session) InsertInvoice(ctx context.Context, inv *gateway.Invoice) error {
	inv.Version = 1
	written, err := invoices.insert(ctx, s, inv, " ON CONFLICT (tenant, business_key) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT id FROM invoices WHERE tenant = ? AND business_key = ?", string(s.tenant), inv.BusinessKey)
}

// UpdateInvoice implements gateway.Tx.
func (s *session) UpdateInvoice(ctx context.Context, inv *gateway.Invoice) error {
	if inv.BusinessKey != "" {
		err := s.duplicate(ctx, "SELECT id FROM invoices WHERE tenant = ? AND business_key = ? AND id <> ?", string(s.tenant), inv.BusinessKey, inv.ID)
		if !errors.Is(err, gateway.ErrNotFound) {
			return err
		}
	}
	return invoices.update(ctx, s, inv, inv.ID, &inv.Version)
}

// fold makes text alike that people take for the same: case and accents go.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r)) // ς is σ
	}, norm.NFKD.String(s))
}
