package xmltree

import (
	"slices"
	"strings"
)

// Parse reads one document. It fails with an *Error at the first thing that is
// not allowed. It keeps src, which must not be changed afterwards.
func Parse(src []byte, l Limits) (*Document, error) {
	l = l.orDefault()
	text, err := decode(src, l.Bytes)
	if err != nil {
		return nil, err
	}
	p := &parser{
		limits: l,
		s:      string(text),
		doc:    &Document{src: text},
		ids:    map[nameKey]int32{},
		scope:  map[string]int32{},
	}
	if e := p.run(); e != nil {
		e.Line, e.Column = position(text, int(e.Offset))
		return nil, e
	}
	return p.doc, nil
}

// parser is a scanner over s that fills the arena. Its methods take the offset
// to read at and answer the offset after what they read.
type parser struct {
	limits Limits
	s      string
	doc    *Document
	spent  int // nodes, attributes and declarations so far, see Limits.Nodes

	open []openElement // path to the current node; [0] is the document node
	text textRun

	ids      map[nameKey]int32 // names seen, by what was written and what it means
	bindings []binding         // prefixes in scope, innermost last
	scope    map[string]int32  // prefix → its innermost binding
	tag      startTag          // the start tag being read, kept for its memory
}

type openElement struct {
	id, last int32  // node, its last child so far
	raw      string // name as written
	bindings int    // len(parser.bindings) before the element
}

type nameKey struct{ raw, space string }

type binding struct {
	prefix, uri string
	outer       int32 // binding of the same prefix that this one hides, -1 for none
}

func fail(code string, offset int, msg string) *Error {
	return &Error{Code: code, Offset: int64(offset), Msg: msg}
}

func malformed(offset int, msg string) *Error { return fail(CodeMalformed, offset, msg) }

func (p *parser) run() *Error {
	if bad := badChar(p.s); bad >= 0 {
		return malformed(bad, "not a character of XML in UTF-8")
	}
	start := len(markUTF8)
	if !hasUTF8Mark(p.doc.src) {
		start = 0
	}
	i, err := p.prepare(start)
	for err == nil && i < len(p.s) {
		i, err = p.content(i)
	}
	if err != nil {
		return err
	}
	if err := p.endText(len(p.s)); err != nil {
		return err
	}
	if len(p.open) > 1 {
		return malformed(len(p.s), "document ends inside element <"+p.top().raw+">")
	}
	if !p.doc.Root().Exists() {
		return malformed(len(p.s), "no document element")
	}
	return nil
}

// prepare sizes the arena, makes the document node and reads the declaration.
func (p *parser) prepare(i int) (int, *Error) {
	if skipSpace(p.s, i) == len(p.s) {
		return i, fail(CodeEmpty, 0, "document is empty")
	}
	// Start tag, end tag and the texts after each: three nodes for two "<".
	guess := strings.Count(p.s, "<")*3/2 + 2
	p.doc.nodes = make([]node, 1, min(guess, firstNodes))
	p.doc.nodes[0] = node{kind: DocumentNode, end: int32(len(p.s))}
	p.open = append(p.open, openElement{})
	d, err := parseDeclaration(p.s, i)
	if err != nil {
		return i, err
	}
	return d.end, nil
}

func (p *parser) top() *openElement { return &p.open[len(p.open)-1] }

// content reads the next piece of content: a stretch of text or one tag,
// comment, CDATA section or processing instruction.
func (p *parser) content(i int) (int, *Error) {
	if p.s[i] != '<' {
		return p.charData(i)
	}
	rest := p.s[i:]
	switch {
	case len(rest) < 2:
		return i, malformed(i, "document ends inside a tag")
	case rest[1] == '/':
		return p.endTag(i)
	case rest[1] == '?':
		return p.procInst(i)
	case strings.HasPrefix(rest, "<!--"):
		return p.comment(i)
	case strings.HasPrefix(rest, "<![CDATA["):
		return p.cdata(i)
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return i, fail(CodeDTD, i, "a document type declaration is not allowed")
	case rest[1] == '!':
		return i, malformed(i, "\"<!\" starts neither comment nor CDATA section")
	}
	return p.startTag(i)
}

// add appends a node as last child of the open element.
func (p *parser) add(n node) (int32, *Error) {
	if err := p.spend(1, int(n.start)); err != nil {
		return 0, err
	}
	id := int32(len(p.doc.nodes))
	parent := p.top()
	n.parent = parent.id
	if parent.last == 0 {
		p.doc.nodes[parent.id].first = id
	} else {
		p.doc.nodes[parent.last].next = id
	}
	parent.last = id
	if len(p.doc.nodes) == cap(p.doc.nodes) {
		p.grow(int(n.start))
	}
	p.doc.nodes = append(p.doc.nodes, n)
	return id, nil
}

