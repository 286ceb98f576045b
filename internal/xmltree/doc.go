// Package xmltree is the one XML reader of the product: it turns the bytes of
// a document into a compact, read-only tree that keeps prefixes, namespace
// declarations, byte offsets and lines.
//
// It follows XML 1.0 (fifth edition) and Namespaces in XML 1.0 (third edition)
// and accepts a document only when it is namespace-well-formed. It is narrower
// than the specifications where they invite attacks or ambiguity:
//
//   - a document type declaration is refused, so there are no entities but the
//     five predefined ones and character references, and no default attributes;
//   - nothing outside the given bytes is ever read;
//   - version 1.0 only; encodings UTF-8, UTF-16 (with byte order mark),
//     ISO-8859-1, ISO-8859-15, windows-1252 and US-ASCII, and the declared
//     encoding must be the actual one;
//   - size, depth, number of nodes, attributes per element and length of text
//     are limited, and a limit is checked before memory is spent on what
//     exceeds it.
//
// The tree is that of the XPath 1.0 data model: a CDATA section is text, and
// adjacent text is one node. White space is kept.
//
// The reader has its own scanner instead of encoding/xml's RawToken, which
// cannot carry these promises: it builds a whole token before a limit can be
// checked, does not tell a literal line break in an attribute value from a
// character reference, accepts ill-formed input (attributes that nothing
// separates, references to surrogates, "<a:>", unchecked characters in
// comments) and refuses names of the fifth edition. The tests hold the scanner
// against both libxml2 and encoding/xml.
package xmltree
