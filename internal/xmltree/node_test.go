package xmltree

import (
	"slices"
	"testing"
)

func mustParse(t testing.TB, src string) *Document {
	t.Helper()
	d, err := Parse([]byte(src), Limits{})
	if err != nil {
		t.Fatalf("%.80q: %v", src, err)
	}
	return d
}

const sample = "<?xml version=\"1.0\"?>\n" +
	"<ubl:Invoice xmlns:ubl='urn:u' xmlns=\"urn:d\">\n" +
	"  <ID a='1' ubl:b='2'>one</ID><!--c--><?pi  v ?><ID/>\n" +
	"  <n xmlns=''>é<b>x</b>y<!--z--></n><m:n xmlns:m='urn:d' xmlns:ubl='urn:v'/><ID/>\n" +
	"</ubl:Invoice>\n"

func TestNames(t *testing.T) {
	root := mustParse(t, sample).Root()
	if !root.Is("urn:u", "Invoice") || root.Is("urn:d", "Invoice") || root.QName() != "ubl:Invoice" ||
		root.Prefix() != "ubl" || root.Local() != "Invoice" || root.Space() != "urn:u" || root.Kind() != Element {
		t.Errorf("root %s in %s", root.QName(), root.Space())
	}
	var names []string
	for n := range root.Children() {
		names = append(names, n.Space()+"|"+n.QName())
	}
	if want := []string{"urn:d|ID", "urn:d|ID", "|n", "urn:d|m:n", "urn:d|ID"}; !slices.Equal(names, want) {
		t.Errorf("children %q", names)
	}
	all := 0
	for range root.All("urn:d", "ID") {
		all++
	}
	if all != 3 || root.Child("", "ID").Exists() || !root.Child("", "n").Child("", "b").Exists() {
		t.Errorf("%d ID", all)
	}
}

func TestAttributesAndNamespaces(t *testing.T) {
	root := mustParse(t, sample).Root()
	if len(root.Attrs()) != 0 {
		t.Errorf("root has attributes %v", root.Attrs())
	}
	if want := []Namespace{{"ubl", "urn:u"}, {"", "urn:d"}}; !slices.Equal(root.Namespaces(), want) {
		t.Errorf("declarations %v", root.Namespaces())
	}
	id := root.Child("urn:d", "ID")
	if want := []Attr{{"", "a", "", "1"}, {"urn:u", "b", "ubl", "2"}}; !slices.Equal(id.Attrs(), want) {
		t.Errorf("attributes %v", id.Attrs())
	}
	if v, ok := id.Attr("urn:u", "b"); v != "2" || !ok {
		t.Errorf("attribute %q %v", v, ok)
	}
	if _, ok := id.Attr("", "b"); ok {
		t.Error("attribute found without its namespace")
	}
	n := root.Child("", "n")
	for _, c := range []struct {
		n           Node
		prefix, uri string
		ok          bool
	}{
		{n, "", "", false},
		{n, "ubl", "urn:u", true},
		{n, "m", "", false},
		{n, "xml", xmlSpace, true},
		{root.Child("", "n").NextSibling(), "ubl", "urn:v", true},
		{root.Child("", "n").NextSibling(), "", "urn:d", true},
	} {
		if uri, ok := c.n.LookupNamespace(c.prefix); uri != c.uri || ok != c.ok {
			t.Errorf("%s at %s: %q %v", c.prefix, c.n.Path(), uri, ok)
		}
	}
}

