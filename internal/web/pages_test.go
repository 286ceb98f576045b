package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
)

// TestEveryStandingHasOneGroup holds the groups of the report against each other.
func TestEveryStandingHasOneGroup(t *testing.T) {
	var transports, answers []string
	for key := range texts {
		parts := strings.Split(string(key), ".")
		if len(parts) != 2 || parts[1] == "none" {
			continue
		}
		switch parts[0] {
		case "transport":
			transports = append(transports, parts[1])
		case "answer":
			answers = append(answers, parts[1])
		}
	}
	if len(transports) < 13 || len(answers) < 6 {
		t.Fatalf("%d and %d states found", len(transports), len(answers))
	}
	for _, state := range gateway.InvoiceStates {
		for _, transport := range append(transports, "") {
			for _, answer := range append(answers, "") {
				g := groupOf(state, transport, answer)
				if !slices.Contains(g.states(), state) {
					t.Errorf("%s/%s/%s is %s, whose list does not look at it", state, transport, answer, g)
				}
				if _, ok := validGroup(string(g)); !ok || groupTones[g] == "" {
					t.Errorf("group %q is not complete", g)
				}
			}
		}
	}
}

var cell = regexp.MustCompile(`(?s)<a href="([^"]*)"><span class="count">(\d+)</span>`)

// TestTheReportCountsWhatItsLinksShow follows every link of the report.
func TestTheReportCountsWhatItsLinksShow(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	page := c.page("/invoices")
	wantText(t, page, "This morning’s report", "20 November 2026", "6 invoices need you.")
	cells := cell.FindAllStringSubmatch(page, -1)
	if len(cells) != len(reported) {
		t.Fatalf("%d cells", len(cells))
	}
	total := 0
	for _, m := range cells {
		list := c.page(strings.ReplaceAll(m[1], "&amp;", "&"))
		if got := fmt.Sprint(strings.Count(list, `<th scope="row">`)); got != m[2] {
			t.Errorf("%s counts %s and lists %s", m[1], m[2], got)
		}
		var n int
		fmt.Sscan(m[2], &n) //nolint:errcheck // digits
		total += n
	}
	if all := strings.Count(page, `<th scope="row">`); all != total {
		t.Errorf("the report counts %d of %d invoices", total, all)
	}
	for path, want := range map[string][]gateway.Invoice{
		"/invoices?show=held":        {s.heldRules, s.heldRecords, s.heldRequirements},
		"/invoices?show=bounced":     {s.bounced},
		"/invoices?show=unknown":     {s.unknown},
		"/invoices?show=refused":     {s.disputed},
		"/invoices?show=never_sent":  {s.retrying},
		"/invoices?show=sent":        {s.hostile},
		"/invoices?show=confirmed":   {s.approved, s.viewed, s.opened, s.credit},
		"/invoices?show=ended":       {},
		"/invoices?q=nimes":          {s.viewed, s.opened, s.heldRecords, s.heldRules},
		"/invoices?q=SO-UN-2026-121": {s.viewed},
		"/invoices?since=2026-11-21": {},
		"/invoices?until=2026-11-19": {},
		"/invoices?show=held&q=nimes&since=2026-11-20&until=2026-11-20": {s.heldRecords, s.heldRules},
	} {
		list := c.page(path)
		for _, inv := range want {
			if !strings.Contains(list, "/invoices/"+inv.ID+`"`) {
				t.Errorf("%s lacks %s", path, inv.Number)
			}
		}
		if n := strings.Count(list, `<th scope="row">`); n != len(want) {
			t.Errorf("%s lists %d, want %d", path, n, len(want))
		}
	}
	r := c.get("/invoices?since=yesterday")
	wantStatus(t, r, http.StatusUnprocessableEntity)
	wantText(t, r.body, "Something is missing or wrong", "since", "this is no day")
	wantStatus(t, c.get("/invoices?after=nonsense"), http.StatusUnprocessableEntity)
	if page := s.as(customer, access.RoleOperator).page("/invoices"); !strings.Contains(text(page), "Nothing needs you.") || !strings.Contains(text(page), "No invoice yet.") {
		t.Error("an empty account does not say so")
	}
}

var nextPage = regexp.MustCompile(`href="([^"]*)" rel="next"`)

