package intake

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/sheet"
	"facteur.dev/facteur/testdata/orders"
)

func TestMediaType(t *testing.T) {
	zipped := "PK\x03\x04rest"
	for _, test := range []struct{ declared, filename, content, want string }{
		{"application/json", "", "<xml/>", JSON}, // what is declared counts
		{"application/merge-patch+json; charset=utf-8", "", "", JSON},
		{"Application/XML", "", "", XML},
		{"text/xml; charset=ISO-8859-1", "", "", XML},
		{"application/vnd.peppol+xml", "", "", XML},
		{"text/csv; header=present", "", "", CSV},
		{"text/tab-separated-values", "", "", CSV},
		{XLSX, "", "", XLSX},
		{"application/pdf", "a.json", "{}", ""}, // not understood, whatever it looks like
		{"application/x-www-form-urlencoded", "", "{}", ""},
		{"nonsense;;", "a.json", "{}", ""},
		{"application/octet-stream", "ORDER.XML", "", XML},
		{"application/octet-stream", "", "{}", JSON},
		{"", "orders.csv", "{}", CSV}, // the name counts before the bytes
		{"", "orders.tsv", "", CSV},
		{"", "a.b.Json", "", JSON},
		{"", "orders.xlsx", "", XLSX},
		{"", "orders", "\xef\xbb\xbf \n<Order/>", XML},
		{"", "", "\xff\xfe<\x00", XML},
		{"", "", "\xfe\xff\x00<", XML},
		{"", "", " \t{\"number\":1}", JSON},
		{"", "", zipped, XLSX},
		{"", "", "Order number,Currency", ""},
		{"", "", "", ""},
		{"", "a.pdf", "%PDF-1.7", ""},
	} {
		if got := MediaType(test.declared, test.filename, []byte(test.content)); got != test.want {
			t.Errorf("MediaType(%q, %q, %q) = %q, want %q", test.declared, test.filename, test.content, got, test.want)
		}
	}
}

// files are our own orders, notes and invoices, with what each of them is.
func files(t testing.TB) map[string]Kind {
	t.Helper()
	found := map[string]Kind{}
	err := fs.WalkDir(orders.Files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() || strings.HasPrefix(name, "records/"):
		case strings.Contains(name, ".order."):
			found[name] = KindOrder
		default:
			found[name] = KindDelivery
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"../../formats/ubl/testdata/*.xml", "../../formats/invoice/testdata/*.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) < 10 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			found[name] = KindInvoice
		}
	}
	return found
}

func content(t testing.TB, name string) []byte {
	t.Helper()
	b, err := orders.Files.ReadFile(name)
	if err != nil {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads bytes as what they are said to be and tells how many documents.
func read(kind Kind, media string, b []byte) (n int, err error) {
	switch kind {
	case KindOrder:
		list, err := Orders(media, b)
		return len(list), err
	case KindDelivery:
		d, err := Delivery(media, b)
		if d != nil {
			n = 1
		}
		return n, err
	default:
		inv, err := Invoice(media, b)
		if inv != nil {
			n = 1
		}
		return n, err
	}
}

// Every document of ours is taken for what it is, and for nothing else.
func TestDocumentsOfOurOwn(t *testing.T) {
	seen := map[Kind]int{}
	for name, kind := range files(t) {
		b := content(t, name)
		media := MediaType("", path.Base(name), b)
		if got, err := KindOf(media, b); got != kind || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
		if n, err := read(kind, media, b); err != nil || n != 1 {
			t.Errorf("%s: %d documents, %v", name, n, err)
		}
		for _, other := range []Kind{KindOrder, KindDelivery, KindInvoice} {
			if other == kind {
				continue
			}
			n, err := read(other, media, b)
			if n != 0 || err == nil {
				t.Errorf("%s is read as %s", name, other)
			}
			if media == XML && code(err) != CodeKind {
				t.Errorf("%s as %s: %v", name, other, err)
			}
		}
		seen[kind]++
	}
	if seen[KindOrder] < 10 || seen[KindDelivery] < 3 || seen[KindInvoice] < 20 {
		t.Errorf("too few documents: %v", seen)
	}
}

func code(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return "none"
	}
	return e.Code
}

// firstField is the code and the place of the first wrong place.
func firstField(err error) string {
	var e *Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return ""
	}
	return e.Fields[0].Code + " at " + e.Fields[0].Path
}

func TestKindOfRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		media, content, code, field string
	}{
		"no media type":       {"", "{}", CodeMediaType, ""},
		"unknown media type":  {"application/pdf", "%PDF", CodeMediaType, ""},
		"nothing":             {JSON, "", CodeUnreadable, ""},
		"another root":        {XML, "<html/>", CodeKind, ""},
		"no XML":              {XML, "<Order>", CodeUnreadable, "xml.malformed at line 1, column 8"},
		"DTD":                 {XML, "<!DOCTYPE Order []><Order/>", CodeUnreadable, "xml.dtd at line 1, column 1"},
		"no object":           {JSON, "[1]", CodeKind, ""},
		"JSON that ends":      {JSON, `{"number":`, CodeUnreadable, "json.syntax at line 1, column 11"},
		"JSON with a tail":    {JSON, "{}\n{}", CodeUnreadable, "json.syntax at line 2, column 2"},
		"a name that repeats": {JSON, `{"a":1,"a":2}`, CodeUnreadable, "json.syntax at line 1, column 8"},
		"nothing that tells":  {JSON, `{"number":"1","currency":"EUR"}`, CodeKind, ""},
		"fields of two kinds": {JSON, `{"billing":"on_order","vat_breakdown":[]}`, CodeKind, ""},
	} {
		kind, err := KindOf(test.media, []byte(test.content))
		if kind != "" || code(err) != test.code || firstField(err) != test.field {
			t.Errorf("%s: %q, %v, field %q", name, kind, err, firstField(err))
		}
	}
}

// An order may have the totals and type code that an invoice has, too.
func TestKindOfSharedFields(t *testing.T) {
	for content, want := range map[string]Kind{
		`{"number":"1","currency":"EUR","lines":[],"totals":{},"type_code":"220"}`: KindOrder,
		`{"number":"1","lines":[],"totals":{},"vat_breakdown":[]}`:                 KindInvoice,
		`{"id":"1","lines":[]}`:                             KindDelivery,
		`{"order_number":"1","lines":[]}`:                   KindDelivery,
		`{"due_date":"2026-01-01","number":"1"}`:            KindInvoice,
		`{"x":{"vat_breakdown":1},"billing":"on_delivery"}`: KindOrder,
	} {
		if got, err := KindOf(JSON, []byte(content)); got != want || err != nil {
			t.Errorf("%s: %q, %v", content, got, err)
		}
	}
}

const (
	goodOrder   = `{"number":"1","currency":"EUR","lines":[{"id":"1","item":{"seller_id":"A"},"quantity":"1","price":{"net":"1.00"}}]}`
	csvHeader   = "Order number,Currency,Item number,Quantity,Unit,Unit price,Order date\n"
	ublOrder    = `<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">%s</Order>`
	ublLine     = `<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode="C62">1</cbc:Quantity><cac:Item><cbc:Name>x</cbc:Name></cac:Item></cac:LineItem></cac:OrderLine>`
	ublCurrency = `<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>`
)

func swap(s, old, replacement string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(s, old, replacement, 1)
}

func ublWith(inner string) string { return swap(ublOrder, "%s", inner) }

