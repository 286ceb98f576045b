package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A peer that takes connections and says nothing holds up its own invoices, and
// nobody else's.
func TestDeadPeerBlocksNobody(t *testing.T) {
	t.Parallel()
	hole := newTarpit(t)
	g := booted(t, "gateway", "OUTBOUND_TIMEOUT=30s", "JOBS_DELIVERY_WORKERS=8", "JOBS_LEASE=5s")
	shop, buyer := g.tenant("shop", "live"), g.tenant("buyer", "live")
	shop.supplier(gatewayRoute(buyer))
	introduce(shop, buyer)
	shop.put("/v1/customers/dead", `{"name":"Mort SARL","account_number":"C-2","vat_identifier":"FR19000345678",
		"electronic_address":{"value":"000345678","scheme":"0225"},"address":{"city":"Lyon","country":"FR"},
		"routes":[{"channel":"https.gateway","address":"https://`+hole.address+`/in/x","receiver":"iso6523-actorid-upis::0225:000345678"}]}`).is(http.StatusCreated)

	// More of them than there are workers, and first.
	const dead, alive = 20, 20
	for n := range dead {
		shop.post("/v1/orders", fmt.Sprintf(`{"number":"PO-D%d","external_id":"dead-%[1]d","issue_date":"2026-11-20","currency":"EUR","billing":"on_order",
			"buyer":{"account_number":"C-2"},"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"1","price":{"net":"10.00"}}]}`, n)).is(http.StatusCreated)
	}
	within(t, 20*time.Second, "the dead peer is called", func() bool { return hole.calls.Load() > 0 })
	begun := time.Now()
	for n := range alive {
		shop.post("/v1/orders", order(n)).is(http.StatusCreated)
	}
	within(t, 15*time.Second, "the others' invoices are received", func() bool { return len(buyer.list("/v1/inbox?state=available")) == alive })
	t.Logf("%d invoices to others were received %.1f s after the first of them came in", alive, time.Since(begun).Seconds())
	// The dead peer was called by its share of the workers, and is not forgotten.
	if n := hole.calls.Load(); n > 2 {
		t.Errorf("%d workers of 8 wait for the dead peer", n)
	}
	// The receipt of the last one may still be on its way back.
	within(t, 10*time.Second, "only the dead peer's invoices wait", func() bool { return len(shop.list("/v1/invoices?state=ready")) == dead })
}

// What a killed worker was sending resumes within seconds, when its lease runs
// out. A peer that takes a message id once gets it again under the same id; of
// another nobody knows, and it is not asked again.
func TestKilledWorkersDeliveryResumes(t *testing.T) {
	t.Parallel()
	binary, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprintf("idempotent=%t", once), func(t *testing.T) {
			ap := listenTLS(t, takes)
			g := newGate(t, "gateway", "JOBS_LEASE=2s")
			g.binary = binary
			g.start("FACTEUR_KILL_AT=delivery.after_send:1")
			shop := g.tenant("shop", "live").supplier(fmt.Sprintf(`{"channel":"https.ap","address":%q,"idempotent":%t}`, ap.URL+"/invoices", once))
			shop.post("/v1/orders", order(1)).is(http.StatusCreated)
			g.awaitDeath()
			if n := len(ap.messages()); n != 1 {
				t.Fatalf("the peer got %d messages before the kill", n)
			}
			g.start()
			begun := time.Now()
			invoice := shop.invoiceOf("ext-0001")
			if once {
				shop.await(10*time.Second, invoice, "state=sent", "transport/state=taken")
			} else {
				shop.await(10*time.Second, invoice, "state=ready", "transport/state=unknown")
			}
			t.Logf("resumed %.1f s after the restart", time.Since(begun).Seconds())
			delivery := shop.items(invoice + "/deliveries")[0]
			for _, h := range ap.messages() {
				if h.header.Get("Idempotency-Key") != text(delivery, "message_id") || h.body != ap.messages()[0].body {
					t.Errorf("another message: %v", h.header)
				}
			}
			want := map[bool]int{true: 2, false: 1}[once]
			if n := len(ap.messages()); n != want || len(shop.items(invoice+"/deliveries")) != 1 {
				t.Errorf("the peer got %d messages, expected %d", n, want)
			}
			if !once {
				time.Sleep(time.Second)
				if n := len(ap.messages()); n != 1 {
					t.Errorf("the peer was asked again: %d messages", n)
				}
				// A person asks the peer, and says that it did arrive.
				shop.post("/v1/deliveries/"+text(delivery, "id")+"/resolve", `{"arrived":true,"reason":"Their clerk has it."}`).is(http.StatusOK)
				shop.await(5*time.Second, invoice, "state=sent")
			}
		})
	}
}
