package jobs

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// Handler does the work of a kind of task.
type Handler interface {
	// Handle works on a task that is leased to it. It ends or defers the task in
	// the transaction that records the result. When it returns an error the runner
	// defers the task, the longer the more attempts were made, unless the handler
	// did so itself. ctx is cancelled when the lease is lost and when the runner
	// stops for good.
	//
	// A task may be handled more than once: a handler that returns nil without
	// ending the task gets it again when the lease runs out.
	Handle(ctx context.Context, t gateway.Task) error
}

// Kind says how tasks of one kind are worked.
type Kind struct {
	Handler Handler
	// Workers is how many run at once; 0 means 4.
	Workers int
	// PerGroup is how many of one gateway.Task.Group run at once; 0 means no limit.
	PerGroup int
}

// Config of a runner. Store, Queue, Owner and Kinds are needed.
type Config struct {
	Store gateway.Store
	Queue *Queue
	// Owner names this process in leases; no two processes share a name.
	Owner string
	Kinds map[gateway.TaskKind]Kind
	// Lease is how long a task stays with a process that died; 0 means 10 seconds.
	Lease time.Duration
	// Sweep is how often due tasks without a wake-up are looked for; 0 means 2 seconds.
	Sweep time.Duration
	// FirstPause and LongestPause bound the wait after a handler's error, which
	// doubles with each attempt; 0 means 1 second and 10 minutes.
	FirstPause, LongestPause time.Duration
	Clock                    gateway.Clock // nil means the machine's
	// Rand gives numbers in [0,1) that spread pauses; nil means math/rand.
	Rand func() float64
	Log  *slog.Logger // nil means slog's default
}

func (c *Config) setDefaults() error {
	if c.Store == nil || c.Queue == nil || c.Owner == "" || len(c.Kinds) == 0 {
		return errors.New("jobs: a runner needs a store, a queue, an owner and kinds of tasks")
	}
	for kind, k := range c.Kinds {
		if k.Handler == nil {
			return errors.New("jobs: there is no handler for " + string(kind))
		}
	}
	c.Lease = or(c.Lease, 10*time.Second)
	c.Sweep = or(c.Sweep, 2*time.Second)
	c.FirstPause = or(c.FirstPause, time.Second)
	c.LongestPause = or(c.LongestPause, 10*time.Minute)
	if c.Clock == nil {
		c.Clock = gateway.SystemClock{}
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Runner works the tasks of a store. It implements gateway.Queue.
type Runner struct {
	cfg   Config
	lanes map[gateway.TaskKind]*lane

	river client
	// working ends when handlers must stop, sweeping when no more tasks are looked for.
	working, sweeping       context.Context
	stopWorking, stopSweeps context.CancelFunc
	running                 sync.WaitGroup // handlers, the sweep
	again                   chan struct{}  // asks for a sweep now
	soon                    atomic.Int64   // timers of tasks that are due soon
}

var _ gateway.Queue = (*Runner)(nil)

// New returns a runner that does nothing before Start.
func New(c Config) (*Runner, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	r := &Runner{cfg: c, lanes: map[gateway.TaskKind]*lane{}, again: make(chan struct{}, 1)}
	for kind, k := range c.Kinds {
		workers := k.Workers
		if workers <= 0 {
			workers = 4
		}
		perGroup := k.PerGroup
		if perGroup <= 0 {
			perGroup = workers
		}
		r.lanes[kind] = newLane(workers, perGroup, r.start, r.refill)
	}
	return r, nil
}

// Start begins to work. It returns when the queue is connected; due tasks are
// picked up at once. The runner works until Stop, whatever becomes of ctx.
func (r *Runner) Start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	r.working, r.stopWorking = context.WithCancel(ctx)
	r.sweeping, r.stopSweeps = context.WithCancel(ctx)
	for _, l := range r.lanes {
		l.open()
	}
	river, err := r.cfg.Queue.work(ctx, r.cfg.Owner, r.wake)
	if err != nil {
		for _, l := range r.lanes {
			l.close()
		}
		r.stopSweeps()
		r.stopWorking()
		return err
	}
	r.river = river
	r.cfg.Queue.tell(r.wake)
	r.running.Go(r.sweep)
	return nil
}

// stopGrace is how long cancelled handlers have to give their leases back.
const stopGrace = 5 * time.Second

// Stop takes no new tasks and waits for those under way. When ctx ends first it
// cancels them, gives their leases back and returns the context's error.
func (r *Runner) Stop(ctx context.Context) error {
	if r.river == nil {
		return nil
	}
	r.cfg.Queue.tell(nil)
	for _, l := range r.lanes {
		l.close()
	}
	r.stopSweeps()
	err := r.river.Stop(ctx)
	r.river = nil
	done := make(chan struct{})
	go func() { r.running.Wait(); close(done) }()
	defer r.stopWorking()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	}
	r.stopWorking()
	select {
	case <-done:
	case <-time.After(stopGrace): // a handler that does not listen
	}
	return ctx.Err()
}

// Wake implements gateway.Queue: the tasks are looked at by this process.
func (r *Runner) Wake(_ context.Context, wakeups ...gateway.Wakeup) error {
	for _, w := range wakeups {
		r.wake(w)
	}
	return nil
}

// maxSoon bounds the timers for tasks that are due before the next sweep.
const maxSoon = 1000

// wake hands a wake-up to its lane, when its task is due. It does not block.
func (r *Runner) wake(w gateway.Wakeup) {
	l := r.lanes[w.Kind]
	if l == nil {
		return
	}
	wait := w.DueAt.Sub(r.cfg.Clock.Now())
	switch {
	case wait <= 0:
		l.offer(w)
	case wait < r.cfg.Sweep && r.soon.Add(1) <= maxSoon:
		time.AfterFunc(wait, func() {
			r.soon.Add(-1)
			l.offer(w)
		})
	case wait < r.cfg.Sweep:
		r.soon.Add(-1) // the sweep does it
	}
}
