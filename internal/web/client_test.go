package web

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// client is a browser without scripts: it keeps cookies and sends forms.
type client struct {
	*world
	cookies map[string]string
	header  http.Header
}

func (w *world) client() *client {
	return &client{world: w, cookies: map[string]string{}, header: http.Header{
		"User-Agent": {chrome}, "Accept": {"text/html,*/*;q=0.8"},
	}}
}

// as is a client that is signed in, without the form.
func (w *world) as(tenant gateway.TenantID, role access.Role) *client {
	w.Helper()
	user, err := w.store.System().UserByEmail(w.Context(), emailOf(tenant, role))
	w.must(err)
	value, _, err := w.cfg.Authority.NewSession(access.SessionUser, string(tenant), user.ID)
	w.must(err)
	c := w.client()
	c.cookies["facteur"] = value
	return c
}

// answer is what the server said.
type response struct {
	*http.Response
	body string
}

func (c *client) do(method, target string, form url.Values) response {
	c.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, target, body)
	r.Header = c.header.Clone()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	recorder := httptest.NewRecorder()
	c.echo.ServeHTTP(recorder, r)
	answer := recorder.Result()
	for _, cookie := range answer.Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
			continue
		}
		c.cookies[cookie.Name] = cookie.Value
	}
	b, err := io.ReadAll(answer.Body)
	c.must(err)
	return response{answer, string(b)}
}

func (c *client) get(target string) response { c.Helper(); return c.do(http.MethodGet, target, nil) }

// page gets a page that must be there.
func (c *client) page(target string) string {
	c.Helper()
	r := c.get(target)
	if r.StatusCode != http.StatusOK {
		c.Fatalf("GET %s: %d\n%s", target, r.StatusCode, text(r.body))
	}
	return r.body
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// csrf takes the token of the forms of a page.
func (c *client) csrf(target string) string {
	c.Helper()
	m := csrfField.FindStringSubmatch(c.page(target))
	if m == nil {
		c.Fatalf("%s has no form", target)
	}
	return m[1]
}

// post sends a form with the token of the reader's session.
func (c *client) post(target string, form url.Values) response {
	c.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf", c.csrf("/invoices"))
	return c.do(http.MethodPost, target, form)
}

var portalField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// press opens a portal page and presses a button of it.
func (c *client) press(token, button string, form url.Values) response {
	c.Helper()
	m := portalField.FindStringSubmatch(c.page("/p/" + token))
	if m == nil {
		c.Fatal("the portal page has no button")
	}
	if form == nil {
		form = url.Values{}
	}
	form.Set("form", m[1])
	return c.do(http.MethodPost, "/p/"+token+button, form)
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`[\s\x{a0}\x{202f}]+`)
)

// text is what a page says, without its markup and with ordinary spaces.
func text(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

func wantText(t testing.TB, page string, wants ...string) {
	t.Helper()
	shown := text(page)
	for _, want := range wants {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not say %q:\n%s", want, shown)
		}
	}
}

func wantStatus(t testing.TB, r response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d:\n%s", r.StatusCode, status, text(r.body))
	}
}
