// Package answer is the only place where decisions and network statuses are
// mapped to each other: a customer's approval, dispute or refusal and the
// verdicts of the checks on one side, Peppol's Invoice Response and Message Level
// Response on the other.
//
// A decision goes out as a recorded delivery like any document; a response that
// comes in lands on the timeline of the invoice it answers, if it comes from whom
// that invoice was delivered to.
package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/network/response"
	"facteur.dev/facteur/validation"
)

// Decision is what a customer decides on an invoice.
type Decision string

// The decisions.
const (
	InProcess Decision = "in_process"
	Approve   Decision = "approve"
	Dispute   Decision = "dispute"
	Refuse    Decision = "refuse"
)

// outgoing maps decisions: the code that is sent, the state that is kept, and
// the decisions that may follow (BIS 63: nothing follows a refusal).
var outgoing = map[Decision]struct {
	code  response.Code
	state string
	after []string // states before it
}{
	InProcess: {response.InProcess, "in_process", []string{""}},
	Dispute:   {response.UnderQuery, "disputed", []string{"", "in_process", "disputed"}},
	Approve:   {response.Accepted, "approved", []string{"", "in_process", "disputed"}},
	Refuse:    {response.Rejected, "refused", []string{"", "in_process", "disputed"}},
}

// incoming maps the codes of an Invoice Response to what is told on the timeline.
var incoming = map[response.Code]gateway.EventType{
	response.MessageAcknowledgement: gateway.EventAnswerInProcess,
	response.InProcess:              gateway.EventAnswerInProcess,
	response.UnderQuery:             gateway.EventAnswerDisputed,
	response.Conditionally:          gateway.EventAnswerPartly,
	response.Rejected:               gateway.EventAnswerRefused,
	response.Accepted:               gateway.EventAnswerApproved,
	response.Paid:                   gateway.EventMoneyAnnounced,
}

// reasons are the codes of OPStatusReason a decision may give.
var reasons = []string{"NON", "REF", "LEG", "REC", "QUA", "DEL", "PRI", "QTY", "ITM", "PAY", "UNR", "FIN", "OTH"}

// Service answers and takes answers.
type Service struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
}

// Detail is why a customer decided so, as Inbound.AnswerDetail keeps it.
type Detail struct {
	Reason string        `json:"reason,omitempty"` // OPStatusReason
	Text   string        `json:"text,omitempty"`
	By     gateway.Actor `json:"by"`
	At     time.Time     `json:"at"`
}

// Decide records a customer's decision on a received invoice and sends it back
// to its supplier.
func (s *Service) Decide(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor, d Decision, reason, text string) (gateway.Inbound, error) {
	out, ok := outgoing[d]
	if !ok {
		return gateway.Inbound{}, wrong("/decision", fmt.Sprintf("%q is no decision", cut(string(d))))
	}
	reason, text, err := why(d, reason, text)
	if err != nil {
		return gateway.Inbound{}, err
	}
	var in gateway.Inbound
	err = s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if in, err = tx.Inbound(ctx, id); err != nil {
			return err
		}
		if in.State != gateway.InboundAvailable && in.State != gateway.InboundForwarded || len(in.Model) == 0 {
			return gateway.ErrState.With("the document is "+string(in.State)+": there is nothing to decide", nil).For(id)
		}
		if !slices.Contains(out.after, in.Answer) {
			return gateway.ErrState.With("the invoice is "+in.Answer+" already", nil).For(id)
		}
		now := s.Clock.Now()
		detail := Detail{Reason: reason, Text: text, By: actor, At: now}
		in.Answer, in.UpdatedAt = out.state, now
		if in.AnswerDetail, err = json.Marshal(detail); err != nil {
			return err
		}
		if err := tx.UpdateInbound(ctx, &in); err != nil {
			return err
		}
		body, err := s.invoiceResponse(in, out.code, detail)
		data := map[string]any{"decision": out.state, "reason": reason, "text": text}
		if err != nil { // the decision stands, although nobody can be told of it this way
			data["told"], data["why"] = false, cut(err.Error())
		}
		return s.reply(ctx, tx, tenant, &in, body, response.InvoiceCustomization, gateway.Event{
			Type: gateway.EventInboundAnswered, At: now, Actor: actor, Grade: gateway.GradeBuyerAct, Data: mustJSON(data),
		})
	})
	return in, err
}

