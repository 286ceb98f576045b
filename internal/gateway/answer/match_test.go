package answer_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/network/response"
	"facteur.dev/facteur/validation"
)

const (
	supplier = gatewaytest.Tenant
	theBuyer = "iso6523-actorid-upis::0225:000234567"
)

// shop is a supplier with invoices that were sent to one buyer.
type shop struct {
	*testing.T
	store   gateway.Store
	service *answer.Service
	now     time.Time
	taken   int
}

func newShop(t *testing.T) *shop {
	w := gatewaytest.New(t)
	return &shop{T: t, now: w.Clock.Now(), store: w.Store, service: &answer.Service{Store: w.Store, Blobs: w.Blobs, Clock: w.Clock, IDs: w.IDs}}
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) write(fn func(ctx context.Context, tx gateway.Tx) error) {
	s.Helper()
	s.must(s.store.For(supplier).Write(s.Context(), func(tx gateway.Tx) error { return fn(s.Context(), tx) }))
}

// sent is an invoice whose delivery to the buyer is in a state.
func (s *shop) sent(id, number, day string, state gateway.DeliveryState) {
	s.Helper()
	s.write(func(ctx context.Context, tx gateway.Tx) error {
		inv := gateway.Invoice{ID: id, Number: number, IssueDate: day, Kind: "invoice", State: gateway.InvoiceReady, Model: []byte("{}"), CreatedAt: s.now, UpdatedAt: s.now}
		if err := tx.InsertInvoice(ctx, &inv); err != nil {
			return err
		}
		d := gateway.Delivery{
			ID: "del_" + id, InvoiceID: id, Purpose: "invoice", MessageID: "msg_" + id, State: state, CreatedAt: s.now, UpdatedAt: s.now,
			Route: gateway.Route{Channel: "mail", Address: "ap@buyer.example", Receiver: theBuyer},
		}
		return tx.InsertDelivery(ctx, &d)
	})
}

// take lands a response of the buyer.
func (s *shop) take(r response.Invoice) {
	s.Helper()
	r.Sender = response.Party{Endpoint: invoice.Identifier{Scheme: "0225", Value: "000234567"}, Name: "Acheteur SAS"}
	r.Receiver = response.Party{Endpoint: invoice.Identifier{Scheme: "0225", Value: "000123456"}, Name: "Vendeur SAS"}
	r.EffectiveDate, r.TypeCode = invoice.DateOf(r.IssuedAt), "380"
	document, err := response.WriteInvoice(r)
	s.must(err)
	s.taken++
	in := gateway.Inbound{
		ID: fmt.Sprintf("inb_%d", s.taken), MessageID: fmt.Sprintf("m%d", s.taken), Sender: theBuyer, State: gateway.InboundReceived,
		SHA256: hex.EncodeToString(fmt.Appendf(nil, "%032d", s.taken)), CreatedAt: s.now, UpdatedAt: s.now,
	}
	s.write(func(ctx context.Context, tx gateway.Tx) error {
		if err := tx.InsertInbound(ctx, &in); err != nil {
			return err
		}
		return s.service.Take(ctx, tx, in, document)
	})
}

func (s *shop) invoice(id string) (inv gateway.Invoice) {
	s.Helper()
	s.must(s.store.For(supplier).Read(s.Context(), func(r gateway.Reader) (err error) {
		inv, err = r.Invoice(s.Context(), id)
		return err
	}))
	return inv
}

// An answer finds its invoice among many whose numbers look like it.
func TestAnswerFindsTheInvoiceAmongMany(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "1", "2026-11-02", gateway.DeliveryAccepted)
	for i := range 120 {
		s.sent(fmt.Sprintf("inv_b%03d", i), fmt.Sprint(1000+i), "2026-11-03", gateway.DeliveryAccepted)
	}
	s.take(response.Invoice{ID: "r", IssuedAt: s.now, Code: response.Accepted, Number: "1"})
	if got := s.invoice("inv_a").Status.Answer().State; got != "approved" {
		t.Errorf("%q", got)
	}
}

