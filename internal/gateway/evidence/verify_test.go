package evidence

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestVerifyReports(t *testing.T) {
	m := newLog(t, 10, 4) // roots over 4, 8 and 10 leaves
	key := newSigner(t, 1).Verifier()
	delete(m.openings[3], "ip")
	m.openings[9] = nil

	var leaves []VerifiedLeaf
	file := export(t, m, []Range{{3, 4}, {9, 10}}, m.roots[0], m.roots[1])
	report, err := Verify(bytes.NewReader(file), Options{
		Key: &key, Since: m.roots[0], Each: func(l VerifiedLeaf) { leaves = append(leaves, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.KeyTrusted || report.Root.Size != 10 || report.Leaves != 4 || report.Shown != 1 || report.Erased != 3 ||
		!report.ExportedAt.Equal(testTime) || len(report.Earlier) != 2 || report.Earlier[1].Size != 8 {
		t.Errorf("got %+v", report)
	}
	want := []VerifiedLeaf{
		{Seq: 3, EventID: "evt_0003", Personal: map[string]string{"user_agent": "Mozilla/5.0 \"é\""}, Erased: []string{"ip"}},
		{Seq: 4, EventID: "evt_0004"},
		{Seq: 9, EventID: "evt_0009", Erased: []string{"ip", "user_agent"}},
		{Seq: 10, EventID: "evt_0010"},
	}
	for i := range leaves {
		if !bytes.Contains(leaves[i].Event, []byte(`"type":"invoice.sent"`)) {
			t.Errorf("leaf %d: event %s", i, leaves[i].Event)
		}
		leaves[i].Event = nil
	}
	if diff := cmp.Diff(want, leaves); diff != "" {
		t.Error(diff)
	}
}

func TestVerifyEmptyLog(t *testing.T) {
	m := newLog(t, 0, 1)
	report, err := Verify(bytes.NewReader(export(t, m, nil, m.lastRoot())), Options{})
	if err != nil || report.Leaves != 0 || report.KeyTrusted || len(report.Earlier) != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// The file format is a contract: files of yesterday verify tomorrow, and the
// same log gives the same file.
func TestVerifyGolden(t *testing.T) {
	golden := filepath.Join("testdata", "export.jsonl")
	m := newLog(t, 7, 3)
	m.openings[6] = nil
	file := export(t, m, nil, m.roots[0])
	if *update {
		if err := os.WriteFile(golden, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, want) {
		t.Errorf("the export differs from %s:\n%s", golden, file)
	}
	key := newSigner(t, 1).Verifier()
	if report, err := Verify(bytes.NewReader(want), Options{Key: &key}); err != nil || report.Leaves != 7 {
		t.Errorf("got %+v, %v", report, err)
	}
}

func lines(file []byte) [][]byte {
	return slices.Collect(bytes.Lines(file))
}

func TestVerifyPlacesDamage(t *testing.T) {
	m := newLog(t, 9, 5)
	key, other := newSigner(t, 1).Verifier(), newSigner(t, 2).Verifier()
	file := export(t, m, nil, m.roots[0]) // line 1 header, line 2 root over 5, lines 3–11 leaves 1–9
	foreign := export(t, newLog(t, 3, 3), nil)
	otherGrowth := lines(export(t, m, nil, m.roots[1]))[1]

	replace := func(line int, old, with string) func([][]byte) [][]byte {
		return func(l [][]byte) [][]byte {
			changed := bytes.Replace(l[line-1], []byte(old), []byte(with), 1)
			if bytes.Equal(changed, l[line-1]) {
				t.Fatalf("%q is not in line %d", old, line)
			}
			l[line-1] = changed
			return l
		}
	}
	for _, test := range []struct {
		name   string
		change func(l [][]byte) [][]byte
		opts   Options
		check  Check
		line   int64
		leaf   int64
	}{
		{"empty", func([][]byte) [][]byte { return nil }, Options{}, CheckTruncated, 1, 0},
		{"not an export", func([][]byte) [][]byte { return [][]byte{[]byte("{}\n")} }, Options{}, CheckFormat, 1, 0},
		{"another format", replace(1, `"facteur-evidence/1"`, `"facteur-evidence/2"`), Options{}, CheckFormat, 1, 0},
		{"another key", func(l [][]byte) [][]byte { return l }, Options{Key: &other}, CheckKey, 1, 0},
		{"a root over fewer leaves", replace(1, `\n9\n`, `\n8\n`), Options{}, CheckRoot, 1, 0},
		{"a promise of fewer leaves", replace(1, `leaves 1-9`, `leaves 1-8`), Options{}, CheckStatement, 1, 0},
		{"another earlier root", replace(2, `\n5\n`, `\n4\n`), Options{}, CheckRoot, 2, 0},
		{"another growth", replace(2, `"proof":["`, `"proof":["00`), Options{}, CheckFormat, 2, 0},
		{"another proof of growth", func(l [][]byte) [][]byte {
			at := bytes.Index(l[1], []byte(`"proof":["`)) + len(`"proof":["`)
			if l[1][at] == '0' {
				l[1][at] = '1'
			} else {
				l[1][at] = '0'
			}
			return l
		}, Options{}, CheckGrown, 2, 0},
		{"another earlier root that is signed", func(l [][]byte) [][]byte { l[1] = otherGrowth; return l }, Options{}, CheckOrder, 2, 0},
		{"no earlier root", func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) }, Options{}, CheckFormat, 2, 0},
		{"ends after the header", func(l [][]byte) [][]byte { return l[:1] }, Options{}, CheckTruncated, 2, 0},
		{"a root unknown to the log", func(l [][]byte) [][]byte { return l }, Options{Since: newLog(t, 2, 2).lastRoot()}, CheckGrown, 2, 0},
		{"a changed amount", replace(5, `"10.50"`, `"99.50"`), Options{}, CheckInclusion, 5, 3},
		{"a changed proof", replace(5, `"proof":["`, `"proof":["`+strings.Repeat("0", 64)+`","`), Options{}, CheckInclusion, 5, 3},
		{"a changed number", replace(5, `"seq":3`, `"seq":8`), Options{}, CheckOrder, 5, 3},
		{"a changed personal value", replace(5, `"192.0.2.3"`, `"192.0.2.4"`), Options{}, CheckPersonal, 5, 3},
		{"an invented personal field", replace(6, `"proof"`, `"personal":{"ip":{"salt":"00","value":"x"}},"proof"`), Options{}, CheckPersonal, 6, 4},
		{"white space", replace(5, `,"`, `, "`), Options{}, CheckFormat, 5, 3},
		{"an unknown field", replace(5, `"proof"`, `"note":"x","proof"`), Options{}, CheckFormat, 5, 3},
		{"a name in capitals", replace(5, `"leaf"`, `"Leaf"`), Options{}, CheckFormat, 5, 3},
		{"a dropped leaf", func(l [][]byte) [][]byte { return slices.Delete(l, 4, 5) }, Options{}, CheckOrder, 5, 3},
		{"a doubled leaf", func(l [][]byte) [][]byte { return slices.Insert(l, 4, l[3]) }, Options{}, CheckOrder, 5, 3},
		{"swapped leaves", func(l [][]byte) [][]byte { l[4], l[6] = l[6], l[4]; return l }, Options{}, CheckOrder, 5, 3},
		{"a leaf of another log", func(l [][]byte) [][]byte { l[4] = lines(foreign)[3]; return l }, Options{}, CheckInclusion, 5, 3},
		{"the last leaf dropped", func(l [][]byte) [][]byte { return l[:10] }, Options{}, CheckTruncated, 11, 9},
		{"cut in a line", func(l [][]byte) [][]byte { l[10] = l[10][:20]; return l }, Options{}, CheckTruncated, 11, 9},
		{"the last line feed dropped", func(l [][]byte) [][]byte { l[10] = bytes.TrimSuffix(l[10], []byte("\n")); return l }, Options{}, CheckTruncated, 11, 9},
		{"more at the end", func(l [][]byte) [][]byte { return append(l, l[10]) }, Options{}, CheckOrder, 12, 0},
		{"an endless line", func(l [][]byte) [][]byte { l[4] = bytes.Repeat([]byte("x"), maxLine+1); return l }, Options{}, CheckFormat, 5, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.opts.Key == nil {
				test.opts.Key = &key
			}
			copied := lines(bytes.Clone(file))
			_, err := Verify(bytes.NewReader(bytes.Join(test.change(copied), nil)), test.opts)
			expectBroken(t, err, test.check, test.line, test.leaf)
		})
	}
}

func TestVerifyReadError(t *testing.T) {
	file := export(t, newLog(t, 9, 5), nil)
	failed := errors.New("disk gone")
	_, err := Verify(io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(failed)), Options{})
	var b *Broken
	if !errors.Is(err, failed) || errors.As(err, &b) {
		t.Errorf("got %v; a failing disk is not a broken log", err)
	}
}

// Whatever single thing is done to a file, Verify finds it, and not later
// than the line where it was done.
func TestVerifyFindsAnyDamage(t *testing.T) {
	m := newLog(t, 20, 7)
	file := export(t, m, nil, m.roots[0], m.roots[1])
	key := newSigner(t, 1).Verifier()
	const firstLeaf = 4 // line of leaf 1
	rapid.Check(t, func(rt *rapid.T) {
		l := lines(bytes.Clone(file))
		at := rapid.IntRange(0, len(l)-1).Draw(rt, "line")
		switch rapid.SampledFrom([]string{"change", "insert", "cut", "drop", "swap", "double", "truncate"}).Draw(rt, "damage") {
		case "change":
			i := rapid.IntRange(0, len(l[at])-1).Draw(rt, "byte")
			l[at][i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		case "insert":
			i := rapid.IntRange(0, len(l[at])-1).Draw(rt, "byte")
			added := rapid.Byte().Draw(rt, "new")
			l[at] = slices.Insert(l[at], i, added)
			if added == '\n' && i == len(l[at])-2 { // the line is whole, and an empty one follows
				at++
			}
		case "cut":
			i := rapid.IntRange(0, len(l[at])-1).Draw(rt, "byte")
			l[at] = slices.Delete(l[at], i, i+1)
		case "drop":
			l = slices.Delete(l, at, at+1)
		case "swap":
			with := rapid.IntRange(0, len(l)-1).Filter(func(i int) bool { return i != at }).Draw(rt, "with")
			l[at], l[with] = l[with], l[at]
			at = min(at, with)
		case "double":
			l = slices.Insert(l, at, l[at])
			at++
		case "truncate":
			l = l[:at]
		}
		damaged := bytes.Join(l, nil)
		if bytes.Equal(damaged, file) {
			return // a byte inserted beside its equal, or the like
		}
		_, err := Verify(bytes.NewReader(damaged), Options{Key: &key})
		var b *Broken
		if !errors.As(err, &b) {
			rt.Fatalf("not found: %v", err)
		}
		if b.Line != int64(at+1) {
			rt.Fatalf("placed in line %d, done in line %d: %v", b.Line, at+1, b)
		}
		if at+1 >= firstLeaf && b.Line < int64(len(lines(file)))+1 && b.Leaf != int64(at+2-firstLeaf) {
			rt.Fatalf("placed at leaf %d, done at leaf %d: %v", b.Leaf, at+2-firstLeaf, b)
		}
	})
}

// Erasing personal fields breaks no proof, in any combination, and nothing of
// them stays in the file.
func TestErasureKeepsProofs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newLog(t, 12, 5)
		var shown, erased int64
		for seq := int64(1); seq <= 12; seq++ {
			for name := range m.openings[seq] {
				if rapid.Bool().Draw(rt, name) {
					delete(m.openings[seq], name)
					erased++
				} else {
					shown++
				}
			}
		}
		file := export(t, m, nil)
		report, err := Verify(bytes.NewReader(file), Options{})
		if err != nil {
			rt.Fatal(err)
		}
		if report.Shown != shown || report.Erased != erased {
			rt.Fatalf("shown %d, erased %d, want %d and %d", report.Shown, report.Erased, shown, erased)
		}
		if len(m.openings[3]) == 0 && bytes.Contains(file, []byte("192.0.2.3\"")) {
			rt.Fatal("an erased value is in the file")
		}
	})
}