// wrong is an input that is wrong at one place.
func wrong(path, message string) error {
	e := gateway.ErrInvalid.With(message, nil)
	e.Fields = []gateway.FieldProblem{{Path: path, Code: order.CodeValue, Message: message}}
	return e
}

// why checks the reason and the words of a decision.
func why(d Decision, reason, text string) (string, string, error) {
	bad := func(path, message string) (string, string, error) { return "", "", wrong(path, message) }
	text = strings.TrimSpace(text)
	against := d == Dispute || d == Refuse
	switch {
	case !against && reason != "":
		return bad("/reason", "only a dispute or refusal has a reason")
	case against && reason == "":
		reason = "OTH"
	case against && !slices.Contains(reasons, reason):
		return bad("/reason", fmt.Sprintf("%q is no reason of OPStatusReason", cut(reason)))
	}
	switch {
	case against && text == "":
		return bad("/text", "a dispute or refusal says why")
	case len(text) > maxText:
		return bad("/text", fmt.Sprintf("the text is longer than %d bytes", maxText))
	case !utf8.ValidString(text), strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }):
		return bad("/text", "the text holds a character that no document may carry")
	}
	return reason, text, nil
}

func (s *Service) invoiceResponse(in gateway.Inbound, code response.Code, d Detail) ([]byte, error) {
	var inv invoice.Invoice
	if err := json.Unmarshal(in.Model, &inv); err != nil {
		return nil, err
	}
	r := response.Invoice{
		ID: s.IDs.New(gateway.PrefixMessage), IssuedAt: d.At,
		Sender:   response.Party{Endpoint: endpoint(inv.Buyer.ElectronicAddress, in.Receiver), Name: inv.Buyer.Name},
		Receiver: response.Party{Endpoint: endpoint(inv.Seller.ElectronicAddress, in.Sender), Name: inv.Seller.Name},
		Code:     code, EffectiveDate: invoice.DateOf(d.At), Number: inv.Number, IssueDate: &inv.IssueDate, TypeCode: inv.TypeCode,
	}
	if d.Reason != "" {
		r.Clarifications = []response.Clarification{{List: response.ListReason, Code: d.Reason, Text: d.Text}}
	} else {
		r.Note = d.Text
	}
	return response.WriteInvoice(r)
}

// endpoint is the electronic address of a party, or what its participant id says.
func endpoint(id invoice.Identifier, participant string) invoice.Identifier {
	if id.Value != "" {
		return id
	}
	scheme, value, ok := strings.Cut(strings.TrimPrefix(participant, "iso6523-actorid-upis::"), ":")
	if !ok {
		return invoice.Identifier{Value: participant}
	}
	return invoice.Identifier{Scheme: scheme, Value: value}
}

// Reject tells a sender, once, that its document did not pass the checks. A
// response is never answered.
func (s *Service) Reject(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, in *gateway.Inbound, result validation.Result) error {
	if result.Document.Root == "ApplicationResponse" || in.DocumentType == response.InvoiceCustomization || in.DocumentType == response.MessageCustomization {
		return nil
	}
	now := s.Clock.Now()
	m := response.Message{
		ID: s.IDs.New(gateway.PrefixMessage), IssuedAt: now, Code: response.Rejected, MessageID: in.MessageID,
		Sender: endpoint(invoice.Identifier{}, in.Receiver), Receiver: endpoint(invoice.Identifier{}, in.Sender),
		Description: "The document does not pass the receiver's checks.", Findings: complaints(result),
	}
	body, err := response.WriteMessage(m)
	data := map[string]any{"decision": "rejected", "findings": len(m.Findings)}
	if err != nil { // nothing can be addressed to this sender: the document is quarantined all the same
		data["told"], data["why"] = false, cut(err.Error())
	}
	return s.reply(ctx, tx, tenant, in, body, response.MessageCustomization, gateway.Event{
		Type: gateway.EventInboundAnswered, At: now, Actor: gateway.System, Data: mustJSON(data),
	})
}

// complaints are what a sender is told of a result.
func complaints(result validation.Result) []response.Finding {
	var out []response.Finding
	add := func(v validation.Verdict, location, text string) {
		reason := response.ReasonFatal
		if v.Stage == validation.StageXSD || v.Stage == validation.StageXML {
			reason = response.ReasonSyntax
		}
		if len(location) > maxText {
			location = "" // half an XPath leads nowhere
		}
		out = append(out, response.Finding{Location: location, Description: cut(text), Reason: reason})
	}
	for _, v := range result.Verdicts {
		if !v.Ran {
			add(v, "", "["+v.RuleSet+"] "+v.Reason)
		}
		for _, f := range v.Findings {
			if f.Severity.Fails() {
				add(v, f.Location, "["+f.Rule+"] "+f.Message)
			}
		}
	}
	return out[:min(len(out), maxList)]
}

