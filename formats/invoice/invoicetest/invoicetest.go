// Package invoicetest draws random invoices for property tests with rapid.
package invoicetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
)

// Draw draws an invoice or credit note with any of the business terms, several
// VAT categories and rates, negative lines, allowances and charges at both
// levels. Its amounts are calculated, so that they agree with one another; the
// business rules on which terms go together are not followed.
func Draw(t *rapid.T) *invoice.Invoice {
	inv := DrawDraft(t)
	var options []invoice.CalculateOption
	if inv.VATCurrency != "" {
		options = append(options, invoice.WithExchangeRate(number(t, 1, 500_000, 4)))
	}
	if err := invoice.Calculate(inv, options...); err != nil {
		t.Fatalf("a drawn invoice cannot be calculated: %v", err)
	}
	return inv
}

// DrawDraft draws an invoice as [Draw] does, with its derived amounts still zero.
func DrawDraft(t *rapid.T) *invoice.Invoice {
	inv := &invoice.Invoice{
		Number:                   identifier(t),
		IssueDate:                *date(t),
		TypeCode:                 rapid.SampledFrom([]string{"380", "381", "384", "389", "396", "261"}).Draw(t, "type"),
		Currency:                 rapid.SampledFrom([]string{"EUR", "EUR", "USD", "JPY", "SEK"}).Draw(t, "currency"),
		TaxPointDate:             optional(t, date),
		TaxPointDateCode:         rapid.SampledFrom([]string{"", "3", "35", "432"}).Draw(t, "tax point"),
		DueDate:                  optional(t, date),
		BuyerReference:           text(t),
		ProjectReference:         text(t),
		ContractReference:        text(t),
		PurchaseOrderReference:   text(t),
		SalesOrderReference:      text(t),
		ReceivingAdviceReference: text(t),
		DespatchAdviceReference:  text(t),
		TenderReference:          text(t),
		InvoicedObject:           scheme(t),
		BuyerAccountingReference: text(t),
		PaymentTerms:             text(t),
		Notes:                    list(t, note),
		Process:                  invoice.ProcessControl{BusinessProcess: text(t), Specification: text(t)},
		PrecedingInvoices:        list(t, preceding),
		Seller:                   seller(t),
		Buyer:                    buyer(t),
		Payment:                  optional(t, payment),
		Allowances:               list(t, allowanceCharge),
		Charges:                  list(t, allowanceCharge),
		SupportingDocuments:      list(t, supporting),
	}
	if rapid.Bool().Draw(t, "accounting currency") {
		inv.VATCurrency = "DKK"
	}
	inv.Payee = optional(t, func(t *rapid.T) *invoice.Payee {
		return &invoice.Payee{Name: words(t), Identifier: scheme(t), LegalRegistration: scheme(t)}
	})
	inv.TaxRepresentative = optional(t, func(t *rapid.T) *invoice.TaxRepresentative {
		return &invoice.TaxRepresentative{Name: words(t), VATIdentifier: identifier(t), Address: address(t)}
	})
	inv.Delivery = optional(t, delivery)
	inv.Period = optional(t, func(t *rapid.T) *invoice.InvoicingPeriod {
		return &invoice.InvoicingPeriod{Start: date(t), End: optional(t, date)}
	})
	places := invoice.CurrencyDecimals(inv.Currency)
	inv.Totals.Paid = optional(t, func(t *rapid.T) *invoice.Decimal { return number(t, 0, 99_999, places).Ptr() })
	inv.Totals.Rounding = optional(t, func(t *rapid.T) *invoice.Decimal { return number(t, -99, 99, places).Ptr() })
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		inv.Lines = append(inv.Lines, line(t, fmt.Sprint(i+1), places))
	}
	fitDecimals(inv, places)
	return inv
}

// fitDecimals gives the amounts of allowances and charges the decimals of the
// currency.
func fitDecimals(inv *invoice.Invoice, places int32) {
	for _, list := range [][]invoice.AllowanceCharge{inv.Allowances, inv.Charges} {
		for i := range list {
			list[i].Amount = list[i].Amount.Round(places)
		}
	}
}

