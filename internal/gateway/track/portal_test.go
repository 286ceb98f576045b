package track_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
)

// visitor is a person with a browser.
var visitor = track.Visitor{Address: "192.0.2.7", UserAgent: browser}

// form opens the landing page and gives what its button sends.
func (w *world) form(token string) string {
	w.Helper()
	l, err := w.portal.Landing(w.Context(), token)
	w.Must(err)
	return l.Form
}

func TestLandingLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	token := w.sent("inv_1", nil)
	before := w.invoice("inv_1")
	for range 50 { // previews and scanners of mail look often
		l, err := w.portal.Landing(t.Context(), token)
		w.Must(err)
		if l.Tenant.Name != "Acme SAS" || l.Invoice.Number != "FA-inv_1" || l.Model.Number != "FA-inv_1" || l.Form == "" || !l.CanProve || l.Mailbox != "a…@buyer.example" {
			t.Fatalf("%+v", l)
		}
	}
	if got := w.Events(of("inv_1")); len(got) != 0 || w.invoice("inv_1").Version != before.Version {
		t.Errorf("events %v", got)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	good := w.sent("inv_1", nil)
	revoked := w.sent("inv_2", func(_ *gateway.Invoice, _ *gateway.Delivery, l *gateway.PortalLink) { l.RevokedAt = &l.CreatedAt })
	form := w.form(good)
	for name, token := range map[string]string{
		"none": "", "forged": strings.Repeat("A", len(good)), "changed": good[:len(good)-1] + "x", "longer": good + "A", "revoked": revoked,
		"the key of the link": "lnk_inv_1", "its hash": string(gateway.HashToken(good)),
	} {
		_, err := w.portal.Landing(t.Context(), token)
		w.Fails(err, "not_found")
		if _, err := w.portal.Open(t.Context(), token, form, visitor); gateway.Code(err) != "not_found" {
			t.Errorf("%s: opened: %v", name, err)
		}
		if _, err := w.portal.RequestCode(t.Context(), token, form); gateway.Code(err) != "not_found" {
			t.Errorf("%s: code sent: %v", name, err)
		}
		if _, err := w.portal.Prove(t.Context(), token, form, "000000", visitor); gateway.Code(err) != "not_found" {
			t.Errorf("%s: proved: %v", name, err)
		}
	}
	w.Clock.Advance(400 * 24 * time.Hour)
	if _, err := w.portal.Landing(t.Context(), good); err != nil {
		t.Errorf("at its last moment: %v", err)
	}
	w.Clock.Advance(time.Nanosecond)
	_, err := w.portal.Landing(t.Context(), good)
	w.Fails(err, "not_found")
	if len(w.codes) != 0 {
		t.Errorf("%d codes mailed", len(w.codes))
	}
}

func TestTheButtonNeedsItsPage(t *testing.T) {
	w := newWorld(t)
	token, other := w.sent("inv_1", nil), w.sent("inv_2", nil)
	form, stamp := w.form(token), strings.SplitN(w.form(token), ".", 2)[0]
	old := form
	for name, bad := range map[string]string{
		"none": "", "no proof": stamp, "empty proof": stamp + ".", "forged": stamp + "." + strings.Repeat("A", 24), "of another link": w.form(other),
		"another moment": "1" + form, "another spelling": "0" + form, "with a sign": "+" + form, "in capitals": strings.ToUpper(form), "longer": form + "A", "not a number": "-.-",
	} {
		if _, err := w.portal.Open(t.Context(), token, bad, visitor); gateway.Code(err) != "forbidden" {
			t.Errorf("%s: opened: %v", name, err)
		}
		if _, err := w.portal.RequestCode(t.Context(), token, bad); gateway.Code(err) != "forbidden" {
			t.Errorf("%s: code sent: %v", name, err)
		}
		if _, err := w.portal.Prove(t.Context(), token, bad, "000000", visitor); gateway.Code(err) != "forbidden" {
			t.Errorf("%s: proved: %v", name, err)
		}
	}
	w.Clock.Advance(2 * time.Hour)
	if _, err := w.portal.Open(t.Context(), token, old, track.Visitor{Staff: true}); err != nil {
		t.Errorf("two hours later: %v", err)
	}
	w.Clock.Advance(time.Second)
	_, err := w.portal.Open(t.Context(), token, old, visitor)
	w.Fails(err, "forbidden")
	future := w.form(token)
	w.Clock.Advance(-2 * time.Minute) // a page from the future was made by nobody's clock
	_, err = w.portal.Open(t.Context(), token, future, visitor)
	w.Fails(err, "forbidden")
	if len(w.Events(of("inv_1"))) != 0 || len(w.codes) != 0 {
		t.Errorf("events %v, %d codes", w.Events(of("inv_1")), len(w.codes))
	}
}

