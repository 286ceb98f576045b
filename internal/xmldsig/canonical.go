package xmldsig

import (
	"slices"
	"strings"

	"facteur.dev/facteur/internal/xmltree"
)

// Canonicalization algorithms.
const (
	InclusiveC14N             = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	InclusiveC14NWithComments = InclusiveC14N + "#WithComments"
	ExclusiveC14N             = "http://www.w3.org/2001/10/xml-exc-c14n#"
	ExclusiveC14NWithComments = ExclusiveC14N + "WithComments"
)

const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// Method is a canonicalization algorithm with its parameter.
type Method struct {
	Algorithm string
	// Prefixes is the PrefixList of InclusiveNamespaces, "#default" for the
	// default namespace. Only the exclusive algorithms have it.
	Prefixes []string
}

// Canonical is the canonical form of a subtree: of the document node the whole
// document, of an element this element with all below it. The node to omit,
// with all below it, is left out (a signature inside of what it signs); absent
// for none.
//
// The result is limited to a multiple of the document's size, as repeated
// namespace declarations could otherwise blow it up: a document beyond that
// fails with CodeTooLarge.
func Canonical(n xmltree.Node, m Method, omit xmltree.Node) ([]byte, error) {
	c := canonicalizer{omit: omit, rendered: map[string]string{}}
	switch m.Algorithm {
	case InclusiveC14N:
	case InclusiveC14NWithComments:
		c.comments = true
	case ExclusiveC14N:
		c.exclusive = true
	case ExclusiveC14NWithComments:
		c.exclusive, c.comments = true, true
	default:
		return nil, failf(CodeUnsupported, "canonicalization %q", m.Algorithm)
	}
	if len(m.Prefixes) > 0 {
		if !c.exclusive {
			return nil, failf(CodeMalformed, "a prefix list is for exclusive canonicalization only")
		}
		c.inclusive = map[string]bool{}
		for _, p := range m.Prefixes {
			if p == "#default" {
				p = ""
			}
			c.inclusive[p] = true
		}
	}
	if !n.Exists() {
		return nil, failf(CodeMalformed, "nothing to canonicalize")
	}
	c.limit = maxGrowth*len(n.Document().Source()) + 1<<20
	start, end := n.Offset()
	c.out = make([]byte, 0, (end-start)+(end-start)/8+256)
	for p := n.Parent(); p.Exists(); p = p.Parent() {
		if err := checkNamespaces(p); err != nil {
			return nil, err
		}
	}
	if err := c.subtree(n); err != nil {
		return nil, err
	}
	return c.out, nil
}

// checkNamespaces refuses relative namespaces, as the specification asks.
func checkNamespaces(n xmltree.Node) error {
	for _, d := range n.Namespaces() {
		if d.URI != "" && !isAbsolute(d.URI) {
			return failf(CodeMalformed, "the relative namespace %.80q has no canonical form", d.URI)
		}
	}
	return nil
}

// undo is what a prefix stood for before a declaration; ok when for something.
type undo struct {
	prefix, uri string
	ok          bool
}

// maxGrowth is how many times longer than its document a canonical form may
// get. Business documents stay below three.
const maxGrowth = 16

type canonicalizer struct {
	exclusive, comments bool
	inclusive           map[string]bool // prefixes of the prefix list
	omit                xmltree.Node
	limit               int
	out                 []byte

	rendered map[string]string // prefix → namespace as declared in the output so far
	undo     []undo

	decls []xmltree.Namespace // scratch
	attrs []xmltree.Attr      // scratch
}

func (c *canonicalizer) subtree(n xmltree.Node) error {
	switch n.Kind() {
	case xmltree.Element:
		return c.element(n, true)
	case xmltree.DocumentNode:
		return c.document(n)
	}
	return failf(CodeMalformed, "only documents and elements have a canonical form")
}

// document writes the children of the document node, one per line.
func (c *canonicalizer) document(d xmltree.Node) error {
	root := d.Document().Root()
	for n := range d.Nodes() {
		switch {
		case n == root && n != c.omit:
			if err := c.element(n, true); err != nil {
				return err
			}
		case n == root || n == c.omit || n.Kind() == xmltree.Comment && !c.comments:
		case n.ID() < root.ID():
			c.misc(n)
			c.out = append(c.out, '\n')
		default:
			c.out = append(c.out, '\n')
			c.misc(n)
		}
	}
	return nil
}

// element writes an element with all below it. The apex is the first element
// of the output.
func (c *canonicalizer) element(n xmltree.Node, apex bool) error {
	if len(c.out) > c.limit {
		return failf(CodeTooLarge, "canonical form is out of proportion to the document")
	}
	if err := checkNamespaces(n); err != nil {
		return err
	}
	mark := len(c.undo)
	name := n.QName()
	c.out = append(append(c.out, '<'), name...)
	c.namespaces(n, apex)
	c.attributes(n, apex)
	c.out = append(c.out, '>')
	for child := range n.Nodes() {
		switch {
		case child == c.omit:
		case child.Kind() == xmltree.Element:
			if err := c.element(child, false); err != nil {
				return err
			}
		case child.Kind() == xmltree.Text:
			c.text(child.Value())
		default:
			c.misc(child)
		}
	}
	c.out = append(append(append(c.out, "</"...), name...), '>')
	c.leave(mark)
	return nil
}