func line(t *rapid.T, id string, places int32) invoice.Line {
	l := invoice.Line{
		ID:                       id,
		Note:                     text(t),
		Object:                   scheme(t),
		Quantity:                 number(t, -50_000, 500_000, rapid.Int32Range(0, 4).Draw(t, "scale")),
		Unit:                     rapid.SampledFrom([]string{"C62", "H87", "HUR", "KGM", "XPP"}).Draw(t, "unit"),
		OrderLineReference:       text(t),
		BuyerAccountingReference: text(t),
		Price:                    price(t),
		Item:                     item(t),
	}
	l.VAT.Category, l.VAT.Rate = vat(t)
	l.Period = optional(t, func(t *rapid.T) *invoice.LinePeriod {
		return &invoice.LinePeriod{Start: date(t), End: optional(t, date)}
	})
	draw := func(t *rapid.T) invoice.LineAllowanceCharge { return lineAllowanceCharge(t, places) }
	l.Allowances, l.Charges = list(t, draw), list(t, draw)
	l.Extensions = optional(t, func(t *rapid.T) *invoice.LineExtensions {
		e := &invoice.LineExtensions{
			OrderReference:          identifier(t),
			DespatchAdviceReference: text(t),
			PrecedingInvoices:       list(t, preceding),
			Delivery:                optional(t, delivery),
		}
		if e.DespatchAdviceReference != "" {
			e.DespatchLineReference = text(t)
		}
		return e
	})
	return l
}

func price(t *rapid.T) invoice.Price {
	p := invoice.Price{Net: number(t, 0, 9_999_999, rapid.Int32Range(0, 6).Draw(t, "scale"))}
	if rapid.Bool().Draw(t, "base quantity") {
		p.BaseQuantity = number(t, 1, 10_000, rapid.Int32Range(0, 2).Draw(t, "scale")).Ptr()
		p.BaseUnit = rapid.SampledFrom([]string{"", "C62"}).Draw(t, "base unit")
	}
	if rapid.Bool().Draw(t, "discount") {
		discount := number(t, 0, 9_999, 2)
		p.Discount, p.Gross = &discount, p.Net.Add(discount).Ptr()
	}
	return p
}

func lineAllowanceCharge(t *rapid.T, places int32) invoice.LineAllowanceCharge {
	a := invoice.LineAllowanceCharge{Reason: text(t), ReasonCode: text(t)}
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		a.Amount = number(t, 0, 99_999, places)
	case 1:
		a.Percentage = number(t, 0, 1000, 1).Ptr()
	default:
		a.Percentage, a.BaseAmount = number(t, 0, 1000, 1).Ptr(), number(t, 0, 999_999, 2).Ptr()
	}
	return a
}

func allowanceCharge(t *rapid.T) invoice.AllowanceCharge {
	a := invoice.AllowanceCharge{Reason: text(t), ReasonCode: text(t)}
	a.VATCategory, a.VATRate = vat(t)
	if rapid.Bool().Draw(t, "percentage") {
		a.Percentage, a.BaseAmount = number(t, 0, 1000, 1).Ptr(), number(t, 0, 999_999, 2).Ptr()
	} else {
		a.Amount = number(t, 0, 99_999, 2)
	}
	return a
}

// vat is a category with its rate, the same rate with different scales at times.
func vat(t *rapid.T) (string, *invoice.Decimal) {
	category := rapid.SampledFrom([]string{"S", "S", "S", "Z", "E", "AE", "K", "G", "O", "L", "M"}).Draw(t, "category")
	switch category {
	case "S", "L", "M":
		rate := rapid.SampledFrom([]string{"20", "20.00", "5.5", "21", "0.40"}).Draw(t, "rate")
		return category, invoice.MustDecimal(rate).Ptr()
	case "O":
		return category, nil
	default:
		return category, invoice.MustDecimal("0").Ptr()
	}
}

func item(t *rapid.T) invoice.Item {
	return invoice.Item{
		Name:        words(t),
		Description: text(t),
		SellerID:    text(t),
		BuyerID:     text(t),
		StandardID:  scheme(t),
		Classifications: list(t, func(t *rapid.T) invoice.Identifier {
			return invoice.Identifier{Value: identifier(t), Scheme: identifier(t), SchemeVersion: text(t)}
		}),
		OriginCountry: country(t),
		Attributes: list(t, func(t *rapid.T) invoice.Attribute {
			return invoice.Attribute{Name: words(t), Value: words(t)}
		}),
	}
}

func seller(t *rapid.T) invoice.Seller {
	return invoice.Seller{
		Name:        words(t),
		TradingName: text(t),
		Identifiers: list(t, func(t *rapid.T) invoice.Identifier {
			return invoice.Identifier{Value: identifier(t), Scheme: "0088"}
		}),
		LegalRegistration: scheme(t),
		VATIdentifier:     text(t),
		TaxRegistration:   text(t),
		LegalInformation:  text(t),
		ElectronicAddress: scheme(t),
		Address:           address(t),
		Contact:           optional(t, contact),
	}
}

