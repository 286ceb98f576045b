package xmltree

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// checkTree asserts what holds for every accepted document: links, order,
// nesting of offsets, and names and values that the rules of XML allow.
func checkTree(t testing.TB, d *Document) {
	t.Helper()
	if !utf8.Valid(d.Source()) {
		t.Fatal("source is not UTF-8")
	}
	if !d.Root().Exists() || d.Root().Parent() != d.Node(0) {
		t.Fatal("no document element under the document node")
	}
	seen := 1
	for n := range d.Node(0).Descendants() {
		if int(n.ID()) != seen {
			t.Fatalf("node %d comes at place %d in document order", n.ID(), seen)
		}
		seen++
		checkNode(t, n)
	}
	if seen != d.Len() {
		t.Fatalf("%d of %d nodes reached", seen, d.Len())
	}
	elements := 0
	for range d.Node(0).Children() {
		elements++
	}
	if elements != 1 {
		t.Fatalf("%d document elements", elements)
	}
}

func checkNode(t testing.TB, n Node) {
	t.Helper()
	start, end := n.Offset()
	outerStart, outerEnd := n.Parent().Offset()
	if start < outerStart || end > outerEnd || start >= end {
		t.Fatalf("%s at %d–%d is not inside its parent at %d–%d", n.Path(), start, end, outerStart, outerEnd)
	}
	if next := n.NextSibling(); next.Exists() {
		if s, _ := next.Offset(); s < end || next.Parent() != n.Parent() {
			t.Fatalf("sibling at %d starts before %d", s, end)
		}
		if n.Kind() == Text && next.Kind() == Text {
			t.Fatalf("%s: two texts in a row", n.Path())
		}
	}
	src := n.Document().Source()[start:end]
	switch n.Kind() {
	case Element:
		checkElement(t, n, src)
	case Text:
		if n.Value() == "" || badChar(n.Value()) >= 0 {
			t.Fatalf("%s: text %q", n.Path(), n.Value())
		}
	case Comment:
		if !bytes.HasPrefix(src, []byte("<!--")) || !bytes.HasSuffix(src, []byte("-->")) {
			t.Fatalf("comment at %q", src)
		}
	case ProcInst:
		if !bytes.HasPrefix(src, []byte("<?"+n.Local())) || !bytes.HasSuffix(src, []byte("?>")) {
			t.Fatalf("processing instruction at %q", src)
		}
	default:
		t.Fatalf("node of kind %d", n.Kind())
	}
}

func checkElement(t testing.TB, n Node, src []byte) {
	t.Helper()
	if !bytes.HasPrefix(src, []byte("<"+n.QName())) || src[len(src)-1] != '>' {
		t.Fatalf("element %s at %q", n.QName(), src)
	}
	if space, _ := n.LookupNamespace(n.Prefix()); space != n.Space() {
		t.Fatalf("%s is in %q, its prefix means %q", n.Path(), n.Space(), space)
	}
	if n.FirstChild().Exists() && n.FirstChild().Parent() != n {
		t.Fatalf("%s: child of another", n.Path())
	}
	seen := map[[2]string]bool{}
	for _, a := range n.Attrs() {
		if seen[[2]string{a.Space, a.Local}] {
			t.Fatalf("%s: attribute %s twice", n.Path(), a.Local)
		}
		seen[[2]string{a.Space, a.Local}] = true
		if space, _ := n.LookupNamespace(a.Prefix); a.Prefix != "" && space != a.Space {
			t.Fatalf("%s/@%s is in %q, its prefix means %q", n.Path(), a.QName(), a.Space, space)
		}
		if badChar(a.Value) >= 0 {
			t.Fatalf("%s/@%s: %q", n.Path(), a.QName(), a.Value)
		}
	}
}
