package invoice

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// countTerms counts where the model carries each term and group. Extensions
// repeat groups of the standard in other places and do not count.
func countTerms(g *group, counts map[string]int) {
	for _, f := range g.fields {
		if f.name == "extensions" {
			continue
		}
		if f.term != "" {
			counts[f.term]++
		}
		if f.group != nil {
			countTerms(f.group, counts)
		}
	}
}

// TestModelHasEveryTermOnce holds the tags of the model against the names, which
// are held against the standard's list elsewhere.
func TestModelHasEveryTermOnce(t *testing.T) {
	counts := make(map[string]int)
	countTerms(model, counts)
	for id := range termNames {
		if strings.HasPrefix(id, "BT-DEX") || strings.HasPrefix(id, "BG-DEX") {
			continue
		}
		// An identifier and an attachment have a field for the whole and one for
		// the value.
		want := 1 + counts[id+"-1"]
		if counts[id] != want {
			t.Errorf("the model has %s %d times, want %d", id, counts[id], want)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		if TermName(id, "en") == "" {
			t.Errorf("the model has %s, which has no name", id)
		}
	}
}

func TestTermName(t *testing.T) {
	for _, c := range []struct{ id, lang, want string }{
		{"BT-1", "en", "Invoice number"},
		{"BT-1", "fr", "Numéro de facture"},
		{"BT-115", "de", "Amount due for payment"},
		{"BG-23", "fr", "Ventilation de la TVA"},
		{"BT-29-1", "en", "Seller identifier (scheme)"},
		{"BT-158-2", "fr", "Code de classification de l’article (version du schéma)"},
		{"BT-125-2", "en", "Attached document filename"},
		{"BT-DEX-002", "en", "Third party payment amount"},
		{"BT-4", "en", ""},
		{"BT-4-1", "en", ""},
		{"BT-29-3", "en", ""},
		{"", "fr", ""},
	} {
		if got := TermName(c.id, c.lang); got != c.want {
			t.Errorf("TermName(%q, %q) = %q, want %q", c.id, c.lang, got, c.want)
		}
	}
	for id, names := range termNames {
		if names[0] == "" || names[1] == "" || names[0] == names[1] && !strings.HasPrefix(id, "BG-") {
			t.Errorf("%s is named %q", id, names)
		}
	}
}

func TestIsCreditNote(t *testing.T) {
	for code, want := range map[string]bool{
		"380": false, "384": false, "389": false, "326": false, "": false, "8": false, "38": false, " ": false, "381 396": false,
		"381": true, "396": true, "261": true, "81": true, "532": true,
	} {
		if got := (&Invoice{TypeCode: code}).IsCreditNote(); got != want {
			t.Errorf("IsCreditNote of %q is %v", code, got)
		}
	}
}

func TestWalk(t *testing.T) {
	inv := Invoice{
		Number: "F-1",
		Seller: Seller{
			Identifiers: []Identifier{{Value: "A"}, {Value: "B", Scheme: "0088"}},
			Address:     Address{City: "Lyon"},
		},
		Buyer:      Buyer{Address: Address{City: "Gent"}, Contact: &Contact{Name: "X"}},
		Allowances: []AllowanceCharge{{Amount: MustDecimal("1.50")}},
		Charges:    []AllowanceCharge{{Amount: MustDecimal("2.00"), Reason: "Freight"}},
		SupportingDocuments: []SupportingDocument{
			{Reference: "R", Attachment: &Attachment{Content: []byte("hi"), MIMECode: "text/csv"}},
		},
		Extensions: &Extensions{ThirdPartyPayments: []ThirdPartyPayment{{Type: "T"}}},
		Lines: []Line{{
			ID: "1", Extensions: &LineExtensions{OrderReference: "O", SubLines: []Line{{ID: "1.1"}}},
		}},
	}
	var got []string
	inv.Walk(func(term, path, value string) { got = append(got, term+" "+path+" "+value) })
	for _, want := range []string{
		"BT-1 number F-1",
		"BT-29 seller.identifiers[0].value A",
		"BT-29 seller.identifiers[1].value B",
		"BT-29-1 seller.identifiers[1].scheme 0088",
		"BT-37 seller.address.city Lyon",
		"BT-52 buyer.address.city Gent",
		"BT-56 buyer.contact.name X",
		"BT-92 allowances[0].amount 1.50",
		"BT-99 charges[0].amount 2.00",
		"BT-104 charges[0].reason Freight",
		"BT-106 totals.line_net 0",
		"BT-125 supporting_documents[0].attachment.content aGk=",
		"BT-125-1 supporting_documents[0].attachment.mime_code text/csv",
		"BT-DEX-001 extensions.third_party_payments[0].type T",
		" lines[0].extensions.order_reference O",
		"BT-126 lines[0].extensions.sub_lines[0].id 1.1",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	for _, line := range got {
		if strings.HasSuffix(line, " ") {
			t.Errorf("an absent term was visited: %s", line)
		}
	}
}

func TestCodes(t *testing.T) {
	for name, c := range map[string]struct {
		known func(string) bool
		good  []string
		bad   []string
	}{
		"currency": {KnownCurrency, []string{"EUR", "USD", "AED", "ZWG", "CAD", "CDF"}, []string{"", " ", "EU", "eur", "XYZ", "EUR USD", "DEM"}},
		"country":  {KnownCountry, []string{"FR", "DE", "1A", "XI", "GR"}, []string{"", "EL", "UK", "fr", "F"}},
		"unit":     {KnownUnit, []string{"C62", "H87", "HUR", "KGM", "XPP", "10"}, []string{"", "PCE", "EA EA", "XYZZY", "H8"}},
		"vat":      {KnownVATCategory, []string{"S", "AE", "O", "B"}, []string{"", "A", "AA", "S Z"}},
	} {
		for _, code := range c.good {
			if !c.known(code) {
				t.Errorf("%s %q is not known", name, code)
			}
		}
		for _, code := range c.bad {
			if c.known(code) {
				t.Errorf("%s %q is known", name, code)
			}
		}
	}
	for code, want := range map[string]int32{"EUR": 2, "JPY": 0, "KWD": 2, "ISK": 0, "HUF": 2} {
		if got := CurrencyDecimals(code); got != want {
			t.Errorf("%s has %d decimals, want %d", code, got, want)
		}
	}
}
