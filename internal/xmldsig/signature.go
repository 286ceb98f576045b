package xmldsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"strings"

	"facteur.dev/facteur/internal/xmltree"
)

// Namespace is the namespace of XML signatures.
const Namespace = "http://www.w3.org/2000/09/xmldsig#"

// EnvelopedSignature is the transform that leaves out the signature itself.
const EnvelopedSignature = Namespace + "enveloped-signature"

const (
	maxReferences = 64
	maxTransforms = 4
)

// Signature is a ds:Signature as read. Reading checks its form, nothing else.
type Signature struct {
	Node       xmltree.Node
	SignedInfo xmltree.Node
	C14N       Method // of SignedInfo
	Algorithm  string
	References []Reference
	Value      []byte
	KeyInfo    xmltree.Node   // may be absent
	Objects    []xmltree.Node // ds:Object
}

// Reference is a ds:Reference.
type Reference struct {
	Node       xmltree.Node
	ID         string
	URI        string
	HasURI     bool
	Type       string
	Transforms []Transform
	Digest     string // algorithm
	Value      []byte // the digest that was signed
	signature  xmltree.Node
}

// Transform is a ds:Transform. Of those that are not a canonicalization only
// Algorithm is read; their content stays in Node.
type Transform struct {
	Node xmltree.Node
	Method
}

