package web

import (
	"encoding/json"
	"strings"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
)

// reason reads the text that a decision needs.
func reason(c echo.Context) (string, error) {
	text := strings.TrimSpace(c.FormValue("reason"))
	if text == "" {
		return "", missing("reason", "say why: it is kept with the decision")
	}
	return text, nil
}

// missing refuses a form without a field.
func missing(field, message string) error {
	e := gateway.ErrInvalid.With(message, nil)
	e.Fields = []gateway.FieldProblem{{Path: field, Code: "missing", Message: message}}
	return e
}

func (w *Web) backToInvoice(c echo.Context, done string, err error) error {
	if err != nil {
		return err
	}
	return back(c, "/invoices/"+c.Param("id"), done)
}

func (w *Web) release(c echo.Context) error {
	p := current(c)
	_, err := w.Desk.Release(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor())
	return w.backToInvoice(c, "released", err)
}

// corrections are the fields of the small form: those that customers ask for
// and orders lack most.
var corrections = []struct {
	Name, Term string
	value      func(*invoice.Invoice) string
}{
	{"buyer_reference", "BT-10", func(inv *invoice.Invoice) string { return inv.BuyerReference }},
	{"purchase_order_reference", "BT-13", func(inv *invoice.Invoice) string { return inv.PurchaseOrderReference }},
	{"buyer_accounting_reference", "BT-19", func(inv *invoice.Invoice) string { return inv.BuyerAccountingReference }},
}

// correct sends what was changed in the form as a merge patch; a field that was
// emptied is taken away.
func (w *Web) correct(c echo.Context) error {
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
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	changes := map[string]any{}
	for _, f := range corrections {
		if text := strings.TrimSpace(form.Get(f.Name)); form.Has(f.Name) && text != f.value(model) {
			if changes[f.Name] = text; text == "" {
				changes[f.Name] = nil
			}
		}
	}
	if len(changes) == 0 {
		return missing("form", "nothing was changed")
	}
	patch, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	_, err = w.Desk.Correct(ctx, p.tenantID(), id, p.actor(), patch)
	return w.backToInvoice(c, "corrected", err)
}

func (w *Web) override(c echo.Context) error {
	p := current(c)
	why, err := reason(c)
	if err != nil {
		return err
	}
	_, err = w.Desk.Override(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor(), why)
	return w.backToInvoice(c, "overridden", err)
}

func (w *Web) cancel(c echo.Context) error {
	p := current(c)
	why, err := reason(c)
	if err != nil {
		return err
	}
	_, err = w.Desk.Cancel(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor(), why)
	return w.backToInvoice(c, "cancelled", err)
}

func (w *Web) credit(c echo.Context) error {
	p := current(c)
	why, err := reason(c)
	if err != nil {
		return err
	}
	source, err := json.Marshal(map[string]string{"reason": why})
	if err != nil {
		return err
	}
	// Without a key the same reason is the same credit note: pressing twice makes one.
	sub := outbound.Submission{Actor: p.actor(), Source: source, SourceType: "application/json"}
	answer, err := w.Credit(c.Request().Context(), p.tenantID(), c.Param("id"), sub, why)
	if err != nil {
		return err
	}
	return back(c, "/invoices/"+answer.Ref, "credited")
}

func (w *Web) resend(c echo.Context) error {
	p := current(c)
	_, err := w.Desk.Resend(c.Request().Context(), p.tenantID(), c.Param("id"), p.actor())
	return w.backToInvoice(c, "resent", err)
}

func (w *Web) resolve(c echo.Context) error {
	p := current(c)
	why, err := reason(c)
	if err != nil {
		return err
	}
	arrived := c.FormValue("arrived")
	if arrived != "yes" && arrived != "no" {
		return missing("arrived", "say whether it arrived")
	}
	_, err = w.Desk.Resolve(c.Request().Context(), p.tenantID(), c.Param("delivery"), p.actor(), arrived == "yes", why)
	return w.backToInvoice(c, "resolved", err)
}
