package invoice

import "fmt"

// Codes of the errors of [Calculate].
const (
	CodeCurrencyUnknown     = "currency.unknown"
	CodeDecimals            = "amount.decimals"
	CodeBaseMissing         = "allowance_charge.base_missing"
	CodeBaseQuantity        = "price.base_quantity"
	CodeVATCategory         = "vat.category"
	CodeVATRateMissing      = "vat.rate_missing"
	CodeVATRateNotZero      = "vat.rate_not_zero"
	CodeVATRateNegative     = "vat.rate_negative"
	CodeExchangeRateMissing = "exchange_rate.missing"
	CodeExchangeRate        = "exchange_rate.invalid"
)

// CalculateOption is an input of [Calculate] that the invoice does not carry.
type CalculateOption func(*calculation)

// WithExchangeRate gives the number of units of the VAT accounting currency
// (BT-6) for one unit of the invoice currency (BT-5), for BT-111.
func WithExchangeRate(rate Decimal) CalculateOption {
	return func(c *calculation) { c.rate = &rate }
}

// Calculate fills in every amount that follows from others:
//
//   - the amount of an allowance or charge that is zero and has a percentage:
//     base amount × percentage (BT-92, BT-99, BT-136, BT-141); on a line the
//     base amount is quantity × price where it is absent;
//   - the line net amount (BT-131): quantity × (net price ÷ base quantity) −
//     allowances + charges;
//   - the VAT breakdown (BG-23), one entry for each category and rate in order
//     of appearance;
//   - the totals BT-106 … BT-112 and BT-115. The paid amount (BT-113) and the
//     rounding amount (BT-114) are inputs;
//   - the VAT total in the accounting currency (BT-111), when there is one and
//     an exchange rate is given; an amount already there stands without a rate.
//
// Each amount is rounded once, half away from zero, to the decimals of its
// currency ([CurrencyDecimals]), so that the results satisfy BR-CO-10 …
// BR-CO-17, BR-DEC-01 … BR-DEC-28 and the sums of every VAT category.
//
// The exemption reason of a category is taken from the breakdown that was there
// before. Reverse charge, intra-community supply, export and outside scope have
// a reason code of their own (VATEX-EU-AE, -IC, -G, -O), which stands in where
// there is none.
//
// Errors are [FieldErrors]; the invoice is then unchanged. Calculating twice
// gives what calculating once gave.
func Calculate(inv *Invoice, options ...CalculateOption) error {
	c := calculation{inv: inv, places: CurrencyDecimals(inv.Currency)}
	for _, option := range options {
		option(&c)
	}
	c.check()
	if len(c.errs) > 0 {
		return c.errs
	}
	for i := range inv.Lines {
		c.line(&inv.Lines[i])
	}
	for _, list := range [][]AllowanceCharge{inv.Allowances, inv.Charges} {
		for i := range list {
			a := &list[i]
			a.Amount = c.percentage(a.Amount, a.Percentage, a.BaseAmount)
		}
	}
	c.breakdown()
	c.totals()
	return nil
}

type calculation struct {
	inv    *Invoice
	places int32
	rate   *Decimal
	errs   FieldErrors
}

func (c *calculation) line(l *Line) {
	gross := l.Quantity.Mul(l.Price.Net).Div(l.Price.baseQuantity(), c.places)
	net := gross // allowances and charges have its decimals: nothing more to round
	for i := range l.Allowances {
		net = net.Sub(c.lineAllowanceCharge(&l.Allowances[i], gross))
	}
	for i := range l.Charges {
		net = net.Add(c.lineAllowanceCharge(&l.Charges[i], gross))
	}
	l.NetAmount = net
}

func (c *calculation) lineAllowanceCharge(a *LineAllowanceCharge, gross Decimal) Decimal {
	if a.Percentage != nil && a.Amount.IsZero() && a.BaseAmount == nil {
		a.BaseAmount = gross.Ptr()
	}
	a.Amount = c.percentage(a.Amount, a.Percentage, a.BaseAmount)
	return a.Amount
}

// percentage is the amount as given or, when it is zero, the share of the base.
func (c *calculation) percentage(amount Decimal, percentage, base *Decimal) Decimal {
	if percentage == nil || base == nil || !amount.IsZero() {
		return amount.Round(c.places)
	}
	return base.Mul(*percentage).Div(hundred, c.places)
}

func (c *calculation) breakdown() {
	groups := vatGroups(c.inv)
	for i := range groups {
		g := &groups[i]
		g.TaxableAmount = g.TaxableAmount.Round(c.places)
		g.TaxAmount = vatOf(g.TaxableAmount, g.Rate, c.places)
		for _, old := range c.inv.VATBreakdown {
			if sameVAT(old.Category, old.Rate, g.Category, g.Rate) {
				g.ExemptionReason, g.ExemptionReasonCode = old.ExemptionReason, old.ExemptionReasonCode
			}
		}
		if g.ExemptionReason == "" && g.ExemptionReasonCode == "" {
			g.ExemptionReasonCode = exemptionCodes[g.Category]
		}
	}
	c.inv.VATBreakdown = groups
}

