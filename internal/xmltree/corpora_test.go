package xmltree

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestCorporaLikeLibxml2 reads every XML file of the corpora: we and libxml2
// both accept or both refuse, but for documents with a DTD, which we refuse.
func TestCorporaLikeLibxml2(t *testing.T) {
	dir := corpora(t)
	needXmllint(t)
	files := xmlFiles(t, dir)
	if len(files) < 1000 {
		t.Fatalf("only %d XML files in the corpora", len(files))
	}
	ours := map[string]error{}
	var compared []string
	dtds := 0
	for _, f := range files {
		src, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(src, Limits{})
		if bytes.Contains(src, []byte("<!DOCTYPE")) {
			dtds++
			if code(err) != CodeDTD {
				t.Errorf("%s has a DTD: %v", f, err)
			}
			continue
		}
		if err == nil {
			checkTree(t, d)
		}
		ours[f] = err
		compared = append(compared, f)
	}
	theirs := xmllintRefuses(t, dir, compared)
	refused := 0
	for _, f := range compared {
		complaint, no := theirs[f]
		if no {
			refused++
		}
		if no != (ours[f] != nil) {
			t.Errorf("%s: we say %v, libxml2 says %q", f, ours[f], complaint)
		}
	}
	t.Logf("%d files, %d with a DTD, %d refused by both", len(files), dtds, refused)
}

// TestMaliciousCorpus holds each hostile file against its label, 100 ms and 64 MiB.
func TestMaliciousCorpus(t *testing.T) {
	dir := corpora(t)
	labels := readLabels(t, filepath.Join(dir, "_expected", "labels.csv"), "malicious-xml/")
	if len(labels) < 30 {
		t.Fatalf("only %d labelled files", len(labels))
	}
	for f, label := range labels {
		src, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		allocated, err := allocated(func() error { _, err := Parse(src, Limits{}); return err })
		if took := time.Since(start); took > 100*time.Millisecond || allocated > 64<<20 {
			t.Errorf("%s took %v and %d bytes", f, took, allocated)
		}
		// Labels of external entities mean the file in the role of a DTD; a few of
		// them and the controls of libxml2 carry a DTD of their own.
		wanted := strings.HasPrefix(label, "parse") && !bytes.Contains(src, []byte("<!DOCTYPE"))
		if accepted := err == nil; accepted != wanted {
			t.Errorf("%s: %v, label %q", f, err, label)
		}
	}
}

func allocated(f func() error) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func readLabels(t *testing.T, path, prefix string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, row := range rows {
		if strings.HasPrefix(row[0], prefix) {
			labels[row[0]] = row[1]
		}
	}
	return labels
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
