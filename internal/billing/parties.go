package billing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// seller fills BG-4. The seller is who its record says; the order fills in only
// where there is no record.
func (d *drafter) seller() {
	e, o := d.entity(), &d.in.Order.Seller
	if d.in.Records.LegalEntity == nil {
		d.inv.Seller = invoice.Seller{
			Name: o.Name, TradingName: o.TradingName, Identifiers: o.Identifiers,
			LegalRegistration: o.LegalRegistration, VATIdentifier: o.VATIdentifier,
			ElectronicAddress: o.ElectronicAddress, Address: o.Address, Contact: o.Contact,
		}
	} else {
		d.inv.Seller = invoice.Seller{
			Name: e.Name, TradingName: e.TradingName, Identifiers: e.Identifiers,
			LegalRegistration: e.LegalRegistration, VATIdentifier: e.VATIdentifier, TaxRegistration: e.TaxRegistration,
			LegalInformation: e.LegalInformation, ElectronicAddress: e.ElectronicAddress,
			Address: e.Address, Contact: e.Contact,
		}
		d.source("seller", "BG-4", e.Name, d.entityName)
		d.conflict("seller.vat_identifier", "BT-31", o.VATIdentifier, e.VATIdentifier, d.entityName)
		d.conflict("seller.legal_registration", "BT-30", o.LegalRegistration.Value, e.LegalRegistration.Value, d.entityName)
	}
	s, from := &d.inv.Seller, either(d.entityName, "the order")
	d.need("seller.name", "BT-27", s.Name, "the seller has no name in %s", from)
	d.need("seller.electronic_address", "BT-34", s.ElectronicAddress.Value, "the seller has no electronic address in %s", from)
	d.needAddress("seller.address", "BG-5", "BT-40", &s.Address, "the seller", from)
	if len(s.Identifiers) == 0 && s.LegalRegistration.IsZero() && s.VATIdentifier == "" {
		d.miss("seller.vat_identifier", "BT-31", "the seller has no identifier, registration or VAT number in %s", from)
	}
}

// buyer fills BG-7 from who is invoiced, completed from the customer's record. The
// electronic address is the record's where it has one: the order's may be one for
// orders only.
func (d *drafter) buyer() {
	o, c, from := &d.in.Order.Buyer, d.customer(), d.customerName
	if d.in.Order.InvoiceTo != nil {
		o = d.in.Order.InvoiceTo
	}
	b := &d.inv.Buyer
	b.Name = d.fill("buyer.name", "BT-44", o.Name, c.Name, from)
	b.TradingName = d.fill("buyer.trading_name", "BT-45", o.TradingName, c.TradingName, from)
	b.Identifier = d.fillIdentifier("buyer.identifier", "BT-46", first(o.Identifiers), first(c.Identifiers), from)
	b.LegalRegistration = d.fillIdentifier("buyer.legal_registration", "BT-47", o.LegalRegistration, c.LegalRegistration, from)
	b.VATIdentifier = d.fill("buyer.vat_identifier", "BT-48", o.VATIdentifier, c.VATIdentifier, from)
	d.conflict("buyer.vat_identifier", "BT-48", o.VATIdentifier, c.VATIdentifier, from)
	d.conflict("buyer.legal_registration", "BT-47", o.LegalRegistration.Value, c.LegalRegistration.Value, from)
	b.ElectronicAddress = d.buyerAddress(o, c)
	b.Address = d.fillAddress("buyer.address", "BG-8", "BT-55", o.Address, c.Address, from)
	b.Contact = o.Contact
	if b.Contact == nil && c.Contact != nil {
		b.Contact = c.Contact
		d.source("buyer.contact", "BG-9", cmp.Or(c.Contact.Name, c.Contact.Email, c.Contact.Telephone), from)
	}
	from = either(from, "a customer record")
	d.need("buyer.name", "BT-44", b.Name, "neither the order nor %s names the buyer", from)
	d.need("buyer.electronic_address", "BT-49", b.ElectronicAddress.Value,
		"neither the order nor %s has an electronic address of the buyer", from)
	d.needAddress("buyer.address", "BG-8", "BT-55", &b.Address, "the buyer", "the order or "+from)
}