func TestOpenedByLinkHolder(t *testing.T) {
	w := newWorld(t)
	token := w.sent("inv_1", nil)
	l, err := w.portal.Open(t.Context(), token, w.form(token), visitor)
	if err != nil || l.Model.Number != "FA-inv_1" {
		t.Fatalf("%+v %v", l, err)
	}
	e := w.Only(of("inv_1"), gateway.EventPortalOpened)
	if e.Grade != gateway.GradeMedium || e.Actor != (gateway.Actor{Kind: "link_holder", ID: "lnk_inv_1"}) || e.ExternalID != "ext-inv_1" || e.DeliveryID != "" || string(e.Data) != `{"proof":"link_and_button"}` {
		t.Errorf("%+v", e)
	}
	if diff := cmp.Diff(map[string]string{"address": "192.0.2.7", "user_agent": browser}, e.Personal); diff != "" {
		t.Error(diff)
	}
	if got := w.invoice("inv_1").Status.Transport(); got.State != "opened" || got.Grade != gateway.GradeMedium || got.Event != e.ID {
		t.Errorf("%+v", got)
	}
	for range 10 { // within the hour
		w.Clock.Advance(5 * time.Minute)
		_, err := w.portal.Open(t.Context(), token, w.form(token), visitor)
		w.Must(err)
	}
	if got := len(w.Events(of("inv_1"))); got != 1 {
		t.Errorf("%d openings within the hour", got)
	}
	w.Clock.Advance(10 * time.Minute)
	_, err = w.portal.Open(t.Context(), token, w.form(token), visitor)
	w.Must(err)
	second := w.sent("inv_2", nil) // another link is another opening
	_, err = w.portal.Open(t.Context(), second, w.form(second), visitor)
	w.Must(err)
	if a, b := len(w.Events(of("inv_1"))), len(w.Events(of("inv_2"))); a != 2 || b != 1 {
		t.Errorf("%d and %d openings", a, b)
	}
}

