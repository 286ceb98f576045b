package https

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"facteur.dev/facteur/transport"
)

const (
	skew          = time.Minute      // how far clocks may differ
	maxValidity   = 15 * time.Minute // the longest time a sender may give a signature
	statusReceipt = http.StatusAccepted
)

// Inbound is a document whose signature and digest were verified.
type Inbound struct {
	MessageID, Sender, Receiver string // as the sender signed them
	DocumentType, Process       string // as the sender signed them; empty when not signed
	ContentType                 string
	Body                        []byte
	SHA256                      [sha256.Size]byte // of Body
	KeyID                       string            // the key that signed for the sender
	ReceivedAt                  time.Time
	// Receipt is the signed answer: store it with the message, and give it back in a [Repeated] decision.
	Receipt []byte
	// Evidence proves what the sender signed, and holds the receipt: type [EvidenceReceipt].
	Evidence []byte
}

// Verdict says what became of an inbound document.
type Verdict int

// The verdicts. The zero value is none of them and is answered as a failure.
const (
	Stored   Verdict = iota + 1 // durably stored now, with Receipt: the sender gets it
	Repeated                    // was stored before, same id and same digest: the sender gets Decision.Receipt
	Conflict                    // was stored before with another digest: 409
	Refused                     // will never be taken: 422 with Code and Detail
	Busy                        // not stored, may be tried again: 503 with RetryAfter
)

// Decision is the inbox's answer.
type Decision struct {
	Verdict    Verdict
	Receipt    []byte        // the stored receipt, for Repeated
	Code       string        // stable, for Refused
	Detail     string        // safe to show, for Refused
	RetryAfter time.Duration // for Busy
}

// Inbox stores what arrives.
type Inbox interface {
	// Accept stores the message with its receipt and evidence in one transaction, once per sender and message
	// id: a sender chooses ids only for itself. It returns Stored only when that is durable. An error means that
	// nobody knows; the sender is told to repeat.
	Accept(ctx context.Context, in Inbound) (Decision, error)
}

// ReceiverConfig is what a [Receiver] needs.
type ReceiverConfig struct {
	// Authority is the host, or host:port, under which senders reach this gateway. A request for another is
	// refused, so that one signed for another gateway cannot be passed on here.
	Authority string
	Signer    transport.Signer // signs receipts
	Trust     transport.Trust  // knows the keys of senders
	Inbox     Inbox
	Random    io.Reader // for signatures that need randomness; crypto/rand.Reader
	Now       func() time.Time
	// MaxBody bounds one document; 20 MiB when zero. MaxInFlight bounds the bytes of all documents being
	// received at once; four times MaxBody when zero.
	MaxBody, MaxInFlight int64
	// Shared, when not nil, bounds the bytes of several receivers together; it has room for MaxBody at least.
	Shared *semaphore.Weighted
	// BodyTimeout bounds the time to read one body; a minute when zero.
	BodyTimeout time.Duration
	// Log tells about failures of the inbox; may be nil.
	Log *slog.Logger
}

// Receiver is the receiving side of the gateway channel: an [http.Handler] for the URL that senders post to. It
// verifies first the signature, then the digest, and trusts no header that is not signed.
type Receiver struct {
	cfg      ReceiverConfig
	alg      string
	inFlight *semaphore.Weighted
}

// NewReceiver makes the handler.
func NewReceiver(cfg ReceiverConfig) (*Receiver, error) {
	if cfg.Authority == "" || cfg.Signer == nil || cfg.Trust == nil || cfg.Inbox == nil || cfg.Random == nil || cfg.Now == nil {
		return nil, transport.Fault(transport.CodeEndpoint, "the receiver needs an authority, a signing key, trusted keys, an inbox, randomness and a clock")
	}
	cfg.Authority = authority(cfg.Authority)
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 20 << 20
	}
	if cfg.MaxInFlight < cfg.MaxBody {
		cfg.MaxInFlight = 4 * cfg.MaxBody
	}
	if cfg.BodyTimeout <= 0 {
		cfg.BodyTimeout = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	alg, err := algorithm(cfg.Signer.Public())
	if err != nil {
		return nil, transport.Fault(transport.CodeKey, "the signing key cannot be used").Because(err)
	}
	if cfg.Shared == nil {
		cfg.Shared = semaphore.NewWeighted(math.MaxInt64)
	}
	return &Receiver{cfg, alg, semaphore.NewWeighted(cfg.MaxInFlight)}, nil
}

