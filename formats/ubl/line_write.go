package ubl

import "facteur.dev/facteur/formats/invoice"

func (d *invoiceWriter) line(local string, l *invoice.Line) {
	extensions := l.Extensions
	if extensions == nil {
		extensions = new(invoice.LineExtensions)
	}
	d.group(local, func() {
		d.field("ID", l.ID)
		d.field("Note", l.Note)
		d.quantity(d.name("InvoicedQuantity", "CreditedQuantity"), &l.Quantity, l.Unit)
		d.amount("LineExtensionAmount", &l.NetAmount)
		d.field("AccountingCost", l.BuyerAccountingReference)
		if l.Period != nil {
			d.group("InvoicePeriod", func() {
				d.date("StartDate", l.Period.Start)
				d.date("EndDate", l.Period.End)
			})
		}
		d.lineReference("OrderLineReference", l.OrderLineReference, "OrderReference", extensions.OrderReference)
		d.lineReference("DespatchLineReference", extensions.DespatchLineReference,
			"DocumentReference", extensions.DespatchAdviceReference)
		d.precedingInvoices(extensions.PrecedingInvoices)
		d.typedReference("DocumentReference", l.Object, typeInvoicedObject)
		d.delivery(extensions.Delivery)
		d.lineAllowanceCharges(l.Allowances, "false")
		d.lineAllowanceCharges(l.Charges, "true")
		d.always("Item", func() { d.item(l) })
		d.price(&l.Price)
		for i := range extensions.SubLines {
			d.line(d.name("SubInvoiceLine", "SubCreditNoteLine"), &extensions.SubLines[i])
		}
	})
}

// lineReference writes a reference to a line of another document. The schema
// demands the line even where only the document is known.
func (w *writer) lineReference(local, line, document, id string) {
	if line == "" && id != "" {
		line = notAvailable
	}
	w.group(local, func() {
		w.field("LineID", line)
		w.group(document, func() { w.field("ID", id) })
	})
}

func (d *invoiceWriter) lineAllowanceCharges(list []invoice.LineAllowanceCharge, isCharge string) {
	for i := range list {
		a := &list[i]
		d.group("AllowanceCharge", func() {
			d.field("ChargeIndicator", isCharge)
			d.field("AllowanceChargeReasonCode", a.ReasonCode)
			d.field("AllowanceChargeReason", a.Reason)
			d.decimal("MultiplierFactorNumeric", a.Percentage)
			d.amount("Amount", &a.Amount)
			d.amount("BaseAmount", a.BaseAmount)
		})
	}
}

func (d *invoiceWriter) item(l *invoice.Line) {
	i := &l.Item
	d.field("Description", i.Description)
	d.field("Name", i.Name)
	d.reference("BuyersItemIdentification", i.BuyerID)
	d.reference("SellersItemIdentification", i.SellerID)
	d.group("StandardItemIdentification", func() { d.identifier("ID", i.StandardID) })
	d.group("OriginCountry", func() { d.field("IdentificationCode", i.OriginCountry) })
	for _, c := range i.Classifications {
		d.group("CommodityClassification", func() {
			d.field("ItemClassificationCode", c.Value, attr{"listID", c.Scheme}, attr{"listVersionID", c.SchemeVersion})
		})
	}
	d.taxCategory("ClassifiedTaxCategory", l.VAT.Category, l.VAT.Rate, "", "")
	for _, a := range i.Attributes {
		d.group("AdditionalItemProperty", func() {
			d.field("Name", a.Name)
			d.field("Value", a.Value)
		})
	}
}

func (d *invoiceWriter) price(p *invoice.Price) {
	d.group("Price", func() {
		d.amount("PriceAmount", &p.Net)
		d.quantity("BaseQuantity", p.BaseQuantity, p.BaseUnit)
		if p.Discount == nil && p.Gross == nil {
			return
		}
		d.group("AllowanceCharge", func() {
			d.field("ChargeIndicator", "false")
			discount := p.Discount
			if discount == nil {
				discount = new(invoice.Decimal)
			}
			d.amount("Amount", discount)
			d.amount("BaseAmount", p.Gross)
		})
	})
}
