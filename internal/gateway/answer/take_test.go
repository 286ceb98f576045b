package answer_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/network/response"
)

// parties of every response in these tests.
var (
	buyerParty  = response.Party{Endpoint: invoice.Identifier{Scheme: "0225", Value: "000234567"}, Name: "Acheteur SAS"}
	sellerParty = response.Party{Endpoint: invoice.Identifier{Scheme: "0225", Value: "000123456"}, Name: "Vendeur SAS"}
)

func (s *shop) response(r response.Invoice) []byte {
	s.Helper()
	r.Sender, r.Receiver = buyerParty, sellerParty
	if r.ID == "" {
		r.ID = "r-1"
	}
	if r.IssuedAt.IsZero() {
		r.IssuedAt = s.now
	}
	if r.TypeCode == "" {
		r.TypeCode = "380"
	}
	b, err := response.WriteInvoice(r)
	s.must(err)
	return b
}

// takeFrom lands a document of a sender; the same bytes have the same hash.
func (s *shop) takeFrom(sender string, document []byte) gateway.Inbound {
	s.Helper()
	s.taken++
	sum := sha256.Sum256(document)
	in := gateway.Inbound{
		ID: fmt.Sprintf("inb_%d", s.taken), MessageID: fmt.Sprintf("m%d", s.taken), Sender: sender, State: gateway.InboundReceived,
		SHA256: hex.EncodeToString(sum[:]), CreatedAt: s.now, UpdatedAt: s.now,
	}
	s.write(func(ctx context.Context, tx gateway.Tx) error {
		if err := tx.InsertInbound(ctx, &in); err != nil {
			return err
		}
		return s.service.Take(ctx, tx, in, document)
	})
	return in
}

func (s *shop) timeline(f gateway.EventFilter) (events []gateway.Event) {
	s.Helper()
	s.must(s.store.For(supplier).Read(s.Context(), func(r gateway.Reader) (err error) {
		events, err = r.Timeline(s.Context(), f)
		return err
	}))
	return events
}

// unmatched tells whether a response was kept as one that answers nothing of ours.
func (s *shop) unmatched(in gateway.Inbound) bool {
	s.Helper()
	events := s.timeline(gateway.EventFilter{InboundID: in.ID})
	return len(events) == 1 && events[0].Type == gateway.EventInboundAnswered && string(events[0].Data) == `{"matched":false}` && events[0].Actor.ID == in.Sender
}

func TestTakeTellsWhatTheCodeSays(t *testing.T) {
	why := []response.Clarification{{List: response.ListReason, Code: "REF", Text: "Order number missing", Conditions: []response.Condition{{Term: "BT-13", Text: "PO-7"}, {Term: "BT-10"}}}}
	for code, want := range map[response.Code]struct {
		kind   gateway.EventType
		answer string
		money  string
	}{
		response.MessageAcknowledgement: {gateway.EventAnswerInProcess, "in_process", ""},
		response.InProcess:              {gateway.EventAnswerInProcess, "in_process", ""},
		response.UnderQuery:             {gateway.EventAnswerDisputed, "disputed", ""},
		response.Conditionally:          {gateway.EventAnswerPartly, "partly_approved", ""},
		response.Rejected:               {gateway.EventAnswerRefused, "refused", ""},
		response.Accepted:               {gateway.EventAnswerApproved, "approved", ""},
		response.Paid:                   {gateway.EventMoneyAnnounced, "", "announced"},
	} {
		s := newShop(t)
		s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
		in := s.takeFrom(theBuyer, s.response(response.Invoice{Code: code, Number: "7", Note: "n", Clarifications: why}))
		inv := s.invoice("inv_a")
		events := s.timeline(gateway.EventFilter{InvoiceID: "inv_a"})
		if len(events) != 1 || events[0].Type != want.kind || events[0].Grade != gateway.GradeBuyerAct || events[0].Evidence != in.SHA256 || events[0].Actor.ID != theBuyer {
			t.Fatalf("%s: %+v", code, events)
		}
		wantData := `{"clarifications":[{"code":"REF","list":"OPStatusReason","text":"Order number missing [BT-13: PO-7] [BT-10]"}],"code":"` + string(code) + `","note":"n"}`
		if diff := cmp.Diff(wantData, string(events[0].Data)); diff != "" {
			t.Errorf("%s: %s", code, diff)
		}
		if inv.Status.Answer().State != want.answer || inv.Status.Money().State != want.money {
			t.Errorf("%s: %+v", code, inv.Status)
		}
	}
}