func TestTextAndPlace(t *testing.T) {
	d := mustParse(t, sample)
	n := d.Root().Child("", "n")
	if n.Text() != "éxy" || n.Value() != "" || n.FirstChild().Text() != "é" {
		t.Errorf("text %q", n.Text())
	}
	if n.Line() != 4 || n.Column() != 3 || n.Child("", "b").Column() != 16 {
		t.Errorf("line %d column %d", n.Line(), n.Column())
	}
	start, end := n.Offset()
	if got := string(d.Source()[start:end]); got != "<n xmlns=''>é<b>x</b>y<!--z--></n>" {
		t.Errorf("slice %q", got)
	}
	var paths []string
	for n := range d.Node(0).Descendants() {
		if n.Kind() != Text {
			paths = append(paths, n.Path())
		}
	}
	want := []string{
		"/ubl:Invoice[1]", "/ubl:Invoice[1]/ID[1]", "/ubl:Invoice[1]/comment()[1]",
		"/ubl:Invoice[1]/processing-instruction('pi')[1]", "/ubl:Invoice[1]/ID[2]", "/ubl:Invoice[1]/n[1]",
		"/ubl:Invoice[1]/n[1]/b[1]", "/ubl:Invoice[1]/n[1]/comment()[1]", "/ubl:Invoice[1]/m:n[1]", "/ubl:Invoice[1]/ID[3]",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("paths %q", paths)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"a\r\nb\rc\n\r\nd", "a\nb\nc\n\nd"},
		{"a&#13;\r\n&#13;&#10;b", "a\r\n\r\nb"},
		{"1 &lt; <![CDATA[<2>&amp;\r\n]]>&#x1F600;", "1 < <2>&amp;\n\U0001F600"},
		{"<![CDATA[]]>", ""},
		{"<![CDATA[a]]><![CDATA[]]>b<![CDATA[c]]>", "abc"},
		{"]]<![CDATA[>]]>", "]]>"},
	} {
		root := mustParse(t, "<a>"+c.content+"</a>").Root()
		if got := root.Text(); got != c.want {
			t.Errorf("%q reads %q", c.content, got)
		}
		if c.want == "" && root.FirstChild().Exists() {
			t.Errorf("%q makes a node", c.content)
		}
	}
	for _, c := range []struct{ raw, want string }{
		{" a\tb\nc\rd\r\ne\n\r\r\n ", " a b c d e    "},
		{"&#9;&#10;&#13;&#32;", "\t\n\r "},
		{"&#13;\n", "\r "},
		{"&lt;&amp;&quot;&apos;&gt;\"", "<&\"'>\""},
	} {
		if got, _ := mustParse(t, "<a b='"+c.raw+"'/>").Root().Attr("", "b"); got != c.want {
			t.Errorf("%q reads %q, want %q", c.raw, got, c.want)
		}
	}
	root := mustParse(t, "<a><!--a\r\nb\r--><?p \t a\r\nb ?><?q?></a>").Root()
	comment := root.FirstChild()
	if comment.Kind() != Comment || comment.Value() != "a\nb\n" || comment.Text() != "a\nb\n" {
		t.Errorf("comment %q", comment.Value())
	}
	pi := comment.NextSibling()
	if pi.Kind() != ProcInst || pi.Local() != "p" || pi.Value() != "a\nb " || pi.NextSibling().Value() != "" {
		t.Errorf("processing instruction %q %q", pi.Local(), pi.Value())
	}
}

func TestEncodings(t *testing.T) {
	const want = "é€\U0001F600"
	for name, src := range map[string]string{
		"utf-8":        "<a>" + want + "</a>",
		"utf-8 mark":   "\xEF\xBB\xBF<a>" + want + "</a>",
		"utf-16be":     string(inUTF16("<a>"+want+"</a>", true)),
		"utf-16le":     string(inUTF16("<a>"+want+"</a>", false)),
		"iso-8859-1":   "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9&#x20AC;&#x1F600;</a>",
		"iso-8859-15":  "<?xml version='1.0' encoding='ISO-8859-15'?><a>\xE9\xA4&#x1F600;</a>",
		"windows-1252": "<?xml version='1.0' encoding='windows-1252'?><a>\xE9\x80&#x1F600;</a>",
		"us-ascii":     "<?xml version='1.0' encoding='us-ascii'?><a>&#233;&#8364;&#x1F600;</a>",
	} {
		root := mustParse(t, src).Root()
		if root.Text() != want {
			t.Errorf("%s: %q", name, root.Text())
		}
		start, end := root.Offset()
		if s := string(root.Document().Source()[start:end]); s[:3] != "<a>" || s[len(s)-4:] != "</a>" {
			t.Errorf("%s: slice %q", name, s)
		}
	}
}

func TestAbsent(t *testing.T) {
	var n Node
	start, end := n.Offset()
	_, hasAttr := n.Attr("", "a")
	_, hasSpace := n.LookupNamespace("xml")
	if n.Exists() || n.Kind() != Absent || n.Space()+n.Local()+n.Prefix()+n.QName()+n.Text()+n.Value()+n.Path() != "" ||
		n.Is("", "") || n.Parent().Exists() || n.FirstChild().Exists() || n.NextSibling().Exists() || n.Child("", "").Exists() ||
		n.Attrs() != nil || n.Namespaces() != nil || n.Line()+n.Column()+start+end != 0 || hasAttr || hasSpace ||
		n.ID() != 0 || n.Document() != nil {
		t.Error("the zero node is not absent")
	}
	for range n.Children() {
		t.Error("child of nothing")
	}
	for range n.Descendants() {
		t.Error("descendant of nothing")
	}
	d := mustParse(t, "<a/>")
	if d.Node(-1).Exists() || d.Node(int32(d.Len())).Exists() || d.Node(0).Parent().Exists() || d.Node(0).Path() != "/" {
		t.Error("nodes outside the document")
	}
}
