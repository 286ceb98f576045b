package gateway

import (
	"context"
	"encoding/json"
	"time"
)

// Resolution says what became of a delivery whose fate was unknown, and who says so.
type Resolution struct {
	Arrived bool
	By      Actor
	// Code is stable: "resolved" by a person, "report", "answer". Reason is for people.
	Code, Reason string
}

// Resolve settles a delivery that is unknown, so that nobody settles it once
// more. An invoice that arrived was sent. inv is zero for the delivery of an answer.
func Resolve(ctx context.Context, tx Tx, ids IDs, now time.Time, inv *Invoice, d *Delivery, r Resolution) error {
	next, kind := DeliveryFailed, EventDeliveryFailed
	if r.Arrived {
		next, kind = DeliveryAccepted, EventDeliveryAccepted
	}
	if err := d.Move(next); err != nil {
		return err
	}
	d.Code, d.Detail, d.UpdatedAt = r.Code, r.Reason, now
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	data, err := json.Marshal(map[string]any{"arrived": r.Arrived, "code": r.Code, "reason": r.Reason})
	if err != nil {
		return err
	}
	tell := func(kind EventType) error {
		return Append(ctx, tx, inv, Event{
			ID: ids.New(PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: r.By,
			InvoiceID: d.InvoiceID, InboundID: d.InboundID, DeliveryID: d.ID, ExternalID: inv.ExternalID, Data: data,
		})
	}
	for _, k := range []EventType{EventDeliveryResolved, kind} {
		if err := tell(k); err != nil {
			return err
		}
	}
	if !r.Arrived || inv.State != InvoiceReady {
		return nil
	}
	if err := inv.Move(InvoiceSent); err != nil {
		return err
	}
	inv.UpdatedAt = now
	if err := tx.UpdateInvoice(ctx, inv); err != nil {
		return err
	}
	return tell(EventInvoiceSent)
}
