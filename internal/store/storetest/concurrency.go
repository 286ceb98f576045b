package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// together runs n functions at the same time and wants none to fail.
func (e *env) together(n int, fn func(i int) error) {
	e.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			e.Errorf("%d of %d: %v", i, n, err)
		}
	}
}

// lostUpdate has many add to one record.
func lostUpdate(e *env) {
	o := e.order(func(o *gateway.Order) { o.Remainder = json.RawMessage("0") })
	const writers, each = 8, 5
	e.together(writers, func(int) error {
		for range each {
			err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
				o, err := tx.Order(e.ctx, o.ID)
				if err != nil {
					return err
				}
				var n int
				if err := json.Unmarshal(o.Remainder, &n); err != nil {
					return err
				}
				o.Remainder = json.RawMessage(fmt.Sprint(n + 1))
				return tx.UpdateOrder(e.ctx, &o)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	e.read(func(r gateway.Reader) error {
		got, err := r.Order(e.ctx, o.ID)
		if string(got.Remainder) != fmt.Sprint(writers*each) || got.Version != writers*each+1 {
			e.Errorf("%d writers made %s at version %d", writers*each, got.Remainder, got.Version)
		}
		return err
	})
}

// writeSkew has pairs of writers each look whether the other's order is open
// and close their own if it is: one order of each pair must stay open.
func writeSkew(e *env) {
	const pairs = 10
	pair := make([][2]gateway.Order, pairs)
	for i := range pair {
		for side := range 2 {
			pair[i][side] = e.order(func(o *gateway.Order) { o.State = gateway.OrderOpen })
		}
	}
	e.together(2*pairs, func(n int) error {
		mine, other := pair[n/2][n%2], pair[n/2][1-n%2]
		return e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
			seen, err := tx.Order(e.ctx, other.ID)
			if err != nil || seen.State != gateway.OrderOpen {
				return err
			}
			time.Sleep(5 * time.Millisecond) // let the other look too
			own, err := tx.Order(e.ctx, mine.ID)
			if err != nil {
				return err
			}
			own.State = gateway.OrderInvoiced
			return tx.UpdateOrder(e.ctx, &own)
		})
	})
	for i := range pair {
		e.read(func(r gateway.Reader) error {
			a, err := r.Order(e.ctx, pair[i][0].ID)
			e.must(err)
			b, err := r.Order(e.ctx, pair[i][1].ID)
			if (a.State == gateway.OrderOpen) == (b.State == gateway.OrderOpen) {
				e.Errorf("pair %d is %s and %s: no order of the two transactions gives that", i, a.State, b.State)
			}
			return err
		})
	}
}

// snapshot reads twice in one transaction while another writes.
func snapshot(e *env) {
	o := e.order(func(o *gateway.Order) { o.Reason = "before" })
	e.read(func(r gateway.Reader) error {
		before, err := r.Order(e.ctx, o.ID)
		e.must(err)
		changed := o
		changed.Reason = "after"
		e.write(func(tx gateway.Tx) error { return tx.UpdateOrder(e.ctx, &changed) })
		e.order(nil)
		after, err := r.Order(e.ctx, o.ID)
		e.must(err)
		list, err := r.Orders(e.ctx, gateway.OrderFilter{}, gateway.Page{})
		if before.Reason != "before" || after.Reason != "before" || len(list.Items) != 1 {
			e.Errorf("a read saw %q, then %q and %d orders", before.Reason, after.Reason, len(list.Items))
		}
		return err
	})
}

// idempotentSubmissions sends one order ten times at once under one key.
func idempotentSubmissions(e *env) {
	for round := range 5 {
		key := fmt.Sprint("key-", round)
		var made atomic.Int64
		refs := make([]string, 10)
		e.together(10, func(i int) error {
			id := e.ids.New(gateway.PrefixOrder)
			created := false
			err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
				created = false
				known, err := tx.Idempotent(e.ctx, "orders", key)
				if err == nil {
					refs[i] = known.Ref
					return nil
				}
				if gateway.Code(err) != gateway.ErrNotFound.Code {
					return err
				}
				o := sample[gateway.Order](e.T, 1)
				o.ID, o.BusinessKey = id, "business "+key
				if err := tx.InsertOrder(e.ctx, &o); err != nil {
					return err
				}
				if err := tx.AddTask(e.ctx, gateway.Task{ID: "tsk_" + id, Kind: gateway.TaskDraftInvoices, Ref: id, DueAt: start}); err != nil {
					return err
				}
				created, refs[i] = true, id
				return tx.PutIdempotent(e.ctx, gateway.IdempotencyRecord{Scope: "orders", Key: key, Ref: id, Status: 201, CreatedAt: start})
			})
			if created && err == nil {
				made.Add(1)
			}
			return err
		})
		for _, ref := range refs {
			if ref == "" || ref != refs[0] {
				e.Fatalf("ten submissions were answered with %q", refs)
			}
		}
		if made.Load() != 1 {
			e.Errorf("ten submissions made %d orders", made.Load())
		}
	}
	e.read(func(r gateway.Reader) error {
		list, err := r.Orders(e.ctx, gateway.OrderFilter{}, gateway.Page{})
		e.equal(len(list.Items), 5)
		return err
	})
}

