package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// fill puts the ids of a scene into the path of a route.
func (s *scene) fill(path string) string {
	id := s.heldRequirements.ID
	if strings.HasPrefix(path, "/inbox") || strings.HasPrefix(path, "/audit/inbox") {
		id = s.available.ID
	}
	return strings.NewReplacer(":id", id, ":sha256", strings.Repeat("0", 64), ":delivery", "del_x", ":n", "0", ":token", s.token(s.opened.ID)).Replace(path)
}

// allowed is the table of permissions of the pages, written by hand.
var allowed = map[string]string{ // route → roles that may
	"GET /invoices":                                   "admin operator clerk approver auditor api",
	"GET /invoices/:id":                               "admin operator clerk approver auditor api",
	"GET /invoices/:id/live":                          "admin operator clerk approver auditor api",
	"GET /invoices/:id/document":                      "admin operator clerk approver auditor api",
	"GET /invoices/:id/files/:sha256":                 "admin operator clerk approver auditor api",
	"POST /invoices/:id/release":                      "admin operator",
	"POST /invoices/:id/correct":                      "admin operator",
	"POST /invoices/:id/override":                     "admin operator",
	"POST /invoices/:id/cancel":                       "admin operator",
	"POST /invoices/:id/credit":                       "admin operator api",
	"POST /invoices/:id/resend":                       "admin operator",
	"POST /invoices/:id/deliveries/:delivery/resolve": "admin operator",
	"GET /inbox":                                      "admin operator clerk approver auditor api",
	"GET /inbox/:id":                                  "admin operator clerk approver auditor api",
	"GET /inbox/:id/files/:sha256":                    "admin operator clerk approver auditor api",
	"GET /inbox/:id/attachments/:n":                   "admin operator clerk approver auditor api",
	"POST /inbox/:id/answer":                          "admin clerk approver api",
	"POST /inbox/:id/acknowledge":                     "admin clerk approver api",
	"GET /audit":                                      "admin operator auditor",
	"GET /audit/log":                                  "admin operator auditor",
	"GET /audit/log/root":                             "admin operator auditor",
	"GET /audit/invoices/:id":                         "admin operator auditor",
	"GET /audit/inbox/:id":                            "admin operator auditor",
}

// TestRoles tries every page and form in every role, with the token that the
// reader's own session gives: what is not permitted is refused, and the rest is
// not refused for that reason.
func TestRoles(t *testing.T) {
	s := newScene(newWorld(t))
	open := 0
	for _, r := range Register(echo.New(), s.cfg).routes() {
		key := r.method + " " + r.path
		roles, listed := allowed[key]
		if !listed {
			if r.action != "" {
				t.Errorf("%s is not in the table of this test", key)
			}
			open++
			continue
		}
		for _, role := range access.Roles() {
			tenant := supplier
			if strings.Contains(r.path, "/inbox") {
				tenant = customer
			}
			c := s.as(tenant, role)
			var got response
			if r.method == http.MethodPost {
				got = c.post(s.fill(r.path), url.Values{})
			} else {
				got = c.get(s.fill(r.path))
			}
			may := strings.Contains(" "+roles+" ", " "+string(role)+" ")
			if refused := got.StatusCode == http.StatusForbidden; refused == may {
				t.Errorf("%s as %s: %d", key, role, got.StatusCode)
			}
		}
		// Nobody, and somebody without the token of the page.
		c := s.client()
		if r.method == http.MethodPost {
			wantStatus(t, c.do(http.MethodPost, s.fill(r.path), url.Values{"csrf": {"x"}}), http.StatusUnauthorized)
			admin := s.as(supplier, access.RoleAdmin)
			foreign := s.as(supplier, access.RoleAdmin).csrf("/invoices") // of another session
			for _, token := range []string{"", "x", foreign} {
				got := admin.do(http.MethodPost, s.fill(r.path), url.Values{"csrf": {token}, "reason": {"x"}})
				wantStatus(t, got, http.StatusForbidden)
				wantText(t, got.body, "This page was too old")
			}
		} else if got := c.get(s.fill(r.path)); got.StatusCode != http.StatusSeeOther && (got.StatusCode != http.StatusUnauthorized || !strings.HasSuffix(r.path, "/live")) {
			t.Errorf("%s without session: %d", key, got.StatusCode)
		}
	}
	if open != 10 {
		t.Errorf("%d routes are open to everybody", open)
	}
}

var formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// TestAnAuditorIsOfferedNothing looks for forms on every page there is.
func TestAnAuditorIsOfferedNothing(t *testing.T) {
	s := newScene(newWorld(t))
	seen := 0
	for _, p := range s.everyPage() {
		if p.tenant == "" {
			continue
		}
		seen++
		r := s.as(p.tenant, access.RoleAuditor).get(p.path)
		for _, m := range formAction.FindAllStringSubmatch(r.body, -1) {
			if m[1] != "/sign-out" {
				t.Errorf("%s offers an auditor %s", p.name, m[1])
			}
		}
		if strings.Contains(r.body, "/p/") {
			t.Errorf("%s shows an auditor a portal link", p.name)
		}
	}
	if seen < 15 {
		t.Fatalf("only %d pages", seen)
	}
}

// TestWhatIsOfferedIsPermitted presses no button, but holds every form on every
// page against the table.
func TestWhatIsOfferedIsPermitted(t *testing.T) {
	s := newScene(newWorld(t))
	ids := regexp.MustCompile(`(inv|inb|del)_[0-9A-Z]+`)
	offered := map[string]bool{}
	for _, p := range s.everyPage() {
		if p.tenant == "" {
			continue
		}
		for _, role := range access.Roles() {
			r := s.as(p.tenant, role).get(p.path)
			if r.StatusCode != http.StatusOK {
				continue
			}
			for _, m := range formAction.FindAllStringSubmatch(r.body, -1) {
				path := strings.NewReplacer("deliveries/:id", "deliveries/:delivery").Replace(ids.ReplaceAllString(m[1], ":id"))
				if path == "/sign-out" {
					continue
				}
				offered[path] = true
				if !strings.Contains(" "+allowed["POST "+path]+" ", " "+string(role)+" ") {
					t.Errorf("%s offers %s to %s", p.name, path, role)
				}
			}
		}
	}
	for key := range allowed {
		if path, post := strings.CutPrefix(key, "POST "); post && !offered[path] {
			t.Errorf("no page offers %s", path)
		}
	}
}

// TestTenantsDoNotMeet asks for everything of one tenant as the other's admin.
func TestTenantsDoNotMeet(t *testing.T) {
	s := newScene(newWorld(t))
	stranger := s.as(customer, access.RoleAdmin)
	document := s.as(supplier, access.RoleAdmin).page("/audit/invoices/" + s.approved.ID)
	file := regexp.MustCompile(`/invoices/[^"]*/files/[0-9a-f]{64}`).FindString(document)
	if file == "" {
		t.Fatal("there is no file to ask for")
	}
	for _, path := range []string{
		"/invoices/" + s.approved.ID, "/invoices/" + s.approved.ID + "/live", "/invoices/" + s.approved.ID + "/document",
		"/audit/invoices/" + s.approved.ID, file,
	} {
		wantStatus(t, stranger.get(path), http.StatusNotFound)
	}
	for _, form := range []string{"release", "cancel", "override", "credit", "resend", "correct"} {
		r := stranger.post("/invoices/"+s.heldRules.ID+"/"+form, url.Values{"reason": {"x"}, "buyer_reference": {"x"}})
		wantStatus(t, r, http.StatusNotFound)
	}
	r := stranger.post("/invoices/"+s.unknown.ID+"/deliveries/"+s.deliveries(s.unknown.ID)[0].ID+"/resolve", url.Values{"arrived": {"yes"}, "reason": {"x"}})
	wantStatus(t, r, http.StatusNotFound)
	other := s.as(supplier, access.RoleAdmin)
	wantStatus(t, other.get("/inbox/"+s.available.ID), http.StatusNotFound)
	wantStatus(t, other.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {"approve"}}), http.StatusNotFound)
	if got := s.invoice(s.heldRules.ID).State; got != gateway.InvoiceHeld {
		t.Errorf("the invoice is %s", got)
	}
	if page := stranger.page("/invoices"); strings.Contains(page, "FA-2026") {
		t.Error("the list shows another tenant's invoices")
	}
}

// TestAClerkDoesNotDecide sends the decisions that a clerk's page does not offer.
func TestAClerkDoesNotDecide(t *testing.T) {
	s := newScene(newWorld(t))
	clerk := s.as(customer, access.RoleClerk)
	for _, decision := range []string{"approve", "refuse"} {
		r := clerk.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {decision}, "code": {"PRI"}, "text": {"x"}})
		wantStatus(t, r, http.StatusForbidden)
	}
	wantStatus(t, clerk.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {"dispute"}, "code": {"PRI"}, "text": {"Prix convenu : 190 €"}}), http.StatusSeeOther)
	wantText(t, clerk.page("/inbox/"+s.available.ID), "Disputed", "Price", "Prix convenu : 190 €", "Claire Dubois")
}
