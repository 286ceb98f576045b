package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/testdata/orders"
)

func TestOrderBecomesInvoice(t *testing.T) {
	w := newWorld(t)
	r := w.expect(w.send(request{method: "POST", path: "/v1/orders", body: orderJSON("PO-1", "on_order", 3), key: "k1"}), 201)
	o := into[gateway.Order](w, r)
	if o.State != gateway.OrderReceived || o.Number != "PO-1" || r.header.Get("Location") != "/v1/orders/"+o.ID {
		t.Fatalf("got %+v at %s", o, r.header.Get("Location"))
	}
	w.drain()
	o = into[gateway.Order](w, w.expect(w.get("/v1/orders/"+o.ID), 200))
	if o.State != gateway.OrderInvoiced || !strings.Contains(string(o.Remainder), `"complete":true`) {
		t.Errorf("got %+v", o)
	}
	inv := w.byOrder("PO-1")
	if inv.State != gateway.InvoiceSent || inv.Number != "FA-2026-001" || inv.Payable.String() != "36.00" || inv.Transport.State != "received" || inv.OrderID != o.ID {
		t.Errorf("got %+v", inv)
	}
}

// One idempotency key gives one order and equal answers, however often and at once.
func TestTenEqualSubmissions(t *testing.T) {
	w := newWorld(t)
	q := request{method: "POST", path: "/v1/orders", body: orderJSON("PO-1", "on_order", 1), key: "k1"}
	replies := make([]reply, 10)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = w.send(q) })
	}
	wg.Wait()
	replayed := 0
	for i, r := range replies {
		if r.status != 201 || !bytes.Equal(r.body, replies[0].body) || r.header.Get("Location") != replies[0].header.Get("Location") {
			t.Errorf("answer %d: %d %s", i, r.status, r.body)
		}
		if r.header.Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != 9 {
		t.Errorf("%d answers were repetitions, expected 9", replayed)
	}
	w.drain()
	if later := w.send(q); later.status != 201 || !bytes.Equal(later.body, replies[0].body) {
		t.Errorf("the answer after the invoice: %d %s", later.status, later.body)
	}
	if n := w.rows(); n["orders"] != 1 || n["invoices"] != 1 || n["deliveries"] != 1 {
		t.Errorf("%v", n)
	}
}

func TestTheSameOrderAgain(t *testing.T) {
	w := newWorld(t)
	body := orderJSON("PO-1", "on_order", 1)
	first := into[gateway.Order](w, w.expect(w.send(request{method: "POST", path: "/v1/orders", body: body, key: "k1"}), 201))
	again := w.send(request{method: "POST", path: "/v1/orders", body: body, key: "k2"})
	w.refused("another key", again, 409, "duplicate", "")
	if p := into[problem](w, again); p.Ref != first.ID || p.Link != "/v1/orders/"+first.ID || p.Retryable {
		t.Errorf("got %+v", p)
	}
	w.refused("another body", w.send(request{method: "POST", path: "/v1/orders", body: orderJSON("PO-2", "on_order", 1), key: "k1"}), 422, "idempotency_key_reused", "")
	// Without a key the bytes are the key.
	plain := w.expect(w.post("/v1/orders", orderJSON("PO-3", "on_order", 1)), 201)
	if r := w.post("/v1/orders", orderJSON("PO-3", "on_order", 1)); r.status != 201 || r.header.Get("Idempotent-Replayed") != "true" || !bytes.Equal(r.body, plain.body) {
		t.Errorf("the same bytes: %d %s", r.status, r.body)
	}
	// Another tenant's key of the same text has nothing to do with it.
	w.expect(w.send(request{method: "POST", path: "/v1/orders", body: body, key: "k1", tenant: other}), 201)
	if n := w.rows(); n["orders"] != 3 || n["idempotency"] != 3 {
		t.Errorf("%v", n)
	}
}

