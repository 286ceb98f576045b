package ubl

import (
	"encoding/base64"
	"fmt"
	"iter"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

// reader reads the elements of one document and remembers which of them it has
// read, so that the rest can be reported. Its methods take the group that an
// element stands in; an absent group has only absent elements.
type reader struct {
	used      []bool             // by node: read into the model
	usedAttrs map[int32][]string // by node: names of the attributes read
	currency  string             // of the amounts
	repeated  int                // repeated elements so far
	errs      Errors
	report    Report
}

func newReader(doc *xmltree.Document) *reader {
	return &reader{used: make([]bool, doc.Len()), usedAttrs: make(map[int32][]string)}
}

// use marks an element as read.
func (r *reader) use(n xmltree.Node) xmltree.Node {
	if n.Exists() {
		r.used[n.ID()] = true
	}
	return n
}

// group is the first aggregate (cac) of that name.
func (r *reader) group(parent xmltree.Node, local string) xmltree.Node {
	return r.use(parent.Child(nsCAC, local))
}

// maxRepeated is how many repeated elements a document may have in all, lines
// among them. The model takes much more memory for one than the document does.
const maxRepeated = 200_000

// groups are all aggregates of that name.
func (r *reader) groups(parent xmltree.Node, local string) iter.Seq[xmltree.Node] {
	return func(yield func(xmltree.Node) bool) {
		for n := range parent.All(nsCAC, local) {
			if !r.another(n) || !yield(r.use(n)) {
				return
			}
		}
	}
}

// another counts a repeated element and tells whether the document may have it.
func (r *reader) another(n xmltree.Node) bool {
	if r.repeated++; r.repeated == maxRepeated+1 {
		r.fail(n, CodeTooLarge, "more than %d repeated elements", maxRepeated)
	}
	return r.repeated <= maxRepeated
}

// field is the first basic element (cbc) of that name.
func (r *reader) field(parent xmltree.Node, local string) xmltree.Node {
	return r.use(parent.Child(nsCBC, local))
}

// attr is an attribute without namespace.
func (r *reader) attr(n xmltree.Node, local string) string {
	value, found := n.Attr("", local)
	if found {
		r.usedAttrs[n.ID()] = append(r.usedAttrs[n.ID()], local)
	}
	return trim(value)
}

func (r *reader) attrUsed(n xmltree.Node, a xmltree.Attr) bool {
	if a.Space != "" {
		return false
	}
	for _, name := range r.usedAttrs[n.ID()] {
		if name == a.Local {
			return true
		}
	}
	return false
}

// text is the text of the first basic element of that name.
func (r *reader) text(parent xmltree.Node, local string) string {
	return trim(r.field(parent, local).Text())
}

// verbatim is text with the white space around it, which counts in the payment
// terms of German invoices: each line that grants a discount ends in a line feed.
func (r *reader) verbatim(parent xmltree.Node, local string) string {
	s := r.field(parent, local).Text()
	if trim(s) == "" {
		return ""
	}
	return s
}

// identifier is the first basic element of that name with its scheme.
func (r *reader) identifier(parent xmltree.Node, local string) invoice.Identifier {
	return r.identifierOf(r.field(parent, local))
}

func (r *reader) identifierOf(n xmltree.Node) invoice.Identifier {
	return invoice.Identifier{Value: trim(n.Text()), Scheme: r.attr(n, "schemeID")}
}

// amount is an optional amount in the currency of the document.
func (r *reader) amount(parent xmltree.Node, local string) *invoice.Decimal {
	n := r.field(parent, local)
	r.checkCurrency(n, r.currency)
	return r.number(n)
}

// requiredAmount is a mandatory amount; the report says when it is missing.
func (r *reader) requiredAmount(parent xmltree.Node, local, term string) invoice.Decimal {
	return r.required(r.amount(parent, local), parent, term)
}

func (r *reader) required(d *invoice.Decimal, parent xmltree.Node, term string) invoice.Decimal {
	if d == nil {
		r.missing(parent, term)
		return invoice.Decimal{}
	}
	return *d
}

// decimal is an optional number without currency.
func (r *reader) decimal(parent xmltree.Node, local string) *invoice.Decimal {
	return r.number(r.field(parent, local))
}

// quantity is an optional number with its unit.
func (r *reader) quantity(parent xmltree.Node, local string) (*invoice.Decimal, string) {
	n := r.field(parent, local)
	return r.number(n), r.attr(n, "unitCode")
}

func (r *reader) number(n xmltree.Node) *invoice.Decimal {
	s := trim(n.Text())
	if s == "" {
		return nil
	}
	d, err := invoice.ParseDecimal(s)
	if err != nil {
		r.fail(n, CodeAmount, "%v", err)
		return nil
	}
	return &d
}

// date is an optional date. A time zone says nothing about a civil date: it is
// left out and reported.
func (r *reader) date(parent xmltree.Node, local string) *invoice.Date {
	n := r.field(parent, local)
	s := trim(n.Text())
	if s == "" {
		return nil
	}
	day := s
	if len(s) > len("2006-01-02") && isZone(s[len("2006-01-02"):]) {
		day = s[:len("2006-01-02")]
		r.list(n, "", s)
	}
	d, err := invoice.ParseDate(day)
	if err != nil {
		r.fail(n, CodeDate, "%v", err)
		return nil
	}
	return &d
}

// isZone tells whether s is the time zone of an xs:date.
func isZone(s string) bool {
	return s == "Z" || len(s) == len("+01:00") && (s[0] == '+' || s[0] == '-') && s[3] == ':'
}

// boolean is a mandatory xs:boolean.
func (r *reader) boolean(parent xmltree.Node, local string) bool {
	n := r.field(parent, local)
	switch trim(n.Text()) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	if !n.Exists() {
		n = parent
	}
	r.fail(n, CodeBoolean, "%s must be true or false", local)
	return false
}

// file is an embedded file.
func (r *reader) file(n xmltree.Node) *invoice.Attachment {
	if !n.Exists() {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Text()), ""))
	if err != nil {
		r.fail(n, CodeBase64, "not base64: %v", err)
	}
	return &invoice.Attachment{
		Content:  content,
		MIMECode: r.attr(n, "mimeCode"),
		Filename: r.attr(n, "filename"),
	}
}

// checkCurrency refuses an amount in another currency: it would be read as
// something else than it is.
func (r *reader) checkCurrency(n xmltree.Node, want string) {
	if got := r.attr(n, "currencyID"); got != want && n.Exists() {
		r.fail(n, CodeCurrency, "the amount is in %q, not in %q", got, want)
	}
}

// fail notes a value that cannot be read.
func (r *reader) fail(n xmltree.Node, code, format string, args ...any) {
	switch {
	case len(r.errs) < maxErrors:
		r.errs = append(r.errs, &Error{
			Code: code, Path: n.Path(), Line: n.Line(), Column: n.Column(),
			Message: fmt.Sprintf(format, args...),
		})
	case len(r.errs) == maxErrors:
		r.errs = append(r.errs, &Error{Code: CodeTooMany, Line: n.Line(), Message: "there are more errors"})
	}
}

// missing notes a mandatory term that a group lacks.
func (r *reader) missing(group xmltree.Node, term string) {
	if len(r.report.Missing) == maxReported {
		r.report.More++
		return
	}
	r.report.Missing = append(r.report.Missing, Missing{term, group.Path(), group.Line()})
}

// trim removes the white space of XML around a value.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }
