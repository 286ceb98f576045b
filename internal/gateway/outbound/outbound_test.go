package outbound_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/validation"
)

func TestOrderBecomesSentInvoice(t *testing.T) {
	w := newWorld(t)
	_, err := w.submit("k1", orderJSON("PO-1", "on_order", 3))
	w.must(err)
	w.drain()
	inv := w.only()
	if inv.State != gateway.InvoiceSent || inv.Number != "FA-2026-001" || inv.Total.String() != "36.00" || inv.DueDate != "2026-12-20" {
		t.Fatalf("got %s %s %s due %s (%s %s)", inv.State, inv.Number, inv.Total, inv.DueDate, inv.Hold, inv.HoldDetail)
	}
	if got := inv.Status.Transport(); got.State != "received" || got.Grade != gateway.GradeStrong {
		t.Errorf("transport: %+v", got)
	}
	want := []gateway.EventType{
		gateway.EventInvoiceDrafted, gateway.EventInvoiceReady, gateway.EventDeliveryQueued, gateway.EventDeliveryAttempt,
		gateway.EventInvoiceSent, gateway.EventDeliveryReceipt,
	}
	if diff := cmp.Diff(want, w.eventTypes(inv.ID)); diff != "" {
		t.Error(diff)
	}
	if len(w.peer.messages) != 1 || !bytes.Contains(w.peer.messages[0].Body, []byte("FA-2026-001")) {
		t.Errorf("%d messages", len(w.peer.messages))
	}
}

// One idempotency key gives one order and equal answers, however often and at once.
func TestTenSubmissionsAtOnce(t *testing.T) {
	w := newWorld(t)
	body := orderJSON("PO-1", "on_order", 1)
	answers := make([]outbound.Answer, 10)
	errs := make([]error, 10)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i], errs[i] = w.submit("k1", body) })
	}
	wg.Wait()
	for i := range answers {
		w.must(errs[i])
		if answers[i].Ref != answers[0].Ref || !bytes.Equal(answers[i].Body, answers[0].Body) {
			t.Errorf("answer %d differs", i)
		}
	}
	w.drain()
	w.only()
}

