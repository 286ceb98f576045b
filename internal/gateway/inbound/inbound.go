// Package inbound is the way of a document into the house: it is stored
// untouched and receipted ([Door]), checked and projected into the model
// ([Checking]), shown, and forwarded to the customer's AP system ([Forwarding],
// [Desk]). Answers go out by the package answer.
//
// Fatal findings quarantine a document: it is not forwarded and its sender is
// told once. Warnings never do. A repeated invoice number is a finding,
// "suspected duplicate", and no refusal.
package inbound

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/transport/https"
)

// Door takes what arrives for one tenant over the gateway channel. It implements
// https.Inbox.
type Door struct {
	Store  gateway.Store
	Blobs  gateway.Blobs
	Clock  gateway.Clock
	IDs    gateway.IDs
	Tenant gateway.TenantID
	Probe  func(step string)
}

// Accept stores a message with its receipt, once per sender and message id.
func (s *Door) Accept(ctx context.Context, m https.Inbound) (https.Decision, error) {
	digest := hex.EncodeToString(m.SHA256[:])
	var decision https.Decision
	err := s.Store.For(s.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		decision, err = decide(ctx, r, m, digest)
		return err
	})
	if err != nil || decision.Verdict != 0 {
		return decision, err
	}
	if _, err := s.Blobs.Put(ctx, s.Tenant, m.Body); err != nil {
		return https.Decision{}, err
	}
	evidence, err := s.Blobs.Put(ctx, s.Tenant, m.Evidence)
	if err != nil {
		return https.Decision{}, err
	}
	s.probe("inbound.stored")
	err = s.Store.For(s.Tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		// The same message may have come in beside this one.
		if decision, err = decide(ctx, tx, m, digest); err != nil || decision.Verdict != 0 {
			return err
		}
		if err := s.insert(ctx, tx, m, digest, evidence); err != nil {
			return err
		}
		decision = https.Decision{Verdict: https.Stored}
		s.probe("inbound.before_commit")
		return nil
	})
	if err != nil {
		return https.Decision{}, err
	}
	s.probe("inbound.committed")
	return decision, nil
}

// decide tells what becomes of a message that is stored already, or of one for
// nobody here; the zero decision is for a new one.
func decide(ctx context.Context, r gateway.Reader, m https.Inbound, digest string) (https.Decision, error) {
	unknown := https.Decision{Verdict: https.Refused, Code: "receiver.unknown", Detail: "nobody here has that participant id"}
	if _, err := r.Tenant(ctx); errors.Is(err, gateway.ErrNotFound) {
		return unknown, nil
	} else if err != nil {
		return https.Decision{}, err
	}
	in, err := r.InboundByMessageID(ctx, m.Sender, m.MessageID)
	switch {
	case err == nil && in.SHA256 == digest:
		return https.Decision{Verdict: https.Repeated, Receipt: in.Receipt}, nil
	case err == nil:
		return https.Decision{Verdict: https.Conflict}, nil
	case !errors.Is(err, gateway.ErrNotFound):
		return https.Decision{}, err
	}
	ours, err := speaksFor(ctx, r, m.Receiver)
	if err == nil && !ours {
		return unknown, nil
	}
	return https.Decision{}, err
}

// speaksFor tells whether a participant id is an electronic address of one of
// the tenant's legal entities.
func speaksFor(ctx context.Context, r gateway.Reader, participant string) (bool, error) {
	scheme, value, ok := strings.Cut(strings.TrimPrefix(participant, "iso6523-actorid-upis::"), ":")
	if !ok {
		scheme, value = "", participant
	}
	list, err := r.RecordsByKey(ctx, gateway.RecordLegalEntity, records.AddressKey(scheme, value))
	return len(list) > 0, err
}

func (s *Door) insert(ctx context.Context, tx gateway.Tx, m https.Inbound, digest, evidence string) error {
	now := s.Clock.Now()
	reply, _, err := records.ReplyRoute(ctx, tx, m.Receiver, m.Sender, now)
	if err != nil {
		return err
	}
	in := gateway.Inbound{
		ID: s.IDs.New(gateway.PrefixInbound), MessageID: m.MessageID, Sender: m.Sender, Receiver: m.Receiver,
		DocumentType: m.DocumentType, SHA256: digest, MediaType: m.ContentType, Channel: "https.gateway",
		State: gateway.InboundReceived, ReplyTo: reply, Receipt: m.Receipt, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.InsertInbound(ctx, &in); err != nil {
		return err
	}
	for _, d := range []gateway.Document{
		{SHA256: digest, Role: "original", MediaType: m.ContentType, Filename: in.ID + ".xml", Size: int64(len(m.Body))},
		{SHA256: evidence, Role: "receipt", MediaType: https.EvidenceReceipt, Filename: "receipt-" + in.ID + ".json", Size: int64(len(m.Evidence))},
	} {
		d.InboundID, d.CreatedAt = in.ID, now
		if err := tx.InsertDocument(ctx, d); err != nil {
			return err
		}
	}
	if err := gateway.Append(ctx, tx, nil, gateway.Event{
		ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventInboundReceived, At: m.ReceivedAt, RecordedAt: now,
		Actor: gateway.Actor{Kind: "peer", ID: m.KeyID, Name: m.Sender}, Grade: gateway.GradeStrong, InboundID: in.ID,
		Evidence: evidence, EvidenceType: https.EvidenceReceipt,
		Data: mustJSON(map[string]string{"message_id": m.MessageID, "sha256": digest, "document_type": m.DocumentType}),
	}); err != nil {
		return err
	}
	return tx.AddTask(ctx, gateway.Task{
		ID: s.IDs.New(gateway.PrefixTask), Tenant: s.Tenant, Kind: gateway.TaskCheckInbound, Ref: in.ID, Group: string(s.Tenant), DueAt: now, CreatedAt: now,
	})
}

func (s *Door) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}

// mustJSON encodes what cannot fail to encode: maps of strings and numbers.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("inbound: " + err.Error())
	}
	return b
}
