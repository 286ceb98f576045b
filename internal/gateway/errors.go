package gateway

import (
	"errors"
	"fmt"
)

// Error is a failure that crosses a boundary. Code is stable and documented in
// docs/errors.md; Message is safe to show to the caller; Err is the cause, for
// the log only.
type Error struct {
	Code      string
	Message   string
	Retryable bool
	// Ref is the identifier of the record the caller should look at, such as the
	// first order of a duplicate.
	Ref string
	// Fields names the places of the input that are wrong, where there are any.
	Fields []FieldProblem
	Err    error
}

// FieldProblem is one wrong place of an input.
type FieldProblem struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Term    string `json:"term,omitempty"`
	Message string `json:"message"`
}

// Error gives the text for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare codes, so that a sentinel below matches any error of its code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sentinels: compare with errors.Is.
var (
	ErrNotFound       = &Error{Code: "not_found", Message: "there is no such record"}
	ErrConflict       = &Error{Code: "conflict", Message: "the record was changed by someone else", Retryable: true}
	ErrDuplicate      = &Error{Code: "duplicate", Message: "this was submitted before"}
	ErrIdempotencyKey = &Error{Code: "idempotency_key_reused", Message: "the idempotency key was used with another body"}
	ErrState          = &Error{Code: "state", Message: "the record's state does not allow this"}
	ErrLeaseLost      = &Error{Code: "lease_lost", Message: "another worker has taken this task", Retryable: true}
	ErrForbidden      = &Error{Code: "forbidden", Message: "you may not do this"}
	ErrInvalid        = &Error{Code: "invalid", Message: "the input is not acceptable"}
	ErrUnavailable    = &Error{Code: "unavailable", Message: "a part the request needs is not available", Retryable: true}
)

// With returns a copy of a sentinel with its own message and cause.
func (e *Error) With(message string, cause error) *Error {
	c := *e
	if message != "" {
		c.Message = message
	}
	c.Err = cause
	return &c
}

// For returns a copy that points at a record.
func (e *Error) For(ref string) *Error {
	c := *e
	c.Ref = ref
	return &c
}

// Code returns the stable code of err, or "internal" when it has none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}
