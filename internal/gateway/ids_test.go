package gateway

import (
	"bytes"
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type clockFunc func() time.Time

func (f clockFunc) Now() time.Time { return f() }

func TestIDsSortByCreationEvenWhenTheClockGoesBack(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	ids := NewIDs(clockFunc(func() time.Time { now = now.Add(-time.Hour); return now }), rand.Reader)
	var made []string
	for range 1000 {
		made = append(made, ids.New(PrefixInvoice))
	}
	if !slices.IsSorted(made) || len(slices.Compact(made)) != 1000 {
		t.Error("identifiers repeat or are not in order")
	}
	if !strings.HasPrefix(made[0], "inv_") || len(made[0]) != 4+26 {
		t.Errorf("identifier %q is not a prefix and a ULID", made[0])
	}
}

func TestIDsSurviveAnExhaustedMillisecond(t *testing.T) {
	still := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	// The first random part is the largest but one, so that the step after it overflows.
	entropy := io.MultiReader(bytes.NewReader(bytes.Repeat([]byte{0xff}, 9)), bytes.NewReader([]byte{0xfe}), rand.Reader)
	ids := NewIDs(clockFunc(func() time.Time { return still }), entropy)
	made := []string{ids.New("a"), ids.New("a"), ids.New("a")}
	if !slices.IsSorted(made) || len(slices.Compact(slices.Clone(made))) != 3 {
		t.Errorf("identifiers repeat or are not in order: %q", made)
	}
}

func TestIDsAreUniqueAcrossGoroutines(t *testing.T) {
	ids := NewIDs(SystemClock{}, rand.Reader)
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				id := ids.New(PrefixEvent)
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 8*500 {
		t.Errorf("%d distinct identifiers, want %d", len(seen), 8*500)
	}
}

func TestIDsPanicWithoutRandomness(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an identifier was made without randomness")
		}
	}()
	NewIDs(SystemClock{}, bytes.NewReader(nil)).New("x")
}
