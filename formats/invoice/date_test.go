package invoice

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	for _, good := range []string{"2026-11-21", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if d, err := ParseDate(good); err != nil || d.String() != good {
			t.Errorf("ParseDate(%q) = %s, %v", good, d, err)
		}
	}
	for _, bad := range []string{
		"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-1-1", "21-11-2026", "20261121", "2026/11/21",
		"2026-11-21Z", "2026-11-21+01:00", "2026-11-21T00:00:00", " 2026-11-21", "0000-01-01", "-001-01-01", "2026-1١-21",
	} {
		if d, err := ParseDate(bad); !errors.Is(err, ErrDate) || !d.IsZero() {
			t.Errorf("ParseDate(%q) = %s, %v; want ErrDate", bad, d, err)
		}
	}
}

func TestDateOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(-700_000, 700_000)
		start := MustDate("2026-11-21")
		a := start.AddDays(days.Draw(t, "a"))
		n := days.Draw(t, "n")
		if n > 0 && (!a.AddDays(n).After(a) || !a.Before(a.AddDays(n))) || a.AddDays(n).AddDays(-n) != a {
			t.Fatalf("%s and %d days", a, n)
		}
		if again := DateOf(a.Time(time.UTC)); again != a || a.Compare(again) != 0 {
			t.Fatalf("%s comes back as %s", a, again)
		}
	})
}

func TestDateJSON(t *testing.T) {
	got := struct {
		A Date
		B *Date `json:",omitempty"`
		C Date  `json:",omitzero"`
	}{A: MustDate("2026-11-21")}
	out, err := json.Marshal(got)
	if want := `{"A":"2026-11-21"}`; err != nil || string(out) != want {
		t.Errorf("got %s, %v; want %s", out, err, want)
	}
	if err := json.Unmarshal([]byte(`{"A":"2026-02-30"}`), &got); !errors.Is(err, ErrDate) {
		t.Errorf("an impossible date: %v", err)
	}
}
