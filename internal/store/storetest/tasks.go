package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlstore"
)

func tasksFor(e *env) {
	first := e.task(func(t *gateway.Task) { t.Data, t.Group = json.RawMessage(`{"n":1}`), "peer" })
	second := e.task(func(t *gateway.Task) { t.CreatedAt = start.Add(time.Second) })
	e.task(func(t *gateway.Task) { t.Kind = gateway.TaskSeal })
	e.task(func(t *gateway.Task) { t.Ref = "del_2" })
	e.write(func(tx gateway.Tx) error {
		got, err := tx.TasksFor(e.ctx, gateway.TaskSendDelivery, "del_1")
		e.equal(got, []gateway.Task{first, second})
		return err
	})
}

// lost tries to write with a fence that has moved on.
func (e *env) lost(t gateway.Task) {
	e.Helper()
	for name, step := range map[string]func(tx gateway.Tx) error{
		"HoldTask":  func(tx gateway.Tx) error { return tx.HoldTask(e.ctx, t) },
		"EndTask":   func(tx gateway.Tx) error { return tx.EndTask(e.ctx, t) },
		"DeferTask": func(tx gateway.Tx) error { return tx.DeferTask(e.ctx, t) },
	} {
		err := e.store.For(e.tenant).Write(e.ctx, step)
		if gateway.Code(err) != gateway.ErrLeaseLost.Code {
			e.Errorf("%s with fence %d: %v, want the lease to be lost", name, t.Fence, err)
		}
	}
	e.fails(e.store.System().ExtendLease(e.ctx, t, start.Add(time.Hour)), gateway.ErrLeaseLost)
}

func fences(e *env) {
	system := e.store.System()
	added := e.task(func(t *gateway.Task) { t.DueAt = start.Add(time.Minute); t.Data = json.RawMessage(`{}`) })
	claim := func(owner string, after time.Duration) (gateway.Task, error) {
		return system.ClaimTask(e.ctx, e.tenant, added.ID, owner, start.Add(after), time.Minute)
	}
	_, err := claim("a", 59*time.Second)
	e.fails(err, gateway.ErrConflict) // not due
	first, err := claim("a", time.Minute)
	e.must(err)
	want := added
	want.Attempts, want.Fence, want.LeaseOwner, want.LeaseUntil = 1, first.Fence, "a", start.Add(2*time.Minute)
	e.equal(first, want)
	_, err = claim("b", time.Minute)
	e.fails(err, gateway.ErrConflict) // held
	e.must(system.ExtendLease(e.ctx, first, start.Add(3*time.Minute)))
	_, err = claim("b", 3*time.Minute-time.Microsecond)
	e.fails(err, gateway.ErrConflict) // held longer
	e.write(func(tx gateway.Tx) error { return tx.HoldTask(e.ctx, first) })

	second, err := claim("b", 3*time.Minute) // the lease ran out
	e.must(err)
	if second.Fence <= first.Fence || second.Attempts != 2 || second.LeaseOwner != "b" {
		e.Errorf("the second claim is %+v", second)
	}
	e.lost(first)
	// A step in the middle, then the end.
	e.write(func(tx gateway.Tx) error { return tx.HoldTask(e.ctx, second) })
	e.write(func(tx gateway.Tx) error { return tx.EndTask(e.ctx, second) })
	e.lost(second)
	_, err = claim("c", time.Hour)
	e.fails(err, gateway.ErrNotFound)
}

func deferral(e *env) {
	added := e.task(nil)
	first := e.claim(added.ID, start)
	later := first
	later.DueAt, later.LastError = start.Add(time.Hour), "timeout: la connexion a échoué"
	e.write(func(tx gateway.Tx) error { return tx.DeferTask(e.ctx, later) })
	e.lost(first) // who gave the lease back has it no more
	_, err := e.store.System().ClaimTask(e.ctx, e.tenant, added.ID, "b", start.Add(time.Hour-1), time.Minute)
	e.fails(err, gateway.ErrConflict)
	second := e.claim(added.ID, start.Add(time.Hour))
	if second.Attempts != 2 || second.LastError != later.LastError || second.Fence <= first.Fence {
		e.Errorf("the second claim is %+v", second)
	}
	// A rolled back end is no end.
	_ = e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
		e.must(tx.EndTask(e.ctx, second))
		return errors.New("rolled back")
	})
	e.write(func(tx gateway.Tx) error { return tx.EndTask(e.ctx, second) })
}

// due lists the tasks that are due, page by page.
func (e *env) due(now time.Time, limit int) []string {
	e.Helper()
	all := []string{}
	for after := (gateway.Wakeup{}); ; {
		page, err := e.store.System().DueTasks(e.ctx, now, after, limit)
		e.must(err)
		for _, w := range page {
			all = append(all, string(w.Tenant)+" "+w.TaskID)
		}
		if len(page) < limit {
			return all
		}
		after = page[len(page)-1]
	}
}

