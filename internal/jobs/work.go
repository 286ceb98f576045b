package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/logging"
)

// start works a task in a goroutine of its own and calls done at the end.
func (r *Runner) start(w gateway.Wakeup, done func()) {
	r.running.Go(func() {
		defer done()
		r.work(w)
	})
}

// work claims a task, holds it while the handler works, and defers it after an error.
func (r *Runner) work(w gateway.Wakeup) {
	ctx := logging.With(r.working, slog.String(logging.TenantID, string(w.Tenant)), slog.String("task_id", w.TaskID), slog.String("task", string(w.Kind)))
	t, err := r.cfg.Store.System().ClaimTask(ctx, w.Tenant, w.TaskID, r.cfg.Owner, r.cfg.Clock.Now(), r.cfg.Lease)
	switch {
	case errors.Is(err, gateway.ErrNotFound), errors.Is(err, gateway.ErrConflict):
		return // done, or someone else's: the wake-up came too late
	case err != nil:
		r.cfg.Log.WarnContext(ctx, "a task cannot be claimed", "error", err)
		return // the sweep finds it again
	}
	began := r.cfg.Clock.Now()
	leased, release := r.hold(ctx, t)
	err = r.handle(leased, t)
	lost := context.Cause(leased)
	release()
	switch {
	case err == nil:
		r.cfg.Log.DebugContext(ctx, "task done", "attempt", t.Attempts, "took", r.cfg.Clock.Now().Sub(began))
	case errors.Is(err, gateway.ErrLeaseLost), errors.Is(lost, gateway.ErrLeaseLost):
		r.cfg.Log.WarnContext(ctx, "task given up: another worker has it", "attempt", t.Attempts, "error", err)
	default:
		r.deferTask(ctx, t, err)
	}
}

// handle calls the handler; a panic becomes an error.
func (r *Runner) handle(ctx context.Context, t gateway.Task) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.cfg.Log.ErrorContext(ctx, "a handler panics", "panic", v, "stack", string(debug.Stack()))
			err = &gateway.Error{Code: "panic", Message: fmt.Sprint("the handler failed: ", v)}
		}
	}()
	return r.cfg.Kinds[t.Kind].Handler.Handle(ctx, t)
}

// hold keeps extending the lease of t until release. The context it gives ends
// with ErrLeaseLost as its cause when another worker has the task, or may have
// it because the lease could not be extended in time.
func (r *Runner) hold(ctx context.Context, t gateway.Task) (leased context.Context, release func()) {
	leased, cancel := context.WithCancelCause(ctx)
	lost := func() { cancel(gateway.ErrLeaseLost) }
	expiry := time.AfterFunc(t.LeaseUntil.Sub(r.cfg.Clock.Now()), lost)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		beat := time.NewTicker(r.cfg.Lease / 3)
		defer beat.Stop()
		for {
			select {
			case <-stop:
				return
			case <-beat.C:
			}
			until := r.cfg.Clock.Now().Add(r.cfg.Lease)
			// The runner's end does not interrupt it: the handler may still be writing.
			extend, done := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Lease)
			err := r.cfg.Store.System().ExtendLease(extend, t, until)
			done()
			switch {
			case err == nil:
				expiry.Reset(until.Sub(r.cfg.Clock.Now()))
			case errors.Is(err, gateway.ErrLeaseLost):
				lost()
				return
			default:
				r.cfg.Log.WarnContext(ctx, "a lease cannot be extended", "error", err)
			}
		}
	}()
	return leased, func() {
		close(stop)
		<-stopped
		expiry.Stop()
		cancel(nil)
	}
}

// maxError bounds what is kept of an error.
const maxError = 2000

// deferTask gives a task back after an error. After a stop it is due at once,
// for another process.
func (r *Runner) deferTask(ctx context.Context, t gateway.Task, cause error) {
	now := r.cfg.Clock.Now()
	t.DueAt = now.Add(r.pause(t.Attempts))
	t.LastError = strings.ToValidUTF8(strings.ReplaceAll(cause.Error(), "\x00", ""), "�")
	if len(t.LastError) > maxError {
		t.LastError = strings.ToValidUTF8(t.LastError[:maxError], "")
	}
	if ctx.Err() != nil {
		t.DueAt = now
	}
	write, done := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Lease)
	defer done()
	err := r.cfg.Store.For(t.Tenant).Write(write, func(tx gateway.Tx) error { return tx.DeferTask(write, t) })
	switch {
	case errors.Is(err, gateway.ErrLeaseLost):
		// The handler ended or deferred it itself, or another worker has it.
		r.cfg.Log.WarnContext(ctx, "task failed after it was given back", "attempt", t.Attempts, "error", cause)
	case err != nil:
		r.cfg.Log.WarnContext(ctx, "a task cannot be deferred: it is resumed when its lease runs out", "error", err, "cause", cause)
	default:
		r.cfg.Log.WarnContext(ctx, "task failed; it is tried again", "attempt", t.Attempts, "due_at", t.DueAt, "code", gateway.Code(cause), "error", cause)
	}
}

// pause is how long to wait after attempt n (from 1): doubling, the last half
// of it random, so that tasks that failed together do not return together.
func (r *Runner) pause(n int) time.Duration {
	d := float64(r.cfg.FirstPause) * math.Pow(2, float64(max(n, 1)-1))
	d = min(d, float64(r.cfg.LongestPause))
	return time.Duration(d/2 + d/2*r.cfg.Rand())
}
