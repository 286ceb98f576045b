package evidence

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// The tree is the one of RFC 6962, however the leaves come in batches.
func TestAppendMatchesDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(0, 40).Draw(rt, "size")
		step := rapid.IntRange(1, 41).Draw(rt, "step")
		m := newLog(t, size, step)
		root, err := OpenRoot(m.lastRoot(), newSigner(t, 1).Verifier())
		if err != nil {
			rt.Fatal(err)
		}
		if want := definedHash(m.leaves); root.Hash != want || root.Size != int64(size) || root.Origin != testOrigin || !root.At.Equal(testTime) {
			rt.Fatalf("root %+v, want hash %v over %d", root, want, size)
		}
	})
}

// definedHash is MTH of RFC 6962, section 2.1, word by word.
func definedHash(leaves [][]byte) tlog.Hash {
	switch len(leaves) {
	case 0:
		h, _ := tlog.TreeHash(0, nil)
		return h
	case 1:
		return tlog.RecordHash(leaves[0])
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(definedHash(leaves[:k]), definedHash(leaves[k:]))
}

func TestProofs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, 60).Draw(rt, "size")
		m := newLog(t, size, 1)
		roots := make([]Root, len(m.roots))
		for i, signed := range m.roots {
			var err error
			if roots[i], err = OpenRoot(signed, newSigner(t, 1).Verifier()); err != nil {
				rt.Fatal(err)
			}
		}
		newest := roots[size-1]

		seq := rapid.Int64Range(1, int64(size)).Draw(rt, "seq")
		proof, err := ProveLeaf(t.Context(), m, int64(size), seq)
		if err != nil || CheckLeaf(proof, newest, seq, m.leaves[seq-1]) != nil {
			rt.Fatalf("leaf %d is not proved: %v", seq, err)
		}
		if CheckLeaf(proof, newest, seq, []byte("other")) == nil {
			rt.Fatal("another leaf is proved")
		}
		if other := seq%int64(size) + 1; other != seq && CheckLeaf(proof, newest, other, m.leaves[seq-1]) == nil {
			rt.Fatal("the leaf is proved at another place")
		}

		older := roots[rapid.IntRange(0, size-1).Draw(rt, "older")]
		grown, err := ProveGrowth(t.Context(), m, older.Size, newest.Size)
		if err != nil || CheckGrowth(grown, older, newest) != nil {
			rt.Fatalf("growth from %d is not proved: %v", older.Size, err)
		}
		forged := older
		forged.Hash[0] ^= 1
		if CheckGrowth(grown, forged, newest) == nil {
			rt.Fatal("growth from another log is proved")
		}
		forged = older
		forged.Origin = "other"
		if CheckGrowth(grown, forged, newest) == nil {
			rt.Fatal("growth from another tenant's log is proved")
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	leafAt := func(seq int64) []byte {
		leaf, err := NewLeaf(Entry{Seq: seq, EventID: "evt_x", Event: []byte(`{}`)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Bytes
	}
	good := Appender{Origin: testOrigin, Signer: newSigner(t, 1), Now: clock}
	for _, test := range []struct {
		name   string
		change func(a *Appender, m *memoryLog, last *[]byte, leaf *[]byte)
		want   string
	}{
		{"a wrong number", func(_ *Appender, _ *memoryLog, _, leaf *[]byte) { *leaf = leafAt(7) }, "leaf 7 stands where leaf 6 is due"},
		{"bytes that are no leaf", func(_ *Appender, _ *memoryLog, _, leaf *[]byte) { *leaf = []byte(`{}`) }, "leaf 6"},
		{"bytes that are not canonical", func(_ *Appender, _ *memoryLog, _, leaf *[]byte) { *leaf = append(*leaf, ' ') }, "leaf 6"},
		{"a root of another key", func(a *Appender, _ *memoryLog, _, _ *[]byte) { a.Signer = newSigner(t, 2) }, "signed by another key"},
		{"a root of another log", func(a *Appender, _ *memoryLog, _, _ *[]byte) { a.Origin = "other" }, "is of log"},
		{"a changed root", func(_ *Appender, _ *memoryLog, last, _ *[]byte) {
			*last = bytes.Replace(*last, []byte("\n5\n"), []byte("\n4\n"), 1)
		}, "signature"},
		{"changed hashes", func(_ *Appender, m *memoryLog, _, _ *[]byte) { m.hashes[6] = bytes.Repeat([]byte{9}, 32) }, "not those of the signed root"},
		{"short hashes", func(_ *Appender, m *memoryLog, _, _ *[]byte) { m.hashes[6] = []byte{9} }, "has 1 bytes"},
		{"a log that is ahead", func(_ *Appender, m *memoryLog, last, leaf *[]byte) { *last, *leaf = m.roots[0], leafAt(2) }, "conflict"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newLog(t, 5, 1)
			a, last, leaf := good, m.lastRoot(), leafAt(6)
			test.change(&a, m, &last, &leaf)
			_, err := a.Append(t.Context(), m, last, [][]byte{leaf})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if len(m.leaves) != 5 {
				t.Error("something was stored all the same")
			}
		})
	}
}

func TestChangeOfKey(t *testing.T) {
	m := newLog(t, 3, 3)
	former, next := newSigner(t, 1), newSigner(t, 2)
	a := Appender{Origin: testOrigin, Signer: next, Now: clock, Former: []Verifier{former.Verifier()}}
	m.add(t, a, entry(4))
	if root, err := OpenRoot(m.lastRoot(), next.Verifier()); err != nil || root.Size != 4 {
		t.Errorf("got %+v, %v", root, err)
	}
}

func TestRootText(t *testing.T) {
	s := newSigner(t, 1)
	signed, err := Root{Origin: testOrigin, Size: 5, At: testTime.In(time.FixedZone("", 3600))}.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	want := testOrigin + "\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntime 2026-11-22T08:30:00Z\n\n— gateway.test "
	if !strings.HasPrefix(string(signed), want) {
		t.Errorf("got %q", signed)
	}
	for _, text := range []string{
		"", "a\n", "a\n5\nx\ntime 2026-11-22T08:30:00Z\n",
		strings.Replace(want[:len(want)-len("\n— gateway.test ")], "\n5\n", "\n-5\n", 1),
		strings.Replace(want[:len(want)-len("\n— gateway.test ")], "\n5\n", "\n05\n", 1),
		strings.Replace(want[:len(want)-len("\n— gateway.test ")], "Z\n", "+00:00\n", 1),
	} {
		note, err := s.sign(text)
		if err != nil {
			continue // not even a note
		}
		if _, err := OpenRoot(note, s.Verifier()); err == nil {
			t.Errorf("%q passes as a root", text)
		}
	}
	for _, origin := range []string{"", "a\nb"} {
		if _, err := (Root{Origin: origin}).Sign(s); err == nil {
			t.Errorf("a log is named %q", origin)
		}
	}
}

func TestVerifierSpelling(t *testing.T) {
	encoded := newSigner(t, 1).Verifier().String()
	if v, err := ParseVerifier(encoded); err != nil || v.String() != encoded {
		t.Fatalf("got %v, %v", v, err)
	}
	name, rest, _ := strings.Cut(encoded, "+")
	hash, key, _ := strings.Cut(rest, "+")
	for _, other := range []string{"", name, name + "+" + strings.ToUpper(hash) + "+" + key, encoded + "\n", encoded[:len(encoded)-1] + "B", "other+" + rest} {
		if other == encoded {
			continue
		}
		if _, err := ParseVerifier(other); err == nil {
			t.Errorf("%q is read as a key", other)
		}
	}
}
