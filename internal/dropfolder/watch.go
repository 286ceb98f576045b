package dropfolder

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxEntries bounds how many names of a folder are looked at in one sweep.
const maxEntries = 20_000

// sighting is how a document looked, and since when it looks like that.
type sighting struct {
	size    int64
	changed time.Time
	since   time.Time
}

// ready gives the names in "in" that may be taken, the oldest first: documents
// that no longer change, and what is no file and will be refused.
func (f *Folder) ready(dir *os.Root, t *tenant) ([]string, error) {
	entries, err := list(dir, inDir)
	if err != nil {
		return nil, err
	}
	now := f.Clock.Now()
	type candidate struct {
		name    string
		changed time.Time
	}
	var found []candidate
	seen := make(map[string]sighting, len(entries))
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(strings.ToLower(name), ".part") {
			continue
		}
		info, err := dir.Lstat(path.Join(inDir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		is := sighting{size: info.Size(), changed: info.ModTime(), since: now}
		last, known := t.seen[name]
		if known && last.size == is.size && last.changed.Equal(is.changed) {
			is.since = last.since
		} else {
			known = false
		}
		seen[name] = is
		if known && now.Sub(is.since) >= f.Every {
			found = append(found, candidate{name, is.changed})
		}
	}
	t.seen = seen
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(a.changed.Compare(b.changed), cmp.Compare(a.name, b.name))
	})
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.name
	}
	return names, nil
}

// list gives the entries of a folder, up to a bound.
func list(dir *os.Root, name string) ([]fs.DirEntry, error) {
	folder, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	entries, err := folder.ReadDir(maxEntries)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, err
}
