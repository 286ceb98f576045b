package inbound_test

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
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/network/response"
	"facteur.dev/facteur/validation"
)

func TestGoodDocumentBecomesAvailable(t *testing.T) {
	w := newWorld(t)
	in := w.receive("m1", document(t, "goods", ""))
	w.Drain(w.handlers)
	in = w.inbound(in.ID)
	if in.State != gateway.InboundAvailable || in.Number != "F-2026-1042" || in.SellerKey != "vat::FR32552032534|2026|invoice" || in.DuplicateOf != "" || !bytes.Contains(in.Model, []byte("F-2026-1042")) {
		t.Errorf("%+v", in)
	}
	if diff := cmp.Diff([]gateway.EventType{gateway.EventInboundReceived, gateway.EventInboundChecked, gateway.EventInboundAvailable}, w.Events(gateway.EventFilter{InboundID: in.ID})); diff != "" {
		t.Error(diff)
	}
	if v, _ := w.verdict(in.ID); !v.Valid || v.SHA256 != in.SHA256 {
		t.Errorf("%+v", v)
	}
	if n := len(w.replies(in.ID)); n != 0 {
		t.Errorf("%d replies to a good document", n)
	}
}

// Fatal findings: not forwarded, and the sender is told, once, by a Message Level
// Response whose delivery is queued.
func TestFatalFindingsQuarantine(t *testing.T) {
	for _, severity := range []validation.Severity{validation.SeverityFatal, validation.SeverityError, "grave"} {
		w := newWorld(t)
		w.hook("whk_1", "https://ap.example/hook", nil)
		w.checker.finds(severity)
		in := w.receive("m1", document(t, "goods", ""))
		w.Drain(w.handlers)
		in = w.inbound(in.ID)
		if in.State != gateway.InboundQuarantined || len(w.systems.posted) != 0 {
			t.Fatalf("%s: %s, forwarded %d times", severity, in.State, len(w.systems.posted))
		}
		want := []gateway.EventType{gateway.EventInboundReceived, gateway.EventInboundChecked, gateway.EventInboundQuarantined, gateway.EventInboundAnswered}
		if diff := cmp.Diff(want, w.Events(gateway.EventFilter{InboundID: in.ID})); diff != "" {
			t.Error(diff)
		}
		replies := w.replies(in.ID)
		if len(replies) != 1 || replies[0].State != gateway.DeliveryQueued || replies[0].Purpose != "answer" || replies[0].Route.Address != "https://them.example/in" ||
			replies[0].Route.Receiver != them || replies[0].Route.Sender != us {
			t.Fatalf("%+v", replies)
		}
		due := w.Due(gateway.TaskSendDelivery)
		if len(due) != 1 {
			t.Fatalf("%d deliveries are due", len(due))
		}
		body, err := w.Blobs.Get(t.Context(), tenant, replies[0].DocumentSHA256)
		w.Must(err)
		m, err := response.ReadMessage(body)
		w.Must(err)
		if m.Code != response.Rejected || m.MessageID != "m1" || m.Sender != (invoice.Identifier{Value: "000234567", Scheme: "0225"}) || m.Receiver != (invoice.Identifier{Value: "552032534", Scheme: "0225"}) ||
			!slices.Equal(m.Findings, []response.Finding{{Location: "/ubl:Invoice[1]", Description: "[BR-X] no", Reason: response.ReasonFatal}}) {
			t.Errorf("%+v", m)
		}
		// Repeated by the sender and handled again, nothing more is said.
		_, err = w.door.Accept(t.Context(), message("m1", document(t, "goods", "")))
		w.Must(err)
		w.Drain(w.handlers)
		if n := len(w.replies(in.ID)); n != 1 {
			t.Errorf("told %d times", n)
		}
		if _, err := w.desk.Acknowledge(t.Context(), tenant, in.ID, gateway.System); gateway.Code(err) != "state" {
			t.Errorf("acknowledged: %v", err)
		}
	}
}

func TestWarningsNeverReject(t *testing.T) {
	for _, severity := range []validation.Severity{validation.SeverityWarning, validation.SeverityInfo} {
		w := newWorld(t)
		w.checker.finds(severity)
		in := w.receive("m1", document(t, "goods", ""))
		w.Drain(w.handlers)
		if in = w.inbound(in.ID); in.State != gateway.InboundAvailable || len(w.replies(in.ID)) != 0 {
			t.Errorf("%s: %s, %d replies", severity, in.State, len(w.replies(in.ID)))
		}
		if v, r := w.verdict(in.ID); !v.Valid || len(rulesFound(r)) != 1 {
			t.Errorf("%s: %+v", severity, r)
		}
	}
}

