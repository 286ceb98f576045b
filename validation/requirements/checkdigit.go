package requirements

import (
	"regexp"
	"slices"
	"strings"
)

// namedChecks are the checks that Text.Check can name. Each is a function of CEL
// rules, too.
var namedChecks = map[string]func(string) bool{
	"leitweg_id": isLeitwegID,
	"gln":        isGLN,
	"gtin":       isGTIN,
	"siren":      isSIREN,
	"siret":      isSIRET,
}

// leitwegForm is the form of a Leitweg-ID: 2 to 12 digits that begin with the
// key of a German state (01 to 16) or of the federation (99), optionally a fine
// address of at most 30 letters and digits, and two check digits.
var leitwegForm = regexp.MustCompile(`^(?:0[1-9]|1[0-6]|99)[0-9]{0,10}(?:-[0-9A-Za-z]{1,30})?-[0-9]{2}$`)

// isLeitwegID checks a German public buyer's routing number by KoSIT's
// Leitweg-ID-Formatspezifikation 2.0.2. Its check digits are those of ISO/IEC
// 7064, MOD 97-10, with letters counted from A = 10 to Z = 35.
func isLeitwegID(s string) bool {
	if !leitwegForm.MatchString(s) {
		return false
	}
	remainder := 0
	for _, c := range strings.ToUpper(s) {
		switch {
		case c >= '0' && c <= '9':
			remainder = (remainder*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		}
	}
	return remainder == 1
}

// isGLN checks a Global Location Number (GS1 General Specifications 7.9).
func isGLN(s string) bool { return len(s) == 13 && gs1(s) }

// isGTIN checks a Global Trade Item Number of 8, 12, 13 or 14 digits.
func isGTIN(s string) bool {
	return slices.Contains([]int{8, 12, 13, 14}, len(s)) && gs1(s)
}

// gs1 checks the last digit: weighted 1, 3, 1, 3 … from the right, all digits
// add up to a multiple of ten.
func gs1(s string) bool {
	sum, weight := 0, 1
	for i := len(s) - 1; i >= 0; i-- {
		if !digit(s[i]) {
			return false
		}
		sum += weight * int(s[i]-'0')
		weight = 4 - weight
	}
	return sum%10 == 0
}

// isSIREN checks the number of a French company.
func isSIREN(s string) bool { return len(s) == 9 && luhn(s) }

// Numbers of La Poste, whose establishments do not follow the Luhn formula.
const (
	laPoste           = "356000000"
	laPosteHeadOffice = "35600000000048"
)

// isSIRET checks the number of a French establishment: the company's SIREN and
// five more digits. The establishments of La Poste, but for its head office,
// have digits that add up to a multiple of five instead.
func isSIRET(s string) bool {
	switch {
	case len(s) != 14 || !isSIREN(s[:9]):
		return false
	case s[:9] == laPoste && s != laPosteHeadOffice:
		sum := 0
		for i := range len(s) {
			if !digit(s[i]) {
				return false
			}
			sum += int(s[i] - '0')
		}
		return sum%5 == 0
	}
	return luhn(s)
}

// luhn checks the last digit: with every second digit from the right doubled
// and nines cast out, all digits add up to a multiple of ten.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		c := s[len(s)-1-i]
		if !digit(c) {
			return false
		}
		n := int(c - '0')
		if i%2 == 1 {
			n *= 2
			if n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
