package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/i18n"
)

// auditView is the auditor's list.
type auditView struct {
	Text     string
	Received bool // documents that came in, rather than invoices that went out
	Invoices []invoiceRow
	Inbounds []inboundRow
	Next     templ.SafeURL
	Size     int64 // leaves of the log
}

func (w *Web) audit(c echo.Context) error {
	p, ctx := current(c), c.Request().Context()
	p.Title = p.T("audit")
	v := auditView{Text: c.QueryParam("q"), Received: c.QueryParam("of") == "received"}
	after := gateway.Page{After: c.QueryParam("after"), Limit: pageSize}
	next := ""
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		if v.Size, err = r.LogSize(ctx); err != nil {
			return err
		}
		if v.Received {
			list, err := r.Inbounds(ctx, gateway.InboundFilter{Number: v.Text}, after)
			if err != nil {
				return err
			}
			next = list.Next
			for _, in := range list.Items {
				row, err := p.inboundRow(in)
				if err != nil {
					return err
				}
				v.Inbounds = append(v.Inbounds, row)
			}
			return nil
		}
		list, err := r.Invoices(ctx, gateway.InvoiceFilter{Text: v.Text}, after)
		next = list.Next
		for _, inv := range list.Items {
			row := invoiceRow{Invoice: inv}
			row.Standing, row.Tone = standing(inv)
			v.Invoices = append(v.Invoices, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	if next != "" {
		q := url.Values{"after": {next}}
		for _, name := range []string{"q", "of"} {
			if value := c.QueryParam(name); value != "" {
				q.Set(name, value)
			}
		}
		v.Next = templ.SafeURL("/audit?" + q.Encode())
	}
	return show(c, http.StatusOK, auditTemplate(p, v))
}

// recordView is everything there is about one invoice or received document.
type recordView struct {
	ID, Title string
	Facts     []fact
	Documents []documentRow
	Seal      *sealView
	Checks    []checkView
	Events    []eventView // oldest first
	Files     string      // address below which files are served
}

// fact is a line of a record.
type fact struct{ Name, Value string }

// documentRow is a file of a record.
type documentRow struct {
	gateway.Document
	URL templ.SafeURL
}

// sealView says whether the seal of a document holds.
type sealView struct {
	Seal
	Holds  bool
	Reason string
}

func (w *Web) auditInvoice(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	v := recordView{ID: id, Files: "/invoices/" + id + "/files"}
	var inv gateway.Invoice
	var documents []gateway.Document
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		if inv, err = r.Invoice(ctx, id); err != nil {
			return err
		}
		if documents, err = r.InvoiceDocuments(ctx, id); err != nil {
			return err
		}
		return v.history(ctx, r, p, id, "")
	})
	if err != nil {
		return err
	}
	p.Title = p.invoiceTitle(inv)
	v.Title = p.Title
	v.add(p.T("customer"), inv.CustomerName)
	v.add(p.T("amount"), p.Amount(inv.Payable.String(), inv.Currency))
	v.add(p.T("issued"), p.CivilDay(inv.IssueDate))
	v.add(p.T("state"), p.T(i18n.Key("state."+string(inv.State))))
	v.add(p.T("external_id"), inv.ExternalID)
	v.documents(documents)
	if inv.SourceSHA256 != "" {
		v.documents([]gateway.Document{{SHA256: inv.SourceSHA256, Role: "original", MediaType: inv.SourceType, Filename: "source-" + id, CreatedAt: inv.CreatedAt}})
	}
	if v.Seal, err = w.checkSeal(ctx, p.tenantID(), documents); err != nil {
		return err
	}
	return show(c, http.StatusOK, recordTemplate(p, v))
}

func (w *Web) auditInbound(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	v := recordView{ID: id, Files: "/inbox/" + id + "/files"}
	var in gateway.Inbound
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		if in, err = r.Inbound(ctx, id); err != nil {
			return err
		}
		documents, err := r.InboundDocuments(ctx, id)
		if err != nil {
			return err
		}
		v.documents(documents)
		return v.history(ctx, r, p, "", id)
	})
	if err != nil {
		return err
	}
	p.Title = p.inboundTitle(in)
	v.Title = p.Title
	v.add(p.T("sender"), participant(in.Sender))
	v.add(p.T("receiver"), participant(in.Receiver))
	v.add(p.T("message_id"), in.MessageID)
	v.add(p.T("document_type"), in.DocumentType)
	v.add(p.T("state"), p.T(i18n.Key("inbound."+string(in.State))))
	return show(c, http.StatusOK, recordTemplate(p, v))
}

func (v *recordView) add(name, value string) {
	if value != "" {
		v.Facts = append(v.Facts, fact{name, value})
	}
}

func (v *recordView) documents(list []gateway.Document) {
	byRole(list)
	for _, d := range list {
		v.Documents = append(v.Documents, documentRow{Document: d, URL: templ.SafeURL(v.Files + "/" + d.SHA256)})
	}
}

// history reads the verdicts and events of a record.
func (v *recordView) history(ctx context.Context, r gateway.Reader, p *page, invoiceID, inboundID string) error {
	verdicts, err := r.Verdicts(ctx, invoiceID, inboundID)
	if err != nil {
		return err
	}
	if v.Checks, err = p.checks(verdicts); err != nil {
		return err
	}
	events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: invoiceID, InboundID: inboundID})
	for _, e := range events {
		v.Events = append(v.Events, p.describe(e, v.Files))
	}
	return err
}

// checkSeal checks the seal of an invoice now; nil when it has no document yet.
func (w *Web) checkSeal(ctx context.Context, tenant gateway.TenantID, documents []gateway.Document) (*sealView, error) {
	if len(documents) == 0 {
		return nil, nil
	}
	s, err := w.sealed(ctx, tenant, documents)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	v := &sealView{Seal: s, Holds: err == nil}
	if err != nil {
		v.Reason = err.Error()
	}
	return v, nil
}

// logCheckTime bounds a check of the whole log.
const logCheckTime = 2 * time.Minute

// logView is what the check of the audit log found.
type logView struct {
	evidence.Report
	Holds  bool
	Broken *evidence.Broken
	// Reason says why the check could not be made.
	Reason string
	At     time.Time
}

// auditLog checks the whole log. It is a GET because it changes nothing.
func (w *Web) auditLog(c echo.Context) error {
	p := current(c)
	p.Title = p.T("log.title")
	ctx, cancel := context.WithTimeout(c.Request().Context(), logCheckTime)
	defer cancel()
	v := logView{At: w.Clock.Now()}
	var err error
	v.Report, err = w.VerifyLog(ctx, p.tenantID())
	switch {
	case err == nil:
		v.Holds = true
	case errors.As(err, &v.Broken):
	default:
		w.Log.ErrorContext(ctx, "the audit log could not be checked", "error", err)
		v.Reason = p.T("log.not_run")
	}
	return show(c, http.StatusOK, logTemplate(p, v))
}

// auditRoot gives the newest signed root, to be kept and compared another year.
func (w *Web) auditRoot(c echo.Context) error {
	p, ctx := current(c), c.Request().Context()
	var root []byte
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) (err error) {
		root, err = r.LogRoot(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return send(c, "log-root-"+w.Clock.Now().UTC().Format("20060102-150405")+".txt", "application/octet-stream", root)
}
