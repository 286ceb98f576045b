package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two gateways, two databases: an order becomes an invoice at one and lies in the
// inbox of the other, whose answers land on the supplier's timeline.
func TestExchangeBetweenTwoGateways(t *testing.T) {
	t.Parallel()
	ours, theirs := booted(t, "supplier's gateway"), booted(t, "customer's gateway")
	shop, buyer := ours.tenant("shop", "live"), theirs.tenant("buyer", "live")
	shop.supplier(gatewayRoute(buyer))
	introduce(shop, buyer)
	ap := listen(t, takes)
	_, secret := buyer.newWebhook(ap.URL, `,"types":["inbound.quarantined"],"forward":true`)

	for i, decision := range []struct{ body, state, event string }{
		{`{"decision":"approve"}`, "approved", "answer.approved"},
		{`{"decision":"dispute","reason":"QTY","text":"One box was missing."}`, "disputed", "answer.disputed"},
		{`{"decision":"refuse","reason":"NON","text":"We did not order this."}`, "refused", "answer.refused"},
	} {
		n := i + 1
		invoice := shop.placed(n)
		sent := shop.await(10*time.Second, invoice, "state=sent", "transport/state=received", "transport/grade=3")
		number := sent.text("number")
		// The very bytes arrive.
		inbox := "/v1/inbox/" + buyer.await(10*time.Second, "/v1/inbox?number="+number, "items/0/state=forwarded").text("items/0/id")
		document := buyer.get(inbox + "/document")
		if d := shop.items(invoice + "/deliveries"); len(d) != 1 || text(d[0], "document_sha256") != sha(document.body) {
			t.Errorf("%s: other bytes arrived", number)
		}
		// The AP system got them, signed.
		within(t, 5*time.Second, "the AP system has the document", func() bool { return len(ap.taken()) == n })
		forwarded := ap.taken()[i]
		if err := signed(forwarded, secret); err != nil {
			t.Error(err)
		}
		m := forwarded.json(t)
		content, err := base64.StdEncoding.DecodeString(text(m, "data/content"))
		if err != nil || text(m, "type") != "inbound.document" || text(m, "data/number") != number || string(content) != string(document.body) {
			t.Errorf("forwarded: %.300s %v", forwarded.body, err)
		}
		// It says that it took them; saying so twice changes nothing.
		for range 2 {
			if buyer.post(inbox+"/acknowledge", "").is(http.StatusOK).text("acknowledged_at") == "" {
				t.Error("not acknowledged")
			}
		}
		// The customer decides, and the supplier hears of it.
		buyer.post(inbox+"/answer", decision.body).is(http.StatusOK).says("answer=" + decision.state)
		shop.await(10*time.Second, invoice, "answer/state="+decision.state, "answer/grade=4")
		timeline := shop.get(invoice + "/timeline")
		events := shop.events(invoice + "/timeline")
		if !slices.Contains(events, decision.event) || !slices.Contains(events, "delivery.receipted") {
			t.Errorf("timeline: %v", events)
		}
		if strings.Contains(decision.body, "One box") && !strings.Contains(string(timeline.body), "One box was missing.") {
			t.Errorf("the supplier is not told why: %s", timeline.body)
		}
	}
	if n := len(buyer.list("/v1/inbox?unacknowledged=true")); n != 0 {
		t.Errorf("%d are not acknowledged", n)
	}
	// A disputed invoice can still be approved; a refused one cannot.
	in := func(number string) string {
		return "/v1/inbox/" + buyer.get("/v1/inbox?number="+number).text("items/0/id")
	}
	buyer.post(in("FA-2026-00002")+"/answer", `{"decision":"approve"}`).is(http.StatusOK)
	shop.await(10*time.Second, shop.invoiceOf("ext-0002"), "answer/state=approved")
	buyer.post(in("FA-2026-00003")+"/answer", `{"decision":"approve"}`).is(http.StatusConflict).says("code=state")

	// A credit note goes the same way, and corrects the invoice by name.
	refused := shop.invoiceOf("ext-0003")
	credit := shop.post(refused+"/credit", `{"reason":"Not ordered"}`, "Idempotency-Key: c-1").is(http.StatusCreated)
	shop.await(10*time.Second, "/v1/invoices/"+credit.text("id"), "state=sent", "kind=credit_note", "credit_of="+strings.TrimPrefix(refused, "/v1/invoices/"))
	within(t, 10*time.Second, "the credit note is received", func() bool { return len(buyer.list("/v1/inbox?state=forwarded")) == 4 })
}

