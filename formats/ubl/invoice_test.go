package ubl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/invoice/invoicetest"
)

// samples are our own invoices by name.
func samples(t testing.TB) map[string]*invoice.Invoice {
	t.Helper()
	files, err := filepath.Glob("../invoice/testdata/*.json")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d sample invoices, error %v", len(files), err)
	}
	list := make(map[string]*invoice.Invoice)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := invoice.ReadJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list[strings.TrimSuffix(filepath.Base(file), ".json")] = inv
	}
	return list
}

func TestSamplesAreWrittenAndReadBack(t *testing.T) {
	for name, inv := range samples(t) {
		t.Run(name, func(t *testing.T) {
			written, err := Write(inv)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".xml"), written)
			read, report, err := Read(written)
			if err != nil {
				t.Fatal(err)
			}
			if !report.Complete() {
				t.Errorf("report of our own document: %+v", report)
			}
			if diff := lost(terms(inv), terms(read)); len(diff) > 0 {
				t.Errorf("terms differ:\n%s", strings.Join(diff, "\n"))
			}
		})
	}
}

// TestWrittenInvoicesAreReadBack draws invoices with every term and expects each
// of them again.
func TestWrittenInvoicesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		written, err := Write(inv)
		if err != nil {
			t.Fatal(err)
		}
		read, report, err := Read(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !report.Complete() {
			t.Fatalf("report of our own document: %+v", report)
		}
		if diff := lost(terms(inv), terms(read)); len(diff) > 0 {
			t.Fatalf("terms differ:\n%s\n%s", strings.Join(diff, "\n"), written)
		}
		again, err := Write(read)
		if err != nil || !bytes.Equal(again, written) {
			t.Fatalf("written twice, the documents differ: %v\n%s\n%s", err, written, again)
		}
	})
}

// readError is the one error that reading gives.
func readError(t *testing.T, src string) *Error {
	t.Helper()
	inv, _, err := Read([]byte(src))
	var one *Error
	if inv != nil || !errors.As(err, &one) {
		t.Fatalf("got %v, %v", inv, err)
	}
	return one
}

func TestReadRefuses(t *testing.T) {
	golden, err := os.ReadFile("testdata/goods.xml")
	if err != nil {
		t.Fatal(err)
	}
	attached, err := os.ReadFile("testdata/attachments.xml")
	if err != nil {
		t.Fatal(err)
	}
	change := func(src []byte, old, new string) string {
		if !bytes.Contains(src, []byte(old)) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(string(src), old, new, 1)
	}
	for name, c := range map[string]struct{ src, code, path string }{
		"empty":          {"", "xml.empty", ""},
		"not XML":        {"{}", "xml.malformed", ""},
		"cut off":        {string(golden[:2000]), "xml.malformed", ""},
		"DTD":            {change(golden, "<Invoice", `<!DOCTYPE x [<!ENTITY a "b">]><Invoice`), "xml.dtd", ""},
		"another root":   {`<Order xmlns="urn:x"/>`, CodeRoot, "/Order[1]"},
		"no namespace":   {`<Invoice/>`, CodeRoot, "/Invoice[1]"},
		"UBL order":      {`<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>`, CodeRoot, "/Order[1]"},
		"date":           {change(golden, "2026-11-16", "16.11.2026"), CodeDate, "/Invoice[1]/cbc:IssueDate[1]"},
		"impossible day": {change(golden, "2026-12-16", "2026-02-30"), CodeDate, "/Invoice[1]/cbc:DueDate[1]"},
		"amount":         {change(golden, ">1047.57<", ">1.047,57<"), CodeAmount, "/Invoice[1]/cac:LegalMonetaryTotal[1]/cbc:TaxInclusiveAmount[1]"},
		"exponent":       {change(golden, ">24.90<", ">2.49E1<"), CodeAmount, "/Invoice[1]/cac:InvoiceLine[1]/cac:Price[1]/cbc:PriceAmount[1]"},
		"quantity":       {change(golden, ">12<", ">a dozen<"), CodeAmount, "/Invoice[1]/cac:InvoiceLine[1]/cbc:InvoicedQuantity[1]"},
		"currency":       {change(golden, `<cbc:PriceAmount currencyID="EUR"`, `<cbc:PriceAmount currencyID="USD"`), CodeCurrency, "/Invoice[1]/cac:InvoiceLine[1]/cac:Price[1]/cbc:PriceAmount[1]"},
		"no currency":    {change(golden, `<cbc:PriceAmount currencyID="EUR"`, `<cbc:PriceAmount`), CodeCurrency, "/Invoice[1]/cac:InvoiceLine[1]/cac:Price[1]/cbc:PriceAmount[1]"},
		"credit note as invoice": {
			change(golden, ">380<", ">381<"), CodeKind, "/Invoice[1]/cbc:InvoiceTypeCode[1]",
		},
		"indicator": {
			change(golden, "<cac:TaxTotal>", "<cac:AllowanceCharge><cbc:ChargeIndicator>no</cbc:ChargeIndicator></cac:AllowanceCharge><cac:TaxTotal>"),
			CodeBoolean, "/Invoice[1]/cac:AllowanceCharge[1]/cbc:ChargeIndicator[1]",
		},
		"base64": {
			change(attached, "ZGF5", "ZG$5"), CodeBase64,
			"/Invoice[1]/cac:AdditionalDocumentReference[2]/cac:Attachment[1]/cbc:EmbeddedDocumentBinaryObject[1]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := readError(t, c.src)
			if got.Code != c.code || got.Path != c.path || got.Line < 1 {
				t.Errorf("got %s at %s line %d, want %s at %s", got.Code, got.Path, got.Line, c.code, c.path)
			}
		})
	}
}

