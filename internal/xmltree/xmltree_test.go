package xmltree

import (
	"errors"
	"testing"
)

func TestTree(t *testing.T) {
	const src = "<?xml version=\"1.0\"?>\n<ubl:Invoice xmlns:ubl='urn:u' xmlns=\"urn:d\">\n  <ID a=' x&#10;y\n' ubl:b='2'>1 &lt; <![CDATA[<2>]]>\r\n</ID><!--c--><?pi  v ?><ID/></ubl:Invoice>\n"
	d, err := Parse([]byte(src), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	if !root.Is("urn:u", "Invoice") || root.QName() != "ubl:Invoice" || root.Line() != 2 || root.Column() != 1 {
		t.Errorf("root: %s line %d column %d", root.QName(), root.Line(), root.Column())
	}
	id := root.Child("urn:d", "ID")
	if got := id.Text(); got != "1 < <2>\n" {
		t.Errorf("text %q", got)
	}
	if v, ok := id.Attr("", "a"); !ok || v != " x\ny " {
		t.Errorf("attribute %q", v)
	}
	if v, ok := id.Attr("urn:u", "b"); !ok || v != "2" {
		t.Errorf("attribute %q", v)
	}
	start, end := id.Offset()
	if got := src[start:end]; got != "<ID a=' x&#10;y\n' ubl:b='2'>1 &lt; <![CDATA[<2>]]>\r\n</ID>" {
		t.Errorf("slice %q", got)
	}
	last := id.NextSibling().NextSibling().NextSibling()
	if got := last.Path(); got != "/ubl:Invoice[1]/ID[2]" {
		t.Errorf("path %q", got)
	}
	if pi := id.NextSibling().NextSibling(); pi.Kind() != ProcInst || pi.Local() != "pi" || pi.Value() != "v " {
		t.Errorf("processing instruction %q %q", pi.Local(), pi.Value())
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ src, code string }{
		{"", CodeEmpty},
		{"<!DOCTYPE a><a/>", CodeDTD},
		{"<a b='1'c='2'/>", CodeMalformed},
		{"<a b='1' b='2'/>", CodeMalformed},
		{"<a:b/>", CodeNamespace},
		{"<a>&nbsp;</a>", CodeEntity},
		{"<a>&#xD800;</a>", CodeMalformed},
		{"<a/><b/>", CodeMalformed},
		{"<a>", CodeMalformed},
	} {
		_, err := Parse([]byte(c.src), Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%q: %v, want %s", c.src, err, c.code)
		}
	}
}
