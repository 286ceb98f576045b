package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"facteur.dev/facteur/internal/xmldsig"
)

// Identity is a key and the certificates that vouch for it.
type Identity struct {
	Signer crypto.Signer
	Chain  []*x509.Certificate // the key's own certificate first, then its issuers
}

// maxPKCS12 is more than any key with its chain takes.
const maxPKCS12 = 1 << 20

// LoadPKCS12 reads a key and its certificates from a PKCS#12 file. The key must
// be RSA of at least 2048 bits or ECDSA on P-256. Fails with CodeKey, or with
// CodeCertificate when no certificate in the file is the key's.
func LoadPKCS12(data []byte, password string) (Identity, error) {
	if len(data) > maxPKCS12 {
		return Identity{}, failf(CodeKey, "PKCS#12 file of %d bytes", len(data))
	}
	key, first, rest, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return Identity{}, wrap(CodeKey, "the password of the PKCS#12 file is wrong", err)
	}
	if err != nil {
		return Identity{}, wrap(CodeKey, "the PKCS#12 file could not be read", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Identity{}, failf(CodeKey, "the key in the PKCS#12 file cannot sign")
	}
	id := Identity{Signer: signer, Chain: order(signer, append([]*x509.Certificate{first}, rest...))}
	return id, id.check()
}

// order puts the key's certificate first and each issuer after what it issued;
// certificates that lead nowhere are left out.
func order(signer crypto.Signer, certs []*x509.Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for i, c := range certs {
		if samePublicKey(c.PublicKey, signer.Public()) {
			chain = append(chain, c)
			certs = append(certs[:i:i], certs[i+1:]...)
			break
		}
	}
	for len(chain) > 0 && len(certs) > 0 {
		last, found := chain[len(chain)-1], false
		for i, c := range certs {
			if bytes.Equal(last.RawIssuer, c.RawSubject) && last.CheckSignatureFrom(c) == nil {
				chain, certs, found = append(chain, c), append(certs[:i:i], certs[i+1:]...), true
				break
			}
		}
		if !found {
			break
		}
	}
	return chain
}

func samePublicKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// check refuses an identity that could not make a seal.
func (id Identity) check() error {
	switch {
	case id.Signer == nil:
		return failf(CodeKey, "no key")
	case len(id.Chain) == 0 || !samePublicKey(id.Chain[0].PublicKey, id.Signer.Public()):
		return failf(CodeCertificate, "no certificate for the key")
	}
	if _, err := xmldsig.AlgorithmFor(id.Signer.Public()); err != nil {
		return err
	}
	return checkUsage(id.Chain[0])
}

// checkUsage refuses certificates whose key usage does not allow to sign data.
func checkUsage(c *x509.Certificate) error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return failf(CodeUsage, "the certificate of %s is not for signing", c.Subject)
	}
	return nil
}

// PKCS12 writes the identity as a PKCS#12 file (AES-256, SHA-256), to be read
// by LoadPKCS12. The key must be in memory.
func (id Identity) PKCS12(password string) ([]byte, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	data, err := pkcs12.Modern.Encode(id.Signer, id.Chain[0], id.Chain[1:], password)
	if err != nil {
		return nil, wrap(CodeKey, "the key cannot be written as PKCS#12", err)
	}
	return data, nil
}

// NewTestIdentity makes an ECDSA key with a certificate for the subject's
// common name, and a certificate authority that issued it and is thrown away:
// the root, which is also the last of the chain. It is for tests and
// demonstrations; nobody else will trust it.
func NewTestIdentity(rand io.Reader, subject string, notBefore, notAfter time.Time) (id Identity, root *x509.Certificate, err error) {
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return id, nil, wrap(CodeKey, "no key could be made", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return id, nil, wrap(CodeKey, "no key could be made", err)
	}
	caTemplate := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Throw-away test CA", Organization: []string{"Facteur"}},
		NotBefore: notBefore, NotAfter: notAfter, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if root, err = issue(rand, caTemplate, caTemplate, authority.Public(), authority); err != nil {
		return id, nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: subject}, NotBefore: notBefore, NotAfter: notAfter,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	leaf, err := issue(rand, template, root, key.Public(), authority)
	if err != nil {
		return id, nil, err
	}
	return Identity{Signer: key, Chain: []*x509.Certificate{leaf, root}}, root, nil
}

func issue(rand io.Reader, template, parent *x509.Certificate, key crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand, template, parent, key, signer)
	if err != nil {
		return nil, wrap(CodeKey, "no certificate could be made", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, wrap(CodeKey, "no certificate could be made", err)
	}
	return c, nil
}