// A check of ours that did not run says nothing about the document: it is neither
// passed nor rejected, and checked again later.
func TestCheckThatDidNotRun(t *testing.T) {
	for name, verdicts := range map[string][]validation.Verdict{
		"missing rules": {rules.Judged(nil), rules.NotRun(validation.ReasonMissing, "x")},
		"changed rules": {rules.NotRun(validation.ReasonChanged, "x")},
		"broken rules":  {rules.NotRun(validation.ReasonBroken, "x")},
		"crash":         {rules.NotRun(validation.ReasonPanic, "x")},
		"deadline":      {rules.NotRun(validation.ReasonDeadline, "x")},
		"other":         {rules.NotRun(validation.ReasonInternal, "x")},
		"no reason":     {{Stage: "x", RuleSet: "x"}},
		"no check":      nil,
		"findings, and one that did not run": {
			rules.Judged([]validation.Finding{{Rule: "BR-X", Severity: validation.SeverityFatal, Message: "no"}}), rules.NotRun(validation.ReasonDeadline, "x"),
		},
	} {
		w := newWorld(t)
		w.checker.find = func([]byte) []validation.Verdict { return verdicts }
		in := w.receive("m1", document(t, "goods", ""))
		for range 3 {
			if failed := w.Pass(w.handlers); len(failed) != 1 {
				t.Fatalf("%s: %v", name, failed)
			}
			if got := w.inbound(in.ID); got.State != gateway.InboundReceived || len(w.replies(in.ID)) != 0 {
				t.Fatalf("%s: %s, %d replies", name, got.State, len(w.replies(in.ID)))
			}
			w.Clock.Advance(2 * time.Minute)
		}
		w.checker.find = nil
		w.Drain(w.handlers)
		if got := w.inbound(in.ID); got.State != gateway.InboundAvailable {
			t.Errorf("%s: then %s", name, got.State)
		}
		if got := w.Events(gateway.EventFilter{InboundID: in.ID}); len(got) != 3 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Rules that stop on a document, or do not know it, are the document's fault.
func TestDocumentThatTheRulesStopOn(t *testing.T) {
	for _, reason := range []string{validation.ReasonDynamic, validation.ReasonUnknown, validation.ReasonLimit} {
		w := newWorld(t)
		w.checker.find = func([]byte) []validation.Verdict {
			return []validation.Verdict{rules.Judged(nil), rules.NotRun(reason, "it stops at line 7")}
		}
		in := w.receive("m1", document(t, "goods", ""))
		w.Drain(w.handlers)
		replies := w.replies(in.ID)
		if got := w.inbound(in.ID); got.State != gateway.InboundQuarantined || len(replies) != 1 {
			t.Fatalf("%s: %s, %d replies", reason, got.State, len(replies))
		}
		body, err := w.Blobs.Get(t.Context(), tenant, replies[0].DocumentSHA256)
		w.Must(err)
		if m, err := response.ReadMessage(body); err != nil || len(m.Findings) != 1 || !strings.Contains(m.Findings[0].Description, "it stops at line 7") {
			t.Errorf("%s: %+v %v", reason, m, err)
		}
	}
}

// What the rules pass and we cannot read is not passed on in silence.
func TestUnreadableDocument(t *testing.T) {
	w := newWorld(t)
	in := w.receive("m1", []byte(`<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>`))
	w.Drain(w.handlers)
	_, r := w.verdict(in.ID)
	if got := w.inbound(in.ID); got.State != gateway.InboundQuarantined || len(w.replies(in.ID)) != 1 || !slices.Equal(rulesFound(r), []string{"unreadable fatal"}) || len(got.Model) != 0 {
		t.Errorf("%s, %d replies, %v", got.State, len(w.replies(in.ID)), rulesFound(r))
	}
	in = w.receive("m2", []byte(`<a><b></a>`))
	w.Drain(w.handlers)
	_, r = w.verdict(in.ID)
	if got := w.inbound(in.ID); got.State != gateway.InboundQuarantined || len(w.replies(in.ID)) != 1 || !slices.Equal(rulesFound(r), []string{"xml.malformed fatal"}) {
		t.Errorf("%s, %d replies, %v", got.State, len(w.replies(in.ID)), rulesFound(r))
	}
}

func TestRepeatedNumberIsAFinding(t *testing.T) {
	w := newWorld(t)
	check := func(id string, body []byte) gateway.Inbound {
		t.Helper()
		in := w.receive(id, body)
		w.Clock.Advance(time.Second)
		w.Drain(w.handlers)
		return w.inbound(in.ID)
	}
	goods := document(t, "goods", "")
	first := check("m1", goods)
	second := check("m2", append(goods, '\n'))
	third := check("m3", bytes.Replace(goods, []byte("FR32552032534"), []byte("fr 32 552032534"), 1))
	for _, in := range []gateway.Inbound{second, third} {
		_, r := w.verdict(in.ID)
		if in.State != gateway.InboundAvailable || in.DuplicateOf != first.ID || !slices.Equal(rulesFound(r), []string{"suspected-duplicate warning"}) || r.Verdicts[len(r.Verdicts)-1].Findings[0].Value != first.ID {
			t.Errorf("%s: duplicate of %q, %v", in.State, in.DuplicateOf, rulesFound(r))
		}
		if e := w.Only(gateway.EventFilter{InboundID: in.ID}, gateway.EventInboundChecked); !strings.Contains(string(e.Data), first.ID) {
			t.Errorf("%s", e.Data)
		}
	}
	for name, body := range map[string][]byte{
		"another number": document(t, "goods", "F-2026-1043"),
		"another year":   bytes.ReplaceAll(goods, []byte("<cbc:IssueDate>2026-"), []byte("<cbc:IssueDate>2025-")),
		"another seller": bytes.ReplaceAll(goods, []byte("FR32552032534"), []byte("FR33552032534")),
		"another kind":   bytes.Replace(document(t, "credit_note", ""), []byte("G-2026-0007"), []byte("F-2026-1042"), 1),
	} {
		if in := check(name, body); in.DuplicateOf != "" {
			t.Errorf("%s: duplicate of %s", name, in.DuplicateOf)
		}
	}
}

// Of two that are checked out of order or at once, exactly one is suspected.
func TestRepeatedNumberOutOfOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		goods := document(t, "goods", "")
		first := w.receive("m1", goods)
		w.Clock.Advance(time.Second)
		second := w.receive("m2", append(goods, '\n'))
		due := w.Due(gateway.TaskCheckInbound)
		for _, i := range []int{1, 0} {
			w.Must(w.handlers[gateway.TaskCheckInbound].Handle(t.Context(), w.Claim(due[i])))
		}
		if a, b := w.inbound(first.ID), w.inbound(second.ID); a.DuplicateOf != second.ID || b.DuplicateOf != "" {
			t.Errorf("%q %q", a.DuplicateOf, b.DuplicateOf)
		}

		for i := range 6 {
			w.receive(fmt.Sprint("n", i), append(document(t, "goods", "F-2"), bytes.Repeat([]byte("\n"), i)...))
		}
		var wg sync.WaitGroup
		for _, due := range w.Due(gateway.TaskCheckInbound) {
			task := w.Claim(due)
			wg.Go(func() {
				if err := w.handlers[gateway.TaskCheckInbound].Handle(t.Context(), task); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		suspected := 0
		for i := range 6 {
			if w.byMessage(fmt.Sprint("n", i)).DuplicateOf != "" {
				suspected++
			}
		}
		if suspected != 5 {
			t.Errorf("%d of 6 are suspected", suspected)
		}
	})
}

// A corrected document may carry the number of the one that was rejected.
func TestCorrectedDocumentIsNoDuplicate(t *testing.T) {
	w := newWorld(t)
	w.checker.finds(validation.SeverityFatal)
	w.receive("m1", document(t, "goods", ""))
	w.Drain(w.handlers)
	w.checker.find = nil
	in := w.receive("m2", document(t, "goods", ""))
	w.Drain(w.handlers)
	if in = w.inbound(in.ID); in.State != gateway.InboundAvailable || in.DuplicateOf != "" {
		t.Errorf("%s, duplicate of %q", in.State, in.DuplicateOf)
	}
}

func TestNumberOfAnySize(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		long := strings.Repeat("9é", 50_000)
		a := w.receive("m1", document(t, "goods", long))
		b := w.receive("m2", append(document(t, "goods", long), '\n'))
		c := w.receive("m3", document(t, "goods", " "))
		w.Drain(w.handlers)
		if a, b := w.inbound(a.ID), w.inbound(b.ID); len(a.Number) > 300 || b.DuplicateOf != a.ID || a.State != gateway.InboundAvailable {
			t.Errorf("%d bytes, duplicate of %q", len(a.Number), b.DuplicateOf)
		}
		if c := w.inbound(c.ID); c.Number != "" || c.DuplicateOf != "" {
			t.Errorf("no number: %q, duplicate of %q", c.Number, c.DuplicateOf)
		}
	})
}

