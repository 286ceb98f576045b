package schemas

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFind(t *testing.T) {
	c := newFake(t).synced(t)
	for _, tt := range []struct{ id, version, want, code string }{
		{"a", "", "a@1.10", ""},
		{"a", "1.9", "a@1.9", ""},
		{"main", "", "main@1", ""},
		{"a", "2", "", CodeUnknown},
		{"b", "", "", CodeUnknown},
	} {
		p, err := c.Find(tt.id, tt.version)
		if tt.code != "" {
			wantCode(t, err, tt.code)
		} else if err != nil || p.Name() != tt.want {
			t.Errorf("Find(%q, %q) = %s, %v", tt.id, tt.version, p.Name(), err)
		}
	}
	for at, want := range map[string]string{"2020-01-01": "1.9", "2026-04-30": "1.9", "2026-05-01": "1.10", "2030-01-01": "1.10"} {
		p, err := c.FindAt("a", day(t, at).Add(23*time.Hour))
		if err != nil || p.Version != want {
			t.Errorf("FindAt(%s) = %s, %v, want %s", at, p.Version, err, want)
		}
	}
	_, err := c.FindAt("none", time.Now())
	wantCode(t, err, CodeUnknown)
	if _, err := c.FindStage(StageXSD, "a", ""); err == nil {
		t.Error("a has no schema")
	}
}

func TestCompareVersions(t *testing.T) {
	for _, tt := range []struct{ low, high string }{
		{"1.3.9", "1.3.16"},
		{"2025.5", "2025.11"},
		{"2025.11", "2026.5"},
		{"1.4", "1.4.0.03"},
		{"001.02", "001.14"},
		{"D16B", "D22B"},
		{"1.3.2", "1.4.1"},
	} {
		if compareVersions(tt.low, tt.high) >= 0 || compareVersions(tt.high, tt.low) <= 0 || compareVersions(tt.low, tt.low) != 0 {
			t.Errorf("%s is to be below %s", tt.low, tt.high)
		}
	}
}

func TestRead(t *testing.T) {
	c := newFake(t).synced(t)
	p, err := c.Find("a", "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Read(p, "rules/2/a.xslt")
	if err != nil || string(b) != "<two/>" {
		t.Errorf("%q, %v", b, err)
	}
	for _, inner := range []string{"rules/1/a.xslt", "unused.bin", "../../escape.txt", ""} {
		if _, err := c.Read(p, inner); err == nil {
			t.Errorf("%s is no file of %s", inner, p.Name())
		}
	}
	forged := p
	forged.Files = []File{{Path: "rules/2/a.xslt", Size: 6, SHA256: hexSum([]byte("<evil>"))}}
	if _, err := c.Read(forged, "rules/2/a.xslt"); err == nil {
		t.Error("a pack with another hash than the lock's was read")
	}
}

// TestReadRefuses changes each byte and the length of a file: Read, Path, List
// and Verify all notice.
func TestReadRefuses(t *testing.T) {
	f := newFake(t)
	c := f.synced(t)
	p, err := c.Find("main", "")
	if err != nil {
		t.Fatal(err)
	}
	inner := "xsd/part/one.xsd"
	name := c.file(p.Archive.ID, inner)
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	right := []byte(readFile(t, name))
	refused := func(t *testing.T, code string, state State) {
		t.Helper()
		_, err := c.Read(p, inner)
		wantCode(t, err, code)
		_, err = c.Path(p, "xsd/main.xsd") // includes the other
		wantCode(t, err, code)
		top, err := c.Find("top", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Imports(top)
		wantCode(t, err, code)
		problems := c.Verify(context.Background())
		if len(problems) != 1 || problems[0].Path != inner || problems[0].State != state || problems[0].File != name {
			t.Errorf("problems %+v", problems)
		}
		for _, s := range c.List() {
			want := Present
			if s.ID == "main" {
				want = state
			}
			if s.State != want {
				t.Errorf("%s is %s, want %s", s.Name(), s.State, want)
			}
		}
	}
	for i := range right {
		wrong := append([]byte(nil), right...)
		wrong[i] ^= 0x20
		writeFile(t, name, wrong)
		if _, err := c.Read(p, inner); err == nil {
			t.Fatalf("byte %d changed and was not noticed", i)
		}
	}
	refused(t, CodeChanged, Changed)
	for _, wrong := range [][]byte{right[:len(right)-1], append(append([]byte(nil), right...), ' '), nil} {
		writeFile(t, name, wrong)
		refused(t, CodeChanged, Changed)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	refused(t, CodeMissing, Missing)
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(p, inner); err == nil {
		t.Error("a folder was read as a file")
	}
}

func TestPathAndImports(t *testing.T) {
	c := newFake(t).synced(t)
	top, err := c.Find("top", "")
	if err != nil {
		t.Fatal(err)
	}
	name, err := c.Path(top, "more/top.xsd")
	if err != nil || !filepath.IsAbs(name) || !strings.Contains(readFile(t, name), "urn:top") {
		t.Errorf("%s, %v", name, err)
	}
	imports, err := c.Imports(top)
	if err != nil || len(imports) != 1 || imports[0].Namespace != "urn:main" || !strings.HasSuffix(imports[0].Path, filepath.FromSlash("xsd/main.xsd")) {
		t.Errorf("%+v, %v", imports, err)
	}
	if e, ok := top.Entry("urn:top", "Top"); !ok || e.Path != "more/top.xsd" {
		t.Errorf("entry %+v", e)
	}
}

func TestOpenWithoutPacks(t *testing.T) {
	f := newFake(t)
	c := f.open(t, filepath.Join(t.TempDir(), "absent"))
	for _, s := range c.List() {
		if s.State != Missing {
			t.Errorf("%s is %s", s.Name(), s.State)
		}
	}
	p, err := c.Find("a", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(p, p.Files[0].Path)
	wantCode(t, err, CodeMissing)

	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	_, err = f.lock.Open(file)
	wantCode(t, err, CodeDisk)
}

// TestAnotherLock checks that files unpacked for one lock are not taken for another's.
func TestAnotherLock(t *testing.T) {
	f := newFake(t)
	c := f.synced(t)
	other, err := ParseLock(embeddedManifest, embeddedLock)
	if err != nil {
		t.Fatal(err)
	}
	o, err := other.Open(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(o.Verify(context.Background())); n != len(other.files) {
		t.Errorf("%d of %d files missing", n, len(other.files))
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	c := newFake(t).synced(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	problems := c.Verify(ctx)
	if len(problems) != len(c.lock.files) || !errors.Is(problems[0].Err, context.Canceled) {
		t.Errorf("%+v: what was not read is no pass", problems)
	}
}

func TestPackSHA256(t *testing.T) {
	one := Pack{Files: []File{{Path: "a", SHA256: strings.Repeat("ab", 32)}}}
	if one.SHA256() != one.Files[0].SHA256 {
		t.Error("the hash of a single file is its own")
	}
	two := Pack{Files: append([]File{{Path: "b", SHA256: strings.Repeat("cd", 32)}}, one.Files...)}
	swapped := Pack{Files: []File{{Path: "a", SHA256: two.Files[0].SHA256}, {Path: "b", SHA256: one.Files[0].SHA256}}}
	if two.SHA256() == one.SHA256() || two.SHA256() == swapped.SHA256() {
		t.Error("the hash tells the files apart")
	}
}

func TestErrorTexts(t *testing.T) {
	cause := errors.New("cause")
	e := &Error{Code: CodeDisk, Message: "message", Remedy: "remedy", Err: cause}
	if e.Error() != "message: cause" || e.Safe() != "message; remedy" || !errors.Is(e, cause) {
		t.Errorf("%q %q", e.Error(), e.Safe())
	}
}
