package signature

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"

	"facteur.dev/facteur/internal/xmldsig"
)

// XAdES names (EN 319 132-1).
const (
	xadesSpace         = "http://uri.etsi.org/01903/v1.3.2#"
	signedPropertiesAs = "http://uri.etsi.org/01903#SignedProperties"
	timeFormat         = "2006-01-02T15:04:05Z" // seconds are enough for a time that nobody attests
)

// Ids within a seal, which is a document of its own.
const (
	sealID       = "seal"
	documentID   = "document"
	propertiesID = "properties"
)

// SealOptions say what is sealed and when.
type SealOptions struct {
	Name        string // file name of the document, without folder
	MimeType    string // such as "application/xml"
	SigningTime time.Time
	Rand        io.Reader
}

// Seal signs the bytes of a document and answers the seal, an XML file of some
// kilobytes. The certificate must be valid at the signing time.
func Seal(id Identity, o SealOptions, content []byte) ([]byte, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkValidAt(id.Chain[0], o.SigningTime); err != nil {
		return nil, err
	}
	algorithm, err := xmldsig.AlgorithmFor(id.Signer.Public())
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	sig := xmldsig.NewSignature(sealID, algorithm, []xmldsig.ReferenceTo{
		{ID: documentID, URI: uriOf(o.Name), Digest: digest[:]},
		{Type: signedPropertiesAs, URI: "#" + propertiesID, Transforms: []xmldsig.Method{{Algorithm: xmldsig.ExclusiveC14N}}},
	})
	data := sig.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data")
	for _, c := range id.Chain {
		data.CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(c.Raw))
	}
	addProperties(sig, id, o)
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	doc.AddChild(sig)
	return xmldsig.Sign(doc, sig, id.Signer, o.Rand)
}

func (o SealOptions) check() error {
	if err := checkNames(o.Name, o.MimeType); err != nil {
		return err
	}
	if o.SigningTime.IsZero() || o.SigningTime.Year() > 9999 {
		return failf(CodeOptions, "no signing time")
	}
	if o.Rand == nil {
		return failf(CodeOptions, "no source of randomness")
	}
	return nil
}

// checkNames keeps file names with folders, and text that no page or log
// should show, out of a seal.
func checkNames(name, mimeType string) error {
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\\") || !printable(name) {
		return failf(CodeOptions, "%.80q is not the name of a file", name)
	}
	if mimeType == "" || len(mimeType) > 255 || !printable(mimeType) {
		return failf(CodeOptions, "%.80q is not a MIME type", mimeType)
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// uriOf is a file name as a relative URI. A colon in it is escaped, as what
// stands before it would be a scheme.
func uriOf(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), ":", "%3A")
}

func checkValidAt(c *x509.Certificate, at time.Time) error {
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return failf(CodeExpired, "the certificate of %s is valid from %s to %s, not at the signing time %s",
			c.Subject, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	return nil
}

// addProperties adds the object with the properties that XAdES baseline-B has
// signed along: time, certificate and type of the document.
func addProperties(sig *etree.Element, id Identity, o SealOptions) {
	qualifying := sig.CreateElement("ds:Object").CreateElement("xades:QualifyingProperties")
	qualifying.CreateAttr("xmlns:xades", xadesSpace)
	qualifying.CreateAttr("Target", "#"+sealID)
	signed := qualifying.CreateElement("xades:SignedProperties")
	signed.CreateAttr("Id", propertiesID)
	s := signed.CreateElement("xades:SignedSignatureProperties")
	s.CreateElement("xades:SigningTime").SetText(o.SigningTime.UTC().Format(timeFormat))
	digest := sha256.Sum256(id.Chain[0].Raw)
	cert := s.CreateElement("xades:SigningCertificateV2").CreateElement("xades:Cert")
	xmldsig.CreateDigest(cert.CreateElement("xades:CertDigest"), digest[:])
	format := signed.CreateElement("xades:SignedDataObjectProperties").CreateElement("xades:DataObjectFormat")
	format.CreateAttr("ObjectReference", "#"+documentID)
	format.CreateElement("xades:MimeType").SetText(o.MimeType)
}
