package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Bad input is refused with a problem that names the place, and leaves nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway", "HTTP_MAX_BODY=1MiB")
	shop := g.tenant("shop", "test").supplier("")
	good, finished := order(1), finishedInvoice(t, "ERP-1")
	swap := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("there is no %q", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	ublOrder, err := os.ReadFile(repository(t, "testdata", "orders", "05-brewery.order.xml"))
	xmlOrder := string(must(t, ublOrder, err))
	csvOrder, err := os.ReadFile(repository(t, "testdata", "orders", "03-mixed-vat.order.csv"))
	table := string(must(t, csvOrder, err))

	const json, xml, csv = "application/json", "application/xml", "text/csv"
	const orders, invoices = "/v1/orders", "/v1/invoices"
	for _, c := range []struct {
		name, path, media, body string
		status                  int
		place                   string // part of a path of the errors; "" where the whole is wrong
	}{
		{"empty", orders, json, "", 400, ""},
		{"malformed JSON", orders, json, swap(good, `"currency":"EUR",`, `"currency":"EUR",,`), 400, "line 1, column"},
		{"JSON cut off", orders, json, good[:len(good)-2], 400, "line 2, column"},
		{"JSON and more", orders, json, good + "{}", 400, "line 2, column"},
		{"a field twice", orders, json, swap(good, `"currency":"EUR"`, `"currency":"EUR","currency":"USD"`), 400, "currency"},
		{"unknown field", orders, json, swap(good, `"currency"`, `"colour":"red","currency"`), 422, "colour"},
		{"unknown field in a line", orders, json, swap(good, `"id":"1"`, `"id":"1","colour":"red"`), 422, "lines[0].colour"},
		{"missing field", orders, json, swap(good, `"currency":"EUR",`, ``), 422, "currency"},
		{"missing lines", orders, json, swap(good, `"lines"`, `"notes":[],"line"`), 422, "line"},
		{"wrong type", orders, json, swap(good, `"EUR"`, `17`), 422, "currency"},
		{"unknown currency", orders, json, swap(good, `"EUR"`, `"EUX"`), 422, "currency"},
		{"unknown unit", orders, json, swap(good, `"price"`, `"unit":"PIECES","price"`), 422, "lines[0].unit"},
		{"impossible date", orders, json, swap(good, `2026-11-20`, `2026-02-30`), 422, "issue_date"},
		{"a date of another kind", orders, json, swap(good, `2026-11-20`, `20/11/2026`), 422, "issue_date"},
		{"too many decimals", orders, json, swap(good, `"10.00"`, `"10.00000000000000000000000000001"`), 422, "lines[0].price"},
		{"no number", orders, json, swap(good, `"10.00"`, `"ten"`), 422, "lines[0].price"},
		{"infinite", orders, json, swap(good, `"10.00"`, `1e999999999`), 422, "lines[0].price"},
		{"NUL", orders, json, swap(good, `PO-0001`, `PO-\u0000`), 422, "number"},
		{"deep JSON", orders, json, `{"lines":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 413, "line 1, column"},
		{"not UTF-8", orders, json, swap(good, `PO-0001`, "PO-\xff"), 400, "line 1, column"},
		{"too large", orders, json, swap(good, `"lines"`, `"notes":["`+strings.Repeat("x", 2<<20)+`"],"lines"`), 413, ""},
		{"media type", orders, "application/pdf", "%PDF-1.7", 415, ""},

		{"malformed XML", orders, xml, swap(xmlOrder, "</cbc:ID>", "</cbc:Id>"), 400, "line"},
		{"DTD", orders, xml, swap(xmlOrder, "<Order", `<!DOCTYPE Order [<!ENTITY x SYSTEM "file:///etc/passwd">]><Order`), 400, "line"},
		{"deep XML", orders, xml, strings.Repeat("<a>", 20000) + strings.Repeat("</a>", 20000), 413, "line 1"},
		{"wrongly encoded XML", orders, xml, swap(xmlOrder, "</cbc:ID>", "\xe9</cbc:ID>"), 400, "line"},
		{"unknown encoding", orders, xml, `<?xml version="1.0" encoding="x-klingon"?><Order/>`, 400, "line 1"},
		{"an invoice for an order", orders, xml, finished, 422, ""},
		{"XML of a stranger", orders, xml, `<hello xmlns="urn:nobody"/>`, 422, ""},
		{"impossible date in XML", orders, xml, swap(xmlOrder, "<cbc:IssueDate>2026-", "<cbc:IssueDate>2026-13-"), 422, "IssueDate"},

		{"CSV with a wrong column", orders, csv, swap(table, "Quantity", "Quantitee"), 422, "Quantitee"},
		{"CSV with a wrong number", orders, csv, swap(table, ",6,C62", ",six,C62"), 422, "row 2"},
		{"CSV with a broken quote", orders, csv, table + `"open`, 400, "row 5"},

		{"invoice without a number", invoices, xml, swap(finished, "<cbc:ID>ERP-1</cbc:ID>", ""), 422, "number"},
		{"totals that do not add up", invoices, xml, swap(finished, `currencyID="EUR">120.00</cbc:PayableAmount>`, `currencyID="EUR">121.00</cbc:PayableAmount>`), 422, "totals"},
		{"VAT that does not add up", invoices, xml, strings.Replace(finished, `>20.00<`, `>19.00<`, 1), 422, "totals"},
		{"an order for an invoice", invoices, xml, xmlOrder, 422, ""},
		{"an amount that is none", invoices, xml, swap(finished, ">10.00</cbc:PriceAmount>", ">10,00</cbc:PriceAmount>"), 422, "Price"},

		{"unknown parameter", orders + "?externalid=1", json, good, 422, "externalid"},
		{"note of no order", orders + "/ord_01M80H1QT5BK1GJ3HXDSKRYEFT/deliveries", json, `{"id":"1","lines":[{"id":"1","order_line":"1","quantity":"1"}]}`, 404, ""},
		{"credit of no invoice", invoices + "/inv_01M80H1QT5BK1GJ3HXDSKRYEFT/credit", json, `{"reason":"x"}`, 404, ""},
		{"record with an unknown column", "/v1/items/import", csv, "Id,Colour\nx,red\n", 422, "Colour"},
		{"webhook of an unknown type", "/v1/webhooks", json, `{"url":"https://a.example/","types":["invoice.sung"]}`, 422, "/types/0"},
		{"webhook inside a file", "/v1/webhooks", json, `{"url":"file:///etc/passwd"}`, 422, "/url"},
	} {
		begun := time.Now()
		r := shop.post(c.path, c.body, "Content-Type: "+c.media)
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s: took %s", c.name, took)
		}
		if r.status != c.status || r.header.Get("Content-Type") != "application/problem+json" || r.text("code") == "" || r.text("request_id") == "" {
			t.Errorf("%s: status %d, want %d: %.600s", c.name, r.status, c.status, r.body)
			continue
		}
		places, _ := pick(r.json(), "errors").([]any)
		found := c.place == ""
		for _, p := range places {
			found = found || strings.Contains(text(p, "path"), c.place)
		}
		if !found {
			t.Errorf("%s: the place %q is not named: %.600s", c.name, c.place, r.body)
		}
	}
	shop.post(orders, good, "Content-Encoding: gzip").is(http.StatusUnsupportedMediaType)
	shop.post(orders, good, "Idempotency-Key: "+strings.Repeat("k", 201)).is(http.StatusUnprocessableEntity)
	nobody := &account{g: g, key: "fk_nobody"}
	nobody.post(orders, good).is(http.StatusUnauthorized)
	reader := g.key("shop", "auditor")
	reader.post(orders, good).is(http.StatusForbidden).says("code=forbidden")
	shop.leftNothing()
	if !strings.Contains(shop.items("/v1/items")[0].(map[string]any)["id"].(string), "sku-1") || len(shop.items("/v1/items")) != 1 {
		t.Error("a record was left")
	}

	// It works all the same.
	shop.await(10*time.Second, shop.placed(1), "state=sent")
}

