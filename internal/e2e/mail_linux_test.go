package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// An invoice goes by mail through a real mail server, whose reports come back to
// its timeline; an unknown mailbox bounces, stops that address, and starts the
// customer's next route.
func TestMail(t *testing.T) {
	t.Parallel()
	ap := listenTLS(t, takes)
	g := newGate(t, "gateway")
	if os.Getuid() == 0 {
		ownedByNobody(t, g)
	}
	g.set["MAIL_FROM"], g.set["MAIL_TLS"], g.set["MAIL_ENVELOPE_DOMAIN"] = "Vendeur <factures@supplier.example>", "starttls", "in.supplier.example"
	server := postfix(t, g)
	g.set["MAIL_HOST"], g.set["MAIL_PORT"] = server.host, server.port
	g.start()
	shop := g.tenant("shop", "live").supplier(`{"channel":"mail","address":"ap@customer.example"}`)

	// The mailbox is there: taken by the server first, then delivered.
	invoice := shop.placed(1)
	delivered := shop.await(30*time.Second, invoice, "state=sent", "transport/state=delivered", "transport/grade=2")
	types := shop.events(invoice + "/timeline")
	if taken, reported := slices.Index(types, "delivery.accepted"), slices.Index(types, "delivery.reported"); taken < 0 || reported < taken {
		t.Errorf("timeline: %v", types)
	}
	for _, e := range shop.items(invoice + "/timeline") {
		if kind := text(e, "type"); (kind == "delivery.accepted" || kind == "delivery.reported") && text(e, "evidence") == "" {
			t.Errorf("%s has no evidence: %v", kind, e)
		}
	}
	letter := server.mails(t, "ap", 1)[0]
	for _, says := range []string{"Vendeur SAS", "FA-2026-00001", "filename=FA-2026-00001.xml", "From: ", "Auto-Submitted: auto-generated"} {
		if !strings.Contains(letter, says) {
			t.Errorf("the mail does not say %q:\n%s", says, letter)
		}
	}
	// Whoever looks at the link has opened nothing yet.
	unfolded := strings.NewReplacer("=\r\n", "", "=\n", "").Replace(letter) // quoted-printable
	link := regexp.MustCompile(`https://127\.0\.0\.1:\d+/p/[A-Za-z0-9_-]+`).FindString(unfolded)
	if got := shop.items(invoice + "/links"); len(got) != 1 || text(got[0], "url") != link {
		t.Errorf("the mail's link %q is not %v", link, got)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if status, body := g.open(method, link); status != http.StatusOK || method == http.MethodGet && !strings.Contains(body, "FA-2026-00001") {
			t.Errorf("%s of the link: %d %.300s", method, status, body)
		}
	}
	if now := shop.get(invoice); now.text("transport/state") != "delivered" || now.text("version") != delivered.text("version") {
		t.Errorf("looking at the link left a trace: %s", now.body)
	}

	// The mailbox is not there: it bounces, and the next route is taken.
	shop.put("/v1/customers/buyer", buyerRecord(fmt.Sprintf(
		`{"channel":"mail","address":"nobody@customer.example"},{"channel":"https.ap","address":%q}`, ap.URL+"/invoices"))).is(http.StatusOK)
	bounced := shop.placed(2)
	shop.await(30*time.Second, bounced+"/deliveries", "items/0/route/channel=mail", "items/1/route/channel=https.ap", "items/1/state=accepted")
	shop.get(bounced).says("state=sent", "transport/state=taken")
	types = shop.events(bounced + "/timeline")
	if !slices.Contains(types, "delivery.bounced") {
		t.Errorf("timeline: %v", types)
	}
	deliveries := shop.items(bounced + "/deliveries")
	if len(deliveries) != 2 || text(deliveries[0], "route/channel") != "mail" || text(deliveries[1], "route/channel") != "https.ap" ||
		text(deliveries[0], "message_id") == text(deliveries[1], "message_id") || text(deliveries[0], "document_sha256") != text(deliveries[1], "document_sha256") {
		t.Errorf("deliveries: %v", deliveries)
	}
	if n := len(ap.messages()); n != 1 {
		t.Errorf("the next route was taken %d times", n)
	}
	// That address is not tried again.
	third := shop.placed(3)
	shop.await(30*time.Second, third, "state=sent", "transport/state=taken")
	if d := shop.items(third + "/deliveries"); len(d) != 1 || text(d[0], "route/channel") != "https.ap" {
		t.Errorf("deliveries after the bounce: %v", d)
	}
	// Nobody is left to tell: it says bounced.
	shop.put("/v1/customers/buyer", buyerRecord(`{"channel":"mail","address":"also-nobody@customer.example"}`)).is(http.StatusOK)
	shop.await(30*time.Second, shop.placed(4), "transport/state=bounced")
	if n := len(server.mails(t, "ap", 1)); n != 1 {
		t.Errorf("%d mails came to the customer", n)
	}
}
