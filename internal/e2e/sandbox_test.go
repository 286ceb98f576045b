package e2e

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

// A tenant in test mode reaches nobody, whatever its customers' records say; the
// last word of the receiver's id decides how each invoice ends.
func TestSandbox(t *testing.T) {
	t.Parallel()
	world := newTarpit(t) // everybody's address: the mail server's, the gateway's, the AP system's
	_, port, err := net.SplitHostPort(world.address)
	if err != nil {
		t.Fatal(err)
	}
	g := booted(t, "gateway", "MAIL_HOST=127.0.0.1", "MAIL_PORT="+port, "MAIL_TLS=none", "MAIL_FROM=factures@vendeur.example")
	shop := g.tenant("shop", "test").supplier("")

	ends := []struct{ word, state, transport, answer, delivery string }{
		{"accepts", "sent", "taken", "approved", "accepted"},
		{"disputes", "sent", "taken", "disputed", "accepted"},
		{"refuses", "sent", "taken", "refused", "accepted"},
		{"bounces", "ready", "failed", "", "failed"},
		{"unknown", "ready", "unknown", "", "unknown"},
		{"slow", "sent", "taken", "approved", "accepted"},
		{"anybody", "sent", "taken", "approved", "accepted"},
	}
	paths := map[string]string{}
	for i, end := range ends {
		shop.put("/v1/customers/"+end.word, fmt.Sprintf(`{"name":"The one who %[1]s","account_number":"C-%[1]s","vat_identifier":"FR75000234567",
			"electronic_address":{"value":%[1]q,"scheme":"9999"},"address":{"city":"Lille","country":"FR"},
			"routes":[{"channel":"mail","address":"ap@customer.example"},{"channel":"https.ap","address":"https://%[2]s/invoices"},
			          {"channel":"https.gateway","address":"https://%[2]s/in/x","receiver":"x"}]}`, end.word, world.address)).is(http.StatusCreated)
		shop.post("/v1/orders", fmt.Sprintf(`{"number":"PO-%d","external_id":%q,"issue_date":"2026-11-20","currency":"EUR","billing":"on_order",
			"buyer":{"account_number":"C-%[2]s"},"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"1","price":{"net":"10.00"}}]}`,
			i, end.word)).is(http.StatusCreated)
	}
	begun := time.Now()
	for _, end := range ends {
		paths[end.word] = shop.invoiceOf(end.word)
		path := paths[end.word]
		shop.await(20*time.Second, path, "state="+end.state, "transport/state="+end.transport, "answer/state="+end.answer)
		deliveries := shop.items(path + "/deliveries")
		if len(deliveries) != 1 || text(deliveries[0], "state") != end.delivery || text(deliveries[0], "route/channel") != "sink" {
			t.Errorf("%s: deliveries %v", end.word, deliveries)
		}
		if end.word == "slow" && time.Since(begun) < 9*time.Second {
			t.Errorf("slow took %s", time.Since(begun))
		}
	}
	// What nobody knows stays unknown, and is told once only, until a person says what became of it.
	unknown := shop.items(paths["unknown"] + "/deliveries")[0]
	if text(unknown, "attempts") != "1" {
		t.Errorf("unknown was tried %s times", text(unknown, "attempts"))
	}
	shop.post("/v1/deliveries/"+text(unknown, "id")+"/resolve", `{"arrived":true,"reason":"They told us on the phone."}`).is(http.StatusOK).says("state=accepted")
	shop.await(5*time.Second, paths["unknown"], "state=sent")
	// The report of the morning has them all.
	counts := map[string]string{}
	for _, row := range shop.items("/v1/report") {
		counts[text(row, "state")+" "+text(row, "transport")+" "+text(row, "answer")] = text(row, "n")
	}
	for row, n := range map[string]string{"sent taken approved": "3", "sent taken disputed": "1", "sent taken refused": "1", "ready failed ": "1"} {
		if counts[row] != n {
			t.Errorf("report: %q is %q, want %s: %v", row, counts[row], n, counts)
		}
	}
	if n := world.calls.Load(); n != 0 {
		t.Errorf("%d connections left the gateway", n)
	}

	// The same with a live tenant on a gateway that is in test mode as a whole.
	safe := booted(t, "test gateway", "TEST_MODE=true", "MAIL_HOST=127.0.0.1", "MAIL_PORT="+port, "MAIL_TLS=none", "MAIL_FROM=factures@vendeur.example")
	live := safe.tenant("shop", "live").supplier(`{"channel":"mail","address":"ap@customer.example"}`)
	live.await(10*time.Second, live.placed(1), "state=sent", "transport/state=taken")
	if n := world.calls.Load(); n != 0 {
		t.Errorf("%d connections left the gateway in test mode", n)
	}
}