// buyerAddress is the electronic address the invoice goes to (BT-49). It is never
// made of a mail address: Peppol knows no scheme for one (PEPPOL-EN16931-CL008).
func (d *drafter) buyerAddress(o *order.Party, c *Customer) invoice.Identifier {
	if c.ElectronicAddress.IsZero() {
		return o.ElectronicAddress
	}
	if c.ElectronicAddress != o.ElectronicAddress {
		d.source("buyer.electronic_address", "BT-49", c.ElectronicAddress.Value, d.customerName)
	}
	return c.ElectronicAddress
}

func first(ids []invoice.Identifier) invoice.Identifier {
	if len(ids) == 0 {
		return invoice.Identifier{}
	}
	return ids[0]
}

// conflict holds an invoice whose party the order and the record identify
// differently: one of them is about somebody else.
func (d *drafter) conflict(path, term, ordered, recorded, from string) {
	if ordered != "" && recorded != "" && !sameNumber(ordered, recorded) {
		d.miss(path, term, "the order says %q, %s says %q", ordered, from, recorded)
	}
}

// sameNumber compares identifiers without the separators that people write.
func sameNumber(a, b string) bool {
	clean := strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "")
	return strings.EqualFold(clean.Replace(a), clean.Replace(b))
}

func (d *drafter) need(path, term, value, format string, args ...any) {
	if strings.TrimSpace(value) == "" {
		d.miss(path, term, format, args...)
	}
}

func (d *drafter) needAddress(path, group, countryTerm string, a *invoice.Address, who, from string) {
	switch {
	case a.IsZero():
		d.miss(path, group, "%s has no address in %s", who, from)
	case a.Country == "":
		d.miss(path+".country", countryTerm, "the address of %s has no country in %s", who, from)
	}
}

// fillAddress takes the order's address or else the record's as a whole. Only a
// country that the order leaves out is taken from the record alone.
func (d *drafter) fillAddress(path, group, countryTerm string, ordered, recorded invoice.Address, from string) invoice.Address {
	switch {
	case recorded.IsZero():
		return ordered
	case ordered.IsZero():
		d.source(path, group, oneLine(recorded), from)
		return recorded
	}
	ordered.Country = d.fill(path+".country", countryTerm, ordered.Country, recorded.Country, from)
	return ordered
}

func oneLine(a invoice.Address) string {
	return strings.Join(slices.DeleteFunc([]string{
		a.Line1, a.Line2, a.Line3, strings.TrimSpace(a.PostCode + " " + a.City), a.Subdivision, a.Country,
	}, func(s string) bool { return s == "" }), ", ")
}

// delivery fills BG-13 from the note, the order and the customer's record.
func (d *drafter) delivery(note *order.Delivery) {
	var to order.DeliverTo
	if d.in.Order.DeliverTo != nil {
		to = *d.in.Order.DeliverTo
	}
	delivery := &invoice.Delivery{}
	if note != nil {
		delivery.Date = note.Date
		if n := note.DeliverTo; n != nil {
			to = *n
		}
	}
	delivery.PartyName, delivery.Location, delivery.Address = to.PartyName, to.Location, to.Address
	if record := d.customer().DeliveryAddress; delivery.Address == nil && delivery.Location.IsZero() && record != nil {
		delivery.Address = record
		d.source("delivery.address", "BG-15", oneLine(*record), d.customerName)
	}
	if delivery.Address != nil && delivery.Address.Country == "" {
		d.miss("delivery.address.country", "BT-80", "the address of delivery has no country")
	}
	if *delivery != (invoice.Delivery{}) {
		d.inv.Delivery = delivery
	}
}

