package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmldsig"
)

// TestTampering changes each kind of byte of a seal and of its document, and
// expects the failure by its name.
func TestTampering(t *testing.T) {
	id, _ := testIdentity(t)
	other, _ := testIdentity(t)
	good := string(mustSeal(t, id, options()))
	leaf := base64.StdEncoding.EncodeToString(id.Chain[0].Raw)
	root := base64.StdEncoding.EncodeToString(id.Chain[1].Raw)
	stranger := base64.StdEncoding.EncodeToString(other.Chain[0].Raw)
	certificate := func(s string) string { return "<ds:X509Certificate>" + s + "</ds:X509Certificate>" }
	value := between(t, good, "<ds:SignatureValue>", "</ds:SignatureValue>")
	reference := good[strings.Index(good, "<ds:Reference Id"):strings.Index(good, "<ds:Reference Type")]
	properties := good[strings.Index(good, "<ds:Reference Type"):strings.Index(good, "</ds:SignedInfo>")]
	object := good[strings.Index(good, "<ds:Object>"):strings.Index(good, "</ds:Signature>")]
	for _, c := range []struct{ name, old, new, code string }{
		// What may change, as nothing depends on it.
		{"nothing", "", "", ""},
		{"white space around the value", "<ds:SignatureValue>", "<ds:SignatureValue>\n", ""},
		{"comment", "<ds:KeyInfo>", "<!-- x --><ds:KeyInfo>", ""},
		{"certificates in another order", certificate(leaf) + certificate(root), certificate(root) + certificate(leaf), ""},
		{"another certificate more", certificate(leaf), certificate(leaf) + certificate(stranger), ""},

		// The document as a whole.
		{"other namespace", xmldsig.Namespace, "urn:x", CodeNotFound},
		{"DTD", "<ds:Signature ", "<!DOCTYPE x><ds:Signature ", CodeMalformed},
		{"cut off", "</ds:Signature>", "", CodeMalformed},

		// SignedInfo.
		{"canonicalization", `CanonicalizationMethod Algorithm="` + xmldsig.ExclusiveC14N, `CanonicalizationMethod Algorithm="` + xmldsig.InclusiveC14N, CodeValue},
		{"weak canonicalization", `CanonicalizationMethod Algorithm="` + xmldsig.ExclusiveC14N, `CanonicalizationMethod Algorithm="urn:none`, CodeUnsupported},
		{"signature algorithm", xmldsig.ECDSASHA256, xmldsig.ECDSASHA384, CodeValue},
		{"weak signature algorithm", xmldsig.ECDSASHA256, xmldsig.Namespace + "hmac-sha1", CodeUnsupported},
		{"file name", `URI="F-42.xml"`, `URI="F-43.xml"`, CodeValue},
		{"folder in the file name", `URI="F-42.xml"`, `URI="../F-42.xml"`, CodeReference},
		{"URI of the web", `URI="F-42.xml"`, `URI="https://example.com/F-42.xml"`, CodeReference},
		{"URI of the signature", `URI="F-42.xml"`, `URI=""`, CodeReference},
		{"no URI", `URI="F-42.xml"`, ``, CodeReference},
		{"document's digest", between(t, reference, "<ds:DigestValue>", "</ds:DigestValue>"), base64.StdEncoding.EncodeToString(make([]byte, 32)), CodeValue},
		{"digest algorithm", reference, strings.Replace(reference, xmldsig.SHA256, xmldsig.SHA512, 1), CodeValue},
		{"document's transform", "<ds:DigestMethod", `<ds:Transforms><ds:Transform Algorithm="` + xmldsig.ExclusiveC14N + `"/></ds:Transforms><ds:DigestMethod`, CodeValue},
		{"no document", reference, "", CodeReference},
		{"document twice", reference, reference + reference, CodeReference},
		{"no properties", properties, "", CodeReference},
		{"properties twice", properties, properties + properties, CodeReference},
		{"properties of another type", signedPropertiesAs, "urn:x", CodeReference},
		{"reference id", `Reference Id="document"`, `Reference Id="other"`, CodeMalformed},

		// Value and key.
		{"value", value, flip(value), CodeValue},
		{"value of zeros", value, base64.StdEncoding.EncodeToString(make([]byte, 64)), CodeValue},
		{"short value", value, value[:40], CodeValue},
		{"value is not base64", value, "!" + value, CodeMalformed},
		{"no value", value, "", CodeMalformed},
		{"certificate exchanged", certificate(leaf), certificate(stranger), CodeCertificate},
		{"certificate missing", certificate(leaf), "", CodeCertificate},
		{"no certificates", certificate(leaf) + certificate(root), "", CodeCertificate},
		{"certificate broken", leaf, leaf[:100], CodeMalformed},
		{"key besides", "<ds:X509Data>", "<ds:KeyName>x</ds:KeyName><ds:X509Data>", CodeUnsupported},
		{"no key information", good[strings.Index(good, "<ds:KeyInfo>"):strings.Index(good, "<ds:Object>")], "", CodeMalformed},

		// Signed properties.
		{"signing time", "2026-02-03T04:05:06Z", "2026-02-03T04:05:07Z", CodeProperties},
		{"no signing time", "2026-02-03T04:05:06Z", "yesterday", CodeMalformed},
		{"type", ">application/xml<", ">application/pdf<", CodeProperties},
		{"empty type", ">application/xml<", "><", CodeMalformed},
		{"certificate digest", between(t, object, "<ds:DigestValue>", "</ds:DigestValue>"), base64.StdEncoding.EncodeToString(make([]byte, 32)), CodeCertificate},
		{"object of the type", `ObjectReference="#document"`, `ObjectReference="#other"`, CodeMalformed},
		{"unknown property", "<xades:SigningCertificateV2>", "<xades:SignaturePolicyIdentifier/><xades:SigningCertificateV2>", CodeUnsupported},
		{"unsigned properties", "</xades:QualifyingProperties>", "<xades:UnsignedProperties/></xades:QualifyingProperties>", CodeUnsupported},
		{"target", `Target="#seal"`, `Target="#other"`, CodeMalformed},
		{"properties moved away", `<xades:SignedProperties Id="properties">`, `<xades:SignedProperties Id="moved">`, CodeReference},
		{"two of that id", `<ds:Object>`, `<ds:Object Id="properties">`, CodeReference},
		{"no object", object, "", CodeMalformed},
		{"wrapped", object, object + `<ds:Object Id="x">` + strings.Replace(object, "properties", "copy", 1) + "</ds:Object>", CodeMalformed},
	} {
		changed := strings.Replace(good, c.old, c.new, 1)
		if changed == good && c.old != "" {
			t.Fatalf("%s: nothing to change", c.name)
		}
		if _, err := Verify([]byte(changed), content, VerifyOptions{Now: signing}); code(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
	for name, other := range map[string][]byte{
		"empty": nil, "byte less": content[1:], "byte more": append(bytes.Clone(content), ' '), "other": bytes.Replace(content, []byte("1"), []byte("2"), 1),
		"other line ends": bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")),
	} {
		if _, err := Verify([]byte(good), other, VerifyOptions{Now: signing}); code(err) != CodeDigest {
			t.Errorf("document, %s: %v", name, err)
		}
	}
	for _, empty := range []string{"", "\n", "<a/>", "\xEF\xBB\xBF\n"} {
		if _, err := Verify([]byte(empty), content, VerifyOptions{Now: signing}); code(err) != CodeNotFound {
			t.Errorf("%q: %v", empty, err)
		}
	}
	if _, err := Verify([]byte("<a>"+strings.Repeat(" ", 1<<20)), content, VerifyOptions{Now: signing}); code(err) != CodeMalformed {
		t.Errorf("too large: %v", err)
	}
}

func between(t testing.TB, s, before, after string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, before)
	s, _, ok2 := strings.Cut(s, after)
	if !ok || !ok2 || s == "" {
		t.Fatalf("nothing between %s and %s", before, after)
	}
	return s
}

// flip changes one bit of a value in base64.
func flip(s string) string {
	v, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	v[len(v)/2] ^= 1
	return base64.StdEncoding.EncodeToString(v)
}

// TestXmlsec1 lets xmlsec1 verify a seal, with the chain and the file that it names.
func TestXmlsec1(t *testing.T) {
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("xmlsec1 is not installed")
		}
		t.Skip("xmlsec1 is not installed: seals not verified by another program")
	}
	ec, root := testIdentity(t)
	rs := selfSigned(t, rsaKey(), x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign)
	for name, c := range map[string]struct {
		id   Identity
		root *x509.Certificate
	}{"ECDSA": {ec, root}, "RSA": {rs, rs.Chain[0]}} {
		dir := t.TempDir()
		files := map[string][]byte{
			"F-42.xml": content, "seal.xml": mustSeal(t, c.id, options()),
			"root.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.root.Raw}),
		}
		for f, b := range files {
			if err := os.WriteFile(filepath.Join(dir, f), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run := func() (string, error) {
			cmd := exec.Command("xmlsec1", "--verify", "--trusted-pem", "root.pem", "--verification-time", "2026-02-03 04:05:06",
				"--id-attr:Id", xadesSpace+":SignedProperties", "seal.xml")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := run(); err != nil || !strings.Contains(out, "(ok/all): 2/2") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if err := os.WriteFile(filepath.Join(dir, "F-42.xml"), content[1:], 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(); err == nil {
			t.Errorf("%s: xmlsec1 accepts another document\n%s", name, out)
		}
	}
}

// FuzzVerify changes seals: one that still verifies says what the original said.
func FuzzVerify(f *testing.F) {
	id, root := testIdentity(f)
	good := mustSeal(f, id, options())
	want, err := Verify(good, content, VerifyOptions{Roots: pool(root), Now: signing})
	if err != nil {
		f.Fatal(err)
	}
	seeds := [][]byte{good, mustSeal(f, selfSigned(f, rsaKey(), 0), options()), nil, []byte("<a/>")}
	for _, at := range []string{"Z<", "F-42", "<ds:KeyInfo>", "</ds:Signature>", "application/xml"} {
		seeds = append(seeds, bytes.Replace(good, []byte(at), []byte("x"+at), 1))
	}
	for _, s := range seeds {
		f.Add(s, 0, byte(0))
		f.Add(s, len(s)/2, byte(1))
	}
	f.Fuzz(func(t *testing.T, sig []byte, at int, change byte) {
		// The engine rarely meets a valid seal: change one byte of it as well.
		near := bytes.Clone(good)
		near[uint(at)%uint(len(near))] ^= change
		for _, s := range [][]byte{sig, near} {
			r, err := Verify(s, content, VerifyOptions{Roots: pool(root), Now: signing})
			if err != nil {
				if code(err) == "" {
					t.Errorf("%T: %v", err, err)
				}
				continue
			}
			if r.Name != want.Name || r.MimeType != want.MimeType || !r.SigningTime.Equal(want.SigningTime) ||
				!r.Certificate.Equal(want.Certificate) || r.Algorithm != want.Algorithm {
				t.Errorf("a changed seal says %+v", r)
			}
			if _, err := Verify(s, append(bytes.Clone(content), ' '), VerifyOptions{Now: signing}); code(err) != CodeDigest {
				t.Errorf("another document: %v", err)
			}
		}
	})
}

// TestEveryByte changes each byte of a seal in three ways: it fails, or says the same.
func TestEveryByte(t *testing.T) {
	id, root := testIdentity(t)
	good := mustSeal(t, id, options())
	o := VerifyOptions{Roots: pool(root), Now: signing}
	survived := 0
	for i := range good {
		for _, change := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(good)
			changed[i] ^= change
			r, err := Verify(changed, content, o)
			if err != nil {
				if code(err) == "" {
					t.Fatalf("byte %d: %T %v", i, err, err)
				}
				continue
			}
			survived++
			if r.Name != "F-42.xml" || r.MimeType != "application/xml" || !r.SigningTime.Equal(signing) || !r.Certificate.Equal(id.Chain[0]) {
				t.Fatalf("byte %d: a changed seal says %+v", i, r)
			}
		}
	}
	t.Logf("%d of %d changes go unnoticed, none of them in what the seal says", survived, 3*len(good))
	if survived > len(good)/2 {
		t.Errorf("%d changes go unnoticed", survived)
	}
}

func BenchmarkSeal(b *testing.B) {
	id, _ := testIdentity(b)
	for b.Loop() {
		mustSeal(b, id, options())
	}
}

func BenchmarkVerify(b *testing.B) {
	id, root := testIdentity(b)
	sig := mustSeal(b, id, options())
	for b.Loop() {
		if _, err := Verify(sig, content, VerifyOptions{Roots: pool(root), Now: signing}); err != nil {
			b.Fatal(err)
		}
	}
}