func TestReadErrorHasTheLine(t *testing.T) {
	got := readError(t, "<Invoice xmlns=\""+nsInvoice+"\" xmlns:c=\""+nsCBC+"\">\n\n  <c:IssueDate>soon</c:IssueDate>\n</Invoice>")
	if got.Line != 3 || got.Column != 3 || got.Path != "/Invoice[1]/c:IssueDate[1]" {
		t.Errorf("got %+v", got)
	}
}

func TestReadStopsAtManyErrors(t *testing.T) {
	src := "<Invoice xmlns=\"" + nsInvoice + "\" xmlns:a=\"" + nsCAC + "\" xmlns:b=\"" + nsCBC + "\">" +
		strings.Repeat("<a:InvoiceLine><b:InvoicedQuantity>x</b:InvoicedQuantity></a:InvoiceLine>", 1000) + "</Invoice>"
	_, _, err := Read([]byte(src))
	var list Errors
	if !errors.As(err, &list) || len(list) != maxErrors+1 || list[maxErrors].Code != CodeTooMany {
		t.Errorf("%d errors", len(list))
	}
}

func TestReadLimitsTheLines(t *testing.T) {
	src := "<Invoice xmlns=\"" + nsInvoice + "\" xmlns:a=\"" + nsCAC + "\">" +
		strings.Repeat("<a:InvoiceLine/>", maxRepeated+1) + "</Invoice>"
	if got := readError(t, src); got.Code != CodeTooLarge {
		t.Errorf("got %v", got)
	}
}

func TestReportIsLimited(t *testing.T) {
	src := "<Invoice xmlns=\"" + nsInvoice + "\" xmlns:a=\"" + nsCAC + "\">" +
		strings.Repeat("<a:InvoiceLine/>", 10_000) + strings.Repeat("<a:Odd/>", 10_000) + "</Invoice>"
	_, report, err := Read([]byte(src))
	if err != nil || len(report.Unmodelled) != maxReported || len(report.Missing) != maxReported || report.More < 38_000 {
		t.Errorf("%d unmodelled, %d missing, %d more, %v", len(report.Unmodelled), len(report.Missing), report.More, err)
	}
}

