package signature

import (
	"fmt"

	"facteur.dev/facteur/internal/xmldsig"
)

// Error says why a document could not be sealed, or why a seal does not hold.
type Error = xmldsig.Error

// Codes of Error. They are stable.
const (
	CodeNotFound    = "signature.not_found"             // no signature in the given bytes
	CodeMalformed   = xmldsig.CodeMalformed             // not what the schemas ask for
	CodeUnsupported = xmldsig.CodeUnsupported           // an algorithm or part that is unknown, or too weak
	CodeReference   = xmldsig.CodeReference             // the references are not those of a seal
	CodeValue       = xmldsig.CodeValue                 // the signature value does not fit the certificate's key
	CodeDigest      = xmldsig.CodeDigest                // the document was changed
	CodeProperties  = "signature.properties_mismatch"   // time, type or certificate in the seal were changed
	CodeCertificate = "signature.certificate_mismatch"  // the certificate is not the one that was signed with
	CodeUsage       = "signature.certificate_usage"     // the certificate is not for signing
	CodeExpired     = "signature.certificate_expired"   // the certificate was not valid, at the signing time or at the time asked for
	CodeUntrusted   = "signature.certificate_untrusted" // the certificate leads to none of the roots
	CodeTime        = "signature.time_invalid"          // the signing time lies in the future
	CodeKey         = xmldsig.CodeKey                   // the key could not be read, or did not sign
	CodeOptions     = "signature.options_invalid"       // the caller's options
)

func failf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func wrap(code, message string, err error) *Error {
	return &Error{Code: code, Message: message, Err: err}
}
