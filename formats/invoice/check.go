package invoice

import (
	"fmt"
	"strconv"
	"strings"
)

// Discrepancy is an amount that does not follow from the amounts it should
// follow from.
type Discrepancy struct {
	// Rule is the official rule that is broken: "BR-CO-15".
	Rule string `json:"rule"`
	// Term is the business term of the amount: "BT-112".
	Term string `json:"term"`
	// Path is the JSON path of the amount: "totals.with_vat".
	Path string `json:"path"`
	// Expected is what the other amounts give.
	Expected Decimal `json:"expected"`
	// Found is what the invoice says; 0 when it says nothing.
	Found Decimal `json:"found"`
}

// String states the discrepancy in one line.
func (d Discrepancy) String() string {
	return fmt.Sprintf("%s: %s (%s) is %s, expected %s", d.Rule, d.Term, d.Path, d.Found, d.Expected)
}

// Tolerances of the official rules. Amounts that differ by one unit of the
// currency or more break BR-CO-17, BR-S-08, BR-AF-08 and BR-AG-08. Line net
// amounts may differ by 0.02, and where the currency has no decimals by the half
// unit that rounding takes (the Peppol rule forgets these currencies; that of
// XRechnung has the same exception for the forint).
var (
	oneUnit        = NewDecimal(1, 0)
	lineSlack      = NewDecimal(2, 2)
	wholeLineSlack = NewDecimal(5, 1)
)

// CheckTotals compares the amounts of an invoice with one another and states
// each identity that is broken: the line net amounts (PEPPOL-EN16931-R120), the
// totals (BR-CO-10 … BR-CO-16), the VAT of each category (BR-CO-17) and what it
// applies to (BR-S-08 and its like). It has the tolerances of the official
// rules, and it never changes the invoice.
func CheckTotals(inv *Invoice) []Discrepancy {
	c := totalsCheck{inv: inv}
	for i := range inv.Lines {
		c.line(i)
	}
	c.totals()
	for i := range inv.VATBreakdown {
		c.vatAmount(i)
	}
	c.vatBases()
	return c.found
}

type totalsCheck struct {
	inv   *Invoice
	found []Discrepancy
}

func (c *totalsCheck) report(rule, term, path string, expected, found Decimal) {
	c.found = append(c.found, Discrepancy{rule, term, path, expected, found})
}

// equal reports an amount that is not exactly the expected one, which is rounded
// to two decimals as the rules do.
func (c *totalsCheck) equal(rule, term, path string, expected, found Decimal) {
	if expected = expected.Round(2); !found.Equal(expected) {
		c.report(rule, term, path, expected, found)
	}
}

func (c *totalsCheck) line(i int) {
	l := &c.inv.Lines[i]
	base := l.Price.baseQuantity()
	if base.IsZero() {
		return // no identity to check; PEPPOL-EN16931-R121 refuses it
	}
	const moreThanEnough = 10 // decimals of a quotient that is only compared
	expected := l.Quantity.Mul(l.Price.Net).Div(base, moreThanEnough)
	for _, a := range l.Allowances {
		expected = expected.Sub(a.Amount)
	}
	for _, a := range l.Charges {
		expected = expected.Add(a.Amount)
	}
	slack := lineSlack
	if CurrencyDecimals(c.inv.Currency) == 0 {
		slack = wholeLineSlack
	}
	if l.NetAmount.Sub(expected).Abs().Cmp(slack) > 0 {
		c.report("PEPPOL-EN16931-R120", "BT-131", "lines["+strconv.Itoa(i)+"].net_amount",
			expected.Round(2), l.NetAmount)
	}
}

