package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
)

// Scopes of idempotency keys.
const (
	scopeOrder    = "orders"
	scopeDelivery = "orders.deliveries"
	scopeInvoice  = "invoices"
	scopeCredit   = "invoices.credit"
)

// Intake takes orders, delivery notes and finished invoices. What it answers
// with is committed; the rest of the way goes on by itself.
type Intake struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
	Probe func(step string)
}

// SubmitOrder keeps an order and makes its invoices due. The same order under
// another idempotency key gives gateway.ErrDuplicate, pointing at the first.
func (s *Intake) SubmitOrder(ctx context.Context, tenant gateway.TenantID, sub Submission, o *order.Order) (Answer, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Answer{}, err
	}
	source, err := s.Blobs.Put(ctx, tenant, sub.Source)
	if err != nil {
		return Answer{}, err
	}
	s.probe("order.source_stored")
	now := s.Clock.Now()
	answer, err := submit(ctx, s.Store.For(tenant), now, scopeOrder, sub, func(tx gateway.Tx) (string, any, error) {
		row := gateway.Order{
			ID: s.IDs.New(gateway.PrefixOrder), ExternalID: o.ExternalID, Number: o.Number,
			BusinessKey: businessKey("order", string(o.Kind), partyKey(o.Seller), partyKey(o.Buyer), o.Number),
			State:       gateway.OrderReceived, SourceSHA256: source, SourceType: sub.SourceType, Body: body,
			CreatedAt: now, UpdatedAt: now,
		}
		if err := tx.InsertOrder(ctx, &row); err != nil {
			return "", nil, err
		}
		if err := gateway.Append(ctx, tx, nil, gateway.Event{
			ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventOrderReceived, At: now, RecordedAt: now, Actor: sub.Actor,
			OrderID: row.ID, ExternalID: row.ExternalID, Evidence: source, EvidenceType: sub.SourceType,
			Data: mustJSON(map[string]string{"number": row.Number}),
		}); err != nil {
			return "", nil, err
		}
		if err := tx.AddTask(ctx, s.task(tenant, gateway.TaskDraftInvoices, row.ID)); err != nil {
			return "", nil, err
		}
		s.probe("order.before_commit")
		return row.ID, row, nil
	})
	s.probe("order.committed")
	return answer, err
}

// SubmitDelivery keeps a delivery note of an order and makes the invoice for
// what was delivered due. A note number that the order has already gives
// gateway.ErrDuplicate.
func (s *Intake) SubmitDelivery(ctx context.Context, tenant gateway.TenantID, orderID string, sub Submission, d *order.Delivery) (Answer, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return Answer{}, err
	}
	source, err := s.Blobs.Put(ctx, tenant, sub.Source)
	if err != nil {
		return Answer{}, err
	}
	s.probe("note.source_stored")
	now := s.Clock.Now()
	return submit(ctx, s.Store.For(tenant), now, scopeDelivery+"/"+orderID, sub, func(tx gateway.Tx) (string, any, error) {
		o, err := tx.Order(ctx, orderID)
		if err != nil {
			return "", nil, err
		}
		if o.State == gateway.OrderRejected {
			return "", nil, gateway.ErrState.With("the order was rejected: "+o.Reason, nil).For(o.ID)
		}
		row := gateway.OrderDelivery{
			ID: s.IDs.New(gateway.PrefixOrderDelivery), OrderID: orderID, NoteID: d.ID,
			SourceSHA256: source, Body: body, CreatedAt: now,
		}
		if err := tx.InsertOrderDelivery(ctx, &row); err != nil {
			return "", nil, err
		}
		// A note that does not fit the order is refused here, where its sender hears of it.
		if _, _, err := planOf(ctx, tx, &o, "", s.Clock); err != nil {
			return "", nil, err
		}
		if err := gateway.Append(ctx, tx, nil, gateway.Event{
			ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventOrderDelivered, At: now, RecordedAt: now, Actor: sub.Actor,
			OrderID: orderID, ExternalID: o.ExternalID, Evidence: source, EvidenceType: sub.SourceType,
			Data: mustJSON(map[string]string{"note": d.ID}),
		}); err != nil {
			return "", nil, err
		}
		return row.ID, row, tx.AddTask(ctx, s.task(tenant, gateway.TaskDraftInvoices, orderID))
	})
}

