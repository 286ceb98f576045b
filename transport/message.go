package transport

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// Channel names, as they stand in [Endpoint.Channel].
const (
	ChannelGateway = "https.gateway" // another gateway: signed request, signed receipt
	ChannelAP      = "https.ap"      // any HTTPS endpoint: bearer token or mutual TLS
	ChannelMail    = "mail"          // SMTP
)

// Message is one document on its way to one receiver.
type Message struct {
	// ID is the stable id of the message: the same on every retry, never used for other bytes.
	// 1 to 200 characters of A-Z a-z 0-9 . _ - + @ : (see [ValidID]).
	ID string
	// Sender and Receiver are participant ids, such as "iso6523-actorid-upis::0208:0123456789".
	Sender, Receiver string
	// DocumentType and Process say what the body is, in the network's identifiers. Process may be empty.
	DocumentType, Process string
	// ContentType is the media type of the body, such as "application/xml".
	ContentType string
	// Filename is the name that a person sees; only its last element is used. May be empty.
	Filename string
	// Body is the document. Its bytes are carried unchanged.
	Body []byte
	// SHA256 is the digest of Body as it was sealed; a Body that does not match is never sent.
	SHA256 [sha256.Size]byte
	// Mail holds what only e-mail needs; nil for other channels.
	Mail *Mail
}

// Mail is the readable letter around a document that goes by e-mail. Texts and subject come ready in the
// receiver's language. The document itself is attached from [Message.Body].
type Mail struct {
	FromName string // display name beside the gateway's sender address; may be empty
	ReplyTo  string // address that answers go to; may be empty
	Subject  string
	Text     string // text/plain part, required
	HTML     string // text/html part; may be empty
	Language string // BCP 47, such as "fr"; may be empty
	Attach   []Attachment
}

// Attachment is a file beside the document.
type Attachment struct {
	Name        string
	ContentType string
	Body        []byte
}

// Endpoint is where a message goes and how the peer is recognised. It holds names of secrets, never secrets,
// so that it can be stored and shown.
type Endpoint struct {
	// Channel is one of the Channel constants.
	Channel string `json:"channel"`
	// Address is an https URL or an e-mail address.
	Address string `json:"address"`
	// PeerID is the participant who must sign the receipt, where another answers for the receiver (gateway
	// channel); the receiver itself when empty.
	PeerID string `json:"peer_id,omitempty"`
	// Bearer names the token to send; empty for none. See [Credentials].
	Bearer string `json:"bearer,omitempty"`
	// Identity names the client certificate for mutual TLS; empty for none. See [Credentials].
	Identity string `json:"identity,omitempty"`
	// Idempotent says that the peer promises to take a repeated message id only once.
	Idempotent bool `json:"idempotent,omitempty"`
}

// Sender carries messages over one kind of channel. Implementations are safe for concurrent use.
type Sender interface {
	// Send contacts the peer once. The error is for the caller's own mistakes (see package comment) and is
	// an [*Error]; the peer was then not contacted.
	Send(ctx context.Context, m Message, to Endpoint) (Receipt, error)
	// Idempotent tells whether a message whose outcome is unknown may be repeated with the same ID.
	Idempotent(to Endpoint) bool
}

// Outcome says what happened to a message, in the only four ways that matter to the next step.
type Outcome string

// The outcomes; see the package comment for what to do with each.
const (
	Accepted  Outcome = "accepted"
	Rejected  Outcome = "rejected"
	Temporary Outcome = "temporary"
	Unknown   Outcome = "unknown"
)

// Receipt is what one contact with the peer gave.
type Receipt struct {
	Outcome Outcome
	// Kind names the proof: "https.signed_receipt", "http.2xx", "smtp.250", and empty when nothing is proven.
	Kind string
	// At is when the outcome was known here.
	At time.Time
	// PeerID is who answered, as far as that is proven: key id, TLS name, or mail server name.
	PeerID string
	// Code is stable: "http.status_503", "dial.refused", and so on. Empty when accepted without remark.
	Code string
	// Detail is a line for people, safe to show: no secrets, no control characters, bounded.
	Detail string
	// Evidence is kept as it is and can be checked again with the [Verifier] of EvidenceType.
	Evidence     []byte
	EvidenceType string
	// RetryAfter is the pause the peer asked for; zero when it asked for none.
	RetryAfter time.Duration
}

// Kinds of proof.
const (
	KindSignedReceipt = "https.signed_receipt" // the receiving gateway signed that it has these bytes
	KindHTTP          = "http.2xx"             // that server accepted the request; not: the customer has it
	KindSMTP          = "smtp.250"             // the recipient's server, or our relay, took responsibility
)

// ValidID reports whether id can be a message id on every channel.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > 200 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.' || c == '_' || c == '-' || c == '+' || c == '@' || c == ':':
		default:
			return false
		}
	}
	return true
}

// Check tells the first thing that stops m from being sent on any channel: an id that is not valid, an empty
// body, a digest that does not match, or an identifier that is no printable ASCII. The error is an [*Error].
func (m *Message) Check() error {
	if !ValidID(m.ID) {
		return Fault(CodeMessage, "the message id %q is not valid", Safe(m.ID))
	}
	if len(m.Body) == 0 {
		return Fault(CodeMessage, "message %s has no body", m.ID)
	}
	if sha256.Sum256(m.Body) != m.SHA256 {
		return Fault(CodeDigest, "the body of message %s does not have the digest it was sealed with", m.ID)
	}
	for _, f := range []struct {
		name, value string
		required    bool
	}{
		{"sender", m.Sender, true},
		{"receiver", m.Receiver, true},
		{"document type", m.DocumentType, false},
		{"process", m.Process, false},
		{"content type", m.ContentType, true},
	} {
		if f.required && f.value == "" {
			return Fault(CodeMessage, "message %s has no %s", m.ID, f.name)
		}
		if !printable(f.value) {
			return Fault(CodeMessage, "the %s of message %s is not printable ASCII", f.name, m.ID)
		}
	}
	return nil
}

// printable reports whether s is at most 1000 visible ASCII characters and inner spaces.
func printable(s string) bool {
	if len(s) > 1000 {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || (s[i] == ' ' && (i == 0 || i == len(s)-1)) {
			return false
		}
	}
	return true
}

// DigestHex returns the digest as it is shown to people and stored: 64 lower-case hex digits.
func (m *Message) DigestHex() string { return fmt.Sprintf("%x", m.SHA256) }
