package web

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/render"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/i18n"
)

// box is a part of the inbox.
type box struct {
	Name   string
	States []gateway.InboundState
}

// boxes are the parts of the inbox in the order in which they are shown.
var boxes = []box{
	{"", nil},
	{"available", []gateway.InboundState{gateway.InboundAvailable}},
	{"forwarded", []gateway.InboundState{gateway.InboundForwarded}},
	{"rejected", []gateway.InboundState{gateway.InboundQuarantined}},
}

// inboxView is the customer's list.
type inboxView struct {
	Box  string
	Text string // number that is looked for
	Rows []inboundRow
	Next templ.SafeURL
}

func (v inboxView) link(name string) templ.SafeURL {
	if name == "" {
		return "/inbox"
	}
	return templ.SafeURL("/inbox?" + url.Values{"show": {name}}.Encode())
}

// inboundRow is one received document.
type inboundRow struct {
	gateway.Inbound
	Seller, Amount, Due string
	Standing            i18n.Key
	Tone                tone
}

func (w *Web) listInbox(c echo.Context) error {
	p, ctx := current(c), c.Request().Context()
	p.Title = p.T("inbox")
	v := inboxView{Text: c.QueryParam("q")}
	f := gateway.InboundFilter{Number: v.Text}
	for _, b := range boxes {
		if b.Name == c.QueryParam("show") {
			v.Box, f.States = b.Name, b.States
		}
	}
	var list gateway.List[gateway.Inbound]
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		list, err = r.Inbounds(ctx, f, gateway.Page{After: c.QueryParam("after"), Limit: pageSize})
		return err
	})
	if err != nil {
		return err
	}
	for _, in := range list.Items {
		row, err := p.inboundRow(in)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, row)
	}
	if list.Next != "" {
		q := c.QueryParams()
		q.Set("after", list.Next)
		v.Next = templ.SafeURL("/inbox?" + q.Encode())
	}
	return show(c, http.StatusOK, inboxTemplate(p, v))
}

func (p *page) inboundRow(in gateway.Inbound) (inboundRow, error) {
	row := inboundRow{Inbound: in, Seller: participant(in.Sender)}
	row.Standing, row.Tone = inboundStanding(in)
	if len(in.Model) == 0 {
		return row, nil
	}
	model := new(invoice.Invoice)
	if err := json.Unmarshal(in.Model, model); err != nil {
		return row, err
	}
	if model.Seller.Name != "" {
		row.Seller = model.Seller.Name
	}
	row.Amount = p.Amount(model.Totals.AmountDue.String(), model.Currency)
	if model.DueDate != nil {
		row.Due = p.CivilDay(model.DueDate.String())
	}
	return row, nil
}

// inboundStanding is the most telling word on a received document.
func inboundStanding(in gateway.Inbound) (i18n.Key, tone) {
	switch {
	case in.State == gateway.InboundQuarantined:
		return "inbound.quarantined", toneBad
	case in.State == gateway.InboundReceived:
		return "inbound.received", toneWait
	case len(in.Model) == 0:
		return "inbound.response", toneOff
	case in.Answer != "":
		return i18n.Key("answer." + in.Answer), axisTones["answer."+in.Answer]
	case in.State == gateway.InboundForwarded:
		return "inbound.forwarded", toneWait
	}
	return "inbound.available", toneWait
}

// inboundView is the page of one received document.
type inboundView struct {
	gateway.Inbound
	Row       inboundRow
	Document  *render.View // nil when it could not be read
	Checks    []checkView
	Failures  []complaint
	Answered  *answer.Detail
	Replies   []deliveryView
	Documents []gateway.Document
	Events    []eventView // oldest first
	// Decisions that may be made now, and by this reader.
	Decisions   []answer.Decision
	Acknowledge bool
	Reasons     []string
}

// refusalReasons are the codes of OPStatusReason that a dispute or refusal gives.
var refusalReasons = []string{"REF", "LEG", "PRI", "QTY", "ITM", "DEL", "QUA", "PAY", "FIN", "REC", "UNR", "OTH"}

