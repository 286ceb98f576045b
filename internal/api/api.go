// Package api is the HTTP interface for programs: JSON under /v1, problem+json
// (RFC 9457) for what goes wrong, and the OpenAPI description at /openapi.json.
// A handler decodes, calls one use case and renders.
//
// It promises:
//
//   - a write that is repeated under its Idempotency-Key is answered as it was the
//     first time, and the key with another body is refused;
//   - a refusal has a stable code, names the place that is wrong, and leaves no
//     record;
//   - a key sees and changes what its role allows in its own tenant, and finds
//     nothing of any other;
//   - a list has a cursor and a limit, a record its version as its ETag.
//
// The codes are in docs/errors.md, a tour is in docs/api.md.
package api

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/gateway/track"
)

// Config is what the interface serves. All of it is needed but Receive.
type Config struct {
	Store   gateway.Store
	Blobs   gateway.Blobs
	Clock   gateway.Clock
	IDs     gateway.IDs
	Intake  *outbound.Intake
	Desk    *outbound.Desk
	Records *records.Book
	Inbox   *inbound.Desk
	Answers *answer.Service
	Hooks   *track.Webhooks
	// Secrets makes the secret of a new webhook.
	Secrets func() (string, error)
	// LinkTo gives the address of a portal link.
	LinkTo func(linkID string) string
	// Identity tells others the keys that this gateway signs with.
	Identity func() Identity
	// Receive serves what other gateways send to a tenant, with the limits of its
	// own; nil when nothing is received.
	Receive func(tenant gateway.TenantID) http.Handler
	// ExportLog writes a tenant's audit log as evidence that verifies offline.
	ExportLog func(ctx context.Context, tenant gateway.TenantID, w io.Writer) error
	// Ready tells why the gateway cannot work now, or nil.
	Ready func(ctx context.Context) error
	// MaxBody is the largest body in bytes.
	MaxBody int64
	Log     *slog.Logger
}

// Identity is what another gateway needs to know to trust this one.
type Identity struct {
	// KeyID and PublicKey (PEM, PKIX) are the key that signs messages and receipts.
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"`
	// AuditKey signs the roots of the audit logs (docs/audit-log.md).
	AuditKey string `json:"audit_key"`
}

// API holds the handlers.
type API struct {
	Config
	keys  *keyring
	turns turns
}

// Register adds the routes to e and makes it answer every error as a problem. A
// caller's network address is that of echo's IPExtractor.
func Register(e *echo.Echo, cfg Config) *API {
	a := &API{Config: cfg, keys: newKeyring(cfg.Clock.Now), turns: turns{seed: maphash.MakeSeed()}}
	e.HTTPErrorHandler = a.answerError
	for _, r := range a.openRoutes() {
		add(e, r)
	}
	allowed := map[string][]string{}
	for _, r := range a.routes() {
		add(e, r, a.authenticate, a.limitBody, a.allow(r.action), checkTarget(r.query))
		allowed[r.path] = append(allowed[r.path], r.methods()...)
	}
	for path, methods := range allowed {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if !slices.Contains(methods, method) {
				e.Add(method, path, notAllowed(strings.Join(methods, ", ")))
			}
		}
	}
	return a
}

// add registers a route under its methods.
func add(e *echo.Echo, r route, m ...echo.MiddlewareFunc) {
	for _, method := range r.methods() {
		e.Add(method, r.path, r.handler, m...)
	}
}

// notAllowed tells which methods a path has. Other origins' scripts get no more
// than that: there is no CORS.
func notAllowed(methods string) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderAllow, methods)
		return echo.ErrMethodNotAllowed
	}
}

func (a *API) healthy(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

func (a *API) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()
	if err := a.Ready(ctx); err != nil {
		message := "the gateway is not ready"
		var why *gateway.Error
		if errors.As(err, &why) {
			message += ": " + why.Message // safe to show
		}
		return gateway.ErrUnavailable.With(message, err)
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

func (a *API) identity(c echo.Context) error { return c.JSON(http.StatusOK, a.Identity()) }

// receive hands a message of another gateway to the channel, which answers in
// its own way.
func (a *API) receive(c echo.Context) error {
	a.Receive(gateway.TenantID(param(c, "tenant"))).ServeHTTP(c.Response(), c.Request())
	return nil
}

// principal is who asks.
func principal(c echo.Context) access.Principal {
	p, _ := c.Get(principalKey).(access.Principal)
	return p
}

func tenant(c echo.Context) gateway.TenantID { return gateway.TenantID(principal(c).Tenant) }

// actor says who acts, as events keep it.
func actor(c echo.Context) gateway.Actor {
	p := principal(c)
	return gateway.Actor{Kind: "api_key", ID: p.KeyID, Name: p.Name}
}
