package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/beevik/etree"

	"facteur.dev/facteur/internal/xmltree"
)

var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func testECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const signedDocument = `<a:doc xmlns:a="urn:a" xmlns="urn:d" xmlns:unused="urn:x" xml:lang="fr"><!--c-->
  <a:t Id="one" z="1" a:y="2"><!--in--><b xmlns:c="urn:c" c:x="&#10;&quot;&lt;"/>text &amp; more &#13;
    <a:t Id="two" xmlns="" xml:space="preserve"><b/><c xmlns="urn:d"/></a:t>
  </a:t>
  <t Id="three" xmlns:a="urn:other"><a:x/></t>
</a:doc>`

// signSample signs signedDocument: the whole, and each of its elements with an
// id in each canonical form.
func signSample(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	algorithm, err := AlgorithmFor(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var refs []ReferenceTo
	for _, id := range []string{"two", "three", "one"} {
		refs = append(refs, ReferenceTo{URI: "#" + id})
		for _, m := range []Method{
			{Algorithm: ExclusiveC14N},
			{Algorithm: ExclusiveC14NWithComments},
			{Algorithm: InclusiveC14N},
			{Algorithm: InclusiveC14NWithComments},
			{ExclusiveC14N, []string{"unused", "#default"}},
			{ExclusiveC14N, []string{"a", "absent"}},
		} {
			refs = append(refs, ReferenceTo{URI: "#" + id, Transforms: []Method{m}})
		}
	}
	refs = append(refs, ReferenceTo{URI: "", Transforms: []Method{{Algorithm: EnvelopedSignature}}})
	for i := range refs {
		refs[i].ID = "r" + string(rune('a'+i))
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(signedDocument); err != nil {
		t.Fatal(err)
	}
	sig := NewSignature("sig", algorithm, refs)
	doc.Root().AddChild(sig)
	out, err := Sign(doc, sig, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// verify checks everything in the one signature of a document.
func verify(t testing.TB, src []byte, key crypto.PublicKey) error {
	t.Helper()
	d, err := xmltree.Parse(src, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSignature(find(t, d, "Signature"))
	if err != nil {
		return err
	}
	if err := s.CheckValue(key); err != nil {
		return err
	}
	for _, r := range s.References {
		if err := r.CheckTarget(); err != nil {
			return err
		}
	}
	return nil
}

func TestSignAndVerify(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"RSA": testRSA(), "ECDSA": testECDSA(t)} {
		out := signSample(t, key)
		if err := verify(t, out, key.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := verify(t, out, testECDSA(t).Public()); code(err) != CodeValue {
			t.Errorf("%s, with another key: %v", name, err)
		}
		for _, c := range []struct{ old, new, code string }{
			{">text", ">test", CodeDigest},
			{`z="1"`, `z="2"`, CodeDigest},
			{`xmlns:unused="urn:x"`, `xmlns:unused="urn:y"`, CodeDigest},
			{`Id="two"`, `Id="2"`, CodeReference},
			{`Id="three"`, `Id="two"`, CodeReference},
			{`URI="#one"`, `URI="#two"`, CodeValue},
			{"<!--in-->", "<!--out-->", ""}, // comments are never signed
		} {
			changed := strings.Replace(string(out), c.old, c.new, 1)
			if changed == string(out) {
				t.Fatalf("nothing to change: %s", c.old)
			}
			if err := verify(t, []byte(changed), key.Public()); code(err) != c.code {
				t.Errorf("%s, %s for %s: %v, want %s", name, c.new, c.old, err, c.code)
			}
		}
	}
}

// TestXmlsec1Verifies lets xmlsec1 check each reference and the value: it is
// the oracle for subtrees, prefix lists and forms without comments.
func TestXmlsec1Verifies(t *testing.T) {
	needTool(t, "xmlsec1")
	for name, key := range map[string]crypto.Signer{"rsa": testRSA(), "ecdsa": testECDSA(t)} {
		dir := t.TempDir()
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		pub, signed := filepath.Join(dir, "pub.pem"), filepath.Join(dir, "signed.xml")
		for path, content := range map[string][]byte{
			pub:    pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			signed: signSample(t, key),
		} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command("xmlsec1", "--verify", "--pubkey-pem", pub,
			"--id-attr:Id", "urn:a:t", "--id-attr:Id", "urn:d:t", signed).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "SignedInfo References (ok/all): 22/22") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestDetachedReference(t *testing.T) {
	key := testECDSA(t)
	content := []byte("any bytes\r\n\x00")
	digest := sha256.Sum256(content)
	doc := etree.NewDocument()
	sig := NewSignature("sig", ECDSASHA256, []ReferenceTo{{URI: "a%20b.xml", Digest: digest[:]}})
	doc.SetRoot(sig)
	out, err := Sign(doc, sig, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSignature(parse(t, string(out)).Root())
	if err != nil {
		t.Fatal(err)
	}
	r := s.References[0]
	if err := s.CheckValue(key.Public()); err != nil || r.URI != "a%20b.xml" {
		t.Errorf("%s: %v", r.URI, err)
	}
	if err := r.CheckBytes(content); err != nil {
		t.Error(err)
	}
	if err := r.CheckBytes(content[1:]); code(err) != CodeDigest {
		t.Errorf("other bytes: %v", err)
	}
	if err := r.CheckTarget(); code(err) != CodeReference {
		t.Errorf("as a reference within the document: %v", err)
	}
}

func TestSignRefusesWeakKeys(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AlgorithmFor(p384.Public()); code(err) != CodeUnsupported {
		t.Errorf("P-384: %v", err)
	}
	doc := etree.NewDocument()
	sig := NewSignature("sig", RSASHA256, []ReferenceTo{{URI: "x", Digest: []byte{1}}})
	doc.SetRoot(sig)
	if _, err := Sign(doc, sig, testECDSA(t), rand.Reader); code(err) != CodeUnsupported {
		t.Errorf("ECDSA key for an RSA signature: %v", err)
	}
}