// A repeated invoice number is a finding at the receiver, and no refusal.
func TestRepeatedNumberIsSuspected(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	first, second, buyer := g.tenant("shop", "live"), g.tenant("shop2", "live"), g.tenant("buyer", "live")
	// The same company sends from two systems that do not know of each other.
	first.supplier(gatewayRoute(buyer))
	second.supplier(gatewayRoute(buyer))
	introduce(first, buyer)
	second.put("/v1/legal-entities/seller", strings.Replace(sellerRecord, `{"value":"000123456","scheme":"0225"}`, `{"value":"000123456_B","scheme":"0225"}`, 1)).is(http.StatusOK)
	second.knows(buyer, buyerID)
	buyer.knows(second, sellerID+"_B")
	first.await(10*time.Second, first.placed(1), "state=sent")
	one := buyer.await(10*time.Second, "/v1/inbox?number=FA-2026-00001", "items/0/state=available")
	second.await(10*time.Second, second.placed(2), "state=sent", "number=FA-2026-00001", "transport/state=received")
	both := buyer.await(10*time.Second, "/v1/inbox?number=FA-2026-00001", "items/1/state=available", "items/0/state=available")
	if both.text("items/0/duplicate_of") != one.text("items/0/id") || both.text("items/1/duplicate_of") != "" {
		t.Errorf("not suspected: %s", both.body)
	}
	verdicts := buyer.get("/v1/inbox/" + both.text("items/0/id") + "/verdicts")
	if !strings.Contains(string(verdicts.body), `"suspected-duplicate"`) || verdicts.text("items/0/valid") != "true" {
		t.Errorf("verdicts: %s", verdicts.body)
	}
}

// An invoice with fatal findings at the receiver is quarantined and not forwarded;
// the sender is told once, with the findings.
func TestFatalFindingsAtTheReceiver(t *testing.T) {
	t.Parallel()
	ap := listen(t, takes)
	ours, theirs := booted(t, "supplier's gateway"), booted(t, "customer's gateway", "VALIDATION_RULES_DIR="+strictRules(t))
	shop, buyer := ours.tenant("shop", "live"), theirs.tenant("buyer", "live")
	shop.supplier(gatewayRoute(buyer))
	introduce(shop, buyer)
	buyer.newWebhook(ap.URL, `,"types":["answer."],"forward":true`)

	invoice := shop.placed(1)
	shop.await(15*time.Second, invoice, "state=sent", "transport/state=received", "answer/state=rejected")
	in := buyer.await(10*time.Second, "/v1/inbox", "items/0/state=quarantined").text("items/0/id")
	// The receipt of what told it may still be on its way back.
	buyer.await(10*time.Second, "/v1/inbox/"+in+"/deliveries", "items/0/state=accepted")
	replies := buyer.items("/v1/inbox/" + in + "/deliveries")
	if len(replies) != 1 || text(replies[0], "state") != "accepted" {
		t.Errorf("the sender was told %d times: %v", len(replies), replies)
	}
	told := 0
	for _, e := range shop.items(invoice + "/timeline") {
		if text(e, "type") == "answer.rejected" {
			told++
			if s := fmt.Sprint(pick(e, "data")); !strings.Contains(s, "STRICT-01") || text(e, "evidence") == "" {
				t.Errorf("the sender is not told why: %s", s)
			}
		}
	}
	if told != 1 {
		t.Errorf("the sender's timeline tells it %d times", told)
	}
	if v := buyer.get("/v1/inbox/" + in + "/verdicts"); v.text("items/0/valid") != "false" || !strings.Contains(string(v.body), `"STRICT-01"`) {
		t.Errorf("verdicts: %s", v.body)
	}
	buyer.post("/v1/inbox/"+in+"/acknowledge", "").is(http.StatusConflict)
	buyer.post("/v1/inbox/"+in+"/answer", `{"decision":"approve"}`).is(http.StatusConflict)
	time.Sleep(500 * time.Millisecond)
	if m := ap.messages(); len(m) != 0 {
		t.Errorf("%d messages went to the AP system: %.300s", len(m), m[0].body)
	}
	// The document is kept as it came.
	if d := shop.items(invoice + "/deliveries"); text(d[0], "document_sha256") != sha(buyer.get("/v1/inbox/"+in+"/document").body) {
		t.Error("other bytes were kept")
	}
}

// strictRules are rules that no document of ours meets; answers they let pass.
func strictRules(t testing.TB) string {
	t.Helper()
	from, dir := repository(t, "validation", "schematron", "testdata", "rules"), t.TempDir()
	b, err := os.ReadFile(filepath.Join(from, "minimal.xslt"))
	rules := strings.NewReplacer(
		`test="not(normalize-space(cbc:ID) != '')"`, `test="not(self::*:ApplicationResponse)"`, "MIN-01", "STRICT-01",
	).Replace(string(must(t, b, err)))
	list := fmt.Sprintf(`{"rules":[{"id":"strict","version":"1","stage":"schematron","file":"strict.xslt","sha256":%q}]}`, sha([]byte(rules)))
	for name, content := range map[string]string{"strict.xslt": rules, "rules.json": list} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
