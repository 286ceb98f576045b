package invoice

import (
	"fmt"
	"strings"
)

// FieldError is a problem with one field of an invoice.
type FieldError struct {
	// Path is the JSON path of the field: "lines[2].price.net".
	Path string `json:"path"`
	// Code is stable and made for programs, as in "currency.unknown".
	Code string `json:"code"`
	// Term is the business term of the field, if it has one: "BT-146".
	Term string `json:"term,omitempty"`
	// Message says in English what is wrong. It is safe to show to a user.
	Message string `json:"message"`
}

// Error is the path with the message.
func (e FieldError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// FieldErrors are all the problems found, in the order of the document.
type FieldErrors []FieldError

// Error lists the problems, one after the other.
func (errs FieldErrors) Error() string {
	parts := make([]string, len(errs))
	for i, e := range errs {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

func (errs *FieldErrors) add(path, code, term, format string, args ...any) {
	*errs = append(*errs, FieldError{path, code, term, fmt.Sprintf(format, args...)})
}
