package dropfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/intake"
)

// Outcome is what became of a dropped document.
type Outcome string

// The outcomes. A table of orders of which only some were taken is filed in
// "rejected": somebody must look at it.
const (
	Accepted Outcome = "accepted"
	Partly   Outcome = "partly_accepted"
	Rejected Outcome = "rejected"
)

// Result is what the file beside a settled document says.
type Result struct {
	Outcome   Outcome     `json:"outcome"`
	Name      string      `json:"name"` // as it was dropped
	Kind      intake.Kind `json:"kind,omitempty"`
	Size      int64       `json:"size"`
	SHA256    string      `json:"sha256,omitempty"` // empty for what was not read
	SettledAt time.Time   `json:"settled_at"`
	// Claim names the one time that this document was picked up.
	Claim string `json:"claim"`
	// Documents are the records that were made, in the order of the document.
	Documents []Document `json:"documents"`
	Problems  []Problem  `json:"problems"`
}

// Document is an order or invoice that was made.
type Document struct {
	ID         string `json:"id"`
	Number     string `json:"number,omitempty"`
	ExternalID string `json:"external_id,omitempty"`
}

// Problem is why a document, or one order of a table, was not taken.
type Problem struct {
	Code    string `json:"code"` // stable
	Message string `json:"message"`
	Path    string `json:"path,omitempty"` // place in the document
	Term    string `json:"term,omitempty"` // business term
	// See is a record to look at, such as the first of a duplicate.
	See string `json:"see,omitempty"`
	// Order counts the orders of a table from 1.
	Order int `json:"order,omitempty"`
}

func (r *Result) problem(p Problem) { r.Problems = append(r.Problems, p) }

// settle decides the outcome.
func (r *Result) settle() {
	switch {
	case len(r.Problems) == 0:
		r.Outcome = Accepted
	case len(r.Documents) > 0:
		r.Outcome = Partly
	default:
		r.Outcome = Rejected
	}
}

// refuse notes why a document was not taken, or returns the error when the
// document is not to blame and may be tried again.
func (r *Result) refuse(err error, order int) error {
	var read *intake.Error
	if errors.As(err, &read) {
		r.problem(Problem{Code: read.Code, Message: read.Message, Order: order})
		for _, field := range read.Fields {
			r.problem(Problem{Code: field.Code, Message: field.Message, Path: field.Path, Term: field.Term, Order: order})
		}
		return nil
	}
	var known *gateway.Error
	if errors.As(err, &known) && !known.Retryable {
		r.problem(Problem{Code: known.Code, Message: known.Message, See: known.Ref, Order: order})
		for _, field := range known.Fields {
			r.problem(Problem{Code: field.Code, Message: field.Message, Path: field.Path, Term: field.Term, Order: order})
		}
		return nil
	}
	return err
}

const (
	resultSuffix = ".result.json"
	maxResult    = 16 << 20
	maxFileName  = 255 // bytes, on every file system in use
)

// file writes the result of a document and moves the document beside it.
func (f *Folder) file(dir *os.Root, claim, name string, r Result) error {
	folder := acceptedDir
	if r.Outcome != Accepted {
		folder = rejectedDir
	}
	r.Claim = path.Base(claim)
	as, err := place(dir, folder, name, r)
	if err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	// Under the claim no other document can have this name.
	temporary := path.Join(folder, "."+r.Claim+".part")
	if err := write(dir, temporary, append(encoded, '\n')); err != nil {
		return err
	}
	if err := dir.Rename(temporary, path.Join(folder, as+resultSuffix)); err != nil {
		return err
	}
	f.probe("drop.result_written")
	if err := dir.Rename(path.Join(claim, name), path.Join(folder, as)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.probe("drop.filed")
	return syncFolder(dir, folder)
}

// place finds the name to file a document under: its own, or one with a part of
// its hash when another document is there. A document that was filed before, in
// part or as a whole, gets the name it had.
func place(dir *os.Root, folder, name string, r Result) (string, error) {
	names := []string{name, hashed(name, r)}
	if len(name)+len(resultSuffix) > maxFileName {
		names = names[1:]
	}
	for _, as := range names {
		last, err := readResult(dir, path.Join(folder, as+resultSuffix))
		if err == nil && (last.Claim == r.Claim || r.SHA256 != "" && last.SHA256 == r.SHA256 && last.Name == r.Name) {
			return as, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := dir.Lstat(path.Join(folder, as)); errors.Is(err, fs.ErrNotExist) {
			return as, nil
		}
	}
	// Somebody put other files there. What they are is not known, so they stay.
	return "", fmt.Errorf("there is something else under the name %s in %s", clean(names[len(names)-1]), folder)
}

// hashed puts a part of the document's hash before the extension (the claim for
// what was not read), and cuts a name that gets too long.
func hashed(name string, r Result) string {
	mark := "~" + r.Claim
	if r.SHA256 != "" {
		mark = "~" + r.SHA256[:12]
	}
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	for len(stem)+len(mark)+len(ext)+len(resultSuffix) > maxFileName {
		_, last := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-last]
	}
	return stem + mark + ext
}

// readResult reads a result that was written before. Anything else in its place
// is an error, too.
func readResult(dir *os.Root, name string) (Result, error) {
	var r Result
	file, err := dir.Open(name)
	if err != nil {
		return r, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxResult))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}

// write makes a file with its content on the disk.
func write(dir *os.Root, name string, content []byte) error {
	file, err := dir.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o660)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncFolder puts the names of a folder on the disk.
func syncFolder(dir *os.Root, folder string) error {
	opened, err := dir.Open(folder)
	if err != nil {
		return err
	}
	defer opened.Close()
	return opened.Sync()
}
