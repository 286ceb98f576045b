package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The same order sent ten times at once under one idempotency key becomes one
// invoice, and is answered ten times alike.
func TestSubmitTenTimesAtOnce(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	shop := g.tenant("shop", "test").supplier("")

	replies := make([]reply, 10)
	var together sync.WaitGroup
	for i := range replies {
		together.Go(func() {
			var err error
			if replies[i], err = shop.ask(http.MethodPost, "/v1/orders", order(1), "Idempotency-Key: k-1"); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	first := 0
	for _, r := range replies {
		r.is(http.StatusCreated)
		if string(r.body) != string(replies[0].body) || r.header.Get("Location") != replies[0].header.Get("Location") {
			t.Errorf("answers differ:\n%s\n%s", r.body, replies[0].body)
		}
		if r.header.Get("Idempotent-Replayed") == "" {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d answers are not told as replayed, expected 1", first)
	}
	id := replies[0].text("id")
	shop.await(10*time.Second, shop.invoiceOf("ext-0001"), "state=sent", "order_id="+id, "number=FA-2026-00001")
	if n := len(shop.list("/v1/invoices")); n != 1 {
		t.Errorf("%d invoices", n)
	}
	if n := len(shop.list("/v1/orders")); n != 1 {
		t.Errorf("%d orders", n)
	}

	// The same order under another key is told where the first is.
	shop.post("/v1/orders", order(1), "Idempotency-Key: k-2").is(http.StatusConflict).
		says("code=duplicate", "ref="+id, "link=/v1/orders/"+id, "retryable=false")
	// So it is without any key.
	shop.post("/v1/orders", order(1)).is(http.StatusConflict).says("link=/v1/orders/" + id)
	// A key that had another body.
	shop.post("/v1/orders", order(2), "Idempotency-Key: k-1").is(http.StatusUnprocessableEntity).
		says("code=idempotency_key_reused")
	// Another tenant may use the key, and the number, for its own order.
	other := g.tenant("other", "test").supplier("")
	other.post("/v1/orders", order(1), "Idempotency-Key: k-1").is(http.StatusCreated)
	if n := len(shop.list("/v1/orders")); n != 1 {
		t.Errorf("%d orders in the end", n)
	}
}

// The same holds for finished invoices, and for delivery notes.
func TestSubmitInvoiceAndNoteOnce(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	shop := g.tenant("shop", "test").supplier("")
	finished := finishedInvoice(t, "ERP-0001")

	replies := make([]reply, 10)
	var together sync.WaitGroup
	for i := range replies {
		together.Go(func() {
			var err error
			if replies[i], err = shop.ask(http.MethodPost, "/v1/invoices?external_id=erp-1", finished, "Idempotency-Key: i-1"); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	for _, r := range replies {
		if r.is(http.StatusCreated); string(r.body) != string(replies[0].body) {
			t.Errorf("answers differ:\n%s\n%s", r.body, replies[0].body)
		}
	}
	id := replies[0].text("id")
	sent := shop.await(10*time.Second, "/v1/invoices/"+id, "state=sent", "number=ERP-0001")
	if n := len(shop.list("/v1/invoices")); n != 1 {
		t.Errorf("%d invoices", n)
	}
	// What was sent is what the ERP gave, to the byte.
	original := shop.get("/v1/invoices/" + id + "/documents/" + sent.text("source_sha256"))
	if string(original.body) != finished {
		t.Error("the original was changed")
	}
	if d := shop.items("/v1/invoices/" + id + "/deliveries"); len(d) != 1 || text(d[0], "document_sha256") != sent.text("source_sha256") {
		t.Errorf("not the original was sent: %v", d)
	}
	shop.post("/v1/invoices", finished, "Idempotency-Key: i-2").is(http.StatusConflict).says("code=duplicate", "link=/v1/invoices/"+id)
	shop.post("/v1/invoices", finishedInvoice(t, "ERP-0002"), "Idempotency-Key: i-1").is(http.StatusUnprocessableEntity)
	// A changed invoice under the same number is a duplicate as well.
	shop.post("/v1/invoices", strings.Replace(finished, "Vis", "Vis longue", 1), "Idempotency-Key: i-3").is(http.StatusConflict)

	// An order that is billed on delivery: two notes, two invoices, each once.
	waiting := strings.Replace(order(6), `"on_order"`, `"on_delivery"`, 1) // 7 pieces
	placed := shop.post("/v1/orders", waiting).is(http.StatusCreated).text("id")
	note := func(n, pieces int) string {
		return fmt.Sprintf(`{"id":"DN-%d","order_number":"PO-0006","issue_date":"2026-11-20","lines":[{"id":"1","order_line":"1","quantity":"%d"}]}`, n, pieces)
	}
	notes := "/v1/orders/" + placed + "/deliveries"
	for range 3 {
		shop.post(notes, note(1, 3), "Idempotency-Key: n-1").is(http.StatusCreated)
	}
	shop.post(notes, note(1, 3), "Idempotency-Key: n-2").is(http.StatusConflict)
	shop.await(10*time.Second, "/v1/invoices?order_id="+placed, "items/0/state=sent", "items/0/total=36.00", "items/1/id=")
	shop.await(10*time.Second, "/v1/orders/"+placed, "state=open")
	shop.post(notes, note(2, 5)).is(http.StatusCreated) // 8 pieces came, 7 were ordered: 7 are invoiced
	shop.await(10*time.Second, "/v1/orders/"+placed, "state=invoiced",
		"remainder/lines/0/delivered=8", "remainder/lines/0/invoiced=7", "remainder/lines/0/excess=1")
	shop.await(10*time.Second, "/v1/invoices?order_id="+placed, "items/0/total=48.00", "items/1/total=36.00", "items/2/id=")
}

// finishedInvoice is a finished UBL invoice of the seller to the buyer.
func finishedInvoice(t testing.TB, number string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/finished.xml")
	return strings.Replace(string(must(t, b, err)), "NUMBER", number, 1)
}
