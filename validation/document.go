package validation

// Document is a document as read once, ready to be checked. Parse makes it.
type Document struct {
	Bytes  []byte // as received, never changed
	SHA256 string // hex digest of Bytes
	Identity
}
