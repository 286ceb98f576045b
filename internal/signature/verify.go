package signature

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"time"

	"facteur.dev/facteur/internal/xmldsig"
	"facteur.dev/facteur/internal/xmltree"
)

// VerifyOptions say whom to trust, and when.
type VerifyOptions struct {
	// Roots are the authorities that the certificate must lead to. Without them
	// the chain is not checked, and Result.Trusted is false.
	Roots *x509.CertPool
	// Now is the time at which the chain must be valid and before which the seal
	// must have been made: the present, or an earlier time for which there is
	// proof that the seal existed. It is needed.
	Now time.Time
}

// Result is what a seal that holds says.
type Result struct {
	Name        string // of the document's file
	MimeType    string
	SigningTime time.Time // as the signer claims
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // from the certificate to the root, when Trusted
	Trusted     bool                // whether the chain was checked
	Algorithm   string              // of the signature, as a URI
}

// sealLimits are far above any seal.
var sealLimits = xmltree.Limits{Bytes: 1 << 20, Depth: 32, Nodes: 10_000, Attributes: 32, Text: 256 << 10}

// clockSkew is how far the signer's clock may run ahead.
const clockSkew = 5 * time.Minute

const maxCertificates = 16

// Verify checks that the seal holds for the bytes of the document. It answers
// with the first failure, in this order: form, certificate, signature value,
// signed properties, document, times, chain of certificates.
func Verify(sig []byte, content []byte, o VerifyOptions) (Result, error) {
	if o.Now.IsZero() {
		return Result{}, failf(CodeOptions, "no time to verify at")
	}
	s, err := readSeal(sig)
	if err != nil {
		return Result{}, err
	}
	r := Result{MimeType: s.mimeType, SigningTime: s.signingTime, Algorithm: s.Algorithm}
	if r.Name, err = s.name(); err != nil {
		return Result{}, err
	}
	if r.Certificate, err = s.certificate(); err != nil {
		return Result{}, err
	}
	if err := s.check(r.Certificate, content); err != nil {
		return Result{}, err
	}
	if s.signingTime.After(o.Now.Add(clockSkew)) {
		return Result{}, failf(CodeTime, "signed at %s, which is yet to come", s.signingTime.Format(time.RFC3339))
	}
	if err := checkValidAt(r.Certificate, s.signingTime); err != nil {
		return Result{}, err
	}
	if o.Roots != nil {
		if r.Chain, err = s.chain(r.Certificate, o); err != nil {
			return Result{}, err
		}
		r.Trusted = true
	}
	return r, nil
}

// seal is a signature in the form that Seal gives it.
type seal struct {
	*xmldsig.Signature
	document   *xmldsig.Reference // to the sealed document
	properties *xmldsig.Reference // to the signed properties
	certs      []*x509.Certificate

	signingTime time.Time
	mimeType    string
	certDigest  xmltree.Node // xades:CertDigest
}

func readSeal(src []byte) (*seal, error) {
	d, err := xmltree.Parse(src, sealLimits)
	if bad := (*xmltree.Error)(nil); errors.As(err, &bad) && bad.Code == xmltree.CodeEmpty {
		return nil, wrap(CodeNotFound, "there is no signature", err)
	}
	if err != nil {
		return nil, wrap(CodeMalformed, "the signature is not XML as it should be", err)
	}
	if !d.Root().Is(xmldsig.Namespace, "Signature") {
		return nil, failf(CodeNotFound, "%s is no signature", d.Root().QName())
	}
	s := &seal{}
	if s.Signature, err = xmldsig.ReadSignature(d.Root()); err != nil {
		return nil, err
	}
	if err := s.readReferences(); err != nil {
		return nil, err
	}
	if err := s.readKeyInfo(); err != nil {
		return nil, err
	}
	return s, s.readProperties()
}

// readReferences finds the two references of a seal.
func (s *seal) readReferences() error {
	for i := range s.References {
		r := &s.References[i]
		switch {
		case r.Type == signedPropertiesAs && s.properties == nil:
			s.properties = r
		case r.Type == "" && s.document == nil && r.URI != "" && r.URI[0] != '#':
			s.document = r
		default:
			return failf(CodeReference, "unexpected reference to %.80q", r.URI)
		}
	}
	if s.properties == nil || s.document == nil {
		return failf(CodeReference, "a seal refers to one document and to its own properties")
	}
	return nil
}

func (s *seal) readKeyInfo() error {
	data, err := only(s.KeyInfo, xmldsig.Namespace, "X509Data")
	if err != nil {
		return err
	}
	for n := range data.Children() {
		if !n.Is(xmldsig.Namespace, "X509Certificate") || len(s.certs) == maxCertificates {
			return failf(CodeUnsupported, "unexpected %s in the key information", n.QName())
		}
		der, err := xmldsig.Base64(n)
		if err != nil {
			return err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return wrap(CodeMalformed, "a certificate cannot be read", err)
		}
		s.certs = append(s.certs, c)
	}
	return nil
}

