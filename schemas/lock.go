package schemas

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the manifest and the lock below
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed manifest.json
var embeddedManifest []byte

//go:embed lock.csv
var embeddedLock []byte

// Lock is the pinned list of archives, of the packs they hold and of the
// SHA-256 of every file used. It never changes once parsed.
type Lock struct {
	archives []Archive
	packs    []Pack
	files    []lockedFile
	source   []byte // the list of files as parsed
	digest   string // its SHA-256
}

// lockedFile is a row of the lock: a file of an archive.
type lockedFile struct {
	archive string
	File
}

// Embedded returns the lock that this version of the package carries.
func Embedded() (*Lock, error) { return parseEmbedded() }

var parseEmbedded = sync.OnceValues(func() (*Lock, error) {
	return ParseLock(embeddedManifest, embeddedLock)
})

// ParseLock reads a manifest (JSON) and its lock (CSV), in the form of those
// in this package's folder: the manifest names archives with their SHA-256 and
// packs with patterns of files; the lock has a row archive, path, namespace,
// size, sha256 for each file that a pattern names.
func ParseLock(manifest, lock []byte) (*Lock, error) {
	m, err := parseManifest(manifest)
	if err != nil {
		return nil, err
	}
	files, err := parseFiles(lock)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(lock)
	l := &Lock{archives: m.Archives, files: files, source: lock, digest: hex.EncodeToString(sum[:])}
	for _, mp := range m.Packs {
		p, err := l.pack(mp)
		if err != nil {
			return nil, lockError("pack "+mp.ID+"@"+mp.Version, err)
		}
		l.packs = append(l.packs, p)
	}
	return l, l.check()
}

// Digest is the SHA-256 of the lock, in hex.
func (l *Lock) Digest() string { return l.digest }

// Archives returns the archives in the manifest's order.
func (l *Lock) Archives() []Archive { return append([]Archive(nil), l.archives...) }

// Packs returns the packs in the manifest's order.
func (l *Lock) Packs() []Pack { return append([]Pack(nil), l.packs...) }

func (l *Lock) archive(id string) (Archive, bool) {
	for _, a := range l.archives {
		if a.ID == id {
			return a, true
		}
	}
	return Archive{}, false
}

func lockError(where string, err error) error {
	return &Error{Code: CodeLock, Message: "the list of rule packs is malformed at " + where, Err: err}
}

type manifest struct {
	Archives []Archive      `json:"archives"`
	Packs    []manifestPack `json:"packs"`
}

type manifestPack struct {
	ID         string          `json:"id"`
	Version    string          `json:"version"`
	Stage      Stage           `json:"stage"`
	Archive    string          `json:"archive"`
	Entries    []manifestEntry `json:"entries"`
	With       []string        `json:"with"`
	ValidFrom  string          `json:"valid_from"`
	ValidTo    string          `json:"valid_to"`
	Needs      []string        `json:"needs"`
	Licence    string          `json:"licence"`
	ExpectedID string          `json:"expected_id"`
	Note       string          `json:"note"`
}

type manifestEntry struct {
	Path string `json:"path"`
	Root string `json:"root"`
}

// entry returns the entry at a path.
func (mp manifestPack) entry(p string) (manifestEntry, bool) {
	for _, e := range mp.Entries {
		if e.Path == p {
			return e, true
		}
	}
	return manifestEntry{}, false
}

// uses reports whether the pack uses the file at a path of its archive.
func (mp manifestPack) uses(p string) bool {
	if _, ok := mp.entry(p); ok {
		return true
	}
	for _, pattern := range mp.With {
		if ok, err := path.Match(pattern, p); err == nil && ok {
			return true
		}
	}
	return false
}

func parseManifest(b []byte) (manifest, error) {
	var m manifest
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, lockError("the manifest", err)
	}
	seen := map[string]bool{}
	for _, a := range m.Archives {
		_, digest := hex.DecodeString(a.SHA256)
		if !plainName(a.File) || !plainName(a.ID) || seen[a.ID] || !coordinate.MatchString(a.Coordinate) || digest != nil || len(a.SHA256) != 64 || a.Size <= 0 {
			return m, lockError("archive "+a.ID, nil)
		}
		seen[a.ID] = true
	}
	for _, p := range m.Packs {
		if !seen[p.Archive] || len(p.Entries) == 0 || (p.Stage != StageXSD && p.Stage != StageSchematron) {
			return m, lockError("pack "+p.ID+"@"+p.Version, nil)
		}
	}
	return m, nil
}

// plainName reports whether s names a file in a folder, nothing above or below it.
func plainName(s string) bool { return fs.ValidPath(s) && s != "." && s == path.Base(s) }

// coordinate is the form in which Maven and pip are asked for an archive.
var coordinate = regexp.MustCompile(`^(maven:[\w.-]+:[\w.-]+:[\w.-]+|pypi:[\w.-]+==[\w.-]+)$`)

