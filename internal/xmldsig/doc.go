// Package xmldsig is the canonical form of XML and the core of XML signatures:
// what a signature covers, and whether it holds.
//
// It implements Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, each
// with and without comments, over trees of package xmltree, and of XML
// Signature Syntax and Processing 1.1 the parts that XAdES and WS-Security
// build upon: references to the whole document, to an element by its id, and
// to bytes outside; the enveloped-signature transform; RSA and ECDSA with
// SHA-256, SHA-384 and SHA-512. Everything else (SHA-1, HMAC, XPath, XSLT,
// XPointer, manifests, unknown elements) is refused by name, never passed over.
//
// Whoever verifies must ask what was verified: Reference.Target answers the
// very node whose canonical form was hashed, and only that node may be read.
package xmldsig