// vatParties finds what the VAT categories of the invoice need of the parties,
// the delivery and the reasons.
func (d *drafter) vatParties() {
	categories := map[string]bool{}
	for i := range d.inv.Lines {
		categories[d.inv.Lines[i].VAT.Category] = true
	}
	for _, list := range [][]invoice.AllowanceCharge{d.inv.Allowances, d.inv.Charges} {
		for i := range list {
			categories[list[i].VATCategory] = true
		}
	}
	s, b := &d.inv.Seller, &d.inv.Buyer
	for _, category := range []string{"S", "Z", "E", "AE", "K", "G"} {
		if categories[category] && s.VATIdentifier == "" && (s.TaxRegistration == "" || strings.Contains("AE K G", category)) {
			d.miss("seller.vat_identifier", "BT-31", "VAT category %s needs the seller's VAT number", category)
			break
		}
	}
	if categories["K"] && b.VATIdentifier == "" {
		d.miss("buyer.vat_identifier", "BT-48", "an intra-community supply needs the buyer's VAT number")
	}
	if categories["AE"] && b.VATIdentifier == "" && b.LegalRegistration.IsZero() {
		d.miss("buyer.vat_identifier", "BT-48", "reverse charge needs the buyer's VAT or registration number")
	}
	if categories["K"] {
		d.intraCommunityDelivery()
	}
	if categories["E"] && !d.hasReason("E") {
		d.miss("vat_breakdown", "BT-120", "VAT category E needs an exemption reason in the order or the item's record")
	}
}

// intraCommunityDelivery finds what BR-IC-11 and BR-IC-12 ask for.
func (d *drafter) intraCommunityDelivery() {
	delivery, period := d.inv.Delivery, d.inv.Period
	if (delivery == nil || delivery.Date == nil) && period == nil {
		d.miss("delivery.date", "BT-72", "an intra-community supply needs the date of delivery or the period")
	}
	if delivery == nil || delivery.Address == nil {
		d.miss("delivery.address.country", "BT-80", "an intra-community supply needs the country of delivery")
	}
}

func (d *drafter) hasReason(category string) bool {
	return slices.ContainsFunc(d.inv.VATBreakdown, func(b invoice.VATBreakdown) bool { return b.Category == category })
}

// payment fills payment instructions, terms and the mentions of the law.
func (d *drafter) payment() *Terms {
	d.mentions()
	if d.inv.IsCreditNote() {
		return nil
	}
	e := d.entity()
	accounts := slices.DeleteFunc(slices.Clone(e.Accounts), func(a Account) bool {
		return a.Currency != "" && a.Currency != d.inv.Currency
	})
	if means := e.PaymentMeans; means != "" || len(accounts) > 0 {
		p := &invoice.PaymentInstructions{MeansCode: either(means, "30")}
		for _, a := range accounts {
			p.CreditTransfers = append(p.CreditTransfers, invoice.CreditTransfer{
				Account: invoice.Identifier{Value: strings.ReplaceAll(a.IBAN, " ", "")}, AccountName: a.Name,
				ServiceProvider: invoice.Identifier{Value: a.BIC},
			})
		}
		d.inv.Payment = p
		d.source("payment", "BG-16", p.MeansCode, d.entityName)
	}
	return d.terms(e)
}

// terms picks the customer's terms, the company's, or the words of the order.
func (d *drafter) terms(e *LegalEntity) *Terms {
	terms, from := d.customer().Terms, d.customerName
	if terms == nil {
		terms, from = e.Terms, d.entityName
	}
	if terms == nil {
		d.inv.PaymentTerms = d.in.Order.PaymentTerms
		d.need("due_date", "BT-9", d.inv.PaymentTerms, "neither the order nor %s has payment terms", d.lookedAt())
		return nil
	}
	d.inv.PaymentTerms = terms.Text
	d.source("payment_terms", "BT-20", either(terms.Text, fmt.Sprintf("%d days", terms.NetDays)), from)
	return terms
}

// mentions writes the texts that the law wants. Peppol allows one note only
// (PEPPOL-EN16931-R002), so that several are joined.
func (d *drafter) mentions() {
	language := d.customer().Language
	var texts []string
	var code string
	for _, m := range d.entity().Mentions {
		if m.Language == "" || m.Language == language {
			texts, code = append(texts, m.Text), m.SubjectCode
		}
	}
	if len(texts) == 0 {
		return
	}
	if len(texts) > 1 {
		code = ""
	}
	d.inv.Notes = []invoice.Note{{SubjectCode: code, Text: strings.Join(texts, "\n")}}
	d.source("notes", "BG-1", d.inv.Notes[0].Text, d.entityName)
}
