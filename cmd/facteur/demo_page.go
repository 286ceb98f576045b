package main

import (
	"context"
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// person makes the demonstration's person at the supplier's desk.
func (d *demo) person(ctx context.Context) error {
	return d.node.store.For(demoSupplier).Write(ctx, func(tx gateway.Tx) error {
		return tx.PutUser(ctx, gateway.User{
			ID: demoActor.ID, Tenant: demoSupplier, Name: demoActor.Name, Email: "camille@ateliers-lumiere.example",
			Role: string(access.RoleAdmin), CreatedAt: d.app.Now(),
		})
	})
}

var demoPage = template.Must(template.New("demo").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Facteur: supplier and customer</title><link rel="stylesheet" href="/demo.css"></head>
<body><main><section><h2>Supplier’s timeline</h2><iframe title="Supplier’s timeline" src="{{.Left}}"></iframe></section>
<section><h2>Customer’s portal</h2><iframe title="Customer’s portal" src="{{.Right}}"></iframe></section></main></body></html>
`))

const demoStyle = `html,body{margin:0;height:100%;font:16px/1.4 system-ui,sans-serif;background:#e9e8e3;color:#1c1c1a}
main{display:grid;grid-template-columns:1fr 1fr;gap:1px;height:100%}
section{display:flex;flex-direction:column;min-width:0;background:#fff}
h2{font-size:.8rem;font-weight:600;margin:0;padding:.5rem 1rem;letter-spacing:.02em;background:#1c1c1a;color:#fff}
iframe{flex:1;border:0;width:100%}
@media(max-width:48rem){main{grid-template-columns:1fr;grid-template-rows:1fr 1fr}}
`

// routes adds the page to open: it signs the person in and shows the first
// invoice that is waiting to be opened, from both sides.
func (d *demo) routes(e *echo.Echo) {
	e.GET("/demo.css", func(c echo.Context) error { return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(demoStyle)) })
	e.GET("/demo", func(c echo.Context) error {
		ctx := c.Request().Context()
		invoice, link, err := d.toOpen(ctx)
		if err != nil {
			return err
		}
		cookie, _, err := d.node.authority.NewSession(access.SessionUser, string(demoSupplier), demoActor.ID)
		if err != nil {
			return err
		}
		c.SetCookie(&http.Cookie{ //nolint:gosec // the pages of a demonstration are plain HTTP on loopback
			Name: "facteur", Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self' "+d.node.pages)
		h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
		c.Response().WriteHeader(http.StatusOK)
		return demoPage.Execute(c.Response(), map[string]string{"Left": "/invoices/" + invoice, "Right": link})
	})
}

// toOpen gives an invoice that nobody has opened yet, and its portal link.
func (d *demo) toOpen(ctx context.Context) (invoice, link string, err error) {
	err = d.node.store.For(demoSupplier).Read(ctx, func(r gateway.Reader) error {
		list, err := r.Invoices(ctx, gateway.InvoiceFilter{States: []gateway.InvoiceState{gateway.InvoiceSent}}, gateway.Page{})
		if err != nil {
			return err
		}
		for i := len(list.Items) - 1; i >= 0; i-- { // the oldest first
			inv := list.Items[i]
			if s := inv.Status.Transport().State; s == "opened" || s == "viewed" {
				continue
			}
			links, err := r.PortalLinks(ctx, inv.ID)
			if err != nil || len(links) == 0 {
				return err
			}
			invoice, link = inv.ID, d.node.linkTo(links[0].ID)
			return nil
		}
		return gateway.ErrNotFound.With("every invoice of the demonstration has been opened; start it again", nil)
	})
	return invoice, link, err
}
