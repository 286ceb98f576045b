package outbound

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/sink"
)

// Sending carries queued deliveries to their peers. It implements the worker of
// gateway.TaskSendDelivery.
//
// Each attempt is recorded before the peer is contacted and carries the same
// message id and the same bytes. A worker that died in the middle leaves a
// delivery in "sending": it is then "unknown", and is sent again only where the
// peer takes a message id once.
type Sending struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
	// Sender gives a tenant's channel of a name, or nil when it is not set up.
	Sender func(tenant gateway.TenantID, channel string) transport.Sender
	// Letters writes the readable message around a document that goes by mail.
	Letters Letters
	Retry   RetryPolicy
	// Probe is told the name of each step; tests kill the process there.
	Probe func(step string)
}

// Letters writes the readable part of an e-mail. The same delivery always gives
// the same letter.
type Letters interface {
	Letter(ctx context.Context, tenant gateway.Tenant, inv gateway.Invoice, d gateway.Delivery) (*transport.Mail, error)
}

// bounceAddress is a channel whose reports come back later, to an address that
// holds a token of the message id, and that can tell a refusal of the message
// from one of the mailbox.
type bounceAddress interface {
	Token(messageID string) string
	HardBounce(r transport.Receipt) bool
}

// RetryPolicy says how long to wait before the next attempt, and when to give up.
type RetryPolicy struct {
	First  time.Duration // pause after the first failure; doubles from there
	Max    time.Duration // longest pause
	GiveUp time.Duration // age of a delivery after which it fails
}

// DefaultRetry suits peers on the internet: one second to one hour, for three days.
var DefaultRetry = RetryPolicy{First: time.Second, Max: time.Hour, GiveUp: 72 * time.Hour}

// Pause gives the wait after attempt n (from 1): exponential, with the last
// half random so that many deliveries to one peer do not return together.
func (p RetryPolicy) Pause(n int) time.Duration {
	d := p.First
	for i := 1; i < n && d < p.Max; i++ {
		d *= 2
	}
	d = min(d, p.Max)
	return d/2 + rand.N(d/2+1) //nolint:gosec // it spreads retries and guards nothing
}

// attempt is what one contact needs, loaded in one go.
type attempt struct {
	tenant   gateway.Tenant
	delivery gateway.Delivery
	invoice  gateway.Invoice // zero for an answer
	document gateway.Document
	sender   transport.Sender
	endpoint transport.Endpoint
}

// Handle makes one attempt for the delivery t.Ref and records what came of it.
func (s *Sending) Handle(ctx context.Context, t gateway.Task) error {
	a, done, err := s.begin(ctx, t)
	if err != nil || done {
		return err
	}
	s.probe("delivery.begun")
	message, err := s.message(ctx, a)
	if err != nil {
		return s.fail(ctx, t, a, err)
	}
	s.probe("delivery.before_send")
	receipt, err := a.sender.Send(ctx, message, a.endpoint)
	s.probe("delivery.after_send")
	if err != nil {
		return s.fail(ctx, t, a, err)
	}
	return s.record(ctx, t, a, receipt)
}

// begin records that an attempt starts. done tells that there is nothing to
// send: the delivery is settled, or its fate is unknown and may not be tried again.
func (s *Sending) begin(ctx context.Context, t gateway.Task) (a attempt, done bool, err error) {
	err = s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		a, done = attempt{}, false
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		if err := s.load(ctx, tx, t.Ref, &a); err != nil {
			return err
		}
		d := &a.delivery
		if d.State.Final() {
			done = true
			return tx.EndTask(ctx, t)
		}
		if d.State == gateway.DeliverySending {
			// The worker before us died between recording and result.
			if err := s.unknown(ctx, tx, &a, "attempt.interrupted", "the gateway stopped while it was sending"); err != nil {
				return err
			}
		}
		if a.sender == nil && d.State == gateway.DeliveryUnknown {
			done = true // that nothing can be sent now proves nothing about what was
			if s.Clock.Now().Sub(d.CreatedAt) >= s.Retry.GiveUp {
				return tx.EndTask(ctx, t)
			}
			return tx.DeferTask(ctx, s.later(t, &a, transport.Receipt{Code: "route.channel"}))
		}
		if a.sender == nil {
			done = true
			return s.settleFailed(ctx, tx, t, &a, transport.Receipt{Code: "route.channel", Detail: "the channel " + d.Route.Channel + " is not set up here"})
		}
		if d.State == gateway.DeliveryUnknown && !a.sender.Idempotent(a.endpoint) {
			done = true
			return tx.EndTask(ctx, t) // only a report or a person can tell
		}
		s.probe("delivery.before_begin_commit")
		return s.start(ctx, tx, &a)
	})
	return a, done, err
}

