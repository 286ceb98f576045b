package xmltree

import (
	"iter"
	"strconv"
	"strings"
	"sync"
)

// Kind is the kind of a node.
type Kind uint8

// Kinds of nodes. Absent is the kind of the zero Node.
const (
	Absent Kind = iota
	DocumentNode
	Element
	Text
	Comment
	ProcInst
)

// Attr is an attribute. Attributes without prefix are in no namespace.
type Attr struct {
	Space, Local, Prefix string
	Value                string // normalised (XML 1.0, 3.3.3, type CDATA), references resolved
}

// QName is the name as written.
func (a Attr) QName() string { return qname(a.Prefix, a.Local) }

// Namespace is a namespace declaration. Prefix "" declares the default
// namespace, URI "" (only there) removes it.
type Namespace struct {
	Prefix, URI string
}

// Document is a parsed document. It never changes, so that many goroutines
// may read it.
type Document struct {
	src    []byte
	nodes  []node
	attrs  []Attr
	decls  []Namespace
	names  []name
	values []string

	marksOnce sync.Once
	marks     []mark
}

// node is one entry of the arena. Links are node ids, 0 for none: the document
// node, which has id 0, is nobody's child or sibling.
type node struct {
	parent, first, next int32
	name                int32 // of element and processing instruction, in Document.names
	value               int32 // of text, comment and processing instruction, in Document.values
	start, end          int32
	attrs, decls        int32 // first of the element in Document.attrs, Document.decls
	nattrs, ndecls      uint16
	kind                Kind
}

type name struct {
	space, local, prefix, qname string
}

// Node is a handle on a node of a document. The zero Node is absent: all its
// methods answer zero values. Nodes can be compared with ==.
type Node struct {
	doc *Document
	id  int32
}

// Root is the document element.
func (d *Document) Root() Node {
	for n := range d.Node(0).Children() {
		return n
	}
	return Node{}
}

// Node is the node with the given id: 0 is the document node, and ids follow
// document order. Absent when there is none.
func (d *Document) Node(id int32) Node {
	if id < 0 || int(id) >= len(d.nodes) {
		return Node{}
	}
	return Node{d, id}
}

// Len is the number of nodes; ids are smaller.
func (d *Document) Len() int { return len(d.nodes) }

// Source is the document in UTF-8, to which all offsets refer: the bytes given
// to Parse, unless these were in another encoding. An XML declaration in it
// still names the encoding as received. It must not be changed.
func (d *Document) Source() []byte { return d.src }

// get is the arena entry, nil for the absent node.
func (n Node) get() *node {
	if n.doc == nil {
		return nil
	}
	return &n.doc.nodes[n.id]
}

func (n Node) at(id int32) Node {
	if id == 0 {
		return Node{}
	}
	return Node{n.doc, id}
}

// Exists tells a node from the absent one.
func (n Node) Exists() bool { return n.doc != nil }

// ID is the number of the node in its document, in document order.
func (n Node) ID() int32 { return n.id }

// Document is the document of the node, nil for the absent node.
func (n Node) Document() *Document { return n.doc }

// Kind is the kind of the node.
func (n Node) Kind() Kind {
	if e := n.get(); e != nil {
		return e.kind
	}
	return Absent
}

func (n Node) name() name {
	if e := n.get(); e != nil && (e.kind == Element || e.kind == ProcInst) {
		return n.doc.names[e.name]
	}
	return name{}
}

// Space is the namespace URI of an element, "" for none.
func (n Node) Space() string { return n.name().space }

// Local is the local name of an element, or the target of a processing instruction.
func (n Node) Local() string { return n.name().local }

// Prefix is the prefix of an element as written, "" for none.
func (n Node) Prefix() string { return n.name().prefix }

// QName is the name of an element as written.
func (n Node) QName() string { return n.name().qname }

// Is tells whether the node is the element of that name.
func (n Node) Is(space, local string) bool {
	e := n.get()
	if e == nil || e.kind != Element {
		return false
	}
	m := &n.doc.names[e.name]
	return m.local == local && m.space == space
}

// Parent is the parent; absent for the document node.
func (n Node) Parent() Node {
	e := n.get()
	if e == nil || e.kind == DocumentNode {
		return Node{}
	}
	return Node{n.doc, e.parent}
}

// FirstChild is the first child of any kind.
func (n Node) FirstChild() Node {
	if e := n.get(); e != nil {
		return n.at(e.first)
	}
	return Node{}
}

// NextSibling is the next sibling of any kind.
func (n Node) NextSibling() Node {
	if e := n.get(); e != nil {
		return n.at(e.next)
	}
	return Node{}
}

// Nodes are all child nodes.
func (n Node) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.FirstChild(); c.Exists(); c = c.NextSibling() {
			if !yield(c) {
				return
			}
		}
	}
}

// Children are the child elements.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.FirstChild(); c.Exists(); c = c.NextSibling() {
			if c.Kind() == Element && !yield(c) {
				return
			}
		}
	}
}

