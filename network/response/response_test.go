package response_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/network/response"
)

var update = flag.Bool("update", false, "write the golden files anew")

func date(s string) invoice.Date {
	d, err := invoice.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// dates compares dates of invoices.
var dates = cmp.Comparer(func(a, b invoice.Date) bool { return a == b })

// refusal says all that an Invoice Response can say here.
func refusal() response.Invoice {
	issued := date("2026-11-02")
	return response.Invoice{
		ID: "msg_01", IssuedAt: time.Date(2026, 11, 20, 9, 30, 5, 0, time.UTC), Note: "See the letter <of today> & call us",
		Sender:   response.Party{Endpoint: invoice.Identifier{Value: "000234567", Scheme: "0225"}, ID: invoice.Identifier{Value: "4012345000009", Scheme: "0088"}, Name: "Épicerie Müller"},
		Receiver: response.Party{Endpoint: invoice.Identifier{Value: "000123456", Scheme: "0225"}, Name: "Ateliers Lumière SARL"},
		Code:     response.Rejected, EffectiveDate: date("2026-11-21"), Number: "FA-2026-001", IssueDate: &issued, TypeCode: "380",
		Clarifications: []response.Clarification{
			{List: response.ListReason, Code: "REF", Text: "Order number missing", Conditions: []response.Condition{{Term: "BT-13", Text: "PO-7"}, {Term: "BT-10"}}},
			{List: response.ListAction, Code: "NIN"},
			{Text: "words alone"},
		},
	}
}

func message() response.Message {
	return response.Message{
		ID: "msg_02", IssuedAt: time.Date(2026, 11, 20, 9, 30, 5, 0, time.UTC),
		Sender: invoice.Identifier{Value: "000234567", Scheme: "0225"}, Receiver: invoice.Identifier{Value: "000123456", Scheme: "0225"},
		Code: response.Rejected, Description: "The document does not pass the checks.", MessageID: "msg_00",
		Findings: []response.Finding{
			{Location: "/ubl:Invoice[1]/cbc:ID[1]", Description: "[BR-02]-An Invoice shall have a number.", Reason: response.ReasonFatal},
			{Description: "The document cannot be read.", Reason: response.ReasonSyntax},
			{Location: "/ubl:Invoice[1]", Description: "An order number is usual.", Reason: response.ReasonWarning},
		},
	}
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func() ([]byte, error){
		"invoice-response.xml": func() ([]byte, error) { return response.WriteInvoice(refusal()) },
		"message-response.xml": func() ([]byte, error) { return response.WriteMessage(message()) },
	} {
		got, err := write()
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(read(t, golden)), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadsWhatItWrote(t *testing.T) {
	dateOnly := refusal()
	dateOnly.DateOnly, dateOnly.IssuedAt = true, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	bare := refusal()
	bare.Note, bare.Sender.ID, bare.EffectiveDate, bare.IssueDate, bare.Clarifications, bare.Code = "", invoice.Identifier{}, invoice.Date{}, nil, nil, response.Accepted
	for name, want := range map[string]response.Invoice{"full": refusal(), "a day alone": dateOnly, "bare": bare} {
		b, err := response.WriteInvoice(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := response.ReadInvoice(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, dates); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if c := response.Customization(b); c != response.InvoiceCustomization {
			t.Errorf("%s: customization %q", name, c)
		}
	}
	b, err := response.WriteMessage(message())
	if err != nil {
		t.Fatal(err)
	}
	got, err := response.ReadMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(message(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := response.Customization(b); c != response.MessageCustomization {
		t.Errorf("customization %q", c)
	}
}

// Whatever text XML can carry comes back as it was.
func TestAnyTextComesBack(t *testing.T) {
	word := rapid.StringOf(rapid.SampledFrom([]rune("aZ0 é€\r\n\t<>&\"'\u00a0\u2028😀]|-"))).Filter(func(s string) bool {
		return s != "" && s == strings.TrimSpace(s)
	})
	rapid.Check(t, func(t *rapid.T) {
		want := refusal()
		want.IssuedAt = time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "time"), 0).UTC()
		want.Note, want.Sender.Name, want.Number = word.Draw(t, "note"), word.Draw(t, "name"), word.Draw(t, "number")
		want.Receiver.Endpoint.Value = word.Draw(t, "endpoint")
		want.Clarifications[0].Text, want.Clarifications[0].Conditions[1].Text = word.Draw(t, "text"), word.Draw(t, "condition")
		b, err := response.WriteInvoice(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := response.ReadInvoice(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, dates); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		m := message()
		m.Description, m.MessageID, m.Findings[0].Location = word.Draw(t, "description"), word.Draw(t, "message id"), "/"+word.Draw(t, "location")
		if b, err = response.WriteMessage(m); err != nil {
			t.Fatal(err)
		}
		back, err := response.ReadMessage(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back, dates); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// Characters that XML cannot carry do not make a document that nobody can read.
func TestForbiddenCharactersAreReplaced(t *testing.T) {
	r := refusal()
	r.Note = "a\x00b\x0bc\xffd\ufffee"
	b, err := response.WriteInvoice(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := response.ReadInvoice(b)
	if err != nil || got.Note != "a\ufffdb\ufffdc\ufffdd\ufffde" {
		t.Errorf("%q %v", got.Note, err)
	}
}

func TestWriteRefusesWhatTheRulesWould(t *testing.T) {
	if _, err := response.WriteInvoice(refusal()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*response.Invoice){
		"no id":                    func(r *response.Invoice) { r.ID = " " },
		"no time":                  func(r *response.Invoice) { r.IssuedAt = time.Time{} },
		"year 10000":               func(r *response.Invoice) { r.IssuedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"unknown code":             func(r *response.Invoice) { r.Code = "XX" },
		"no code":                  func(r *response.Invoice) { r.Code = "" },
		"no number":                func(r *response.Invoice) { r.Number = "" },
		"no type":                  func(r *response.Invoice) { r.TypeCode = "" },
		"sender without address":   func(r *response.Invoice) { r.Sender.Endpoint.Value = "" },
		"receiver without scheme":  func(r *response.Invoice) { r.Receiver.Endpoint.Scheme = "" },
		"sender without name":      func(r *response.Invoice) { r.Sender.Name = "" },
		"receiver without name":    func(r *response.Invoice) { r.Receiver.Name = "\t" },
		"refusal without reason":   func(r *response.Invoice) { r.Clarifications = nil },
		"refusal with words alone": func(r *response.Invoice) { r.Clarifications = r.Clarifications[2:] },
		"dispute without reason":   func(r *response.Invoice) { r.Code, r.Clarifications = response.UnderQuery, nil },
		"condition without reason": func(r *response.Invoice) { r.Code, r.Clarifications = response.Conditionally, nil },
		"unknown reason":           func(r *response.Invoice) { r.Clarifications[0].Code = "XXX" },
		"action as reason":         func(r *response.Invoice) { r.Clarifications[0].Code = "NIN" },
		"unknown list":             func(r *response.Invoice) { r.Clarifications[0].List = "OPStatus" },
		"nothing said":             func(r *response.Invoice) { r.Clarifications[2].Text = "" },
		"part payment of refusal":  func(r *response.Invoice) { r.Clarifications[0].Code = "PPD" },
		"condition without term":   func(r *response.Invoice) { r.Clarifications[0].Conditions[1].Term = "" },
	} {
		r := refusal()
		spoil(&r)
		if b, err := response.WriteInvoice(r); err == nil || b != nil {
			t.Errorf("%s: written", name)
		}
	}
	for name, spoil := range map[string]func(*response.Message){
		"no id":                   func(m *response.Message) { m.ID = "" },
		"answers nothing":         func(m *response.Message) { m.MessageID = "" },
		"no time":                 func(m *response.Message) { m.IssuedAt = time.Time{} },
		"sender without scheme":   func(m *response.Message) { m.Sender.Scheme = "" },
		"receiver without value":  func(m *response.Message) { m.Receiver.Value = "" },
		"a decision on business":  func(m *response.Message) { m.Code = response.Paid },
		"finding without text":    func(m *response.Message) { m.Findings[0].Description = "" },
		"finding without reason":  func(m *response.Message) { m.Findings[0].Reason = "" },
		"finding of other reason": func(m *response.Message) { m.Findings[0].Reason = "FD" },
	} {
		m := message()
		spoil(&m)
		if b, err := response.WriteMessage(m); err == nil || b != nil {
			t.Errorf("%s: written", name)
		}
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
