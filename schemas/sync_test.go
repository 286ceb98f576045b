package schemas

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSyncFromFolder(t *testing.T) {
	f := newFake(t)
	dir := filepath.Join(t.TempDir(), "data", "packs")
	var lines []string
	opts := SyncOptions{From: f.bundle, Progress: func(s string) { lines = append(lines, s) }}
	if err := f.lock.Sync(context.Background(), dir, opts); err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 || !strings.Contains(lines[len(lines)-1], "4 rule sets") {
		t.Errorf("progress %q", lines)
	}
	if p := f.open(t, dir).Verify(context.Background()); len(p) != 0 {
		t.Fatalf("problems after sync: %+v", p)
	}
	for name := range tree(t, dir) {
		if strings.Contains(name, "escape") || strings.Contains(name, "unused") || strings.HasPrefix(name, ".sync") {
			t.Errorf("%s is not to be there", name)
		}
	}
	t.Run("its archives folder is a bundle", func(t *testing.T) {
		for _, from := range []string{dir, filepath.Join(dir, archivesName)} {
			if err := f.lock.Sync(context.Background(), t.TempDir(), SyncOptions{From: from}); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("again does nothing", func(t *testing.T) {
		forbid := func(context.Context, string, ...string) error { return errors.New("not to be called") }
		if err := f.lock.Sync(context.Background(), dir, SyncOptions{Run: forbid}); err != nil {
			t.Error(err)
		}
	})
}

func TestSyncFromAddress(t *testing.T) {
	f := newFake(t)
	srv := httptest.NewServer(http.FileServer(http.Dir(f.bundle)))
	defer srv.Close()
	dir := t.TempDir()
	if err := f.lock.Sync(context.Background(), dir, SyncOptions{From: srv.URL + "/", HTTP: srv.Client()}); err != nil {
		t.Fatal(err)
	}
	if p := f.open(t, dir).Verify(context.Background()); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestSyncWithTools(t *testing.T) {
	f := newFake(t)
	t.Chdir(t.TempDir())
	dir := "packs" // Maven would take it from the folder of its pom.xml
	var ran []string
	run := func(_ context.Context, name string, args ...string) error {
		ran = append(ran, name)
		from, in := "rules-1.0.jar", ""
		if name == "mvn" {
			pom := readFile(t, after(args, "-f"))
			_, rest, _ := strings.Cut(pom, "<outputDirectory>")
			in, _, _ = strings.Cut(rest, "</outputDirectory>")
			if !filepath.IsAbs(in) {
				t.Errorf("Maven is to write to %s, which is relative", in)
			}
			want := "<artifactItem><groupId>org.example</groupId><artifactId>rules</artifactId><version>1.0</version></artifactItem>"
			if !strings.Contains(pom, want) || strings.Count(pom, "<artifactItem>") != 1 {
				t.Errorf("pom.xml:\n%s", pom)
			}
		} else {
			from, in = "more-2.0-py3-none-any.whl", after(args, "-d")
			if got, want := readFile(t, after(args, "-r")), "more==2.0 --hash=sha256:"+f.lock.archives[1].SHA256+"\n"; got != want {
				t.Errorf("requirements.txt: %q, want %q", got, want)
			}
		}
		return os.WriteFile(filepath.Join(in, from), []byte(readFile(t, filepath.Join(f.bundle, from))), 0o600)
	}
	if err := f.lock.Sync(context.Background(), dir, SyncOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, " "); got != "mvn python3" {
		t.Errorf("ran %s", got)
	}

	t.Run("repairs from its own archives", func(t *testing.T) {
		damage(t, f.open(t, dir), "a", "rules/2/a.xslt")
		ran = nil
		if err := f.lock.Sync(context.Background(), dir, SyncOptions{Run: run}); err != nil {
			t.Fatal(err)
		}
		if len(ran) != 0 {
			t.Errorf("ran %q, though the archives were there", ran)
		}
		if p := f.open(t, dir).Verify(context.Background()); len(p) != 0 {
			t.Errorf("problems: %+v", p)
		}
	})
	t.Run("fetches a damaged archive again", func(t *testing.T) {
		damage(t, f.open(t, dir), "a", "rules/2/a.xslt")
		if err := os.WriteFile(filepath.Join(dir, archivesName, "rules-1.0.jar"), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		ran = nil
		if err := f.lock.Sync(context.Background(), dir, SyncOptions{Run: run}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(ran, " "); got != "mvn" {
			t.Errorf("ran %q", got)
		}
	})
}

func TestSyncToolFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		code string
	}{
		"not installed": {&exec.Error{Name: "mvn", Err: exec.ErrNotFound}, CodeTool},
		"no pip":        {errors.New("exit status 1\n/usr/bin/python3: No module named pip"), CodeTool},
		"fails":         {errors.New("exit status 1\nCould not resolve host"), CodeFetch},
		"fetches none":  {nil, CodeFetch},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFake(t), t.TempDir()
			run := func(context.Context, string, ...string) error { return tt.err }
			wantCode(t, f.lock.Sync(context.Background(), dir, SyncOptions{Run: run}), tt.code)
			wantNothing(t, f, dir)
		})
	}
}

func TestRunProcess(t *testing.T) {
	if err := runProcess(context.Background(), "sh", "-c", "exit 0"); err != nil {
		t.Error(err)
	}
	err := runProcess(context.Background(), "sh", "-c", "echo why >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("error %v, want what the command printed", err)
	}
	if err := runProcess(context.Background(), "no-such-command-here"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// TestSyncRefuses gives bundles that are not the locked ones.
func TestSyncRefuses(t *testing.T) {
	jar := "rules-1.0.jar"
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, bundle string)
		code  string
	}{
		"a changed byte": {func(t *testing.T, bundle string) {
			b := []byte(readFile(t, filepath.Join(bundle, jar)))
			b[len(b)/2] ^= 1
			writeFile(t, filepath.Join(bundle, jar), b)
		}, CodeChanged},
		"a truncated archive": {func(t *testing.T, bundle string) {
			b := []byte(readFile(t, filepath.Join(bundle, jar)))
			writeFile(t, filepath.Join(bundle, jar), b[:len(b)-100])
		}, CodeChanged},
		"a longer archive": {func(t *testing.T, bundle string) {
			b := []byte(readFile(t, filepath.Join(bundle, jar)))
			writeFile(t, filepath.Join(bundle, jar), append(b, make([]byte, 1<<20)...))
		}, CodeChanged},
		"another archive": {func(t *testing.T, bundle string) {
			writeZip(t, filepath.Join(bundle, jar), map[string]string{"rules/1/a.xslt": "<evil/>"})
		}, CodeChanged},
		"a missing archive": {func(t *testing.T, bundle string) {
			if err := os.Remove(filepath.Join(bundle, jar)); err != nil {
				t.Fatal(err)
			}
		}, CodeFetch},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFake(t), t.TempDir()
			tt.spoil(t, f.bundle)
			wantCode(t, f.lock.Sync(context.Background(), dir, SyncOptions{From: f.bundle}), tt.code)
			wantNothing(t, f, dir)

			srv := httptest.NewServer(http.FileServer(http.Dir(f.bundle)))
			defer srv.Close()
			wantCode(t, f.lock.Sync(context.Background(), dir, SyncOptions{From: srv.URL}), tt.code)
			wantNothing(t, f, dir)
		})
	}
}

