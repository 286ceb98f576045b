package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/render"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/i18n"
)

// portalView is what somebody with a link sees.
type portalView struct {
	track.Landing
	Token    string
	Document *render.View
	// Seal tells whether the seller's document is sealed and unchanged.
	Seal  Seal
	Holds bool
	// Opened tells that the invoice itself is shown, Viewed that a code proved it.
	Opened, Viewed bool
	// Staff tells that nothing was counted, because the supplier looks.
	Staff bool
	// AskCode shows the form for the code, Problem what was wrong with the last one.
	AskCode bool
	Problem i18n.Key
}

// gone tells a link that worked once from one that never did.
func (w *Web) gone(ctx context.Context, token string, err error) error {
	if !errors.Is(err, gateway.ErrNotFound) {
		return err
	}
	if _, found := w.Store.System().PortalLinkByToken(ctx, gateway.HashToken(token)); found == nil {
		return &gateway.Error{Code: "gone", Message: "this link is no longer valid", Err: err}
	}
	return err
}

// showPortal completes and shows a page of the portal.
func (w *Web) showPortal(c echo.Context, status int, v portalView) error {
	p, ctx := current(c), c.Request().Context()
	v.Token = c.Param("token")
	p.Zone = zone(v.Tenant)
	v.Document = render.Model(v.Model, string(p.Lang))
	p.Title = v.Document.Title + " – " + v.Document.Seller.Name
	var documents []gateway.Document
	err := w.Store.For(v.Link.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		documents, err = r.InvoiceDocuments(ctx, v.Invoice.ID)
		return err
	})
	if err != nil {
		return err
	}
	v.Seal, err = w.sealed(ctx, v.Link.Tenant, documents)
	if v.Holds = err == nil; err != nil {
		w.Log.ErrorContext(ctx, "the seal of an invoice does not hold", "invoice", v.Invoice.ID, "error", err)
	}
	return show(c, status, portalTemplate(p, v))
}

// landing shows who sent what. It leaves no trace.
func (w *Web) landing(c echo.Context) error {
	ctx := c.Request().Context()
	l, err := w.Portal.Landing(ctx, c.Param("token"))
	if err != nil {
		return w.gone(ctx, c.Param("token"), err)
	}
	return w.showPortal(c, http.StatusOK, portalView{Landing: l})
}

// visitor is who presses a button. Somebody who is signed in as the supplier of
// the invoice is staff.
func (w *Web) visitor(c echo.Context, l track.Landing) track.Visitor {
	return track.Visitor{
		Address: c.RealIP(), UserAgent: c.Request().UserAgent(),
		Staff: current(c).tenantID() == l.Link.Tenant,
	}
}

// press runs what a button of the portal does, after finding the link.
func (w *Web) press(c echo.Context, do func(ctx context.Context, token, form string, v track.Visitor) (track.Landing, error)) (track.Landing, track.Visitor, error) {
	ctx, token := c.Request().Context(), c.Param("token")
	l, err := w.Portal.Landing(ctx, token)
	if err != nil {
		return l, track.Visitor{}, w.gone(ctx, token, err)
	}
	visitor := w.visitor(c, l)
	done, err := do(ctx, token, c.FormValue("form"), visitor)
	if err != nil {
		return l, visitor, err
	}
	return done, visitor, nil
}

// open is the button of the landing page.
func (w *Web) open(c echo.Context) error {
	l, visitor, err := w.press(c, w.Portal.Open)
	if err != nil {
		return again(err)
	}
	return w.showPortal(c, http.StatusOK, portalView{Landing: l, Opened: true, Staff: visitor.Staff})
}

// again says that a page is too old; how to go on stands on the page.
func again(err error) error {
	if errors.Is(err, gateway.ErrForbidden) {
		return errForm
	}
	return err
}

func (w *Web) requestCode(c echo.Context) error {
	l, _, err := w.press(c, func(ctx context.Context, token, form string, _ track.Visitor) (track.Landing, error) {
		return w.Portal.RequestCode(ctx, token, form)
	})
	if errors.Is(err, gateway.ErrState) && l.CanProve { // one was sent a moment ago
		return w.showPortal(c, http.StatusOK, portalView{Landing: l, AskCode: true, Problem: "portal.code.just_sent"})
	}
	if err != nil {
		return again(err)
	}
	return w.showPortal(c, http.StatusOK, portalView{Landing: l, AskCode: true})
}

func (w *Web) prove(c echo.Context) error {
	l, visitor, err := w.press(c, func(ctx context.Context, token, form string, v track.Visitor) (track.Landing, error) {
		return w.Portal.Prove(ctx, token, form, c.FormValue("code"), v)
	})
	if errors.Is(err, gateway.ErrForbidden) && l.CanProve {
		return w.showPortal(c, http.StatusForbidden, portalView{Landing: l, AskCode: true, Problem: "portal.code.wrong"})
	}
	if err != nil {
		return err
	}
	return w.showPortal(c, http.StatusOK, portalView{Landing: l, Opened: true, Viewed: true, Staff: visitor.Staff})
}

// portalDownload hands out the document, its seal or an attachment. It is a
// button like the other, and counts alike.
func (w *Web) portalDownload(c echo.Context) error {
	ctx := c.Request().Context()
	l, _, err := w.press(c, w.Portal.Open)
	if err != nil {
		return again(err)
	}
	if n := c.FormValue("attachment"); n != "" {
		return sendAttachment(c, l.Model, n)
	}
	role := "invoice"
	if c.FormValue("file") == "seal" {
		role = "seal"
	}
	var found *gateway.Document
	err = w.Store.For(l.Link.Tenant).Read(ctx, func(r gateway.Reader) error {
		documents, err := r.InvoiceDocuments(ctx, l.Invoice.ID)
		for i, d := range documents {
			if d.Role == role {
				found = &documents[i]
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if found == nil {
		return gateway.ErrNotFound
	}
	return w.blob(c, l.Link.Tenant, file{found.SHA256, found.Filename, found.MediaType})
}

// notice tells what is recorded in the portal, and why.
func (w *Web) notice(c echo.Context) error {
	p := current(c)
	p.Title = p.T("notice.title")
	return show(c, http.StatusOK, noticeTemplate(p))
}
