package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facteur.dev/facteur/internal/signature"
)

const sealSuffix = ".xades"

// isSealed reports whether FILE is a document that a seal may stand beside, or
// such a seal.
func (c verifyCmd) isSealed(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	return c.Signature != "" || strings.HasSuffix(c.File, sealSuffix) || bytes.HasPrefix(text, []byte("<"))
}

// verifySeal verifies the detached signature of a document.
func (c verifyCmd) verifySeal(ctx *appContext, report *verified) error {
	report.Kind = "sealed document"
	documentPath, sealPath, err := c.sealedPair()
	if err != nil {
		return err
	}
	opts := signature.VerifyOptions{Now: ctx.Now()}
	if !c.At.IsZero() {
		opts.Now = c.At.Time
	}
	if c.Roots != "" {
		if opts.Roots, err = rootPool(c.Roots); err != nil {
			return err
		}
	}
	document, err := readFlagFile("document", documentPath)
	if err != nil {
		return err
	}
	seal, err := readFlagFile("signature", sealPath)
	if err != nil {
		return err
	}
	result, err := signature.Verify(seal, document, opts)
	if err != nil {
		report.Broken = brokenBy(err)
		return nil
	}
	describeSeal(report, result, documentPath, sealPath, document)
	return nil
}

func describeSeal(report *verified, result signature.Result, documentPath, sealPath string, document []byte) {
	name := ""
	if result.Name != filepath.Base(documentPath) {
		name = fmt.Sprintf(", sealed under the name %s", result.Name)
	}
	report.passed("document", "%s has the SHA-256 %x that was sealed%s", documentPath, sha256.Sum256(document), name)
	algorithm := result.Algorithm[strings.LastIndexAny(result.Algorithm, "#/")+1:]
	report.passed("seal", "%s: %s, an integrity seal, made %s by the signer's own clock", sealPath, algorithm, result.SigningTime.UTC().Format(time.RFC3339))
	subject, issuer := result.Certificate.Subject.String(), result.Certificate.Issuer.String()
	if result.Trusted {
		report.passed("signer", "%s, certified by %s", subject, issuer)
	} else {
		report.passed("signer", "%s, as the certificate itself says: give --roots to check who certified it", subject)
	}
}

// sealedPair finds the document and the seal that belong together.
func (c verifyCmd) sealedPair() (document, seal string, err error) {
	if base, ok := strings.CutSuffix(c.File, sealSuffix); ok && c.Signature == "" {
		document = c.Document
		if document == "" {
			document = firstFile(base, base+".xml")
		}
		if document == "" {
			return "", "", wanting("verify.no_document", "beside "+c.File+" there is no document; give --document")
		}
		return document, c.File, nil
	}
	seal = c.Signature
	if seal == "" {
		seal = firstFile(c.File+sealSuffix, strings.TrimSuffix(c.File, filepath.Ext(c.File))+sealSuffix)
	}
	if seal == "" {
		return "", "", wanting("verify.no_signature", "beside "+c.File+" there is no signature; give --signature")
	}
	return c.File, seal, nil
}

// firstFile returns the first of the paths that is a file.
func firstFile(paths ...string) string {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

func rootPool(path string) (*x509.CertPool, error) {
	data, err := readFlagFile("--roots", path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, usageError("verify.roots", "--roots: "+path+" holds no certificate in PEM", "")
	}
	return pool, nil
}

// moment is a day or an instant on the command line.
type moment struct{ time.Time }

// UnmarshalText reads 2026-11-22, which is the end of that day in UTC, or RFC 3339.
func (m *moment) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err == nil {
		m.Time = day.AddDate(0, 0, 1).Add(-time.Second)
		return nil
	}
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("expected a date such as 2026-11-22 or a time such as 2026-11-22T08:30:00Z")
	}
	return nil
}
