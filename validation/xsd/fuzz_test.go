package xsd_test

import (
	"strings"
	"testing"

	"facteur.dev/facteur/validation"
)

// FuzzCheck: what our reader accepts, libxml2 reads to its end, and every
// finding stands at a place of the document.
func FuzzCheck(f *testing.F) {
	seeds := []string{
		order(goodLine),
		order(" <o:Line><c:ID>2</c:ID><o:Amount currencyID='XXX'>x</o:Amount></o:Line><o:Attachment>AAAA</o:Attachment>"),
		"\xEF\xBB\xBF" + order("<o:Date>2026-02-30</o:Date><!-- c --><?p i?><![CDATA[ x ]]>"),
		"<?xml version='1.0' encoding='ISO-8859-1'?><o:Order xmlns:o='urn:facteur:test:order' o:a='&#x10FFFF;\xe9'/>",
		"<a xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='b' xsi:nil='true'/>",
		"<a xmlns='relative'><b xmlns=''/></a>",
		"<a xmlns=' '/>",
		"<a>&#xD;&lt;&amp;]]&gt;</a>",
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	stage := orderStage(f, newValidator(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := validation.Parse(text)
		if err != nil {
			return
		}
		v := stage.Check(t.Context(), doc)
		if !v.Ran {
			t.Fatalf("did not run: %s", v.Reason)
		}
		if v.OK() && (doc.Root != "Order" || doc.Namespace != orderSpace) {
			t.Errorf("a %s is a valid order", doc.Root)
		}
		for _, f := range v.Findings {
			if strings.HasPrefix(f.Rule, "xml.") {
				t.Errorf("libxml2 refuses what our reader accepted: %+v", f)
			}
			if p, ok := doc.Locate(f.Location); !ok || p.Line != f.Line || p.Column != f.Column {
				t.Errorf("finding %+v is at %+v", f, p)
			}
		}
	})
}
