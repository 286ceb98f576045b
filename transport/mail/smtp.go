package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail/smtp"

	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/transport"
)

// Stages of a conversation, as they stand in codes.
const (
	stageGreeting = "greeting"
	stageHello    = "hello"
	stageTLS      = "tls"
	stageAuth     = "auth"
	stageMail     = "mail"
	stageRcpt     = "rcpt"
	stageData     = "data" // the command and the content
	stageEnd      = "end"  // from the final dot on
)

// maxReplies bounds what a server may say in one conversation.
const maxReplies = 1 << 20

// verdict is how a conversation ended.
type verdict struct {
	outcome transport.Outcome
	code    string
	detail  string
}

// conversation is one SMTP session with one message. go-mail's client greets, starts TLS and authenticates;
// MAIL and RCPT are written here, because it knows neither ENVID nor ORCPT and asks for SMTPUTF8 always.
type conversation struct {
	cfg   Config
	host  string
	env   envelope
	stage string
	reply string // the last one, with code
	dsn   bool
	tls   *tls.ConnectionState
}

// run leads the conversation and says how it ended.
func (c *conversation) run(ctx context.Context) verdict {
	dialCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	conn, err := c.cfg.Dial(dialCtx, "tcp", c.cfg.Relay)
	if err != nil {
		return dialVerdict(err)
	}
	conn = &boundedConn{Conn: conn, left: maxReplies}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(c.cfg.Timeout)); err != nil {
		return c.failed(err)
	}
	secure, err := c.encrypt(dialCtx, conn)
	if err == nil {
		err = c.speak(ctx, secure)
	}
	if err == nil {
		return verdict{transport.Accepted, "", "the mail server took the message: " + c.reply}
	}
	if v := (*verdictError)(nil); errors.As(err, &v) {
		return v.verdict
	}
	var reply *textproto.Error
	if ctx.Err() != nil && !errors.As(err, &reply) { // the connection was closed under its feet
		err = ctx.Err()
	}
	return c.failed(err)
}

// encrypt starts TLS before the first word, where the relay wants that.
func (c *conversation) encrypt(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if c.cfg.TLS != TLSImplicit {
		return conn, nil
	}
	c.stage = stageTLS
	secure := tls.Client(conn, c.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		return conn, err
	}
	state := secure.ConnectionState()
	c.tls = &state
	return secure, nil
}

func (c *conversation) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.host, RootCAs: c.cfg.RootCAs, MinVersion: tls.VersionTLS12, Time: c.cfg.Now}
}

// verdictError ends a conversation for a reason of our own.
type verdictError struct{ verdict }

func (e *verdictError) Error() string { return e.code }

func (c *conversation) speak(ctx context.Context, conn net.Conn) error {
	c.stage = stageGreeting
	client, err := smtp.NewClient(conn, c.host)
	if err != nil {
		return err
	}
	if client, err = c.introduce(client); err != nil {
		return err
	}
	if err := c.authenticate(client); err != nil {
		return err
	}
	if err := c.address(client); err != nil {
		return err
	}
	c.stage = stageData
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(c.env.data); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(c.cfg.EndTimeout)); err != nil {
		return err
	}
	c.stage = stageEnd
	if ctx.Err() != nil { // not begun: the caller gave up before the dot
		c.stage = stageData
		return ctx.Err()
	}
	if err := w.Close(); err != nil {
		var reply *textproto.Error
		if !errors.As(err, &reply) || reply.Code/100 != 2 {
			return err
		}
		c.reply = replyLine(reply.Code, reply.Msg)
	} else if d, ok := w.(*smtp.DataCloser); ok {
		c.reply = replyLine(250, d.ServerResponse())
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_ = client.Quit() // the message is taken, whatever comes now
	return nil
}

// introduce says EHLO and starts TLS.
func (c *conversation) introduce(client *smtp.Client) (*smtp.Client, error) {
	c.stage = stageHello
	if err := client.Hello(c.cfg.Hello); err != nil {
		return nil, err
	}
	if c.cfg.TLS == TLSNone || c.cfg.TLS == TLSImplicit {
		return client, nil
	}
	c.stage = stageTLS
	if ok, _ := client.Extension("STARTTLS"); !ok {
		if c.cfg.TLS == TLSRequired || c.cfg.Username != "" {
			return nil, &verdictError{verdict{transport.Temporary, "smtp.tls_missing", "the mail server does not offer STARTTLS"}}
		}
		return client, nil
	}
	if err := client.StartTLS(c.tlsConfig()); err != nil {
		return nil, err
	}
	if state, ok := client.TLSConnectionState(); ok {
		c.tls = &state
	}
	return client, nil
}

// authenticate uses the best mechanism of those that the server offers.
func (c *conversation) authenticate(client *smtp.Client) error {
	if c.cfg.Username == "" {
		return nil
	}
	c.stage = stageAuth
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	for _, m := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(c.cfg.Username, c.cfg.Password)},
		{"PLAIN", smtp.PlainAuth("", c.cfg.Username, c.cfg.Password, c.host, false)},
		{"LOGIN", smtp.LoginAuth(c.cfg.Username, c.cfg.Password, c.host, false)},
	} {
		if slices.Contains(mechanisms, m.name) {
			return client.Auth(m.auth)
		}
	}
	return &verdictError{verdict{transport.Temporary, "smtp.auth_missing", "the mail server offers no authentication that can be used"}}
}

