package xmldsig

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"facteur.dev/facteur/internal/xmltree"
)

// TestCorporaLikeGoxmldsig compares document elements and their children with
// goxmldsig, in all four forms. It is wrong in three places: its reader keeps
// what XML 1.0 normalises, which are literal line breaks and tabs in attribute
// values (3.3.3) and CR in comments and processing instructions (2.11); and in
// the inclusive form of an element that declares a prefix anew, the declaration
// of the ancestor wins. What has these is counted and left out.
func TestCorporaLikeGoxmldsig(t *testing.T) {
	_, names, docs := corpusDocuments(t)
	forms := map[string]dsig.Canonicalizer{
		ExclusiveC14N:             dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
		ExclusiveC14NWithComments: dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(""),
		InclusiveC14N:             dsig.MakeC14N10RecCanonicalizer(),
		InclusiveC14NWithComments: dsig.MakeC14N10WithCommentsCanonicalizer(),
	}
	reasons := map[string]int{}
	compared := 0
	for _, name := range names {
		d := docs[name]
		if reason := goxmldsigWrong(d); reason != "" {
			reasons[reason]++
			continue
		}
		theirs := etree.NewDocument()
		if err := theirs.ReadFromBytes(withoutDeclaration(d.Source())); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for algorithm, c := range forms {
			// A copy for each, as goxmldsig changes what it is given.
			compareElement(t, name, d.Root(), theirs.Copy().Root(), algorithm, c)
			i := 0
			for n := range d.Root().Children() {
				i++
				if strings.HasPrefix(algorithm, InclusiveC14N) && redeclares(n) {
					reasons["inclusive form of an element that redeclares a prefix"]++
				} else if i%5 == 1 {
					compareElement(t, name, n, theirs.Copy().Root().ChildElements()[i-1], algorithm, c)
				}
			}
		}
		compared++
	}
	if compared < 900 {
		t.Errorf("only %d documents compared", compared)
	}
	t.Logf("%d documents compared; left out: %v", compared, reasons)
}

func compareElement(t *testing.T, name string, n xmltree.Node, e *etree.Element, algorithm string, c dsig.Canonicalizer) {
	t.Helper()
	if strings.HasPrefix(algorithm, ExclusiveC14N) { // its exclusive form does not look above the element
		context, err := etreeutils.NSBuildParentContext(e)
		if err != nil {
			t.Fatal(err)
		}
		if e, err = etreeutils.NSDetatch(context, e); err != nil {
			t.Fatal(err)
		}
	}
	want, err := c.Canonicalize(e)
	if err != nil {
		t.Errorf("%s: goxmldsig: %v", name, err)
		return
	}
	got, err := Canonical(n, Method{Algorithm: algorithm}, xmltree.Node{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if string(got) != string(want) {
		i := 0
		for i < len(got) && i < len(want) && got[i] == want[i] {
			i++
		}
		i = max(0, i-40)
		t.Errorf("%s %s %s:\nwe        %.160q\ngoxmldsig %.160q", name, n.Path(), algorithm, got[i:], want[i:])
	}
}

// withoutDeclaration cuts a byte order mark and the XML declaration, whose encoding etree
// would apply to the UTF-8 source.
func withoutDeclaration(src []byte) []byte {
	s := strings.TrimPrefix(string(src), "\xEF\xBB\xBF")
	if strings.HasPrefix(s, "<?xml ") {
		_, s, _ = strings.Cut(s, "?>")
	}
	return []byte(s)
}

// goxmldsigWrong is why goxmldsig cannot be right about a document.
func goxmldsigWrong(d *xmltree.Document) string {
	src := string(d.Source())
	for n := range d.Node(0).Descendants() {
		start, end := n.Offset()
		if n.Kind() == xmltree.Comment || n.Kind() == xmltree.ProcInst {
			if strings.Contains(src[start:end], "\r") {
				return "CR in a comment or processing instruction"
			}
			continue
		}
		if n.Kind() != xmltree.Element {
			continue
		}
		for _, ns := range n.Namespaces() {
			if ns.URI != "" && !isAbsolute(ns.URI) {
				return "relative namespace, no canonical form"
			}
		}
		if literalSpace(src[start:]) {
			return "line break or tab in an attribute value"
		}
	}
	return ""
}

// redeclares tells whether the element declares a prefix that its parent declares differently.
func redeclares(n xmltree.Node) bool {
	for _, ns := range n.Namespaces() {
		if uri, ok := n.Parent().LookupNamespace(ns.Prefix); ok && uri != ns.URI {
			return true
		}
	}
	return false
}

// literalSpace tells whether an attribute value of the start tag at the start
// of s holds a literal tab or line break.
func literalSpace(s string) bool {
	quote := byte(0)
	for i := 0; ; i++ {
		switch b := s[i]; {
		case quote == 0 && b == '>':
			return false
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case b == quote:
			quote = 0
		case quote != 0 && (b == '\t' || b == '\n' || b == '\r'):
			return true
		}
	}
}
