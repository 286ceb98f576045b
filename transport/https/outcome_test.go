package https

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facteur.dev/facteur/transport"
)

// rawServer speaks TLS and then whatever serve does with the connection.
func rawServer(t *testing.T, change func(*tls.Config), serve func(net.Conn)) *httptest.Server {
	t.Helper()
	srv := tlsServer(t, http.NotFoundHandler()) // lends its certificate
	cfg := &tls.Config{Certificates: srv.TLS.Certificates}
	if change != nil {
		change(cfg)
	}
	url := listen(t, func(c net.Conn) {
		tc := tls.Server(c, cfg)
		if tc.Handshake() == nil {
			serve(tc)
		}
		tc.Close()
	})
	srv.URL = "https://" + url
	return srv
}

// listen serves each connection in its own goroutine until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// readRequest reads a whole request.
func readRequest(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		goOn(c, r)
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// readHeader reads little more than the header.
func readHeader(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReaderSize(c, 16)); err == nil {
		goOn(c, r)
	}
}

func goOn(c net.Conn, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
}

func answering(text string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		_, _ = io.WriteString(c, text)
	}
}

// both sends one message with each sender and returns what they made of it: an endpoint that promises nothing,
// and a gateway.
func both(t *testing.T, srv *httptest.Server, change func(*Config), body string) (ap, gateway transport.Receipt) {
	t.Helper()
	cfg := config(t, srv)
	cfg.Timeout = 300 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	k := newKey(t, "k")
	a, err := NewAP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGateway(GatewayConfig{Config: cfg, Signer: k, Trust: transport.KeyRing{trusts(k, customer)}, Random: strings.NewReader("")})
	if err != nil {
		t.Fatal(err)
	}
	if ap, err = a.Send(t.Context(), message("1", body), transport.Endpoint{Address: srv.URL}); err != nil {
		t.Fatal(err)
	}
	if gateway, err = g.Send(t.Context(), message("1", body), transport.Endpoint{Address: srv.URL}); err != nil {
		t.Fatal(err)
	}
	return ap, gateway
}

// Before the last byte of the body is sent, the peer cannot have the message.
func TestNothingTaken(t *testing.T) {
	closed, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	big := strings.Repeat("x", 16<<20) // more than sockets buffer
	for _, c := range []struct {
		name, url, code string
		server          func() *httptest.Server
		change          func(*Config)
		body            string
		outcome         transport.Outcome
	}{
		{name: "policy", change: func(c *Config) { c.Dial = nil }, outcome: transport.Rejected, code: CodeGuard},
		{name: "name", url: "https://does-not-exist.invalid/", outcome: transport.Temporary, code: CodeDNS},
		{name: "refused", url: "https://" + closed.Addr().String(), outcome: transport.Temporary, code: CodeDialRefused},
		{name: "no connection in time", change: func(c *Config) {
			c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}, outcome: transport.Temporary, code: CodeDialTimeout},
		{name: "unreachable", change: func(c *Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("network is unreachable")}
			}
		}, outcome: transport.Temporary, code: CodeDialFailed},
		{name: "unknown authority", change: func(c *Config) { c.RootCAs = x509.NewCertPool() }, outcome: transport.Temporary, code: CodeTLSUntrusted},
		{name: "expired certificate", change: func(c *Config) { c.Now = func() time.Time { return noon.AddDate(200, 0, 0) } }, outcome: transport.Temporary, code: CodeTLSUntrusted},
		{name: "other host name", server: func() *httptest.Server {
			srv := tlsServer(t, http.NotFoundHandler())
			srv.URL = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
			return srv
		}, outcome: transport.Temporary, code: CodeTLSUntrusted},
		{name: "no TLS", url: "https://" + listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp.example.org ESMTP\r\n") }), outcome: transport.Temporary, code: CodeTLSFailed},
		{name: "closes in the handshake", url: "https://" + listen(t, func(net.Conn) {}), outcome: transport.Temporary, code: CodeTLSFailed},
		{name: "silent in the handshake", url: "https://" + listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), outcome: transport.Temporary, code: CodeDialTimeout},
		{name: "old TLS", server: func() *httptest.Server {
			return rawServer(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }, readRequest)
		}, outcome: transport.Temporary, code: CodeTLSFailed},
		{name: "wants our certificate, TLS 1.2", server: func() *httptest.Server {
			return rawServer(t, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }, readRequest)
		}, outcome: transport.Temporary, code: CodeTLSFailed},
		{name: "closes after the header", body: big, server: func() *httptest.Server { return rawServer(t, nil, readHeader) }, outcome: transport.Temporary, code: CodeIncomplete},
		{name: "stops reading", body: big, server: func() *httptest.Server {
			return rawServer(t, nil, func(c net.Conn) { readHeader(c); time.Sleep(2 * time.Second) })
		}, outcome: transport.Temporary, code: CodeIncomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.server == nil {
				c.server = func() *httptest.Server { return tlsServer(t, http.NotFoundHandler()) }
			}
			srv := c.server()
			if c.url != "" {
				srv.URL = c.url
			}
			if c.body == "" {
				c.body = "<Invoice/>"
			}
			ap, gw := both(t, srv, c.change, c.body)
			wants(t, ap, c.outcome, c.code)
			wants(t, gw, c.outcome, c.code)
		})
	}
}

