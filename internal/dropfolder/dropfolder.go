// Package dropfolder takes invoices and orders that other programs put into a
// folder. Each tenant has one, named by its id, with three folders in it:
//
//	acme/in/         other programs put documents here
//	acme/accepted/   what was taken, each document with its result beside it
//	acme/rejected/   what was not taken, likewise
//
// The result of facture-42.xml is facture-42.xml.result.json, a [Result]. A
// document whose name was used before, for other content, is filed under its
// name with twelve digits of its hash.
//
// # What it promises
//
//   - A document is taken when it looked the same, by size and time, in two sweeps
//     at least [Folder.Every] apart. Names that begin with a dot or end in ".part"
//     are left alone: a program writes under such a name and renames when it is done.
//   - It is taken once, whatever happens. It is moved out of "in" before it is
//     read, into a folder that only this package looks at; its idempotency key is
//     made of name and content; what it became is committed before its result is
//     written, and the result before it is filed. After a crash at any point the
//     next sweep goes on from there.
//   - A document is read whole, up to [Folder.MaxSize] bytes. Links, pipes and
//     devices are refused without being opened, and nothing outside the tenant's
//     folder is reached, whatever links there are.
//   - A failure of the gateway's own (the database is not there) leaves the
//     document where it is; it is tried again.
//
// "Accepted" says that the gateway took a document, not that the customer will
// get it: what its checks find is told by the events of the invoice.
//
// A folder is read by one instance. If two read it, each document is still taken
// once, but a result may be written twice.
package dropfolder

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
)

// The folders of a tenant.
const (
	inDir       = "in"
	acceptedDir = "accepted"
	rejectedDir = "rejected"
	// workDir holds what is being taken: a folder for each document, so that no
	// name is ever in the way.
	workDir = ".work"
)

// folderMode lets the group of the folder take part, as far as the umask allows.
const folderMode = 0o770

// batch bounds what one sweep takes of one tenant: a heap of one does not keep
// the others waiting.
const batch = 100

// Folder is the drop folder of all tenants.
type Folder struct {
	Dir    string
	Store  gateway.Store
	Intake *outbound.Intake
	Clock  gateway.Clock
	// Every is the pause between sweeps, and how long a document must not change.
	Every time.Duration
	// MaxSize is the largest document, in bytes.
	MaxSize int64
	Log     *slog.Logger
	// Probe is told the name of each step; tests stop the process there.
	Probe func(step string)

	tenants map[gateway.TenantID]*tenant
}

// tenant is what is remembered of a tenant's folder between sweeps.
type tenant struct {
	id    gateway.TenantID
	seen  map[string]sighting // by name, what lies in "in"
	again map[string]retry    // by path, what could not be taken
}

// retry is when to try again what failed.
type retry struct {
	pause time.Duration
	at    time.Time
}

// longestPause is between two tries of a document.
const longestPause = time.Minute

// Run sweeps until ctx ends.
func (f *Folder) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		more, err := f.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.ErrorContext(ctx, "the drop folder cannot be read; nothing in it is lost", "folder", f.Dir, "error", err)
		}
		if more {
			timer.Reset(0)
		} else {
			timer.Reset(f.Every)
		}
	}
}

// Sweep looks at the folder of each tenant once and takes what is ready. more
// says that there is more of it. It is not safe for concurrent use.
func (f *Folder) Sweep(ctx context.Context) (more bool, err error) {
	tenants, err := f.Store.System().Tenants(ctx)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(f.Dir, folderMode); err != nil {
		return false, err
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	if f.tenants == nil {
		f.tenants = map[gateway.TenantID]*tenant{}
	}
	var failed error
	for _, t := range tenants {
		known := f.tenants[t.ID]
		if known == nil {
			known = &tenant{id: t.ID, seen: map[string]sighting{}, again: map[string]retry{}}
			f.tenants[t.ID] = known
		}
		left, err := f.sweepTenant(ctx, root, known)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("tenant %s: %w", t.ID, err))
		}
		more = more || left
	}
	return more, failed
}

// sweepTenant takes what is ready of one tenant: first what was begun, then what
// lies in "in".
func (f *Folder) sweepTenant(ctx context.Context, root *os.Root, t *tenant) (more bool, err error) {
	dir, err := openTenant(root, string(t.id))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	begun, err := list(dir, workDir)
	if err != nil {
		return false, err
	}
	for _, claim := range begun {
		if !claim.IsDir() {
			continue // somebody else put it there
		}
		if err := f.resume(ctx, dir, t, path.Join(workDir, claim.Name())); err != nil {
			return false, err
		}
	}
	ready, err := f.ready(dir, t)
	if err != nil {
		return false, err
	}
	for i, name := range ready {
		if i == batch {
			return true, nil
		}
		if err := f.begin(ctx, dir, t, name); err != nil {
			return false, err
		}
	}
	return false, nil
}

// openTenant opens a tenant's folder and makes what is missing of it. A link in
// its place is refused: it would let one tenant into another's folder.
func openTenant(root *os.Root, name string) (*os.Root, error) {
	if err := root.MkdirAll(name, folderMode); err != nil {
		return nil, err
	}
	if info, err := root.Lstat(name); err != nil || !info.IsDir() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a folder", name))
	}
	dir, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{inDir, acceptedDir, rejectedDir, workDir} {
		if err := dir.MkdirAll(sub, folderMode); err != nil {
			return nil, errors.Join(err, dir.Close())
		}
	}
	return dir, nil
}

// begin moves a document from "in" to a folder of its own and takes it.
func (f *Folder) begin(ctx context.Context, dir *os.Root, t *tenant, name string) error {
	var unique [12]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return err
	}
	claim := path.Join(workDir, hex.EncodeToString(unique[:]))
	if err := dir.Mkdir(claim, folderMode); err != nil {
		return err
	}
	f.probe("drop.claiming")
	err := dir.Rename(path.Join(inDir, name), path.Join(claim, name))
	if errors.Is(err, fs.ErrNotExist) { // its writer, or another instance, took it away
		return removeEmpty(dir, claim)
	}
	if err != nil {
		return errors.Join(err, removeEmpty(dir, claim))
	}
	delete(t.seen, name)
	f.probe("drop.claimed")
	return f.resume(ctx, dir, t, claim)
}

// resume takes the documents of a work folder, unless it is too early to try
// again. Its error is one that concerns all documents.
func (f *Folder) resume(ctx context.Context, dir *os.Root, t *tenant, claim string) error {
	entries, err := list(dir, claim)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		file := path.Join(claim, e.Name())
		last, failed := t.again[file]
		now := f.Clock.Now()
		if failed && now.Before(last.at) {
			return nil
		}
		if err := f.take(ctx, dir, t.id, claim, e.Name()); err != nil {
			pause := min(max(2*last.pause, f.Every), longestPause)
			t.again[file] = retry{pause: pause, at: now.Add(pause)}
			f.Log.ErrorContext(ctx, "a document of the drop folder could not be taken; it is tried again",
				"tenant", t.id, "name", clean(e.Name()), "pause", pause, "error", err)
			return nil
		}
		delete(t.again, file)
	}
	return removeEmpty(dir, claim)
}

// removeEmpty removes a work folder. One that was filled meanwhile stays.
func removeEmpty(dir *os.Root, claim string) error {
	if err := dir.Remove(claim); err != nil && !errors.Is(err, fs.ErrNotExist) {
		if entries, _ := list(dir, claim); len(entries) > 0 {
			return nil
		}
		return err
	}
	return nil
}

func (f *Folder) probe(step string) {
	if f.Probe != nil {
		f.Probe(step)
	}
}
