package sheet

import (
	"strings"

	"facteur.dev/facteur/formats/invoice"
)

// marks are the decimal marks that numbers may have, with the one that then groups
// thousands.
var marks = [...]struct{ decimal, group rune }{{'.', ','}, {',', '.'}}

// decimalMark is the decimal mark of the numbers in text: the declared one, or the
// only one that all of them allow. Numbers that both allow must not differ.
func (t *table) decimalMark(lines []line, declared rune) rune {
	if declared != 0 {
		return declared
	}
	var cells []numberCell
	for _, l := range lines {
		for i, c := range l.cells {
			if i >= len(t.columns) || c.number || c.date || t.columns[i].Kind != Number && t.columns[i].Kind != Percent {
				continue
			}
			text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(c.text), "%"))
			point, asPoint := decimalText(text, '.')
			comma, asComma := decimalText(text, ',')
			if (asPoint || asComma) && (point != comma) {
				cells = append(cells, numberCell{place(l.number, t.headers[t.columns[i].Key]), text, asPoint, asComma})
			}
		}
	}
	return t.agree(cells)
}

// numberCell is a number that reads differently with the two marks.
type numberCell struct {
	at, text         string
	asPoint, asComma bool
}

func (t *table) agree(cells []numberCell) rune {
	var point, comma, unclear *numberCell
	for i := range cells {
		c := &cells[i]
		switch {
		case c.asPoint && c.asComma:
			if unclear == nil {
				unclear = c
			}
		case c.asPoint && point == nil:
			point = c
		case c.asComma && comma == nil:
			comma = c
		}
	}
	switch {
	case point != nil && comma != nil:
		t.fail(comma.at, CodeDecimalMark, "%s has a decimal comma, but %s in %s has a decimal point", quoted(comma.text), quoted(point.text), point.at)
	case point != nil:
		return '.'
	case comma != nil:
		return ','
	case unclear != nil:
		t.fail(unclear.at, CodeDecimalMark, "%s may have a decimal mark or one between thousands; declare the decimal mark", quoted(unclear.text))
	}
	return '.'
}

// decimalText writes a number as xs:decimal, if it is one with the decimal mark.
// Thousands may stand apart by spaces or by the other mark.
func decimalText(s string, mark rune) (string, bool) {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	group := marks[0].group
	if mark == marks[1].decimal {
		group = marks[1].group
	}
	whole, fraction, hasFraction := strings.Cut(s, string(mark))
	whole, ok := ungroup(whole, group)
	if !ok || !digitsOnly(whole) || hasFraction && !digitsOnly(fraction) {
		return "", false
	}
	if hasFraction {
		return sign + whole + "." + fraction, true
	}
	return sign + whole, true
}

// ungroup removes the marks between groups of three digits.
func ungroup(whole string, group rune) (string, bool) {
	spaced := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(whole)
	if strings.ContainsRune(spaced, group) {
		spaced = strings.ReplaceAll(spaced, string(group), " ")
		if strings.Contains(whole, " ") {
			return "", false
		}
	}
	groups := strings.Split(spaced, " ")
	for i, g := range groups[1:] {
		if len(g) != 3 || i == 0 && (groups[0] == "" || len(groups[0]) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// shift multiplies with ten to the power of places.
func shift(d invoice.Decimal, places int32) invoice.Decimal {
	return shortest(d.Mul(invoice.NewDecimal(1, -places)))
}

// shortest drops zeros at the end of the decimals.
func shortest(d invoice.Decimal) invoice.Decimal {
	for places := range int32(d.Scale()) {
		if s := d.Round(places); s.Equal(d) {
			return s
		}
	}
	return d
}
