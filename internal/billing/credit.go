package billing

import (
	"fmt"
	"slices"

	"facteur.dev/facteur/formats/invoice"
)

// Selection says what of an invoice to credit.
type Selection struct {
	// Lines to credit. Without any, all that is left of the invoice is.
	Lines []SelectedLine `json:"lines,omitempty"`
	// Credited are the credit notes made for the invoice before.
	Credited []*invoice.Invoice `json:"-"`
	// IssueDate is the day of issue (BT-2); see also [Issue].
	IssueDate invoice.Date `json:"issue_date,omitzero"`
	// Reason becomes the note of the credit note (BT-22).
	Reason string `json:"reason,omitempty"`
	// ExchangeRate is the rate to the VAT accounting currency (BT-6), for a part of
	// an invoice that has one.
	ExchangeRate *invoice.Decimal `json:"exchange_rate,omitempty"`
}

// SelectedLine is an invoice line to credit.
type SelectedLine struct {
	// Line is its identifier (BT-126).
	Line string `json:"line"`
	// Quantity to credit; all that is left when absent.
	Quantity *invoice.Decimal `json:"quantity,omitempty"`
}

// Credit makes the credit note (381) for an invoice, whole or by line, that names
// the invoice in BG-3. Its lines keep the identifiers of the lines they credit,
// which is how later calls know what was credited. The amounts are complete: for a
// whole invoice they are its own, to the cent, and otherwise they are calculated.
// The note has no number, and the invoice is not modified.
//
// The error is [invoice.FieldErrors]: unknown lines, or more than was invoiced and
// is not yet credited.
func Credit(inv *invoice.Invoice, sel Selection) (*invoice.Invoice, error) {
	c := crediting{inv: inv, sel: &sel}
	c.checkInvoice()
	before := c.creditedBefore()
	take := c.selected(before)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	note := c.head()
	if c.isWhole(before, take) {
		note.Totals.AmountDue = note.Totals.WithVAT.Add(value(note.Totals.Rounding)).Add(thirdParties(note))
		return note, nil
	}
	c.reduce(note, before, take)
	var options []invoice.CalculateOption
	if sel.ExchangeRate != nil {
		options = append(options, invoice.WithExchangeRate(*sel.ExchangeRate))
	}
	if err := invoice.Calculate(note, options...); err != nil {
		return nil, err
	}
	return note, nil
}

type crediting struct {
	inv  *invoice.Invoice
	sel  *Selection
	errs invoice.FieldErrors
}

