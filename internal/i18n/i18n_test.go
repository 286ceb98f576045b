package i18n

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for tag, want := range map[string]Lang{"en": EN, "fr": FR, "FR": FR, "fr-CA": FR, "fr_BE": FR, "en-GB": EN} {
		if lang, ok := Parse(tag); !ok || lang != want {
			t.Errorf("%q: %s, %t", tag, lang, ok)
		}
	}
	for _, tag := range []string{"", "de", "fro", "xx-fr"} {
		if lang, ok := Parse(tag); ok || lang != Fallback {
			t.Errorf("%q: %s, %t", tag, lang, ok)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for header, want := range map[string]Lang{
		"":                                      FR,
		"en":                                    EN,
		"fr-CH, fr;q=0.9, en;q=0.8":             FR,
		"de, en;q=0.5, fr;q=0.4":                EN,
		"en;q=0.1, fr-FR;q=0.9":                 FR,
		"de-DE, nl":                             FR,
		"en;q=0":                                FR,
		"*":                                     FR,
		"not a header;;q=":                      FR,
		strings.Repeat("en,", maxHeader) + "en": FR,
	} {
		if got := Negotiate(header, FR); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

var sample = Catalogue{
	"greeting": {EN: "Invoice {number} of {seller}", FR: "Facture {number} de {seller}"},
	"count":    {EN: "{n} invoice|{n} invoices", FR: "{n} facture|{n} factures"},
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		lang Lang
		key  Key
		args []Arg
		want string
	}{
		{EN, "greeting", []Arg{A("number", "F-1"), A("seller", "Ada {number}")}, "Invoice F-1 of Ada {number}"},
		{FR, "greeting", []Arg{A("number", "F-1"), A("seller", "Ada")}, "Facture F-1 de Ada"},
		{FR, "greeting", []Arg{A("number", "F-1")}, "Facture F-1 de {seller}"},
		{"de", "greeting", []Arg{A("number", "F-1"), A("seller", "Ada")}, "Invoice F-1 of Ada"},
		{EN, "nothing", nil, "⟨nothing⟩"},
		{EN, "count", []Arg{N(0)}, "0 invoices"},
		{EN, "count", []Arg{N(1)}, "1 invoice"},
		{EN, "count", []Arg{N(1234)}, "1,234 invoices"},
		{FR, "count", []Arg{N(0)}, "0 facture"},
		{FR, "count", []Arg{N(1)}, "1 facture"},
		{FR, "count", []Arg{N(2)}, "2 factures"},
		{FR, "count", []Arg{N(1000000)}, "1\u202f000\u202f000 factures"},
	} {
		if got := sample.Text(test.lang, test.key, test.args...); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.lang, test.key, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := sample.Check(); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]Text{
		"a missing language":  {EN: "yes"},
		"a missing fallback":  {FR: "oui"},
		"blank":               {EN: "yes", FR: "  "},
		"another word":        {EN: "{number}", FR: "{numero}"},
		"another form":        {EN: "{n} day|{n} days", FR: "{n} jours"},
		"a brace alone":       {EN: "a { b", FR: "a { b"},
		"a word that is none": {EN: "{A B}", FR: "{A B}"},
	} {
		if (Catalogue{"k": bad}).Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestAmount(t *testing.T) {
	for _, test := range []struct{ amount, code, en, fr string }{
		{"1234.56", "EUR", "€1,234.56", "1\u202f234,56\u00a0€"},
		{"-1234567.8", "EUR", "-€1,234,567.80", "-1\u202f234\u202f567,80\u00a0€"},
		{"999", "GBP", "£999.00", "999,00\u00a0£"},
		{"10.5", "USD", "USD\u00a010.50", "10,50\u00a0USD"},
		{"1500", "JPY", "JPY\u00a01,500", "1\u202f500\u00a0JPY"},
		{"1.5", "KWD", "KWD\u00a01.500", "1,500\u00a0KWD"},
		{"0.123456", "EUR", "€0.123456", "0,123456\u00a0€"},
		{"0", "EUR", "€0.00", "0,00\u00a0€"},
		{"+007.10", "EUR", "€7.10", "7,10\u00a0€"},
		{"12345678901234567890.12", "EUR", "€12,345,678,901,234,567,890.12", "12\u202f345\u202f678\u202f901\u202f234\u202f567\u202f890,12\u00a0€"},
		{"5", "XXZ", "XXZ\u00a05.00", "5,00\u00a0XXZ"},
		{"1e5", "EUR", "1e5\u00a0EUR", "1e5\u00a0EUR"},
		{"", "EUR", "\u00a0EUR", "\u00a0EUR"},
	} {
		if got := Amount(EN, test.amount, test.code); got != test.en {
			t.Errorf("%s %s in English: %q, want %q", test.amount, test.code, got, test.en)
		}
		if got := Amount(FR, test.amount, test.code); got != test.fr {
			t.Errorf("%s %s in French: %q, want %q", test.amount, test.code, got, test.fr)
		}
	}
}

// Whatever the language, the digits are those of the number, in order.
func TestNumberKeepsDigits(t *testing.T) {
	notDigit := regexp.MustCompile(`\D`)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,10})?`).Draw(t, "number")
		for _, lang := range Languages() {
			got := Number(lang, number)
			if notDigit.ReplaceAllString(got, "") != notDigit.ReplaceAllString(number, "") || strings.HasPrefix(got, "-") != strings.HasPrefix(number, "-") {
				t.Fatalf("%s in %s: %s", number, lang, got)
			}
		}
	})
}

func TestPercent(t *testing.T) {
	if en, fr := Percent(EN, "5.5"), Percent(FR, "5.5"); en != "5.5%" || fr != "5,5\u202f%" {
		t.Errorf("%q, %q", en, fr)
	}
}

func TestDates(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	day := time.Date(2026, 11, 1, 8, 30, 5, 0, paris)
	for _, test := range []struct{ got, want string }{
		{Date(EN, day), "1\u00a0November 2026"},
		{Date(FR, day), "1er\u00a0novembre 2026"},
		{Date(FR, day.AddDate(0, 9, 21)), "22\u00a0août 2027"},
		{Date("de", day), "1\u00a0November 2026"},
		{ShortDate(EN, day), "1\u00a0Nov 2026"},
		{ShortDate(FR, day), "1er\u00a0nov. 2026"},
		{DateTime(FR, day), "1er\u00a0novembre 2026, 08:30:05 CET"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
