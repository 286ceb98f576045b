package billing_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
)

// Our invented identifiers have valid check digits.
func TestRecordIdentifiers(t *testing.T) {
	checked := 0
	identifier := func(id invoice.Identifier) {
		switch id.Scheme {
		case "0002", "0009":
			checked++
			if !luhn(id.Value) {
				t.Errorf("SIREN or SIRET %s", id.Value)
			}
		case "0088", "0160":
			checked++
			if !gs1(id.Value) {
				t.Errorf("GLN or GTIN %s", id.Value)
			}
		case "0208":
			checked++
			if !modulo97(id.Value) {
				t.Errorf("Belgian enterprise number %s", id.Value)
			}
		}
	}
	vat := func(number string) {
		checked++
		switch number[:2] {
		case "FR":
			siren := mod(number[4:], 97)
			if want := fmt.Sprintf("%02d", (12+3*siren)%97); number[2:4] != want || !luhn(number[4:]) {
				t.Errorf("French VAT number %s", number)
			}
		case "BE":
			if !modulo97(number[2:]) {
				t.Errorf("Belgian VAT number %s", number)
			}
		}
	}
	for _, r := range load[[]billing.Record[billing.LegalEntity]](t, "records/legal_entities.json") {
		vat(r.Value.VATIdentifier)
		for _, id := range append(r.Value.Identifiers, r.Value.LegalRegistration, r.Value.ElectronicAddress) {
			identifier(id)
		}
		for _, a := range r.Value.Accounts {
			checked++
			if mod(decimalText(a.IBAN[4:]+a.IBAN[:4]), 97) != 1 {
				t.Errorf("IBAN %s", a.IBAN)
			}
		}
	}
	for _, r := range load[[]billing.Record[billing.Customer]](t, "records/customers.json") {
		vat(r.Value.VATIdentifier)
		for _, id := range append(r.Value.Identifiers, r.Value.LegalRegistration, r.Value.ElectronicAddress) {
			identifier(id)
		}
	}
	for _, r := range load[[]billing.Record[billing.Item]](t, "records/items.json") {
		identifier(r.Value.StandardID)
	}
	if checked < 25 {
		t.Errorf("only %d identifiers checked", checked)
	}
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func gs1(s string) bool {
	sum := 0
	for i := range len(s) {
		sum += int(s[len(s)-1-i]-'0') * (1 + i%2*2)
	}
	return sum%10 == 0
}

func modulo97(s string) bool { return 97-mod(s[:8], 97) == mod(s[8:], 1000) }

func mod(digits string, m int64) int64 {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return -1
	}
	return new(big.Int).Mod(n, big.NewInt(m)).Int64()
}

// decimalText writes letters as the numbers that ISO 7064 gives them.
func decimalText(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' {
			fmt.Fprint(&b, r-'A'+10)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
