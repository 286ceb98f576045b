package ubl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/invoice"
)

// samples are our own invoices by name.
func samples(t testing.TB) map[string]*invoice.Invoice {
	t.Helper()
	files, err := filepath.Glob("../invoice/testdata/*.json")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d sample invoices, error %v", len(files), err)
	}
	list := make(map[string]*invoice.Invoice)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := invoice.ReadJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list[strings.TrimSuffix(filepath.Base(file), ".json")] = inv
	}
	return list
}

func TestSamplesAreWrittenAndReadBack(t *testing.T) {
	for name, inv := range samples(t) {
		t.Run(name, func(t *testing.T) {
			written, err := Write(inv)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".xml"), written)
			read, report, err := Read(written)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Unmodelled)+len(report.Missing) > 0 {
				t.Errorf("report of our own document: %+v", report)
			}
			if diff := lost(terms(inv), terms(read)); len(diff) > 0 {
				t.Errorf("terms differ:\n%s", strings.Join(diff, "\n"))
			}
		})
	}
}
