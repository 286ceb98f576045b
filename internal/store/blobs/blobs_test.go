package blobs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/blobs"
	"facteur.dev/facteur/internal/store/storetest"
)

func open(t testing.TB, dir string, limit int64) *blobs.Disk {
	t.Helper()
	d, err := blobs.Open(dir, limit, gateway.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// files lists all files below a folder.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBlobs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	storetest.RunBlobs(t, func(t testing.TB) gateway.Blobs { return open(t, dir, 0) })
	for _, name := range files(t, dir) {
		parts := strings.Split(filepath.ToSlash(name), "/")
		if len(parts) != 3 || len(parts[2]) != 64 || !strings.HasPrefix(parts[2], parts[1]) {
			t.Errorf("the file %s is left", name)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestWhatACrashLeavesIsRemovedOnceItIsOld(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, 0)
	old, young := filepath.Join(dir, ".tmp", "OLD"), filepath.Join(dir, ".tmp", "YOUNG")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half of a docu"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 0)
	if got := files(t, dir); len(got) != 1 || filepath.Base(got[0]) != "YOUNG" {
		t.Errorf("left are %q, want the one that another process may be writing", got)
	}
}

func TestDamagedBytesAreNeverGivenAndPutMendsThem(t *testing.T) {
	data := []byte(strings.Repeat("<Invoice/>", 1000))
	for name, damage := range map[string]func(path string) error{
		"cut short": func(path string) error { return os.Truncate(path, 100) },
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"longer":    func(path string) error { return os.WriteFile(path, append(data, '\n'), 0o600) },
		"one bit": func(path string) error {
			changed := append([]byte(nil), data...)
			changed[5000] ^= 1
			return os.WriteFile(path, changed, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir, 0)
			hash, err := d.Put(t.Context(), "acme", data)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(dir, "acme", hash[:2], hash)); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Get(t.Context(), "acme", hash); !errors.Is(err, blobs.ErrDamaged) {
				t.Errorf("Get: %v", err)
			}
			if _, _, err := d.Open(t.Context(), "acme", hash); !errors.Is(err, blobs.ErrDamaged) {
				t.Errorf("Open: %v", err)
			}
			if _, err := d.Put(t.Context(), "acme", data); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Get(t.Context(), "acme", hash); err != nil || string(got) != string(data) {
				t.Errorf("not mended: %v", err)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	d := open(t, t.TempDir(), 10)
	if _, err := d.Put(t.Context(), "acme", make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if _, err := d.Put(t.Context(), "acme", make([]byte, 11)); !errors.Is(err, blobs.ErrTooLarge) {
		t.Errorf("11 bytes: %v", err)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Open(filepath.Join(file, "x"), 0, gateway.SystemClock{}); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// TestALinkOutsideIsNotFollowed puts a link where a tenant's folder belongs.
func TestALinkOutsideIsNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	d := open(t, dir, 0)
	if err := os.Symlink(outside, filepath.Join(dir, "acme")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := d.Put(t.Context(), "acme", []byte("secret")); err == nil {
		t.Error("a blob was put outside the folder")
	}
	if got := files(t, outside); len(got) != 0 {
		t.Errorf("outside are %q", got)
	}
}

func BenchmarkPut(b *testing.B) {
	d := open(b, b.TempDir(), 0)
	data := make([]byte, 20_000)
	b.RunParallel(func(pb *testing.PB) {
		data := append([]byte(nil), data...)
		for n := 0; pb.Next(); n++ {
			copy(data, time.Now().String())
			if _, err := d.Put(b.Context(), "acme", data); err != nil {
				b.Error(err)
			}
		}
	})
}
