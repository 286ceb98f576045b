package xmltree

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var xmllintComplaint = regexp.MustCompile(`(?m)^(.+?):\d+: (?:[a-z]+ error|parser error|I/O error|namespace error|encoding error) : (.*)$`)

// notURI is the complaint about a namespace name that is no URI: an error of
// the document, yet not one of well-formedness, and libxml2 files it among its
// warnings.
var notURI = regexp.MustCompile(`^xmlns(:\S+)?: '`)

// xmllintRefuses tells what libxml2 has against each of the files, which are
// relative to dir; files it accepts are missing.
func xmllintRefuses(t *testing.T, dir string, files []string) map[string]string {
	t.Helper()
	const batch = 1000
	refused := map[string]string{}
	for len(files) > 0 {
		n := min(batch, len(files))
		cmd := exec.Command("xmllint", append([]string{"--noout", "--nonet"}, files[:n]...)...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		known := map[string]bool{}
		for _, f := range files[:n] {
			known[f] = true
		}
		found := false
		for _, m := range xmllintComplaint.FindAllStringSubmatch(stderr.String(), -1) {
			if notURI.MatchString(m[2]) {
				continue
			}
			if known[m[1]] && refused[m[1]] == "" {
				refused[m[1]] = m[2]
				found = true
			}
		}
		if err != nil && !found {
			t.Fatalf("xmllint failed and named no file: %v\n%s", err, stderr.String())
		}
		files = files[n:]
	}
	return refused
}

func needXmllint(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		missing(t, "xmllint is not installed: not compared with libxml2")
	}
}

// missing skips, or fails where everything must run.
func missing(t *testing.T, msg string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(msg)
	}
	t.Skip(msg)
}

// corpora is the folder of shared test documents beside the checkout.
func corpora(t *testing.T) string {
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

// xmlFiles are the XML files below dir, relative to it.
func xmlFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.EqualFold(filepath.Ext(path), ".xml") {
			path, err = filepath.Rel(dir, path)
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// writeCases writes each document to a numbered file and answers the names.
func writeCases(t *testing.T, dir string, docs [][]byte) []string {
	t.Helper()
	files := make([]string, len(docs))
	for i, doc := range docs {
		files[i] = fmt.Sprintf("%05d.xml", i)
		if err := os.WriteFile(filepath.Join(dir, files[i]), doc, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