// leftNothing checks that there is no order, invoice or event of one.
func (a *account) leftNothing() {
	a.g.t.Helper()
	time.Sleep(300 * time.Millisecond) // what should not have been written would be sealed
	for _, path := range []string{"/v1/orders", "/v1/invoices", "/v1/inbox", "/v1/number-series", "/v1/webhooks"} {
		if items := a.items(path); len(items) != 0 {
			a.g.t.Errorf("%s: something was left: %v", path, items)
		}
	}
	for _, e := range a.eventsAfter("") {
		if kind := text(e, "type"); kind != "record.changed" && kind != "access.changed" {
			a.g.t.Errorf("event %s was left", kind)
		}
	}
}

// Every hostile document of the corpora is refused over HTTP, soon.
func TestHostileXMLOverHTTP(t *testing.T) {
	t.Parallel()
	dir := repository(t, "..", "shared", "corpora", "malicious-xml")
	if _, err := os.Stat(dir); err != nil {
		leaveOut(t, "the hostile documents of the corpora are not there")
	}
	g := booted(t, "gateway")
	shop := g.tenant("shop", "test").supplier("")
	sent := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".xml") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, to := range []string{"/v1/orders", "/v1/invoices"} {
			begun := time.Now()
			r := shop.post(to, string(content), "Content-Type: application/xml")
			if r.status < 400 || r.status > 499 {
				t.Errorf("%s: %s: status %d %.300s", filepath.Base(path), to, r.status, r.body)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("%s: took %s", filepath.Base(path), took)
			}
			if bytes.Contains(r.body, []byte("root:")) {
				t.Errorf("%s: a file of the machine is in the answer", filepath.Base(path))
			}
		}
		sent++
		return nil
	})
	if err != nil || sent == 0 {
		t.Fatalf("%d documents, %v", sent, err)
	}
	shop.leftNothing()
}