// TestPagesOfAList walks through more invoices than fit one page and finds each
// once, in all and in one group.
func TestPagesOfAList(t *testing.T) {
	w := newWorld(t)
	template := w.order("epicerie", "E-1", "")
	const n = 3*pageSize + 7
	w.write(supplier, func(tx gateway.Tx) error {
		for i := range n {
			w.clock.advance(time.Second)
			inv := template
			inv.ID, inv.BusinessKey, inv.Number, inv.State = w.ids.New(gateway.PrefixInvoice), "", fmt.Sprintf("X-%04d", i), gateway.InvoiceSent
			inv.CreatedAt, inv.Status = w.clock.Now(), gateway.Status{}
			if i%40 == 0 {
				inv.Status = gateway.Status{Deliveries: map[string]gateway.Mark{"d": {State: "bounced", At: w.clock.Now()}}}
			}
			if err := tx.InsertInvoice(w.Context(), &inv); err != nil {
				return err
			}
		}
		return nil
	})
	c := w.as(supplier, access.RoleOperator)
	for path, want := range map[string]int{"/invoices": n + 1, "/invoices?show=sent": n - 4, "/invoices?show=bounced": 4, "/invoices?q=X-00": 100} {
		seen := map[string]bool{}
		for pages := 0; path != ""; pages++ {
			if pages > 10 {
				t.Fatal("the pages do not end")
			}
			page := c.page(path)
			for _, m := range regexp.MustCompile(`href="/invoices/(inv_[0-9A-Z]+)"`).FindAllStringSubmatch(page, -1) {
				if seen[m[1]] {
					t.Errorf("%s shows %s twice", path, m[1])
				}
				seen[m[1]] = true
			}
			path = ""
			if m := nextPage.FindStringSubmatch(page); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != want {
			t.Errorf("%d invoices, want %d", len(seen), want)
		}
	}
}

// longList is a store's reader whose list never ends.
type longList struct {
	gateway.Reader
	reads int
}

func (l *longList) Invoices(context.Context, gateway.InvoiceFilter, gateway.Page) (gateway.List[gateway.Invoice], error) {
	l.reads++
	return gateway.List[gateway.Invoice]{Items: make([]gateway.Invoice, pageSize), Next: fmt.Sprint(l.reads)}, nil
}

func TestASearchEnds(t *testing.T) {
	l := &longList{}
	rows, next, partial, err := invoicesOf(t.Context(), l, gateway.InvoiceFilter{}, groupBounced, "")
	if err != nil || len(rows) > 0 || !partial || next != fmt.Sprint(maxReads) || l.reads != maxReads {
		t.Errorf("%d rows, next %q, partial %t after %d reads: %v", len(rows), next, partial, l.reads, err)
	}
}

func TestAHeldInvoiceSaysWhy(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	wantText(t, c.page("/invoices/"+s.heldRules.ID),
		"The official rules are not met", "A VAT number does not begin with a country code.", "Where file line 42", "Term BT-31 Seller VAT identifier", "Found 12345",
		"BR-CO-09 cen-ubl 1.3.16", "[BR-CO-09]-The Seller VAT identifier (BT-31) shall have a prefix in accordance with ISO code ISO 3166-1 alpha-2 by which the country of issue may be identified.")
	wantText(t, c.page("/invoices/"+s.heldRecords.ID), "A value is missing", "neither the order nor the records give it", "BT-151")
	wantText(t, c.page("/invoices/"+s.heldRequirements.ID), "The customer’s requirements are not met", "Le code service est obligatoire sur chaque facture.", "BT-10 Buyer reference", "hopital 3")
	c.header.Set("Accept-Language", "fr")
	wantText(t, c.page("/invoices/"+s.heldRules.ID), "Les règles officielles ne sont pas respectées", "BT-31 Identifiant à la TVA du vendeur", "ligne 42 du fichier")
}

func TestATimelineSaysWhoAndHow(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	wantText(t, c.page("/invoices/"+s.viewed.ID),
		"Transport Viewed", "strong proof: signature, login or code", "Somebody who reads the known mailbox entered the code sent there.",
		"Answer No answer yet", "Money Nothing known", "Code sent to factures@universite-nimes.example", "said by the holder of the link",
		"medium proof: a link holder or an unsigned report", "in the log")
	wantText(t, c.page("/invoices/"+s.disputed.ID), "Answer Disputed", "the buyer’s own act", "Quantity Nous n’avons reçu que dix suspensions sur douze.",
		"Credited by AV-2026-0001", "Deux suspensions manquaient à la livraison. ", "said by Oscar Petit")
	wantText(t, c.page("/invoices/"+s.credit.ID), "Credit note", "Credits invoice FA-2026-00002")
	wantText(t, c.page("/invoices/"+s.bounced.ID), "Bounced", "5.1.1 – 550 no such user here", "It did not reach the customer")
	wantText(t, c.page("/invoices/"+s.unknown.ID), "Unknown", "http.timeout all was sent, then silence for 30 s", "Did it arrive?", "1 attempt")
	wantText(t, c.page("/invoices/"+s.retrying.ID), "To be tried again", "dial.refused", "Next attempt")
	wantText(t, c.page("/invoices/"+s.approved.ID), "Approved", "Payment announced", "Received", "The receiver’s gateway signed for exactly these bytes.",
		"said by the other side (0225:000234560)", "15 values that the order lacked", "legal entity")
	page := c.page("/invoices/" + s.approved.ID)
	proof := regexp.MustCompile(`href="(/invoices/[^"]*/files/[0-9a-f]{64})"[^>]*>Proof`).FindAllStringSubmatch(page, -1)
	if len(proof) == 0 {
		t.Fatal("there is no proof to fetch")
	}
	for _, m := range proof {
		r := c.get(m[1])
		wantStatus(t, r, http.StatusOK)
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s can be shown as a page: %v", m[1], r.Header)
		}
	}
}

