package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"facteur.dev/facteur/internal/netguard"
)

// maxReplies bounds what the mail server may say.
const maxReplies = 64 << 10

// mail talks to the mail server as far as authentication; nothing is sent.
func (d *doctor) mail(ctx context.Context, f *findings) {
	m := d.conf.Mail
	if m.Host == "" {
		f.skip("mail.host is not set: nothing goes by mail")
		return
	}
	address := net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	conn, err := d.dial(ctx, "tcp", address)
	if err != nil {
		code, remedy := "mail.unreachable", "check mail.host, mail.port, the firewall, and that the server runs"
		if netguard.Refused(err) {
			code, remedy = netguard.CodeRefused, "a mail server inside your network must be allowed: outbound.allow="+address
		}
		f.fail(code, remedy, "%s: %v", address, err)
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	at, err := d.greet(ctx, &boundedConn{Conn: conn, left: maxReplies})
	if ctx.Err() != nil {
		err = errors.New("no answer in time")
	}
	if err != nil {
		f.fail("mail."+at, mailRemedies[at], "%s: %s: %v", address, mailStages[at], err)
		return
	}
	f.ok("%s answers (%s)", address, at)
}

// What the conversation was about when it failed, and what to do about it.
var (
	mailStages = map[string]string{
		"greeting": "no greeting", "hello": "EHLO was refused", "starttls": "STARTTLS failed", "tls": "TLS failed", "login": "the login was refused",
	}
	mailRemedies = map[string]string{
		"greeting": "check that it is a mail server: mail.host, mail.port, and mail.tls=implicit for port 465",
		"hello":    "look at the log of the mail server",
		"starttls": "check the server's certificate and name; mail.tls=none is for a server on this machine only",
		"tls":      "check the server's certificate and name; mail.tls=starttls is for port 587 and 25",
		"login":    "check mail.user and mail.password",
	}
)

// greet goes through a conversation up to the first mail. It returns what was
// achieved, or the stage that failed.
func (d *doctor) greet(ctx context.Context, conn net.Conn) (string, error) {
	m := d.conf.Mail
	if err := conn.SetDeadline(time.Now().Add(min(m.Timeout, d.deadline))); err != nil {
		return "greeting", err
	}
	config := &tls.Config{ServerName: m.Host, MinVersion: tls.VersionTLS12, Time: d.now}
	done := "without TLS"
	if m.TLS == "implicit" {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return "tls", err
		}
		conn, done = secured, "over TLS"
	}
	client, err := smtp.NewClient(conn, m.Host)
	if err != nil {
		return "greeting", err
	}
	if err := client.Hello(m.EnvelopeDomain); err != nil {
		return "hello", err
	}
	if m.TLS == "starttls" || m.TLS == "opportunistic" {
		switch offered, _ := client.Extension("STARTTLS"); {
		case offered:
			if err := client.StartTLS(config); err != nil {
				return "starttls", err
			}
			done = "over TLS"
		case m.TLS == "starttls":
			return "starttls", errors.New("it is not offered")
		}
	}
	if m.User != "" {
		if err := d.login(client); err != nil {
			return "login", err
		}
		done += ", login accepted"
	}
	_ = client.Quit()
	return done, nil
}

func (d *doctor) login(client *smtp.Client) error {
	user, password := d.conf.Mail.User, d.conf.Mail.Password.Reveal()
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	for _, m := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"PLAIN", smtp.PlainAuth("", user, password, d.conf.Mail.Host, false)},
		{"LOGIN", smtp.LoginAuth(user, password, d.conf.Mail.Host, false)},
	} {
		if slices.Contains(mechanisms, m.name) {
			return client.Auth(m.auth)
		}
	}
	return errors.New("no way to log in is offered that can be used")
}

// boundedConn ends a conversation in which the server says too much.
type boundedConn struct {
	net.Conn
	left int
}

// Read counts.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