// TestReport reads a document that says more than the model, and less.
func TestReport(t *testing.T) {
	inv, report, err := Read([]byte(`<Invoice xmlns="` + nsInvoice + `" xmlns:a="` + nsCAC + `" xmlns:b="` + nsCBC + `">
<b:UBLVersionID>2.1</b:UBLVersionID>
<b:IssueDate>2026-11-21+01:00</b:IssueDate>
<b:Note languageID="de">Hallo</b:Note>
<a:Delivery><b:TrackingID>T-1</b:TrackingID></a:Delivery>
<a:Delivery><b:TrackingID>T-2</b:TrackingID></a:Delivery>
<b:Empty/>
<a:LegalMonetaryTotal><b:PayableAmount currencyID="EUR">1.00</b:PayableAmount></a:LegalMonetaryTotal>
<a:InvoiceLine><b:LineExtensionAmount currencyID="EUR">1</b:LineExtensionAmount></a:InvoiceLine>
</Invoice>`))
	if err != nil {
		t.Fatal(err)
	}
	if inv.Currency != "EUR" || inv.IssueDate.String() != "2026-11-21" || inv.Totals.AmountDue.String() != "1.00" {
		t.Errorf("read %+v", inv)
	}
	var got []string
	for _, e := range report.Unmodelled {
		got = append(got, fmt.Sprintf("%d %s %s", e.Line, e.Path, e.Value))
	}
	for _, m := range report.Missing {
		got = append(got, fmt.Sprintf("%d %s %s", m.Line, m.Path, m.Term))
	}
	want := []string{
		"3 /Invoice[1]/b:IssueDate[1] 2026-11-21+01:00",
		"2 /Invoice[1]/b:UBLVersionID[1] 2.1",
		"4 /Invoice[1]/b:Note[1]/@languageID de",
		"5 /Invoice[1]/a:Delivery[1]/b:TrackingID[1] T-1",
		"6 /Invoice[1]/a:Delivery[2] ",
		"7 /Invoice[1]/b:Empty[1] ",
		"1 /Invoice[1] BT-3",
		"1 /Invoice[1] BT-5",
		"8 /Invoice[1]/a:LegalMonetaryTotal[1] BT-106",
		"8 /Invoice[1]/a:LegalMonetaryTotal[1] BT-109",
		"8 /Invoice[1]/a:LegalMonetaryTotal[1] BT-112",
		"9 /Invoice[1]/a:InvoiceLine[1] BT-146",
		"9 /Invoice[1]/a:InvoiceLine[1] BT-129",
	}
	slices.Sort(got)
	slices.Sort(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*invoice.Invoice)
		path, code string
	}{
		"number":         {func(i *invoice.Invoice) { i.Number = "" }, "number", CodeRequired},
		"issue date":     {func(i *invoice.Invoice) { i.IssueDate = invoice.Date{} }, "issue_date", CodeRequired},
		"currency":       {func(i *invoice.Invoice) { i.Currency = "" }, "currency", CodeRequired},
		"lines":          {func(i *invoice.Invoice) { i.Lines = nil }, "lines", CodeRequired},
		"line id":        {func(i *invoice.Invoice) { i.Lines[1].ID = "" }, "lines[1].id", CodeRequired},
		"VAT":            {func(i *invoice.Invoice) { i.Totals.VAT = nil }, "totals.vat", CodeRequired},
		"VAT currency":   {func(i *invoice.Invoice) { i.Totals.VATInAccountingCurrency = new(invoice.Decimal) }, "vat_currency", CodeRequired},
		"means":          {func(i *invoice.Invoice) { i.Payment.MeansCode = "" }, "payment.means_code", CodeRequired},
		"card":           {func(i *invoice.Invoice) { i.Payment.Card = &invoice.Card{HolderName: "X"} }, "payment.card.account_number", CodeRequired},
		"base unit":      {func(i *invoice.Invoice) { i.Lines[0].Price.BaseUnit = "C62" }, "lines[0].price.base_quantity", CodeRequired},
		"scheme alone":   {func(i *invoice.Invoice) { i.Buyer.Identifier.Scheme = "0088" }, "buyer.identifier.value", CodeRequired},
		"scheme version": {func(i *invoice.Invoice) { i.InvoicedObject = invoice.Identifier{Value: "1", SchemeVersion: "2"} }, "invoiced_object.scheme_version", CodeNoPlace},
		"subject":        {func(i *invoice.Invoice) { i.Notes[0].SubjectCode = "ABCD" }, "notes[0].subject_code", CodeNoPlace},
		"preceding":      {func(i *invoice.Invoice) { i.PrecedingInvoices = []invoice.PrecedingInvoice{{}} }, "preceding_invoices[0].number", CodeRequired},
		"document":       {func(i *invoice.Invoice) { i.SupportingDocuments = []invoice.SupportingDocument{{}} }, "supporting_documents[0].reference", CodeRequired},
		"MIME": {func(i *invoice.Invoice) {
			i.SupportingDocuments = []invoice.SupportingDocument{{Reference: "1", Attachment: new(invoice.Attachment)}}
		}, "supporting_documents[0].attachment.mime_code", CodeRequired},
		"attribute":    {func(i *invoice.Invoice) { i.Lines[0].Item.Attributes[1].Name = "" }, "lines[0].item.attributes[1].name", CodeRequired},
		"control":      {func(i *invoice.Invoice) { i.Seller.Name = "a\x01b" }, "seller.name", CodeCharacter},
		"not UTF-8":    {func(i *invoice.Invoice) { i.Seller.Name = "a\xffb" }, "seller.name", CodeCharacter},
		"noncharacter": {func(i *invoice.Invoice) { i.PaymentTerms = "\uFFFE" }, "payment_terms", CodeCharacter},
		"third party": {func(i *invoice.Invoice) {
			i.TypeCode = "381"
			i.Extensions = &invoice.Extensions{ThirdPartyPayments: make([]invoice.ThirdPartyPayment, 1)}
		}, "extensions.third_party_payments", CodeNoPlace},
	} {
		t.Run(name, func(t *testing.T) {
			inv := samples(t)["goods"]
			c.change(inv)
			out, err := Write(inv)
			var problems invoice.FieldErrors
			if out != nil || !errors.As(err, &problems) || len(problems) != 1 || problems[0].Path != c.path || problems[0].Code != c.code {
				t.Errorf("got %v, want %s at %s", err, c.code, c.path)
			}
		})
	}
}

