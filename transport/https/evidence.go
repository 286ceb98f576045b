package https

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"facteur.dev/facteur/transport"
)

// EvidenceReceipt is the type of evidence that both sides of the gateway channel keep: JSON with the signed
// parts of the request and the whole signed receipt. It holds no secret and not the document itself, only its
// digest.
const EvidenceReceipt = "facteur-https-receipt/1"

// Codes of evidence that does not verify, in the order of the checks: each names a place. They begin with
// [transport.CodeEvidence].
const (
	placeFormat           = transport.CodeEvidence + ".format"
	placeRequestSignature = transport.CodeEvidence + ".request_signature"
	placeRequestKey       = transport.CodeEvidence + ".request_key"
	placeReceiptSignature = transport.CodeEvidence + ".receipt_signature"
	placeReceiptKey       = transport.CodeEvidence + ".receipt_key"
	placeReceiptDigest    = transport.CodeEvidence + ".receipt_digest"
	placeReceiptBody      = transport.CodeEvidence + ".receipt_body"
)

const maxEvidence = 1 << 20

// evidence is one exchange as it is kept.
type evidence struct {
	Type     string   `json:"type"`
	Peer     string   `json:"peer,omitempty"` // who had to sign the receipt, when not the receiver
	Request  request  `json:"request"`
	Response response `json:"response"`
}

// trim leaves only what is signed and the signatures; an Authorization field, for one, must not be kept.
func (ev *evidence) trim() {
	ev.Request.Fields = ev.Request.Fields.only("content-type", "content-digest", "facteur-message-id", "facteur-sender",
		"facteur-receiver", "facteur-document-type", "facteur-process", "signature-input", "signature")
	ev.Response.Fields = ev.Response.Fields.only("content-type", "content-digest", "signature-input", "signature")
}

func (ev *evidence) encode() []byte {
	b, err := json.Marshal(ev)
	if err != nil {
		panic(err) // strings, bytes and numbers always have a JSON form
	}
	return b
}

// Claims is what evidence says. Nothing in it is proven before [VerifyEvidence] agrees.
type Claims struct {
	MessageID, Sender, Receiver string
	DocumentType, Process       string
	SHA256                      [sha256.Size]byte // of the document
	SignedAt, ReceivedAt        time.Time         // by the sender's clock, by the receiver's
	RequestKeyID, ReceiptKeyID  string
	// Peer is the participant who signed the receipt: the receiver, or who answers for it by the sender's record.
	Peer string
}

// ReadEvidence reads evidence without verifying it, say to find the document that it is about.
func ReadEvidence(b []byte) (Claims, error) {
	ev, broke := readEvidence(b)
	if broke != nil {
		return Claims{}, broke
	}
	return ev.claims()
}

func (ev *evidence) claims() (Claims, error) {
	f := ev.Request.Fields
	c := Claims{
		MessageID: f["facteur-message-id"], Sender: f["facteur-sender"], Receiver: f["facteur-receiver"],
		DocumentType: f["facteur-document-type"], Process: f["facteur-process"], Peer: ev.signer(),
	}
	var err error
	if c.SHA256, err = readContentDigest(f["content-digest"]); err != nil {
		return Claims{}, broken(placeFormat, "the request has no digest").Because(err)
	}
	sent, err := theSignature(f, tagRequest)
	if err != nil {
		return Claims{}, broken(placeRequestSignature, "it cannot be read").Because(err)
	}
	got, err := theSignature(ev.Response.Fields, tagReceipt)
	if err != nil {
		return Claims{}, broken(placeReceiptSignature, "it cannot be read").Because(err)
	}
	body, err := readReceiptBody(ev.Response.Body)
	if err != nil {
		return Claims{}, broken(placeReceiptBody, "it cannot be read").Because(err)
	}
	c.SignedAt, c.ReceivedAt, c.RequestKeyID, c.ReceiptKeyID = sent.created, body.ReceivedAt, sent.keyID, got.keyID
	return c, nil
}

// VerifyEvidence checks kept evidence again: the sender's signature over the request, the receiver's over the
// receipt, and that both speak of the same message and bytes. It needs no network. The error is a
// [*transport.Error] whose code begins with [transport.CodeEvidence] and names the first broken place.
//
// It does not see the document: compare its digest with [Claims.SHA256].
func VerifyEvidence(ctx context.Context, b []byte, trust transport.Trust) error {
	ev, broke := readEvidence(b)
	if broke != nil {
		return broke
	}
	if _, broke = ev.checkRequest(ctx, trust); broke != nil {
		return broke
	}
	if _, broke = ev.checkReceipt(ctx, trust); broke != nil {
		return broke
	}
	return nil
}

// Verifier is [VerifyEvidence] as a [transport.Verifier].
type Verifier struct{}

var _ transport.Verifier = Verifier{}

// EvidenceType implements [transport.Verifier].
func (Verifier) EvidenceType() string { return EvidenceReceipt }