// reply records an answer and queues it on the way back. Without a body, or a way,
// nobody is told.
func (s *Service) reply(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, in *gateway.Inbound, body []byte, customization string, e gateway.Event) error {
	now := s.Clock.Now()
	e.ID, e.RecordedAt, e.InboundID = s.IDs.New(gateway.PrefixEvent), now, in.ID
	if len(body) == 0 {
		return gateway.Append(ctx, tx, nil, e)
	}
	sha, err := s.Blobs.Put(ctx, tenant, body)
	if err != nil {
		return err
	}
	if err := tx.InsertDocument(ctx, gateway.Document{
		SHA256: sha, InboundID: in.ID, Role: "answer", Syntax: "ubl", Customization: customization,
		MediaType: "application/xml", Filename: "answer-" + in.ID + ".xml", Size: int64(len(body)), CreatedAt: now,
	}); err != nil {
		return err
	}
	e.Evidence, e.EvidenceType = sha, "application/xml"
	if err := gateway.Append(ctx, tx, nil, e); err != nil {
		return err
	}
	route, known, err := records.ReplyRoute(ctx, tx, in.Receiver, in.Sender, now) // the peer may have moved since
	if err != nil {
		return err
	}
	if !known {
		route = in.ReplyTo
	}
	if route.Address == "" {
		return nil
	}
	d := gateway.Delivery{
		ID: s.IDs.New(gateway.PrefixDelivery), InboundID: in.ID, Purpose: "answer", DocumentSHA256: sha,
		MessageID: s.IDs.New(gateway.PrefixMessage), Route: route, State: gateway.DeliveryQueued, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.InsertDelivery(ctx, &d); err != nil {
		return err
	}
	return tx.AddTask(ctx, gateway.Task{
		ID: s.IDs.New(gateway.PrefixTask), Tenant: tenant, Kind: gateway.TaskSendDelivery, Ref: d.ID, Group: route.Peer(), DueAt: now, CreatedAt: now,
	})
}

// Take lands a response on the timeline of the invoice it answers. One that
// answers nothing of ours, or comes from someone else than the receiver, is kept
// and told as such.
func (s *Service) Take(ctx context.Context, tx gateway.Tx, in gateway.Inbound, document []byte) error {
	inv, event, err := s.read(ctx, tx, in, document)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	event.ID, event.RecordedAt = s.IDs.New(gateway.PrefixEvent), now
	event.Actor = gateway.Actor{Kind: "peer", ID: in.Sender, Name: in.Sender}
	event.Evidence, event.EvidenceType = in.SHA256, "application/xml"
	// The same bytes say the same once; senders give ids of their own to more than one answer.
	event.Key = "answer/" + in.Sender + "/" + in.SHA256
	if event.At.After(now) { // a later word must be able to follow
		event.At = now
	}
	if inv == nil {
		event = gateway.Event{
			ID: event.ID, Type: gateway.EventInboundAnswered, At: now, RecordedAt: now, Actor: event.Actor, InboundID: in.ID,
			Data: json.RawMessage(`{"matched":false}`),
		}
		return gateway.Append(ctx, tx, nil, event)
	}
	if event.At.Before(inv.CreatedAt) { // nobody answers what is not there yet: their clock is wrong
		event.At = inv.CreatedAt
	}
	event.InvoiceID, event.OrderID, event.ExternalID = inv.ID, inv.OrderID, inv.ExternalID
	if err := gateway.Append(ctx, tx, inv, event); err != nil {
		return err
	}
	return s.arrived(ctx, tx, inv, in.Sender, now)
}

// arrived settles deliveries to who has answered: the invoice is there.
func (s *Service) arrived(ctx context.Context, tx gateway.Tx, inv *gateway.Invoice, sender string, now time.Time) error {
	deliveries, err := tx.InvoiceDeliveries(ctx, inv.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if d.State != gateway.DeliveryUnknown || d.Route.Receiver != sender {
			continue
		}
		r := gateway.Resolution{Arrived: true, By: gateway.System, Code: "answer", Reason: "the receiver has answered"}
		if err := gateway.Resolve(ctx, tx, s.IDs, now, inv, &d, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) read(ctx context.Context, r gateway.Reader, in gateway.Inbound, document []byte) (*gateway.Invoice, gateway.Event, error) {
	var event gateway.Event
	switch response.Customization(document) {
	case response.InvoiceCustomization:
		answer, err := response.ReadInvoice(document)
		if err != nil {
			return nil, event, nil //nolint:nilerr // the rules passed it and we cannot use it: it answers nothing of ours
		}
		kind, ok := incoming[answer.Code]
		if !ok {
			return nil, event, nil
		}
		event = gateway.Event{
			Type: kind, At: said(answer.IssuedAt, answer.DateOnly), Grade: gateway.GradeBuyerAct,
			Data: mustJSON(map[string]any{"code": answer.Code, "clarifications": clarify(answer), "note": cut(answer.Note)}),
		}
		inv, err := answered(ctx, r, in.Sender, answer)
		return inv, event, err
	case response.MessageCustomization:
		answer, err := response.ReadMessage(document)
		if err != nil || answer.Code != response.Rejected {
			return nil, event, nil //nolint:nilerr // likewise
		}
		event = gateway.Event{
			Type: gateway.EventAnswerRejected, At: said(answer.IssuedAt, answer.DateOnly), Grade: gateway.GradeStrong,
			Data: mustJSON(map[string]any{"text": cut(answer.Description), "findings": findings(answer)}),
		}
		d, err := r.DeliveryByMessageID(ctx, answer.MessageID)
		if errors.Is(err, gateway.ErrNotFound) || err == nil && (d.Route.Receiver != in.Sender || d.InvoiceID == "") {
			return nil, event, nil
		}
		if err != nil {
			return nil, event, err
		}
		inv, err := r.Invoice(ctx, d.InvoiceID)
		return &inv, event, err
	}
	return nil, event, nil
}

// said is when an answer was given. One that names the day only comes after
// those of that day that came before it.
func said(at time.Time, dateOnly bool) time.Time {
	if dateOnly {
		return at.Add(24*time.Hour - time.Second)
	}
	return at
}

// answered finds our invoice of that number which went to the sender of the
// answer. Of several, as from two years, it is the one of the day and kind that
// the answer names; where that does not tell them apart, none is.
func answered(ctx context.Context, r gateway.Reader, sender string, answer response.Invoice) (*gateway.Invoice, error) {
	if answer.Number == "" {
		return nil, nil
	}
	of := gateway.InvoiceFilter{Number: answer.Number}
	var found []*gateway.Invoice
	for inv, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Invoice], error) { return r.Invoices(ctx, of, p) }) {
		if err != nil {
			return nil, err
		}
		deliveries, err := r.InvoiceDeliveries(ctx, inv.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(deliveries, func(d gateway.Delivery) bool { return d.Route.Receiver == sender && d.State != gateway.DeliveryQueued }) {
			found = append(found, &inv)
		}
	}
	narrow := func(fits func(inv *gateway.Invoice) bool) {
		var left []*gateway.Invoice
		for _, inv := range found {
			if fits(inv) {
				left = append(left, inv)
			}
		}
		if len(left) > 0 {
			found = left
		}
	}
	if answer.IssueDate != nil {
		narrow(func(inv *gateway.Invoice) bool { return inv.IssueDate == answer.IssueDate.String() })
	}
	credit := (&invoice.Invoice{TypeCode: answer.TypeCode}).IsCreditNote()
	narrow(func(inv *gateway.Invoice) bool { return (inv.Kind == "credit_note") == credit })
	if len(found) != 1 {
		return nil, nil
	}
	return found[0], nil
}

// What the other side writes is kept whole with the document; an event holds so
// much of it.
const (
	maxText = 2000
	maxList = 50
)

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func clarify(r response.Invoice) []map[string]string {
	var out []map[string]string
	for _, c := range r.Clarifications[:min(len(r.Clarifications), maxList)] {
		text := c.Text
		for _, condition := range c.Conditions {
			text = strings.TrimSpace(text + " [" + strings.Trim(condition.Term+": "+condition.Text, ": ") + "]")
		}
		out = append(out, map[string]string{"list": c.List, "code": c.Code, "text": cut(text)})
	}
	return out
}

func findings(m response.Message) []response.Finding {
	out := slices.Clone(m.Findings[:min(len(m.Findings), maxList)])
	for i := range out {
		out[i].Location, out[i].Description = cut(out[i].Location), cut(out[i].Description)
	}
	return out
}

// mustJSON encodes what cannot fail to encode: strings and numbers.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("answer: " + err.Error())
	}
	return b
}
