package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const testOrigin = "facteur.test/tenant-a"

var testTime = time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)

func clock() time.Time { return testTime }

// newSigner makes a key from a byte: the same key each time.
func newSigner(tb testing.TB, seed byte) *Signer {
	tb.Helper()
	s, err := NewSigner("gateway.test", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// counter is a reader of bytes that are never the same twice in a row.
type counter byte

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		*c++
		p[i] = byte(*c)
	}
	return len(p), nil
}

// memoryLog keeps a log in memory, as a store would in tables.
type memoryLog struct {
	hashes   [][]byte
	leaves   [][]byte
	openings map[int64]map[string]Opening
	roots    [][]byte
}

func (m *memoryLog) ReadHashes(_ context.Context, indexes []int64) ([][]byte, error) {
	found := make([][]byte, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		found[i] = m.hashes[index]
	}
	return found, nil
}

func (m *memoryLog) AppendHashes(_ context.Context, b Batch) error {
	if b.From != int64(len(m.leaves)) || tlog.StoredHashCount(b.From) != int64(len(m.hashes)) {
		return errors.New("conflict")
	}
	m.leaves = append(m.leaves, b.Leaves...)
	m.hashes = append(m.hashes, b.Hashes...)
	m.roots = append(m.roots, b.Root)
	return nil
}

func (m *memoryLog) ReadLeaf(_ context.Context, seq int64) ([]byte, map[string]Opening, error) {
	if seq < 1 || seq > int64(len(m.leaves)) {
		return nil, nil, fmt.Errorf("no leaf %d", seq)
	}
	return m.leaves[seq-1], m.openings[seq], nil
}

func (m *memoryLog) lastRoot() []byte {
	if len(m.roots) == 0 {
		return nil
	}
	return m.roots[len(m.roots)-1]
}

// add seals one batch of entries; their numbers are set here.
func (m *memoryLog) add(tb testing.TB, a Appender, entries ...Entry) {
	tb.Helper()
	if m.openings == nil {
		m.openings = make(map[int64]map[string]Opening)
	}
	var random counter
	leaves := make([][]byte, len(entries))
	for i, e := range entries {
		e.Seq = int64(len(m.leaves) + i + 1)
		leaf, err := NewLeaf(e, &random)
		if err != nil {
			tb.Fatal(err)
		}
		leaves[i] = leaf.Bytes
		opened := make(map[string]Opening)
		for name, salt := range leaf.Salts {
			opened[name] = Opening{Salt: salt, Value: e.Personal[name]}
		}
		m.openings[e.Seq] = opened
	}
	if _, err := a.Append(tb.Context(), m, m.lastRoot(), leaves); err != nil {
		tb.Fatal(err)
	}
}

// entry is the n-th event of the tests; every third has personal fields.
func entry(n int) Entry {
	e := Entry{
		EventID: fmt.Sprintf("evt_%04d", n),
		Event:   fmt.Appendf(nil, `{"type":"invoice.sent","at":"2026-11-22T08:00:00Z","n":%d,"total":"10.50"}`, n),
	}
	if n%3 == 0 {
		e.Personal = map[string]string{"ip": fmt.Sprintf("192.0.2.%d", n%250), "user_agent": "Mozilla/5.0 \"é\""}
	}
	return e
}

// newLog makes a log of size leaves in batches of up to step.
func newLog(tb testing.TB, size, step int) *memoryLog {
	tb.Helper()
	a := Appender{Origin: testOrigin, Signer: newSigner(tb, 1), Now: clock}
	m := &memoryLog{}
	for from := 0; from < size; from += step {
		var entries []Entry
		for n := from; n < min(from+step, size); n++ {
			entries = append(entries, entry(n+1))
		}
		m.add(tb, a, entries...)
	}
	if size == 0 {
		m.add(tb, a)
	}
	return m
}

// export writes the ranges of m, or everything.
func export(tb testing.TB, m *memoryLog, ranges []Range, earlier ...[]byte) []byte {
	tb.Helper()
	if ranges == nil && len(m.leaves) > 0 {
		ranges = []Range{{1, int64(len(m.leaves))}}
	}
	var out bytes.Buffer
	x := Exporter{Signer: newSigner(tb, 1), Now: clock}
	if err := x.Export(tb.Context(), &out, m, m.lastRoot(), ranges, earlier...); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// expectBroken asserts where an export is broken.
func expectBroken(tb testing.TB, err error, check Check, line, leaf int64) {
	tb.Helper()
	var b *Broken
	if !errors.As(err, &b) {
		tb.Fatalf("got %v, want a *Broken", err)
	}
	if b.Check != check || b.Line != line || b.Leaf != leaf {
		tb.Fatalf("got %s at line %d, leaf %d (%v), want %s at line %d, leaf %d", b.Check, b.Line, b.Leaf, b, check, line, leaf)
	}
}