// readProperties reads the signed properties from the very element that the
// reference covers.
func (s *seal) readProperties() error {
	if len(s.Objects) != 1 {
		return failf(CodeMalformed, "%d objects in the seal, not one", len(s.Objects))
	}
	qualifying, err := only(s.Objects[0], xadesSpace, "QualifyingProperties")
	if err != nil {
		return err
	}
	if id, _ := s.Node.Attr("", "Id"); id == "" || !hasAttr(qualifying, "Target", "#"+id) {
		return failf(CodeMalformed, "the properties are of another signature")
	}
	signed, err := only(qualifying, xadesSpace, "SignedProperties")
	if err != nil {
		return err
	}
	if target, err := s.properties.Target(); err != nil || target != signed {
		return failf(CodeReference, "the properties are not what is signed")
	}
	parts, err := exactly(signed, "SignedSignatureProperties", "SignedDataObjectProperties")
	if err != nil {
		return err
	}
	return s.readParts(parts[0], parts[1])
}

func (s *seal) readParts(signature, data xmltree.Node) error {
	parts, err := exactly(signature, "SigningTime", "SigningCertificateV2")
	if err != nil {
		return err
	}
	if s.signingTime, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(parts[0].Text())); err != nil {
		return wrap(CodeMalformed, "the signing time is none", err)
	}
	cert, err := only(parts[1], xadesSpace, "Cert")
	if err != nil {
		return err
	}
	s.certDigest = cert.Child(xadesSpace, "CertDigest")
	format, err := only(data, xadesSpace, "DataObjectFormat")
	if err != nil {
		return err
	}
	if s.document.ID == "" || !hasAttr(format, "ObjectReference", "#"+s.document.ID) {
		return failf(CodeMalformed, "the type is of another document")
	}
	mime, err := only(format, xadesSpace, "MimeType")
	if err != nil {
		return err
	}
	s.mimeType = mime.Text()
	return nil
}

func hasAttr(n xmltree.Node, name, value string) bool {
	v, ok := n.Attr("", name)
	return ok && v == value
}

// only is the only child element, which must have that name.
func only(n xmltree.Node, space, local string) (xmltree.Node, error) {
	var found xmltree.Node
	for c := range n.Children() {
		if found.Exists() || !c.Is(space, local) {
			return xmltree.Node{}, failf(CodeUnsupported, "unexpected %s in %s", c.QName(), n.QName())
		}
		found = c
	}
	if !found.Exists() {
		return found, failf(CodeMalformed, "no %s in the seal", local)
	}
	return found, nil
}

// exactly are the child elements, which must have these XAdES names in this order.
func exactly(n xmltree.Node, locals ...string) ([]xmltree.Node, error) {
	var nodes []xmltree.Node
	for c := range n.Children() {
		if len(nodes) == len(locals) || !c.Is(xadesSpace, locals[len(nodes)]) {
			return nil, failf(CodeUnsupported, "unexpected %s in %s", c.QName(), n.QName())
		}
		nodes = append(nodes, c)
	}
	if len(nodes) < len(locals) {
		return nil, failf(CodeMalformed, "no %s in the seal", locals[len(nodes)])
	}
	return nodes, nil
}

// certificate is the one in the key information that the properties name.
func (s *seal) certificate() (*x509.Certificate, error) {
	algorithm, _ := s.certDigest.Child(xmldsig.Namespace, "DigestMethod").Attr("", "Algorithm")
	want, err := xmldsig.Base64(s.certDigest.Child(xmldsig.Namespace, "DigestValue"))
	if err != nil {
		return nil, err
	}
	for _, c := range s.certs {
		digest, err := xmldsig.Digest(algorithm, c.Raw)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(digest, want) {
			return c, checkUsage(c)
		}
	}
	return nil, failf(CodeCertificate, "the certificate in the seal is not the one that it was signed with")
}

// check checks the value, then the properties, then the document.
func (s *seal) check(c *x509.Certificate, content []byte) error {
	if err := s.CheckValue(c.PublicKey); err != nil {
		return err
	}
	if err := s.properties.CheckTarget(); err != nil {
		return wrap(CodeProperties, "the properties in the seal were changed", err)
	}
	return s.document.CheckBytes(content)
}

func (s *seal) chain(c *x509.Certificate, o VerifyOptions) ([]*x509.Certificate, error) {
	intermediates := x509.NewCertPool()
	for _, i := range s.certs {
		intermediates.AddCert(i)
	}
	chains, err := c.Verify(x509.VerifyOptions{
		Roots: o.Roots, Intermediates: intermediates, CurrentTime: o.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		return chains[0], nil
	}
	if expired(err) {
		return nil, wrap(CodeExpired, "a certificate of the chain is not valid at "+o.Now.Format(time.DateOnly), err)
	}
	return nil, wrap(CodeUntrusted, "the certificate of "+c.Subject.String()+" leads to no trusted authority", err)
}

func expired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// name is the file name that the document's URI stands for.
func (s *seal) name() (string, error) {
	name, err := url.PathUnescape(s.document.URI)
	if err != nil || uriOf(name) != s.document.URI {
		return "", failf(CodeReference, "%.80q is not the name of a file", s.document.URI)
	}
	if err := checkNames(name, s.mimeType); err != nil {
		return "", wrap(CodeMalformed, "the seal names no file", err)
	}
	return name, nil
}
