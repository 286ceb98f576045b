// Package logging sets up structured logs (log/slog) and carries attributes
// such as request and exchange ids in the context, so that every line written
// with a context says what it belongs to.
package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// Attribute keys that lines of the whole program share.
const (
	RequestID  = "request_id"
	TenantID   = "tenant_id"
	ExchangeID = "exchange_id"
	DeliveryID = "delivery_id"
)

// Format is how a line is written.
type Format int

// Formats of a log line.
const (
	Text Format = iota
	JSON
)

// New returns a logger that writes to w, adding the attributes of each
// record's context (see [With]).
func New(w io.Writer, level slog.Leveler, format Format) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == JSON {
		return slog.New(Handler(slog.NewJSONHandler(w, options)))
	}
	return slog.New(Handler(slog.NewTextHandler(w, options)))
}

type contextKey struct{}

// With returns a context whose log lines carry the given attributes after
// those it carries already.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	return context.WithValue(ctx, contextKey{}, append(slices.Clip(Attrs(ctx)), attrs...))
}

// Attrs returns the attributes that With has put into ctx.
func Attrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(contextKey{}).([]slog.Attr)
	return attrs
}

// Handler wraps next so that it adds the attributes of each record's context.
func Handler(next slog.Handler) slog.Handler { return contextHandler{next} }

type contextHandler struct{ next slog.Handler }

func (h contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h contextHandler) Handle(ctx context.Context, record slog.Record) error {
	if attrs := Attrs(ctx); len(attrs) > 0 {
		record = record.Clone()
		record.AddAttrs(attrs...)
	}
	return h.next.Handle(ctx, record)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.next.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.next.WithGroup(name)}
}
