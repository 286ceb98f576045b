package web

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

// eventView is an event in words.
type eventView struct {
	gateway.Event
	Text    string
	Details []string
	// Says is who said so.
	Says string
	Tone tone
	// Proof is where the evidence can be fetched, empty when there is none.
	Proof templ.SafeURL
}

// eventData is what events tell besides their type, all of it optional.
type eventData struct {
	Channel, Why, Code, Detail, Text, Reason, Note, Number     string
	Peer, Order, Decision, How, What, Status, Diagnostic, Term string
	Attempt                                                    int
	Arrived, Valid, Matched                                    *bool
	Fields, Rules                                              []string
	Clarifications                                             []struct{ List, Code, Text string }
	TestMode                                                   bool `json:"test_mode"`
}

// eventTones are the colours of events; the others are grey.
var eventTones = map[gateway.EventType]tone{
	gateway.EventInvoiceHeld: toneWarn, gateway.EventInvoiceRejected: toneBad, gateway.EventInvoiceOverridden: toneWarn,
	gateway.EventInvoiceSent: toneGood, gateway.EventDeliveryRetrying: toneWait, gateway.EventDeliveryUnknown: toneWarn,
	gateway.EventDeliveryFailed: toneBad, gateway.EventDeliveryBounced: toneBad, gateway.EventDeliveryDelayed: toneWait,
	gateway.EventDeliveryAccepted: toneGood, gateway.EventDeliveryReceipt: toneGood, gateway.EventDeliveryReported: toneGood,
	gateway.EventPortalOpened: toneGood, gateway.EventPortalViewed: toneGood, gateway.EventAnswerInProcess: toneWait,
	gateway.EventAnswerApproved: toneGood, gateway.EventAnswerPartly: toneWarn, gateway.EventAnswerDisputed: toneWarn,
	gateway.EventAnswerRefused: toneBad, gateway.EventAnswerRejected: toneBad, gateway.EventMoneyAnnounced: toneGood,
	gateway.EventMoneyReceived: toneGood, gateway.EventInboundQuarantined: toneBad, gateway.EventInboundAvailable: toneGood,
}

// describe puts an event into words. files is the address below which its
// evidence is served.
func (p *page) describe(e gateway.Event, files string) eventView {
	d := dataOf(e)
	v := eventView{Event: e, Says: p.says(e, d), Tone: cmp.Or(eventTones[e.Type], toneOff)}
	key := i18n.Key("event." + string(e.Type))
	if e.Type == gateway.EventInvoiceReleased && d.What == "resend" {
		key = "event.invoice.resent"
	}
	if e.Type == gateway.EventDeliveryResolved && d.Arrived != nil && !*d.Arrived {
		key = "event.delivery.resolved.not"
	}
	if _, ok := texts[key]; !ok {
		v.Text = string(e.Type)
	} else {
		v.Text = p.T(key,
			i18n.A("channel", p.Word("channel.", d.Channel)), i18n.A("attempt", strconv.Itoa(d.Attempt)), i18n.A("number", d.Number),
			i18n.A("order", d.Order), i18n.A("decision", p.Word("answer.", d.Decision)))
	}
	v.Details = p.details(e, d)
	if e.Evidence != "" && files != "" {
		v.Proof = templ.SafeURL(files + "/" + e.Evidence)
	}
	return v
}

// dataOf reads what an event tells. What cannot be read is not shown; the event
// itself stands.
func dataOf(e gateway.Event) eventData {
	var d eventData
	if len(e.Data) > 0 {
		_ = json.Unmarshal(e.Data, &d)
	}
	return d
}

// details are the lines below an event: reasons, codes, other people's words.
func (p *page) details(e gateway.Event, d eventData) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	if e.Type == gateway.EventInvoiceHeld {
		add(p.Word("held.", d.Reason))
		add(d.Text)
		return out
	}
	if strings.HasPrefix(string(e.Type), "answer.") || e.Type == gateway.EventInboundAnswered {
		add(p.Word("reason.", d.Reason))
	} else {
		add(d.Reason)
	}
	for _, c := range d.Clarifications {
		add(strings.TrimSpace(p.Word("reason.", c.Code) + " " + c.Text))
	}
	add(d.Text)
	add(d.Note)
	if strings.HasPrefix(string(e.Type), "delivery.") {
		add(strings.Trim(d.Code+" – "+d.Detail, " –"))
		add(strings.Trim(d.Status+" – "+d.Diagnostic, " –"))
		add(d.Why)
	}
	if len(d.Fields) > 0 {
		add(p.T("event.fields", i18n.A("fields", strings.Join(d.Fields, ", "))))
	}
	if len(d.Rules) > 0 {
		add(p.T("event.rules", i18n.A("rules", strings.Join(d.Rules, ", "))))
	}
	if mailbox := e.Personal["mailbox"]; mailbox != "" {
		add(p.T("event.mailbox", i18n.A("mailbox", mailbox)))
	}
	if recipient := e.Personal["recipient"]; recipient != "" {
		add(recipient)
	}
	if d.TestMode {
		add(p.T("event.test_mode"))
	}
	return out
}

