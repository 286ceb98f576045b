package https

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/dunglas/httpsfv"

	"facteur.dev/facteur/transport"
)

// Header fields of the gateway channel.
const (
	HeaderMessageID    = "Facteur-Message-Id"
	HeaderSender       = "Facteur-Sender"
	HeaderReceiver     = "Facteur-Receiver"
	HeaderDocumentType = "Facteur-Document-Type"
	HeaderProcess      = "Facteur-Process"
)

// Signature tags keep one signature from being taken for another.
const (
	tagRequest = "facteur-message"
	tagReceipt = "facteur-receipt"
)

// validity is how long a signed request may be used; a retry is signed anew.
const validity = 5 * time.Minute

// requestCovered must be covered by the sender's signature.
func requestCovered() []component {
	return []component{
		{name: "@method"},
		{name: "@authority"},
		{name: "@path"},
		{name: "content-digest"},
		{name: "content-type"},
		{name: "facteur-message-id"},
		{name: "facteur-sender"},
		{name: "facteur-receiver"},
	}
}

// receiptCovered must be covered by the receiver's signature.
func receiptCovered() []component {
	return []component{
		{name: "@status"},
		{name: "content-digest"},
		{name: "content-type"},
		{name: "content-digest", req: true},
		{name: "facteur-message-id", req: true},
		{name: "facteur-sender", req: true},
		{name: "facteur-receiver", req: true},
	}
}

// receiptBody is the JSON that the receiver signs.
type receiptBody struct {
	MessageID  string    `json:"message_id"`
	SHA256     string    `json:"sha256"`
	ReceivedAt time.Time `json:"received_at"`
	Sender     string    `json:"sender"`
	Receiver   string    `json:"receiver"`
}

// GatewayConfig is what a [Gateway] sender needs.
type GatewayConfig struct {
	Config
	Signer transport.Signer // signs requests
	Trust  transport.Trust  // knows the keys of receivers
	Random io.Reader        // for signatures that need randomness; crypto/rand.Reader
}

// Gateway sends documents to another gateway: signed requests, signed receipts.
type Gateway struct {
	cfg GatewayConfig
	alg string
}

var _ transport.Sender = (*Gateway)(nil)

// NewGateway makes the sender.
func NewGateway(cfg GatewayConfig) (*Gateway, error) {
	base, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	cfg.Config = base
	if cfg.Signer == nil || cfg.Trust == nil || cfg.Random == nil {
		return nil, transport.Fault(transport.CodeKey, "the gateway channel needs a signing key, trusted keys and randomness")
	}
	alg, err := algorithm(cfg.Signer.Public())
	if err != nil {
		return nil, transport.Fault(transport.CodeKey, "the signing key cannot be used").Because(err)
	}
	return &Gateway{cfg, alg}, nil
}

// Idempotent implements [transport.Sender]: a gateway takes a message id only once.
func (s *Gateway) Idempotent(transport.Endpoint) bool { return true }

