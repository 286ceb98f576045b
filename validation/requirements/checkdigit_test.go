package requirements

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNamedChecks(t *testing.T) {
	for name, values := range map[string]map[string]bool{
		"leitweg_id": {
			"04011000-1234512345-06":                 true, // the example of the specification
			"991-01484-64":                           true,
			"992-90009-96":                           true,
			"09564000-NUE0001-49":                    true,
			"09564000-nue0001-49":                    true,
			"04011000-12345-34":                      false, // in KoSIT's sample invoices, with other check digits
			"992-90009-69":                           false,
			"17011000-12345-34":                      false, // no such state
			"991_01484_64":                           false,
			"991-01484-6":                            false,
			"991-01484":                              false,
			"9910148464":                             false,
			" 991-01484-64":                          false,
			"991-01484-64\n":                         false,
			"991-0148Ä-64":                           false,
			"1-01484-64":                             false,
			"":                                       false,
			"991-" + strings.Repeat("0", 31) + "-64": false,
		},
		"gln": {
			"3501234567897": true, "9520000000219": true, "8712345000011": true,
			"3501234567896": false, "350123456789": false, "35012345678970": false, "350123456789x": false, "": false,
		},
		"gtin": {
			"3760123456784": true, "96385074": true, "036000291452": true, "10614141000415": true,
			"3760123456785": false, "96385075": false, "0360002914": false, "": false,
		},
		"siren": {
			"552032534": true, "732829320": true, "356000000": true,
			"552032535": false, "55203253": false, "5520325340": false, "55203253A": false, "": false,
		},
		"siret": {
			"73282932000074": true, "35600000000048": true, // head office of La Poste
			"35600000049837": true,  // an establishment of La Poste: its digits add up to 45
			"35600000049838": false, // and these to 46
			"3560000004983x": false, "73282932000079": false, "73282932100074": false,
			"7328293200007": false, "732829320000740": false, "": false,
		},
	} {
		for value, want := range values {
			if got := namedChecks[name](value); got != want {
				t.Errorf("%s(%q) = %v", name, value, got)
			}
		}
	}
}

// TestOneWrongCharacter: a check digit finds every single wrong digit.
func TestOneWrongCharacter(t *testing.T) {
	digits := rapid.StringMatching(`[0-9]{13}`)
	for name, draw := range map[string]func(*rapid.T) string{
		"gln":   func(t *rapid.T) string { return completed(t, isGLN, digits.Draw(t, "body")[:12]) },
		"gtin":  func(t *rapid.T) string { return completed(t, isGTIN, digits.Draw(t, "body")) },
		"siren": func(t *rapid.T) string { return completed(t, isSIREN, digits.Draw(t, "body")[:8]) },
		"siret": func(t *rapid.T) string {
			siren := completed(t, isSIREN, digits.Draw(t, "body")[:8])
			if siren == laPoste {
				t.Skip("its own formula")
			}
			return completed(t, isSIRET, siren+digits.Draw(t, "establishment")[:4])
		},
		"leitweg_id": func(t *rapid.T) string {
			return leitwegID(t, rapid.StringMatching(`(0[1-9]|1[0-6]|99)[0-9]{0,10}`).Draw(t, "coarse"), rapid.StringMatching(`(-[0-9A-Z]{1,30})?`).Draw(t, "fine"))
		},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			good := draw(t)
			if !namedChecks[name](good) {
				t.Fatalf("%s is refused", good)
			}
			i := rapid.IntRange(0, len(good)-1).Draw(t, "at")
			other := rapid.SampledFrom([]byte("0123456789")).Draw(t, "instead")
			if good[i] == '-' || good[i] == other {
				t.Skip("the same")
			}
			if wrong := good[:i] + string(other) + good[i+1:]; digit(good[i]) && namedChecks[name](wrong) {
				t.Errorf("%s passes, like %s", wrong, good)
			}
		}))
	}
}

// completed finds the only last digit that makes a number pass.
func completed(t *rapid.T, check func(string) bool, body string) string {
	var found []string
	for d := range 10 {
		if s := fmt.Sprint(body, d); check(s) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d last digits pass", body, len(found))
	}
	return found[0]
}

// leitwegID computes check digits as the specification tells: append 00, divide
// by 97, take the remainder from 98.
func leitwegID(t *rapid.T, coarse, fine string) string {
	var number strings.Builder
	for _, c := range coarse + strings.TrimPrefix(fine, "-") {
		if c >= 'A' {
			fmt.Fprint(&number, int(c-'A')+10)
		} else {
			number.WriteRune(c)
		}
	}
	n, ok := new(big.Int).SetString(number.String()+"00", 10)
	if !ok {
		t.Fatalf("%s is no number", number.String())
	}
	rest := n.Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("%s%s-%02d", coarse, fine, 98-rest)
}
