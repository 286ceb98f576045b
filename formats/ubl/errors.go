package ubl

import (
	"errors"
	"fmt"
	"strings"

	"facteur.dev/facteur/internal/xmltree"
)

// Codes of reading errors. Errors of the XML itself have the codes of the
// reader: xml.malformed, xml.dtd, xml.too_large, xml.too_deep, xml.encoding, …
const (
	CodeRoot     = "ubl.root"      // the document is of another kind
	CodeKind     = "ubl.kind"      // the type code contradicts the kind of document
	CodeAmount   = "ubl.amount"    // not a decimal number
	CodeDate     = "ubl.date"      // not a date
	CodeBoolean  = "ubl.boolean"   // neither true nor false
	CodeBase64   = "ubl.base64"    // an attached file that cannot be decoded
	CodeCurrency = "ubl.currency"  // an amount in another currency than the document's
	CodeTooLarge = "ubl.too_large" // more groups than the model takes
	CodeTooMany  = "ubl.too_many"  // there are more errors than are listed
)

// Codes of writing errors.
const (
	CodeRequired  = "ubl.required"  // the schema demands a value that is missing
	CodeCharacter = "ubl.character" // a character that XML cannot carry
	CodeNoPlace   = "ubl.no_place"  // the document has no element for the value
)

// maxErrors is how many errors of one document are listed.
const maxErrors = 100

// Error is a value of a document that cannot be read.
type Error struct {
	// Code is stable and made for programs.
	Code string `json:"code"`
	// Path is the place in the document, as an XPath with its prefixes.
	Path string `json:"path,omitempty"`
	// Line is the line of that place, from 1.
	Line int `json:"line,omitempty"`
	// Column is the column, from 1; 0 where only the line is known.
	Column int `json:"column,omitempty"`
	// Message says what is wrong. It is safe to show to a user.
	Message string `json:"message"`
}

// Error is the message with its place.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Path, e.Message)
}

// Errors are all the values of a document that cannot be read.
type Errors []*Error

// Error lists the errors, one after the other.
func (errs Errors) Error() string {
	parts := make([]string, len(errs))
	for i, e := range errs {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap gives errors.As and errors.Is each of them.
func (errs Errors) Unwrap() []error {
	list := make([]error, len(errs))
	for i, e := range errs {
		list[i] = e
	}
	return list
}

// parseError hides the type of the internal reader.
func parseError(err error) error {
	var x *xmltree.Error
	if !errors.As(err, &x) {
		return err
	}
	return Errors{{Code: x.Code, Line: x.Line, Column: x.Column, Message: x.Msg}}
}