func TestErasedNamesAreSaidToBeErased(t *testing.T) {
	s := newScene(newWorld(t))
	s.write(supplier, func(tx gateway.Tx) error {
		events, err := tx.Timeline(s.Context(), gateway.EventFilter{InvoiceID: s.disputed.ID})
		for _, e := range events {
			if e.Type == gateway.EventInvoiceCredited {
				err = tx.ErasePersonal(s.Context(), e.ID)
			}
		}
		return err
	})
	wantText(t, s.as(supplier, access.RoleOperator).page("/invoices/"+s.disputed.ID), "said by a person (name erased)")
}

func TestActions(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	leads := func(r response, path string) {
		t.Helper()
		wantStatus(t, r, http.StatusSeeOther)
		if to := r.Header.Get("Location"); to != path {
			t.Fatalf("leads to %s, want %s", to, path)
		}
	}
	state := func(inv gateway.Invoice, want gateway.InvoiceState) {
		t.Helper()
		s.drain()
		if got := s.invoice(inv.ID); got.State != want {
			t.Errorf("the invoice is %s, want %s: %s", got.State, want, got.HoldDetail)
		}
	}
	at := "/invoices/" + s.heldRequirements.ID
	for _, path := range []string{"/override", "/cancel"} {
		r := c.post(at+path, url.Values{"reason": {"  "}})
		wantStatus(t, r, http.StatusUnprocessableEntity)
		wantText(t, r.body, "Something is missing or wrong", "reason", "Nothing was changed.")
		if !strings.Contains(r.body, `href="`+at+`"`) {
			t.Error("the page does not lead back")
		}
	}
	wantStatus(t, c.post(at+"/correct", url.Values{"buyer_reference": {""}}), http.StatusUnprocessableEntity)
	leads(c.post(at+"/release", nil), at+"?done=released")
	state(s.heldRequirements, gateway.InvoiceHeld) // nothing was corrected
	wantText(t, c.page(at+"?done=released"), "Released: it is being checked again.")
	leads(c.post(at+"/correct", url.Values{"buyer_reference": {"SVC-9"}, "purchase_order_reference": {"HSE-204511"}}), at+"?done=corrected")
	state(s.heldRequirements, gateway.InvoiceSent)
	wantText(t, c.page(at), "Changed: buyer_reference", "said by Oscar Petit")
	r := c.post(at+"/release", nil)
	wantStatus(t, r, http.StatusConflict)
	wantText(t, r.body, "This is not possible any more", "Nothing was changed")

	at = "/invoices/" + s.heldRules.ID
	leads(c.post(at+"/override", url.Values{"reason": {"Convenu par téléphone avec Mme Blanc"}}), at+"?done=overridden")
	state(s.heldRules, gateway.InvoiceSent)
	wantText(t, c.page(at), "Findings let pass by Oscar Petit", "Convenu par téléphone avec Mme Blanc", "Let pass: BR-CO-09")

	at = "/invoices/" + s.heldRecords.ID
	leads(c.post(at+"/cancel", url.Values{"reason": {"Double"}}), at+"?done=cancelled")
	state(s.heldRecords, gateway.InvoiceCancelled)

	at = "/invoices/" + s.approved.ID
	first := c.post(at+"/credit", url.Values{"reason": {"Retour"}})
	wantStatus(t, first, http.StatusSeeOther)
	again := c.post(at+"/credit", url.Values{"reason": {"Retour"}})
	leads(again, first.Header.Get("Location")) // pressing twice makes one
	s.drain()
	wantStatus(t, c.post(at+"/credit", url.Values{"reason": {"Autre"}}), http.StatusUnprocessableEntity) // nothing is left
	if page := c.page(at); strings.Contains(page, "/credit\"") {
		t.Error("a credit is still offered")
	}
}

