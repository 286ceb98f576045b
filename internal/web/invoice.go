package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/render"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/i18n"
)

// invoiceView is the page of one invoice.
type invoiceView struct {
	gateway.Invoice
	Model      *invoice.Invoice
	Kind       i18n.Key
	Live       liveView
	Hold       *holdView
	Deliveries []deliveryView
	Documents  []gateway.Document
	Checks     []checkView
	Sources    []sourceView
	Links      []linkView
	Override   *outbound.Override
	Original   *gateway.Invoice  // of a credit note
	Credits    []gateway.Invoice // credit notes for it
	Offers     offers
}

// offers are the actions that the state of an invoice allows.
type offers struct {
	Release, Correct, Override, Cancel, Credit, Resend bool
}

// Any tells whether anything is offered.
func (o offers) Any() bool { return o != offers{} }

// deliveryView is a delivery with its attempts.
type deliveryView struct {
	gateway.Delivery
	Tone     tone
	Attempts []gateway.Attempt
}

// sourceView tells where a value came from that the order lacked.
type sourceView struct{ Name, Value, From string }

// linkView is a portal link as its supplier may see it.
type linkView struct {
	URL       string
	Mailbox   string
	ExpiresAt time.Time
}

func (w *Web) showInvoice(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	var v invoiceView
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		v, err = w.invoiceView(ctx, r, p, id)
		return err
	})
	if err != nil {
		return err
	}
	p.Title = p.invoiceTitle(v.Invoice)
	return show(c, http.StatusOK, invoiceTemplate(p, v))
}

func (w *Web) invoiceView(ctx context.Context, r gateway.Reader, p *page, id string) (invoiceView, error) {
	v := invoiceView{Model: new(invoice.Invoice)}
	var err error
	if v.Invoice, err = r.Invoice(ctx, id); err != nil {
		return v, err
	}
	if err := json.Unmarshal(v.Invoice.Model, v.Model); err != nil {
		return v, err
	}
	v.Kind = kindKey(v.Invoice)
	events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: id})
	if err != nil {
		return v, err
	}
	v.Live = p.live(v.Invoice, events)
	if v.Hold, err = p.hold(v.Invoice); err != nil {
		return v, err
	}
	if err := w.surroundings(ctx, r, p, &v); err != nil {
		return v, err
	}
	v.Offers = offersFor(p, v)
	return v, nil
}

// surroundings reads what stands around an invoice.
func (w *Web) surroundings(ctx context.Context, r gateway.Reader, p *page, v *invoiceView) error {
	deliveries, err := r.InvoiceDeliveries(ctx, v.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		tries, err := r.Attempts(ctx, d.ID)
		if err != nil {
			return err
		}
		v.Deliveries = append(v.Deliveries, deliveryView{Delivery: d, Tone: deliveryTones[d.State], Attempts: tries})
	}
	if v.Documents, err = r.InvoiceDocuments(ctx, v.ID); err != nil {
		return err
	}
	byRole(v.Documents)
	verdicts, err := r.Verdicts(ctx, v.ID, "")
	if err != nil {
		return err
	}
	if v.Checks, err = p.checks(verdicts); err != nil {
		return err
	}
	if v.Sources, err = p.sources(v.Invoice); err != nil {
		return err
	}
	if len(v.Invoice.Override) > 0 {
		v.Override = new(outbound.Override)
		if err := json.Unmarshal(v.Invoice.Override, v.Override); err != nil {
			return err
		}
	}
	if p.Can(access.ActionCorrect) { // a link is a key: not for everybody who may read
		links, err := r.PortalLinks(ctx, v.ID)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.RevokedAt == nil && w.Clock.Now().Before(l.ExpiresAt) {
				v.Links = append(v.Links, linkView{URL: w.LinkTo(l.ID), Mailbox: l.Email, ExpiresAt: l.ExpiresAt})
			}
		}
	}
	if v.CreditOf != "" {
		original, err := r.Invoice(ctx, v.CreditOf)
		if err != nil {
			return err
		}
		v.Original = &original
	}
	credits, err := r.Invoices(ctx, gateway.InvoiceFilter{CreditOf: v.ID}, gateway.Page{Limit: 20})
	v.Credits = credits.Items
	return err
}

// roles of documents in the order in which they come about.
var roles = []string{"original", "invoice", "seal", "receipt", "answer", "mail"}

