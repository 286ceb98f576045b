package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/validation"
)

// invoiceReport prints what became of each order and remembers the worst.
type invoiceReport struct {
	out     io.Writer
	json    *json.Encoder // nil for text
	text    textPrinter
	wanting bool
	notRun  string // why a check could not be made
}

func newInvoiceReport(ctx *appContext, format, lang string) *invoiceReport {
	r := &invoiceReport{out: ctx.Stdout, text: textPrinter{out: ctx.Stdout, lang: lang, colour: ctx.Colour}}
	if format == "json" {
		r.json = json.NewEncoder(ctx.Stdout)
		r.json.SetEscapeHTML(false)
	}
	return r
}

// verdict is the exit status of the whole run.
func (r *invoiceReport) verdict() error {
	switch {
	case r.notRun != "":
		code, text, _ := strings.Cut(r.notRun, ": ")
		return &exitError{Status: statusEnvironment, Code: code, Message: "a check could not be made: " + text}
	case r.wanting:
		return wanting("", "")
	}
	return nil
}

func (r *invoiceReport) print(p *orderPlan) error {
	r.wanting = r.wanting || len(p.problems) > 0
	if len(p.problems) > 0 {
		if err := r.refused(p); err != nil {
			return err
		}
	}
	for i, inv := range p.invoices {
		switch reason := environmentReason(inv.outcome.Result); {
		case inv.document == nil:
			r.wanting = true
		case reason != "":
			r.notRun = reason
		case !inv.outcome.Valid:
			r.wanting = true
		}
		inv.outcome.File = inv.path
		tell := r.invoiceText
		if r.json != nil {
			tell = r.invoiceJSON
		}
		if err := tell(p, inv, i == len(p.invoices)-1); err != nil {
			return err
		}
	}
	return nil
}

// reportedInvoice is an invoice in JSON. Without Kind it stands for an order
// that gave none.
type reportedInvoice struct {
	Order        string                  `json:"order,omitempty"`
	OrderFile    string                  `json:"order_file"`
	DeliveryNote string                  `json:"delivery_note,omitempty"`
	Kind         string                  `json:"kind,omitempty"` // "invoice" or "credit_note"
	Number       string                  `json:"number,omitempty"`
	Draft        bool                    `json:"draft"`
	File         string                  `json:"file,omitempty"` // empty when it was not written
	Valid        bool                    `json:"valid"`
	IssueDate    string                  `json:"issue_date,omitempty"`
	DueDate      string                  `json:"due_date,omitempty"`
	Currency     string                  `json:"currency,omitempty"`
	Total        *invoice.Decimal        `json:"total,omitempty"`  // BT-112
	Payable      *invoice.Decimal        `json:"amount,omitempty"` // BT-115
	Sources      []billing.Source        `json:"sources"`
	Missing      []billing.MissingField  `json:"missing"`
	Problems     []string                `json:"problems"`
	Open         []billing.LineRemainder `json:"open"` // what of the order stays open after this run
	Result       *validation.Result      `json:"result,omitempty"`
}

