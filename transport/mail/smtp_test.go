package mail

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"facteur.dev/facteur/transport"
)

func TestRefusalsAtEachStage(t *testing.T) {
	const temporary, rejected = transport.Temporary, transport.Rejected
	mail := func(code int) func(*smtp.Server, *relay) {
		return func(_ *smtp.Server, r *relay) {
			r.onMail = answers(code, smtp.EnhancedCode{code / 100, 1, 8}, "sender")
		}
	}
	rcpt := func(code int) func(*smtp.Server, *relay) {
		return func(_ *smtp.Server, r *relay) {
			r.onRcpt = answers(code, smtp.EnhancedCode{code / 100, 1, 1}, "no such user")
		}
	}
	end := func(code int) func(*smtp.Server, *relay) {
		return func(_ *smtp.Server, r *relay) { r.onData = answers(code, smtp.EnhancedCode{code / 100, 7, 1}, "spam") }
	}
	user := func(c *Config) { c.Username, c.Password = "u", "p" }
	for _, c := range []struct {
		name    string
		relay   func(*smtp.Server, *relay)
		config  func(*Config)
		to      string
		outcome transport.Outcome
		code    string
	}{
		{name: "MAIL 451", relay: mail(451), outcome: temporary, code: "smtp.mail_451"},
		{name: "MAIL 550", relay: mail(550), outcome: rejected, code: "smtp.mail_550"},
		{name: "RCPT 450", relay: rcpt(450), outcome: temporary, code: "smtp.rcpt_450"},
		{name: "RCPT 421", relay: rcpt(421), outcome: temporary, code: "smtp.rcpt_421"},
		{name: "RCPT 550", relay: rcpt(550), outcome: rejected, code: "smtp.rcpt_550"},
		{name: "end 452", relay: end(452), outcome: temporary, code: "smtp.end_452"},
		{name: "end 554", relay: end(554), outcome: rejected, code: "smtp.end_554"},
		{name: "no STARTTLS", relay: func(s *smtp.Server, _ *relay) { s.TLSConfig = nil }, outcome: temporary, code: "smtp.tls_missing"},
		{
			name: "no STARTTLS for a password", relay: func(s *smtp.Server, _ *relay) { s.TLSConfig, s.AllowInsecureAuth = nil, true },
			config: func(c *Config) { user(c); c.TLS = TLSOpportunistic }, outcome: temporary, code: "smtp.tls_missing",
		},
		{name: "untrusted", config: func(c *Config) { c.RootCAs = x509.NewCertPool() }, outcome: temporary, code: "tls.untrusted"},
		{name: "untrusted, opportunistic", config: func(c *Config) { c.RootCAs, c.TLS = x509.NewCertPool(), TLSOpportunistic }, outcome: temporary, code: "tls.untrusted"},
		{name: "expired", config: func(c *Config) { c.Now = func() time.Time { return noon.AddDate(1, 0, 0) } }, outcome: temporary, code: "tls.untrusted"},
		{name: "wrong password", config: user, outcome: temporary, code: "smtp.auth_535"},
		{name: "too large", relay: func(s *smtp.Server, _ *relay) { s.MaxMessageBytes = 100 }, outcome: rejected, code: "smtp.too_large"},
		{name: "no SMTPUTF8", relay: func(s *smtp.Server, _ *relay) { s.EnableSMTPUTF8 = false }, to: "é@customer.example", outcome: rejected, code: "smtp.utf8_missing"},
		{name: "policy", config: func(c *Config) { c.Dial = nil }, outcome: rejected, code: "netguard.refused"},
		{name: "refused", config: func(c *Config) { c.Relay = "127.0.0.1:1" }, outcome: temporary, code: "dial.refused"},
		{name: "no name", config: func(c *Config) { c.Relay = "does-not-exist.invalid:25" }, outcome: temporary, code: "dial.dns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRelay(t, c.relay)
			s := newSender(t, r.addr, r.roots, c.config)
			if c.to == "" {
				c.to = "ap@customer.example"
			}
			got, err := s.Send(t.Context(), invoice("1"), transport.Endpoint{Address: c.to})
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "expired" {
				got.At = noon
			}
			wants(t, got, c.outcome, c.code)
			if len(r.mails) != 0 {
				t.Error("the relay took it")
			}
			if strings.Contains(string(got.Evidence), `"p"`) {
				t.Error("the evidence holds the password")
			}
		})
	}
}