// refusal is an answer that is no receipt.
type refusal struct {
	status     int
	code       string
	detail     string
	retryAfter time.Duration
}

// ServeHTTP implements [http.Handler].
func (h *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	receipt, no := h.receive(w, r)
	if no != nil {
		no.write(w)
		return
	}
	for name, value := range receipt.Fields {
		w.Header().Set(name, value)
	}
	w.WriteHeader(receipt.Status)
	_, _ = w.Write(receipt.Body) // a lost answer is the sender's to repeat
}

func (h *Receiver) receive(w http.ResponseWriter, r *http.Request) (*response, *refusal) {
	if no := h.admit(r); no != nil {
		return nil, no
	}
	ev, in, no := h.verify(r)
	if no != nil {
		return nil, no
	}
	for _, room := range []*semaphore.Weighted{h.inFlight, h.cfg.Shared} {
		if !room.TryAcquire(r.ContentLength) {
			return nil, &refusal{503, "gateway.busy", "too many documents are being received at once", time.Second}
		}
		defer room.Release(r.ContentLength)
	}
	if in.Body, no = h.body(w, r, in.SHA256); no != nil {
		return nil, no
	}
	if no := h.sign(ev, in); no != nil {
		return nil, no
	}
	d, err := h.cfg.Inbox.Accept(r.Context(), *in)
	if err != nil {
		h.cfg.Log.ErrorContext(r.Context(), "inbox failed", "message_id", in.MessageID, "sender", in.Sender, "error", err)
		return nil, internal()
	}
	switch d.Verdict {
	case Stored:
		return &ev.Response, nil
	case Repeated:
		kept, err := readReceipt(d.Receipt)
		if err != nil {
			h.cfg.Log.ErrorContext(r.Context(), "stored receipt cannot be read", "message_id", in.MessageID, "error", err)
			return nil, internal()
		}
		return kept, nil
	case Conflict:
		return nil, &refusal{409, "gateway.conflict", "this message id was used for another document", 0}
	case Refused:
		return nil, &refusal{422, d.Code, d.Detail, 0}
	case Busy:
		return nil, &refusal{503, "gateway.busy", "the gateway cannot take documents now", max(d.RetryAfter, time.Second)}
	}
	h.cfg.Log.ErrorContext(r.Context(), "inbox gave no verdict", "message_id", in.MessageID)
	return nil, internal()
}

// admit refuses what can be refused without looking at the signature.
func (h *Receiver) admit(r *http.Request) *refusal {
	switch {
	case r.Method != http.MethodPost:
		return &refusal{405, "gateway.method", "only POST is understood here", 0}
	case r.URL.RawQuery != "" || r.URL.ForceQuery:
		return &refusal{400, "gateway.query", "no query is understood here", 0}
	case authority(r.Host) != h.cfg.Authority:
		return &refusal{421, "gateway.authority", "this gateway does not answer for that host", 0}
	case r.ContentLength < 0:
		return &refusal{411, "gateway.length", "the length of the document must be given", 0}
	case r.ContentLength == 0:
		return &refusal{400, "gateway.empty", "there is no document", 0}
	case r.ContentLength > h.cfg.MaxBody:
		return &refusal{413, "gateway.too_large", "the document is over " + strconv.FormatInt(h.cfg.MaxBody, 10) + " bytes", 0}
	case r.Header.Get("Content-Encoding") != "":
		return &refusal{415, "gateway.encoding", "the document must not be encoded", 0}
	}
	return nil
}

