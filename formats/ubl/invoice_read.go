package ubl

import (
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

// Read reads a UBL 2.1 Invoice or CreditNote into the model. The report lists
// what the model does not hold. An error is [Errors]: the document is not
// well-formed, of another kind, or has values that cannot be read; there is no
// invoice then.
func Read(src []byte) (*invoice.Invoice, Report, error) {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		return nil, Report{}, parseError(err)
	}
	return readInvoice(doc)
}

// readInvoice is [Read] for a document that is already parsed.
func readInvoice(doc *xmltree.Document) (*invoice.Invoice, Report, error) {
	r := newReader(doc)
	d := invoiceReader{reader: r, root: r.use(doc.Root())}
	switch {
	case d.root.Is(nsInvoice, "Invoice"):
	case d.root.Is(nsCreditNote, "CreditNote"):
		d.creditNote = true
	default:
		r.fail(d.root, CodeRoot, "{%s}%s is neither an Invoice nor a CreditNote of UBL 2.1",
			d.root.Space(), d.root.Local())
		return nil, Report{}, r.errs
	}
	d.header()
	d.references()
	d.parties()
	d.payments()
	d.amounts()
	d.inv.Lines = d.lines(d.root, d.name("InvoiceLine", "CreditNoteLine"))
	if len(r.errs) > 0 {
		return nil, Report{}, r.errs
	}
	r.unmodelled(d.root)
	return &d.inv, r.report, nil
}

// invoiceReader reads one Invoice or CreditNote.
type invoiceReader struct {
	*reader
	root       xmltree.Node
	creditNote bool
	inv        invoice.Invoice
}

// name chooses between the names of an element in the two kinds of document.
func (d *invoiceReader) name(inInvoice, inCreditNote string) string {
	if d.creditNote {
		return inCreditNote
	}
	return inInvoice
}

func (d *invoiceReader) header() {
	inv, root := &d.inv, d.root
	inv.Number = d.text(root, "ID")
	if date := d.date(root, "IssueDate"); date != nil {
		inv.IssueDate = *date
	}
	d.typeCode()
	d.currencies()
	inv.Process.Specification = d.text(root, "CustomizationID")
	inv.Process.BusinessProcess = d.text(root, "ProfileID")
	inv.TaxPointDate = d.date(root, "TaxPointDate")
	inv.DueDate = d.date(root, "DueDate")
	inv.BuyerReference = d.text(root, "BuyerReference")
	inv.BuyerAccountingReference = d.text(root, "AccountingCost")
	for n := range root.All(nsCBC, "Note") {
		if !d.another(n) {
			break
		}
		inv.Notes = append(inv.Notes, parseNote(trim(d.use(n).Text())))
	}
	period := d.group(root, "InvoicePeriod")
	start, end := d.date(period, "StartDate"), d.date(period, "EndDate")
	if start != nil || end != nil {
		inv.Period = &invoice.InvoicingPeriod{Start: start, End: end}
	}
	inv.TaxPointDateCode = d.text(period, "DescriptionCode")
}

// typeCode reads BT-3, which must agree with the kind of document: the sign of
// every amount hangs on it.
func (d *invoiceReader) typeCode() {
	n := d.field(d.root, d.name("InvoiceTypeCode", "CreditNoteTypeCode"))
	d.inv.TypeCode = trim(n.Text())
	switch {
	case d.inv.TypeCode == "" && d.creditNote:
		d.inv.TypeCode = "381"
		d.missing(d.root, "BT-3")
	case d.inv.TypeCode == "":
		d.missing(d.root, "BT-3")
	case d.inv.IsCreditNote() != d.creditNote && d.inv.TypeCode != "81":
		// 81 is in the lists of both kinds (BR-CL-01).
		d.fail(n, CodeKind, "type code %q does not belong in %s", shorten(d.inv.TypeCode), d.root.Local())
	}
}