func dueTasks(e *env) {
	add := func(id string, after time.Duration) string {
		e.task(func(t *gateway.Task) { t.ID, t.DueAt, t.Group = id, start.Add(after), "peer" })
		return string(e.tenant) + " " + id
	}
	c := add("c", 2*time.Second)
	first := e.tenant
	e.tenant = e.another()
	a := add("a", 3*time.Second)
	b := add("b", time.Second)
	add("d", time.Hour)
	e.equal(e.due(start, 10), []string{})
	for _, limit := range []int{1, 2, 10} {
		e.equal(e.due(start.Add(time.Minute), limit), []string{b, c, a})
	}
	got, err := e.store.System().DueTasks(e.ctx, start.Add(time.Second), gateway.Wakeup{}, 10)
	e.must(err)
	e.equal(got, []gateway.Wakeup{{Tenant: e.tenant, TaskID: "b", Kind: gateway.TaskSendDelivery, Group: "peer", DueAt: start.Add(time.Second)}})

	stats, err := e.store.System().Stats(e.ctx, start.Add(time.Minute))
	e.must(err)
	e.equal(stats, gateway.Stats{Tasks: 4, Due: 3, OldestDue: start.Add(time.Second)})
	e.claim("b", start.Add(time.Minute)) // for a minute
	e.equal(e.due(start.Add(time.Minute), 10), []string{c, a})
	stats, err = e.store.System().Stats(e.ctx, start.Add(time.Minute))
	e.must(err)
	e.equal(stats, gateway.Stats{Tasks: 4, Due: 2, OldestDue: start.Add(2 * time.Second)})
	e.equal(e.due(start.Add(2*time.Minute), 10), []string{b, c, a}) // the lease ran out
	stats, err = e.store.System().Stats(e.ctx, start)
	e.must(err)
	e.equal(stats, gateway.Stats{Tasks: 4})
	_ = first
}

// dueTasksPaged wants tasks behind a heap of others to be found.
func dueTasksPaged(e *env) {
	want := []string{}
	e.write(func(tx gateway.Tx) error {
		want = want[:0]
		for i := range 250 {
			id := numbered("tsk", i)
			want = append(want, string(e.tenant)+" "+id)
			if err := tx.AddTask(e.ctx, gateway.Task{ID: id, Kind: gateway.TaskSendDelivery, DueAt: start.Add(time.Duration(i / 50))}); err != nil {
				return err
			}
		}
		return nil
	})
	e.equal(e.due(start.Add(time.Hour), 40), want)
}

// probeQueue is a queue in a table of the store's own database.
type probeQueue struct {
	t testing.TB

	mu        sync.Mutex
	rows      []string // of the table, as of the last insert
	committed []string
	failing   bool
}

func (q *probeQueue) Migrate(context.Context) error { return nil }

func (q *probeQueue) Insert(ctx context.Context, tx *sql.Tx, added []gateway.Wakeup) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failing {
		return errors.New("the queue is broken")
	}
	statements := []string{"CREATE TABLE IF NOT EXISTS probe (id TEXT NOT NULL)"}
	for _, w := range added {
		statements = append(statements, fmt.Sprintf("INSERT INTO probe (id) VALUES ('%s')", w.TaskID))
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT id FROM probe ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	q.rows = nil
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		q.rows = append(q.rows, id)
	}
	return rows.Err()
}

func (q *probeQueue) Committed(changed []gateway.Wakeup) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range changed {
		q.committed = append(q.committed, w.TaskID+" "+w.DueAt.UTC().Format(time.TimeOnly))
	}
}

// told wants these wake-ups to be told to workers since the last time.
func (q *probeQueue) told(e *env, want ...string) {
	e.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	e.equal(append([]string{}, q.committed...), append([]string{}, want...))
	q.committed = nil
}

var _ sqlstore.Queue = (*probeQueue)(nil)

// wakeups wants each to stand or fall with the transaction of its task.
func wakeups(t *testing.T, open Open) {
	q := &probeQueue{t: t}
	e := newEnv(t, open(t, q))
	add := func(tx gateway.Tx, id string) {
		e.must(tx.AddTask(e.ctx, gateway.Task{ID: id, Kind: gateway.TaskSeal, DueAt: start}))
	}
	e.write(func(tx gateway.Tx) error {
		add(tx, "a")
		add(tx, "b")
		return nil
	})
	at := start.Format(time.TimeOnly)
	q.told(e, "a "+at, "b "+at)
	_ = e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
		add(tx, "c")
		return errors.New("rolled back")
	})
	q.told(e)
	q.failing = true
	if err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { add(tx, "d"); return nil }); err == nil {
		e.Error("a task was added without its wake-up")
	}
	q.failing = false
	q.told(e)
	e.write(func(tx gateway.Tx) error { add(tx, "e"); return nil })
	q.told(e, "e "+at)
	if !slices.Equal(q.rows, []string{"a", "b", "e"}) {
		e.Errorf("the queue holds %q", q.rows)
	}
	e.equal(e.due(start, 10), []string{string(e.tenant) + " a", string(e.tenant) + " b", string(e.tenant) + " e"})

	// A task that is given back needs no new wake-up: the sweep finds it. Workers
	// here are told.
	claimed := e.claim("a", start)
	claimed.DueAt = start.Add(time.Second)
	e.write(func(tx gateway.Tx) error { return tx.DeferTask(e.ctx, claimed) })
	q.told(e, "a "+claimed.DueAt.Format(time.TimeOnly))
}
