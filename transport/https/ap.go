package https

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"facteur.dev/facteur/transport"
)

// EvidenceExchange is the type of evidence that an [AP] sender keeps, and a [Gateway] when it got no receipt: JSON
// that tells what was sent where and what the server answered. It is our own record; nobody signed it.
const EvidenceExchange = "facteur-http-exchange/1"

// AP sends documents to any HTTPS endpoint, authenticated by bearer token or client certificate as the endpoint
// says. A 2xx means that this server accepted the request, not that the customer has the document.
type AP struct{ cfg Config }

var _ transport.Sender = (*AP)(nil)

// NewAP makes the sender.
func NewAP(cfg Config) (*AP, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return &AP{cfg}, nil
}

// Idempotent implements [transport.Sender]: as the endpoint promises.
func (s *AP) Idempotent(to transport.Endpoint) bool { return to.Idempotent }

// Send implements [transport.Sender].
func (s *AP) Send(ctx context.Context, m transport.Message, to transport.Endpoint) (transport.Receipt, error) {
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	u, err := address(to.Address, true)
	if err != nil {
		return transport.Receipt{}, err
	}
	digest := contentDigest(m.SHA256)
	header := http.Header{}
	header.Set("Content-Type", m.ContentType)
	header.Set("Content-Digest", digest)
	header.Set("Idempotency-Key", m.ID)
	if to.Identity != "" {
		header.Set("Expect", "100-continue") // TLS 1.3 tells only after the handshake that it refuses a certificate
	}
	a, failed, err := s.cfg.post(ctx, u, header, m.Body, to)
	if err != nil {
		return transport.Receipt{}, err
	}
	now := s.cfg.Now()
	if failed != nil {
		return failed.receipt(now), nil
	}
	u.RawQuery = "" // it may hold a secret
	evidence, peer := a.record(u, m.ID, digest)
	failed = a.classifyStatus(false, to.Idempotent, now)
	if failed == nil && !a.taken {
		failed = &failure{outcome: transport.Unknown, code: CodeEarly, detail: a.problem() + " before the whole document was sent"}
	}
	r := transport.Receipt{Outcome: transport.Accepted, Kind: transport.KindHTTP, At: now, Detail: transport.Safe(a.problem())}
	if failed != nil {
		r = failed.receipt(now)
	}
	r.PeerID, r.Evidence, r.EvidenceType = peer, evidence, EvidenceExchange
	return r, nil
}

// record is the evidence of an answer, with the name that the server's certificate was verified for.
func (a *answer) record(u *url.URL, id, digest string) (evidence []byte, peer string) {
	type tlsRecord struct {
		Server string `json:"server"`
		SHA256 string `json:"certificate_sha256"`
	}
	rec := struct {
		Type    string `json:"type"`
		Request struct {
			URL       string `json:"url"`
			MessageID string `json:"message_id"`
			Digest    string `json:"content_digest"`
		} `json:"request"`
		Response response   `json:"response"`
		Whole    bool       `json:"body_complete"`
		TLS      *tlsRecord `json:"tls,omitempty"`
	}{Type: EvidenceExchange, Whole: a.whole}
	rec.Request.URL, rec.Request.MessageID, rec.Request.Digest = u.String(), id, digest
	rec.Response = response{Status: a.status, Body: a.body[:min(len(a.body), 4<<10)], Fields: combine(a.header).only(
		"date", "server", "content-type", "location", "etag", "request-id", "x-request-id", "retry-after")}
	rec.Whole = a.whole && len(rec.Response.Body) == len(a.body)
	if a.tls != nil && len(a.tls.PeerCertificates) > 0 {
		sum := sha256.Sum256(a.tls.PeerCertificates[0].Raw)
		rec.TLS = &tlsRecord{Server: u.Hostname(), SHA256: hex.EncodeToString(sum[:])}
		peer = u.Hostname()
	}
	evidence, err := json.Marshal(rec)
	if err != nil { // strings, bytes and numbers always have a JSON form
		return []byte(strconv.Itoa(a.status)), peer
	}
	return evidence, peer
}