// lockHeader is the first row of the lock.
const lockHeader = "archive,path,namespace,size,sha256"

func parseFiles(b []byte) ([]lockedFile, error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = 5
	rows, err := r.ReadAll()
	if err != nil {
		return nil, lockError("the list of files", err)
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != lockHeader {
		return nil, lockError("the header of the list of files", nil)
	}
	var files []lockedFile
	for i, row := range rows[1:] {
		size, err := strconv.ParseInt(row[3], 10, 64)
		if _, hexErr := hex.DecodeString(row[4]); err != nil || size < 0 || hexErr != nil || len(row[4]) != 64 || !fs.ValidPath(row[1]) {
			return nil, lockError(fmt.Sprintf("row %d of the list of files", i+2), err)
		}
		files = append(files, lockedFile{row[0], File{Path: row[1], Namespace: row[2], Size: size, SHA256: row[4]}})
	}
	return files, nil
}

// pack joins an entry of the manifest with the files of the lock.
func (l *Lock) pack(mp manifestPack) (Pack, error) {
	a, _ := l.archive(mp.Archive)
	p := Pack{
		ID: mp.ID, Version: mp.Version, Stage: mp.Stage, Archive: a,
		Needs: mp.Needs, Licence: mp.Licence, ExpectedID: mp.ExpectedID, Note: mp.Note,
	}
	var err error
	if p.ValidFrom, err = parseDay(mp.ValidFrom); err != nil {
		return p, err
	}
	if p.ValidTo, err = parseDay(mp.ValidTo); err != nil {
		return p, err
	}
	var with []File
	for _, f := range l.files {
		if f.archive != a.ID || !mp.uses(f.Path) {
			continue
		}
		if e, ok := mp.entry(f.Path); ok {
			f.Entry, f.Root = true, e.Root
			p.Files = append(p.Files, f.File)
		} else {
			with = append(with, f.File)
		}
	}
	if len(p.Files) != len(mp.Entries) {
		return p, fmt.Errorf("the lock has %d of %d entries", len(p.Files), len(mp.Entries))
	}
	p.Files = append(p.Files, with...)
	return p, nil
}

// check finds what would make look-ups ambiguous or needs unresolvable.
func (l *Lock) check() error {
	seen := map[string]bool{}
	for _, p := range l.packs {
		key := p.Name() + " " + string(p.Stage)
		if seen[key] {
			return lockError(key, fmt.Errorf("named twice"))
		}
		seen[key] = true
	}
	for _, p := range l.packs {
		if _, err := l.needs(p, nil); err != nil {
			return err
		}
	}
	return nil
}

// needs returns the packs that p needs, each before those that need it.
func (l *Lock) needs(p Pack, path []string) ([]Pack, error) {
	var out []Pack
	for _, id := range p.Needs {
		for _, on := range append(path, p.ID) {
			if on == id {
				return nil, lockError(p.Name(), fmt.Errorf("%s needs itself", id))
			}
		}
		n, ok := l.newest(StageXSD, id)
		if !ok {
			return nil, lockError(p.Name(), fmt.Errorf("needs %s, which is not in the lock", id))
		}
		more, err := l.needs(n, append(path, p.ID))
		if err != nil {
			return nil, err
		}
		for _, q := range append(more, n) {
			if !containsPack(out, q) {
				out = append(out, q)
			}
		}
	}
	return out, nil
}

func containsPack(packs []Pack, p Pack) bool {
	for _, q := range packs {
		if q.ID == p.ID && q.Version == p.Version && q.Stage == p.Stage {
			return true
		}
	}
	return false
}

// newest returns the highest version of an id in a stage.
func (l *Lock) newest(stage Stage, id string) (Pack, bool) {
	var best Pack
	for _, p := range l.packs {
		if p.Stage == stage && p.ID == id && (best.ID == "" || newer(p, best)) {
			best = p
		}
	}
	return best, best.ID != ""
}

// newer orders the versions of one rule set: by the day they come into force,
// then by the numbers in the version.
func newer(p, q Pack) bool {
	if !p.ValidFrom.Equal(q.ValidFrom) {
		return p.ValidFrom.After(q.ValidFrom)
	}
	return compareVersions(p.Version, q.Version) > 0
}

// compareVersions compares dot-separated parts, as numbers where both are.
func compareVersions(v, w string) int {
	a, b := strings.Split(v, "."), strings.Split(w, ".")
	for i := 0; i < len(a) && i < len(b); i++ {
		m, errM := strconv.Atoi(a[i])
		n, errN := strconv.Atoi(b[i])
		c := strings.Compare(a[i], b[i])
		if errM == nil && errN == nil {
			c = m - n
		}
		if c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

func parseDay(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, s)
}