// currencies reads BT-5 and BT-6. A document without BT-5 still states the
// currency of its amounts.
func (d *invoiceReader) currencies() {
	d.inv.Currency = d.text(d.root, "DocumentCurrencyCode")
	d.inv.VATCurrency = d.text(d.root, "TaxCurrencyCode")
	if d.inv.Currency == "" {
		payable := d.root.Child(nsCAC, "LegalMonetaryTotal").Child(nsCBC, "PayableAmount")
		d.inv.Currency = d.attr(payable, "currencyID")
		d.missing(d.root, "BT-5")
	}
	d.currency = d.inv.Currency
}

// parseNote splits the form "#AAI#text", which carries BT-21 in UBL.
func parseNote(s string) invoice.Note {
	const codeEnd = len("#AAI")
	if len(s) > codeEnd && s[0] == '#' && s[codeEnd] == '#' && !strings.ContainsAny(s[1:codeEnd], "# \t\n") {
		return invoice.Note{SubjectCode: s[1:codeEnd], Text: s[codeEnd+1:]}
	}
	return invoice.Note{Text: s}
}

func (d *invoiceReader) references() {
	inv, root := &d.inv, d.root
	order := d.group(root, "OrderReference")
	inv.SalesOrderReference = d.text(order, "SalesOrderID")
	inv.PurchaseOrderReference = d.text(order, "ID")
	if inv.PurchaseOrderReference == notAvailable && inv.SalesOrderReference != "" {
		inv.PurchaseOrderReference = ""
	}
	inv.DespatchAdviceReference = d.text(d.group(root, "DespatchDocumentReference"), "ID")
	inv.ReceivingAdviceReference = d.text(d.group(root, "ReceiptDocumentReference"), "ID")
	inv.TenderReference = d.text(d.group(root, "OriginatorDocumentReference"), "ID")
	inv.ContractReference = d.text(d.group(root, "ContractDocumentReference"), "ID")
	inv.ProjectReference = d.text(d.group(root, "ProjectReference"), "ID")
	inv.PrecedingInvoices = d.precedingInvoices(root)
	for ref := range d.groups(root, "AdditionalDocumentReference") {
		d.additionalDocument(ref)
	}
}

func (d *invoiceReader) precedingInvoices(parent xmltree.Node) []invoice.PrecedingInvoice {
	var list []invoice.PrecedingInvoice
	for billing := range d.groups(parent, "BillingReference") {
		ref := d.group(billing, "InvoiceDocumentReference")
		if !ref.Exists() {
			continue
		}
		list = append(list, invoice.PrecedingInvoice{
			Number:    d.text(ref, "ID"),
			IssueDate: d.date(ref, "IssueDate"),
			TypeCode:  d.text(ref, "DocumentTypeCode"),
		})
	}
	return list
}

// additionalDocument reads the invoiced object (BT-18), in a credit note the
// project (BT-11), or else a supporting document (BG-24).
func (d *invoiceReader) additionalDocument(ref xmltree.Node) {
	kind := ref.Child(nsCBC, "DocumentTypeCode")
	switch code := trim(kind.Text()); {
	case code == typeInvoicedObject && d.inv.InvoicedObject.IsZero():
		d.use(kind)
		d.inv.InvoicedObject = d.identifier(ref, "ID")
		return
	case code == typeProject && d.creditNote && d.inv.ProjectReference == "":
		d.use(kind)
		d.inv.ProjectReference = d.text(ref, "ID")
		return
	}
	attachment := d.group(ref, "Attachment")
	d.inv.SupportingDocuments = append(d.inv.SupportingDocuments, invoice.SupportingDocument{
		Reference:   d.text(ref, "ID"),
		Description: d.text(ref, "DocumentDescription"),
		Location:    d.text(d.group(attachment, "ExternalReference"), "URI"),
		Attachment:  d.file(d.field(attachment, "EmbeddedDocumentBinaryObject")),
	})
}

