package invoice

import (
	"errors"
	"fmt"
	"time"
)

// ErrDate says that a text is not a calendar date of the form YYYY-MM-DD.
var ErrDate = errors.New("not a date")

// Date is a civil date without time or time zone, from year 1 to 9999. The zero
// value means that there is no date.
type Date struct {
	year  int16
	month uint8
	day   uint8
}

// NewDate returns the date, or [ErrDate] when there is no such day.
func NewDate(year int, month time.Month, day int) (Date, error) {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if year < 1 || year > 9999 || t.Year() != year || t.Month() != month || t.Day() != day {
		return Date{}, fmt.Errorf("%w: %04d-%02d-%02d", ErrDate, year, int(month), day)
	}
	return Date{int16(year), uint8(month), uint8(day)}, nil
}

// ParseDate reads YYYY-MM-DD. Impossible dates and time zones are refused.
func ParseDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' ||
		!allDigits(s[:4]) || !allDigits(s[5:7]) || !allDigits(s[8:]) {
		return Date{}, fmt.Errorf("%w: %.40q", ErrDate, s)
	}
	d, err := NewDate(number(s[:4]), time.Month(number(s[5:7])), number(s[8:]))
	if err != nil {
		return Date{}, fmt.Errorf("%w: %q", ErrDate, s)
	}
	return d, nil
}

// MustDate is [ParseDate] for constants; it panics on bad text.
func MustDate(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// DateOf returns the day of t in t's own location.
func DateOf(t time.Time) Date {
	return Date{int16(t.Year()), uint8(t.Month()), uint8(t.Day())}
}

// Ptr returns a pointer to a copy of d, for optional dates.
func (d Date) Ptr() *Date { return &d }

// Year is the year, 0 when there is no date.
func (d Date) Year() int { return int(d.year) }

// Month is the month of the date, 0 when there is none.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day is the day of the month, 0 when there is none.
func (d Date) Day() int { return int(d.day) }

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Time is midnight of the date in the location.
func (d Date) Time(loc *time.Location) time.Time {
	return time.Date(int(d.year), d.Month(), int(d.day), 0, 0, 0, 0, loc)
}

// AddDays returns the date n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.Time(time.UTC).AddDate(0, 0, n)) }

// Compare returns -1, 0 or +1 as d is before, on or after e.
func (d Date) Compare(e Date) int { return d.Time(time.UTC).Compare(e.Time(time.UTC)) }

// Before tells whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After tells whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// String is YYYY-MM-DD, or nothing for the zero value.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// MarshalText writes the form of [Date.String]; JSON uses it too.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [ParseDate] reads; an empty text is no date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// number reads a text that is known to be a few digits.
func number(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
