package xmldsig

import (
	"crypto"
	"encoding/base64"
	"io"
	"strings"

	"github.com/beevik/etree"

	"facteur.dev/facteur/internal/xmltree"
)

// ReferenceTo describes a reference to be signed.
type ReferenceTo struct {
	ID, URI, Type string
	Transforms    []Method
	Digest        []byte // SHA-256 of the content; Sign itself fills in that of a target in the document
}

// placeholder stands for a value that Sign fills in.
var placeholder = []byte{0}

// NewSignature is a ds:Signature without values: SignedInfo with references,
// exclusive canonicalization and SHA-256, and a place for the SignatureValue.
// Put it into the document, add KeyInfo and Object, then call Sign.
func NewSignature(id, algorithm string, refs []ReferenceTo) *etree.Element {
	sig := etree.NewElement("ds:Signature")
	sig.CreateAttr("xmlns:ds", Namespace)
	sig.CreateAttr("Id", id)
	info := sig.CreateElement("ds:SignedInfo")
	createMethod(info, "ds:CanonicalizationMethod", Method{Algorithm: ExclusiveC14N})
	createMethod(info, "ds:SignatureMethod", Method{Algorithm: algorithm})
	for _, r := range refs {
		ref := info.CreateElement("ds:Reference")
		for _, a := range []struct{ name, value string }{{"Id", r.ID}, {"Type", r.Type}} {
			if a.value != "" {
				ref.CreateAttr(a.name, a.value)
			}
		}
		ref.CreateAttr("URI", r.URI)
		if len(r.Transforms) > 0 {
			list := ref.CreateElement("ds:Transforms")
			for _, t := range r.Transforms {
				createMethod(list, "ds:Transform", t)
			}
		}
		digest := r.Digest
		if digest == nil {
			digest = placeholder
		}
		CreateDigest(ref, digest)
	}
	setBase64(sig.CreateElement("ds:SignatureValue"), placeholder)
	return sig
}

func createMethod(parent *etree.Element, name string, m Method) {
	e := parent.CreateElement(name)
	e.CreateAttr("Algorithm", m.Algorithm)
	if len(m.Prefixes) > 0 {
		list := e.CreateElement("ec:InclusiveNamespaces")
		list.CreateAttr("xmlns:ec", ExclusiveC14N)
		list.CreateAttr("PrefixList", strings.Join(m.Prefixes, " "))
	}
}

// CreateDigest adds ds:DigestMethod (SHA-256) and ds:DigestValue.
func CreateDigest(parent *etree.Element, digest []byte) {
	createMethod(parent, "ds:DigestMethod", Method{Algorithm: SHA256})
	parent.CreateElement("ds:DigestValue").SetText(base64.StdEncoding.EncodeToString(digest))
}

// Sign completes the signature sig, which stands in doc, and answers the
// document's bytes: it fills in the digests of same-document references, then
// signs with the algorithm that the signature names. What is hashed and signed
// is read from the written bytes by the same reader that will verify them.
func Sign(doc *etree.Document, sig *etree.Element, signer crypto.Signer, rand io.Reader) ([]byte, error) {
	s, err := reread(doc, sig)
	if err != nil {
		return nil, err
	}
	if a, err := AlgorithmFor(signer.Public()); err != nil || a != s.Algorithm {
		return nil, failf(CodeUnsupported, "the key cannot sign as %s", s.Algorithm)
	}
	refs := sig.FindElements("ds:SignedInfo/ds:Reference")
	for i := range s.References {
		r := &s.References[i]
		if r.URI != "" && r.URI[0] != '#' {
			continue
		}
		target, err := r.Target()
		if err != nil {
			return nil, err
		}
		data, err := r.transform(target)
		if err != nil {
			return nil, err
		}
		setBase64(refs[i].SelectElement("ds:DigestValue"), sum(crypto.SHA256, data))
	}
	if s, err = reread(doc, sig); err != nil {
		return nil, err
	}
	data, err := Canonical(s.SignedInfo, s.C14N, xmltree.Node{})
	if err != nil {
		return nil, err
	}
	value, err := signBytes(s.Algorithm, signer, rand, data)
	if err != nil {
		return nil, &Error{Code: CodeKey, Message: "the key did not sign", Retryable: true, Err: err}
	}
	setBase64(sig.SelectElement("ds:SignatureValue"), value)
	return write(doc)
}

func setBase64(e *etree.Element, value []byte) {
	e.SetText(base64.StdEncoding.EncodeToString(value))
}

func write(doc *etree.Document) ([]byte, error) {
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	return doc.WriteToBytes()
}

// reread reads the signature from the document as it would be written now.
func reread(doc *etree.Document, sig *etree.Element) (*Signature, error) {
	out, err := write(doc)
	if err != nil {
		return nil, err
	}
	d, err := xmltree.Parse(out, xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	n, err := ByID(d, sig.SelectAttrValue("Id", ""))
	if err != nil {
		return nil, err
	}
	return ReadSignature(n)
}
