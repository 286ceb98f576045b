package storetest

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"facteur.dev/facteur/internal/gateway"
)

func eventID(v gateway.Event) string { return v.ID }

func eventKeys(e *env) {
	tell := func(key, id string) (written bool) {
		v := sample[gateway.Event](e.T, 1)
		v.ID, v.Key = id, key
		e.write(func(tx gateway.Tx) (err error) {
			written, err = tx.AppendEvent(e.ctx, v)
			return err
		})
		return written
	}
	if !tell("opened:1", "evt_1") || tell("opened:1", "evt_2") || !tell("opened:2", "evt_3") || !tell("", "evt_4") || !tell("", "evt_5") {
		e.Error("an event was written twice, or not at all")
	}
	e.read(func(r gateway.Reader) error {
		got, err := r.EventByKey(e.ctx, "opened:1")
		if got.ID != "evt_1" || got.Seq != 0 || len(got.Personal) == 0 {
			e.Errorf("the key gives %q, want the first event", got.ID)
		}
		_, missing := r.Event(e.ctx, "evt_2")
		e.fails(missing, gateway.ErrNotFound)
		return err
	})
}

func timeline(e *env) {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	add := func(id string, minute int, change func(v *gateway.Event)) {
		e.event(func(v *gateway.Event) {
			v.ID, v.At, v.RecordedAt, v.Type = id, at(minute), at(100-minute), gateway.EventInvoiceHeld
			v.OrderID, v.InvoiceID, v.InboundID, v.Personal = "", "", "", nil
			change(v)
		})
	}
	add("evt_c", 5, func(v *gateway.Event) { v.InvoiceID = "inv_1"; v.Personal = map[string]string{"ip": "192.0.2.1"} })
	add("evt_b", 5, func(v *gateway.Event) { v.InvoiceID, v.OrderID = "inv_1", "ord_1" })
	add("evt_d", 1, func(v *gateway.Event) { v.InvoiceID, v.Type = "inv_1", gateway.EventInvoiceDrafted })
	add("evt_a", 9, func(v *gateway.Event) { v.InboundID = "inb_1" })
	for _, c := range []struct {
		filter gateway.EventFilter
		want   []string
	}{
		{gateway.EventFilter{InvoiceID: "inv_1"}, []string{"evt_d", "evt_b", "evt_c"}},
		{gateway.EventFilter{OrderID: "ord_1"}, []string{"evt_b"}},
		{gateway.EventFilter{InboundID: "inb_1"}, []string{"evt_a"}},
		{gateway.EventFilter{InvoiceID: "inv_1", OrderID: "ord_1"}, []string{"evt_b"}},
		{gateway.EventFilter{InvoiceID: "inv_1", Types: []gateway.EventType{gateway.EventInvoiceDrafted, gateway.EventInvoiceSent}}, []string{"evt_d"}},
	} {
		e.read(func(r gateway.Reader) error {
			got, err := r.Timeline(e.ctx, c.filter)
			e.equal(ids(got, eventID), c.want)
			for _, v := range got {
				if (v.Personal["ip"] != "") != (v.ID == "evt_c") {
					e.Errorf("event %s has the personal fields %v", v.ID, v.Personal)
				}
			}
			return err
		})
	}
	e.read(func(r gateway.Reader) error {
		got, err := r.Unsealed(e.ctx, 3)
		e.equal(ids(got, eventID), []string{"evt_a", "evt_b", "evt_c"}) // by the time of recording
		return err
	})
}

