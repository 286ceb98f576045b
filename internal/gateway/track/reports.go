package track

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/mail"
)

// Reports takes what comes back to the bounce address: delivery reports,
// bounces, and mail that is neither.
type Reports struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
}

// maxReport bounds one mail.
const maxReport = 2 << 20

const mediaMail = "message/rfc822"

// Taken says what a mail told.
type Taken struct {
	Kind       mail.ReportKind     `json:"kind"`
	Tenant     gateway.TenantID    `json:"tenant,omitempty"`
	InvoiceID  string              `json:"invoice_id,omitempty"`
	DeliveryID string              `json:"delivery_id,omitempty"`
	Events     []gateway.EventType `json:"events"`
}

// Take reads one mail and lands it on the timeline of the delivery whose token
// it was sent to. A mail without a token of ours is gateway.ErrNotFound.
func (s *Reports) Take(ctx context.Context, r io.Reader) (Taken, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return Taken{}, err
	}
	if len(raw) > maxReport {
		return Taken{}, gateway.ErrInvalid.With("the mail is larger than 2 MiB", nil)
	}
	report, err := mail.ParseReport(bytes.NewReader(raw))
	if err != nil {
		return Taken{}, gateway.ErrInvalid.With("the mail cannot be read", err)
	}
	taken := Taken{Kind: report.Kind, Events: []gateway.EventType{}}
	if report.Token == "" {
		return taken, gateway.ErrNotFound.With("the mail was not sent to a bounce address", nil)
	}
	token, err := s.Store.System().MailToken(ctx, report.Token)
	if err != nil {
		return taken, err
	}
	taken.Tenant, taken.DeliveryID = token.Tenant, token.DeliveryID
	evidence, err := s.Blobs.Put(ctx, token.Tenant, raw)
	if err != nil {
		return taken, err
	}
	err = s.Store.For(token.Tenant).Write(ctx, func(tx gateway.Tx) error {
		taken.Events = taken.Events[:0]
		d, err := tx.Delivery(ctx, token.DeliveryID)
		if err != nil {
			return err
		}
		inv, err := tx.Invoice(ctx, d.InvoiceID)
		if err != nil {
			return err
		}
		taken.InvoiceID = inv.ID
		if len(report.Recipients) == 0 { // an automatic answer, or a person's: nobody's act, but kept
			return tx.InsertDocument(ctx, gateway.Document{
				SHA256: evidence, InvoiceID: inv.ID, Role: "mail", MediaType: mediaMail, Filename: "mail-" + evidence[:12] + ".eml",
				Size: int64(len(raw)), CreatedAt: s.Clock.Now(),
			})
		}
		for _, rcpt := range report.Recipients {
			kind, err := s.recipient(ctx, tx, &inv, &d, report, rcpt, evidence)
			if err != nil {
				return err
			}
			if kind != "" {
				taken.Events = append(taken.Events, kind)
			}
		}
		return nil
	})
	return taken, err
}

// reported maps the actions of a report to events. A report says what a server
// says, so the grade is medium at best.
var reported = map[mail.Action]struct {
	kind  gateway.EventType
	grade gateway.Grade
}{
	mail.Delivered: {gateway.EventDeliveryReported, gateway.GradeMedium},
	mail.Relayed:   {gateway.EventDeliveryRelayed, gateway.GradeWeak},
	mail.Expanded:  {gateway.EventDeliveryRelayed, gateway.GradeWeak},
	mail.Delayed:   {gateway.EventDeliveryDelayed, gateway.GradeWeak},
	mail.Failed:    {gateway.EventDeliveryBounced, gateway.GradeMedium},
}

