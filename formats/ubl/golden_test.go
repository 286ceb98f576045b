package ubl

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with the file, or rewrites the file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference", path)
	}
}

var positionsAndPrefixes = regexp.MustCompile(`\[\d+\]|[^/@]+:`)

// generalPath is a path without positions, prefixes and document element, the
// same in both kinds of document.
func generalPath(path string) string {
	path = positionsAndPrefixes.ReplaceAllString(path, "")
	_, path, _ = strings.Cut(path[1:], "/")
	return strings.NewReplacer("CreditNoteLine", "InvoiceLine", "CreditedQuantity", "InvoicedQuantity").Replace(path)
}

func table(counts map[string]int) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%5d  %s\n", counts[key], key)
	}
	return b.String()
}
