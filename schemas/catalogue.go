package schemas

import (
	"context"
	"time"
)

// Catalogue finds rule sets and hands out their files, each checked against
// the lock when it is read. It is safe for concurrent use.
type Catalogue struct {
	lock *Lock
	dir  string
}

// Open returns the catalogue of the embedded lock over dir, the folder that
// [Sync] filled. A folder that is absent or was filled for another lock is no
// error here: List shows the packs as missing and Read refuses them.
func Open(dir string) (*Catalogue, error) { panic("todo") }

// Find returns a rule set at a version, the newest when version is empty. Where
// XSD and rules share the id, it returns the rules; see FindStage.
func (c *Catalogue) Find(id, version string) (Pack, error) { panic("todo") }

// FindStage is Find for one stage.
func (c *Catalogue) FindStage(stage Stage, id, version string) (Pack, error) { panic("todo") }

// FindAt returns the newest version of a rule set in force on the day of at.
func (c *Catalogue) FindAt(id string, at time.Time) (Pack, error) { panic("todo") }

// List returns every rule set of the lock with its state, in the lock's order.
func (c *Catalogue) List() []Status { panic("todo") }

// Verify reads every byte of every used file and returns what is missing or changed.
func (c *Catalogue) Verify(ctx context.Context) []Problem { panic("todo") }

// Read returns the bytes of a file of a pack, only if they are those of the lock.
func (c *Catalogue) Read(p Pack, inner string) ([]byte, error) { panic("todo") }

// Path returns where a file of a pack lies, after verifying all files of that
// pack; relative includes and imports lead to files of the same tree.
func (c *Catalogue) Path(p Pack, inner string) (string, error) { panic("todo") }

// Import is a schema document that libxml2 must import before another.
type Import struct {
	Namespace string
	Path      string // on disk, verified
}

// Imports resolves the needs of an XSD pack, those of its needs included, in
// the order in which a driver schema must import them.
func (c *Catalogue) Imports(p Pack) ([]Import, error) { panic("todo") }
