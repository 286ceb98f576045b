package api

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/testdata/orders"
)

// Whatever is wrong with what is submitted, the answer names the code and the
// place, and nothing is kept.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	o := into[gateway.Order](w, w.expect(w.post("/v1/orders", orderJSON("PO-1", "on_delivery", 10)), 201))
	w.drain()
	const json, xml, csv = "application/json", "application/xml", "text/csv"
	good := orderJSON("PO-2", "on_order", 1)
	table := "Order number,Currency,Item number,Quantity,Unit,Order date\n"
	brewery, err := orders.Files.ReadFile("05-brewery.order.xml")
	w.must(err)
	goods := testdata(t, "invoice/testdata/goods.json")
	note := "/v1/orders/" + o.ID + "/deliveries"
	swap := func(s, old, replacement string) string {
		t.Helper()
		if !strings.Contains(s, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return strings.Replace(s, old, replacement, 1)
	}
	before, blobs := w.rows(), len(w.blobs.blobs)
	for what, test := range map[string]struct {
		path, media, body string
		status            int
		code, field       string
	}{
		"empty":                     {"/v1/orders", json, "", 400, "intake.unreadable", ""},
		"empty, nothing declared":   {"/v1/orders", "", "", 400, "intake.unreadable", ""},
		"wrong media type":          {"/v1/orders", "application/pdf", good, 415, "intake.media_type", ""},
		"form":                      {"/v1/orders", "application/x-www-form-urlencoded", good, 415, "intake.media_type", ""},
		"media type of nonsense":    {"/v1/orders", "json;;", good, 415, "intake.media_type", ""},
		"delivery as a table":       {note, csv, table, 415, "intake.media_type", ""},
		"invoice as a table":        {"/v1/invoices", csv, table, 415, "intake.media_type", ""},
		"body over the limit":       {"/v1/orders", json, strings.Repeat(" ", 1<<20+1), 413, "too_large", ""},
		"JSON malformed":            {"/v1/orders", json, "{\n\"number\": \"1\"\n\"currency\"", 400, "intake.unreadable", "json.syntax at "},
		"JSON unknown field":        {"/v1/orders", json, swap(good, `"number"`, `"nummer":"1","number"`), 422, "intake.invalid", "field.unknown at nummer"},
		"JSON unknown, in a line":   {"/v1/orders", json, swap(good, `"quantity"`, `"qty":"1","quantity"`), 422, "intake.invalid", "field.unknown at lines[0].qty"},
		"JSON missing field":        {"/v1/orders", json, swap(good, `"currency":"EUR",`, ``), 422, "intake.invalid", "field.missing at currency"},
		"JSON without lines":        {"/v1/orders", json, `{"number":"1","currency":"EUR","lines":[]}`, 422, "intake.invalid", "list.length at lines"},
		"JSON twice":                {"/v1/orders", json, swap(good, `{`, `{"number":"0",`), 400, "intake.unreadable", "json.duplicate at number"},
		"JSON deep":                 {"/v1/orders", json, `{"number":` + strings.Repeat("[", 10_000), 413, "intake.too_large", "field.too_deep at "},
		"JSON NUL":                  {"/v1/orders", json, swap(good, "SKU-1", "SKU\x00"), 400, "intake.unreadable", "json.syntax at "},
		"JSON escaped NUL":          {"/v1/orders", json, swap(good, "SKU-1", `SKU\u0000`), 422, "intake.invalid", "text.character at lines[0].item.seller_id"},
		"JSON number, no quantity":  {"/v1/orders", json, swap(good, `"quantity":"1"`, `"quantity":"a few"`), 422, "intake.invalid", "decimal.invalid at lines[0].quantity"},
		"JSON huge number":          {"/v1/orders", json, swap(good, `"quantity":"1"`, `"quantity":1e9999999`), 422, "intake.invalid", "decimal.invalid at lines[0].quantity"},
		"too many decimals":         {"/v1/orders", json, swap(good, `"net":"10.00"`, `"net":"10.00"},"net_amount":"9.999","vat":{"category":"S"`), 422, "intake.invalid", "amount.decimals at lines[0].net_amount"},
		"unknown currency":          {"/v1/orders", json, swap(good, "EUR", "XXZ"), 422, "intake.invalid", "currency.unknown at currency"},
		"unknown unit":              {"/v1/orders", json, swap(good, `"quantity"`, `"unit":"box","quantity"`), 422, "intake.invalid", "unit.unknown at lines[0].unit"},
		"impossible date":           {"/v1/orders", json, swap(good, "2026-11-19", "2026-11-31"), 422, "intake.invalid", "date.invalid at issue_date"},
		"XML malformed":             {"/v1/orders", xml, "<Order>\n<a></b></Order>", 400, "intake.unreadable", "xml.malformed at line 2, column "},
		"XML DTD":                   {"/v1/orders", xml, "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", 400, "intake.unreadable", "xml.dtd at line 1, column 1"},
		"XML entity":                {"/v1/invoices", xml, "<a>&b;</a>", 400, "intake.unreadable", "xml.entity at line 1, column 4"},
		"XML deep":                  {"/v1/orders", xml, strings.Repeat("<a>", 10_000), 413, "intake.too_large", "xml.too_deep at line 1, column "},
		"XML wrongly encoded":       {"/v1/orders", xml, "<?xml version='1.0' encoding='UTF-8'?><a>\xe9</a>", 400, "intake.unreadable", "xml.malformed at line 1, column 42"},
		"XML unknown encoding":      {"/v1/orders", xml, "<?xml version='1.0' encoding='EBCDIC'?><a/>", 400, "intake.unreadable", "xml.encoding at line 1, column "},
		"text, nothing declared":    {"/v1/orders", "", "hello", 415, "intake.media_type", ""},
		"XML NUL":                   {"/v1/orders", xml, "<a>\x00</a>", 400, "intake.unreadable", "xml.malformed at line 1, column 4"},
		"XML another document":      {"/v1/orders", xml, testdata(t, "ubl/testdata/goods.xml"), 422, "intake.kind", "ubl.root at "},
		"XML order as an invoice":   {"/v1/invoices", xml, string(brewery), 422, "intake.kind", "ubl.root at "},
		"XML order as a note":       {note, xml, string(brewery), 422, "intake.kind", "ubl.root at "},
		"XML unknown currency":      {"/v1/orders", xml, swap(string(brewery), "<cbc:DocumentCurrencyCode>EUR", "<cbc:DocumentCurrencyCode>XXZ"), 422, "intake.invalid", "ubl.currency at /Order[1]/cac:AllowanceCharge[1]/cbc:Amount[1]"},
		"XML impossible date":       {"/v1/orders", xml, swap(string(brewery), "<cbc:IssueDate>2026", "<cbc:IssueDate>26"), 422, "intake.invalid", "ubl.date at /Order[1]/cbc:IssueDate"},
		"CSV wrong column":          {"/v1/orders", csv, swap(table, "Unit", "Einheit") + "1,EUR,A,1,C62,\n", 422, "intake.invalid", `sheet.unknown_column at row 1, column "Einheit"`},
		"CSV missing column":        {"/v1/orders", csv, "Order number,Currency\n1,EUR\n", 422, "intake.invalid", "sheet.missing_column at row 1"},
		"CSV too many decimals":     {"/v1/orders", csv, table + "1,EUR,A,1.00000000001,C62,\n", 422, "intake.invalid", "amount.decimals at row 2, column Quantity"},
		"CSV unknown unit":          {"/v1/orders", csv, table + "1,EUR,A,1,box,\n", 422, "intake.invalid", "unit.unknown at row 2, column Unit"},
		"CSV impossible date":       {"/v1/orders", csv, table + "1,EUR,A,1,C62,2026-02-29\n", 422, "intake.invalid", "date.invalid at row 2, column Order date"},
		"CSV one bad order of two":  {"/v1/orders", csv, table + "1,EUR,A,1,C62,\n2,XXZ,A,1,C62,\n", 422, "intake.invalid", "currency.unknown at row 3, column Currency"},
		"CSV NUL":                   {"/v1/orders", csv, table + "1,EUR,\x00,1,C62,\n", 400, "intake.unreadable", "sheet.encoding at "},
		"XLSX that is none":         {"/v1/orders", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "PK\x03\x04", 400, "intake.unreadable", "sheet.format at "},
		"note: unknown field":       {note, json, swap(noteJSON("DN", 1), `"id"`, `"note":"x","id"`), 422, "intake.invalid", "field.unknown at note"},
		"note: negative":            {note, json, noteJSON("DN", -1), 422, "intake.invalid", "number.negative at lines[0].quantity"},
		"invoice: unknown field":    {"/v1/invoices", json, swap(goods, `{`, `{"x":1,`), 422, "intake.invalid", "field.unknown at x"},
		"invoice: too many decimal": {"/v1/invoices", json, swap(goods, `"totals": {`, `"totals": {"charges": "0.001",`), 422, "intake.invalid", "amount.decimals at totals.charges"},
		"invoice: without anything": {"/v1/invoices", json, `{}`, 422, "intake.invalid", "field.missing at "},
	} {
		r := w.send(request{method: "POST", path: test.path, body: test.body, header: map[string]string{"Content-Type": test.media}})
		w.refused(what, r, test.status, test.code, test.field)
		if after := w.rows(); !sameRows(before, after) {
			t.Fatalf("%s left something: %v, before %v", what, after, before)
		}
	}
	if len(w.blobs.blobs) != blobs {
		t.Error("bad input was stored")
	}
}

