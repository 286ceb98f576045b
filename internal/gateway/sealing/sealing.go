// Package sealing numbers the committed events of all tenants into their audit
// logs (internal/gateway/evidence), off the path of those who write them.
package sealing

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
)

// Sealer seals events.
type Sealer struct {
	Store  gateway.Store
	Clock  gateway.Clock
	Signer *evidence.Signer
	Former []evidence.Verifier
	Random io.Reader // for salts
	// Fanout is told of the events sealed, in the transaction that seals them.
	Fanout func(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, events []gateway.Event) error
	Log    *slog.Logger
	// Every is the pause between looks for new events.
	Every time.Duration
	Probe func(step string)
}

// batch bounds what one transaction seals.
const batch = 500

// Run seals until ctx ends.
func (s *Sealer) Run(ctx context.Context) {
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "events could not be sealed; they are kept and tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep seals what is not sealed yet. One tenant's trouble does not stop another's.
func (s *Sealer) Sweep(ctx context.Context) error {
	tenants, err := s.Store.System().UnsealedTenants(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, tenant := range tenants {
		for {
			n, err := s.Seal(ctx, tenant)
			if errors.Is(err, gateway.ErrConflict) {
				break // another instance is at it
			}
			if err != nil {
				failed = errors.Join(failed, err)
				break
			}
			if n < batch {
				break
			}
		}
	}
	return failed
}

// Seal numbers up to one batch of a tenant's events and returns how many.
func (s *Sealer) Seal(ctx context.Context, tenant gateway.TenantID) (int, error) {
	n := 0
	err := s.Store.For(tenant).Write(ctx, func(tx gateway.Tx) error {
		events, err := tx.Unsealed(ctx, batch)
		n = len(events)
		if err != nil || n == 0 {
			return err
		}
		size, err := tx.LogSize(ctx)
		if err != nil {
			return err
		}
		var last []byte
		if size > 0 {
			if last, err = tx.LogRoot(ctx); err != nil {
				return err
			}
		}
		entries := make([]gateway.LogEntry, n)
		leaves := make([][]byte, n)
		for i := range events {
			events[i].Seq = size + int64(i) + 1
			leaf, err := s.leaf(events[i])
			if err != nil {
				return err
			}
			entries[i] = gateway.LogEntry{EventID: events[i].ID, Seq: events[i].Seq, Leaf: leaf.Bytes, Salts: leaf.Salts}
			leaves[i] = leaf.Bytes
		}
		appender := evidence.Appender{Origin: s.origin(tenant, last), Signer: s.Signer, Now: s.Clock.Now, Former: s.Former}
		if _, err := appender.Append(ctx, logStore{tx, entries}, last, leaves); err != nil {
			return err
		}
		if s.Fanout != nil {
			if err := s.Fanout(ctx, tx, tenant, events); err != nil {
				return err
			}
		}
		s.probe("log.before_commit")
		return nil
	})
	s.probe("log.sealed")
	return n, err
}

func (s *Sealer) probe(step string) {
	if s.Probe != nil {
		s.Probe(step)
	}
}

// origin names a tenant's log: as it was named when it began, also under another key.
func (s *Sealer) origin(tenant gateway.TenantID, last []byte) string {
	known := append([]evidence.Verifier{s.Signer.Verifier()}, s.Former...)
	if root, err := evidence.OpenRoot(last, known...); err == nil && strings.HasSuffix(root.Origin, "/"+string(tenant)) {
		return root.Origin
	}
	return Origin(s.Signer, tenant)
}

// Origin names a tenant's log after the gateway that keeps it.
func Origin(s *evidence.Signer, tenant gateway.TenantID) string {
	return s.Name() + "/" + string(tenant)
}

func (s *Sealer) leaf(e gateway.Event) (evidence.Leaf, error) {
	entry, err := gateway.Entry(e)
	if err != nil {
		return evidence.Leaf{}, err
	}
	return evidence.NewLeaf(entry, s.Random)
}

// logStore lets the appender work inside a transaction of the store.
type logStore struct {
	tx      gateway.Tx
	entries []gateway.LogEntry
}

func (l logStore) ReadHashes(ctx context.Context, indexes []int64) ([][]byte, error) {
	return l.tx.LogHashes(ctx, indexes)
}

func (l logStore) AppendHashes(ctx context.Context, b evidence.Batch) error {
	return l.tx.AppendLog(ctx, b.From, l.entries, b.Hashes, b.Root)
}

// LogSource reads a tenant's log for an export. It implements evidence.Source.
type LogSource struct{ Reader gateway.Reader }

// ReadHashes implements evidence.HashReader.
func (l LogSource) ReadHashes(ctx context.Context, indexes []int64) ([][]byte, error) {
	return l.Reader.LogHashes(ctx, indexes)
}

// ReadLeaf implements evidence.Source: the openings are those that were not erased.
func (l LogSource) ReadLeaf(ctx context.Context, seq int64) ([]byte, map[string]evidence.Opening, error) {
	leaf, err := l.Reader.LogLeaf(ctx, seq)
	if err != nil {
		return nil, nil, err
	}
	events, err := l.Reader.EventsAfter(ctx, seq-1, gateway.EventFilter{}, 1)
	if err != nil {
		return nil, nil, err
	}
	if len(events) == 0 || events[0].Seq != seq {
		return leaf, nil, nil
	}
	salts, err := l.Reader.Salts(ctx, events[0].ID)
	if errors.Is(err, gateway.ErrNotFound) { // nothing personal, or erased
		return leaf, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	openings := make(map[string]evidence.Opening, len(salts))
	for name, salt := range salts {
		if value, ok := events[0].Personal[name]; ok {
			openings[name] = evidence.Opening{Salt: salt, Value: value}
		}
	}
	return leaf, openings, nil
}
