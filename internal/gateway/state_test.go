package gateway

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tables are written out in full: each pair of states either is a move or is not.
func TestInvoiceMoves(t *testing.T) {
	want := map[InvoiceState]map[InvoiceState]bool{
		InvoiceDraft: {InvoiceHeld: true, InvoiceRejected: true, InvoiceReady: true, InvoiceCancelled: true},
		InvoiceHeld:  {InvoiceDraft: true, InvoiceRejected: true, InvoiceCancelled: true},
		InvoiceReady: {InvoiceSent: true, InvoiceSuperseded: true},
		InvoiceSent:  {InvoiceClosed: true, InvoiceSuperseded: true},
	}
	for _, from := range InvoiceStates {
		for _, to := range InvoiceStates {
			inv := Invoice{ID: "inv_1", State: from}
			err := inv.Move(to)
			if allowed := want[from][to]; allowed != (err == nil) || allowed != (inv.State == to && from != to) {
				t.Errorf("%s → %s: allowed %v, got %v and state %s", from, to, allowed, err, inv.State)
			}
			if err != nil && Code(err) != "state" {
				t.Errorf("%s → %s: code %s", from, to, Code(err))
			}
		}
		if from.Final() != (len(want[from]) == 0) {
			t.Errorf("%s: Final is %v", from, from.Final())
		}
	}
}

func TestDeliveryMoves(t *testing.T) {
	want := map[DeliveryState][]DeliveryState{
		DeliveryQueued:   {DeliverySending, DeliveryFailed},
		DeliverySending:  {DeliveryRetrying, DeliveryAccepted, DeliveryUnknown, DeliveryFailed},
		DeliveryRetrying: {DeliverySending, DeliveryFailed},
		DeliveryUnknown:  {DeliverySending, DeliveryAccepted, DeliveryFailed},
	}
	for _, from := range DeliveryStates {
		for _, to := range DeliveryStates {
			d := Delivery{State: from}
			if allowed := slices.Contains(want[from], to); allowed != (d.Move(to) == nil) {
				t.Errorf("%s → %s: want allowed %v", from, to, allowed)
			}
		}
	}
}

func TestInboundMoves(t *testing.T) {
	want := map[InboundState][]InboundState{
		InboundReceived:  {InboundQuarantined, InboundAvailable},
		InboundAvailable: {InboundForwarded},
	}
	for _, from := range InboundStates {
		for _, to := range InboundStates {
			in := Inbound{State: from}
			if allowed := slices.Contains(want[from], to); allowed != (in.Move(to) == nil) {
				t.Errorf("%s → %s: want allowed %v", from, to, allowed)
			}
		}
	}
}

// Every state but the first must be reachable, or it is dead weight.
func TestStatesReachable(t *testing.T) {
	seen := map[InvoiceState]bool{InvoiceDraft: true}
	for range InvoiceStates {
		for _, from := range InvoiceStates {
			for _, to := range InvoiceStates {
				if seen[from] && from.CanMove(to) {
					seen[to] = true
				}
			}
		}
	}
	for _, s := range InvoiceStates {
		if !seen[s] {
			t.Errorf("%s cannot be reached", s)
		}
	}
	if diff := cmp.Diff(len(invoiceMoves)+4, len(InvoiceStates)); diff != "" {
		t.Error(diff)
	}
}
