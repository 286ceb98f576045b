package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/intake"
)

// orderPlan is what becomes of one order.
type orderPlan struct {
	file     string
	order    *order.Order // nil when the file could not be read
	notes    []order.Delivery
	entity   billing.Record[billing.LegalEntity]
	plan     billing.Plan
	code     string // of the first problem
	problems []string
	invoices []*madeInvoice
}

// madeInvoice is one invoice of an order.
type madeInvoice struct {
	proposal billing.Proposal
	entity   *billing.Record[billing.LegalEntity]
	name     string // placeholder for the number of a draft
	model    *invoice.Invoice
	draft    bool
	missing  []billing.MissingField
	problems []string
	document []byte // nil when it cannot be written
	file     string // name of the file for the document
	path     string // where it was written
	outcome  outcome
}

// unreadable stands for a file without orders.
func unreadable(path string, err error) *orderPlan {
	return &orderPlan{file: path, code: codeOf(err), problems: problemTexts(err)}
}

// codeOf is the code of a problem with a document.
func codeOf(err error) string {
	var read *intake.Error
	if errors.As(err, &read) {
		return read.Code
	}
	return "invoice.refused"
}

// problemTexts tells what is wrong with a document, and where.
func problemTexts(err error) []string {
	var read *intake.Error
	var fields invoice.FieldErrors
	switch {
	case errors.As(err, &read) && len(read.Fields) > 0:
		fields = read.Fields
	case errors.As(err, &read):
		return []string{read.Message}
	case !errors.As(err, &fields):
		return []string{err.Error()}
	}
	var texts []string
	for _, f := range fields {
		text := f.Error()
		if f.Term != "" {
			text += " (" + f.Term + ")"
		}
		texts = append(texts, text+" ["+f.Code+"]")
	}
	return texts
}

// draft decides what to invoice of the order.
func (p *orderPlan) draft(ctx context.Context, book *recordBook, now time.Time) error {
	in := billing.Input{Order: p.order, Deliveries: p.notes}
	var unknown []billing.MissingField
	if book != nil {
		pair, err := records.Parties(ctx, book, p.order, now)
		if err != nil {
			return err
		}
		if pair.Entity.ID != "" {
			p.entity, in.Records.LegalEntity = pair.Entity, &pair.Entity
		}
		if pair.Customer.ID != "" {
			in.Records.Customer = &pair.Customer
		}
		in.Records.Items, unknown = book.items, pair.Missing
	}
	plan, err := billing.Draft(in)
	var fields invoice.FieldErrors
	if errors.As(err, &fields) {
		p.code, p.problems = "invoice.refused", problemTexts(fields)
		return nil
	}
	if err != nil {
		return err
	}
	p.plan = plan
	for _, m := range plan.Missing {
		p.code, p.problems = "invoice.missing", append(p.problems, m.Path+": "+m.Why)
	}
	if len(plan.Drafts) == 0 && len(plan.Missing) == 0 {
		p.code, p.problems = "invoice.nothing", []string{nothingDue(plan)}
	}
	for i, proposal := range plan.Drafts {
		p.invoices = append(p.invoices, &madeInvoice{
			proposal: plan.Drafts[i], entity: &p.entity, model: proposal.Invoice,
			missing: append(unknown[:len(unknown):len(unknown)], proposal.Missing...),
			name:    strings.Join(append([]string{"DRAFT", p.order.Number}, noteNumber(proposal)...), "-"),
		})
	}
	return nil
}

func noteNumber(p billing.Proposal) []string {
	if p.Takes.Note == "" {
		return nil
	}
	return []string{p.Takes.Note}
}

// nothingDue says why an order gives no invoice.
func nothingDue(plan billing.Plan) string {
	if plan.Billing == order.OnDelivery {
		return "nothing to invoice: the order is invoiced on delivery, and nothing of it was delivered; give --delivery-note"
	}
	return "nothing to invoice: no line orders anything"
}

// numbers gives out invoice numbers.
type numbers struct {
	given   string
	pattern *gateway.NumberPattern
	next    int64
}