// TestWriteExtensions writes what no sample has.
func TestWriteExtensions(t *testing.T) {
	inv := samples(t)["goods"]
	inv.SalesOrderReference, inv.PurchaseOrderReference = "SO-1", ""
	inv.Extensions = &invoice.Extensions{
		AdditionalPayments: []invoice.PaymentInstructions{{MeansCode: "48", Card: &invoice.Card{AccountNumber: "1234"}}},
		ThirdPartyPayments: []invoice.ThirdPartyPayment{{
			Type: "toll", Amount: invoice.MustDecimal("5.00"), Description: "Toll collected for the state",
		}},
	}
	sub := inv.Lines[0]
	sub.ID = "1.1"
	sub.Extensions = &invoice.LineExtensions{SubLines: []invoice.Line{inv.Lines[2]}}
	inv.Lines[0].Extensions = &invoice.LineExtensions{SubLines: []invoice.Line{sub, inv.Lines[1]}}
	for _, code := range []string{"380", "381"} {
		inv.TypeCode = code
		if code == "381" {
			inv.Extensions.ThirdPartyPayments = nil
		}
		out, err := Write(inv)
		if err != nil {
			t.Fatal(err)
		}
		read, report, err := Read(out)
		if err != nil || !report.Complete() {
			t.Fatalf("%v, %+v", err, report)
		}
		if diff := lost(terms(inv), terms(read)); len(diff) > 0 {
			t.Errorf("type %s: terms differ:\n%s", code, strings.Join(diff, "\n"))
		}
	}
}

// TestWhiteSpaceOfPaymentTermsIsKept has the discount terms of a German invoice,
// where each line must end in a line feed.
func TestWhiteSpaceOfPaymentTermsIsKept(t *testing.T) {
	inv := samples(t)["reverse_charge"]
	inv.PaymentTerms = "#SKONTO#TAGE=14#PROZENT=2.00#\n#SKONTO#TAGE=30#PROZENT=1.00#\n"
	out, err := Write(inv)
	if err != nil {
		t.Fatal(err)
	}
	read, _, err := Read(out)
	if err != nil || read.PaymentTerms != inv.PaymentTerms {
		t.Errorf("%q, %v", read.PaymentTerms, err)
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	if len(files) < 12 {
		f.Fatalf("only %d seeds", len(files))
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		inv, _, err := Read(src)
		if err != nil {
			var one *Error
			if inv != nil || !errors.As(err, &one) || one.Code == "" {
				t.Fatalf("%v, %v", inv, err)
			}
			return
		}
		written, err := Write(inv)
		if err != nil {
			var problems invoice.FieldErrors
			if !errors.As(err, &problems) {
				t.Fatal(err)
			}
			return
		}
		again, report, err := Read(written)
		if err != nil {
			t.Fatalf("our own document is refused: %v\n%s", err, written)
		}
		if len(report.Unmodelled) > 0 {
			t.Fatalf("report of our own document: %+v\n%s", report, written)
		}
		if diff := lost(terms(inv), terms(again)); len(diff) > 0 {
			t.Fatalf("terms differ:\n%s\n%s", strings.Join(diff, "\n"), written)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	src := benchmarkDocument(b)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, _, err := Read(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	inv, _, err := Read(benchmarkDocument(b))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Write(inv); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkDocument is an invoice of about 21 kB.
func benchmarkDocument(b *testing.B) []byte {
	inv := samples(b)["goods"]
	for i := range 10 {
		l := inv.Lines[i%4]
		l.ID = fmt.Sprint(5 + i)
		inv.Lines = append(inv.Lines, l)
	}
	if err := invoice.Calculate(inv); err != nil {
		b.Fatal(err)
	}
	src, err := Write(inv)
	if err != nil {
		b.Fatal(err)
	}
	if len(src) < 20_000 || len(src) > 22_500 {
		b.Fatalf("%d bytes", len(src))
	}
	return src
}
