package https

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	supplier = "iso6523-actorid-upis::0208:0123456789"
	customer = "iso6523-actorid-upis::9930:DE123456789"
	apID     = "iso6523-actorid-upis::0192:991825827"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func message(id, body string) transport.Message {
	return transport.Message{
		ID: id, Sender: supplier, Receiver: customer,
		DocumentType: "busdox-docid-qns::urn:oasis:names:specification:ubl:schema:xsd:Invoice-2::Invoice##urn:cen.eu:en16931:2017::2.1",
		Process:      "cenbii-procid-ubl::urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
		ContentType:  "application/xml", Body: []byte(body), SHA256: sha256.Sum256([]byte(body)),
	}
}

func newKey(t testing.TB, id string) transport.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return transport.NewSigner(id, key)
}

func trusts(s transport.Signer, participants ...string) transport.TrustedKey {
	return transport.TrustedKey{ID: s.KeyID(), Public: s.Public(), Participants: participants}
}

// inbox is the receiving gateway's store, in memory.
type inbox struct {
	mu     sync.Mutex
	kept   map[string]Inbound
	accept func(Inbound) (Decision, error) // overrides when set
	calls  int
}

func (b *inbox) Accept(_ context.Context, in Inbound) (Decision, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.accept != nil {
		return b.accept(in)
	}
	key := in.Sender + "\n" + in.MessageID
	if had, ok := b.kept[key]; ok {
		if had.SHA256 != in.SHA256 {
			return Decision{Verdict: Conflict}, nil
		}
		return Decision{Verdict: Repeated, Receipt: had.Receipt}, nil
	}
	if b.kept == nil {
		b.kept = map[string]Inbound{}
	}
	b.kept[key] = in
	return Decision{Verdict: Stored}, nil
}

// pair is a sending and a receiving gateway with keys for each other.
type pair struct {
	inbox    *inbox
	receiver *Receiver
	server   *httptest.Server
	gateway  *Gateway
	trust    transport.KeyRing
	to       transport.Endpoint
}

func newPair(t *testing.T, change func(*ReceiverConfig, *GatewayConfig)) *pair {
	t.Helper()
	sends, receives := newKey(t, "supplier-2026"), newKey(t, "customer-2026")
	p := &pair{inbox: &inbox{}, trust: transport.KeyRing{trusts(sends, supplier), trusts(receives, customer)}}
	p.server = tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.receiver.ServeHTTP(w, r) }))
	p.to = transport.Endpoint{Channel: transport.ChannelGateway, Address: p.server.URL + "/transfer"}
	u, _ := url.Parse(p.server.URL)
	rc := ReceiverConfig{Authority: u.Host, Signer: receives, Trust: p.trust, Inbox: p.inbox, Random: rand.Reader, Now: clock}
	gc := GatewayConfig{Config: config(t, p.server), Signer: sends, Trust: p.trust, Random: rand.Reader}
	if change != nil {
		change(&rc, &gc)
	}
	var err error
	if p.receiver, err = NewReceiver(rc); err != nil {
		t.Fatal(err)
	}
	if p.gateway, err = NewGateway(gc); err != nil {
		t.Fatal(err)
	}
	return p
}

