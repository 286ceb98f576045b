package xmltree

import (
	"strings"
	"testing"
	"unicode/utf16"
)

// accepted are documents that XML and namespaces allow.
var accepted = []string{
	"<a/>",
	"<a></a>",
	"<a\n></a\t>",
	" \n<a/>\n",
	"\xEF\xBB\xBF<a/>",
	"\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><a/>",
	`<?xml version="1.0"?><a/>`,
	"<?xml version = '1.0'\tencoding\n=\n\"UTF-8\" standalone='no' ?>\n<a/>",
	"<?xml version='1.0' standalone='yes'?><a/>",
	"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>",
	"<?xml version='1.0' encoding='iso-8859-15'?><a>\xA4</a>",
	"<?xml version='1.0' encoding='Windows-1252'?><a>\x80</a>",
	"<?xml version='1.0' encoding='US-ASCII'?><a>e</a>",
	"<!--x--><?p?><a/><!----><?p ??>",
	"<a><!-- - -></a> --></a>",
	"<a><?p?></a>",
	"<a><?p   ?><?p.- <&?></a>",
	"<a><?xml-stylesheet version='2.0'?><?xmlx?></a>",
	"<a>]] > ]]&gt; ]]&#62; ></a>",
	"<a>]]<b/>></a>",
	"<a><![CDATA[]]></a>",
	"<a><![CDATA[]]]></a>",
	"<a><![CDATA[<&]]]]><![CDATA[>]]></a>",
	"<a>&amp;&lt;&gt;&quot;&apos;</a>",
	"<a b='&amp;&lt;&gt;&quot;&apos;'/>",
	"<a>&#9;&#10;&#13;&#x20;&#xD7FF;&#xE000;&#xFFFD;&#x10FFFF;&#0000000000000000000065;</a>",
	"<a b='>'/>",
	"<a b=\"'\" c='\"'/>",
	"<a b = '1'\nc\t=\r\n'2' />",
	"<a b='\t\r\n \r'/>",
	"<a>\u0085\u2028\uFFFD\U0010FFFF\x7F</a>",
	"<_/>",
	"<a.-_1/>",
	"<\u00C0\u00B7\u0300\u203F/>",
	"<\u0132 \u0133='1'/>",    // names of the fifth edition only
	"<\U00010000\U000EFFFF/>", // likewise
	"<\u037F\u1FFF\u200C\u2070\u2C00\u3001\uF900\uFDF0/>",
	"<a xmlns='u'/>",
	"<a xmlns=''/>",
	"<a xmlns='u'><b xmlns=''/></a>",
	"<p:a xmlns:p='u'/>",
	"<p:a xmlns:p='u'><p:a xmlns:p='v'/><p:b/></p:a>",
	"<p:a p:b='1' b='2' xmlns:p='u' xmlns='u'/>",
	"<a xml:lang='en' xml:space='preserve'/>",
	"<xml:a/>",
	"<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
	"<a xmlns:p='u' xmlns:q='v' p:b='1' q:b='2'/>",
	"<xml/>",
	"<xMl a='1'/>",
	"<a xmlish='1'/>",
	"<a><b></b><b/></a>",
	"<a>\r\n\r</a>",
	strings.Repeat("<a>", 256) + strings.Repeat("</a>", 256),
	"<" + strings.Repeat("n", 1000) + "/>",
}

