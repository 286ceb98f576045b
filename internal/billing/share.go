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

// sharing is the part of a line between two quantities: before and after of whole.
type sharing struct {
	before, after, whole invoice.Decimal
	places               int32
}

func (s sharing) quantity() invoice.Decimal { return s.after.Sub(s.before) }

// gross is the running total of quantity × price between the two quantities.
func (s sharing) gross(p *invoice.Price) invoice.Decimal {
	return grossOf(s.after, p, s.places).Sub(grossOf(s.before, p, s.places))
}

// allowances shares allowances or charges by quantity. A part with a percentage
// grows beyond the whole quantity when a tolerance lets more be invoiced; a fixed
// amount never exceeds what was agreed.
func (s sharing) allowances(list []invoice.LineAllowanceCharge, price *invoice.Price) []invoice.LineAllowanceCharge {
	var shared []invoice.LineAllowanceCharge
	for _, a := range list {
		before, after := s.before, s.after
		if a.Percentage == nil {
			before, after = atMost(before, s.whole), atMost(after, s.whole)
		} else if a.Amount.IsZero() {
			if a.BaseAmount == nil {
				a.BaseAmount = grossOf(s.whole, price, s.places).Ptr()
			}
			a.Amount = percentOf(*a.BaseAmount, *a.Percentage, s.places)
		}
		a.Amount = share(a.Amount, before, after, s.whole, s.places)
		if a.BaseAmount != nil {
			a.BaseAmount = share(*a.BaseAmount, before, after, s.whole, s.places).Ptr()
		}
		if !a.Amount.IsZero() {
			shared = append(shared, a)
		}
	}
	return shared
}

// atMost caps a quantity at the whole, which may be negative.
func atMost(quantity, whole invoice.Decimal) invoice.Decimal {
	if quantity.Abs().Cmp(whole.Abs()) > 0 {
		return whole
	}
	return quantity
}

// settle makes the line amount that invoice.Calculate will find come to net: the
// cents that rounding makes several partial lines differ from one whole line are
// written as an allowance or a charge.
func (s sharing) settle(line *invoice.Line, net invoice.Decimal) {
	found := grossOf(line.Quantity, &line.Price, s.places)
	found = found.Sub(sumOf(line.Allowances)).Add(sumOf(line.Charges))
	switch diff := found.Sub(net); diff.Sign() {
	case 1:
		line.Allowances = append(line.Allowances, invoice.LineAllowanceCharge{Amount: diff, Reason: roundingReason})
	case -1:
		line.Charges = append(line.Charges, invoice.LineAllowanceCharge{Amount: diff.Neg(), Reason: roundingReason})
	}
}

const roundingReason = "Rounding"

// grossOf is quantity × price, rounded as invoice.Calculate does.
func grossOf(quantity invoice.Decimal, p *invoice.Price, places int32) invoice.Decimal {
	return quantity.Mul(p.Net).Div(baseQuantity(p), places)
}

func baseQuantity(p *invoice.Price) invoice.Decimal {
	if p.BaseQuantity == nil {
		return invoice.NewDecimal(1, 0)
	}
	return *p.BaseQuantity
}

func percentOf(base, percentage invoice.Decimal, places int32) invoice.Decimal {
	return base.Mul(percentage).Div(hundred, places)
}

func sumOf(list []invoice.LineAllowanceCharge) invoice.Decimal {
	var sum invoice.Decimal
	for i := range list {
		sum = sum.Add(list[i].Amount)
	}
	return sum
}

// progress is how much of a document's value was settled before and after a step.
type progress struct{ before, after, whole invoice.Decimal }

// orAll is the progress when the lines have no value: what there is to share belongs to
// the step that completes them.
func (p progress) orAll(complete bool) progress {
	if p.whole.IsZero() {
		p = progress{whole: invoice.NewDecimal(1, 0)}
		if complete {
			p.after = p.whole
		}
	}
	return p
}

// share is the part of an allowance or charge of the document that belongs to the
// step; its amount is zero when there is none.
func (p progress) share(a invoice.AllowanceCharge, places int32) invoice.AllowanceCharge {
	if a.Amount.IsZero() && a.Percentage != nil && a.BaseAmount != nil {
		a.Amount = percentOf(*a.BaseAmount, *a.Percentage, places)
	}
	a.Amount = share(a.Amount, p.before, p.after, p.whole, places)
	if a.BaseAmount != nil {
		a.BaseAmount = share(*a.BaseAmount, p.before, p.after, p.whole, places).Ptr()
	}
	return a
}

// progress measures by value at the order's prices; what is invoiced beyond the
// ordered quantity does not count.
func (c *completer) progress(s *step) progress {
	var p progress
	if len(c.in.Order.Allowances)+len(c.in.Order.Charges) == 0 {
		return p
	}
	complete := true
	for i := range c.in.Order.Lines {
		line := &c.in.Order.Lines[i]
		done := s.before[line.ID]
		next := done.Add(s.takes[line.ID])
		complete = complete && next.Cmp(line.Quantity) >= 0
		if line.Price != nil {
			p.before = p.before.Add(worth(smaller(done, line.Quantity), line.Price))
			p.after = p.after.Add(worth(smaller(next, line.Quantity), line.Price))
			p.whole = p.whole.Add(worth(line.Quantity, line.Price))
		}
	}
	return p.orAll(complete)
}

// worth is what a quantity is worth at a price, hardly rounded.
func worth(quantity invoice.Decimal, p *invoice.Price) invoice.Decimal {
	return grossOf(quantity, p, 20)
}

// documentAllowances shares allowances or charges of the order by value.
func (d *drafter) documentAllowances(name string, list []invoice.AllowanceCharge, p progress) []invoice.AllowanceCharge {
	places := invoice.CurrencyDecimals(d.inv.Currency)
	var shared []invoice.AllowanceCharge
	for i, a := range list {
		path := fmt.Sprintf("%s[%d]", name, len(shared))
		if a.Amount.IsZero() && a.Percentage != nil && a.BaseAmount == nil {
			d.miss(path+".base_amount", map[string]string{"allowances": "BT-93", "charges": "BT-100"}[name],
				"%s[%d] of the order has a percentage, but neither base nor amount", name, i)
			continue
		}
		if a = p.share(a, places); !a.Amount.IsZero() {
			d.needReason(path, map[string]string{"allowances": "BT-97", "charges": "BT-104"}[name], a.Reason, a.ReasonCode)
			d.allowanceVAT(name, path, i, &a)
			shared = append(shared, a)
		}
	}
	return shared
}

// needReason finds an allowance or charge that does not say why (BR-33, BR-38,
// BR-42, BR-44).
func (d *drafter) needReason(path, term, reason, code string) {
	if reason == "" && code == "" {
		d.miss(path+".reason", term, "the order does not say what the allowance or charge is for")
	}
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
			d.miss(path+".vat_category", category, "%s[%d] of the order has no VAT category, and the lines have different ones", name, i)
			return
		}
		a.VATCategory, a.VATRate = vat.category, vat.rate
		d.source(path+".vat_category", category, vat.String(), "VAT of all lines")
	}
	if a.VATRate == nil {
		if a.VATRate = impliedRate(a.VATCategory); a.VATRate == nil && a.VATCategory != "O" {
			d.miss(path+".vat_rate", rate, "VAT category %s of %s[%d] of the order has no rate", a.VATCategory, name, i)
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