func byRole(documents []gateway.Document) {
	slices.SortStableFunc(documents, func(a, b gateway.Document) int {
		return cmp.Compare(slices.Index(roles, a.Role), slices.Index(roles, b.Role))
	})
}

var deliveryTones = map[gateway.DeliveryState]tone{
	gateway.DeliveryQueued: toneWait, gateway.DeliverySending: toneWait, gateway.DeliveryRetrying: toneWait,
	gateway.DeliveryAccepted: toneGood, gateway.DeliveryUnknown: toneWarn, gateway.DeliveryFailed: toneBad,
}

func (p *page) sources(inv gateway.Invoice) ([]sourceView, error) {
	if len(inv.Sources) == 0 {
		return nil, nil
	}
	var origin outbound.Origin
	if err := json.Unmarshal(inv.Sources, &origin); err != nil {
		return nil, err
	}
	var out []sourceView
	for _, s := range origin.Values {
		name := invoice.TermName(s.Term, string(p.Lang))
		if name == "" {
			name = s.Path
		}
		out = append(out, sourceView{Name: name, Value: s.Value, From: s.From})
	}
	return out, nil
}

// offersFor tells which actions make sense; the use cases decide.
func offersFor(p *page, v invoiceView) offers {
	held := v.State == gateway.InvoiceHeld
	numbered := v.State == gateway.InvoiceReady || v.State == gateway.InvoiceSent || v.State == gateway.InvoiceClosed
	return offers{
		Release:  held && p.Can(access.ActionCorrect),
		Correct:  held && !v.NumberGiven && p.Can(access.ActionCorrect),
		Override: held && v.Hold.Passable && p.Can(access.ActionOverride),
		Cancel:   (held || v.State == gateway.InvoiceDraft) && p.Can(access.ActionCorrect),
		Credit:   numbered && !v.Model.IsCreditNote() && !v.credited() && p.Can(access.ActionSubmit),
		Resend:   numbered && v.State != gateway.InvoiceClosed && v.lost() && p.Can(access.ActionResolve),
	}
}

// lost tells that every delivery so far certainly did not arrive: a customer who
// answers has it, whatever the channels say.
func (v invoiceView) lost() bool {
	return v.Status.Answer().State == "" && !slices.ContainsFunc(v.Deliveries, func(d deliveryView) bool {
		return d.State != gateway.DeliveryFailed && v.Status.Deliveries[d.ID].State != "bounced"
	})
}

// credited tells that living credit notes take back all of an invoice.
func (v invoiceView) credited() bool {
	var sum invoice.Decimal
	for _, c := range v.Credits {
		if c.State != gateway.InvoiceRejected && c.State != gateway.InvoiceCancelled {
			sum = sum.Add(c.Total)
		}
	}
	return len(v.Credits) > 0 && sum.Cmp(v.Total) >= 0
}

// invoiceTitle names an invoice; one without number is a draft for its customer.
func (p *page) invoiceTitle(inv gateway.Invoice) string {
	if inv.Number == "" {
		return p.T("draft_for", i18n.A("customer", inv.CustomerName))
	}
	return p.T(kindKey(inv)) + " " + inv.Number
}

func kindKey(inv gateway.Invoice) i18n.Key {
	if inv.Kind == "credit_note" {
		return "credit_note"
	}
	return "invoice"
}

// liveInvoice answers the page that asks again and again: with nothing while
// nothing has changed.
func (w *Web) liveInvoice(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	var v liveView
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		inv, err := r.Invoice(ctx, id)
		if err != nil {
			return err
		}
		events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: id})
		v = p.live(inv, events)
		return err
	})
	if err != nil {
		return err
	}
	was := c.QueryParam("state")
	v.Stale = was != "" && was != string(v.State)
	var b bytes.Buffer
	if err := liveTemplate(p, v).Render(ctx, &b); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := c.Response().Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// documentView is an invoice as its reader sees it.
type documentView struct {
	*render.View
	// Back leads to the record behind it.
	Back string
}

func (w *Web) invoiceDocument(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	model := new(invoice.Invoice)
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		inv, err := r.Invoice(ctx, id)
		if err != nil {
			return err
		}
		return json.Unmarshal(inv.Model, model)
	})
	if err != nil {
		return err
	}
	v := render.Model(model, string(p.Lang))
	p.Title = v.Title
	return show(c, http.StatusOK, documentTemplate(p, documentView{View: v, Back: "/invoices/" + id}))
}