func TestSameOrderUnderAnotherKey(t *testing.T) {
	w := newWorld(t)
	first, err := w.submit("k1", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	_, err = w.submit("k2", orderJSON("PO-1", "on_order", 1))
	var duplicate *gateway.Error
	if !errors.As(err, &duplicate) || duplicate.Code != "duplicate" || duplicate.Ref != first.Ref {
		t.Errorf("got %v", err)
	}
	if _, err = w.submit("k1", orderJSON("PO-2", "on_order", 1)); gateway.Code(err) != "idempotency_key_reused" {
		t.Errorf("another body under one key: %v", err)
	}
	w.drain()
	w.only()
}

func TestNumbersHaveNoGapsAndHeldInvoicesTakeNone(t *testing.T) {
	w := newWorld(t)
	w.checks.find = func(document []byte) []validation.Verdict {
		if bytes.Contains(document, []byte("<cbc:ID>PO-3</cbc:ID>")) {
			return []validation.Verdict{ruleSet.Judged([]validation.Finding{{Rule: "BR-1", Severity: validation.SeverityFatal, Message: "no"}})}
		}
		return []validation.Verdict{ruleSet.Judged(nil)}
	}
	for i := range 6 {
		_, err := w.submit(fmt.Sprint(i), orderJSON(fmt.Sprintf("PO-%d", i), "on_order", 1))
		w.must(err)
	}
	w.drain()
	var numbers []string
	for _, inv := range w.invoices() {
		if inv.State == gateway.InvoiceHeld {
			if inv.Number != "" || inv.Hold != "rules" || !strings.Contains(string(inv.HoldDetail), "BR-1") {
				t.Errorf("held invoice has number %q, hold %q", inv.Number, inv.Hold)
			}
			continue
		}
		numbers = append(numbers, inv.Number)
	}
	slices.Sort(numbers)
	if diff := cmp.Diff([]string{"FA-2026-001", "FA-2026-002", "FA-2026-003", "FA-2026-004", "FA-2026-005"}, numbers); diff != "" {
		t.Error(diff)
	}
}

// A check that did not run stops an invoice like one that failed.
func TestCheckThatDidNotRunHolds(t *testing.T) {
	w := newWorld(t)
	w.checks.find = func([]byte) []validation.Verdict {
		return []validation.Verdict{ruleSet.NotRun(validation.ReasonMissing, "the rule pack is not there")}
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceHeld || len(w.peer.messages) != 0 {
		t.Errorf("state %s, %d messages", inv.State, len(w.peer.messages))
	}
	w.checks.find = func([]byte) []validation.Verdict { return nil } // no verdict at all
	_, err = w.desk.Release(t.Context(), tenant, w.only().ID, gateway.System)
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State == gateway.InvoiceSent {
		t.Error("an invoice that nothing checked was sent")
	}
}

func TestOverrideNeedsAPersonAndCoversWhatTheySaw(t *testing.T) {
	w := newWorld(t)
	rule := "BR-1"
	w.checks.find = func([]byte) []validation.Verdict {
		return []validation.Verdict{ruleSet.Judged([]validation.Finding{{Rule: rule, Severity: validation.SeverityFatal, Message: "no"}})}
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	id := w.only().ID
	if _, err := w.desk.Override(t.Context(), tenant, id, gateway.Actor{Kind: "api_key", ID: "k"}, "because"); gateway.Code(err) != "forbidden" {
		t.Errorf("a program overrode: %v", err)
	}
	person := gateway.Actor{Kind: "user", ID: "usr_1", Name: "Éva Lefèvre"}
	if _, err := w.desk.Override(t.Context(), tenant, id, person, "  "); gateway.Code(err) != "invalid" {
		t.Errorf("an override without reason: %v", err)
	}
	rule = "BR-2" // by the time it is checked again, something else is wrong
	_, err = w.desk.Override(t.Context(), tenant, id, person, "agreed by telephone")
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceHeld {
		t.Fatalf("a finding nobody saw passed: %s", inv.State)
	}
	_, err = w.desk.Override(t.Context(), tenant, id, person, "agreed by telephone")
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent {
		t.Errorf("state %s", inv.State)
	}
}

// Findings that were let pass are those of the invoice as it was: once it is
// corrected, a person decides anew.
func TestOverrideEndsWithACorrection(t *testing.T) {
	w := newWorld(t)
	rules := []string{"BR-1"}
	w.checks.find = func([]byte) []validation.Verdict {
		var findings []validation.Finding
		for _, rule := range rules {
			findings = append(findings, validation.Finding{Rule: rule, Severity: validation.SeverityFatal, Message: "no"})
		}
		return []validation.Verdict{ruleSet.Judged(findings)}
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	id := w.only().ID
	rules = []string{"BR-1", "BR-2"} // holds it in spite of the override
	_, err = w.desk.Override(t.Context(), tenant, id, person, "agreed by telephone")
	w.must(err)
	w.drain()
	rules = []string{"BR-1"}
	_, err = w.desk.Correct(t.Context(), tenant, id, person, []byte(`{"buyer_reference":"X"}`))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceHeld || len(w.peer.messages) != 0 {
		t.Errorf("%s, %d messages: the finding of the corrected invoice passed", inv.State, len(w.peer.messages))
	}
}

func TestMissingRecordHoldsAndReleaseCompletes(t *testing.T) {
	w := newWorld(t)
	body := strings.ReplaceAll(orderJSON("PO-1", "on_order", 2), "SKU-1", "SKU-NEW")
	_, err := w.submit("k", body)
	w.must(err)
	w.drain()
	inv := w.only()
	if inv.State != gateway.InvoiceHeld || inv.Hold != "records" || !strings.Contains(string(inv.HoldDetail), "BT-151") {
		t.Fatalf("%s %s %s", inv.State, inv.Hold, inv.HoldDetail)
	}
	if _, err := w.desk.Release(t.Context(), tenant, inv.ID, gateway.System); gateway.Code(err) != "state" {
		t.Errorf("released although still missing: %v", err)
	}
	w.put(gateway.RecordItem, "sku-new", `{"seller_id":"SKU-NEW","name":"Écrou","unit":"C62","vat":{"category":"S","rate":"20"}}`)
	_, err = w.desk.Release(t.Context(), tenant, inv.ID, gateway.System)
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || inv.Total.String() != "24.00" {
		t.Errorf("%s %s %s", inv.State, inv.Total, inv.HoldDetail)
	}
}

func TestPartialDeliveries(t *testing.T) {
	w := newWorld(t)
	answer, err := w.submit("k", orderJSON("PO-1", "on_delivery", 10))
	w.must(err)
	w.drain()
	if n := len(w.invoices()); n != 0 {
		t.Fatalf("%d invoices before any delivery", n)
	}
	deliver := func(note string, quantity int) error {
		body := fmt.Sprintf(`{"id":%q,"order_number":"PO-1","date":"2026-11-20","lines":[{"id":"1","order_line":"1","quantity":"%d"}]}`, note, quantity)
		d, err := order.ReadDeliveryJSON(strings.NewReader(body))
		w.must(err)
		_, err = w.intake.SubmitDelivery(t.Context(), tenant, answer.Ref, outbound.Submission{Key: note + fmt.Sprint(quantity), Actor: gateway.System, Source: []byte(body), SourceType: "application/json"}, d)
		return err
	}
	w.must(deliver("DN-1", 4))
	w.drain()
	if err := deliver("DN-1", 5); gateway.Code(err) != "duplicate" {
		t.Errorf("the same note again: %v", err)
	}
	w.must(deliver("DN-2", 9)) // more than is left of the order
	w.drain()
	var lines []string
	for _, inv := range w.invoices() {
		lines = append(lines, inv.Total.String())
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"48.00", "72.00"}, lines); diff != "" { // 4 and 6 pieces, never 13
		t.Error(diff)
	}
}

func TestCreditNeverTakesBackMoreThanInvoiced(t *testing.T) {
	w := newWorld(t)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 5))
	w.must(err)
	w.drain()
	original := w.only()
	credit := func(key string, quantity string) error {
		sel := billing.Selection{Reason: "broken"}
		if quantity != "" {
			q := invoice.MustDecimal(quantity)
			sel.Lines = []billing.SelectedLine{{Line: "1", Quantity: &q}}
		}
		_, err := w.desk.Credit(t.Context(), tenant, original.ID, outbound.Submission{Key: key, Actor: gateway.System, Source: []byte(key)}, sel)
		return err
	}
	w.must(credit("c1", "2"))
	if err := credit("c2", "4"); gateway.Code(err) != "invalid" {
		t.Errorf("7 of 5 credited: %v", err)
	}
	w.must(credit("c3", ""))
	w.drain()
	if err := credit("c4", ""); gateway.Code(err) != "invalid" {
		t.Errorf("credited again: %v", err)
	}
	var got []string
	for _, inv := range w.invoices() {
		if inv.CreditOf != "" {
			got = append(got, inv.Number+" "+inv.Total.String()+" "+string(inv.State))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"CN-FA-2026-001 24.00 sent", "CN-FA-2026-002 36.00 sent"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRetryKeepsMessageAndBytes(t *testing.T) {
	w := newWorld(t)
	busy := transport.Receipt{Outcome: transport.Temporary, Code: "http.status_503"}
	w.peer.answers = []transport.Receipt{busy, busy, {Outcome: transport.Accepted, Kind: transport.KindSignedReceipt}}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	if d := w.deliveries(w.only().ID)[0]; d.State != gateway.DeliveryRetrying || d.NextAt == nil {
		t.Fatalf("%s %v", d.State, d.NextAt)
	}
	for range 2 {
		w.clock.advance(10 * time.Second)
		w.drain()
	}
	if d := w.deliveries(w.only().ID)[0]; d.State != gateway.DeliveryAccepted || d.Attempts != 3 {
		t.Errorf("%s after %d attempts", d.State, d.Attempts)
	}
	for _, m := range w.peer.messages[1:] {
		if m.ID != w.peer.messages[0].ID || !bytes.Equal(m.Body, w.peer.messages[0].Body) {
			t.Error("a retry is not the same message")
		}
	}
}

// A message that may have arrived is never sent to a peer that would take it
// twice, and never starts another route.
func TestUnknownStaysUnknown(t *testing.T) {
	w := newWorld(t)
	w.peer.idempotent = false
	w.peer.answers = []transport.Receipt{{Outcome: transport.Unknown, Code: "http.no_answer"}}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	w.clock.advance(100 * time.Hour)
	w.drain()
	inv := w.only()
	deliveries := w.deliveries(inv.ID)
	if len(deliveries) != 1 || deliveries[0].State != gateway.DeliveryUnknown || len(w.peer.messages) != 1 || inv.State != gateway.InvoiceReady {
		t.Fatalf("%d deliveries, %s, %d messages, %s", len(deliveries), deliveries[0].State, len(w.peer.messages), inv.State)
	}
	if _, err := w.desk.Resend(t.Context(), tenant, inv.ID, gateway.System); gateway.Code(err) != "state" {
		t.Errorf("sent again although it may have arrived: %v", err)
	}
	w.peer.answers = []transport.Receipt{{Outcome: transport.Accepted, Kind: transport.KindHTTP}}
	_, err = w.desk.Resolve(t.Context(), tenant, deliveries[0].ID, gateway.Actor{Kind: "user", ID: "u", Name: "N"}, false, "they never got it")
	w.must(err)
	w.drain()
	deliveries = w.deliveries(inv.ID)
	if len(deliveries) != 2 || deliveries[0].State != gateway.DeliveryFailed || deliveries[1].State != gateway.DeliveryAccepted || deliveries[1].MessageID == deliveries[0].MessageID {
		t.Errorf("after the word of a person: %+v", deliveries)
	}
}

// Once a message may have arrived, a refusal or a busy answer to a later try does
// not prove that it did not: no other route may start.
func TestDoubtIsNotRemovedByALaterRefusal(t *testing.T) {
	for _, later := range []transport.Outcome{transport.Rejected, transport.Temporary} {
		w := newWorld(t)
		w.peer.answers = []transport.Receipt{{Outcome: transport.Unknown, Code: "http.no_answer"}, {Outcome: later, Code: "http.status"}}
		_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
		w.must(err)
		w.drain()
		for range 5 {
			w.clock.advance(30 * time.Minute)
			w.drain()
		}
		deliveries := w.deliveries(w.only().ID)
		if len(deliveries) != 1 || deliveries[0].State != gateway.DeliveryUnknown || deliveries[0].Attempts < 2 {
			t.Errorf("%s: %d deliveries, %s after %d attempts", later, len(deliveries), deliveries[0].State, deliveries[0].Attempts)
		}
		w.clock.advance(100 * time.Hour)
		before := len(w.peer.messages)
		w.drain()
		w.clock.advance(100 * time.Hour)
		w.drain()
		if len(w.peer.messages) > before+1 {
			t.Errorf("%s: it is asked for ever", later)
		}
	}
}

func TestRejectedRouteStartsTheNextAndThenStops(t *testing.T) {
	w := newWorld(t)
	w.peer.answers = []transport.Receipt{{Outcome: transport.Rejected, Code: "http.status_403"}}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	deliveries := w.deliveries(w.only().ID)
	if len(deliveries) != 2 || deliveries[0].Route.Address == deliveries[1].Route.Address {
		t.Fatalf("%d deliveries", len(deliveries))
	}
	for _, d := range deliveries {
		if d.State != gateway.DeliveryFailed {
			t.Errorf("%s", d.State)
		}
	}
	if inv := w.only(); inv.State != gateway.InvoiceReady || inv.Status.Transport().State != "failed" {
		t.Errorf("%s %s", inv.State, inv.Status.Transport().State)
	}
}

// A customer without a route leaves the invoice for a person, who is told; with
// one it can be sent.
func TestNoRouteIsTold(t *testing.T) {
	w := newWorld(t)
	routes := buyer[strings.Index(buyer, `"routes"`):]
	w.put(gateway.RecordCustomer, "buyer", strings.Replace(buyer, routes, `"routes":[]}`, 1))
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	inv := w.only()
	if types := w.eventTypes(inv.ID); inv.State != gateway.InvoiceReady || inv.Status.Transport().State != "failed" || !slices.Contains(types, gateway.EventDeliveryFailed) {
		t.Errorf("%s, %s, %v", inv.State, inv.Status.Transport().State, types)
	}
	if _, err := w.desk.Resend(t.Context(), tenant, inv.ID, person); gateway.Code(err) != "state" {
		t.Errorf("sent by no route: %v", err)
	}
	w.put(gateway.RecordCustomer, "buyer", buyer)
	_, err = w.desk.Resend(t.Context(), tenant, inv.ID, person)
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || inv.Status.Transport().State != "received" {
		t.Errorf("%s, %s", inv.State, inv.Status.Transport().State)
	}
}

// A worker whose lease ran out cannot write, whatever it was told meanwhile.
func TestLateWorkerCannotWrite(t *testing.T) {
	w := newWorld(t)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	due, err := w.store.System().DueTasks(t.Context(), w.clock.Now(), gateway.Wakeup{}, 1)
	w.must(err)
	late, err := w.store.System().ClaimTask(t.Context(), tenant, due[0].TaskID, "late", w.clock.Now(), time.Second)
	w.must(err)
	w.clock.advance(time.Minute)
	w.drain() // another worker takes over
	if err := w.handlers[late.Kind].Handle(t.Context(), late); !errors.Is(err, gateway.ErrLeaseLost) && !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("the late worker got %v", err)
	}
	w.only()
}

func TestCorrection(t *testing.T) {
	w := newWorld(t)
	w.checks.find = func(document []byte) []validation.Verdict {
		if !bytes.Contains(document, []byte("CC-7720")) {
			return []validation.Verdict{ruleSet.Judged([]validation.Finding{{Rule: "profile.cost_centre", Severity: validation.SeverityError, Message: "no"}})}
		}
		return []validation.Verdict{ruleSet.Judged(nil)}
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	id := w.only().ID
	for _, bad := range []string{`{"totals":{"with_vat":"1.00"}}`, `{"number":"X"}`, `{"lines":[{"id":"1","quantity":"2"}]}`, `{"lines":[{"id":"9"}]}`, `[]`, `{"buyer_reference":7}`, `{"nonsense":1}`} {
		if _, err := w.desk.Correct(t.Context(), tenant, id, gateway.System, []byte(bad)); gateway.Code(err) != "invalid" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if w.only().State != gateway.InvoiceHeld {
		t.Fatal("a refused correction changed the invoice")
	}
	_, err = w.desk.Correct(t.Context(), tenant, id, gateway.System, []byte(`{"buyer_accounting_reference":"CC-7720","lines":[{"id":"1","note":"merci"}]}`))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || !bytes.Contains(inv.Model, []byte("merci")) {
		t.Errorf("%s", inv.State)
	}
}

// Text that no document can carry holds the invoice with its place; it is not
// tried again for ever.
func TestWhatUBLCannotCarryHolds(t *testing.T) {
	w := newWorld(t)
	w.put(gateway.RecordItem, "sku-1", `{"seller_id":"SKU-1","name":"Vis\u0001","unit":"C62","vat":{"category":"S","rate":"20"}}`)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceHeld || !strings.Contains(string(inv.HoldDetail), "ubl.character") {
		t.Errorf("%s: %s", inv.State, inv.HoldDetail)
	}
}
