package ubl

import (
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/xmltree"
)

const nsDespatchAdvice = "urn:oasis:names:specification:ubl:schema:xsd:DespatchAdvice-2"

// ReadDespatchAdvice reads a UBL 2.1 DespatchAdvice (Peppol BIS Despatch Advice 3)
// as a delivery note. The report lists what the model does not hold. An error is
// [Errors], as from [Read]; there is no note then.
func ReadDespatchAdvice(src []byte) (*order.Delivery, Report, error) {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		return nil, Report{}, parseError(err)
	}
	r := newReader(doc)
	d := orderReader{invoiceReader: invoiceReader{reader: r, root: r.use(doc.Root())}}
	if !d.root.Is(nsDespatchAdvice, "DespatchAdvice") {
		r.fail(d.root, CodeRoot, "{%s}%s is no DespatchAdvice of UBL 2.1", d.root.Space(), d.root.Local())
		return nil, Report{}, r.errs
	}
	note := d.despatchAdvice(d.root)
	if len(r.errs) > 0 {
		return nil, Report{}, r.errs
	}
	r.unmodelled(d.root)
	return note, r.report, nil
}

func (d *orderReader) despatchAdvice(root xmltree.Node) *order.Delivery {
	d.specification(root)
	note := &order.Delivery{ID: d.text(root, "ID"), Notes: d.notes(root)}
	if note.ID == "" {
		d.missing(root, "BT-16")
	}
	if date := d.date(root, "IssueDate"); date != nil {
		note.IssueDate = *date
	}
	reference := d.group(root, "OrderReference")
	note.OrderNumber = d.text(reference, "ID")
	note.SalesOrderNumber = d.text(reference, "SalesOrderID")
	delivery := d.group(d.group(root, "Shipment"), "Delivery")
	note.Date = d.date(delivery, "ActualDeliveryDate")
	note.DeliverTo = d.deliverTo(delivery)
	for n := range d.groups(root, "DespatchLine") {
		note.Lines = append(note.Lines, d.despatchLine(n))
	}
	return note
}

func (d *orderReader) despatchLine(n xmltree.Node) order.DeliveryLine {
	quantity, unit := d.quantity(n, "DeliveredQuantity")
	reference := d.group(n, "OrderLineReference")
	l := order.DeliveryLine{
		ID:          d.text(n, "ID"),
		OrderLine:   d.text(reference, "LineID"),
		OrderNumber: d.text(d.group(reference, "OrderReference"), "ID"),
		Quantity:    d.required(quantity, n, "BT-129"),
		Unit:        unit,
		Item:        d.item(d.group(n, "Item")),
		Notes:       d.notes(n),
	}
	if l.OrderLine == "" {
		d.missing(n, "BT-132")
	}
	// The older element for what is still to come is read where the newer is not.
	outstanding, reason := "OutstandingQuantity", "OutstandingReason"
	if !n.Child(nsCBC, outstanding).Exists() {
		outstanding, reason = "BackorderQuantity", "BackorderReason"
	}
	l.Outstanding, _ = d.quantity(n, outstanding)
	l.OutstandingReason = d.text(n, reason)
	return l
}
