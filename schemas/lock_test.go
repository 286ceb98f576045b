package schemas

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write lock.csv anew from the archives")

// TestLockMatchesArchives makes the lock again from the synced archives and
// compares. After a change of manifest.json (another version, another pattern):
//
//	facteur schemas sync            # or put the new archives into .facteur/packs/archives by hand
//	go test ./schemas -run TestLockMatchesArchives -update
func TestLockMatchesArchives(t *testing.T) {
	archives := filepath.Join(packsDir(t), archivesName)
	if _, err := os.Stat(archives); err != nil && !*update {
		needPacks(t, "the lock was not compared with the archives")
	}
	got := makeLock(t, embeddedManifest, archives)
	if *update {
		if err := os.WriteFile("lock.csv", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(got, embeddedLock) {
		t.Error("lock.csv is not what the manifest and the archives give: run with -update and look at the difference")
	}
}

// makeLock lists the files that the manifest's packs use, from archives whose
// SHA-256 is the manifest's.
func makeLock(t *testing.T, manifestJSON []byte, archives string) []byte {
	t.Helper()
	m, err := parseManifest(manifestJSON)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(strings.Split(lockHeader, ","))
	for _, a := range m.Archives {
		if err := checkArchive(filepath.Join(archives, a.File), a); err != nil {
			t.Fatalf("%s: %v", a.File, err)
		}
		for _, row := range lockRows(t, m, a, filepath.Join(archives, a.File)) {
			_ = w.Write(row)
		}
	}
	w.Flush()
	return out.Bytes()
}

func lockRows(t *testing.T, m manifest, a Archive, name string) [][]string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var rows [][]string
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !used(m, a, f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, []string{a.ID, f.Name, targetNamespace(b), strconv.Itoa(len(b)), hexSum(b)})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][1] < rows[j][1] })
	return rows
}

func used(m manifest, a Archive, path string) bool {
	for _, p := range m.Packs {
		if p.Archive == a.ID && p.uses(path) {
			return true
		}
	}
	return false
}

// targetNamespace returns the namespace of an XML schema, empty for other files.
func targetNamespace(b []byte) string {
	dec := xml.NewDecoder(bytes.NewReader(b))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		tok, err := dec.Token()
		if err != nil {
			return ""
		}
		if e, ok := tok.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if e.Name.Local == "schema" && a.Name.Local == "targetNamespace" {
					return a.Value
				}
			}
			return ""
		}
	}
}

// packsDir is where the synced packs are: $FACTEUR_PACKS, or .facteur/packs in
// the module's root.
func packsDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("FACTEUR_PACKS"); dir != "" {
		return dir
	}
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, ".facteur", "packs")
}

// needPacks skips, but fails where nothing may be left out.
func needPacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("no rule packs in %s: %s", packsDir(t), what)
	}
	t.Skipf("no rule packs in %s: %s (run: facteur schemas sync)", packsDir(t), what)
}

func TestManifestIsWritten(t *testing.T) {
	var m manifest
	if err := json.Unmarshal(embeddedManifest, &m); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Packs {
		if p.Licence == "" {
			t.Errorf("%s@%s has no licence", p.ID, p.Version)
		}
		for _, pattern := range p.With {
			if _, err := filepath.Match(pattern, ""); err != nil {
				t.Errorf("%s@%s: pattern %q: %v", p.ID, p.Version, pattern, err)
			}
		}
	}
}

