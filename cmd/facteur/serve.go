package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"facteur.dev/facteur/internal/api"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/internal/logging"
	"facteur.dev/facteur/internal/web"
	"facteur.dev/facteur/internal/webhook"
	"facteur.dev/facteur/transport"
)

// serveCmd runs the gateway.
type serveCmd struct{}

// Run serves until it is interrupted.
func (serveCmd) Run(app *appContext) error {
	cfg, err := app.Config()
	if err != nil {
		return err
	}
	n, err := newNode(app.Context, cfg, app.Log, "", killProbe(os.Getenv))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(app.Context, "tcp", cfg.HTTP.Listen)
	if err != nil {
		return errors.Join(environmentError("http.listen", err, "free the address or set http.listen"), n.Close())
	}
	fmt.Fprintf(app.Stderr, "facteur is ready on %s\n", n.public)
	return errors.Join(n.Serve(app.Context, listener, nil), n.Close())
}

// Serve works and answers on listener until ctx ends; then it lets requests and
// tasks under way finish.
func (n *node) Serve(ctx context.Context, listener net.Listener, more func(*echo.Echo)) error {
	server := &http.Server{
		Handler: n.handler(more), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelWarn),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	go func() {
		var err error
		if n.cfg.HTTP.TLSCert != "" {
			err = server.ServeTLS(listener, n.cfg.HTTP.TLSCert, n.cfg.HTTP.TLSKey)
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
			cancel()
			return
		}
		failed <- nil
	}()
	go func() {
		<-ctx.Done()
		stop, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer done()
		if err := server.Shutdown(stop); err != nil {
			n.log.Warn("requests were cut off", "error", err)
		}
	}()
	err := n.Run(ctx)
	cancel()
	return errors.Join(err, <-failed)
}

// handler is everything the process answers; more adds routes.
func (n *node) handler(more func(*echo.Echo)) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(n.cfg.HTTP.TrustedProxies)
	e.Pre(plainRequestID)
	e.Use(middleware.RequestIDWithConfig(middleware.RequestIDConfig{
		Generator: func() string { return n.ids.New("req") },
		RequestIDHandler: func(c echo.Context, id string) {
			c.SetRequest(c.Request().WithContext(logging.With(c.Request().Context(), slog.String(logging.RequestID, id))))
		},
	}))
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			n.log.ErrorContext(c.Request().Context(), "a request crashed", "error", err, "stack", string(stack))
			return err
		},
	}))
	e.Use(n.logRequests)
	api.Register(e, api.Config{
		Store: n.store, Blobs: n.blobs, Clock: n.clock, IDs: n.ids, Intake: n.intake, Desk: n.desk, Records: n.book,
		Inbox: n.inbox, Answers: n.answers, Hooks: n.hooks, LinkTo: n.linkTo, Identity: n.identity, Receive: n.receive, ExportLog: n.exportLog,
		Ready: n.ready, MaxBody: n.cfg.HTTP.MaxBody, Log: n.log,
		Secrets: func() (string, error) {
			secret, err := webhook.NewSecret(rand.Reader)
			return secret.Reveal(), err
		},
	})
	web.Register(e, web.Config{
		Store: n.store, Blobs: n.blobs, Clock: n.clock, Random: rand.Reader, Authority: n.authority, Desk: n.desk, Portal: n.portal,
		Answers: n.answers, Inbox: n.inbox, VerifyLog: n.verifyLog, VerifySeal: n.verifySeal, LinkTo: n.linkTo,
		Language: i18n.Lang(n.cfg.Language), Secure: strings.HasPrefix(n.pages, "https:"), FrameAncestors: n.frames, Log: n.log,
		Credit: func(ctx context.Context, tenant gateway.TenantID, id string, sub outbound.Submission, reason string) (outbound.Answer, error) {
			return n.desk.Credit(ctx, tenant, id, sub, billing.Selection{Reason: reason})
		},
	})
	if more != nil {
		more(e)
	}
	return e
}

// plainRequestID drops the request id of a caller who would fill the log with it.
func plainRequestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if h := c.Request().Header; !transport.ValidID(h.Get(echo.HeaderXRequestID)) {
			h.Del(echo.HeaderXRequestID)
		}
		return next(c)
	}
}

// identity is what another gateway must know to exchange documents with this one.
func (n *node) identity() api.Identity {
	der, err := x509.MarshalPKIXPublicKey(n.keys.signing.Public())
	if err != nil {
		panic("facteur: " + err.Error()) // the key was made for signing
	}
	return api.Identity{
		KeyID:     n.keys.signing.KeyID(),
		PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		AuditKey:  n.keys.log.Verifier().String(),
	}
}

// logRequests writes one line for each request.
func (n *node) logRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := n.clock.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		r := c.Request()
		n.log.InfoContext(r.Context(), "request", "method", r.Method, "route", c.Path(), "status", c.Response().Status,
			"bytes", c.Response().Size, "ms", n.clock.Now().Sub(start).Milliseconds())
		return nil
	}
}

// ready tells why the gateway cannot work: it has no database, or no rules to
// check anything by.
func (n *node) ready(ctx context.Context) error {
	_, err := n.store.System().Stats(ctx, n.clock.Now())
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	if err := n.checks.ready(ctx, n.clock.Now()); err != nil {
		return gateway.ErrUnavailable.With("invoices are held, because "+err.Error(), err)
	}
	return nil
}

// clientAddress finds the address of a caller: the peer's, or what a trusted
// proxy says.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
