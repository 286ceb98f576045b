package render

import (
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

func (b *builder) payment() Payment {
	inv := b.inv
	p := Payment{Terms: inv.PaymentTerms}
	if due := b.date(inv.DueDate); due != "" && !inv.IsCreditNote() && inv.Totals.AmountDue.Sign() > 0 {
		p.Due = b.text("pay_by", i18n.A("amount", b.amount(inv.Totals.AmountDue)), i18n.A("date", due))
	}
	if inv.Payment != nil {
		p.Ways = append(p.Ways, b.way(inv.Payment))
	}
	if inv.Extensions != nil {
		for i := range inv.Extensions.AdditionalPayments {
			p.Ways = append(p.Ways, b.way(&inv.Extensions.AdditionalPayments[i]))
		}
	}
	return p
}

func (b *builder) way(in *invoice.PaymentInstructions) Way {
	means := in.MeansText
	if means == "" {
		means = b.word("means.", in.MeansCode)
	}
	f := fields{b: b}
	for _, t := range in.CreditTransfers {
		f.add("BT-84", accountLabel(t.Account.Value), GroupIBAN(t.Account.Value))
		f.add("BT-86", "bic", t.ServiceProvider.Value)
		f.add("BT-85", "account_name", t.AccountName)
	}
	if c := in.Card; c != nil {
		f.add("BT-87", "card", strings.TrimSpace(c.Network+" "+c.AccountNumber))
		f.add("BT-88", "card_holder", c.HolderName)
	}
	if d := in.DirectDebit; d != nil {
		f.add("BT-89", "mandate", d.Mandate)
		f.add("BT-90", "creditor", d.CreditorIdentifier)
		f.add("BT-91", "debited", GroupIBAN(d.DebitedAccount))
	}
	f.add("BT-83", "remittance", in.RemittanceInformation)
	return Way{Means: means, Fields: f.list}
}

func accountLabel(account string) i18n.Key {
	if isIBAN(account) {
		return "iban"
	}
	return "account"
}

// GroupIBAN writes an IBAN in groups of four, as ISO 13616 prints it. Any other
// account number is returned as it is.
func GroupIBAN(account string) string {
	compact := strings.ReplaceAll(account, " ", "")
	if !isIBAN(account) {
		return account
	}
	var out strings.Builder
	for i := range len(compact) {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteByte(compact[i])
	}
	return out.String()
}

// isIBAN tells by its form: country, two check digits, 11 to 30 letters and digits.
func isIBAN(account string) bool {
	s := strings.ReplaceAll(account, " ", "")
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter, digit := c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		switch {
		case i < 2 && !letter, (i == 2 || i == 3) && !digit, !letter && !digit:
			return false
		}
	}
	return true
}
