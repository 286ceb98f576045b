package mail

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-smtp"

	"facteur.dev/facteur/transport"
)

func TestSend(t *testing.T) {
	r := newRelay(t, nil)
	s := newSender(t, r.addr, r.roots, nil)
	m := invoice("01J-17")
	got := send(t, s, m, "ap@customer.example")
	wants(t, got, transport.Accepted, "")
	if got.Kind != transport.KindSMTP || got.PeerID != "127.0.0.1" || got.EvidenceType != EvidenceSubmission || !strings.Contains(got.Detail, "250") {
		t.Errorf("receipt: %+v", got)
	}
	if s.Idempotent(transport.Endpoint{}) {
		t.Error("mail is not idempotent")
	}
	if len(r.mails) != 1 {
		t.Fatalf("%d mails", len(r.mails))
	}
	in := r.mails[0]
	if in.from != "bounces+"+s.Token(m.ID)+"@in.supplier.example" || in.to != "ap@customer.example" || !in.tls || in.mail.UTF8 {
		t.Errorf("envelope: %+v", in)
	}
	if in.mail.Return != smtp.DSNReturnHeaders || in.mail.EnvelopeID != m.ID || len(in.rcpt.Notify) != 3 ||
		in.rcpt.OriginalRecipient != "ap@customer.example" || in.rcpt.OriginalRecipientType != smtp.DSNAddressTypeRFC822 {
		t.Errorf("DSN: %+v %+v", in.mail, in.rcpt)
	}
	if in.mail.Size != int64(len(in.data)) {
		t.Errorf("size %d announced, %d sent", in.mail.Size, len(in.data))
	}
	var ev submission
	if err := json.Unmarshal(got.Evidence, &ev); err != nil {
		t.Fatal(err)
	}
	if ev.EnvelopeFrom != in.from || ev.EnvelopeTo != in.to || ev.EnvelopeID != m.ID || ev.MessageID != "<01J-17@supplier.example>" || !ev.DSN ||
		ev.DocumentSHA256 != m.DigestHex() || ev.TLS != "TLS 1.3" || ev.Stage != stageEnd || !strings.HasPrefix(ev.Reply, "250") || !ev.At.Equal(noon) {
		t.Errorf("evidence: %s", got.Evidence)
	}
}

