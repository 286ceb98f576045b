package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// nobody is the user whose processes handle mail.
const nobody = 65534

// mailServer is a private instance of Postfix. It takes mail for the customer's
// domain into maildirs, hands what comes to the supplier's bounce domain to
// facteur mail-report, as docs/operations.md says, and sends nothing anywhere.
type mailServer struct{ host, port, boxes, dir string }

const postfixMain = `compatibility_level = 3.6
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
virtual_mailbox_maps = inline:{ { ap@customer.example = ap/ }, { bounces@in.supplier.example = bounces/ } }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{ { in.supplier.example = facteur: } }
facteur_destination_recipient_limit = 1
default_transport = error:5.1.2 nothing leaves this machine
smtpd_reject_unlisted_recipient = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = %[1]s/tls.pem
disable_dns_lookups = yes
`

// postfix starts the instance, or skips.
func postfix(t *testing.T, g *gate) *mailServer {
	t.Helper()
	if _, err := exec.LookPath("postfix"); err != nil {
		leaveOut(t, "the mail of a real mail server, because postfix is not installed")
	}
	if os.Getuid() != 0 {
		leaveOut(t, "the mail of a real mail server, because postfix starts as root only")
	}
	p := &mailServer{dir: openFolder(t)}
	p.boxes = filepath.Join(p.dir, "boxes")
	for _, d := range []string{"etc", "log", "queue", "data", "boxes"} {
		if err := os.Mkdir(filepath.Join(p.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, "chown", "postfix", filepath.Join(p.dir, "data"))
	shell(t, "chown", fmt.Sprintf("%d:%[1]d", nobody), p.boxes)
	host, port, err := net.SplitHostPort(freeAddress(t))
	p.host, p.port = must(t, host, err), port
	own, err := tlsOfLoopback()
	key, keyErr := os.ReadFile(must(t, own, err).keyFile)
	cert, certErr := os.ReadFile(own.certFile)
	p.file(t, "tls.pem", string(must(t, key, keyErr))+string(must(t, cert, certErr)), 0o600)
	p.file(t, "etc/main.cf", fmt.Sprintf(postfixMain, p.dir), 0o644)

	// The script and the service are those of the documentation, with our names.
	docs, err := os.ReadFile(repository(t, "docs", "operations.md"))
	must(t, docs, err)
	script := p.documented(t, docs, `(?s)`+"```sh\n(#!/bin/sh\n# Hands a mail from Postfix.*?)```")
	settings := ""
	for _, s := range g.environment() {
		if strings.HasPrefix(s, "FACTEUR_") {
			settings += "export '" + s + "'\n"
		}
	}
	script = replaced(t, script, "FACTEUR_CONFIG=/etc/facteur.yaml\nexport FACTEUR_CONFIG\n", settings)
	script = replaced(t, script, "/usr/local/bin/facteur", g.binary)
	p.file(t, "mail-report", script, 0o755)
	service := p.documented(t, docs, "```\n(facteur  unix [^`]*)```")
	service = replaced(t, service, "/usr/local/lib/facteur/mail-report", filepath.Join(p.dir, "mail-report"))
	p.file(t, "etc/master.cf", p.master(t)+replaced(t, service, "user=facteur", "user=nobody"), 0o644)

	shell(t, "postfix", "-c", filepath.Join(p.dir, "etc"), "start")
	t.Cleanup(func() {
		shell(t, "postfix", "-c", filepath.Join(p.dir, "etc"), "stop")
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log", "mail.log"))
			t.Logf("%s", log[max(0, len(log)-4000):])
		}
	})
	return p
}

// documented finds a block of the documentation.
func (p *mailServer) documented(t *testing.T, docs []byte, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(docs)
	if m == nil {
		t.Fatalf("docs/operations.md has no block %s", pattern)
	}
	return string(m[1])
}

func replaced(t *testing.T, s, old, new string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("there is no %q in:\n%s", old, s)
	}
	return strings.ReplaceAll(s, old, new)
}

func (p *mailServer) file(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// master is the distribution's table of services with smtpd on our port alone,
// nothing chrooted, and no services of other programs.
func (p *mailServer) master(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	service := regexp.MustCompile(`^(\S+)\s+(inet|unix|unix-dgram|fifo|pass)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$`)
	var out strings.Builder
	pipe := false
	for line := range strings.Lines(string(must(t, b, err))) {
		f := service.FindStringSubmatch(strings.TrimRight(line, "\n"))
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case f != nil:
			if pipe = f[6] == "pipe" || strings.HasSuffix(f[6], "\tpipe") || strings.HasSuffix(f[6], " pipe"); pipe {
				continue
			}
			if f[2] == "inet" {
				f[1] = p.host + ":" + p.port
			}
			line = strings.Join([]string{f[1], f[2], f[3], f[4], "n", f[6]}, "\t") + "\n"
		case pipe: // what belongs to a service left out
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

// mails are what lies in a box, once there are n.
func (p *mailServer) mails(t *testing.T, box string, n int) []string {
	t.Helper()
	var mails []string
	within(t, 30*time.Second, fmt.Sprintf("%d mails lie in %s", n, box), func() bool {
		mails = nil
		files, _ := filepath.Glob(filepath.Join(p.boxes, box, "new", "*"))
		for _, f := range files {
			b, err := os.ReadFile(f)
			mails = append(mails, string(must(t, b, err)))
		}
		return len(mails) >= n
	})
	return mails
}

func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// openFolder is a folder that other users can enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "facteur-mail-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownedByNobody makes a gateway run as the user who takes the reports, with all
// it reads in a folder of that user's.
func ownedByNobody(t *testing.T, g *gate) {
	t.Helper()
	dir := openFolder(t)
	copied := func(setting, name string) {
		shell(t, "cp", "-rL", g.set[setting], filepath.Join(dir, name))
		g.set[setting] = filepath.Join(dir, name)
	}
	copied("PACKS_DIR", "packs")
	copied("VALIDATION_RULES_DIR", "rules")
	copied("HTTP_TLS_CERT", "tls.crt")
	copied("HTTP_TLS_KEY", "tls.key")
	copied("OUTBOUND_CA_FILE", "ca.crt")
	shell(t, "cp", g.binary, filepath.Join(dir, "facteur"))
	g.binary, g.set["DATA_DIR"], g.uid = filepath.Join(dir, "facteur"), filepath.Join(dir, "data"), nobody
	shell(t, "chown", "-R", fmt.Sprintf("%d:%[1]d", nobody), dir)
}
