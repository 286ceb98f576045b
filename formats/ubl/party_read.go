package ubl

import (
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

// parties reads seller, buyer, payee, tax representative and delivery.
func (d *invoiceReader) parties() {
	inv, root := &d.inv, d.root
	inv.Seller = d.seller(d.group(d.group(root, "AccountingSupplierParty"), "Party"))
	inv.Buyer = d.buyer(d.group(d.group(root, "AccountingCustomerParty"), "Party"))
	if n := d.group(root, "PayeeParty"); n.Exists() {
		inv.Payee = d.payee(n)
	}
	if n := d.group(root, "TaxRepresentativeParty"); n.Exists() {
		vat, _ := d.taxRegistrations(n, false)
		inv.TaxRepresentative = &invoice.TaxRepresentative{
			Name:          d.text(d.group(n, "PartyName"), "Name"),
			VATIdentifier: vat,
			Address:       d.address(d.group(n, "PostalAddress")),
		}
	}
	inv.Delivery = d.delivery(d.group(root, "Delivery"))
}

func (d *invoiceReader) seller(n xmltree.Node) invoice.Seller {
	legal := d.group(n, "PartyLegalEntity")
	s := invoice.Seller{
		Name:              d.text(legal, "RegistrationName"),
		TradingName:       d.text(d.group(n, "PartyName"), "Name"),
		LegalRegistration: d.identifier(legal, "CompanyID"),
		LegalInformation:  d.text(legal, "CompanyLegalForm"),
		ElectronicAddress: d.identifier(n, "EndpointID"),
		Address:           d.address(d.group(n, "PostalAddress")),
		Contact:           d.contact(d.group(n, "Contact")),
	}
	s.VATIdentifier, s.TaxRegistration = d.taxRegistrations(n, true)
	for id := range n.All(nsCAC, "PartyIdentification") {
		if !isCreditor(id) {
			s.Identifiers = append(s.Identifiers, d.identifier(d.use(id), "ID"))
		}
	}
	return s
}

func (d *invoiceReader) buyer(n xmltree.Node) invoice.Buyer {
	legal := d.group(n, "PartyLegalEntity")
	b := invoice.Buyer{
		Name:              d.text(legal, "RegistrationName"),
		TradingName:       d.text(d.group(n, "PartyName"), "Name"),
		Identifier:        d.identifier(d.group(n, "PartyIdentification"), "ID"),
		LegalRegistration: d.identifier(legal, "CompanyID"),
		ElectronicAddress: d.identifier(n, "EndpointID"),
		Address:           d.address(d.group(n, "PostalAddress")),
		Contact:           d.contact(d.group(n, "Contact")),
	}
	b.VATIdentifier, _ = d.taxRegistrations(n, false)
	return b
}

func (d *invoiceReader) payee(n xmltree.Node) *invoice.Payee {
	p := &invoice.Payee{
		Name:              d.text(d.group(n, "PartyName"), "Name"),
		LegalRegistration: d.identifier(d.group(n, "PartyLegalEntity"), "CompanyID"),
	}
	for id := range n.All(nsCAC, "PartyIdentification") {
		if !isCreditor(id) {
			p.Identifier = d.identifier(d.use(id), "ID")
			break
		}
	}
	return p
}

// taxRegistrations are the VAT identifier of a party and, where the model has a
// place for it, the registration under another tax scheme (BT-32).
func (d *invoiceReader) taxRegistrations(party xmltree.Node, local bool) (vat, other string) {
	for n := range party.All(nsCAC, "PartyTaxScheme") {
		scheme := n.Child(nsCAC, "TaxScheme").Child(nsCBC, "ID")
		isVAT := strings.EqualFold(trim(scheme.Text()), vatScheme)
		var place *string
		switch {
		case isVAT && vat == "":
			place = &vat
		case !isVAT && trim(scheme.Text()) != "" && local && other == "":
			place = &other
		default:
			continue
		}
		d.use(n)
		d.field(d.group(n, "TaxScheme"), "ID")
		*place = d.text(n, "CompanyID")
	}
	return vat, other
}

// isCreditor tells whether a party identification is the creditor identifier
// of a direct debit (BT-90).
func isCreditor(identification xmltree.Node) bool {
	scheme, _ := identification.Child(nsCBC, "ID").Attr("", "schemeID")
	return trim(scheme) == schemeSEPA
}

func (r *reader) address(n xmltree.Node) invoice.Address {
	return invoice.Address{
		Line1:       r.text(n, "StreetName"),
		Line2:       r.text(n, "AdditionalStreetName"),
		Line3:       r.text(r.group(n, "AddressLine"), "Line"),
		City:        r.text(n, "CityName"),
		PostCode:    r.text(n, "PostalZone"),
		Subdivision: r.text(n, "CountrySubentity"),
		Country:     r.text(r.group(n, "Country"), "IdentificationCode"),
	}
}

func (r *reader) contact(n xmltree.Node) *invoice.Contact {
	c := invoice.Contact{
		Name:      r.text(n, "Name"),
		Telephone: r.text(n, "Telephone"),
		Email:     r.text(n, "ElectronicMail"),
	}
	if c == (invoice.Contact{}) {
		return nil
	}
	return &c
}

func (r *reader) delivery(n xmltree.Node) *invoice.Delivery {
	location := r.group(n, "DeliveryLocation")
	delivery := invoice.Delivery{
		PartyName: r.text(r.group(r.group(n, "DeliveryParty"), "PartyName"), "Name"),
		Location:  r.identifier(location, "ID"),
		Date:      r.date(n, "ActualDeliveryDate"),
	}
	if address := r.address(r.group(location, "Address")); !address.IsZero() {
		delivery.Address = &address
	}
	if delivery == (invoice.Delivery{}) {
		return nil
	}
	return &delivery
}

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
	return previous.MeansCode == next.MeansCode && previous.MeansText == next.MeansText &&
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
			if isCreditor(n) && (found == "" || found == id) {
				found = d.identifier(d.use(n), "ID").Value
			}
		}
	}
	return found
}