// numbering reads the flags about numbers, against what will be made.
func (c invoiceCmd) numbering(plans []*orderPlan) (*numbers, error) {
	var made []*madeInvoice
	for _, p := range plans {
		made = append(made, p.invoices...)
	}
	switch {
	case c.Number != "" && len(made) != 1:
		return nil, usageError("invoice.number", fmt.Sprintf("--number is for one invoice, and there are %d", len(made)), "number several with --start")
	case c.Number != "":
		return &numbers{given: c.Number}, checkName("--number", c.Number)
	case c.Start < 0:
		return nil, usageError("invoice.number", "--start is 1 or more", "")
	case c.Start == 0 || len(made) == 0:
		return &numbers{}, nil
	}
	first := made[0]
	for _, inv := range made {
		if inv.entity.ID == "" {
			return nil, usageError("invoice.number", "--start needs the record of the legal entity, which has the pattern of its numbers", "give it with --records, or give --number")
		}
		if inv.entity.ID != first.entity.ID || inv.model.IsCreditNote() != first.model.IsCreditNote() {
			return nil, usageError("invoice.number", "legal entities, and invoices and credit notes, have numbers of their own", "make them apart, each with its --start")
		}
	}
	text := cmp.Or(first.entity.Value.InvoiceNumbers, gateway.DefaultNumberPattern)
	if first.model.IsCreditNote() {
		text = cmp.Or(first.entity.Value.CreditNoteNumbers, "CN-"+text)
	}
	pattern, err := gateway.ParseNumberPattern(text)
	if err != nil {
		return nil, wanting("invoice.number", fmt.Sprintf("legal entity %s: %v", first.entity.ID, err))
	}
	return &numbers{pattern: &pattern, next: c.Start}, nil
}

// propose is the number that the next invoice would get; "" makes it a draft.
func (n *numbers) propose(date invoice.Date) string {
	if n.pattern == nil {
		return n.given
	}
	return n.pattern.Format(date.Time(time.UTC), n.next)
}

// take marks the proposed number as taken.
func (n *numbers) take() { n.next++ }

// invoiceMaker turns proposals into checked documents.
type invoiceMaker struct {
	checks  *validator
	date    invoice.Date
	numbers *numbers
	drafts  map[string]int // files of drafts, how often
}

// makeAll makes the invoices of all orders, in their order.
func (m *invoiceMaker) makeAll(ctx *appContext, plans []*orderPlan) error {
	live := isTerminal(ctx.Stderr)
	done := 0
	for _, p := range plans {
		for _, inv := range p.invoices {
			if err := m.make(ctx.Context, inv); err != nil {
				return err
			}
			if done++; live {
				fmt.Fprintf(ctx.Stderr, "\r%d checked ", done)
			}
		}
	}
	if live {
		fmt.Fprint(ctx.Stderr, "\r\x1b[K")
	}
	return nil
}

// make writes and checks one invoice: under the next number, which it takes when
// it is valid; otherwise, as when there are no numbers, as a draft.
func (m *invoiceMaker) make(ctx context.Context, inv *madeInvoice) error {
	if number := m.numbers.propose(m.date); number != "" && len(inv.missing) == 0 {
		m.render(ctx, inv, number)
		if inv.document != nil && inv.outcome.Valid {
			inv.file = safeFile(number) + ".xml"
			m.numbers.take()
			return ctx.Err()
		}
	}
	inv.draft = true
	name := inv.name
	file := safeFile(name)
	if m.drafts[file]++; m.drafts[file] > 1 {
		again := fmt.Sprintf("-%d", m.drafts[file])
		name, file = name+again, file+again
	}
	m.render(ctx, inv, name)
	inv.file = file + ".xml"
	return ctx.Err()
}

// render calculates, writes and checks the invoice under a number. What is
// missing keeps it from being written.
func (m *invoiceMaker) render(ctx context.Context, inv *madeInvoice, number string) {
	inv.model, inv.document, inv.problems, inv.outcome = inv.proposal.Invoice.Clone(), nil, nil, outcome{}
	billing.Issue(inv.model, inv.proposal.Terms, m.date)
	inv.model.Number = number
	err := invoice.Calculate(inv.model)
	if len(inv.missing) > 0 {
		return // what cannot be calculated follows from what is missing
	}
	var document []byte
	if err == nil {
		document, err = ubl.Write(inv.model)
	}
	if err != nil {
		inv.problems = problemTexts(err)
		return
	}
	inv.document, inv.outcome = document, m.checks.judge(ctx, document)
}

// safeFile makes a number safe to be a file's name.
func safeFile(number string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, number)
	return cmp.Or(strings.TrimLeft(safe[:min(len(safe), 200)], "."), "invoice")
}