func TestRelaysThatLackExtensions(t *testing.T) {
	r := newRelay(t, func(s *smtp.Server, r *relay) { s.EnableDSN, s.TLSConfig, s.EnableSMTPUTF8 = false, nil, false })
	for _, mode := range []TLSMode{TLSNone, TLSOpportunistic} {
		r.mails = nil
		got := send(t, newSender(t, r.addr, r.roots, func(c *Config) { c.TLS = mode }), invoice("1"), "ap@customer.example")
		wants(t, got, transport.Accepted, "")
		if len(r.mails) != 1 || r.mails[0].tls || r.mails[0].mail.EnvelopeID != "" || !strings.Contains(string(got.Evidence), `"dsn_requested":false`) || got.PeerID != "" {
			t.Errorf("%s: %+v %s", mode, r.mails, got.Evidence)
		}
	}
}

func TestImplicitTLS(t *testing.T) {
	r := newRelay(t, func(_ *smtp.Server, r *relay) { r.implicit, r.users = true, map[string]string{"u": "p"} })
	s := newSender(t, r.addr, r.roots, func(c *Config) { c.TLS, c.Username, c.Password = TLSImplicit, "u", "p" })
	got := send(t, s, invoice("1"), "ap@customer.example")
	wants(t, got, transport.Accepted, "")
	if len(r.mails) != 1 || r.mails[0].user != "u" || got.PeerID == "" {
		t.Errorf("%+v, peer %q", r.mails, got.PeerID)
	}
	// A certificate nobody vouches for, and a relay that does not speak TLS.
	stranger := newSender(t, r.addr, x509.NewCertPool(), func(c *Config) { c.TLS = TLSImplicit })
	if got := send(t, stranger, invoice("2"), "ap@customer.example"); got.Outcome != transport.Temporary {
		t.Errorf("unknown certificate: %+v", got)
	}
	plain := newRelay(t, nil)
	if got := send(t, newSender(t, plain.addr, plain.roots, func(c *Config) { c.TLS, c.Timeout = TLSImplicit, time.Second }), invoice("3"), "ap@customer.example"); got.Outcome != transport.Temporary {
		t.Errorf("no TLS: %+v", got)
	}
}

func TestOpportunisticAndAuthenticated(t *testing.T) {
	r := newRelay(t, func(_ *smtp.Server, r *relay) { r.users = map[string]string{"u": "p"} })
	for _, mode := range []TLSMode{TLSRequired, TLSOpportunistic} {
		s := newSender(t, r.addr, r.roots, func(c *Config) { c.TLS, c.Username, c.Password = mode, "u", "p" })
		wants(t, send(t, s, invoice("1"), "ap@customer.example"), transport.Accepted, "")
	}
	if len(r.mails) != 2 || r.mails[0].user != "u" || !r.mails[1].tls {
		t.Errorf("%+v", r.mails)
	}
}

// script serves one line-based conversation after another: say first, then answer each command. An answer of
// "close" ends the connection, "reset" ends it hard, "hang" waits. After DATA's 354, the content is one command.
func script(t *testing.T, greeting string, answers map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				play(c, greeting, answers)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

func play(c net.Conn, greeting string, answers map[string]string) {
	r := bufio.NewReader(c)
	if !act(c, r, greeting) {
		return
	}
	content := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		command := strings.ToUpper(line[:min(4, len(line))])
		if content {
			if command = "END"; line != ".\r\n" {
				continue
			}
		}
		answer, ok := answers[command]
		if !ok {
			answer = map[string]string{"DATA": "354 go on\r\n", "QUIT": "221 bye\r\n"}[command]
			if answer == "" {
				answer = "250 ok\r\n"
			}
		}
		if !act(c, r, answer) {
			return
		}
		content = strings.HasPrefix(answer, "354")
	}
}

