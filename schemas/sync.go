package schemas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// SyncOptions says where the archives come from.
type SyncOptions struct {
	// From is a folder or an http(s) address that holds the archives under
	// their file names. Empty: Maven and pip fetch them.
	From string
	// Progress, if set, receives a line for each step.
	Progress func(line string)
	// Run runs a command; nil runs it as a process.
	Run func(ctx context.Context, name string, args ...string) error
	// HTTP fetches from an address; nil is a client with a time limit.
	HTTP *http.Client
}

func (o SyncOptions) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// Names inside the folder that Sync fills. The unpacked tree lies beside them,
// named after the lock; trees of other locks stay, for programs that use them.
const (
	archivesName = "archives"             // the archives as fetched: a bundle for SyncOptions.From
	lockName     = ".lock"                // held by the sync that is running
	tempPattern  = ".sync-*"              // what a sync has not finished
	copyName     = "lock.csv"             // the lock that the tree was unpacked for
	dirMode      = 0o755                  // rules are no secret
	lockPoll     = 100 * time.Millisecond // how often a waiting sync looks again
)

// Sync makes dir hold every file of the embedded lock; see [Lock.Sync].
func Sync(ctx context.Context, dir string, opts SyncOptions) error {
	l, err := Embedded()
	if err != nil {
		return err
	}
	return l.Sync(ctx, dir, opts)
}

// Sync makes dir hold every file of the lock. When they are all there and
// unchanged it does nothing else. Otherwise it fetches the archives that dir
// does not hold yet, refuses those whose SHA-256 is not the lock's, unpacks the
// listed files into a new tree and puts that in place in one step: interrupted
// at any point, it leaves either the old tree or the new one. Several syncs of
// one folder wait for each other.
func (l *Lock) Sync(ctx context.Context, dir string, opts SyncOptions) error {
	dir, err := filepath.Abs(dir) // Maven starts relative paths elsewhere
	if err != nil {
		return diskError(dir, err)
	}
	c, err := l.Open(dir)
	if err != nil {
		return err
	}
	if len(c.Verify(ctx)) == 0 {
		opts.say("%d rule sets present in %s", len(l.packs), dir)
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, archivesName), dirMode); err != nil {
		return diskError(dir, err)
	}
	unlock, err := lockFolder(ctx, filepath.Join(dir, lockName), func() { opts.say("waiting for another sync of %s", dir) })
	if err != nil {
		return err
	}
	defer unlock()
	if len(c.Verify(ctx)) == 0 { // another sync did it meanwhile
		opts.say("%d rule sets present in %s", len(l.packs), dir)
		return nil
	}
	return l.fill(ctx, c, opts)
}

// fill fetches and unpacks; the folder is locked.
func (l *Lock) fill(ctx context.Context, c *Catalogue, opts SyncOptions) error {
	removeUnfinished(c.dir)
	temp, err := os.MkdirTemp(c.dir, tempPattern)
	if err != nil {
		return diskError(c.dir, err)
	}
	defer os.RemoveAll(temp)
	if err := l.fetch(ctx, c.dir, temp, opts); err != nil {
		return err
	}
	tree := filepath.Join(temp, "tree")
	opts.say("unpacking %d files of %d archives", len(l.files), len(l.archives))
	for _, a := range l.archives {
		if err := ctx.Err(); err != nil {
			return interrupted(err)
		}
		if err := l.unpack(filepath.Join(c.dir, archivesName, a.File), tree, a); err != nil {
			return orDisk(c.dir, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return interrupted(err)
	}
	if err := l.place(tree, temp, filepath.Join(c.dir, l.treeName())); err != nil {
		return diskError(c.dir, err)
	}
	if left := c.Verify(context.WithoutCancel(ctx)); len(left) > 0 {
		return diskError(c.dir, fmt.Errorf("%s is %s after unpacking", left[0].File, left[0].State))
	}
	opts.say("%d rule sets in %s", len(l.packs), c.dir)
	return nil
}

// place puts the new tree where the catalogue looks. A damaged tree of the same
// lock is moved away first.
func (l *Lock) place(tree, temp, target string) error {
	if err := os.WriteFile(filepath.Join(tree, copyName), l.source, 0o444); err != nil {
		return err
	}
	err := os.Rename(target, filepath.Join(temp, "damaged"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(tree, target)
}

// removeUnfinished removes what syncs left behind that were killed.
func removeUnfinished(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, tempPattern))
	for _, o := range old {
		_ = os.RemoveAll(o)
	}
}

func diskError(dir string, err error) error {
	return &Error{
		Code: CodeDisk, Message: "the folder of the rule packs cannot be written",
		Remedy: "check space and permissions of " + dir, Retry: true, Err: err,
	}
}

// orDisk leaves errors of this package as they are.
func orDisk(dir string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return diskError(dir, err)
}

func interrupted(err error) error {
	return &Error{Code: CodeFetch, Message: "the sync was interrupted; nothing was changed", Remedy: remedySync, Retry: true, Err: err}
}
