package https

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"facteur.dev/facteur/transport"
)

// forge is a request as a gateway would send it, open to changes before and after it is signed.
type forge struct {
	key      transport.Signer
	covered  []component
	params   signParams
	request  *http.Request
	unsigned func(*http.Request) // changes after signing
}

func (p *pair) forge(t *testing.T, body string, change func(*forge)) *http.Request {
	t.Helper()
	m := message("forged-1", body)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, p.to.Address, strings.NewReader(body))
	r.Header.Set("Content-Type", m.ContentType)
	r.Header.Set("Content-Digest", contentDigest(m.SHA256))
	r.Header.Set(HeaderMessageID, m.ID)
	r.Header.Set(HeaderSender, m.Sender)
	r.Header.Set(HeaderReceiver, m.Receiver)
	f := &forge{
		key: p.gateway.cfg.Signer, covered: requestCovered(), request: r,
		params: signParams{created: noon, expires: noon.Add(validity), tag: tagRequest},
	}
	if change != nil {
		change(f)
	}
	x := exchange{request: request{
		Method: r.Method, Authority: authority(r.Host), Path: r.URL.EscapedPath(), Fields: combine(r.Header),
	}}
	alg, err := algorithm(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	input, value, err := sign(rand.Reader, f.key, alg, x, f.covered, f.params)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", value)
	if f.unsigned != nil {
		f.unsigned(r)
	}
	return r
}

func without(all []component, name string) []component {
	var kept []component
	for _, c := range all {
		if c.name != name {
			kept = append(kept, c)
		}
	}
	return kept
}

func TestReceiverRefuses(t *testing.T) {
	const body = "<Invoice/>"
	p := newPair(t, func(rc *ReceiverConfig, _ *GatewayConfig) { rc.MaxBody = 1000 })
	stranger := newKey(t, "stranger")
	impostor := newKey(t, "supplier-2026")
	after := func(change func(*http.Request)) func(*forge) { return func(f *forge) { f.unsigned = change } }
	set := func(name, value string) func(*forge) {
		return after(func(r *http.Request) { r.Header.Set(name, value) })
	}
	for _, c := range []struct {
		name   string
		change func(*forge)
		status int
		code   string
	}{
		{"nothing wrong", nil, 202, ""},
		{"GET", after(func(r *http.Request) { r.Method = http.MethodGet }), 405, "gateway.method"},
		{"query", after(func(r *http.Request) { r.URL.RawQuery = "a=b" }), 400, "gateway.query"},
		{"another host", after(func(r *http.Request) { r.Host = "other.example" }), 421, "gateway.authority"},
		{"no length", after(func(r *http.Request) { r.ContentLength = -1 }), 411, "gateway.length"},
		{"empty", after(func(r *http.Request) { r.ContentLength = 0 }), 400, "gateway.empty"},
		{"too large", after(func(r *http.Request) { r.ContentLength = 1001 }), 413, "gateway.too_large"},
		{"encoded", set("Content-Encoding", "gzip"), 415, "gateway.encoding"},
		{"not signed", after(func(r *http.Request) { r.Header.Del("Signature"); r.Header.Del("Signature-Input") }), 401, "gateway.signature"},
		{"no value", after(func(r *http.Request) { r.Header.Del("Signature") }), 401, "gateway.signature"},
		{"unreadable", set("Signature-Input", "%%%"), 401, "gateway.signature"},
		{"signed with another key", func(f *forge) { f.key = impostor }, 401, "gateway.signature"},
		{"unknown key", func(f *forge) { f.key = stranger }, 401, "gateway.key"},
		{"key of another participant", func(f *forge) { f.request.Header.Set(HeaderSender, customer) }, 401, "gateway.key"},
		{"path changed", after(func(r *http.Request) { r.URL.Path = "/other" }), 401, "gateway.signature"},
		{"id changed", set(HeaderMessageID, "other"), 401, "gateway.signature"},
		{"sender changed", set(HeaderSender, supplier+"x"), 401, "gateway.key"},
		{"receiver changed", set(HeaderReceiver, supplier), 401, "gateway.signature"},
		{"type changed", set("Content-Type", "text/html"), 401, "gateway.signature"},
		{"digest changed", set("Content-Digest", contentDigest(sha256.Sum256(nil))), 401, "gateway.signature"},
		{"field doubled", after(func(r *http.Request) { r.Header.Add(HeaderReceiver, supplier) }), 401, "gateway.signature"},
		{"body changed", after(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("<Invoicf/>")) }), 400, "gateway.digest"},
		{"body cut", after(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("<Inv")) }), 400, "gateway.incomplete"},
		{"body longer than announced", after(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + body)) }), 202, ""},
		{"digest of another kind", func(f *forge) { f.request.Header.Set("Content-Digest", "sha-512=:AAAA:") }, 400, "gateway.digest"},
		{"malformed id", func(f *forge) { f.request.Header.Set(HeaderMessageID, "a b") }, 400, "gateway.header"},
		{"empty receiver", func(f *forge) { f.request.Header.Set(HeaderReceiver, "") }, 400, "gateway.header"},
		{"not yet", func(f *forge) {
			f.params.created = noon.Add(skew + time.Second)
			f.params.expires = f.params.created.Add(validity)
		}, 425, "gateway.expired"},
		{"a bit ahead", func(f *forge) { f.params.created = noon.Add(skew) }, 202, ""},
		{"expired", func(f *forge) { f.params.expires = noon.Add(-skew - time.Second) }, 425, "gateway.expired"},
		{"just expired", func(f *forge) { f.params.created, f.params.expires = noon.Add(-validity), noon.Add(-skew) }, 202, ""},
		{"no end", func(f *forge) { f.params.expires = time.Time{} }, 401, "gateway.signature"},
		{"valid for too long", func(f *forge) { f.params.expires = noon.Add(maxValidity + time.Second) }, 401, "gateway.signature"},
		{"a receipt's signature", func(f *forge) { f.params.tag = tagReceipt }, 401, "gateway.signature"},
		{"another's signature beside ours", after(func(r *http.Request) {
			r.Header.Add("Signature-Input", `proxy=("@method");created=1;keyid="proxy"`)
			r.Header.Add("Signature", `proxy=:AAAA:`)
		}), 202, ""},
		{"two of ours", after(func(r *http.Request) {
			r.Header.Add("Signature-Input", `b=("@method");created=1;keyid="b";tag="facteur-message"`)
			r.Header.Add("Signature", `b=:AAAA:`)
		}), 401, "gateway.signature"},
	} {
		t.Run(c.name, func(t *testing.T) { p.serve(t, p.forge(t, body, c.change), c.status, c.code) })
	}
	for _, c := range requestCovered() {
		t.Run("not covered: "+c.name, func(t *testing.T) {
			r := p.forge(t, body, func(f *forge) { f.covered = without(f.covered, c.name) })
			p.serve(t, r, 401, "gateway.signature")
		})
	}
	if n := len(p.inbox.kept); n != 1 {
		t.Errorf("%d messages were stored", n)
	}
}

