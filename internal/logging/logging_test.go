package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContextAttributes(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, slog.LevelInfo, JSON)

	request := With(t.Context(), slog.String(RequestID, "r1"))
	left := With(request, slog.String(ExchangeID, "x1"))
	right := With(request, slog.String(ExchangeID, "x2"), slog.String(TenantID, "t"))

	for _, test := range []struct {
		name string
		log  func()
		want map[string]any
	}{
		{"no context", func() { log.Info("m") }, map[string]any{}},
		{"empty context", func() { log.InfoContext(t.Context(), "m") }, map[string]any{}},
		{"one", func() { log.InfoContext(request, "m") }, map[string]any{"request_id": "r1"}},
		{"left branch", func() { log.InfoContext(left, "m", "k", 1) }, map[string]any{"request_id": "r1", "exchange_id": "x1", "k": 1.0}},
		{"right branch", func() { log.InfoContext(right, "m") }, map[string]any{"request_id": "r1", "exchange_id": "x2", "tenant_id": "t"}},
		{"with attributes", func() { log.With("component", "c").InfoContext(request, "m") }, map[string]any{"request_id": "r1", "component": "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out.Reset()
			test.log()
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			delete(line, "time")
			test.want["msg"], test.want["level"] = "m", "INFO"
			if diff := cmp.Diff(test.want, line); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, slog.LevelWarn, Text)
	log.Info("quiet")
	if out.Len() != 0 {
		t.Errorf("logged below the level: %s", out.String())
	}
	log.Warn("loud")
	if out.Len() == 0 {
		t.Error("logged nothing at the level")
	}
}