func TestAnUnknownDeliveryIsResolvedByAPerson(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	at := "/invoices/" + s.unknown.ID
	path := at + "/deliveries/" + s.deliveries(s.unknown.ID)[0].ID + "/resolve"
	wantStatus(t, c.post(path, url.Values{"arrived": {"yes"}}), http.StatusUnprocessableEntity)
	wantStatus(t, c.post(path, url.Values{"arrived": {"perhaps"}, "reason": {"x"}}), http.StatusUnprocessableEntity)
	if got := s.deliveries(s.unknown.ID)[0].State; got != gateway.DeliveryUnknown {
		t.Fatalf("the delivery is %s", got)
	}
	wantStatus(t, c.post(path, url.Values{"arrived": {"yes"}, "reason": {"Mme Peeters la voit dans son système"}}), http.StatusSeeOther)
	if got := s.deliveries(s.unknown.ID)[0].State; got != gateway.DeliveryAccepted {
		t.Errorf("the delivery is %s", got)
	}
	wantText(t, c.page(at), "Declared as arrived", "Mme Peeters la voit dans son système", "said by Oscar Petit")
	wantStatus(t, c.post(path, url.Values{"arrived": {"no"}, "reason": {"x"}}), http.StatusConflict)
}

func TestSendingAgain(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleOperator)
	wantStatus(t, c.post("/invoices/"+s.approved.ID+"/resend", nil), http.StatusConflict)
	if strings.Contains(c.page("/invoices/"+s.approved.ID), "/resend") {
		t.Error("what arrived is offered to be sent again")
	}
	wantStatus(t, c.post("/invoices/"+s.bounced.ID+"/resend", nil), http.StatusSeeOther)
	if n := len(s.deliveries(s.bounced.ID)); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}

func TestInbox(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(customer, access.RoleApprover)
	for path, want := range map[string][]gateway.Inbound{
		"/inbox":                         {s.available, s.decided, s.rejected, s.duplicate},
		"/inbox?show=available":          {s.available, s.decided, s.duplicate},
		"/inbox?show=rejected":           {s.rejected},
		"/inbox?show=forwarded":          {},
		"/inbox?q=" + s.available.Number: {s.available},
	} {
		list := c.page(path)
		for _, in := range want {
			if !strings.Contains(list, "/inbox/"+in.ID) {
				t.Errorf("%s lacks %s", path, in.ID)
			}
		}
		if n := strings.Count(list, `<th scope="row">`); n != len(want) {
			t.Errorf("%s lists %d, want %d", path, n, len(want))
		}
	}
	wantText(t, c.page("/inbox"), "Duplicate?", "Ateliers Lumière SARL", "€3,379.20", "20 Dec 2026", "Rejected", "To be decided", "Approved")
	wantText(t, c.page("/inbox/"+s.rejected.ID), "It does not pass the checks", "It was not forwarded to your AP system.", "A VAT number does not begin with a country code.")
	duplicate := c.page("/inbox/" + s.duplicate.ID)
	wantText(t, duplicate, "An invoice of this seller with this number came in before.")
	if !strings.Contains(duplicate, `href="/inbox/`+s.decided.ID+`"`) {
		t.Error("the duplicate does not lead to the first one")
	}
	wantText(t, c.page("/inbox/"+s.available.ID), "Suspension « Éclipse » Ø 60 cm", "FR76 9999 9000 0100 0123 4567 809", "Made available", "Approve")
	if strings.Contains(c.page("/inbox/"+s.decided.ID), "/answer") {
		t.Error("a decided invoice can be decided again")
	}
	r := c.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {"refuse"}, "code": {"PRI"}})
	wantStatus(t, r, http.StatusUnprocessableEntity)
	wantStatus(t, c.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {"pay"}}), http.StatusUnprocessableEntity)
	wantStatus(t, c.post("/inbox/"+s.rejected.ID+"/answer", url.Values{"decision": {"approve"}}), http.StatusConflict)
	wantStatus(t, c.post("/inbox/"+s.available.ID+"/acknowledge", nil), http.StatusSeeOther)
	wantStatus(t, c.post("/inbox/"+s.available.ID+"/answer", url.Values{"decision": {"refuse"}, "code": {"UNR"}, "text": {"Commande inconnue"}}), http.StatusSeeOther)
	wantText(t, c.page("/inbox/"+s.available.ID), "Refused", "Not recognised: we did not order this", "Commande inconnue", "Paul Renard", "Taken over into accounting")
	wantText(t, c.page("/inbox?show=forwarded"), s.available.Number)
}

