package requirements

import (
	"fmt"
	"maps"
	"slices"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/i18n"
)

var (
	one     = invoice.NewDecimal(1, 0)
	hundred = invoice.NewDecimal(100, 0)
)

// againstOrder compares prices and quantities with the order's.
func (k *checking) againstOrder() {
	a, o := k.profile.AgainstOrder, k.subject.Order
	switch {
	case a == nil:
		return
	case o == nil:
		k.finds(keyNoOrder, "BT-13", "purchase_order_reference", k.inv.PurchaseOrderReference)
		return
	}
	if n := k.inv.PurchaseOrderReference; n != "" && n != o.Number {
		k.finds(keyOrderNumber, "BT-13", "purchase_order_reference", n, i18n.A("order", shorten(o.Number)))
	}
	if o.Currency != "" && o.Currency != k.inv.Currency {
		k.finds(keyOrderCurrency, "BT-5", "currency", k.inv.Currency, i18n.A("currency", o.Currency))
		return
	}
	taken := map[string]invoice.Decimal{}
	last := map[string]int{} // the last invoice line for an order line
	for i := range k.inv.Lines {
		l := &k.inv.Lines[i]
		path := fmt.Sprintf("lines[%d]", i)
		ordered := k.orderLine(l)
		switch {
		case ordered == nil && !a.OtherLines:
			k.line(l, keyOtherLine, "BT-132", path+".order_line_reference", l.OrderLineReference, i18n.A("order", shorten(o.Number)))
		case ordered == nil:
		case ordered.Unit != "" && ordered.Unit != l.Unit:
			k.line(l, keyOrderUnit, "BT-130", path+".unit", l.Unit, i18n.A("unit", ordered.Unit))
		default:
			taken[ordered.ID] = taken[ordered.ID].Add(l.Quantity)
			last[ordered.ID] = i
			if a.Price != nil {
				k.price(l, ordered, path)
			}
		}
	}
	// What a credit note takes back of a purchase is no quantity of its order.
	if a.Quantity != nil && k.inv.IsCreditNote() == o.IsReturn() {
		for _, id := range slices.Sorted(maps.Keys(taken)) {
			k.quantity(k.orderLines[id], taken[id], last[id])
		}
	}
}

// orderLine finds the order's line that a line bills, or nil. A line of another
// order, when an invoice collects several, is none of it.
func (k *checking) orderLine(l *invoice.Line) *order.Line {
	if e := l.Extensions; e != nil && e.OrderReference != "" && e.OrderReference != k.subject.Order.Number {
		return nil
	}
	return k.orderLines[l.OrderLineReference]
}

// linesByID lists the lines of an order, if there is one.
func linesByID(o *order.Order) map[string]*order.Line {
	if o == nil {
		return nil
	}
	lines := make(map[string]*order.Line, len(o.Lines))
	for i := range o.Lines {
		lines[o.Lines[i].ID] = &o.Lines[i]
	}
	delete(lines, "")
	return lines
}

func (k *checking) line(l *invoice.Line, key i18n.Key, term, path, value string, args ...i18n.Arg) {
	k.find(string(key), term, path, value, k.ofLine(l.ID)+words.Text(k.lang, key, args...))
}

// price compares the prices of a unit. Both are brought to the same quantity by
// multiplying, so that nothing is rounded.
func (k *checking) price(l *invoice.Line, ordered *order.Line, path string) {
	if ordered.Price == nil {
		k.line(l, keyOrderNoPrice, "BT-146", path+".price.net", l.Price.Net.String())
		return
	}
	base, orderedBase := baseQuantity(l.Price), baseQuantity(*ordered.Price)
	invoiced := l.Price.Net.Mul(orderedBase)
	wanted := ordered.Price.Net.Mul(base)
	if !k.profile.AgainstOrder.Price.allows(invoiced.Sub(wanted).Abs(), wanted, base.Mul(orderedBase)) {
		k.line(l, keyPrice, "BT-146", path+".price.net", l.Price.Net.String(), i18n.A("ordered", ordered.Price.Net.String()))
	}
}

func baseQuantity(p invoice.Price) invoice.Decimal {
	if p.BaseQuantity == nil || p.BaseQuantity.Sign() <= 0 {
		return one
	}
	return *p.BaseQuantity
}

// quantity compares what has been invoiced of an order line, all in all, with
// what was ordered.
func (k *checking) quantity(ordered *order.Line, taken invoice.Decimal, line int) {
	before := k.subject.BilledBefore[ordered.ID]
	more := before.Add(taken).Sub(ordered.Quantity)
	if more.Sign() <= 0 || k.profile.AgainstOrder.Quantity.allows(more, ordered.Quantity, one) {
		return
	}
	l := &k.inv.Lines[line]
	k.line(l, keyQuantity, "BT-129", fmt.Sprintf("lines[%d].quantity", line), taken.String(),
		i18n.A("before", before.String()), i18n.A("ordered", ordered.Quantity.String()))
}

// allows tells whether a difference is within the tolerance of a wanted value.
// Both are in units of 1/scale.
func (t Tolerance) allows(difference, wanted, scale invoice.Decimal) bool {
	if t.Absolute != nil && difference.Cmp(t.Absolute.Mul(scale)) <= 0 {
		return true
	}
	percent := invoice.Decimal{}
	if t.Percent != nil {
		percent = *t.Percent
	}
	return difference.Mul(hundred).Cmp(wanted.Abs().Mul(percent)) <= 0
}