func (r *invoiceReport) refused(p *orderPlan) error {
	number := ""
	if p.order != nil {
		number = p.order.Number
	}
	if r.json != nil {
		return r.json.Encode(reportedInvoice{
			Order: number, OrderFile: p.file, Sources: []billing.Source{}, Missing: append([]billing.MissingField{}, p.plan.Missing...),
			Problems: p.problems, Open: open(p.plan.Remainder),
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s [%s]\n", plain(p.file), r.text.paint("31", "no invoice"), p.code)
	if number != "" {
		fmt.Fprintf(&b, "  order %s\n", plain(number))
	}
	for _, problem := range p.problems {
		fmt.Fprintf(&b, "  %s\n", plain(problem))
	}
	_, err := io.WriteString(r.out, b.String())
	return err
}

func (r *invoiceReport) invoiceJSON(p *orderPlan, inv *madeInvoice, last bool) error {
	out := reportedInvoice{
		Order: p.order.Number, OrderFile: p.file, DeliveryNote: inv.proposal.Takes.Note, Kind: "invoice",
		File: inv.path, Valid: inv.document != nil && inv.outcome.Valid, IssueDate: inv.model.IssueDate.String(),
		Currency: inv.model.Currency, Sources: append([]billing.Source{}, inv.proposal.Sources...),
		Missing: append([]billing.MissingField{}, inv.missing...), Problems: append([]string{}, inv.problems...), Open: []billing.LineRemainder{},
	}
	if inv.model.IsCreditNote() {
		out.Kind = "credit_note"
	}
	if inv.model.DueDate != nil {
		out.DueDate = inv.model.DueDate.String()
	}
	if inv.document != nil {
		out.Number, out.Draft = inv.model.Number, inv.draft
		out.Total, out.Payable, out.Result = &inv.model.Totals.WithVAT, &inv.model.Totals.AmountDue, &inv.outcome.Result
	}
	if last {
		out.Open = open(p.plan.Remainder)
	}
	return r.json.Encode(out)
}

// open lists the lines of which something is left to invoice.
func open(remainder billing.Remainder) []billing.LineRemainder {
	lines := []billing.LineRemainder{}
	for _, l := range remainder.Lines {
		if !l.Open.IsZero() || !l.Excess.IsZero() {
			lines = append(lines, l)
		}
	}
	return lines
}

func (r *invoiceReport) invoiceText(p *orderPlan, inv *madeInvoice, last bool) error {
	var b strings.Builder
	m := inv.model
	kind := "invoice"
	if m.IsCreditNote() {
		kind = "credit note"
	}
	fmt.Fprintf(&b, "order %s in %s: %s", plain(p.order.Number), plain(p.file), kind)
	if note := inv.proposal.Takes.Note; note != "" {
		fmt.Fprintf(&b, " for delivery note %s", plain(note))
	}
	if inv.document == nil {
		fmt.Fprintf(&b, " %s\n", r.text.paint("31", "not written"))
	} else {
		fmt.Fprintf(&b, " %s over %s %s", plain(m.Number), m.Totals.AmountDue, plain(m.Currency))
		if m.DueDate != nil {
			fmt.Fprintf(&b, ", due %s", m.DueDate)
		}
		fmt.Fprintf(&b, ", to %s\n", plain(m.Buyer.Name))
	}
	for _, missing := range inv.missing {
		fmt.Fprintf(&b, "  %s %s: %s\n", r.text.paint("31", "missing"), place(missing.Path, missing.Term), plain(missing.Why))
	}
	for _, problem := range inv.problems {
		fmt.Fprintf(&b, "  %s %s\n", r.text.paint("31", "wrong"), plain(problem))
	}
	if inv.document != nil && inv.draft {
		fmt.Fprintf(&b, "  %s: %s only stands for the number\n", r.text.paint("33", "draft"), plain(m.Number))
	}
	if last {
		for _, l := range open(p.plan.Remainder) {
			r.openLine(&b, l)
		}
	}
	if _, err := io.WriteString(r.out, b.String()); err != nil {
		return err
	}
	if printer := r.text; inv.document != nil {
		if err := printer.print(inv.outcome); err != nil {
			return err
		}
	}
	return r.sources(inv.proposal.Sources)
}

// sources tells what the order lacked, by the record that it came from.
func (r *invoiceReport) sources(list []billing.Source) error {
	var records []string
	for _, s := range list {
		if !slices.Contains(records, s.From) {
			records = append(records, s.From)
		}
	}
	var b strings.Builder
	for _, from := range records {
		fmt.Fprintf(&b, "  from %s\n", plain(from))
		for _, s := range list {
			if s.From == from {
				fmt.Fprintf(&b, "    %s: %s\n", place(s.Path, s.Term), shorten(plain(s.Value)))
			}
		}
	}
	_, err := io.WriteString(r.out, b.String())
	return err
}

// shorten cuts a long text for a line of the report.
func shorten(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

func (r *invoiceReport) openLine(b *strings.Builder, l billing.LineRemainder) {
	if !l.Open.IsZero() {
		fmt.Fprintf(b, "  open: %s of %s %s of order line %s, of which %s are to be delivered\n", l.Open, l.Ordered, plain(l.Unit), plain(l.OrderLine), l.ToDeliver)
	}
	if !l.Excess.IsZero() {
		fmt.Fprintf(b, "  %s: %s %s of order line %s were delivered beyond the order and are not invoiced\n",
			r.text.paint("33", "too much"), l.Excess, plain(l.Unit), plain(l.OrderLine))
	}
}

// place names a field for people: its path and business term with the name.
func place(path, term string) string {
	if term == "" {
		return plain(path)
	}
	return strings.TrimSpace(fmt.Sprintf("%s (%s)", plain(path), strings.TrimSpace(term+" "+invoice.TermName(term, "en"))))
}
