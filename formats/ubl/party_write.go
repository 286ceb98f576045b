package ubl

import "facteur.dev/facteur/formats/invoice"

// parties writes seller, buyer, payee, tax representative and delivery.
func (d *invoiceWriter) parties() {
	inv := d.inv
	d.always("AccountingSupplierParty", func() { d.group("Party", d.seller) })
	d.always("AccountingCustomerParty", func() { d.group("Party", d.buyer) })
	d.group("PayeeParty", d.payee)
	if rep := inv.TaxRepresentative; rep != nil {
		d.group("TaxRepresentativeParty", func() {
			d.partyName(rep.Name)
			d.address("PostalAddress", &rep.Address)
			d.taxRegistration(rep.VATIdentifier, vatScheme)
		})
	}
	d.delivery(inv.Delivery)
}

// always writes a group that the schema demands, even without content.
func (w *writer) always(local string, content func()) {
	before := w.buf.Len()
	w.group(local, content)
	if w.buf.Len() == before {
		w.indent()
		w.buf.WriteString("<cac:" + local + "/>\n")
	}
}

func (d *invoiceWriter) seller() {
	s := &d.inv.Seller
	d.identifier("EndpointID", s.ElectronicAddress)
	for _, id := range s.Identifiers {
		d.partyIdentification(id)
	}
	if d.inv.Payee == nil {
		d.partyIdentification(d.creditor())
	}
	d.partyName(s.TradingName)
	d.address("PostalAddress", &s.Address)
	d.taxRegistration(s.VATIdentifier, vatScheme)
	d.taxRegistration(s.TaxRegistration, otherScheme)
	d.group("PartyLegalEntity", func() {
		d.field("RegistrationName", s.Name)
		d.identifier("CompanyID", s.LegalRegistration)
		d.field("CompanyLegalForm", s.LegalInformation)
	})
	d.contact(s.Contact)
}

func (d *invoiceWriter) buyer() {
	b := &d.inv.Buyer
	d.identifier("EndpointID", b.ElectronicAddress)
	d.partyIdentification(b.Identifier)
	d.partyName(b.TradingName)
	d.address("PostalAddress", &b.Address)
	d.taxRegistration(b.VATIdentifier, vatScheme)
	d.group("PartyLegalEntity", func() {
		d.field("RegistrationName", b.Name)
		d.identifier("CompanyID", b.LegalRegistration)
	})
	d.contact(b.Contact)
}

func (d *invoiceWriter) payee() {
	p := d.inv.Payee
	if p == nil {
		return
	}
	d.partyIdentification(p.Identifier)
	d.partyIdentification(d.creditor())
	d.partyName(p.Name)
	d.group("PartyLegalEntity", func() { d.identifier("CompanyID", p.LegalRegistration) })
}

// creditor is the creditor identifier (BT-90), which UBL keeps with the party
// that is paid.
func (d *invoiceWriter) creditor() invoice.Identifier {
	for _, p := range d.instructions() {
		if p.DirectDebit != nil && p.DirectDebit.CreditorIdentifier != "" {
			return invoice.Identifier{Value: p.DirectDebit.CreditorIdentifier, Scheme: schemeSEPA}
		}
	}
	return invoice.Identifier{}
}

func (w *writer) partyIdentification(id invoice.Identifier) {
	w.group("PartyIdentification", func() { w.identifier("ID", id) })
}

func (w *writer) partyName(name string) {
	w.group("PartyName", func() { w.field("Name", name) })
}

func (w *writer) taxRegistration(id, scheme string) {
	if id == "" {
		return
	}
	w.group("PartyTaxScheme", func() {
		w.field("CompanyID", id)
		w.taxScheme(scheme)
	})
}

func (w *writer) address(local string, a *invoice.Address) {
	if a == nil {
		return
	}
	w.group(local, func() {
		w.field("StreetName", a.Line1)
		w.field("AdditionalStreetName", a.Line2)
		w.field("CityName", a.City)
		w.field("PostalZone", a.PostCode)
		w.field("CountrySubentity", a.Subdivision)
		w.group("AddressLine", func() { w.field("Line", a.Line3) })
		w.group("Country", func() { w.field("IdentificationCode", a.Country) })
	})
}

func (w *writer) contact(c *invoice.Contact) {
	if c == nil {
		return
	}
	w.group("Contact", func() {
		w.field("Name", c.Name)
		w.field("Telephone", c.Telephone)
		w.field("ElectronicMail", c.Email)
	})
}

func (w *writer) delivery(delivery *invoice.Delivery) {
	if delivery == nil {
		return
	}
	w.group("Delivery", func() {
		w.date("ActualDeliveryDate", delivery.Date)
		w.group("DeliveryLocation", func() {
			w.identifier("ID", delivery.Location)
			w.address("Address", delivery.Address)
		})
		w.group("DeliveryParty", func() { w.partyName(delivery.PartyName) })
	})
}
