package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"net"
	"strings"
	"time"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

// EvidenceSubmission is the type of evidence that a [Sender] keeps: JSON that tells what was handed to whom and
// what the server answered. It is our own record; nobody signed it.
const EvidenceSubmission = "facteur-smtp-submission/1"

// TLSMode says what to do about STARTTLS.
type TLSMode string

// The TLS modes. With TLS, certificates are always verified.
const (
	TLSRequired      TLSMode = "required"      // nothing is sent without; the default
	TLSOpportunistic TLSMode = "opportunistic" // used where offered
	TLSImplicit      TLSMode = "implicit"      // from the first byte (RFC 8314), usually on port 465
	TLSNone          TLSMode = "none"          // never; for a relay on the same machine
)

// Config is what a [Sender] needs.
type Config struct {
	// Relay is the host:port of the server that takes our mail.
	Relay string
	// TLS is about STARTTLS; [TLSRequired] when empty.
	TLS TLSMode
	// RootCAs are the certificate authorities of the relay; nil means those of the system.
	RootCAs *x509.CertPool
	// Username and Password authenticate; none when Username is empty. They go over TLS only.
	Username, Password string
	// Hello is our name in EHLO; the domain of From when empty.
	Hello string
	// From is the address of the sender that people see.
	From string
	// Bounce is the address that reports go to, such as "bounces@in.example.org"; "+token" is put before the @.
	Bounce string
	// BounceKey makes the tokens: 16 random bytes or more, kept as long as reports may come.
	BounceKey []byte
	// Dial connects; nil means to refuse every address that is not public.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds a conversation up to the final dot, two minutes when zero; EndTimeout the wait for the
	// answer to it, ten minutes when zero (RFC 5321, 4.5.3.2.6). The context bounds both.
	Timeout, EndTimeout time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Sender hands letters to a relay. It implements [transport.Sender].
type Sender struct {
	cfg          Config
	host         string
	from, bounce address
}

var _ transport.Sender = (*Sender)(nil)

// New makes a sender.
func New(cfg Config) (*Sender, error) {
	if cfg.TLS == "" {
		cfg.TLS = TLSRequired
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Minute
	}
	if cfg.EndTimeout <= 0 {
		cfg.EndTimeout = 10 * time.Minute
	}
	s := &Sender{cfg: cfg}
	var err error
	if s.from, err = parseAddress("sender address", cfg.From); err != nil {
		return nil, err
	}
	if s.bounce, err = parseAddress("bounce address", cfg.Bounce); err != nil {
		return nil, err
	}
	if s.cfg.Hello == "" {
		s.cfg.Hello = s.from.domain
	}
	var port string
	if s.host, port, err = net.SplitHostPort(cfg.Relay); err != nil || s.host == "" || port == "" {
		return nil, transport.Fault(transport.CodeEndpoint, "the mail relay %q is no host:port", transport.Safe(cfg.Relay))
	}
	switch {
	case s.from.utf8() || s.bounce.utf8() || len(s.bounce.local)+1+tokenLength > 64:
		return nil, transport.Fault(transport.CodeEndpoint, "the sender's addresses must be ASCII, and the bounce address short")
	case !domainName(s.cfg.Hello):
		return nil, transport.Fault(transport.CodeEndpoint, "the name %q for EHLO is no host name", transport.Safe(s.cfg.Hello))
	case len(cfg.BounceKey) < 16:
		return nil, transport.Fault(transport.CodeEndpoint, "the key for bounce addresses has less than 16 bytes")
	case cfg.TLS != TLSRequired && cfg.TLS != TLSOpportunistic && cfg.TLS != TLSImplicit && cfg.TLS != TLSNone:
		return nil, transport.Fault(transport.CodeEndpoint, "the TLS mode %q is not known", transport.Safe(string(cfg.TLS)))
	case cfg.TLS == TLSNone && cfg.Username != "":
		return nil, transport.Fault(transport.CodeEndpoint, "a password may not go without TLS")
	case cfg.Now == nil:
		return nil, transport.Fault(transport.CodeEndpoint, "the mail channel has no clock")
	}
	if cfg.Dial == nil {
		g, err := netguard.New(netguard.Policy{})
		if err != nil {
			return nil, err
		}
		s.cfg.Dial = g.DialContext
	}
	return s, nil
}

// Idempotent implements [transport.Sender]: a mail server takes everything that it is given.
func (s *Sender) Idempotent(transport.Endpoint) bool { return false }

// MessageID is the Message-ID field that a message id is sent under.
func (s *Sender) MessageID(id string) string { return MessageID(id, s.from.domain) }

const tokenLength = 24

// Token is the secret part of the envelope sender of a message id. A report that came to this address, or that
// the token is found in, was made by someone who saw the message.
func (s *Sender) Token(id string) string {
	mac := hmac.New(sha256.New, s.cfg.BounceKey)
	mac.Write([]byte(id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:tokenLength*5/8]))
}

