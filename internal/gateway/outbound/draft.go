package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
)

// Drafting makes draft invoices from orders and their delivery notes. It
// implements the worker of gateway.TaskDraftInvoices.
type Drafting struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
	Probe func(step string)
}

// Origin says what an invoice was made from, as Invoice.Sources keeps it.
type Origin struct {
	// Values tells for each value that the order lacked where it came from.
	Values []billing.Source `json:"values,omitempty"`
	// Takes is what the invoice takes of its order.
	Takes billing.Invoiced `json:"takes"`
	// Terms give the due date once the issue date is known.
	Terms *billing.Terms `json:"terms,omitempty"`
}

// Handle drafts what is due of the order t.Ref. Drafts, remainder and tasks are
// written in one transaction, so that doing it twice finds nothing left to do.
func (s *Drafting) Handle(ctx context.Context, t gateway.Task) error {
	err := s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		row, err := tx.Order(ctx, t.Ref)
		if err != nil {
			return err
		}
		if row.State != gateway.OrderRejected {
			if err := s.draft(ctx, tx, t.Tenant, &row); err != nil {
				return err
			}
		}
		if err := tx.EndTask(ctx, t); err != nil {
			return err
		}
		s.probe("order.before_draft_commit")
		return nil
	})
	s.probe("order.drafted")
	return err
}

func (s *Drafting) draft(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, row *gateway.Order) error {
	plan, o, err := planOf(ctx, tx, row, "", s.Clock)
	var rejected *gateway.Error
	if errors.As(err, &rejected) && (errors.Is(err, gateway.ErrInvalid) || errors.Is(err, gateway.ErrDuplicate)) {
		return s.reject(ctx, tx, row, rejected)
	}
	if err != nil {
		return err
	}
	for _, p := range plan.Drafts {
		if err := s.insert(ctx, tx, tenant, row, o, p); err != nil {
			return err
		}
	}
	if row.Remainder, err = json.Marshal(plan.Remainder); err != nil {
		return err
	}
	row.State, row.Reason, row.UpdatedAt = gateway.OrderOpen, "", s.Clock.Now()
	if plan.Remainder.Complete {
		row.State = gateway.OrderInvoiced
	}
	if len(plan.Missing) > 0 {
		row.Reason = plan.Missing[0].Why
	}
	return tx.UpdateOrder(ctx, row)
}

// planOf asks billing what is due of an order. The invoice named by except does
// not count as billed: it is being drafted again.
func planOf(ctx context.Context, r gateway.Reader, row *gateway.Order, except string, clock gateway.Clock) (billing.Plan, *order.Order, error) {
	var plan billing.Plan
	o := new(order.Order)
	if err := json.Unmarshal(row.Body, o); err != nil {
		return plan, nil, fmt.Errorf("order %s: %w", row.ID, err)
	}
	in := billing.Input{Order: o}
	pair, err := records.Parties(ctx, r, o, clock.Now())
	if err != nil {
		return plan, nil, err
	}
	if pair.Entity.ID != "" {
		in.Records.LegalEntity = &pair.Entity
	}
	if pair.Customer.ID != "" {
		in.Records.Customer = &pair.Customer
	}
	if err := settle(ctx, r, row, pair.Entity.ID, pair.Customer.ID); err != nil {
		return plan, nil, err
	}
	if in.Records.Items, err = itemsOf(ctx, r, o, clock); err != nil {
		return plan, nil, err
	}
	notes, err := r.OrderDeliveries(ctx, row.ID)
	if err != nil {
		return plan, nil, err
	}
	for _, n := range notes {
		var d order.Delivery
		if err := json.Unmarshal(n.Body, &d); err != nil {
			return plan, nil, fmt.Errorf("delivery note %s: %w", n.ID, err)
		}
		in.Deliveries = append(in.Deliveries, d)
	}
	if in.Invoiced, err = billedBefore(ctx, r, row.ID, except); err != nil {
		return plan, nil, err
	}
	plan, err = billing.Draft(in)
	var fields invoice.FieldErrors
	if errors.As(err, &fields) {
		e := gateway.ErrInvalid.With("the order cannot be invoiced: "+fields.Error(), err)
		e.Fields = problems(fields)
		return plan, o, e
	}
	return plan, o, err
}

