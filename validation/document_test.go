package validation_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/validation"
)

func invoiceDocument(t testing.TB) *validation.Document {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "invoice.xml"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := validation.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIdentify(t *testing.T) {
	const cii = `<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
		xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
		xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"><rsm:ExchangedDocumentContext>
		<ram:BusinessProcessSpecifiedDocumentContextParameter><ram:ID>A1</ram:ID></ram:BusinessProcessSpecifiedDocumentContextParameter>
		<ram:GuidelineSpecifiedDocumentContextParameter><ram:ID> urn:cen.eu:en16931:2017 </ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
		</rsm:ExchangedDocumentContext><rsm:ExchangedDocument><ram:IssueDateTime><udt:DateTimeString format="102">20261102</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
		</rsm:CrossIndustryInvoice>`
	tests := map[string]validation.Identity{
		`<a/>`: {Syntax: "xml", Root: "a"},
		cii: {
			Syntax: "cii", Root: "CrossIndustryInvoice", Namespace: "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
			Customization: "urn:cen.eu:en16931:2017", Profile: "A1", IssueDate: "2026-11-02",
		},
		`<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2" xmlns:c="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"><c:IssueDate>2026-02-30</c:IssueDate></Order>`: {
			Syntax: "ubl", Root: "Order", Namespace: "urn:oasis:names:specification:ubl:schema:xsd:Order-2",
		},
	}
	for text, want := range tests {
		d, err := validation.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, d.Identity); diff != "" {
			t.Errorf("%.40s (-want +got):\n%s", text, diff)
		}
	}
	want := validation.Identity{
		Syntax: "ubl", Root: "Invoice", Namespace: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
		Customization: "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
		Profile:       "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0", IssueDate: "2026-11-02",
	}
	if diff := cmp.Diff(want, invoiceDocument(t).Identity); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	tests := map[string]struct {
		text, rule   string
		line, column int
	}{
		"DTD":       {"<?xml version='1.0'?>\n<!DOCTYPE a><a/>", "xml.dtd", 2, 1},
		"malformed": {"<a>\n <b></a>", "xml.malformed", 2, 5},
		"empty":     {"", "xml.empty", 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := validation.Parse([]byte(test.text))
			var s *validation.SyntaxError
			if !errors.As(err, &s) {
				t.Fatalf("error %v", err)
			}
			r := validation.Refused([]byte(test.text), err)
			if r.Valid || len(r.Verdicts) != 1 || r.Verdicts[0].OK() || !r.Verdicts[0].Ran || r.Verdicts[0].Stage != validation.StageXML {
				t.Fatalf("result %+v", r)
			}
			f := r.Verdicts[0].Findings[0]
			if f.Rule != test.rule || f.Line != test.line || f.Column != test.column || f.Severity != validation.SeverityFatal || f.Message == "" {
				t.Errorf("finding %+v", f)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	d := invoiceDocument(t)
	const ns = "urn:oasis:names:specification:ubl:schema:xsd:"
	line2 := "/ubl:Invoice[1]/cac:InvoiceLine[2]"
	tests := map[string]validation.Place{
		"/": {Location: "/ubl:Invoice[1]", Line: 2, Column: 1},
		"/*:Invoice[namespace-uri()='" + ns + "Invoice-2'][1]/*:InvoiceLine[namespace-uri()='" + ns + "CommonAggregateComponents-2'][2]": {
			Location: line2, Line: 21, Column: 2, Terms: []string{"BG-25"},
		},
		"/*[local-name()='Invoice' and namespace-uri()='" + ns + "Invoice-2'][1]/*[local-name()='InvoiceLine'][2]/*[local-name()='ID'][1]": {
			Location: line2 + "/cbc:ID[1]", Line: 22, Column: 3, Value: "2", Terms: []string{"BT-126"},
		},
		"/ubl:Invoice[1]/cac:InvoiceLine[2]/cbc:InvoicedQuantity[1]/@unitCode": {
			Location: line2 + "/cbc:InvoicedQuantity[1]/@unitCode", Line: 23, Column: 3, Value: "C62", Terms: []string{"BT-130"},
		},
		"/Invoice/cac:AllowanceCharge[1]/b:Amount": {
			Location: "/ubl:Invoice[1]/cac:AllowanceCharge[1]/cbc:Amount[1]", Line: 17, Column: 66, Value: "1.234", Terms: []string{"BT-99"},
		},
		"/Invoice/cac:AllowanceCharge[2]/b:Amount": {
			Location: "/ubl:Invoice[1]/cac:AllowanceCharge[2]/cbc:Amount[1]", Line: 18, Column: 67, Value: "2", Terms: []string{"BT-92"},
		},
		"/Invoice/cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification[1]/cbc:ID": {
			Location: "/ubl:Invoice[1]/cac:AccountingSupplierParty[1]/cac:Party[1]/cac:PartyIdentification[1]/cbc:ID[1]",
			Line:     11, Column: 29, Value: "DE98ZZZ09999999999", Terms: []string{"BT-90"},
		},
		"/Invoice/cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme[2]/cbc:CompanyID": {
			Location: "/ubl:Invoice[1]/cac:AccountingSupplierParty[1]/cac:Party[1]/cac:PartyTaxScheme[2]/cbc:CompanyID[1]",
			Line:     14, Column: 24, Value: "77", Terms: []string{"BT-32"},
		},
		"/Invoice/cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme[1]/cac:TaxScheme/cbc:ID": {
			Location: "/ubl:Invoice[1]/cac:AccountingSupplierParty[1]/cac:Party[1]/cac:PartyTaxScheme[1]/cac:TaxScheme[1]/cbc:ID[1]",
			Line:     13, Column: 79, Value: "VAT", Terms: []string{"BG-4"},
		},
	}
	for path, want := range tests {
		got, ok := d.Locate(path)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("Locate(%q) = %v (-want +got):\n%s", path, ok, diff)
		}
	}
	for _, path := range []string{
		"", "Invoice", "/Order", "/Invoice/cac:InvoiceLine[3]", "/Invoice/cac:InvoiceLine[0]", "/Invoice/@id", "/Invoice//cbc:ID",
		"/Invoice/@a/b", "/Invoice[cbc:ID='1']", "/Invoice/cac:InvoiceLine[", "/*", "/Invoice/text()", "/x:Invoice[1]/cac:TaxTotal[1]",
		"/*:Invoice[namespace-uri()='urn:other'][1]",
	} {
		if p, ok := d.Locate(path); ok {
			t.Errorf("Locate(%q) = %+v", path, p)
		}
	}
}

// Every element is found again by its own location.
func TestElementsAndLocationsAgree(t *testing.T) {
	d := invoiceDocument(t)
	seen := map[string]bool{}
	for n := 1; ; n++ {
		p, ok := d.Element(n)
		if !ok {
			if n-1 != 32 {
				t.Errorf("%d elements", n-1)
			}
			break
		}
		again, ok := d.Locate(p.Location)
		if diff := cmp.Diff(p, again); !ok || diff != "" || seen[p.Location] {
			t.Errorf("element %d at %s: %v\n%s", n, p.Location, ok, diff)
		}
		seen[p.Location] = true
	}
}

func FuzzLocate(f *testing.F) {
	seeds := []string{
		"/", "/*:Invoice[namespace-uri()='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'][1]/*:TaxTotal[1]",
		"/*[local-name()='Invoice'][1]/@x", "/ubl:Invoice[1]/cac:InvoiceLine[2]/cbc:ID[1]", "/a[']']",
	}
	for _, s := range seeds {
		f.Add(s)
	}
	d := invoiceDocument(f)
	f.Fuzz(func(t *testing.T, path string) {
		p, ok := d.Locate(path)
		if !ok {
			return
		}
		again, ok := d.Locate(p.Location)
		if diff := cmp.Diff(p, again); !ok || diff != "" || !strings.HasPrefix(p.Location, "/ubl:Invoice[1]") || p.Line < 2 {
			t.Errorf("%q leads to %+v", path, p)
		}
	})
}
