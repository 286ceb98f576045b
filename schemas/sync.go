package schemas

import (
	"context"
	"net/http"
)

// SyncOptions says where the archives come from.
type SyncOptions struct {
	// From is a folder or an http(s) address that holds the archives under
	// their file names. Empty: Maven and pip fetch them.
	From string
	// Progress, if set, receives a line for each step.
	Progress func(line string)
	// Run runs a command; nil runs it as a process. Tests replace it.
	Run func(ctx context.Context, name string, args ...string) error
	// HTTP fetches from an address; nil is a client with time limits.
	HTTP *http.Client
}

// Sync makes dir hold every file of the embedded lock.
func Sync(ctx context.Context, dir string, opts SyncOptions) error { panic("todo") }