// TestSyncRefusesInnerFiles gives archives whose own hash is right while a file
// inside is not what the lock says: the lock was made of other archives.
func TestSyncRefusesInnerFiles(t *testing.T) {
	f := newFake(t)
	for name, files := range map[string]map[string]string{
		"a changed file": {"more/top.xsd": "<changed/>"},
		"a longer file":  {"more/top.xsd": readFileOf(t, filepath.Join(f.bundle, "more-2.0-py3-none-any.whl"), "more/top.xsd") + strings.Repeat(" ", 1<<20)},
		"a missing file": {"more/other.xsd": "<x/>"},
		"not a ZIP file": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			wheel := filepath.Join(dir, "x.whl")
			b := []byte("not a ZIP file")
			if files != nil {
				b = writeZip(t, wheel, files)
			} else {
				writeFile(t, wheel, b)
			}
			a := f.lock.archives[1]
			a.SHA256, a.Size = hexSum(b), int64(len(b))
			if err := checkArchive(wheel, a); err != nil {
				t.Fatal(err)
			}
			wantCode(t, f.lock.unpack(wheel, filepath.Join(dir, "tree"), a), CodeChanged)
			if left := tree(t, dir); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestSyncServerFailures(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"connection cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("PK"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFake(t), t.TempDir()
			srv := httptest.NewServer(handler)
			defer srv.Close()
			err := f.lock.Sync(context.Background(), dir, SyncOptions{From: srv.URL})
			wantCode(t, err, CodeFetch)
			if e := err.(*Error); !e.Retry { //nolint:errorlint // wantCode has looked
				t.Error("a retry can help")
			}
			wantNothing(t, f, dir)
		})
	}
}