// Once all is sent, only an answer tells.
func TestMayHaveArrived(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: "
	for _, c := range []struct {
		name        string
		serve       func(net.Conn)
		ap, gateway string // codes; "" means accepted
	}{
		{"closes", readRequest, CodeNoAnswer, CodeNoAnswer},
		{"resets", func(c net.Conn) {
			readRequest(c)
			_ = c.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
			c.(*tls.Conn).NetConn().Close()
		}, CodeNoAnswer, CodeNoAnswer},
		{"silent", func(c net.Conn) { readRequest(c); _, _ = c.Read(make([]byte, 1)) }, CodeTimeout, CodeTimeout},
		{"half a status line", answering("HTTP/1.1 20"), CodeBadAnswer, CodeBadAnswer},
		{"half a header", answering("HTTP/1.1 200 OK\r\nContent-Le"), CodeBadAnswer, CodeBadAnswer},
		{"header never ends", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			_, _ = c.Read(make([]byte, 1))
		}, CodeTimeout, CodeTimeout},
		{"garbage", answering("\x00\x01\x02 hello\r\n\r\n"), CodeBadAnswer, CodeBadAnswer},
		{"another protocol", answering("220 smtp.example.org ESMTP\r\n"), CodeBadAnswer, CodeBadAnswer},
		{"giant header", answering("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), CodeBadAnswer, CodeBadAnswer},
		{"half a body", answering(ok + "100\r\n\r\nhalf"), "", CodeReceiptBroken},
		{"body never ends", func(c net.Conn) {
			answering(ok + "100\r\n\r\nhalf")(c)
			_, _ = c.Read(make([]byte, 1))
		}, "", CodeReceiptBroken},
		{"giant body", answering(ok + "1073741824\r\n\r\n" + strings.Repeat("x", 4<<20)), "", CodeReceiptBroken},
		{"unasked compression", answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"), "", CodeReceiptBroken},
		{"hints first", answering("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok + "2\r\n\r\nok"), "", CodeReceiptBroken},
		{"only hints", answering("HTTP/1.1 103 Early Hints\r\n\r\n"), CodeNoAnswer, CodeNoAnswer},
		{"switches protocol", func(c net.Conn) {
			answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")(c)
			_, _ = c.Read(make([]byte, 1))
		}, "http.status_101", "http.status_101"},
		{"no receipt", answering(ok + "2\r\n\r\n{}"), "", CodeReceiptBroken},
	} {
		t.Run(c.name, func(t *testing.T) {
			ap, gw := both(t, rawServer(t, nil, c.serve), nil, "<Invoice/>")
			if c.ap == "" {
				wants(t, ap, transport.Accepted, "")
			} else {
				wants(t, ap, transport.Unknown, c.ap)
			}
			wants(t, gw, transport.Unknown, c.gateway)
		})
	}
}

// A server cannot have a document of which it has not had the last byte.
func TestSuccessBeforeTheEnd(t *testing.T) {
	srv := rawServer(t, nil, func(c net.Conn) {
		readHeader(c)
		_, _ = io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
		time.Sleep(200 * time.Millisecond)
	})
	ap, gw := both(t, srv, nil, strings.Repeat("x", 16<<20))
	wants(t, ap, transport.Unknown, CodeEarly)
	wants(t, gw, transport.Unknown, CodeReceiptBroken)
}

func TestStatuses(t *testing.T) {
	var status atomic.Int32
	var retry atomic.Value
	retry.Store("")
	srv := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if v, _ := retry.Load().(string); v != "" {
			w.Header().Set("Retry-After", v)
		}
		w.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
		w.WriteHeader(int(status.Load()))
	}))
	const (
		accepted, rejected, temporary, unknown = transport.Accepted, transport.Rejected, transport.Temporary, transport.Unknown
	)
	for _, c := range []struct {
		status      int
		retry       string
		ap, gateway transport.Outcome
		after       time.Duration
	}{
		{200, "", accepted, unknown, 0},
		{201, "", accepted, unknown, 0},
		{202, "", accepted, unknown, 0},
		{204, "", accepted, unknown, 0},
		{299, "", accepted, unknown, 0},
		{300, "", unknown, unknown, 0},
		{301, "", rejected, rejected, 0},
		{302, "", unknown, unknown, 0},
		{303, "", unknown, unknown, 0},
		{304, "", unknown, unknown, 0},
		{307, "", rejected, rejected, 0},
		{308, "", rejected, rejected, 0},
		{400, "", rejected, rejected, 0},
		{401, "", rejected, rejected, 0},
		{403, "", rejected, rejected, 0},
		{404, "", rejected, rejected, 0},
		{408, "", temporary, temporary, 0},
		{409, "", unknown, rejected, 0},
		{410, "", rejected, rejected, 0},
		{413, "", rejected, rejected, 0},
		{421, "", rejected, rejected, 0},
		{422, "", rejected, rejected, 0},
		{425, "", temporary, temporary, 0},
		{429, "", temporary, temporary, 0},
		{429, "120", temporary, temporary, 2 * time.Minute},
		{500, "", unknown, unknown, 0},
		{501, "", unknown, unknown, 0},
		{502, "", unknown, unknown, 0},
		{504, "", unknown, unknown, 0},
		{599, "", unknown, unknown, 0},
		{503, "", unknown, temporary, 0},
		{503, "7", temporary, temporary, 7 * time.Second},
		{503, "Fri, 20 Nov 2026 12:01:00 GMT", temporary, temporary, time.Minute},
		{503, "Fri, 20 Nov 2026 11:00:00 GMT", unknown, temporary, 0},
		{503, "999999999", temporary, temporary, 24 * time.Hour},
		{503, "-5", unknown, temporary, 0},
		{503, "soon", unknown, temporary, 0},
	} {
		status.Store(int32(c.status))
		retry.Store(c.retry)
		ap, gw := both(t, srv, nil, "<Invoice/>")
		for _, r := range []struct {
			got     transport.Receipt
			want    transport.Outcome
			gateway bool
		}{{ap, c.ap, false}, {gw, c.gateway, true}} {
			code := fmt.Sprintf("http.status_%d", c.status)
			if c.status < 300 {
				code = map[bool]string{true: CodeReceiptBroken}[r.gateway]
			}
			wants(t, r.got, r.want, code)
			if r.got.RetryAfter != c.after {
				t.Errorf("%d %q: retry after %s", c.status, c.retry, r.got.RetryAfter)
			}
		}
	}
}

func TestIdempotentEndpoint(t *testing.T) {
	srv := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	s, err := NewAP(config(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	to := transport.Endpoint{Address: srv.URL, Idempotent: true}
	r, err := s.Send(t.Context(), message("1", "x"), to)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Temporary, "http.status_503")
	if !s.Idempotent(to) || s.Idempotent(transport.Endpoint{}) {
		t.Error("idempotent is what the endpoint promises")
	}
}

// One Send is one request, also where net/http would repeat it: POST with Idempotency-Key on a lost connection.
func TestOneSendIsOneRequest(t *testing.T) {
	var n atomic.Int32
	srv := rawServer(t, nil, func(c net.Conn) { readRequest(c); n.Add(1) })
	both(t, srv, nil, "<Invoice/>")
	if n.Load() != 2 {
		t.Errorf("%d requests for two sends", n.Load())
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var n atomic.Int32
	trap := tlsServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	srv := tlsServer(t, http.RedirectHandler(trap.URL, http.StatusTemporaryRedirect))
	ap, gw := both(t, srv, nil, "<Invoice/>")
	wants(t, ap, transport.Rejected, "http.status_307")
	wants(t, gw, transport.Rejected, "http.status_307")
	if n.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestCancelledSend(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := rawServer(t, nil, func(c net.Conn) { readRequest(c); cancel(); _, _ = c.Read(make([]byte, 1)) })
	s, err := NewAP(config(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Send(ctx, message("1", "x"), transport.Endpoint{Address: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Unknown, CodeTimeout)
	if r, err = s.Send(ctx, message("1", "x"), transport.Endpoint{Address: srv.URL}); err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Temporary, CodeDialTimeout)
}

func TestEndlessAnswerUsesLittleMemory(t *testing.T) {
	srv := rawServer(t, nil, func(c net.Conn) {
		answering("HTTP/1.1 200 OK\r\n\r\n")(c)
		chunk := make([]byte, 1<<20)
		for range 256 {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	both(t, srv, nil, "<Invoice/>")
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d MiB allocated", used>>20)
	}
}
