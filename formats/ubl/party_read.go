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
		if !isCreditor(id) && d.another(id) {
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
	return strings.EqualFold(trim(scheme), schemeSEPA)
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
