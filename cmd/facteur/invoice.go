package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/intake"
	"facteur.dev/facteur/validation"
)

type invoiceCmd struct {
	Orders        []string `arg:"" name:"order" help:"Sales orders as JSON, UBL, CSV or XLSX, or - for standard input."`
	DeliveryNotes []string `name:"delivery-note" sep:"none" placeholder:"FILE" help:"Delivery note (JSON or UBL DespatchAdvice): invoice what it delivers. Each gives an invoice."`
	Records       string   `placeholder:"DIR|FILE" help:"Records of legal entities, customers and items, with what the orders lack."`
	Date          isoDate  `placeholder:"DATE" help:"Issue date (default: today, in the configured time zone)."`
	Number        string   `xor:"number" placeholder:"NUMBER" help:"Number of the one invoice that is made."`
	Start         int64    `xor:"number" placeholder:"N" help:"Number the invoices from N on, by the pattern in the legal entity's record."`
	Output        string   `short:"o" default:"." placeholder:"DIR" help:"Folder for the invoices (default: here)."`
	Force         bool     `help:"Overwrite invoices that are there."`
	Lang          string   `enum:",en,fr,de" default:"" placeholder:"en|fr|de" help:"Language of our words about findings (default: the configured language)."`
	Format        string   `enum:"text,json" default:"text" help:"text or json (an object per line and invoice)."`
}

// Help says more on the command's own help page.
func (invoiceCmd) Help() string {
	return `Turns sales orders into UBL invoices, offline and without a database, and checks each by the official rules.

What an order lacks comes from the records, never from a guess: the report says what was taken from where, and what is missing. An invoice that lacks something is not written.
The records are a folder with legal_entities.json, customers.json and items.json, or one file with these three as fields; each is a list of {"id", "version", "value"}.

Without --number or --start an invoice is a draft, with DRAFT-… for its number. So is one that does not pass the checks: it takes no number.
The command knows nothing of earlier runs: which numbers are taken and what was invoiced before is for you to know. The gateway (facteur serve) keeps track of both.

Exit status: 0 every order gave invoices that are valid; 1 something is missing or not valid; 2 usage; 3 a check could not be made or a file not be written.

Examples:
  facteur invoice order.json --records records/ -o out/
  facteur invoice order.xml --delivery-note despatch.xml --records records/ --number FA-2026-00042
  facteur invoice orders.csv --records records.json --start 43 -o out/`
}

// Run makes the invoices, writes them and reports each.
func (c invoiceCmd) Run(ctx *appContext) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	catalogue, err := openCatalogue(ctx)
	if err != nil {
		return err
	}
	book, err := readRecords(c.Records)
	if err != nil {
		return err
	}
	notes, err := c.readNotes()
	if err != nil {
		return err
	}
	plans, err := c.plan(ctx, book, notes)
	if err != nil {
		return err
	}
	numbers, err := c.numbering(plans)
	if err != nil {
		return err
	}
	checks, release := newChecks(catalogue, conf.Validation)
	defer release() //nolint:errcheck // it only frees memory
	date := c.Date.Date
	if date.IsZero() {
		date = invoice.DateOf(ctx.Now().In(conf.TimeZone))
	}
	m := &invoiceMaker{
		checks: &validator{checks: checks, request: validation.Request{At: ctx.Now()}, limit: conf.Validation.MaxDocument},
		date:   date, numbers: numbers, drafts: map[string]int{},
	}
	if err := m.makeAll(ctx, plans); err != nil {
		return err
	}
	return c.deliver(ctx, conf.Language, plans)
}

// isoDate is a day on the command line.
type isoDate struct{ invoice.Date }

// UnmarshalText reads 2026-11-22.
func (d *isoDate) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return errors.New("expected a date such as 2026-11-22")
	}
	d.Date = invoice.DateOf(day)
	return nil
}

// readInput reads a file that may be an order or a note. Too many bytes are left
// for intake to refuse.
func readInput(ctx *appContext, path string) ([]byte, error) {
	in := ctx.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, environmentError("invoice.read", err, "")
		}
		defer file.Close()
		in = file
	}
	content, err := io.ReadAll(io.LimitReader(in, intake.MaxSize+1))
	if err != nil {
		return nil, environmentError("invoice.read", err, "")
	}
	return content, nil
}

