package https

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

// maxAnswer bounds what is read of a peer's answer: a receipt or a problem is a few kilobytes.
const maxAnswer = 64 << 10

// Config is what both senders need.
type Config struct {
	// Dial connects; nil means to refuse every address that is not public.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// RootCAs are the certificate authorities of servers; nil means those of the system.
	RootCAs *x509.CertPool
	// Credentials finds tokens and client certificates that endpoints name; may be nil when none does.
	Credentials transport.Credentials
	// Timeout bounds one Send; a minute when zero.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
}

func (c Config) complete() (Config, error) {
	if c.Now == nil {
		return c, transport.Fault(transport.CodeEndpoint, "the https channel has no clock")
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Dial == nil {
		g, err := netguard.New(netguard.Policy{})
		if err != nil {
			return c, err
		}
		c.Dial = g.DialContext
	}
	return c, nil
}

// address reads an endpoint's URL.
func address(raw string, query bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, transport.Fault(transport.CodeEndpoint, "the address is no URL")
	case u.Scheme != "https" || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, transport.Fault(transport.CodeEndpoint, "the address is no https URL")
	case u.User != nil || u.Fragment != "":
		return nil, transport.Fault(transport.CodeEndpoint, "the address has a user or a fragment")
	case !query && (u.RawQuery != "" || u.ForceQuery):
		return nil, transport.Fault(transport.CodeEndpoint, "the address has a query")
	}
	return u, nil
}

// authority is the @authority of a host as it stands in a URL or a Host field of https.
func authority(host string) string {
	return strings.TrimSuffix(strings.ToLower(host), ":443")
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte // at most maxAnswer bytes
	whole  bool   // body is all of it
	taken  bool   // the request body was handed over to its last byte before the answer
	tls    *tls.ConnectionState
}

// post sends one request over a connection of its own. Exactly one of answer and failure is set unless err is.
func (c Config) post(ctx context.Context, u *url.URL, header http.Header, body []byte, to transport.Endpoint) (*answer, *failure, error) {
	tlsConfig, err := c.credentials(ctx, header, to)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	progress := &progress{left: int64(len(body))}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), progress.reader(body))
	if err != nil {
		return nil, nil, transport.Fault(transport.CodeEndpoint, "the address cannot be used").Because(err)
	}
	header.Set("User-Agent", "Facteur")
	req.Header = header
	req.ContentLength = int64(len(body))
	req.GetBody = nil // so that net/http cannot send it again
	req.Close = true  // a connection that was idle may be dead without our knowing

	client := netguard.NewClient(c.Dial, tlsConfig, netguard.Limits{Timeout: c.Timeout, BodyBytes: maxAnswer})
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil && resp == nil {
		return nil, classifyError(err, connected.Load(), progress.done()), nil
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header, tls: resp.TLS}
	// The body of a redirect is closed already; after 101 it would be the bare connection.
	if err == nil && a.status >= 200 {
		a.body, err = io.ReadAll(resp.Body)
		a.whole = err == nil
	}
	a.taken = progress.done()
	return a, nil, nil
}

// credentials adds the bearer token to header and makes the TLS configuration.
func (c Config) credentials(ctx context.Context, header http.Header, to transport.Endpoint) (*tls.Config, error) {
	cfg := &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12, Time: c.Now}
	if to.Bearer == "" && to.Identity == "" {
		return cfg, nil
	}
	if c.Credentials == nil {
		return nil, transport.Fault(transport.CodeCredential, "the endpoint needs a secret and none is configured")
	}
	if to.Bearer != "" {
		token, err := c.Credentials.Bearer(ctx, to.Bearer)
		if err != nil {
			return nil, secret(to.Bearer, err)
		}
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, transport.Fault(transport.CodeCredential, "the token %q is empty or malformed", transport.Safe(to.Bearer))
		}
		header.Set("Authorization", "Bearer "+token)
	}
	if to.Identity != "" {
		cert, err := c.Credentials.Certificate(ctx, to.Identity)
		if err != nil {
			return nil, secret(to.Identity, err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

func secret(name string, err error) error {
	if e := (*transport.Error)(nil); errors.As(err, &e) {
		return err
	}
	return transport.Fault(transport.CodeCredential, "the secret %q cannot be had", transport.Safe(name)).Because(err)
}

// progress watches how much of the request body the HTTP client has taken. As long as the last byte has not
// been taken, the peer cannot have the message, whatever became of the connection.
type progress struct {
	left int64
	read atomic.Int64
}

func (p *progress) done() bool { return p.read.Load() >= p.left }

func (p *progress) reader(body []byte) io.ReadCloser {
	return io.NopCloser(&countingReader{src: bytes.NewReader(body), n: &p.read})
}

// countingReader has nothing but Read: with WriteTo, net/http would take the body in one unwatched piece.
type countingReader struct {
	src *bytes.Reader
	n   *atomic.Int64
}

// Read counts before the bytes can leave.
func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.n.Add(int64(n))
	return n, err
}