func TestBadHeadersAndQueries(t *testing.T) {
	w := newWorld(t)
	before := w.rows()
	good := orderJSON("PO-1", "on_order", 1)
	for what, test := range map[string]struct {
		header map[string]string
		status int
		code   string
	}{
		"a huge idempotency key":  {map[string]string{"Idempotency-Key": strings.Repeat("k", 201)}, 422, "invalid"},
		"one of other characters": {map[string]string{"Idempotency-Key": "clé"}, 422, "invalid"},
		"a compressed body":       {map[string]string{"Content-Encoding": "gzip"}, 415, "intake.media_type"},
	} {
		field := ""
		if test.code == "invalid" {
			field = "header at Idempotency-Key"
		}
		w.refused(what, w.send(request{method: "POST", path: "/v1/orders", body: good, header: test.header}), test.status, test.code, field)
		w.refused(what+", decision", w.send(request{method: "POST", path: "/v1/invoices/x/cancel", body: `{"reason":"x"}`, header: test.header}), test.status, test.code, field)
	}
	for path, field := range map[string]string{
		"/v1/orders?limit=0":                             "query at ?limit",
		"/v1/orders?limit=501":                           "query at ?limit",
		"/v1/orders?limit=ten":                           "query at ?limit",
		"/v1/orders?stat=open":                           `field.unknown at ?"stat"`,
		"/v1/orders?state=opened":                        "query at ?state",
		"/v1/orders?state=open&state=invoiced":           "query at ?state",
		"/v1/orders?number=a%00":                         "query at ?number",
		"/v1/orders?number=%ff":                          "query at ?number",
		"/v1/orders?number=%zz":                          "query at ?",
		"/v1/orders?number=1&number=2":                   "query at ?number",
		"/v1/orders?number=" + strings.Repeat("x", 1001): "query at ?number",
		"/v1/invoices?state=paid":                        "query at ?state",
		"/v1/invoices?since=yesterday":                   "date.invalid at ?since",
		"/v1/invoices?until=2026-02-30":                  "date.invalid at ?until",
		"/v1/report?since=0000-01-01":                    "date.invalid at ?since",
		"/v1/report?until=x":                             "date.invalid at ?until",
		"/v1/inbox?unacknowledged=maybe":                 "query at ?unacknowledged",
		"/v1/inbox?state=read":                           "query at ?state",
		"/v1/events?after=-1":                            "query at ?after",
		"/v1/events?after=last":                          "query at ?after",
		"/v1/events?type=invoice.opened":                 "query at ?type",
		"/v1/orders/none?pretty":                         `field.unknown at ?"pretty"`,
	} {
		w.refused(path, w.get(path), 422, "invalid", field)
	}
	for _, path := range []string{"/v1/orders?after=nonsense", "/v1/invoices?after=%21", "/v1/customers?after=x", "/v1/inbox?after=MTIz"} {
		w.refused(path, w.get(path), 422, "invalid", "")
	}
	for _, path := range []string{"/v1/orders/%00", "/v1/orders/%ff", "/v1/invoices/a%0ab", "/v1/customers/" + strings.Repeat("x", 1001), "/v1/nothing", "/v1", "/V1/orders", "/v1/orders/"} {
		w.refused(path, w.get(path), 404, "not_found", "")
	}
	if after := w.rows(); !sameRows(before, after) {
		t.Errorf("%v, before %v", after, before)
	}
}