// seal numbers all events that have none, as the sealer does.
func (e *env) seal(tx gateway.Tx) error {
	from, err := tx.LogSize(e.ctx)
	if err != nil {
		return err
	}
	unsealed, err := tx.Unsealed(e.ctx, 100)
	if err != nil || len(unsealed) == 0 {
		return err
	}
	var leaves []gateway.LogEntry
	var hashes [][]byte
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, n := range indexes {
			if stored := tlog.StoredHashCount(from); n >= stored {
				found = append(found, tlog.Hash(hashes[n-stored]))
				continue
			}
			h, err := tx.LogHashes(e.ctx, []int64{n})
			if err != nil {
				return nil, err
			}
			found = append(found, tlog.Hash(h[0]))
		}
		return found, nil
	})
	for i, v := range unsealed {
		leaf := []byte("leaf of " + v.ID)
		added, err := tlog.StoredHashes(from+int64(i), leaf, read)
		if err != nil {
			return err
		}
		for _, h := range added {
			hashes = append(hashes, h[:])
		}
		salts := map[string][]byte{}
		for field := range v.Personal {
			salts[field] = []byte("salt of " + field)
		}
		leaves = append(leaves, gateway.LogEntry{EventID: v.ID, Seq: from + int64(i) + 1, Leaf: leaf, Salts: salts})
	}
	return tx.AppendLog(e.ctx, from, leaves, hashes, []byte("root of "+unsealed[len(unsealed)-1].ID))
}

func eventsAfter(e *env) {
	var all []string
	for range 5 {
		for range 4 {
			v := e.event(func(v *gateway.Event) {
				v.RecordedAt, v.InvoiceID, v.Type = start, "inv_1", gateway.EventInvoiceSent
				if len(all)%2 == 1 {
					v.InvoiceID, v.Type = "inv_2", gateway.EventInvoiceHeld
				}
			})
			all = append(all, v.ID)
		}
		e.write(func(tx gateway.Tx) error { return e.seal(tx) })
	}
	e.read(func(r gateway.Reader) error {
		var seen []string
		for after := int64(0); ; {
			page, err := r.EventsAfter(e.ctx, after, gateway.EventFilter{}, 3)
			if err != nil || len(page) == 0 {
				e.equal(seen, all)
				return err
			}
			for _, v := range page {
				if v.Seq != after+1 {
					e.Errorf("event %s has number %d after %d", v.ID, v.Seq, after)
				}
				after = v.Seq
			}
			seen = append(seen, ids(page, eventID)...)
		}
	})
	e.read(func(r gateway.Reader) error {
		odd, err := r.EventsAfter(e.ctx, 10, gateway.EventFilter{InvoiceID: "inv_2", Types: []gateway.EventType{gateway.EventInvoiceHeld}}, 100)
		e.equal(ids(odd, eventID), []string{all[11], all[13], all[15], all[17], all[19]})
		e.must(err)
		rest, err := r.Unsealed(e.ctx, 10)
		e.equal(len(rest), 0)
		e.must(err)
		none, err := r.EventsAfter(e.ctx, 0, gateway.EventFilter{}, -1)
		e.equal(len(none), 0)
		return err
	})
}

// merkleLog builds a log in several steps and checks a proof over what comes back.
func merkleLog(e *env) {
	var leaves []string
	for batch := range 6 {
		for range batch*7 + 1 {
			leaves = append(leaves, "leaf of "+e.event(func(v *gateway.Event) { v.RecordedAt = start }).ID)
		}
		e.write(func(tx gateway.Tx) error { return e.seal(tx) })
	}
	e.read(func(r gateway.Reader) error {
		size, err := r.LogSize(e.ctx)
		e.must(err)
		e.equal(size, int64(len(leaves)))
		read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			found, err := r.LogHashes(e.ctx, indexes)
			var hashes []tlog.Hash
			for _, h := range found {
				hashes = append(hashes, tlog.Hash(h))
			}
			return hashes, err
		})
		root, err := tlog.TreeHash(size, read)
		e.must(err)
		for _, n := range []int64{0, size / 2, size - 1} {
			leaf, err := r.LogLeaf(e.ctx, n+1)
			e.must(err)
			e.equal(string(leaf), leaves[n])
			proof, err := tlog.ProveRecord(size, n, read)
			e.must(err)
			e.must(tlog.CheckRecord(proof, size, root, n, tlog.RecordHash(leaf)))
		}
		every := make([]int64, tlog.StoredHashCount(size))
		for i := range every {
			every[i] = int64(len(every) - 1 - i)
		}
		found, err := r.LogHashes(e.ctx, every) // more than fit into one statement, backwards
		e.equal(len(found), len(every))
		e.must(err)
		signed, err := r.LogRoot(e.ctx)
		if !strings.HasPrefix(string(signed), "root of ") {
			e.Errorf("the root is %q", signed)
		}
		return err
	})
}