// Each bad input has a code, and a place that can be found in it.
func TestOrdersRefused(t *testing.T) {
	number := "<cbc:ID>PO-1</cbc:ID>"
	for name, test := range map[string]struct {
		media, content, code, field string
	}{
		"empty":                   {JSON, "", CodeUnreadable, ""},
		"too large":               {JSON, strings.Repeat(" ", MaxSize+1), CodeTooLarge, ""},
		"media type":              {"", goodOrder, CodeMediaType, ""},
		"another media type":      {"image/png", goodOrder, CodeMediaType, ""},
		"JSON syntax":             {JSON, `{"number":`, CodeUnreadable, "json.syntax at line 1, column 11"},
		"JSON NUL byte":           {JSON, swap(goodOrder, `"A"`, "\"A\x00\""), CodeUnreadable, "json.syntax at line 1, column "},
		"JSON escaped NUL":        {JSON, swap(goodOrder, `"A"`, `"A\u0000"`), CodeInvalid, "text.character at lines[0].item.seller_id"},
		"JSON bad UTF-8":          {JSON, swap(goodOrder, `"A"`, "\"\xff\""), CodeUnreadable, "json.syntax at line 1, column "},
		"JSON too deep":           {JSON, `{"number":` + strings.Repeat("[", 40), CodeTooLarge, "field.too_deep at line 1, column "},
		"JSON twice":              {JSON, `{"number":"1",` + goodOrder[1:], CodeUnreadable, "json.duplicate at number"},
		"JSON unknown field":      {JSON, swap(goodOrder, `"currency"`, `"curency":"EUR","currency"`), CodeInvalid, "field.unknown at curency"},
		"JSON missing field":      {JSON, swap(goodOrder, `"number":"1",`, ``), CodeInvalid, "field.missing at number"},
		"JSON wrong type":         {JSON, swap(goodOrder, `"lines":[`, `"notes":7,"lines":[`), CodeInvalid, "field.type at notes"},
		"JSON decimals":           {JSON, swap(goodOrder, `"price"`, `"net_amount":"1.001","price"`), CodeInvalid, "amount.decimals at lines[0].net_amount"},
		"JSON currency":           {JSON, swap(goodOrder, "EUR", "EUX"), CodeInvalid, "currency.unknown at currency"},
		"JSON unit":               {JSON, swap(goodOrder, `"price"`, `"unit":"pieces","price"`), CodeInvalid, "unit.unknown at lines[0].unit"},
		"JSON impossible date":    {JSON, swap(goodOrder, `"currency"`, `"issue_date":"2026-02-30","currency"`), CodeInvalid, "date.invalid at issue_date"},
		"XML not closed":          {XML, "<Order>", CodeUnreadable, "xml.malformed at line 1, column 8"},
		"XML DTD":                 {XML, "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<x/>", CodeUnreadable, "xml.dtd at line 1, column 1"},
		"XML too deep":            {XML, strings.Repeat("<a>", 300), CodeTooLarge, "xml.too_deep at line 1, column "},
		"XML encoding":            {XML, "<?xml version='1.0' encoding='EBCDIC'?><a/>", CodeUnreadable, "xml.encoding at line 1, column "},
		"XML NUL":                 {XML, "<a>\x00</a>", CodeUnreadable, "xml.malformed at line 1, column 4"},
		"XML another document":    {XML, "<Invoice/>", CodeKind, "ubl.root at /Invoice"},
		"XML amount":              {XML, ublWith(number + ublCurrency + swap(ublLine, ">1</cbc:Quantity>", ">one</cbc:Quantity>")), CodeInvalid, "ubl.amount at /Order[1]/cac:OrderLine[1]"},
		"XML date":                {XML, ublWith(number + "<cbc:IssueDate>2026-13-01</cbc:IssueDate>" + ublCurrency + ublLine), CodeInvalid, "ubl.date at /Order[1]/cbc:IssueDate"},
		"XML currency":            {XML, ublWith(number + swap(ublCurrency, "EUR", "EUX") + ublLine), CodeInvalid, "currency.unknown at currency"},
		"XML unit":                {XML, ublWith(number + ublCurrency + swap(ublLine, "C62", "pieces")), CodeInvalid, "unit.unknown at lines[0].unit"},
		"XML without number":      {XML, ublWith(ublCurrency + ublLine), CodeInvalid, "field.missing at number"},
		"XML without lines":       {XML, ublWith(number + ublCurrency), CodeInvalid, "list.length at lines"},
		"CSV unknown column":      {CSV, swap(csvHeader, "Unit price", "Prize") + "1,EUR,A,1,C62,1,\n", CodeInvalid, `sheet.unknown_column at row 1, column "Prize"`},
		"CSV missing column":      {CSV, "Order number,Quantity\n1,1\n", CodeInvalid, "sheet.missing_column at row 1"},
		"CSV decimals":            {CSV, csvHeader + "1,EUR,A,1.12345678901,C62,1,\n", CodeInvalid, "amount.decimals at row 2, column Quantity"},
		"CSV currency":            {CSV, csvHeader + "1,EUX,A,1,C62,1,\n", CodeInvalid, "currency.unknown at row 2, column Currency"},
		"CSV unit":                {CSV, csvHeader + "1,EUR,A,1,pieces,1,\n", CodeInvalid, "unit.unknown at row 2, column Unit"},
		"CSV date":                {CSV, csvHeader + "1,EUR,A,1,C62,1,2026-02-30\n", CodeInvalid, "date.invalid at row 2, column Order date"},
		"CSV number":              {CSV, csvHeader + "1,EUR,A,one,C62,1,\n", CodeInvalid, "decimal.invalid at row 2, column Quantity"},
		"CSV NUL":                 {CSV, csvHeader + "1,EUR,A\x00,1,C62,1,\n", CodeUnreadable, "sheet.encoding at "},
		"CSV control character":   {CSV, csvHeader + "1,EUR,A\x01,1,C62,1,\n", CodeInvalid, "text.character at row 2, column Item number"},
		"CSV quotes":              {CSV, csvHeader + "\"1,EUR,A,1,C62,1,\n", CodeUnreadable, "sheet.quotes at row "},
		"CSV only a header":       {CSV, csvHeader, CodeUnreadable, "sheet.empty at "},
		"CSV that is something":   {CSV, "hello", CodeUnreadable, "sheet.separator at "},
		"CSV that is JSON":        {CSV, goodOrder, CodeUnreadable, "sheet."},
		"XLSX that is none":       {XLSX, "PK\x03\x04 no zip", CodeUnreadable, "sheet.format at "},
		"XLSX without a workbook": {XLSX, zipOf(t, "a.txt", "x"), CodeUnreadable, "sheet.format at "},
	} {
		list, err := Orders(test.media, []byte(test.content))
		if list != nil || code(err) != test.code || !strings.HasPrefix(firstField(err), test.field) {
			t.Errorf("%s: %d orders, code %s, field %q\n%v", name, len(list), code(err), firstField(err), err)
		}
	}
}

