package gateway

import (
	"slices"
)

// InvoiceState is where an outgoing invoice stands inside the gateway. What the
// other side did is told by [Status], not here.
type InvoiceState string

// States of an invoice.
const (
	InvoiceDraft      InvoiceState = "draft"
	InvoiceHeld       InvoiceState = "held"
	InvoiceRejected   InvoiceState = "rejected"
	InvoiceReady      InvoiceState = "ready"
	InvoiceSent       InvoiceState = "sent"
	InvoiceClosed     InvoiceState = "closed"
	InvoiceSuperseded InvoiceState = "superseded"
	InvoiceCancelled  InvoiceState = "cancelled"
)

// InvoiceStates lists all of them, in the order in which they are reached.
var InvoiceStates = []InvoiceState{
	InvoiceDraft, InvoiceHeld, InvoiceRejected, InvoiceReady,
	InvoiceSent, InvoiceClosed, InvoiceSuperseded, InvoiceCancelled,
}

// DeliveryState is where one channel's try to carry a document stands.
type DeliveryState string

// States of a delivery. Unknown means that the request may have arrived and
// nobody knows: it is never repeated under a new message id and never starts
// another route.
const (
	DeliveryQueued   DeliveryState = "queued"
	DeliverySending  DeliveryState = "sending"
	DeliveryRetrying DeliveryState = "retrying"
	DeliveryAccepted DeliveryState = "accepted"
	DeliveryUnknown  DeliveryState = "unknown"
	DeliveryFailed   DeliveryState = "failed"
)

// DeliveryStates lists all of them.
var DeliveryStates = []DeliveryState{
	DeliveryQueued, DeliverySending, DeliveryRetrying, DeliveryAccepted, DeliveryUnknown, DeliveryFailed,
}

// InboundState is where a received document stands.
type InboundState string

// States of a received document.
const (
	// InboundReceived: stored and receipted, not yet checked.
	InboundReceived InboundState = "received"
	// InboundQuarantined: fatal findings; not forwarded, the sender was told.
	InboundQuarantined InboundState = "quarantined"
	// InboundAvailable: checked, shown to the customer, waiting to be taken.
	InboundAvailable InboundState = "available"
	// InboundForwarded: the AP system took it (webhook, drop folder) or acknowledged it.
	InboundForwarded InboundState = "forwarded"
)

// InboundStates lists all of them.
var InboundStates = []InboundState{InboundReceived, InboundQuarantined, InboundAvailable, InboundForwarded}

// The one table of moves. A state that is missing as a key is final.
var (
	invoiceMoves = map[InvoiceState][]InvoiceState{
		InvoiceDraft: {InvoiceHeld, InvoiceReady, InvoiceRejected, InvoiceCancelled},
		// A held invoice goes back to draft when it was corrected, released or overridden.
		InvoiceHeld: {InvoiceDraft, InvoiceRejected, InvoiceCancelled},
		// From ready on the number is taken: it can be sent or superseded, never edited.
		InvoiceReady: {InvoiceSent, InvoiceSuperseded},
		InvoiceSent:  {InvoiceClosed, InvoiceSuperseded},
	}
	deliveryMoves = map[DeliveryState][]DeliveryState{
		DeliveryQueued:   {DeliverySending, DeliveryFailed},
		DeliverySending:  {DeliveryAccepted, DeliveryRetrying, DeliveryUnknown, DeliveryFailed},
		DeliveryRetrying: {DeliverySending, DeliveryFailed},
		// Unknown is resolved by the peer's answer to the same message id
		// (sending again under it), a receipt, or a person.
		DeliveryUnknown: {DeliverySending, DeliveryAccepted, DeliveryFailed},
	}
	inboundMoves = map[InboundState][]InboundState{
		InboundReceived:  {InboundQuarantined, InboundAvailable},
		InboundAvailable: {InboundForwarded},
	}
)

// CanMove tells whether an invoice may go from s to next.
func (s InvoiceState) CanMove(next InvoiceState) bool { return slices.Contains(invoiceMoves[s], next) }

// Final tells whether no move leads on from s.
func (s InvoiceState) Final() bool { return len(invoiceMoves[s]) == 0 }

// CanMove tells whether a delivery may go from s to next.
func (s DeliveryState) CanMove(next DeliveryState) bool {
	return slices.Contains(deliveryMoves[s], next)
}

// Final tells whether no move leads on from s.
func (s DeliveryState) Final() bool { return len(deliveryMoves[s]) == 0 }

// CanMove tells whether a received document may go from s to next.
func (s InboundState) CanMove(next InboundState) bool { return slices.Contains(inboundMoves[s], next) }

// Move changes the state of inv or refuses.
func (inv *Invoice) Move(next InvoiceState) error {
	if !inv.State.CanMove(next) {
		return ErrState.With("an invoice that is "+string(inv.State)+" cannot become "+string(next), nil).For(inv.ID)
	}
	inv.State = next
	return nil
}

// Move changes the state of d or refuses.
func (d *Delivery) Move(next DeliveryState) error {
	if !d.State.CanMove(next) {
		return ErrState.With("a delivery that is "+string(d.State)+" cannot become "+string(next), nil).For(d.ID)
	}
	d.State = next
	return nil
}

// Move changes the state of in or refuses.
func (in *Inbound) Move(next InboundState) error {
	if !in.State.CanMove(next) {
		return ErrState.With("a document that is "+string(in.State)+" cannot become "+string(next), nil).For(in.ID)
	}
	in.State = next
	return nil
}
