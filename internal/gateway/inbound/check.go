package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/validation"
)

// Checker judges a document by every official rule set that applies to it on a day.
type Checker interface {
	Check(ctx context.Context, document []byte, at time.Time) validation.Result
}

// Answers takes a checked response of a customer to an invoice of ours, and
// tells a sender that its document was rejected.
type Answers interface {
	// Take lands a received response on the timeline of the invoice it answers.
	Take(ctx context.Context, tx gateway.Tx, in gateway.Inbound, document []byte) error
	// Reject queues the one message that tells a sender of fatal findings.
	Reject(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, in *gateway.Inbound, result validation.Result) error
}

// applicationResponse is the root of responses: they are about an invoice of ours.
const applicationResponse = "ApplicationResponse"

// Checking judges received documents. It implements the worker of
// gateway.TaskCheckInbound.
type Checking struct {
	Store   gateway.Store
	Blobs   gateway.Blobs
	Clock   gateway.Clock
	IDs     gateway.IDs
	Checker Checker
	Answers Answers
	Probe   func(step string)
}

// Handle checks the document t.Ref.
func (s *Checking) Handle(ctx context.Context, t gateway.Task) error {
	var in gateway.Inbound
	err := s.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		in, err = r.Inbound(ctx, t.Ref)
		return err
	})
	if err != nil {
		return err
	}
	body, err := s.Blobs.Get(ctx, t.Tenant, in.SHA256)
	if err != nil {
		return err
	}
	result := s.Checker.Check(ctx, body, s.Clock.Now())
	if why := ours(result); why != "" {
		// A check of ours that failed says nothing about the document: it is tried
		// again, and nothing passes meanwhile.
		return errors.New("a check did not run: " + why)
	}
	model, _, modelErr := ubl.Read(body)
	s.probe("inbound.judged")
	return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		in, err := tx.Inbound(ctx, t.Ref)
		if err != nil {
			return err
		}
		if in.State != gateway.InboundReceived {
			return tx.EndTask(ctx, t)
		}
		if err := s.settle(ctx, tx, t.Tenant, &in, body, result, model, modelErr); err != nil {
			return err
		}
		s.probe("inbound.before_check_commit")
		return tx.EndTask(ctx, t)
	})
}

