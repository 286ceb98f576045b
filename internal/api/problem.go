package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/intake"
)

// problem is an error as RFC 9457 has it. Type ends with the stable code.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Instance is what was asked for, RequestID the request in the logs.
	Instance  string `json:"instance,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Retryable tells that the same request may succeed later.
	Retryable bool `json:"retryable"`
	// Ref and Link name the record to look at, such as the first of a duplicate.
	Ref  string `json:"ref,omitempty"`
	Link string `json:"link,omitempty"`
	// Errors are the wrong places of the input.
	Errors []gateway.FieldProblem `json:"errors,omitempty"`
}

// statuses maps stable codes to HTTP statuses; all others are 500.
var statuses = map[string]int{
	"body":                   http.StatusBadRequest,
	"conflict":               http.StatusConflict, // 412 where the request had a condition
	"duplicate":              http.StatusConflict,
	"forbidden":              http.StatusForbidden,
	"idempotency_key_reused": http.StatusUnprocessableEntity,
	"invalid":                http.StatusUnprocessableEntity,
	"method_not_allowed":     http.StatusMethodNotAllowed,
	"not_found":              http.StatusNotFound,
	"state":                  http.StatusConflict,
	"too_large":              http.StatusRequestEntityTooLarge,
	"too_many":               http.StatusTooManyRequests,
	"unauthorized":           http.StatusUnauthorized,
	"unavailable":            http.StatusServiceUnavailable,
	intake.CodeInvalid:       http.StatusUnprocessableEntity,
	intake.CodeKind:          http.StatusUnprocessableEntity,
	intake.CodeMediaType:     http.StatusUnsupportedMediaType,
	intake.CodeTooLarge:      http.StatusRequestEntityTooLarge,
	intake.CodeUnreadable:    http.StatusBadRequest,
}

// internal is the code of what went wrong on our side.
const internal = "internal"

// places tells where the record of an identifier is found, by its prefix.
var places = map[string]string{
	gateway.PrefixOrder: "/v1/orders/", gateway.PrefixInvoice: "/v1/invoices/", gateway.PrefixInbound: "/v1/inbox/",
	gateway.PrefixDelivery: "/v1/deliveries/", gateway.PrefixWebhook: "/v1/webhooks/",
}

// answerError answers an error as problem+json.
func (a *API) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := a.problem(c, err)
	h := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="facteur"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", "5")
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if err := c.JSON(p.Status, p); err != nil {
		a.Log.DebugContext(c.Request().Context(), "the answer could not be written", "error", err)
	}
}

// problem describes an error to the caller, and logs what is not the caller's.
func (a *API) problem(c echo.Context, err error) problem {
	p := toProblem(err)
	r := c.Request()
	if p.Code == gateway.ErrConflict.Code && conditional(r) {
		p.Status = http.StatusPreconditionFailed
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		a.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", c.Path(), "code", p.Code, "error", err)
	}
	p.Instance, p.RequestID = r.URL.Path, c.Response().Header().Get(echo.HeaderXRequestID)
	p.Type, p.Title = "https://facteur.dev/problems/"+p.Code, http.StatusText(p.Status)
	return p
}

func toProblem(err error) problem {
	var own *gateway.Error
	var unread *intake.Error
	var routing *echo.HTTPError
	p := problem{Code: internal, Detail: "something went wrong here; it was logged"}
	switch {
	case errors.As(err, &own):
		p.Code, p.Detail, p.Retryable, p.Ref, p.Errors = own.Code, own.Message, own.Retryable, own.Ref, own.Fields
	case errors.As(err, &unread):
		p.Code, p.Detail = unread.Code, unread.Message
		for _, f := range unread.Fields {
			p.Errors = append(p.Errors, gateway.FieldProblem{Path: f.Path, Code: f.Code, Term: f.Term, Message: f.Message})
		}
	case errors.As(err, &routing):
		switch routing.Code {
		case http.StatusNotFound:
			p.Code, p.Detail = gateway.ErrNotFound.Code, "there is nothing at this path"
		case http.StatusMethodNotAllowed:
			p.Code, p.Detail = "method_not_allowed", "the path has no such method; see the header Allow"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p.Code, p.Detail, p.Retryable = gateway.ErrUnavailable.Code, "the gateway did not get to it in time", true
	}
	p.Status = statuses[p.Code]
	if p.Status == 0 { // nothing of the inside is shown
		p = problem{Status: http.StatusInternalServerError, Code: internal, Detail: "something went wrong here; it was logged"}
	}
	const ulid = 26
	if prefix, rest, ok := strings.Cut(p.Ref, "_"); ok && places[prefix] != "" && len(rest) == ulid {
		p.Link = places[prefix] + p.Ref
	}
	return p
}
