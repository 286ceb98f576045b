package invoice

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
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
	// The number is unscaled × 10^-scale. Amounts that people write fit 64 bits,
	// and then nothing is allocated; big holds those, and only those, that do not.
	unscaled int64
	big      *big.Int // never modified after construction
	scale    int32    // number of decimals, never negative
}

// NewDecimal returns unscaled × 10^-scale: NewDecimal(1050, 2) is 10.50.
// With a negative scale the number is a whole one with that many zeros.
func NewDecimal(unscaled int64, scale int32) Decimal {
	if scale < 0 {
		n := big.NewInt(unscaled)
		return fromBig(n.Mul(n, pow10(-scale)), 0)
	}
	return Decimal{unscaled: unscaled, scale: scale}
}

// ParseDecimal reads the lexical form of xs:decimal without surrounding space:
// an optional sign, digits, and optionally a point with digits ("-12.50", ".5",
// "5."). Exponents, separators, NaN and INF are refused. The scale is kept; a
// leading "+", leading zeros and the sign of zero are not.
func ParseDecimal(s string) (Decimal, error) {
	if n, scale, ok := parseShort(s); ok {
		return Decimal{unscaled: n, scale: scale}, nil
	}
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
	return fromBig(n, int32(len(fraction))), nil
}

// parseShort reads what ParseDecimal reads, if it has no "+" and at most 18 digits.
func parseShort(s string) (n int64, scale int32, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 19 {
		return 0, 0, false
	}
	point, count := -1, 0
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			n = 10*n + int64(c-'0')
			count++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, 0, false
		}
	}
	if count == 0 || count > 18 {
		return 0, 0, false
	}
	if point >= 0 {
		scale = int32(len(digits) - point - 1)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, scale, true
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
	if a, b, scale, ok := alignShort(d, e); ok {
		// The sum of two numbers of one sign has that sign, or has overflowed.
		if sum := a + b; (a < 0) != (b < 0) || (sum < 0) == (a < 0) {
			return Decimal{unscaled: sum, scale: scale}
		}
	}
	a, b, scale := align(d, e)
	return fromBig(a.Add(a, b), scale)
}

// Sub returns d − e, with the larger of the two scales.
func (d Decimal) Sub(e Decimal) Decimal { return d.Add(e.Neg()) }

// Mul returns d × e exactly; the scales add up.
func (d Decimal) Mul(e Decimal) Decimal {
	if d.big == nil && e.big == nil {
		if n, ok := mul(d.unscaled, e.unscaled); ok {
			return Decimal{unscaled: n, scale: d.scale + e.scale}
		}
	}
	n := d.int()
	return fromBig(n.Mul(n, e.int()), d.scale+e.scale)
}

// Div returns d ÷ e rounded half away from zero to the given number of
// decimals. Like integer division it panics when e is zero.
func (d Decimal) Div(e Decimal, places int32) Decimal {
	if e.IsZero() {
		panic("invoice: Decimal division by zero")
	}
	places = max(places, 0)
	// d/e × 10^places, as one quotient of whole numbers.
	shift := places + e.scale - d.scale
	if d.big == nil && e.big == nil {
		if n, ok := quoShort(d.unscaled, e.unscaled, shift); ok {
			return Decimal{unscaled: n, scale: places}
		}
	}
	num, den := d.int(), e.int()
	if shift >= 0 {
		num.Mul(num, pow10(shift))
	} else {
		den.Mul(den, pow10(-shift))
	}
	return fromBig(quoHalfAway(num, den), places)
}

// Neg returns −d.
func (d Decimal) Neg() Decimal {
	if d.big == nil && d.unscaled != math.MinInt64 {
		return Decimal{unscaled: -d.unscaled, scale: d.scale}
	}
	n := d.int()
	return fromBig(n.Neg(n), d.scale)
}

