package ubl

import "facteur.dev/facteur/internal/xmltree"

// Report says where the model and the document differ.
type Report struct {
	// Unmodelled are elements and attributes that the model has no place for,
	// in document order. Of a whole group only the group itself is listed.
	Unmodelled []Element
	// Missing are mandatory terms that the document lacks and the model had to
	// fill: amounts and quantities with 0, the currency with the one that the
	// amounts state, the type of a credit note with 381.
	Missing []Missing
	// More is how many further entries there are. Each list ends after 1000.
	More int
}

// Complete tells whether the model says all that the document says, and nothing
// that it does not.
func (r Report) Complete() bool { return len(r.Unmodelled)+len(r.Missing)+r.More == 0 }

// maxReported is how long each list of a report may be.
const maxReported = 1000

// Element is an element or attribute of a document.
type Element struct {
	// Path is its place as an XPath with the prefixes of the document; an
	// attribute ends in "/@name".
	Path string `json:"path"`
	// Line is its line, from 1.
	Line int `json:"line"`
	// Value is its text, shortened; empty for a group.
	Value string `json:"value,omitempty"`
}

// Missing is a mandatory term that a document lacks.
type Missing struct {
	// Term is the business term: "BT-146".
	Term string `json:"term"`
	// Path is the place of the group that lacks it.
	Path string `json:"path"`
	// Line is the line of that group.
	Line int `json:"line"`
}

// unmodelled lists what has not been read below n, an element that has been.
func (r *reader) unmodelled(n xmltree.Node) {
	for _, a := range n.Attrs() {
		if !r.attrUsed(n, a) && a.Space != nsInstance {
			r.list(n, "/@"+a.QName(), a.Value)
		}
	}
	for c := range n.Children() {
		if r.used[c.ID()] {
			r.unmodelled(c)
		} else {
			r.list(c, "", leafText(c))
		}
	}
}

// list adds an element, or an attribute of it, to the report.
func (r *reader) list(n xmltree.Node, attribute, value string) {
	if len(r.report.Unmodelled) == maxReported {
		r.report.More++
		return
	}
	r.report.Unmodelled = append(r.report.Unmodelled, Element{n.Path() + attribute, n.Line(), shorten(value)})
}

// nsInstance is the namespace of xsi:schemaLocation, which only helps parsers.
const nsInstance = "http://www.w3.org/2001/XMLSchema-instance"

// leafText is the text of an element without children.
func leafText(n xmltree.Node) string {
	for range n.Children() {
		return ""
	}
	return trim(n.Text())
}

func shorten(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
