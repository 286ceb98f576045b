package xmltree

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name      string
		limits    Limits
		good, bad string
		code      string
	}{
		{"bytes", Limits{Bytes: 5}, "<aa/>", "<aaa/>", CodeTooLarge},
		{"bytes in UTF-8", Limits{Bytes: 60}, "<?xml version='1.0' encoding='windows-1252'?><a>\x80\x80</a>", "<?xml version='1.0' encoding='windows-1252'?><a>\x80\x80\x80</a>", CodeTooLarge},
		{"depth", Limits{Depth: 2}, "<a><b/><b></b></a>", "<a><b><c/></b></a>", CodeTooDeep},
		{"nodes", Limits{Nodes: 4}, "<a b=''>t<b/></a>", "<a b=''>t<b/><c/></a>", CodeTooLarge},
		{"attributes", Limits{Attributes: 2}, "<a b='' xmlns=''/>", "<a b='' c='' xmlns=''/>", CodeTooLarge},
		{"text", Limits{Text: 3}, "<a>abc<b/>abc</a>", "<a>abcd</a>", CodeTooLarge},
		{"text in pieces", Limits{Text: 3}, "<a>ab<![CDATA[c]]></a>", "<a>ab<![CDATA[c]]><![CDATA[d]]></a>", CodeTooLarge},
		{"attribute value", Limits{Text: 3}, "<a b='abc'/>", "<a b='abcd'/>", CodeTooLarge},
		{"comment", Limits{Text: 3}, "<a><!--abc--></a>", "<a><!--abcd--></a>", CodeTooLarge},
		{"processing instruction", Limits{Text: 3}, "<a><?p abc?></a>", "<a><?p abcd?></a>", CodeTooLarge},
	} {
		if _, err := Parse([]byte(c.good), c.limits); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := Parse([]byte(c.bad), c.limits); code(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
}

// TestHostileIsCheap asserts that what exceeds a limit is refused before memory
// is spent on it: a document of some megabytes costs its copy and little more.
func TestHostileIsCheap(t *testing.T) {
	const size = 8 << 20
	many := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var distinct strings.Builder
	for i := 0; distinct.Len() < size; i++ {
		fmt.Fprintf(&distinct, " a%d=''", i)
	}
	for _, c := range []struct {
		name, src string
		limits    Limits
		code      string
	}{
		{"attributes", "<a" + distinct.String() + "/>", Limits{}, CodeTooLarge},
		{"same attribute", "<a" + many(" a=''") + "/>", Limits{}, CodeTooLarge},
		{"namespaces", "<a" + many(" xmlns:a='u'") + "/>", Limits{}, CodeTooLarge},
		{"depth", many("<a>"), Limits{}, CodeTooDeep},
		{"elements", "<a>" + many("<b/>") + "</a>", Limits{Nodes: 50_000}, CodeTooLarge},
		{"CDATA sections", "<a>" + many("<![CDATA[a]]>") + "</a>", Limits{Text: 100_000}, CodeTooLarge},
		{"text", "<a>" + many("x") + "</a>", Limits{Text: 1 << 20}, CodeTooLarge},
		{"references", "<a>" + many("&amp;") + "</a>", Limits{Text: 1 << 20}, CodeTooLarge},
		{"name", "<" + many("n") + "/>", Limits{}, CodeTooLarge},
		{"angle brackets", "<a>" + many("<") + "</a>", Limits{Nodes: 50_000}, CodeMalformed},
		{"open comment", "<a><!--" + many("- "), Limits{}, CodeMalformed},
		{"DTD", "<!DOCTYPE a [" + many("<!ENTITY a 'a'>") + "]><a/>", Limits{}, CodeDTD},
	} {
		src := []byte(c.src)
		bytes, err := allocated(func() error { _, err := Parse(src, c.limits); return err })
		if code(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
		if bytes > size+16<<20 {
			t.Errorf("%s: %d bytes allocated for a document of %d", c.name, bytes, len(src))
		}
	}
}

// TestPositionIsCheap reads places all over a document of one long line.
func TestPositionIsCheap(t *testing.T) {
	src := append([]byte("<a>"), bytes.Repeat([]byte("<b/>\u00e9"), 100_000)...)
	d, err := Parse(append(src, "</a>"...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	column := 4
	for n := range d.Root().Children() {
		if n.Line() != 1 || n.Column() != column {
			t.Fatalf("line %d column %d, want column %d", n.Line(), n.Column(), column)
		}
		column += 5
	}
}