// A body without a declared length is bounded as well.
func TestEndlessBody(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/v1/orders", "/v1/invoices/x/cancel"} {
		q, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+path, io.MultiReader(strings.NewReader(strings.Repeat(" ", 1<<20)), strings.NewReader("  ")))
		w.must(err)
		q.Header.Set("Authorization", "Bearer "+w.secrets[acme][access.RoleAdmin])
		res, err := w.server.Client().Do(q)
		w.must(err)
		b, err := io.ReadAll(res.Body)
		w.must(err)
		w.must(res.Body.Close())
		w.refused(path, reply{res.StatusCode, res.Header, b}, 413, "too_large", "")
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS"} {
		r := w.send(request{method: method, path: "/v1/orders", header: map[string]string{"Origin": "https://evil.example"}})
		w.refused(method, r, 405, "method_not_allowed", "")
		if r.header.Get("Allow") != "POST, GET, HEAD" {
			t.Errorf("%s: Allow: %s", method, r.header.Get("Allow"))
		}
		for name := range r.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s answers with %s", method, name)
			}
		}
	}
	for _, r := range append(w.api.openRoutes(), w.api.routes()...) { // what can be got has a head
		if r.method != "GET" || strings.Contains(r.path, ":") {
			continue
		}
		get, head := w.get(r.path), w.send(request{method: "HEAD", path: r.path})
		if head.status != get.status || len(head.body) != 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %s", r.path, head.status, head.body)
		}
	}
}

