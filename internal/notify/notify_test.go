package notify

import (
	"strings"
	"testing"

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
