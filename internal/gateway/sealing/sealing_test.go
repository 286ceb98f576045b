package sealing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/sealing"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
)

const tenant = gatewaytest.Tenant

var cluster storetest.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, run func(t *testing.T, w *gatewaytest.World)) {
	t.Run("sqlite", func(t *testing.T) { run(t, gatewaytest.New(t)) })
	t.Run("postgres", func(t *testing.T) {
		db, err := postgres.Open(t.Context(), cluster.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlstore.Open(t.Context(), db, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		run(t, gatewaytest.On(t, store))
	})
}

func signer(t testing.TB, seed byte) *evidence.Signer {
	t.Helper()
	s, err := evidence.NewSigner("invoices.example", ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealer(w *gatewaytest.World) *sealing.Sealer {
	return &sealing.Sealer{
		Store: w.Store, Clock: w.Clock, Signer: signer(w, 1), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
	}
}

// tell appends an event; every third is about a person.
func tell(ctx context.Context, w *gatewaytest.World, of gateway.TenantID, name string, n int) error {
	e := gateway.Event{
		ID: w.IDs.New(gateway.PrefixEvent), Type: gateway.EventRecordChanged, At: w.Clock.Now(), RecordedAt: w.Clock.Now(),
		Actor: gateway.Actor{Kind: "api_key", ID: "k", Name: "ERP"}, Data: json.RawMessage(fmt.Sprintf(`{"name":%q,"n":%d}`, name, n)),
	}
	if n%3 == 0 {
		e.Actor = gateway.Actor{Kind: "user", ID: "usr_1", Name: "Zoé Privée " + name}
		e.Personal = map[string]string{"address": "192.0.2." + fmt.Sprint(n)}
	}
	return w.Store.For(of).Write(ctx, func(tx gateway.Tx) error { return gateway.Append(ctx, tx, nil, e) })
}

func sealed(w *gatewaytest.World) (events []gateway.Event, size int64) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		if events, err = r.EventsAfter(w.Context(), 0, gateway.EventFilter{}, 10000); err != nil {
			return err
		}
		size, err = r.LogSize(w.Context())
		return err
	})
	return events, size
}

// export writes the whole log, with proofs of growth from earlier roots.
func export(w *gatewaytest.World, by *evidence.Signer, earlier ...[]byte) []byte {
	w.Helper()
	var out bytes.Buffer
	w.Read(func(r gateway.Reader) error {
		size, err := r.LogSize(w.Context())
		if err != nil {
			return err
		}
		root, err := r.LogRoot(w.Context())
		if err != nil {
			return err
		}
		x := evidence.Exporter{Signer: by, Now: w.Clock.Now}
		return x.Export(w.Context(), &out, sealing.LogSource{Reader: r}, root, []evidence.Range{{First: 1, Last: size}}, earlier...)
	})
	return out.Bytes()
}

func verify(w *gatewaytest.World, by *evidence.Signer, file, since []byte) (evidence.Report, []evidence.VerifiedLeaf) {
	w.Helper()
	var leaves []evidence.VerifiedLeaf
	key := by.Verifier()
	r, err := evidence.Verify(bytes.NewReader(file), evidence.Options{Key: &key, Since: since, Each: func(l evidence.VerifiedLeaf) { leaves = append(leaves, l) }})
	w.Must(err)
	return r, leaves
}

// Many write, several seal: every event gets one number, none is left out, and
// the log verifies offline. People's data can be erased and it verifies still.
func TestConcurrentWritersAndSealers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *gatewaytest.World) {
		const writers, each = 5, 24
		ctx, cancel := context.WithCancel(t.Context())
		var writing, sealing sync.WaitGroup
		for s := range 2 {
			sealing.Go(func() {
				s := s
				sealer := sealer(w)
				for ctx.Err() == nil {
					if err := sealer.Sweep(ctx); err != nil && ctx.Err() == nil {
						t.Errorf("sealer %d: %v", s, err)
						return
					}
				}
			})
		}
		for i := range writers {
			writing.Go(func() {
				for n := range each {
					if err := tell(ctx, w, tenant, fmt.Sprint("writer ", i), n); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		cancel()
		sealing.Wait()
		w.Must(sealer(w).Sweep(t.Context()))

		events, size := sealed(w)
		if len(events) != writers*each || size != writers*each {
			t.Fatalf("%d events, %d leaves, want %d", len(events), size, writers*each)
		}
		seen := map[string]bool{}
		for i, e := range events {
			if e.Seq != int64(i+1) || seen[e.ID] {
				t.Fatalf("event %d has the number %d", i+1, e.Seq)
			}
			seen[e.ID] = true
		}
		by := signer(t, 1)
		file := export(w, by)
		report, leaves := verify(w, by, file, nil)
		if !report.KeyTrusted || report.Root.Origin != "invoices.example/acme" || report.Leaves != size || report.Shown != writers*each/3*2 || report.Erased != 0 {
			t.Errorf("%+v", report)
		}
		for i, l := range leaves {
			if l.EventID != events[i].ID || bytes.Contains(l.Event, []byte("Zoé")) || bytes.Contains(l.Event, []byte("192.0.2.")) {
				t.Fatalf("leaf %d: %s %s", l.Seq, l.EventID, l.Event)
			}
			if name := events[i].ActorName(); l.Personal["actor"] != "" && l.Personal["actor"] != name {
				t.Errorf("leaf %d shows %q, the event %q", l.Seq, l.Personal["actor"], name)
			}
		}

		var root []byte
		w.Read(func(r gateway.Reader) (err error) { root, err = r.LogRoot(t.Context()); return err })
		erased := int64(0)
		w.Write(func(tx gateway.Tx) error {
			for _, e := range events[:len(events)/2] {
				erased += int64(len(e.Personal))
				if err := tx.ErasePersonal(t.Context(), e.ID); err != nil {
					return err
				}
			}
			return nil
		})
		w.Must(tell(t.Context(), w, tenant, "after", 0))
		w.Must(sealer(w).Sweep(t.Context()))
		file = export(w, by, root)
		report, _ = verify(w, by, file, root)
		if report.Leaves != size+1 || report.Erased != erased || erased == 0 || len(report.Earlier) != 1 || report.Earlier[0].Size != size {
			t.Errorf("after erasing %d: %+v", erased, report)
		}
		if _, err := evidence.Verify(bytes.NewReader(bytes.Replace(file, []byte("writer 1"), []byte("writer 2"), 1)), evidence.Options{}); err == nil {
			t.Error("a changed event verifies")
		}
	})
}

// What the fan-out writes and the numbers of the events stand or fall together.
func TestFanOutIsPartOfSealing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *gatewaytest.World) {
		for n := range 3 {
			w.Must(tell(t.Context(), w, tenant, "a", n))
		}
		s := sealer(w)
		var told []string
		hook := func(tx gateway.Tx, e gateway.Event) error {
			told = append(told, fmt.Sprintf("%d %s", e.Seq, e.ID))
			return tx.PutWebhookDelivery(t.Context(), gateway.WebhookDelivery{ID: "whd_" + e.ID, WebhookID: "whk_1", EventID: e.ID, Body: e.Data, State: "pending", CreatedAt: e.At, UpdatedAt: e.At})
		}
		deliveries := func() int {
			var list gateway.List[gateway.WebhookDelivery]
			w.Read(func(r gateway.Reader) (err error) {
				list, err = r.WebhookDeliveries(t.Context(), "whk_1", gateway.Page{Limit: 500})
				return err
			})
			return len(list.Items)
		}
		boom := errors.New("boom")
		s.Fanout = func(_ context.Context, tx gateway.Tx, of gateway.TenantID, events []gateway.Event) error {
			if of != tenant || len(events) != 3 {
				t.Errorf("told of %d events of %s", len(events), of)
			}
			if err := hook(tx, events[0]); err != nil {
				return err
			}
			return boom
		}
		if err := s.Sweep(t.Context()); !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if events, size := sealed(w); len(events) != 0 || size != 0 || deliveries() != 0 {
			t.Fatalf("after a failure %d events, %d leaves and %d messages stand", len(events), size, deliveries())
		}

		told = nil
		s.Fanout = func(_ context.Context, tx gateway.Tx, _ gateway.TenantID, events []gateway.Event) error {
			told = nil // a transaction may run again
			for _, e := range events {
				if err := hook(tx, e); err != nil {
					return err
				}
			}
			return nil
		}
		s.Probe = func(step string) {
			if step == "log.before_commit" {
				panic("killed")
			}
		}
		func() {
			defer func() { _ = recover() }()
			_ = s.Sweep(t.Context())
			t.Error("not killed")
		}()
		if events, size := sealed(w); len(events) != 0 || size != 0 || deliveries() != 0 {
			t.Fatalf("after a crash %d events, %d leaves and %d messages stand", len(events), size, deliveries())
		}
		s.Probe = nil
		for range 2 {
			w.Must(s.Sweep(t.Context()))
		}
		events, size := sealed(w)
		if size != 3 || deliveries() != 3 || len(told) != 3 {
			t.Fatalf("%d leaves, %d messages, told %v", size, deliveries(), told)
		}
		for i, e := range events {
			if told[i] != fmt.Sprintf("%d %s", i+1, e.ID) {
				t.Errorf("told %q of event %d, %s", told[i], e.Seq, e.ID)
			}
		}
	})
}

