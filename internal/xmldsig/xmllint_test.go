package xmldsig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
)

// xmllintForms are the options of xmllint, which always keeps comments and
// always takes the whole document.
var xmllintForms = map[string]string{
	"--exc-c14n": ExclusiveC14NWithComments,
	"--c14n":     InclusiveC14NWithComments,
}

// compareXmllint asserts that the canonical forms of files equal xmllint's, byte for byte.
func compareXmllint(t *testing.T, dir string, names []string, docs map[string]*xmltree.Document) {
	t.Helper()
	for option, algorithm := range xmllintForms {
		cmd := exec.Command("xmllint", append([]string{"--nonet", option}, names...)...)
		cmd.Dir = dir
		theirs, err := cmd.Output() // all canonical forms, one after another
		if err != nil {
			t.Fatalf("xmllint %s: %v", option, err)
		}
		for _, name := range names {
			ours := canonical(t, docs[name].Node(0), Method{Algorithm: algorithm})
			if len(theirs) < len(ours) || string(theirs[:len(ours)]) != ours {
				i := 0
				for i < len(ours) && i < len(theirs) && ours[i] == theirs[i] {
					i++
				}
				t.Fatalf("%s, %s: differs at %d: we write %.80q, libxml2 %.80q", name, option, i, ours[i:], theirs[i:])
			}
			theirs = theirs[len(ours):]
		}
		if len(theirs) > 0 {
			t.Fatalf("%s: libxml2 writes %d bytes more", option, len(theirs))
		}
	}
}

func TestCorporaLikeXmllint(t *testing.T) {
	needTool(t, "xmllint")
	dir, all, docs := corpusDocuments(t)
	var names []string
	for _, name := range all {
		if ns := notURI(docs[name]); ns != "" {
			t.Logf("%s: libxml2 has no canonical form for namespace %q", name, ns)
			refuseXmllint(t, dir, name)
			continue
		}
		if _, err := Canonical(docs[name].Node(0), Method{Algorithm: ExclusiveC14N}, xmltree.Node{}); err != nil {
			t.Logf("%s: %v", name, err)
			refuseXmllint(t, dir, name)
			continue
		}
		names = append(names, name)
	}
	if len(all)-len(names) > 2 {
		t.Errorf("%d of %d documents left out", len(all)-len(names), len(all))
	}
	compareXmllint(t, dir, names, docs)
}

// refuseXmllint asserts that libxml2 has no canonical form for the file either.
func refuseXmllint(t *testing.T, dir, name string) {
	t.Helper()
	cmd := exec.Command("xmllint", "--nonet", "--exc-c14n", name)
	cmd.Dir = dir
	if err := cmd.Run(); err == nil {
		t.Errorf("%s: libxml2 has a canonical form", name)
	}
}

// notURI is a namespace name with a character that no URI has.
func notURI(d *xmltree.Document) string {
	for n := range d.Node(0).Descendants() {
		for _, ns := range n.Namespaces() {
			if strings.ContainsAny(ns.URI, " \t\r\n<>\"") {
				return ns.URI
			}
		}
	}
	return ""
}

// cases are small documents for the corners of the canonical form.
var cases = []string{
	"<a/>",
	"\xEF\xBB\xBF<?xml version='1.0'?>\n<?p?> <!--x-->\n\n<a/>\n<?q  v ?><!--y\r\nz-->\n",
	"<a b='2' a='1'/>",
	"<a>&amp;&lt;&gt;&quot;&apos;&#13;&#10;&#9;\"'></a>",
	"<a b='&amp;&lt;&gt;&quot;&apos;&#13;&#10;&#9; \t\r\n x'/>",
	"<a><![CDATA[<&>\r\n]]></a>",
	"<a> \r\n\t<b>  </b>\r</a>",
	"<a>é€\U0001F600&#xE9;&#133;&#x2028;</a>",
	"<a xmlns='urn:u'><b xmlns='urn:u'/><c xmlns=''><d xmlns=''/><e xmlns='urn:u'/></c></a>",
	"<a xmlns=''><b xmlns=''/></a>",
	"<p:a xmlns:p='urn:u'><p:b xmlns:p='urn:u'/><p:c xmlns:p='urn:v'><p:d xmlns:p='urn:u'/></p:c></p:a>",
	"<a xmlns:z='urn:z' xmlns:y='urn:y' xmlns='urn:d' z:b='' y:c='' b='' a='' xml:lang='en'/>",
	"<a xmlns:z='urn:y' xmlns:y='urn:z' z:b='' y:c='' z:a=''/>",
	"<a xmlns:p='urn:u' xmlns:q='urn:u'><p:b/><q:b/></a>",
	"<a xmlns:unused='urn:u'><b xmlns:p='urn:u'><p:c/><p:c/></b><p:d xmlns:p='urn:u' p:x=''/></a>",
	"<a xmlns='urn:u'><p:b xmlns:p='urn:v'><c/></p:b></a>",
	"<p:a xmlns:p='urn:v' xmlns='urn:u'><b/><p:b xmlns=''><c/></p:b></p:a>",
	"<p:a xmlns:p='urn:v'><b xmlns='urn:u'><c xmlns=''><d xmlns=''/></c></b></p:a>",
	"<p:a xmlns:p='urn:v' xmlns='urn:u'><p:b><c xmlns=''/></p:b></p:a>",
	"<a xml:space='preserve'><b xml:lang='fr' xmlns:xml='http://www.w3.org/XML/1998/namespace'/><xml:c/></a>",
	"<é ü='1' à='2'/>",
	"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>",
	"<a xmlns:p='urn:u?a%20b'><p:b/></a>",
}

func TestCasesLikeXmllint(t *testing.T) {
	needTool(t, "xmllint")
	dir := t.TempDir()
	var names []string
	docs := map[string]*xmltree.Document{}
	for i, src := range cases {
		name := string(rune('a'+i)) + ".xml"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		names, docs[name] = append(names, name), parse(t, src)
	}
	compareXmllint(t, dir, names, docs)
}

// TestCanonicalIsFixpoint reads each canonical form again: it is its own
// canonical form, in every method.
func TestCanonicalIsFixpoint(t *testing.T) {
	for _, src := range cases {
		for _, a := range []string{InclusiveC14N, InclusiveC14NWithComments, ExclusiveC14N, ExclusiveC14NWithComments} {
			m := Method{Algorithm: a}
			once := canonical(t, parse(t, src).Node(0), m)
			if twice := canonical(t, parse(t, once).Node(0), m); twice != once {
				t.Errorf("%q: %q, then %q", src, once, twice)
			}
			if bytes.ContainsRune([]byte(once), '\r') {
				t.Errorf("%q: CR in the canonical form", src)
			}
		}
	}
}
