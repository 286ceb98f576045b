package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// signIn fills in the form.
func (c *client) signIn(email, password, next string) response {
	c.Helper()
	page := c.page("/sign-in?next=" + url.QueryEscape(next))
	m := csrfField.FindStringSubmatch(page)
	if m == nil {
		c.Fatal("the form has no token")
	}
	form := url.Values{"csrf": {m[1]}, "email": {email}, "password": {password}, "next": {next}}
	return c.do(http.MethodPost, "/sign-in", form)
}

func TestSignInAndOut(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	r := c.get("/invoices?show=held")
	wantStatus(t, r, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != "/sign-in?next=%2Finvoices%3Fshow%3Dheld" {
		t.Fatalf("a page without session leads to %s", to)
	}
	r = c.signIn(strings.ToUpper(emailOf(supplier, access.RoleOperator)), password, "/invoices?show=held")
	wantStatus(t, r, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != "/invoices?show=held" {
		t.Errorf("signing in leads to %s", to)
	}
	for _, cookie := range r.Cookies() {
		if cookie.Name == "facteur" && (!cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure) {
			t.Errorf("the session's cookie: %s", cookie)
		}
	}
	page := c.page("/invoices")
	wantText(t, page, "Oscar Petit", "Ateliers Lumière · Operator")
	r = c.do(http.MethodPost, "/sign-out", url.Values{"csrf": {csrfField.FindStringSubmatch(page)[1]}})
	wantStatus(t, r, http.StatusSeeOther)
	wantStatus(t, c.get("/invoices"), http.StatusSeeOther)
}

func TestEverybodyStartsWhereTheirWorkIs(t *testing.T) {
	w := newWorld(t)
	for role, want := range map[access.Role]string{
		access.RoleAdmin: "/invoices", access.RoleOperator: "/invoices", access.RoleClerk: "/inbox", access.RoleApprover: "/inbox", access.RoleAuditor: "/audit",
	} {
		r := w.as(supplier, role).get("/")
		if to := r.Header.Get("Location"); to != want {
			t.Errorf("%s starts at %s", role, to)
		}
	}
	if to := w.client().get("/").Header.Get("Location"); to != "/sign-in" {
		t.Errorf("nobody starts at %s", to)
	}
}

func TestSignInRefused(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	w.write(supplier, func(tx gateway.Tx) error {
		return tx.PutUser(w.Context(), gateway.User{
			ID: "usr_gone", Tenant: supplier, Name: "Gone", Email: "gone@lumiere.example", Role: "admin", PasswordHash: passwordHash(), CreatedAt: now, DisabledAt: &now,
		})
	})
	w.write(supplier, func(tx gateway.Tx) error {
		return tx.PutUser(w.Context(), gateway.User{ID: "usr_new", Tenant: supplier, Name: "New", Email: "new@lumiere.example", Role: "admin", CreatedAt: now})
	})
	for name, try := range map[string][2]string{
		"wrong password":     {emailOf(supplier, access.RoleAdmin), password + "x"},
		"empty password":     {emailOf(supplier, access.RoleAdmin), ""},
		"unknown address":    {"nobody@lumiere.example", password},
		"empty address":      {"", password},
		"disabled account":   {"gone@lumiere.example", password},
		"account never used": {"new@lumiere.example", ""},
	} {
		c := w.client()
		r := c.signIn(try[0], try[1], "")
		if r.StatusCode != http.StatusForbidden || c.cookies["facteur"] != "" {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		wantText(t, r.body, "The address or the password is wrong.")
		if strings.Contains(r.body, password) {
			t.Errorf("%s: the page repeats the password", name)
		}
	}
	if strings.Contains(w.log.String(), password) {
		t.Error("the log holds a password")
	}
}

// TestAnEndedAccountIsOutAtOnce disables somebody who is signed in.
func TestAnEndedAccountIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.as(supplier, access.RoleOperator)
	c.page("/invoices")
	user, err := w.store.System().UserByEmail(t.Context(), emailOf(supplier, access.RoleOperator))
	w.must(err)
	now := w.clock.Now()
	user.DisabledAt = &now
	w.write(supplier, func(tx gateway.Tx) error { return tx.PutUser(w.Context(), user) })
	wantStatus(t, c.get("/invoices"), http.StatusSeeOther)

	c = w.as(supplier, access.RoleAdmin)
	w.clock.advance(access.SessionLifetime)
	wantStatus(t, c.get("/invoices"), http.StatusSeeOther)
	for _, forged := range []string{"", "x", "eyJ9.AAAA", w.as(supplier, access.RoleAdmin).cookies["facteur"] + "x"} {
		c.cookies["facteur"] = forged
		wantStatus(t, c.get("/invoices"), http.StatusSeeOther)
	}
	// A session of another kind opens nothing.
	value, _, err := w.cfg.Authority.NewSession(access.SessionCode, string(supplier), user.ID)
	w.must(err)
	c.cookies["facteur"] = value
	wantStatus(t, c.get("/invoices"), http.StatusSeeOther)
}

func TestGuessingPasswordsIsSlow(t *testing.T) {
	w := newWorld(t)
	victim := emailOf(supplier, access.RoleAdmin)
	for i := range accountBurst {
		if r := w.client().signIn(victim, "wrong password", ""); r.StatusCode != http.StatusForbidden {
			t.Fatalf("try %d: %d", i, r.StatusCode)
		}
	}
	r := w.client().signIn(victim, password, "")
	wantStatus(t, r, http.StatusTooManyRequests)
	wantText(t, r.body, "Too many tries")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantStatus(t, w.client().signIn(emailOf(supplier, access.RoleOperator), password, ""), http.StatusSeeOther)
	w.clock.advance(accountEvery)
	wantStatus(t, w.client().signIn(strings.ToUpper(victim), password, ""), http.StatusSeeOther)
}

// TestBuckets holds the limit against its definition: in any stretch of time no
// more passes than the burst and what fills up meanwhile.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		b := &buckets{now: clock.Now, burst: rapid.IntRange(1, 5).Draw(t, "burst"), every: time.Minute, full: map[string]time.Time{}}
		var passed []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			clock.advance(time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second)
			if b.take("a") {
				passed = append(passed, clock.Now())
			}
			if !b.take(rapid.StringMatching(`[b-z]{12}`).Draw(t, "other")) {
				t.Fatal("another key is held back")
			}
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				if n, most := j-i+1, b.burst+1+int(passed[j].Sub(passed[i])/b.every); n > most {
					t.Fatalf("%d passed in %s", n, passed[j].Sub(passed[i]))
				}
			}
		}
		if len(passed) == 0 {
			t.Fatal("nothing ever passes")
		}
	})
}

