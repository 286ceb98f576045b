package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/signature"
	"facteur.dev/facteur/internal/store/sqlite"
)

// patient is a doctor for a configuration, in a world where nothing is wrong.
func patient(t *testing.T, settings map[string]string) *doctor {
	t.Helper()
	dir := t.TempDir()
	set := map[string]string{"data_dir": dir}
	for key, value := range settings {
		set[key] = value
	}
	conf, err := config.Load(config.Sources{NoFile: true, Flags: set})
	if err != nil {
		t.Fatal(err)
	}
	return &doctor{
		conf: conf, now: time.Now, deadline: 5 * time.Second,
		resolve: func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil },
		dial:    (&net.Dialer{}).DialContext,
		free:    func(string) (uint64, error) { return 1 << 40, nil },
	}
}

// expect compares the states and codes of lines: "fail disk.full".
func expect(t *testing.T, got []diagnosis, want ...string) {
	t.Helper()
	var lines []string
	for _, d := range got {
		lines = append(lines, strings.TrimSpace(string(d.Condition)+" "+d.Code))
		if (d.Condition == conditionFail) != (d.Remedy != "") && d.Condition != conditionWarn {
			t.Errorf("%s has the remedy %q", d.Detail, d.Remedy)
		}
	}
	if strings.Join(lines, ", ") != strings.Join(want, ", ") {
		t.Errorf("got %s, want %s\n%+v", strings.Join(lines, ", "), strings.Join(want, ", "), got)
	}
}

func TestDoctorDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facteur.db")
	d := patient(t, map[string]string{"database": path})
	expect(t, d.bounded(t.Context(), "database", d.database), "warn database.missing")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, d.bounded(t.Context(), "database", d.database), "warn database.old_schema")
	// It was a rehearsal: the schema is not there yet.
	expect(t, d.bounded(t.Context(), "database", d.database), "warn database.old_schema")
	command(t, 0, path, "", "tenant", "create", "acme", "--name", "Acme", "--mode", "test")
	expect(t, d.bounded(t.Context(), "database", d.database), "ok", "ok")

	late := *d
	late.now = func() time.Time { return time.Now().Add(-time.Hour) }
	expect(t, late.bounded(t.Context(), "database", late.database), "ok", "ok", "fail clock.behind")

	store, closeStore, err := openStore(t.Context(), d.conf)
	if err != nil {
		t.Fatal(err)
	}
	err = store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
		long := time.Now().Add(-overdue - time.Minute)
		return tx.AddTask(t.Context(), gateway.Task{ID: "tsk_1", Tenant: "acme", Kind: gateway.TaskSeal, Ref: "x", DueAt: long, CreatedAt: long})
	})
	if err := errors.Join(err, closeStore()); err != nil {
		t.Fatal(err)
	}
	expect(t, d.bounded(t.Context(), "database", d.database), "ok", "warn database.overdue")

	statement(t, path, "INSERT INTO schema_versions (version, name) VALUES (9999, 'of tomorrow')")
	expect(t, d.bounded(t.Context(), "database", d.database), "fail schema_newer")
}

// Another program that holds the database does not hang the doctor.
func TestDoctorDatabaseInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facteur.db")
	command(t, 0, path, "", "tenant", "create", "acme", "--name", "Acme", "--mode", "test")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Writer().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	d := patient(t, map[string]string{"database": path})
	d.deadline = 300 * time.Millisecond
	start := time.Now()
	got := d.bounded(t.Context(), "database", d.database)
	if took := time.Since(start); took > d.deadline+checkGrace+time.Second {
		t.Errorf("it took %s", took)
	}
	if len(got) != 1 || got[0].Condition != conditionFail || got[0].Remedy == "" {
		t.Errorf("%+v", got)
	}
}

