package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Stage tells apart the two kinds of packs, which may share an id.
type Stage string

// The stages, as verdicts name them.
const (
	StageXSD        Stage = "xsd"
	StageSchematron Stage = "schematron"
)

// Pack is one rule set at one version: what it is called, how long it is valid
// and which files carry it.
type Pack struct {
	ID      string // rule set id, such as "cen-ubl"
	Version string // the publisher's version, such as "1.3.16"
	Stage   Stage
	Archive Archive // where the files come from
	Files   []File  // every file used, entries first

	// ValidFrom is the first day, ValidTo the first day no more. Zero means
	// that the publisher set no such day.
	ValidFrom, ValidTo time.Time

	// Needs lists the ids of the XSD packs that must be imported before this
	// one, in order: its schemas import them without a location. See
	// [Catalogue.Imports].
	Needs []string

	Licence    string // of the content, not of the archive
	ExpectedID string // name in published expectations of test documents, if any
	Note       string
}

// Archive is a published file that packs are taken from.
type Archive struct {
	ID         string `json:"id"`         // artifact name, such as "phive-rules-en16931"
	Coordinate string `json:"coordinate"` // "maven:group:artifact:version" or "pypi:name==version"
	File       string `json:"file"`       // file name as downloaded
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256"` // lower-case hex
	Licence    string `json:"licence"`
}

// File is one file of a pack.
type File struct {
	Path   string // slash-separated path inside the archive
	Size   int64
	SHA256 string // lower-case hex

	// Entry says that a check starts at this file; the others are included,
	// imported or looked up by an entry.
	Entry bool
	// Namespace is the target namespace of an XML schema, Root the document
	// element that an XSD entry is for.
	Namespace, Root string
}

// SHA256 identifies the pack's content: of a single file its own SHA-256,
// otherwise the SHA-256 over a line "<sha256>  <path>\n" for each file in the
// order of Files.
func (p Pack) SHA256() string {
	if len(p.Files) == 1 {
		return p.Files[0].SHA256
	}
	h := sha256.New()
	for _, f := range p.Files {
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, f.Path)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Entries returns the files that checks start at.
func (p Pack) Entries() []File {
	var out []File
	for _, f := range p.Files {
		if f.Entry {
			out = append(out, f)
		}
	}
	return out
}

// Entry returns the XSD entry for a document element, and whether there is one.
func (p Pack) Entry(namespace, root string) (File, bool) {
	for _, f := range p.Files {
		if f.Entry && f.Namespace == namespace && f.Root == root {
			return f, true
		}
	}
	return File{}, false
}

// File returns the file at a path inside the archive, and whether the pack has it.
func (p Pack) File(path string) (File, bool) {
	for _, f := range p.Files {
		if f.Path == path {
			return f, true
		}
	}
	return File{}, false
}

// ValidAt reports whether the pack is in force on the day of t (in UTC).
func (p Pack) ValidAt(t time.Time) bool {
	day := t.UTC().Truncate(24 * time.Hour)
	return !day.Before(p.ValidFrom) && (p.ValidTo.IsZero() || day.Before(p.ValidTo))
}

// Name returns "id@version".
func (p Pack) Name() string { return p.ID + "@" + p.Version }

// State says whether the files of a pack are there as the lock has them.
type State string

// The states of a pack.
const (
	Present State = "present"
	Changed State = "changed" // at least one file differs from the lock
	Missing State = "missing" // at least one file is not there, none differs
)

// Status is one line of `facteur schemas list`.
type Status struct {
	Pack
	State State
}

// Problem is a file that is missing or differs from the lock.
type Problem struct {
	Archive string // archive id
	Path    string // inside the archive
	File    string // on disk
	State   State  // Missing or Changed
	Want    string // SHA-256 of the lock
	Got     string // SHA-256 found, empty when missing or unreadable
	Err     error  // why it could not be read, if so
}
