package web

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

// page is what every template knows: who looks, in which language and zone.
type page struct {
	Lang   i18n.Lang
	Zone   *time.Location
	User   access.Principal // zero when nobody is signed in
	Tenant gateway.Tenant
	CSRF   string // token for the forms of the page
	Path   string // of the request, for the links to other languages
	Query  url.Values
	Title  string
	// Portal tells that the page is for somebody who followed a link.
	Portal bool
	assets assets
}

const pageKey = "page"

// current is the page being made for a request.
func current(c echo.Context) *page {
	p, _ := c.Get(pageKey).(*page)
	if p == nil {
		p = &page{Lang: i18n.Fallback, Zone: time.UTC}
		c.Set(pageKey, p)
	}
	return p
}

// T gives a text in the reader's language.
func (p *page) T(key i18n.Key, args ...i18n.Arg) string { return texts.Text(p.Lang, key, args...) }

// Word gives a text that a code names, or the code when it has none.
func (p *page) Word(prefix, code string) string {
	if _, ok := texts[i18n.Key(prefix+code)]; !ok {
		return code
	}
	return p.T(i18n.Key(prefix + code))
}

// Can tells what the reader may do, and so what is offered.
func (p *page) Can(a access.Action) bool { return p.User.Can(a) }

// Day writes a day for tables.
func (p *page) Day(t time.Time) string { return i18n.ShortDate(p.Lang, t.In(p.Zone)) }

// When writes a moment to the second, in the tenant's time zone.
func (p *page) When(t time.Time) string {
	t = t.In(p.Zone)
	return i18n.ShortDate(p.Lang, t) + ", " + t.Format("15:04:05")
}

// Minute writes a moment for lists.
func (p *page) Minute(t time.Time) string {
	t = t.In(p.Zone)
	return i18n.ShortDate(p.Lang, t) + ", " + t.Format("15:04")
}

// Full writes a moment with its time zone.
func (p *page) Full(t time.Time) string { return i18n.DateTime(p.Lang, t.In(p.Zone)) }

// CivilDay writes a day given as YYYY-MM-DD; anything else is kept.
func (p *page) CivilDay(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return i18n.ShortDate(p.Lang, t)
}

// Amount writes an amount.
func (p *page) Amount(amount, currency string) string { return i18n.Amount(p.Lang, amount, currency) }

// In gives the address of this page in another language.
func (p *page) In(lang i18n.Lang) templ.SafeURL {
	q := url.Values{}
	for k, v := range p.Query {
		if k != "done" {
			q[k] = v
		}
	}
	q.Set("lang", string(lang))
	return templ.SafeURL(p.Path + "?" + q.Encode())
}

// At tells whether the page lies below a path, for the navigation.
func (p *page) At(prefix string) bool {
	return p.Path == prefix || strings.HasPrefix(p.Path, prefix+"/")
}

// show answers with a page. It is written as a whole, so that a template that
// fails gives an error page and no half of one.
func show(c echo.Context, status int, component templ.Component) error {
	var b bytes.Buffer
	if err := component.Render(c.Request().Context(), &b); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// back leads to a page after a form was taken, with a word on what was done.
func back(c echo.Context, path, done string) error {
	if done != "" {
		path += "?done=" + url.QueryEscape(done)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// Done is the word on what a form before has done, if it is one of ours.
func (p *page) Done() string {
	key := i18n.Key("done." + p.Query.Get("done"))
	if _, ok := texts[key]; !ok {
		return ""
	}
	return p.T(key)
}

// tenantID names the tenant of who is signed in.
func (p *page) tenantID() gateway.TenantID { return gateway.TenantID(p.User.Tenant) }

// actor says who acts, as events keep it.
func (p *page) actor() gateway.Actor {
	return gateway.Actor{Kind: "user", ID: p.User.UserID, Name: p.User.Name}
}

// languageCookie keeps the language that somebody chose.
const languageCookie = "lang"

// speak finds the reader's language: the one chosen before, else what the
// browser asks for. "?lang=" chooses another and comes back to the same page.
func (w *Web) speak(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		p := current(c)
		p.Path, p.Query, p.assets, p.Zone = r.URL.Path, r.URL.Query(), w.assets, time.UTC
		p.Portal = strings.HasPrefix(p.Path, "/p/")
		p.Lang = i18n.Negotiate(r.Header.Get("Accept-Language"), w.Language)
		if cookie, err := c.Cookie(languageCookie); err == nil {
			if lang, ok := i18n.Parse(cookie.Value); ok {
				p.Lang = lang
			}
		}
		c.Response().Header().Add("Vary", "Accept-Language, Cookie")
		asked, ok := i18n.Parse(p.Query.Get("lang"))
		if !ok || r.Method != http.MethodGet {
			return next(c)
		}
		c.SetCookie(w.cookie(languageCookie, string(asked), 365*24*3600))
		q := r.URL.Query()
		q.Del("lang")
		to := &url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
		return c.Redirect(http.StatusSeeOther, to.String())
	}
}

// short is the beginning of a digest.
func short(sum string) string {
	if len(sum) > 12 {
		return sum[:12] + "…"
	}
	return sum
}

// joined puts words beside each other that are there.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// stateTone is the colour of an invoice's own state.
func stateTone(s gateway.InvoiceState) tone {
	switch s {
	case gateway.InvoiceHeld:
		return toneWarn
	case gateway.InvoiceRejected:
		return toneBad
	case gateway.InvoiceSent, gateway.InvoiceClosed:
		return toneGood
	case gateway.InvoiceCancelled, gateway.InvoiceSuperseded:
		return toneOff
	}
	return toneWait
}
