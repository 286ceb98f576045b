package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// portalEvents counts what the portal told of an invoice.
func (w *world) portalEvents(id string) (opened, viewed int) {
	w.Helper()
	w.read(supplier, func(r gateway.Reader) error {
		events, err := r.Timeline(w.Context(), gateway.EventFilter{InvoiceID: id})
		for _, e := range events {
			switch e.Type {
			case gateway.EventPortalOpened:
				opened++
			case gateway.EventPortalViewed:
				viewed++
			}
		}
		return err
	})
	return opened, viewed
}

func (w *world) wantPortal(id string, opened, viewed int) {
	w.Helper()
	if o, v := w.portalEvents(id); o != opened || v != viewed {
		w.Errorf("opened %d times and viewed %d, want %d and %d", o, v, opened, viewed)
	}
}

func TestLookingIsNoOpening(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	path := "/p/" + w.token(inv.ID)
	for _, agent := range []string{chrome, "", "Mozilla/5.0 (compatible; bingbot/2.0)", "Proofpoint URL Defense", "curl/8.0"} {
		c := w.client()
		c.header.Set("User-Agent", agent)
		r := c.get(path)
		wantStatus(t, r, http.StatusOK)
		wantText(t, r.body, "Ateliers Lumière SARL", "VAT FR31000123455", "Verified by this gateway", "FA-2026-00001", "€3,379.20", "20 December 2026", "Show the invoice")
		if strings.Contains(r.body, "Suspension") || strings.Contains(r.body, "FR76") {
			t.Error("the landing page shows what is on the invoice")
		}
		r = c.do(http.MethodHead, path, nil)
		wantStatus(t, r, http.StatusOK)
		for _, below := range []string{"/code", "/prove", "/download"} {
			if r := c.get(path + below); r.StatusCode != http.StatusMethodNotAllowed && r.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s: %d", below, r.StatusCode)
			}
		}
	}
	w.wantPortal(inv.ID, 0, 0)
}

func TestTheButtonCountsOnce(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	token := w.token(inv.ID)
	r := w.client().press(token, "", nil)
	wantStatus(t, r, http.StatusOK)
	wantText(t, r.body, "now knows that this invoice was opened with this link", "Suspension « Éclipse » Ø 60 cm", "FR76 9999 9000 0100 0123 4567 809", "Download the XML file")
	w.wantPortal(inv.ID, 1, 0)
	wantStatus(t, w.client().press(token, "", nil), http.StatusOK)
	w.wantPortal(inv.ID, 1, 0) // the same hour is the same opening
	w.clock.advance(2 * time.Hour)
	wantStatus(t, w.client().press(token, "", nil), http.StatusOK)
	w.wantPortal(inv.ID, 2, 0)
	if mark := w.invoice(inv.ID).Status.Transport(); mark.State != "opened" || mark.Grade != gateway.GradeMedium {
		t.Errorf("the invoice is %+v", mark)
	}
}

// TestWhoDoesNotCount presses the button as those whose opening proves nothing.
// They see the invoice all the same.
func TestWhoDoesNotCount(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	token := w.token(inv.ID)
	for _, agent := range []string{"", "GoogleImageProxy; bot", "Barracuda Sentinel", "Mozilla/5.0 HeadlessChrome/156", "python-requests/2"} {
		c := w.client()
		c.header.Set("User-Agent", agent)
		wantStatus(t, c.press(token, "", nil), http.StatusOK)
	}
	for _, role := range access.Roles() {
		r := w.as(supplier, role).press(token, "", nil)
		wantStatus(t, r, http.StatusOK)
		wantText(t, r.body, "You are signed in for Ateliers Lumière SARL: this was not counted.")
		wantStatus(t, w.as(supplier, role).press(token, "/download", url.Values{"file": {"invoice"}}), http.StatusOK)
	}
	w.wantPortal(inv.ID, 0, 0)
	// Somebody else's staff is a customer like any other.
	wantStatus(t, w.as(customer, access.RoleClerk).press(token, "", nil), http.StatusOK)
	w.wantPortal(inv.ID, 1, 0)
}

