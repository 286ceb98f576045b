package answer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/network/response"
	"facteur.dev/facteur/validation"
)

const (
	theSeller = "iso6523-actorid-upis::0225:552032534"
	buyer     = gatewaytest.Tenant
)

var anna = gateway.Actor{Kind: "user", ID: "usr_1", Name: "Anna Martin"}

// desk is a customer with a received invoice.
type desk struct {
	*gatewaytest.World
	service *answer.Service
	in      gateway.Inbound
	n       int
}

func newDesk(t *testing.T) *desk {
	w := gatewaytest.New(t)
	return &desk{World: w, service: &answer.Service{Store: w.Store, Blobs: w.Blobs, Clock: w.Clock, IDs: w.IDs}}
}

// received is an invoice of ours that came in.
func (d *desk) received(change func(in *gateway.Inbound, inv *invoice.Invoice)) {
	d.Helper()
	b, err := os.ReadFile("../../../formats/ubl/testdata/goods.xml")
	d.Must(err)
	inv, _, err := ubl.Read(b)
	d.Must(err)
	d.n++
	d.in = gateway.Inbound{
		ID: fmt.Sprintf("inb_%d", d.n), MessageID: fmt.Sprintf("m%d", d.n), Sender: theSeller, Receiver: theBuyer, State: gateway.InboundAvailable,
		ReplyTo:   gateway.Route{Channel: "https.gateway", Address: "https://seller.example/in", Sender: theBuyer, Receiver: theSeller},
		CreatedAt: d.Clock.Now(), UpdatedAt: d.Clock.Now(),
	}
	if change != nil {
		change(&d.in, inv)
	}
	if d.in.State != gateway.InboundReceived && inv != nil {
		d.in.Model, err = json.Marshal(inv)
		d.Must(err)
	}
	d.Write(func(tx gateway.Tx) error { return tx.InsertInbound(d.Context(), &d.in) })
}

func (d *desk) decide(decision answer.Decision, reason, text string) error {
	_, err := d.service.Decide(d.Context(), buyer, d.in.ID, anna, decision, reason, text)
	return err
}

// replies reads what was queued on the way back, as it would be sent.
func (d *desk) replies() (out []response.Invoice, deliveries []gateway.Delivery) {
	d.Helper()
	d.Read(func(r gateway.Reader) (err error) {
		deliveries, err = r.InboundReplies(d.Context(), d.in.ID)
		return err
	})
	for _, del := range deliveries {
		body, err := d.Blobs.Get(d.Context(), buyer, del.DocumentSHA256)
		d.Must(err)
		r, err := response.ReadInvoice(body)
		d.Must(err)
		out = append(out, r)
	}
	return out, deliveries
}

