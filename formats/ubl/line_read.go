package ubl

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

// lines reads the lines of that name, at any level.
func (d *invoiceReader) lines(parent xmltree.Node, local string) []invoice.Line {
	var list []invoice.Line
	for n := range d.groups(parent, local) {
		list = append(list, d.line(n))
	}
	return list
}

func (d *invoiceReader) line(n xmltree.Node) invoice.Line {
	quantity, unit := d.quantity(n, d.name("InvoicedQuantity", "CreditedQuantity"))
	order := d.group(n, "OrderLineReference")
	l := invoice.Line{
		ID:                       d.text(n, "ID"),
		Note:                     d.text(n, "Note"),
		Object:                   d.lineObject(n),
		Quantity:                 d.required(quantity, n, "BT-129"),
		Unit:                     unit,
		NetAmount:                d.requiredAmount(n, "LineExtensionAmount", "BT-131"),
		OrderLineReference:       d.text(order, "LineID"),
		BuyerAccountingReference: d.text(n, "AccountingCost"),
		Price:                    d.price(n),
		Item:                     d.item(d.group(n, "Item")),
	}
	period := d.group(n, "InvoicePeriod")
	if start, end := d.date(period, "StartDate"), d.date(period, "EndDate"); start != nil || end != nil {
		l.Period = &invoice.LinePeriod{Start: start, End: end}
	}
	category := d.group(n.Child(nsCAC, "Item"), "ClassifiedTaxCategory")
	d.vatScheme(category)
	l.VAT = invoice.LineVAT{Category: d.text(category, "ID"), Rate: d.decimal(category, "Percent")}
	for a := range d.groups(n, "AllowanceCharge") {
		if d.boolean(a, "ChargeIndicator") {
			l.Charges = append(l.Charges, d.lineAllowanceCharge(a, "BT-141"))
		} else {
			l.Allowances = append(l.Allowances, d.lineAllowanceCharge(a, "BT-136"))
		}
	}
	d.lineExtensions(n, order, &l)
	return l
}

// lineObject is the invoiced object of a line (BT-128). Other documents a line
// refers to are left to the report.
func (d *invoiceReader) lineObject(line xmltree.Node) invoice.Identifier {
	for ref := range line.All(nsCAC, "DocumentReference") {
		if trim(ref.Child(nsCBC, "DocumentTypeCode").Text()) == typeInvoicedObject {
			d.field(d.use(ref), "DocumentTypeCode")
			return d.identifier(ref, "ID")
		}
	}
	return invoice.Identifier{}
}

func (d *invoiceReader) lineAllowanceCharge(n xmltree.Node, term string) invoice.LineAllowanceCharge {
	return invoice.LineAllowanceCharge{
		Amount:     d.requiredAmount(n, "Amount", term),
		BaseAmount: d.amount(n, "BaseAmount"),
		Percentage: d.decimal(n, "MultiplierFactorNumeric"),
		Reason:     d.text(n, "AllowanceChargeReason"),
		ReasonCode: d.text(n, "AllowanceChargeReasonCode"),
	}
}

func (d *invoiceReader) price(line xmltree.Node) invoice.Price {
	n := d.group(line, "Price")
	if !n.Exists() {
		d.missing(line, "BT-146")
		return invoice.Price{}
	}
	p := invoice.Price{Net: d.requiredAmount(n, "PriceAmount", "BT-146")}
	p.BaseQuantity, p.BaseUnit = d.quantity(n, "BaseQuantity")
	// A charge on a price has no term and is left to the report.
	discount := n.Child(nsCAC, "AllowanceCharge")
	if isCharge := trim(discount.Child(nsCBC, "ChargeIndicator").Text()); isCharge == "false" || isCharge == "0" {
		d.field(d.use(discount), "ChargeIndicator")
		p.Discount = d.amount(discount, "Amount")
		p.Gross = d.amount(discount, "BaseAmount")
	}
	return p
}

func (d *invoiceReader) item(n xmltree.Node) invoice.Item {
	i := invoice.Item{
		Name:          d.text(n, "Name"),
		Description:   d.text(n, "Description"),
		SellerID:      d.text(d.group(n, "SellersItemIdentification"), "ID"),
		BuyerID:       d.text(d.group(n, "BuyersItemIdentification"), "ID"),
		StandardID:    d.identifier(d.group(n, "StandardItemIdentification"), "ID"),
		OriginCountry: d.text(d.group(n, "OriginCountry"), "IdentificationCode"),
	}
	for c := range d.groups(n, "CommodityClassification") {
		code := d.field(c, "ItemClassificationCode")
		if !code.Exists() {
			continue
		}
		i.Classifications = append(i.Classifications, invoice.Identifier{
			Value:         trim(code.Text()),
			Scheme:        d.attr(code, "listID"),
			SchemeVersion: d.attr(code, "listVersionID"),
		})
	}
	for p := range d.groups(n, "AdditionalItemProperty") {
		i.Attributes = append(i.Attributes, invoice.Attribute{Name: d.text(p, "Name"), Value: d.text(p, "Value")})
	}
	return i
}

// lineExtensions reads what a line carries beyond EN 16931-1.
func (d *invoiceReader) lineExtensions(n, order xmltree.Node, l *invoice.Line) {
	despatch := d.group(n, "DespatchLineReference")
	e := invoice.LineExtensions{
		OrderReference:          d.text(d.group(order, "OrderReference"), "ID"),
		DespatchAdviceReference: d.text(d.group(despatch, "DocumentReference"), "ID"),
		DespatchLineReference:   d.text(despatch, "LineID"),
		PrecedingInvoices:       d.precedingInvoices(n),
		Delivery:                d.delivery(d.group(n, "Delivery")),
		SubLines:                d.lines(n, d.name("SubInvoiceLine", "SubCreditNoteLine")),
	}
	if e.OrderReference != "" && l.OrderLineReference == notAvailable {
		l.OrderLineReference = ""
	}
	if e.DespatchAdviceReference != "" && e.DespatchLineReference == notAvailable {
		e.DespatchLineReference = ""
	}
	if !e.IsZero() {
		l.Extensions = &e
	}
}
