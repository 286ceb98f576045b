package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
)

// Credit makes the credit note for an invoice that has left, whole or by line,
// linked to it. It goes the way of every draft. Together all credit notes never
// take back more than was invoiced.
func (s *Desk) Credit(ctx context.Context, tenant gateway.TenantID, id string, sub Submission, sel billing.Selection) (Answer, error) {
	now := s.Clock.Now()
	return submit(ctx, s.Store.For(tenant), now, scopeCredit+"/"+id, sub, func(tx gateway.Tx) (string, any, error) {
		original, err := tx.Invoice(ctx, id)
		if err != nil {
			return "", nil, err
		}
		switch original.State {
		case gateway.InvoiceReady, gateway.InvoiceSent, gateway.InvoiceClosed:
		default:
			return "", nil, gateway.ErrState.With("the invoice is "+string(original.State)+": only one that has its number is credited", nil).For(id)
		}
		inv := new(invoice.Invoice)
		if err := json.Unmarshal(original.Model, inv); err != nil {
			return "", nil, err
		}
		if sel.Credited, err = creditedBefore(ctx, tx, original); err != nil {
			return "", nil, err
		}
		note, err := billing.Credit(inv, sel)
		var fields invoice.FieldErrors
		if errors.As(err, &fields) {
			e := gateway.ErrInvalid.With("this cannot be credited: "+fields.Error(), err)
			e.Fields = problems(fields)
			return "", nil, e
		}
		if err != nil {
			return "", nil, err
		}
		model, err := json.Marshal(note)
		if err != nil {
			return "", nil, err
		}
		row := gateway.Invoice{
			ID: s.IDs.New(gateway.PrefixInvoice), ExternalID: original.ExternalID, OrderID: original.OrderID, CreditOf: original.ID,
			LegalEntity: original.LegalEntity, Customer: original.Customer, State: gateway.InvoiceDraft, Model: model,
			Sources: mustJSON(Origin{}), CreatedAt: now, UpdatedAt: now,
		}
		describe(&row, note)
		if err := tx.InsertInvoice(ctx, &row); err != nil {
			return "", nil, err
		}
		what := map[string]string{"number": original.Number, "credit": row.ID, "reason": sel.Reason}
		if err := s.event(ctx, tx, &row, sub.Actor, gateway.EventInvoiceDrafted, what); err != nil {
			return "", nil, err
		}
		if err := s.event(ctx, tx, &original, sub.Actor, gateway.EventInvoiceCredited, what); err != nil {
			return "", nil, err
		}
		return row.ID, row, tx.AddTask(ctx, prepareTask(s.IDs, tenant, row, now))
	})
}

// maxCredits is how many credit notes one invoice may have.
const maxCredits = 500

// creditedBefore gives the credit notes of an invoice that count: all but those
// that were rejected or cancelled.
func creditedBefore(ctx context.Context, r gateway.Reader, original gateway.Invoice) ([]*invoice.Invoice, error) {
	of := gateway.InvoiceFilter{CreditOf: original.ID}
	var out []*invoice.Invoice
	for row, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Invoice], error) { return r.Invoices(ctx, of, p) }) {
		if err != nil {
			return nil, err
		}
		if len(out) == maxCredits {
			return nil, gateway.ErrState.With("the invoice has too many credit notes", nil).For(original.ID)
		}
		if row.State == gateway.InvoiceRejected || row.State == gateway.InvoiceCancelled {
			continue
		}
		note := new(invoice.Invoice)
		if err := json.Unmarshal(row.Model, note); err != nil {
			return nil, fmt.Errorf("credit note %s: %w", row.ID, err)
		}
		note.SupportingDocuments = nil // what is in their files takes nothing back
		out = append(out, note)
	}
	return out, nil
}
