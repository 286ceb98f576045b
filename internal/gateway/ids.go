package gateway

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// NewIDs returns a maker of identifiers that takes the time from clock and 80
// bits for each from entropy, which must be cryptographically random outside
// tests. It is safe for concurrent use. Its identifiers never repeat and never
// sort before an earlier one of the same prefix, even when the clock is set
// back. It panics when entropy fails: there is no safe identifier then.
func NewIDs(clock Clock, entropy io.Reader) IDs {
	return &ids{clock: clock, entropy: ulid.Monotonic(entropy, 0)}
}

type ids struct {
	clock Clock

	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
	last    uint64 // milliseconds of the newest identifier
}

func (g *ids) New(prefix string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last, ulid.Timestamp(g.clock.Now()))
	id, err := ulid.New(g.last, g.entropy)
	if errors.Is(err, ulid.ErrMonotonicOverflow) { // the random part of this millisecond is used up
		g.last++
		id, err = ulid.New(g.last, g.entropy)
	}
	if err != nil {
		panic("gateway: no randomness for identifiers: " + err.Error())
	}
	return prefix + "_" + id.String()
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now tells the time in UTC.
func (SystemClock) Now() time.Time { return time.Now().UTC() }
