package jobs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/jobs"
)

const (
	kindA = gateway.TaskSendDelivery
	kindB = gateway.TaskPrepareInvoice
)

// TestEachTaskHasItsEffectOnce runs a thousand tasks in two processes at once,
// one of which keeps failing and panicking.
func TestEachTaskHasItsEffectOnce(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		var runs atomic.Int64
		works := handler(func(ctx context.Context, t gateway.Task) error {
			runs.Add(1)
			return b.end(ctx, t)
		})
		fails := handler(func(ctx context.Context, t gateway.Task) error {
			switch n := runs.Add(1); {
			case t.Attempts > 1:
				return b.end(ctx, t)
			case n%2 == 0:
				panic("a bug")
			}
			return errors.New("the peer is not there")
		})
		quick := jobs.Config{Sweep: 200 * time.Millisecond, FirstPause: time.Millisecond, LongestPause: 5 * time.Millisecond}
		for _, h := range []handler{works, fails} {
			process := newBed(t, open)
			c := quick
			c.Kinds = map[gateway.TaskKind]jobs.Kind{kindA: {Handler: h, Workers: 8}}
			process.runner(c)
		}
		all := 1000
		if raceDetector {
			all = 200 // each takes twenty times as long
		}
		for range 10 {
			b.add(kindA, "", all/10)
		}
		eventually(t, "all tasks are done", func() bool { return b.tasks() == 0 })
		must(t, b.store.For("acme").Read(t.Context(), func(r gateway.Reader) error {
			events, err := r.Timeline(t.Context(), gateway.EventFilter{InvoiceID: "inv_1"})
			distinct := map[string]bool{}
			for _, e := range events {
				distinct[e.ExternalID] = true
			}
			if len(events) != all || len(distinct) != all {
				t.Errorf("%d effects of %d tasks, want %d", len(events), len(distinct), all)
			}
			return err
		}))
	})
}

// TestPickUpIsPrompt measures from before the commit to the handler's start.
func TestPickUpIsPrompt(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		started := make(chan time.Time, 1)
		b.runner(jobs.Config{Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			started <- time.Now()
			return b.end(ctx, t)
		})})
		var waits []time.Duration
		for range 20 {
			begin := time.Now()
			b.add(kindA, "", 1)
			waits = append(waits, (<-started).Sub(begin))
			time.Sleep(5 * time.Millisecond)
		}
		slices.Sort(waits)
		t.Logf("median %v, longest %v", waits[10], waits[19])
		if waits[10] > 50*time.Millisecond {
			t.Errorf("a task waits %v for an idle worker", waits[10])
		}
	})
}

// TestRiverWakesOtherProcesses adds a task in a process that has no runner. The
// runner of another one hears of it from River long before its next sweep.
func TestRiverWakesOtherProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b, other := newBed(t, open), newBed(t, open)
		started := make(chan string, 10)
		b.runner(jobs.Config{Sweep: time.Hour, Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			started <- t.ID
			return b.end(ctx, t)
		})})
		time.Sleep(50 * time.Millisecond) // the first sweep is over
		begin := time.Now()
		ids := other.add(kindA, "peer", 1)
		if got := <-started; got != ids[0] {
			t.Errorf("task %s started, want %s", got, ids[0])
		}
		t.Logf("heard after %v", time.Since(begin))
	})
}

// TestAWakeUpStandsAndFallsWithItsTransaction looks into River's own table.
func TestAWakeUpStandsAndFallsWithItsTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		count := func() (n int) {
			must(t, b.db.Read(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				return tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM river_job").Scan(&n)
			}))
			return n
		}
		undone := errors.New("undone")
		err := b.store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
			must(t, tx.AddTask(t.Context(), gateway.Task{ID: "tsk_undone", Kind: kindA, DueAt: time.Now()}))
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if n := count(); n != 0 {
			t.Errorf("%d wake-ups of a transaction that was rolled back", n)
		}
		b.add(kindA, "", 3)
		must(t, b.store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
			return tx.AddTask(t.Context(), gateway.Task{ID: "tsk_later", Kind: kindA, DueAt: time.Now().Add(time.Hour)})
		}))
		if n := count(); n != 3 {
			t.Errorf("%d wake-ups of three tasks that are due", n)
		}
	})
}

// TestALostWakeUpIsFoundByTheSweep adds tasks without any queue.
func TestALostWakeUpIsFoundByTheSweep(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		before := b.add(kindA, "", 3) // nobody works yet: heard by the first sweep
		var mu sync.Mutex
		var heard []string
		b.runner(jobs.Config{Sweep: 30 * time.Millisecond, Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			mu.Lock()
			heard = append(heard, t.ID)
			mu.Unlock()
			return b.end(ctx, t)
		})})
		eventually(t, "the tasks from before are done", func() bool { return b.tasks() == 0 })
		due := time.Now().Add(300 * time.Millisecond) // due later: no wake-up is made
		must(t, b.store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
			return tx.AddTask(t.Context(), gateway.Task{ID: "tsk_later", Kind: kindA, DueAt: due, CreatedAt: time.Now()})
		}))
		eventually(t, "the task that is due later is done", func() bool { return b.tasks() == 0 })
		if early := time.Until(due); early > 0 {
			t.Errorf("the task was worked %v too early", early)
		}
		slices.Sort(heard)
		if want := append(before, "tsk_later"); !slices.Equal(heard, slices.Sorted(slices.Values(want))) {
			t.Errorf("worked %q, want %q", heard, want)
		}
	})
}

