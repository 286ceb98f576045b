package render

import (
	"strconv"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

func (b *builder) line(l *invoice.Line) Line {
	out := Line{
		ID: l.ID, Name: l.Item.Name, Description: l.Item.Description, Note: l.Note, Details: b.details(l),
		Quantity: b.number(l.Quantity), Unit: b.unit(l.Unit, l.Quantity), Price: b.price(l.Price.Net), PriceNote: b.priceNote(l),
		VAT: b.rate(l.VAT.Category, l.VAT.Rate), Net: b.amount(l.NetAmount),
	}
	for _, a := range l.Allowances {
		out.Adjustments = append(out.Adjustments, b.lineAdjustment(a, false))
	}
	for _, a := range l.Charges {
		out.Adjustments = append(out.Adjustments, b.lineAdjustment(a, true))
	}
	if e := l.Extensions; e != nil {
		for i := range e.SubLines {
			out.Parts = append(out.Parts, b.line(&e.SubLines[i]))
		}
	}
	return out
}

// details are what identifies the item and places the line.
func (b *builder) details(l *invoice.Line) []Field {
	f := fields{b: b}
	f.add("BT-155", "item.seller_id", l.Item.SellerID)
	f.add("BT-156", "item.buyer_id", l.Item.BuyerID)
	f.id("BT-157", "item.standard_id", l.Item.StandardID)
	order := l.OrderLineReference
	if e := l.Extensions; e != nil && e.OrderReference != "" {
		order = strings.TrimSpace(e.OrderReference + " " + order)
	}
	f.add("BT-132", "order_line", order)
	f.add("BT-133", "buyer_accounting", l.BuyerAccountingReference)
	if l.Period != nil {
		f.add("BG-26", "period", b.period(l.Period.Start, l.Period.End))
	}
	f.id("BT-128", "object", l.Object)
	if e := l.Extensions; e != nil {
		f.add("", "despatch", strings.TrimSpace(e.DespatchAdviceReference+" "+e.DespatchLineReference))
		for _, p := range e.PrecedingInvoices {
			f.add("", "preceding", p.Number)
		}
		if e.Delivery != nil {
			f.add("", "delivery_date", b.date(e.Delivery.Date))
		}
	}
	f.add("BT-159", "item.origin", b.country(l.Item.OriginCountry))
	for _, a := range l.Item.Attributes {
		if a.Value != "" {
			f.list = append(f.list, Field{Term: "BT-161", Label: a.Name, Value: a.Value})
		}
	}
	return f.list
}

// priceNote says for how many units a price is, and what it was before.
func (b *builder) priceNote(l *invoice.Line) string {
	var parts []string
	if q := l.Price.BaseQuantity; q != nil && !q.Equal(invoice.NewDecimal(1, 0)) {
		unit := l.Price.BaseUnit
		if unit == "" {
			unit = l.Unit
		}
		parts = append(parts, b.text("price.per", i18n.A("quantity", strings.TrimSpace(b.number(*q)+" "+b.unit(unit, *q)))))
	}
	if d := l.Price.Discount; d != nil && !d.IsZero() {
		note := b.text("price.discount", i18n.A("discount", b.price(*d)))
		if l.Price.Gross != nil {
			note = b.text("price.gross", i18n.A("gross", b.price(*l.Price.Gross)), i18n.A("discount", b.price(*d)))
		}
		parts = append(parts, note)
	}
	return strings.Join(parts, " · ")
}

// unit names a unit in the form that goes with a quantity.
func (b *builder) unit(code string, quantity invoice.Decimal) string {
	key := i18n.Key("unit." + code)
	if _, ok := texts[key]; !ok {
		return code
	}
	one := quantity.Abs().Equal(invoice.NewDecimal(1, 0))
	if b.lang == i18n.FR { // French counts in the plural from two on
		one = quantity.Abs().Cmp(invoice.NewDecimal(2, 0)) < 0
	}
	if one {
		return b.text(key, i18n.N(1))
	}
	return b.text(key, i18n.N(2))
}

// rate is the VAT rate; a category without VAT to pay is named instead.
func (b *builder) rate(category string, rate *invoice.Decimal) string {
	switch {
	case category == "":
		return ""
	case rate != nil && (category == "S" || !rate.IsZero()):
		return b.percent(*rate)
	}
	return b.word("vat.", category)
}

func (b *builder) lineAdjustment(a invoice.LineAllowanceCharge, charge bool) Adjustment {
	return b.adjustment(charge, a.Amount, a.BaseAmount, a.Percentage, a.Reason, a.ReasonCode)
}

// adjustments are the allowances and charges on the whole invoice.
func (b *builder) adjustments() []Adjustment {
	var out []Adjustment
	add := func(list []invoice.AllowanceCharge, charge bool) {
		for _, a := range list {
			adj := b.adjustment(charge, a.Amount, a.BaseAmount, a.Percentage, a.Reason, a.ReasonCode)
			adj.VAT = b.rate(a.VATCategory, a.VATRate)
			out = append(out, adj)
		}
	}
	add(b.inv.Allowances, false)
	add(b.inv.Charges, true)
	return out
}

func (b *builder) adjustment(charge bool, amount invoice.Decimal, base, percentage *invoice.Decimal, reason, code string) Adjustment {
	out := Adjustment{Charge: charge, Reason: reason, Amount: b.amount(amount)}
	prefix, plain := "allowance.", i18n.Key("allowance")
	if charge {
		prefix, plain = "charge.", "charge"
	} else {
		out.Amount = b.amount(amount.Neg())
	}
	if out.Reason == "" {
		out.Reason = b.word(prefix, code)
	}
	if out.Reason == "" {
		out.Reason = b.text(plain)
	}
	switch {
	case percentage != nil && base != nil:
		out.How = b.text("share.of", i18n.A("percent", b.percent(*percentage)), i18n.A("base", b.amount(*base)))
	case percentage != nil:
		out.How = b.percent(*percentage)
	}
	return out
}

func (b *builder) breakdown() []VATRow {
	var out []VATRow
	for _, v := range b.inv.VATBreakdown {
		row := VATRow{
			Code: v.Category, Category: b.word("vat.", v.Category), Taxable: b.amount(v.TaxableAmount), Tax: b.amount(v.TaxAmount), Exemption: v.ExemptionReason,
		}
		if v.Rate != nil {
			row.Rate = b.percent(*v.Rate)
		}
		if row.Exemption == "" {
			row.Exemption = b.word("vatex.", v.ExemptionReasonCode)
		}
		row.Exemption = other(row.Exemption, row.Category)
		out = append(out, row)
	}
	return out
}

func (b *builder) totals() []Total {
	t := &b.inv.Totals
	var out []Total
	add := func(term string, label i18n.Key, amount *invoice.Decimal, always bool) {
		if amount != nil && (always || !amount.IsZero()) {
			out = append(out, Total{Field: Field{Term: term, Label: b.text(label), Value: b.amount(*amount)}})
		}
	}
	if t.Allowances != nil || t.Charges != nil {
		add("BT-106", "total.lines", &t.LineNet, true)
	}
	if t.Allowances != nil {
		add("BT-107", "total.allowances", t.Allowances.Neg().Ptr(), false)
	}
	add("BT-108", "total.charges", t.Charges, false)
	add("BT-109", "total.without_vat", &t.WithoutVAT, true)
	add("BT-110", "total.vat", t.VAT, true)
	if t.VATInAccountingCurrency != nil {
		out = append(out, Total{Field: Field{
			Term: "BT-111", Label: b.text("total.vat_accounting"),
			Value: i18n.Amount(b.lang, t.VATInAccountingCurrency.String(), b.inv.VATCurrency),
		}})
	}
	add("BT-112", "total.with_vat", &t.WithVAT, true)
	if e := b.inv.Extensions; e != nil {
		for _, p := range e.ThirdPartyPayments {
			label := p.Description
			if label == "" {
				label = b.text("total.third_party")
			}
			out = append(out, Total{Field: Field{Term: "BT-DEX-002", Label: label, Value: b.amount(p.Amount)}})
		}
	}
	if t.Paid != nil {
		add("BT-113", "total.paid", t.Paid.Neg().Ptr(), false)
	}
	add("BT-114", "total.rounding", t.Rounding, false)
	return append(out, Total{Field: Field{Term: "BT-115", Label: b.dueLabel(), Value: b.amount(t.AmountDue)}, Due: true})
}

// size writes how large a file is.
func (b *builder) size(bytes int) string {
	const kilo = 1000
	switch {
	case bytes < kilo:
		return b.text("size.bytes", i18n.N(bytes))
	case bytes < kilo*kilo:
		return b.text("size.kilo", i18n.A("size", i18n.Number(b.lang, strconv.Itoa((bytes+kilo/2)/kilo))))
	}
	tenths := (bytes + kilo*kilo/20) / (kilo * kilo / 10)
	return b.text("size.mega", i18n.A("size", i18n.Number(b.lang, strconv.Itoa(tenths/10)+"."+strconv.Itoa(tenths%10))))
}