func TestStaffAndScannersNeverCount(t *testing.T) {
	w := newWorld(t)
	token := w.sent("inv_1", nil)
	for name, v := range map[string]track.Visitor{
		"staff":      {Address: "192.0.2.7", UserAgent: browser, Staff: true},
		"no program": {Address: "192.0.2.7"},
		"safe links": {UserAgent: "Mozilla/5.0 (Windows NT 10.0) SafeLinks"},
		"proofpoint": {UserAgent: "Proofpoint URL Defense"},
		"crawler":    {UserAgent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
		"headless":   {UserAgent: "Mozilla/5.0 (X11) HeadlessChrome/156.0.0.0 Safari/537.36"},
		"curl":       {UserAgent: "curl/8.5.0"},
		"preview":    {UserAgent: "Slackbot-LinkExpanding 1.0"},
		"program":    {UserAgent: "python-requests/2.32"},
		"ours":       {UserAgent: "Go-http-client/2.0"},
	} {
		l, err := w.portal.Open(t.Context(), token, w.form(token), v)
		if err != nil || l.Invoice.ID != "inv_1" {
			t.Errorf("%s: not shown: %v", name, err)
		}
		if got := w.Events(of("inv_1")); len(got) != 0 {
			t.Fatalf("%s counts: %v", name, got)
		}
	}
	l, err := w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Must(err)
	_, err = w.portal.Prove(t.Context(), token, l.Form, w.codes[0], track.Visitor{UserAgent: browser, Staff: true})
	w.Must(err)
	if got := w.Events(of("inv_1")); len(got) != 0 {
		t.Errorf("staff with a code counts: %v", got)
	}
}

// What a browser says of itself can be anything: the invoice is shown, and the
// opening counts.
func TestStrangeBrowsers(t *testing.T) {
	w := newWorld(t)
	for i, v := range []track.Visitor{
		{Address: strings.Repeat("1", 1<<20), UserAgent: "Mozilla/5.0 " + strings.Repeat("é", 1<<20)},
		{Address: "\xff", UserAgent: "Navigateur \xe9l\xe9gant"},
		{Address: "a\x00b", UserAgent: "Mozilla\x00\u202e"},
	} {
		id := "inv_" + string(rune('a'+i))
		token := w.sent(id, nil)
		_, err := w.portal.Open(t.Context(), token, w.form(token), v)
		w.Must(err)
		if e := w.Only(of(id), gateway.EventPortalOpened); len(e.Personal["user_agent"]) > 300 || len(e.Personal["address"]) > 300 {
			t.Errorf("%+v", e.Personal)
		}
	}
}

func TestViewedWithACode(t *testing.T) {
	w := newWorld(t)
	token := w.sent("inv_1", nil)
	l, err := w.portal.RequestCode(t.Context(), token, w.form(token))
	if err != nil || len(w.codes) != 1 || !l.CanProve {
		t.Fatalf("%+v %v", l, err)
	}
	if len(w.Events(of("inv_1"))) != 0 {
		t.Error("asking for a code counts")
	}
	_, err = w.portal.Prove(t.Context(), token, w.form(token), " "+w.codes[0]+"\n", visitor)
	w.Must(err)
	e := w.Only(of("inv_1"), gateway.EventPortalViewed)
	if e.Grade != gateway.GradeStrong || e.Actor.Kind != "link_holder" || string(e.Data) != `{"proof":"one_time_code_to_mailbox"}` || e.Personal["mailbox"] != mailbox {
		t.Errorf("%+v", e)
	}
	if got := w.invoice("inv_1").Status.Transport(); got.State != "viewed" || got.Grade != gateway.GradeStrong {
		t.Errorf("%+v", got)
	}
	// A code works once, and an opening that comes later takes nothing back.
	if _, err := w.portal.Prove(t.Context(), token, w.form(token), w.codes[0], visitor); gateway.Code(err) != "forbidden" || !errors.Is(err, access.ErrCodeExpired) {
		t.Errorf("used again: %v", err)
	}
	_, err = w.portal.Open(t.Context(), token, w.form(token), visitor)
	w.Must(err)
	if got := w.invoice("inv_1").Status.Transport().State; got != "viewed" {
		t.Errorf("%s", got)
	}
	w.Only(of("inv_1"), gateway.EventPortalViewed)
}

func TestWrongCodes(t *testing.T) {
	w := newWorld(t)
	token, other := w.sent("inv_1", nil), w.sent("inv_2", nil)
	prove := func(token, code string) error {
		_, err := w.portal.Prove(t.Context(), token, w.form(token), code, visitor)
		return err
	}
	if err := prove(token, "000001"); gateway.Code(err) != "forbidden" {
		t.Errorf("before any was sent: %v", err)
	}
	_, err := w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Must(err)
	if err := prove(other, w.codes[0]); gateway.Code(err) != "forbidden" {
		t.Errorf("for another link: %v", err)
	}
	for i, code := range []string{"", "999999", "00000", w.codes[0] + "0", "０００００１"} {
		if err := prove(token, code); gateway.Code(err) != "forbidden" || !errors.Is(err, access.ErrCodeWrong) {
			t.Errorf("try %d: %v", i, err)
		}
	}
	if err := prove(token, w.codes[0]); gateway.Code(err) != "forbidden" || !errors.Is(err, access.ErrCodeTries) {
		t.Errorf("the right one after five wrong ones: %v", err)
	}
	// A new one is sent at most once a minute.
	for _, step := range []struct {
		wait time.Duration
		code string
	}{{0, "state"}, {59 * time.Second, "state"}, {time.Second, ""}, {time.Second, "state"}} {
		w.Clock.Advance(step.wait)
		_, err := w.portal.RequestCode(t.Context(), token, w.form(token))
		if step.code == "" && err != nil || step.code != "" && gateway.Code(err) != step.code {
			t.Errorf("after %s: %v", step.wait, err)
		}
	}
	if len(w.codes) != 2 {
		t.Fatalf("%d codes", len(w.codes))
	}
	if err := prove(token, w.codes[0]); gateway.Code(err) != "forbidden" {
		t.Errorf("the first one: %v", err)
	}
	w.Clock.Advance(access.CodeLifetime - time.Second)
	if err := prove(token, w.codes[1]); gateway.Code(err) != "forbidden" || !errors.Is(err, access.ErrCodeExpired) {
		t.Errorf("too late: %v", err)
	}
	if got := append(w.Events(of("inv_1")), w.Events(of("inv_2"))...); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// Many try at once: no more than five count, and the right code works once.
func TestCodesAreCountedUnderConcurrency(t *testing.T) {
	w := newWorld(t)
	token := w.sent("inv_1", nil)
	_, err := w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Must(err)
	form := w.form(token)
	errs := make(chan error, 12)
	for range 12 {
		go func() {
			_, err := w.portal.Prove(t.Context(), token, form, w.codes[0], visitor)
			errs <- err
		}()
	}
	right := 0
	for range 12 {
		if err := <-errs; err == nil {
			right++
		} else if gateway.Code(err) != "forbidden" {
			t.Error(err)
		}
	}
	if right != 1 {
		t.Errorf("one code worked %d times", right)
	}
	w.Only(of("inv_1"), gateway.EventPortalViewed)
}

func TestCodesThatCannotBeSent(t *testing.T) {
	w := newWorld(t)
	bare := w.sent("inv_1", func(_ *gateway.Invoice, _ *gateway.Delivery, l *gateway.PortalLink) { l.Email = "" })
	l, err := w.portal.RequestCode(t.Context(), bare, w.form(bare))
	w.Fails(err, "state")
	if l.CanProve || l.Mailbox != "" {
		t.Errorf("%+v", l)
	}
	token := w.sent("inv_2", nil)
	w.noMail = gateway.ErrUnavailable
	_, err = w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Fails(err, "unavailable")
	send := w.portal.SendCode
	w.portal.SendCode = nil
	_, err = w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Fails(err, "state")
	w.portal.SendCode, w.noMail = send, nil
	w.Clock.Advance(time.Minute)
	_, err = w.portal.RequestCode(t.Context(), token, w.form(token))
	w.Must(err)
}