// All are the child elements of that name.
func (n Node) All(space, local string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.FirstChild(); c.Exists(); c = c.NextSibling() {
			if c.Is(space, local) && !yield(c) {
				return
			}
		}
	}
}

// Child is the first child element of that name.
func (n Node) Child(space, local string) Node {
	for c := n.FirstChild(); c.Exists(); c = c.NextSibling() {
		if c.Is(space, local) {
			return c
		}
	}
	return Node{}
}

// Descendants are all nodes below the node, in document order.
func (n Node) Descendants() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		e := n.get()
		if e == nil || e.first == 0 {
			return
		}
		for id := e.first; int(id) < len(n.doc.nodes) && n.doc.nodes[id].start < e.end; id++ {
			if !yield(Node{n.doc, id}) {
				return
			}
		}
	}
}

// Attrs are the attributes in document order, without namespace declarations.
// The slice must not be changed.
func (n Node) Attrs() []Attr {
	e := n.get()
	if e == nil || e.nattrs == 0 {
		return nil
	}
	end := e.attrs + int32(e.nattrs)
	return n.doc.attrs[e.attrs:end:end]
}

// Attr is the value of an attribute. Space is "" for attributes without prefix.
func (n Node) Attr(space, local string) (string, bool) {
	for i := range n.Attrs() {
		if a := &n.Attrs()[i]; a.Local == local && a.Space == space {
			return a.Value, true
		}
	}
	return "", false
}

// Namespaces are the namespace declarations on the element itself, in document
// order. The slice must not be changed.
func (n Node) Namespaces() []Namespace {
	e := n.get()
	if e == nil || e.ndecls == 0 {
		return nil
	}
	end := e.decls + int32(e.ndecls)
	return n.doc.decls[e.decls:end:end]
}

// LookupNamespace is the namespace that a prefix ("" for the default one)
// stands for at this node; false when nothing declares it.
func (n Node) LookupNamespace(prefix string) (string, bool) {
	if prefix == "xml" && n.Exists() {
		return xmlSpace, true
	}
	for ; n.Exists(); n = n.Parent() {
		for _, d := range n.Namespaces() {
			if d.Prefix == prefix {
				return d.URI, d.URI != ""
			}
		}
	}
	return "", false
}

// Value is the content of a text, comment or processing instruction.
func (n Node) Value() string {
	e := n.get()
	if e == nil {
		return ""
	}
	switch e.kind {
	case Text, Comment, ProcInst:
		return n.doc.values[e.value]
	}
	return ""
}

// Text is the string value: of an element all text below it, untrimmed, of
// other nodes their Value.
func (n Node) Text() string {
	e := n.get()
	if e == nil {
		return ""
	}
	if e.kind != Element && e.kind != DocumentNode {
		return n.Value()
	}
	if f := n.FirstChild(); f.Kind() == Text && !f.NextSibling().Exists() {
		return f.Value()
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Kind() == Text {
			b.WriteString(c.Value())
		}
	}
	return b.String()
}

// Offset is the place in Document.Source: of an element from the start of the
// start tag to the end of the end tag.
func (n Node) Offset() (start, end int) {
	if e := n.get(); e != nil {
		return int(e.start), int(e.end)
	}
	return 0, 0
}

// Line is the line on which the node starts, from 1; 0 for the absent node.
func (n Node) Line() int {
	if e := n.get(); e != nil {
		line, _ := n.doc.Position(int(e.start))
		return line
	}
	return 0
}

// Column is the column at which the node starts, in characters, from 1;
// 0 for the absent node.
func (n Node) Column() int {
	if e := n.get(); e != nil {
		_, column := n.doc.Position(int(e.start))
		return column
	}
	return 0
}

// Path is an XPath to the node with the prefixes of the document, such as
// "/ubl:Invoice[1]/cac:TaxTotal[1]/cbc:TaxAmount[1]". Positions count siblings
// of the same kind and expanded name.
func (n Node) Path() string {
	if !n.Exists() {
		return ""
	}
	if n.id == 0 {
		return "/"
	}
	var steps []string
	for ; n.id != 0; n = n.Parent() {
		position := 1
		for s := n.Parent().FirstChild(); s != n; s = s.NextSibling() {
			if s.sameName(n) {
				position++
			}
		}
		steps = append(steps, n.step()+"["+strconv.Itoa(position)+"]")
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(steps[i])
	}
	return b.String()
}

func (n Node) step() string {
	switch n.Kind() {
	case Text:
		return "text()"
	case Comment:
		return "comment()"
	case ProcInst:
		return "processing-instruction('" + n.Local() + "')"
	}
	return n.QName()
}

func (n Node) sameName(o Node) bool {
	if n.Kind() != o.Kind() {
		return false
	}
	a, b := n.name(), o.name()
	return a.local == b.local && a.space == b.space
}

func qname(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}