// TestParseLockRefuses changes a right manifest; each change is refused.
func TestParseLockRefuses(t *testing.T) {
	f := newFake(t)
	if _, err := f.remade(t, func(*manifest) {}); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	for name, change := range map[string]func(m *manifest){
		"archive outside the folder": func(m *manifest) { m.Archives[0].File = "../rules.jar" },
		"archive id with a slash":    func(m *manifest) { m.Archives[0].ID = "a/b" },
		"archive of the folder":      func(m *manifest) { m.Archives[0].File = "." },
		"archive named twice":        func(m *manifest) { m.Archives = append(m.Archives, m.Archives[0]) },
		"archive without size":       func(m *manifest) { m.Archives[0].Size = 0 },
		"archive with a bad hash":    func(m *manifest) { m.Archives[0].SHA256 = "abc" },
		"a coordinate with options":  func(m *manifest) { m.Archives[1].Coordinate = "pypi:more==2.0 --index-url=x" },
		"a coordinate of XML":        func(m *manifest) { m.Archives[0].Coordinate = "maven:a:b:</x>" },
		"unknown archive":            func(m *manifest) { m.Packs[0].Archive = "other" },
		"unknown stage":              func(m *manifest) { m.Packs[0].Stage = "dtd" },
		"no entry":                   func(m *manifest) { m.Packs[0].Entries = nil },
		"an entry not in the lock":   func(m *manifest) { m.Packs[0].Entries[0].Path = "other" },
		"a pack named twice":         func(m *manifest) { m.Packs = append(m.Packs, m.Packs[0]) },
		"an unknown need":            func(m *manifest) { m.Packs[3].Needs = []string{"other"} },
		"a circle of needs":          func(m *manifest) { m.Packs[2].Needs = []string{"top"} },
		"an impossible day":          func(m *manifest) { m.Packs[0].ValidFrom = "2026-02-30" },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.remade(t, change)
			wantCode(t, err, CodeLock)
		})
	}
	good := string(f.lock.source)
	for name, list := range map[string]string{
		"empty":           "",
		"another header":  strings.Replace(good, "archive", "jar", 1),
		"a missing field": strings.Replace(good, ",urn:main", "", 1),
		"a bad size":      strings.Replace(good, ",6,", ",six,", 1),
		"a negative size": strings.Replace(good, ",6,", ",-6,", 1),
		"a bad path":      strings.Replace(good, "rules/1/a.xslt", "../1/a.xslt", 1),
		"an absolute one": strings.Replace(good, "rules/1/a.xslt", "/rules/1/a.xslt", 1),
		"a short hash":    good[:len(good)-2] + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			if list == good {
				t.Fatal("the case changes nothing")
			}
			_, err := parseFiles([]byte(list))
			wantCode(t, err, CodeLock)
		})
	}
	_, err := ParseLock([]byte(`{"archives":[],"packs":[],"other":1}`), []byte(lockHeader))
	wantCode(t, err, CodeLock)
}

// FuzzParseLock checks that whatever parses stays inside the folder.
func FuzzParseLock(f *testing.F) {
	hash := strings.Repeat("ab", 32)
	f.Add([]byte(`{"archives":[{"id":"r","coordinate":"maven:g:r:1","file":"r-1.jar","size":9,"sha256":"`+hash+`"}],
		"packs":[{"id":"a","version":"1","stage":"xsd","archive":"r","entries":[{"path":"x/a.xsd","root":"A"}],"with":["x/*"],"valid_from":"2026-05-01"},
		{"id":"b","version":"1.2","stage":"schematron","archive":"r","entries":[{"path":"b"}],"needs":["a"]}]}`),
		[]byte(lockHeader+"\nr,x/a.xsd,urn:a,4,"+hash+"\nr,b,,0,"+hash+"\n"))
	f.Add([]byte(`{"archives":[],"packs":[]}`), []byte(lockHeader+"\n"))
	f.Fuzz(func(t *testing.T, manifest, list []byte) {
		l, err := ParseLock(manifest, list)
		if err != nil {
			return
		}
		c := &Catalogue{lock: l, dir: "packs"}
		for _, p := range l.Packs() {
			for _, file := range p.Files {
				if name := c.file(p.Archive.ID, file.Path); !strings.HasPrefix(name, filepath.Join("packs", l.treeName())) {
					t.Errorf("%s leads to %s", file.Path, name)
				}
			}
			if p.Archive.ID == "" || len(p.SHA256()) != 64 || len(p.Entries()) == 0 {
				t.Errorf("incomplete pack %+v", p)
			}
		}
	})
}