// firstNodes is how many nodes get memory before any was read.
const firstNodes = 16 << 10

// grow makes room for as many nodes as the document seems to have, judged by
// what was read up to the offset, but trusts it with no more than three times
// what is there.
func (p *parser) grow(at int) {
	n := int64(len(p.doc.nodes))
	all := n*int64(len(p.s))/int64(max(at, 1)) + n/16
	p.doc.nodes = slices.Grow(p.doc.nodes, int(min(max(all-n, n/4), 3*n)))
}

func (p *parser) spend(n, at int) *Error {
	if p.spent += n; p.spent > p.limits.Nodes {
		return fail(CodeTooLarge, at, "too many nodes")
	}
	return nil
}

func (p *parser) value(v string) int32 {
	p.doc.values = append(p.doc.values, v)
	return int32(len(p.doc.values) - 1)
}

func (p *parser) checkLength(from, to int) *Error {
	if int64(to-from) > p.limits.Text {
		return fail(CodeTooLarge, from, "text too long")
	}
	return nil
}

// comment reads "<!-- … -->".
func (p *parser) comment(i int) (int, *Error) {
	body := i + len("<!--")
	n := strings.Index(p.s[body:], "--")
	if n < 0 {
		return i, malformed(i, "comment is not closed")
	}
	end := body + n + len("-->")
	if end > len(p.s) || p.s[end-1] != '>' {
		return i, malformed(body+n, "\"--\" inside a comment")
	}
	if err := p.checkLength(body, body+n); err != nil {
		return i, err
	}
	return end, p.leaf(node{kind: Comment, start: int32(i), end: int32(end)}, p.s[body:body+n])
}

// leaf adds a comment or a processing instruction.
func (p *parser) leaf(n node, value string) *Error {
	if err := p.endText(int(n.start)); err != nil {
		return err
	}
	n.value = p.value(normaliseLines(value))
	_, err := p.add(n)
	return err
}

// procInst reads "<?target value?>".
func (p *parser) procInst(i int) (int, *Error) {
	start := i + len("<?")
	nameEnd := ncNameEnd(p.s, start)
	if nameEnd == start {
		return i, malformed(i, "processing instruction without a target")
	}
	if nameEnd-start > maxName {
		return i, fail(CodeTooLarge, start, "name too long")
	}
	target := p.s[start:nameEnd]
	if strings.EqualFold(target, "xml") {
		return i, malformed(i, "an XML declaration is allowed only at the very start")
	}
	if nameEnd < len(p.s) && p.s[nameEnd] == ':' {
		return i, fail(CodeNamespace, nameEnd, "colon in the target of a processing instruction")
	}
	n := strings.Index(p.s[nameEnd:], "?>")
	if n < 0 {
		return i, malformed(i, "processing instruction is not closed")
	}
	body, end := skipSpace(p.s, nameEnd), nameEnd+n+len("?>")
	if body == nameEnd && n > 0 {
		return i, malformed(nameEnd, "no white space after the target of a processing instruction")
	}
	if err := p.checkLength(body, end-len("?>")); err != nil {
		return i, err
	}
	id := p.nameID(target, "", 0)
	return end, p.leaf(node{kind: ProcInst, name: id, start: int32(i), end: int32(end)}, p.s[body:end-len("?>")])
}

// endTag reads "</name>".
func (p *parser) endTag(i int) (int, *Error) {
	start := i + len("</")
	e := p.top()
	if len(p.open) == 1 {
		return i, malformed(i, "end tag without a start tag")
	}
	if !strings.HasPrefix(p.s[start:], e.raw) {
		return i, malformed(i, "end tag does not match <"+e.raw+">")
	}
	end := skipSpace(p.s, start+len(e.raw))
	if end == len(p.s) || p.s[end] != '>' {
		return i, malformed(i, "end tag does not match <"+e.raw+">")
	}
	if err := p.endText(i); err != nil {
		return i, err
	}
	p.closeElement(end + 1)
	return end + 1, nil
}

func (p *parser) closeElement(end int) {
	e := p.top()
	p.doc.nodes[e.id].end = int32(end)
	for len(p.bindings) > e.bindings {
		b := p.bindings[len(p.bindings)-1]
		if b.outer < 0 {
			delete(p.scope, b.prefix)
		} else {
			p.scope[b.prefix] = b.outer
		}
		p.bindings = p.bindings[:len(p.bindings)-1]
	}
	p.open = p.open[:len(p.open)-1]
}
