package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/validation"
)

// Checker judges a document by every official rule set that applies to it on a
// day. Like a validation.Pipeline it has no error to return: what did not run
// is a verdict that says so.
type Checker interface {
	Check(ctx context.Context, document []byte, at time.Time) validation.Result
}

// Requirements judges an invoice by its customer's billing profile. Without a
// profile there is no verdict.
type Requirements interface {
	Check(ctx context.Context, r gateway.Reader, inv gateway.Invoice, model *invoice.Invoice, document []byte) ([]validation.Verdict, error)
}

// Sealer makes the detached signature that is kept beside a document.
type Sealer interface {
	Seal(ctx context.Context, tenant gateway.TenantID, name, mediaType string, content []byte) ([]byte, error)
}

// Preparing makes drafts ready: it completes, checks, numbers and seals them and
// queues their delivery. It implements the worker of gateway.TaskPrepareInvoice.
type Preparing struct {
	Store        gateway.Store
	Blobs        gateway.Blobs
	Clock        gateway.Clock
	IDs          gateway.IDs
	Checker      Checker
	Requirements Requirements
	Sealer       Sealer
	// Links makes the tokens of portal links.
	Links gateway.LinkKey
	Probe func(step string)
}

// Reasons why an invoice is held.
const (
	holdRecords      = "records"
	holdRules        = "rules"
	holdRequirements = "requirements"
	holdNumber       = "number"
)

// Hold is why an invoice waits for a person, as Invoice.HoldDetail keeps it.
type Hold struct {
	// Missing names what neither the order nor the records give.
	Missing []billing.MissingField `json:"missing,omitempty"`
	// Results are the verdicts that stopped it.
	Result *validation.Result `json:"result,omitempty"`
	// Problems are places of the invoice that cannot be worked with.
	Problems []gateway.FieldProblem `json:"problems,omitempty"`
	// Duplicate is the invoice that has the same business key.
	Duplicate string `json:"duplicate,omitempty"`
	// Text says it in one line.
	Text string `json:"text"`
}

// Override is a named person's decision to let findings pass, with the reason.
type Override struct {
	By     gateway.Actor `json:"by"`
	Reason string        `json:"reason"`
	At     time.Time     `json:"at"`
	// Rules are the rule ids that were let pass. Others still hold the invoice.
	Rules []string `json:"rules"`
}

// candidate is a draft made into a document under the number it would get.
type candidate struct {
	tenant   gateway.Tenant
	row      gateway.Invoice
	model    *invoice.Invoice
	entity   billing.LegalEntity
	customer billing.Customer
	series   *gateway.NumberSeries // nil when the ERP gave the number
	document []byte
	result   validation.Result
	seal     []byte
	hold     string // reason, when it must wait
	detail   Hold
}

// prepareTask makes the preparation of an invoice due. Numbers of a series are
// taken one after the other: a second invoice of the series would be written and
// checked under a number that is gone, so the tasks of a series are a group of
// which one is worked at a time.
func prepareTask(ids gateway.IDs, tenant gateway.TenantID, row gateway.Invoice, now time.Time) gateway.Task {
	group := row.ID
	if !row.NumberGiven {
		group = string(tenant) + "/" + row.LegalEntity + "/" + row.Kind
	}
	return gateway.Task{
		ID: ids.New(gateway.PrefixTask), Tenant: tenant, Kind: gateway.TaskPrepareInvoice, Ref: row.ID, Group: group, DueAt: now, CreatedAt: now,
	}
}

// Handle prepares the invoice t.Ref. When another process took the number
// meanwhile, it is written and checked again under the next.
func (s *Preparing) Handle(ctx context.Context, t gateway.Task) error {
	var err error
	for range 10 {
		err = s.try(ctx, t)
		if !errors.Is(err, gateway.ErrConflict) {
			return err
		}
	}
	return err
}

func (s *Preparing) try(ctx context.Context, t gateway.Task) error {
	c, err := s.build(ctx, t)
	if err != nil {
		return err
	}
	if c == nil { // not a draft any more: the work was done before
		return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error { return tx.EndTask(ctx, t) })
	}
	s.probe("invoice.built")
	if c.hold == "" {
		if err := s.check(ctx, c); err != nil {
			return err
		}
		s.probe("invoice.checked")
	}
	if c.hold != "" {
		return s.holdBack(ctx, t, c)
	}
	name := filename(c.model)
	if c.seal, err = s.Sealer.Seal(ctx, t.Tenant, name, mediaXML, c.document); err != nil {
		return fmt.Errorf("seal %s: %w", c.row.ID, err)
	}
	s.probe("invoice.sealed")
	return s.ready(ctx, t, c, name)
}

