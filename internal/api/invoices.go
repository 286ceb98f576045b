package api

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/intake"
)

// submitInvoice takes a finished invoice that an ERP made.
func (a *API) submitInvoice(c echo.Context) error {
	sub, media, err := a.submission(c)
	if err != nil {
		return err
	}
	inv, err := intake.Invoice(media, sub.Source)
	if err != nil {
		return err
	}
	answer, err := a.Intake.SubmitInvoice(c.Request().Context(), tenant(c), sub, c.QueryParam("external_id"), inv)
	if err != nil {
		return err
	}
	return created(c, answer, "/v1/invoices/")
}

// invoiceView is an invoice with what its events say of the other side.
type invoiceView struct {
	gateway.Invoice
	Transport gateway.Mark `json:"transport"`
	Answer    gateway.Mark `json:"answer"`
	Money     gateway.Mark `json:"money"`
}

func viewOf(inv gateway.Invoice) invoiceView {
	return invoiceView{Invoice: inv, Transport: inv.Status.Transport(), Answer: inv.Status.Answer(), Money: inv.Status.Money()}
}

// listedInvoice is an invoice without its content.
type listedInvoice struct {
	invoiceView
	Model      omitted `json:"model,omitempty"`
	Sources    omitted `json:"sources,omitempty"`
	HoldDetail omitted `json:"hold_detail,omitempty"`
	Override   omitted `json:"override,omitempty"`
}

func (a *API) listInvoices(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	f := gateway.InvoiceFilter{
		Customer: c.QueryParam("customer"), OrderID: c.QueryParam("order_id"), ExternalID: c.QueryParam("external_id"),
		CreditOf: c.QueryParam("credit_of"), Text: c.QueryParam("q"),
	}
	if f.States, err = states(c, gateway.InvoiceStates); err != nil {
		return err
	}
	if f.Since, err = moment(c, "since"); err != nil {
		return err
	}
	if f.Until, err = moment(c, "until"); err != nil {
		return err
	}
	return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[listedInvoice], error) {
		page, err := r.Invoices(ctx, f, p)
		return mapped(page, func(inv gateway.Invoice) listedInvoice { return listedInvoice{invoiceView: viewOf(inv)} }), err
	})
}

func (a *API) getInvoice(c echo.Context) error {
	version := func(v invoiceView) int64 { return v.Version }
	return one(a, c, version, func(ctx context.Context, r gateway.Reader) (invoiceView, error) {
		inv, err := r.Invoice(ctx, id(c))
		return viewOf(inv), err
	})
}

// timeline is what the events of an invoice tell, and their sum on three axes.
type timeline struct {
	Transport gateway.Mark    `json:"transport"`
	Answer    gateway.Mark    `json:"answer"`
	Money     gateway.Mark    `json:"money"`
	Items     []gateway.Event `json:"items"`
}

func (a *API) invoiceTimeline(c echo.Context) error {
	out, err := find(a, c, func(ctx context.Context, r gateway.Reader) (timeline, error) {
		inv, err := r.Invoice(ctx, id(c))
		if err != nil {
			return timeline{}, err
		}
		events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: inv.ID})
		s := inv.Status
		return timeline{Transport: s.Transport(), Answer: s.Answer(), Money: s.Money(), Items: append([]gateway.Event{}, events...)}, err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// ofInvoice lists what belongs to an invoice, which must exist.
func ofInvoice[T any](a *API, c echo.Context, fn func(ctx context.Context, r gateway.Reader, id string) ([]T, error)) error {
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]T, error) {
		if _, err := r.Invoice(ctx, id(c)); err != nil {
			return nil, err
		}
		return fn(ctx, r, id(c))
	})
}

func (a *API) invoiceDocuments(c echo.Context) error {
	return ofInvoice(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]gateway.Document, error) {
		return r.InvoiceDocuments(ctx, id)
	})
}

