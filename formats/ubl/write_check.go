package ubl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
)

// check finds everything that keeps the invoice from being written whole.
func (d *invoiceWriter) check() {
	inv := d.inv
	d.required(inv.Number != "", "number", "BT-1")
	d.required(!inv.IssueDate.IsZero(), "issue_date", "BT-2")
	d.required(inv.Currency != "", "currency", "BT-5")
	d.required(len(inv.Lines) > 0, "lines", "BG-25")
	d.required(inv.Totals.VAT != nil || len(inv.VATBreakdown) == 0, "totals.vat", "BT-110")
	d.required(inv.VATCurrency != "" || inv.Totals.VATInAccountingCurrency == nil, "vat_currency", "BT-6")
	for i, n := range inv.Notes {
		if n.SubjectCode != "" && utf8.RuneCountInString(n.SubjectCode) != 3 {
			d.fail(fmt.Sprintf("notes[%d].subject_code", i), CodeNoPlace, "BT-21",
				"UBL has a place for subject codes of three characters only")
		}
	}
	for i, p := range inv.PrecedingInvoices {
		d.required(p.Number != "", fmt.Sprintf("preceding_invoices[%d].number", i), "BT-25")
	}
	for i, doc := range inv.SupportingDocuments {
		path := fmt.Sprintf("supporting_documents[%d]", i)
		d.required(doc.Reference != "", path+".reference", "BT-122")
		if doc.Attachment != nil {
			d.required(doc.Attachment.MIMECode != "", path+".attachment.mime_code", "BT-125-1")
		}
	}
	d.checkPayments()
	d.checkLines(inv.Lines, "lines")
	d.checkTexts()
}

func (d *invoiceWriter) checkPayments() {
	if d.inv.Payment != nil {
		d.checkPayment(d.inv.Payment, "payment")
	}
	if d.inv.Extensions == nil {
		return
	}
	for i := range d.inv.Extensions.AdditionalPayments {
		d.checkPayment(&d.inv.Extensions.AdditionalPayments[i], fmt.Sprintf("extensions.additional_payments[%d]", i))
	}
	if d.creditNote && len(d.inv.Extensions.ThirdPartyPayments) > 0 {
		d.fail("extensions.third_party_payments", CodeNoPlace, "BG-DEX-09",
			"a UBL credit note has no third party payments")
	}
}

func (d *invoiceWriter) checkPayment(p *invoice.PaymentInstructions, path string) {
	onlyCreditor := p.MeansText == "" && p.RemittanceInformation == "" && len(p.CreditTransfers) == 0 &&
		p.Card == nil && (p.DirectDebit == nil || p.DirectDebit.Mandate == "" && p.DirectDebit.DebitedAccount == "")
	d.required(p.MeansCode != "" || onlyCreditor, path+".means_code", "BT-81")
	if p.Card != nil {
		d.required(p.Card.AccountNumber != "", path+".card.account_number", "BT-87")
	}
}

func (d *invoiceWriter) checkLines(lines []invoice.Line, path string) {
	for i := range lines {
		l, p := &lines[i], fmt.Sprintf("%s[%d]", path, i)
		d.required(l.ID != "", p+".id", "BT-126")
		d.required(l.Price.BaseQuantity != nil || l.Price.BaseUnit == "", p+".price.base_quantity", "BT-149")
		for j, a := range l.Item.Attributes {
			d.required(a.Name != "", fmt.Sprintf("%s.item.attributes[%d].name", p, j), "BT-160")
		}
		if l.Extensions != nil {
			for j, preceding := range l.Extensions.PrecedingInvoices {
				d.required(preceding.Number != "", fmt.Sprintf("%s.extensions.preceding_invoices[%d].number", p, j), "")
			}
			d.checkLines(l.Extensions.SubLines, p+".extensions.sub_lines")
		}
	}
}

// checkTexts finds characters that XML cannot carry, and parts of identifiers
// that would be lost: a scheme without an identifier, and the version of a
// scheme, which UBL has for item classifications only.
func (d *invoiceWriter) checkTexts() {
	identifier := ""
	d.inv.Walk(func(term, path, value string) {
		owner, part, _ := cutLast(path, '.')
		switch part {
		case "value":
			identifier = owner
		case "scheme":
			d.required(identifier == owner, owner+".value", strings.TrimSuffix(term, "-1"))
		case "scheme_version":
			d.required(identifier == owner, owner+".value", strings.TrimSuffix(term, "-2"))
			if term != "BT-158-2" {
				d.fail(path, CodeNoPlace, term, "UBL has no place for the version of this scheme")
			}
		}
		if i := strings.IndexFunc(value, notXML); i >= 0 {
			c, _ := utf8.DecodeRuneInString(value[i:])
			d.fail(path, CodeCharacter, term, "character U+%04X is not allowed", c)
		}
	})
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// notXML tells whether XML 1.0 has no way to carry the character; that includes
// bytes which are not UTF-8.
func notXML(c rune) bool {
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF || c == utf8.RuneError
}
