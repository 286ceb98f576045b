package signature

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	start   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end     = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	signing = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	content = []byte("<?xml version=\"1.0\"?>\r\n<Invoice>1 \u20ac</Invoice>\n")
)

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func testIdentity(t testing.TB) (Identity, *x509.Certificate) {
	t.Helper()
	id, root, err := NewTestIdentity(rand.Reader, "Moulin & Fils", start, end)
	if err != nil {
		t.Fatal(err)
	}
	return id, root
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// selfSigned is an identity of one certificate.
func selfSigned(t testing.TB, key crypto.Signer, usage x509.KeyUsage) Identity {
	t.Helper()
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Self"}, NotBefore: start, NotAfter: end,
		KeyUsage: usage, BasicConstraintsValid: true,
	}
	c, err := issue(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return Identity{Signer: key, Chain: []*x509.Certificate{c}}
}

func options() SealOptions {
	return SealOptions{Name: "F-42.xml", MimeType: "application/xml", SigningTime: signing, Rand: rand.Reader}
}

func mustSeal(t testing.TB, id Identity, o SealOptions) []byte {
	t.Helper()
	sig, err := Seal(id, o, content)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

func TestSealAndVerify(t *testing.T) {
	ec, root := testIdentity(t)
	rs := selfSigned(t, rsaKey(), x509.KeyUsageDigitalSignature)
	for _, c := range []struct {
		id    Identity
		root  *x509.Certificate
		chain int
	}{{ec, root, 2}, {rs, rs.Chain[0], 1}} {
		o := options()
		o.SigningTime = signing.In(time.FixedZone("", 3600))
		sig := mustSeal(t, c.id, o)
		r, err := Verify(sig, content, VerifyOptions{Roots: pool(c.root), Now: signing.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if r.Name != "F-42.xml" || r.MimeType != "application/xml" || !r.SigningTime.Equal(signing) || !r.Trusted ||
			!r.Certificate.Equal(c.id.Chain[0]) || len(r.Chain) != c.chain {
			t.Errorf("%+v", r)
		}
		r, err = Verify(sig, content, VerifyOptions{Now: signing})
		if err != nil || r.Trusted || r.Chain != nil {
			t.Errorf("without roots: %+v, %v", r, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	id, _ := testIdentity(t)
	for _, name := range []string{"a", "a b.xml", "Année №1 & <2>.xml", "a:b#c?d%20e.xml", "#a", "..x", "q=1&r=\"2'", "日本.pdf"} {
		o := options()
		o.Name = name
		r, err := Verify(mustSeal(t, id, o), content, VerifyOptions{Now: signing})
		if err != nil || r.Name != name {
			t.Errorf("%q: %q %v", name, r.Name, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	id, _ := testIdentity(t)
	other, _ := testIdentity(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Identity, *SealOptions)
		code   string
	}{
		{"no name", func(_ *Identity, o *SealOptions) { o.Name = "" }, CodeOptions},
		{"folder", func(_ *Identity, o *SealOptions) { o.Name = "../a" }, CodeOptions},
		{"control character", func(_ *Identity, o *SealOptions) { o.Name = "a\nb" }, CodeOptions},
		{"direction override", func(_ *Identity, o *SealOptions) { o.Name = "a\u202Elmx" }, CodeOptions},
		{"not UTF-8", func(_ *Identity, o *SealOptions) { o.Name = "a\xff" }, CodeOptions},
		{"no type", func(_ *Identity, o *SealOptions) { o.MimeType = "" }, CodeOptions},
		{"no time", func(_ *Identity, o *SealOptions) { o.SigningTime = time.Time{} }, CodeOptions},
		{"no randomness", func(_ *Identity, o *SealOptions) { o.Rand = nil }, CodeOptions},
		{"too early", func(_ *Identity, o *SealOptions) { o.SigningTime = start.Add(-time.Second) }, CodeExpired},
		{"too late", func(_ *Identity, o *SealOptions) { o.SigningTime = end.Add(time.Second) }, CodeExpired},
		{"no key", func(id *Identity, _ *SealOptions) { *id = Identity{} }, CodeKey},
		{"no certificate", func(id *Identity, _ *SealOptions) { id.Chain = nil }, CodeCertificate},
		{"certificate of another", func(id *Identity, _ *SealOptions) { id.Chain = other.Chain }, CodeCertificate},
		{"short key", func(id *Identity, _ *SealOptions) { *id = selfSigned(t, small, 0) }, CodeUnsupported},
		{"not for signing", func(id *Identity, _ *SealOptions) { *id = selfSigned(t, rsaKey(), x509.KeyUsageKeyEncipherment) }, CodeUsage},
		{"key fails", func(id *Identity, _ *SealOptions) { id.Signer = broken{id.Signer} }, CodeKey},
	} {
		id, o := id, options()
		c.change(&id, &o)
		if sig, err := Seal(id, o, content); code(err) != c.code || sig != nil {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
}

// broken is a key that does not answer, like one in a module that was unplugged.
type broken struct{ crypto.Signer }

func (broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("unplugged")
}

func TestVerifyTimesAndTrust(t *testing.T) {
	id, root := testIdentity(t)
	_, stranger := testIdentity(t)
	sig := mustSeal(t, id, options())
	for _, c := range []struct {
		name string
		o    VerifyOptions
		code string
	}{
		{"good", VerifyOptions{Roots: pool(stranger, root), Now: signing}, ""},
		{"clock a little ahead", VerifyOptions{Now: signing.Add(-4 * time.Minute)}, ""},
		{"no time", VerifyOptions{}, CodeOptions},
		{"signed in the future", VerifyOptions{Now: signing.Add(-6 * time.Minute)}, CodeTime},
		{"other authority", VerifyOptions{Roots: pool(stranger), Now: signing}, CodeUntrusted},
		{"no authority", VerifyOptions{Roots: pool(), Now: signing}, CodeUntrusted},
		{"expired since", VerifyOptions{Roots: pool(root), Now: end.Add(time.Hour)}, CodeExpired},
		{"expired since, chain not asked", VerifyOptions{Now: end.Add(time.Hour)}, ""},
	} {
		if _, err := Verify(sig, content, c.o); code(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
}

func TestPKCS12(t *testing.T) {
	ec, _ := testIdentity(t)
	for name, id := range map[string]Identity{"ECDSA": ec, "RSA": selfSigned(t, rsaKey(), 0)} {
		data, err := id.PKCS12("geheim ü")
		if err != nil {
			t.Fatal(err)
		}
		again, err := LoadPKCS12(data, "geheim ü")
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Chain) != len(id.Chain) || !again.Chain[0].Equal(id.Chain[0]) || !samePublicKey(again.Signer.Public(), id.Signer.Public()) {
			t.Errorf("%s: another identity", name)
		}
		if _, err := Verify(mustSeal(t, again, options()), content, VerifyOptions{Now: signing}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		changed := bytes.Clone(data)
		changed[len(changed)/2] ^= 1
		for what, bad := range map[string][]byte{"cut": data[:len(data)/2], "empty": nil, "changed": changed} {
			if _, err := LoadPKCS12(bad, "geheim ü"); code(err) != CodeKey {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if _, err := LoadPKCS12(data, "wrong"); code(err) != CodeKey || !strings.Contains(err.Error(), "password") {
			t.Errorf("%s, wrong password: %v", name, err)
		}
	}
}

func TestChainIsOrdered(t *testing.T) {
	id, root := testIdentity(t)
	_, stranger := testIdentity(t)
	got := order(id.Signer, []*x509.Certificate{stranger, root, id.Chain[0]})
	if len(got) != 2 || got[0] != id.Chain[0] || got[1] != root {
		t.Errorf("%d certificates", len(got))
	}
}