// A crash in the middle of a check repeats it; nothing stands twice.
func TestCrashWhileChecking(t *testing.T) {
	for _, step := range []string{"inbound.judged", "inbound.before_check_commit"} {
		w := newWorld(t)
		w.checker.finds(validation.SeverityFatal)
		in := w.receive("m1", document(t, "goods", ""))
		checking := w.handlers[gateway.TaskCheckInbound].(*inbound.Checking)
		checking.Probe = func(s string) {
			if s == step {
				panic("killed")
			}
		}
		due := w.Due(gateway.TaskCheckInbound)[0]
		func() {
			defer func() { _ = recover() }()
			_ = checking.Handle(t.Context(), w.Claim(due))
			t.Errorf("%s: not killed", step)
		}()
		checking.Probe = nil
		w.Clock.Advance(2 * time.Minute) // the lease runs out
		w.Drain(w.handlers)
		if got := w.inbound(in.ID); got.State != gateway.InboundQuarantined || len(w.replies(in.ID)) != 1 || len(w.Events(gateway.EventFilter{InboundID: in.ID})) != 4 {
			t.Errorf("%s: %s, %d replies, %v", step, got.State, len(w.replies(in.ID)), w.Events(gateway.EventFilter{InboundID: in.ID}))
		}
	}
}

