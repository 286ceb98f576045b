package xmldsig

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
)

// failer is what testing.TB and rapid.T have in common here.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func parse(t failer, src string) *xmltree.Document {
	t.Helper()
	d, err := xmltree.Parse([]byte(src), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%.80q: %v", src, err)
	}
	return d
}

func canonical(t failer, n xmltree.Node, m Method) string {
	t.Helper()
	out, err := Canonical(n, m, xmltree.Node{})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// find is the element with that local name.
func find(t testing.TB, d *xmltree.Document, local string) xmltree.Node {
	t.Helper()
	n := search(d, local)
	if !n.Exists() {
		t.Fatalf("no element %s", local)
	}
	return n
}

func search(d *xmltree.Document, local string) xmltree.Node {
	for n := range d.Node(0).Descendants() {
		if n.Kind() == xmltree.Element && n.Local() == local {
			return n
		}
	}
	return xmltree.Node{}
}

// missing skips, or fails where everything must run.
func missing(t testing.TB, msg string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(msg)
	}
	t.Skip(msg)
}

func needTool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		missing(t, name+" is not installed: not compared with it")
	}
}

// corpora is the folder of shared test documents beside the checkout.
func corpora(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "corpora")
	if _, err := os.Stat(dir); err != nil {
		missing(t, "no shared corpora: nothing compared on real documents")
	}
	return dir
}

// corpusDocuments are the documents of the corpora that the reader accepts, by
// path relative to the corpora.
func corpusDocuments(t testing.TB) (dir string, names []string, docs map[string]*xmltree.Document) {
	t.Helper()
	dir = corpora(t)
	docs = map[string]*xmltree.Document{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.EqualFold(filepath.Ext(path), ".xml") {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if d, refused := xmltree.Parse(src, xmltree.Limits{}); refused == nil { // xmltree's tests judge the others
			names, docs[name] = append(names, name), d
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 1000 {
		t.Fatalf("only %d documents in the corpora", len(names))
	}
	return dir, names, docs
}