// refused are documents that are not namespace-well-formed, with our code.
var refused = []struct{ code, src string }{
	{CodeEmpty, ""},
	{CodeEmpty, " \n"},
	{CodeEmpty, "\xEF\xBB\xBF"},
	{CodeMalformed, "<?xml version='1.0'?>"},
	{CodeMalformed, "<!-- -->"},
	{CodeMalformed, "x"},
	{CodeMalformed, "x<a/>"},
	{CodeMalformed, "<a/>x"},
	{CodeMalformed, "<a/>&#32;"},
	{CodeMalformed, "&#32;<a/>"},
	{CodeMalformed, "<a/><b/>"},
	{CodeMalformed, "<a/><![CDATA[]]>"},
	{CodeMalformed, "<![CDATA[ ]]><a/>"},
	{CodeMalformed, "<a"},
	{CodeMalformed, "<a "},
	{CodeMalformed, "<a/"},
	{CodeMalformed, "<a/ >"},
	{CodeMalformed, "< a/>"},
	{CodeMalformed, "<a>"},
	{CodeMalformed, "<a></b>"},
	{CodeMalformed, "<a></ab>"},
	{CodeMalformed, "<ab></a>"},
	{CodeMalformed, "<a></ a>"},
	{CodeMalformed, "<a></a b='1'>"},
	{CodeMalformed, "<a></a"},
	{CodeMalformed, "</a>"},
	{CodeMalformed, "<a><b></a></b>"},
	{CodeMalformed, "<p:a xmlns:p='u' xmlns:q='u'></q:a>"},
	{CodeMalformed, "<a/></a>"},
	{CodeMalformed, "<"},
	{CodeMalformed, "<a><"},
	{CodeMalformed, "<a><1/></a>"},
	{CodeMalformed, "<1/>"},
	{CodeMalformed, "<-a/>"},
	{CodeMalformed, "<a\u00D7/>"},
	{CodeMalformed, "<\u0300a/>"},
	{CodeMalformed, "<a\u037E/>"},
	{CodeMalformed, "<a b/>"},
	{CodeMalformed, "<a b=/>"},
	{CodeMalformed, "<a b=1/>"},
	{CodeMalformed, "<a b='1/>"},
	{CodeMalformed, "<a b='1\"/>"},
	{CodeMalformed, "<a b='1'c='2'/>"},
	{CodeMalformed, "<a b='<'/>"},
	{CodeMalformed, "<a b='&'/>"},
	{CodeMalformed, "<a b='&#'/>"},
	{CodeMalformed, "<a b='1' b='1'/>"},
	{CodeMalformed, "<a a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a9='' a1=''/>"},
	{CodeMalformed, "<a xmlns='u' xmlns='u'/>"},
	{CodeMalformed, "<a ='1'/>"},
	{CodeMalformed, "<a b='1',/>"},
	{CodeMalformed, "<a>]]></a>"},
	{CodeMalformed, "<a>&amp]]>;</a>"},
	{CodeMalformed, "<a><![CDATA[</a>"},
	{CodeMalformed, "<a><![cdata[]]></a>"},
	{CodeMalformed, "<a><![CDATA []]></a>"},
	{CodeMalformed, "<a>&</a>"},
	{CodeMalformed, "<a>& b</a>"},
	{CodeMalformed, "<a>&lt</a>"},
	{CodeMalformed, "<a>&;</a>"},
	{CodeMalformed, "<a>&1;</a>"},
	{CodeMalformed, "<a>&#;</a>"},
	{CodeMalformed, "<a>&#x;</a>"},
	{CodeMalformed, "<a>&#X41;</a>"},
	{CodeMalformed, "<a>&#a;</a>"},
	{CodeMalformed, "<a>&# 65;</a>"},
	{CodeMalformed, "<a>&#65</a>"},
	{CodeMalformed, "<a>&#0;</a>"},
	{CodeMalformed, "<a>&#8;</a>"},
	{CodeMalformed, "<a>&#xD800;</a>"},
	{CodeMalformed, "<a>&#xDFFF;</a>"},
	{CodeMalformed, "<a>&#xFFFE;</a>"},
	{CodeMalformed, "<a>&#x110000;</a>"},
	{CodeMalformed, "<a>&#4294967361;</a>"},
	{CodeMalformed, "<a b='&#xD800;'/>"},
	{CodeEntity, "<a>&nbsp;</a>"},
	{CodeEntity, "<a>&LT;</a>"},
	{CodeEntity, "<a b='&e;'/>"},
	{CodeMalformed, "<a>\x00</a>"},
	{CodeMalformed, "<a>\x0B</a>"},
	{CodeMalformed, "<a>\x1F</a>"},
	{CodeMalformed, "<a>\uFFFE</a>"},
	{CodeMalformed, "<a>\uFFFF</a>"},
	{CodeMalformed, "<a>\xED\xA0\x80</a>"},     // a surrogate
	{CodeMalformed, "<a>\xC0\x80</a>"},         // not the shortest form
	{CodeMalformed, "<a>\xE9</a>"},             // ISO-8859-1
	{CodeMalformed, "<a>\xF4\x90\x80\x80</a>"}, // above U+10FFFF
	{CodeMalformed, "<a><!--\x01--></a>"},
	{CodeMalformed, "<a><?p \x01?></a>"},
	{CodeMalformed, "<a b='\x01'/>"},
	{CodeMalformed, "<a><!-- -- --></a>"},
	{CodeMalformed, "<a><!-- ---></a>"},
	{CodeMalformed, "<a><!--></a>"},
	{CodeMalformed, "<a><!---></a>"},
	{CodeMalformed, "<a><!-- </a>"},
	{CodeMalformed, "<a><!- --></a>"},
	{CodeMalformed, "<a><!x></a>"},
	{CodeMalformed, "<a><??></a>"},
	{CodeMalformed, "<a><? p?></a>"},
	{CodeMalformed, "<a><?p</a>"},
	{CodeMalformed, "<a><?p></a>"},
	{CodeMalformed, "<a><?p<?></a>"},
	{CodeMalformed, "<a><?p?q?></a>"},
	{CodeMalformed, "<a><?xml?></a>"},
	{CodeMalformed, "<a><?XmL x?></a>"},
	{CodeMalformed, "<a/><?xml version='1.0'?>"},
	{CodeMalformed, " <?xml version='1.0'?><a/>"},
	{CodeMalformed, "<!----><?xml version='1.0'?><a/>"},
	{CodeMalformed, "<?xml?><a/>"},
	{CodeMalformed, "<?xml ?><a/>"},
	{CodeMalformed, "<?xml encoding='UTF-8'?><a/>"},
	{CodeMalformed, "<?xml version='1.0' version='1.0'?><a/>"},
	{CodeMalformed, "<?xml version='1.0'encoding='UTF-8'?><a/>"},
	{CodeMalformed, "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>"},
	{CodeMalformed, "<?xml version='1.0' standalone='maybe'?><a/>"},
	{CodeMalformed, "<?xml version='1.0' encoding=''?><a/>"},
	{CodeMalformed, "<?xml version='1.0' encoding='8859'?><a/>"},
	{CodeMalformed, "<?xml version='1.0' x='1'?><a/>"},
	{CodeMalformed, "<?xml version='1.0'><a/>"},
	{CodeMalformed, "<?xml version=1.0?><a/>"},
	{CodeMalformed, "<?xml version='1.0\"?><a/>"},
	{CodeVersion, "<?xml version='2.0'?><a/>"},
	{CodeVersion, "<?xml version=''?><a/>"},
	{CodeEncoding, "<?xml version='1.0' encoding='US-ASCII'?><a>\xE9</a>"},
	{CodeEncoding, "<?xml version='1.0' encoding='no-such'?><a/>"},
	{CodeEncoding, "<?xml version='1.0' encoding='windows-1252'?><a>\x81</a>"},
	{CodeEncoding, "\xFF\xFE<\x00a\x00/\x00>\x00\x00\xDC"},
	{CodeNamespace, "<p:a/>"},
	{CodeNamespace, "<a p:b='1'/>"},
	{CodeNamespace, "<a><b xmlns:p='u'/><p:c/></a>"},
	{CodeNamespace, "<a xmlns:p=''/>"},
	{CodeNamespace, "<a xmlns:xml='u'/>"},
	{CodeNamespace, "<a xmlns:xmlns='u'/>"},
	{CodeNamespace, "<xmlns:a/>"},
	{CodeNamespace, "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"},
	{CodeNamespace, "<a xmlns='http://www.w3.org/XML/1998/namespace'/>"},
	{CodeNamespace, "<a xmlns='http://www.w3.org/2000/xmlns/'/>"},
	{CodeNamespace, "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>"},
	{CodeNamespace, "<a xmlns:p='u' a1='' a2='' a3='' a4='' a5='' a6='' a7='' p:b='' xmlns:q='u' q:b=''/>"},
	{CodeNamespace, "<a xmlns:p='u'><p:b:c/></a>"},
	{CodeNamespace, "<a:/>"},
	{CodeNamespace, "<a b:='1'/>"},
	{CodeNamespace, "<a><?p:q?></a>"},
	{CodeMalformed, "<:a/>"},
}

