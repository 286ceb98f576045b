package ubl

import "facteur.dev/facteur/formats/invoice"

// Write writes the invoice as a UBL 2.1 Invoice, or as a CreditNote when BT-3
// says so, in the element order of the schemas. Nothing is calculated. Values
// that the schema demands and the model may lack are "NA" (the order number
// beside a sales order number, the order line beside an order, the card network)
// and 0 (the discount beside a gross price).
//
// Errors are [invoice.FieldErrors]: a value that the schema demands is missing
// (ubl.required), has no place in this kind of document (ubl.no_place), or has a
// character that XML cannot carry (ubl.character).
func Write(inv *invoice.Invoice) ([]byte, error) {
	d := invoiceWriter{inv: inv, creditNote: inv.IsCreditNote()}
	d.currency = inv.Currency
	d.check()
	d.buf.Grow(8<<10 + len(inv.Lines)<<11) // what most need, so that the bytes are copied once
	if d.creditNote {
		return d.document("CreditNote", nsCreditNote, d.content)
	}
	return d.document("Invoice", nsInvoice, d.content)
}

type invoiceWriter struct {
	writer
	inv        *invoice.Invoice
	creditNote bool
}

// name chooses between the names of an element in the two kinds of document.
func (d *invoiceWriter) name(inInvoice, inCreditNote string) string {
	if d.creditNote {
		return inCreditNote
	}
	return inInvoice
}

func (d *invoiceWriter) content() {
	d.header()
	d.references()
	d.parties()
	d.payments()
	d.thirdPartyPayments()
	d.allowanceCharges(d.inv.Allowances, "false")
	d.allowanceCharges(d.inv.Charges, "true")
	d.taxTotals()
	d.totals()
	for i := range d.inv.Lines {
		d.line(d.name("InvoiceLine", "CreditNoteLine"), &d.inv.Lines[i])
	}
}

func (d *invoiceWriter) header() {
	inv := d.inv
	d.field("CustomizationID", inv.Process.Specification)
	d.field("ProfileID", inv.Process.BusinessProcess)
	d.field("ID", inv.Number)
	d.date("IssueDate", &inv.IssueDate)
	if d.creditNote {
		d.date("TaxPointDate", inv.TaxPointDate)
		d.field("CreditNoteTypeCode", inv.TypeCode)
		d.notes()
	} else {
		d.date("DueDate", inv.DueDate)
		d.field("InvoiceTypeCode", inv.TypeCode)
		d.notes()
		d.date("TaxPointDate", inv.TaxPointDate)
	}
	d.field("DocumentCurrencyCode", inv.Currency)
	d.field("TaxCurrencyCode", inv.VATCurrency)
	d.field("AccountingCost", inv.BuyerAccountingReference)
	d.field("BuyerReference", inv.BuyerReference)
	d.group("InvoicePeriod", func() {
		if inv.Period != nil {
			d.date("StartDate", inv.Period.Start)
			d.date("EndDate", inv.Period.End)
		}
		d.field("DescriptionCode", inv.TaxPointDateCode)
	})
}

// notes writes each note; its subject code (BT-21) stands before it between
// number signs.
func (d *invoiceWriter) notes() {
	for _, n := range d.inv.Notes {
		if n.SubjectCode != "" {
			d.field("Note", "#"+n.SubjectCode+"#"+n.Text)
		} else {
			d.field("Note", n.Text)
		}
	}
}

func (d *invoiceWriter) references() {
	inv := d.inv
	d.group("OrderReference", func() {
		id := inv.PurchaseOrderReference
		if id == "" && inv.SalesOrderReference != "" {
			id = notAvailable
		}
		d.field("ID", id)
		d.field("SalesOrderID", inv.SalesOrderReference)
	})
	d.precedingInvoices(inv.PrecedingInvoices)
	d.reference("DespatchDocumentReference", inv.DespatchAdviceReference)
	d.reference("ReceiptDocumentReference", inv.ReceivingAdviceReference)
	if !d.creditNote {
		d.reference("OriginatorDocumentReference", inv.TenderReference)
	}
	d.reference("ContractDocumentReference", inv.ContractReference)
	d.typedReference("AdditionalDocumentReference", inv.InvoicedObject, typeInvoicedObject)
	if d.creditNote {
		d.typedReference("AdditionalDocumentReference", invoice.Identifier{Value: inv.ProjectReference}, typeProject)
	}
	for i := range inv.SupportingDocuments {
		d.supportingDocument(&inv.SupportingDocuments[i])
	}
	if d.creditNote {
		d.reference("OriginatorDocumentReference", inv.TenderReference)
	} else {
		d.reference("ProjectReference", inv.ProjectReference)
	}
}

