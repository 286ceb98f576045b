package outbound

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/validation"
)

// Desk is where people step in. Every decision is an event with who and why.
type Desk struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
}

// Release sends a held invoice on its way again: it is completed from the
// records as they are now and checked once more.
func (s *Desk) Release(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor) (gateway.Invoice, error) {
	return s.reopen(ctx, tenant, id, actor, gateway.EventInvoiceReleased, nil, func(tx gateway.Tx, row *gateway.Invoice) error {
		if row.Hold != holdRecords || row.OrderID == "" {
			return nil
		}
		row.Override = nil // what was let pass was another content
		return redraft(ctx, tx, row, s.Clock)
	})
}

// Override lets the findings that hold an invoice pass, under a person's name
// and with a reason. Findings that come up later still hold it.
func (s *Desk) Override(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor, reason string) (gateway.Invoice, error) {
	reason = strings.TrimSpace(reason)
	switch {
	case actor.Kind != "user" || actor.Name == "":
		return gateway.Invoice{}, gateway.ErrForbidden.With("only a named person can let findings pass", nil)
	case reason == "":
		return gateway.Invoice{}, gateway.ErrInvalid.With("an override needs a reason", nil)
	case len(reason) > 2000:
		return gateway.Invoice{}, gateway.ErrInvalid.With("the reason is longer than 2000 bytes", nil)
	}
	o := Override{By: actor, Reason: reason, At: s.Clock.Now()}
	return s.reopen(ctx, tenant, id, actor, gateway.EventInvoiceOverridden, &o, func(_ gateway.Tx, row *gateway.Invoice) error {
		if row.Hold != holdRules && row.Hold != holdRequirements {
			return gateway.ErrState.With("only findings of rules or requirements can be let pass; this invoice waits for: "+row.Hold, nil).For(row.ID)
		}
		var hold Hold
		if err := json.Unmarshal(row.HoldDetail, &hold); err != nil {
			return err
		}
		if hold.Result == nil {
			return gateway.ErrState.With("the invoice cannot be written as a document; correct it", nil).For(row.ID)
		}
		o.Rules = rulesOf(*hold.Result)
		var err error
		row.Override, err = json.Marshal(o)
		return err
	})
}

// rulesOf lists the rules that failed and the rule sets that did not run.
func rulesOf(r validation.Result) []string {
	var rules []string
	for _, v := range r.Verdicts {
		if !v.Ran {
			rules = append(rules, v.RuleSet)
		}
	}
	for _, f := range r.Failures() {
		rules = append(rules, f.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// reopen makes a held invoice a draft again and makes its preparation due.
// change may alter the row; data is told in the event.
func (s *Desk) reopen(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor, kind gateway.EventType, data any,
	change func(gateway.Tx, *gateway.Invoice) error,
) (gateway.Invoice, error) {
	var row gateway.Invoice
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if row, err = tx.Invoice(ctx, id); err != nil {
			return err
		}
		if row.State != gateway.InvoiceHeld {
			return gateway.ErrState.With("the invoice is "+string(row.State)+", not held", nil).For(id)
		}
		if err := change(tx, &row); err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := row.Move(gateway.InvoiceDraft); err != nil {
			return err
		}
		row.Hold, row.HoldDetail, row.UpdatedAt = "", nil, now
		if err := tx.UpdateInvoice(ctx, &row); err != nil {
			return err
		}
		if err := s.event(ctx, tx, &row, actor, kind, data); err != nil {
			return err
		}
		return tx.AddTask(ctx, prepareTask(s.IDs, tenant, row, now))
	})
	return row, err
}

// Cancel ends an invoice that has no number yet. One that has is credited.
func (s *Desk) Cancel(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor, reason string) (gateway.Invoice, error) {
	var row gateway.Invoice
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if row, err = tx.Invoice(ctx, id); err != nil {
			return err
		}
		if err := row.Move(gateway.InvoiceCancelled); err != nil {
			return err
		}
		row.BusinessKey, row.UpdatedAt = "", s.Clock.Now()
		if err := tx.UpdateInvoice(ctx, &row); err != nil {
			return err
		}
		return s.event(ctx, tx, &row, actor, gateway.EventInvoiceCancelled, map[string]string{"reason": reason})
	})
	return row, err
}