// Every decision in every standing: what is allowed, what is kept, what goes back.
func TestDecisions(t *testing.T) {
	d := newDesk(t)
	type move struct {
		after string
		does  answer.Decision
	}
	allowed := map[move]struct {
		kept string
		code response.Code
	}{
		{"", answer.InProcess}:         {"in_process", response.InProcess},
		{"", answer.Dispute}:           {"disputed", response.UnderQuery},
		{"", answer.Approve}:           {"approved", response.Accepted},
		{"", answer.Refuse}:            {"refused", response.Rejected},
		{"in_process", answer.Dispute}: {"disputed", response.UnderQuery},
		{"in_process", answer.Approve}: {"approved", response.Accepted},
		{"in_process", answer.Refuse}:  {"refused", response.Rejected},
		{"disputed", answer.Dispute}:   {"disputed", response.UnderQuery},
		{"disputed", answer.Approve}:   {"approved", response.Accepted},
		{"disputed", answer.Refuse}:    {"refused", response.Rejected},
		// Nothing follows an approval or a refusal.
	}
	for _, after := range []string{"", "in_process", "disputed", "approved", "refused"} {
		for _, does := range []answer.Decision{answer.InProcess, answer.Dispute, answer.Approve, answer.Refuse} {
			d.received(func(in *gateway.Inbound, _ *invoice.Invoice) { in.Answer = after })
			text := ""
			if does == answer.Dispute || does == answer.Refuse {
				text = "why"
			}
			err := d.decide(does, "", text)
			want, ok := allowed[move{after, does}]
			replies, deliveries := d.replies()
			if !ok {
				if gateway.Code(err) != "state" || len(replies) != 0 {
					t.Errorf("%q, then %s: %v, %d replies", after, does, err, len(replies))
				}
				continue
			}
			if err != nil || len(replies) != 1 || replies[0].Code != want.code || deliveries[0].State != gateway.DeliveryQueued {
				t.Errorf("%q, then %s: %v, %+v", after, does, err, replies)
				continue
			}
			var kept gateway.Inbound
			d.Read(func(r gateway.Reader) (err error) { kept, err = r.Inbound(t.Context(), d.in.ID); return err })
			var detail answer.Detail
			d.Must(json.Unmarshal(kept.AnswerDetail, &detail))
			if kept.Answer != want.kept || detail.By != anna || !detail.At.Equal(d.Clock.Now()) {
				t.Errorf("%q, then %s: kept %s %+v", after, does, kept.Answer, detail)
			}
			e := d.Only(gateway.EventFilter{InboundID: d.in.ID}, gateway.EventInboundAnswered)
			if e.Grade != gateway.GradeBuyerAct || e.ActorName() != "Anna Martin" || e.Evidence != deliveries[0].DocumentSHA256 || !strings.Contains(string(e.Data), `"decision":"`+want.kept+`"`) {
				t.Errorf("%q, then %s: %+v", after, does, e)
			}
		}
	}
	for _, state := range []gateway.InboundState{gateway.InboundReceived, gateway.InboundQuarantined} {
		d.received(func(in *gateway.Inbound, _ *invoice.Invoice) { in.State = state })
		d.Fails(d.decide(answer.Approve, "", ""), "state")
	}
	d.received(func(in *gateway.Inbound, _ *invoice.Invoice) { in.State = gateway.InboundForwarded })
	d.Must(d.decide(answer.Approve, "", ""))
	d.in.ID = "inb_unknown"
	d.Fails(d.decide(answer.Approve, "", ""), "not_found")
}

func TestWhatGoesBack(t *testing.T) {
	d := newDesk(t)
	d.received(nil)
	d.Must(d.decide(answer.InProcess, "", " we are at it \r\n"))
	d.Must(d.decide(answer.Dispute, "QTY", "We count one hour less."))
	d.Must(d.decide(answer.Refuse, "", "No."))
	got, deliveries := d.replies()
	issued, err := invoice.ParseDate("2026-11-16")
	d.Must(err)
	want := response.Invoice{
		IssuedAt: gatewaytest.Start, Note: "we are at it",
		Sender:   response.Party{Endpoint: invoice.Identifier{Value: "4012345000009", Scheme: "0088"}, Name: "Métropole de Villefranche"},
		Receiver: response.Party{Endpoint: invoice.Identifier{Value: "552032534", Scheme: "0225"}, Name: "Établissements Lefèvre & Fils SAS"},
		Code:     response.InProcess, EffectiveDate: invoice.DateOf(gatewaytest.Start), Number: "F-2026-1042", IssueDate: &issued, TypeCode: "380",
	}
	dates := cmp.Comparer(func(a, b invoice.Date) bool { return a == b })
	if len(got) != 3 {
		t.Fatalf("%d replies", len(got))
	}
	want.ID, want.Sender = got[0].ID, got[0].Sender // of the document
	if got[0].Sender.Name == "" || got[0].Sender.Endpoint.Scheme == "" {
		t.Errorf("sender %+v", got[0].Sender)
	}
	if diff := cmp.Diff(want, got[0], dates); diff != "" {
		t.Error(diff)
	}
	for i, c := range []response.Clarification{{List: response.ListReason, Code: "QTY", Text: "We count one hour less."}, {List: response.ListReason, Code: "OTH", Text: "No."}} {
		if diff := cmp.Diff([]response.Clarification{c}, got[i+1].Clarifications); diff != "" || got[i+1].Note != "" {
			t.Errorf("%s, note %q", diff, got[i+1].Note)
		}
	}
	seen := map[string]bool{}
	for i, del := range deliveries {
		seen[del.MessageID], seen[got[i].ID] = true, true
		if del.Purpose != "answer" || del.Route.Address != "https://seller.example/in" || del.InvoiceID != "" {
			t.Errorf("%+v", del)
		}
	}
	if len(seen) != 6 {
		t.Errorf("ids repeat: %v", seen)
	}
	if n := len(d.Due(gateway.TaskSendDelivery)); n != 3 {
		t.Errorf("%d deliveries are due", n)
	}
}

