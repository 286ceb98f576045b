package schematron

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const svrlSample = `<?xml version="1.0"?>
<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl" title="t"><svrl:active-pattern/><svrl:fired-rule context="/*"/>
<svrl:failed-assert test="x &lt; 1" id="A-1" flag=" fatal " location="/*:a[namespace-uri()=''][1]"><svrl:text>
	[A-1]-Wrong &amp; <i>bad</i>.
</svrl:text></svrl:failed-assert>
<svrl:successful-report test="y" location="/a[1]"><svrl:text>Seen</svrl:text></svrl:successful-report>
</svrl:schematron-output>`

var svrlSeeds = []string{
	svrlSample,
	`<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl"/>`,
	`<schematron-output xmlns="http://purl.oclc.org/dsdl/svrl"><failed-assert/></schematron-output>`,
	`<schematron-output/>`,
	`<!DOCTYPE a><a/>`,
	``,
}

func TestReadSVRL(t *testing.T) {
	got, err := readSVRL([]byte(svrlSample))
	if err != nil {
		t.Fatal(err)
	}
	want := []Report{
		{Rule: "A-1", Flag: "fatal", Location: "/*:a[namespace-uri()=''][1]", Message: "[A-1]-Wrong & bad."},
		{Location: "/a[1]", Message: "Seen", Positive: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range svrlSeeds[3:] {
		if got, err := readSVRL([]byte(bad)); err == nil {
			t.Errorf("readSVRL(%q) = %v", bad, got)
		}
	}
}

// FuzzReadSVRL: what is read comes from the report, and never more complaints
// than it has.
func FuzzReadSVRL(f *testing.F) {
	for _, s := range svrlSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, svrl []byte) {
		reports, err := readSVRL(svrl)
		if err != nil {
			if reports != nil {
				t.Error("reports beside an error")
			}
			return
		}
		if n := strings.Count(string(svrl), "failed-assert") + strings.Count(string(svrl), "successful-report"); len(reports) > n && utf8.Valid(svrl) && svrl[0] == '<' {
			t.Errorf("%d reports of %d", len(reports), n)
		}
		for _, r := range reports {
			if r.Message != strings.TrimSpace(r.Message) || !utf8.ValidString(r.Message+r.Rule+r.Location) {
				t.Errorf("report %+v", r)
			}
		}
	})
}