// TestADeadWorkersTaskIsResumed claims a task and never comes back.
func TestADeadWorkersTaskIsResumed(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		id := b.add(kindA, "", 1)[0]
		const lease = 400 * time.Millisecond
		died := time.Now()
		dead, err := b.store.System().ClaimTask(t.Context(), "acme", id, "dead", died, lease)
		must(t, err)
		resumed := make(chan gateway.Task, 1)
		b.runner(jobs.Config{Sweep: 50 * time.Millisecond, Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			resumed <- t
			return b.end(ctx, t)
		})})
		got := <-resumed
		if waited := time.Since(died); waited < lease {
			t.Errorf("the task was taken after %v of a lease of %v", waited, lease)
		}
		if got.Attempts != 2 || got.Fence <= dead.Fence {
			t.Errorf("resumed as %+v", got)
		}
		eventually(t, "the task is done", func() bool { return b.tasks() == 0 })
		if err := b.end(t.Context(), dead); !errors.Is(err, gateway.ErrLeaseLost) {
			t.Errorf("the dead worker still writes: %v", err)
		}
	})
}

// TestALongTaskKeepsItsLease works for many leases; nobody else gets the task.
func TestALongTaskKeepsItsLease(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		var claims atomic.Int64
		long := handler(func(ctx context.Context, t gateway.Task) error {
			claims.Add(1)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			return b.end(ctx, t)
		})
		for range 2 {
			newBed(t, open).runner(jobs.Config{Lease: 300 * time.Millisecond, Sweep: 20 * time.Millisecond, Kinds: one(kindA, long)})
		}
		b.add(kindA, "", 1)
		eventually(t, "the task is done", func() bool { return b.tasks() == 0 })
		if claims.Load() != 1 {
			t.Errorf("the task was claimed %d times", claims.Load())
		}
	})
}

// TestAHandlerHearsThatItsLeaseIsLost has someone else take the task away.
func TestAHandlerHearsThatItsLeaseIsLost(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		cause := make(chan error, 1)
		b.runner(jobs.Config{Lease: 300 * time.Millisecond, Sweep: time.Hour, Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			if err := b.end(ctx, t); err != nil {
				return err
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return context.Cause(ctx)
		})})
		b.add(kindA, "", 1)
		if err := <-cause; !errors.Is(err, gateway.ErrLeaseLost) {
			t.Errorf("the handler's context ended with %v", err)
		}
	})
}

// TestAnErrorDefersTheTask looks at what is recorded of errors and panics.
func TestAnErrorDefersTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		handle handler
		want   string
	}{
		"error": {func(context.Context, gateway.Task) error {
			return gateway.ErrUnavailable.With("the peer \xff\x00is down "+strings.Repeat("é", 3000), nil)
		}, "unavailable: the peer"},
		"panic": {func(context.Context, gateway.Task) error { panic("index out of range") }, "panic: the handler failed: index out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, open database) {
				b := newBed(t, open)
				handled := make(chan time.Time, 10)
				b.runner(jobs.Config{Sweep: 20 * time.Millisecond, FirstPause: time.Minute, Rand: func() float64 { return 0.5 }, Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
					handled <- time.Now()
					return c.handle(ctx, t)
				})})
				b.add(kindA, "", 1)
				at := <-handled
				var got gateway.Task
				eventually(t, "the task is deferred", func() bool {
					must(t, b.store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
						tasks, err := tx.TasksFor(t.Context(), kindA, "ref")
						if len(tasks) == 1 {
							got = tasks[0]
						}
						return err
					}))
					return got.LastError != ""
				})
				if !strings.HasPrefix(got.LastError, c.want) || len(got.LastError) > 2000 {
					t.Errorf("recorded %.80q (%d bytes), want %q", got.LastError, len(got.LastError), c.want)
				}
				if pause := got.DueAt.Sub(at); pause < 44*time.Second || pause > 50*time.Second {
					t.Errorf("the task is tried again after %v, want about 45s", pause)
				}
				if got.LeaseOwner != "" || got.Attempts != 1 {
					t.Errorf("the task is left as %+v", got)
				}
			})
		})
	}
}