func logConflicts(e *env) {
	one, two := e.event(nil), e.event(nil)
	entry := func(v gateway.Event, seq int64) gateway.LogEntry {
		return gateway.LogEntry{EventID: v.ID, Seq: seq, Leaf: []byte("leaf")}
	}
	hash := slices.Repeat([]byte{7}, 32)
	appends := func(want *gateway.Error, from int64, leaves []gateway.LogEntry, hashes ...[]byte) {
		e.Helper()
		err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
			return tx.AppendLog(e.ctx, from, leaves, hashes, []byte("root"))
		})
		if want == nil {
			e.must(err)
			return
		}
		e.fails(err, want)
	}
	appends(gateway.ErrConflict, 1, []gateway.LogEntry{entry(one, 2)}, hash, hash)
	appends(gateway.ErrInvalid, 0, []gateway.LogEntry{entry(one, 2)}, hash)
	appends(gateway.ErrInvalid, 0, []gateway.LogEntry{entry(one, 1)})
	appends(gateway.ErrInvalid, 0, []gateway.LogEntry{entry(one, 1)}, hash[:31])
	appends(gateway.ErrConflict, 0, []gateway.LogEntry{entry(gateway.Event{ID: "evt_none"}, 1)}, hash)
	appends(nil, 0, []gateway.LogEntry{entry(one, 1)}, hash)
	appends(gateway.ErrConflict, 0, []gateway.LogEntry{entry(two, 1)}, hash)       // someone was faster
	appends(gateway.ErrConflict, 1, []gateway.LogEntry{entry(one, 2)}, hash, hash) // sealed already
	appends(nil, 1, []gateway.LogEntry{entry(two, 2)}, hash, hash)
	e.read(func(r gateway.Reader) error {
		size, err := r.LogSize(e.ctx)
		e.equal(size, int64(2))
		return err
	})
}

func personal(e *env) {
	v := e.event(func(v *gateway.Event) { v.Personal = map[string]string{"ip": "192.0.2.1", "mail": "zoé@example.fr"} })
	e.write(func(tx gateway.Tx) error { return e.seal(tx) })
	e.read(func(r gateway.Reader) error {
		got, err := r.Event(e.ctx, v.ID)
		e.equal(got.Personal, v.Personal)
		e.must(err)
		salts, err := r.Salts(e.ctx, v.ID)
		e.equal(salts, map[string][]byte{"ip": []byte("salt of ip"), "mail": []byte("salt of mail")})
		return err
	})
	e.write(func(tx gateway.Tx) error { return tx.ErasePersonal(e.ctx, v.ID) })
	e.write(func(tx gateway.Tx) error { return tx.ErasePersonal(e.ctx, v.ID) }) // again is nothing
	e.read(func(r gateway.Reader) error {
		got, err := r.Event(e.ctx, v.ID)
		e.must(err)
		want := v
		want.Personal, want.Seq = nil, got.Seq
		e.equal(got, want)
		_, err = r.Salts(e.ctx, v.ID)
		e.fails(err, gateway.ErrNotFound)
		leaf, err := r.LogLeaf(e.ctx, got.Seq) // the proof stays
		e.equal(string(leaf), "leaf of "+v.ID)
		return err
	})
}

// personalBeforeSealing erases between the sealer's reading and its writing:
// the salt, with which the commitment could be guessed, is not kept.
func personalBeforeSealing(e *env) {
	v := e.event(nil)
	hash := tlog.RecordHash([]byte("leaf"))
	e.write(func(tx gateway.Tx) error { return tx.ErasePersonal(e.ctx, v.ID) })
	e.write(func(tx gateway.Tx) error {
		leaf := gateway.LogEntry{EventID: v.ID, Seq: 1, Leaf: []byte("leaf"), Salts: map[string][]byte{"ip": []byte("salt")}}
		return tx.AppendLog(e.ctx, 0, []gateway.LogEntry{leaf}, [][]byte{hash[:]}, []byte("root"))
	})
	e.read(func(r gateway.Reader) error {
		_, err := r.Salts(e.ctx, v.ID)
		e.fails(err, gateway.ErrNotFound)
		return nil
	})
}
