package mail

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func invoice(id string) transport.Message {
	body := []byte("<Invoice/>")
	return transport.Message{
		ID: id, Sender: "0208:0123456789", Receiver: "9930:DE123456789", ContentType: "application/xml",
		Filename: "invoice-17.xml", Body: body, SHA256: sha256.Sum256(body),
		Mail: &transport.Mail{FromName: "Brasserie du Midi", Subject: "Facture F-17 de 120,00 €", Text: "Bonjour,\nvoici la facture F-17.\n", HTML: "<p>Bonjour</p>"},
	}
}

// relay is a mail server in this process whose session is scripted.
type relay struct {
	addr  string
	roots *x509.CertPool
	mu    sync.Mutex
	mails []taken
	// replies by stage; nil lets it pass
	onMail, onRcpt, onData func() error
	users                  map[string]string
	implicit               bool // TLS from the first byte
}

// taken is a message that the relay accepted.
type taken struct {
	from, to, user string
	mail           smtp.MailOptions
	rcpt           smtp.RcptOptions
	data           []byte
	tls            bool
}

func newRelay(t *testing.T, change func(*smtp.Server, *relay)) *relay {
	t.Helper()
	cert, roots := certificate(t)
	r := &relay{roots: roots}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{relay: r, conn: c}, nil }))
	srv.Domain, srv.EnableDSN, srv.EnableSMTPUTF8, srv.MaxMessageBytes = "relay.example", true, true, 1<<20
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		change(srv, r)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	if r.implicit {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // in case it was not being served yet
		wg.Wait()
	})
	return r
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

type session struct {
	relay *relay
	conn  *smtp.Conn
	taken taken
}

func (s *session) Reset()                   {}
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if want, ok := s.relay.users[user]; !ok || want != password {
			return smtp.ErrAuthFailed
		}
		s.taken.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.taken.from, s.taken.mail = from, *o
	return reply(s.relay.onMail)
}

func (s *session) Rcpt(to string, o *smtp.RcptOptions) error {
	s.taken.to, s.taken.rcpt = to, *o
	return reply(s.relay.onRcpt)
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := reply(s.relay.onData); err != nil {
		return err
	}
	s.taken.data = b
	_, s.taken.tls = s.conn.TLSConnectionState()
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.mails = append(s.relay.mails, s.taken)
	return nil
}

func reply(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func answers(code int, enhanced smtp.EnhancedCode, text string) func() error {
	return func() error { return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text} }
}

func newSender(t *testing.T, addr string, roots *x509.CertPool, change func(*Config)) *Sender {
	t.Helper()
	g, err := netguard.New(netguard.Policy{Allow: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Relay: addr, RootCAs: roots, From: "invoices@supplier.example", Bounce: "bounces@in.supplier.example",
		BounceKey: []byte("0123456789abcdef"), Dial: g.DialContext, Timeout: 5 * time.Second, EndTimeout: 5 * time.Second, Now: clock,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(t *testing.T, s *Sender, m transport.Message, to string) transport.Receipt {
	t.Helper()
	r, err := s.Send(t.Context(), m, transport.Endpoint{Channel: transport.ChannelMail, Address: to})
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
	if !r.At.Equal(noon) || r.Detail == "" || r.Detail != transport.Safe(r.Detail) {
		t.Errorf("receipt without time or with unsafe detail: %+v", r)
	}
	if (r.Outcome == transport.Accepted) != (r.Kind == transport.KindSMTP) {
		t.Errorf("outcome %s with kind %q", r.Outcome, r.Kind)
	}
}

func codeOf(err error) string {
	var e *transport.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func contains(t *testing.T, data []byte, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !bytes.Contains(data, []byte(p)) {
			t.Errorf("%q is not in\n%s", p, data)
		}
	}
}
