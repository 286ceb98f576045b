package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
)

// listedInbound is a received document without its content.
type listedInbound struct {
	gateway.Inbound
	Model omitted `json:"model,omitempty"`
}

func (a *API) listInbox(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	f := gateway.InboundFilter{Number: c.QueryParam("number")}
	if f.States, err = states(c, gateway.InboundStates); err != nil {
		return err
	}
	switch c.QueryParam("unacknowledged") {
	case "", "false":
	case "true":
		f.Unacked = true
	default:
		return invalid("?unacknowledged", "query", "unacknowledged is true or false")
	}
	return listPage(a, c, func(ctx context.Context, r gateway.Reader) (gateway.List[listedInbound], error) {
		page, err := r.Inbounds(ctx, f, p)
		return mapped(page, func(in gateway.Inbound) listedInbound { return listedInbound{Inbound: in} }), err
	})
}

func (a *API) getInbound(c echo.Context) error {
	version := func(in gateway.Inbound) int64 { return in.Version }
	return one(a, c, version, func(ctx context.Context, r gateway.Reader) (gateway.Inbound, error) { return r.Inbound(ctx, id(c)) })
}

// inboundDocument gives the document as it was received.
func (a *API) inboundDocument(c echo.Context) error {
	in, err := find(a, c, func(ctx context.Context, r gateway.Reader) (gateway.Inbound, error) { return r.Inbound(ctx, id(c)) })
	if err != nil {
		return err
	}
	return a.document(c, gateway.Document{SHA256: in.SHA256, MediaType: in.MediaType, Filename: in.ID + ".xml"})
}

// ofInbound lists what belongs to a received document, which must exist.
func ofInbound[T any](a *API, c echo.Context, fn func(ctx context.Context, r gateway.Reader, id string) ([]T, error)) error {
	return list(a, c, func(ctx context.Context, r gateway.Reader) ([]T, error) {
		if _, err := r.Inbound(ctx, id(c)); err != nil {
			return nil, err
		}
		return fn(ctx, r, id(c))
	})
}

func (a *API) inboundVerdicts(c echo.Context) error {
	return ofInbound(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]gateway.VerdictRecord, error) {
		return r.Verdicts(ctx, "", id)
	})
}

func (a *API) inboundTimeline(c echo.Context) error {
	return ofInbound(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]gateway.Event, error) {
		return r.Timeline(ctx, gateway.EventFilter{InboundID: id})
	})
}

// inboundReplies lists the deliveries that carry the answers back.
func (a *API) inboundReplies(c echo.Context) error {
	return ofInbound(a, c, func(ctx context.Context, r gateway.Reader, id string) ([]deliveryView, error) {
		deliveries, err := r.InboundReplies(ctx, id)
		if err != nil {
			return nil, err
		}
		return allWithTries(ctx, r, deliveries)
	})
}

func (a *API) acknowledge(c echo.Context, content []byte) (outcome, error) {
	if err := nothing(c, content); err != nil {
		return outcome{}, err
	}
	in, err := a.Inbox.Acknowledge(c.Request().Context(), tenant(c), id(c), actor(c))
	return outcome{http.StatusOK, in.Version, in}, err
}

// verdict is the answer to a received invoice.
type verdict struct {
	Decision answer.Decision `json:"decision"` // "in_process", "approve", "dispute" or "refuse"
	// Reason is a code of OPStatusReason, Text says it in words; a dispute or
	// refusal needs the text.
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
}

func (a *API) decide(c echo.Context, content []byte) (outcome, error) {
	var v verdict
	if err := decode(c, content, &v); err != nil {
		return outcome{}, err
	}
	p := principal(c)
	if final := v.Decision == answer.Approve || v.Decision == answer.Refuse; final && !p.Can(access.ActionDecide) {
		return outcome{}, gateway.ErrForbidden.With("the role "+string(p.Role)+" does not allow: "+string(access.ActionDecide), nil)
	}
	in, err := a.Answers.Decide(c.Request().Context(), tenant(c), id(c), actor(c), v.Decision, v.Reason, v.Text)
	return outcome{http.StatusOK, in.Version, in}, err
}
