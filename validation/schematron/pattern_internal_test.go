package schematron

import "testing"

func TestSpreadUnions(t *testing.T) {
	tests := map[string]string{
		"cac:Party":                            "cac:Party",
		"a | b":                                "a | b",
		"(a | b)":                              "(a | b)",
		"(/a | /b)[$x]":                        "(/a | /b)[$x]",
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