// serve hands r to the receiver and compares status and problem code.
func (p *pair) serve(t *testing.T, r *http.Request, status int, code string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	p.receiver.ServeHTTP(w, r)
	if code == "" {
		if w.Code != status {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		return w
	}
	var problem struct {
		Status int
		Code   string
		Title  string
		Detail string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if w.Code != status || problem.Status != status || problem.Code != code || problem.Title == "" || problem.Detail == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s, want %d %s", w.Code, w.Body, status, code)
	}
	return w
}

// Headers that the sender did not sign are as if they were not there.
func TestUnsignedHeadersAreIgnored(t *testing.T) {
	p := newPair(t, nil)
	r := p.forge(t, "<Invoice/>", func(f *forge) {
		f.unsigned = func(r *http.Request) {
			r.Header.Set(HeaderDocumentType, "injected")
			r.Header.Set(HeaderProcess, "injected")
		}
	})
	p.serve(t, r, 202, "")
	for _, in := range p.inbox.kept {
		if in.DocumentType != "" || in.Process != "" || bytes.Contains(in.Evidence, []byte("injected")) {
			t.Errorf("taken from unsigned headers: %+v", in)
		}
	}
}

func TestInboxDecides(t *testing.T) {
	for _, c := range []struct {
		name    string
		accept  func(Inbound) (Decision, error)
		status  int
		code    string
		outcome transport.Outcome
		after   time.Duration
	}{
		{"error", func(Inbound) (Decision, error) { return Decision{Verdict: Stored}, errors.New("disk: /var/lib/secret") }, 500, "gateway.failed", transport.Unknown, 0},
		{"no verdict", func(Inbound) (Decision, error) { return Decision{}, nil }, 500, "gateway.failed", transport.Unknown, 0},
		{"no stored receipt", func(Inbound) (Decision, error) { return Decision{Verdict: Repeated}, nil }, 500, "gateway.failed", transport.Unknown, 0},
		{"broken stored receipt", func(Inbound) (Decision, error) {
			return Decision{Verdict: Repeated, Receipt: []byte(`{"status":200}`)}, nil
		}, 500, "gateway.failed", transport.Unknown, 0},
		{"conflict", func(Inbound) (Decision, error) { return Decision{Verdict: Conflict}, nil }, 409, "gateway.conflict", transport.Rejected, 0},
		{"refused", func(Inbound) (Decision, error) {
			return Decision{Verdict: Refused, Code: "receiver.unknown", Detail: "nobody of that name here"}, nil
		}, 422, "receiver.unknown", transport.Rejected, 0},
		{"busy", func(Inbound) (Decision, error) { return Decision{Verdict: Busy, RetryAfter: 90 * time.Second}, nil }, 503, "gateway.busy", transport.Temporary, 90 * time.Second},
		{"stored", func(in Inbound) (Decision, error) { return Decision{Verdict: Stored}, nil }, 202, "", transport.Accepted, 0},
		{"repeated", func(in Inbound) (Decision, error) { return Decision{Verdict: Repeated, Receipt: in.Receipt}, nil }, 202, "", transport.Accepted, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, nil)
			p.inbox.accept = c.accept
			w := p.serve(t, p.forge(t, "<Invoice/>", nil), c.status, c.code)
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer tells the cause: %s", w.Body)
			}
			r := p.send(t, message("1", "<Invoice/>"))
			if r.Outcome != c.outcome || r.RetryAfter != c.after {
				t.Errorf("the sender sees %+v", r)
			}
			if c.code != "" && !strings.Contains(r.Detail, c.code) {
				t.Errorf("the sender is not told %q: %q", c.code, r.Detail)
			}
			if kept := strings.Contains(string(r.Evidence), `"`+EvidenceExchange+`"`); kept != (c.code != "") || (kept && r.EvidenceType != EvidenceExchange) {
				t.Errorf("evidence: %s", r.Evidence)
			}
		})
	}
}

