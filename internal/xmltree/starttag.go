package xmltree

import "strings"

// startTag is what was read of a start tag before names are resolved.
type startTag struct {
	name  rawName
	attrs []rawAttr
	decls int // how many of attrs are namespace declarations
	empty bool
	end   int
}

type rawName struct {
	raw   string
	colon int // length of the prefix; 0 for none
	at    int
}

func (n rawName) prefix() string { return n.raw[:n.colon] }

func (n rawName) local() string {
	if n.colon == 0 {
		return n.raw
	}
	return n.raw[n.colon+1:]
}

// declares tells whether the attribute name declares a namespace.
func (n rawName) declares() bool {
	return n.raw == "xmlns" || n.colon == len("xmlns") && strings.HasPrefix(n.raw, "xmlns")
}

type rawAttr struct {
	rawName
	value string
}

func (p *parser) startTag(i int) (int, *Error) {
	if err := p.endText(i); err != nil {
		return i, err
	}
	if len(p.open) == 1 && p.top().last != 0 && p.doc.Root().Exists() {
		return i, malformed(i, "a second document element")
	}
	if len(p.open) > p.limits.Depth {
		return i, fail(CodeTooDeep, i, "elements nested too deep")
	}
	if err := p.scanStartTag(i); err != nil {
		return i, err
	}
	t := &p.tag
	id, err := p.add(node{kind: Element, start: int32(i), attrs: int32(len(p.doc.attrs)), decls: int32(len(p.doc.decls))})
	if err != nil {
		return i, err
	}
	p.open = append(p.open, openElement{id: id, raw: t.name.raw, bindings: len(p.bindings)})
	if err := p.resolveTag(id); err != nil {
		return i, err
	}
	if t.empty {
		p.closeElement(t.end)
	}
	return t.end, nil
}

// scanStartTag reads "<name a="v" … >" into p.tag.
func (p *parser) scanStartTag(i int) *Error {
	t := &p.tag
	t.attrs, t.decls, t.empty = t.attrs[:0], 0, false
	var err *Error
	if t.name, i, err = p.qname(i + 1); err != nil {
		return err
	}
	for {
		next := skipSpace(p.s, i)
		switch {
		case next == len(p.s):
			return malformed(next, "document ends inside a tag")
		case p.s[next] == '>':
			t.end = next + 1
			return nil
		case strings.HasPrefix(p.s[next:], "/>"):
			t.empty, t.end = true, next+2
			return nil
		case next == i:
			return malformed(i, "unexpected character in a tag")
		case len(t.attrs) == p.limits.Attributes:
			return fail(CodeTooLarge, next, "too many attributes")
		}
		if i, err = p.scanAttr(next); err != nil {
			return err
		}
	}
}

func (p *parser) scanAttr(i int) (int, *Error) {
	n, i, err := p.qname(i)
	if err != nil {
		return i, err
	}
	if err := p.spend(1, n.at); err != nil {
		return i, err
	}
	i = skipSpace(p.s, i)
	if i == len(p.s) || p.s[i] != '=' {
		return i, malformed(n.at, "attribute without a value")
	}
	i = skipSpace(p.s, i+1)
	if i == len(p.s) || p.s[i] != '"' && p.s[i] != '\'' {
		return i, malformed(n.at, "attribute value is not quoted")
	}
	length := strings.IndexByte(p.s[i+1:], p.s[i])
	if length < 0 {
		return i, malformed(i, "attribute value is not closed")
	}
	value, err := p.attrValue(i+1, i+1+length)
	if err != nil {
		return i, err
	}
	if n.declares() {
		p.tag.decls++
	}
	p.tag.attrs = append(p.tag.attrs, rawAttr{n, value})
	return i + length + 2, nil
}

func (p *parser) attrValue(i, end int) (string, *Error) {
	if err := p.checkLength(i, end); err != nil {
		return "", err
	}
	raw := p.s[i:end]
	if n := strings.IndexByte(raw, '<'); n >= 0 {
		return "", malformed(i+n, "\"<\" in an attribute value")
	}
	if strings.ContainsAny(raw, "&\t\n\r") {
		return p.resolve(i, end, true)
	}
	return raw, nil
}

// qname reads a qualified name.
func (p *parser) qname(i int) (rawName, int, *Error) {
	end := ncNameEnd(p.s, i)
	if end == i {
		return rawName{}, i, malformed(i, "no name where one is needed")
	}
	n := rawName{at: i}
	if end < len(p.s) && p.s[end] == ':' {
		local := end + 1
		n.colon = end - i
		if end = ncNameEnd(p.s, local); end == local || end < len(p.s) && p.s[end] == ':' {
			return rawName{}, i, fail(CodeNamespace, i, "colon in a name that is no prefix and local name")
		}
	}
	if end-i > maxName {
		return rawName{}, i, fail(CodeTooLarge, i, "name too long")
	}
	n.raw = p.s[i:end]
	return n, end, nil
}