func (c *calculation) totals() {
	inv, t := c.inv, &c.inv.Totals
	t.LineNet = sumLines(inv.Lines).Round(c.places)
	t.Allowances = c.sum(inv.Allowances)
	t.Charges = c.sum(inv.Charges)
	t.WithoutVAT = t.LineNet.Sub(valueOf(t.Allowances)).Add(valueOf(t.Charges))
	vat := sumVAT(inv.VATBreakdown).Round(c.places)
	t.VAT = &vat
	t.WithVAT = t.WithoutVAT.Add(vat)
	t.AmountDue = t.WithVAT.Sub(valueOf(t.Paid)).Add(valueOf(t.Rounding)).
		Add(inv.thirdPartyPayments()).Round(c.places)
	switch {
	case inv.VATCurrency == "":
		t.VATInAccountingCurrency = nil
	case c.rate != nil:
		t.VATInAccountingCurrency = vat.Mul(*c.rate).Round(CurrencyDecimals(inv.VATCurrency)).Ptr()
	}
}

// sum adds allowances or charges up; without any there is no sum.
func (c *calculation) sum(list []AllowanceCharge) *Decimal {
	if len(list) == 0 {
		return nil
	}
	return sumAllowanceCharges(list).Round(c.places).Ptr()
}

// check finds everything that keeps the invoice from being calculated.
func (c *calculation) check() {
	inv := c.inv
	if !KnownCurrency(inv.Currency) {
		c.errs.add("currency", CodeCurrencyUnknown, "BT-5", "unknown currency %.10q", inv.Currency)
	}
	for i := range inv.Lines {
		c.checkLine(&inv.Lines[i], fmt.Sprintf("lines[%d]", i))
	}
	c.checkAllowanceCharges(inv.Allowances, "allowances",
		allowanceChargeTerms{amount: "BT-92", base: "BT-93", category: "BT-95", rate: "BT-96"})
	c.checkAllowanceCharges(inv.Charges, "charges",
		allowanceChargeTerms{amount: "BT-99", base: "BT-100", category: "BT-102", rate: "BT-103"})
	c.checkDecimals(inv.Totals.Paid, "totals.paid", "BT-113")
	c.checkDecimals(inv.Totals.Rounding, "totals.rounding", "BT-114")
	if inv.VATCurrency == "" {
		return
	}
	if !KnownCurrency(inv.VATCurrency) {
		c.errs.add("vat_currency", CodeCurrencyUnknown, "BT-6", "unknown currency %.10q", inv.VATCurrency)
	}
	switch {
	case c.rate == nil && inv.Totals.VATInAccountingCurrency == nil:
		c.errs.add("totals.vat_in_accounting_currency", CodeExchangeRateMissing, "BT-111",
			"the VAT total in %s needs an exchange rate", inv.VATCurrency)
	case c.rate != nil && c.rate.Sign() <= 0:
		c.errs.add("totals.vat_in_accounting_currency", CodeExchangeRate, "BT-111",
			"the exchange rate must be above zero")
	}
}

func (c *calculation) checkLine(l *Line, path string) {
	if l.Price.baseQuantity().Sign() <= 0 {
		c.errs.add(path+".price.base_quantity", CodeBaseQuantity, "BT-149",
			"the price base quantity must be above zero")
	}
	for i := range l.Allowances {
		c.checkDecimals(&l.Allowances[i].Amount, fmt.Sprintf("%s.allowances[%d].amount", path, i), "BT-136")
	}
	for i := range l.Charges {
		c.checkDecimals(&l.Charges[i].Amount, fmt.Sprintf("%s.charges[%d].amount", path, i), "BT-141")
	}
	c.checkVAT(l.VAT.Category, l.VAT.Rate, path+".vat.category", path+".vat.rate", "BT-151", "BT-152")
}

// allowanceChargeTerms are the terms of a document level allowance or charge.
type allowanceChargeTerms struct{ amount, base, category, rate string }

func (c *calculation) checkAllowanceCharges(list []AllowanceCharge, path string, terms allowanceChargeTerms) {
	for i := range list {
		a, p := &list[i], fmt.Sprintf("%s[%d]", path, i)
		c.checkDecimals(&a.Amount, p+".amount", terms.amount)
		if a.Percentage != nil && a.BaseAmount == nil && a.Amount.IsZero() {
			c.errs.add(p+".base_amount", CodeBaseMissing, terms.base, "a percentage needs a base amount")
		}
		c.checkVAT(a.VATCategory, a.VATRate, p+".vat_category", p+".vat_rate", terms.category, terms.rate)
	}
}

func (c *calculation) checkVAT(category string, rate *Decimal, categoryPath, ratePath, categoryTerm, rateTerm string) {
	switch {
	case !KnownVATCategory(category):
		c.errs.add(categoryPath, CodeVATCategory, categoryTerm, "unknown VAT category %.10q", category)
	case rate == nil && ratedCategory(category):
		c.errs.add(ratePath, CodeVATRateMissing, rateTerm, "VAT category %s needs a rate", category)
	case rate != nil && rate.Sign() < 0:
		c.errs.add(ratePath, CodeVATRateNegative, rateTerm, "a VAT rate is never negative")
	case rate != nil && !rate.IsZero() && !ratedCategory(category):
		c.errs.add(ratePath, CodeVATRateNotZero, rateTerm, "VAT category %s has no rate but 0", category)
	}
}

func (c *calculation) checkDecimals(d *Decimal, path, term string) {
	if d != nil && !d.Equal(d.Round(c.places)) {
		c.errs.add(path, CodeDecimals, term, "%s has more than %d decimals", d, c.places)
	}
}