// build loads a draft with its records and writes it as a document under the
// number it would get.
func (s *Preparing) build(ctx context.Context, t gateway.Task) (*candidate, error) {
	c := &candidate{}
	err := s.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		if c.row, err = r.Invoice(ctx, t.Ref); err != nil {
			return err
		}
		if c.tenant, err = r.Tenant(ctx); err != nil {
			return err
		}
		if c.row.State != gateway.InvoiceDraft {
			return nil
		}
		c.model = new(invoice.Invoice)
		if err := json.Unmarshal(c.row.Model, c.model); err != nil {
			return err
		}
		if err := s.resolve(ctx, r, c); err != nil || c.hold != "" {
			return err
		}
		return s.number(ctx, r, c)
	})
	if err != nil {
		return nil, err
	}
	if c.row.State != gateway.InvoiceDraft {
		return nil, nil
	}
	if c.hold != "" {
		return c, nil
	}
	return c, s.render(ctx, c)
}

// resolve finds the legal entity and the customer of an invoice.
func (s *Preparing) resolve(ctx context.Context, r gateway.Reader, c *candidate) error {
	var who records.Pair
	var err error
	if c.row.LegalEntity != "" && c.row.Customer != "" {
		who, err = records.ByID(ctx, r, c.row.LegalEntity, c.row.Customer, s.Clock.Now())
	} else {
		who, err = records.PartiesOfInvoice(ctx, r, c.model, s.Clock.Now())
	}
	if errors.Is(err, gateway.ErrNotFound) { // deleted meanwhile
		c.stop(holdRecords, Hold{Text: "the record of the seller or the customer is not in force"})
		return nil
	}
	if err != nil {
		return err
	}
	if len(who.Missing) > 0 {
		c.stop(holdRecords, Hold{Missing: who.Missing, Text: who.Missing[0].Why})
		return nil
	}
	c.row.LegalEntity, c.row.Customer = who.Entity.ID, who.Customer.ID
	c.entity, c.customer = who.Entity.Value, who.Customer.Value
	return nil
}

