package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/internal/netguard"
)

// Outcome says what to do next.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered" // 2xx: the address took the message
	Gone      Outcome = "gone"      // 410: it wants no more; disable it
	Retry     Outcome = "retry"     // anything else
)

// Codes of results that are no HTTP status; a status is "webhook.status_NNN".
const (
	CodeAddress     = "webhook.address"     // the URL, the id or the secrets cannot be used
	CodeRefused     = "netguard.refused"    // the address is not allowed
	CodeRedirect    = "webhook.redirect"    // redirects are not followed
	CodeTLS         = "webhook.tls"         // the certificate does not verify
	CodeTimeout     = "webhook.timeout"     // no answer in time
	CodeUnreachable = "webhook.unreachable" // no connection, or it was lost
)

const redirects = "the address redirects; enter the new one"

// Config is what a [Sender] needs.
type Config struct {
	// Guard makes the connections.
	Guard *netguard.Guard
	// RootCAs are the certificate authorities; nil means those of the system.
	RootCAs *x509.CertPool
	// AllowHTTP tells which hosts are sent to without TLS, for tests and machines
	// next door; nil means none.
	AllowHTTP func(host, port string) bool
	// Timeout bounds one attempt; 20 seconds when zero.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Sender posts messages. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *http.Client
}

// NewSender makes a sender.
func NewSender(cfg Config) (*Sender, error) {
	if cfg.Guard == nil || cfg.Now == nil {
		return nil, errors.New("webhook: a guard and a clock are needed")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 20 * time.Second
	}
	client := netguard.NewClient(cfg.Guard.DialContext, &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12, Time: cfg.Now},
		netguard.Limits{Timeout: cfg.Timeout, BodyBytes: 64 << 10})
	return &Sender{cfg, client}, nil
}

// Close lets go of idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Message is one event for one address.
type Message struct {
	URL     string
	ID      string   // the same on every attempt: the receiver's key against doubles
	Body    []byte   // JSON
	Secrets []Secret // all active ones, the newest first
}

// Result is what one attempt gave.
type Result struct {
	Outcome    Outcome
	Status     int    // HTTP status; zero without an answer
	Code       string // stable; empty when delivered
	Detail     string // safe to show
	RetryAfter time.Duration
	At         time.Time
	Took       time.Duration
}

// Post makes one attempt. It never follows a redirect and never sends twice by itself.
func (s *Sender) Post(ctx context.Context, m Message) Result {
	start := s.cfg.Now()
	r := s.post(ctx, m, start)
	r.At = s.cfg.Now()
	r.Took = r.At.Sub(start)
	return r
}

func (s *Sender) post(ctx context.Context, m Message, at time.Time) Result {
	u, err := url.Parse(m.URL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && !s.plain(u)) {
		return Result{Outcome: Retry, Code: CodeAddress, Detail: "the address is no https URL"}
	}
	header, err := Sign(m.ID, at, m.Body, m.Secrets...)
	if err != nil {
		return Result{Outcome: Retry, Code: CodeAddress, Detail: err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.Body))
	if err != nil {
		return Result{Outcome: Retry, Code: CodeAddress, Detail: "the address is no https URL"}
	}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "Facteur")
	req.Header = header
	req.GetBody = nil // net/http must not send it again by itself
	resp, err := s.client.Do(req)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return failed(err, resp)
	}
	return s.answered(resp)
}

// plain tells whether a message may go to an address without TLS.
func (s *Sender) plain(u *url.URL) bool {
	return u.Scheme == "http" && s.cfg.AllowHTTP != nil && s.cfg.AllowHTTP(u.Hostname(), cmp.Or(u.Port(), "80"))
}

func (s *Sender) answered(resp *http.Response) Result {
	r := Result{Outcome: Retry, Status: resp.StatusCode, Code: "webhook.status_" + strconv.Itoa(resp.StatusCode)}
	r.Detail = strings.TrimSpace(fmt.Sprintf("the address answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode <= 299:
		r.Outcome, r.Code = Delivered, ""
	case resp.StatusCode == http.StatusGone:
		r.Outcome = Gone
	case resp.StatusCode/100 == 3:
		r.Code, r.Detail = CodeRedirect, redirects
	default:
		r.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), s.cfg.Now())
	}
	return r
}

// failed names the reason why there is no usable answer.
func failed(err error, resp *http.Response) Result {
	var (
		untrusted *tls.CertificateVerificationError
		network   net.Error
	)
	r := Result{Outcome: Retry}
	if resp != nil {
		r.Status = resp.StatusCode
	}
	var guard *netguard.Error
	switch {
	case errors.As(err, &guard) && guard.Code == netguard.CodeRedirect:
		r.Code, r.Detail = CodeRedirect, redirects
	case errors.As(err, &guard):
		r.Code, r.Detail = CodeRefused, "the address is not allowed by this gateway's policy"
	case errors.As(err, &untrusted):
		r.Code, r.Detail = CodeTLS, "the certificate of the address is not trusted"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || (errors.As(err, &network) && network.Timeout()):
		r.Code, r.Detail = CodeTimeout, "no answer in time"
	default:
		r.Code, r.Detail = CodeUnreachable, "no connection, or it was lost before an answer"
	}
	return r
}

// retryAfter reads seconds or a date, at most a day.
func retryAfter(v string, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, most)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), most)
	}
	return 0
}
