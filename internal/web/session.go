package web

import (
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/internal/logging"
)

// Names of cookies; the prefix makes browsers keep others on the domain from
// setting them.
func (w *Web) sessionCookie() string { return w.cookieName("facteur") }
func (w *Web) formCookie() string    { return w.cookieName("facteur-form") }

func (w *Web) cookieName(name string) string {
	if w.Secure {
		return "__Host-" + name
	}
	return name
}

func (w *Web) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is as configured: on loopback there is no https
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: w.Secure, SameSite: http.SameSiteLaxMode,
	}
}

// session finds out who is signed in. Name, role and whether the account still
// stands are read afresh, so that a change counts at once.
func (w *Web) session(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := current(c)
		cookie, err := c.Cookie(w.sessionCookie())
		if err != nil {
			return next(c)
		}
		s, err := w.Authority.OpenSession(cookie.Value)
		if err != nil || s.Kind != access.SessionUser {
			return next(c)
		}
		ctx := c.Request().Context()
		var user gateway.User
		err = w.Store.For(gateway.TenantID(s.Tenant)).Read(ctx, func(r gateway.Reader) (err error) {
			if user, err = r.User(ctx, s.Subject); err != nil {
				return err
			}
			p.Tenant, err = r.Tenant(ctx)
			return err
		})
		if errors.Is(err, gateway.ErrNotFound) || err == nil && user.DisabledAt != nil {
			return next(c)
		}
		if err != nil {
			return err
		}
		p.User = access.Principal{
			Tenant: s.Tenant, UserID: user.ID, Name: user.Name, Role: access.Role(user.Role), Via: access.ViaSession,
		}
		p.CSRF = w.Authority.CSRFToken(s.ID)
		p.Zone = zone(p.Tenant)
		c.SetRequest(c.Request().WithContext(logging.With(ctx, slog.String(logging.TenantID, s.Tenant), slog.String("user", user.ID))))
		return next(c)
	}
}

// zone is the time zone of a tenant's pages.
func zone(t gateway.Tenant) *time.Location {
	if z, err := time.LoadLocation(t.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

// allow lets somebody pass who is signed in and has the permission.
func (w *Web) allow(action access.Action) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			p := current(c)
			if p.User.Tenant == "" {
				if c.Request().Method == http.MethodPost || strings.HasSuffix(c.Path(), "/live") {
					return errSignedOut
				}
				return c.Redirect(http.StatusSeeOther, "/sign-in?next="+url.QueryEscape(c.Request().URL.RequestURI()))
			}
			if !p.Can(action) {
				return gateway.ErrForbidden.With("the role "+string(p.User.Role)+" does not allow: "+string(action), nil)
			}
			return next(c)
		}
	}
}

// errSignedOut answers a form or a live page whose session has ended.
var errSignedOut = &gateway.Error{Code: "unauthorized", Message: "you are not signed in any more"}

// errForm answers a form that does not carry the token of its page.
var errForm = &gateway.Error{Code: "form", Message: "the page was too old, or the form did not come from it"}

// checkForm refuses a form that another site made somebody send.
func (w *Web) checkForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		subject := ""
		if cookie, err := c.Cookie(w.sessionCookie()); err == nil {
			if s, err := w.Authority.OpenSession(cookie.Value); err == nil {
				subject = s.ID
			}
		}
		if subject == "" || c.Path() == "/sign-in" {
			subject = w.formSubject(c)
		}
		if !w.Authority.CheckCSRF(subject, c.FormValue("csrf")) {
			return errForm
		}
		return next(c)
	}
}

// formSubject is what a form before signing in is tied to.
func (w *Web) formSubject(c echo.Context) string {
	cookie, err := c.Cookie(w.formCookie())
	if err != nil || cookie.Value == "" {
		return ""
	}
	return "form/" + cookie.Value
}

// signInView is the form and what was wrong with the last try.
type signInView struct {
	Email, Next string
	Problem     i18n.Key
}

func (w *Web) signInPage(c echo.Context) error {
	if p := current(c); p.User.Tenant != "" {
		return w.home(c)
	}
	return w.showSignIn(c, http.StatusOK, signInView{Next: c.QueryParam("next")})
}

func (w *Web) showSignIn(c echo.Context, status int, v signInView) error {
	p := current(c)
	subject := w.formSubject(c)
	if subject == "" {
		raw := make([]byte, 16)
		if _, err := io.ReadFull(w.Random, raw); err != nil {
			return err
		}
		value := hex.EncodeToString(raw)
		c.SetCookie(w.cookie(w.formCookie(), value, 0))
		subject = "form/" + value
	}
	p.CSRF, p.Title = w.Authority.CSRFToken(subject), p.T("sign_in")
	v.Next = local(v.Next)
	return show(c, status, signInTemplate(p, v))
}

// local keeps an address only if it leads to a page of ours.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return ""
	}
	return next
}

func (w *Web) signIn(c echo.Context) error {
	ctx := c.Request().Context()
	v := signInView{Email: strings.TrimSpace(c.FormValue("email")), Next: c.FormValue("next")}
	if !w.limits.allow(c.RealIP(), v.Email) {
		v.Problem = "sign_in.too_many"
		c.Response().Header().Set("Retry-After", "60")
		return w.showSignIn(c, http.StatusTooManyRequests, v)
	}
	user, err := w.Store.System().UserByEmail(ctx, v.Email)
	if err != nil && !errors.Is(err, gateway.ErrNotFound) {
		return err
	}
	// Whoever does not exist has no hash: checking takes as long all the same.
	if ok := w.limits.check(ctx, user.PasswordHash, c.FormValue("password")); !ok || err != nil || user.DisabledAt != nil {
		v.Problem = "sign_in.wrong"
		w.Log.InfoContext(ctx, "sign-in refused", "address", c.RealIP())
		return w.showSignIn(c, http.StatusForbidden, v)
	}
	w.limits.forget(v.Email)
	value, s, err := w.Authority.NewSession(access.SessionUser, string(user.Tenant), user.ID)
	if err != nil {
		return err
	}
	c.SetCookie(w.cookie(w.sessionCookie(), value, int(s.ExpiresAt.Sub(s.IssuedAt).Seconds())))
	c.SetCookie(w.cookie(w.formCookie(), "", -1))
	if to := local(v.Next); to != "" {
		return c.Redirect(http.StatusSeeOther, to)
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func (w *Web) signOut(c echo.Context) error {
	c.SetCookie(w.cookie(w.sessionCookie(), "", -1))
	return c.Redirect(http.StatusSeeOther, "/sign-in")
}
