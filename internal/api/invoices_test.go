package api

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../formats/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A finished invoice keeps its bytes and its number.
func TestFinishedInvoice(t *testing.T) {
	w := newWorld(t)
	xml := testdata(t, "ubl/testdata/goods.xml")
	q := request{method: "POST", path: "/v1/invoices?external_id=E-1", body: xml, key: "k", header: map[string]string{"Content-Type": "application/xml"}}
	r := w.expect(w.send(q), 201)
	inv := into[gateway.Invoice](w, r)
	if inv.Number != "F-2026-1042" || !inv.NumberGiven || inv.ExternalID != "E-1" || inv.State != gateway.InvoiceDraft || r.header.Get("Location") != "/v1/invoices/"+inv.ID {
		t.Errorf("got %+v", inv)
	}
	if again := w.send(q); again.status != 201 || !bytes.Equal(again.body, r.body) {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	documents := into[gateway.List[gateway.Document]](w, w.expect(w.get("/v1/invoices/"+inv.ID+"/documents"), 200))
	if len(documents.Items) != 1 || documents.Items[0].Role != "original" {
		t.Fatalf("got %+v", documents)
	}
	path := "/v1/invoices/" + inv.ID + "/documents/" + documents.Items[0].SHA256
	d := w.expect(w.get(path), 200)
	if string(d.body) != xml || d.header.Get("Content-Type") != "application/xml" || d.header.Get("X-Content-Type-Options") != "nosniff" ||
		d.header.Get("Content-Disposition") != "attachment; filename=original" {
		t.Errorf("%d bytes, %v", len(d.body), d.header)
	}
	same := w.send(request{method: "GET", path: path, header: map[string]string{"If-None-Match": d.header.Get("ETag")}})
	if same.status != 304 || len(same.body) != 0 {
		t.Errorf("status %d", same.status)
	}
	w.refused("another document", w.get("/v1/invoices/"+inv.ID+"/documents/"+strings.Repeat("0", 64)), 404, "not_found", "")
	w.refused("the same number under another key", w.send(request{method: "POST", path: "/v1/invoices", body: xml, key: "k2", header: q.header}), 409, "duplicate", "")
	json := testdata(t, "invoice/testdata/services.json")
	w.expect(w.post("/v1/invoices", json), 201)
	wrong := strings.Replace(json, `"amount_due": "`, `"amount_due": "1`, 1)
	w.refused("totals that do not add up", w.post("/v1/invoices", wrong), 422, "invalid", "totals.BR-CO-16 at ")
}

func TestInvoiceIsTagged(t *testing.T) {
	w := newWorld(t)
	inv := w.sent("PO-1")
	path := "/v1/invoices/" + inv.ID
	r := w.get(path)
	tag := r.header.Get("ETag")
	if tag == "" || r.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("%v", r.header)
	}
	for match, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"0"`: 200, "": 200,
	} {
		r := w.send(request{method: "GET", path: path, header: map[string]string{"If-None-Match": match}})
		if r.status != want || want == 304 && len(r.body) > 0 || r.header.Get("ETag") != tag {
			t.Errorf("If-None-Match: %s: %d", match, r.status)
		}
	}
	head := w.send(request{method: "HEAD", path: path})
	if head.status != 200 || len(head.body) != 0 || head.header.Get("ETag") != tag || head.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	if missing := w.send(request{method: "HEAD", path: path + "x"}); missing.status != 404 || len(missing.body) != 0 {
		t.Errorf("HEAD of nothing: %d %s", missing.status, missing.body)
	}
}

func TestWhatBecameOfAnInvoice(t *testing.T) {
	w := newWorld(t)
	inv := w.sent("PO-1")
	path := "/v1/invoices/" + inv.ID
	line := into[timeline](w, w.expect(w.get(path+"/timeline"), 200))
	var types []gateway.EventType
	for _, e := range line.Items {
		types = append(types, e.Type)
	}
	if line.Transport.State != "received" || line.Answer.State != "" || !slices.Contains(types, gateway.EventInvoiceSent) || types[0] != gateway.EventInvoiceDrafted {
		t.Errorf("%+v %v", line.Transport, types)
	}
	deliveries := into[gateway.List[deliveryView]](w, w.expect(w.get(path+"/deliveries"), 200)).Items
	if len(deliveries) != 1 || deliveries[0].State != gateway.DeliveryAccepted || len(deliveries[0].Tries) != 1 {
		t.Fatalf("got %+v", deliveries)
	}
	one := w.expect(w.get("/v1/deliveries/"+deliveries[0].ID), 200)
	if d := into[deliveryView](w, one); d.ID != deliveries[0].ID || len(d.Tries) != 1 || one.header.Get("ETag") == "" {
		t.Errorf("got %+v", d)
	}
	verdicts := into[gateway.List[gateway.VerdictRecord]](w, w.expect(w.get(path+"/verdicts"), 200)).Items
	if len(verdicts) != 1 || !verdicts[0].Valid {
		t.Errorf("got %+v", verdicts)
	}
	links := into[gateway.List[link]](w, w.expect(w.get(path+"/links"), 200)).Items
	if len(links) != 1 || links[0].URL != "https://invoices.example/p/"+links[0].ID {
		t.Errorf("got %+v", links)
	}
	roles := map[string]bool{}
	for _, d := range into[gateway.List[gateway.Document]](w, w.expect(w.get(path+"/documents"), 200)).Items {
		roles[d.Role] = true
		w.expect(w.get(path+"/documents/"+d.SHA256), 200)
	}
	if !roles["invoice"] || !roles["seal"] || !roles["receipt"] {
		t.Errorf("documents %v", roles)
	}
	series := into[gateway.List[seriesView]](w, w.expect(w.get("/v1/number-series"), 200)).Items
	if len(series) != 1 || series[0].Next != 2 || series[0].Taken != 1 || len(series[0].Gaps) != 0 {
		t.Errorf("got %+v", series)
	}
	report := into[gateway.List[gateway.Count]](w, w.expect(w.get("/v1/report?since=2026-11-20&until=2026-11-21"), 200)).Items
	if len(report) != 1 || report[0].N != 1 || report[0].State != gateway.InvoiceSent {
		t.Errorf("got %+v", report)
	}
	if none := w.expect(w.get("/v1/report?until=2026-11-20"), 200); strings.TrimSpace(string(none.body)) != `{"items":[]}` {
		t.Errorf("got %s", none.body)
	}
}

// held submits an order whose invoice does not meet the rules.
func (w *world) held(number string) invoiceView {
	w.Helper()
	w.checks.find("FAULT")
	w.expect(w.post("/v1/orders", strings.Replace(orderJSON(number, "on_order", 1), `"number"`, `"buyer_reference":"FAULT","number"`, 1)), 201)
	w.drain()
	inv := w.byOrder(number)
	if inv.State != gateway.InvoiceHeld {
		w.Fatalf("the invoice is %s", inv.State)
	}
	return inv
}

func TestCorrectHeldInvoice(t *testing.T) {
	w := newWorld(t)
	inv := w.held("PO-1")
	path := "/v1/invoices/" + inv.ID
	before := w.rows()
	for what, test := range map[string]struct{ body, media, match, code, field string }{
		"not a field to correct": {`{"number":"1"}`, "", "", "invalid", "not_correctable at /number"},
		"an amount of a line":    {`{"lines":[{"id":"1","quantity":"9"}]}`, "", "", "invalid", "not_correctable at /lines/0/quantity"},
		"another shape":          {`{"buyer_reference":["x"]}`, "", "", "invalid", ""},
		"an impossible date":     {`{"due_date":"2026-02-30"}`, "", "", "invalid", ""},
		"nothing":                {`{}`, "", "", "invalid", ""},
		"no object":              {`["x"]`, "application/json", "", "invalid", "field.type at "},
		"not JSON":               {`{"a":`, "", "", "intake.unreadable", "json.syntax at line 1, column 6"},
		"two fields of a name":   {"{\"notes\":[],\n\"notes\":[]}", "", "", "intake.unreadable", "json.syntax at line 2, column "},
		"a NUL":                  {`{"buyer_reference":"a\u0000b"}`, "", "", "invalid", "text.character at /buyer_reference"},
		"a tail":                 {`{"buyer_reference":"a"} {}`, "", "", "intake.unreadable", "json.syntax at line 1, column 24"},
		"empty":                  {``, "", "", "intake.unreadable", "json.syntax at line 1, column 1"},
		"too deep":               {`{"buyer":` + strings.Repeat(`{"a":`, 70), "", "", "invalid", "field.too_deep at /buyer/a"},
		"another version":        {`{"buyer_reference":"R"}`, "", `"1"`, "conflict", ""},
		"a condition that none":  {`{"buyer_reference":"R"}`, "", `1`, "invalid", "header at If-Match"},
		"another media type":     {`{"buyer_reference":"R"}`, "text/plain", "", "intake.media_type", ""},
	} {
		header := map[string]string{"If-Match": test.match}
		if test.media != "" {
			header["Content-Type"] = test.media
		}
		status := map[string]int{"intake.unreadable": 400, "intake.media_type": 415, "conflict": 412}[test.code]
		if status == 0 {
			status = 422
		}
		w.refused(what, w.send(request{method: "PATCH", path: path, body: test.body, header: header}), status, test.code, test.field)
	}
	if after := w.rows(); after["events"] != before["events"] || after["tasks"] != before["tasks"] {
		t.Errorf("a refusal left something: %v, before %v", after, before)
	}
	fix := request{method: "PATCH", path: path, body: `{"buyer_reference":"R-1"}`, key: "c1", header: map[string]string{"If-Match": `"` + itoa(inv.Version) + `"`}}
	r := w.expect(w.send(fix), 200)
	if got := into[invoiceView](w, r); got.State != gateway.InvoiceDraft || r.header.Get("ETag") != `"`+itoa(got.Version)+`"` {
		t.Errorf("got %+v, ETag %s", got.State, r.header.Get("ETag"))
	}
	w.drain()
	if again := w.send(fix); again.status != 200 || !bytes.Equal(again.body, r.body) || again.header.Get("ETag") != r.header.Get("ETag") || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	fix.body = `{"buyer_reference":"R-2"}`
	w.refused("the key with another body", w.send(fix), 422, "idempotency_key_reused", "")
	if sent := w.byOrder("PO-1"); sent.State != gateway.InvoiceSent || !bytes.Contains(sent.Model, []byte("R-1")) {
		t.Errorf("the invoice is %s", sent.State)
	}
	w.refused("an invoice that was sent", w.send(request{method: "PATCH", path: path, body: `{"buyer_reference":"R-3"}`}), 409, "state", "")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// A decision that comes ten times at once is made once and answered ten times.
func TestTenEqualDecisions(t *testing.T) {
	w := newWorld(t)
	inv := w.held("PO-1")
	q := request{method: "POST", path: "/v1/invoices/" + inv.ID + "/cancel", body: `{"reason":"ordered twice"}`, key: "k"}
	replies := make([]reply, 10)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = w.send(q) })
	}
	wg.Wait()
	for i, r := range replies {
		if r.status != 200 || !bytes.Equal(r.body, replies[0].body) {
			t.Errorf("answer %d: %d %s", i, r.status, r.body)
		}
	}
	q.key = "another"
	w.refused("under another key", w.send(q), 409, "state", "")
	if p := into[problem](w, w.send(q)); p.Link != "/v1/invoices/"+inv.ID {
		t.Errorf("link %s", p.Link)
	}
}

func TestReleaseAndCancel(t *testing.T) {
	w := newWorld(t)
	inv := w.held("PO-1")
	path := "/v1/invoices/" + inv.ID
	w.refused("a body for release", w.post(path+"/release", `{"reason":"x"}`), 422, "invalid", "field.unknown at /reason")
	w.refused("release of another version", w.send(request{method: "POST", path: path + "/release", header: map[string]string{"If-Match": `"99"`}}), 412, "conflict", "")
	w.checks.find("")
	w.expect(w.post(path+"/release", ""), 200)
	w.drain()
	if got := w.byOrder("PO-1"); got.State != gateway.InvoiceSent {
		t.Errorf("the invoice is %s", got.State)
	}
	w.refused("cancel after the number", w.post(path+"/cancel", `{"reason":"x"}`), 409, "state", "")
	w.refused("no reason", w.post(path+"/cancel", `{}`), 422, "invalid", "field.missing at /reason")
	w.refused("a long reason", w.post(path+"/cancel", `{"reason":"`+strings.Repeat("x", 2001)+`"}`), 422, "invalid", "field.too_long at /reason")
	w.refused("a reason of another type", w.post(path+"/cancel", `{"reason":7}`), 422, "invalid", "field.type at /reason")
	w.refused("a field that differs in case", w.post(path+"/cancel", `{"Reason":"x"}`), 422, "invalid", "field.unknown at /Reason")
}

func TestCreditInvoice(t *testing.T) {
	w := newWorld(t)
	inv := w.sent("PO-1")
	path := "/v1/invoices/" + inv.ID + "/credit"
	w.refused("a line that is not there", w.post(path, `{"lines":[{"line":"9"}]}`), 422, "invalid", "billing.")
	w.refused("an unknown field", w.post(path, `{"amount":"1"}`), 422, "invalid", "field.unknown at /amount")
	w.refused("an impossible date", w.post(path, `{"issue_date":"2026-02-30"}`), 422, "invalid", "field.type at /issue_date")
	part := request{method: "POST", path: path, body: `{"lines":[{"line":"1","quantity":1}],"reason":"broken"}`, key: "c1"}
	r := w.expect(w.send(part), 201)
	note := into[gateway.Invoice](w, r)
	if note.Kind != "credit_note" || note.CreditOf != inv.ID || note.Payable.String() != "12.00" || r.header.Get("Location") != "/v1/invoices/"+note.ID {
		t.Errorf("got %+v", note)
	}
	if again := w.send(part); again.status != 201 || !bytes.Equal(again.body, r.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	rest := w.expect(w.send(request{method: "POST", path: path, key: "c2"}), 201)
	if got := into[gateway.Invoice](w, rest); got.Payable.String() != "24.00" {
		t.Errorf("the rest is %s", got.Payable)
	}
	w.refused("more than is left", w.send(request{method: "POST", path: path, key: "c3"}), 422, "invalid", "billing.")
	w.drain()
	list := into[gateway.List[invoiceView]](w, w.expect(w.get("/v1/invoices?credit_of="+inv.ID+"&state=sent"), 200))
	if len(list.Items) != 2 {
		t.Errorf("%d credit notes were sent", len(list.Items))
	}
}

func TestUnknownDelivery(t *testing.T) {
	w := newWorld(t)
	w.peer.answers(transport.Unknown)
	inv := w.sent("PO-1")
	path := "/v1/invoices/" + inv.ID
	d := into[gateway.List[deliveryView]](w, w.expect(w.get(path+"/deliveries"), 200)).Items[0]
	if d.State != gateway.DeliveryUnknown {
		t.Fatalf("the delivery is %s", d.State)
	}
	w.refused("sent again while nobody knows", w.post(path+"/resend", ""), 409, "state", "")
	resolve := "/v1/deliveries/" + d.ID + "/resolve"
	w.refused("without a word", w.post(resolve, `{"reason":"called them"}`), 422, "invalid", "field.missing at /arrived")
	w.refused("without a reason", w.post(resolve, `{"arrived":true}`), 422, "invalid", "field.missing at /reason")
	q := request{method: "POST", path: resolve, body: `{"arrived":false,"reason":"they looked"}`, key: "r"}
	r := w.expect(w.send(q), 200)
	if got := into[gateway.Delivery](w, r); got.State != gateway.DeliveryFailed {
		t.Errorf("the delivery is %s", got.State)
	}
	if again := w.send(q); again.status != 200 || !bytes.Equal(again.body, r.body) {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	q.key = ""
	w.refused("resolved already", w.send(q), 409, "state", "")
	w.peer.answers(transport.Accepted)
	w.expect(w.post(path+"/resend", "{}"), 200)
	w.drain()
	if got := w.byOrder("PO-1"); got.State != gateway.InvoiceSent || got.Transport.State != "received" {
		t.Errorf("the invoice is %s, %s", got.State, got.Transport.State)
	}
}

func TestListOfInvoices(t *testing.T) {
	w := newWorld(t)
	first := w.sent("PO-1")
	w.clock.advance(24 * time.Hour)
	w.sent("PO-2")
	w.held("PO-3")
	for path, want := range map[string]int{
		"/v1/invoices": 3, "/v1/invoices?state=held": 1, "/v1/invoices?state=held&state=sent": 3, "/v1/invoices?q=FA-2026-00": 2,
		"/v1/invoices?order_id=" + first.OrderID: 1, "/v1/invoices?since=2026-11-21": 2, "/v1/invoices?until=2026-11-21T00:00:00Z": 1,
		"/v1/invoices?customer=buyer": 3, "/v1/invoices?customer=x": 0, "/v1/invoices?limit=1": 1,
	} {
		r := w.expect(w.get(path), 200)
		if page := into[gateway.List[listedInvoice]](w, r); len(page.Items) != want {
			t.Errorf("%s: %d invoices, expected %d", path, len(page.Items), want)
		}
		if bytes.Contains(r.body, []byte(`"model"`)) || bytes.Contains(r.body, []byte(`"hold_detail"`)) {
			t.Errorf("%s shows the content of invoices", path)
		}
	}
}