// Documents made to harm are refused like others.
func TestHostileDocuments(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "malicious-xml")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the shared corpora are missing")
		}
		t.Skip("not run: the shared corpora are missing, no hostile document was submitted")
	}
	w := newWorld(t)
	before := w.rows()
	n := 0
	w.must(filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".xml" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil || len(b) > 1<<20 {
			return err
		}
		n++
		for _, path := range []string{"/v1/orders", "/v1/invoices"} {
			r := w.send(request{method: "POST", path: path, body: string(b), header: map[string]string{"Content-Type": "application/xml"}})
			if r.status < 400 || r.status >= 500 || !bytes.Contains(r.body, []byte(`"errors"`)) {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		return nil
	}))
	if after := w.rows(); n < 10 || !sameRows(before, after) {
		t.Errorf("%d documents: %v, before %v", n, after, before)
	}
}

// Whatever is posted as an order is answered with a record or with a problem, and
// a problem leaves nothing. What the database does in the background makes inputs
// look interesting that are not: -fuzzminimizetime 5x keeps the fuzzer going.
func FuzzOrders(f *testing.F) {
	seeds := 0
	for _, name := range []string{"01-goods.order.json", "02-services.order.json", "03-mixed-vat.order.csv", "05-brewery.order.xml", "09-return.order.json", "10-french.order.csv"} {
		b, err := orders.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		media := map[string]string{".json": "application/json", ".csv": "text/csv", ".xml": "application/xml"}[filepath.Ext(name)]
		f.Add(media, b)
		seeds++
	}
	f.Add("application/json", []byte(orderJSON("PO-1", "on_order", 1)))
	f.Add("", []byte("{"))
	if seeds != 6 {
		f.Fatal("seeds are missing")
	}
	w := newWorld(f)
	w.expect(w.get("/v1/orders"), 200) // the use of the key is noted
	conn, err := w.db.Conn(f.Context())
	w.must(err)
	defer func() { _ = conn.Close() }()
	f.Fuzz(func(t *testing.T, media string, b []byte) {
		if strings.ContainsFunc(media, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip("no header has this")
		}
		w := *w
		w.TB = t
		commits := func() (n int) { // of others, as this connection sees them
			w.must(conn.QueryRowContext(t.Context(), "PRAGMA data_version").Scan(&n))
			return n
		}
		before := commits()
		r := w.send(request{method: "POST", path: "/v1/orders", body: string(b), header: map[string]string{"Content-Type": media}})
		switch r.status {
		case 201, 207:
		case 400, 409, 413, 415, 422:
			if commits() != before {
				t.Errorf("a refusal left something: %s", r.body)
			}
		default:
			t.Errorf("status %d: %s", r.status, r.body)
		}
	})
}