// Owns reports whether the report came to the bounce address of that message id.
func (s *Sender) Owns(r Report, id string) bool {
	return hmac.Equal([]byte(r.Token), []byte(s.Token(id)))
}

// envelope is the SMTP side of a message.
type envelope struct {
	from, to address
	id       string // ENVID
	utf8     bool
	data     []byte
}

// Send implements [transport.Sender]. The recipient is the endpoint's address, the texts are in [transport.Mail].
func (s *Sender) Send(ctx context.Context, m transport.Message, to transport.Endpoint) (transport.Receipt, error) {
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	rcpt, err := parseAddress("recipient", to.Address)
	if err != nil {
		return transport.Receipt{}, err
	}
	data, err := s.letter(m, rcpt, s.cfg.Now())
	if err != nil {
		return transport.Receipt{}, err
	}
	env := envelope{
		from: address{s.bounce.local + "+" + s.Token(m.ID), s.bounce.domain}, to: rcpt,
		id: m.ID, utf8: rcpt.utf8(), data: data,
	}
	if len(env.id) > 100 { // RFC 3461, 4.4
		env.id = s.Token(m.ID)
	}
	c := &conversation{cfg: s.cfg, host: s.host, env: env}
	result := c.run(ctx)
	return s.receipt(m, env, c, result), nil
}

func (s *Sender) receipt(m transport.Message, env envelope, c *conversation, result verdict) transport.Receipt {
	r := transport.Receipt{Outcome: result.outcome, At: s.cfg.Now(), Code: result.code, Detail: transport.Safe(result.detail)}
	if c.reply == "" {
		return r
	}
	rec := submission{
		Type: EvidenceSubmission, Relay: s.cfg.Relay, MessageID: s.MessageID(m.ID), EnvelopeFrom: env.from.String(),
		EnvelopeTo: env.to.String(), EnvelopeID: env.id, DSN: c.dsn, Size: len(env.data), DocumentSHA256: m.DigestHex(),
		Stage: c.stage, Reply: c.reply, At: r.At.UTC(),
	}
	sum := sha256.Sum256(env.data)
	rec.SHA256 = hex.EncodeToString(sum[:])
	if c.tls != nil {
		rec.TLS = tls.VersionName(c.tls.Version)
		if len(c.tls.PeerCertificates) > 0 {
			sum := sha256.Sum256(c.tls.PeerCertificates[0].Raw)
			rec.CertificateSHA256 = hex.EncodeToString(sum[:])
		}
		r.PeerID = s.host // proven by its certificate
	}
	if r.Outcome == transport.Accepted {
		r.Kind = transport.KindSMTP
	}
	if b, err := json.Marshal(rec); err == nil { // strings and numbers always have a JSON form
		r.Evidence, r.EvidenceType = b, EvidenceSubmission
	}
	return r
}

// BounceOf says what a receipt of a [Sender] means for the address: BounceNone unless the server refused the
// recipient for good while we were still talking to it.
func BounceOf(r transport.Receipt) Bounce {
	var rec submission
	if r.Outcome != transport.Rejected || r.EvidenceType != EvidenceSubmission || json.Unmarshal(r.Evidence, &rec) != nil || rec.Stage != stageRcpt {
		return BounceNone
	}
	code, text, _ := strings.Cut(rec.Reply, " ")
	if enhanced := status(text); enhanced != "" {
		return Classify(enhanced)
	}
	switch code { // servers without enhanced codes (RFC 5321, 4.2.3)
	case "550", "551", "553":
		return BounceHard
	case "552":
		return BounceSoft
	}
	return BounceRefused
}

// HardBounce reports whether the server said, in a receipt of this sender, that the address does not work.
func (s *Sender) HardBounce(r transport.Receipt) bool { return BounceOf(r) == BounceHard }

// submission is the JSON form of the evidence.
type submission struct {
	Type              string    `json:"type"`
	Relay             string    `json:"relay"`
	TLS               string    `json:"tls,omitempty"`
	CertificateSHA256 string    `json:"certificate_sha256,omitempty"`
	MessageID         string    `json:"message_id"`
	EnvelopeFrom      string    `json:"envelope_from"`
	EnvelopeTo        string    `json:"envelope_to"`
	EnvelopeID        string    `json:"envelope_id"`
	DSN               bool      `json:"dsn_requested"`
	Size              int       `json:"size"`
	SHA256            string    `json:"sha256"`
	DocumentSHA256    string    `json:"document_sha256"`
	Stage             string    `json:"stage"`
	Reply             string    `json:"reply"`
	At                time.Time `json:"at"`
}