// plan reads the orders and decides what to invoice of each.
func (c invoiceCmd) plan(ctx *appContext, book *recordBook, notes []*deliveryNote) ([]*orderPlan, error) {
	var plans []*orderPlan
	for _, path := range c.Orders {
		content, err := readInput(ctx, path)
		if err != nil {
			return nil, err
		}
		orders, err := readOrders(path, content)
		if err != nil {
			plans = append(plans, unreadable(path, err))
			continue
		}
		for _, o := range orders {
			plans = append(plans, &orderPlan{file: path, order: o})
		}
	}
	if err := assign(notes, plans); err != nil {
		return nil, err
	}
	for _, p := range plans {
		if p.order == nil {
			continue
		}
		if err := p.draft(ctx.Context, book, ctx.Now()); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// readOrders reads the orders of a file. Its error tells what is wrong with them.
func readOrders(path string, content []byte) ([]*order.Order, error) {
	media := intake.MediaType("", path, content)
	kind, err := intake.KindOf(media, content)
	switch {
	case err != nil:
		return nil, err
	case kind == intake.KindInvoice:
		return nil, &intake.Error{Code: "invoice.is_invoice", Message: "this is an invoice already; check it with facteur validate"}
	case kind == intake.KindDelivery:
		return nil, &intake.Error{Code: "invoice.is_delivery_note", Message: "this is a delivery note; give it with --delivery-note, and its order"}
	}
	return intake.Orders(media, content)
}

// deliveryNote is a note and the file it came in.
type deliveryNote struct {
	file string
	*order.Delivery
}

func (c invoiceCmd) readNotes() ([]*deliveryNote, error) {
	var notes []*deliveryNote
	for _, path := range c.DeliveryNotes {
		content, err := readFlagFile("--delivery-note", path)
		if err != nil {
			return nil, err
		}
		d, err := intake.Delivery(intake.MediaType("", path, content), content)
		if err != nil {
			return nil, wanting(codeOf(err), path+": "+strings.Join(problemTexts(err), "; "))
		}
		notes = append(notes, &deliveryNote{path, d})
	}
	return notes, nil
}

// names lists the orders that a note delivers, as far as it says.
func (d *deliveryNote) names() []string {
	var names []string
	for i := range d.Lines {
		if n := d.OrderOf(&d.Lines[i]); n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// assign gives each note to the orders that it names, or to the only order.
func assign(notes []*deliveryNote, plans []*orderPlan) error {
	for _, note := range notes {
		names := note.names()
		if len(names) == 0 {
			if len(plans) != 1 {
				return wanting("invoice.delivery_note", note.file+": the note names no order, and there are several: give one order at a time")
			}
			plans[0].notes = append(plans[0].notes, *note.Delivery)
			continue
		}
		found := false
		for _, name := range names {
			var of []*orderPlan
			for _, p := range plans {
				if p.order != nil && p.order.Number == name {
					of = append(of, p)
				}
			}
			if len(of) > 1 {
				return wanting("invoice.delivery_note", fmt.Sprintf("%s: several orders have the number %s: give one at a time", note.file, name))
			}
			for _, p := range of {
				p.notes, found = append(p.notes, *note.Delivery), true
			}
		}
		if !found {
			return wanting("invoice.delivery_note", fmt.Sprintf("%s: the note delivers order %s, which is not given", note.file, strings.Join(names, ", ")))
		}
	}
	return nil
}

// deliver writes the invoices and prints the report. Nothing is written when one
// would overwrite a file.
func (c invoiceCmd) deliver(ctx *appContext, language string, plans []*orderPlan) error {
	if err := os.MkdirAll(c.Output, 0o777); err != nil {
		return environmentError("invoice.write", err, "")
	}
	if err := c.checkFree(plans); err != nil {
		return err
	}
	lang := c.Lang
	if lang == "" {
		lang = language
	}
	report := newInvoiceReport(ctx, c.Format, lang)
	for _, p := range plans {
		for _, inv := range p.invoices {
			if inv.document == nil {
				continue
			}
			inv.path = filepath.Join(c.Output, inv.file)
			if err := writeDocument(inv.path, inv.document, c.Force); err != nil {
				return environmentError("invoice.write", err, "")
			}
		}
		if err := report.print(p); err != nil {
			return err
		}
	}
	return report.verdict()
}

// checkFree refuses to write two invoices to one file, or over a file.
func (c invoiceCmd) checkFree(plans []*orderPlan) error {
	taken := map[string]bool{}
	for _, p := range plans {
		for _, inv := range p.invoices {
			path := filepath.Join(c.Output, inv.file)
			_, err := os.Lstat(path)
			switch {
			case inv.document == nil:
				continue
			case taken[inv.file]:
				return usageError("invoice.exists", "two invoices would be written to "+path, "give another number")
			case err == nil && !c.Force:
				return usageError("invoice.exists", path+" is there already; nothing was written", "give --force to overwrite it, or another folder with -o")
			}
			taken[inv.file] = true
		}
	}
	return nil
}

// writeDocument writes a file that must be new, or replaces one whole.
func writeDocument(path string, content []byte, replace bool) (err error) {
	name, flags := path, os.O_CREATE|os.O_EXCL|os.O_WRONLY
	if replace {
		name, flags = path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY
	}
	file, err := os.OpenFile(name, flags, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	if replace {
		return os.Rename(name, path)
	}
	return nil
}
