package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/ubl"
)

// makeInvoices runs facteur invoice with the official rules and returns what it
// reports.
func makeInvoices(t *testing.T, want int, out string, args ...string) []reportedInvoice {
	t.Helper()
	packs := sharedFolder(t, ".facteur/packs", "no invoice was checked by official rules")
	var stdout, stderr bytes.Buffer
	args = append([]string{"invoice", "--set", "packs_dir=" + packs, "--format", "json", "--date", "2026-11-02", "-o", out}, args...)
	if got := run(args, strings.NewReader(""), &stdout, &stderr, nil); got != want {
		t.Fatalf("status %d, want %d\n%s%s", got, want, stderr.String(), stdout.String())
	}
	var list []reportedInvoice
	for line := range bytes.Lines(stdout.Bytes()) {
		var r reportedInvoice
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

const ordersDir = "../../testdata/orders/"

// Each of our orders becomes an invoice that the official rules find nothing
// wrong with, and what is written is what was checked and reported.
func TestInvoiceOurOrders(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "folder")
	args := []string{"--records", ordersDir + "records", "--start", "41"}
	for _, note := range []string{"04-partial.delivery-1.json", "04-partial.delivery-2.xml", "05-brewery.delivery.xml"} {
		args = append(args, "--delivery-note", ordersDir+note)
	}
	for _, order := range []string{
		"01-goods.order.json", "02-services.order.json", "03-mixed-vat.order.csv", "04-partial.order.json", "05-brewery.order.xml",
		"06-reverse-charge.order.json", "07-requirements.order.json", "08-dead-endpoint.order.json", "10-french.order.csv",
	} {
		args = append(args, ordersDir+order)
	}
	list := makeInvoices(t, statusOK, out, args...)
	if len(list) != 10 { // the partial deliveries are two
		t.Fatalf("%d invoices", len(list))
	}
	for i, r := range list {
		if want := "FA-2026-000" + string(rune('4'+(i+1)/10)) + string(rune('0'+(i+1)%10)); r.Number != want || r.File != filepath.Join(out, want+".xml") {
			t.Errorf("%s is number %s in %s, want %s", r.OrderFile, r.Number, r.File, want)
		}
		if !r.Valid || r.Draft || len(r.Missing)+len(r.Problems) != 0 || len(r.Sources) == 0 || len(r.Result.Verdicts) != 3 {
			t.Errorf("%+v", r)
		}
		document, err := os.ReadFile(r.File)
		if err != nil {
			t.Fatal(err)
		}
		inv, _, err := ubl.Read(document)
		if err != nil {
			t.Fatal(err)
		}
		if inv.Number != r.Number || inv.IssueDate.String() != "2026-11-02" || inv.PurchaseOrderReference != r.Order ||
			!inv.Totals.WithVAT.Equal(*r.Total) || !inv.Totals.AmountDue.Equal(*r.Payable) || r.Result.File != r.File {
			t.Errorf("%s does not say what was reported: %+v", r.File, r)
		}
	}
	// The first of the two deliveries leaves nothing open that the second takes.
	partial := slices.IndexFunc(list, func(r reportedInvoice) bool { return r.DeliveryNote == "BL-2026-0881" })
	if partial < 0 || len(list[partial].Open) != 0 {
		t.Errorf("partial delivery %+v", list)
	}
	credit := makeInvoices(t, statusOK, out, "--records", ordersDir+"records", "--start", "1", ordersDir+"09-return.order.json")
	if len(credit) != 1 || credit[0].Kind != "credit_note" || credit[0].Number != "AV-2026-00001" {
		t.Errorf("%+v", credit)
	}
}

// An invoice that the rules refuse takes no number; the next one does.
func TestInvoiceNumbersAreForValidOnes(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	write := func(name string, v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(name string) (v []map[string]any) {
		data, err := os.ReadFile(ordersDir + "records/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	customers := read("customers.json")
	for _, c := range customers {
		if c["id"] == "epicerie-generale" { // a GLN whose check digit is wrong
			c["value"].(map[string]any)["electronic_address"] = map[string]any{"scheme": "0088", "value": "9520000000210"}
		}
	}
	records := write("records.json", map[string]any{"legal_entities": read("legal_entities.json"), "customers": customers, "items": read("items.json")})
	list := makeInvoices(t, statusWanting, out, "--records", records, "--start", "7", ordersDir+"01-goods.order.json", ordersDir+"07-requirements.order.json")
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	bad, good := list[0], list[1]
	if bad.Valid || !bad.Draft || bad.Number != "DRAFT-4500018233" || len(bad.Result.Failures()) == 0 || bad.Result.Failures()[0].Rule != "PEPPOL-COMMON-R040" {
		t.Errorf("%+v", bad)
	}
	if !good.Valid || good.Draft || good.Number != "FA-2026-00007" {
		t.Errorf("%+v", good)
	}
	if document, err := os.ReadFile(bad.File); err != nil || !bytes.Contains(document, []byte("<cbc:ID>DRAFT-4500018233</cbc:ID>")) {
		t.Errorf("%s: %v", bad.File, err)
	}
	one := makeInvoices(t, statusOK, out, "--records", records, "--number", "2026/0815 ü", ordersDir+"07-requirements.order.json")
	if len(one) != 1 || one[0].Number != "2026/0815 ü" || one[0].File != filepath.Join(out, "2026_0815__.xml") {
		t.Errorf("%+v", one)
	}
}

// The name of a file never leads out of its folder.
func TestSafeFile(t *testing.T) {
	for number, want := range map[string]string{
		"FA-2026-00042": "FA-2026-00042", "../../etc/passwd": "_.._etc_passwd", "..": "invoice", "": "invoice", "a/b\\c:d": "a_b_c_d",
		strings.Repeat("x", 300): strings.Repeat("x", 200), "é": "_", "\x00": "_",
	} {
		if got := safeFile(number); got != want {
			t.Errorf("%q is %q, want %q", number, got, want)
		}
	}
}

// Records that are taken are taken again as they are written, and found under
// the same keys; those that are refused are refused with a place.
func FuzzRecords(f *testing.F) {
	seeds := 0
	for name, field := range map[string]string{"legal_entities.json": "legal_entities", "customers.json": "customers", "items.json": "items"} {
		data, err := os.ReadFile(ordersDir + "records/" + name)
		if err != nil {
			f.Fatal(err)
		}
		seeds++
		f.Add([]byte(`{"` + field + `":` + string(data) + `}`))
	}
	for _, text := range []string{``, `{}`, `{"items":[{"id":"a"},{"id":"a"}]}`, `{"items":[{"id":"a","value":{"vat":{"rate":"1e9999"}}}]}`, `{"items":null} x`} {
		f.Add([]byte(text))
	}
	if seeds == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var all recordFile
		err := parseRecords("r.json", data, &all)
		var book *recordBook
		if err == nil {
			book, err = newRecordBook("r.json", all)
		}
		if err != nil {
			var exit *exitError
			if !errors.As(err, &exit) || exit.Status != statusWanting || exit.Code != "invoice.records" || !strings.HasPrefix(exit.Message, "r.json:") {
				t.Fatalf("%v", err)
			}
			return
		}
		written, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var again recordFile
		if err := parseRecords("r.json", written, &again); err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		second, err := newRecordBook("r.json", again)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(book.byKind, second.byKind) {
			t.Fatalf("%v became %v", book.byKind, second.byKind)
		}
	})
}
