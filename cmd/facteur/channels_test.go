package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
)

// A tenant writes its routes, and so says where a secret is sent: it can name
// none but its own.
func TestCredentialsAreATenantsOwn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"acme/ap.token": "secret of acme\n", "ap.token": "nobody's", "zeta/own.token": "own"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := credentialsOf(dir, "acme").Bearer(t.Context(), "ap"); err != nil || got != "secret of acme" {
		t.Errorf("%q %v", got, err)
	}
	for _, name := range []string{"ap", "../acme/ap", "../ap", "acme/ap", "", ".", ".."} {
		if got, err := credentialsOf(dir, "zeta").Bearer(t.Context(), name); err == nil {
			t.Errorf("%q gives %q", name, got)
		}
	}
}

// testNode is a gateway of one tenant on an empty database, not yet working.
func testNode(t *testing.T) *node {
	t.Helper()
	cfg, err := config.Load(config.Sources{NoFile: true, Flags: map[string]string{"data_dir": t.TempDir(), "packs_dir": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := newNode(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.store.System().CreateTenant(t.Context(), gateway.Tenant{ID: "acme", Name: "Acme", Mode: gateway.ModeLive, TimeZone: "UTC", CreatedAt: n.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Anybody can ask for the door of a tenant that does not exist: nothing is kept.
func TestDoorsOfNobodyAreNotKept(t *testing.T) {
	n := testNode(t)
	answers := map[string]bool{}
	for i := range 50 {
		tenant := gateway.TenantID("acme")
		if i > 0 {
			tenant = gateway.TenantID(fmt.Sprintf("nobody-%d", i))
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, n.public+"/in/"+string(tenant), strings.NewReader("<x/>"))
		n.receive(tenant).ServeHTTP(w, r)
		answers[fmt.Sprint(w.Code, w.Body)] = true
	}
	kept := 0
	n.receivers.Range(func(any, any) bool { kept++; return true })
	if kept != 1 || len(answers) != 1 { // nor does the answer tell who exists
		t.Errorf("%d doors kept, %d different answers: %v", kept, len(answers), answers)
	}
}

// Who fetches the audit log slowly does not keep others from the database.
func TestSlowExportsHoldNoConnection(t *testing.T) {
	n := testNode(t)
	for i := range 40 {
		if _, err := n.book.Put(t.Context(), "acme", gateway.System, gateway.Record{
			Kind: gateway.RecordItem, ID: fmt.Sprint("item-", i), Body: []byte(`{"name":"Vis"}`),
		}, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.sealer.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	const exports = 20
	ended := make(chan error, exports)
	var readers []*io.PipeReader
	for range exports {
		r, w := io.Pipe()
		readers = append(readers, r)
		go func() { ended <- n.exportLog(t.Context(), "acme", w) }()
		if _, err := r.Read(make([]byte, 1)); err != nil { // it has begun, and waits for us
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := n.store.For("acme").Read(ctx, func(r gateway.Reader) error {
		_, err := r.Tenant(ctx)
		return err
	}); err != nil {
		t.Errorf("nobody else can read: %v", err)
	}
	for _, r := range readers {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for range exports {
		<-ended
	}
	if report, err := n.verifyLog(t.Context(), "acme"); err != nil || report.Root.Size != 40 {
		t.Errorf("%+v %v", report, err)
	}
}

// The audit log goes on wherever the gateway is reached, and under another key
// where the one before is known: webhooks hang on it.
func TestLogOutlivesAddressAndKey(t *testing.T) {
	dir := t.TempDir()
	auditKey, log := "", ""
	for i, set := range []map[string]string{
		{}, {"http.listen": "127.0.0.1:1"}, {"http.public_url": "https://invoices.example.com"},
		{"gateway.signing_key": filepath.Join(dir, "new.pem")}, {"gateway.signing_key": filepath.Join(dir, "new.pem")},
	} {
		set["data_dir"], set["packs_dir"], set["gateway.former_keys"] = filepath.Join(dir, "data"), dir, auditKey
		cfg, err := config.Load(config.Sources{NoFile: true, Flags: set})
		if err != nil {
			t.Fatal(err)
		}
		n, err := newNode(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			auditKey = n.keys.log.Verifier().String()
			err = n.store.System().CreateTenant(t.Context(), gateway.Tenant{ID: "acme", Name: "Acme", Mode: gateway.ModeLive, TimeZone: "UTC", CreatedAt: n.clock.Now()})
		}
		item := gateway.Record{Kind: gateway.RecordItem, ID: fmt.Sprint("item-", i), Body: []byte(`{"name":"Vis"}`)}
		_, put := n.book.Put(t.Context(), "acme", gateway.System, item, -1)
		if err := errors.Join(err, put, n.sealer.Sweep(t.Context())); err != nil {
			t.Fatalf("%v: %v", set, err)
		}
		report, err := n.verifyLog(t.Context(), "acme")
		if err != nil || report.Root.Size != int64(i+1) || log != "" && report.Root.Origin != log {
			t.Errorf("%v: %+v %v", set, report.Root, err)
		}
		log = report.Root.Origin
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A caller may name its request, in a few plain characters.
func TestRequestID(t *testing.T) {
	handler := testNode(t).handler(nil)
	for given, kept := range map[string]bool{"erp-7:a.b": true, "": false, "a b": false, strings.Repeat("x", 201): false, "<é>": false} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Header.Set("X-Request-Id", given)
		handler.ServeHTTP(w, r)
		if got := w.Header().Get("X-Request-Id"); (got == given) != kept || got == "" {
			t.Errorf("%.20q: %.40q", given, got)
		}
	}
}