func (a *API) invoiceDocument(c echo.Context) error {
	d, err := find(a, c, func(ctx context.Context, r gateway.Reader) (gateway.Document, error) {
		documents, err := r.InvoiceDocuments(ctx, id(c))
		if err != nil {
			return gateway.Document{}, err
		}
		i := slices.IndexFunc(documents, func(d gateway.Document) bool { return d.SHA256 == param(c, "sha256") })
		if i < 0 {
			return gateway.Document{}, gateway.ErrNotFound
		}
		return documents[i], nil
	})
	if err != nil {
		return err
	}
	return a.document(c, d)
}

// document answers with stored bytes as they are. Whoever wrote them, no browser
// runs them.
func (a *API) document(c echo.Context, d gateway.Document) error {
	if notModified(c, d.SHA256) {
		return c.NoContent(http.StatusNotModified)
	}
	content, err := a.Blobs.Get(c.Request().Context(), tenant(c), d.SHA256)
	if err != nil {
		c.Response().Header().Del("ETag")
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": d.Filename}))
	h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	return c.Blob(http.StatusOK, d.MediaType, content)
}

func (a *API) invoiceVerdicts(c echo.Context) error {
	return ofInvoice(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]gateway.VerdictRecord, error) {
		return r.Verdicts(ctx, id, "")
	})
}

// deliveryView is a delivery with its attempts.
type deliveryView struct {
	gateway.Delivery
	Tries []gateway.Attempt `json:"tries"`
}

func withTries(ctx context.Context, r gateway.Reader, d gateway.Delivery) (deliveryView, error) {
	tries, err := r.Attempts(ctx, d.ID)
	return deliveryView{d, append([]gateway.Attempt{}, tries...)}, err
}

func allWithTries(ctx context.Context, r gateway.Reader, deliveries []gateway.Delivery) ([]deliveryView, error) {
	var out []deliveryView
	for _, d := range deliveries {
		v, err := withTries(ctx, r, d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (a *API) invoiceDeliveries(c echo.Context) error {
	return ofInvoice(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]deliveryView, error) {
		deliveries, err := r.InvoiceDeliveries(ctx, id)
		if err != nil {
			return nil, err
		}
		return allWithTries(ctx, r, deliveries)
	})
}

func (a *API) getDelivery(c echo.Context) error {
	version := func(d deliveryView) int64 { return d.Version }
	return one(a, c, version, func(ctx context.Context, r gateway.Reader) (deliveryView, error) {
		d, err := r.Delivery(ctx, id(c))
		if err != nil {
			return deliveryView{}, err
		}
		return withTries(ctx, r, d)
	})
}

// link is a portal link as its supplier may see it: whoever has the address can
// open the invoice.
type link struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *API) invoiceLinks(c echo.Context) error {
	return ofInvoice(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]link, error) {
		all, err := r.PortalLinks(ctx, id)
		var out []link
		for _, l := range all {
			if l.RevokedAt == nil {
				out = append(out, link{l.ID, a.LinkTo(l.ID), l.ExpiresAt})
			}
		}
		return out, err
	})
}

// creditInvoice makes the credit note for an invoice, whole or by line.
func (a *API) creditInvoice(c echo.Context) error {
	sub, _, err := a.submission(c)
	if err != nil {
		return err
	}
	sub.SourceType = intake.JSON
	var selection billing.Selection
	if len(sub.Source) > 0 {
		if err := decode(c, sub.Source, &selection); err != nil {
			return err
		}
	}
	answer, err := a.Desk.Credit(c.Request().Context(), tenant(c), id(c), sub, selection)
	if err != nil {
		return err
	}
	return created(c, answer, "/v1/invoices/")
}

// expect refuses a decision on another version of an invoice than its caller
// read. A change that slips in after this is refused by the invoice's state.
func (a *API) expect(c echo.Context) error {
	version, err := condition(c)
	if err != nil || version < 0 {
		return err
	}
	inv, err := find(a, c, func(ctx context.Context, r gateway.Reader) (gateway.Invoice, error) { return r.Invoice(ctx, id(c)) })
	if err == nil && inv.Version != version {
		return gateway.ErrConflict.For(inv.ID)
	}
	return err
}

