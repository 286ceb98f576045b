package order

import (
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
)

// Codes of the problems that [Order.Check], [Delivery.Check] and the readers find.
// Where package invoice has a code for the same problem (field.missing,
// currency.unknown, amount.decimals …) it is used.
const (
	CodeValue         = "field.value"
	CodeTooLong       = "field.too_long"
	CodeListLength    = "list.length"
	CodePeriod        = "period.reversed"
	CodeNegative      = "number.negative"
	CodeNotPositive   = "number.not_positive"
	CodeUnitMismatch  = "unit.mismatch"
	CodeDuplicate     = "line.duplicate"
	CodeUnidentified  = "item.unidentified"
	CodePriceDiscount = "price.discount"
)

// MaxDecimals is the most decimals that a quantity, price or percentage may have.
const MaxDecimals = 10

// maxErrors is how many problems are listed.
const maxErrors = 100

// Check finds what is wrong with the order in itself: missing number, currency or
// lines, unknown codes, amounts with too many decimals, periods that end before
// they start, lines with the same identifier. What records can complete (unit,
// price, VAT) may be missing. The error is [invoice.FieldErrors] with JSON paths.
// Check does not modify the order.
func (o *Order) Check() error {
	c := checker{}
	c.required("number", "BT-13", o.Number)
	c.currency(o.Currency)
	c.oneOf("kind", string(o.Kind), string(Purchase), string(Return))
	c.oneOf("billing", string(o.Billing), string(OnOrder), string(OnDelivery))
	c.party("seller", &o.Seller)
	c.party("buyer", &o.Buyer)
	if o.InvoiceTo != nil {
		c.party("invoice_to", o.InvoiceTo)
	}
	c.deliverTo(o.DeliverTo)
	c.period("period", o.Period)
	for i, p := range o.PrecedingInvoices {
		c.required(fmt.Sprintf("preceding_invoices[%d].number", i), "BT-25", p.Number)
	}
	c.documentAllowances("allowances", "BT-92", o.Allowances)
	c.documentAllowances("charges", "BT-99", o.Charges)
	if t := o.Totals; t != nil {
		c.totals(t)
	}
	if len(o.Lines) == 0 {
		c.add("lines", CodeListLength, "BG-25", "an order has at least one line")
	}
	ids := make(map[string]int, len(o.Lines))
	for i := range o.Lines {
		c.inLine(i)
		c.uniqueID(ids, o.Lines[i].ID, i)
		c.line(&o.Lines[i])
	}
	return c.err()
}

// Check finds what is wrong with the note in itself. The error is
// [invoice.FieldErrors] with JSON paths. Check does not modify the note.
func (d *Delivery) Check() error {
	c := checker{}
	c.required("id", "BT-16", d.ID)
	c.deliverTo(d.DeliverTo)
	if len(d.Lines) == 0 {
		c.add("lines", CodeListLength, "", "a delivery note has at least one line")
	}
	ids := make(map[string]int, len(d.Lines))
	for i := range d.Lines {
		l := &d.Lines[i]
		c.inLine(i)
		c.uniqueID(ids, l.ID, i)
		c.required("order_line", "BT-132", l.OrderLine)
		c.number("quantity", "BT-129", &l.Quantity)
		if l.Quantity.Sign() < 0 {
			c.add("quantity", CodeNegative, "BT-129", "a delivered quantity is never negative")
		}
		c.unit("unit", "BT-130", l.Unit)
		c.number("outstanding", "", l.Outstanding)
	}
	return c.err()
}

// checker collects problems. Paths are put together only when there is one.
type checker struct {
	errs   invoice.FieldErrors
	onLine bool
	index  int
}

func (c *checker) err() error {
	if len(c.errs) == 0 {
		return nil
	}
	return limited(c.errs)
}

// inLine makes the paths to come those of a line.
func (c *checker) inLine(i int) { c.onLine, c.index = true, i }

