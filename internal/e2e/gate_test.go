package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gate is a gateway: its data folder, its settings, and its process while it runs.
type gate struct {
	t                      testing.TB
	name, binary, dir, url string
	set                    map[string]string // settings, as the environment has them
	http                   *http.Client
	uid                    uint32 // user to run as; 0: the test's own

	cmd  *exec.Cmd
	died chan error // holds how the process ended
	log  *transcript
}

// newGate sets up a gateway on a free port of loopback with TLS. It may dial
// loopback, and judges documents by a small rule set of our own and the official
// schemas. More settings are given as "NAME=value".
func newGate(t testing.TB, name string, settings ...string) *gate {
	t.Helper()
	binary, err := released()
	dir, host := t.TempDir(), freeAddress(t)
	cert, certErr := tlsOfLoopback()
	if err := errors.Join(err, certErr); err != nil {
		t.Fatal(err)
	}
	g := &gate{
		t: t, name: name, binary: binary, dir: dir, url: "https://" + host,
		http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: cert.pool}, MaxIdleConnsPerHost: 32,
		}},
		set: map[string]string{
			"DATA_DIR": filepath.Join(dir, "data"), "PACKS_DIR": packs(t), "LOG_LEVEL": "warn",
			"HTTP_LISTEN": host, "HTTP_PUBLIC_URL": "https://" + host, "HTTP_TLS_CERT": cert.certFile, "HTTP_TLS_KEY": cert.keyFile,
			"OUTBOUND_ALLOW": "127.0.0.1", "OUTBOUND_CA_FILE": cert.certFile, "OUTBOUND_TIMEOUT": "10s",
			"VALIDATION_RULES_DIR": repository(t, "validation", "schematron", "testdata", "rules"),
			"JOBS_LEASE":           "1s", "JOBS_SWEEP_INTERVAL": "200ms",
		},
		log: &transcript{},
	}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		g.set[key] = value
	}
	t.Cleanup(g.kill)
	return g
}

// booted is a gateway that runs.
func booted(t testing.TB, name string, settings ...string) *gate {
	t.Helper()
	g := newGate(t, name, settings...)
	g.start()
	return g
}

// environment is that of the process: nothing of Facteur's own but the settings.
func (g *gate) environment(more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "FACTEUR_") })
	for _, key := range slices.Sorted(maps.Keys(g.set)) {
		env = append(env, "FACTEUR_"+key+"="+g.set[key])
	}
	return append(env, more...)
}

// start runs the binary until it is ready.
func (g *gate) start(env ...string) {
	g.t.Helper()
	g.spawn(env...)
	if !g.awaitReady() {
		g.t.Fatalf("%s stopped by itself: %v\n%s", g.name, <-g.died, g.log.tail())
	}
}

// spawn runs the binary.
func (g *gate) spawn(env ...string) {
	g.t.Helper()
	g.cmd = exec.CommandContext(context.Background(), g.binary, "serve")
	g.cmd.Stdout, g.cmd.Stderr, g.cmd.Env = g.log, g.log, g.environment(env...)
	bound(g.cmd, g.uid)
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.died = make(chan error, 1)
	go func(cmd *exec.Cmd, died chan error) { died <- cmd.Wait() }(g.cmd, g.died)
}

// awaitReady waits until the process is ready, or tells that it died.
func (g *gate) awaitReady() bool {
	g.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if g.dead() {
			return false
		}
		if resp, err := g.http.Get(g.url + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	g.t.Fatalf("%s is not ready:\n%s", g.name, g.log.tail())
	return false
}

func (g *gate) dead() bool {
	if g.cmd == nil {
		return true
	}
	select {
	case err := <-g.died:
		g.died <- err
		return true
	default:
		return false
	}
}

// awaitDeath waits until the process has killed itself.
func (g *gate) awaitDeath() {
	g.t.Helper()
	select {
	case err := <-g.died:
		g.died <- err
		if !killed(err) {
			g.t.Fatalf("%s stopped with %v\n%s", g.name, err, g.log.tail())
		}
	case <-time.After(30 * time.Second):
		g.t.Fatalf("%s was not killed\n%s", g.name, g.log.tail())
	}
}

// killed tells whether a process ended by a signal.
func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ProcessState.ExitCode() == -1
}

// kill ends the process as a power cut would.
func (g *gate) kill() {
	if g.dead() {
		return
	}
	_ = g.cmd.Process.Kill()
	g.died <- <-g.died
}

// stop ends the process as an operator does: it must end by itself, and well.
func (g *gate) stop() {
	g.t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	select {
	case err := <-g.died:
		g.died <- err
		if err != nil {
			g.t.Fatalf("%s stopped with %v\n%s", g.name, err, g.log.tail())
		}
	case <-time.After(20 * time.Second):
		g.kill()
		g.t.Fatalf("%s did not stop\n%s", g.name, g.log.tail())
	}
}

// said is what a command of the binary answered.
type said struct {
	status      int
	out, errors string
}

// command runs a command of the binary with the gateway's settings.
func (g *gate) command(stdin string, args ...string) said {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.binary, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.environment(), strings.NewReader(stdin), &out, &errs
	bound(cmd, g.uid)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatalf("facteur %s: %v", strings.Join(args, " "), err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// run runs a command that must succeed.
func (g *gate) run(args ...string) string {
	g.t.Helper()
	s := g.command("", args...)
	if s.status != 0 {
		g.t.Fatalf("facteur %s: status %d\n%s%s", strings.Join(args, " "), s.status, s.out, s.errors)
	}
	return s.out
}

// tenant makes a tenant and an API key of an administrator.
func (g *gate) tenant(id, mode string) *account {
	g.t.Helper()
	g.run("tenant", "create", id, "--name", id, "--mode", mode, "--time-zone", "Europe/Paris")
	return g.key(id, "admin")
}

// key makes an API key.
func (g *gate) key(tenant, role string) *account {
	g.t.Helper()
	out := g.run("key", "create", "--tenant", tenant, "--role", role, "--name", "test", "--format", "json")
	var key struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal([]byte(out), &key); err != nil || key.Key == "" {
		g.t.Fatalf("no key in %s: %v", out, err)
	}
	return &account{g: g, tenant: tenant, key: key.Key}
}

// identity is the key that the gateway signs with.
func (g *gate) identity() (id struct {
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"`
	AuditKey  string `json:"audit_key"`
},
) {
	g.t.Helper()
	resp, err := g.http.Get(g.url + "/identity")
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&id); err != nil || id.KeyID == "" {
		g.t.Fatalf("no identity: %v", err)
	}
	return id
}

// open asks as somebody without a key.
func (g *gate) open(method, url string) (status int, body string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(must(g.t, b, err))
}

// transcript is what a process says.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *transcript) tail() string {
	s := l.String()
	return s[max(0, len(s)-4000):]
}

// within waits until something is true.
func within(t testing.TB, d time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !is(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", d, what)
		}
	}
}

// pick gives a value of decoded JSON by its path: "items/0/state". What is not
// there is nil.
func pick(v any, path string) any {
	for part := range strings.SplitSeq(path, "/") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i := -1
			if _, err := fmt.Sscan(part, &i); err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}
