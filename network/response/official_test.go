package response_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
	"facteur.dev/facteur/network/response"
	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
	"facteur.dev/facteur/validation/xsd"
)

// official gives the official checks with the rule packs that were synced.
func official(t *testing.T) func(document []byte) validation.Result {
	t.Helper()
	catalogue, err := schemas.Open(need(t, filepath.Join(repository(t), ".facteur", "packs"), "the official rules were not run"))
	if err != nil {
		t.Fatal(err)
	}
	schema := xsd.New()
	t.Cleanup(func() { _ = schema.Close() })
	checks := validation.Automatic{Official: validation.NewOfficial(catalogue, schema, schematron.New(schematron.XSLT{}))}
	return func(document []byte) validation.Result {
		return checks.Check(context.WithoutCancel(t.Context()), document, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	}
}

// Whatever the writers write passes XSD and the rules of its transaction, with
// every code and reason there is.
func TestOfficialRules(t *testing.T) {
	check := official(t)
	passes := func(name, rules string, b []byte, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		r := check(b)
		var ran []string
		for _, v := range r.Verdicts {
			ran = append(ran, v.Stage+" "+v.RuleSet)
			if !v.Ran {
				t.Errorf("%s: %s did not run: %s", name, v.RuleSet, v.Reason)
			}
			for _, f := range v.Findings {
				t.Errorf("%s: %s %s at %s: %s", name, f.Rule, f.Severity, f.Location, f.Message)
			}
		}
		if diff := cmp.Diff([]string{"xsd ubl-2.1", "schematron " + rules}, ran); diff != "" || !r.Valid {
			t.Errorf("%s: valid %v, checked by (-want +got):\n%s", name, r.Valid, diff)
		}
	}
	for _, code := range []response.Code{
		response.MessageAcknowledgement, response.InProcess, response.UnderQuery, response.Conditionally, response.Rejected, response.Accepted, response.Paid,
	} {
		r := refusal()
		r.Code = code
		b, err := response.WriteInvoice(r)
		passes(string(code), "peppol-t111", b, err)
	}
	every := refusal()
	every.Code, every.DateOnly, every.Clarifications = response.Paid, true, nil
	for list, codes := range map[string]string{
		response.ListReason: "NON REF LEG REC QUA DEL PRI QTY ITM PAY UNR FIN PPD OTH", response.ListAction: "NOA PIN NIN CNF CNP CNA OTH",
	} {
		for code := range strings.FieldsSeq(codes) {
			every.Clarifications = append(every.Clarifications, response.Clarification{List: list, Code: code, Text: "why"})
		}
	}
	b, err := response.WriteInvoice(every)
	passes("every clarification", "peppol-t111", b, err)
	bare := refusal()
	bare.Note, bare.Sender.ID, bare.EffectiveDate, bare.IssueDate, bare.Clarifications, bare.Code = "", invoice.Identifier{}, invoice.Date{}, nil, nil, response.Accepted
	b, err = response.WriteInvoice(bare)
	passes("bare", "peppol-t111", b, err)

	for _, code := range []response.Code{response.MessageAcknowledgement, response.Accepted, response.Rejected} {
		m := message()
		m.Code = code
		b, err := response.WriteMessage(m)
		passes("message "+string(code), "peppol-t71", b, err)
		m.Findings, m.Description, m.DateOnly = nil, "", true
		b, err = response.WriteMessage(m)
		passes("bare message "+string(code), "peppol-t71", b, err)
	}
}

func TestReadsTheExamples(t *testing.T) {
	dir := filepath.Join(need(t, filepath.Join(repository(t), "..", "shared", "corpora"), "the examples of Peppol were not read"), "peppol-poacc", "examples")
	example, err := response.ReadInvoice(read(t, filepath.Join(dir, "InvoiceResponse_Example.xml")))
	if err != nil {
		t.Fatal(err)
	}
	issued := date("2018-09-22")
	want := response.Invoice{
		ID: "imrid001", IssuedAt: time.Date(2017, 12, 1, 12, 0, 0, 0, time.UTC), Note: "text",
		Sender:   response.Party{Endpoint: invoice.Identifier{Value: "5798000012349", Scheme: "0088"}, ID: invoice.Identifier{Value: "DK88776655", Scheme: "0184"}, Name: "Buyer organization"},
		Receiver: response.Party{Endpoint: invoice.Identifier{Value: "7330001000000", Scheme: "0088"}, ID: invoice.Identifier{Value: "987654325", Scheme: "0192"}, Name: "Seller company"},
		Code:     response.Rejected, EffectiveDate: date("2018-09-24"), Number: "inv021", IssueDate: &issued, TypeCode: "380",
		Clarifications: []response.Clarification{{List: response.ListAction, Code: "NOA", Text: "VAT Reference not found", Conditions: []response.Condition{{Term: "BT-48", Text: "EU123456789"}}}},
	}
	if diff := cmp.Diff(want, example, dates); diff != "" {
		t.Errorf("InvoiceResponse_Example (-want +got):\n%s", diff)
	}

	seller := response.Party{Endpoint: invoice.Identifier{Value: "6841569459", Scheme: "0196"}, Name: "Seller company"}
	for name, c := range map[string]struct {
		code      response.Code
		sender    string
		effective string
		said      []response.Clarification
	}{
		"T111-uc001-Invoice in process": {code: response.InProcess},
		"T111-uc002b-In process but postponed": {code: response.InProcess, effective: "2017-12-15", said: []response.Clarification{
			{Text: "Shipment has not yet been received. Invoice processing will be attempted later."},
		}},
		"T111-uc004a-Invoice is rejected":             {code: response.Rejected},
		"T111-uc004c-Rejected requesting replacement": {code: response.Rejected},
		"T111-uc006a-Under query missing information": {code: response.UnderQuery, effective: "2017-12-02", said: []response.Clarification{
			{List: response.ListReason, Code: "REF", Conditions: []response.Condition{{Term: "BT-13", Text: "PO0001"}}}, {List: response.ListAction, Code: "PIN"},
		}},
		"T111-uc006c-Wrong detail partial credit": {code: response.UnderQuery, said: []response.Clarification{
			{List: response.ListReason, Code: "DEL", Text: "Delivered quantity for line number 1 was 2 units but invoiced quantity is 5 units. Send credit note for 3 unit."},
			{List: response.ListAction, Code: "CNP"},
		}},
		"T111-uc008-Invoice is accepted by third party": {code: response.Accepted, sender: "Invoice processing service"},
	} {
		got, err := response.ReadInvoice(read(t, filepath.Join(dir, "Invoice reponse use cases", name+".xml")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Code != c.code || got.Number != "inv021" || got.TypeCode != "380" || got.IssueDate != nil || !got.DateOnly || got.IssuedAt.Year() != 2017 {
			t.Errorf("%s: %+v", name, got)
		}
		if diff := cmp.Diff(seller, got.Receiver); diff != "" {
			t.Errorf("%s: seller (-want +got):\n%s", name, diff)
		}
		if c.sender != "" && got.Sender.Name != c.sender || got.Sender.Endpoint != (invoice.Identifier{Value: "6963495890", Scheme: "0196"}) {
			t.Errorf("%s: sender %+v", name, got.Sender)
		}
		if c.effective != "" && got.EffectiveDate != date(c.effective) {
			t.Errorf("%s: effective %s", name, got.EffectiveDate)
		}
		if diff := cmp.Diff(c.said, got.Clarifications); c.said != nil && diff != "" {
			t.Errorf("%s: clarifications (-want +got):\n%s", name, diff)
		}
	}

	m, err := response.ReadMessage(read(t, filepath.Join(dir, "MessageLevelResponse_Example.xml")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(response.Message{
		ID: "MLR-ID123", IssuedAt: time.Date(2016, 8, 15, 12, 0, 0, 0, time.UTC),
		Sender: invoice.Identifier{Value: "7300010000001", Scheme: "0088"}, Receiver: invoice.Identifier{Value: "7315458756328", Scheme: "0088"},
		Code: response.Rejected, Description: "Rejected due to validation errore", MessageID: "EnvelopeID-12456789",
		Findings: []response.Finding{{
			Location: "/Catalogue/cac:CatalogueLine[3]/cac:Item[1]/cac:ClassifiedTaxCategory[1]/cbc:ID[1]", Reason: response.ReasonFatal,
			Description: "Validation gives error [CL-T77-R002]- Tax categories MUST be coded using UN/ECE 5305 code list",
		}},
	}, m); diff != "" {
		t.Errorf("MessageLevelResponse_Example (-want +got):\n%s", diff)
	}
}

// Every document of the corpora is either read or refused by both readers, and
// the examples of responses, written again, pass the official rules.
func TestReadersOverTheCorpora(t *testing.T) {
	root := need(t, filepath.Join(repository(t), "..", "shared", "corpora"), "no document of the corpora was read")
	check := official(t)
	invoices, messages, other := 0, 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".xml" {
			return err
		}
		b := read(t, path)
		name, _ := filepath.Rel(root, path)
		customization := response.Customization(b)
		in, errInvoice := response.ReadInvoice(b)
		m, errMessage := response.ReadMessage(b)
		switch customization {
		case response.InvoiceCustomization:
			invoices++
			if errInvoice != nil || errMessage == nil {
				t.Errorf("%s: %v, %v", name, errInvoice, errMessage)
				return nil
			}
			again, err := response.WriteInvoice(in)
			if strings.Contains(path, "examples") && (err != nil || !check(again).Valid) {
				t.Errorf("%s: written again: %v %+v", name, err, check(again).Failures())
			}
		case response.MessageCustomization:
			messages++
			again, err := response.WriteMessage(m)
			if errMessage != nil || errInvoice == nil || err != nil || !check(again).Valid {
				t.Errorf("%s: %v, %v, %v", name, errInvoice, errMessage, err)
			}
		default:
			other++
			if errInvoice == nil || errMessage == nil {
				t.Errorf("%s: read although its customization is %q", name, customization)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if invoices < 8 || messages < 2 || other < 500 {
		t.Errorf("only %d invoice responses, %d message responses and %d others seen", invoices, messages, other)
	}
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	dir := need(t, filepath.Join(repository(t), "..", "shared", "corpora", "malicious-xml"), "no hostile document was tried")
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		b := read(t, path)
		start := time.Now()
		_, errInvoice := response.ReadInvoice(b)
		_, errMessage := response.ReadMessage(b)
		if errInvoice == nil || errMessage == nil || response.Customization(b) != "" {
			t.Errorf("%s: %v, %v", path, errInvoice, errMessage)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: took %v", path, took)
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d files, %v", seen, err)
	}
}

func TestRefusesWhatIsNoResponse(t *testing.T) {
	good := string(read(t, "testdata/invoice-response.xml"))
	for name, c := range map[string]struct {
		document string
		xml      bool // refused by the XML reader
	}{
		"nothing":              {"", true},
		"no XML":               {"%PDF-1.7", true},
		"cut short":            {good[:len(good)-30], true},
		"document type":        {strings.Replace(good, "<ApplicationResponse", "<!DOCTYPE x><ApplicationResponse", 1), true},
		"an invoice":           {`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>`, false},
		"another namespace":    {strings.Replace(good, "ApplicationResponse-2", "ApplicationResponse-3", 1), false},
		"another transaction":  {strings.Replace(good, "trns:invoice_response:3", "trns:invoice_response:4", 1), false},
		"no date":              {strings.Replace(good, "<cbc:IssueDate>2026-11-20</cbc:IssueDate>", "", 1), false},
		"impossible date":      {strings.Replace(good, "2026-11-20", "2026-11-31", 1), false},
		"impossible time":      {strings.Replace(good, "09:30:05Z", "25:30:05Z", 1), false},
		"impossible effective": {strings.Replace(good, "2026-11-21", "2026-02-30", 1), false},
		"impossible invoice":   {strings.Replace(good, "2026-11-02", "2026-13-02", 1), false},
		"huge date":            {strings.Replace(good, "2026-11-20", strings.Repeat("9", 1<<20), 1), false},
	} {
		_, err := response.ReadInvoice([]byte(c.document))
		var parse *xmltree.Error
		if err == nil || errors.As(err, &parse) != c.xml || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v", name, err)
		}
		if _, err := response.ReadMessage([]byte(c.document)); err == nil {
			t.Errorf("%s: read as a message level response", name)
		}
	}
}

func need(t testing.TB, dir, otherwise string) string {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", dir, otherwise)
	}
	t.Skipf("%s is missing: %s", dir, otherwise)
	return ""
}

// repository is the folder of go.mod above this file.
func repository(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	for dir := filepath.Dir(file); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above this test")
	return ""
}
