package xmldsig

import "fmt"

// Codes of Error. They are stable.
const (
	CodeMalformed   = "signature.malformed"            // not what the schema of XML signatures asks for
	CodeUnsupported = "signature.unsupported"          // an algorithm or part that is unknown, or too weak
	CodeReference   = "signature.reference_unresolved" // a reference to nothing, or to several things
	CodeDigest      = "signature.digest_mismatch"      // what is referred to is not what was signed
	CodeValue       = "signature.value_invalid"        // the signature value does not fit the key
	CodeKey         = "signature.key_failed"           // the key could not be read or did not sign
	CodeTooLarge    = "signature.too_large"            // the canonical form or the signature exceeds the limits
)

// Error says why a signature does not hold, or could not be made.
type Error struct {
	Code      string
	Message   string // safe to show
	Retryable bool   // whether trying again can help: only when a key outside failed to sign
	Err       error  // cause, may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Message + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Err }

func failf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
