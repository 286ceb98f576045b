// Package web is the face for people: the supplier's list and timeline, the
// customer's inbox, the auditor's view, and the portal behind the links in
// letters. Pages are written on the server with templ, in English and French,
// and need neither scripts nor anything from another host.
//
// A handler decodes, calls one use case and renders. It promises:
//
//   - every request that changes something is a POST with a token of its session
//     or, in the portal, of the page it was pressed on;
//   - looking at a page leaves no trace: GET and HEAD never tell that somebody
//     opened or viewed an invoice;
//   - what a role may not do it is not offered, and is refused when it tries;
//   - bytes that others wrote are shown as text or downloaded, never run.
package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/i18n"
)

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate

// Config is what the pages serve. All of it is needed but FrameAncestors.
type Config struct {
	Store     gateway.Store
	Blobs     gateway.Blobs
	Clock     gateway.Clock
	Random    io.Reader
	Authority *access.Authority
	Desk      *outbound.Desk
	Portal    *track.Portal
	Answers   *answer.Service
	Inbox     *inbound.Desk
	// Credit makes the credit note for all that is left of an invoice, as
	// outbound.Desk does.
	Credit func(ctx context.Context, tenant gateway.TenantID, id string, sub outbound.Submission, reason string) (outbound.Answer, error)
	// VerifyLog checks a tenant's whole audit log; the error is an
	// *evidence.Broken that names the first broken place, or says why the check
	// could not be made.
	VerifyLog func(ctx context.Context, tenant gateway.TenantID) (evidence.Report, error)
	// VerifySeal checks the seal of a document.
	VerifySeal func(ctx context.Context, document, seal []byte) (Seal, error)
	// LinkTo gives the address of a portal link.
	LinkTo func(linkID string) string
	// Language is for people who ask for none that we speak.
	Language i18n.Lang
	// Secure tells that people reach the pages over https.
	Secure bool
	// FrameAncestors are the origins that may show the pages in a frame, as a
	// content security policy writes them ("'self'"); without any nobody may.
	FrameAncestors []string
	Log            *slog.Logger
}

// Seal is what the seal of a document says, when it holds.
type Seal struct {
	Signer   string // subject of the certificate
	SignedAt time.Time
	// Trusted tells that the certificate leads to an authority that is trusted here.
	Trusted bool
}

// Web holds the handlers.
type Web struct {
	Config
	assets assets
	limits signInLimits
}

// Register adds the pages to e, with the answer to every path that nobody else has.
func Register(e *echo.Echo, cfg Config) *Web {
	w := &Web{Config: cfg, assets: loadAssets(), limits: newSignInLimits(cfg.Clock.Now)}
	e.GET("/static/:name", w.static)
	pages := e.Group("", w.answerErrors, w.secure, w.limitBody, w.speak, w.session)
	for _, r := range w.routes() {
		chain := []echo.MiddlewareFunc{}
		if r.action != "" {
			chain = append(chain, w.allow(r.action))
		}
		if r.method == http.MethodPost && !r.portal {
			chain = append(chain, w.checkForm)
		}
		pages.Add(r.method, r.path, r.handler, chain...)
		if r.method == http.MethodGet {
			pages.HEAD(r.path, r.handler, chain...)
		}
	}
	return w
}

// route is one page or form and the permission it needs.
type route struct {
	method, path string
	action       access.Action // "" for everybody
	handler      echo.HandlerFunc
	// portal forms carry the token of their own page.
	portal bool
}

// routes is every page and form.
func (w *Web) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/", handler: w.home},
		{method: get, path: "/sign-in", handler: w.signInPage},
		{method: post, path: "/sign-in", handler: w.signIn},
		{method: post, path: "/sign-out", handler: w.signOut},
		{method: get, path: "/notice", handler: w.notice},

		{method: get, path: "/invoices", action: access.ActionRead, handler: w.listInvoices},
		{method: get, path: "/invoices/:id", action: access.ActionRead, handler: w.showInvoice},
		{method: get, path: "/invoices/:id/live", action: access.ActionRead, handler: w.liveInvoice},
		{method: get, path: "/invoices/:id/document", action: access.ActionRead, handler: w.invoiceDocument},
		{method: get, path: "/invoices/:id/files/:sha256", action: access.ActionRead, handler: w.invoiceFile},
		{method: post, path: "/invoices/:id/release", action: access.ActionCorrect, handler: w.release},
		{method: post, path: "/invoices/:id/correct", action: access.ActionCorrect, handler: w.correct},
		{method: post, path: "/invoices/:id/override", action: access.ActionOverride, handler: w.override},
		{method: post, path: "/invoices/:id/cancel", action: access.ActionCorrect, handler: w.cancel},
		{method: post, path: "/invoices/:id/credit", action: access.ActionSubmit, handler: w.credit},
		{method: post, path: "/invoices/:id/resend", action: access.ActionResolve, handler: w.resend},
		{method: post, path: "/invoices/:id/deliveries/:delivery/resolve", action: access.ActionResolve, handler: w.resolve},

		{method: get, path: "/inbox", action: access.ActionRead, handler: w.listInbox},
		{method: get, path: "/inbox/:id", action: access.ActionRead, handler: w.showInbound},
		{method: get, path: "/inbox/:id/files/:sha256", action: access.ActionRead, handler: w.inboundFile},
		{method: get, path: "/inbox/:id/attachments/:n", action: access.ActionRead, handler: w.inboundAttachment},
		{method: post, path: "/inbox/:id/answer", action: access.ActionDispute, handler: w.decide},
		{method: post, path: "/inbox/:id/acknowledge", action: access.ActionAcknowledge, handler: w.acknowledge},

		{method: get, path: "/audit", action: access.ActionAudit, handler: w.audit},
		{method: get, path: "/audit/log", action: access.ActionAudit, handler: w.auditLog},
		{method: get, path: "/audit/log/root", action: access.ActionAudit, handler: w.auditRoot},
		{method: get, path: "/audit/invoices/:id", action: access.ActionAudit, handler: w.auditInvoice},
		{method: get, path: "/audit/inbox/:id", action: access.ActionAudit, handler: w.auditInbound},

		{method: get, path: "/p/:token", handler: w.landing},
		{method: post, path: "/p/:token", handler: w.open, portal: true},
		{method: post, path: "/p/:token/code", handler: w.requestCode, portal: true},
		{method: post, path: "/p/:token/prove", handler: w.prove, portal: true},
		{method: post, path: "/p/:token/download", handler: w.portalDownload, portal: true},
	}
}

// home leads everybody to where their work is.
func (w *Web) home(c echo.Context) error {
	p := current(c)
	to := "/sign-in"
	switch p.User.Role {
	case "":
	case access.RoleAuditor:
		to = "/audit"
	case access.RoleClerk, access.RoleApprover:
		to = "/inbox"
	default:
		to = "/invoices"
	}
	return c.Redirect(http.StatusSeeOther, to)
}
