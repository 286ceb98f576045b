package sqlstore

import (
	"context"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

var webhooks = newTable("webhooks", func(w *gateway.Webhook) []field {
	return []field{
		{"id", str(&w.ID)},
		{"url", str(&w.URL)},
		{"types", asJSON(&w.Types)},
		{"secrets", asJSON(&w.Secrets)},
		{"forward", flag{&w.Forward}},
		{"disabled_at", maybe{&w.DisabledAt}},
		{"reason", str(&w.Reason)},
		{"created_at", moment{&w.CreatedAt}},
	}
}, nil, "id")

var webhookDeliveries = newTable("webhook_deliveries", func(d *gateway.WebhookDelivery) []field {
	return []field{
		{"id", str(&d.ID)},
		{"webhook_id", str(&d.WebhookID)},
		{"event_id", str(&d.EventID)},
		{"body", raw{&d.Body}},
		{"state", str(&d.State)},
		{"attempts", num(&d.Attempts)},
		{"code", str(&d.Code)},
		{"created_at", moment{&d.CreatedAt}},
		{"updated_at", moment{&d.UpdatedAt}},
	}
}, nil, "id")

// Webhook implements gateway.Reader.
func (s *session) Webhook(ctx context.Context, id string) (gateway.Webhook, error) {
	return webhooks.byID(ctx, s, id)
}

// Webhooks implements gateway.Reader.
func (s *session) Webhooks(ctx context.Context) ([]gateway.Webhook, error) {
	return webhooks.all(ctx, s, "WHERE tenant = ? ORDER BY created_at, id", string(s.tenant))
}

// WebhookDelivery implements gateway.Reader.
func (s *session) WebhookDelivery(ctx context.Context, id string) (gateway.WebhookDelivery, error) {
	return webhookDeliveries.byID(ctx, s, id)
}

// WebhookDeliveries implements gateway.Reader.
func (s *session) WebhookDeliveries(ctx context.Context, webhookID string, p gateway.Page) (gateway.List[gateway.WebhookDelivery], error) {
	where := of(s)
	where.and("webhook_id = ?", webhookID)
	return newestFirst(ctx, s, webhookDeliveries, where, p, func(d *gateway.WebhookDelivery) (time.Time, string) { return d.CreatedAt, d.ID })
}

// PutWebhook implements gateway.Tx.
func (s *session) PutWebhook(ctx context.Context, w gateway.Webhook) error {
	return webhooks.upsert(ctx, s, &w)
}

// DeleteWebhook implements gateway.Tx. Its deliveries stay, as history.
func (s *session) DeleteWebhook(ctx context.Context, id string) error {
	n, err := s.exec(ctx, "DELETE FROM webhooks WHERE tenant = ? AND id = ?", string(s.tenant), id)
	if err == nil && n == 0 {
		return gateway.ErrNotFound
	}
	return err
}

// PutWebhookDelivery implements gateway.Tx.
func (s *session) PutWebhookDelivery(ctx context.Context, d gateway.WebhookDelivery) error {
	return webhookDeliveries.upsert(ctx, s, &d)
}