func (w *Web) showInbound(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	v := inboundView{Reasons: refusalReasons}
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		if v.Inbound, err = r.Inbound(ctx, id); err != nil {
			return err
		}
		verdicts, err := r.Verdicts(ctx, "", id)
		if err != nil {
			return err
		}
		if v.Checks, err = p.checks(verdicts); err != nil {
			return err
		}
		if v.Documents, err = r.InboundDocuments(ctx, id); err != nil {
			return err
		}
		byRole(v.Documents)
		replies, err := r.InboundReplies(ctx, id)
		if err != nil {
			return err
		}
		for _, d := range replies {
			v.Replies = append(v.Replies, deliveryView{Delivery: d, Tone: deliveryTones[d.State]})
		}
		events, err := r.Timeline(ctx, gateway.EventFilter{InboundID: id})
		for _, e := range events {
			v.Events = append(v.Events, p.describe(e, "/inbox/"+id+"/files"))
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := v.complete(p); err != nil {
		return err
	}
	p.Title = p.inboundTitle(v.Inbound)
	return show(c, http.StatusOK, inboundTemplate(p, v))
}

// inboundTitle names a received document.
func (p *page) inboundTitle(in gateway.Inbound) string {
	if in.Number == "" {
		return p.T("inbound.untitled")
	}
	return p.T("inbound.title", i18n.A("number", in.Number))
}

// complete puts into words what was read.
func (v *inboundView) complete(p *page) error {
	var err error
	if v.Row, err = p.inboundRow(v.Inbound); err != nil {
		return err
	}
	if len(v.Model) > 0 {
		model := new(invoice.Invoice)
		if err := json.Unmarshal(v.Model, model); err != nil {
			return err
		}
		v.Document = render.Model(model, string(p.Lang))
	}
	if n := len(v.Checks); n > 0 && v.State == gateway.InboundQuarantined {
		v.Failures = p.failures(v.Checks[n-1].Result)
	}
	if len(v.AnswerDetail) > 0 {
		v.Answered = new(answer.Detail)
		if err := json.Unmarshal(v.AnswerDetail, v.Answered); err != nil {
			return err
		}
	}
	v.Decisions = decisions(p, v.Inbound)
	v.Acknowledge = p.Can(access.ActionAcknowledge) && v.AcknowledgedAt == nil && len(v.Model) > 0 &&
		(v.State == gateway.InboundAvailable || v.State == gateway.InboundForwarded)
	return nil
}

// decisions are those that a received invoice waits for and the reader may make;
// the use case decides.
func decisions(p *page, in gateway.Inbound) []answer.Decision {
	open := in.State == gateway.InboundAvailable || in.State == gateway.InboundForwarded
	if !open || len(in.Model) == 0 || in.Answer == "approved" || in.Answer == "refused" {
		return nil
	}
	var out []answer.Decision
	if p.Can(access.ActionDispute) && in.Answer == "" {
		out = append(out, answer.InProcess)
	}
	if p.Can(access.ActionDecide) {
		out = append(out, answer.Approve)
	}
	if p.Can(access.ActionDispute) {
		out = append(out, answer.Dispute)
	}
	if p.Can(access.ActionDecide) {
		out = append(out, answer.Refuse)
	}
	return out
}

func (w *Web) decide(c echo.Context) error {
	p := current(c)
	d := answer.Decision(c.FormValue("decision"))
	if (d == answer.Approve || d == answer.Refuse) && !p.Can(access.ActionDecide) {
		return gateway.ErrForbidden.With("the role "+string(p.User.Role)+" does not approve or refuse", nil)
	}
	_, err := w.Answers.Decide(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor(), d, c.FormValue("code"), c.FormValue("text"))
	if err != nil {
		return err
	}
	return back(c, "/inbox/"+c.Param("id"), "answered")
}

func (w *Web) acknowledge(c echo.Context) error {
	p := current(c)
	if _, err := w.Inbox.Acknowledge(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor()); err != nil {
		return err
	}
	return back(c, "/inbox/"+c.Param("id"), "acknowledged")
}

func (w *Web) inboundAttachment(c echo.Context) error {
	p, ctx := current(c), c.Request().Context()
	model := new(invoice.Invoice)
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		in, err := r.Inbound(ctx, c.Param("id"))
		if err != nil {
			return err
		}
		if len(in.Model) == 0 {
			return gateway.ErrNotFound
		}
		return json.Unmarshal(in.Model, model)
	})
	if err != nil {
		return err
	}
	return sendAttachment(c, model, c.Param("n"))
}