func buyer(t *rapid.T) invoice.Buyer {
	return invoice.Buyer{
		Name:              words(t),
		TradingName:       text(t),
		Identifier:        scheme(t),
		LegalRegistration: scheme(t),
		VATIdentifier:     text(t),
		ElectronicAddress: scheme(t),
		Address:           address(t),
		Contact:           optional(t, contact),
	}
}

func contact(t *rapid.T) *invoice.Contact {
	return &invoice.Contact{Name: words(t), Telephone: text(t), Email: text(t)}
}

func address(t *rapid.T) invoice.Address {
	return invoice.Address{
		Line1: text(t), Line2: text(t), Line3: text(t), City: text(t),
		PostCode: text(t), Subdivision: text(t), Country: country(t),
	}
}

func delivery(t *rapid.T) *invoice.Delivery {
	d := &invoice.Delivery{PartyName: words(t), Location: scheme(t), Date: optional(t, date)}
	if a := address(t); !a.IsZero() {
		d.Address = &a
	}
	return d
}

func payment(t *rapid.T) *invoice.PaymentInstructions {
	p := &invoice.PaymentInstructions{
		MeansCode:             rapid.SampledFrom([]string{"30", "48", "59"}).Draw(t, "means"),
		MeansText:             text(t),
		RemittanceInformation: text(t),
	}
	switch p.MeansCode {
	case "30":
		p.CreditTransfers = list(t, func(t *rapid.T) invoice.CreditTransfer {
			return invoice.CreditTransfer{
				Account:         invoice.Identifier{Value: identifier(t), Scheme: text(t)},
				AccountName:     text(t),
				ServiceProvider: scheme(t),
			}
		})
	case "48":
		p.Card = &invoice.Card{AccountNumber: identifier(t), HolderName: text(t), Network: text(t)}
	default:
		p.DirectDebit = &invoice.DirectDebit{
			Mandate: identifier(t), CreditorIdentifier: text(t), DebitedAccount: text(t),
		}
	}
	return p
}

func note(t *rapid.T) invoice.Note {
	return invoice.Note{
		SubjectCode: rapid.SampledFrom([]string{"", "AAI", "SUR"}).Draw(t, "subject"),
		Text:        words(t),
	}
}

func preceding(t *rapid.T) invoice.PrecedingInvoice {
	return invoice.PrecedingInvoice{Number: identifier(t), IssueDate: optional(t, date), TypeCode: text(t)}
}

func supporting(t *rapid.T) invoice.SupportingDocument {
	d := invoice.SupportingDocument{Reference: identifier(t), Description: text(t), Location: text(t)}
	if rapid.Bool().Draw(t, "attached") {
		d.Attachment = &invoice.Attachment{
			Content:  rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "content"),
			MIMECode: "application/pdf",
			Filename: words(t),
		}
	}
	return d
}

// scheme is an identifier, with a scheme or without, or none at all.
func scheme(t *rapid.T) invoice.Identifier {
	id := invoice.Identifier{Value: text(t)}
	if id.Value != "" {
		id.Scheme = text(t)
	}
	return id
}

func country(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "FR", "DE", "BE", "IT"}).Draw(t, "country")
}

func date(t *rapid.T) *invoice.Date {
	days := rapid.IntRange(0, 40_000).Draw(t, "days")
	return invoice.DateOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).AddDays(days).Ptr()
}

// number is unscaled × 10^-scale with unscaled between the limits.
func number(t *rapid.T, low, high int64, scale int32) invoice.Decimal {
	return invoice.NewDecimal(rapid.Int64Range(low, high).Draw(t, "unscaled"), scale)
}

// words are text that is not empty, with all that is awkward in XML and JSON but
// without surrounding white space.
func words(t *rapid.T) string {
	return rapid.StringMatching(`[A-Za-zéèß€&<>"'][a-z éüñ&<>"'\\\t\n;:/=%€漢😀\]]{0,12}[a-zéß&<>0-9]`).Draw(t, "words")
}

// text is [words], or nothing half the time.
func text(t *rapid.T) string {
	if rapid.Bool().Draw(t, "empty") {
		return ""
	}
	return words(t)
}

func identifier(t *rapid.T) string {
	return rapid.StringMatching(`[A-Z0-9][A-Z0-9/._-]{0,10}`).Draw(t, "identifier")
}

// optional draws a value, or none half the time.
func optional[T any](t *rapid.T, draw func(*rapid.T) *T) *T {
	if rapid.Bool().Draw(t, "present") {
		return draw(t)
	}
	return nil
}

// list draws up to three values.
func list[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	var values []T
	for range rapid.IntRange(0, 3).Draw(t, "count") {
		values = append(values, draw(t))
	}
	return values
}
