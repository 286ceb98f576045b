package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/requirements"
)

// Profiles checks invoices against the billing profiles of their customers. It
// implements Requirements and is safe for concurrent use.
type Profiles struct {
	Clock gateway.Clock

	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*requirements.Compiled
}

// maxProfiles is how many compiled profiles are kept.
const maxProfiles = 1000

// reasonProfile opens the reason of a verdict that did not run because the
// profile that a customer's record names cannot be had.
const reasonProfile = "profile.missing"

// Check judges an invoice by the profile in force that its customer's record
// names. A customer without profile gives no verdict; a customer or profile that
// is named but not there, or a profile that does not compile, gives one that did
// not run. The error is the store's.
func (p *Profiles) Check(ctx context.Context, r gateway.Reader, inv gateway.Invoice, model *invoice.Invoice, document []byte) ([]validation.Verdict, error) {
	now := p.Clock.Now()
	id, err := profileOf(ctx, r, inv.Customer, now)
	if errors.Is(err, gateway.ErrNotFound) {
		return notRun(validation.RuleSet{ID: "profile"}, reasonProfile, "there is no customer record "+inv.Customer), nil
	}
	if err != nil || id == "" {
		return nil, err
	}
	unknown := validation.RuleSet{ID: "profile:" + id}
	rec, err := r.RecordAt(ctx, gateway.RecordProfile, id, now)
	if errors.Is(err, gateway.ErrNotFound) {
		return notRun(unknown, reasonProfile, "the customer's record names the profile "+id+", which is not in force"), nil
	}
	if err != nil {
		return nil, err
	}
	unknown.Version = strconv.FormatInt(rec.Version, 10)
	profile, err := p.compile(rec)
	if err != nil {
		return notRun(unknown, validation.ReasonBroken, "the profile cannot be used: "+firstOf(err)), nil
	}
	subject, err := p.subject(ctx, r, inv, model, document, now)
	if err != nil {
		return nil, err
	}
	return []validation.Verdict{profile.Check(ctx, subject)}, nil
}

func notRun(rs validation.RuleSet, code, text string) []validation.Verdict {
	rs.Stage = validation.StageRequirements
	return []validation.Verdict{rs.NotRun(code, text)}
}

// profileOf gives the id of a customer's profile, or nothing when it has none.
func profileOf(ctx context.Context, r gateway.Reader, customer string, at time.Time) (string, error) {
	rec, err := r.RecordAt(ctx, gateway.RecordCustomer, customer, at)
	if err != nil {
		return "", err
	}
	c, err := records.Typed[billing.Customer](rec)
	return c.Value.Profile, err
}

// compile compiles a profile, once for the same text: a record's version never
// changes, and tenants may share what they ask for.
func (p *Profiles) compile(rec gateway.Record) (*requirements.Compiled, error) {
	key := sha256.Sum256(rec.Body)
	p.mu.Lock()
	c := p.compiled[key]
	p.mu.Unlock()
	if c == nil {
		var err error
		if c, err = requirements.Compile(rec.Body); err != nil {
			return nil, err
		}
		p.mu.Lock()
		if p.compiled == nil || len(p.compiled) >= maxProfiles {
			p.compiled = map[[sha256.Size]byte]*requirements.Compiled{}
		}
		p.compiled[key] = c
		p.mu.Unlock()
	}
	return c.Named(rec.ID, strconv.FormatInt(rec.Version, 10)), nil
}

// subject gathers what a profile can ask about an invoice.
func (p *Profiles) subject(ctx context.Context, r gateway.Reader, inv gateway.Invoice, model *invoice.Invoice, document []byte, now time.Time) (requirements.Subject, error) {
	tenant, err := r.Tenant(ctx)
	if err != nil {
		return requirements.Subject{}, err
	}
	at := now
	if zone, err := time.LoadLocation(tenant.TimeZone); err == nil {
		at = now.In(zone)
	}
	s := requirements.Subject{Invoice: model, DocumentSize: int64(len(document)), At: at, Lang: tenant.Language}
	// What cannot be read stays unknown, which no profile that asks for a syntax accepts.
	if doc, err := validation.Parse(document); err == nil {
		s.Document = doc.Identity
	}
	row, err := orderOf(ctx, r, inv, model)
	if err != nil || row == nil {
		return s, err
	}
	s.Order = new(order.Order)
	if err := json.Unmarshal(row.Body, s.Order); err != nil {
		return s, fmt.Errorf("order %s: %w", row.ID, err)
	}
	taken, err := billedBefore(ctx, r, row.ID, inv.ID)
	if err != nil {
		return s, err
	}
	s.BilledBefore = map[string]invoice.Decimal{}
	for _, t := range taken {
		for line, quantity := range t.Lines {
			s.BilledBefore[line] = s.BilledBefore[line].Add(quantity)
		}
	}
	return s, nil
}

// orderOf finds the order that an invoice bills: the one it was made from, or
// for a finished invoice the customer's only order with the number it names.
func orderOf(ctx context.Context, r gateway.Reader, inv gateway.Invoice, model *invoice.Invoice) (*gateway.Order, error) {
	if inv.OrderID != "" {
		row, err := r.Order(ctx, inv.OrderID)
		return &row, err
	}
	if model.PurchaseOrderReference == "" {
		return nil, nil
	}
	filter := gateway.OrderFilter{Customer: inv.Customer, Number: model.PurchaseOrderReference}
	var found *gateway.Order
	for o, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Order], error) { return r.Orders(ctx, filter, p) }) {
		if err != nil {
			return nil, err
		}
		if o.State == gateway.OrderRejected || o.LegalEntity != inv.LegalEntity {
			continue
		}
		if found != nil {
			return nil, nil // more than one: it is not known which
		}
		found = &o
	}
	return found, nil
}

// firstOf gives the first of the problems of a profile.
func firstOf(err error) string {
	var fields invoice.FieldErrors
	if errors.As(err, &fields) && len(fields) > 0 {
		return fields[0].Error()
	}
	return err.Error()
}

// CheckProfile refuses a billing profile that does not compile or whose examples
// do not come out as they should; the error names the places. It is the hook of
// records.Book.
func CheckProfile(_ context.Context, _ string, body json.RawMessage) error {
	if !json.Valid(body) {
		return gateway.ErrInvalid.With("a billing profile is kept as JSON", nil)
	}
	_, err := requirements.Compile(body)
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) {
		return err
	}
	e := gateway.ErrInvalid.With("the billing profile cannot be used: "+firstOf(err), err)
	e.Fields = problems(fields)
	return e
}
