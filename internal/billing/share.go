package billing

import (
	"fmt"

	"facteur.dev/facteur/formats/invoice"
)

// share is the part of an amount that belongs between two moments of an order,
// when done/whole of it was invoiced at each. The parts of all steps add up to
// the amount, because each is the difference of two rounded running totals.
func share(amount, before, after, whole invoice.Decimal, places int32) invoice.Decimal {
	running := func(done invoice.Decimal) invoice.Decimal {
		return amount.Mul(done).Div(whole, places)
	}
	return running(after).Sub(running(before))
}

// lineAllowances shares allowances or charges of a line by quantity. A part with
// a percentage grows beyond the ordered quantity when a tolerance lets more be
// invoiced; a fixed amount never exceeds what was agreed.
func (d *drafter) lineAllowances(list []invoice.LineAllowanceCharge, before, after, ordered invoice.Decimal) []invoice.LineAllowanceCharge {
	places := invoice.CurrencyDecimals(d.inv.Currency)
	var shared []invoice.LineAllowanceCharge
	for _, a := range list {
		from, to := before, after
		if a.Percentage == nil {
			from, to = smaller(from, ordered), smaller(to, ordered)
		}
		if !a.Amount.IsZero() {
			a.Amount = share(a.Amount, from, to, ordered, places)
		}
		if a.BaseAmount != nil {
			a.BaseAmount = share(*a.BaseAmount, from, to, ordered, places).Ptr()
		}
		if a.Amount.IsZero() && a.Percentage == nil {
			continue
		}
		shared = append(shared, a)
	}
	return shared
}

// progress is how much of the order's value was invoiced before and after a step.
type progress struct{ done, whole invoice.Decimal }

// progress measures by value at the order's prices; what is invoiced beyond the
// ordered quantity does not count. An order without value is done when all its
// quantities are.
func (c *completer) progress(s step) (before, after progress) {
	complete := true
	for i := range c.in.Order.Lines {
		line := &c.in.Order.Lines[i]
		done := s.before[line.ID]
		next := done.Add(s.takes[line.ID])
		complete = complete && next.Cmp(line.Quantity) >= 0
		before.done = before.done.Add(c.value(i, smaller(done, line.Quantity)))
		after.done = after.done.Add(c.value(i, smaller(next, line.Quantity)))
		after.whole = after.whole.Add(c.value(i, line.Quantity))
	}
	if after.whole.IsZero() {
		after.whole = invoice.NewDecimal(1, 0)
		if complete {
			after.done = after.whole
		}
	}
	before.whole = after.whole
	return before, after
}

// value is what a quantity of an order line is worth at its price.
func (c *completer) value(i int, quantity invoice.Decimal) invoice.Decimal {
	p := c.in.Order.Lines[i].Price
	if p == nil {
		return zero
	}
	base := invoice.NewDecimal(1, 0)
	if p.BaseQuantity != nil {
		base = *p.BaseQuantity
	}
	return quantity.Mul(p.Net).Div(base, 20)
}

// documentAllowances shares allowances or charges of the order by value.
func (d *drafter) documentAllowances(name string, list []invoice.AllowanceCharge, before, after progress) []invoice.AllowanceCharge {
	places := invoice.CurrencyDecimals(d.inv.Currency)
	var shared []invoice.AllowanceCharge
	for i, a := range list {
		a.Amount = share(a.Amount, before.done, after.done, after.whole, places)
		if a.BaseAmount != nil {
			a.BaseAmount = share(*a.BaseAmount, before.done, after.done, after.whole, places).Ptr()
		}
		if a.Amount.IsZero() && (a.Percentage == nil || a.BaseAmount == nil || a.BaseAmount.IsZero()) {
			continue
		}
		path := fmt.Sprintf("%s[%d]", name, len(shared))
		d.allowanceVAT(name, path, i, &a)
		shared = append(shared, a)
	}
	return shared
}

// allowanceVAT completes the VAT of an allowance or charge. Where the order does
// not say and all its lines are taxed alike, there is only one VAT it can have.
func (d *drafter) allowanceVAT(name, path string, i int, a *invoice.AllowanceCharge) {
	category, rate := "BT-95", "BT-96"
	if name == "charges" {
		category, rate = "BT-102", "BT-103"
	}
	if a.VATCategory == "" {
		vat, ok := d.onlyVAT()
		if !ok {
			d.miss(path+".vat_category", category, "%s %d of the order has no VAT category and the lines have different ones", name, i+1)
			return
		}
		a.VATCategory, a.VATRate = vat.category, vat.rate
		d.source(path+".vat_category", category, vat.String(), "VAT of all lines")
	}
	if a.VATRate == nil {
		if a.VATRate = impliedRate(a.VATCategory); a.VATRate == nil && a.VATCategory != "O" {
			d.miss(path+".vat_rate", rate, "VAT category %s of %s %d has no rate", a.VATCategory, name, i+1)
		}
	}
}

// onlyVAT is the VAT that all lines of the order have in common.
func (c *completer) onlyVAT() (taxed, bool) {
	first := c.vats[0]
	for _, v := range c.vats {
		if v.category == "" || v.category != first.category || !equalRates(v.rate, first.rate) {
			return taxed{}, false
		}
	}
	return first, true
}
