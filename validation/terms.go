package validation

import (
	_ "embed" // the two tables below
	"regexp"
	"slices"
	"strings"
	"sync"

	"facteur.dev/facteur/internal/xmltree"
)

// The tables of EN 16931-1 business terms: which rules touch a term, and which
// element of a UBL invoice carries it. Facts from KoSIT's visualisation of the
// standard and Peppol BIS Billing 3.0.
var (
	//go:embed terms/rules.txt
	ruleTermsText string // rule, then its terms, a line each
	//go:embed terms/paths.txt
	termPathsText string // term, path below the root of a UBL Invoice, then conditions
)

var ruleTerms = sync.OnceValue(func() map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(ruleTermsText) {
		if f := strings.Fields(line); len(f) > 1 {
			table[f[0]] = f[1:]
		}
	}
	return table
})

// termPath is a term that an element carries when the conditions hold.
type termPath struct {
	term       string
	conditions []string // "cbc:ChargeIndicator=false", "@schemeID!=SEPA"
}

var termPaths = sync.OnceValue(func() map[string][]termPath {
	table := map[string][]termPath{}
	for line := range strings.Lines(termPathsText) {
		if f := strings.Fields(line); len(f) > 1 {
			table[f[1]] = append(table[f[1]], termPath{f[0], f[2:]})
		}
	}
	return table
})

// RuleTerms returns the business terms that a rule touches, as far as known.
func RuleTerms(rule string) []string {
	return slices.Clone(ruleTerms()[rule])
}

// findingTerms returns the terms that a finding is about. The table says which
// terms a rule touches at all; the place, or else the official message, says
// which of them are meant. A rule that the table lacks is about the terms that
// its message names, or else about those of the place.
func findingTerms(rule, message string, place []string) []string {
	ofRule, named := ruleTerms()[rule], termPattern.FindAllString(message, maxNamed)
	if len(ofRule) == 0 {
		if len(named) > 0 {
			slices.Sort(named)
			return slices.Compact(named)
		}
		return place
	}
	for _, narrower := range [][]string{place, named} {
		if common := intersect(ofRule, narrower); len(common) > 0 {
			return common
		}
	}
	return slices.Clone(ofRule)
}

// termPattern matches a business term or group that a message names.
var termPattern = regexp.MustCompile(`\bB[TG]-[0-9]{1,3}\b`)

// maxNamed is how many terms of a message count.
const maxNamed = 16

func intersect(terms, others []string) []string {
	var out []string
	for _, t := range terms {
		if slices.Contains(others, t) {
			out = append(out, t)
		}
	}
	return out
}

// placeTerms returns the business terms that an element of a UBL invoice or
// credit note carries; those of the nearest ancestor when it carries none.
func placeTerms(n xmltree.Node, attribute string) []string {
	root := n.Document().Root()
	if root.Space() != spaceUBL+"Invoice-2" && root.Space() != spaceUBL+"CreditNote-2" {
		return nil
	}
	if attribute != "" {
		if found := matching(termPaths()[invoicePath(n)+"/@"+attribute], n); len(found) > 0 {
			return found
		}
	}
	for ; n.Exists() && n != root; n = n.Parent() {
		if found := matching(termPaths()[invoicePath(n)], n); len(found) > 0 {
			return found
		}
	}
	return nil
}

// matching returns the terms whose conditions hold at n; terms without
// conditions only count when no other does.
func matching(candidates []termPath, n xmltree.Node) []string {
	var certain, general []string
	for _, c := range candidates {
		switch {
		case len(c.conditions) == 0:
			general = append(general, c.term)
		case holdAll(c.conditions, n):
			certain = append(certain, c.term)
		}
	}
	if len(certain) > 0 {
		return certain
	}
	return general
}

func holdAll(conditions []string, n xmltree.Node) bool {
	for _, c := range conditions {
		path, want, _ := strings.Cut(c, "=")
		path, negated := strings.CutSuffix(path, "!")
		if (nearest(n, path) == want) == negated {
			return false
		}
	}
	return true
}

// nearest returns the text at a path below n or below one of its ancestors,
// the closest first, and the attribute of n for "@name".
func nearest(n xmltree.Node, path string) string {
	if name, ok := strings.CutPrefix(path, "@"); ok {
		value, _ := n.Attr("", name)
		return value
	}
	for ; n.Kind() == xmltree.Element; n = n.Parent() {
		at := n
		for name := range strings.SplitSeq(path, "/") {
			prefix, local, _ := strings.Cut(name, ":")
			space := spaceCBC
			if prefix == "cac" {
				space = spaceCAC
			}
			at = at.Child(space, local)
		}
		if at.Exists() {
			return strings.TrimSpace(at.Text())
		}
	}
	return ""
}

// creditNoteNames are the elements of a UBL CreditNote whose Invoice
// counterpart is called otherwise.
var creditNoteNames = map[string]string{
	"CreditNoteLine":     "InvoiceLine",
	"CreditedQuantity":   "InvoicedQuantity",
	"CreditNoteTypeCode": "InvoiceTypeCode",
}

// invoicePath returns the path below the root as the tables write it.
func invoicePath(n xmltree.Node) string {
	var steps []string
	for ; n.Kind() == xmltree.Element && n.Parent().Kind() == xmltree.Element; n = n.Parent() {
		name := n.Local()
		if other, ok := creditNoteNames[name]; ok {
			name = other
		}
		steps = append(steps, customaryPrefix(n)+":"+name)
	}
	slices.Reverse(steps)
	return strings.Join(steps, "/")
}