// The letter is read back by the standard library and by go-message, not by the library that wrote it.
func TestLetter(t *testing.T) {
	r := newRelay(t, nil)
	s := newSender(t, r.addr, r.roots, nil)
	m := invoice("01J-17")
	m.Filename = `C:\out\Facture n° 17 "é".xml`
	long := strings.Repeat("x", 5000)
	m.Mail = &transport.Mail{
		FromName: "Brasserie du Midi, Société “À l’ancienne”", ReplyTo: "compta@brasserie-été.example", Subject: "Facture n° F-17 de 1 234,56 € – échéance le 20 décembre 2026, merci de votre confiance et à bientôt",
		Text: "Bonjour,\n\n.\nune ligne avec un point seul au-dessus, et une longue:\n" + long + "\n", HTML: "<p lang=fr>Où ? – " + long + "</p>", Language: "fr",
		Attach: []transport.Attachment{{Name: "annexe.pdf", ContentType: "application/pdf", Body: []byte("%PDF-1.7\n\x00\xff")}},
	}
	wants(t, send(t, s, m, "ap@customer.example"), transport.Accepted, "")
	data := r.mails[0].data
	for _, line := range strings.Split(string(data), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d bytes: %.100q", len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line is not ASCII: %q", line)
		}
	}
	std, err := netmail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	from, err := std.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != m.Mail.FromName || from[0].Address != "invoices@supplier.example" {
		t.Errorf("from %v %v", from, err)
	}
	if to, err := std.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != "ap@customer.example" {
		t.Errorf("to %v %v", to, err)
	}
	if reply, err := std.Header.AddressList("Reply-To"); err != nil || reply[0].Address != "compta@xn--brasserie-t-k7ag.example" && !strings.HasPrefix(reply[0].Address, "compta@xn--") {
		t.Errorf("reply to %v %v", reply, err)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(std.Header.Get("Subject")); err != nil || subject != m.Mail.Subject {
		t.Errorf("subject %q %v", subject, err)
	}
	if d, err := std.Header.Date(); err != nil || !d.Equal(noon) {
		t.Errorf("date %v %v", d, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<01J-17@supplier.example>", "Auto-Submitted": "auto-generated", "Content-Language": "fr", "Mime-Version": "1.0", "User-Agent": "",
	} {
		if got := std.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	parts := leaves(t, string(data))
	if len(parts) != 4 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, want := range []struct{ media, name, body string }{
		{"text/plain", "", strings.ReplaceAll(m.Mail.Text, "\n", "\r\n")},
		{"text/html", "", m.Mail.HTML},
		{"application/xml", "Facture n° 17 _é_.xml", "<Invoice/>"},
		{"application/pdf", "annexe.pdf", "%PDF-1.7\n\x00\xff"},
	} {
		if p := parts[i]; p.media != want.media || p.name != want.name || p.body != want.body {
			t.Errorf("part %d: %s %q, %d bytes", i, p.media, p.name, len(p.body))
		}
	}
}

type leaf struct{ media, name, body string }

func leaves(t *testing.T, mail string) (all []leaf) {
	t.Helper()
	e, err := message.Read(strings.NewReader(mail))
	if err != nil {
		t.Fatal(err)
	}
	err = e.Walk(func(_ []int, e *message.Entity, err error) error {
		media, _, _ := e.Header.ContentType()
		if err != nil || strings.HasPrefix(media, "multipart/") {
			return err
		}
		_, params, _ := e.Header.ContentDisposition()
		body, err := io.ReadAll(e.Body)
		all = append(all, leaf{media, params["filename"], string(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInternationalAddresses(t *testing.T) {
	r := newRelay(t, nil)
	s := newSender(t, r.addr, r.roots, nil)
	for _, c := range []struct {
		to, envelope, orcpt string
		utf8                bool
	}{
		{"ap@bücher.example", "ap@xn--bcher-kva.example", "ap@xn--bcher-kva.example", false},
		{"Hélène+x=y@bücher.example", "Hélène+x=y@xn--bcher-kva.example", "Hélène+x=y@xn--bcher-kva.example", true},
		{"Dörte@Sörensen.example.com", "Dörte@xn--srensen-90a.example.com", "Dörte@xn--srensen-90a.example.com", true},
		{"我買@屋企.香港", "我買@xn--hoqu73a.xn--j6w193g", "我買@xn--hoqu73a.xn--j6w193g", true},
		{"o'neil+a=b/{c}@customer.example", "o'neil+a=b/{c}@customer.example", "o'neil+a=b/{c}@customer.example", false},
	} {
		r.mails = nil
		wants(t, send(t, s, invoice("1"), c.to), transport.Accepted, "")
		if len(r.mails) != 1 {
			t.Fatalf("%s was not sent", c.to)
		}
		in := r.mails[0]
		if in.to != c.envelope || in.mail.UTF8 != c.utf8 || in.rcpt.OriginalRecipient != c.orcpt {
			t.Errorf("%s: %+v", c.to, in)
		}
		if to, err := headerTo(in.data); err != nil || to != c.envelope {
			t.Errorf("%s: To is %q %v", c.to, to, err)
		}
	}
}

func headerTo(data []byte) (string, error) {
	m, err := netmail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		return "", err
	}
	list, err := m.Header.AddressList("To")
	if err != nil || len(list) != 1 {
		return "", errors.Join(err, errors.New("not one address"))
	}
	return list[0].Address, nil
}

func TestRefusedBeforeSending(t *testing.T) {
	s := newSender(t, "127.0.0.1:1", nil, func(c *Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			t.Error("the relay was contacted")
			return nil, net.ErrClosed
		}
	})
	for _, to := range []string{
		"", "ap", "@customer.example", "ap@", "a b@customer.example", "ap@customer example", "ap@customer.example\r\nX: y", "ap\r\n@customer.example",
		"<ap@customer.example>", "A P <ap@customer.example>", `"a b"@customer.example`, "ap@[127.0.0.1]", "ap.@customer.example", ".ap@customer.example", "a..p@customer.example",
		"ap@-customer.example", "ap@customer..example", "ap@customer_.example", "ap@customer.example>", "a,b@customer.example", "ap(x)@customer.example",
		strings.Repeat("a", 65) + "@customer.example", "ap@" + strings.Repeat("a.", 130) + "example", "ap@" + strings.Repeat("a", 64) + ".example",
		"a\x00p@customer.example", "a\u200bp@customer.example", "a\u2028p@customer.example", "ap\xff@customer.example", "a\tp@customer.example",
	} {
		_, err := s.Send(t.Context(), invoice("1"), transport.Endpoint{Address: to})
		if codeOf(err) != transport.CodeEndpoint {
			t.Errorf("%q: %v", to, err)
		}
	}
	for name, change := range map[string]func(*transport.Message){
		"no letter":            func(m *transport.Message) { m.Mail = nil },
		"no subject":           func(m *transport.Message) { m.Mail.Subject = " " },
		"subject with a line":  func(m *transport.Message) { m.Mail.Subject = "a\r\nBcc: x@y.example" },
		"subject with NUL":     func(m *transport.Message) { m.Mail.Subject = "a\x00" },
		"subject not UTF-8":    func(m *transport.Message) { m.Mail.Subject = "\xff" },
		"long subject":         func(m *transport.Message) { m.Mail.Subject = strings.Repeat("a", 501) },
		"name with a line":     func(m *transport.Message) { m.Mail.FromName = "a\nBcc: x@y.example" },
		"language with a line": func(m *transport.Message) { m.Mail.Language = "fr\r\nX: y" },
		"language":             func(m *transport.Message) { m.Mail.Language = "fr; x" },
		"no text":              func(m *transport.Message) { m.Mail.Text = "" },
		"text not UTF-8":       func(m *transport.Message) { m.Mail.Text = "\xff" },
		"text with NUL":        func(m *transport.Message) { m.Mail.HTML = "\x00" },
		"giant text":           func(m *transport.Message) { m.Mail.HTML = strings.Repeat("x", maxText+1) },
		"attachment type": func(m *transport.Message) {
			m.Mail.Attach = []transport.Attachment{{Name: "a", ContentType: "x\r\nY: z"}}
		},
		"attached mail":   func(m *transport.Message) { m.ContentType = "message/rfc822" },
		"attached parts":  func(m *transport.Message) { m.ContentType = "multipart/mixed; boundary=x" },
		"no content type": func(m *transport.Message) { m.ContentType = "xml" },
		"id":              func(m *transport.Message) { m.ID = "a>\r\nX: y" },
	} {
		m := invoice("1")
		change(&m)
		_, err := s.Send(t.Context(), m, transport.Endpoint{Address: "ap@customer.example"})
		if codeOf(err) != transport.CodeMessage {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := invoice("1")
	m.Mail.ReplyTo = "x\r\nBcc: y@z.example"
	if _, err := s.Send(t.Context(), m, transport.Endpoint{Address: "ap@customer.example"}); codeOf(err) != transport.CodeEndpoint {
		t.Errorf("answer address: %v", err)
	}
	m.Mail.ReplyTo = "hélène@supplier.example"
	if _, err := s.Send(t.Context(), m, transport.Endpoint{Address: "ap@customer.example"}); codeOf(err) != transport.CodeMessage {
		t.Errorf("answer address: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no relay":            func(c *Config) { c.Relay = "" },
		"no port":             func(c *Config) { c.Relay = "relay.example" },
		"no sender":           func(c *Config) { c.From = "" },
		"no bounce address":   func(c *Config) { c.Bounce = "" },
		"long bounce address": func(c *Config) { c.Bounce = strings.Repeat("a", 40) + "@in.example" },
		"utf-8 sender":        func(c *Config) { c.From = "é@x.example" },
		"short key":           func(c *Config) { c.BounceKey = []byte("short") },
		"mode":                func(c *Config) { c.TLS = "sometimes" },
		"password in clear":   func(c *Config) { c.TLS, c.Username = TLSNone, "u" },
		"EHLO":                func(c *Config) { c.Hello = "a b" },
		"no clock":            func(c *Config) { c.Now = nil },
	} {
		cfg := Config{Relay: "r.example:25", From: "a@b.example", Bounce: "c@d.example", BounceKey: make([]byte, 16), Now: clock}
		if _, err := New(cfg); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := New(cfg); codeOf(err) != transport.CodeEndpoint {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessageID(t *testing.T) {
	for id, want := range map[string]string{
		"01J": "<01J@d.example>", "01J@gw.example": "<01J@gw.example>", "a+b_c-d.e": "<a+b_c-d.e@d.example>",
		"a:b": "<a=3Ab@d.example>", "a@b@c": "<a=40b=40c@d.example>", "@a": "<=40a@d.example>", "a@": "<a=40@d.example>",
		".a": "<=2Ea@d.example>", "a.": "<a=2E@d.example>", "a..b": "<a.=2Eb@d.example>", "a@b:c": "<a=40b=3Ac@d.example>",
	} {
		if got := MessageID(id, "d.example"); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
		if _, err := netmail.ParseAddress(MessageID(id, "d.example")); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestToken(t *testing.T) {
	s := newSender(t, "r.example:25", nil, nil)
	other := newSender(t, "r.example:25", nil, func(c *Config) { c.BounceKey = make([]byte, 16) })
	a := s.Token("1")
	if len(a) != tokenLength || a != s.Token("1") || a == s.Token("2") || a == other.Token("1") {
		t.Errorf("token %q", a)
	}
	if token("x <bounces+"+strings.ToUpper(a)+"@in.example>") != a || !s.Owns(Report{Token: a}, "1") || s.Owns(Report{Token: a}, "2") || s.Owns(Report{}, "1") {
		t.Error("the token is not recognised")
	}
	for _, field := range []string{"", "+", "a+b@c", "bounces+@in.example", "bounces+" + a, "bounces+" + a + "x@in.example", "bounces+" + strings.Repeat("é", 12) + "@x"} {
		if got := token(field); got != "" {
			t.Errorf("%q: %q", field, got)
		}
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	addr := script(t, "220 hi\r\n", map[string]string{"EHLO": "hang"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s := newSender(t, addr, nil, nil)
	r, err := s.Send(ctx, invoice("1"), transport.Endpoint{Address: "ap@customer.example"})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Temporary, "smtp.hello_timeout")
}
