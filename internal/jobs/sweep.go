package jobs

import (
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// A sweep reads due tasks in pages, at most so many at a time. The next one
// goes on where the last one stopped, so that a heap of tasks that wait for a
// slow peer does not hide those behind it.
const (
	sweepPage  = 500
	sweepPages = 10
)

// sweep looks for due tasks at the start, every Sweep, and when asked to.
func (r *Runner) sweep() {
	regular := time.NewTicker(r.cfg.Sweep)
	defer regular.Stop()
	for after := (gateway.Wakeup{}); ; {
		after = r.sweepOnce(after)
		select {
		case <-r.sweeping.Done():
			return
		case <-r.again:
		case <-regular.C:
		}
	}
}

// sweepOnce wakes due tasks that come after a place in their list and gives
// the place to go on from.
func (r *Runner) sweepOnce(after gateway.Wakeup) gateway.Wakeup {
	for range sweepPages {
		due, err := r.cfg.Store.System().DueTasks(r.sweeping, r.cfg.Clock.Now(), after, sweepPage)
		if err != nil {
			if r.sweeping.Err() == nil {
				r.cfg.Log.WarnContext(r.sweeping, "due tasks cannot be read", "error", err)
			}
			return gateway.Wakeup{}
		}
		for _, w := range due {
			r.wake(w)
		}
		if len(due) < sweepPage {
			return gateway.Wakeup{} // from the start next time
		}
		after = due[len(due)-1]
	}
	return after
}

// refill asks for a sweep now: a lane has room for what it dropped.
func (r *Runner) refill() {
	select {
	case r.again <- struct{}{}:
	default: // one is asked for already
	}
}