func (s *Sending) load(ctx context.Context, r gateway.Reader, id string, a *attempt) (err error) {
	if a.delivery, err = r.Delivery(ctx, id); err != nil {
		return err
	}
	if a.tenant, err = r.Tenant(ctx); err != nil {
		return err
	}
	if a.delivery.InvoiceID != "" {
		if a.invoice, err = r.Invoice(ctx, a.delivery.InvoiceID); err != nil {
			return err
		}
	}
	if a.document, err = r.Document(ctx, a.delivery.DocumentSHA256); err != nil {
		return err
	}
	channel := a.delivery.Route.Channel
	if a.tenant.Mode == gateway.ModeTest {
		channel = sink.Channel // whatever the route says: answers go where a message came from
	}
	a.sender = s.Sender(a.tenant.ID, channel)
	if len(a.delivery.Route.Options) > 0 {
		if err := json.Unmarshal(a.delivery.Route.Options, &a.endpoint); err != nil {
			return fmt.Errorf("route of delivery %s: %w", id, err)
		}
	}
	a.endpoint.Channel, a.endpoint.Address = a.delivery.Route.Channel, a.delivery.Route.Address
	return nil
}

func (s *Sending) start(ctx context.Context, tx gateway.Tx, a *attempt) error {
	d, now := &a.delivery, s.Clock.Now()
	if err := d.Move(gateway.DeliverySending); err != nil {
		return err
	}
	d.Attempts++
	d.NextAt, d.UpdatedAt = nil, now
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	if err := tx.PutAttempt(ctx, gateway.Attempt{DeliveryID: d.ID, N: d.Attempts, StartedAt: now}); err != nil {
		return err
	}
	if bounces, ok := a.sender.(bounceAddress); ok {
		if err := tx.PutMailToken(ctx, gateway.MailToken{
			Token: bounces.Token(d.MessageID), Tenant: a.tenant.ID, DeliveryID: d.ID, CreatedAt: now,
		}); err != nil {
			return err
		}
	}
	return s.event(ctx, tx, a, gateway.EventDeliveryAttempt, gateway.GradeNone, transport.Receipt{At: now}, "")
}

// message builds what is sent: the same bytes for every attempt.
func (s *Sending) message(ctx context.Context, a attempt) (transport.Message, error) {
	d := a.delivery
	body, err := s.Blobs.Get(ctx, a.tenant.ID, d.DocumentSHA256)
	if err != nil {
		return transport.Message{}, fmt.Errorf("document %s: %w", d.DocumentSHA256, err)
	}
	m := transport.Message{
		ID:           d.MessageID,
		Sender:       d.Route.Sender,
		Receiver:     d.Route.Receiver,
		DocumentType: a.document.Customization,
		ContentType:  a.document.MediaType,
		Filename:     a.document.Filename,
		Body:         body,
	}
	if _, err := hex.Decode(m.SHA256[:], []byte(d.DocumentSHA256)); err != nil {
		return transport.Message{}, fmt.Errorf("document hash: %w", err)
	}
	if d.Route.Channel == transport.ChannelMail {
		if m.Mail, err = s.Letters.Letter(ctx, a.tenant, a.invoice, d); err != nil {
			return transport.Message{}, fmt.Errorf("letter: %w", err)
		}
	}
	return m, nil
}

// record writes down the result of an attempt.
func (s *Sending) record(ctx context.Context, t gateway.Task, a attempt, r transport.Receipt) error {
	evidence := ""
	if len(r.Evidence) > 0 {
		var err error
		if evidence, err = s.Blobs.Put(ctx, a.tenant.ID, r.Evidence); err != nil {
			return err
		}
	}
	s.probe("delivery.before_record")
	err := s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		var fresh attempt
		if err := s.load(ctx, tx, t.Ref, &fresh); err != nil {
			return err
		}
		doubt, err := s.endAttempt(ctx, tx, &fresh, r)
		if err != nil {
			return err
		}
		s.probe("delivery.before_result_commit")
		switch {
		case r.Outcome == transport.Accepted:
			return s.settleAccepted(ctx, tx, t, &fresh, r, evidence)
		case r.Outcome == transport.Rejected && !doubt:
			return s.settleFailed(ctx, tx, t, &fresh, r)
		case r.Outcome == transport.Temporary && !doubt:
			return s.again(ctx, tx, t, &fresh, r)
		}
		return s.stayUnknown(ctx, tx, t, &fresh, r)
	})
	s.probe("delivery.recorded")
	return err
}