// number gives a draft the issue date of today and the next number of its
// series, unless the ERP gave them.
func (s *Preparing) number(ctx context.Context, r gateway.Reader, c *candidate) error {
	if c.row.NumberGiven {
		return nil
	}
	zone, err := time.LoadLocation(c.tenant.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	if c.model.IssueDate.IsZero() {
		var origin Origin
		if len(c.row.Sources) > 0 {
			if err := json.Unmarshal(c.row.Sources, &origin); err != nil {
				return err
			}
		}
		billing.Issue(c.model, origin.Terms, invoice.DateOf(s.Clock.Now().In(zone)))
	}
	series, number, err := nextNumber(ctx, r, c.row.LegalEntity, c.entity, c.model)
	if err != nil {
		return err
	}
	if date := c.model.IssueDate.String(); date < series.LastDate {
		c.stop(holdNumber, Hold{Text: fmt.Sprintf("the issue date %s is before %s, the date of the last number of the series", date, series.LastDate)})
		return nil
	}
	c.model.Number, c.series = number, &series
	return nil
}

// render writes the document. A finished invoice that came as UBL stays as it is.
func (s *Preparing) render(ctx context.Context, c *candidate) (err error) {
	if c.row.SourceSHA256 != "" && c.row.SourceType == mediaXML {
		c.document, err = s.Blobs.Get(ctx, c.tenant.ID, c.row.SourceSHA256)
		return err
	}
	// A credit note takes back the amounts of its invoice to the cent.
	if !c.row.NumberGiven && c.row.CreditOf == "" {
		err = invoice.Calculate(c.model)
	}
	if err == nil {
		c.document, err = ubl.Write(c.model)
	}
	var fields invoice.FieldErrors
	if errors.As(err, &fields) { // what no calculation and no document can hold, a person must look at
		c.stop(holdRules, Hold{Problems: problems(fields), Text: fields.Error()})
		return nil
	}
	return err
}

// check takes the official verdicts and those of the customer's profile.
func (s *Preparing) check(ctx context.Context, c *candidate) error {
	c.result = s.Checker.Check(ctx, c.document, s.Clock.Now())
	c.result.File = filename(c.model)
	c.result.Valid = c.result.Valid && len(c.result.Verdicts) > 0 // nothing that nobody checked
	reason := holdRules
	if c.result.Valid {
		reason = holdRequirements
	}
	err := s.Store.For(c.tenant.ID).Read(ctx, func(r gateway.Reader) error {
		verdicts, err := s.Requirements.Check(ctx, r, c.row, c.model, c.document)
		if err != nil {
			return err
		}
		for _, v := range verdicts {
			c.result.Verdicts = append(c.result.Verdicts, v)
			c.result.Valid = c.result.Valid && v.OK()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !c.result.Valid && !overridden(c.row, c.result) {
		c.stop(reason, Hold{Result: &c.result, Text: whyNot(c.result)})
	}
	return nil
}

// whyNot says in one line why a result is not valid: a check that did not run
// comes before what others found.
func whyNot(r validation.Result) string {
	for _, v := range r.Verdicts {
		if !v.Ran {
			return v.RuleSet + " did not run: " + v.Reason
		}
	}
	if failures := r.Failures(); len(failures) > 0 {
		return failures[0].Rule + ": " + failures[0].Message
	}
	return "nothing checked the document"
}

// overridden tells whether a person let all of what fails pass. A check that
// did not run is never let pass without its rule set being named.
func overridden(row gateway.Invoice, result validation.Result) bool {
	if len(row.Override) == 0 {
		return false
	}
	var o Override
	if err := json.Unmarshal(row.Override, &o); err != nil {
		return false
	}
	passed := make(map[string]bool, len(o.Rules))
	for _, r := range o.Rules {
		passed[r] = true
	}
	for _, v := range result.Verdicts {
		if !v.Ran && !passed[v.RuleSet] {
			return false
		}
	}
	for _, f := range result.Failures() {
		if !passed[f.Rule] {
			return false
		}
	}
	return len(result.Verdicts) > 0
}

func (c *candidate) stop(reason string, h Hold) { c.hold, c.detail = reason, h }

// holdBack records why a draft waits for a person.
func (s *Preparing) holdBack(ctx context.Context, t gateway.Task, c *candidate) error {
	detail, err := json.Marshal(c.detail)
	if err != nil {
		return err
	}
	return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		row, err := s.current(ctx, tx, t, c)
		if err != nil || row == nil {
			return err
		}
		if err := row.Move(gateway.InvoiceHeld); err != nil {
			return err
		}
		row.LegalEntity, row.Customer = c.row.LegalEntity, c.row.Customer
		row.Hold, row.HoldDetail, row.UpdatedAt = c.hold, detail, s.Clock.Now()
		if err := tx.UpdateInvoice(ctx, row); err != nil {
			return err
		}
		if err := s.verdict(ctx, tx, c, row.ID); err != nil {
			return err
		}
		if err := s.event(ctx, tx, row, gateway.EventInvoiceHeld, map[string]any{"reason": c.hold, "text": c.detail.Text}, ""); err != nil {
			return err
		}
		return tx.EndTask(ctx, t)
	})
}

// current gives the invoice as it stands, or nil when it is no draft any more
// and the task was ended.
func (s *Preparing) current(ctx context.Context, tx gateway.Tx, t gateway.Task, c *candidate) (*gateway.Invoice, error) {
	if err := tx.HoldTask(ctx, t); err != nil {
		return nil, err
	}
	row, err := tx.Invoice(ctx, t.Ref)
	if err != nil {
		return nil, err
	}
	if row.State != gateway.InvoiceDraft {
		return nil, tx.EndTask(ctx, t)
	}
	if row.Version != c.row.Version {
		return nil, gateway.ErrConflict.With("the draft was changed while it was checked", nil)
	}
	return &row, nil
}

func (s *Preparing) verdict(ctx context.Context, tx gateway.Tx, c *candidate, id string) error {
	if len(c.result.Verdicts) == 0 {
		return nil
	}
	result, err := json.Marshal(c.result)
	if err != nil {
		return err
	}
	return tx.InsertVerdict(ctx, gateway.VerdictRecord{
		ID: s.IDs.New(gateway.PrefixVerdict), InvoiceID: id, SHA256: c.result.SHA256,
		Valid: c.result.Valid, Result: result, CreatedAt: s.Clock.Now(),
	})
}

func (s *Preparing) event(ctx context.Context, tx gateway.Tx, row *gateway.Invoice, kind gateway.EventType, data map[string]any, evidence string) error {
	now := s.Clock.Now()
	return gateway.Append(ctx, tx, row, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: gateway.System,
		InvoiceID: row.ID, OrderID: row.OrderID, ExternalID: row.ExternalID, Evidence: evidence, Data: mustJSON(data),
	})
}

func (s *Preparing) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
