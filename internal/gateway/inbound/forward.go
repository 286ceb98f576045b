package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// Post sends one signed message to a webhook; an error means it was not taken.
type Post func(ctx context.Context, hook gateway.Webhook, id string, at time.Time, body []byte) error

// Forwarding hands good documents to the customer's AP system: its webhook and
// its drop folder. A customer without either takes them from the inbox. It
// implements the worker of gateway.TaskForwardInbound.
type Forwarding struct {
	Store gateway.Store
	Blobs gateway.Blobs
	Clock gateway.Clock
	IDs   gateway.IDs
	Post  Post
	// Drop writes a file for the AP system and reports whether the tenant has a
	// folder for it; nil when nobody has.
	Drop  func(ctx context.Context, tenant gateway.TenantID, name string, content []byte) (bool, error)
	Probe func(step string)
}

// Forwarded is the message an AP system's webhook gets.
type Forwarded struct {
	Type      string    `json:"type"` // "inbound.document"
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		gateway.Inbound
		// Content is the document as received, in base64.
		Content []byte `json:"content"`
	} `json:"data"`
}

// Handle forwards the document t.Ref. Repeated, it sends the same message id.
func (s *Forwarding) Handle(ctx context.Context, t gateway.Task) error {
	var in gateway.Inbound
	var hooks []gateway.Webhook
	err := s.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		if in, err = r.Inbound(ctx, t.Ref); err != nil {
			return err
		}
		hooks, err = r.Webhooks(ctx)
		return err
	})
	if err != nil {
		return err
	}
	taken := ""
	if in.State == gateway.InboundAvailable {
		if taken, err = s.deliver(ctx, t, in, hooks); err != nil {
			return err
		}
	}
	s.probe("inbound.forwarded")
	return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		in, err := tx.Inbound(ctx, t.Ref)
		if err != nil {
			return err
		}
		if taken != "" && in.State == gateway.InboundAvailable {
			if err := forwarded(ctx, tx, s.IDs, s.Clock.Now(), &in, gateway.System, gateway.EventInboundForwarded, taken); err != nil {
				return err
			}
		}
		return tx.EndTask(ctx, t)
	})
}

// deliver tells by which way the document was taken: "" for none.
func (s *Forwarding) deliver(ctx context.Context, t gateway.Task, in gateway.Inbound, hooks []gateway.Webhook) (string, error) {
	body, err := s.Blobs.Get(ctx, t.Tenant, in.SHA256)
	if err != nil {
		return "", err
	}
	taken := ""
	for _, hook := range hooks {
		if !hook.Forward || hook.DisabledAt != nil {
			continue
		}
		message := Forwarded{Type: "inbound.document", Timestamp: in.CreatedAt}
		message.Data.Inbound, message.Data.Content = in, body
		encoded, err := json.Marshal(message)
		if err != nil {
			return "", err
		}
		if err := s.Post(ctx, hook, in.ID, s.Clock.Now(), encoded); err != nil {
			return "", fmt.Errorf("forward %s to webhook %s: %w", in.ID, hook.ID, err)
		}
		taken = "webhook"
	}
	if s.Drop != nil {
		dropped, err := s.Drop(ctx, t.Tenant, in.ID+".xml", body)
		if err != nil {
			return "", err
		}
		if dropped {
			taken = "drop_folder"
		}
	}
	return taken, nil
}

// forwarded records that the AP system has a document.
func forwarded(ctx context.Context, tx gateway.Tx, ids gateway.IDs, now time.Time, in *gateway.Inbound, actor gateway.Actor, kind gateway.EventType, how string) error {
	if err := in.Move(gateway.InboundForwarded); err != nil {
		return err
	}
	in.UpdatedAt = now
	if kind == gateway.EventInboundAcknowledged {
		in.AcknowledgedAt = &now
	}
	if err := tx.UpdateInbound(ctx, in); err != nil {
		return err
	}
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: ids.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now, Actor: actor, InboundID: in.ID,
		Data: mustJSON(map[string]string{"how": how}),
	})
}

// Desk is what the customer does with what it received.
type Desk struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
}

// Acknowledge records that the AP system took a document from the inbox. Doing
// it again changes nothing.
func (s *Desk) Acknowledge(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor) (gateway.Inbound, error) {
	var in gateway.Inbound
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if in, err = tx.Inbound(ctx, id); err != nil {
			return err
		}
		switch {
		case in.AcknowledgedAt != nil:
			return nil
		case in.State == gateway.InboundForwarded: // by webhook or folder before
			now := s.Clock.Now()
			in.AcknowledgedAt, in.UpdatedAt = &now, now
			return tx.UpdateInbound(ctx, &in)
		}
		return forwarded(ctx, tx, s.IDs, s.Clock.Now(), &in, actor, gateway.EventInboundAcknowledged, "inbox")
	})
	if errors.Is(err, gateway.ErrState) {
		return in, gateway.ErrState.With("the document is "+string(in.State)+": it is not for the AP system", err).For(id)
	}
	return in, err
}

func (s *Forwarding) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
