package invoice

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.00": "0.00", "10.00": "10.00", "+1.5": "1.5", ".5": "0.5", "-.05": "-0.05",
		"5.": "5", "007.10": "7.10", "123456789012345678901234567890.12": "123456789012345678901234567890.12",
		strings.Repeat("9", MaxDecimalDigits): strings.Repeat("9", MaxDecimalDigits),
	} {
		d, err := ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("ParseDecimal(%q) = %q, %v; want %q", in, d, err, want)
		}
	}
	for _, in := range []string{
		"", ".", "+", "-", "+-1", "--1", " 1", "1 ", "1,5", "1e3", "1E3", "0x10", "NaN", "INF", "1.2.3", "1_000", "١",
	} {
		if _, err := ParseDecimal(in); !errors.Is(err, ErrDecimalSyntax) {
			t.Errorf("ParseDecimal(%q): %v, want ErrDecimalSyntax", in, err)
		}
	}
	if _, err := ParseDecimal(strings.Repeat("1", MaxDecimalDigits) + ".0"); !errors.Is(err, ErrDecimalTooLong) {
		t.Errorf("a number that is too long: %v", err)
	}
}

func TestDecimalZeroValue(t *testing.T) {
	var zero Decimal
	one := NewDecimal(1, 0)
	if zero.String() != "0" || !zero.IsZero() || zero.Scale() != 0 || !zero.Equal(MustDecimal("0.00")) {
		t.Errorf("the zero value is %s", zero)
	}
	for got, want := range map[Decimal]string{
		zero.Add(one): "1", one.Sub(zero): "1", zero.Mul(one): "0", zero.Div(one, 2): "0.00",
		zero.Round(1): "0.0", zero.Neg(): "0", zero.Abs(): "0",
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNewDecimal(t *testing.T) {
	for got, want := range map[Decimal]string{
		NewDecimal(1050, 2): "10.50", NewDecimal(-5, 3): "-0.005", NewDecimal(12, -3): "12000",
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestRoundHalfAwayFromZero shows that halves go away from zero on both sides,
// and that this is what the rules get: round(abs(x)) of XPath.
func TestRoundHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		in     string
		places int32
		want   string
	}{
		{"0.125", 2, "0.13"},
		{"-0.125", 2, "-0.13"},
		{"0.124", 2, "0.12"},
		{"-0.124", 2, "-0.12"},
		{"2.5", 0, "3"},
		{"-2.5", 0, "-3"},
		{"-0.4", 0, "0"},
		{"9.995", 2, "10.00"},
		{"7", 2, "7.00"},
		{"7.5", -3, "8"},
	} {
		if got := MustDecimal(c.in).Round(c.places); got.String() != c.want {
			t.Errorf("%s rounded to %d places is %s, want %s", c.in, c.places, got, c.want)
		}
	}
}

func TestDiv(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		places int32
		want   string
	}{
		{"1", "3", 4, "0.3333"},
		{"2", "3", 2, "0.67"},
		{"-2", "3", 2, "-0.67"},
		{"1", "8", 2, "0.13"},
		{"1", "-8", 2, "-0.13"},
		{"10.00", "0.1", 1, "100.0"},
		{"0.00001", "1000", 2, "0.00"},
		{"123.456", "1", 0, "123"},
	} {
		if got := MustDecimal(c.a).Div(MustDecimal(c.b), c.places); got.String() != c.want {
			t.Errorf("%s / %s = %s, want %s", c.a, c.b, got, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("division by zero did not panic")
		}
	}()
	NewDecimal(1, 0).Div(MustDecimal("0.00"), 2)
}

// drawDecimal draws numbers on both sides of what 64 bits hold.
func drawDecimal(t *rapid.T, name string) Decimal {
	long := rapid.Map(rapid.StringMatching(`-?[0-9]{1,30}(\.[0-9]{0,10})?`), MustDecimal)
	short := rapid.Custom(func(t *rapid.T) Decimal {
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e6, 1e6), rapid.Int64Range(math.MaxInt64-3, math.MaxInt64),
			rapid.Int64Range(math.MinInt64, math.MinInt64+3)).Draw(t, "unscaled")
		return NewDecimal(n, rapid.Int32Range(-3, 22).Draw(t, "scale"))
	})
	return rapid.OneOf(long, short).Draw(t, name)
}

