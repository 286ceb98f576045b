package ubl

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/xmltree"
)

const nsOrder = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"

// ReadOrder reads a UBL 2.1 Order (Peppol BIS Order 3) into the model. The report
// lists what the model does not hold. An error is [Errors], as from [Read]; there
// is no order then. Whether the order makes sense is for its Check to say.
func ReadOrder(src []byte) (*order.Order, Report, error) {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		return nil, Report{}, parseError(err)
	}
	r := newReader(doc)
	d := orderReader{invoiceReader: invoiceReader{reader: r, root: r.use(doc.Root())}}
	if !d.root.Is(nsOrder, "Order") {
		r.fail(d.root, CodeRoot, "{%s}%s is no Order of UBL 2.1", d.root.Space(), d.root.Local())
		return nil, Report{}, r.errs
	}
	d.header()
	d.parties()
	d.amounts()
	for n := range d.groups(d.root, "OrderLine") {
		d.order.Lines = append(d.order.Lines, d.orderLine(n))
	}
	if len(r.errs) > 0 {
		return nil, Report{}, r.errs
	}
	r.unmodelled(d.root)
	return &d.order, r.report, nil
}

// orderReader reads one Order; what an order has in common with an invoice is
// read in the same way.
type orderReader struct {
	invoiceReader
	order order.Order
}

func (d *orderReader) header() {
	o, root := &d.order, d.root
	d.specification(root)
	o.Number = d.text(root, "ID")
	if o.Number == "" {
		d.missing(root, "BT-13")
	}
	o.SalesOrderNumber = d.text(root, "SalesOrderID")
	o.TypeCode = d.text(root, "OrderTypeCode")
	if date := d.date(root, "IssueDate"); date != nil {
		o.IssueDate = *date
	}
	d.orderCurrency()
	o.BuyerReference = d.text(root, "CustomerReference")
	o.AccountingReference = d.accountingCost(root)
	o.Notes = d.notes(root)
	o.ContractReference = d.text(d.group(root, "Contract"), "ID")
	o.ProjectReference = d.text(d.group(root, "ProjectReference"), "ID")
	o.TenderReference = d.text(d.group(root, "OriginatorDocumentReference"), "ID")
	o.PaymentTerms = d.text(d.group(root, "PaymentTerms"), "Note")
	for ref := range d.groups(root, "AdditionalDocumentReference") {
		o.Attachments = append(o.Attachments, d.attachment(ref))
	}
}

// specification is read and left: the root element says all that the model needs.
func (d *orderReader) specification(root xmltree.Node) {
	d.field(root, "CustomizationID")
	d.field(root, "ProfileID")
	d.field(root, "UBLVersionID")
}

// orderCurrency reads the currency of the order. An order that does not state it
// still states the currency of its amounts.
func (d *orderReader) orderCurrency() {
	d.order.Currency = d.text(d.root, "DocumentCurrencyCode")
	if d.order.Currency == "" {
		d.missing(d.root, "BT-5")
		amount := d.root.Child(nsCAC, "AnticipatedMonetaryTotal").Child(nsCBC, "PayableAmount")
		if !amount.Exists() {
			item := d.root.Child(nsCAC, "OrderLine").Child(nsCAC, "LineItem")
			amount = item.Child(nsCAC, "Price").Child(nsCBC, "PriceAmount")
		}
		d.order.Currency = d.attr(amount, "currencyID")
	}
	d.currency = d.order.Currency
}

// accountingCost is where the buyer books; older orders have it as a code.
func (d *orderReader) accountingCost(parent xmltree.Node) string {
	if text := d.text(parent, "AccountingCost"); text != "" {
		return text
	}
	return d.text(parent, "AccountingCostCode")
}

