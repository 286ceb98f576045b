package xmltree

import (
	"fmt"
	"math"
)

// Codes of Error. They are stable.
const (
	CodeMalformed = "xml.malformed" // not well-formed
	CodeNamespace = "xml.namespace" // well-formed, but not with regard to namespaces
	CodeDTD       = "xml.dtd"       // a document type declaration
	CodeEntity    = "xml.entity"    // a reference to an entity that XML does not predefine
	CodeEncoding  = "xml.encoding"  // encoding not supported, or not the declared one
	CodeVersion   = "xml.version"   // an XML version other than 1.0
	CodeEmpty     = "xml.empty"     // no bytes, or white space only
	CodeTooLarge  = "xml.too_large" // more bytes, nodes, attributes or text than Limits allow
	CodeTooDeep   = "xml.too_deep"  // elements nested deeper than Limits allow
)

// Error says why a document was refused, and where. Parse stops at the first.
type Error struct {
	Code   string
	Line   int   // from 1
	Column int   // from 1, in characters
	Offset int64 // in the UTF-8 source, see Document.Source
	Msg    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Code, e.Line, e.Column, e.Msg)
}

// Limits bound what Parse accepts. A field that is zero or negative takes the
// value of DefaultLimits.
type Limits struct {
	Bytes      int64 // whole document, as received and as UTF-8; never more than 2 GiB
	Depth      int   // nested elements
	Nodes      int   // elements, texts, comments, processing instructions, attributes and namespace declarations together
	Attributes int   // attributes and namespace declarations of one element
	Text       int64 // bytes of one text, attribute value, comment or processing instruction
}

// DefaultLimits suit any business document: 100 MiB with attachments of up to
// 64 MiB in base64, nested 256 deep.
func DefaultLimits() Limits {
	return Limits{Bytes: 100 << 20, Depth: 256, Nodes: 5_000_000, Attributes: 256, Text: 64 << 20}
}

const (
	maxBytes = math.MaxInt32 // offsets are int32
	maxName  = 1000          // bytes of one name; names are kept in error messages and paths
)

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	if l.Nodes <= 0 {
		l.Nodes = d.Nodes
	}
	if l.Attributes <= 0 {
		l.Attributes = d.Attributes
	}
	if l.Text <= 0 {
		l.Text = d.Text
	}
	l.Bytes = min(l.Bytes, maxBytes)
	l.Nodes = min(l.Nodes, maxBytes)
	l.Attributes = min(l.Attributes, math.MaxUint16)
	return l
}