// settle writes into an order whose it is, as far as that is known, and refuses
// one whose number the customer has given before. An order that waited for its
// records may be younger, as the customer's, than one that came in after it.
func settle(ctx context.Context, r gateway.Reader, row *gateway.Order, entity, customer string) error {
	entity, customer = cmp.Or(entity, row.LegalEntity), cmp.Or(customer, row.Customer)
	settled := row.LegalEntity == entity && row.Customer == customer
	row.LegalEntity, row.Customer = entity, customer
	if customer == "" {
		return nil
	}
	same := gateway.OrderFilter{Customer: customer, Number: row.Number}
	for other, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Order], error) { return r.Orders(ctx, same, p) }) {
		if err != nil {
			return err
		}
		if other.ID == row.ID || other.LegalEntity != entity || other.State == gateway.OrderRejected || settled && other.ID > row.ID {
			continue
		}
		return gateway.ErrDuplicate.With("the customer's order "+row.Number+" was submitted before", nil).For(other.ID)
	}
	return nil
}

// itemsOf finds the records of the items that an order's lines name.
func itemsOf(ctx context.Context, r gateway.Reader, o *order.Order, clock gateway.Clock) ([]billing.Record[billing.Item], error) {
	var items []billing.Record[billing.Item]
	seen := map[string]bool{}
	for i := range o.Lines {
		keys := records.ItemKeys(billing.Item{SellerID: o.Lines[i].Item.SellerID, StandardID: o.Lines[i].Item.StandardID})
		for _, key := range keys {
			if seen[key] {
				continue
			}
			seen[key] = true
			list, err := r.RecordsByKey(ctx, gateway.RecordItem, key)
			if err != nil {
				return nil, err
			}
			for _, found := range list {
				rec, err := r.RecordAt(ctx, gateway.RecordItem, found.ID, clock.Now())
				if errors.Is(err, gateway.ErrNotFound) || slices.ContainsFunc(items, func(x billing.Record[billing.Item]) bool { return x.ID == found.ID }) {
					continue
				}
				if err != nil {
					return nil, err
				}
				item, err := records.Typed[billing.Item](rec)
				if err != nil {
					return nil, err
				}
				items = append(items, item)
			}
		}
	}
	return items, nil
}

// billedBefore lists what the invoices of an order take of it. Rejected and
// cancelled ones take nothing.
func billedBefore(ctx context.Context, r gateway.Reader, orderID, except string) ([]billing.Invoiced, error) {
	var out []billing.Invoiced
	of := gateway.InvoiceFilter{OrderID: orderID}
	for inv, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Invoice], error) { return r.Invoices(ctx, of, p) }) {
		if err != nil {
			return nil, err
		}
		if inv.ID == except || inv.CreditOf != "" || inv.State == gateway.InvoiceRejected || inv.State == gateway.InvoiceCancelled {
			continue
		}
		var origin Origin
		if err := json.Unmarshal(inv.Sources, &origin); err != nil {
			return nil, fmt.Errorf("invoice %s: %w", inv.ID, err)
		}
		out = append(out, origin.Takes)
	}
	return out, nil
}

// insert writes a draft: held when a value is missing, due for preparation
// otherwise.
func (s *Drafting) insert(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, o *gateway.Order, body *order.Order, p billing.Proposal) error {
	now := s.Clock.Now()
	row := gateway.Invoice{
		ID: s.IDs.New(gateway.PrefixInvoice), ExternalID: o.ExternalID, OrderID: o.ID, LegalEntity: o.LegalEntity,
		Customer: o.Customer, State: gateway.InvoiceDraft, CreatedAt: now, UpdatedAt: now,
	}
	if err := fill(&row, p); err != nil {
		return err
	}
	if err := tx.InsertInvoice(ctx, &row); err != nil {
		return err
	}
	what := map[string]any{"order": o.Number, "note": p.Takes.Note, "kind": row.Kind}
	if err := s.event(ctx, tx, &row, gateway.EventInvoiceDrafted, what); err != nil {
		return err
	}
	if len(p.Missing) > 0 {
		return s.hold(ctx, tx, &row, p.Missing)
	}
	return tx.AddTask(ctx, prepareTask(s.IDs, tenant, row, now))
}

