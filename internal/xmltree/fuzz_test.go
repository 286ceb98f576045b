package xmltree

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func fuzzSeeds(t testing.TB) [][]byte {
	t.Helper()
	seeds := append(acceptedCases(), []byte(sample))
	for _, c := range append(refused, stricter...) {
		seeds = append(seeds, []byte(c.src))
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds in testdata: %v", err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, src)
	}
	return seeds
}

// FuzzParse asserts for every accepted document the invariants of the tree,
// that encoding/xml reads the same, and that elements cut out by their offsets
// read the same again; for every refused one that the error has a known code
// and a place inside the document.
func FuzzParse(f *testing.F) {
	for _, src := range fuzzSeeds(f) {
		f.Add(src)
	}
	limits := Limits{Bytes: 1 << 20, Depth: 100, Nodes: 10_000, Text: 1 << 20}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Parse(src, limits)
		if err != nil {
			checkError(t, src, err)
			return
		}
		checkTree(t, d)
		checkLikeStandardLibrary(t, d)
		checkReparse(t, d.Root())
		for n := range d.Root().Children() {
			checkReparse(t, n)
		}
	})
}

func checkError(t *testing.T, src []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	switch e.Code {
	case CodeMalformed, CodeNamespace, CodeDTD, CodeEntity, CodeEncoding, CodeVersion, CodeEmpty, CodeTooLarge, CodeTooDeep:
	default:
		t.Errorf("code %q", e.Code)
	}
	// The source in UTF-8 may be up to three times as long.
	if e.Offset < 0 || e.Offset > 3*int64(len(src)) || e.Line < 1 || e.Column < 1 || e.Msg == "" {
		t.Errorf("place %d, line %d, column %d: %q", e.Offset, e.Line, e.Column, e.Msg)
	}
}

// flat is a document as a list of tags and texts, to be compared.
type flat struct {
	values    bool // include values of attributes, and namespaces, which come from there
	misc      bool // include comments and processing instructions
	out, text strings.Builder
}

func (f *flat) mark(s ...string) {
	if f.text.Len() > 0 {
		f.out.WriteString("T" + f.text.String() + "\n")
		f.text.Reset()
	}
	f.out.WriteString(strings.Join(s, "|") + "\n")
}

func (f *flat) node(n Node) {
	switch n.Kind() {
	case Text:
		f.text.WriteString(n.Value())
		return
	case Comment, ProcInst:
		if f.misc {
			f.mark("M", n.Local(), n.Value())
		}
		return
	}
	f.start(n.Space(), n.Local())
	for _, a := range n.Attrs() {
		f.attr(a.Space, a.Local, a.Value)
	}
	for c := range n.Nodes() {
		f.node(c)
	}
	f.mark("E")
}

func (f *flat) start(space, local string) {
	if !f.values {
		space = ""
	}
	f.mark("S", space, local)
}

func (f *flat) attr(space, local, value string) {
	if !f.values {
		space, value = "", ""
	}
	f.mark("A", space, local, value)
}

func checkLikeStandardLibrary(t *testing.T, d *Document) {
	t.Helper()
	body := string(d.Source())
	start := 0
	if hasUTF8Mark(d.Source()) {
		start = len(markUTF8)
	}
	decl, err := parseDeclaration(body, start)
	if err != nil {
		t.Fatal(err)
	}
	body = body[decl.end:]
	// encoding/xml keeps literal white space in attribute values.
	ours, theirs := flat{values: !strings.ContainsAny(body, "\t\n\r")}, flat{}
	theirs.values = ours.values
	ours.node(d.Root())
	if err := theirs.read(xml.NewDecoder(strings.NewReader(body))); err != nil {
		if strings.Contains(err.Error(), "invalid XML name") { // names of the fifth edition
			return
		}
		t.Fatalf("encoding/xml refuses: %v", err)
	}
	if a, b := ours.out.String(), theirs.out.String(); a != b {
		t.Fatalf("we read\n%s\nencoding/xml reads\n%s", a, b)
	}
}

func (f *flat) read(dec *xml.Decoder) error {
	depth := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			f.start(tok.Name.Space, tok.Name.Local)
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					f.attr(a.Name.Space, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			depth--
			f.mark("E")
		case xml.CharData:
			if depth > 0 {
				f.text.Write(tok)
			}
		}
	}
}

// checkReparse cuts an element out of the source, gives it the namespaces in
// scope, and reads it again.
func checkReparse(t *testing.T, n Node) {
	t.Helper()
	var wrapped strings.Builder
	wrapped.WriteString("<wrapper")
	declared := map[string]bool{}
	for a := n.Parent(); a.Exists(); a = a.Parent() {
		for _, ns := range a.Namespaces() {
			if declared[ns.Prefix] {
				continue
			}
			declared[ns.Prefix] = true
			wrapped.WriteString(" xmlns")
			if ns.Prefix != "" {
				wrapped.WriteString(":" + ns.Prefix)
			}
			wrapped.WriteString("=\"")
			if err := xml.EscapeText(&wrapped, []byte(ns.URI)); err != nil {
				t.Fatal(err)
			}
			wrapped.WriteString("\"")
		}
	}
	start, end := n.Offset()
	wrapped.WriteString(">" + string(n.Document().Source()[start:end]) + "</wrapper>")
	again, err := Parse([]byte(wrapped.String()), Limits{Attributes: 10_000})
	if err != nil {
		t.Fatalf("%s does not read again: %v\n%s", n.Path(), err, wrapped.String())
	}
	a, b := flat{values: true, misc: true}, flat{values: true, misc: true}
	a.node(n)
	b.node(again.Root().FirstChild())
	if a.out.String() != b.out.String() {
		t.Fatalf("%s reads\n%s\nand again\n%s", n.Path(), a.out.String(), b.out.String())
	}
}

// TestSeedsExist keeps the fuzz target from running on nothing.
func TestSeedsExist(t *testing.T) {
	if n := len(fuzzSeeds(t)); n < 150 {
		t.Errorf("%d seeds", n)
	}
}