func TestAttachments(t *testing.T) {
	s := newScene(newWorld(t))
	var in gateway.Inbound
	s.write(customer, func(tx gateway.Tx) (err error) {
		if in, err = tx.Inbound(s.Context(), s.available.ID); err != nil {
			return err
		}
		var model map[string]any
		if err := json.Unmarshal(in.Model, &model); err != nil {
			return err
		}
		model["supporting_documents"] = []map[string]any{
			{"reference": "TS", "description": "Relevé", "attachment": map[string]string{"content": "PHNjcmlwdD4=", "mime_code": "text/html", "filename": "../é\"x\r\n.html"}},
			{"reference": "CGV", "location": "javascript:alert(1)"},
		}
		if in.Model, err = json.Marshal(model); err != nil {
			return err
		}
		return tx.UpdateInbound(s.Context(), &in)
	})
	c := s.as(customer, access.RoleClerk)
	page := c.page("/inbox/" + in.ID)
	wantText(t, page, "Supporting documents", "Relevé 8 bytes", "javascript:alert(1)")
	if strings.Contains(page, `href="javascript`) {
		t.Error("a location of the sender's is a link")
	}
	r := c.get("/inbox/" + in.ID + "/attachments/0")
	wantStatus(t, r, http.StatusOK)
	if got := r.Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("a sender's page is served as %s", got)
	}
	if got := r.Header.Get("Content-Disposition"); got != "attachment; filename*=utf-8''.._%C3%A9_x__.html" {
		t.Errorf("Content-Disposition: %s", got)
	}
	if r.body != "<script>" {
		t.Errorf("the file is %q", r.body)
	}
	for _, n := range []string{"1", "2", "-1", "x"} {
		wantStatus(t, c.get("/inbox/"+in.ID+"/attachments/"+n), http.StatusNotFound)
	}
}

func TestAudit(t *testing.T) {
	s := newScene(newWorld(t))
	c := s.as(supplier, access.RoleAuditor)
	wantText(t, c.page("/audit"), "The audit log", "sealed events", "FA-2026-00001")
	record := c.page("/audit/invoices/" + s.approved.ID)
	wantText(t, record, "The seal holds. Sealed by Ateliers Lumière SARL", "cen-ubl 1.3.16", strings.Repeat("5e", 32), "schematron", "Passed", "in the log", "What is sent", "Receipt")
	files := regexp.MustCompile(`href="(/invoices/[^"]*/files/([0-9a-f]{64}))"`).FindAllStringSubmatch(record, -1)
	if len(files) < 4 {
		t.Fatalf("%d files", len(files))
	}
	for _, m := range files {
		r := c.get(m[1])
		wantStatus(t, r, http.StatusOK)
		want, err := s.blobs.Get(t.Context(), supplier, m[2])
		s.must(err)
		if r.body != string(want) {
			t.Errorf("%s gives other bytes than are kept", m[1])
		}
	}
	wantStatus(t, c.get("/invoices/"+s.approved.ID+"/files/"+strings.Repeat("0", 64)), http.StatusNotFound)
	held := c.page("/audit/invoices/" + s.heldRules.ID)
	wantText(t, held, "Not valid", "1 finding", "[BR-CO-09]")
	wantText(t, s.as(customer, access.RoleAuditor).page("/audit/inbox/"+s.rejected.ID), "Rejected", "0225:000123455", "BR-CO-09", "As it came in")

	log := c.page("/audit/log")
	wantText(t, log, "Every leaf is the one under the signed root.", "Leaves checked", "gateway.example/lumiere")
	root := c.get("/audit/log/root")
	wantStatus(t, root, http.StatusOK)
	if _, err := evidence.OpenRoot([]byte(root.body), s.sealer.Signer.Verifier()); err != nil {
		t.Errorf("the downloaded root: %v", err)
	}
}

