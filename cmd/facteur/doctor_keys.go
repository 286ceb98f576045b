package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/signature"
)

// keys looks at who may read the files that hold secrets.
func (d *doctor) keys(_ context.Context, f *findings) {
	files := map[string]string{
		"http.session_key": d.conf.HTTP.SessionKey, "gateway.signing_key": d.conf.Gateway.SigningKey,
		"seal.pkcs12": d.conf.Seal.PKCS12, "http.tls_key": d.conf.HTTP.TLSKey,
	}
	for option, isSecret := range map[string]bool{
		"database": d.conf.Database.IsPostgres(), "seal.password": d.conf.Seal.Password.IsSet(), "mail.password": d.conf.Mail.Password.IsSet(),
	} {
		if isSecret {
			files[option] = secretFile(d.origin(option))
		}
	}
	for _, path := range d.credentials("*.token", "*.key") {
		files["outbound.credentials_dir "+filepath.Base(path)] = path
	}
	sound := 0
	for _, option := range slices.Sorted(maps.Keys(files)) {
		path := files[option]
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// Missing ones are made, or told with the certificates.
		case err != nil:
			f.fail("keys.unreadable", "let the user that runs facteur read it", "%s: %v", option, err)
		case info.Mode().Perm()&0o007 != 0:
			f.fail("keys.permissions", "run: chmod 600 "+path, "%s: every user of this machine can read %s", option, path)
		case info.Mode().Perm()&0o070 != 0:
			f.warn("keys.permissions", "run: chmod 600 "+path+", unless the group is meant to", "%s: a group can read %s", option, path)
		default:
			sound++
		}
	}
	if len(f.lines) == 0 {
		f.ok("%d files with secrets, readable by their owner only", sound)
	}
}

// credentials lists the files of the tenants' folders of credentials that match
// patterns.
func (d *doctor) credentials(patterns ...string) []string {
	var found []string
	for _, pattern := range patterns {
		paths, _ := filepath.Glob(filepath.Join(d.conf.Outbound.CredentialsDir, "*", pattern)) // no pattern is malformed
		found = append(found, paths...)
	}
	return found
}

// secretFile is the file that a secret was read from, by what the configuration
// says of its origin; "" for none.
func secretFile(origin string) string {
	if _, file, ok := strings.Cut(origin, ", read from "); ok {
		return file
	}
	if origin == "default" || origin == "flag" || strings.HasPrefix(origin, "environment ") {
		return ""
	}
	if i := strings.LastIndexByte(origin, ':'); i > 0 {
		return origin[:i]
	}
	return ""
}

// soon is how long before its end a certificate is worth a warning.
const soon = 30 * 24 * time.Hour

// certificates looks at the seal's key, the server's certificate and the
// gateway's signing key.
func (d *doctor) certificates(_ context.Context, f *findings) {
	d.sealCertificate(f)
	d.serverCertificate(f)
	d.outboundCertificates(f)
	path := d.conf.Gateway.SigningKey
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		f.warn("certificates.no_signing_key", "nothing, if this is a new installation; otherwise restore it: others know the old one",
			"gateway.signing_key: %s is not there yet; it is made on first use", path)
		return
	}
	if _, err := signingKey(path); err != nil { // the file is there: nothing is made
		text := err.Error()
		if unusable := (*exitError)(nil); errors.As(err, &unusable) {
			text = unusable.Message // its own remedy would lose the key
		}
		f.fail("certificates.signing_key", "restore the file", "%s", text)
		return
	}
	f.ok("gateway.signing_key: %s holds an Ed25519 key", path)
}

func (d *doctor) sealCertificate(f *findings) {
	path := d.conf.Seal.PKCS12
	if path == "" {
		f.warn("certificates.no_seal", "set seal.pkcs12 and seal.password", "seal.pkcs12 is not set: documents are sealed with a test key, which vouches for nobody")
		return
	}
	data, err := readKeyFile(path)
	if err != nil {
		f.fail("certificates.seal", "check seal.pkcs12", "seal.pkcs12: %v", err)
		return
	}
	identity, err := signature.LoadPKCS12(data, d.conf.Seal.Password.Reveal())
	if err != nil {
		f.fail("certificates.seal", "check seal.pkcs12 and seal.password", "seal.pkcs12: %s: %s", path, brokenBy(err).Message)
		return
	}
	d.validity(f, "seal.pkcs12", identity.Chain[0])
}

func (d *doctor) serverCertificate(f *findings) {
	cert, key := d.conf.HTTP.TLSCert, d.conf.HTTP.TLSKey
	if cert == "" {
		f.skip("http.tls_cert is not set: the server speaks plain HTTP, for a proxy in front")
		return
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		f.fail("certificates.tls", "give the certificate chain and the key that belongs to it, both PEM", "http.tls_cert and http.tls_key: %v", err)
		return
	}
	if public, err := url.Parse(d.conf.HTTP.PublicURL); err == nil && !d.isDefault("http.public_url") {
		if err := pair.Leaf.VerifyHostname(public.Hostname()); err != nil {
			f.warn("certificates.tls_name", "get a certificate for that name, or correct http.public_url", "http.tls_cert: %v", err)
		}
	}
	d.validity(f, "http.tls_cert", pair.Leaf)
}

// outboundCertificates looks at the authorities that servers are checked against
// and at the certificates that are shown to them.
func (d *doctor) outboundCertificates(f *findings) {
	if path := d.conf.Outbound.CAFile; path != "" {
		data, err := os.ReadFile(path)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(data) {
			err = errors.New(path + " holds no certificate in PEM")
		}
		if err != nil {
			f.fail("certificates.ca_file", "name a PEM file with certificates", "outbound.ca_file: %v", err)
		}
	}
	for _, path := range d.credentials("*.crt") {
		name := "outbound.credentials_dir: " + filepath.Base(path)
		pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, ".crt")+".key")
		if err != nil {
			f.fail("certificates.credential", "give the certificate and the key that belongs to it, both PEM", "%s: %v", name, err)
			continue
		}
		d.validity(f, name, pair.Leaf)
	}
}

// validity says how long a certificate is still good.
func (d *doctor) validity(f *findings, option string, c *x509.Certificate) {
	now, until := d.now(), c.NotAfter.UTC().Format(time.DateOnly)
	left := c.NotAfter.Sub(now)
	const remedy = "renew it"
	switch {
	case now.Before(c.NotBefore):
		f.fail("certificates.not_yet_valid", "check the clock", "%s: the certificate of %s is valid from %s on only", option, c.Subject, c.NotBefore.UTC().Format(time.RFC3339))
	case left <= 0:
		f.fail("certificates.expired", remedy, "%s: the certificate of %s ended on %s", option, c.Subject, until)
	case left < soon:
		f.warn("certificates.expires_soon", remedy, "%s: the certificate of %s ends on %s, in %d days", option, c.Subject, until, int(left.Hours())/24)
	default:
		f.ok("%s: the certificate of %s is valid until %s, %d days", option, c.Subject, until, int(left.Hours())/24)
	}
}
