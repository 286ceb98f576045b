package validation

import (
	_ "embed" // the words below
	"fmt"
	"regexp"
	"strings"
	"sync"

	"facteur.dev/facteur/formats/invoice"
)

// Explanation is a finding in our own words, to stand beside the official
// message, never in its place.
type Explanation struct {
	What  string   // a sentence: "The invoice has no number."; empty for a rule that we have no words for
	Where string   // "invoice line 2, file line 87"; empty when nothing is known
	Terms []string // "BT-1 Invoice number"
}

// Explain tells a finding in English ("en") or French ("fr"). Other languages
// have no words of ours: What and Where are then empty.
func Explain(f Finding, lang string) Explanation {
	w, ok := wordings[lang]
	if !ok {
		return Explanation{}
	}
	var e Explanation
	for _, id := range f.BusinessTerms {
		e.Terms = append(e.Terms, strings.TrimSpace(id+" "+invoice.TermName(id, lang)))
	}
	e.What = w.what(f.Rule, e.Terms)
	e.Where = w.where(f)
	return e
}

// Languages returns the languages that Explain has words for.
func Languages() []string { return []string{"en", "fr"} }

// wording holds what differs between languages.
type wording struct {
	column                           int // in the tables
	line, allowance, vat, file, here string
}

var wordings = map[string]wording{
	"en": {column: 1, line: "invoice line %s", allowance: "allowance or charge %s", vat: "VAT breakdown %s", file: "file line %d", here: "this element"},
	"fr": {column: 2, line: "ligne de facture %s", allowance: "remise ou frais %s", vat: "ventilation de TVA %s", file: "ligne %d du fichier", here: "cet élément"},
}

var (
	//go:embed words/rules.tsv
	ruleWordsText string
	//go:embed words/categories.tsv
	categoryWordsText string

	ruleWords     = sync.OnceValue(func() map[string][]string { return readTable(ruleWordsText) })
	categoryWords = sync.OnceValue(func() map[string][]string { return readTable(categoryWordsText) })
)

func readTable(text string) map[string][]string {
	table := map[string][]string{}
	for row := range strings.Lines(text) {
		row = strings.TrimRight(row, "\n")
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		cells := strings.Split(row, "\t")
		table[cells[0]] = cells
	}
	return table
}

// vatRule matches the rules that EN 16931 has for each VAT category.
var vatRule = regexp.MustCompile(`^BR-(S|Z|E|AE|IC|G|O|AF|AG|B)-(\d\d)$`)

func (w wording) what(rule string, terms []string) string {
	category := ""
	if m := vatRule.FindStringSubmatch(rule); m != nil {
		rule = "BR-VAT-" + m[2]
		category = categoryWords()[m[1]][w.column]
	}
	row := rowFor(rule)
	if row == nil {
		return ""
	}
	names := strings.Join(terms, ", ")
	if names == "" {
		names = w.here
	}
	return strings.NewReplacer("{category}", category, "{terms}", names).Replace(row[w.column])
}

// rowFor returns the row of a rule, or of its longest beginning in the table.
func rowFor(rule string) []string {
	table := ruleWords()
	if row, ok := table[rule]; ok {
		return row
	}
	for n := len(rule); n >= 0; n-- {
		if row, ok := table[rule[:n]+"*"]; ok {
			return row
		}
	}
	return nil
}

// steps of a location that people count by.
var (
	lineStep      = regexp.MustCompile(`/(?:cac:InvoiceLine|cac:CreditNoteLine|ram:IncludedSupplyChainTradeLineItem|cac:OrderLine)\[(\d+)\]`)
	allowanceStep = regexp.MustCompile(`/(?:cac:AllowanceCharge|ram:SpecifiedTradeAllowanceCharge)\[(\d+)\]`)
	vatStep       = regexp.MustCompile(`/(?:cac:TaxSubtotal|ram:ApplicableTradeTax)\[(\d+)\]`)
)

func (w wording) where(f Finding) string {
	var parts []string
	inLine := false
	for _, s := range []struct {
		step *regexp.Regexp
		text string
	}{{lineStep, w.line}, {allowanceStep, w.allowance}, {vatStep, w.vat}} {
		m := s.step.FindStringSubmatch(f.Location)
		if m == nil || inLine && s.step == vatStep {
			continue
		}
		inLine = inLine || s.step == lineStep
		parts = append(parts, fmt.Sprintf(s.text, m[1]))
	}
	if f.Line > 0 {
		parts = append(parts, fmt.Sprintf(w.file, f.Line))
	}
	return strings.Join(parts, ", ")
}
