// Package gatewaytest makes worlds for the tests of the use cases: a tenant on a
// real store (SQLite in a temporary folder, or one that the test gives), real
// blobs, and a clock that the test moves. Nothing in it is a mock of the store.
package gatewaytest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/store/blobs"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// Tenant is the tenant of a world, in live mode.
const Tenant gateway.TenantID = "acme"

// Start is when a world begins.
var Start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// Clock is a clock that stands until the test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now implements gateway.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on, or back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// World is a tenant and what its use cases need.
type World struct {
	testing.TB
	Store gateway.Store
	Blobs gateway.Blobs
	Clock *Clock
	IDs   gateway.IDs
	Book  *records.Book
}

// New makes a world on SQLite.
func New(t testing.TB) *World {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return On(t, store)
}

// On makes a world on a store.
func On(t testing.TB, store gateway.Store) *World {
	t.Helper()
	clock := &Clock{now: Start}
	disk, err := blobs.Open(t.TempDir(), 0, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	ids := gateway.NewIDs(clock, rand.Reader)
	w := &World{TB: t, Store: store, Blobs: disk, Clock: clock, IDs: ids, Book: &records.Book{Store: store, Clock: clock, IDs: ids}}
	w.Must(store.System().CreateTenant(t.Context(), gateway.Tenant{
		ID: Tenant, Name: "Acme SAS", Mode: gateway.ModeLive, Language: "fr", TimeZone: "Europe/Paris", CreatedAt: Start,
	}))
	return w
}

// Must ends the test on an error.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Fails wants an error of a stable code.
func (w *World) Fails(err error, code string) {
	w.Helper()
	if err == nil || gateway.Code(err) != code {
		w.Errorf("got error %v, want code %s", err, code)
	}
}

// Read runs fn on the tenant's data.
func (w *World) Read(fn func(r gateway.Reader) error) {
	w.Helper()
	w.Must(w.Store.For(Tenant).Read(w.Context(), fn))
}

// Write runs fn in a transaction of the tenant.
func (w *World) Write(fn func(tx gateway.Tx) error) {
	w.Helper()
	w.Must(w.Store.For(Tenant).Write(w.Context(), fn))
}

// Put writes a record.
func (w *World) Put(kind gateway.RecordKind, id, body string) gateway.Record {
	w.Helper()
	r, err := w.Book.Put(w.Context(), Tenant, gateway.System, gateway.Record{Kind: kind, ID: id, Body: json.RawMessage(body)}, -1)
	w.Must(err)
	return r
}

// Handler works on a task.
type Handler interface {
	Handle(ctx context.Context, t gateway.Task) error
}

// Handlers are the workers of a test by their kind.
type Handlers map[gateway.TaskKind]Handler

// lease is how long a worker of a test holds a task.
const lease = time.Minute

// Claim leases a task that is due.
func (w *World) Claim(due gateway.Wakeup) gateway.Task {
	w.Helper()
	t, err := w.Store.System().ClaimTask(w.Context(), due.Tenant, due.TaskID, "test", w.Clock.Now(), lease)
	w.Must(err)
	return t
}

// Due lists the tasks that are due, of one kind or, with "", of all.
func (w *World) Due(kind gateway.TaskKind) []gateway.Wakeup {
	w.Helper()
	all, err := w.Store.System().DueTasks(w.Context(), w.Clock.Now(), gateway.Wakeup{}, 1000)
	w.Must(err)
	var due []gateway.Wakeup
	for _, d := range all {
		if kind == "" || d.Kind == kind {
			due = append(due, d)
		}
	}
	return due
}

// Pass handles each task that is due now once, and gives the errors of the
// handlers. As in a runner, a task whose handler failed is tried again: after a
// minute.
func (w *World) Pass(handlers Handlers) (failed []error) {
	w.Helper()
	for _, due := range w.Due("") {
		h := handlers[due.Kind]
		if h == nil {
			continue // not of this test
		}
		t := w.Claim(due)
		err := h.Handle(w.Context(), t)
		if err == nil {
			continue
		}
		failed = append(failed, err)
		t.DueAt, t.LastError = w.Clock.Now().Add(lease), err.Error()
		w.Write(func(tx gateway.Tx) error {
			err := tx.DeferTask(w.Context(), t)
			if errors.Is(err, gateway.ErrLeaseLost) { // the handler did so itself
				return nil
			}
			return err
		})
	}
	return failed
}

// Drain handles what is due until nothing is. An error of a handler ends the test.
func (w *World) Drain(handlers Handlers) {
	w.Helper()
	for range 200 {
		before := 0
		for kind := range handlers {
			before += len(w.Due(kind))
		}
		if before == 0 {
			return
		}
		for _, err := range w.Pass(handlers) {
			w.Fatal(err)
		}
	}
	w.Fatal("there is always something due")
}

// Events lists the types of the events of a record, in the order of its timeline.
func (w *World) Events(f gateway.EventFilter) []gateway.EventType {
	w.Helper()
	types := []gateway.EventType{}
	for _, e := range w.Timeline(f) {
		types = append(types, e.Type)
	}
	return types
}

// Timeline lists the events of a record.
func (w *World) Timeline(f gateway.EventFilter) (events []gateway.Event) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		events, err = r.Timeline(w.Context(), f)
		return err
	})
	return events
}

// Only gives the one event of a type that a record has.
func (w *World) Only(f gateway.EventFilter, kind gateway.EventType) gateway.Event {
	w.Helper()
	var found []gateway.Event
	for _, e := range w.Timeline(f) {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		w.Fatalf("%d events %s, want one: %v", len(found), kind, w.Events(f))
	}
	return found[0]
}