// What the fan-out tells is sealed in its turn, and more than one batch at once.
func TestBatchesAndEventsOfTheFanOut(t *testing.T) {
	w := gatewaytest.New(t)
	const many = 1203
	w.Write(func(tx gateway.Tx) error {
		for n := range many {
			e := gateway.Event{ID: w.IDs.New(gateway.PrefixEvent), Type: gateway.EventRecordChanged, At: w.Clock.Now(), RecordedAt: w.Clock.Now(), Actor: gateway.System, Data: json.RawMessage(fmt.Sprint(`{"n":`, n, `}`))}
			if err := gateway.Append(t.Context(), tx, nil, e); err != nil {
				return err
			}
		}
		return nil
	})
	s := sealer(w)
	s.Fanout = func(ctx context.Context, tx gateway.Tx, _ gateway.TenantID, events []gateway.Event) error {
		for _, e := range events {
			if e.Seq != many {
				continue
			}
			more := gateway.Event{ID: w.IDs.New(gateway.PrefixEvent), Type: gateway.EventAccessChanged, At: w.Clock.Now(), RecordedAt: w.Clock.Now(), Actor: gateway.System}
			if err := gateway.Append(ctx, tx, nil, more); err != nil {
				return err
			}
		}
		return nil
	}
	w.Must(s.Sweep(t.Context()))
	if _, size := sealed(w); size != many {
		t.Errorf("%d of %d sealed in one go", size, many)
	}
	w.Must(s.Sweep(t.Context()))
	events, size := sealed(w)
	if size != many+1 || events[many].Type != gateway.EventAccessChanged {
		t.Errorf("%d sealed", size)
	}
	report, _ := verify(w, signer(t, 1), export(w, signer(t, 1)), nil)
	if report.Leaves != many+1 {
		t.Errorf("%+v", report)
	}
}