// verify checks the signature and takes from the headers what it covers.
func (h *Receiver) verify(r *http.Request) (*evidence, *Inbound, *refusal) {
	now := h.cfg.Now()
	ev := &evidence{Type: EvidenceReceipt, Request: request{
		Method: r.Method, Authority: authority(r.Host), Path: r.URL.EscapedPath(), Fields: combine(r.Header),
	}}
	ev.trim()
	sig, broke := ev.checkRequest(r.Context(), h.cfg.Trust)
	switch {
	case broke != nil && broke.Retry:
		return nil, nil, &refusal{503, "gateway.trust", "the key cannot be checked now", time.Minute}
	case broke != nil && broke.Code == placeRequestKey:
		return nil, nil, &refusal{401, "gateway.key", broke.Message, 0}
	case broke != nil:
		return nil, nil, &refusal{401, "gateway.signature", broke.Message, 0}
	case sig.expires.IsZero() || sig.expires.Sub(sig.created) > maxValidity:
		return nil, nil, &refusal{401, "gateway.signature", "the signature is valid for too long", 0}
	case sig.created.After(now.Add(skew)) || now.After(sig.expires.Add(skew)):
		return nil, nil, &refusal{425, "gateway.expired", "the signature is not valid now; are both clocks right?", 0}
	}
	f := ev.Request.Fields
	in := &Inbound{
		MessageID: f["facteur-message-id"], Sender: f["facteur-sender"], Receiver: f["facteur-receiver"],
		ContentType: f["content-type"], KeyID: sig.keyID, ReceivedAt: now.UTC(),
	}
	s, err := theSignature(f, tagRequest) // cannot fail: it was just verified
	if err != nil {
		return nil, nil, internal()
	}
	for name, value := range map[string]*string{"facteur-document-type": &in.DocumentType, "facteur-process": &in.Process} {
		if s.has(component{name: name}) {
			*value = f[name]
		} else {
			delete(f, name)
		}
	}
	if !transport.ValidID(in.MessageID) || in.Sender == "" || in.Receiver == "" || in.ContentType == "" {
		return nil, nil, &refusal{400, "gateway.header", "message id, sender, receiver or content type is empty or malformed", 0}
	}
	if in.SHA256, err = readContentDigest(f["content-digest"]); err != nil {
		return nil, nil, &refusal{400, "gateway.digest", err.Error(), 0}
	}
	return ev, in, nil
}

// body reads the document as it comes, never more than its announced length, and compares its digest.
func (h *Receiver) body(w http.ResponseWriter, r *http.Request, want [sha256.Size]byte) ([]byte, *refusal) {
	// A server without deadlines (an http2 test server, say) is bounded by its own timeouts.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.BodyTimeout))
	var buf bytes.Buffer
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(&buf, hash), io.LimitReader(r.Body, r.ContentLength))
	if err != nil || n != r.ContentLength {
		return nil, &refusal{400, "gateway.incomplete", "the document did not arrive whole", 0}
	}
	if [sha256.Size]byte(hash.Sum(nil)) != want {
		return nil, &refusal{400, "gateway.digest", "the document does not have the digest that was signed", 0}
	}
	return buf.Bytes(), nil
}

// sign makes the receipt and the evidence.
func (h *Receiver) sign(ev *evidence, in *Inbound) *refusal {
	body, err := json.Marshal(receiptBody{
		MessageID: in.MessageID, SHA256: hex.EncodeToString(in.SHA256[:]), ReceivedAt: in.ReceivedAt,
		Sender: in.Sender, Receiver: in.Receiver,
	})
	if err != nil {
		return internal()
	}
	ev.Response = response{Status: statusReceipt, Body: body, Fields: fields{
		"content-type": "application/json", "content-digest": contentDigest(sha256.Sum256(body)),
	}}
	input, value, err := sign(h.cfg.Random, h.cfg.Signer, h.alg, exchange{request: ev.Request, response: &ev.Response},
		receiptCovered(), signParams{created: in.ReceivedAt, tag: tagReceipt})
	if err != nil {
		h.cfg.Log.Error("receipt cannot be signed", "message_id", in.MessageID, "error", err)
		return &refusal{503, "gateway.busy", "the gateway cannot sign receipts now", time.Minute}
	}
	ev.Response.Fields["signature-input"], ev.Response.Fields["signature"] = input, value
	if in.Receipt, err = json.Marshal(ev.Response); err != nil {
		return internal()
	}
	in.Evidence = ev.encode()
	return nil
}

func readReceipt(b []byte) (*response, error) {
	var r response
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	if r.Status != statusReceipt || r.Fields["signature"] == "" {
		return nil, transport.Fault(transport.CodeEvidence, "it is no receipt")
	}
	return &r, nil
}

func internal() *refusal {
	return &refusal{500, "gateway.failed", "the gateway failed; repeat the same message id later", 0}
}

// write answers with problem+json (RFC 9457).
func (no *refusal) write(w http.ResponseWriter) {
	if no.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((no.retryAfter+time.Second-1)/time.Second)))
	}
	if no.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	body, err := json.Marshal(map[string]any{
		"title": http.StatusText(no.status), "status": no.status, "code": no.code, "detail": strings.TrimSpace(no.detail),
	})
	if err != nil {
		body = []byte("{}")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(body)
}
