package gateway

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNumberPattern(t *testing.T) {
	date := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		pattern string
		n       int64
		number  string
		period  string
	}{
		{"FA-{yyyy}-{n:5}", 42, "FA-2026-00042", "2026"},
		{"{yy}{mm}/{n:3}", 7, "2603/007", "2026-03"},
		{"{n}", 1234567, "1234567", ""},
		{"É{n:2}", 123, "É123", ""},
		{DefaultNumberPattern, 1, "2026-000001", "2026"},
	} {
		p, err := ParseNumberPattern(c.pattern)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		if got := p.Format(date, c.n); got != c.number {
			t.Errorf("%s: got %s, want %s", c.pattern, got, c.number)
		}
		if got := p.Period(date); got != c.period {
			t.Errorf("%s: period %q, want %q", c.pattern, got, c.period)
		}
	}
	for _, bad := range []string{"", "FA-", "{n}{n}", "{n:0}", "{n:19}", "{n:x}", "{day}-{n}", "{n", "n}", "{mm}-{n}", "a\nb{n}"} {
		if _, err := ParseNumberPattern(bad); Code(err) != "invalid" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestGaps(t *testing.T) {
	s := NumberSeries{LegalEntity: "e", Kind: "invoice", Period: "2026", Next: 10}
	taken := func(ns ...int64) (list []NumberTaken) {
		for _, n := range ns {
			list = append(list, NumberTaken{N: n})
		}
		return list
	}
	gap := func(from, to int64) Gap {
		return Gap{LegalEntity: "e", Kind: "invoice", Period: "2026", From: from, To: to}
	}
	for _, c := range []struct {
		taken []NumberTaken
		want  []Gap
	}{
		{taken(1, 2, 3, 4, 5, 6, 7, 8, 9), nil},
		{taken(2, 3, 6, 7, 8), []Gap{gap(1, 1), gap(4, 5), gap(9, 9)}},
		{nil, []Gap{gap(1, 9)}},
	} {
		if diff := cmp.Diff(c.want, Gaps(s, c.taken)); diff != "" {
			t.Error(diff)
		}
	}
}
