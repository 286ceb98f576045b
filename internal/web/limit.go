package web

import (
	"context"
	"strings"
	"sync"
	"time"

	"facteur.dev/facteur/internal/access"
)

// How often somebody may try to sign in: so many times at once, and one more
// each time the interval has passed. One address may stand for a whole office.
const (
	accountBurst, accountEvery = 10, time.Minute
	addressBurst, addressEvery = 50, 10 * time.Second
	// mostTracked bounds the memory of each list.
	mostTracked = 10_000
	// hashing is how many passwords are checked at the same time, 19 MiB each.
	hashing = 4
)

// signInLimits slows down who guesses passwords. It counts tries by account and
// by network address, in this process.
type signInLimits struct {
	accounts, addresses *buckets
	turn                chan struct{}
}

func newSignInLimits(now func() time.Time) signInLimits {
	return signInLimits{
		accounts:  &buckets{now: now, burst: accountBurst, every: accountEvery, full: map[string]time.Time{}},
		addresses: &buckets{now: now, burst: addressBurst, every: addressEvery, full: map[string]time.Time{}},
		turn:      make(chan struct{}, hashing),
	}
}

// allow takes one try, or refuses it.
func (l signInLimits) allow(address, account string) bool {
	return l.addresses.take(address) && l.accounts.take(strings.ToLower(account))
}

// forget gives an account its tries back: who knew the password is no guesser.
func (l signInLimits) forget(account string) { l.accounts.drop(strings.ToLower(account)) }

// check compares a password when it is its turn.
func (l signInLimits) check(ctx context.Context, hash, password string) bool {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return false
	}
	ok, _ := access.CheckPassword(hash, password)
	return ok
}

// buckets hold so many tokens for each key and fill up with time. What is kept
// is when a bucket will be full again; a key that is not kept has a full one.
type buckets struct {
	now   func() time.Time
	burst int
	every time.Duration

	mu   sync.Mutex
	full map[string]time.Time
}

func (b *buckets) take(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	full, ok := b.full[key]
	if !ok || full.Before(now) {
		full = now
	}
	if full.Add(b.every).Sub(now) > time.Duration(b.burst)*b.every {
		return false
	}
	if !ok && len(b.full) >= mostTracked {
		b.sweep(now)
	}
	b.full[key] = full.Add(b.every)
	return true
}

// sweep drops what says nothing any more. When everything says something, all of
// it goes: memory stays bounded, and a guesser of that size is the firewall's.
func (b *buckets) sweep(now time.Time) {
	for key, full := range b.full {
		if full.Before(now) {
			delete(b.full, key)
		}
	}
	if len(b.full) >= mostTracked {
		clear(b.full)
	}
}

func (b *buckets) drop(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.full, key)
}