func statement(t *testing.T, path, text string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Writer().ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorDisk(t *testing.T) {
	d := patient(t, nil)
	expect(t, d.bounded(t.Context(), "disk", d.disk), "ok")
	for free, want := range map[uint64]string{noSpace - 1: "fail disk.full", littleSpace - 1: "warn disk.little_space", littleSpace: "ok"} {
		d.free = func(string) (uint64, error) { return free, nil }
		expect(t, d.bounded(t.Context(), "disk", d.disk), want)
	}
	d.free = func(string) (uint64, error) { return 0, errors.ErrUnsupported }
	expect(t, d.bounded(t.Context(), "disk", d.disk), "ok")
	d = patient(t, map[string]string{"intake.drop_dir": "/dev/null/drop"})
	expect(t, d.bounded(t.Context(), "disk", d.disk), "ok", "fail disk.unusable")
	if free, err := freeSpace(t.TempDir()); err == nil && free == 0 {
		t.Error("no free space at all")
	}
}

func TestDoctorDNSAndClock(t *testing.T) {
	d := patient(t, nil)
	expect(t, d.bounded(t.Context(), "dns", d.dns), "skip")
	d = patient(t, map[string]string{"http.public_url": "https://192.0.2.7:8443"})
	expect(t, d.bounded(t.Context(), "dns", d.dns), "skip")
	d = patient(t, map[string]string{"http.public_url": "https://invoices.example.com/x"})
	expect(t, d.bounded(t.Context(), "dns", d.dns), "ok")
	d.resolve = func(context.Context, string) ([]string, error) { return nil, &net.DNSError{Err: "no such host"} }
	expect(t, d.bounded(t.Context(), "dns", d.dns), "fail dns.unknown")
	d.deadline = 50 * time.Millisecond
	d.resolve = func(ctx context.Context, _ string) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
	expect(t, d.bounded(t.Context(), "dns", d.dns), "fail dns.timeout")

	expect(t, d.bounded(t.Context(), "clock", d.clock), "ok")
	d.built = time.Now().Add(48 * time.Hour)
	expect(t, d.bounded(t.Context(), "clock", d.clock), "fail clock.behind")
}

// A check that heeds no deadline is left behind.
func TestDoctorHangs(t *testing.T) {
	d := patient(t, nil)
	d.deadline = -checkGrace + 50*time.Millisecond
	release := make(chan struct{})
	defer close(release)
	expect(t, d.bounded(t.Context(), "disk", func(context.Context, *findings) { <-release }), "fail doctor.deadline")
}

func TestDoctorPacks(t *testing.T) {
	d := patient(t, nil)
	expect(t, d.bounded(t.Context(), "packs", d.packs), "fail schemas.missing")
	d = patient(t, map[string]string{"packs_dir": sharedFolder(t, ".facteur/packs", "the rule packs were not looked at")})
	expect(t, d.bounded(t.Context(), "packs", d.packs), "ok")
	d.now = func() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) }
	expect(t, d.bounded(t.Context(), "packs", d.packs), "ok", "warn schemas.not_valid")
}

func TestDoctorCertificates(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	seal := func(from, to time.Time) string {
		id, _, err := signature.NewTestIdentity(rand.Reader, "Supplier Ltd", from, to)
		if err != nil {
			t.Fatal(err)
		}
		data, err := id.PKCS12("open sesame")
		if err != nil {
			t.Fatal(err)
		}
		return write("seal.p12", data)
	}
	key := filepath.Join(dir, "gateway.pem")
	if _, err := signingKey(key); err != nil {
		t.Fatal(err)
	}
	set := map[string]string{"gateway.signing_key": key, "seal.password": "open sesame"}
	for _, test := range []struct {
		from, to time.Time
		want     string
	}{
		{now.Add(-time.Hour), now.AddDate(1, 0, 0), "ok"},
		{now.Add(-time.Hour), now.AddDate(0, 0, 29), "warn certificates.expires_soon"},
		{now.AddDate(0, 0, -2), now.AddDate(0, 0, -1), "fail certificates.expired"},
		{now.AddDate(0, 0, 1), now.AddDate(1, 0, 1), "fail certificates.not_yet_valid"},
	} {
		set["seal.pkcs12"] = seal(test.from, test.to)
		d := patient(t, set)
		expect(t, d.bounded(t.Context(), "certificates", d.certificates), test.want, "skip", "ok")
	}
	set["seal.password"] = "wrong"
	d := patient(t, set)
	lines := d.bounded(t.Context(), "certificates", d.certificates)
	expect(t, lines, "fail certificates.seal", "skip", "ok")
	if strings.Contains(fmt.Sprint(lines), "sesame") {
		t.Error("the password is shown")
	}
	set["seal.password"] = "open sesame"
	set["seal.pkcs12"] = seal(now.Add(-time.Hour), now.AddDate(1, 0, 0))

	cert, tlsKey := selfSigned(t, "invoices.example.com", now.AddDate(0, 6, 0))
	other, _ := selfSigned(t, "invoices.example.com", now.AddDate(0, 6, 0))
	set["http.tls_cert"], set["http.tls_key"] = write("cert.pem", cert), write("key.pem", tlsKey)
	d = patient(t, set)
	expect(t, d.bounded(t.Context(), "certificates", d.certificates), "ok", "ok", "ok")
	set["http.public_url"] = "https://elsewhere.example.com"
	d = patient(t, set)
	expect(t, d.bounded(t.Context(), "certificates", d.certificates), "ok", "warn certificates.tls_name", "ok", "ok")
	set["outbound.ca_file"] = write("ca.pem", cert)
	set["outbound.credentials_dir"] = filepath.Dir(dir) // dir is a tenant's folder
	write("customer.crt", cert)
	write("customer.key", tlsKey)
	d = patient(t, set)
	expect(t, d.bounded(t.Context(), "certificates", d.certificates), "ok", "warn certificates.tls_name", "ok", "ok", "ok")
	write("customer.crt", other)
	write("ca.pem", []byte("no PEM"))
	expect(t, d.bounded(t.Context(), "certificates", d.certificates), "ok", "warn certificates.tls_name", "ok", "fail certificates.ca_file", "fail certificates.credential", "ok")
	if err := errors.Join(os.Remove(filepath.Join(dir, "customer.crt")), os.Chmod(filepath.Join(dir, "customer.key"), 0o644)); err != nil {
		t.Fatal(err)
	}
	expect(t, d.bounded(t.Context(), "keys", d.keys), "fail keys.permissions")
	set["outbound.ca_file"] = ""
	d = patient(t, set)
	write("cert.pem", other)
	expect(t, d.bounded(t.Context(), "certificates", d.certificates), "ok", "fail certificates.tls", "ok")
}

