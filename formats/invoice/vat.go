package invoice

var hundred = NewDecimal(100, 0)

// exemptionCodes are the VATEX codes that say no more than the category does.
var exemptionCodes = map[string]string{
	"AE": "VATEX-EU-AE",
	"K":  "VATEX-EU-IC",
	"G":  "VATEX-EU-G",
	"O":  "VATEX-EU-O",
}

// ratedCategory tells whether VAT of the category has a rate that counts:
// standard, IGIC, IPSI and split payment. The others are at zero.
func ratedCategory(category string) bool {
	return category == "S" || category == "L" || category == "M" || category == "B"
}

// sameVAT tells whether two pairs of category and rate belong together. The
// rate counts only where the category has one.
func sameVAT(category1 string, rate1 *Decimal, category2 string, rate2 *Decimal) bool {
	return category1 == category2 &&
		(!ratedCategory(category1) || valueOf(rate1).Equal(valueOf(rate2)))
}

// vatGroups sums line net amounts and document level allowances and charges up
// by VAT category and rate, in order of appearance, without the tax.
func vatGroups(inv *Invoice) []VATBreakdown {
	var groups []VATBreakdown
	add := func(category string, rate *Decimal, amount Decimal) {
		for i := range groups {
			if g := &groups[i]; sameVAT(g.Category, g.Rate, category, rate) {
				g.TaxableAmount = g.TaxableAmount.Add(amount)
				return
			}
		}
		groups = append(groups, VATBreakdown{
			Category: category, Rate: groupRate(category, rate), TaxableAmount: amount,
		})
	}
	for i := range inv.Lines {
		l := &inv.Lines[i]
		add(l.VAT.Category, l.VAT.Rate, l.NetAmount)
	}
	for i := range inv.Allowances {
		a := &inv.Allowances[i]
		add(a.VATCategory, a.VATRate, a.Amount.Neg())
	}
	for i := range inv.Charges {
		a := &inv.Charges[i]
		add(a.VATCategory, a.VATRate, a.Amount)
	}
	return groups
}

// groupRate is the rate of a breakdown entry (BT-119): none for category O, and
// 0 where the category implies it (BR-48).
func groupRate(category string, rate *Decimal) *Decimal {
	switch {
	case category == "O":
		return nil
	case rate == nil:
		return new(Decimal)
	default:
		return rate.Ptr()
	}
}

// vatOf is the VAT of an amount, rounded.
func vatOf(amount Decimal, rate *Decimal, places int32) Decimal {
	return amount.Mul(valueOf(rate)).Div(hundred, places)
}

func valueOf(d *Decimal) Decimal {
	if d == nil {
		return Decimal{}
	}
	return *d
}

// baseQuantity is BT-149, or 1 when it is absent.
func (p Price) baseQuantity() Decimal {
	if p.BaseQuantity == nil {
		return NewDecimal(1, 0)
	}
	return *p.BaseQuantity
}

func sumLines(lines []Line) Decimal {
	var sum Decimal
	for i := range lines {
		sum = sum.Add(lines[i].NetAmount)
	}
	return sum
}

func sumAllowanceCharges(list []AllowanceCharge) Decimal {
	var sum Decimal
	for i := range list {
		sum = sum.Add(list[i].Amount)
	}
	return sum
}

func sumVAT(list []VATBreakdown) Decimal {
	var sum Decimal
	for i := range list {
		sum = sum.Add(list[i].TaxAmount)
	}
	return sum
}

func (inv *Invoice) thirdPartyPayments() Decimal {
	var sum Decimal
	if inv.Extensions != nil {
		for _, p := range inv.Extensions.ThirdPartyPayments {
			sum = sum.Add(p.Amount)
		}
	}
	return sum
}