func TestDecisionsThatAreWrong(t *testing.T) {
	d := newDesk(t)
	d.received(nil)
	for name, c := range map[string]struct {
		decision     answer.Decision
		reason, text string
		path         string
	}{
		"no decision":           {"", "", "", "/decision"},
		"another decision":      {"pay", "", "", "/decision"},
		"approval with reason":  {answer.Approve, "PRI", "x", "/reason"},
		"progress with reason":  {answer.InProcess, "PRI", "", "/reason"},
		"unknown reason":        {answer.Refuse, "XXX", "no", "/reason"},
		"part payment":          {answer.Dispute, "PPD", "no", "/reason"},
		"dispute without words": {answer.Dispute, "PRI", " \n", "/text"},
		"refusal without words": {answer.Refuse, "", "", "/text"},
		"long text":             {answer.Refuse, "", strings.Repeat("x", 2001), "/text"},
		"NUL":                   {answer.Refuse, "", "a\x00b", "/text"},
		"control character":     {answer.Approve, "", "a\x1bb", "/text"},
		"not UTF-8":             {answer.Approve, "", "a\xffb", "/text"},
	} {
		err := d.decide(c.decision, c.reason, c.text)
		var e *gateway.Error
		if !errors.As(err, &e) || e.Code != "invalid" || len(e.Fields) != 1 || e.Fields[0].Path != c.path {
			t.Errorf("%s: %v %+v", name, err, e)
		}
	}
	if replies, _ := d.replies(); len(replies) != 0 || len(d.Events(gateway.EventFilter{InboundID: d.in.ID})) != 0 {
		t.Error("a wrong decision left something")
	}
	d.Must(d.decide(answer.Refuse, "LEG", strings.Repeat("é", 1000)))
}

// The decision is the customer's, whether or not the seller can be told.
func TestDecisionThatCannotBeTold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *gateway.Inbound, inv *invoice.Invoice)
		told   string
	}{
		"no way back": {func(in *gateway.Inbound, _ *invoice.Invoice) { in.ReplyTo = gateway.Route{} }, ""},
		"seller without address": {func(in *gateway.Inbound, inv *invoice.Invoice) {
			in.Sender, inv.Seller.ElectronicAddress = "somebody", invoice.Identifier{}
		}, `"told":false`},
		"buyer without name": {func(_ *gateway.Inbound, inv *invoice.Invoice) { inv.Buyer.Name = "" }, `"told":false`},
	} {
		d := newDesk(t)
		d.received(c.change)
		d.Must(d.decide(answer.Approve, "", ""))
		replies, _ := d.replies()
		e := d.Only(gateway.EventFilter{InboundID: d.in.ID}, gateway.EventInboundAnswered)
		if len(replies) != 0 || len(d.Due("")) != 0 || !strings.Contains(string(e.Data), `"decision":"approved"`) || !strings.Contains(string(e.Data), c.told) {
			t.Errorf("%s: %d replies, %s", name, len(replies), e.Data)
		}
	}
}

// The answer goes to where the peer is today.
func TestPeerHasMoved(t *testing.T) {
	d := newDesk(t)
	d.received(nil)
	d.Put(gateway.RecordPeer, "seller", `{"name":"Seller","participants":["`+theSeller+`"],"url":"https://moved.example/in","key_id":"k",
		"public_key":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"}`)
	d.Must(d.decide(answer.Approve, "", ""))
	if _, deliveries := d.replies(); deliveries[0].Route.Address != "https://moved.example/in" || deliveries[0].Route.Receiver != theSeller || deliveries[0].Route.Sender != theBuyer {
		t.Errorf("%+v", deliveries[0].Route)
	}
}

