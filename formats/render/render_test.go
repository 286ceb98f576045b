package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/invoice/invoicetest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTextsAreComplete(t *testing.T) {
	if err := texts.Check(); err != nil {
		t.Error(err)
	}
	if len(texts) != len(labels)+len(codes) {
		t.Error("a key of the labels is a code, too")
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	inputs := 0
	for _, file := range files {
		if strings.Contains(filepath.Base(file), ".en.") || strings.Contains(filepath.Base(file), ".fr.") {
			continue
		}
		inputs++
		inv := read(t, file)
		before := inv.Clone()
		for _, lang := range Languages() {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"."+lang, func(t *testing.T) {
				got := marshal(t, Model(inv, lang))
				golden(t, strings.TrimSuffix(file, ".json")+"."+lang+".json", got)
			})
		}
		if !bytes.Equal(marshal(t, inv), marshal(t, before)) {
			t.Errorf("%s: the invoice was changed", file)
		}
	}
	if inputs < 2 {
		t.Fatalf("%d invoices found", inputs)
	}
}

func read(t *testing.T, file string) *invoice.Invoice {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := invoice.ReadJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference", path)
	}
}

func TestLanguages(t *testing.T) {
	inv := read(t, "testdata/full.json")
	for lang, want := range map[string]string{"en": "Invoice", "fr": "Facture", "fr-CA": "Facture", "de": "Invoice", "": "Invoice"} {
		if got := Model(inv, lang); got.KindName != want || got.Lang != "fr" && got.Lang != "en" {
			t.Errorf("%q: %s in %s", lang, got.KindName, got.Lang)
		}
	}
}

// Whatever the invoice, every amount is shown with all its digits, nothing of
// ours is missing a word, and both languages show the same things.
func TestEveryInvoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		en, fr := Model(inv, "en"), Model(inv, "fr")
		for _, v := range []*View{en, fr} {
			if len(v.Lines) != len(inv.Lines) || len(v.VAT) != len(inv.VATBreakdown) ||
				len(v.Adjustments) != len(inv.Allowances)+len(inv.Charges) || len(v.Attachments) != len(inv.SupportingDocuments) {
				t.Fatal("something was left out")
			}
			if last := v.Totals[len(v.Totals)-1]; !last.Due || digits(last.Value) != digits(inv.Totals.AmountDue.String()) {
				t.Fatalf("amount due %s shown as %s", inv.Totals.AmountDue, last.Value)
			}
			for i, l := range v.Lines {
				if digits(l.Net) != digits(inv.Lines[i].NetAmount.String()) {
					t.Fatalf("net amount %s shown as %s", inv.Lines[i].NetAmount, l.Net)
				}
				if !sameNumber(l.Quantity, inv.Lines[i].Quantity) {
					t.Fatalf("quantity %s shown as %s", inv.Lines[i].Quantity, l.Quantity)
				}
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("⟨")) {
				t.Fatalf("a text is missing: %s", b)
			}
		}
		if len(en.References) != len(fr.References) || len(en.Dates) != len(fr.Dates) || len(en.Totals) != len(fr.Totals) {
			t.Fatal("the languages show different things")
		}
	})
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// sameNumber reads an English or French number back.
func sameNumber(shown string, want invoice.Decimal) bool {
	for _, plain := range []string{strings.ReplaceAll(shown, ",", ""), strings.NewReplacer("\u202f", "", ",", ".").Replace(shown)} {
		if d, err := invoice.ParseDecimal(plain); err == nil && d.Equal(want) {
			return true
		}
	}
	return false
}

func TestGroupIBAN(t *testing.T) {
	for in, want := range map[string]string{
		"FR7699999000010001234567809":       "FR76 9999 9000 0100 0123 4567 809",
		"FR76 9999 9000 0100 0123 4567 809": "FR76 9999 9000 0100 0123 4567 809",
		"BE68539007547034":                  "BE68 5390 0754 7034",
		"12-3456-7":                         "12-3456-7",
		"fr7699999000010001234567809":       "fr7699999000010001234567809",
		"":                                  "",
		"FRXX99999000010001234567809":       "FRXX99999000010001234567809",
	} {
		if got := GroupIBAN(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	b := builder{lang: "en"}
	for n, want := range map[int]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1499: "1 kB", 999_499: "999 kB", 1_000_000: "1.0 MB", 12_345_678: "12.3 MB"} {
		if got := b.size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestUnitForms(t *testing.T) {
	for _, test := range []struct{ lang, quantity, want string }{
		{"en", "1", "hour"},
		{"en", "1.00", "hour"},
		{"en", "0.5", "hours"},
		{"en", "-1", "hour"},
		{"en", "2", "hours"},
		{"fr", "1,5", "heure"},
		{"fr", "2", "heures"},
		{"fr", "0", "heure"},
	} {
		lang := builder{lang: "fr"}
		if test.lang == "en" {
			lang.lang = "en"
		}
		q := invoice.MustDecimal(strings.ReplaceAll(test.quantity, ",", "."))
		if got := lang.unit("HUR", q); got != test.want {
			t.Errorf("%s %s: %s", test.lang, test.quantity, got)
		}
	}
}