func (d *orderReader) notes(parent xmltree.Node) []string {
	var list []string
	for n := range parent.All(nsCBC, "Note") {
		if text := trim(d.use(n).Text()); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// attachment is a document that explains the order. Orders say what kind of
// document it is where invoices describe it.
func (d *orderReader) attachment(ref xmltree.Node) invoice.SupportingDocument {
	attachment := d.group(ref, "Attachment")
	description := d.text(ref, "DocumentDescription")
	if description == "" {
		description = d.text(ref, "DocumentType")
	}
	return invoice.SupportingDocument{
		Reference:   d.text(ref, "ID"),
		Description: description,
		Location:    d.text(d.group(attachment, "ExternalReference"), "URI"),
		Attachment:  d.file(d.field(attachment, "EmbeddedDocumentBinaryObject")),
	}
}

func (d *orderReader) parties() {
	o := &d.order
	buyer := d.group(d.root, "BuyerCustomerParty")
	o.Buyer = d.party(d.group(buyer, "Party"))
	o.Buyer.AccountNumber = d.text(buyer, "SupplierAssignedAccountID")
	seller := d.group(d.root, "SellerSupplierParty")
	o.Seller = d.party(d.group(seller, "Party"))
	o.Seller.AccountNumber = d.text(seller, "CustomerAssignedAccountID")
	if payer := d.group(d.root, "AccountingCustomerParty"); payer.Exists() {
		party := d.party(d.group(payer, "Party"))
		party.AccountNumber = d.text(payer, "SupplierAssignedAccountID")
		o.InvoiceTo = &party
	}
	o.DeliverTo = d.deliverTo(d.group(d.root, "Delivery"))
}

// party reads a party of an order. One without a registered name is known by its
// trading name.
func (d *orderReader) party(n xmltree.Node) order.Party {
	legal := d.group(n, "PartyLegalEntity")
	p := order.Party{
		Name:              d.text(legal, "RegistrationName"),
		TradingName:       d.text(d.group(n, "PartyName"), "Name"),
		LegalRegistration: d.identifier(legal, "CompanyID"),
		ElectronicAddress: d.identifier(n, "EndpointID"),
		Address:           d.address(d.group(n, "PostalAddress")),
		Contact:           d.contact(d.group(n, "Contact")),
	}
	if p.Name == "" {
		p.Name, p.TradingName = p.TradingName, ""
	}
	p.VATIdentifier, _ = d.taxRegistrations(n, false)
	for id := range d.groups(n, "PartyIdentification") {
		if identifier := d.identifier(id, "ID"); !identifier.IsZero() {
			p.Identifiers = append(p.Identifiers, identifier)
		}
	}
	return p
}

func (d *orderReader) deliverTo(n xmltree.Node) *order.DeliverTo {
	location, party := d.group(n, "DeliveryLocation"), d.group(n, "DeliveryParty")
	to := order.DeliverTo{
		PartyName: d.text(d.group(party, "PartyName"), "Name"),
		PartyID:   d.identifier(d.group(party, "PartyIdentification"), "ID"),
		Location:  d.identifier(location, "ID"),
		Contact:   d.contact(d.group(party, "Contact")),
		Period:    d.deliveryPeriod(n),
	}
	address := d.group(location, "Address")
	if !address.Exists() {
		address = d.group(n, "DeliveryAddress")
	}
	if a := d.address(address); !a.IsZero() {
		to.Address = &a
	}
	if to == (order.DeliverTo{}) {
		return nil
	}
	return &to
}

// deliveryPeriod is when delivery is wanted.
func (d *orderReader) deliveryPeriod(delivery xmltree.Node) *invoice.InvoicingPeriod {
	n := d.group(delivery, "RequestedDeliveryPeriod")
	start, end := d.date(n, "StartDate"), d.date(n, "EndDate")
	if start == nil && end == nil {
		return nil
	}
	return &invoice.InvoicingPeriod{Start: start, End: end}
}

func (d *orderReader) amounts() {
	o := &d.order
	for n := range d.groups(d.root, "AllowanceCharge") {
		if d.boolean(n, "ChargeIndicator") {
			o.Charges = append(o.Charges, d.allowanceCharge(n, "BT-99"))
		} else {
			o.Allowances = append(o.Allowances, d.allowanceCharge(n, "BT-92"))
		}
	}
	sums := d.group(d.root, "AnticipatedMonetaryTotal")
	t := order.Totals{
		LineNet:    d.amount(sums, "LineExtensionAmount"),
		Allowances: d.amount(sums, "AllowanceTotalAmount"),
		Charges:    d.amount(sums, "ChargeTotalAmount"),
		WithoutVAT: d.amount(sums, "TaxExclusiveAmount"),
		VAT:        d.amount(d.group(d.root, "TaxTotal"), "TaxAmount"),
		WithVAT:    d.amount(sums, "TaxInclusiveAmount"),
		Prepaid:    d.amount(sums, "PrepaidAmount"),
		Rounding:   d.amount(sums, "PayableRoundingAmount"),
		AmountDue:  d.amount(sums, "PayableAmount"),
	}
	if t != (order.Totals{}) {
		o.Totals = &t
	}
}

func (d *orderReader) orderLine(n xmltree.Node) order.Line {
	item := d.group(n, "LineItem")
	quantity, unit := d.quantity(item, "Quantity")
	l := order.Line{
		ID:                  d.text(item, "ID"),
		Notes:               append(d.notes(n), d.notes(item)...),
		Quantity:            d.required(quantity, item, "BT-129"),
		Unit:                unit,
		NetAmount:           d.amount(item, "LineExtensionAmount"),
		AccountingReference: d.accountingCost(item),
		DeliveryPeriod:      d.deliveryPeriod(d.group(item, "Delivery")),
		Item:                d.item(d.group(item, "Item")),
		VAT:                 d.itemVAT(item.Child(nsCAC, "Item")),
	}
	if item.Child(nsCAC, "Price").Child(nsCBC, "PriceAmount").Exists() {
		price := d.price(item)
		l.Price = &price
	}
	for a := range d.groups(item, "AllowanceCharge") {
		if d.boolean(a, "ChargeIndicator") {
			l.Charges = append(l.Charges, d.lineAllowanceCharge(a, "BT-141"))
		} else {
			l.Allowances = append(l.Allowances, d.lineAllowanceCharge(a, "BT-136"))
		}
	}
	return l
}

func (d *orderReader) itemVAT(item xmltree.Node) *order.VAT {
	n := d.group(item, "ClassifiedTaxCategory")
	d.vatScheme(n)
	v := order.VAT{
		Category:            d.text(n, "ID"),
		Rate:                d.decimal(n, "Percent"),
		ExemptionReason:     d.text(n, "TaxExemptionReason"),
		ExemptionReasonCode: d.text(n, "TaxExemptionReasonCode"),
	}
	if v == (order.VAT{}) {
		return nil
	}
	return &v
}