// Numbers start again each year: the day that the answer names decides.
func TestAnswerNamesTheDay(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2025-11-02", gateway.DeliveryAccepted)
	s.sent("inv_b", "7", "2026-11-02", gateway.DeliveryAccepted)
	day, err := invoice.ParseDate("2025-11-02")
	s.must(err)
	s.take(response.Invoice{ID: "r", IssuedAt: s.now, Code: response.Accepted, Number: "7", IssueDate: &day})
	if a, b := s.invoice("inv_a").Status.Answer().State, s.invoice("inv_b").Status.Answer().State; a != "approved" || b != "" {
		t.Errorf("%q %q", a, b)
	}
}

// Senders that give every answer the same id lose none of them.
func TestAnswersOfOneID(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	s.sent("inv_b", "8", "2026-11-02", gateway.DeliveryAccepted)
	for _, number := range []string{"7", "8"} {
		s.take(response.Invoice{ID: "1", IssuedAt: s.now, Code: response.Accepted, Number: number})
	}
	if a, b := s.invoice("inv_a").Status.Answer().State, s.invoice("inv_b").Status.Answer().State; a != "approved" || b != "approved" {
		t.Errorf("%q %q", a, b)
	}
}

// The last word counts, also where it names the day only or a day to come.
func TestLastWordOfADay(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	s.take(response.Invoice{ID: "1", IssuedAt: s.now.AddDate(1, 0, 0), Code: response.InProcess, Number: "7"})
	s.take(response.Invoice{ID: "2", IssuedAt: s.now.Add(-time.Hour), Code: response.InProcess, Number: "7"})
	s.take(response.Invoice{ID: "3", IssuedAt: s.now.Truncate(24 * time.Hour), DateOnly: true, Code: response.Accepted, Number: "7"})
	if got := s.invoice("inv_a").Status.Answer().State; got != "approved" {
		t.Errorf("%q", got)
	}
}

// Who answers has the invoice, whatever became of the letter's own acknowledgement.
func TestAnswerSettlesTheUnknown(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryUnknown)
	s.take(response.Invoice{ID: "1", IssuedAt: s.now, Code: response.InProcess, Number: "7"})
	var d gateway.Delivery
	s.must(s.store.For(supplier).Read(t.Context(), func(r gateway.Reader) (err error) {
		d, err = r.Delivery(t.Context(), "del_inv_a")
		return err
	}))
	if inv := s.invoice("inv_a"); d.State != gateway.DeliveryAccepted || inv.State != gateway.InvoiceSent {
		t.Errorf("%s, %s", d.State, inv.State)
	}
}

// A sender that no response can be addressed to does not keep its bad document
// from being quarantined.
func TestRejectWithoutAnAddress(t *testing.T) {
	s := newShop(t)
	in := gateway.Inbound{
		ID: "inb_1", MessageID: "m1", Sender: "somebody", Receiver: "0225:000123456", State: gateway.InboundQuarantined,
		ReplyTo: gateway.Route{Channel: "https.gateway", Address: "https://peer.example/in"}, CreatedAt: s.now, UpdatedAt: s.now,
	}
	s.write(func(ctx context.Context, tx gateway.Tx) error {
		if err := tx.InsertInbound(ctx, &in); err != nil {
			return err
		}
		return s.service.Reject(ctx, tx, supplier, &in, validation.Result{})
	})
	s.must(s.store.For(supplier).Read(t.Context(), func(r gateway.Reader) error {
		events, err := r.Timeline(t.Context(), gateway.EventFilter{InboundID: in.ID})
		if err == nil && (len(events) != 1 || events[0].Type != gateway.EventInboundAnswered) {
			t.Errorf("%+v", events)
		}
		return err
	}))
}