// TestSyncInterrupted ends the context at each step, and leaves what a killed
// process leaves; the next sync succeeds.
func TestSyncInterrupted(t *testing.T) {
	f := newFake(t)
	for step := 1; ; step++ {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		opts := SyncOptions{From: f.bundle, Progress: func(string) {
			if n++; n == step {
				cancel()
			}
		}}
		err := f.lock.Sync(ctx, dir, opts)
		cancel()
		if err == nil {
			if step < 4 {
				t.Fatalf("only %d steps", step)
			}
			return
		}
		wantNothing(t, f, dir)
		killed := filepath.Join(dir, ".sync-killed", "tree", "rules")
		if err := os.MkdirAll(killed, 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(killed, "half"), []byte("half"))
		if err := f.lock.Sync(context.Background(), dir, SyncOptions{From: f.bundle}); err != nil {
			t.Fatalf("after an interruption at step %d: %v", step, err)
		}
		for name := range tree(t, dir) {
			if strings.HasPrefix(name, ".sync-") {
				t.Errorf("left behind: %s", name)
			}
		}
	}
}

func TestSyncConcurrently(t *testing.T) {
	f, dir := newFake(t), t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = f.lock.Sync(context.Background(), dir, SyncOptions{From: f.bundle}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if p := f.open(t, dir).Verify(context.Background()); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestSyncWaitsForAnother(t *testing.T) {
	f, dir := newFake(t), t.TempDir()
	unlock, err := lockFolder(context.Background(), filepath.Join(dir, lockName), func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	wantCode(t, f.lock.Sync(ctx, dir, SyncOptions{From: f.bundle}), CodeFetch)
	unlock()
	if err := f.lock.Sync(context.Background(), dir, SyncOptions{From: f.bundle}); err != nil {
		t.Error(err)
	}
}

func TestSyncWhereNothingCanBeWritten(t *testing.T) {
	f := newFake(t)
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	wantCode(t, f.lock.Sync(context.Background(), file, SyncOptions{From: f.bundle}), CodeDisk)
	wantCode(t, f.lock.Sync(context.Background(), filepath.Join(file, "below"), SyncOptions{From: f.bundle}), CodeDisk)
}

// wantNothing fails when a pack can be read or a step was left half done.
func wantNothing(t *testing.T, f fake, dir string) {
	t.Helper()
	for _, s := range f.open(t, dir).List() {
		if s.State != Missing {
			t.Errorf("%s is %s after a failed sync", s.Name(), s.State)
		}
	}
	for name := range tree(t, dir) {
		if name != lockName && !strings.HasPrefix(name, archivesName) {
			t.Errorf("left behind: %s", name)
		}
	}
}

func after(args []string, flag string) string {
	for i, a := range args {
		if a == flag {
			return args[i+1]
		}
	}
	return ""
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFileOf(t *testing.T, archive, inner string) string {
	t.Helper()
	b := []byte(readFile(t, archive))
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(inner)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// damage changes one byte of a file of a pack.
func damage(t *testing.T, c *Catalogue, id, inner string) {
	t.Helper()
	p, err := c.Find(id, "")
	if err != nil {
		t.Fatal(err)
	}
	name := c.file(p.Archive.ID, inner)
	b := []byte(readFile(t, name))
	b[len(b)/2] ^= 1
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, b)
}