func act(c net.Conn, r io.Reader, what string) bool {
	switch what {
	case "close":
		return false
	case "reset":
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	case "hang":
		_, _ = io.Copy(io.Discard, r)
		return false
	}
	_, err := io.WriteString(c, what)
	return err == nil
}

// A server that misbehaves at each stage: before the final dot nothing is taken, after it nobody knows.
func TestBrokenConversations(t *testing.T) {
	type row struct{ stage, command string }
	stages := []row{{"greeting", ""}, {"hello", "EHLO"}, {"mail", "MAIL"}, {"rcpt", "RCPT"}, {"data", "DATA"}, {"end", "END"}}
	for _, st := range stages {
		for what, code := range map[string]string{
			"close": "lost", "reset": "lost", "hang": "timeout", "garbage\x00\r\n": "lost", "2\r\n": "lost", strings.Repeat("x", 2<<20): "lost",
		} {
			if what == "reset" && st.command == "" { // seen while connecting, or after
				continue
			}
			t.Run(st.stage+" "+fmt.Sprintf("%.8q", what), func(t *testing.T) {
				greeting, answers := "220 relay.example ESMTP\r\n", map[string]string{st.command: what}
				if st.command == "EHLO" { // a server that refuses EHLO is asked with HELO
					answers["HELO"] = what
				}
				if st.command == "" {
					greeting = what
				}
				patience := 20 * time.Second // a busy machine must not turn the one into the other
				if code == "timeout" {
					patience = 200 * time.Millisecond
				}
				s := newSender(t, script(t, greeting, answers), nil, func(c *Config) {
					c.TLS, c.Timeout, c.EndTimeout = TLSNone, patience, patience
				})
				outcome := transport.Temporary
				if st.stage == "end" {
					outcome = transport.Unknown
				}
				wants(t, send(t, s, invoice("1"), "ap@customer.example"), outcome, "smtp."+st.stage+"_"+code)
			})
		}
	}
}

func TestUnusualReplies(t *testing.T) {
	const ok = "220 hi\r\n"
	for _, c := range []struct {
		name, greeting string
		answers        map[string]string
		outcome        transport.Outcome
		code           string
	}{
		{"not now", "421 busy\r\n", nil, transport.Temporary, "smtp.greeting_421"},
		{"not at all", "554 no service\r\n", nil, transport.Temporary, "smtp.greeting_554"},
		{"no EHLO, no HELO", ok, map[string]string{"EHLO": "502 no\r\n", "HELO": "502 no\r\n"}, transport.Temporary, "smtp.hello_502"},
		{"old server", ok, map[string]string{"EHLO": "502 no\r\n"}, transport.Accepted, ""},
		{"long reply", "220-a\r\n220-b\r\n220 c\r\n", map[string]string{"MAIL": "250-x\r\n250 y\r\n"}, transport.Accepted, ""},
		{"DATA refused", ok, map[string]string{"DATA": "554 no valid recipients\r\n"}, transport.Rejected, "smtp.data_554"},
		{"DATA later", ok, map[string]string{"DATA": "451 later\r\n"}, transport.Temporary, "smtp.data_451"},
		{"RCPT 251", ok, map[string]string{"RCPT": "251 will forward\r\n"}, transport.Accepted, ""},
		{"RCPT 354", ok, map[string]string{"RCPT": "354 what\r\n"}, transport.Temporary, "smtp.rcpt_354"},
		{"end 252", ok, map[string]string{"END": "252 well\r\n"}, transport.Accepted, ""},
		{"end 354", ok, map[string]string{"END": "354 again\r\n"}, transport.Unknown, "smtp.end_354"},
		{"QUIT fails", ok, map[string]string{"QUIT": "close"}, transport.Accepted, ""},
		{"QUIT refused", ok, map[string]string{"QUIT": "500 no\r\n"}, transport.Accepted, ""},
		{"hostile text", ok, map[string]string{"RCPT": "550 \x1b[31mred\u202e " + strings.Repeat("x", 900) + "\r\n"}, transport.Rejected, "smtp.rcpt_550"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t, script(t, c.greeting, c.answers), nil, func(c *Config) { c.TLS = TLSNone })
			wants(t, send(t, s, invoice("1"), "ap@customer.example"), c.outcome, c.code)
		})
	}
}

