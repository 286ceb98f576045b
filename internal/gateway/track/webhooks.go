package track

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// ErrGone is what Post returns for an address that says it will never take
// messages again (HTTP 410).
var ErrGone = &gateway.Error{Code: "webhook.gone", Message: "the address does not take messages any more"}

// Post sends one signed message to a webhook; nil means that it was taken.
type Post func(ctx context.Context, hook gateway.Webhook, id string, at time.Time, body []byte) error

// Webhooks tells a tenant's webhooks of its sealed events. It implements the
// worker of gateway.TaskSendWebhook.
type Webhooks struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
	Post  Post
	// Pause gives the wait after attempt n; GiveUp the age after which a message
	// is left to be replayed by hand.
	Pause  func(n int) time.Duration
	GiveUp time.Duration
}

// States of a message to a webhook.
const (
	pending   = "pending"
	delivered = "delivered"
	failed    = "failed"
)

// message is the body that a webhook gets, as Standard Webhooks has it.
type message struct {
	Type      gateway.EventType `json:"type"`
	Timestamp time.Time         `json:"timestamp"`
	Data      gateway.Event     `json:"data"`
}

// Fanout queues a message for each event and each webhook that wants it. It is
// called in the transaction that seals the events, so each is told once.
func (w *Webhooks) Fanout(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, events []gateway.Event) error {
	hooks, err := tx.Webhooks(ctx)
	if err != nil || len(hooks) == 0 {
		return err
	}
	for _, e := range events {
		for _, hook := range hooks {
			if hook.DisabledAt == nil && wants(hook, e.Type) {
				if err := w.queue(ctx, tx, tenant, hook, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *Webhooks) queue(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, hook gateway.Webhook, e gateway.Event) error {
	e.Personal = nil // people's data does not leave by itself
	body, err := json.Marshal(message{Type: e.Type, Timestamp: e.RecordedAt, Data: e})
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	d := gateway.WebhookDelivery{
		ID: w.IDs.New(gateway.PrefixWebhookDelivery), WebhookID: hook.ID, EventID: e.ID, Body: body,
		State: pending, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.PutWebhookDelivery(ctx, d); err != nil {
		return err
	}
	return w.due(ctx, tx, tenant, hook, d.ID)
}

func (w *Webhooks) due(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, hook gateway.Webhook, id string) error {
	now := w.Clock.Now()
	return tx.AddTask(ctx, gateway.Task{
		ID: w.IDs.New(gateway.PrefixTask), Tenant: tenant, Kind: gateway.TaskSendWebhook, Ref: id, Group: gateway.PeerOf(hook.URL), DueAt: now, CreatedAt: now,
	})
}

// wants tells whether a webhook asked for events of a type: by name, or by a
// prefix that ends with a dot.
func wants(hook gateway.Webhook, kind gateway.EventType) bool {
	if len(hook.Types) == 0 {
		return true
	}
	for _, t := range hook.Types {
		if t == string(kind) || strings.HasSuffix(t, ".") && strings.HasPrefix(string(kind), t) {
			return true
		}
	}
	return false
}

// Handle makes one attempt to deliver the message t.Ref. A webhook that was
// stopped gets nothing; what waits for it can be replayed when it works again.
func (w *Webhooks) Handle(ctx context.Context, t gateway.Task) error {
	var d gateway.WebhookDelivery
	var hook gateway.Webhook
	err := w.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		if d, err = r.WebhookDelivery(ctx, t.Ref); err != nil {
			return err
		}
		hook, err = r.Webhook(ctx, d.WebhookID)
		if errors.Is(err, gateway.ErrNotFound) {
			hook = gateway.Webhook{}
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	var outcome error
	switch {
	case d.State != pending:
	case hook.ID == "":
		outcome = errDeleted
	case hook.DisabledAt != nil:
		outcome = errDisabled
	default:
		outcome = w.Post(ctx, hook, d.ID, w.Clock.Now(), d.Body)
	}
	return w.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		if err := tx.HoldTask(ctx, t); err != nil {
			return err
		}
		return w.settle(ctx, tx, t, hook, outcome)
	})
}

// Why a message was not sent at all.
var (
	errDeleted  = &gateway.Error{Code: "webhook.deleted", Message: "the webhook was deleted"}
	errDisabled = &gateway.Error{Code: "webhook.disabled", Message: "the webhook is disabled"}
)

// settle records what came of an attempt.
func (w *Webhooks) settle(ctx context.Context, tx gateway.Tx, t gateway.Task, hook gateway.Webhook, outcome error) error {
	d, err := tx.WebhookDelivery(ctx, t.Ref)
	if err != nil {
		return err
	}
	if d.State != pending {
		return tx.EndTask(ctx, t)
	}
	now := w.Clock.Now()
	d.UpdatedAt, d.Code = now, ""
	if outcome != nil {
		d.Code = gateway.Code(outcome)
	}
	d.Attempts++
	switch {
	case outcome == nil:
		d.State = delivered
	case errors.Is(outcome, errDeleted), errors.Is(outcome, errDisabled):
		d.State = failed
		d.Attempts-- // nobody was contacted
	case errors.Is(outcome, ErrGone):
		d.State = failed
		if err := DisableWebhook(ctx, tx, w.IDs, now, hook); err != nil {
			return err
		}
	case now.Sub(d.CreatedAt) >= w.GiveUp:
		d.State = failed
	}
	if err := tx.PutWebhookDelivery(ctx, d); err != nil {
		return err
	}
	if d.State == pending {
		t.DueAt, t.LastError = now.Add(w.Pause(d.Attempts)), d.Code
		return tx.DeferTask(ctx, t)
	}
	return tx.EndTask(ctx, t)
}

// DisableWebhook stops a webhook whose address wants no more messages, unless it
// was changed or stopped since it was read.
func DisableWebhook(ctx context.Context, tx gateway.Tx, ids gateway.IDs, now time.Time, gone gateway.Webhook) error {
	hook, err := tx.Webhook(ctx, gone.ID)
	if errors.Is(err, gateway.ErrNotFound) || err == nil && (hook.DisabledAt != nil || hook.URL != gone.URL) {
		return nil
	}
	if err != nil {
		return err
	}
	hook.DisabledAt, hook.Reason = &now, "the address answered 410 Gone"
	if err := tx.PutWebhook(ctx, hook); err != nil {
		return err
	}
	data, err := json.Marshal(map[string]string{"webhook": hook.ID})
	if err != nil {
		return err
	}
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: ids.New(gateway.PrefixEvent), Type: gateway.EventWebhookDisabled, At: now, RecordedAt: now, Actor: gateway.System, Data: data,
	})
}

// Replay sends a message again, under the same id.
func (w *Webhooks) Replay(ctx context.Context, tenant gateway.TenantID, id string) (gateway.WebhookDelivery, error) {
	var d gateway.WebhookDelivery
	err := w.Store.For(tenant).Write(ctx, func(tx gateway.Tx) (err error) {
		if d, err = tx.WebhookDelivery(ctx, id); err != nil {
			return err
		}
		if d.State == pending {
			return nil // it is on its way already
		}
		hook, err := tx.Webhook(ctx, d.WebhookID)
		if err != nil {
			return err
		}
		d.State, d.CreatedAt, d.UpdatedAt = pending, w.Clock.Now(), w.Clock.Now()
		if err := tx.PutWebhookDelivery(ctx, d); err != nil {
			return err
		}
		return w.due(ctx, tx, tenant, hook, d.ID)
	})
	return d, err
}

// Test queues a message that says it is a test.
func (w *Webhooks) Test(ctx context.Context, tenant gateway.TenantID, hookID string) (gateway.WebhookDelivery, error) {
	var d gateway.WebhookDelivery
	now := w.Clock.Now()
	err := w.Store.For(tenant).Write(ctx, func(tx gateway.Tx) error {
		hook, err := tx.Webhook(ctx, hookID)
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]any{"type": "webhook.test", "timestamp": now, "data": map[string]string{"webhook": hook.ID}})
		if err != nil {
			return err
		}
		d = gateway.WebhookDelivery{
			ID: w.IDs.New(gateway.PrefixWebhookDelivery), WebhookID: hook.ID, EventID: "test", Body: body,
			State: pending, CreatedAt: now, UpdatedAt: now,
		}
		if err := tx.PutWebhookDelivery(ctx, d); err != nil {
			return err
		}
		return w.due(ctx, tx, tenant, hook, d.ID)
	})
	return d, err
}
