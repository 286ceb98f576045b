package schemas

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fake is a lock with two archives of our own and a bundle that holds them.
type fake struct {
	lock   *Lock
	bundle string
}

// newFake has a Maven archive with one rule set in two versions and a schema
// that includes another file, and a PyPI archive with a schema that needs it.
func newFake(t *testing.T) fake {
	t.Helper()
	bundle := t.TempDir()
	one := writeZip(t, filepath.Join(bundle, "rules-1.0.jar"), map[string]string{
		"rules/1/a.xslt":   "<one/>",
		"rules/2/a.xslt":   "<two/>",
		"rules/2/codes.x":  "<codes/>",
		"xsd/main.xsd":     `<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:main"/>`,
		"xsd/part/one.xsd": `<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:part"/>`,
		"../../escape.txt": "outside",
		"/etc/escape.txt":  "outside",
		"unused.bin":       strings.Repeat("x", 1<<16),
	})
	two := writeZip(t, filepath.Join(bundle, "more-2.0-py3-none-any.whl"), map[string]string{
		"more/top.xsd": `<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:top"/>`,
	})
	text := fmt.Sprintf(`{
	 "archives": [
	  {"id":"rules","coordinate":"maven:org.example:rules:1.0","file":"rules-1.0.jar","size":%d,"sha256":%q,"licence":"Apache-2.0"},
	  {"id":"more","coordinate":"pypi:more==2.0","file":"more-2.0-py3-none-any.whl","size":%d,"sha256":%q,"licence":"Apache-2.0"}],
	 "packs": [
	  {"id":"a","version":"1.9","stage":"schematron","archive":"rules","entries":[{"path":"rules/1/a.xslt"}],"valid_to":"2026-05-01","licence":"own"},
	  {"id":"a","version":"1.10","stage":"schematron","archive":"rules","entries":[{"path":"rules/2/a.xslt"}],"with":["rules/2/*.x"],"valid_from":"2026-05-01","licence":"own"},
	  {"id":"main","version":"1","stage":"xsd","archive":"rules","entries":[{"path":"xsd/main.xsd","root":"Main"}],"with":["xsd/part/*.xsd"],"licence":"own"},
	  {"id":"top","version":"1","stage":"xsd","archive":"more","entries":[{"path":"more/top.xsd","root":"Top"}],"needs":["main"],"licence":"own"}]
	}`, len(one), hexSum(one), len(two), hexSum(two))
	lock, err := ParseLock([]byte(text), makeLock(t, []byte(text), bundle))
	if err != nil {
		t.Fatal(err)
	}
	return fake{lock, bundle}
}

func writeZip(t *testing.T, name string, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[n])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// synced returns a catalogue over a folder that holds the fake packs.
func (f fake) synced(t *testing.T) *Catalogue {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "packs")
	if err := f.lock.Sync(context.Background(), dir, SyncOptions{From: f.bundle}); err != nil {
		t.Fatal(err)
	}
	return f.open(t, dir)
}

func (f fake) open(t *testing.T, dir string) *Catalogue {
	t.Helper()
	c, err := f.lock.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// remade returns the lock after a change of its manifest.
func (f fake) remade(t *testing.T, change func(m *manifest)) (*Lock, error) {
	t.Helper()
	m := manifest{Archives: f.lock.Archives()}
	for _, p := range f.lock.packs {
		mp := manifestPack{ID: p.ID, Version: p.Version, Stage: p.Stage, Archive: p.Archive.ID, Needs: p.Needs, Licence: p.Licence}
		for _, file := range p.Files {
			if file.Entry {
				mp.Entries = append(mp.Entries, manifestEntry{file.Path, file.Root})
			} else {
				mp.With = append(mp.With, file.Path)
			}
		}
		m.Packs = append(m.Packs, mp)
	}
	change(&m)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return ParseLock(b, f.lock.source)
}

// wantCode fails unless err is an *Error with the code and a remedy.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := err.(*Error) //nolint:errorlint // the outermost error carries the code
	if !ok {
		t.Fatalf("error %v, want code %s", err, code)
	}
	if e.Code != code || e.Message == "" {
		t.Fatalf("code %q (%v), want %s", e.Code, err, code)
	}
	if e.Remedy == "" && code != CodeLock {
		t.Errorf("%s has no remedy: %v", code, err)
	}
}

// tree lists the files below dir with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