// Only whom an invoice was sent to can answer it; all else is kept, and lands nowhere.
func TestTakeOnlyFromTheReceiver(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	s.sent("inv_queued", "8", "2026-11-02", gateway.DeliveryQueued)
	yes := func(number string) []byte {
		return s.response(response.Invoice{Code: response.Accepted, Number: number})
	}
	mlr := func(id string, code response.Code) []byte {
		b, err := response.WriteMessage(response.Message{ID: "x", IssuedAt: s.now, Code: code, MessageID: id, Sender: buyerParty.Endpoint, Receiver: sellerParty.Endpoint})
		s.must(err)
		return b
	}
	for name, c := range map[string]struct {
		sender   string
		document []byte
	}{
		"somebody else":                {"iso6523-actorid-upis::0225:999", yes("7")},
		"an unknown number":            {theBuyer, yes("70")},
		"more than the number":         {theBuyer, yes("77")},
		"not sent yet":                 {theBuyer, yes("8")},
		"rejection by somebody else":   {"iso6523-actorid-upis::0225:999", mlr("msg_inv_a", response.Rejected)},
		"rejection of an unknown id":   {theBuyer, mlr("msg_x", response.Rejected)},
		"acknowledgement of a message": {theBuyer, mlr("msg_inv_a", response.MessageAcknowledgement)},
		"acceptance of a message":      {theBuyer, mlr("msg_inv_a", response.Accepted)},
		"another transaction":          {theBuyer, []byte(strings.ReplaceAll(string(yes("7")), "invoice_response:3", "catalogue_response:3"))},
		"no response":                  {theBuyer, []byte(`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>`)},
		"no XML":                       {theBuyer, []byte(`%PDF`)},
		"an impossible day":            {theBuyer, []byte(strings.ReplaceAll(string(yes("7")), "2026-11-20", "2026-02-30"))},
		"a code that nobody knows":     {theBuyer, []byte(strings.ReplaceAll(string(yes("7")), ">AP<", ">XX<"))},
		"a response to no invoice":     {theBuyer, []byte(strings.ReplaceAll(string(yes("7")), "<cbc:ID>7<", "<cbc:ID> <"))},
	} {
		if c.document == nil {
			continue
		}
		in := s.takeFrom(c.sender, c.document)
		if !s.unmatched(in) {
			t.Errorf("%s: %+v", name, s.timeline(gateway.EventFilter{InboundID: in.ID}))
		}
	}
	if events := s.timeline(gateway.EventFilter{InvoiceID: "inv_a"}); len(events) != 0 {
		t.Errorf("landed: %+v", events)
	}
}

func TestDoubledResponseLandsOnce(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	document := s.response(response.Invoice{Code: response.UnderQuery, Number: "7", Clarifications: []response.Clarification{{List: response.ListReason, Code: "PRI"}}})
	for range 3 {
		s.takeFrom(theBuyer, document) // each under a message id of its own
	}
	if events := s.timeline(gateway.EventFilter{InvoiceID: "inv_a"}); len(events) != 1 {
		t.Errorf("%d events", len(events))
	}
}

// A rejection by the receiver's checks lands on the invoice that its message carried.
func TestMessageRejection(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	s.sent("inv_b", "7", "2025-11-02", gateway.DeliveryAccepted)
	m := response.Message{
		ID: "x", IssuedAt: s.now, Code: response.Rejected, MessageID: "msg_inv_b", Description: "no", Sender: buyerParty.Endpoint, Receiver: sellerParty.Endpoint,
		Findings: []response.Finding{{Location: "/a", Description: "[BR-1] no", Reason: response.ReasonFatal}},
	}
	b, err := response.WriteMessage(m)
	s.must(err)
	s.takeFrom(theBuyer, b)
	events := s.timeline(gateway.EventFilter{InvoiceID: "inv_b"})
	if len(events) != 1 || events[0].Type != gateway.EventAnswerRejected || events[0].Grade != gateway.GradeStrong || !strings.Contains(string(events[0].Data), "[BR-1] no") {
		t.Errorf("%+v", events)
	}
	if s.invoice("inv_b").Status.Answer().State != "rejected" || s.invoice("inv_a").Status.Answer().State != "" {
		t.Error("on the wrong invoice")
	}
}

