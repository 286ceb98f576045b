package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

// failure is what an error page says.
type failure struct {
	Status int
	Code   string
	// Title and Text are ours; Detail is what the use case said, in English.
	Title, Text i18n.Key
	Detail      string
	Fields      []gateway.FieldProblem
	RequestID   string
	// Back leads to where the reader was.
	Back string
}

// statuses maps stable codes to HTTP statuses; the rest is 500.
var statuses = map[string]int{
	"not_found":              http.StatusNotFound,
	"gone":                   http.StatusGone,
	"forbidden":              http.StatusForbidden,
	"form":                   http.StatusForbidden,
	"unauthorized":           http.StatusUnauthorized,
	"invalid":                http.StatusUnprocessableEntity,
	"idempotency_key_reused": http.StatusUnprocessableEntity,
	"state":                  http.StatusConflict,
	"duplicate":              http.StatusConflict,
	"conflict":               http.StatusConflict,
	"unavailable":            http.StatusServiceUnavailable,
	"too_large":              http.StatusRequestEntityTooLarge,
	"method_not_allowed":     http.StatusMethodNotAllowed,
}

// answerErrors shows what went wrong as a page, and logs what is our fault.
// Programs that ask for a path that nobody has are left to the server's own answer.
func (w *Web) answerErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		if strings.HasSuffix(c.Path(), "/*") && !strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") {
			return err
		}
		f := describeFailure(err)
		f.RequestID = c.Response().Header().Get(echo.HeaderXRequestID)
		ctx := c.Request().Context()
		if f.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
			w.Log.ErrorContext(ctx, "page failed", "method", c.Request().Method, "path", c.Path(), "code", f.Code, "error", err)
		}
		p := current(c)
		if token := c.Param("token"); token != "" && f.Code == "form" {
			f.Back = "/p/" + token
		}
		if at := strings.TrimSuffix(p.Path, "/"); c.Request().Method == http.MethodPost && p.User.Tenant != "" {
			f.Back = at[:strings.LastIndexByte(at, '/')]
			if i := strings.Index(at, "/deliveries/"); i > 0 {
				f.Back = at[:i]
			}
		}
		p.Title = p.T(f.Title)
		return show(c, f.Status, failureTemplate(p, f))
	}
}

func describeFailure(err error) failure {
	f := failure{Status: http.StatusInternalServerError, Code: "internal"}
	var own *gateway.Error
	var he *echo.HTTPError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		f.Code, f.Detail, f.Fields = own.Code, own.Message, own.Fields
	case errors.As(err, &large):
		f.Code = "too_large"
	case errors.As(err, &he):
		f.Code = map[int]string{404: "not_found", 405: "method_not_allowed", 413: "too_large"}[he.Code]
	case errors.Is(err, context.DeadlineExceeded):
		f.Code = "unavailable"
	}
	if s, ok := statuses[f.Code]; ok {
		f.Status = s
	} else {
		f.Code, f.Detail = "internal", "" // nothing from inside is shown
	}
	f.Title, f.Text = i18n.Key("error."+f.Code), i18n.Key("error."+f.Code+".text")
	switch f.Code {
	case "not_found", "unauthorized", "form", "gone", "unavailable":
		f.Detail = "" // our own text says it all
	}
	return f
}
