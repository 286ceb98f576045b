package dropfolder

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// steps are the places where a process may stop.
var steps = []string{
	"drop.claiming", "drop.claimed", "order.source_stored", "order.committed", "drop.submitted", "drop.result_written", "drop.filed",
}

// crash sweeps with a process that stops at the n-th time it comes to a step. It
// tells whether it came there.
func (w *world) crash(step string, n int) bool {
	f := w.folder()
	hit := false
	f.Probe = func(at string) {
		if at == step {
			if n--; n == 0 {
				hit = true
				runtime.Goexit() // nothing after it is done
			}
		}
	}
	f.Intake.Probe = f.Probe
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			for more := true; more; {
				var err error
				if more, err = f.Sweep(w.Context()); err != nil {
					w.Error(err)
					return
				}
			}
			w.clock.advance(f.Every)
		}
	}()
	<-done
	return hit
}

// Whatever the step at which the process stops: afterwards there is one order,
// one document, one result, and nothing half done.
func TestCrashAtEveryStep(t *testing.T) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t)
			w.drop("order.json", orderJSON("1"))
			if !w.crash(step, 1) {
				t.Fatalf("the process never came to %s", step)
			}
			w.sweep(w.folder())
			w.empty()
			if got := w.orders(acme); !slices.Equal(got, []string{"1"}) {
				t.Errorf("orders %v", got)
			}
			if got := w.names(acceptedDir); !slices.Equal(got, []string{"order.json", "order.json" + resultSuffix}) {
				t.Errorf("accepted holds %q", got)
			}
			if r := w.result(acceptedDir, "order.json"); r.Outcome != Accepted || len(r.Documents) != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// The same for a table: orders taken before the crash are not taken again.
func TestCrashInATable(t *testing.T) {
	w := newWorld(t)
	w.drop("table.csv", []byte("Order number,Currency,Customer name,Line,Item name,Quantity,Unit price\n"+
		"1,EUR,Épicerie,1,Lampe,2,10.00\n2,EUR,Épicerie,1,Lampe,2,10.00\n3,EUR,Épicerie,1,Lampe,2,10.00\n"))
	if !w.crash("order.committed", 2) {
		t.Fatal("there was no second order")
	}
	w.sweep(w.folder())
	w.empty()
	if r := w.result(acceptedDir, "table.csv"); r.Outcome != Accepted || len(r.Documents) != 3 {
		t.Errorf("%+v", r)
	}
	if got := w.orders(acme); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("orders %v", got)
	}
}

// Documents come under few names with few contents, and processes stop
// anywhere: in the end each content that was dropped is an order exactly once,
// and each document lies in one of the folders, whole and with its result.
func TestDropsAndCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		dropped := map[string]bool{} // name and content
		expected := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "events") {
			switch rapid.IntRange(0, 2).Draw(rt, "event") {
			case 0, 1:
				name := rapid.SampledFrom([]string{"a.json", "b.json", "é.json"}).Draw(rt, "name")
				number := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "number")
				if _, err := os.Stat(w.path(inDir, name)); err == nil {
					continue // a writer that replaces what nobody read yet
				}
				w.drop(name, orderJSON(number))
				dropped[name+number], expected[number] = true, true
			case 2:
				w.crash(rapid.SampledFrom(steps).Draw(rt, "step"), rapid.IntRange(1, 3).Draw(rt, "time"))
			}
		}
		w.sweep(w.folder())
		w.empty()
		orders := w.orders(acme)
		if len(orders) != len(expected) {
			rt.Fatalf("orders %v of %v", orders, expected)
		}
		found := map[string]bool{}
		for _, folder := range []string{acceptedDir, rejectedDir} {
			for _, name := range w.names(folder) {
				if strings.HasSuffix(name, resultSuffix) {
					continue
				}
				r := w.result(folder, name)
				content, err := os.ReadFile(w.path(folder, name))
				if err != nil {
					rt.Fatal(err)
				}
				number := string(bytes.Split(content, []byte(`"`))[3])
				found[r.Name+number] = true
				if (r.Outcome == Accepted) != (folder == acceptedDir) || (r.Outcome == Rejected) != slices.Equal(codes(r), []string{"duplicate"}) {
					rt.Fatalf("%s in %s: %+v", name, folder, r)
				}
			}
		}
		if fmt.Sprint(found) != fmt.Sprint(dropped) {
			rt.Fatalf("filed %v, dropped %v", found, dropped)
		}
	})
}