func TestTwoDeciders(t *testing.T) {
	d := newDesk(t)
	d.received(nil)
	errs := make(chan error, 6)
	for i := range 6 {
		decision, text := answer.Approve, ""
		if i%2 == 0 {
			decision, text = answer.Refuse, "no"
		}
		go func() { errs <- d.decide(decision, "", text) }()
	}
	made := 0
	for range 6 {
		if err := <-errs; err == nil {
			made++
		} else if gateway.Code(err) != "state" {
			t.Error(err)
		}
	}
	if replies, _ := d.replies(); made != 1 || len(replies) != 1 {
		t.Errorf("%d decisions, %d replies", made, len(replies))
	}
}

func TestReject(t *testing.T) {
	rules := validation.RuleSet{Stage: validation.StageSchematron, ID: "rules", Version: "1"}
	many := make([]validation.Finding, 80)
	for i := range many {
		many[i] = validation.Finding{Rule: fmt.Sprint("R-", i), Severity: validation.SeverityFatal, Location: "/a", Message: "m"}
	}
	many[0].Location, many[0].Message = strings.Repeat("/long", 1<<16), strings.Repeat("é", 1<<16)
	for name, c := range map[string]struct {
		change func(in *gateway.Inbound)
		result validation.Result
		told   bool
		want   []response.Finding // nil: not compared
		count  int
	}{
		"findings": {nil, validation.Result{Verdicts: []validation.Verdict{
			{Stage: validation.StageXSD, RuleSet: "ubl", Ran: true, Findings: []validation.Finding{{Rule: "cvc", Severity: validation.SeverityFatal, Location: "/x", Message: "bad"}}},
			rules.Judged([]validation.Finding{{Rule: "BR-1", Severity: validation.SeverityError, Message: "no"}, {Rule: "BR-2", Severity: validation.SeverityWarning, Message: "hm"}}),
			rules.NotRun(validation.ReasonLimit, "too many lines"),
		}}, true, []response.Finding{
			{Location: "/x", Description: "[cvc] bad", Reason: response.ReasonSyntax},
			{Description: "[BR-1] no", Reason: response.ReasonFatal},
			{Description: "[rules] check.limit: too many lines", Reason: response.ReasonFatal},
		}, 3},
		"very many":              {nil, validation.Result{Verdicts: []validation.Verdict{rules.Judged(many)}}, true, nil, 50},
		"none":                   {nil, validation.Result{}, true, nil, 0},
		"a response":             {nil, validation.Result{Document: validation.Identity{Root: "ApplicationResponse"}}, false, nil, 0},
		"an unreadable response": {func(in *gateway.Inbound) { in.DocumentType = response.MessageCustomization }, validation.Result{}, false, nil, 0},
	} {
		d := newDesk(t)
		d.received(func(in *gateway.Inbound, _ *invoice.Invoice) {
			in.State = gateway.InboundQuarantined
			if c.change != nil {
				c.change(in)
			}
		})
		d.Write(func(tx gateway.Tx) error { return d.service.Reject(t.Context(), tx, buyer, &d.in, c.result) })
		var deliveries []gateway.Delivery
		d.Read(func(r gateway.Reader) (err error) {
			deliveries, err = r.InboundReplies(t.Context(), d.in.ID)
			return err
		})
		if (len(deliveries) == 1) != c.told {
			t.Fatalf("%s: %d deliveries", name, len(deliveries))
		}
		if !c.told {
			continue
		}
		body, err := d.Blobs.Get(t.Context(), buyer, deliveries[0].DocumentSHA256)
		d.Must(err)
		m, err := response.ReadMessage(body)
		d.Must(err)
		if m.Code != response.Rejected || m.MessageID != d.in.MessageID || len(m.Findings) != c.count || c.want != nil && !slices.Equal(m.Findings, c.want) || len(body) > 1<<20 {
			t.Errorf("%s: %d bytes, %+v", name, len(body), m)
		}
	}
}