// Resolve is a person's word on a delivery whose fate is unknown. One that did
// not arrive goes on by the customer's next route.
func (s *Desk) Resolve(ctx context.Context, tenant gateway.TenantID, deliveryID string, actor gateway.Actor, arrived bool, reason string) (gateway.Delivery, error) {
	var d gateway.Delivery
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if d, err = tx.Delivery(ctx, deliveryID); err != nil {
			return err
		}
		if d.State != gateway.DeliveryUnknown {
			return gateway.ErrState.With("the delivery is "+string(d.State)+", not unknown", nil).For(d.ID)
		}
		var inv gateway.Invoice
		if d.InvoiceID != "" {
			if inv, err = tx.Invoice(ctx, d.InvoiceID); err != nil {
				return err
			}
		}
		if sign := signOf(inv, d.ID); !arrived && sign != "" {
			return gateway.ErrState.With("the invoice arrived: it is "+sign, nil).For(d.ID)
		}
		now := s.Clock.Now()
		err = gateway.Resolve(ctx, tx, s.IDs, now, &inv, &d, gateway.Resolution{Arrived: arrived, By: actor, Code: "resolved", Reason: reason})
		if err != nil || arrived {
			return err
		}
		t, err := tx.Tenant(ctx)
		if err != nil {
			return err
		}
		return NextRoute(ctx, tx, s.IDs, now, t, inv, d)
	})
	return d, err
}

// signOf is what proves that a delivery arrived: the customer's answer, or what
// a server said later. A person's word does not stand against it.
func signOf(inv gateway.Invoice, delivery string) string {
	if answer := inv.Status.Answer().State; answer != "" {
		return answer
	}
	if state := inv.Status.Deliveries[delivery].State; slices.Contains([]string{"relayed", "received", "delivered"}, state) {
		return state
	}
	return ""
}

// Resend queues an invoice again by the customer's first route. It is allowed
// only when every delivery so far certainly did not arrive.
func (s *Desk) Resend(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor) (gateway.Invoice, error) {
	var row gateway.Invoice
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if row, err = tx.Invoice(ctx, id); err != nil {
			return err
		}
		if row.State != gateway.InvoiceReady && row.State != gateway.InvoiceSent {
			return gateway.ErrState.With("the invoice is "+string(row.State), nil).For(id)
		}
		deliveries, err := tx.InvoiceDeliveries(ctx, id)
		if err != nil {
			return err
		}
		if answer := row.Status.Answer().State; answer != "" {
			return gateway.ErrState.With("the invoice arrived: it is "+answer, nil).For(id)
		}
		for _, d := range deliveries {
			if d.State != gateway.DeliveryFailed && row.Status.Deliveries[d.ID].State != "bounced" {
				return gateway.ErrState.With("a delivery of this invoice is "+string(d.State)+": it may have arrived", nil).For(d.ID)
			}
		}
		documents, err := tx.InvoiceDocuments(ctx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(documents, func(d gateway.Document) bool { return d.Role == "invoice" })
		if i < 0 {
			return gateway.ErrState.With("the invoice has no document", nil).For(id)
		}
		t, err := tx.Tenant(ctx)
		if err != nil {
			return err
		}
		who, err := records.ByID(ctx, tx, row.LegalEntity, row.Customer, s.Clock.Now())
		if err != nil {
			return err
		}
		if err := s.event(ctx, tx, &row, actor, gateway.EventInvoiceReleased, map[string]string{"what": "resend"}); err != nil {
			return err
		}
		queued, err := queue(ctx, tx, s.IDs, s.Clock.Now(), t, &row, documents[i].SHA256, who.Entity.Value, who.Customer.Value, 0)
		if err == nil && !queued {
			err = gateway.ErrState.With("the customer's record has no route that can be used", nil).For(id)
		}
		return err
	})
	return row, err
}

func (s *Desk) event(ctx context.Context, tx gateway.Tx, row *gateway.Invoice, actor gateway.Actor, kind gateway.EventType, data any) error {
	now := s.Clock.Now()
	return gateway.Append(ctx, tx, row, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: actor,
		InvoiceID: row.ID, OrderID: row.OrderID, ExternalID: row.ExternalID, Data: mustJSON(data),
	})
}
