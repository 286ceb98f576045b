package i18n

import (
	"regexp"
	"strings"

	"golang.org/x/text/currency"
)

const (
	noBreak       = "\u00a0"
	narrowNoBreak = "\u202f"
)

// decimal is what amounts and quantities look like: no exponent, no grouping.
var decimal = regexp.MustCompile(`^([+-]?)(\d+)(?:\.(\d+))?$`)

// Number writes a decimal such as "-1234.5" as readers of the language do:
// "-1,234.5" or "-1 234,5". All digits are kept. Text that is not a decimal is
// returned unchanged.
func Number(lang Lang, number string) string {
	sign, whole, fraction, ok := split(number)
	if !ok {
		return number
	}
	return sign + join(lang, whole, fraction)
}

// Percent writes a percentage: "5.5" becomes "5.5%" or "5,5 %".
func Percent(lang Lang, number string) string {
	if lang == FR {
		return Number(lang, number) + narrowNoBreak + "%"
	}
	return Number(lang, number) + "%"
}

// Amount writes a decimal amount with its ISO 4217 currency: "€1,234.56" or
// "1 234,56 €". The currency's decimal places are filled up with zeros but
// never cut. A currency whose sign others share is written as its code.
func Amount(lang Lang, amount, code string) string {
	sign, whole, fraction, ok := split(amount)
	if !ok {
		return amount + noBreak + code
	}
	if missing := places(code) - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	number, symbol := join(lang, whole, fraction), symbols[code]
	switch {
	case lang == FR && symbol != "":
		return sign + number + noBreak + symbol
	case lang == FR:
		return sign + number + noBreak + code
	case symbol != "":
		return sign + symbol + number
	default:
		return sign + code + noBreak + number
	}
}

// symbols are currency signs that mean one currency only.
var symbols = map[string]string{"EUR": "€", "GBP": "£"}

// places is the usual number of decimal places of a currency, 2 for one that
// is not known.
func places(code string) int {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return 2
	}
	scale, _ := currency.Standard.Rounding(unit)
	return scale
}

func split(number string) (sign, whole, fraction string, ok bool) {
	parts := decimal.FindStringSubmatch(number)
	if parts == nil {
		return "", "", "", false
	}
	if sign = parts[1]; sign == "+" {
		sign = ""
	}
	whole = strings.TrimLeft(parts[2], "0")
	if whole == "" {
		whole = "0"
	}
	return sign, whole, parts[3], true
}

// join groups the digits by three and puts the decimal sign.
func join(lang Lang, whole, fraction string) string {
	group, point := ",", "."
	if lang == FR {
		group, point = narrowNoBreak, ","
	}
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString(point + fraction)
	}
	return b.String()
}
