package schemas

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Catalogue finds rule sets and hands out their files, each checked against
// the lock when it is read. It is safe for concurrent use.
type Catalogue struct {
	lock *Lock
	dir  string
}

// Open returns the catalogue of the embedded lock over dir, the folder that
// [Sync] filled. A folder that is absent, or that was filled for another lock,
// is no error here: List shows its packs as missing and Read refuses them.
func Open(dir string) (*Catalogue, error) {
	l, err := Embedded()
	if err != nil {
		return nil, err
	}
	return l.Open(dir)
}

// Open returns the catalogue of this lock over dir, which [Lock.Sync] filled.
func (l *Lock) Open(dir string) (*Catalogue, error) {
	info, err := os.Stat(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, &Error{Code: CodeDisk, Message: "the folder of the rule packs cannot be read", Remedy: "check " + dir, Err: err}
	}
	return &Catalogue{lock: l, dir: dir}, nil
}

// Lock returns the lock that the catalogue checks against.
func (c *Catalogue) Lock() *Lock { return c.lock }

// Find returns a rule set at a version, the newest when version is empty. Where
// a schema and rules share the id, it returns the rules; see FindStage.
func (c *Catalogue) Find(id, version string) (Pack, error) {
	p, err := c.FindStage(StageSchematron, id, version)
	if err == nil {
		return p, nil
	}
	if p, errXSD := c.FindStage(StageXSD, id, version); errXSD == nil {
		return p, nil
	}
	return Pack{}, c.unknown(id, version)
}

// FindStage is Find for one stage.
func (c *Catalogue) FindStage(stage Stage, id, version string) (Pack, error) {
	if version == "" {
		if p, ok := c.lock.newest(stage, id); ok {
			return p, nil
		}
	}
	for _, p := range c.lock.packs {
		if p.Stage == stage && p.ID == id && p.Version == version {
			return p, nil
		}
	}
	return Pack{}, c.unknown(id, version)
}

// FindAt returns the newest version of a rule set in force on the day of at.
// Where a schema and rules share the id, it returns the rules.
func (c *Catalogue) FindAt(id string, at time.Time) (Pack, error) {
	p, ok := c.inForce(StageSchematron, id, at)
	if !ok {
		p, ok = c.inForce(StageXSD, id, at)
	}
	if ok {
		return p, nil
	}
	if _, err := c.Find(id, ""); err != nil {
		return Pack{}, err
	}
	return Pack{}, &Error{
		Code:    CodeNotValid,
		Message: fmt.Sprintf("no version of the rule set %s was in force on %s", id, at.UTC().Format(time.DateOnly)),
		Remedy:  "name a version: " + strings.Join(c.versions(id), ", "),
	}
}

func (c *Catalogue) inForce(stage Stage, id string, at time.Time) (Pack, bool) {
	var best Pack
	for _, p := range c.lock.packs {
		if p.Stage == stage && p.ID == id && p.ValidAt(at) && (best.ID == "" || newer(p, best)) {
			best = p
		}
	}
	return best, best.ID != ""
}

// versions lists what the lock has of an id, as "id@version".
func (c *Catalogue) versions(id string) []string {
	var out []string
	for _, p := range c.lock.packs {
		if p.ID == id && (len(out) == 0 || out[len(out)-1] != p.Name()) {
			out = append(out, p.Name())
		}
	}
	return out
}

func (c *Catalogue) unknown(id, version string) error {
	e := &Error{Code: CodeUnknown, Message: "there is no rule set " + id, Remedy: "see facteur schemas list"}
	if version != "" {
		e.Message += "@" + version
	}
	if known := c.versions(id); len(known) > 0 {
		e.Remedy = "there are " + strings.Join(known, ", ")
	}
	return e
}