// One tenant's trouble is told, and stops no other.
func TestTenantsAreSealedApart(t *testing.T) {
	w := gatewaytest.New(t)
	for _, id := range []gateway.TenantID{"alpha", "zulu"} {
		w.Must(w.Store.System().CreateTenant(t.Context(), gateway.Tenant{ID: id, Name: string(id), Mode: gateway.ModeTest, TimeZone: "UTC", CreatedAt: gatewaytest.Start}))
		w.Must(tell(t.Context(), w, id, string(id), 1))
	}
	w.Must(tell(t.Context(), w, tenant, "acme", 1))
	s := sealer(w)
	boom := errors.New("boom")
	s.Fanout = func(_ context.Context, _ gateway.Tx, of gateway.TenantID, _ []gateway.Event) error {
		if of == tenant {
			return boom
		}
		return nil
	}
	if err := s.Sweep(t.Context()); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	for id, want := range map[gateway.TenantID]int64{"alpha": 1, "zulu": 1, tenant: 0} {
		w.Must(w.Store.For(id).Read(t.Context(), func(r gateway.Reader) error {
			size, err := r.LogSize(t.Context())
			if size != want {
				t.Errorf("%s: %d leaves", id, size)
			}
			return err
		}))
	}
}

// After a change of key the log goes on under the new one, and only where the old
// one is known.
func TestChangeOfKey(t *testing.T) {
	w := gatewaytest.New(t)
	w.Must(tell(t.Context(), w, tenant, "old", 1))
	w.Must(sealer(w).Sweep(t.Context()))
	w.Must(tell(t.Context(), w, tenant, "new", 1))
	s := sealer(w)
	s.Signer = signer(t, 2)
	if err := s.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "signed by another key") {
		t.Errorf("a log of another key was continued: %v", err)
	}
	s.Former = []evidence.Verifier{signer(t, 1).Verifier()}
	w.Must(s.Sweep(t.Context()))
	if report, _ := verify(w, signer(t, 2), export(w, signer(t, 2)), nil); report.Leaves != 2 {
		t.Errorf("%+v", report)
	}
}

func TestRunSealsUntilItIsStopped(t *testing.T) {
	w := gatewaytest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { sealer(w).Run(ctx); close(done) }()
	for n := range 5 {
		w.Must(tell(t.Context(), w, tenant, "a", n))
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, size := sealed(w); size == 5 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not sealed after 10 s")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
}