// ReadSignature reads a ds:Signature element. What is not in the schema of XML
// signatures, or not at its place, fails with CodeMalformed.
func ReadSignature(n xmltree.Node) (*Signature, error) {
	if !n.Is(Namespace, "Signature") {
		return nil, failf(CodeMalformed, "no ds:Signature")
	}
	s := &Signature{Node: n}
	r := children(n)
	s.SignedInfo = r.one("SignedInfo")
	value := r.one("SignatureValue")
	s.KeyInfo = r.optional("KeyInfo")
	for o := r.optional("Object"); o.Exists(); o = r.optional("Object") {
		s.Objects = append(s.Objects, o)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	var err error
	if s.Value, err = Base64(value); err != nil {
		return nil, err
	}
	return s, s.readSignedInfo()
}

func (s *Signature) readSignedInfo() error {
	r := children(s.SignedInfo)
	c14n, method := r.one("CanonicalizationMethod"), r.one("SignatureMethod")
	var refs []xmltree.Node
	for n := r.optional("Reference"); n.Exists(); n = r.optional("Reference") {
		refs = append(refs, n)
	}
	if err := r.end(); err != nil {
		return err
	}
	var err error
	if s.C14N, err = readMethod(c14n); err != nil {
		return err
	}
	if s.Algorithm, err = algorithm(method); err != nil {
		return err
	}
	if hasElements(method) {
		return failf(CodeUnsupported, "parameters of a signature algorithm")
	}
	if len(refs) == 0 || len(refs) > maxReferences {
		return failf(CodeMalformed, "%d references", len(refs))
	}
	for _, n := range refs {
		ref, err := readReference(n)
		if err != nil {
			return err
		}
		ref.signature = s.Node
		s.References = append(s.References, ref)
	}
	return nil
}

func readReference(n xmltree.Node) (Reference, error) {
	ref := Reference{Node: n}
	ref.ID, _ = n.Attr("", "Id")
	ref.URI, ref.HasURI = n.Attr("", "URI")
	ref.Type, _ = n.Attr("", "Type")
	r := children(n)
	transforms, method, value := r.optional("Transforms"), r.one("DigestMethod"), r.one("DigestValue")
	if err := r.end(); err != nil {
		return ref, err
	}
	var err error
	if ref.Digest, err = algorithm(method); err != nil {
		return ref, err
	}
	if ref.Value, err = Base64(value); err != nil {
		return ref, err
	}
	r = children(transforms)
	for t := r.optional("Transform"); t.Exists(); t = r.optional("Transform") {
		m, err := readMethod(t)
		if err != nil {
			return ref, err
		}
		ref.Transforms = append(ref.Transforms, Transform{t, m})
	}
	if err := r.end(); err != nil {
		return ref, err
	}
	if len(ref.Transforms) > maxTransforms {
		return ref, failf(CodeMalformed, "%d transforms", len(ref.Transforms))
	}
	return ref, nil
}

// readMethod reads an Algorithm attribute and, inside of an exclusive
// canonicalization, the prefix list.
func readMethod(n xmltree.Node) (Method, error) {
	a, err := algorithm(n)
	m := Method{Algorithm: a}
	if err != nil {
		return m, err
	}
	switch a {
	case ExclusiveC14N, ExclusiveC14NWithComments:
		for c := range n.Children() {
			list, ok := c.Attr("", "PrefixList")
			if !c.Is(ExclusiveC14N, "InclusiveNamespaces") || !ok || m.Prefixes != nil {
				return m, failf(CodeMalformed, "unexpected %s in a canonicalization", c.QName())
			}
			m.Prefixes = append([]string{}, strings.Fields(list)...)
		}
	case InclusiveC14N, InclusiveC14NWithComments, EnvelopedSignature:
		if hasElements(n) {
			return m, failf(CodeMalformed, "parameters of an algorithm that has none")
		}
	}
	return m, nil
}

func algorithm(n xmltree.Node) (string, error) {
	a, ok := n.Attr("", "Algorithm")
	if !ok {
		return "", failf(CodeMalformed, "%s without Algorithm", n.QName())
	}
	return a, nil
}

// CheckValue checks the signature value with the key. It does not look at what
// the references refer to.
func (s *Signature) CheckValue(key crypto.PublicKey) error {
	data, err := Canonical(s.SignedInfo, s.C14N, xmltree.Node{})
	if err != nil {
		return err
	}
	return verifyBytes(s.Algorithm, key, data, s.Value)
}

// Target is the node that a same-document reference covers: the document node
// for URI "", or the one element with the id for "#id". Ids are the attributes
// Id, ID, id, wsu:Id and xml:id; when two elements have the same, none is the
// target, as an attacker may have added one.
func (r *Reference) Target() (xmltree.Node, error) {
	d := r.Node.Document()
	if r.HasURI && r.URI == "" {
		return d.Node(0), nil
	}
	id, ok := strings.CutPrefix(r.URI, "#")
	if !ok || id == "" || strings.HasPrefix(id, "xpointer(") {
		return xmltree.Node{}, failf(CodeReference, "%.80q is no reference within the document", r.URI)
	}
	return ByID(d, id)
}

// CheckTarget checks that the target's canonical form has the signed digest.
func (r *Reference) CheckTarget() error {
	target, err := r.Target()
	if err != nil {
		return err
	}
	data, err := r.transform(target)
	if err != nil {
		return err
	}
	return r.check(data)
}

// CheckBytes checks that bytes outside of the document have the signed digest.
// The reference must have no transforms.
func (r *Reference) CheckBytes(content []byte) error {
	if len(r.Transforms) > 0 {
		return failf(CodeUnsupported, "transform %q of bytes", r.Transforms[0].Algorithm)
	}
	return r.check(content)
}

func (r *Reference) check(data []byte) error {
	digest, err := Digest(r.Digest, data)
	if err != nil {
		return err
	}
	if !bytes.Equal(digest, r.Value) {
		return failf(CodeDigest, "what %.80q refers to was changed", r.URI)
	}
	return nil
}

// transform is the canonical form of the target as the transforms say: an
// enveloped-signature transform first or not at all, and one canonicalization
// last or the default. A same-document reference leaves comments out whatever
// the canonicalization says (XML Signature 1.1, 4.4.3.3).
func (r *Reference) transform(target xmltree.Node) ([]byte, error) {
	m := Method{Algorithm: InclusiveC14N}
	var omit xmltree.Node
	for i, t := range r.Transforms {
		switch t.Algorithm {
		case EnvelopedSignature:
			if i > 0 {
				return nil, failf(CodeUnsupported, "enveloped-signature after another transform")
			}
			omit = r.signature
		case InclusiveC14N, InclusiveC14NWithComments, ExclusiveC14N, ExclusiveC14NWithComments:
			if i < len(r.Transforms)-1 {
				return nil, failf(CodeUnsupported, "transform after a canonicalization")
			}
			m = t.Method
			m.Algorithm = withoutComments(m.Algorithm)
		default:
			return nil, failf(CodeUnsupported, "transform %q", t.Algorithm)
		}
	}
	return Canonical(target, m, omit)
}

func withoutComments(algorithm string) string {
	switch algorithm {
	case InclusiveC14NWithComments:
		return InclusiveC14N
	case ExclusiveC14NWithComments:
		return ExclusiveC14N
	}
	return algorithm
}

const wsuSpace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

// ByID is the one element with the id, see Reference.Target.
func ByID(d *xmltree.Document, id string) (xmltree.Node, error) {
	var found xmltree.Node
	for n := range d.Node(0).Descendants() {
		if !hasID(n, id) {
			continue
		}
		if found.Exists() {
			return xmltree.Node{}, failf(CodeReference, "two elements have the id %.80q", id)
		}
		found = n
	}
	if !found.Exists() {
		return found, failf(CodeReference, "no element has the id %.80q", id)
	}
	return found, nil
}

func hasID(n xmltree.Node, id string) bool {
	for _, a := range n.Attrs() {
		if a.Value != id {
			continue
		}
		switch {
		case a.Space == "" && strings.EqualFold(a.Local, "id"):
			return true
		case a.Space == wsuSpace && a.Local == "Id", a.Space == xmlSpace && a.Local == "id":
			return true
		}
	}
	return false
}

// Base64 is the content of an element in base64. White space is allowed,
// anything else that a decoder could pass over is not.
func Base64(n xmltree.Node) ([]byte, error) {
	if hasElements(n) {
		return nil, failf(CodeMalformed, "elements in %s", n.QName())
	}
	text := strings.Join(strings.Fields(n.Text()), "")
	v, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(v) == 0 {
		return nil, failf(CodeMalformed, "%s is not base64", n.QName())
	}
	return v, nil
}

func hasElements(n xmltree.Node) bool {
	for range n.Children() {
		return true
	}
	return false
}

// reader takes the child elements of a ds: element in order.
type reader struct {
	parent xmltree.Node
	nodes  []xmltree.Node
	err    error
}

func children(n xmltree.Node) *reader {
	r := &reader{parent: n}
	for c := range n.Nodes() {
		switch {
		case c.Kind() == xmltree.Element:
			r.nodes = append(r.nodes, c)
		case c.Kind() == xmltree.Text && strings.TrimSpace(c.Value()) != "":
			r.err = failf(CodeMalformed, "text in %s", n.QName())
		}
	}
	return r
}

func (r *reader) optional(local string) xmltree.Node {
	if len(r.nodes) == 0 || !r.nodes[0].Is(Namespace, local) {
		return xmltree.Node{}
	}
	n := r.nodes[0]
	r.nodes = r.nodes[1:]
	return n
}

func (r *reader) one(local string) xmltree.Node {
	n := r.optional(local)
	if !n.Exists() && r.err == nil {
		r.err = failf(CodeMalformed, "no ds:%s where it belongs in %s", local, r.parent.QName())
	}
	return n
}

func (r *reader) end() error {
	if r.err == nil && len(r.nodes) > 0 {
		r.err = failf(CodeMalformed, "unexpected %s in %s", r.nodes[0].QName(), r.parent.QName())
	}
	return r.err
}