func (c *crediting) fail(path, code, format string, args ...any) {
	c.errs = append(c.errs, invoice.FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (c *crediting) checkInvoice() {
	if c.inv.IsCreditNote() {
		c.fail("", CodeNotAnInvoice, "a credit note cannot be credited")
	}
	if c.inv.Number == "" {
		c.fail("", CodeNotAnInvoice, "an invoice without number cannot be credited")
	}
}

// creditedBefore sums up what earlier credit notes took, by invoice line.
func (c *crediting) creditedBefore() map[string]invoice.Decimal {
	before := map[string]invoice.Decimal{}
	for i, note := range c.sel.Credited {
		if !slices.ContainsFunc(note.PrecedingInvoices, func(p invoice.PrecedingInvoice) bool { return p.Number == c.inv.Number }) {
			c.fail(fmt.Sprintf("credited[%d]", i), CodeOtherInvoice, "credit note %.40q does not correct invoice %.40q", note.Number, c.inv.Number)
			continue
		}
		for j := range note.Lines {
			l := &note.Lines[j]
			before[l.ID] = before[l.ID].Add(l.Quantity)
		}
	}
	return before
}

// selected is what to credit, by invoice line.
func (c *crediting) selected(before map[string]invoice.Decimal) map[string]invoice.Decimal {
	left := map[string]invoice.Decimal{}
	for i := range c.inv.Lines {
		l := &c.inv.Lines[i]
		left[l.ID] = l.Quantity.Sub(before[l.ID])
	}
	take := map[string]invoice.Decimal{}
	if len(c.sel.Lines) == 0 {
		for id, quantity := range left {
			if !quantity.IsZero() {
				take[id] = quantity
			}
		}
	}
	for i, s := range c.sel.Lines {
		path := fmt.Sprintf("lines[%d]", i)
		rest, known := left[s.Line]
		_, twice := take[s.Line]
		quantity := rest
		if s.Quantity != nil {
			quantity = *s.Quantity
		}
		switch {
		case !known:
			c.fail(path+".line", CodeUnknownLine, "the invoice has no line %.40q", s.Line)
		case twice:
			c.fail(path+".line", CodeTooMuch, "line %.40q is selected twice", s.Line)
		case rest.IsZero():
			c.fail(path+".line", CodeNothing, "nothing of line %.40q is left to credit", s.Line)
		case quantity.IsZero() || quantity.Sign() != rest.Sign():
			c.fail(path+".quantity", CodeQuantity, "%s cannot be credited of line %.40q, of which %s is left", quantity, s.Line, rest)
		case quantity.Abs().Cmp(rest.Abs()) > 0:
			c.fail(path+".quantity", CodeTooMuch, "only %s of line %.40q is left to credit, not %s", rest, s.Line, quantity)
		default:
			take[s.Line] = quantity
		}
	}
	if len(take) == 0 && len(c.errs) == 0 {
		c.fail("lines", CodeNothing, "nothing of the invoice is left to credit")
	}
	return take
}

// isWhole tells whether the invoice is credited as it stands.
func (c *crediting) isWhole(before, take map[string]invoice.Decimal) bool {
	for i := range c.inv.Lines {
		l := &c.inv.Lines[i]
		if !before[l.ID].IsZero() || !take[l.ID].Equal(l.Quantity) {
			return false
		}
	}
	return true
}

// head is a copy of the invoice as its credit note: without number, payment, due
// date and attachments, which belong to the invoice alone.
func (c *crediting) head() *invoice.Invoice {
	note := c.inv.Clone()
	note.Number, note.TypeCode, note.IssueDate = "", typeCreditNote, c.sel.IssueDate
	note.PrecedingInvoices = []invoice.PrecedingInvoice{{Number: c.inv.Number}}
	if !c.inv.IssueDate.IsZero() {
		note.PrecedingInvoices[0].IssueDate = c.inv.IssueDate.Ptr()
	}
	note.DueDate, note.PaymentTerms, note.Payment = nil, "", nil
	note.SupportingDocuments, note.Notes = nil, nil
	if c.sel.Reason != "" {
		note.Notes = []invoice.Note{{Text: c.sel.Reason}}
	}
	note.Totals.Paid = nil
	if note.Extensions != nil {
		note.Extensions.AdditionalPayments = nil
	}
	return note
}

// reduce leaves the selected quantities on the note, with their shares of
// allowances and charges.
func (c *crediting) reduce(note *invoice.Invoice, before, take map[string]invoice.Decimal) {
	places := invoice.CurrencyDecimals(note.Currency)
	var p progress
	var lines []invoice.Line
	complete := true
	for i := range note.Lines {
		line := &note.Lines[i]
		s := sharing{before[line.ID], before[line.ID].Add(take[line.ID]), line.Quantity, places}
		complete = complete && s.after.Equal(s.whole)
		if !s.whole.IsZero() {
			p.before = p.before.Add(line.NetAmount.Mul(s.before).Div(s.whole, 20))
			p.after = p.after.Add(line.NetAmount.Mul(s.after).Div(s.whole, 20))
			p.whole = p.whole.Add(line.NetAmount)
		}
		if !take[line.ID].IsZero() {
			lines = append(lines, creditedLine(line, s))
		}
	}
	p = p.orAll(complete)
	note.Lines = lines
	note.Allowances = shareAll(note.Allowances, p, places)
	note.Charges = shareAll(note.Charges, p, places)
	note.Totals = invoice.Totals{}
	if note.Extensions != nil {
		note.Extensions.ThirdPartyPayments = nil
	}
}

func creditedLine(line *invoice.Line, s sharing) invoice.Line {
	credited := *line
	credited.Quantity = s.quantity()
	credited.Allowances = s.allowances(line.Allowances, &line.Price)
	credited.Charges = s.allowances(line.Charges, &line.Price)
	s.settle(&credited, share(line.NetAmount, s.before, s.after, s.whole, s.places))
	return credited
}

func shareAll(list []invoice.AllowanceCharge, p progress, places int32) []invoice.AllowanceCharge {
	var shared []invoice.AllowanceCharge
	for _, a := range list {
		if a = p.share(a, places); !a.Amount.IsZero() {
			shared = append(shared, a)
		}
	}
	return shared
}

func value(d *invoice.Decimal) invoice.Decimal {
	if d == nil {
		return zero
	}
	return *d
}

// thirdParties are the claims of others that were collected with the invoice.
func thirdParties(inv *invoice.Invoice) invoice.Decimal {
	var sum invoice.Decimal
	if inv.Extensions != nil {
		for _, p := range inv.Extensions.ThirdPartyPayments {
			sum = sum.Add(p.Amount)
		}
	}
	return sum
}
