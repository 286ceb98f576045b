package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NumberPattern writes invoice numbers: text with {yyyy}, {yy} and {mm} for the
// issue date and {n} or {n:W} for the count, W digits wide, such as
// "FA-{yyyy}-{n:5}". A pattern with a year restarts each year, one with a month
// each month; one with neither never does.
type NumberPattern struct {
	parts []string // literal text, or a token in braces
	width int
}

// DefaultNumberPattern is used for a legal entity that states none.
const DefaultNumberPattern = "{yyyy}-{n:6}"

// ParseNumberPattern reads a pattern. It needs exactly one count, and a month
// only together with a year.
func ParseNumberPattern(s string) (NumberPattern, error) {
	bad := func(why string) (NumberPattern, error) {
		return NumberPattern{}, ErrInvalid.With(fmt.Sprintf("the number pattern %q %s", s, why), nil)
	}
	var p NumberPattern
	counts := 0
	seen := map[string]bool{}
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open != 0 {
			if open < 0 {
				open = len(rest)
			}
			if strings.ContainsAny(rest[:open], "}\n\r\t") {
				return bad("has a stray brace or a control character")
			}
			p.parts = append(p.parts, rest[:open])
			rest = rest[open:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return bad("has a brace that is not closed")
		}
		token := rest[:end+1]
		rest = rest[end+1:]
		switch {
		case token == "{yyyy}", token == "{yy}", token == "{mm}":
			seen[token] = true
		case token == "{n}":
			counts++
		case strings.HasPrefix(token, "{n:"):
			w, err := strconv.Atoi(token[3 : len(token)-1])
			if err != nil || w < 1 || w > 18 {
				return bad("has a width that is not 1 to 18")
			}
			counts++
			p.width, token = w, "{n}"
		default:
			return bad("has an unknown part " + token)
		}
		p.parts = append(p.parts, token)
	}
	if counts != 1 {
		return bad("needs one {n}")
	}
	if seen["{mm}"] && !seen["{yyyy}"] && !seen["{yy}"] {
		return bad("has a month without a year")
	}
	return p, nil
}

// Period names the run of numbers that a date falls into: "2026-11", "2026" or "".
func (p NumberPattern) Period(date time.Time) string {
	year, month := false, false
	for _, part := range p.parts {
		year = year || part == "{yyyy}" || part == "{yy}"
		month = month || part == "{mm}"
	}
	switch {
	case month:
		return date.Format("2006-01")
	case year:
		return date.Format("2006")
	}
	return ""
}

// Format writes the n-th number of a date's period.
func (p NumberPattern) Format(date time.Time, n int64) string {
	var b strings.Builder
	for _, part := range p.parts {
		switch part {
		case "{yyyy}":
			b.WriteString(date.Format("2006"))
		case "{yy}":
			b.WriteString(date.Format("06"))
		case "{mm}":
			b.WriteString(date.Format("01"))
		case "{n}":
			fmt.Fprintf(&b, "%0*d", p.width, n)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

// Gap is a run of numbers of a series that no invoice carries.
type Gap struct {
	LegalEntity string `json:"legal_entity"`
	Kind        string `json:"kind"`
	Period      string `json:"period"`
	From        int64  `json:"from"`
	To          int64  `json:"to"`
}

// Gaps finds the numbers below s.Next that taken, in order, does not hold.
func Gaps(s NumberSeries, taken []NumberTaken) []Gap {
	var gaps []Gap
	next := int64(1)
	add := func(to int64) {
		if next <= to {
			gaps = append(gaps, Gap{LegalEntity: s.LegalEntity, Kind: s.Kind, Period: s.Period, From: next, To: to})
		}
	}
	for _, t := range taken {
		add(t.N - 1)
		next = max(next, t.N+1)
	}
	add(s.Next - 1)
	return gaps
}
