package invoice_test

import (
	"os"
	"path/filepath"
	"testing"
)

// shared is the folder beside the repository with reference material. Without it
// the test is skipped, but never in the pipeline.
func shared(t *testing.T, notRun string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(filepath.Dir(dir), "shared")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the shared reference is missing")
		}
		t.Skip("not run, the shared reference is missing: " + notRun)
	}
	return dir
}
