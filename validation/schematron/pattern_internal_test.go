package schematron

import "testing"

func TestSpreadUnions(t *testing.T) {
	tests := map[string]string{
		"cac:Party":                            "cac:Party",
		"a | b":                                "a | b",
		"(a | b)":                              "a | b",
		"(/a | /b)[$x]":                        "/a[$x] | /b[$x]",
		"(/a | /b[c = (1,2)])[$x and $y]":      "/a[$x and $y] | /b[c = (1,2)][$x and $y]",
		"(a | b)[1]":                           "(a | b)[1]",
		"(a | b)[$x][ 2 ]/c":                   "(a | b)[$x][ 2 ]/c",
		"(a | b)[position() < 3]":              "(a | b)[position() < 3]",
		"(a | b)[last()]":                      "(a | b)[last()]",
		"(/a|/b)/c":                            "/a/c | /b/c",
		"(/a[$v]/l | /b[$v]/l)/i/p[n = 'c|)']": "/a[$v]/l/i/p[n = 'c|)'] | /b[$v]/l/i/p[n = 'c|)']",
		"(a | b)[(c | d) = ('1','2')]/(e | f)/g[h]": "a[(c | d) = ('1','2')]/e/g[h] | a[(c | d) = ('1','2')]/f/g[h] | " +
			"b[(c | d) = ('1','2')]/e/g[h] | b[(c | d) = ('1','2')]/f/g[h]",
		"a/text()":        "a/text()",
		"key('k', 'v')/a": "key('k', 'v')/a",
		"x | (a|b)/c":     "x | a/c | b/c",
	}
	for in, want := range tests {
		if got := spreadUnions(in); got != want {
			t.Errorf("spreadUnions(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}
