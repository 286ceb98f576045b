package jobs_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/jobs"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// handler is a function that works tasks.
type handler func(ctx context.Context, t gateway.Task) error

func (h handler) Handle(ctx context.Context, t gateway.Task) error { return h(ctx, t) }

// bed is one process: a store with its queue and the tenant "acme".
type bed struct {
	testing.TB
	db    sqlstore.Database
	store *sqlstore.Store
	queue *jobs.Queue
	ids   gateway.IDs
}

func newBed(t testing.TB, open database) *bed {
	t.Helper()
	b := &bed{TB: t, ids: gateway.NewIDs(gateway.SystemClock{}, rand.Reader)}
	b.db, b.store, b.queue = open(t)
	err := b.store.System().CreateTenant(t.Context(), gateway.Tenant{ID: "acme"})
	if err != nil && !errors.Is(err, gateway.ErrDuplicate) {
		t.Fatal(err)
	}
	return b
}

// runner starts a runner and stops it with the test.
func (b *bed) runner(c jobs.Config) *jobs.Runner {
	b.Helper()
	c.Store, c.Queue, c.Log = b.store, b.queue, silent
	c.Owner = cmp.Or(c.Owner, b.ids.New("runner"))
	r, err := jobs.New(c)
	must(b, err)
	must(b, r.Start(b.Context()))
	b.Cleanup(func() { stop(b, r, 5*time.Second) })
	return r
}

func stop(t testing.TB, r *jobs.Runner, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return r.Stop(ctx)
}

// add adds n tasks in one transaction and gives their ids.
func (b *bed) add(kind gateway.TaskKind, group string, n int) (ids []string) {
	b.Helper()
	now := time.Now()
	must(b, b.store.For("acme").Write(b.Context(), func(tx gateway.Tx) error {
		ids = nil
		for range n {
			t := gateway.Task{ID: b.ids.New(gateway.PrefixTask), Kind: kind, Ref: "ref", Group: group, DueAt: now, CreatedAt: now}
			ids = append(ids, t.ID)
			if err := tx.AddTask(b.Context(), t); err != nil {
				return err
			}
		}
		return nil
	}))
	return ids
}

// end ends a task and writes an event for it, in one transaction.
func (b *bed) end(ctx context.Context, t gateway.Task) error {
	return b.store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		now := time.Now()
		if _, err := tx.AppendEvent(ctx, gateway.Event{
			ID: b.ids.New(gateway.PrefixEvent), Type: gateway.EventInvoiceSent, At: now, RecordedAt: now, InvoiceID: "inv_1", ExternalID: t.ID,
		}); err != nil {
			return err
		}
		return tx.EndTask(ctx, t)
	})
}

// tasks counts those that are left.
func (b *bed) tasks() int64 {
	b.Helper()
	stats, err := b.store.System().Stats(b.Context(), time.Now())
	must(b, err)
	return stats.Tasks
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 90 seconds: " + what)
		}
	}
}

func one(kind gateway.TaskKind, h handler) map[gateway.TaskKind]jobs.Kind {
	return map[gateway.TaskKind]jobs.Kind{kind: {Handler: h}}
}
