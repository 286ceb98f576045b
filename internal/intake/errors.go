package intake

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/sheet"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/xmltree"
)

// Codes of [Error].
const (
	CodeMediaType  = "intake.media_type" // nothing reads such bytes here
	CodeUnreadable = "intake.unreadable" // not well-formed, or empty
	CodeKind       = "intake.kind"       // a document of another kind
	CodeInvalid    = "intake.invalid"    // fields that are wrong, unknown or missing
	CodeTooLarge   = "intake.too_large"  // larger, longer or deeper than is taken
)

// Error says why bytes cannot be taken.
type Error struct {
	Code string
	// Message is safe to show.
	Message string
	// Fields are the places that are wrong, as far as there are any.
	Fields []invoice.FieldError
	Err    error
}

// Error gives the code, the message and the first place.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if len(e.Fields) > 0 {
		s += ": " + e.Fields[0].Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// size refuses what is not worth reading.
func size(content []byte) error {
	if len(content) > MaxSize {
		return &Error{Code: CodeTooLarge, Message: fmt.Sprintf("the document has %d bytes; at most %d are taken", len(content), MaxSize)}
	}
	if len(content) == 0 {
		return &Error{Code: CodeUnreadable, Message: "the document is empty"}
	}
	return nil
}

func mediaType(media string) error {
	if media == "" {
		return &Error{Code: CodeMediaType, Message: "the media type is not one that is understood here"}
	}
	return &Error{Code: CodeMediaType, Message: fmt.Sprintf("the media type %.60q is not understood here", media)}
}

// refused turns a reader's error into one that names the wrong places.
func refused(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Err: err}
	var fields invoice.FieldErrors
	var values ubl.Errors
	var syntax *xmltree.Error
	switch {
	case errors.As(err, &fields):
		e.Fields = located(fields)
	case errors.As(err, &values):
		for _, v := range values {
			e.Fields = append(e.Fields, place(v.Code, v.Path, v.Line, v.Column, v.Message))
		}
	case errors.As(err, &syntax):
		e.Fields = []invoice.FieldError{place(syntax.Code, "", syntax.Line, syntax.Column, syntax.Msg)}
	default:
		e.Code, e.Message = CodeUnreadable, "the document cannot be read"
		return e
	}
	e.Code, e.Message = judge(e.Fields)
	return e
}

// located gives JSON that could not be read to its end the place where it broke
// as its path, as XML and tables have it: there is no path to a field yet.
func located(fields invoice.FieldErrors) []invoice.FieldError {
	out := slices.Clone(fields)
	for i, f := range out {
		if where, what, ok := strings.Cut(f.Message, ": "); ok && f.Path == "" && brokenAt.MatchString(where) {
			out[i].Path, out[i].Message = where, what
		}
	}
	return out
}

var brokenAt = regexp.MustCompile(`^line \d+, column \d+$`)

// place is a wrong place of an XML document.
func place(code, path string, line, column int, message string) invoice.FieldError {
	switch {
	case path != "":
		return invoice.FieldError{Path: path, Code: code, Message: fmt.Sprintf("line %d: %s", line, message)}
	case column > 0:
		return invoice.FieldError{Path: fmt.Sprintf("line %d, column %d", line, column), Code: code, Message: message}
	}
	return invoice.FieldError{Path: fmt.Sprintf("line %d", line), Code: code, Message: message}
}

// judge gives the code of a document by its first problem.
func judge(fields []invoice.FieldError) (code, message string) {
	if len(fields) == 0 {
		return CodeInvalid, "the document is not acceptable"
	}
	first := fields[0].Code
	switch {
	case strings.HasSuffix(first, ".too_large"), strings.HasSuffix(first, ".too_deep"), first == invoice.CodeTooManyItems:
		return CodeTooLarge, "the document is larger or deeper than is taken"
	case first == ubl.CodeRoot:
		return CodeKind, "the document is of another kind"
	case strings.HasPrefix(first, "xml."):
		return CodeUnreadable, "the document is not XML that is taken here"
	case first == invoice.CodeJSONSyntax, first == invoice.CodeJSONDuplicate:
		return CodeUnreadable, "the document is not well-formed JSON"
	}
	switch first {
	case sheet.CodeFormat, sheet.CodeEncoding, sheet.CodeSeparator, sheet.CodeQuotes, sheet.CodeEmpty:
		return CodeUnreadable, "the table cannot be read"
	}
	return CodeInvalid, "the document has wrong or missing values"
}