// A worker whose lease ran out cannot write.
func TestLateCheck(t *testing.T) {
	w := newWorld(t)
	in := w.receive("m1", document(t, "goods", ""))
	late := w.Claim(w.Due(gateway.TaskCheckInbound)[0])
	w.Clock.Advance(2 * time.Minute)
	w.Drain(w.handlers)
	if err := w.handlers[late.Kind].Handle(t.Context(), late); gateway.Code(err) != "lease_lost" {
		t.Errorf("got %v", err)
	}
	if v, _ := w.verdict(in.ID); !v.Valid {
		t.Errorf("%+v", v)
	}
}

// A response lands on the timeline of the invoice it answers; it is never
// answered itself, however bad it is, and never forwarded.
func TestResponses(t *testing.T) {
	w := newWorld(t)
	w.hook("whk_1", "https://ap.example/hook", nil)
	w.Write(func(tx gateway.Tx) error {
		inv := gateway.Invoice{ID: "inv_1", Number: "FA-1", IssueDate: "2026-11-02", Kind: "invoice", State: gateway.InvoiceSent, Model: []byte("{}"), CreatedAt: w.Clock.Now(), UpdatedAt: w.Clock.Now()}
		d := gateway.Delivery{
			ID: "del_1", InvoiceID: "inv_1", Purpose: "invoice", MessageID: "msg_1", State: gateway.DeliveryAccepted, CreatedAt: w.Clock.Now(), UpdatedAt: w.Clock.Now(),
			Route: gateway.Route{Channel: "https.gateway", Receiver: them},
		}
		return errors.Join(tx.InsertInvoice(t.Context(), &inv), tx.InsertDelivery(t.Context(), &d))
	})
	party := func(value, name string) response.Party {
		return response.Party{Endpoint: invoice.Identifier{Value: value, Scheme: "0225"}, Name: name}
	}
	body, err := response.WriteInvoice(response.Invoice{
		ID: "r", IssuedAt: w.Clock.Now(), Code: response.Accepted, Number: "FA-1", TypeCode: "380", Sender: party("552032534", "Them"), Receiver: party("000234567", "Us"),
	})
	w.Must(err)
	in := w.receive("m1", body)
	w.Drain(w.handlers)
	if got := w.inbound(in.ID); got.State != gateway.InboundForwarded || len(got.Model) != 0 {
		t.Errorf("%+v", got)
	}
	if e := w.Only(gateway.EventFilter{InvoiceID: "inv_1"}, gateway.EventAnswerApproved); e.Evidence != in.SHA256 || e.Actor.ID != them {
		t.Errorf("%+v", e)
	}

	for i, bad := range []struct {
		body []byte
		kind string
	}{{body, "invoice"}, {body[:len(body)-20], response.InvoiceCustomization}, {[]byte("%PDF"), response.MessageCustomization}} {
		w.checker.finds(validation.SeverityFatal)
		m := message(fmt.Sprint("bad", i), bad.body)
		m.DocumentType = bad.kind
		_, err := w.door.Accept(t.Context(), m)
		w.Must(err)
		w.Drain(w.handlers)
		if got := w.byMessage(m.MessageID); got.State != gateway.InboundQuarantined || len(w.replies(got.ID)) != 0 {
			t.Errorf("%d: %s, %d replies", i, got.State, len(w.replies(got.ID)))
		}
	}
	if len(w.systems.posted) != 0 {
		t.Errorf("%d responses were forwarded", len(w.systems.posted))
	}
	w.Only(gateway.EventFilter{InvoiceID: "inv_1"}, gateway.EventAnswerApproved)
}
