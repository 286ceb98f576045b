package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
)

// TestCorporaSignatures checks the signed documents of the corpora against the
// verdicts of javax.xml.crypto.
func TestCorporaSignatures(t *testing.T) {
	dir := corpora(t)
	f, err := os.Open(filepath.Join(dir, "_expected", "signature-core-validation.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]int{}
	for _, row := range rows[1:] {
		src, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		d, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			if row[1] != "error" {
				t.Errorf("%s: %v", row[0], err)
			}
			continue
		}
		verdicts[row[1]]++
		if err := checkCorpusSignature(t, d); (err == nil) != (row[1] == "valid") {
			t.Errorf("%s: %v, want %s", row[0], err, row[1])
		}
	}
	if verdicts["valid"] < 15 || verdicts["INVALID"] < 2 {
		t.Errorf("compared: %v", verdicts)
	}
	t.Logf("compared: %v", verdicts)
}

// checkCorpusSignature checks all references and the value of the one
// signature. The old SHA-1 signatures, which the package refuses, are hashed
// here: their canonical form is worth comparing.
func checkCorpusSignature(t *testing.T, d *xmltree.Document) error {
	t.Helper()
	s, err := ReadSignature(find(t, d, "Signature"))
	if err != nil {
		return err
	}
	holder := search(d, "X509Certificate")
	if !holder.Exists() {
		holder = search(d, "BinarySecurityToken")
	}
	der, err := Base64(holder)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	for i := range s.References {
		r := &s.References[i]
		err := r.CheckTarget()
		if r.Digest == Namespace+"sha1" {
			if code(err) != CodeUnsupported {
				t.Errorf("SHA-1 was not refused: %v", err)
			}
			err = checkSHA1(r)
		}
		if err != nil {
			return err
		}
	}
	err = s.CheckValue(cert.PublicKey)
	if s.Algorithm != Namespace+"rsa-sha1" {
		return err
	}
	if code(err) != CodeUnsupported {
		t.Errorf("SHA-1 was not refused: %v", err)
	}
	data, err := Canonical(s.SignedInfo, s.C14N, xmltree.Node{})
	if err != nil {
		return err
	}
	digest := sha1.Sum(data)
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, digest[:], s.Value)
}

func checkSHA1(r *Reference) error {
	target, err := r.Target()
	if err != nil {
		return err
	}
	data, err := r.transform(target)
	if err != nil {
		return err
	}
	if digest := sha1.Sum(data); !bytes.Equal(digest[:], r.Value) {
		return failf(CodeDigest, "SHA-1")
	}
	return nil
}

// TestEmbeddedDocuments takes the documents out of the test sets of the
// corpora: the inclusive form of an element is a document that stands alone
// and has the exclusive form of the element.
func TestEmbeddedDocuments(t *testing.T) {
	const testSets = "http://difi.no/xsd/vefa/validator/1.0"
	_, names, docs := corpusDocuments(t)
	taken := 0
	for _, name := range names {
		for test := range docs[name].Root().All(testSets, "test") {
			for n := range test.Children() {
				if n.Space() == testSets {
					continue
				}
				taken++
				alone := parse(t, canonical(t, n, Method{Algorithm: InclusiveC14N}))
				m := Method{Algorithm: ExclusiveC14N}
				if canonical(t, alone.Root(), m) != canonical(t, n, m) {
					t.Errorf("%s: %s changes when it stands alone", name, n.Path())
				}
			}
		}
	}
	if taken < 1000 {
		t.Errorf("only %d documents taken out", taken)
	}
	t.Logf("%d documents", taken)
}