func TestTheButtonNeedsItsPage(t *testing.T) {
	w := newWorld(t)
	inv, other := w.order("universite", "U-1", ""), w.order("universite", "U-2", "")
	c, path := w.client(), "/p/"+w.token(inv.ID)
	form := portalField.FindStringSubmatch(c.page(path))[1]
	foreign := portalField.FindStringSubmatch(c.page("/p/" + w.token(other.ID)))[1]
	for name, value := range map[string]string{"none": "", "garbage": "x.y", "another invoice’s": foreign, "changed": form + "A"} {
		for _, below := range []string{"", "/code", "/download"} {
			r := c.do(http.MethodPost, path+below, url.Values{"form": {value}})
			if r.StatusCode != http.StatusForbidden {
				t.Errorf("a form with %s token at %q: %d", name, below, r.StatusCode)
			}
			wantText(t, r.body, "This page was too old")
		}
	}
	w.clock.advance(3 * time.Hour)
	r := c.do(http.MethodPost, path, url.Values{"form": {form}})
	wantStatus(t, r, http.StatusForbidden)
	if !strings.Contains(r.body, `href="`+path+`"`) {
		t.Error("the page does not lead back to the invoice")
	}
	w.wantPortal(inv.ID, 0, 0)
	w.wantPortal(other.ID, 0, 0)
	if len(w.codes) > 0 {
		t.Error("a code was sent")
	}
}

func TestLinksThatDoNotWork(t *testing.T) {
	w := newWorld(t)
	inv, revoked := w.order("universite", "U-1", ""), w.order("universite", "U-2", "")
	token, c := w.token(inv.ID), w.client()
	r := c.get("/p/" + strings.Repeat("A", 43))
	wantStatus(t, r, http.StatusNotFound)
	wantText(t, r.body, "There is nothing here")
	form := portalField.FindStringSubmatch(c.page("/p/" + token))[1]
	w.write(supplier, func(tx gateway.Tx) error {
		links, err := tx.PortalLinks(w.Context(), revoked.ID)
		if err != nil {
			return err
		}
		now := w.clock.Now()
		links[0].RevokedAt = &now
		return tx.PutPortalLink(w.Context(), links[0])
	})
	wantStatus(t, c.get("/p/"+w.token(revoked.ID)), http.StatusGone)
	w.clock.advance(401 * 24 * time.Hour)
	for _, r := range []response{c.get("/p/" + token), c.do(http.MethodPost, "/p/"+token, url.Values{"form": {form}})} {
		wantStatus(t, r, http.StatusGone)
		wantText(t, r.body, "This link no longer works", "Ask the seller for a new one")
		if strings.Contains(r.body, "FA-2026-00001") {
			t.Error("a link that has expired still tells the number")
		}
	}
}

func TestACodeProvesTheMailbox(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	token, c := w.token(inv.ID), w.client()
	opened := c.press(token, "", nil)
	wantText(t, opened.body, "Send a code to f…@universite-nimes.example")
	if strings.Contains(opened.body, "factures@universite") {
		t.Error("the page tells the whole address")
	}
	r := c.press(token, "/code", nil)
	wantStatus(t, r, http.StatusOK)
	wantText(t, r.body, "Enter the code", "It was sent to f…@universite-nimes.example")
	if strings.Contains(r.body, "Suspension") {
		t.Error("the invoice is shown before the code")
	}
	if len(w.codes) != 1 {
		t.Fatalf("%d codes were sent", len(w.codes))
	}
	r = c.press(token, "/code", nil)
	wantStatus(t, r, http.StatusOK)
	wantText(t, r.body, "A code was sent a moment ago")
	if len(w.codes) != 1 {
		t.Fatal("a second code was sent at once")
	}
	wrong := "000000"
	if w.codes[0] == wrong {
		wrong = "000001"
	}
	r = c.press(token, "/prove", url.Values{"code": {wrong}})
	wantStatus(t, r, http.StatusForbidden)
	wantText(t, r.body, "The code is wrong or no longer valid")
	w.wantPortal(inv.ID, 1, 0)
	r = c.press(token, "/prove", url.Values{"code": {" " + w.codes[0] + " "}})
	wantStatus(t, r, http.StatusOK)
	wantText(t, r.body, "viewed by somebody who reads the mailbox", "Suspension")
	w.wantPortal(inv.ID, 1, 1)
	if mark := w.invoice(inv.ID).Status.Transport(); mark.State != "viewed" || mark.Grade != gateway.GradeStrong {
		t.Errorf("the invoice is %+v", mark)
	}
	wantStatus(t, c.press(token, "/prove", url.Values{"code": {w.codes[0]}}), http.StatusForbidden) // it is used up
	w.wantPortal(inv.ID, 1, 1)
}

// TestStaffProvesNothing enters the right code as the supplier.
func TestStaffProvesNothing(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c := w.as(supplier, access.RoleOperator)
	wantStatus(t, c.press(w.token(inv.ID), "/code", nil), http.StatusOK)
	wantStatus(t, c.press(w.token(inv.ID), "/prove", url.Values{"code": {w.codes[0]}}), http.StatusOK)
	w.wantPortal(inv.ID, 0, 0)
}

