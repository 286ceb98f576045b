package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
)

// Post sends one signed message to a webhook; an error means it was not taken.
type Post func(ctx context.Context, hook gateway.Webhook, id string, at time.Time, body []byte) error

// Forwarding hands good documents to the customer's AP systems: every webhook
// that forwards and the drop folder get each document, at least once. A customer
// without either takes them from the inbox. It implements the worker of
// gateway.TaskForwardInbound.
//
// Each way is a task of its own, so that one that fails is tried again without
// the others, and holds none of them up.
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

// way is where one task forwards to: Task.Data. The zero way is the first task of
// a document, which makes one for each way there is.
type way struct {
	Webhook string `json:"webhook,omitempty"`
	Folder  bool   `json:"folder,omitempty"`
}

// Handle forwards the document t.Ref by one way. Repeated, it sends the same
// message id.
func (s *Forwarding) Handle(ctx context.Context, t gateway.Task) error {
	var to way
	if len(t.Data) > 0 {
		if err := json.Unmarshal(t.Data, &to); err != nil {
			return err
		}
	}
	switch {
	case to.Webhook != "":
		return s.post(ctx, t, to.Webhook)
	case to.Folder:
		return s.drop(ctx, t)
	}
	return s.plan(ctx, t)
}

// plan makes a task for each way that the tenant has set up.
func (s *Forwarding) plan(ctx context.Context, t gateway.Task) error {
	s.probe("inbound.to_forward")
	return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		hooks, err := tx.Webhooks(ctx)
		if err != nil {
			return err
		}
		for _, hook := range hooks {
			if !forwards(hook) {
				continue
			}
			if err := s.add(ctx, tx, t, way{Webhook: hook.ID}, gateway.PeerOf(hook.URL)); err != nil {
				return err
			}
		}
		if s.Drop != nil {
			if err := s.add(ctx, tx, t, way{Folder: true}, string(t.Tenant)); err != nil {
				return err
			}
		}
		return tx.EndTask(ctx, t)
	})
}

func forwards(hook gateway.Webhook) bool { return hook.Forward && hook.DisabledAt == nil }

func (s *Forwarding) add(ctx context.Context, tx gateway.Tx, first gateway.Task, to way, group string) error {
	now := s.Clock.Now()
	return tx.AddTask(ctx, gateway.Task{
		ID: s.IDs.New(gateway.PrefixTask), Tenant: first.Tenant, Kind: gateway.TaskForwardInbound, Ref: first.Ref, Group: group,
		Data: mustJSON(to), DueAt: now, CreatedAt: now,
	})
}

// post sends the document to one webhook. One that was deleted or disabled
// meanwhile gets nothing; the document stays in the inbox.
func (s *Forwarding) post(ctx context.Context, t gateway.Task, hookID string) error {
	var in gateway.Inbound
	var hook gateway.Webhook
	err := s.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		if in, err = r.Inbound(ctx, t.Ref); err != nil {
			return err
		}
		hook, err = r.Webhook(ctx, hookID)
		if errors.Is(err, gateway.ErrNotFound) {
			hook = gateway.Webhook{}
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !forwards(hook) {
		return s.settle(ctx, t, in.ID, nil, nil)
	}
	body, err := s.message(ctx, t.Tenant, in)
	if err != nil {
		return err
	}
	posted := s.Post(ctx, hook, in.ID, s.Clock.Now(), body)
	s.probe("inbound.forwarded")
	switch {
	case errors.Is(posted, track.ErrGone):
		return s.settle(ctx, t, in.ID, nil, &hook)
	case posted != nil:
		return fmt.Errorf("forward %s to webhook %s: %w", in.ID, hook.ID, posted)
	}
	return s.settle(ctx, t, in.ID, map[string]string{"how": "webhook", "webhook": hook.ID}, nil)
}

// message is what a webhook gets: the same bytes whenever it is sent.
func (s *Forwarding) message(ctx context.Context, tenant gateway.TenantID, in gateway.Inbound) ([]byte, error) {
	body, err := s.Blobs.Get(ctx, tenant, in.SHA256)
	if err != nil {
		return nil, err
	}
	in.State, in.Version, in.UpdatedAt = gateway.InboundAvailable, 1, in.CreatedAt
	in.Answer, in.AnswerDetail, in.AcknowledgedAt = "", nil, nil
	m := Forwarded{Type: "inbound.document", Timestamp: in.CreatedAt}
	m.Data.Inbound, m.Data.Content = in, body
	return json.Marshal(m)
}

// drop writes the document into the tenant's folder.
func (s *Forwarding) drop(ctx context.Context, t gateway.Task) error {
	var in gateway.Inbound
	err := s.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		in, err = r.Inbound(ctx, t.Ref)
		return err
	})
	if err != nil {
		return err
	}
	var how map[string]string
	if s.Drop != nil { // it may have been taken away since
		body, err := s.Blobs.Get(ctx, t.Tenant, in.SHA256)
		if err != nil {
			return err
		}
		dropped, err := s.Drop(ctx, t.Tenant, in.ID+".xml", body)
		if err != nil {
			return fmt.Errorf("forward %s to the drop folder: %w", in.ID, err)
		}
		if dropped {
			how = map[string]string{"how": "drop_folder"}
		}
	}
	s.probe("inbound.forwarded")
	return s.settle(ctx, t, in.ID, how, nil)
}

