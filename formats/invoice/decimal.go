package invoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// MaxDecimalDigits is the longest number, in digits, that [ParseDecimal] takes.
const MaxDecimalDigits = 100

// Errors of [ParseDecimal].
var (
	// ErrDecimalSyntax says that the text is not an xs:decimal.
	ErrDecimalSyntax = errors.New("not a decimal number")
	// ErrDecimalTooLong says that the text has more than MaxDecimalDigits digits.
	ErrDecimalTooLong = errors.New("decimal number has too many digits")
)

// Decimal is an exact decimal number of any length. It is immutable, so values
// may be copied and shared. The zero value is the number 0.
//
// A Decimal keeps its scale: "10.00" stays "10.00", although it equals "10".
type Decimal struct {
	unscaled *big.Int // nil is zero; never modified after construction
	scale    int32    // number of decimals, never negative
}

// NewDecimal returns unscaled × 10^-scale: NewDecimal(1050, 2) is 10.50.
// With a negative scale the number is a whole one with that many zeros.
func NewDecimal(unscaled int64, scale int32) Decimal {
	n := big.NewInt(unscaled)
	if scale < 0 {
		n.Mul(n, pow10(-scale))
		scale = 0
	}
	return Decimal{n, scale}
}

// ParseDecimal reads the lexical form of xs:decimal without surrounding space:
// an optional sign, digits, and optionally a point with digits ("-12.50", ".5",
// "5."). Exponents, separators, NaN and INF are refused. The scale is kept; a
// leading "+", leading zeros and the sign of zero are not.
func ParseDecimal(s string) (Decimal, error) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimalSyntax, s)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(whole)+len(fraction) > MaxDecimalDigits {
		return Decimal{}, ErrDecimalTooLong
	}
	if whole+fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return Decimal{}, fmt.Errorf("%w: %.40q", ErrDecimalSyntax, s)
	}
	n, _ := new(big.Int).SetString(whole+fraction, 10)
	if s[0] == '-' {
		n.Neg(n)
	}
	return Decimal{n, int32(len(fraction))}, nil
}

// MustDecimal is [ParseDecimal] for constants; it panics on bad text.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Ptr returns a pointer to a copy of d, for optional amounts.
func (d Decimal) Ptr() *Decimal { return &d }

// Add returns d + e, with the larger of the two scales.
func (d Decimal) Add(e Decimal) Decimal {
	a, b, scale := align(d, e)
	return Decimal{new(big.Int).Add(a, b), scale}
}

// Sub returns d − e, with the larger of the two scales.
func (d Decimal) Sub(e Decimal) Decimal { return d.Add(e.Neg()) }

// Mul returns d × e exactly; the scales add up.
func (d Decimal) Mul(e Decimal) Decimal {
	return Decimal{new(big.Int).Mul(d.int(), e.int()), d.scale + e.scale}
}

// Div returns d ÷ e rounded half away from zero to the given number of
// decimals. Like integer division it panics when e is zero.
func (d Decimal) Div(e Decimal, places int32) Decimal {
	if e.IsZero() {
		panic("invoice: Decimal division by zero")
	}
	places = max(places, 0)
	// d/e × 10^places, as one quotient of whole numbers.
	num, den := d.int(), e.int()
	if shift := places + e.scale - d.scale; shift >= 0 {
		num = new(big.Int).Mul(num, pow10(shift))
	} else {
		den = new(big.Int).Mul(den, pow10(-shift))
	}
	return Decimal{quoHalfAway(num, den), places}
}

// Neg returns −d.
func (d Decimal) Neg() Decimal { return Decimal{new(big.Int).Neg(d.int()), d.scale} }

// Abs returns d without its sign.
func (d Decimal) Abs() Decimal { return Decimal{new(big.Int).Abs(d.int()), d.scale} }

// Cmp compares values: -1 when d < e, 0 when they are equal, +1 when d > e.
func (d Decimal) Cmp(e Decimal) int {
	a, b, _ := align(d, e)
	return a.Cmp(b)
}

// Equal tells whether d and e are the same number; "10" equals "10.00".
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign returns -1, 0 or +1.
func (d Decimal) Sign() int { return d.int().Sign() }

// IsZero tells whether d is the number 0, at any scale.
func (d Decimal) IsZero() bool { return d.Sign() == 0 }

// Scale is the number of decimals d is written with.
func (d Decimal) Scale() int { return int(d.scale) }

// Round returns d with exactly the given number of decimals, rounded half away
// from zero, the commercial rounding that EN 16931-1 means: 0.125 becomes 0.13
// and -0.125 becomes -0.13. A number with fewer decimals is padded.
//
// The official rules round with XPath's fn:round, which takes halves towards
// positive infinity (-0.125 would become -0.12). They apply it to absolute
// values where sign matters (BR-CO-17, BR-S-09: round(abs(base) × rate)), which
// is the same as half away from zero; the other identities (BR-CO-10 … BR-CO-16)
// add numbers that already have two decimals, where no half can arise.
func (d Decimal) Round(places int32) Decimal {
	places = max(places, 0)
	if places >= d.scale {
		return Decimal{new(big.Int).Mul(d.int(), pow10(places-d.scale)), places}
	}
	return Decimal{quoHalfAway(d.int(), pow10(d.scale-places)), places}
}

// String writes d as xs:decimal with all its decimals: "-0.50", "1200".
func (d Decimal) String() string {
	s := d.int().String()
	if d.scale == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if missing := int(d.scale) + 1 - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	point := len(s) - int(d.scale)
	return sign + s[:point] + "." + s[point:]
}

// MarshalText writes the form of [Decimal.String].
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [ParseDecimal] reads.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalJSON writes a JSON string, so that no reader takes it for a float.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }

// UnmarshalJSON reads a JSON string or the exact text of a JSON number.
// Numbers with an exponent are refused.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	return d.UnmarshalText([]byte(text))
}

func (d Decimal) int() *big.Int {
	if d.unscaled == nil {
		return new(big.Int)
	}
	return d.unscaled
}

// align brings two numbers to the larger scale.
func align(d, e Decimal) (a, b *big.Int, scale int32) {
	a, b = d.int(), e.int()
	switch {
	case d.scale < e.scale:
		a = new(big.Int).Mul(a, pow10(e.scale-d.scale))
	case e.scale < d.scale:
		b = new(big.Int).Mul(b, pow10(d.scale-e.scale))
	}
	return a, b, max(d.scale, e.scale)
}

func pow10(n int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// quoHalfAway divides and rounds the quotient half away from zero.
func quoHalfAway(num, den *big.Int) *big.Int {
	quo, rem := new(big.Int).QuoRem(num, den, new(big.Int))
	if rem.Sign() == 0 {
		return quo
	}
	if rem.Lsh(rem.Abs(rem), 1).CmpAbs(den) >= 0 {
		quo.Add(quo, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return quo
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
