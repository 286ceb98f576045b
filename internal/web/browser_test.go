package web

import (
	"context"
	"flag"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

var shots = flag.String("shots", "", "folder for a picture of every page")

// browser starts Chromium for a test. Without one nothing is tested, which is a
// failure where tests must not be left out.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no Chromium, and CI=true allows no test to be left out")
		}
		t.Skip("not run: the test of the pages in a browser, because there is no Chromium")
	}
	// Headless browsers say so, and count as programs: this one says what people's do.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserAgent(chrome))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// tab is a page of a browser with cookies of its own.
type tab struct {
	testing.TB
	ctx  context.Context
	base string
}

func newTab(browser context.Context, t testing.TB, server *httptest.Server) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	b := &tab{t, ctx, server.URL}
	b.do() // opens it
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

func evaluate[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// cookie gives the tab a cookie of the server's.
func (b *tab) cookie(name, value string) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.base}); err != nil {
		b.Fatal(err)
	}
}

// signIn gives the tab the session of a role.
func (b *tab) signIn(w *world, tenant gateway.TenantID, role access.Role) {
	b.Helper()
	b.cookie("facteur", w.as(tenant, role).cookies["facteur"])
}

// pageOf is a page and who looks at it.
type pageOf struct {
	name, path string
	tenant     gateway.TenantID
	role       access.Role
}

// everyPage lists a page of each kind.
func (s *scene) everyPage() []pageOf {
	return []pageOf{
		{"sign-in", "/sign-in", "", ""},
		{"notice", "/notice", "", ""},
		{"not-found", "/nothing", "", ""},
		{"invoices", "/invoices", supplier, access.RoleOperator},
		{"invoices-held", "/invoices?show=held&q=2026", supplier, access.RoleOperator},
		{"invoice-approved", "/invoices/" + s.approved.ID, supplier, access.RoleOperator},
		{"invoice-viewed", "/invoices/" + s.viewed.ID, supplier, access.RoleOperator},
		{"invoice-unknown", "/invoices/" + s.unknown.ID, supplier, access.RoleOperator},
		{"invoice-bounced", "/invoices/" + s.bounced.ID, supplier, access.RoleOperator},
		{"invoice-disputed", "/invoices/" + s.disputed.ID, supplier, access.RoleOperator},
		{"invoice-retrying", "/invoices/" + s.retrying.ID, supplier, access.RoleAuditor},
		{"held-records", "/invoices/" + s.heldRecords.ID, supplier, access.RoleOperator},
		{"held-rules", "/invoices/" + s.heldRules.ID, supplier, access.RoleOperator},
		{"held-requirements", "/invoices/" + s.heldRequirements.ID, supplier, access.RoleOperator},
		{"credit-note", "/invoices/" + s.credit.ID, supplier, access.RoleOperator},
		{"document", "/invoices/" + s.approved.ID + "/document", supplier, access.RoleOperator},
		{"inbox", "/inbox", customer, access.RoleApprover},
		{"inbound-available", "/inbox/" + s.available.ID, customer, access.RoleApprover},
		{"inbound-decided", "/inbox/" + s.decided.ID, customer, access.RoleClerk},
		{"inbound-duplicate", "/inbox/" + s.duplicate.ID, customer, access.RoleApprover},
		{"inbound-rejected", "/inbox/" + s.rejected.ID, customer, access.RoleClerk},
		{"audit", "/audit", supplier, access.RoleAuditor},
		{"audit-received", "/audit?of=received", customer, access.RoleAuditor},
		{"audit-invoice", "/audit/invoices/" + s.approved.ID, supplier, access.RoleAuditor},
		{"audit-held", "/audit/invoices/" + s.heldRules.ID, supplier, access.RoleAuditor},
		{"audit-inbound", "/audit/inbox/" + s.rejected.ID, customer, access.RoleAuditor},
		{"audit-log", "/audit/log", supplier, access.RoleAuditor},
		{"landing", "/p/" + s.token(s.opened.ID), "", ""},
		{"landing-hostile", "/p/" + s.token(s.hostile.ID), "", ""},
		{"forbidden", "/audit", customer, access.RoleClerk},
	}
}

// looks are the windows that people have.
var looks = []struct {
	name          string
	width, height int64
	lang          string
}{
	{"desktop-en", 1280, 900, "en"}, {"phone-fr", 360, 740, "fr"}, {"phone-en", 390, 844, "en"}, {"desktop-fr", 1280, 900, "fr"},
}