func (c *canonicalizer) misc(n xmltree.Node) {
	switch n.Kind() {
	case xmltree.Comment:
		if c.comments {
			c.out = append(append(append(c.out, "<!--"...), n.Value()...), "-->"...)
		}
	case xmltree.ProcInst:
		c.out = append(append(c.out, "<?"...), n.Local()...)
		if v := n.Value(); v != "" {
			c.out = append(append(c.out, ' '), v...)
		}
		c.out = append(c.out, "?>"...)
	}
}

// namespaces writes the declarations that the element needs and that the
// output does not have yet.
func (c *canonicalizer) namespaces(n xmltree.Node, apex bool) {
	c.decls = c.decls[:0]
	if c.exclusive {
		c.need(n.Prefix(), n.Space())
		for _, a := range n.Attrs() {
			if a.Prefix != "" {
				c.need(a.Prefix, a.Space)
			}
		}
	}
	c.inScope(n, apex)
	slices.SortFunc(c.decls, func(a, b xmltree.Namespace) int { return strings.Compare(a.Prefix, b.Prefix) })
	for _, d := range c.decls {
		c.out = append(c.out, " xmlns"...)
		if d.Prefix != "" {
			c.out = append(append(c.out, ':'), d.Prefix...)
		}
		c.value(d.URI)
	}
}

// inScope declares what the inclusive rules ask for: all that is in scope or,
// in exclusive form, what the prefix list names. Below the apex only the
// element's own declarations can be new.
func (c *canonicalizer) inScope(n xmltree.Node, apex bool) {
	var seen map[string]bool
	if apex {
		seen = map[string]bool{}
	}
	for ; n.Exists(); n = n.Parent() {
		for _, d := range n.Namespaces() {
			if seen[d.Prefix] || c.exclusive && !c.inclusive[d.Prefix] {
				continue
			}
			if apex {
				seen[d.Prefix] = true
			}
			c.need(d.Prefix, d.URI)
		}
		if !apex {
			return
		}
	}
}

// need declares a prefix unless the output says the same already.
func (c *canonicalizer) need(prefix, uri string) {
	old, ok := c.rendered[prefix]
	if prefix == "xml" || old == uri { // undeclared and declared away are the same: ""
		return
	}
	c.undo = append(c.undo, undo{prefix, old, ok})
	c.rendered[prefix] = uri
	c.decls = append(c.decls, xmltree.Namespace{Prefix: prefix, URI: uri})
}

// leave forgets the declarations of an element that ends.
func (c *canonicalizer) leave(mark int) {
	for i := len(c.undo) - 1; i >= mark; i-- {
		if u := c.undo[i]; u.ok {
			c.rendered[u.prefix] = u.uri
		} else {
			delete(c.rendered, u.prefix)
		}
	}
	c.undo = c.undo[:mark]
}

// attributes writes the attributes by namespace and name. The apex of an
// inclusive form gets the xml: attributes of the ancestors that are left out.
func (c *canonicalizer) attributes(n xmltree.Node, apex bool) {
	c.attrs = append(c.attrs[:0], n.Attrs()...)
	if apex && !c.exclusive {
		for p := n.Parent(); p.Exists(); p = p.Parent() {
			for _, a := range p.Attrs() {
				if a.Space == xmlSpace && !slices.ContainsFunc(c.attrs, func(o xmltree.Attr) bool {
					return o.Space == xmlSpace && o.Local == a.Local
				}) {
					c.attrs = append(c.attrs, a)
				}
			}
		}
	}
	slices.SortFunc(c.attrs, func(a, b xmltree.Attr) int {
		if r := strings.Compare(a.Space, b.Space); r != 0 {
			return r
		}
		return strings.Compare(a.Local, b.Local)
	})
	for _, a := range c.attrs {
		c.out = append(append(c.out, ' '), a.QName()...)
		c.value(a.Value)
	}
}

// value writes ="v" with the characters escaped that an attribute must not hold.
func (c *canonicalizer) value(v string) {
	c.out = append(c.out, `="`...)
	c.escape(v, func(b byte) string {
		switch b {
		case '&':
			return "&amp;"
		case '<':
			return "&lt;"
		case '"':
			return "&quot;"
		case '\t':
			return "&#x9;"
		case '\n':
			return "&#xA;"
		case '\r':
			return "&#xD;"
		}
		return ""
	})
	c.out = append(c.out, '"')
}

func (c *canonicalizer) text(v string) {
	c.escape(v, func(b byte) string {
		switch b {
		case '&':
			return "&amp;"
		case '<':
			return "&lt;"
		case '>':
			return "&gt;"
		case '\r':
			return "&#xD;"
		}
		return ""
	})
}

func (c *canonicalizer) escape(v string, by func(byte) string) {
	done := 0
	for i := range len(v) {
		if v[i] > '>' {
			continue
		}
		if e := by(v[i]); e != "" {
			c.out = append(append(c.out, v[done:i]...), e...)
			done = i + 1
		}
	}
	c.out = append(c.out, v[done:]...)
}

// isAbsolute tells whether a URI reference starts with a scheme.
func isAbsolute(uri string) bool {
	scheme, _, ok := strings.Cut(uri, ":")
	if !ok || scheme == "" || !isLetter(scheme[0]) {
		return false
	}
	for i := range len(scheme) {
		if b := scheme[i]; !isLetter(b) && (b < '0' || b > '9') && !strings.ContainsRune("+-.", rune(b)) {
			return false
		}
	}
	return true
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }
