package schemas

// Codes of errors. They are stable.
const (
	CodeUnknown  = "schemas.unknown"   // no such rule set or version in the lock
	CodeNotValid = "schemas.not_valid" // no version in the lock is in force on that day
	CodeMissing  = "schemas.missing"   // a file of the pack is not there
	CodeChanged  = "schemas.changed"   // a file or an archive differs from the lock
	CodeTool     = "schemas.tool"      // Maven, a Java runtime or pip is not installed
	CodeFetch    = "schemas.fetch"     // an archive could not be fetched
	CodeDisk     = "schemas.disk"      // the data directory cannot be read or written
	CodeLock     = "schemas.lock"      // a manifest or lock is malformed
)

// Error is a failure with a stable code, a message that may be shown, and what
// to do about it.
type Error struct {
	Code    string
	Message string
	Remedy  string // what the operator can do, a sentence or a command
	Retry   bool   // whether the same call may succeed later
	Err     error  // the cause, may be nil
}

// Error returns the message and its cause, for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Safe returns the message with the remedy, without the cause.
func (e *Error) Safe() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}