// TestPagesInABrowser looks at every page in every window: nothing sticks out
// sideways, nothing breaks the page's own policy, and no rule of accessibility
// that axe knows is broken.
func TestPagesInABrowser(t *testing.T) {
	ctx := browser(t)
	s := newScene(newWorld(t))
	server := httptest.NewServer(s.echo)
	t.Cleanup(server.Close)
	axe := axeSource(t)
	for i, look := range looks {
		if *shots == "" && i >= 2 {
			break // the others show nothing that these do not
		}
		t.Run(look.name, func(t *testing.T) {
			b := newTab(ctx, t, server)
			b.do(chromedp.EmulateViewport(look.width, look.height))
			b.cookie("lang", look.lang)
			for _, p := range s.everyPage() {
				b.cookie("facteur", "")
				if p.tenant != "" {
					b.signIn(s.world, p.tenant, p.role)
				}
				b.open(p.path)
				b.check(t, p.name, look.width, axe)
				b.shoot(p.name, look.name)
				if p.name == "landing" {
					b.do(chromedp.Click(chromedp.CSS("#show")), chromedp.WaitVisible(chromedp.CSS(".paper")))
					b.check(t, "portal-invoice", look.width, axe)
					b.shoot("portal-invoice", look.name)
					s.clock.advance(2 * time.Minute)
					b.do(chromedp.Click(chromedp.CSS(".prove button")), chromedp.WaitVisible(chromedp.CSS("input.code")))
					b.check(t, "portal-code", look.width, axe)
					b.shoot("portal-code", look.name)
				}
			}
		})
	}
}

// check looks for what is wrong with the page that is open.
func (b *tab) check(t *testing.T, name string, width int64, axe string) {
	t.Helper()
	if got := evaluate[int64](b, "document.documentElement.scrollWidth"); got > width {
		wide := evaluate[[]string](b, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.map(e => e.tagName + "." + e.className).slice(0, 5)`)
		t.Errorf("%s is %d wide in a window of %d: %s", name, got, width, strings.Join(wide, ", "))
	}
	if axe == "" {
		return
	}
	type violation struct {
		ID    string `json:"id"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	evaluate[any](b, axe+"; null")
	for _, v := range evaluate[[]violation](b, "axe.run().then(r => r.violations)") {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s: %s\n%s", name, v.ID, n.HTML, n.Summary)
		}
	}
}

// axeSource is the script of axe-core, which the set-up fetches where it can.
func axeSource(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", ".tools", "axe-core-4.14.1", "axe.min.js"))
	if err != nil {
		t.Log("not run: axe-core on the pages, because .tools/axe-core-4.14.1/axe.min.js is not there")
		return ""
	}
	return string(b)
}

// shoot takes a picture when pictures are wanted.
func (b *tab) shoot(name, look string) {
	b.Helper()
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+"."+look+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}

// TestOpenedShowsWithinASecond presses the customer's button and watches the
// supplier's page.
func TestOpenedShowsWithinASecond(t *testing.T) {
	ctx := browser(t)
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	server := httptest.NewServer(w.echo)
	t.Cleanup(server.Close)
	left, right := newTab(ctx, t, server), newTab(ctx, t, server)
	left.signIn(w, supplier, access.RoleOperator)
	left.open("/invoices/" + inv.ID)
	right.open("/p/" + w.token(inv.ID))
	time.Sleep(time.Second) // looking alone changes nothing
	if got := evaluate[string](left, `document.querySelector(".fact").textContent`); strings.Contains(got, "Opened") {
		t.Fatalf("the invoice is %q before anybody pressed the button", got)
	}
	pressed := time.Now()
	right.do(chromedp.Click(chromedp.CSS("#show")), chromedp.WaitVisible(chromedp.CSS(".paper")))
	for !strings.Contains(evaluate[string](left, `document.querySelector(".fact").textContent`), "Opened") {
		if time.Since(pressed) > 5*time.Second {
			t.Fatal("the supplier's page never said that the invoice was opened")
		}
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(pressed)
	t.Logf("shown %s after the button was pressed", took.Round(time.Millisecond))
	if took > 1500*time.Millisecond { // the press and the answer to it take their part of this
		t.Errorf("it took %s", took)
	}
	if got := evaluate[string](left, `document.getElementById("said").textContent`); !strings.Contains(got, "Opened") {
		t.Errorf("the page did not announce it, but %q", got)
	}
}

// TestWithoutScripts signs in and corrects an invoice with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	w := newWorld(t)
	held := w.order("hopital", "HSE-1", "")
	c := w.client()
	page := c.page("/sign-in?next=" + url.QueryEscape("/invoices/"+held.ID))
	form := url.Values{
		"csrf": {csrfField.FindStringSubmatch(page)[1]}, "next": {"/invoices/" + held.ID},
		"email": {emailOf(supplier, access.RoleOperator)}, "password": {password},
	}
	r := c.do("POST", "/sign-in", form)
	wantStatus(t, r, 303)
	if to := r.Header.Get("Location"); to != "/invoices/"+held.ID {
		t.Fatalf("signing in leads to %q", to)
	}
	wantText(t, c.page(r.Header.Get("Location")), "The customer’s requirements are not met", "Oscar Petit")
	wantStatus(t, c.post("/invoices/"+held.ID+"/correct", url.Values{"buyer_reference": {"SVC-TRAVAUX"}}), 303)
	w.drain()
	if inv := w.invoice(held.ID); inv.State != gateway.InvoiceSent {
		t.Errorf("the corrected invoice is %s: %s", inv.State, inv.HoldDetail)
	}
}