// endAttempt records the end of the attempt under way. doubt tells that an
// earlier one may have arrived: what the peer says now, short of accepting, does
// not prove that it did not.
func (s *Sending) endAttempt(ctx context.Context, tx gateway.Tx, a *attempt, r transport.Receipt) (doubt bool, err error) {
	attempts, err := tx.Attempts(ctx, a.delivery.ID)
	if err != nil {
		return false, err
	}
	ended := false
	for _, at := range attempts {
		if at.N != a.delivery.Attempts {
			doubt = doubt || at.EndedAt == nil || at.Outcome == string(transport.Unknown)
			continue
		}
		at.EndedAt, at.Outcome, at.Code, at.Detail = &r.At, string(r.Outcome), r.Code, r.Detail
		if err := tx.PutAttempt(ctx, at); err != nil {
			return false, err
		}
		ended = true
	}
	if !ended {
		return false, fmt.Errorf("attempt %d of %s was not recorded", a.delivery.Attempts, a.delivery.ID)
	}
	return doubt, nil
}

// stayUnknown keeps a delivery that may have arrived. It is asked for again, under
// the same message id, only where the peer takes that once, and not for ever;
// then a receipt, a report or a person must tell.
func (s *Sending) stayUnknown(ctx context.Context, tx gateway.Tx, t gateway.Task, a *attempt, r transport.Receipt) error {
	if err := s.unknown(ctx, tx, a, r.Code, r.Detail); err != nil {
		return err
	}
	old := s.Clock.Now().Sub(a.delivery.CreatedAt) >= s.Retry.GiveUp
	if old || r.Outcome == transport.Rejected || !a.sender.Idempotent(a.endpoint) {
		return tx.EndTask(ctx, t)
	}
	return tx.DeferTask(ctx, s.later(t, a, r))
}

func (s *Sending) settleAccepted(ctx context.Context, tx gateway.Tx, t gateway.Task, a *attempt, r transport.Receipt, evidence string) error {
	d, now := &a.delivery, s.Clock.Now()
	if err := d.Move(gateway.DeliveryAccepted); err != nil {
		return err
	}
	d.Code, d.Detail, d.ReceiptSHA256, d.UpdatedAt = r.Code, r.Detail, evidence, now
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	if a.invoice.State == gateway.InvoiceReady {
		if err := a.invoice.Move(gateway.InvoiceSent); err != nil {
			return err
		}
		a.invoice.UpdatedAt = now
		if err := tx.UpdateInvoice(ctx, &a.invoice); err != nil {
			return err
		}
		if err := s.event(ctx, tx, a, gateway.EventInvoiceSent, gateway.GradeNone, transport.Receipt{At: now}, ""); err != nil {
			return err
		}
	}
	if evidence != "" {
		if err := tx.InsertDocument(ctx, gateway.Document{
			SHA256: evidence, InvoiceID: d.InvoiceID, InboundID: d.InboundID, Role: "receipt",
			MediaType: r.EvidenceType, Filename: "receipt-" + d.MessageID + ".json", Size: int64(len(r.Evidence)), CreatedAt: now,
		}); err != nil {
			return err
		}
	}
	kind, grade := gateway.EventDeliveryAccepted, gateway.GradeWeak
	if r.Kind == transport.KindSignedReceipt {
		kind, grade = gateway.EventDeliveryReceipt, gateway.GradeStrong
	}
	if err := s.event(ctx, tx, a, kind, grade, r, evidence); err != nil {
		return err
	}
	return tx.EndTask(ctx, t)
}