// Where neither day nor kind tells two invoices of a number apart, none is answered.
func TestNeverByAGuess(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2025-11-02", gateway.DeliveryAccepted)
	s.sent("inv_b", "7", "2026-11-02", gateway.DeliveryAccepted)
	s.sent("inv_c", "9", "2026-11-02", gateway.DeliveryAccepted)
	s.sent("inv_d", "9", "2026-11-02", gateway.DeliveryAccepted)
	s.write(func(ctx context.Context, tx gateway.Tx) error {
		inv, err := tx.Invoice(ctx, "inv_d")
		if err != nil {
			return err
		}
		inv.Kind = "credit_note"
		return tx.UpdateInvoice(ctx, &inv)
	})
	other, err := invoice.ParseDate("2024-11-02")
	s.must(err)
	for name, r := range map[string]response.Invoice{
		"no day":      {Code: response.Accepted, Number: "7"},
		"another day": {Code: response.Accepted, Number: "7", IssueDate: &other},
	} {
		if in := s.takeFrom(theBuyer, s.response(r)); !s.unmatched(in) {
			t.Errorf("%s: matched", name)
		}
	}
	s.takeFrom(theBuyer, s.response(response.Invoice{Code: response.Accepted, Number: "9", TypeCode: "381", IssueDate: &other}))
	if c, d := s.invoice("inv_c").Status.Answer().State, s.invoice("inv_d").Status.Answer().State; c != "" || d != "approved" {
		t.Errorf("invoice %q, credit note %q", c, d)
	}
	s.takeFrom(theBuyer, s.response(response.Invoice{Code: response.Accepted, Number: "9"}))
	if c := s.invoice("inv_c").Status.Answer().State; c != "approved" {
		t.Errorf("invoice %q", c)
	}
}

// What a peer writes, of any size and at any time, never stops the log or hides
// what others say.
func TestHostileAnswers(t *testing.T) {
	s := newShop(t)
	s.sent("inv_a", "7", "2026-11-02", gateway.DeliveryAccepted)
	long := strings.Repeat("é", 1<<20)
	var many []response.Clarification
	for range 500 {
		many = append(many, response.Clarification{List: response.ListReason, Code: "OTH", Text: long[:20_000], Conditions: []response.Condition{{Term: long[:10_000], Text: "x"}}})
	}
	s.takeFrom(theBuyer, s.response(response.Invoice{ID: long, Code: response.Rejected, Number: "7", Note: long, Clarifications: many}))
	events := s.timeline(gateway.EventFilter{InvoiceID: "inv_a"})
	if len(events) != 1 || len(events[0].Data) > 300_000 {
		t.Fatalf("%d events of %d bytes", len(events), len(events[0].Data))
	}
	for _, at := range []string{"9999-12-31</cbc:IssueDate><cbc:IssueTime>23:59:59-12:00", "9999-12-31", "0001-01-01", "0000-01-01", "2016-01-01"} {
		code := fmt.Sprintf("<cbc:ID>%s</cbc:ID>", "r-1")
		document := strings.Replace(string(s.response(response.Invoice{Code: response.InProcess, Number: "7"})), code, "<cbc:ID>"+at[:10]+"</cbc:ID>", 1)
		start, end := strings.Index(document, "<cbc:IssueDate>"), strings.Index(document, "</cbc:IssueTime>")
		rest := document[end+len("</cbc:IssueTime>"):]
		closing := "</cbc:IssueDate>"
		if strings.Contains(at, "IssueTime") {
			closing = "</cbc:IssueTime>"
		}
		s.takeFrom(theBuyer, []byte(document[:start]+"<cbc:IssueDate>"+at+closing+rest))
	}
	for _, e := range s.timeline(gateway.EventFilter{InvoiceID: "inv_a"}) {
		if e.At.After(s.now) || e.At.Before(s.now) && e.At.Before(s.invoice("inv_a").CreatedAt) {
			t.Errorf("%s at %s", e.Type, e.At)
		}
	}
	s.takeFrom(theBuyer, s.response(response.Invoice{ID: "last", Code: response.Accepted, Number: "7", IssuedAt: s.now.Add(-time.Minute)}))
	if got := s.invoice("inv_a").Status.Answer().State; got != "approved" {
		t.Errorf("the last word is %q", got)
	}
}
