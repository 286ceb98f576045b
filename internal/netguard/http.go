package netguard

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Limits of HTTP clients. A zero field means the default given beside it.
type Limits struct {
	Timeout     time.Duration // the whole exchange, 30 s
	TLSTimeout  time.Duration // the TLS handshake, 10 s
	HeaderBytes int64         // the response header, 64 KiB
	BodyBytes   int64         // the response body, 16 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Timeout <= 0 {
		l.Timeout = 30 * time.Second
	}
	if l.TLSTimeout <= 0 {
		l.TLSTimeout = 10 * time.Second
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = 64 << 10
	}
	if l.BodyBytes <= 0 {
		l.BodyBytes = 16 << 20
	}
	return l
}

// HTTPClient makes a client whose connections go through the guard, with default limits and the given total
// timeout. tlsConfig may be nil; it is copied, and TLS 1.2 is the least accepted.
func (g *Guard) HTTPClient(tlsConfig *tls.Config, timeout time.Duration) *http.Client {
	return NewClient(g.DialContext, tlsConfig, Limits{Timeout: timeout})
}

// NewClient makes a client that dials with dial. A redirect is an [*Error] with [CodeRedirect] (the response
// that came with it has its status and a closed body), a body over the limit one with [CodeTooLarge] on read.
// Call CloseIdleConnections when done with it.
func NewClient(dial DialFunc, tlsConfig *tls.Config, limits Limits) *http.Client {
	limits = limits.withDefaults()
	if tlsConfig == nil {
		tlsConfig = &tls.Config{}
	}
	tlsConfig = tlsConfig.Clone()
	tlsConfig.MinVersion = max(tlsConfig.MinVersion, tls.VersionTLS12)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Timeout: limits.Timeout,
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			return &Error{CodeRedirect, fmt.Sprintf("the server redirects to %s://%s", req.URL.Scheme, req.URL.Host)}
		},
		Transport: &boundedTransport{limit: limits.BodyBytes, next: &http.Transport{
			Proxy:                  nil,
			DialContext:            dial,
			TLSClientConfig:        tlsConfig,
			TLSHandshakeTimeout:    limits.TLSTimeout,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    4,
			MaxIdleConns:           64,
			IdleConnTimeout:        30 * time.Second,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: limits.HeaderBytes,
			Protocols:              protocols,
		}},
	}
}

type boundedTransport struct {
	next  *http.Transport
	limit int64
}

// RoundTrip implements [http.RoundTripper].
func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.limit}
	return resp, nil
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport.
func (t *boundedTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }

type boundedBody struct {
	io.ReadCloser
	left int64 // bytes that may still come; below zero once more has come
}

// Read gives the body up to the limit, then [CodeTooLarge].
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge()
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed, to tell "exactly" from "over"
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, tooLarge()
	}
	return n, err
}

func tooLarge() error { return &Error{CodeTooLarge, "the response body is over the limit"} }