func (s *Checking) settle(
	ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, in *gateway.Inbound, body []byte,
	result validation.Result, model *invoice.Invoice, modelErr error,
) error {
	now := s.Clock.Now()
	if model != nil {
		if err := s.project(ctx, tx, in, model, &result); err != nil {
			return err
		}
	}
	if modelErr != nil && result.Valid && result.Document.Root != applicationResponse {
		addFinding(&result, validation.Finding{
			Rule: "unreadable", Severity: validation.SeverityFatal,
			Message: "this gateway takes invoices, credit notes and responses that it can read: " + transport.Safe(modelErr.Error()),
		})
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if err := tx.InsertVerdict(ctx, gateway.VerdictRecord{
		ID: s.IDs.New(gateway.PrefixVerdict), InboundID: in.ID, SHA256: in.SHA256, Valid: result.Valid, Result: encoded, CreatedAt: now,
	}); err != nil {
		return err
	}
	if err := s.event(ctx, tx, in, gateway.EventInboundChecked, map[string]any{"valid": result.Valid, "duplicate_of": in.DuplicateOf}); err != nil {
		return err
	}
	in.UpdatedAt = now
	if !result.Valid {
		if err := in.Move(gateway.InboundQuarantined); err != nil {
			return err
		}
		if err := tx.UpdateInbound(ctx, in); err != nil {
			return err
		}
		if err := s.event(ctx, tx, in, gateway.EventInboundQuarantined, map[string]any{"findings": len(result.Failures())}); err != nil {
			return err
		}
		return s.Answers.Reject(ctx, tx, tenant, in, result)
	}
	if err := in.Move(gateway.InboundAvailable); err != nil {
		return err
	}
	if result.Document.Root == applicationResponse {
		if err := s.Answers.Take(ctx, tx, *in, body); err != nil {
			return err
		}
		if err := in.Move(gateway.InboundForwarded); err != nil { // it is on the supplier's own timeline
			return err
		}
		return tx.UpdateInbound(ctx, in)
	}
	if err := tx.UpdateInbound(ctx, in); err != nil {
		return err
	}
	if err := s.event(ctx, tx, in, gateway.EventInboundAvailable, map[string]any{"number": in.Number}); err != nil {
		return err
	}
	return tx.AddTask(ctx, gateway.Task{
		ID: s.IDs.New(gateway.PrefixTask), Tenant: tenant, Kind: gateway.TaskForwardInbound, Ref: in.ID, Group: string(tenant), DueAt: now, CreatedAt: now,
	})
}

// project fills in what the model tells, and finds another document of the same
// seller, number, year and kind. Whichever of two is checked last sees the other.
func (s *Checking) project(ctx context.Context, tx gateway.Tx, in *gateway.Inbound, model *invoice.Invoice, result *validation.Result) error {
	var err error
	if in.Model, err = json.Marshal(model); err != nil {
		return err
	}
	in.Number, in.SellerKey = shortNumber(model.Number), sellerKey(model)
	if in.Number == "" {
		return nil // no invoice has such a number
	}
	list, err := tx.Inbounds(ctx, gateway.InboundFilter{
		SellerKey: in.SellerKey, Number: in.Number,
		// A corrected document may come under the number of a rejected one.
		States: []gateway.InboundState{gateway.InboundAvailable, gateway.InboundForwarded},
	}, gateway.Page{Limit: 1})
	if err != nil || len(list.Items) == 0 {
		return err
	}
	in.DuplicateOf = cmp.Or(list.Items[0].DuplicateOf, list.Items[0].ID) // the first of them all
	addFinding(result, validation.Finding{
		Rule: "suspected-duplicate", Severity: validation.SeverityWarning, BusinessTerms: []string{"BT-1"},
		Message: "an invoice of this seller with this number came in before", Value: in.DuplicateOf,
	})
	return nil
}

// addFinding adds a finding of our own to the verdicts.
func addFinding(result *validation.Result, f validation.Finding) {
	rules := validation.RuleSet{Stage: validation.StageRequirements, ID: "facteur-inbound", Version: "1"}
	result.Verdicts = append(result.Verdicts, rules.Judged([]validation.Finding{f}))
	result.Valid = result.Valid && !f.Severity.Fails()
}

// sellerKey identifies a seller's documents of one year and kind.
func sellerKey(inv *invoice.Invoice) string {
	kind := "invoice"
	if inv.IsCreditNote() {
		kind = "credit_note"
	}
	seller := records.Keys(records.Identity{
		VATIdentifier: inv.Seller.VATIdentifier, LegalRegistration: inv.Seller.LegalRegistration,
		ElectronicAddress: inv.Seller.ElectronicAddress, Name: inv.Seller.Name,
	})
	return strings.Join([]string{strings.Join(seller[:min(len(seller), 1)], ""), strconv.Itoa(inv.IssueDate.Year()), kind}, "|")
}

// shortNumber bounds what is searched for: the whole number stands in the model.
func shortNumber(number string) string {
	const most = 200
	if len(number) <= most {
		return number
	}
	return strings.ToValidUTF8(number[:most], "") + "…"
}

// ours names the first check that did not run and whose fault that is not the
// document's: "" when every check there is has spoken.
func ours(r validation.Result) string {
	if len(r.Verdicts) == 0 {
		return "there was none"
	}
	for _, v := range r.Verdicts {
		code, _, _ := strings.Cut(v.Reason, ":")
		switch {
		case v.Ran:
		case code == validation.ReasonDynamic, code == validation.ReasonUnknown, code == validation.ReasonLimit:
			// Rules that stop on this very document, or do not know it: the document's fault.
		default:
			return strings.TrimSpace(v.RuleSet + " " + v.Reason)
		}
	}
	return ""
}

func (s *Checking) event(ctx context.Context, tx gateway.Tx, in *gateway.Inbound, kind gateway.EventType, data map[string]any) error {
	now := s.Clock.Now()
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: gateway.System, InboundID: in.ID, Data: mustJSON(data),
	})
}

func (s *Checking) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