// numbersWithoutGaps has sixteen take numbers at once, some of which give up
// after taking one.
func numbersWithoutGaps(e *env) {
	const takers, each = 16, 6
	series := gateway.NumberSeries{LegalEntity: "le", Kind: "invoice", Period: "2026", Next: 1}
	e.write(func(tx gateway.Tx) error { return tx.PutSeries(e.ctx, series) })
	undone := fmt.Errorf("undone")
	e.together(takers, func(taker int) error {
		for i := range each {
			inv := sample[gateway.Invoice](e.T, 1)
			inv.ID = fmt.Sprintf("inv_%d_%d", taker, i)
			err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
				s, err := tx.Series(e.ctx, "le", "invoice", "2026")
				if err != nil {
					return err
				}
				inv.Number, inv.BusinessKey = fmt.Sprint("FA-", s.Next), fmt.Sprint("FA-", s.Next)
				if err := tx.TakeNumber(e.ctx, gateway.NumberTaken{Series: s, N: s.Next, Number: inv.Number, InvoiceID: inv.ID, TakenAt: start}); err != nil {
					return err
				}
				if err := tx.InsertInvoice(e.ctx, &inv); err != nil {
					return err
				}
				if i%3 == 2 {
					return undone
				}
				return nil
			})
			if err != nil && err != undone { //nolint:errorlint // Write returns the function's error as it is
				return err
			}
		}
		return nil
	})
	e.read(func(r gateway.Reader) error {
		taken, err := r.NumbersTaken(e.ctx, "le", "invoice", "2026")
		e.must(err)
		want := takers * each * 2 / 3
		s, err := r.Series(e.ctx, "le", "invoice", "2026")
		if len(taken) != want || s.Next != int64(want)+1 || len(gateway.Gaps(s, taken)) != 0 {
			e.Errorf("%d numbers were taken (want %d), the next is %d, gaps: %v", len(taken), want, s.Next, gateway.Gaps(s, taken))
		}
		for i, t := range taken {
			inv, err := r.InvoiceByBusinessKey(e.ctx, t.Number)
			if err != nil || t.N != int64(i)+1 || inv.ID != t.InvoiceID {
				e.Errorf("number %d is %d of %s, carried by %s (%v)", i+1, t.N, t.InvoiceID, inv.ID, err)
			}
		}
		return err
	})
}

// eventsUnderWriters follows the events while four write and two seal: the
// follower misses none and sees none twice.
func eventsUnderWriters(e *env) {
	const writers, each = 4, 15
	done := make(chan struct{})
	var seen []string
	var wg sync.WaitGroup
	follow := func() error {
		return e.store.For(e.tenant).Read(e.ctx, func(r gateway.Reader) error {
			page, err := r.EventsAfter(e.ctx, int64(len(seen)), gateway.EventFilter{}, 7)
			for _, v := range page {
				if v.Seq != int64(len(seen))+1 {
					e.Errorf("event %d follows %d", v.Seq, len(seen))
				}
				seen = append(seen, v.ID)
			}
			return err
		})
	}
	sealing := func() error {
		for {
			err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return e.seal(tx) })
			if err != nil && gateway.Code(err) != gateway.ErrConflict.Code {
				return err
			}
			select {
			case <-done:
				return nil
			case <-time.After(3 * time.Millisecond):
			}
		}
	}
	wg.Go(func() {
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			if err := follow(); err != nil {
				e.Errorf("following: %v", err)
				return
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			if err := sealing(); err != nil {
				e.Errorf("sealing: %v", err)
			}
		})
	}
	e.together(writers, func(writer int) error {
		for i := range each {
			v := sample[gateway.Event](e.T, 1)
			v.ID, v.Key, v.RecordedAt = fmt.Sprintf("evt_%d_%d", writer, i), "", start
			err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
				_, err := tx.AppendEvent(e.ctx, v)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	close(done)
	wg.Wait()
	e.write(func(tx gateway.Tx) error { return e.seal(tx) })
	for range writers * each {
		e.must(follow())
	}
	distinct := map[string]bool{}
	for _, id := range seen {
		distinct[id] = true
	}
	if len(seen) != writers*each || len(distinct) != writers*each {
		e.Errorf("of %d events %d were seen, %d different ones", writers*each, len(seen), len(distinct))
	}
}

// oneClaimWins has ten workers claim one task.
func oneClaimWins(e *env) {
	for range 10 {
		t := e.task(nil)
		var won atomic.Int64
		e.together(10, func(i int) error {
			_, err := e.store.System().ClaimTask(e.ctx, e.tenant, t.ID, fmt.Sprint("worker ", i), start, time.Minute)
			if err == nil {
				won.Add(1)
			} else if gateway.Code(err) == gateway.ErrConflict.Code {
				err = nil
			}
			return err
		})
		if won.Load() != 1 {
			e.Errorf("%d workers hold one task", won.Load())
		}
	}
}