// address says MAIL and RCPT.
func (c *conversation) address(client *smtp.Client) error {
	c.stage = stageMail
	mail := "MAIL FROM:<" + c.env.from.String() + ">"
	if ok, limit := client.Extension("SIZE"); ok {
		if n, err := strconv.Atoi(limit); err == nil && n > 0 && len(c.env.data) > n {
			return &verdictError{verdict{transport.Rejected, "smtp.too_large", fmt.Sprintf("the message has %d bytes, the mail server takes %d", len(c.env.data), n)}}
		}
		mail += " SIZE=" + strconv.Itoa(len(c.env.data))
	}
	if c.env.utf8 {
		if ok, _ := client.Extension("SMTPUTF8"); !ok {
			return &verdictError{verdict{transport.Rejected, "smtp.utf8_missing", "the mail server cannot carry an address with letters beyond ASCII"}}
		}
		mail += " BODY=8BITMIME SMTPUTF8"
	}
	rcpt := "RCPT TO:<" + c.env.to.String() + ">"
	if c.dsn, _ = client.Extension("DSN"); c.dsn {
		mail += " RET=HDRS ENVID=" + xtext(c.env.id)
		rcpt += " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=" + c.originalRecipient()
	}
	if err := c.command(client, mail); err != nil {
		return err
	}
	c.stage = stageRcpt
	return c.command(client, rcpt)
}

func (c *conversation) command(client *smtp.Client, line string) error {
	if strings.ContainsAny(line, "\r\n") {
		return &verdictError{verdict{transport.Rejected, "smtp." + c.stage + "_malformed", "an address holds a line break"}}
	}
	id, err := client.Text.Cmd("%s", line)
	if err != nil {
		return err
	}
	client.Text.StartResponse(id)
	defer client.Text.EndResponse(id)
	_, _, err = client.Text.ReadResponse(25)
	return err
}

// originalRecipient is the value of ORCPT (RFC 3461, 4.2; RFC 6533, 3 for letters beyond ASCII).
func (c *conversation) originalRecipient() string {
	addr := c.env.to.String()
	if !c.env.utf8 {
		return "rfc822;" + xtext(addr)
	}
	var b strings.Builder
	for _, r := range addr {
		if r >= utf8.RuneSelf || r == '\\' || r == '+' || r == '=' {
			fmt.Fprintf(&b, `\x{%02X}`, r)
			continue
		}
		b.WriteRune(r)
	}
	return "utf-8;" + b.String()
}

// xtext encodes printable ASCII (RFC 3461, 4).
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == '+' || c == '=' || c <= ' ' || c > '~' {
			fmt.Fprintf(&b, "+%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// failed turns an error at a stage into a verdict.
func (c *conversation) failed(err error) verdict {
	var (
		reply     *textproto.Error
		untrusted *tls.CertificateVerificationError
		host      x509.HostnameError
		network   net.Error
	)
	early := slices.Contains([]string{stageGreeting, stageHello, stageTLS, stageAuth}, c.stage)
	switch {
	case errors.As(err, &reply):
		c.reply = replyLine(reply.Code, reply.Msg)
		v := verdict{transport.Temporary, "smtp." + c.stage + "_" + strconv.Itoa(reply.Code), "the mail server answered: " + c.reply}
		switch {
		case early || reply.Code/100 == 4:
		case reply.Code/100 == 5:
			v.outcome = transport.Rejected
		case c.stage == stageEnd:
			v.outcome = transport.Unknown
		}
		return v
	case errors.As(err, &untrusted) || errors.As(err, &host):
		return verdict{transport.Temporary, "tls.untrusted", "the mail server's certificate is not trusted"}
	}
	v := verdict{transport.Temporary, "smtp." + c.stage + "_lost", "the connection to the mail server was lost"}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || (errors.As(err, &network) && network.Timeout()) {
		v.code, v.detail = "smtp."+c.stage+"_timeout", "the mail server did not answer in time"
	} else if c.stage == stageAuth && !errors.Is(err, io.EOF) && !errors.As(err, &network) {
		v.code, v.detail = "smtp.auth_failed", "authentication with the mail server failed"
	}
	if c.stage == stageEnd {
		v.outcome = transport.Unknown
	}
	return v
}

func replyLine(code int, text string) string { return transport.Safe(strconv.Itoa(code) + " " + text) }

// dialVerdict decides about a relay that was not reached.
func dialVerdict(err error) verdict {
	var (
		dns     *net.DNSError
		network net.Error
	)
	switch {
	case netguard.Refused(err):
		return verdict{transport.Rejected, netguard.CodeRefused, "the mail server's address is not allowed by this gateway's policy"}
	case errors.As(err, &dns):
		return verdict{transport.Temporary, "dial.dns", "the mail server's name does not resolve"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return verdict{transport.Temporary, "dial.refused", "the mail server refuses connections"}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || (errors.As(err, &network) && network.Timeout()):
		return verdict{transport.Temporary, "dial.timeout", "no connection to the mail server in time"}
	}
	return verdict{transport.Temporary, "dial.failed", "no connection to the mail server"}
}

// boundedConn ends a conversation in which the server says too much.
type boundedConn struct {
	net.Conn
	left int
}

var errTooMuch = errors.New("the mail server said too much")

// Read counts; only one goroutine reads.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