func TestBucketsAreBounded(t *testing.T) {
	clock := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b := &buckets{now: clock.Now, burst: 3, every: time.Minute, full: map[string]time.Time{}}
	for i := range 3 * mostTracked {
		b.take(strings.Repeat("k", i%7) + time.Duration(i).String())
		if len(b.full) > mostTracked {
			t.Fatalf("%d keys are kept", len(b.full))
		}
	}
}

// TestSecureCookies checks what changes behind https.
func TestSecureCookies(t *testing.T) {
	w := newWorld(t)
	w.cfg.Secure = true
	w.echo = newEcho(w.cfg)
	c := w.client()
	r := c.signIn(emailOf(supplier, access.RoleAdmin), password, "")
	wantStatus(t, r, http.StatusSeeOther)
	found := false
	for _, cookie := range r.Cookies() {
		if !cookie.Secure || !cookie.HttpOnly || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("cookie %s", cookie)
		}
		found = found || cookie.Name == "__Host-facteur"
	}
	if !found {
		t.Error("there is no session")
	}
	if r.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
}

func FuzzLocal(f *testing.F) {
	seeds := []string{"/invoices", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/%2f%2fevil.example", "/\tx", "/a?next=//b", "", "/..//x"}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := local(next)
		if got == "" {
			return
		}
		base, _ := url.Parse("https://gateway.example/sign-in")
		u, err := base.Parse(got)
		if err != nil || u.Host != "gateway.example" || u.Scheme != "https" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.Contains(got, `\`) {
			t.Fatalf("%q leads to %v", got, u)
		}
	})
}