// SubmitInvoice keeps a finished invoice that an ERP made, and makes its checks
// due. Its totals are checked, never recomputed; its number is the ERP's. When
// original is UBL those bytes are what is sent.
func (s *Intake) SubmitInvoice(ctx context.Context, tenant gateway.TenantID, sub Submission, externalID string, inv *invoice.Invoice) (Answer, error) {
	if problems := finishedProblems(inv); len(problems) > 0 {
		e := gateway.ErrInvalid.With("the invoice is not complete or does not add up", nil)
		e.Fields = problems
		return Answer{}, e
	}
	model, err := json.Marshal(inv)
	if err != nil {
		return Answer{}, err
	}
	source, err := s.Blobs.Put(ctx, tenant, sub.Source)
	if err != nil {
		return Answer{}, err
	}
	s.probe("invoice.source_stored")
	now := s.Clock.Now()
	return submit(ctx, s.Store.For(tenant), now, scopeInvoice, sub, func(tx gateway.Tx) (string, any, error) {
		row := gateway.Invoice{
			ID: s.IDs.New(gateway.PrefixInvoice), ExternalID: externalID, State: gateway.InvoiceDraft,
			Number: inv.Number, NumberGiven: true, Model: model, SourceSHA256: source, SourceType: sub.SourceType,
			CreatedAt: now, UpdatedAt: now,
		}
		describe(&row, inv)
		row.BusinessKey = InvoiceKey(sellerKey(inv.Seller), inv)
		if err := tx.InsertInvoice(ctx, &row); err != nil {
			return "", nil, err
		}
		if err := tx.InsertDocument(ctx, gateway.Document{
			SHA256: source, InvoiceID: row.ID, Role: "original", MediaType: sub.SourceType,
			Filename: cmp.Or(sub.Filename, "original"), Size: int64(len(sub.Source)), CreatedAt: now,
		}); err != nil {
			return "", nil, err
		}
		if err := gateway.Append(ctx, tx, &row, gateway.Event{
			ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventInvoiceDrafted, At: now, RecordedAt: now, Actor: sub.Actor,
			InvoiceID: row.ID, ExternalID: externalID, Evidence: source, EvidenceType: sub.SourceType,
			Data: mustJSON(map[string]string{"number": inv.Number, "from": "erp"}),
		}); err != nil {
			return "", nil, err
		}
		return row.ID, row, tx.AddTask(ctx, prepareTask(s.IDs, tenant, row, now))
	})
}

// finishedProblems lists what a finished invoice must have before it is taken:
// number, date, currency and totals that add up.
func finishedProblems(inv *invoice.Invoice) []gateway.FieldProblem {
	var out []gateway.FieldProblem
	need := func(ok bool, path, term, what string) {
		if !ok {
			out = append(out, gateway.FieldProblem{Path: path, Code: "missing", Term: term, Message: what + " is missing"})
		}
	}
	need(inv.Number != "", "/number", "BT-1", "the invoice number")
	need(!inv.IssueDate.IsZero(), "/issue_date", "BT-2", "the issue date")
	need(inv.Currency != "", "/currency", "BT-5", "the currency")
	need(len(inv.Lines) > 0, "/lines", "BG-25", "the first line")
	for _, d := range invoice.CheckTotals(inv) {
		out = append(out, gateway.FieldProblem{
			Path: d.Path, Code: "totals." + d.Rule, Term: d.Term,
			Message: fmt.Sprintf("%s: expected %s, found %s", d.Rule, d.Expected, d.Found),
		})
	}
	return out
}

// describe copies the fields that lists search and show from the model.
func describe(row *gateway.Invoice, inv *invoice.Invoice) {
	row.Kind = "invoice"
	if inv.IsCreditNote() {
		row.Kind = "credit_note"
	}
	row.CustomerName = cmp.Or(inv.Buyer.TradingName, inv.Buyer.Name)
	row.Currency, row.Total, row.Payable = inv.Currency, inv.Totals.WithVAT, inv.Totals.AmountDue
	row.IssueDate, row.DueDate = "", ""
	if !inv.IssueDate.IsZero() {
		row.IssueDate = inv.IssueDate.String()
	}
	if inv.DueDate != nil {
		row.DueDate = inv.DueDate.String()
	}
}

// InvoiceKey is the business key of an invoice: seller, number, year of issue
// and kind. No two invoices of a tenant that are on their way share it.
func InvoiceKey(seller string, inv *invoice.Invoice) string {
	kind := "invoice"
	if inv.IsCreditNote() {
		kind = "credit_note"
	}
	return businessKey("invoice", seller, inv.Number, strconv.Itoa(inv.IssueDate.Year()), kind)
}

// partyKey identifies a party of an order by the surest identifier it gives,
// however it is spelt.
func partyKey(p order.Party) string {
	return surest(records.Keys(records.Identity{
		VATIdentifier: p.VATIdentifier, LegalRegistration: p.LegalRegistration, ElectronicAddress: p.ElectronicAddress,
		Identifiers: p.Identifiers, AccountNumber: p.AccountNumber, Name: p.Name,
	}))
}

// sellerKey identifies the seller of a finished invoice in the same way.
func sellerKey(s invoice.Seller) string {
	return surest(records.Keys(records.Identity{
		VATIdentifier: s.VATIdentifier, LegalRegistration: s.LegalRegistration,
		ElectronicAddress: s.ElectronicAddress, Identifiers: s.Identifiers, Name: s.Name,
	}))
}

func surest(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return keys[0]
}

func (s *Intake) task(tenant gateway.TenantID, kind gateway.TaskKind, ref string) gateway.Task {
	now := s.Clock.Now()
	return gateway.Task{ID: s.IDs.New(gateway.PrefixTask), Tenant: tenant, Kind: kind, Ref: ref, Group: string(tenant), DueAt: now, CreatedAt: now}
}

func (s *Intake) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}

// mustJSON encodes what cannot fail to encode: maps of strings and numbers.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("outbound: " + err.Error())
	}
	return b
}