// Send implements [transport.Sender]. Accepted means that the receiver's signed receipt for these very bytes was
// verified; it is the evidence, of type [EvidenceReceipt].
func (s *Gateway) Send(ctx context.Context, m transport.Message, to transport.Endpoint) (transport.Receipt, error) {
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	u, err := address(to.Address, false)
	if err != nil {
		return transport.Receipt{}, err
	}
	header := http.Header{}
	header.Set("Content-Type", m.ContentType)
	header.Set("Content-Digest", contentDigest(m.SHA256))
	header.Set(HeaderMessageID, m.ID)
	header.Set(HeaderSender, m.Sender)
	header.Set(HeaderReceiver, m.Receiver)
	covered := requestCovered()
	for _, f := range []struct{ header, name, value string }{
		{HeaderDocumentType, "facteur-document-type", m.DocumentType},
		{HeaderProcess, "facteur-process", m.Process},
	} {
		if f.value != "" {
			header.Set(f.header, f.value)
			covered = append(covered, component{name: f.name})
		}
	}
	req := request{Method: http.MethodPost, Authority: authority(u.Host), Path: u.EscapedPath(), Fields: combine(header)}
	now := s.cfg.Now()
	input, value, err := sign(s.cfg.Random, s.cfg.Signer, s.alg, exchange{request: req}, covered,
		signParams{created: now, expires: now.Add(validity), tag: tagRequest})
	if err != nil {
		return transport.Receipt{}, transport.Fault(transport.CodeKey, "the request could not be signed").Because(err)
	}
	header.Set("Signature-Input", input)
	header.Set("Signature", value)
	req.Fields = combine(header)
	header.Set("Expect", "100-continue") // a receiver checks the signature before it asks for the document

	a, failed, err := s.cfg.post(ctx, u, header, m.Body, to)
	if err != nil {
		return transport.Receipt{}, err
	}
	now = s.cfg.Now()
	if failed != nil {
		return failed.receipt(now), nil
	}
	r := s.accept(ctx, req, a, to.PeerID, now)
	if r.Outcome != transport.Accepted { // what the peer said, unsigned
		r.Evidence, r.PeerID = a.record(u, m.ID, header.Get("Content-Digest"))
		r.EvidenceType = EvidenceExchange
	}
	return r, nil
}

// accept turns an answer into a receipt, which is Accepted when it proves what it must.
func (s *Gateway) accept(ctx context.Context, req request, a *answer, peer string, now time.Time) transport.Receipt {
	if failed := a.classifyStatus(true, true, now); failed != nil {
		return failed.receipt(now)
	}
	ev := evidence{Type: EvidenceReceipt, Peer: peer, Request: req}
	ev.Response = response{Status: a.status, Fields: combine(a.header), Body: a.body}
	ev.trim()
	receipt, err := ev.checkReceipt(ctx, s.cfg.Trust)
	if err == nil && receipt.created.After(now.Add(skew)) {
		err = broken(placeReceiptSignature, "the receipt is dated in the future")
	}
	if err != nil {
		f := &failure{outcome: transport.Unknown, code: CodeReceiptBroken, detail: a.problem() + ", but the receipt does not verify: " + err.Message}
		if err.Code == placeReceiptKey {
			f.code = CodeReceiptKey
		}
		return f.receipt(now)
	}
	return transport.Receipt{
		Outcome: transport.Accepted, Kind: transport.KindSignedReceipt, At: now, PeerID: receipt.keyID,
		Detail: "the receiving gateway signed that it has the document", Evidence: ev.encode(), EvidenceType: EvidenceReceipt,
	}
}

type signParams struct {
	created, expires time.Time // no expires when zero
	tag              string
}

// sign makes the values of Signature-Input and Signature.
func sign(random io.Reader, key transport.Signer, alg string, x exchange, covered []component, p signParams) (input, value string, err error) {
	inner := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, c := range covered {
		inner.Items = append(inner.Items, c.item())
	}
	inner.Params.Add("created", p.created.Unix())
	if !p.expires.IsZero() {
		inner.Params.Add("expires", p.expires.Unix())
	}
	inner.Params.Add("keyid", key.KeyID())
	inner.Params.Add("alg", alg)
	inner.Params.Add("tag", p.tag)
	base, err := signature{inner: inner, covered: covered}.base(x)
	if err != nil {
		return "", "", err
	}
	raw, err := signBase(random, key, alg, base)
	if err != nil {
		return "", "", err
	}
	inputs, values := httpsfv.NewDictionary(), httpsfv.NewDictionary()
	inputs.Add("facteur", inner)
	values.Add("facteur", httpsfv.NewItem(raw))
	if input, err = httpsfv.Marshal(inputs); err != nil {
		return "", "", err
	}
	value, err = httpsfv.Marshal(values)
	return input, value, err
}
