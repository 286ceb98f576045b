package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	events := `{"Action":"start","Package":"facteur.dev/facteur/a"}
{"Action":"output","Package":"facteur.dev/facteur/a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"pass","Package":"facteur.dev/facteur/a","Test":"TestOne"}
{"Action":"output","Package":"facteur.dev/facteur/a","Test":"TestTwo","Output":"    a_test.go:7: no corpora\n"}
{"Action":"skip","Package":"facteur.dev/facteur/a","Test":"TestTwo"}
{"Action":"pass","Package":"facteur.dev/facteur/a","Elapsed":1.234}
{"Action":"output","Package":"facteur.dev/facteur/b","Test":"TestBad","Output":"    b_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"facteur.dev/facteur/b","Test":"TestBad"}
{"Action":"fail","Package":"facteur.dev/facteur/b","Elapsed":0.1}
{"ImportPath":"facteur.dev/facteur/c","Action":"build-output","Output":"c.go:1:1: no\n"}
{"Action":"output","Package":"facteur.dev/facteur/c","Output":"FAIL\tfacteur.dev/facteur/c [build failed]\n"}
{"Action":"fail","Package":"facteur.dev/facteur/c","Elapsed":0}
{"Action":"skip","Package":"facteur.dev/facteur/d","Elapsed":0}
a line that is no event
`
	var out strings.Builder
	s := newSummary(&out, 4)
	if err := s.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	s.end()
	want := `[ 1/4] ok   a  1 tests, 1.23s
    b_test.go:9: got 1, want 2
[ 2/4] FAIL b  100ms
c.go:1:1: no
[ 3/4] FAIL c  0s
FAIL	facteur.dev/facteur/c [build failed]
[ 4/4]  -   d  no tests
a line that is no event

1 tests in 4 packages passed, 2 failed
failed: b TestBad
failed: c
not run (1): no corpora
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}