func (c *checker) add(path, code, term, format string, args ...any) {
	if c.onLine {
		path = fmt.Sprintf("lines[%d].%s", c.index, path)
	}
	c.errs = append(c.errs, invoice.FieldError{Path: path, Code: code, Term: term, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) required(path, term, value string) {
	if strings.TrimSpace(value) == "" {
		c.add(path, invoice.CodeFieldMissing, term, "%s is required", last(path))
	}
}

func (c *checker) oneOf(path, value string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	c.add(path, CodeValue, "", "%.40q is not one of %s", value, strings.Join(allowed, ", "))
}

func (c *checker) uniqueID(seen map[string]int, id string, i int) {
	c.required("id", "BT-132", id)
	if first, ok := seen[id]; ok && id != "" {
		c.add("id", CodeDuplicate, "BT-132", "lines %d and %d have the same identifier %.40q", first+1, i+1, id)
		return
	}
	seen[id] = i
}

func (c *checker) currency(code string) {
	switch {
	case code == "":
		c.add("currency", invoice.CodeFieldMissing, "BT-5", "currency is required")
	case !invoice.KnownCurrency(code):
		c.add("currency", invoice.CodeCurrencyUnknown, "BT-5", "unknown currency %.10q", code)
	}
}

func (c *checker) unit(path, term, code string) {
	if code != "" && !invoice.KnownUnit(code) {
		c.add(path, invoice.CodeUnitUnknown, term, "%.10q is no unit of UN/ECE Recommendation 20 or 21", code)
	}
}

func (c *checker) country(path, code string) {
	if code != "" && !invoice.KnownCountry(code) {
		c.add(path, invoice.CodeCountryUnknown, "", "unknown country %.10q", code)
	}
}

// amount is in the currency of the order and has at most two decimals.
func (c *checker) amount(path, term string, d *invoice.Decimal) {
	c.decimals(path, term, d, 2)
}

func (c *checker) number(path, term string, d *invoice.Decimal) {
	c.decimals(path, term, d, MaxDecimals)
}

// decimals counts zeros at the end for nothing: 1.500 has one decimal.
func (c *checker) decimals(path, term string, d *invoice.Decimal, most int) {
	if d != nil && d.Scale() > most && !d.Equal(d.Round(int32(most))) {
		c.add(path, invoice.CodeDecimals, term, "%s has more than %d decimals", d, most)
	}
}

func (c *checker) period(path string, p *invoice.InvoicingPeriod) {
	if p != nil {
		c.dates(path, p.Start, p.End)
	}
}

func (c *checker) dates(path string, start, end *invoice.Date) {
	if start != nil && end != nil && end.Before(*start) {
		c.add(path+".end", CodePeriod, "", "the period ends on %s, before it starts on %s", end, start)
	}
}

func (c *checker) party(path string, p *Party) {
	c.address(path+".address", &p.Address)
	for i, id := range p.Identifiers {
		c.required(fmt.Sprintf("%s.identifiers[%d].value", path, i), "", id.Value)
	}
}

func (c *checker) address(path string, a *invoice.Address) {
	c.country(path+".country", a.Country)
}

func (c *checker) deliverTo(d *DeliverTo) {
	if d == nil {
		return
	}
	if d.Address != nil {
		c.address("deliver_to.address", d.Address)
	}
	c.period("deliver_to.period", d.Period)
}

func (c *checker) totals(t *Totals) {
	c.amount("totals.line_net", "BT-106", t.LineNet)
	c.amount("totals.allowances", "BT-107", t.Allowances)
	c.amount("totals.charges", "BT-108", t.Charges)
	c.amount("totals.without_vat", "BT-109", t.WithoutVAT)
	c.amount("totals.vat", "BT-110", t.VAT)
	c.amount("totals.with_vat", "BT-112", t.WithVAT)
	c.amount("totals.prepaid", "BT-113", t.Prepaid)
	c.amount("totals.rounding", "BT-114", t.Rounding)
	c.amount("totals.amount_due", "BT-115", t.AmountDue)
}

func (c *checker) documentAllowances(path, term string, list []invoice.AllowanceCharge) {
	for i := range list {
		a, p := &list[i], fmt.Sprintf("%s[%d]", path, i)
		c.allowance(p, term, a.Amount, a.BaseAmount, a.Percentage)
		c.vat(p+".vat_category", p+".vat_rate", "", "", a.VATCategory, a.VATRate)
	}
}

func (c *checker) allowance(path, term string, amount invoice.Decimal, base, percentage *invoice.Decimal) {
	c.amount(path+".amount", term, &amount)
	c.amount(path+".base_amount", "", base)
	if amount.Sign() < 0 {
		c.add(path+".amount", CodeNegative, term, "the amount of an allowance or charge is never negative")
	}
	c.number(path+".percentage", "", percentage)
}

func (c *checker) vat(categoryPath, ratePath, categoryTerm, rateTerm, category string, rate *invoice.Decimal) {
	if category != "" && !invoice.KnownVATCategory(category) {
		c.add(categoryPath, invoice.CodeVATCategory, categoryTerm, "unknown VAT category %.10q", category)
	}
	c.number(ratePath, rateTerm, rate)
	if rate != nil && rate.Sign() < 0 {
		c.add(ratePath, invoice.CodeVATRateNegative, rateTerm, "a VAT rate is never negative")
	}
}

func (c *checker) line(l *Line) {
	if l.Item.Name == "" && l.Item.SellerID == "" && l.Item.BuyerID == "" && l.Item.StandardID.Value == "" {
		c.add("item", CodeUnidentified, "BG-31", "the item has neither a name nor an identifier")
	}
	c.country("item.origin_country", l.Item.OriginCountry)
	c.number("quantity", "BT-129", &l.Quantity)
	if l.Quantity.Sign() <= 0 {
		c.add("quantity", CodeNotPositive, "BT-129", "an ordered quantity is more than zero")
	}
	c.unit("unit", "BT-130", l.Unit)
	c.amount("net_amount", "BT-131", l.NetAmount)
	if l.Price != nil {
		c.price(l)
	}
	if l.VAT != nil {
		c.required("vat.category", "BT-151", l.VAT.Category)
		c.vat("vat.category", "vat.rate", "BT-151", "BT-152", l.VAT.Category, l.VAT.Rate)
	}
	for i := range l.Allowances {
		a := &l.Allowances[i]
		c.allowance(fmt.Sprintf("allowances[%d]", i), "BT-136", a.Amount, a.BaseAmount, a.Percentage)
	}
	for i := range l.Charges {
		a := &l.Charges[i]
		c.allowance(fmt.Sprintf("charges[%d]", i), "BT-141", a.Amount, a.BaseAmount, a.Percentage)
	}
	if l.Period != nil {
		c.dates("period", l.Period.Start, l.Period.End)
	}
	c.period("delivery_period", l.DeliveryPeriod)
}

func (c *checker) price(l *Line) {
	p := l.Price
	c.number("price.net", "BT-146", &p.Net)
	if p.Net.Sign() < 0 {
		c.add("price.net", CodeNegative, "BT-146", "a price is never negative")
	}
	if p.BaseQuantity != nil {
		c.number("price.base_quantity", "BT-149", p.BaseQuantity)
		if p.BaseQuantity.Sign() <= 0 {
			c.add("price.base_quantity", invoice.CodeBaseQuantity, "BT-149", "the price base quantity is more than zero")
		}
	}
	c.unit("price.base_unit", "BT-150", p.BaseUnit)
	if p.BaseUnit != "" && l.Unit != "" && p.BaseUnit != l.Unit {
		c.add("price.base_unit", CodeUnitMismatch, "BT-150", "the price is per %s and the quantity in %s", p.BaseUnit, l.Unit)
	}
	c.number("price.discount", "BT-147", p.Discount)
	c.number("price.gross", "BT-148", p.Gross)
	if p.Gross != nil && p.Discount != nil && !p.Gross.Sub(*p.Discount).Equal(p.Net) {
		c.add("price.net", CodePriceDiscount, "BT-146", "the net price %s is not the gross price %s less the discount %s",
			p.Net, p.Gross, p.Discount)
	}
}

// last is the last name of a path.
func last(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}
