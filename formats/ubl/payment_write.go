package ubl

import "facteur.dev/facteur/formats/invoice"

// instructions are the payment instructions with those of the extensions.
func (d *invoiceWriter) instructions() []invoice.PaymentInstructions {
	var list []invoice.PaymentInstructions
	if d.inv.Payment != nil {
		list = append(list, *d.inv.Payment)
	}
	if d.inv.Extensions != nil {
		list = append(list, d.inv.Extensions.AdditionalPayments...)
	}
	return list
}

// payments writes the payment means, one for each account as UBL wants it, and
// the payment terms. The text of the means stands with the first account only
// (UBL-SR-46). A credit note has its due date (BT-9) with the first means
// (UBL-SR-45) or, if there are none, with the terms.
func (d *invoiceWriter) payments() {
	dueDate := d.inv.DueDate
	if !d.creditNote {
		dueDate = nil // an invoice has an element of its own
	}
	for _, p := range d.instructions() {
		if p.MeansCode == "" {
			continue // only the creditor identifier, which stands elsewhere
		}
		for i := range max(1, len(p.CreditTransfers)) {
			d.paymentMeans(&p, i, dueDate)
			dueDate = nil
		}
	}
	d.group("PaymentTerms", func() {
		d.field("Note", d.inv.PaymentTerms)
		d.date("PaymentDueDate", dueDate)
	})
}

func (d *invoiceWriter) paymentMeans(p *invoice.PaymentInstructions, account int, dueDate *invoice.Date) {
	text := p.MeansText
	if account > 0 {
		text = ""
	}
	d.group("PaymentMeans", func() {
		d.field("PaymentMeansCode", p.MeansCode, attr{"name", text})
		d.date("PaymentDueDate", dueDate)
		d.field("PaymentID", p.RemittanceInformation)
		if card := p.Card; account == 0 && card != nil {
			d.group("CardAccount", func() {
				network := card.Network
				if network == "" {
					network = notAvailable
				}
				d.field("PrimaryAccountNumberID", card.AccountNumber)
				d.field("NetworkID", network)
				d.field("HolderName", card.HolderName)
			})
		}
		if account < len(p.CreditTransfers) {
			transfer := &p.CreditTransfers[account]
			d.group("PayeeFinancialAccount", func() {
				d.identifier("ID", transfer.Account)
				d.field("Name", transfer.AccountName)
				d.group("FinancialInstitutionBranch", func() { d.identifier("ID", transfer.ServiceProvider) })
			})
		}
		if debit := p.DirectDebit; account == 0 && debit != nil {
			d.group("PaymentMandate", func() {
				d.field("ID", debit.Mandate)
				d.group("PayerFinancialAccount", func() { d.field("ID", debit.DebitedAccount) })
			})
		}
	})
}