// List returns every rule set of the lock with its state, in the manifest's order.
func (c *Catalogue) List() []Status {
	states := map[string]State{}
	for _, pr := range c.Verify(context.Background()) {
		states[pr.File] = pr.State
	}
	out := make([]Status, 0, len(c.lock.packs))
	for _, p := range c.lock.packs {
		s := Status{Pack: p, State: Present}
		for _, f := range p.Files {
			switch states[c.file(p.Archive.ID, f.Path)] {
			case Changed:
				s.State = Changed
			case Missing:
				if s.State == Present {
					s.State = Missing
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// Verify reads every byte of every used file and returns what is missing or
// changed, in the lock's order. When ctx ends, the files not yet read are
// reported with its error.
func (c *Catalogue) Verify(ctx context.Context) []Problem {
	var out []Problem
	for _, f := range c.lock.files {
		pr := Problem{Archive: f.archive, Path: f.Path, File: c.file(f.archive, f.Path), Want: f.SHA256}
		if err := ctx.Err(); err != nil {
			pr.State, pr.Err = Missing, err
			out = append(out, pr)
			continue
		}
		b, err := readLimited(pr.File, f.Size)
		if err != nil {
			pr.State, pr.Err = Changed, err
			if errors.Is(err, fs.ErrNotExist) {
				pr.State = Missing
			}
			out = append(out, pr)
			continue
		}
		if pr.Got = hexSum(b); pr.Got != pr.Want {
			pr.State = Changed
			out = append(out, pr)
		}
	}
	return out
}

// Read returns the bytes of a file of a pack, only if they are those of the
// lock; otherwise the error is schemas.missing or schemas.changed.
func (c *Catalogue) Read(p Pack, inner string) ([]byte, error) {
	f, ok := p.File(inner)
	if !ok {
		return nil, &Error{Code: CodeUnknown, Message: fmt.Sprintf("the rule pack %s has no file %s", p.Name(), inner)}
	}
	if !c.lock.has(p.Archive.ID, f) {
		return nil, &Error{Code: CodeUnknown, Message: fmt.Sprintf("the file %s of the rule pack %s is not in the lock", inner, p.Name())}
	}
	b, err := readLimited(c.file(p.Archive.ID, inner), f.Size)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{
			Code: CodeMissing, Message: fmt.Sprintf("the rule pack %s is not there: %s is missing", p.Name(), inner),
			Remedy: remedySync, Err: err,
		}
	case err != nil:
		return nil, &Error{
			Code: CodeDisk, Message: fmt.Sprintf("the file %s of the rule pack %s cannot be read", inner, p.Name()),
			Remedy: "check " + c.dir, Retry: true, Err: err,
		}
	case hexSum(b) != f.SHA256:
		return nil, &Error{
			Code: CodeChanged, Message: fmt.Sprintf("the rule pack %s is not used: %s is not the locked file", p.Name(), inner),
			Remedy: remedySync,
		}
	}
	return b, nil
}

const remedySync = "run: facteur schemas sync"

// Path returns where a file of a pack lies, after verifying all files of that
// pack; relative includes and imports lead to files of the same tree. A reader
// that can take bytes should prefer Read: the file may change after this check.
func (c *Catalogue) Path(p Pack, inner string) (string, error) {
	if _, err := c.Read(p, inner); err != nil {
		return "", err
	}
	for _, f := range p.Files {
		if f.Path == inner {
			continue
		}
		if _, err := c.Read(p, f.Path); err != nil {
			return "", err
		}
	}
	return filepath.Abs(c.file(p.Archive.ID, inner))
}

// Import is a schema document that must be imported before another.
type Import struct {
	Namespace string
	Path      string // on disk, verified
}

// Imports resolves the needs of an XSD pack, those of its needs included, in
// the order in which a driver schema must import them. libxml2 finds no
// components behind an import without a location unless they were imported
// before, so such a pack is loaded through a small schema that imports these
// first and the wanted entry last.
func (c *Catalogue) Imports(p Pack) ([]Import, error) {
	needs, err := c.lock.needs(p, nil)
	if err != nil {
		return nil, err
	}
	var out []Import
	for _, n := range needs {
		for _, e := range n.Entries() {
			file, err := c.Path(n, e.Path)
			if err != nil {
				return nil, err
			}
			out = append(out, Import{Namespace: e.Namespace, Path: file})
		}
	}
	return out, nil
}

// file is where a file of an archive lies. The tree is named after the lock, so
// that another lock's files are never taken for this one's.
func (c *Catalogue) file(archive, inner string) string {
	return filepath.Join(c.dir, c.lock.treeName(), archive, filepath.FromSlash(inner))
}

func (l *Lock) treeName() string { return l.digest[:16] }

// has reports whether the lock lists the file of an archive with this hash.
func (l *Lock) has(archive string, f File) bool {
	for _, g := range l.files {
		if g.archive == archive && g.Path == f.Path {
			return g.SHA256 == f.SHA256
		}
	}
	return false
}

// readLimited reads a file of a known size; a longer one is cut one byte past
// that size, so that its hash differs.
func readLimited(name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, size)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