// Abs returns d without its sign.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Cmp compares values: -1 when d < e, 0 when they are equal, +1 when d > e.
func (d Decimal) Cmp(e Decimal) int {
	if a, b, _, ok := alignShort(d, e); ok {
		return cmp.Compare(a, b)
	}
	a, b, _ := align(d, e)
	return a.Cmp(b)
}

// Equal tells whether d and e are the same number; "10" equals "10.00".
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign returns -1, 0 or +1.
func (d Decimal) Sign() int {
	if d.big != nil {
		return d.big.Sign()
	}
	return cmp.Compare(d.unscaled, 0)
}

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
	if places == d.scale {
		return d
	}
	return d.Div(NewDecimal(1, 0), places)
}

// String writes d as xs:decimal with all its decimals: "-0.50", "1200".
func (d Decimal) String() string {
	var s string
	if d.big != nil {
		s = d.big.String()
	} else {
		s = strconv.FormatInt(d.unscaled, 10)
	}
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
	switch last := len(data) - 1; {
	case last < 1 || data[0] != '"':
	case data[last] == '"' && bytes.IndexByte(data, '\\') < 0:
		text = text[1:last]
	default:
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	parsed, err := ParseDecimal(text)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// int returns the unscaled number as an integer of the caller's own.
func (d Decimal) int() *big.Int {
	if d.big != nil {
		return new(big.Int).Set(d.big)
	}
	return big.NewInt(d.unscaled)
}

// fromBig takes n over.
func fromBig(n *big.Int, scale int32) Decimal {
	if n.IsInt64() {
		return Decimal{unscaled: n.Int64(), scale: scale}
	}
	return Decimal{big: n, scale: scale}
}

// align brings two numbers to the larger scale.
func align(d, e Decimal) (a, b *big.Int, scale int32) {
	a, b, scale = d.int(), e.int(), max(d.scale, e.scale)
	if d.scale < scale {
		a.Mul(a, pow10(scale-d.scale))
	}
	if e.scale < scale {
		b.Mul(b, pow10(scale-e.scale))
	}
	return a, b, scale
}

// alignShort is align where everything fits 64 bits.
func alignShort(d, e Decimal) (a, b int64, scale int32, ok bool) {
	if d.big != nil || e.big != nil {
		return 0, 0, 0, false
	}
	a, b, scale, ok = d.unscaled, e.unscaled, d.scale, true
	switch {
	case d.scale < e.scale:
		scale = e.scale
		a, ok = shiftShort(a, e.scale-d.scale)
	case e.scale < d.scale:
		b, ok = shiftShort(b, d.scale-e.scale)
	}
	return a, b, scale, ok
}

// shiftShort returns n × 10^by, if it fits.
func shiftShort(n int64, by int32) (int64, bool) {
	if int(by) >= len(powersOfTen) {
		return 0, n == 0
	}
	return mul(n, int64(powersOfTen[by]))
}

// mul returns a × b, if it fits.
func mul(a, b int64) (int64, bool) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(low), true
	}
	return int64(low), true
}

// quoShort returns num × 10^shift ÷ den, rounded half away from zero, if it
// fits; num × 10^shift may have 128 bits.
func quoShort(num, den int64, shift int32) (int64, bool) {
	high, low, divisor := uint64(0), magnitude(num), magnitude(den)
	switch {
	case shift >= int32(len(powersOfTen)) || -shift >= int32(len(powersOfTen)):
		return 0, false
	case shift >= 0:
		high, low = bits.Mul64(low, powersOfTen[shift])
	default:
		over, product := bits.Mul64(divisor, powersOfTen[-shift])
		if over != 0 {
			return 0, false
		}
		divisor = product
	}
	if high >= divisor {
		return 0, false
	}
	quo, rem := bits.Div64(high, low, divisor)
	if quo >= math.MaxInt64 {
		return 0, false
	}
	if rem >= divisor-rem {
		quo++
	}
	if (num < 0) != (den < 0) {
		return -int64(quo), true
	}
	return int64(quo), true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// powersOfTen are those that fit 64 bits with a sign.
var powersOfTen = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
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
