package billing

import (
	"fmt"
	"slices"
	"strconv"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// Peppol BIS Billing 3.0, which drafts follow.
const (
	// Specification is BT-24.
	Specification = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	// BusinessProcess is BT-23.
	BusinessProcess = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
)

// Document types of UNTDID 1001 that drafts use (BT-3).
const (
	typeInvoice    = "380"
	typeCreditNote = "381"
)

// Draft decides what to invoice of an order now; see the package comment for its
// promises. The error is [invoice.FieldErrors]: the order does not pass its Check,
// or a delivery or an earlier invoice does not belong to it. Nothing is planned
// then.
func Draft(in Input) (Plan, error) {
	if err := in.Order.Check(); err != nil {
		return Plan{}, err
	}
	c := newCompleter(&in)
	ledger, err := newLedger(&in, c.units())
	if err != nil {
		return Plan{}, err
	}
	var plan Plan
	var steps []*step
	var why []Source
	plan.Billing, why = c.billing()
	switch plan.Billing {
	case order.OnOrder:
		steps = ledger.onOrder()
	case order.OnDelivery:
		steps = ledger.onDelivery()
	default:
		plan.Missing = []MissingField{{
			Path: "billing",
			Why:  "neither the order nor " + c.lookedAt() + " says whether to invoice on order or on delivery",
		}}
	}
	for _, s := range steps {
		p := c.proposal(s)
		p.Sources = append(slices.Clone(why), p.Sources...)
		plan.Drafts = append(plan.Drafts, p)
	}
	plan.Remainder = ledger.remainder()
	return plan, nil
}

// proposal makes the draft of one step.
func (c *completer) proposal(s *step) Proposal {
	d := drafter{completer: c, inv: &invoice.Invoice{Lines: make([]invoice.Line, 0, len(s.takes))}}
	d.head(s.note)
	d.seller()
	d.buyer()
	d.delivery(s.note)
	for i := range c.in.Order.Lines {
		line := &c.in.Order.Lines[i]
		if quantity, ok := s.takes[line.ID]; ok {
			d.line(i, s.before[line.ID], quantity)
		}
	}
	progress := c.progress(s)
	d.inv.Allowances = d.documentAllowances("allowances", c.in.Order.Allowances, progress)
	d.inv.Charges = d.documentAllowances("charges", c.in.Order.Charges, progress)
	d.vatParties()
	terms := d.payment()
	if !c.in.IssueDate.IsZero() {
		Issue(d.inv, terms, c.in.IssueDate)
	}
	takes := Invoiced{Lines: s.takes}
	if s.note != nil {
		takes.Note = s.note.ID
	}
	// A copy, because records and order are the caller's.
	return Proposal{Invoice: d.inv.Clone(), Takes: takes, Missing: d.missing, Sources: d.sources, Terms: terms}
}

// drafter fills one invoice.
type drafter struct {
	*completer
	inv     *invoice.Invoice
	missing []MissingField
	sources []Source
}

// miss notes a missing value, once for each path.
func (d *drafter) miss(path, term, format string, args ...any) {
	if slices.ContainsFunc(d.missing, func(m MissingField) bool { return m.Path == path }) {
		return
	}
	d.missing = append(d.missing, MissingField{Path: path, Term: term, Why: fmt.Sprintf(format, args...)})
}

func (d *drafter) source(path, term, value, from string) {
	d.sources = append(d.sources, Source{Path: path, Term: term, Value: value, From: from})
}

// head fills the fields of the invoice as a whole that the order has.
func (d *drafter) head(note *order.Delivery) {
	o, inv := d.in.Order, d.inv
	inv.TypeCode = typeInvoice
	if o.IsReturn() {
		inv.TypeCode = typeCreditNote
	}
	inv.Currency = o.Currency
	inv.Process = invoice.ProcessControl{Specification: Specification, BusinessProcess: BusinessProcess}
	inv.PurchaseOrderReference = o.Number
	inv.SalesOrderReference = o.SalesOrderNumber
	inv.ContractReference = o.ContractReference
	inv.ProjectReference = o.ProjectReference
	inv.TenderReference = o.TenderReference
	inv.PrecedingInvoices = o.PrecedingInvoices
	inv.SupportingDocuments = o.Attachments
	inv.Period = o.Period
	if note != nil {
		inv.DespatchAdviceReference = note.ID
	}
	customer := d.customer()
	inv.BuyerReference = d.fill("buyer_reference", "BT-10", o.BuyerReference, customer.BuyerReference, d.customerName)
	inv.BuyerAccountingReference = d.fill("buyer_accounting_reference", "BT-19",
		o.AccountingReference, customer.AccountingReference, d.customerName)
	if t := o.Totals; t != nil && t.Prepaid != nil && !t.Prepaid.IsZero() {
		d.miss("totals.paid", "BT-113", "the order says that %s %s is prepaid; no record tells what was received",
			t.Prepaid, o.Currency)
	}
}

// fill takes the order's value or else the record's, noting the source.
func (d *drafter) fill(path, term, ordered, recorded, from string) string {
	if ordered != "" || recorded == "" {
		return ordered
	}
	d.source(path, term, recorded, from)
	return recorded
}

// fillIdentifier is fill for identifiers.
func (d *drafter) fillIdentifier(path, term string, ordered, recorded invoice.Identifier, from string) invoice.Identifier {
	if !ordered.IsZero() || recorded.IsZero() {
		return ordered
	}
	d.source(path, term, recorded.Value, from)
	return recorded
}

// line adds the invoice line for a quantity of an order line.
func (d *drafter) line(i int, before, quantity invoice.Decimal) {
	o := &d.in.Order.Lines[i]
	n := len(d.inv.Lines)
	path := fmt.Sprintf("lines[%d]", n)
	line := invoice.Line{
		ID:                       strconv.Itoa(n + 1),
		Quantity:                 quantity,
		OrderLineReference:       o.ID,
		BuyerAccountingReference: o.AccountingReference,
		Item:                     d.item(path, o, d.items[i]),
	}
	if o.Period != nil {
		line.Period = &invoice.LinePeriod{Start: o.Period.Start, End: o.Period.End}
	}
	item := d.items[i]
	line.Unit = d.fill(path+".unit", "BT-130", o.Unit, item.Value.Unit, item.name())
	if line.Unit == "" {
		d.miss(path+".unit", "BT-130", "order line %s has no unit and %s", o.ID, item.lacks("unit"))
	}
	line.VAT = d.lineVAT(path, i)
	if o.Price == nil {
		d.miss(path+".price.net", "BT-146", "order line %s has no price", o.ID)
	} else {
		line.Price = *o.Price
		s := sharing{before, before.Add(quantity), o.Quantity, invoice.CurrencyDecimals(d.inv.Currency)}
		line.Allowances = s.allowances(o.Allowances, o.Price)
		line.Charges = s.allowances(o.Charges, o.Price)
		for i, a := range line.Allowances {
			d.needReason(fmt.Sprintf("%s.allowances[%d]", path, i), "BT-139", a.Reason, a.ReasonCode)
		}
		for i, a := range line.Charges {
			d.needReason(fmt.Sprintf("%s.charges[%d]", path, i), "BT-144", a.Reason, a.ReasonCode)
		}
		if !before.IsZero() {
			s.settle(&line, s.gross(o.Price).Sub(sumOf(line.Allowances)).Add(sumOf(line.Charges)))
		}
	}
	d.inv.Lines = append(d.inv.Lines, line)
}

// item is what the order says of the item, completed from its record.
func (d *drafter) item(path string, o *order.Line, record itemRecord) invoice.Item {
	item, r, from := o.Item, record.Value, record.name()
	path += ".item"
	item.Name = d.fill(path+".name", "BT-153", item.Name, r.Name, from)
	item.Description = d.fill(path+".description", "BT-154", item.Description, r.Description, from)
	item.SellerID = d.fill(path+".seller_id", "BT-155", item.SellerID, r.SellerID, from)
	item.StandardID = d.fillIdentifier(path+".standard_id", "BT-157", item.StandardID, r.StandardID, from)
	item.OriginCountry = d.fill(path+".origin_country", "BT-159", item.OriginCountry, r.OriginCountry, from)
	if len(item.Classifications) == 0 && len(r.Classifications) > 0 {
		item.Classifications = r.Classifications
		d.source(path+".classifications", "BT-158", r.Classifications[0].Value, from)
	}
	if item.Name == "" {
		d.miss(path+".name", "BT-153", "order line %s does not name the item and %s", o.ID, record.lacks("name"))
	}
	return item
}

// lineVAT is how the line is taxed: as the order says or else its item's record.
func (d *drafter) lineVAT(path string, i int) invoice.LineVAT {
	vat := d.vats[i]
	switch {
	case vat.category == "":
		d.miss(path+".vat.category", "BT-151", "%s", vat.why)
	case vat.rate == nil && vat.category != "O":
		d.miss(path+".vat.rate", "BT-152", "VAT category %s of order line %s has no rate", vat.category, d.in.Order.Lines[i].ID)
	}
	if vat.from != "" {
		d.source(path+".vat", "BG-30", vat.String(), vat.from)
	}
	d.exemption(vat)
	return invoice.LineVAT{Category: vat.category, Rate: vat.rate}
}

// exemption keeps the reason why no VAT is charged for its category (BG-23).
func (d *drafter) exemption(vat taxed) {
	if vat.category == "" || vat.reason == "" && vat.reasonCode == "" {
		return
	}
	for i := range d.inv.VATBreakdown {
		b := &d.inv.VATBreakdown[i]
		if b.Category != vat.category || !equalRates(b.Rate, vat.rate) {
			continue
		}
		if b.ExemptionReason != vat.reason || b.ExemptionReasonCode != vat.reasonCode {
			d.miss(fmt.Sprintf("vat_breakdown[%d].exemption_reason", i), "BT-120",
				"lines give different exemption reasons for VAT category %s: %q and %q", b.Category,
				b.ExemptionReasonCode+" "+b.ExemptionReason, vat.reasonCode+" "+vat.reason)
		}
		return
	}
	d.inv.VATBreakdown = append(d.inv.VATBreakdown, invoice.VATBreakdown{
		Category: vat.category, Rate: vat.rate,
		ExemptionReason: vat.reason, ExemptionReasonCode: vat.reasonCode,
	})
}

func equalRates(a, b *invoice.Decimal) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}
