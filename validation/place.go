package validation

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"facteur.dev/facteur/internal/xmltree"
)

// Place is where a finding points.
type Place struct {
	Location     string   // XPath with customary prefixes, every step with its position
	Line, Column int      // of the element's start tag, from 1
	Value        string   // text of an element without children, or of an attribute; shortened
	Terms        []string // business terms that the place carries
}

// maxValue is how many bytes of a value a finding keeps.
const maxValue = 200

// Element returns the place of the n-th element in document order, from 1.
func (d *Document) Element(n int) (Place, bool) {
	places := d.Elements([]int{n})
	p, ok := places[n]
	return p, ok
}

// Elements is Element for many numbers in one walk. Numbers beyond the last
// element are left out.
func (d *Document) Elements(numbers []int) map[int]Place {
	places := make(map[int]Place, len(numbers))
	if d.tree == nil || len(numbers) == 0 {
		return places
	}
	wanted := make(map[int]bool, len(numbers))
	last := 0
	for _, n := range numbers {
		wanted[n] = true
		last = max(last, n)
	}
	at := 0
	for id := int32(0); int(id) < d.tree.Len() && at < last; id++ {
		n := d.tree.Node(id)
		if n.Kind() != xmltree.Element {
			continue
		}
		at++
		if wanted[at] {
			places[at] = place(n)
		}
	}
	return places
}

// Locate finds the element or attribute that an XPath of a Schematron report
// names. It understands the forms that Schematron implementations write:
//
//	/ubl:Invoice[1]/cbc:ID[1]/@schemeID
//	/*:Invoice[namespace-uri()='urn:…'][1]
//	/*[local-name()='Invoice' and namespace-uri()='urn:…'][1]
//
// It answers false for other paths and for places that are not there.
func (d *Document) Locate(xpath string) (Place, bool) {
	steps, ok := parsePath(xpath)
	if !ok || d.tree == nil {
		return Place{}, false
	}
	n := d.tree.Node(0)
	for i, s := range steps {
		if s.attribute {
			if i != len(steps)-1 {
				return Place{}, false
			}
			return attributePlace(n, s)
		}
		if n = s.child(n); !n.Exists() {
			return Place{}, false
		}
	}
	if len(steps) == 0 {
		n = d.tree.Root()
	}
	return place(n), true
}

// step is one step of a location path: a name, its namespace where the path
// tells it, and a position among the siblings of that name.
type step struct {
	local, space, prefix string
	spaced               bool // space is known
	attribute            bool
	position             int
}

func (s step) child(n xmltree.Node) xmltree.Node {
	at := 0
	for c := range n.Children() {
		if !s.matches(c) {
			continue
		}
		if at++; at == s.position {
			return c
		}
	}
	return xmltree.Node{}
}

func (s step) matches(n xmltree.Node) bool {
	if n.Local() != s.local {
		return false
	}
	switch {
	case s.spaced:
		return n.Space() == s.space
	case s.prefix != "" && s.prefix != "*":
		return n.Prefix() == s.prefix || customaryPrefix(n) == s.prefix
	}
	return true
}

func attributePlace(n xmltree.Node, s step) (Place, bool) {
	for _, a := range n.Attrs() {
		if a.Local != s.local || s.spaced && a.Space != s.space {
			continue
		}
		p := place(n)
		p.Location += "/@" + a.QName()
		p.Value = shorten(a.Value)
		p.Terms = placeTerms(n, a.QName())
		return p, true
	}
	return Place{}, false
}

func place(n xmltree.Node) Place {
	p := Place{Location: location(n), Line: n.Line(), Column: n.Column(), Terms: placeTerms(n, "")}
	for range n.Children() {
		return p
	}
	p.Value = shorten(strings.TrimSpace(n.Text()))
	return p
}

// location writes the path of an element with the prefixes that the standards
// use, whatever prefixes the document chose.
func location(n xmltree.Node) string {
	var steps []string
	for ; n.Kind() == xmltree.Element; n = n.Parent() {
		position := 1
		for c := range n.Parent().All(n.Space(), n.Local()) {
			if c == n {
				break
			}
			position++
		}
		name := n.Local()
		if p := customaryPrefix(n); p != "" {
			name = p + ":" + name
		}
		steps = append(steps, "/"+name+"["+strconv.Itoa(position)+"]")
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	return b.String()
}

// customaryPrefix returns the prefix that the publisher of a namespace uses,
// else the document's own.
func customaryPrefix(n xmltree.Node) string {
	switch n.Space() {
	case spaceCBC:
		return "cbc"
	case spaceCAC:
		return "cac"
	case spaceUBL + "CommonExtensionComponents-2":
		return "ext"
	case spaceUBL + "CreditNote-2":
		return "cn"
	case spaceCII, spaceCDAR:
		return "rsm"
	case spaceRAM:
		return "ram"
	case spaceUDT:
		return "udt"
	case spaceCEFA + "QualifiedDataType:100":
		return "qdt"
	}
	if n.Parent().Kind() == xmltree.DocumentNode && strings.HasPrefix(n.Space(), spaceUBL) {
		return "ubl"
	}
	return n.Prefix()
}

func shorten(s string) string {
	if len(s) <= maxValue {
		return s
	}
	cut := maxValue
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Fill returns the finding with its place, and with the business terms of that
// place and of its rule.
func (p Place) Fill(f Finding) Finding {
	f.Location, f.Line, f.Column, f.Value = p.Location, p.Line, p.Column, p.Value
	f.BusinessTerms = findingTerms(f.Rule, f.Message, p.Terms)
	return f
}