func TestReceiverBoundsBytesInFlight(t *testing.T) {
	for name, bound := range map[string]func(rc *ReceiverConfig){
		"of its own": func(rc *ReceiverConfig) { rc.MaxInFlight = 1500 },
		"shared":     func(rc *ReceiverConfig) { rc.Shared = semaphore.NewWeighted(1500) },
	} {
		t.Run(name, func(t *testing.T) { boundsBytesInFlight(t, bound) })
	}
}

func boundsBytesInFlight(t *testing.T, bound func(rc *ReceiverConfig)) {
	p := newPair(t, func(rc *ReceiverConfig, _ *GatewayConfig) {
		rc.MaxBody = 1000
		bound(rc)
	})
	started, release := make(chan struct{}), make(chan struct{})
	p.inbox.accept = func(in Inbound) (Decision, error) {
		close(started)
		<-release
		return Decision{Verdict: Stored}, nil
	}
	done := make(chan transport.Receipt)
	go func() {
		r, _ := p.gateway.Send(context.WithoutCancel(t.Context()), message("1", strings.Repeat("a", 1000)), p.to)
		done <- r
	}()
	<-started
	wants(t, p.send(t, message("2", strings.Repeat("b", 501))), transport.Temporary, "http.status_503")
	close(release)
	wants(t, <-done, transport.Accepted, "")
}

// A body that does not come in time frees the handler.
func TestReceiverSlowBody(t *testing.T) {
	p := newPair(t, func(rc *ReceiverConfig, _ *GatewayConfig) { rc.BodyTimeout = 100 * time.Millisecond })
	r := p.forge(t, "<Invoice/>", nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(plainServer(t, p.receiver), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	var header bytes.Buffer
	_ = r.Header.Write(&header)
	_, _ = io.WriteString(c, "POST /transfer HTTP/1.1\r\nHost: "+r.Host+"\r\nContent-Length: 10\r\n"+header.String()+"\r\n<Inv")
	answer, err := io.ReadAll(c)
	if err != nil || !bytes.Contains(answer, []byte("gateway.incomplete")) {
		t.Errorf("%v: %s", err, answer)
	}
	if p.inbox.calls != 0 {
		t.Error("half a document was stored")
	}
}

func plainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// trustFails cannot find out.
type trustFails struct{}

func (trustFails) PublicKey(context.Context, string, string, time.Time) (crypto.PublicKey, error) {
	return nil, &transport.Error{Code: transport.CodeKey, Message: "the key directory does not answer", Retry: true}
}

func TestTrustThatCannotTell(t *testing.T) {
	p := newPair(t, nil)
	p.receiver.cfg.Trust = trustFails{}
	r := p.send(t, message("1", "<Invoice/>"))
	wants(t, r, transport.Temporary, "http.status_503")
	if r.RetryAfter != time.Minute {
		t.Errorf("retry after %s", r.RetryAfter)
	}
}

func TestConstructorsWantEverything(t *testing.T) {
	k := newKey(t, "k")
	rc := ReceiverConfig{Authority: "a", Signer: k, Trust: transport.KeyRing{}, Inbox: &inbox{}, Random: rand.Reader, Now: clock}
	for i, change := range []func(*ReceiverConfig){
		func(c *ReceiverConfig) { c.Authority = "" }, func(c *ReceiverConfig) { c.Signer = nil }, func(c *ReceiverConfig) { c.Trust = nil },
		func(c *ReceiverConfig) { c.Inbox = nil }, func(c *ReceiverConfig) { c.Random = nil }, func(c *ReceiverConfig) { c.Now = nil },
	} {
		c := rc
		change(&c)
		if _, err := NewReceiver(c); err == nil {
			t.Errorf("receiver %d was made", i)
		}
	}
	gc := GatewayConfig{Config: Config{Now: clock}, Signer: k, Trust: transport.KeyRing{}, Random: rand.Reader}
	for i, change := range []func(*GatewayConfig){
		func(c *GatewayConfig) { c.Now = nil }, func(c *GatewayConfig) { c.Signer = nil },
		func(c *GatewayConfig) { c.Trust = nil }, func(c *GatewayConfig) { c.Random = nil },
	} {
		c := gc
		change(&c)
		if _, err := NewGateway(c); err == nil {
			t.Errorf("gateway %d was made", i)
		}
	}
	if _, err := NewAP(Config{}); err == nil {
		t.Error("an AP without a clock was made")
	}
}