// stricter are documents that XML allows and we refuse on purpose, so that
// libxml2 is not asked.
var stricter = []struct{ code, src string }{
	{CodeDTD, "<!DOCTYPE a><a/>"},
	{CodeDTD, "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"},
	{CodeDTD, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"},
	{CodeVersion, "<?xml version='1.1'?><a/>"},
	{CodeEncoding, "<?xml version='1.0' encoding='ISO-8859-2'?><a/>"},
	{CodeEncoding, "<?xml version='1.0' encoding='UTF-7'?><a/>"},
	{CodeEncoding, "<?xml version='1.0' encoding='UTF-16'?><a/>"},
	{CodeEncoding, "\xFF\xFE<\x00a\x00/\x00>\x00 "},                                        // half a character at the end
	{CodeEncoding, "<\x00a\x00/\x00>\x00"},                                                 // UTF-16 without mark
	{CodeEncoding, "\xFF\xFE\x00\x00<\x00\x00\x00a\x00\x00\x00/\x00\x00\x00>\x00\x00\x00"}, // UTF-32
	{CodeEncoding, "\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>"},
	{CodeEncoding, string(inUTF16("<?xml version='1.0' encoding='UTF-8'?><a/>", true))},
	{CodeEncoding, string(inUTF16("<?xml version='1.0' encoding='UTF-16LE'?><a/>", true))},
	{CodeTooDeep, strings.Repeat("<a>", 257) + strings.Repeat("</a>", 257)},
	{CodeTooLarge, "<" + strings.Repeat("n", 1001) + "/>"},
	{CodeTooLarge, "<a><?" + strings.Repeat("n", 1001) + "?></a>"},
}

func inUTF16(s string, bigEndian bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
		if bigEndian {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestAccepted(t *testing.T) {
	for _, src := range acceptedCases() {
		d, err := Parse(src, Limits{})
		if err != nil {
			t.Errorf("%.80q: %v", src, err)
			continue
		}
		checkTree(t, d)
	}
}

func acceptedCases() [][]byte {
	docs := [][]byte{
		inUTF16("<a>é€\U0001F600</a>", true),
		inUTF16("<a>é€\U0001F600</a>", false),
		inUTF16("<?xml version='1.0' encoding='UTF-16'?><a/>", true),
		inUTF16("<?xml version='1.0' encoding='utf-16'?><a/>", false),
	}
	for _, src := range accepted {
		docs = append(docs, []byte(src))
	}
	return docs
}

func TestRefused(t *testing.T) {
	for _, c := range append(refused, stricter...) {
		_, err := Parse([]byte(c.src), Limits{})
		if code(err) != c.code {
			t.Errorf("%.80q: %v, want %s", c.src, err, c.code)
		}
	}
}

// TestTablesLikeLibxml2 holds the expectations above against libxml2.
func TestTablesLikeLibxml2(t *testing.T) {
	needXmllint(t)
	docs := acceptedCases()
	good := len(docs)
	for _, c := range refused {
		docs = append(docs, []byte(c.src))
	}
	dir := t.TempDir()
	files := writeCases(t, dir, docs)
	complaints := xmllintRefuses(t, dir, files)
	for i, f := range files {
		complaint, no := complaints[f]
		if no != (i >= good) {
			t.Errorf("%.80q: libxml2 refuses: %v %s", docs[i], no, complaint)
		}
	}
}

func TestErrorPlace(t *testing.T) {
	for _, c := range []struct {
		src          string
		line, column int
		offset       int64
	}{
		{"<a>\n  <é>ü&x;</é></a>", 2, 7, 12},
		{"\xEF\xBB\xBF<a>&x;</a>", 1, 4, 6},
		{"<a>\r\n<!DOCTYPE b></a>", 2, 1, 5},
		{string(inUTF16("<a>\n<b></a>", true)), 2, 4, 7},
		{"<?xml version='1.0' encoding='x'?><a/>", 1, 21, 20},
		{"<a>\n" + strings.Repeat(" ", 2*markStep) + "<b></a>", 2, 2*markStep + 4, 2*markStep + 7},
	} {
		_, err := Parse([]byte(c.src), Limits{})
		e, ok := err.(*Error)
		if !ok {
			t.Fatalf("%.40q: %v", c.src, err)
		}
		if e.Line != c.line || e.Column != c.column || e.Offset != c.offset {
			t.Errorf("%.40q: line %d column %d offset %d: %v", c.src, e.Line, e.Column, e.Offset, err)
		}
	}
}