// Only a refusal of the recipient says something about the address.
func TestBounceOf(t *testing.T) {
	for _, c := range []struct {
		command, answer string
		want            Bounce
	}{
		{"RCPT", "550 5.1.1 no such user", BounceHard},
		{"RCPT", "550 no such user", BounceHard},
		{"RCPT", "553 bad name", BounceHard},
		{"RCPT", "552 full", BounceSoft},
		{"RCPT", "550 5.2.2 full", BounceSoft},
		{"RCPT", "550 5.7.1 policy", BounceRefused},
		{"RCPT", "554 no", BounceRefused},
		{"RCPT", "450 4.2.1 later", BounceNone},
		{"MAIL", "550 5.1.1 odd", BounceNone},
		{"DATA", "550 5.1.1 odd", BounceNone},
		{"END", "550 5.1.1 odd", BounceNone},
		{"RCPT", "250 ok", BounceNone},
		{"RCPT", "close", BounceNone},
	} {
		answer := c.answer
		if answer != "close" {
			answer += "\r\n"
		}
		s := newSender(t, script(t, "220 hi\r\n", map[string]string{c.command: answer}), nil, func(c *Config) { c.TLS = TLSNone })
		if r := send(t, s, invoice("1"), "ap@customer.example"); BounceOf(r) != c.want {
			t.Errorf("%s %s: %q for %+v", c.command, c.answer, BounceOf(r), r)
		}
	}
}

func TestSTARTTLSFailures(t *testing.T) {
	for answer, code := range map[string]string{
		"454 not now\r\n": "smtp.tls_454", "502 no\r\n": "smtp.tls_502", "close": "smtp.tls_lost", "220 go\r\n": "smtp.tls_lost", "hang": "smtp.tls_timeout",
	} {
		offer := map[string]string{"EHLO": "250-relay.example\r\n250 STARTTLS\r\n", "STAR": answer}
		s := newSender(t, script(t, "220 hi\r\n", offer), nil, func(c *Config) { c.Timeout = 300 * time.Millisecond })
		wants(t, send(t, s, invoice("1"), "ap@customer.example"), transport.Temporary, code)
	}
}

// What a man in the middle says before TLS counts for nothing after it.
func TestInjectionBeforeTLS(t *testing.T) {
	cert, roots := certificate(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var after []string
	wg.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		r := bufio.NewReader(c)
		_, _ = io.WriteString(c, "220 hi\r\n")
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "250-hi\r\n250 STARTTLS\r\n")
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "220 go\r\n")
		tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		r = bufio.NewReader(tc)
		_, _ = io.WriteString(tc, "") // handshake
		line, _ := r.ReadString('\n')
		after = append(after, line)
		_, _ = io.WriteString(tc, "250 no extensions here\r\n")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			after = append(after, line)
			_, _ = io.WriteString(tc, "550 no\r\n")
		}
	})
	s := newSender(t, l.Addr().String(), roots, nil)
	wants(t, send(t, s, invoice("1"), "ap@customer.example"), transport.Rejected, "smtp.mail_550")
	l.Close()
	wg.Wait()
	if len(after) < 2 || !strings.HasPrefix(after[0], "EHLO supplier.example") || strings.Contains(after[1], "RET=") {
		t.Errorf("after TLS: %q", after)
	}
}