// settle ends the task of a way: how tells by which one the document was taken,
// nil by none; gone is a webhook that wants no more.
func (s *Forwarding) settle(ctx context.Context, t gateway.Task, id string, how map[string]string, gone *gateway.Webhook) error {
	return s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		now := s.Clock.Now()
		if gone != nil {
			if err := track.DisableWebhook(ctx, tx, s.IDs, now, *gone); err != nil {
				return err
			}
		}
		if how != nil {
			if err := forwarded(ctx, tx, s.IDs, now, id, how); err != nil {
				return err
			}
		}
		return tx.EndTask(ctx, t)
	})
}

// forwarded records that an AP system has a document, once for each way.
func forwarded(ctx context.Context, tx gateway.Tx, ids gateway.IDs, now time.Time, id string, how map[string]string) error {
	in, err := tx.Inbound(ctx, id)
	if err != nil {
		return err
	}
	if in.State == gateway.InboundAvailable {
		if err := in.Move(gateway.InboundForwarded); err != nil {
			return err
		}
		in.UpdatedAt = now
		if err := tx.UpdateInbound(ctx, &in); err != nil {
			return err
		}
	}
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: ids.New(gateway.PrefixEvent), Type: gateway.EventInboundForwarded, At: now, RecordedAt: now, Actor: gateway.System, InboundID: in.ID,
		Key: "forwarded/" + in.ID + "/" + how["how"] + how["webhook"], Data: mustJSON(how),
	})
}

// Desk is what the customer does with what it received.
type Desk struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
}

// Acknowledge records that the AP system took a document. Doing it again changes
// nothing.
func (s *Desk) Acknowledge(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor) (gateway.Inbound, error) {
	var in gateway.Inbound
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if in, err = tx.Inbound(ctx, id); err != nil || in.AcknowledgedAt != nil {
			return err
		}
		switch in.State {
		case gateway.InboundAvailable:
			if err := in.Move(gateway.InboundForwarded); err != nil {
				return err
			}
		case gateway.InboundForwarded: // by webhook or folder before
		default:
			return gateway.ErrState.With("the document is "+string(in.State)+": it is not for the AP system", nil).For(id)
		}
		now := s.Clock.Now()
		in.AcknowledgedAt, in.UpdatedAt = &now, now
		if err := tx.UpdateInbound(ctx, &in); err != nil {
			return err
		}
		return gateway.Append(ctx, tx, nil, gateway.Event{
			ID: s.IDs.New(gateway.PrefixEvent), Type: gateway.EventInboundAcknowledged, At: now, RecordedAt: now, Actor: actor, InboundID: in.ID,
			Data: json.RawMessage(`{"how":"inbox"}`),
		})
	})
	return in, err
}

func (s *Forwarding) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}