// TestABlockedKindHoldsUpNoOther has all workers of one kind, and all that one
// peer may use of another, hang.
func TestABlockedKindHoldsUpNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		release := make(chan struct{})
		var hanging, most atomic.Int64
		b.runner(jobs.Config{Kinds: map[gateway.TaskKind]jobs.Kind{
			kindB: {Workers: 2, Handler: handler(func(ctx context.Context, t gateway.Task) error {
				<-release
				return b.end(ctx, t)
			})},
			kindA: {Workers: 6, PerGroup: 2, Handler: handler(func(ctx context.Context, t gateway.Task) error {
				if t.Group == "slow.example" {
					most.Store(max(most.Load(), hanging.Add(1)))
					<-release
					hanging.Add(-1)
				}
				return b.end(ctx, t)
			})},
		}})
		b.add(kindB, "", 5)
		b.add(kindA, "slow.example", 20)
		eventually(t, "the slow peer holds its share", func() bool { return hanging.Load() == 2 })
		for i := range 10 {
			b.add(kindA, fmt.Sprintf("peer-%d.example", i), 5)
		}
		eventually(t, "all others are done", func() bool { return b.tasks() == 25 })
		close(release)
		eventually(t, "all are done", func() bool { return b.tasks() == 0 })
		if most.Load() > 2 {
			t.Errorf("the slow peer held %d workers", most.Load())
		}
	})
}

// TestAHeapForOnePeerHidesNoOther has more tasks wait for one slow peer than a
// runner keeps in mind and a sweep reads at a time.
func TestAHeapForOnePeerHidesNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		release := make(chan struct{})
		others := make(chan string, 10)
		b.add(kindA, "slow.example", 1300) // before anyone listens
		last := b.add(kindA, "other.example", 1)[0]
		r := b.runner(jobs.Config{Sweep: 50 * time.Millisecond, Kinds: map[gateway.TaskKind]jobs.Kind{
			kindA: {Workers: 8, PerGroup: 4, Handler: handler(func(ctx context.Context, t gateway.Task) error {
				if t.Group == "slow.example" {
					<-release
				} else {
					others <- t.ID
				}
				return b.end(ctx, t)
			})},
		}})
		if got := <-others; got != last {
			t.Errorf("task %s was worked, want %s", got, last)
		}
		must(t, r.Wake(t.Context(), gateway.Wakeup{Tenant: "acme", TaskID: "tsk_gone", Kind: kindA}, gateway.Wakeup{Kind: "unknown"}))
		before := b.tasks()
		close(release)
		eventually(t, "the heap shrinks", func() bool { return b.tasks() < before-20 })
	})
}

// TestStopWaitsForWorkUnderWay stops while a task is being worked.
func TestStopWaitsForWorkUnderWay(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		begun := make(chan struct{})
		r := b.runner(jobs.Config{Kinds: map[gateway.TaskKind]jobs.Kind{kindA: {Workers: 1, Handler: handler(func(ctx context.Context, t gateway.Task) error {
			close(begun)
			time.Sleep(200 * time.Millisecond)
			return b.end(ctx, t)
		})}}})
		b.add(kindA, "", 2) // the second one waits and is left
		<-begun
		must(t, stop(t, r, 10*time.Second))
		if n := b.tasks(); n != 1 {
			t.Errorf("%d tasks are left, want the one that had not begun", n)
		}
	})
}

// TestStopInAHurryGivesTasksBack cancels what does not end in time.
func TestStopInAHurryGivesTasksBack(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		b := newBed(t, open)
		begun := make(chan struct{})
		r := b.runner(jobs.Config{Kinds: one(kindA, func(ctx context.Context, t gateway.Task) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})})
		id := b.add(kindA, "", 1)[0]
		<-begun
		if err := stop(t, r, 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped with %v", err)
		}
		if _, err := b.store.System().ClaimTask(t.Context(), "acme", id, "next", time.Now(), time.Second); err != nil {
			t.Errorf("the next process cannot take the task at once: %v", err)
		}
	})
}

func TestNothingIsLeftRunning(t *testing.T) {
	onEach(t, func(t *testing.T, open database) {
		before := goleak.IgnoreCurrent()
		t.Run("inside", func(t *testing.T) {
			b := newBed(t, open)
			r := b.runner(jobs.Config{Kinds: one(kindA, b.end)})
			b.add(kindA, "", 50)
			eventually(t, "all are done", func() bool { return b.tasks() == 0 })
			must(t, stop(t, r, 10*time.Second))
			must(t, stop(t, r, time.Second)) // again is nothing
		})
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}

func TestConfig(t *testing.T) {
	b := newBed(t, onSQLite(t))
	good := jobs.Config{Store: b.store, Queue: b.queue, Owner: "me", Kinds: one(kindA, b.end)}
	for name, change := range map[string]func(c *jobs.Config){
		"no store":   func(c *jobs.Config) { c.Store = nil },
		"no queue":   func(c *jobs.Config) { c.Queue = nil },
		"no owner":   func(c *jobs.Config) { c.Owner = "" },
		"no kinds":   func(c *jobs.Config) { c.Kinds = nil },
		"no handler": func(c *jobs.Config) { c.Kinds = map[gateway.TaskKind]jobs.Kind{kindA: {}} },
	} {
		c := good
		change(&c)
		if _, err := jobs.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r, err := jobs.New(good)
	must(t, err)
	must(t, stop(t, r, time.Second)) // never started
}