func (d *invoiceReader) amounts() {
	inv, root := &d.inv, d.root
	for n := range d.groups(root, "AllowanceCharge") {
		if d.boolean(n, "ChargeIndicator") {
			inv.Charges = append(inv.Charges, d.allowanceCharge(n, "BT-99"))
		} else {
			inv.Allowances = append(inv.Allowances, d.allowanceCharge(n, "BT-92"))
		}
	}
	d.taxTotals()
	sums, t := d.group(root, "LegalMonetaryTotal"), &inv.Totals
	t.LineNet = d.requiredAmount(sums, "LineExtensionAmount", "BT-106")
	t.Allowances = d.amount(sums, "AllowanceTotalAmount")
	t.Charges = d.amount(sums, "ChargeTotalAmount")
	t.WithoutVAT = d.requiredAmount(sums, "TaxExclusiveAmount", "BT-109")
	t.WithVAT = d.requiredAmount(sums, "TaxInclusiveAmount", "BT-112")
	t.Paid = d.amount(sums, "PrepaidAmount")
	t.Rounding = d.amount(sums, "PayableRoundingAmount")
	t.AmountDue = d.requiredAmount(sums, "PayableAmount", "BT-115")
}

func (d *invoiceReader) allowanceCharge(n xmltree.Node, term string) invoice.AllowanceCharge {
	category := d.group(n, "TaxCategory")
	d.vatScheme(category)
	return invoice.AllowanceCharge{
		Amount:      d.requiredAmount(n, "Amount", term),
		BaseAmount:  d.amount(n, "BaseAmount"),
		Percentage:  d.decimal(n, "MultiplierFactorNumeric"),
		VATCategory: d.text(category, "ID"),
		VATRate:     d.decimal(category, "Percent"),
		Reason:      d.text(n, "AllowanceChargeReason"),
		ReasonCode:  d.text(n, "AllowanceChargeReasonCode"),
	}
}

// vatScheme reads the tax scheme of a category. Any other than VAT is left to
// the report: the model knows VAT only.
func (d *invoiceReader) vatScheme(category xmltree.Node) {
	scheme := d.group(category, "TaxScheme")
	if id := scheme.Child(nsCBC, "ID"); strings.EqualFold(trim(id.Text()), vatScheme) {
		d.use(id)
	}
}

// taxTotals reads the VAT total with its breakdown, and the one in accounting
// currency, which is told apart by its currency.
func (d *invoiceReader) taxTotals() {
	t := &d.inv.Totals
	for n := range d.root.All(nsCAC, "TaxTotal") {
		amount := n.Child(nsCBC, "TaxAmount")
		currency, _ := amount.Attr("", "currencyID")
		accounting := trim(currency) == d.inv.VATCurrency && d.inv.VATCurrency != "" &&
			(d.inv.VATCurrency != d.currency || t.VAT != nil)
		switch {
		case accounting && t.VATInAccountingCurrency == nil:
			d.use(n)
			d.checkCurrency(d.use(amount), d.inv.VATCurrency)
			t.VATInAccountingCurrency = d.number(amount)
		case t.VAT == nil:
			d.use(n)
			t.VAT = d.amount(n, "TaxAmount")
			for sub := range d.groups(n, "TaxSubtotal") {
				d.inv.VATBreakdown = append(d.inv.VATBreakdown, d.vatBreakdown(sub))
			}
		}
	}
}

func (d *invoiceReader) vatBreakdown(sub xmltree.Node) invoice.VATBreakdown {
	category := d.group(sub, "TaxCategory")
	d.vatScheme(category)
	return invoice.VATBreakdown{
		TaxableAmount:       d.requiredAmount(sub, "TaxableAmount", "BT-116"),
		TaxAmount:           d.requiredAmount(sub, "TaxAmount", "BT-117"),
		Category:            d.text(category, "ID"),
		Rate:                d.decimal(category, "Percent"),
		ExemptionReason:     d.text(category, "TaxExemptionReason"),
		ExemptionReasonCode: d.text(category, "TaxExemptionReasonCode"),
	}
}