// A field may also be taken out of a file that was exported before.
func TestRedactedFile(t *testing.T) {
	file := export(t, newLog(t, 3, 3), nil)
	redacted := regexp.MustCompile(`"ip":\{[^}]*\},`).ReplaceAll(file, nil)
	report, err := Verify(bytes.NewReader(redacted), Options{})
	if err != nil || report.Shown != 1 || report.Erased != 1 || bytes.Contains(redacted, []byte("192.0.2.3")) {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestExportRefuses(t *testing.T) {
	m := newLog(t, 9, 5)
	x := Exporter{Signer: newSigner(t, 1), Now: clock}
	for name, ranges := range map[string][]Range{
		"zero": {{0, 1}}, "backwards": {{3, 2}}, "overlap": {{1, 3}, {3, 4}}, "beyond": {{1, 10}}, "out of order": {{5, 6}, {1, 2}},
	} {
		if err := x.Export(t.Context(), io.Discard, m, m.lastRoot(), ranges); err == nil {
			t.Errorf("%s: %v was exported", name, ranges)
		}
	}
	if err := x.Export(t.Context(), io.Discard, m, m.lastRoot(), nil, []byte("no root")); err == nil {
		t.Error("something that is no root was exported")
	}
	if err := (Exporter{Signer: newSigner(t, 2), Now: clock}).Export(t.Context(), io.Discard, m, m.lastRoot(), nil); err == nil {
		t.Error("a log of another key was exported")
	}
	if err := x.Export(t.Context(), io.Discard, m, m.lastRoot(), nil, m.roots[1], m.roots[0]); err == nil {
		t.Error("earlier roots out of order were exported")
	}
	for i := range m.hashes {
		m.hashes[i] = bytes.Repeat([]byte{1}, 32)
	}
	if err := x.Export(t.Context(), io.Discard, m, m.lastRoot(), nil, m.roots[0]); err == nil {
		t.Error("a growth that is not one was exported")
	}
}

func FuzzVerify(f *testing.F) {
	m := newLog(f, 5, 2)
	good := export(f, m, nil, m.roots[0])
	f.Add(good)
	f.Add(export(f, m, []Range{{2, 2}, {4, 5}}))
	f.Add(export(f, newLog(f, 0, 1), nil))
	f.Add([]byte("{}\n"))
	key := newSigner(f, 1).Verifier()
	f.Fuzz(func(t *testing.T, file []byte) {
		var leaves int64
		report, err := Verify(bytes.NewReader(file), Options{Key: &key, Each: func(VerifiedLeaf) { leaves++ }})
		if leaves != report.Leaves {
			t.Errorf("%d leaves told, %d reported", leaves, report.Leaves)
		}
		if err == nil {
			// Nothing signed with this key exists but the seeds.
			if report.Root.Size != 5 && report.Root.Size != 0 {
				t.Errorf("a forged file passes: %+v", report)
			}
			return
		}
		var b *Broken
		if !errors.As(err, &b) || b.Line < 1 || b.Check == "" || b.Reason == "" {
			t.Errorf("got %v", err)
		}
	})
}
