package gateway

import "context"

// Append writes e and, when it was not told before, takes it into the status
// of inv, which is nil or zero for an event without an invoice. The invoice is
// written when its status changed.
func Append(ctx context.Context, tx Tx, inv *Invoice, e Event) error {
	written, err := tx.AppendEvent(ctx, e)
	if err != nil || !written {
		return err
	}
	if inv == nil || inv.ID == "" {
		return nil
	}
	next := inv.Status.Apply(e)
	if next.equal(inv.Status) {
		return nil
	}
	inv.Status, inv.UpdatedAt = next, e.RecordedAt
	return tx.UpdateInvoice(ctx, inv)
}