func tlsServer(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// config trusts the server's certificate and may dial loopback.
func config(t *testing.T, srv *httptest.Server) Config {
	t.Helper()
	g, err := netguard.New(netguard.Policy{Allow: []string{"127.0.0.0/8"}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if srv != nil {
		roots.AddCert(srv.Certificate())
	}
	return Config{Dial: g.DialContext, RootCAs: roots, Timeout: 10 * time.Second, Now: clock}
}

func (p *pair) send(t *testing.T, m transport.Message) transport.Receipt {
	t.Helper()
	r, err := p.gateway.Send(t.Context(), m, p.to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wants(t *testing.T, r transport.Receipt, outcome transport.Outcome, code string) {
	t.Helper()
	if r.Outcome != outcome || r.Code != code {
		t.Errorf("got %s %q (%s), want %s %q", r.Outcome, r.Code, r.Detail, outcome, code)
	}
	if r.At.IsZero() || r.Detail != transport.Safe(r.Detail) {
		t.Errorf("receipt without time or with unsafe detail: %+v", r)
	}
	if (r.Outcome == transport.Accepted) != (r.Kind != "") {
		t.Errorf("outcome %s with kind %q", r.Outcome, r.Kind)
	}
}

func TestGateways(t *testing.T) {
	p := newPair(t, nil)
	m := message("01J-1@gw.example", "<Invoice/>")
	r := p.send(t, m)
	wants(t, r, transport.Accepted, "")
	if r.Kind != transport.KindSignedReceipt || r.PeerID != "customer-2026" || r.EvidenceType != EvidenceReceipt {
		t.Errorf("receipt: %+v", r)
	}
	if err := VerifyEvidence(t.Context(), r.Evidence, p.trust); err != nil {
		t.Error(err)
	}
	c, err := ReadEvidence(r.Evidence)
	want := Claims{
		MessageID: m.ID, Sender: m.Sender, Receiver: m.Receiver, DocumentType: m.DocumentType, Process: m.Process, SHA256: m.SHA256,
		SignedAt: noon, ReceivedAt: noon, RequestKeyID: "supplier-2026", ReceiptKeyID: "customer-2026", Peer: customer,
	}
	if err != nil || c != want {
		t.Errorf("claims: %+v %v", c, err)
	}
	in := p.inbox.kept[m.Sender+"\n"+m.ID]
	if string(in.Body) != "<Invoice/>" || in.Sender != m.Sender || in.Receiver != m.Receiver || in.DocumentType != m.DocumentType ||
		in.Process != m.Process || in.ContentType != m.ContentType || in.SHA256 != m.SHA256 || in.KeyID != "supplier-2026" || !in.ReceivedAt.Equal(noon) {
		t.Errorf("inbound: %+v", in)
	}
	if err := VerifyEvidence(t.Context(), in.Evidence, p.trust); err != nil {
		t.Errorf("the receiver's evidence: %v", err)
	}
	if !p.gateway.Idempotent(p.to) {
		t.Error("a gateway is idempotent")
	}
}

func TestGatewayAlgorithms(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ecdsa": ec, "rsa": rs} {
		t.Run(name, func(t *testing.T) {
			s := transport.NewSigner(name, key)
			ring := transport.KeyRing{trusts(s, supplier, customer)}
			p := newPair(t, func(rc *ReceiverConfig, gc *GatewayConfig) {
				rc.Signer, rc.Trust, gc.Signer, gc.Trust = s, ring, s, ring
			})
			r := p.send(t, message("1", "<Invoice/>"))
			wants(t, r, transport.Accepted, "")
			if err := VerifyEvidence(t.Context(), r.Evidence, ring); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRepeatedMessageGetsTheSameReceipt(t *testing.T) {
	now := noon
	p := newPair(t, func(rc *ReceiverConfig, gc *GatewayConfig) {
		rc.Now = func() time.Time { return now }
		gc.Now = rc.Now
	})
	m := message("m1", "<Invoice/>")
	first := p.send(t, m)
	now = now.Add(49 * time.Hour)
	second := p.send(t, m)
	wants(t, first, transport.Accepted, "")
	wants(t, second, transport.Accepted, "")
	a, _ := readEvidence(first.Evidence)
	b, _ := readEvidence(second.Evidence)
	if a == nil || b == nil || string(a.Response.Body) != string(b.Response.Body) || a.Response.Fields["signature"] != b.Response.Fields["signature"] {
		t.Error("the second receipt differs from the first")
	}
	if err := VerifyEvidence(t.Context(), second.Evidence, p.trust); err != nil {
		t.Error(err)
	}
	if len(p.inbox.kept) != 1 {
		t.Errorf("%d messages were stored", len(p.inbox.kept))
	}
	wants(t, p.send(t, message("m1", "<Other/>")), transport.Rejected, "http.status_409")

	// Another sender may use the same id.
	other := newKey(t, "other")
	p.trust = append(p.trust, trusts(other, apID))
	p.receiver.cfg.Trust = p.trust
	g, err := NewGateway(GatewayConfig{Config: p.gateway.cfg.Config, Signer: other, Trust: p.trust, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	m = message("m1", "<Other/>")
	m.Sender = apID
	r, err := g.Send(t.Context(), m, p.to)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Accepted, "")
}

// One who answers for the receiver signs with its own key; the evidence says so.
func TestPeerSignsForReceiver(t *testing.T) {
	signer := newKey(t, "ap")
	p := newPair(t, func(rc *ReceiverConfig, gc *GatewayConfig) {
		rc.Signer = signer
		gc.Trust = append(transport.KeyRing{trusts(signer, apID)}, rc.Trust.(transport.KeyRing)...)
	})
	wants(t, p.send(t, message("1", "<Invoice/>")), transport.Unknown, CodeReceiptKey)
	p.to.PeerID = apID
	r := p.send(t, message("1", "<Invoice/>"))
	wants(t, r, transport.Accepted, "")
	if c, _ := ReadEvidence(r.Evidence); c.Peer != apID {
		t.Errorf("peer %q", c.Peer)
	}
	if err := VerifyEvidence(t.Context(), r.Evidence, p.gateway.cfg.Trust); err != nil {
		t.Error(err)
	}
}

func TestSendRefusesMisuse(t *testing.T) {
	p := newPair(t, nil)
	ap, err := NewAP(p.gateway.cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	broken := message("1", "x")
	broken.Body = []byte("y")
	for name, c := range map[string]struct {
		m       transport.Message
		address string
		code    string
	}{
		"digest":      {broken, p.to.Address, transport.CodeDigest},
		"no id":       {message("", "x"), p.to.Address, transport.CodeMessage},
		"id":          {message("a\r\nX: y", "x"), p.to.Address, transport.CodeMessage},
		"plain http":  {message("1", "x"), "http://127.0.0.1/", transport.CodeEndpoint},
		"no host":     {message("1", "x"), "https:///transfer", transport.CodeEndpoint},
		"user":        {message("1", "x"), "https://user:secret@127.0.0.1/", transport.CodeEndpoint},
		"fragment":    {message("1", "x"), "https://127.0.0.1/#a", transport.CodeEndpoint},
		"not a URL":   {message("1", "x"), "https://%zz", transport.CodeEndpoint},
		"file":        {message("1", "x"), "file:///etc/passwd", transport.CodeEndpoint},
		"line breaks": {message("1", "x"), "https://127.0.0.1/\r\nX: y", transport.CodeEndpoint},
	} {
		for _, s := range []transport.Sender{p.gateway, ap} {
			_, err := s.Send(t.Context(), c.m, transport.Endpoint{Address: c.address})
			if e, ok := err.(*transport.Error); !ok || e.Code != c.code {
				t.Errorf("%s, %T: %v", name, s, err)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error tells a secret: %v", name, err)
			}
		}
	}
	if _, err := p.gateway.Send(t.Context(), message("1", "x"), transport.Endpoint{Address: p.to.Address + "?a=b"}); err == nil {
		t.Error("a gateway's address with a query was taken")
	}
	if p.inbox.calls != 0 {
		t.Error("the peer was contacted")
	}
}

// seeded is a key that is the same in every run.
func seeded(id string, n byte) transport.Signer {
	return transport.NewSigner(id, ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), n)))
}
