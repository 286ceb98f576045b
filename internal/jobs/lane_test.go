package jobs

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"facteur.dev/facteur/internal/gateway"
)

// bench collects what a lane starts; the test ends it.
type bench struct {
	mu      sync.Mutex
	started []string
	done    map[string]func()
	refills int
}

func (b *bench) start(w gateway.Wakeup, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started = append(b.started, w.TaskID)
	b.done[w.TaskID] = done
}

// take gives the end of a running task.
func (b *bench) take(id string) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	done := b.done[id]
	delete(b.done, id)
	return done
}

func newBench(workers, perGroup int) (*bench, *lane) {
	b := &bench{done: map[string]func(){}}
	l := newLane(workers, perGroup, b.start, func() { b.refills++ })
	l.open()
	return b, l
}

func wakeup(group, id string) gateway.Wakeup {
	return gateway.Wakeup{Tenant: "acme", TaskID: id, Group: group}
}

func TestGroupsTakeTurns(t *testing.T) {
	b, l := newBench(3, 2)
	for _, id := range []string{"a1", "a2", "a3", "a4"} {
		l.offer(wakeup("a", id))
	}
	l.offer(wakeup("b", "b1"))
	l.offer(wakeup("b", "b2"))
	l.offer(wakeup("c", "c1"))
	if want := []string{"a1", "a2", "b1"}; !slices.Equal(b.started, want) {
		t.Fatalf("started %q, want %q: one group has all workers", b.started, want)
	}
	b.take("b1")()
	b.take("a1")()
	b.take("a2")()
	if want := []string{"a1", "a2", "b1", "b2", "c1", "a3"}; !slices.Equal(b.started, want) {
		t.Errorf("started %q, want %q", b.started, want)
	}
}

func TestAWakeUpIsHeardOnce(t *testing.T) {
	b, l := newBench(1, 1)
	l.offer(wakeup("", "a"))
	l.offer(wakeup("", "b"))
	l.offer(wakeup("", "b")) // waits already
	b.take("a")()
	l.offer(wakeup("", "b")) // runs: it is looked at again afterwards
	l.offer(wakeup("", "b"))
	b.take("b")()
	b.take("b")()
	if want := []string{"a", "b", "b"}; !slices.Equal(b.started, want) {
		t.Errorf("started %q, want %q", b.started, want)
	}
	if len(l.known) != 0 || len(l.groups) != 0 || l.running != 0 || l.waiting != 0 {
		t.Errorf("an idle lane remembers %v, %v", l.known, l.groups)
	}
}

func TestAFullLaneRefills(t *testing.T) {
	b, l := newBench(1, 1)
	for i := range maxInGroup + 10 {
		l.offer(wakeup("slow", fmt.Sprint(i)))
	}
	if l.waiting != maxInGroup {
		t.Fatalf("%d wake-ups wait, want %d", l.waiting, maxInGroup)
	}
	l.offer(wakeup("other", "x")) // a full group leaves room for others
	if l.waiting != maxInGroup+1 {
		t.Fatal("a wake-up of another group was dropped")
	}
	for i := range maxInGroup / 2 {
		if b.refills != 0 {
			t.Fatalf("refilled after %d", i)
		}
		b.take(fmt.Sprint(i))()
		if i == 0 {
			b.take("x")()
		}
	}
	b.take(fmt.Sprint(maxInGroup / 2))()
	if b.refills != 1 {
		t.Errorf("refilled %d times, want once", b.refills)
	}
}

func TestAClosedLaneStartsNothing(t *testing.T) {
	b, l := newBench(1, 1)
	l.offer(wakeup("", "a"))
	l.offer(wakeup("", "b"))
	l.close()
	l.offer(wakeup("", "c"))
	b.take("a")()
	if want := []string{"a"}; !slices.Equal(b.started, want) {
		t.Errorf("started %q, want %q", b.started, want)
	}
	l.open()
	l.offer(wakeup("", "b"))
	if want := []string{"a", "b"}; !slices.Equal(b.started, want) {
		t.Errorf("started %q, want %q", b.started, want)
	}
}

// TestLaneNeverExceedsItsBounds offers and ends at random.
func TestLaneNeverExceedsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers, perGroup := rapid.IntRange(1, 5).Draw(t, "workers"), rapid.IntRange(1, 5).Draw(t, "per group")
		b, l := newBench(workers, perGroup)
		group := map[string]string{}
		running := func() (all []string) {
			for id := range b.done {
				all = append(all, id)
			}
			slices.Sort(all)
			return all
		}
		check := func() {
			per, most := map[string]int{}, 0
			for _, id := range running() {
				per[group[id]]++
				most = max(most, per[group[id]])
			}
			if len(b.done) > workers || most > perGroup {
				t.Fatalf("%d run, %d of one group; the bounds are %d and %d", len(b.done), most, workers, perGroup)
			}
			// No worker idles while a group that may use it waits.
			if len(b.done) < workers {
				for name, g := range l.groups {
					if len(g.waiting) > 0 && g.running < perGroup {
						t.Fatalf("%d of %d workers run and group %q waits", len(b.done), workers, name)
					}
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"offer": func(t *rapid.T) {
				id, name := fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "id")), ""
				name = fmt.Sprint("g", len(id)+int(id[0])%3)
				group[id] = name
				l.offer(wakeup(name, id))
			},
			"end": func(t *rapid.T) {
				if all := running(); len(all) > 0 {
					b.take(rapid.SampledFrom(all).Draw(t, "task"))()
				}
			},
		})
		for len(b.done) > 0 {
			b.take(running()[0])()
			check()
		}
		if len(l.known) != 0 || len(l.groups) != 0 || l.running != 0 || l.waiting != 0 {
			t.Fatalf("an idle lane remembers %v, %v", l.known, l.groups)
		}
	})
}