// resolveTag declares the namespaces of p.tag and gives the element and its
// attributes their names.
func (p *parser) resolveTag(id int32) *Error {
	t := &p.tag
	if err := p.checkTwice(); err != nil {
		return err
	}
	for i := range t.attrs {
		if a := &t.attrs[i]; a.declares() {
			if err := p.declare(a); err != nil {
				return err
			}
		}
	}
	space, err := p.space(t.name, true)
	if err != nil {
		return err
	}
	n := &p.doc.nodes[id]
	n.name = p.nameID(t.name.raw, space, t.name.colon)
	n.ndecls, n.nattrs = uint16(t.decls), uint16(len(t.attrs)-t.decls)
	prefixed := 0
	for i := range t.attrs {
		a := &t.attrs[i]
		if a.declares() {
			continue
		}
		if space, err = p.space(a.rawName, false); err != nil {
			return err
		}
		if space != "" {
			prefixed++
		}
		p.doc.attrs = append(p.doc.attrs, Attr{Space: space, Local: a.local(), Prefix: a.prefix(), Value: a.value})
	}
	if prefixed > 1 {
		return p.checkTwiceResolved(p.doc.attrs[n.attrs:])
	}
	return nil
}

// few is how many attributes are compared pair by pair.
const few = 8

// checkTwice refuses two attributes written with the same name.
func (p *parser) checkTwice() *Error {
	attrs := p.tag.attrs
	const msg = "attribute given twice"
	if len(attrs) <= few {
		for i := range attrs {
			for j := range i {
				if attrs[i].raw == attrs[j].raw {
					return malformed(attrs[i].at, msg)
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(attrs))
	for i := range attrs {
		if seen[attrs[i].raw] {
			return malformed(attrs[i].at, msg)
		}
		seen[attrs[i].raw] = true
	}
	return nil
}

// checkTwiceResolved refuses two attributes with the same namespace and local name.
func (p *parser) checkTwiceResolved(attrs []Attr) *Error {
	type key struct{ space, local string }
	seen := make(map[key]bool, len(attrs))
	for i := range attrs {
		k := key{attrs[i].Space, attrs[i].Local}
		if seen[k] {
			return fail(CodeNamespace, p.tag.name.at-1, "attribute given twice, under two prefixes of one namespace")
		}
		seen[k] = true
	}
	return nil
}

// declare binds the prefix of a namespace declaration.
func (p *parser) declare(a *rawAttr) *Error {
	d := Namespace{URI: a.value}
	if a.colon > 0 {
		d.Prefix = a.local()
	}
	switch {
	case d.Prefix == "xmlns":
		return fail(CodeNamespace, a.at, "the prefix xmlns cannot be declared")
	case (d.Prefix == "xml") != (d.URI == xmlSpace), d.URI == xmlnsSpace:
		return fail(CodeNamespace, a.at, "a reserved prefix or namespace is declared")
	case d.Prefix != "" && d.URI == "":
		return fail(CodeNamespace, a.at, "a prefix cannot be undeclared")
	}
	outer, ok := p.scope[d.Prefix]
	if !ok {
		outer = -1
	}
	p.scope[d.Prefix] = int32(len(p.bindings))
	p.bindings = append(p.bindings, binding{d.Prefix, d.URI, outer})
	p.doc.decls = append(p.doc.decls, d)
	return nil
}

// space is the namespace of a name at the current place.
func (p *parser) space(n rawName, element bool) (string, *Error) {
	prefix := n.prefix()
	if prefix == "" && !element {
		return "", nil
	}
	if b, ok := p.scope[prefix]; ok {
		return p.bindings[b].uri, nil
	}
	switch prefix {
	case "":
		return "", nil
	case "xml":
		return xmlSpace, nil
	}
	return "", fail(CodeNamespace, n.at, "prefix is not declared")
}

// nameID is the number of a name; equal names share one entry.
func (p *parser) nameID(raw, space string, colon int) int32 {
	k := nameKey{raw, space}
	if id, ok := p.ids[k]; ok {
		return id
	}
	n := rawName{raw: raw, colon: colon}
	id := int32(len(p.doc.names))
	p.doc.names = append(p.doc.names, name{space: space, local: n.local(), prefix: n.prefix(), qname: raw})
	p.ids[k] = id
	return id
}