func TestOrderInUBL(t *testing.T) {
	w := newWorld(t)
	content, err := orders.Files.ReadFile("05-brewery.order.xml")
	w.must(err)
	for _, media := range []string{"application/xml", "text/xml; charset=utf-8", "application/octet-stream", ""} {
		r := w.send(request{
			method: "POST", path: "/v1/orders?external_id=SO-9", body: string(content), key: "k", header: map[string]string{"Content-Type": media},
		})
		if o := into[gateway.Order](w, w.expect(r, 201)); o.ExternalID != "SO-9" || o.SourceType != "application/xml" {
			t.Errorf("%s: %+v", media, o)
		}
	}
}

func TestDeliveryNotes(t *testing.T) {
	w := newWorld(t)
	o := into[gateway.Order](w, w.expect(w.post("/v1/orders", orderJSON("PO-1", "on_delivery", 10)), 201))
	path := "/v1/orders/" + o.ID + "/deliveries"
	w.drain()
	q := request{method: "POST", path: path, body: noteJSON("DN-1", 4), key: "n1"}
	first := w.expect(w.send(q), 201)
	if again := w.send(q); again.status != 201 || !bytes.Equal(again.body, first.body) || again.header.Get("Idempotent-Replayed") == "" {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	w.drain()
	if inv := w.byOrder("PO-1"); inv.Payable.String() != "48.00" {
		t.Errorf("payable %s", inv.Payable)
	}
	notes := into[gateway.List[gateway.OrderDelivery]](w, w.expect(w.get(path), 200))
	if len(notes.Items) != 1 || notes.Items[0].NoteID != "DN-1" {
		t.Errorf("got %+v", notes)
	}
	w.refused("the same note under another key", w.send(request{method: "POST", path: path, body: noteJSON("DN-1", 4), key: "n2"}), 409, "duplicate", "")
	w.refused("a line that is not there", w.post(path, strings.Replace(noteJSON("DN-2", 1), `"order_line":"1"`, `"order_line":"7"`, 1)), 422, "invalid", "billing.unknown_line at deliveries[1].lines[0].order_line")
	w.refused("no such order", w.post("/v1/orders/ord_none/deliveries", noteJSON("DN-3", 1)), 404, "not_found", "")
	if n := w.rows(); n["order_deliveries"] != 1 {
		t.Errorf("%v", n)
	}
}

// A table is answered with the outcome of each order.
func TestTableOfOrders(t *testing.T) {
	w := newWorld(t)
	header := "Order number,Currency,Customer number,Item number,Quantity,Unit,Unit price,External ID\n"
	table := header + "PO-1,EUR,C-1,SKU-1,1,C62,10.00,a\nPO-2,EUR,C-1,SKU-1,2,C62,10.00,b\n,,,SKU-1,3,C62,9.00,\n"
	q := request{method: "POST", path: "/v1/orders", body: table, header: map[string]string{"Content-Type": "text/csv"}}
	rows := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	if len(rows) != 2 || rows[0].Status != 201 || rows[1].Status != 201 || rows[0].Replayed {
		t.Fatalf("got %+v", rows)
	}
	second := into[gateway.Order](w, reply{body: rows[1].Record})
	if second.Number != "PO-2" || second.ExternalID != "b" || strings.Count(string(second.Body), `"order_line"`) > 0 {
		t.Errorf("got %+v", second)
	}
	again := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	for i := range again {
		if again[i].Status != 201 || !again[i].Replayed || !bytes.Equal(again[i].Record, rows[i].Record) {
			t.Errorf("row %d repeated: %+v", i, again[i])
		}
	}
	// A longer table with the same orders is another one: they are told apart from what is new.
	q.body = table + "PO-3,EUR,C-1,SKU-1,1,C62,10.00,c\n"
	longer := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	if len(longer) != 3 || longer[0].Status != 409 || longer[0].Problem.Link != "/v1/orders/"+into[gateway.Order](w, reply{body: rows[0].Record}).ID || longer[2].Status != 201 {
		t.Errorf("got %+v", longer)
	}
	q.key = "k1"
	q.body = header + "PO-4,EUR,C-1,SKU-1,1,C62,10.00,d\n"
	w.expect(w.send(q), 207)
	q.body = header + "PO-5,EUR,C-1,SKU-1,1,C62,10.00,e\n"
	reused := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	if reused[0].Status != 422 || reused[0].Problem.Code != "idempotency_key_reused" {
		t.Errorf("got %+v", reused)
	}
	if n := w.rows(); n["orders"] != 4 {
		t.Errorf("%v", n)
	}
	var many strings.Builder
	many.WriteString("Order number,Currency,Item number,Quantity\n")
	for i := range maxRecords + 1 {
		fmt.Fprintf(&many, "X-%d,EUR,SKU-1,1\n", i)
	}
	w.refused("too many orders", w.send(request{method: "POST", path: "/v1/orders", body: many.String(), header: q.header}), 413, "intake.too_large", "")
	w.refused("external id beside a table", w.send(request{method: "POST", path: "/v1/orders?external_id=x", body: table, header: q.header}), 422, "invalid", "query at ?external_id")
}

// fullDisk takes so many blobs and no more.
type fullDisk struct {
	gateway.Blobs
	left int
}

func (d *fullDisk) Put(ctx context.Context, tenant gateway.TenantID, data []byte) (string, error) {
	if d.left--; d.left < 0 {
		return "", errors.New("no space left on device")
	}
	return d.Blobs.Put(ctx, tenant, data)
}

// A fault of our own in the middle of a table ends the request; its repetition
// goes on where it ended.
func TestTableThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	good := w.api.Config
	cfg, in := good, *good.Intake
	in.Blobs = &fullDisk{w.blobs, 2}
	cfg.Intake = &in
	q := request{
		method: "POST", path: "/v1/orders", header: map[string]string{"Content-Type": "text/csv"},
		body: "Order number,Currency,Item number,Quantity\nA,EUR,SKU-1,1\nB,EUR,SKU-1,1\nC,EUR,SKU-1,1\nD,EUR,SKU-1,1\n",
	}
	w.serve(cfg)
	w.refused("a full disk", w.send(q), 500, "internal", "")
	w.serve(good)
	var replayed []bool
	for _, r := range into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items {
		replayed = append(replayed, r.Status == 201 && r.Replayed)
	}
	if !slices.Equal(replayed, []bool{true, true, false, false}) || w.rows()["orders"] != 4 {
		t.Errorf("replayed %v, %v", replayed, w.rows())
	}
}

func TestListOfOrders(t *testing.T) {
	w := newWorld(t)
	if body := string(w.expect(w.get("/v1/orders"), 200).body); strings.TrimSpace(body) != `{"items":[]}` {
		t.Errorf("an empty list: %s", body)
	}
	for i := range 5 {
		w.expect(w.post("/v1/orders", orderJSON(fmt.Sprintf("PO-%d", i), "on_order", 1)), 201)
	}
	var numbers []string
	for path, pages := "/v1/orders?limit=2", 0; path != ""; pages++ {
		page := into[gateway.List[gateway.Order]](w, w.expect(w.get(path), 200))
		for _, o := range page.Items {
			numbers = append(numbers, o.Number)
			if o.Body != nil {
				t.Error("a list shows what was ordered")
			}
		}
		if pages > 3 {
			t.Fatal("there is always another page")
		}
		path = ""
		if page.Next != "" {
			path = "/v1/orders?limit=2&after=" + page.Next
		}
	}
	if got := strings.Join(numbers, " "); got != "PO-4 PO-3 PO-2 PO-1 PO-0" {
		t.Errorf("got %s", got)
	}
	w.drain()
	for path, want := range map[string]int{
		"/v1/orders?state=invoiced": 5, "/v1/orders?state=received": 0, "/v1/orders?number=PO-2": 1, "/v1/orders?external_id=ext-PO-3": 1,
		"/v1/orders?customer=buyer": 5, "/v1/orders?customer=nobody": 0,
	} {
		if page := into[gateway.List[gateway.Order]](w, w.expect(w.get(path), 200)); len(page.Items) != want {
			t.Errorf("%s: %d orders, expected %d", path, len(page.Items), want)
		}
	}
}