// TestABrokenLogNamesItsPlace gives the page what a check can find.
func TestABrokenLogNamesItsPlace(t *testing.T) {
	w := newWorld(t)
	var found error
	w.cfg.VerifyLog = func(context.Context, gateway.TenantID) (evidence.Report, error) {
		return evidence.Report{Leaves: 6}, found
	}
	w.echo = newEcho(w.cfg)
	c := w.as(supplier, access.RoleAuditor)
	found = &evidence.Broken{Check: evidence.CheckInclusion, Line: 8, Leaf: 7, EventID: "evt_7", Reason: "this is not the leaf"}
	wantText(t, c.page("/audit/log"), "The log is broken.", "Leaves checked 6", "First broken leaf 7", "evidence.inclusion", "evt_7", "this is not the leaf")
	found = context.DeadlineExceeded
	page := c.page("/audit/log")
	wantText(t, page, "The check could not be made, so nothing is proved.")
	if strings.Contains(page, "Leaves checked") {
		t.Error("a check that was not made has results")
	}
}

func TestLive(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	c := w.as(supplier, access.RoleOperator)
	path := "/invoices/" + inv.ID + "/live?state=sent"
	r := c.get(path)
	wantStatus(t, r, http.StatusOK)
	tag := r.Header.Get("ETag")
	c.header.Set("If-None-Match", tag)
	again := c.get(path)
	wantStatus(t, again, http.StatusNotModified)
	if again.body != "" {
		t.Error("nothing new has a body")
	}
	wantStatus(t, w.client().press(w.token(inv.ID), "", nil), http.StatusOK)
	r = c.get(path)
	wantStatus(t, r, http.StatusOK)
	wantText(t, r.body, "Opened by link holder")
	if r.Header.Get("ETag") == tag {
		t.Error("the tag did not change")
	}
	if strings.Contains(r.body, "<html") || strings.Contains(r.body, "Things have moved on") {
		t.Error("the part is a whole page, or says that it is stale")
	}
	c.header.Del("If-None-Match")
	wantText(t, c.get("/invoices/"+inv.ID+"/live?state=held").body, "Things have moved on.")
	delete(c.cookies, "facteur")
	wantStatus(t, c.get(path), http.StatusUnauthorized)
}

func TestErrorPages(t *testing.T) {
	w := newWorld(t)
	c := w.as(supplier, access.RoleOperator)
	r := c.get("/no/such/page")
	wantStatus(t, r, http.StatusNotFound)
	wantText(t, r.body, "There is nothing here", "Oscar Petit")
	c.header.Set("Accept-Language", "fr")
	wantText(t, c.get("/invoices/inv_nothing").body, "Il n’y a rien ici")
	c.header.Set("Accept", "application/json")
	r = c.get("/no/such/page")
	wantStatus(t, r, http.StatusNotFound)
	if strings.Contains(r.body, "<html") {
		t.Error("a program is answered with a page")
	}
	c.header.Set("Accept", "text/html")
	w.must(w.store.Close())
	r = c.get("/invoices")
	if r.StatusCode < 500 {
		t.Fatalf("without a store: %d", r.StatusCode)
	}
	if strings.Contains(r.body, "sql") || strings.Contains(r.body, "closed") {
		t.Errorf("the page tells what is inside: %s", text(r.body))
	}
	if !strings.Contains(w.log.String(), "page failed") {
		t.Error("the failure is not in the log")
	}
}