func (s *Reports) recipient(
	ctx context.Context, tx gateway.Tx, inv *gateway.Invoice, d *gateway.Delivery, report mail.Report, rcpt mail.Recipient, evidence string,
) (gateway.EventType, error) {
	what, ok := reported[rcpt.Action]
	if !ok {
		return "", nil
	}
	now := s.Clock.Now()
	at := now
	if !report.Date.IsZero() && report.Date.Before(now) && report.Date.After(d.CreatedAt) {
		at = report.Date // the server's own word, as long as it is possible
	}
	data, err := json.Marshal(map[string]any{
		"action": rcpt.Action, "status": rcpt.Status, "bounce": rcpt.Bounce, "diagnostic": masked(rcpt.Diagnostic),
		"reporting_mta": report.ReportingMTA, "remote_mta": rcpt.RemoteMTA,
	})
	if err != nil {
		return "", err
	}
	event := gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: what.kind, At: at, RecordedAt: now, Grade: what.grade,
		Actor: gateway.Actor{Kind: "peer", Name: report.ReportingMTA}, InvoiceID: inv.ID, OrderID: inv.OrderID,
		ExternalID: inv.ExternalID, DeliveryID: d.ID, Evidence: evidence, EvidenceType: mediaMail, Data: data,
		Key:      "report/" + d.ID + "/" + evidence + "/" + transport.Safe(rcpt.Final),
		Personal: map[string]string{"recipient": transport.Safe(rcpt.Final)},
	}
	if _, err := tx.EventByKey(ctx, event.Key); !errors.Is(err, gateway.ErrNotFound) {
		return "", err // the same mail again, or a failed look-up
	}
	if err := gateway.Append(ctx, tx, inv, event); err != nil {
		return "", err
	}
	if rcpt.Action == mail.Failed {
		return what.kind, s.failed(ctx, tx, inv, d, rcpt, event)
	}
	return what.kind, s.resolve(ctx, tx, inv, d, true, "a server reports: "+string(rcpt.Action)) // whoever reports has it
}

// failed stops an address that does not work. When the report is about the very
// address the letter went to, it proves that this delivery did not arrive, and
// the customer's next route starts. One about another address is about one of
// several people behind it, and nothing is proven once somebody has the invoice:
// the portal was opened, or the customer answered.
func (s *Reports) failed(ctx context.Context, tx gateway.Tx, inv *gateway.Invoice, d *gateway.Delivery, rcpt mail.Recipient, event gateway.Event) error {
	if !strings.EqualFold(cmp.Or(rcpt.Final, rcpt.Original), d.Route.Address) {
		return nil
	}
	if rcpt.Bounce == mail.BounceHard {
		if err := tx.PutSuppression(ctx, gateway.Suppression{
			Address: d.Route.Address, Reason: rcpt.Status + " " + masked(rcpt.Diagnostic), EventID: event.ID, CreatedAt: event.RecordedAt,
		}); err != nil {
			return err
		}
	}
	if inv.Status.Transport().State != "bounced" || inv.Status.Answer().State != "" {
		return nil
	}
	if err := s.resolve(ctx, tx, inv, d, false, "a server reports: "+rcpt.Status+" "+masked(rcpt.Diagnostic)); err != nil {
		return err
	}
	tenant, err := tx.Tenant(ctx)
	if err != nil {
		return err
	}
	return outbound.NextRoute(ctx, tx, s.IDs, s.Clock.Now(), tenant, *inv, *d)
}

// resolve settles a delivery whose fate was unknown. One that a worker is sending
// at this moment is the worker's; one whose worker died is unknown.
func (s *Reports) resolve(ctx context.Context, tx gateway.Tx, inv *gateway.Invoice, d *gateway.Delivery, arrived bool, reason string) error {
	now := s.Clock.Now()
	switch d.State {
	case gateway.DeliveryUnknown:
	case gateway.DeliverySending:
		tasks, err := tx.TasksFor(ctx, gateway.TaskSendDelivery, d.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(tasks, func(t gateway.Task) bool { return t.LeaseUntil.After(now) }) {
			return nil
		}
	default:
		return nil
	}
	return gateway.Resolve(ctx, tx, s.IDs, now, inv, d, gateway.Resolution{Arrived: arrived, By: gateway.System, Code: "report", Reason: reason})
}

// addresses finds mail addresses in what a server says.
var addresses = regexp.MustCompile(`[^\s<>()\[\],;:"]+@[^\s<>()\[\],;:"]+`)

// masked hides whom a server's words are about: they are kept for ever.
func masked(text string) string { return addresses.ReplaceAllStringFunc(text, maskMailbox) }
