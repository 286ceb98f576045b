package ubl

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

// payments reads the payment instructions. UBL repeats the group for each
// account, so accounts of the same kind of payment are gathered again.
func (d *invoiceReader) payments() {
	var list []invoice.PaymentInstructions
	for n := range d.groups(d.root, "PaymentMeans") {
		p := d.paymentMeans(n)
		if last := len(list) - 1; last >= 0 && continues(list[last], p) {
			list[last].CreditTransfers = append(list[last].CreditTransfers, p.CreditTransfers...)
		} else {
			list = append(list, p)
		}
	}
	terms := d.group(d.root, "PaymentTerms")
	d.inv.PaymentTerms = d.verbatim(terms, "Note")
	d.paymentDueDate(terms)
	list = d.creditor(list)
	if len(list) > 0 {
		d.inv.Payment = &list[0]
	}
	if len(list) > 1 {
		d.extensions().AdditionalPayments = list[1:]
	}
	for n := range d.groups(d.root, "PrepaidPayment") {
		e := d.extensions()
		e.ThirdPartyPayments = append(e.ThirdPartyPayments, invoice.ThirdPartyPayment{
			Type:        d.text(n, "ID"),
			Amount:      d.requiredAmount(n, "PaidAmount", "BT-DEX-002"),
			Description: d.text(n, "InstructionID"),
		})
	}
}

func (d *invoiceReader) extensions() *invoice.Extensions {
	if d.inv.Extensions == nil {
		d.inv.Extensions = new(invoice.Extensions)
	}
	return d.inv.Extensions
}

// continues tells whether next only adds accounts to the payment before it.
func continues(previous, next invoice.PaymentInstructions) bool {
	return previous.MeansCode == next.MeansCode &&
		(next.MeansText == "" || next.MeansText == previous.MeansText) &&
		(next.RemittanceInformation == "" || next.RemittanceInformation == previous.RemittanceInformation) &&
		next.Card == nil && next.DirectDebit == nil && len(next.CreditTransfers) > 0 &&
		len(previous.CreditTransfers) > 0
}

func (d *invoiceReader) paymentMeans(n xmltree.Node) invoice.PaymentInstructions {
	code := d.field(n, "PaymentMeansCode")
	p := invoice.PaymentInstructions{
		MeansCode:             trim(code.Text()),
		MeansText:             d.attr(code, "name"),
		RemittanceInformation: d.text(n, "PaymentID"),
	}
	d.paymentDueDate(n)
	if account := d.group(n, "PayeeFinancialAccount"); account.Exists() {
		p.CreditTransfers = []invoice.CreditTransfer{{
			Account:         d.identifier(account, "ID"),
			AccountName:     d.text(account, "Name"),
			ServiceProvider: d.identifier(d.group(account, "FinancialInstitutionBranch"), "ID"),
		}}
	}
	if card := d.group(n, "CardAccount"); card.Exists() {
		p.Card = &invoice.Card{
			AccountNumber: d.text(card, "PrimaryAccountNumberID"),
			HolderName:    d.text(card, "HolderName"),
			Network:       d.text(card, "NetworkID"),
		}
		if p.Card.Network == notAvailable {
			p.Card.Network = ""
		}
	}
	if mandate := d.group(n, "PaymentMandate"); mandate.Exists() {
		p.DirectDebit = &invoice.DirectDebit{
			Mandate:        d.text(mandate, "ID"),
			DebitedAccount: d.text(d.group(mandate, "PayerFinancialAccount"), "ID"),
		}
	}
	return p
}

// paymentDueDate reads the due date (BT-9) where a credit note has it. Other
// dates than the one already known are left to the report.
func (d *invoiceReader) paymentDueDate(n xmltree.Node) {
	element := n.Child(nsCBC, "PaymentDueDate")
	if d.inv.DueDate == nil || d.inv.DueDate.String() == trim(element.Text()) {
		if date := d.date(n, "PaymentDueDate"); date != nil {
			d.inv.DueDate = date
		}
	}
}

// creditor adds the creditor identifier (BT-90), which UBL keeps with the payee
// or the seller, to the direct debit.
func (d *invoiceReader) creditor(list []invoice.PaymentInstructions) []invoice.PaymentInstructions {
	id := d.creditorIdentifier()
	if id == "" {
		return list
	}
	if len(list) == 0 {
		list = []invoice.PaymentInstructions{{}}
	}
	debit := &list[0]
	for i := range list {
		if list[i].DirectDebit != nil {
			debit = &list[i]
			break
		}
	}
	if debit.DirectDebit == nil {
		debit.DirectDebit = new(invoice.DirectDebit)
	}
	debit.DirectDebit.CreditorIdentifier = id
	return list
}

// creditorIdentifier is the first of payee and seller; if both have the same,
// it is one.
func (d *invoiceReader) creditorIdentifier() string {
	var found string
	for _, party := range []xmltree.Node{
		d.root.Child(nsCAC, "PayeeParty"),
		d.root.Child(nsCAC, "AccountingSupplierParty").Child(nsCAC, "Party"),
	} {
		for n := range party.All(nsCAC, "PartyIdentification") {
			id := trim(n.Child(nsCBC, "ID").Text())
			if isCreditor(n) && d.another(n) && (found == "" || found == id) {
				found = d.identifier(d.use(n), "ID").Value
			}
		}
	}
	return found
}