// VerifyEvidence implements [transport.Verifier].
func (Verifier) VerifyEvidence(ctx context.Context, b []byte, trust transport.Trust) error {
	return VerifyEvidence(ctx, b, trust)
}

func readEvidence(b []byte) (*evidence, *transport.Error) {
	var ev evidence
	if len(b) > maxEvidence {
		return nil, broken(placeFormat, "it is too large")
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ev); err != nil {
		return nil, broken(placeFormat, "it is no evidence of this kind").Because(err)
	}
	if dec.More() || ev.Type != EvidenceReceipt {
		return nil, broken(placeFormat, "it is no evidence of the type "+EvidenceReceipt)
	}
	return &ev, nil
}

// checked is a signature that verified.
type checked struct {
	keyID   string
	created time.Time
	expires time.Time
}

// checkRequest verifies the sender's signature, at the time it names itself.
func (ev *evidence) checkRequest(ctx context.Context, trust transport.Trust) (checked, *transport.Error) {
	return expected{
		tag: tagRequest, covered: requestCovered(), participant: ev.Request.Fields["facteur-sender"],
		signature: placeRequestSignature, key: placeRequestKey,
	}.check(ctx, trust, exchange{request: ev.Request}, ev.Request.Fields)
}

// signer is the participant who must have signed the receipt.
func (ev *evidence) signer() string { return cmp.Or(ev.Peer, ev.Request.Fields["facteur-receiver"]) }

// checkReceipt verifies the receiver's signature and what the receipt says against the request.
func (ev *evidence) checkReceipt(ctx context.Context, trust transport.Trust) (checked, *transport.Error) {
	c, broke := expected{
		tag: tagReceipt, covered: receiptCovered(), participant: ev.signer(),
		signature: placeReceiptSignature, key: placeReceiptKey,
	}.check(ctx, trust, exchange{request: ev.Request, response: &ev.Response}, ev.Response.Fields)
	if broke != nil {
		return c, broke
	}
	if sum, err := readContentDigest(ev.Response.Fields["content-digest"]); err != nil || sum != sha256.Sum256(ev.Response.Body) {
		return c, broken(placeReceiptDigest, "the receipt does not have the digest that was signed")
	}
	body, err := readReceiptBody(ev.Response.Body)
	if err != nil {
		return c, broken(placeReceiptBody, "the receipt cannot be read").Because(err)
	}
	f := ev.Request.Fields
	sum, err := readContentDigest(f["content-digest"])
	if err != nil {
		return c, broken(placeRequestSignature, "the request has no digest").Because(err)
	}
	switch {
	case body.MessageID != f["facteur-message-id"]:
		return c, broken(placeReceiptBody, "the receipt is for another message")
	case body.SHA256 != hex.EncodeToString(sum[:]):
		return c, broken(placeReceiptBody, "the receipt is for other bytes")
	case body.Sender != f["facteur-sender"] || body.Receiver != f["facteur-receiver"]:
		return c, broken(placeReceiptBody, "the receipt is for other participants")
	}
	return c, nil
}

// expected is a signature that must be there.
type expected struct {
	tag            string
	covered        []component
	participant    string // for whom its key must speak
	signature, key string // places to name
}

// check verifies the one signature with that tag among the fields f of x.
func (want expected) check(ctx context.Context, trust transport.Trust, x exchange, f fields) (checked, *transport.Error) {
	s, err := theSignature(f, want.tag)
	if err == nil {
		err = s.covers(want.covered)
	}
	if err == nil && (s.created.IsZero() || s.keyID == "" || s.alg == "") {
		err = errors.New("the signature lacks created, keyid or alg")
	}
	var base []byte
	if err == nil {
		base, err = s.base(x)
	}
	if err != nil {
		return checked{}, broken(want.signature, err.Error())
	}
	key, err := trust.PublicKey(ctx, s.keyID, want.participant, s.created)
	if err != nil {
		e := broken(want.key, "the key may not speak for the participant").Because(err)
		var cause *transport.Error
		if errors.As(err, &cause) {
			e.Message, e.Retry = cause.Message, cause.Retry
		}
		return checked{}, e
	}
	if err := verifyBase(key, s.alg, base, s.value); err != nil {
		return checked{}, broken(want.signature, err.Error())
	}
	return checked{s.keyID, s.created, s.expires}, nil
}

func readReceiptBody(b []byte) (receiptBody, error) {
	var body receiptBody
	err := json.Unmarshal(b, &body)
	if err == nil && body.ReceivedAt.IsZero() {
		err = errors.New("received_at is missing")
	}
	return body, err
}

// broken names the first broken place of evidence.
func broken(place, why string) *transport.Error {
	return transport.Fault(place, "%s: %s", strings.ReplaceAll(strings.TrimPrefix(place, transport.CodeEvidence+"."), "_", " "), why)
}