// says names who said so: where the gateway wrote down what a peer proved, it is
// the peer.
func (p *page) says(e gateway.Event, d eventData) string {
	name := e.ActorName()
	if d.Peer != "" && e.Grade > gateway.GradeNone {
		return p.T("says.proved", i18n.A("peer", participant(d.Peer)))
	}
	switch e.Actor.Kind {
	case "user":
		if name == "" {
			return p.T("says.user_erased")
		}
		return name
	case "api_key":
		return p.T("says.api_key", i18n.A("name", cmp.Or(name, e.Actor.ID)))
	case "peer":
		return participant(cmp.Or(name, e.Actor.ID, p.T("says.peer")))
	case "link_holder":
		return p.T("says.link_holder")
	}
	return p.T("says.system")
}

// participant leaves out of a participant identifier what is the same in all.
func participant(id string) string { return strings.TrimPrefix(id, "iso6523-actorid-upis::") }

// Grade names the weight of evidence.
func (p *page) Grade(g gateway.Grade) string { return p.T(i18n.Key("grade." + strconv.Itoa(int(g)))) }

// axis is one of the three things that are known of the other side.
type axis struct {
	Name  i18n.Key
	State i18n.Key
	// Why says what the state proves, and what it does not.
	Why  i18n.Key
	Tone tone
	Mark gateway.Mark
	Says string
}

var axisTones = map[string]tone{
	"transport.unknown": toneWarn, "transport.failed": toneBad, "transport.bounced": toneBad,
	"transport.taken": toneWait, "transport.delayed": toneWait, "transport.relayed": toneWait, "transport.retrying": toneWait,
	"transport.queued": toneWait, "transport.sending": toneWait,
	"transport.received": toneGood, "transport.delivered": toneGood, "transport.opened": toneGood, "transport.viewed": toneGood,
	"answer.in_process": toneWait, "answer.approved": toneGood, "answer.partly_approved": toneWarn, "answer.disputed": toneWarn,
	"answer.refused": toneBad, "answer.rejected": toneBad, "money.announced": toneGood, "money.received": toneGood,
}

// axes sums up what is known, with who said so.
func (p *page) axes(inv gateway.Invoice, events []gateway.Event) []axis {
	says := map[string]string{}
	for _, e := range events {
		says[e.ID] = p.says(e, dataOf(e))
	}
	make1 := func(name string, m gateway.Mark) axis {
		state := name + "." + cmp.Or(m.State, "none")
		return axis{
			Name: i18n.Key("axis." + name), State: i18n.Key(state), Why: i18n.Key(state + ".why"),
			Tone: cmp.Or(axisTones[state], toneOff), Mark: m, Says: says[m.Event],
		}
	}
	return []axis{
		make1("transport", inv.Status.Transport()), make1("answer", inv.Status.Answer()), make1("money", inv.Status.Money()),
	}
}

// liveView is the part of an invoice's page that follows what happens.
type liveView struct {
	ID     string
	State  gateway.InvoiceState
	Tone   tone
	Stand  i18n.Key
	Axes   []axis
	Events []eventView // newest first
	// Stale tells that the rest of the page offers what is no longer so.
	Stale bool
}

func (p *page) live(inv gateway.Invoice, events []gateway.Event) liveView {
	v := liveView{ID: inv.ID, State: inv.State, Axes: p.axes(inv, events)}
	v.Stand, v.Tone = standing(inv)
	for i := len(events) - 1; i >= 0; i-- {
		v.Events = append(v.Events, p.describe(events[i], "/invoices/"+inv.ID+"/files"))
	}
	return v
}

// iso is a moment for machines.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
