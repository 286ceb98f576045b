package validation_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/validation"
)

func TestExplain(t *testing.T) {
	tests := []struct {
		finding validation.Finding
		lang    string
		want    validation.Explanation
	}{
		{
			validation.Finding{Rule: "BR-CO-15", BusinessTerms: []string{"BT-112"}, Location: "/ubl:Invoice[1]", Line: 2},
			"en",
			validation.Explanation{
				What: "The total with VAT is not the total without VAT plus the VAT total.", Where: "file line 2",
				Terms: []string{"BT-112 Invoice total amount with VAT"},
			},
		},
		{
			validation.Finding{Rule: "BR-AE-09", Location: "/ubl:Invoice[1]/cac:TaxTotal[1]/cac:TaxSubtotal[2]/cac:TaxCategory[1]", Line: 40},
			"fr",
			validation.Explanation{What: "La taxe de « autoliquidation » n'est pas sa base multipliée par son taux.", Where: "ventilation de TVA 2, ligne 40 du fichier"},
		},
		{
			validation.Finding{Rule: "BR-24", Location: "/cn:CreditNote[1]/cac:CreditNoteLine[12]", Line: 99},
			"en",
			validation.Explanation{What: "A line has no net amount.", Where: "invoice line 12, file line 99"},
		},
		{
			validation.Finding{Rule: "BR-DEC-23", BusinessTerms: []string{"BT-131"}, Location: "/ubl:Invoice[1]/cac:InvoiceLine[3]/cbc:LineExtensionAmount[1]"},
			"en",
			validation.Explanation{
				What: "An amount has more than two decimals: BT-131 Invoice line net amount.", Where: "invoice line 3",
				Terms: []string{"BT-131 Invoice line net amount"},
			},
		},
		{validation.Finding{Rule: "BR-DEC-99"}, "en", validation.Explanation{What: "An amount has more than two decimals: this element."}},
		{validation.Finding{Rule: "NO-SUCH-RULE"}, "en", validation.Explanation{}},
		{validation.Finding{Rule: "BR-02", Line: 1}, "de", validation.Explanation{}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, validation.Explain(test.finding, test.lang)); diff != "" {
			t.Errorf("%s in %s (-want +got):\n%s", test.finding.Rule, test.lang, diff)
		}
	}
}

// Every rule that the table of terms knows has words in every language, and no
// place holder is left in them.
func TestEveryRuleHasWords(t *testing.T) {
	f, err := os.Open("terms/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	rules := 0
	for s := bufio.NewScanner(f); s.Scan(); rules++ {
		rule, terms, _ := strings.Cut(s.Text(), " ")
		if diff := cmp.Diff(strings.Fields(terms), validation.RuleTerms(rule)); diff != "" {
			t.Errorf("%s: %s", rule, diff)
		}
		for _, lang := range validation.Languages() {
			e := validation.Explain(validation.Finding{Rule: rule, BusinessTerms: strings.Fields(terms)}, lang)
			if e.What == "" || strings.ContainsAny(e.What, "{}\t") || strings.Contains(e.What, "«  »") {
				t.Errorf("%s in %s: %q", rule, lang, e.What)
			}
			for _, term := range e.Terms {
				if !strings.Contains(term, " ") {
					t.Errorf("%s in %s: term %q has no name", rule, lang, term)
				}
			}
		}
	}
	if rules < 200 {
		t.Errorf("%d rules", rules)
	}
}

// The terms of a finding are those of its rule that its place carries, or that
// its message names.
func TestFindingTerms(t *testing.T) {
	d := invoiceDocument(t)
	for _, test := range []struct {
		rule, message, location string
		want                    []string
	}{
		{"BR-37", "[BR-37]-Each Document level charge (BG-21) shall have a … (BT-102).", "/Invoice/cac:AllowanceCharge[1]", []string{"BT-102"}},
		{"BR-DEC-05", "no term", "/Invoice/cac:AllowanceCharge[1]/cbc:Amount", []string{"BT-99"}},
		{"BR-02", "no term", "/Invoice", []string{"BT-1"}},
		{"HOUSE-1", "wants BT-13, BG-25 and again BT-13", "/Invoice", []string{"BG-25", "BT-13"}},
		{"HOUSE-1", "wants BT-1300", "/Invoice/cac:InvoiceLine[2]", []string{"BG-25"}},
		{"HOUSE-1", "", "/Invoice", nil},
	} {
		p, ok := d.Locate(test.location)
		if !ok {
			t.Fatal(test.location)
		}
		got := p.Fill(validation.Finding{Rule: test.rule, Message: test.message}).BusinessTerms
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", test.rule, test.message, diff)
		}
	}
}
