package inbound_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport/https"
)

func TestStoredOnceBySenderAndMessageID(t *testing.T) {
	w := newWorld(t)
	body := document(t, "goods", "")
	in := w.receive("m1", body)
	if in.State != gateway.InboundReceived || in.SHA256 != hash(body) || in.Sender != them || in.Receiver != us || in.Channel != "https.gateway" || in.ReplyTo.Address != "https://them.example/in" {
		t.Errorf("%+v", in)
	}
	d, err := w.door.Accept(t.Context(), message("m1", body))
	w.Must(err)
	if d.Verdict != https.Repeated || string(d.Receipt) != "receipt of m1" {
		t.Errorf("the same again: %+v", d)
	}
	if d, err = w.door.Accept(t.Context(), message("m1", document(t, "services", ""))); err != nil || d.Verdict != https.Conflict {
		t.Errorf("other bytes under the same id: %+v %v", d, err)
	}
	other := message("m1", body) // a sender chooses ids for itself only
	other.Sender = "iso6523-actorid-upis::0225:999"
	if d, err = w.door.Accept(t.Context(), other); err != nil || d.Verdict != https.Stored {
		t.Errorf("the same id of another sender: %+v %v", d, err)
	}
	if n := len(w.Due(gateway.TaskCheckInbound)); n != 2 {
		t.Errorf("%d checks are due, want 2", n)
	}

	var docs []gateway.Document
	w.Read(func(r gateway.Reader) (err error) { docs, err = r.InboundDocuments(t.Context(), in.ID); return err })
	roles := map[string]string{}
	for _, d := range docs {
		b, err := w.Blobs.Get(t.Context(), tenant, d.SHA256)
		w.Must(err)
		roles[d.Role] = string(b)
	}
	if diff := cmp.Diff(map[string]string{"original": string(body), "receipt": "evidence of m1"}, roles); diff != "" {
		t.Error(diff)
	}
	e := w.Only(gateway.EventFilter{InboundID: in.ID}, gateway.EventInboundReceived)
	if e.Grade != gateway.GradeStrong || e.Evidence != hash([]byte("evidence of m1")) || e.Actor.ID != "k" || !strings.Contains(string(e.Data), hash(body)) {
		t.Errorf("%+v", e)
	}
}

// Ten times at once: one is stored, the others get its receipt.
func TestRacingRepetitions(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		body := document(t, "goods", "")
		decisions := make([]https.Decision, 10)
		errs := make([]error, 10)
		var wg sync.WaitGroup
		for i := range decisions {
			wg.Go(func() { decisions[i], errs[i] = w.door.Accept(t.Context(), message("m1", body)) })
		}
		wg.Wait()
		counts := map[https.Verdict]int{}
		for i, d := range decisions {
			w.Must(errs[i])
			counts[d.Verdict]++
			if d.Verdict == https.Repeated && string(d.Receipt) != "receipt of m1" {
				t.Errorf("receipt %q", d.Receipt)
			}
		}
		if counts[https.Stored] != 1 || counts[https.Repeated] != 9 || len(w.Due(gateway.TaskCheckInbound)) != 1 {
			t.Errorf("%v, %d checks", counts, len(w.Due(gateway.TaskCheckInbound)))
		}
	})
}

func TestReceiverUnknown(t *testing.T) {
	w := newWorld(t)
	w.Put(gateway.RecordLegalEntity, "plain", `{"name":"Filiale","electronic_address":{"value":"plain-address"}}`)
	for receiver, known := range map[string]bool{
		us: true, "0225:000234567": true, "iso6523-actorid-upis::0225: 000 234 567": true, "plain-address": true,
		"0225:000234568": false, "0088:000234567": false, "000234567": false, "": false, "0225:": false, "iso6523-actorid-upis::": false, them: false,
	} {
		m := message("to "+receiver, document(t, "goods", ""))
		m.Receiver = receiver
		d, err := w.door.Accept(t.Context(), m)
		w.Must(err)
		if stored := d.Verdict == https.Stored; stored != known || !known && (d.Verdict != https.Refused || d.Code != "receiver.unknown" || d.Detail == "") {
			t.Errorf("%q: %+v", receiver, d)
		}
	}
	nobody := *w.door
	nobody.Tenant = "nobody"
	if d, err := nobody.Accept(t.Context(), message("m", []byte("x"))); err != nil || d.Verdict != https.Refused || d.Code != "receiver.unknown" {
		t.Errorf("unknown tenant: %+v %v", d, err)
	}
	w.Must(w.Store.Close())
	if d, err := w.door.Accept(t.Context(), message("m", []byte("x"))); err == nil || d.Verdict == https.Stored || d.Verdict == https.Refused {
		t.Errorf("without a store: %+v %v", d, err)
	}
}

// A crash between any two steps leaves a message that can be repeated, and never
// half of one.
func TestCrashWhileStoring(t *testing.T) {
	for _, step := range []string{"inbound.stored", "inbound.before_commit", "inbound.committed"} {
		w := newWorld(t)
		body := document(t, "goods", "")
		w.door.Probe = func(s string) {
			if s == step {
				panic("killed")
			}
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = w.door.Accept(t.Context(), message("m1", body))
			t.Errorf("%s: not killed", step)
		}()
		w.door.Probe = nil
		d, err := w.door.Accept(t.Context(), message("m1", body))
		w.Must(err)
		want := https.Stored
		if step == "inbound.committed" {
			want = https.Repeated
		}
		if d.Verdict != want {
			t.Errorf("%s: then %+v", step, d)
		}
		in := w.byMessage("m1")
		if n := len(w.Due(gateway.TaskCheckInbound)); n != 1 {
			t.Errorf("%s: %d checks", step, n)
		}
		w.Only(gateway.EventFilter{InboundID: in.ID}, gateway.EventInboundReceived)
	}
}

// A peer whose record is not known can be heard of a receiver's other means; the
// document is taken, and nobody is told.
func TestSenderWithoutWayBack(t *testing.T) {
	w := newWorld(t)
	m := message("m1", document(t, "goods", ""))
	m.Sender = "somebody"
	d, err := w.door.Accept(t.Context(), m)
	w.Must(err)
	if d.Verdict != https.Stored {
		t.Fatalf("%+v", d)
	}
	var in gateway.Inbound
	w.Read(func(r gateway.Reader) (err error) {
		in, err = r.InboundByMessageID(t.Context(), "somebody", "m1")
		return err
	})
	if in.ReplyTo.Address != "" || in.ReplyTo.Channel != "" {
		t.Errorf("%+v", in.ReplyTo)
	}
	w.Read(func(r gateway.Reader) error {
		_, err := r.InboundByMessageID(t.Context(), them, "m1")
		if !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("found under another sender: %v", err)
		}
		return nil
	})
}
