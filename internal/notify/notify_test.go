package notify

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

func TestTextsAreComplete(t *testing.T) {
	if err := texts.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestLetter(t *testing.T) {
	inv := &invoice.Invoice{
		Number: "FA-2026-00042", IssueDate: invoice.MustDate("2026-11-21"), TypeCode: "380", Currency: "EUR",
		DueDate: invoice.MustDate("2026-12-21").Ptr(), PurchaseOrderReference: "PO <7>",
		Seller: invoice.Seller{Name: "Ateliers Lumière SARL"}, Totals: invoice.Totals{AmountDue: invoice.MustDecimal("1234.5")},
	}
	m, err := compose(i18n.FR, inv, "https://example.test/p/abc", "compta@example.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FA-2026-00042", "1\u202f234,50\u00a0€", "https://example.test/p/abc", "Ateliers Lumière"} {
		if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
			t.Errorf("%q is missing from text or HTML:\n%s", want, m.Text)
		}
	}
	if plain := strings.ReplaceAll(m.Text, "\u00a0", " "); !strings.Contains(plain, "21 décembre 2026") {
		t.Error("the due date is missing")
	}
	if strings.Contains(m.HTML, "PO <7>") || !strings.Contains(m.HTML, "PO &lt;7&gt;") || !strings.Contains(m.Text, "PO <7>") {
		t.Error("the order number is not escaped as its place needs")
	}
	if m.Subject != "Ateliers Lumière SARL : facture FA-2026-00042" || m.ReplyTo != "compta@example.test" {
		t.Errorf("subject %q, reply to %q", m.Subject, m.ReplyTo)
	}
	again, err := compose(i18n.FR, inv, "https://example.test/p/abc", "compta@example.test")
	if err != nil || again.Text != m.Text || again.HTML != m.HTML {
		t.Error("a letter written again differs")
	}
	// No pixel, no tracking: nothing is loaded from anywhere.
	for _, bad := range []string{"<img", "src=", "url("} {
		if strings.Contains(m.HTML, bad) {
			t.Errorf("the letter holds %s", bad)
		}
	}
}

// What an invoice says of its seller keeps no letter from being sent.
func TestHeadersOfOddSellers(t *testing.T) {
	for email, want := range map[string]string{
		"compta@example.test": "compta@example.test", "see our site": "", "a@b@c": "", "Compta <c@example.test>": "", "é@example.test": "",
		`"a b"@example.test`: "", "a@[192.0.2.1]": "", "": "", "a@example.test\r\nBcc: x@example.test": "",
	} {
		if got := answerable(email); got != want {
			t.Errorf("%q: %q", email, got)
		}
	}
	inv := &invoice.Invoice{Number: "7\nBcc: x@example.test", TypeCode: "380", Currency: "EUR", Seller: invoice.Seller{Name: "Ateliers\r\n\tLumière " + strings.Repeat("é", 300)}}
	m, err := compose(i18n.FR, inv, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{m.FromName, m.Subject} {
		if strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) || !strings.Contains(s, "Ateliers Lumière") {
			t.Errorf("%q", s)
		}
	}
	if len(m.FromName) > 200 || len(m.Subject) > 500 {
		t.Errorf("%d and %d bytes", len(m.FromName), len(m.Subject))
	}
}
