package requirements

import (
	"fmt"
	"slices"

	"facteur.dev/facteur/formats/invoice"
)

// field is a term that Profile.Fields can ask for.
type field struct {
	name string
	term string
	// identifier says that values have schemes.
	identifier bool
	// many says that the term may stand in the invoice more than once, and that
	// one of them in an accepted scheme is enough.
	many bool
	// values lists what the invoice says. A place without value is one where the
	// term is missing.
	values func(*invoice.Invoice) []value
}

// value is a term at its place in an invoice.
type value struct {
	path string
	invoice.Identifier
	line string // the invoice line it belongs to (BT-126), if any
}

// fields are the terms that Profile.Fields can ask for, in the order in which
// they are checked.
var fields = []field{
	reference("order_reference", "BT-13", "purchase_order_reference", "extensions.order_reference",
		func(inv *invoice.Invoice) string { return inv.PurchaseOrderReference },
		func(e *invoice.LineExtensions) string { return e.OrderReference }),
	text("buyer_reference", "BT-10", "buyer_reference", func(inv *invoice.Invoice) string { return inv.BuyerReference }),
	text("cost_centre", "BT-19", "buyer_accounting_reference", func(inv *invoice.Invoice) string { return inv.BuyerAccountingReference }),
	text("contract_reference", "BT-12", "contract_reference", func(inv *invoice.Invoice) string { return inv.ContractReference }),
	text("project_reference", "BT-11", "project_reference", func(inv *invoice.Invoice) string { return inv.ProjectReference }),
	reference("delivery_note_reference", "BT-16", "despatch_advice_reference", "extensions.despatch_advice_reference",
		func(inv *invoice.Invoice) string { return inv.DespatchAdviceReference },
		func(e *invoice.LineExtensions) string { return e.DespatchAdviceReference }),
	text("payment_terms", "BT-20", "payment_terms", func(inv *invoice.Invoice) string { return inv.PaymentTerms }),
	{name: "seller_identifier", term: "BT-29", identifier: true, many: true, values: func(inv *invoice.Invoice) []value {
		if len(inv.Seller.Identifiers) == 0 {
			return []value{{path: "seller.identifiers"}}
		}
		var out []value
		for i, id := range inv.Seller.Identifiers {
			out = append(out, value{path: fmt.Sprintf("seller.identifiers[%d]", i), Identifier: id})
		}
		return out
	}},
	identifier("seller_registration", "BT-30", "seller.legal_registration", func(inv *invoice.Invoice) invoice.Identifier { return inv.Seller.LegalRegistration }),
	text("seller_vat", "BT-31", "seller.vat_identifier", func(inv *invoice.Invoice) string { return inv.Seller.VATIdentifier }),
	identifier("seller_endpoint", "BT-34", "seller.electronic_address", func(inv *invoice.Invoice) invoice.Identifier { return inv.Seller.ElectronicAddress }),
	identifier("buyer_identifier", "BT-46", "buyer.identifier", func(inv *invoice.Invoice) invoice.Identifier { return inv.Buyer.Identifier }),
	identifier("buyer_registration", "BT-47", "buyer.legal_registration", func(inv *invoice.Invoice) invoice.Identifier { return inv.Buyer.LegalRegistration }),
	text("buyer_vat", "BT-48", "buyer.vat_identifier", func(inv *invoice.Invoice) string { return inv.Buyer.VATIdentifier }),
	identifier("buyer_endpoint", "BT-49", "buyer.electronic_address", func(inv *invoice.Invoice) invoice.Identifier { return inv.Buyer.ElectronicAddress }),
	identifier("delivery_location", "BT-71", "delivery.location", func(inv *invoice.Invoice) invoice.Identifier {
		if inv.Delivery == nil {
			return invoice.Identifier{}
		}
		return inv.Delivery.Location
	}),
	lineText("order_line_reference", "BT-132", "order_line_reference", func(l *invoice.Line) string { return l.OrderLineReference }),
	lineText("line_cost_centre", "BT-133", "buyer_accounting_reference", func(l *invoice.Line) string { return l.BuyerAccountingReference }),
	lineText("item_seller_identifier", "BT-155", "item.seller_id", func(l *invoice.Line) string { return l.Item.SellerID }),
	lineText("item_buyer_identifier", "BT-156", "item.buyer_id", func(l *invoice.Line) string { return l.Item.BuyerID }),
	{name: "item_standard_identifier", term: "BT-157", identifier: true, values: func(inv *invoice.Invoice) []value {
		return ofLines(inv, "item.standard_id", func(l *invoice.Line) invoice.Identifier { return l.Item.StandardID })
	}},
}

// FieldNames lists the names that Profile.Fields and Profile.RequireAny take.
func FieldNames() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func fieldNamed(name string) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

func text(name, term, path string, of func(*invoice.Invoice) string) field {
	return field{name: name, term: term, values: func(inv *invoice.Invoice) []value {
		return []value{{path: path, Identifier: invoice.Identifier{Value: of(inv)}}}
	}}
}

func identifier(name, term, path string, of func(*invoice.Invoice) invoice.Identifier) field {
	return field{name: name, term: term, identifier: true, values: func(inv *invoice.Invoice) []value {
		return []value{{path: path, Identifier: of(inv)}}
	}}
}

func lineText(name, term, path string, of func(*invoice.Line) string) field {
	return field{name: name, term: term, values: func(inv *invoice.Invoice) []value {
		return ofLines(inv, path, func(l *invoice.Line) invoice.Identifier { return invoice.Identifier{Value: of(l)} })
	}}
}

// reference is a reference of the invoice that its lines may have instead, when
// an invoice collects several orders or deliveries. It is missing when neither
// the invoice nor all of its lines have it.
func reference(name, term, path, linePath string, of func(*invoice.Invoice) string, ofLine func(*invoice.LineExtensions) string) field {
	return field{name: name, term: term, values: func(inv *invoice.Invoice) []value {
		var lines []value
		for i := range inv.Lines {
			l := &inv.Lines[i]
			if l.Extensions != nil && ofLine(l.Extensions) != "" {
				lines = append(lines, value{fmt.Sprintf("lines[%d].%s", i, linePath), invoice.Identifier{Value: ofLine(l.Extensions)}, l.ID})
			}
		}
		head := of(inv)
		if head == "" && len(lines) > 0 && len(lines) == len(inv.Lines) {
			return lines
		}
		return append([]value{{path: path, Identifier: invoice.Identifier{Value: head}}}, lines...)
	}}
}

func ofLines(inv *invoice.Invoice, path string, of func(*invoice.Line) invoice.Identifier) []value {
	out := make([]value, len(inv.Lines))
	for i := range inv.Lines {
		l := &inv.Lines[i]
		out[i] = value{path: fmt.Sprintf("lines[%d].%s", i, path), Identifier: of(l), line: l.ID}
	}
	return out
}