// halfAway rounds a fraction by the book: |r| × 10^places + ½, cut off.
func halfAway(r *big.Rat, places int32) *big.Rat {
	shift := new(big.Rat).SetInt(pow10(places))
	n := new(big.Rat).Mul(new(big.Rat).Abs(r), shift)
	n.Add(n, big.NewRat(1, 2))
	n.SetInt(new(big.Int).Quo(n.Num(), n.Denom())).Quo(n, shift)
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n
}

func rat(d Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

// TestDecimalArithmetic compares with fractions, which are exact too.
func TestDecimalArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDecimal(t, "a"), drawDecimal(t, "b")
		x, y := rat(a), rat(b)
		for name, pair := range map[string][2]*big.Rat{
			"+": {rat(a.Add(b)), new(big.Rat).Add(x, y)},
			"-": {rat(a.Sub(b)), new(big.Rat).Sub(x, y)},
			"*": {rat(a.Mul(b)), new(big.Rat).Mul(x, y)},
		} {
			if pair[0].Cmp(pair[1]) != 0 {
				t.Fatalf("%s %s %s = %s, want %s", a, name, b, pair[0], pair[1])
			}
		}
		if a.Cmp(b) != x.Cmp(y) || a.Equal(b) != (x.Cmp(y) == 0) || a.Sign() != x.Sign() {
			t.Fatalf("comparison of %s and %s", a, b)
		}
		places := rapid.Int32Range(0, 12).Draw(t, "places")
		if got := a.Round(places); rat(got).Cmp(halfAway(x, places)) != 0 || got.Scale() != int(places) {
			t.Fatalf("%s rounded to %d places is %s", a, places, got)
		}
		if again := MustDecimal(a.String()); again.String() != a.String() || !reflect.DeepEqual(again, a) {
			t.Fatalf("%s is read back as %s", a, again)
		}
		if b.IsZero() {
			return
		}
		if got := a.Div(b, places); rat(got).Cmp(halfAway(new(big.Rat).Quo(x, y), places)) != 0 || got.Scale() != int(places) {
			t.Fatalf("%s / %s to %d places is %s", a, b, places, got)
		}
	})
}

func TestDecimalJSON(t *testing.T) {
	var got struct{ A, B, C Decimal }
	src := `{"A":"10.00","B":0.1234567890123456789012345,"C":-3}`
	if err := json.Unmarshal([]byte(src), &got); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(got)
	if want := `{"A":"10.00","B":"0.1234567890123456789012345","C":"-3"}`; err != nil || string(out) != want {
		t.Errorf("got %s, %v; want %s", out, err, want)
	}
	for _, bad := range []string{`"1e3"`, `1e3`, `true`, `null`, `""`, `[]`} {
		if err := json.Unmarshal([]byte(`{"A":`+bad+`}`), &got); err == nil && bad != "null" {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	seeds := []string{"0", "-12.50", ".5", "5.", "+007.10", "1e3", "--1", "1.2.3", "", strings.Repeat("9", 101)}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if err != nil {
			if d.String() != "0" || !errors.Is(err, ErrDecimalSyntax) && !errors.Is(err, ErrDecimalTooLong) {
				t.Fatalf("%q gives %s and %v", s, d, err)
			}
			return
		}
		again, err := ParseDecimal(d.String())
		if err != nil || again.String() != d.String() || !again.Equal(d) {
			t.Fatalf("%q is %s, read back as %s, %v", s, d, again, err)
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(rat(d)) != 0 {
			t.Fatalf("%q is read as %s", s, d)
		}
	})
}