func (s *Drafting) hold(ctx context.Context, tx gateway.Tx, row *gateway.Invoice, missing []billing.MissingField) error {
	if err := row.Move(gateway.InvoiceHeld); err != nil {
		return err
	}
	row.Hold, row.HoldDetail = holdRecords, mustJSON(Hold{Missing: missing, Text: missing[0].Why})
	if err := tx.UpdateInvoice(ctx, row); err != nil {
		return err
	}
	return s.event(ctx, tx, row, gateway.EventInvoiceHeld, map[string]any{
		"reason": holdRecords, "text": missing[0].Why, "path": missing[0].Path, "term": missing[0].Term,
	})
}

// fill writes a proposal into an invoice's row.
func fill(row *gateway.Invoice, p billing.Proposal) error {
	var err error
	if row.Model, err = json.Marshal(p.Invoice); err != nil {
		return err
	}
	if row.Sources, err = json.Marshal(Origin{Values: p.Sources, Takes: p.Takes, Terms: p.Terms}); err != nil {
		return err
	}
	describe(row, calculated(p.Invoice))
	return nil
}

// calculated gives a draft with the totals it will have, for lists. An invoice
// that cannot be calculated is held for it later, with the reason.
func calculated(inv *invoice.Invoice) *invoice.Invoice {
	shown := inv.Clone()
	if err := invoice.Calculate(shown); err != nil {
		return inv
	}
	return shown
}

// redraft makes a held invoice anew from its order and the records as they are.
func redraft(ctx context.Context, tx gateway.Tx, row *gateway.Invoice, clock gateway.Clock) error {
	o, err := tx.Order(ctx, row.OrderID)
	if err != nil {
		return err
	}
	var origin Origin
	if err := json.Unmarshal(row.Sources, &origin); err != nil {
		return err
	}
	plan, _, err := planOf(ctx, tx, &o, row.ID, clock)
	if err != nil {
		return err
	}
	for _, p := range plan.Drafts {
		if p.Takes.Note != origin.Takes.Note {
			continue
		}
		if len(p.Missing) > 0 {
			e := gateway.ErrState.With("still missing: "+p.Missing[0].Path+": "+p.Missing[0].Why, nil).For(row.ID)
			for _, m := range p.Missing {
				e.Fields = append(e.Fields, gateway.FieldProblem{Path: m.Path, Term: m.Term, Code: "missing", Message: m.Why})
			}
			return e
		}
		row.LegalEntity, row.Customer = o.LegalEntity, o.Customer
		if err := tx.UpdateOrder(ctx, &o); err != nil {
			return err
		}
		return fill(row, p)
	}
	return gateway.ErrState.With("the order leaves nothing to invoice here any more; cancel this draft", nil).For(row.ID)
}

// reject ends an order that cannot be invoiced.
func (s *Drafting) reject(ctx context.Context, tx gateway.Tx, row *gateway.Order, why *gateway.Error) error {
	now := s.Clock.Now()
	row.State, row.Reason, row.UpdatedAt = gateway.OrderRejected, why.Message, now
	if err := tx.UpdateOrder(ctx, row); err != nil {
		return err
	}
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventOrderRejected, At: now, RecordedAt: now, Actor: gateway.System,
		OrderID: row.ID, ExternalID: row.ExternalID,
		Data: mustJSON(map[string]any{"code": why.Code, "reason": why.Message, "see": why.Ref, "fields": why.Fields}),
	})
}

func (s *Drafting) event(ctx context.Context, tx gateway.Tx, row *gateway.Invoice, kind gateway.EventType, data map[string]any) error {
	now := s.Clock.Now()
	return gateway.Append(ctx, tx, row, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: gateway.System,
		InvoiceID: row.ID, OrderID: row.OrderID, ExternalID: row.ExternalID, Data: mustJSON(data),
	})
}

func (s *Drafting) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
