package mail

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/transport"
)

// postfix is a private instance of a real mail server: it takes mail for two domains into maildirs and sends
// nothing anywhere.
type postfix struct {
	addr  string
	roots *x509.CertPool
	boxes string
}

const (
	postfixMaster = "/usr/share/postfix/master.cf.dist"
	postfixMain   = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log/mail.log
maillog_file_prefixes = /tmp, %[1]s
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example
mydomain = relay.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = customer.example, in.supplier.example
virtual_mailbox_base = %[1]s/boxes
virtual_mailbox_maps = inline:{ { ap@customer.example = ap/ }, { hélène@customer.example = helene/ }, { bounces@in.supplier.example = bounces/ } }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = error:5.1.2 nothing leaves this machine
smtpd_reject_unlisted_recipient = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = %[1]s/tls.pem
smtputf8_enable = yes
disable_dns_lookups = yes
`
)

// startPostfix starts the instance, or skips: CI must have what it needs.
func startPostfix(t *testing.T) *postfix {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("postfix"); err != nil {
		missing = "postfix is not installed"
	} else if os.Getuid() != 0 {
		missing = "postfix starts as root only"
	}
	if missing != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip("not run: delivery reports of a real mail server, because " + missing)
	}
	dir, err := os.MkdirTemp("", "facteur-postfix") // not t.TempDir: postfix wants directories that others can enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &postfix{boxes: filepath.Join(dir, "boxes")}
	etc := filepath.Join(dir, "etc")
	for _, d := range []string{dir, etc, filepath.Join(dir, "log"), filepath.Join(dir, "queue"), filepath.Join(dir, "data"), p.boxes} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o755); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	run(t, "chown", "postfix", filepath.Join(dir, "data"))
	run(t, "chown", "65534:65534", p.boxes)
	p.addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(p.addr)
	write(t, filepath.Join(etc, "main.cf"), fmt.Sprintf(postfixMain, dir))
	write(t, filepath.Join(etc, "master.cf"), masterCF(t, port))
	write(t, filepath.Join(dir, "tls.pem"), p.certificate(t))
	out, err := exec.Command("postfix", "-c", etc, "start").CombinedOutput()
	if err != nil {
		t.Fatalf("postfix: %v\n%s%s", err, out, tail(dir))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("postfix", "-c", etc, "stop").CombinedOutput(); err != nil {
			t.Errorf("postfix stop: %v\n%s", err, out)
		}
		if t.Failed() {
			t.Log(tail(dir))
		}
	})
	return p
}

// masterCF is the distribution's table of services with smtpd on our port, nothing chrooted, no other listener.
func masterCF(t *testing.T, port string) string {
	t.Helper()
	b, err := os.ReadFile(postfixMaster)
	if err != nil {
		t.Fatal(err)
	}
	service := regexp.MustCompile(`^(\S+)\s+(inet|unix|unix-dgram|fifo|pass)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$`)
	var lines []string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimRight(line, "\n")
		if f := service.FindStringSubmatch(line); f != nil {
			name := f[1]
			if f[2] == "inet" {
				name = "127.0.0.1:" + port
			}
			line = strings.Join([]string{name, f[2], f[3], f[4], "n", f[6]}, "\t")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (p *postfix) certificate(t *testing.T) string {
	t.Helper()
	cert, roots := certificate(t)
	p.roots = roots
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tail(dir string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "log", "mail.log"))
	return string(b[max(0, len(b)-4000):])
}

// wait returns the mails of a box once there are n, by the token or id that they contain.
func (p *postfix) wait(t *testing.T, box string, n int) [][]byte {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(p.boxes, box, "new", "*"))
		if len(files) >= n {
			var mails [][]byte
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				mails = append(mails, b)
			}
			return mails
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d mails in %s", len(files), n, box)
		}
	}
}

// Real reports of a real mail server: delivered, unknown user, no route, in both forms.
func TestPostfixReports(t *testing.T) {
	p := startPostfix(t)
	s := newSender(t, p.addr, p.roots, func(c *Config) { c.Timeout, c.EndTimeout = 20*time.Second, 20*time.Second })
	want := map[string]struct {
		to, final string
		action    Action
		status    string
		bounce    Bounce
		global    bool
	}{
		"d-1": {"ap@customer.example", "ap@customer.example", Delivered, "2.0.0", BounceNone, false},
		"d-2": {"nobody@customer.example", "nobody@customer.example", Failed, "5.1.1", BounceHard, false},
		"d-3": {"ap@nowhere.example", "ap@nowhere.example", Failed, "5.1.2", BounceHard, false},
		"d-4": {"hélène@customer.example", "hélène@customer.example", Delivered, "2.0.0", BounceNone, true},
		"d-5": {"jérôme+x=y@customer.example", "jérôme+x=y@customer.example", Failed, "5.1.1", BounceHard, true},
	}
	for id, c := range want {
		got := send(t, s, invoice(id), c.to)
		wants(t, got, transport.Accepted, "")
		if !strings.Contains(string(got.Evidence), `"tls":"TLS 1.3"`) || !strings.Contains(string(got.Evidence), `"dsn_requested":true`) {
			t.Errorf("evidence: %s", got.Evidence)
		}
	}
	seen := map[string]bool{}
	for _, mail := range p.wait(t, "bounces", len(want)) {
		rep, err := ParseReport(strings.NewReader(string(mail)))
		if err != nil {
			t.Fatalf("%v\n%s", err, mail)
		}
		c, ok := want[rep.EnvelopeID]
		if !ok || rep.Kind != DeliveryReport || len(rep.Recipients) != 1 {
			t.Fatalf("%+v\n%s", rep, mail)
		}
		seen[rep.EnvelopeID] = true
		r := rep.Recipients[0]
		if r.Final != c.final || r.Original != c.to || r.Action != c.action || r.Status != c.status || r.Bounce != c.bounce || r.Diagnostic == "" {
			t.Errorf("%s: %+v\n%s", rep.EnvelopeID, r, mail)
		}
		if rep.OriginalMessageID != s.MessageID(rep.EnvelopeID) || rep.ReportingMTA != "relay.example" || !s.Owns(rep, rep.EnvelopeID) || rep.Date.IsZero() {
			t.Errorf("%s: %+v\n%s", rep.EnvelopeID, rep, mail)
		}
		if strings.Contains(string(mail), "message/global-delivery-status") != c.global {
			t.Errorf("%s is in the other form:\n%s", rep.EnvelopeID, mail)
		}
		if dir := os.Getenv("FACTEUR_KEEP_REPORTS"); dir != "" {
			write(t, filepath.Join(dir, "postfix-"+rep.EnvelopeID+".eml"), string(mail))
		}
	}
	if len(seen) != len(want) {
		t.Errorf("reports for %v", seen)
	}
	for _, box := range []string{"ap", "helene"} {
		contains(t, p.wait(t, box, 1)[0], "Message-ID: <d-", "Subject: ", "Auto-Submitted: auto-generated", `filename=invoice-17.xml`)
	}
}