func zipOf(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDeliveriesAndInvoicesRefused(t *testing.T) {
	goods := string(content(t, "../../formats/invoice/testdata/goods.json"))
	goodsXML := string(content(t, "../../formats/ubl/testdata/goods.xml"))
	note := string(content(t, "04-partial.delivery-1.json"))
	noteXML := string(content(t, "05-brewery.delivery.xml"))
	for name, test := range map[string]struct {
		kind                        Kind
		media, content, code, field string
	}{
		"note: a table":            {KindDelivery, CSV, "a,b", CodeMediaType, ""},
		"note: empty":              {KindDelivery, XML, "", CodeUnreadable, ""},
		"note: JSON unknown field": {KindDelivery, JSON, swap(note, `"id"`, `"x":1,"id"`), CodeInvalid, "field.unknown at x"},
		"note: JSON negative":      {KindDelivery, JSON, swap(note, `"quantity": 12`, `"quantity": -12`), CodeInvalid, "number.negative at lines[0].quantity"},
		"note: XML without number": {KindDelivery, XML, swap(noteXML, "<cbc:ID>", "<cbc:UUID>x</cbc:UUID><!--"), CodeUnreadable, "xml.malformed at line "},
		"note: XML unit":           {KindDelivery, XML, swap(noteXML, `unitCode="`, `unitCode="no`), CodeInvalid, "unit.unknown at lines[0].unit"},
		"invoice: a table":         {KindInvoice, XLSX, "PK\x03\x04", CodeMediaType, ""},
		"invoice: empty":           {KindInvoice, JSON, "", CodeUnreadable, ""},
		"invoice: JSON date":       {KindInvoice, JSON, swap(goods, `"issue_date": "2026`, `"issue_date": "0000`), CodeInvalid, "date.invalid at issue_date"},
		"invoice: JSON currency":   {KindInvoice, JSON, swap(goods, `"currency": "EUR"`, `"currency": "EUX"`), CodeInvalid, "currency.unknown at currency"},
		"invoice: JSON twice":      {KindInvoice, JSON, swap(goods, `{`, `{"number":"1",`), CodeUnreadable, "json.duplicate at number"},
		"invoice: XML amount":      {KindInvoice, XML, swap(goodsXML, `</cbc:PayableAmount>`, `x</cbc:PayableAmount>`), CodeInvalid, "ubl.amount at /"},
		"invoice: XML DTD":         {KindInvoice, XML, "<!DOCTYPE a>" + goodsXML[strings.Index(goodsXML, "?>")+2:], CodeUnreadable, "xml.dtd at line 1, column 1"},
	} {
		n, err := read(test.kind, test.media, []byte(test.content))
		if n != 0 || code(err) != test.code || !strings.HasPrefix(firstField(err), test.field) {
			t.Errorf("%s: %d documents, code %s, field %q\n%v", name, n, code(err), firstField(err), err)
		}
	}
}

// Tables come as CSV in either language, and as XLSX.
func TestOrderTables(t *testing.T) {
	for _, lang := range []string{"en", "fr"} {
		for media, format := range map[string]sheet.Format{CSV: sheet.CSV, XLSX: sheet.XLSX} {
			b, err := sheet.Template(format, lang)
			if err != nil {
				t.Fatal(err)
			}
			list, err := Orders(media, b)
			if err != nil || len(list) != 1 || len(list[0].Lines) != 2 || list[0].Number != "4500001234" || list[0].Lines[1].Quantity.String() != "4.5" {
				t.Errorf("%s %s: %d orders, %v", lang, format, len(list), err)
			}
		}
	}
}