func (c *totalsCheck) totals() {
	inv, t := c.inv, &c.inv.Totals
	c.equal("BR-CO-10", "BT-106", "totals.line_net", sumLines(inv.Lines), t.LineNet)
	c.sum("BR-CO-11", "BT-107", "totals.allowances", inv.Allowances, t.Allowances)
	c.sum("BR-CO-12", "BT-108", "totals.charges", inv.Charges, t.Charges)
	c.equal("BR-CO-13", "BT-109", "totals.without_vat",
		t.LineNet.Sub(valueOf(t.Allowances)).Add(valueOf(t.Charges)), t.WithoutVAT)
	if len(inv.VATBreakdown) > 0 {
		c.equal("BR-CO-14", "BT-110", "totals.vat", sumVAT(inv.VATBreakdown), valueOf(t.VAT))
	}
	c.equal("BR-CO-15", "BT-112", "totals.with_vat", t.WithoutVAT.Add(valueOf(t.VAT)), t.WithVAT)
	dueRule := "BR-CO-16"
	if inv.Extensions != nil && len(inv.Extensions.ThirdPartyPayments) > 0 {
		dueRule = "BR-DEX-09" // takes the place of BR-CO-16 in the XRechnung extension
	}
	c.equal(dueRule, "BT-115", "totals.amount_due",
		t.WithVAT.Sub(valueOf(t.Paid)).Add(valueOf(t.Rounding)).Add(inv.thirdPartyPayments()), t.AmountDue)
}

// sum checks the total of the allowances or charges, which must be there when
// any of them is.
func (c *totalsCheck) sum(rule, term, path string, list []AllowanceCharge, total *Decimal) {
	expected := sumAllowanceCharges(list).Round(2)
	if total == nil && len(list) > 0 || !valueOf(total).Equal(expected) {
		c.report(rule, term, path, expected, valueOf(total))
	}
}

// vatAmount checks BR-CO-17 with the tolerance of the official rule: less than
// one unit of the currency, or less than half of one where the rate is zero.
func (c *totalsCheck) vatAmount(i int) {
	g := &c.inv.VATBreakdown[i]
	expected := vatOf(g.TaxableAmount, g.Rate, 2)
	tolerable := g.TaxAmount.Abs().Sub(expected.Abs()).Abs().Cmp(oneUnit) < 0
	if valueOf(g.Rate).IsZero() {
		tolerable = g.TaxAmount.Round(0).IsZero()
	}
	if !tolerable {
		c.report("BR-CO-17", "BT-117", vatPath(i, "tax_amount"), expected, g.TaxAmount)
	}
}

// vatBases checks that the taxable amounts of the breakdown are the sums of the
// lines, allowances and charges of their category and rate, and that none of
// these has been left out.
func (c *totalsCheck) vatBases() {
	groups := vatGroups(c.inv)
	seen := make([]bool, len(groups))
	for i := range c.inv.VATBreakdown {
		b := &c.inv.VATBreakdown[i]
		var expected Decimal
		for j := range groups {
			if g := &groups[j]; sameVAT(g.Category, g.Rate, b.Category, b.Rate) {
				expected, seen[j] = g.TaxableAmount, true
			}
		}
		difference := b.TaxableAmount.Sub(expected).Abs()
		rule, known := vatBaseRules[b.Category]
		if known && !difference.IsZero() && (!ratedCategory(b.Category) || difference.Cmp(oneUnit) >= 0) {
			c.report(rule, "BT-116", vatPath(i, "taxable_amount"), expected, b.TaxableAmount)
		}
	}
	for j := range groups {
		if rule, known := vatBaseRules[groups[j].Category]; known && !seen[j] {
			c.report(c.leftOutRule(rule, groups[j].Category), "BT-116", "vat_breakdown", groups[j].TaxableAmount, Decimal{})
		}
	}
}

// leftOutRule is the rule that is broken when the breakdown lacks a category
// ("BR-S-01") or only one of its rates ("BR-S-08").
func (c *totalsCheck) leftOutRule(baseRule, category string) string {
	for i := range c.inv.VATBreakdown {
		if c.inv.VATBreakdown[i].Category == category {
			return baseRule
		}
	}
	return strings.TrimSuffix(baseRule, "08") + "01"
}

// vatBaseRules say for each VAT category what its taxable amount is the sum of.
// Split payment (B) has no such rule.
var vatBaseRules = map[string]string{
	"S": "BR-S-08", "Z": "BR-Z-08", "E": "BR-E-08", "AE": "BR-AE-08", "K": "BR-IC-08",
	"G": "BR-G-08", "O": "BR-O-08", "L": "BR-AF-08", "M": "BR-AG-08",
}

func vatPath(i int, field string) string {
	return "vat_breakdown[" + strconv.Itoa(i) + "]." + field
}
