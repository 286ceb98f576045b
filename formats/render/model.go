package render

import (
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

// Languages lists the languages that Model has words for.
func Languages() []string {
	var out []string
	for _, lang := range i18n.Languages() {
		out = append(out, string(lang))
	}
	return out
}

// Model gives the view of an invoice in a language, "en" or "fr", with or without
// a region; any other is answered in English. The invoice is not changed.
func Model(inv *invoice.Invoice, lang string) *View {
	l, _ := i18n.Parse(lang)
	b := builder{inv: inv, lang: l}
	v := &View{
		Lang: string(l), Kind: "invoice", KindName: b.word("type.", inv.TypeCode), Number: inv.Number,
		AmountDue: b.amount(inv.Totals.AmountDue), DueDate: b.date(inv.DueDate), Labels: b.labels(),
		Seller: b.seller(), Buyer: b.buyer(), Others: b.others(),
		Dates: b.dates(), References: b.references(),
		Adjustments: b.adjustments(), VAT: b.breakdown(), Totals: b.totals(),
		Payment: b.payment(), Notes: b.notes(), Attachments: b.attachments(),
	}
	if inv.IsCreditNote() {
		v.Kind = "credit_note"
	}
	if v.KindName == inv.TypeCode { // a type without words of ours
		v.KindName = b.text("kind." + i18n.Key(v.Kind))
	}
	v.Title = strings.TrimSpace(v.KindName + " " + inv.Number)
	for i := range inv.Lines {
		v.Lines = append(v.Lines, b.line(&inv.Lines[i]))
	}
	return v
}

// builder makes the parts of a view.
type builder struct {
	inv  *invoice.Invoice
	lang i18n.Lang
}

func (b *builder) text(key i18n.Key, args ...i18n.Arg) string {
	return texts.Text(b.lang, key, args...)
}

// word puts a code into words; one that has none stays as it is.
func (b *builder) word(prefix, code string) string {
	key := i18n.Key(prefix + code)
	if _, ok := texts[key]; !ok {
		return code
	}
	return b.text(key)
}

// amount writes an amount of the invoice currency.
func (b *builder) amount(d invoice.Decimal) string {
	return i18n.Amount(b.lang, d.String(), b.inv.Currency)
}

// price writes a price, whose decimals beyond the currency's are shown as far as
// they say something.
func (b *builder) price(d invoice.Decimal) string {
	return i18n.Amount(b.lang, trim(d), b.inv.Currency)
}

func (b *builder) number(d invoice.Decimal) string  { return i18n.Number(b.lang, trim(d)) }
func (b *builder) percent(d invoice.Decimal) string { return i18n.Percent(b.lang, trim(d)) }

// trim writes a decimal without the zeros at its end.
func trim(d invoice.Decimal) string {
	s := d.String()
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func (b *builder) date(d *invoice.Date) string {
	if d == nil || d.IsZero() {
		return ""
	}
	return i18n.Date(b.lang, d.Time(time.UTC))
}

// period writes the time from start to end, either of which may be open.
func (b *builder) period(start, end *invoice.Date) string {
	from, to := b.date(start), b.date(end)
	switch {
	case from != "" && to != "":
		return b.text("period.both", i18n.A("from", from), i18n.A("to", to))
	case from != "":
		return b.text("period.from", i18n.A("from", from))
	case to != "":
		return b.text("period.to", i18n.A("to", to))
	}
	return ""
}

// fields collects values that are there, each under its label.
type fields struct {
	b    *builder
	list []Field
}

// add takes a value, unless it is empty.
func (f *fields) add(term string, label i18n.Key, value string) {
	if strings.TrimSpace(value) != "" {
		f.list = append(f.list, Field{Term: term, Label: f.b.text(label), Value: value})
	}
}

// id takes an identifier, labelled by its scheme where that says more.
func (f *fields) id(term string, label i18n.Key, id invoice.Identifier) {
	if id.Value == "" {
		return
	}
	if scheme, ok := schemes[id.Scheme]; ok {
		f.list = append(f.list, Field{Term: term, Label: scheme, Value: id.Value})
		return
	}
	value := id.Value
	if id.Scheme != "" {
		value += " (" + id.Scheme + ")"
	}
	f.add(term, label, value)
}

func (b *builder) labels() Labels {
	return Labels{
		Lines: b.text("label.lines"), Item: b.text("label.item"), Quantity: b.text("label.quantity"), Price: b.text("label.price"),
		VAT: b.text("label.vat"), Net: b.text("label.net"), Adjustments: b.text("label.adjustments"),
		Breakdown: b.text("label.breakdown"), Taxable: b.text("label.taxable"), Tax: b.text("label.tax"),
		Totals: b.text("label.totals"), Payment: b.text("label.payment"), Notes: b.text("label.notes"),
		Attachments: b.text("label.attachments"), AmountDue: b.dueLabel(), DueDate: b.text("due_date"), References: b.text("label.references"),
	}
}

// dueLabel names the amount that counts: a credit note is owed the other way.
func (b *builder) dueLabel() string {
	if b.inv.IsCreditNote() {
		return b.text("total.credited")
	}
	return b.text("total.due")
}

func (b *builder) dates() []Field {
	inv := b.inv
	f := fields{b: b}
	f.add("BT-2", "issue_date", b.date(&inv.IssueDate))
	f.add("BT-9", "due_date", b.date(inv.DueDate))
	if inv.Delivery != nil {
		f.add("BT-72", "delivery_date", b.date(inv.Delivery.Date))
	}
	if inv.Period != nil {
		f.add("BG-14", "period", b.period(inv.Period.Start, inv.Period.End))
	}
	f.add("BT-7", "tax_point", b.date(inv.TaxPointDate))
	if inv.TaxPointDateCode != "" {
		f.add("BT-8", "tax_point", b.word("tax_point.", inv.TaxPointDateCode))
	}
	return f.list
}

func (b *builder) references() []Field {
	inv := b.inv
	f := fields{b: b}
	for _, p := range inv.PrecedingInvoices {
		value := p.Number
		if d := b.date(p.IssueDate); d != "" {
			value = b.text("of_date", i18n.A("what", p.Number), i18n.A("date", d))
		}
		f.add("BT-25", "preceding", value)
	}
	f.add("BT-13", "purchase_order", inv.PurchaseOrderReference)
	f.add("BT-10", "buyer_reference", inv.BuyerReference)
	f.add("BT-19", "buyer_accounting", inv.BuyerAccountingReference)
	f.add("BT-12", "contract", inv.ContractReference)
	f.add("BT-11", "project", inv.ProjectReference)
	f.add("BT-14", "sales_order", inv.SalesOrderReference)
	f.add("BT-16", "despatch", inv.DespatchAdviceReference)
	f.add("BT-15", "receiving", inv.ReceivingAdviceReference)
	f.add("BT-17", "tender", inv.TenderReference)
	f.id("BT-18", "object", inv.InvoicedObject)
	return f.list
}

func (b *builder) notes() []Note {
	var out []Note
	for _, n := range b.inv.Notes {
		if strings.TrimSpace(n.Text) == "" {
			continue
		}
		subject := b.word("note.", n.SubjectCode)
		if subject == n.SubjectCode { // a code tells a reader nothing
			subject = ""
		}
		out = append(out, Note{Subject: subject, Text: n.Text})
	}
	return out
}

func (b *builder) attachments() []Attachment {
	var out []Attachment
	for i, d := range b.inv.SupportingDocuments {
		a := Attachment{Index: i, Reference: d.Reference, Description: d.Description, Location: d.Location}
		if d.Attachment != nil {
			a.Embedded, a.Filename, a.Type = true, d.Attachment.Filename, d.Attachment.MIMECode
			a.Size = b.size(len(d.Attachment.Content))
		}
		out = append(out, a)
	}
	return out
}