// settleFailed ends a delivery that certainly did not arrive, and starts the
// next route of the customer if there is one. A mailbox that does not exist is
// not written to again.
func (s *Sending) settleFailed(ctx context.Context, tx gateway.Tx, t gateway.Task, a *attempt, r transport.Receipt) error {
	d := &a.delivery
	if err := d.Move(gateway.DeliveryFailed); err != nil {
		return err
	}
	d.Code, d.Detail, d.UpdatedAt = r.Code, r.Detail, s.Clock.Now()
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	if err := s.event(ctx, tx, a, gateway.EventDeliveryFailed, gateway.GradeNone, transport.Receipt{At: d.UpdatedAt, Code: r.Code, Detail: r.Detail}, ""); err != nil {
		return err
	}
	if bounces, ok := a.sender.(bounceAddress); ok && bounces.HardBounce(r) {
		if err := tx.PutSuppression(ctx, gateway.Suppression{Address: d.Route.Address, Reason: r.Detail, CreatedAt: d.UpdatedAt}); err != nil {
			return err
		}
	}
	if err := NextRoute(ctx, tx, s.IDs, s.Clock.Now(), a.tenant, a.invoice, *d); err != nil {
		return err
	}
	return tx.EndTask(ctx, t)
}

// again plans the next attempt of a delivery that certainly did not arrive.
func (s *Sending) again(ctx context.Context, tx gateway.Tx, t gateway.Task, a *attempt, r transport.Receipt) error {
	d, now := &a.delivery, s.Clock.Now()
	if now.Sub(d.CreatedAt) >= s.Retry.GiveUp {
		return s.settleFailed(ctx, tx, t, a, r)
	}
	if err := d.Move(gateway.DeliveryRetrying); err != nil {
		return err
	}
	next := s.later(t, a, r)
	d.Code, d.Detail, d.NextAt, d.UpdatedAt = r.Code, r.Detail, &next.DueAt, now
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	if err := s.event(ctx, tx, a, gateway.EventDeliveryRetrying, gateway.GradeNone, r, ""); err != nil {
		return err
	}
	return tx.DeferTask(ctx, next)
}

func (s *Sending) later(t gateway.Task, a *attempt, r transport.Receipt) gateway.Task {
	pause := max(s.Retry.Pause(a.delivery.Attempts), min(r.RetryAfter, s.Retry.Max))
	t.DueAt, t.LastError = s.Clock.Now().Add(pause), r.Code
	return t
}

func (s *Sending) unknown(ctx context.Context, tx gateway.Tx, a *attempt, code, detail string) error {
	d, now := &a.delivery, s.Clock.Now()
	if err := d.Move(gateway.DeliveryUnknown); err != nil {
		return err
	}
	d.Code, d.Detail, d.UpdatedAt = code, detail, now
	if err := tx.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	return s.event(ctx, tx, a, gateway.EventDeliveryUnknown, gateway.GradeNone, transport.Receipt{At: now, Code: code, Detail: detail}, "")
}

// fail takes an error of our own side (a lost blob, a letter that cannot be
// written, a misused channel): the peer was not contacted.
func (s *Sending) fail(ctx context.Context, t gateway.Task, a attempt, cause error) error {
	var fault *transport.Error
	r := transport.Receipt{Outcome: transport.Temporary, At: s.Clock.Now(), Code: "gateway.internal", Detail: "the gateway could not send it; see the log"}
	if errors.As(cause, &fault) {
		r.Code, r.Detail = fault.Code, fault.Safe()
		if !fault.Retry {
			r.Outcome = transport.Rejected
		}
	}
	if err := s.record(ctx, t, a, r); err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// event appends an event of a delivery and takes it into the invoice's status.
func (s *Sending) event(ctx context.Context, tx gateway.Tx, a *attempt, kind gateway.EventType, grade gateway.Grade, r transport.Receipt, evidence string) error {
	data, err := json.Marshal(map[string]any{
		"channel": a.delivery.Route.Channel, "attempt": a.delivery.Attempts,
		"code": r.Code, "detail": r.Detail, "proof": r.Kind, "peer": r.PeerID,
	})
	if err != nil {
		return err
	}
	at := r.At
	if at.IsZero() {
		at = s.Clock.Now()
	}
	return gateway.Append(ctx, tx, &a.invoice, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: at, RecordedAt: s.Clock.Now(), Actor: gateway.System, Grade: grade,
		InvoiceID: a.delivery.InvoiceID, InboundID: a.delivery.InboundID, DeliveryID: a.delivery.ID, ExternalID: a.invoice.ExternalID,
		Evidence: evidence, EvidenceType: r.EvidenceType, Data: data,
	})
}

func (s *Sending) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
