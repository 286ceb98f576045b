package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
)

// newWebhook is the body that makes a webhook.
type newWebhook struct {
	// URL is where messages go, Types the event types wanted or prefixes of them
	// that end with a dot; none means all. Forward sends received documents there.
	URL     string   `json:"url"`
	Types   []string `json:"types,omitempty"`
	Forward bool     `json:"forward,omitempty"`
}

// webhookView is a webhook with its secret, which is shown to who makes it only.
type webhookView struct {
	gateway.Webhook
	Secret string `json:"secret"`
}

func (w newWebhook) check() error {
	u, err := url.Parse(w.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || len(w.URL) > 1000 {
		return invalid("/url", "webhook.url", "the address of a webhook is an http or https URL without user or fragment")
	}
	for i, t := range w.Types {
		fits := func(known gateway.EventType) bool {
			return t == string(known) || strings.HasSuffix(t, ".") && strings.HasPrefix(string(known), t)
		}
		if !slices.ContainsFunc(eventTypes, fits) {
			return invalid(fmt.Sprintf("/types/%d", i), "webhook.type", fmt.Sprintf("there are no events of type %.40q", t))
		}
	}
	return nil
}

// scopeWebhook is the scope of the idempotency keys of new webhooks.
const scopeWebhook = "webhooks"

// createWebhook makes a webhook. A repetition is shown the same webhook, with its
// secret, as long as it exists.
func (a *API) createWebhook(c echo.Context) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	content, err := a.body(c)
	if err != nil {
		return err
	}
	var in newWebhook
	if err := decode(c, content, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	secret, err := a.Secrets()
	if err != nil {
		return err
	}
	hook := gateway.Webhook{URL: in.URL, Types: append([]string{}, in.Types...), Forward: in.Forward, Secrets: []string{secret}}
	var known bool
	ctx := c.Request().Context()
	err = a.Store.For(tenant(c)).Write(ctx, func(tx gateway.Tx) (err error) {
		hook, known, err = a.addWebhook(ctx, tx, actor(c), hook, key, outbound.KeyOf(content))
		return err
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, "/v1/webhooks/"+hook.ID)
	replayed(c, known)
	return c.JSON(http.StatusCreated, webhookView{hook, hook.Secrets[0]})
}

// maxWebhooks is how many a tenant may have: each event is queued for each of them
// in the transaction that seals it.
const maxWebhooks = 50

// addWebhook stores a webhook once per idempotency key. The key keeps no answer,
// only where the webhook is: a secret is stored in one place.
func (a *API) addWebhook(ctx context.Context, tx gateway.Tx, by gateway.Actor, hook gateway.Webhook, key, digest string) (gateway.Webhook, bool, error) {
	if key != "" {
		first, err := tx.Idempotent(ctx, scopeWebhook, key)
		switch {
		case err == nil && first.BodySHA256 != digest:
			return hook, false, gateway.ErrIdempotencyKey.For(first.Ref)
		case err == nil:
			stored, err := tx.Webhook(ctx, first.Ref)
			if errors.Is(err, gateway.ErrNotFound) {
				err = gateway.ErrState.With("the webhook that this key made is deleted", err)
			}
			return stored, true, err
		case !errors.Is(err, gateway.ErrNotFound):
			return hook, false, err
		}
	}
	all, err := tx.Webhooks(ctx)
	if err != nil {
		return hook, false, err
	}
	if len(all) >= maxWebhooks {
		return hook, false, gateway.ErrState.With(fmt.Sprintf("there are %d webhooks already; delete one", len(all)), nil)
	}
	hook.ID, hook.CreatedAt = a.IDs.New(gateway.PrefixWebhook), a.Clock.Now()
	if err := tx.PutWebhook(ctx, hook); err != nil {
		return hook, false, err
	}
	if err := a.tell(ctx, tx, by, "webhook.created", hook); err != nil || key == "" {
		return hook, false, err
	}
	return hook, false, tx.PutIdempotent(ctx, gateway.IdempotencyRecord{
		Key: key, Scope: scopeWebhook, BodySHA256: digest, Ref: hook.ID, Status: http.StatusCreated, CreatedAt: hook.CreatedAt,
	})
}

// tell writes the event of a webhook that was made or deleted: it decides who is
// told of invoices.
func (a *API) tell(ctx context.Context, tx gateway.Tx, by gateway.Actor, what string, hook gateway.Webhook) error {
	data, err := json.Marshal(map[string]any{"what": what, "id": hook.ID, "url": hook.URL, "forward": hook.Forward})
	if err != nil {
		return err
	}
	now := a.Clock.Now()
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: a.IDs.New(gateway.PrefixEvent), Type: gateway.EventAccessChanged, At: now, RecordedAt: now, Actor: by, Data: data,
	})
}

func (a *API) listWebhooks(c echo.Context) error {
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]gateway.Webhook, error) { return r.Webhooks(ctx) })
}

func (a *API) getWebhook(c echo.Context) error {
	hook, err := find(a, c, func(ctx context.Context, r gateway.Reader) (gateway.Webhook, error) { return r.Webhook(ctx, id(c)) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, hook)
}

func (a *API) deleteWebhook(c echo.Context) error {
	ctx := c.Request().Context()
	err := a.Store.For(tenant(c)).Write(ctx, func(tx gateway.Tx) error {
		hook, err := tx.Webhook(ctx, id(c))
		if err != nil {
			return err
		}
		if err := tx.DeleteWebhook(ctx, hook.ID); err != nil {
			return err
		}
		return a.tell(ctx, tx, actor(c), "webhook.deleted", hook)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (a *API) testWebhook(c echo.Context, content []byte) (outcome, error) {
	if err := nothing(c, content); err != nil {
		return outcome{}, err
	}
	d, err := a.Hooks.Test(c.Request().Context(), tenant(c), id(c))
	return outcome{status: http.StatusAccepted, body: d}, err
}

func (a *API) webhookDeliveries(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[gateway.WebhookDelivery], error) {
		if _, err := r.Webhook(ctx, id(c)); err != nil {
			return gateway.List[gateway.WebhookDelivery]{}, err
		}
		return r.WebhookDeliveries(ctx, id(c), p)
	})
}

func (a *API) replayWebhook(c echo.Context, content []byte) (outcome, error) {
	if err := nothing(c, content); err != nil {
		return outcome{}, err
	}
	d, err := a.Hooks.Replay(c.Request().Context(), tenant(c), id(c))
	return outcome{status: http.StatusAccepted, body: d}, err
}
