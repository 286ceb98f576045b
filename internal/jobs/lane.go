package jobs

import (
	"sync"

	"facteur.dev/facteur/internal/gateway"
)

// The wake-ups that a lane holds are bounded, for each group and in all. The
// task rows are the queue: a wake-up that finds no room is dropped, and the lane
// asks for a sweep when there is room again.
const (
	maxInGroup = 1000
	maxInLane  = 10_000
)

// lane holds the wake-ups of one kind of task and starts as many at once as
// the kind allows, taking turns between groups.
type lane struct {
	workers, perGroup int
	start             func(gateway.Wakeup, func()) // runs a task and calls the function at its end
	refill            func()

	mu      sync.Mutex
	closed  bool
	running int
	groups  map[string]*group
	turns   []*group       // groups with something to start, in order
	known   map[task]state // what waits or runs
	waiting int
	dropped bool // because the lane was full
}

// group is what tasks of one gateway.Task.Group share.
type group struct {
	name    string
	waiting []gateway.Wakeup
	running int
	queued  bool // stands in turns
	dropped bool // because the group was full
}

// task names a task.
type task struct {
	tenant gateway.TenantID
	id     string
}

type state int

const (
	isWaiting state = iota
	isRunning
	wokenAgain // while it runs
)

func newLane(workers, perGroup int, start func(gateway.Wakeup, func()), refill func()) *lane {
	return &lane{
		workers: workers, perGroup: perGroup, start: start, refill: refill,
		closed: true, groups: map[string]*group{}, known: map[task]state{},
	}
}

// open lets tasks start.
func (l *lane) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = false
}

// close lets no more tasks start and forgets those that wait.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.dropped, l.turns, l.waiting = true, false, nil, 0
	for _, g := range l.groups {
		for _, w := range g.waiting {
			delete(l.known, task{w.Tenant, w.TaskID})
		}
		g.waiting, g.queued, g.dropped = nil, false, false
	}
}

// offer takes a wake-up.
func (l *lane) offer(w gateway.Wakeup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	key := task{w.Tenant, w.TaskID}
	if s, ok := l.known[key]; ok {
		if s == isRunning {
			l.known[key] = wokenAgain
		}
		return
	}
	g := l.groups[w.Group]
	if g == nil {
		if l.waiting >= maxInLane {
			l.dropped = true
			return
		}
		g = &group{name: w.Group}
		l.groups[w.Group] = g
	}
	if len(g.waiting) >= maxInGroup || l.waiting >= maxInLane {
		g.dropped = true
		l.dropped = l.dropped || l.waiting >= maxInLane
		return
	}
	l.known[key] = isWaiting
	g.waiting = append(g.waiting, w)
	l.waiting++
	l.queue(g)
	l.dispatch()
}

// queue gives a group a turn if it can use one.
func (l *lane) queue(g *group) {
	if !g.queued && len(g.waiting) > 0 && g.running < l.perGroup {
		g.queued = true
		l.turns = append(l.turns, g)
	}
}

// dispatch starts what may start.
func (l *lane) dispatch() {
	for !l.closed && l.running < l.workers && len(l.turns) > 0 {
		g := l.turns[0]
		l.turns = l.turns[1:]
		g.queued = false
		w := g.waiting[0]
		g.waiting = g.waiting[1:]
		l.waiting--
		g.running++
		l.running++
		l.known[task{w.Tenant, w.TaskID}] = isRunning
		l.queue(g) // behind the others
		l.start(w, func() { l.finish(g, w) })
	}
}

// finish makes room for the next one.
func (l *lane) finish(g *group, w gateway.Wakeup) {
	l.mu.Lock()
	key := task{w.Tenant, w.TaskID}
	again := l.known[key] == wokenAgain
	delete(l.known, key)
	g.running--
	l.running--
	l.queue(g)
	l.dispatch()
	refill := g.dropped && len(g.waiting) <= maxInGroup/2 || l.dropped && l.waiting <= maxInLane/2
	if refill {
		g.dropped, l.dropped = false, false
	}
	if g.running == 0 && len(g.waiting) == 0 {
		delete(l.groups, g.name)
	}
	refill = refill && !l.closed
	l.mu.Unlock()
	if again {
		l.offer(w)
	}
	if refill {
		l.refill()
	}
}
