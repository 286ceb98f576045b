package xmldsig

import (
	"errors"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
)

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestSubtrees(t *testing.T) {
	const src = "<a:root xmlns:a='urn:a' xmlns:b='urn:b' xmlns='urn:d' xml:lang='fr' xml:space='default'>" +
		"<b:mid xml:space='preserve' b:x='1' y='2'><!--c--><leaf a:z='3' xmlns:c='urn:c'/><none xmlns=''/></b:mid></a:root>"
	d := parse(t, src)
	for _, c := range []struct {
		local string
		m     Method
		want  string
	}{
		{"mid", Method{Algorithm: ExclusiveC14N}, `<b:mid xmlns:b="urn:b" y="2" xml:space="preserve" b:x="1"><leaf xmlns="urn:d" xmlns:a="urn:a" a:z="3"></leaf><none></none></b:mid>`},
		{"mid", Method{Algorithm: ExclusiveC14NWithComments}, `<b:mid xmlns:b="urn:b" y="2" xml:space="preserve" b:x="1"><!--c--><leaf xmlns="urn:d" xmlns:a="urn:a" a:z="3"></leaf><none></none></b:mid>`},
		{"mid", Method{ExclusiveC14N, []string{"a", "c", "unknown", "xml"}}, `<b:mid xmlns:a="urn:a" xmlns:b="urn:b" y="2" xml:space="preserve" b:x="1"><leaf xmlns="urn:d" xmlns:c="urn:c" a:z="3"></leaf><none></none></b:mid>`},
		{"mid", Method{ExclusiveC14N, []string{"#default"}}, `<b:mid xmlns="urn:d" xmlns:b="urn:b" y="2" xml:space="preserve" b:x="1"><leaf xmlns:a="urn:a" a:z="3"></leaf><none xmlns=""></none></b:mid>`},
		{"mid", Method{Algorithm: InclusiveC14N}, `<b:mid xmlns="urn:d" xmlns:a="urn:a" xmlns:b="urn:b" y="2" xml:lang="fr" xml:space="preserve" b:x="1"><leaf xmlns:c="urn:c" a:z="3"></leaf><none xmlns=""></none></b:mid>`},
		{"none", Method{Algorithm: InclusiveC14N}, `<none xmlns:a="urn:a" xmlns:b="urn:b" xml:lang="fr" xml:space="preserve"></none>`},
		{"none", Method{Algorithm: ExclusiveC14N}, `<none></none>`},
		{"leaf", Method{Algorithm: ExclusiveC14N}, `<leaf xmlns="urn:d" xmlns:a="urn:a" a:z="3"></leaf>`},
	} {
		if got := canonical(t, find(t, d, c.local), c.m); got != c.want {
			t.Errorf("%s, %v:\ngot  %s\nwant %s", c.local, c.m, got, c.want)
		}
	}
}

// TestNamespaceIsEscaped is apart as libxml2 forgets to escape namespace names.
func TestNamespaceIsEscaped(t *testing.T) {
	d := parse(t, "<p:a xmlns:p='urn:u&amp;&quot;&lt;'/>")
	if got, want := canonical(t, d.Root(), Method{Algorithm: ExclusiveC14N}), `<p:a xmlns:p="urn:u&amp;&quot;&lt;"></p:a>`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestOmit(t *testing.T) {
	d := parse(t, "<a>x<b><c/></b>y<b/></a>")
	out, err := Canonical(d.Node(0), Method{Algorithm: InclusiveC14N}, find(t, d, "b"))
	if err != nil || string(out) != "<a>xy<b></b></a>" {
		t.Errorf("%s %v", out, err)
	}
}

func TestNoCanonicalForm(t *testing.T) {
	// Each of many small elements needs a long declaration again.
	blowUp := "<a xmlns:p='urn:" + strings.Repeat("u", 100_000) + "'>" + strings.Repeat("<p:b/>", 100_000) + "</a>"
	for _, c := range []struct {
		src, code string
		m         Method
	}{
		{"<a xmlns='relative'/>", CodeMalformed, Method{Algorithm: ExclusiveC14N}},
		{"<a><b xmlns:p='//host/path'/></a>", CodeMalformed, Method{Algorithm: InclusiveC14N}},
		{"<a/>", CodeUnsupported, Method{Algorithm: "http://www.w3.org/2006/12/xml-c14n11"}},
		{"<a/>", CodeUnsupported, Method{}},
		{"<a/>", CodeMalformed, Method{InclusiveC14N, []string{"p"}}},
		{blowUp, CodeTooLarge, Method{Algorithm: ExclusiveC14N}},
	} {
		out, err := Canonical(parse(t, c.src).Node(0), c.m, xmltree.Node{})
		if code(err) != c.code || out != nil {
			t.Errorf("%.60s: %v, want %s", c.src, err, c.code)
		}
	}
	if _, err := Canonical(xmltree.Node{}, Method{Algorithm: ExclusiveC14N}, xmltree.Node{}); code(err) != CodeMalformed {
		t.Errorf("absent node: %v", err)
	}
}

func BenchmarkCanonical(b *testing.B) {
	d := parse(b, "<a xmlns='urn:d' xmlns:p='urn:p'>"+strings.Repeat("\n  <p:line no='1'><p:amount currency='EUR'>10.00</p:amount><note>a &amp; b</note></p:line>", 200)+"</a>")
	b.SetBytes(int64(len(d.Source())))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Canonical(d.Node(0), Method{Algorithm: ExclusiveC14N}, xmltree.Node{}); err != nil {
			b.Fatal(err)
		}
	}
}
