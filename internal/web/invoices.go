package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

// Bounds of a list that shows one group: the store knows no groups, so pages are
// read until enough belong to it, and no further than this.
const (
	pageSize = 50
	maxReads = 40
)

// listView is the supplier's list.
type listView struct {
	Report report
	Group  group // "" for all
	Text   string
	Since  string
	Until  string
	Rows   []invoiceRow
	// Next is the address of the page after this one.
	Next templ.SafeURL
	// Partial tells that looking stopped before the page was full.
	Partial bool
	Groups  []group
}

// Filtered tells that not all invoices are asked for.
func (v listView) Filtered() bool {
	return v.Group != "" || v.Text != "" || v.Since != "" || v.Until != ""
}

// link is the address of the list with another group.
func (v listView) link(g group, since string) templ.SafeURL {
	q := url.Values{}
	for name, value := range map[string]string{"show": string(g), "q": v.Text, "since": since, "until": v.Until} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/invoices"
	}
	return templ.SafeURL("/invoices?" + q.Encode())
}

// invoiceRow is one invoice of the list.
type invoiceRow struct {
	gateway.Invoice
	Standing i18n.Key
	Tone     tone
}

// Under is the line below the number: what it is, when it is no invoice, and the
// caller's own reference.
func (r invoiceRow) Under(p *page) string {
	kind := ""
	if r.Kind == "credit_note" {
		kind = p.T("credit_note")
	}
	return joined(kind, r.ExternalID)
}

// Calculated tells that the amount is known: that of a draft which lacks a value
// may not be.
func (r invoiceRow) Calculated() bool { return r.Number != "" || !r.Payable.IsZero() }

func (w *Web) listInvoices(c echo.Context) error {
	p := current(c)
	p.Title = p.T("invoices")
	v := listView{Text: c.QueryParam("q"), Since: c.QueryParam("since"), Until: c.QueryParam("until"), Groups: append(reported[:len(reported):len(reported)], groupEnded)}
	if g, ok := validGroup(c.QueryParam("show")); ok {
		v.Group = g
	}
	f, err := v.filter(p.Zone)
	if err != nil {
		return err
	}
	ctx, now := c.Request().Context(), w.Clock.Now().In(p.Zone)
	since := startOf(now, confirmedDays-1)
	next := ""
	err = w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		open, err := r.Counts(ctx, time.Time{}, time.Time{})
		if err != nil {
			return err
		}
		recent, err := r.Counts(ctx, since, time.Time{})
		if err != nil {
			return err
		}
		v.Report = reportOf(open, recent, now, since)
		v.Rows, next, v.Partial, err = invoicesOf(ctx, r, f, v.Group, c.QueryParam("after"))
		return err
	})
	if err != nil {
		return err
	}
	if next != "" {
		q := c.QueryParams()
		q.Set("after", next)
		q.Del("done")
		v.Next = templ.SafeURL("/invoices?" + q.Encode())
	}
	return show(c, http.StatusOK, invoicesTemplate(p, v))
}

// filter reads the days of a list in the tenant's zone; the last one counts whole.
func (v listView) filter(zone *time.Location) (gateway.InvoiceFilter, error) {
	f := gateway.InvoiceFilter{Text: v.Text}
	if v.Group != "" {
		f.States = v.Group.states()
	}
	var err error
	if f.Since, err = day("since", v.Since, zone, 0); err != nil {
		return f, err
	}
	f.Until, err = day("until", v.Until, zone, 1)
	return f, err
}

func day(name, text string, zone *time.Location, add int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		e := gateway.ErrInvalid.With("a day is written YYYY-MM-DD", err)
		e.Fields = []gateway.FieldProblem{{Path: name, Code: "date", Message: "this is no day"}}
		return t, e
	}
	return t.AddDate(0, 0, add), nil
}

// invoicesOf reads one page of a group. It ends when enough were found, when
// there are no more, or when it has looked far enough.
func invoicesOf(ctx context.Context, r gateway.Reader, f gateway.InvoiceFilter, g group, after string) (rows []invoiceRow, next string, partial bool, err error) {
	next = after
	for range maxReads {
		list, err := r.Invoices(ctx, f, gateway.Page{After: next, Limit: pageSize})
		if err != nil {
			return nil, "", false, err
		}
		for _, inv := range list.Items {
			if g != "" && groupOfInvoice(inv) != g {
				continue
			}
			row := invoiceRow{Invoice: inv}
			row.Standing, row.Tone = standing(inv)
			rows = append(rows, row)
		}
		next = list.Next
		if next == "" || len(rows) >= pageSize {
			return rows, next, false, nil
		}
	}
	return rows, next, true, nil
}
