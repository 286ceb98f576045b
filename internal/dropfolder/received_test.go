package dropfolder

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDeliver(t *testing.T) {
	dir := t.TempDir()
	if taken, err := Deliver(t.Context(), dir, "acme", "inb_1.xml", []byte("a")); taken || err != nil {
		t.Fatalf("a tenant without the folder: %v %v", taken, err)
	}
	received := filepath.Join(dir, "acme", "received")
	if err := os.MkdirAll(received, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again after a crash: the same file
		if taken, err := Deliver(t.Context(), dir, "acme", "inb_1.xml", []byte("<a/>")); !taken || err != nil {
			t.Fatalf("%v %v", taken, err)
		}
	}
	entries, err := os.ReadDir(received)
	if err != nil || len(entries) != 1 || entries[0].Name() != "inb_1.xml" {
		t.Fatalf("%v %v", entries, err)
	}
	if b, err := os.ReadFile(filepath.Join(received, "inb_1.xml")); string(b) != "<a/>" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	for _, bad := range []string{"../x.xml", "a/b.xml", "..", ""} {
		if taken, err := Deliver(t.Context(), dir, "acme", bad, nil); taken || err == nil {
			t.Errorf("%q was delivered", bad)
		}
	}
	if _, err := Deliver(t.Context(), dir, "../acme", "x.xml", nil); err == nil {
		t.Error("a tenant outside the folder was served")
	}
	// A link out of the folder is not followed.
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "evil")); err != nil {
		t.Fatal(err)
	}
	if taken, err := Deliver(t.Context(), dir, "evil", "x.xml", nil); taken || err == nil {
		t.Errorf("a link was followed: %v %v", taken, err)
	}
}
