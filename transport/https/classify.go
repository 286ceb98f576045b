package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

// Codes of receipts; a status that decides is "http.status_NNN". See the package comment for the whole table.
const (
	CodeGuard         = "netguard.refused" // the address is not allowed
	CodeDNS           = "dial.dns"         // the name does not resolve
	CodeDialRefused   = "dial.refused"     // nothing listens there
	CodeDialTimeout   = "dial.timeout"     // no connection in time
	CodeDialFailed    = "dial.failed"      // no connection
	CodeTLSUntrusted  = "tls.untrusted"    // the server's certificate does not verify
	CodeTLSFailed     = "tls.failed"       // no TLS with the server
	CodeTLSIdentity   = "tls.identity"     // the server does not take our certificate
	CodeIncomplete    = "http.incomplete"  // the connection broke before the last byte of the body
	CodeTimeout       = "http.timeout"     // everything sent, no answer in time
	CodeNoAnswer      = "http.no_answer"   // everything sent, connection lost
	CodeBadAnswer     = "http.bad_answer"  // everything sent, the answer is no HTTP
	CodeEarly         = "http.early"       // success before the last byte of the body
	CodeReceiptBroken = "receipt.broken"   // a receipt that does not verify
	CodeReceiptKey    = "receipt.key"      // a receipt whose key may not speak for the receiver, or is unknown
)

// failure is a contact that did not end as it should.
type failure struct {
	outcome    transport.Outcome
	code       string
	detail     string
	retryAfter time.Duration
}

func (f *failure) receipt(at time.Time) transport.Receipt {
	return transport.Receipt{Outcome: f.outcome, At: at, Code: f.code, Detail: transport.Safe(f.detail), RetryAfter: f.retryAfter}
}

// classifyError decides about an exchange without an answer. connected says that there was a connection (with
// TLS), sent that the last byte of the body has been handed over.
func classifyError(err error, connected, sent bool) *failure {
	if netguard.Refused(err) {
		return &failure{outcome: transport.Rejected, code: CodeGuard, detail: "the address is not allowed by this gateway's policy"}
	}
	if identityRefused(err) {
		return &failure{outcome: transport.Temporary, code: CodeTLSIdentity, detail: "the server did not accept our client certificate"}
	}
	if !connected {
		return classifyDial(err)
	}
	if !sent {
		return &failure{outcome: transport.Temporary, code: CodeIncomplete, detail: "the connection broke before the whole document was sent"}
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || (errors.As(err, &network) && network.Timeout()):
		return &failure{outcome: transport.Unknown, code: CodeTimeout, detail: "the document was sent but no answer came in time"}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return &failure{outcome: transport.Unknown, code: CodeNoAnswer, detail: "the document was sent but the connection was lost before an answer"}
	}
	return &failure{outcome: transport.Unknown, code: CodeBadAnswer, detail: "the document was sent but the answer could not be read"}
}

// classifyDial decides about an exchange that never had a connection: the peer certainly has nothing.
func classifyDial(err error) *failure {
	var (
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		host      x509.HostnameError
		op        *net.OpError
		network   net.Error
	)
	f := &failure{outcome: transport.Temporary}
	switch {
	case errors.As(err, &dns):
		f.code, f.detail = CodeDNS, "the server's name does not resolve"
	case errors.As(err, &untrusted) || errors.As(err, &host):
		f.code, f.detail = CodeTLSUntrusted, "the server's certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.code, f.detail = CodeDialRefused, "the server refuses connections"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || (errors.As(err, &network) && network.Timeout()):
		f.code, f.detail = CodeDialTimeout, "no connection in time"
	case errors.As(err, &op) && op.Op == "dial":
		f.code, f.detail = CodeDialFailed, "no connection to the server"
	default:
		f.code, f.detail = CodeTLSFailed, "no TLS connection with the server"
	}
	return f
}

// identityRefused recognises the alerts by which a TLS 1.3 server refuses our certificate (or the lack of one)
// after we may have begun to write. Its handshake is then not complete, so no application ever saw the request.
func identityRefused(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	switch strings.TrimPrefix(op.Err.Error(), "tls: ") {
	case "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
		"unknown certificate", "unknown certificate authority", "access denied", "certificate required":
		return true
	}
	return false
}

// classifyStatus decides about an answer that is no success; nil for 2xx. gateway says that the peer is one of
// ours, idempotent that it takes a message id only once.
func (a *answer) classifyStatus(gateway, idempotent bool, now time.Time) *failure {
	f := &failure{code: "http.status_" + strconv.Itoa(a.status), detail: a.problem(), retryAfter: retryAfter(a.header, now)}
	switch s := a.status; {
	case s >= 200 && s <= 299:
		return nil
	case s == 408 || s == 425 || s == 429:
		f.outcome = transport.Temporary
	case s == 503 && (idempotent || f.retryAfter > 0):
		// Without Retry-After it may be a proxy in front of a server that broke off with our request in hand.
		f.outcome = transport.Temporary
	case s == 301 || s == 307 || s == 308:
		f.outcome = transport.Rejected
	case s == 409 && !gateway:
		// May be the peer's way to say that it has the message, or is still working on it.
		f.outcome = transport.Unknown
	case s >= 400 && s <= 499:
		f.outcome = transport.Rejected
	default:
		f.outcome = transport.Unknown
	}
	return f
}

// problem is a line about the answer: the title and detail of a problem+json, or the status alone.
func (a *answer) problem() string {
	line := fmt.Sprintf("the server answered %d", a.status)
	if text := http.StatusText(a.status); text != "" {
		line += " " + text
	}
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	var p struct{ Code, Title, Detail string }
	if !a.whole || media != "application/problem+json" || json.Unmarshal(a.body, &p) != nil {
		return line
	}
	for _, s := range []string{p.Code, p.Title, p.Detail} {
		if s != "" {
			line += ": " + s
		}
	}
	return line
}

// retryAfter reads seconds or a date; at most a day, and nothing that lies in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, most)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), most)
	}
	return 0
}
