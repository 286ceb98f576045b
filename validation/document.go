package validation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"facteur.dev/facteur/internal/xmltree"
)

// Document is a document as read once, ready to be checked by many stages at
// the same time. Parse makes it; its fields must not be changed afterwards.
type Document struct {
	Bytes  []byte // as received, never changed
	SHA256 string // hex digest of Bytes
	Identity

	tree *xmltree.Document
}

// SyntaxError says why the reader refused a document, and where.
type SyntaxError struct {
	Code         string // "xml.malformed", "xml.dtd", "xml.too_large", …
	Line, Column int
	Message      string // one line, safe to show
}

// Error returns code, place and message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Code, e.Line, e.Column, e.Message)
}

// Parse reads an XML document and finds out what it is. It keeps src, which
// must not change any more. A document that is not well-formed, carries a DTD
// or exceeds the reader's limits is a *SyntaxError.
func Parse(src []byte) (*Document, error) {
	tree, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		var x *xmltree.Error
		if errors.As(err, &x) {
			return nil, &SyntaxError{Code: x.Code, Line: x.Line, Column: x.Column, Message: x.Msg}
		}
		return nil, &SyntaxError{Code: xmltree.CodeMalformed, Message: err.Error()}
	}
	return &Document{Bytes: src, SHA256: digest(src), Identity: identify(tree.Root()), tree: tree}, nil
}

// Refused returns the result for bytes that Parse refused: one verdict of stage
// "xml" with one fatal finding.
func Refused(src []byte, err error) Result {
	f := Finding{Rule: xmltree.CodeMalformed, Severity: SeverityFatal, Message: err.Error()}
	var s *SyntaxError
	if errors.As(err, &s) {
		f.Rule, f.Line, f.Column, f.Message = s.Code, s.Line, s.Column, s.Message
	}
	rs := RuleSet{Stage: StageXML, ID: "xml", Version: "1.0"}
	return Result{SHA256: digest(src), Document: Identity{Syntax: SyntaxXML}, Verdicts: []Verdict{rs.Judged([]Finding{f})}}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Text returns the document in UTF-8, exactly as the reader accepted it: Bytes
// themselves unless these are in another encoding. An XML declaration keeps the
// encoding it named. The slice must not be changed; nil when Parse did not
// make the document.
func (d *Document) Text() []byte {
	if d.tree == nil {
		return nil
	}
	return d.tree.Source()
}

// Syntaxes that Identity.Syntax names.
const (
	SyntaxUBL  = "ubl"
	SyntaxCII  = "cii"
	SyntaxCDAR = "cdar"
	SyntaxXML  = "xml" // anything else
)

const (
	spaceUBL  = "urn:oasis:names:specification:ubl:schema:xsd:"
	spaceCBC  = spaceUBL + "CommonBasicComponents-2"
	spaceCAC  = spaceUBL + "CommonAggregateComponents-2"
	spaceCEFA = "urn:un:unece:uncefact:data:standard:"
	spaceRAM  = spaceCEFA + "ReusableAggregateBusinessInformationEntity:100"
	spaceUDT  = spaceCEFA + "UnqualifiedDataType:100"
	spaceCII  = spaceCEFA + "CrossIndustryInvoice:100"
	spaceCDAR = spaceCEFA + "CrossDomainAcknowledgementAndResponse:100"
)

func identify(root xmltree.Node) Identity {
	id := Identity{Syntax: SyntaxXML, Root: root.Local(), Namespace: root.Space()}
	text := func(n xmltree.Node) string { return strings.TrimSpace(n.Text()) }
	switch {
	case strings.HasPrefix(id.Namespace, spaceUBL):
		id.Syntax = SyntaxUBL
		id.Customization = text(root.Child(spaceCBC, "CustomizationID"))
		id.Profile = text(root.Child(spaceCBC, "ProfileID"))
		id.IssueDate = day(text(root.Child(spaceCBC, "IssueDate")), time.DateOnly)
	case id.Namespace == spaceCII, id.Namespace == spaceCDAR:
		id.Syntax = SyntaxCII
		if id.Namespace == spaceCDAR {
			id.Syntax = SyntaxCDAR
		}
		context := root.Child(id.Namespace, "ExchangedDocumentContext")
		id.Customization = text(context.Child(spaceRAM, "GuidelineSpecifiedDocumentContextParameter").Child(spaceRAM, "ID"))
		id.Profile = text(context.Child(spaceRAM, "BusinessProcessSpecifiedDocumentContextParameter").Child(spaceRAM, "ID"))
		issued := root.Child(id.Namespace, "ExchangedDocument").Child(spaceRAM, "IssueDateTime")
		id.IssueDate = day(text(issued.Child(spaceUDT, "DateTimeString")), "20060102")
	}
	return id
}

// day returns s as YYYY-MM-DD when it is a date of that layout.
func day(s, layout string) string {
	t, err := time.Parse(layout, s)
	if err != nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
