package transport

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Codes of errors: the caller's own mistakes, found before the peer was contacted.
const (
	CodeMessage    = "transport.message"    // the message cannot be sent as it is
	CodeDigest     = "transport.digest"     // the body is not what was sealed
	CodeEndpoint   = "transport.endpoint"   // the endpoint cannot be used
	CodeCredential = "transport.credential" // a named secret is missing or unusable
	CodeKey        = "transport.key"        // a key is unknown, not valid now, or not the participant's
	CodeEvidence   = "transport.evidence"   // kept evidence does not verify
)

// Error is a failure with a stable code and a message that may be shown to anyone.
type Error struct {
	Code    string
	Message string // safe to show
	Retry   bool   // whether trying the same again can help
	Err     error  // the cause, for logs; may be nil
}

// Error returns message and cause, for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code + ": " + e.Message
	}
	return e.Code + ": " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Safe returns the message without the cause.
func (e *Error) Safe() string { return e.Message }

// Fault makes an [*Error] that a retry cannot help.
func Fault(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because adds the cause to the error and returns it.
func (e *Error) Because(cause error) *Error {
	e.Err = cause
	return e
}

// Safe makes text that came from a peer fit for a log line, a page or a receipt: control and format
// characters become spaces, runs of spaces one, and the length is at most 300 bytes.
func Safe(s string) string {
	const limit = 300
	var b strings.Builder
	space := false
	for i := 0; i < len(s) && b.Len() < limit; {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if (r == utf8.RuneError && n == 1) || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			space = b.Len() > 0
			continue
		}
		room := limit - b.Len() - utf8.RuneLen(r)
		if room < 0 || (space && room < 1) {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