func TestGuessingACodeEnds(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c := w.client()
	wantStatus(t, c.press(w.token(inv.ID), "/code", nil), http.StatusOK)
	wrong := "123456"
	if w.codes[0] == wrong {
		wrong = "123457"
	}
	for range access.CodeTries {
		wantStatus(t, c.press(w.token(inv.ID), "/prove", url.Values{"code": {wrong}}), http.StatusForbidden)
	}
	wantStatus(t, c.press(w.token(inv.ID), "/prove", url.Values{"code": {w.codes[0]}}), http.StatusForbidden)
	w.wantPortal(inv.ID, 0, 0)
}

func TestNoMailboxNoCode(t *testing.T) {
	w := newWorld(t)
	inv := w.order("epicerie", "E-1", "")
	r := w.client().press(w.token(inv.ID), "", nil)
	if strings.Contains(r.body, "Send a code") {
		t.Error("a code is offered without a mailbox")
	}
	wantStatus(t, w.client().press(w.token(inv.ID), "/code", nil), http.StatusConflict)
}

func TestPortalDownloads(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c := w.client()
	r := c.press(w.token(inv.ID), "/download", url.Values{"file": {"invoice"}})
	wantStatus(t, r, http.StatusOK)
	if r.body != string(w.document(inv.ID)) {
		t.Error("the file is not the document that was sent")
	}
	if got := r.Header.Get("Content-Disposition"); got != "attachment; filename=FA-2026-00001.xml" {
		t.Errorf("Content-Disposition: %s", got)
	}
	w.wantPortal(inv.ID, 1, 0) // who has the file has it
	seal := c.press(w.token(inv.ID), "/download", url.Values{"file": {"seal"}})
	wantStatus(t, seal, http.StatusOK)
	if _, err := w.cfg.VerifySeal(t.Context(), []byte(r.body), []byte(seal.body)); err != nil {
		t.Errorf("the downloaded seal: %v", err)
	}
	for _, n := range []string{"0", "-1", "99999999999999999999", "x"} {
		wantStatus(t, c.press(w.token(inv.ID), "/download", url.Values{"attachment": {n}}), http.StatusNotFound)
	}
}

// TestABrokenSealIsNotHidden changes the stored document.
func TestABrokenSealIsNotHidden(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	for key, blob := range w.blobs.blobs {
		if strings.Contains(string(blob), "<Invoice ") {
			w.blobs.blobs[key] = append(blob, ' ')
		}
	}
	page := w.client().page("/p/" + w.token(inv.ID))
	wantText(t, page, "We could not verify this invoice", "Do not pay before you have asked the seller")
	if strings.Contains(page, "Verified by") {
		t.Error("it is verified all the same")
	}
	wantText(t, w.as(supplier, access.RoleAuditor).page("/audit/invoices/"+inv.ID), "The seal does not hold.")
}

// TestThePortalIsAlone checks that its pages ask nothing of anybody else and
// tell nobody where they are.
func TestThePortalIsAlone(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c := w.client()
	elsewhere := regexp.MustCompile(`(?:src|href|action)="(?:[a-z]+:)?//`)
	for _, r := range []response{c.get("/p/" + w.token(inv.ID)), c.press(w.token(inv.ID), "", nil), c.press(w.token(inv.ID), "/code", nil)} {
		if got := r.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("Referrer-Policy: %s", got)
		}
		if found := elsewhere.FindString(r.body); found != "" {
			t.Errorf("the page leads elsewhere: %s", found)
		}
		if len(r.Cookies()) > 0 {
			t.Errorf("the page sets cookies: %v", r.Cookies())
		}
		for _, link := range regexp.MustCompile(`href="[^"]*\?([^"]*)"`).FindAllStringSubmatch(r.body, -1) {
			if link[1] != "lang=fr" {
				t.Errorf("a link carries %s", link[1])
			}
		}
	}
}

func TestThePortalSpeaksTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c, path := w.client(), "/p/"+w.token(inv.ID)
	c.header.Set("Accept-Language", "fr-FR,fr;q=0.9,en;q=0.5")
	page := c.page(path)
	wantText(t, page, "Afficher la facture", "3 379,20 €")
	if !strings.Contains(page, `<html lang="fr">`) {
		t.Error("the page does not say its language")
	}
	r := c.get(path + "?lang=en")
	wantStatus(t, r, http.StatusSeeOther)
	if to := r.Header.Get("Location"); to != path {
		t.Errorf("choosing a language leads to %s", to)
	}
	wantText(t, c.page(path), "Show the invoice") // the choice is kept
	w.wantPortal(inv.ID, 0, 0)
}