func selfSigned(t *testing.T, host string, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// mailServer answers one conversation as a script tells: what it says first,
// then an answer for each command that begins with a key.
func mailServer(t *testing.T, hello string, answers map[string]string, secured *tls.Config) (host, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, hello)
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			verb, _, _ := strings.Cut(lines.Text(), " ")
			fmt.Fprint(conn, answers[verb])
			if verb == "STARTTLS" && secured != nil {
				inner := tls.Server(conn, secured)
				conn, lines = inner, bufio.NewScanner(inner)
			}
		}
	}()
	host, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func TestDoctorMail(t *testing.T) {
	cert, key := selfSigned(t, "localhost", time.Now().AddDate(1, 0, 0))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	const greeting, bye = "220 mail.example\r\n", "221 bye\r\n"
	for name, test := range map[string]struct {
		hello   string
		answers map[string]string
		set     map[string]string
		want    string
	}{
		"fine":             {greeting, map[string]string{"EHLO": "250 mail.example\r\n", "QUIT": bye}, map[string]string{"mail.tls": "none"}, "ok"},
		"no TLS offered":   {greeting, map[string]string{"EHLO": "250 mail.example\r\n"}, nil, "fail mail.starttls"},
		"unknown issuer":   {greeting, map[string]string{"EHLO": "250-mail.example\r\n250 STARTTLS\r\n", "STARTTLS": "220 go\r\n"}, nil, "fail mail.starttls"},
		"plain where TLS":  {greeting, nil, map[string]string{"mail.tls": "implicit"}, "fail mail.tls"},
		"refuses":          {"554 go away\r\n", nil, nil, "fail mail.greeting"},
		"web server":       {"HTTP/1.1 400 Bad Request\r\n", nil, nil, "fail mail.greeting"},
		"refuses EHLO":     {greeting, map[string]string{"EHLO": "550 no\r\n", "HELO": "550 no\r\n"}, nil, "fail mail.hello"},
		"silent":           {"", nil, nil, "fail mail.greeting"},
		"talks too much":   {strings.Repeat("220-spam\r\n", maxReplies), nil, nil, "fail mail.greeting"},
		"refuses password": {greeting, map[string]string{"EHLO": "250-mail.example\r\n250 AUTH LOGIN\r\n", "AUTH": "535 no\r\n"}, map[string]string{"mail.tls": "none", "mail.user": "u", "mail.password": "hunter2"}, "fail mail.login"},
		"takes no login":   {greeting, map[string]string{"EHLO": "250 mail.example\r\n"}, map[string]string{"mail.tls": "none", "mail.user": "u", "mail.password": "hunter2"}, "fail mail.login"},
	} {
		t.Run(name, func(t *testing.T) {
			host, port := mailServer(t, test.hello, test.answers, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
			set := map[string]string{"mail.host": host, "mail.port": port, "mail.from": "a@b.example"}
			for k, v := range test.set {
				set[k] = v
			}
			d := patient(t, set)
			d.deadline = time.Second
			lines := d.bounded(t.Context(), "mail", d.mail)
			expect(t, lines, test.want)
			if strings.Contains(fmt.Sprint(lines), "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
	d := patient(t, map[string]string{"mail.host": "127.0.0.1", "mail.port": "1", "mail.from": "a@b.example"})
	expect(t, d.bounded(t.Context(), "mail", d.mail), "fail mail.unreachable")
}