// decided gives the invoice after a decision on it.
func decided(inv gateway.Invoice, err error) (outcome, error) {
	return outcome{http.StatusOK, inv.Version, viewOf(inv)}, err
}

func (a *API) correctInvoice(c echo.Context, content []byte) (outcome, error) {
	if err := jsonObject(c, content); err != nil {
		return outcome{}, err
	}
	if err := a.expect(c); err != nil {
		return outcome{}, err
	}
	return decided(a.Desk.Correct(c.Request().Context(), tenant(c), id(c), actor(c), json.RawMessage(content)))
}

// nothing reads a body that has nothing to say.
func nothing(c echo.Context, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	return decode(c, content, &struct{}{})
}

func (a *API) releaseInvoice(c echo.Context, content []byte) (outcome, error) {
	if err := nothing(c, content); err != nil {
		return outcome{}, err
	}
	if err := a.expect(c); err != nil {
		return outcome{}, err
	}
	return decided(a.Desk.Release(c.Request().Context(), tenant(c), id(c), actor(c)))
}

// maxReason bounds a reason in bytes.
const maxReason = 2000

// because checks the reason of a decision.
func because(reason string) error {
	switch {
	case reason == "":
		return invalid("/reason", "field.missing", "the decision needs a reason")
	case len(reason) > maxReason:
		return invalid("/reason", "field.too_long", "the reason is longer than 2000 bytes")
	}
	return nil
}

// cancellation is the body that cancels an invoice.
type cancellation struct {
	Reason string `json:"reason"`
}

func (a *API) cancelInvoice(c echo.Context, content []byte) (outcome, error) {
	var in cancellation
	if err := decode(c, content, &in); err != nil {
		return outcome{}, err
	}
	if err := because(in.Reason); err != nil {
		return outcome{}, err
	}
	if err := a.expect(c); err != nil {
		return outcome{}, err
	}
	return decided(a.Desk.Cancel(c.Request().Context(), tenant(c), id(c), actor(c), in.Reason))
}

func (a *API) resendInvoice(c echo.Context, content []byte) (outcome, error) {
	if err := nothing(c, content); err != nil {
		return outcome{}, err
	}
	if err := a.expect(c); err != nil {
		return outcome{}, err
	}
	return decided(a.Desk.Resend(c.Request().Context(), tenant(c), id(c), actor(c)))
}

// resolution is a person's word on a delivery whose fate is unknown.
type resolution struct {
	Arrived *bool  `json:"arrived"`
	Reason  string `json:"reason"`
}

func (a *API) resolveDelivery(c echo.Context, content []byte) (outcome, error) {
	var in resolution
	if err := decode(c, content, &in); err != nil {
		return outcome{}, err
	}
	if in.Arrived == nil {
		return outcome{}, invalid("/arrived", "field.missing", "say whether it arrived")
	}
	if err := because(in.Reason); err != nil {
		return outcome{}, err
	}
	d, err := a.Desk.Resolve(c.Request().Context(), tenant(c), id(c), actor(c), *in.Arrived, in.Reason)
	return outcome{http.StatusOK, d.Version, d}, err
}

func (a *API) report(c echo.Context) error {
	since, err := moment(c, "since")
	if err != nil {
		return err
	}
	until, err := moment(c, "until")
	if err != nil {
		return err
	}
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]gateway.Count, error) {
		return r.Counts(ctx, since, until)
	})
}

// seriesView is a series with the gaps in it: there should be none.
type seriesView struct {
	gateway.NumberSeries
	Taken int           `json:"taken"`
	Gaps  []gateway.Gap `json:"gaps"`
}

func (a *API) numberSeries(c echo.Context) error {
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]seriesView, error) {
		all, err := r.AllSeries(ctx)
		if err != nil {
			return nil, err
		}
		out := make([]seriesView, len(all))
		for i, s := range all {
			taken, err := r.NumbersTaken(ctx, s.LegalEntity, s.Kind, s.Period)
			if err != nil {
				return nil, err
			}
			out[i] = seriesView{s, len(taken), append([]gateway.Gap{}, gateway.Gaps(s, taken)...)}
		}
		return out, nil
	})
}