func (d *invoiceWriter) precedingInvoices(list []invoice.PrecedingInvoice) {
	for _, p := range list {
		d.group("BillingReference", func() {
			d.group("InvoiceDocumentReference", func() {
				d.field("ID", p.Number)
				d.date("IssueDate", p.IssueDate)
				d.field("DocumentTypeCode", p.TypeCode)
			})
		})
	}
}

func (w *writer) reference(local, id string) {
	w.group(local, func() { w.field("ID", id) })
}

func (w *writer) typedReference(local string, id invoice.Identifier, typeCode string) {
	if id.Value == "" {
		return
	}
	w.group(local, func() {
		w.identifier("ID", id)
		w.field("DocumentTypeCode", typeCode)
	})
}

func (d *invoiceWriter) supportingDocument(doc *invoice.SupportingDocument) {
	d.group("AdditionalDocumentReference", func() {
		d.field("ID", doc.Reference)
		d.field("DocumentDescription", doc.Description)
		d.group("Attachment", func() {
			if doc.Attachment != nil {
				d.file("EmbeddedDocumentBinaryObject", doc.Attachment)
			}
			d.group("ExternalReference", func() { d.field("URI", doc.Location) })
		})
	})
}

func (d *invoiceWriter) thirdPartyPayments() {
	if d.inv.Extensions == nil {
		return
	}
	for i := range d.inv.Extensions.ThirdPartyPayments {
		p := &d.inv.Extensions.ThirdPartyPayments[i]
		d.group("PrepaidPayment", func() {
			d.field("ID", p.Type)
			d.amount("PaidAmount", &p.Amount)
			d.field("InstructionID", p.Description)
		})
	}
}

func (d *invoiceWriter) allowanceCharges(list []invoice.AllowanceCharge, isCharge string) {
	for i := range list {
		a := &list[i]
		d.group("AllowanceCharge", func() {
			d.field("ChargeIndicator", isCharge)
			d.field("AllowanceChargeReasonCode", a.ReasonCode)
			d.field("AllowanceChargeReason", a.Reason)
			d.decimal("MultiplierFactorNumeric", a.Percentage)
			d.amount("Amount", &a.Amount)
			d.amount("BaseAmount", a.BaseAmount)
			d.taxCategory("TaxCategory", a.VATCategory, a.VATRate, "", "")
		})
	}
}

// taxCategory writes a VAT category, unless there is neither code nor rate.
func (w *writer) taxCategory(local, category string, rate *invoice.Decimal, reasonCode, reason string) {
	if category == "" && rate == nil && reasonCode == "" && reason == "" {
		return
	}
	w.group(local, func() {
		w.field("ID", category)
		w.decimal("Percent", rate)
		w.field("TaxExemptionReasonCode", reasonCode)
		w.field("TaxExemptionReason", reason)
		w.taxScheme(vatScheme)
	})
}

func (w *writer) taxScheme(id string) {
	w.group("TaxScheme", func() { w.field("ID", id) })
}

func (d *invoiceWriter) taxTotals() {
	t := &d.inv.Totals
	d.group("TaxTotal", func() {
		d.amount("TaxAmount", t.VAT)
		for i := range d.inv.VATBreakdown {
			b := &d.inv.VATBreakdown[i]
			d.group("TaxSubtotal", func() {
				d.amount("TaxableAmount", &b.TaxableAmount)
				d.amount("TaxAmount", &b.TaxAmount)
				d.taxCategory("TaxCategory", b.Category, b.Rate, b.ExemptionReasonCode, b.ExemptionReason)
			})
		}
	})
	d.group("TaxTotal", func() {
		d.amountIn(d.inv.VATCurrency, "TaxAmount", t.VATInAccountingCurrency)
	})
}

func (d *invoiceWriter) totals() {
	t := &d.inv.Totals
	d.group("LegalMonetaryTotal", func() {
		d.amount("LineExtensionAmount", &t.LineNet)
		d.amount("TaxExclusiveAmount", &t.WithoutVAT)
		d.amount("TaxInclusiveAmount", &t.WithVAT)
		d.amount("AllowanceTotalAmount", t.Allowances)
		d.amount("ChargeTotalAmount", t.Charges)
		d.amount("PrepaidAmount", t.Paid)
		d.amount("PayableRoundingAmount", t.Rounding)
		d.amount("PayableAmount", &t.AmountDue)
	})
}
