package jobs_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/jobs"
)

// BenchmarkAccept measures what accepting an order over HTTP commits: the look
// for the idempotency key, the order with twenty lines, its event, the task with
// its wake-up, and the answer under the key; sixteen callers at once, each commit
// durable. With tasks worked, each task is claimed and ended meanwhile, as after
// the answer to a real order. It reports commits a second and the 99th percentile of one.
func BenchmarkAccept(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkAccept(b, onSQLite(b), false) })
	b.Run("sqlite, tasks worked", func(b *testing.B) { benchmarkAccept(b, onSQLite(b), true) })
	b.Run("postgres", func(b *testing.B) { benchmarkAccept(b, onPostgres(b), false) })
	b.Run("postgres, tasks worked", func(b *testing.B) { benchmarkAccept(b, onPostgres(b), true) })
}

func benchmarkAccept(b *testing.B, open database, worked bool) {
	const callers = 16
	ctx := context.Background()
	bed := newBed(b, open)
	store, ids, clock := bed.store, bed.ids, gateway.SystemClock{}
	if worked {
		bed.runner(jobs.Config{Kinds: one(gateway.TaskDraftInvoices, bed.end)})
	}
	tenant := store.For("acme")
	line := `{"id":"1","item":{"sellers_id":"A-1","name":"Widget, blue, box of 12"},"quantity":"12","unit":"XPP","price":"12.3400","vat":"S"},`
	body := json.RawMessage(`{"number":"PO-1","lines":[` + strings.TrimSuffix(strings.Repeat(line, 20), ",") + `]}`)

	accept := func() error {
		return tenant.Write(ctx, func(tx gateway.Tx) error {
			now := clock.Now()
			key := rand.Text()
			if _, err := tx.Idempotent(ctx, "POST /v1/orders", key); gateway.Code(err) != gateway.ErrNotFound.Code {
				return err
			}
			o := gateway.Order{
				ID: ids.New(gateway.PrefixOrder), ExternalID: key, Number: key, BusinessKey: "seller buyer " + key, State: gateway.OrderReceived,
				SourceSHA256: strings.Repeat("ab", 32), SourceType: "application/json", Body: body, CreatedAt: now, UpdatedAt: now,
			}
			if err := tx.InsertOrder(ctx, &o); err != nil {
				return err
			}
			if _, err := tx.AppendEvent(ctx, gateway.Event{
				ID: ids.New(gateway.PrefixEvent), Type: gateway.EventOrderReceived, At: now, RecordedAt: now,
				Actor: gateway.Actor{Kind: "api_key", ID: "key_1", Name: "ERP"}, OrderID: o.ID, ExternalID: key, Evidence: o.SourceSHA256, EvidenceType: o.SourceType,
			}); err != nil {
				return err
			}
			if err := tx.AddTask(ctx, gateway.Task{ID: ids.New(gateway.PrefixTask), Kind: gateway.TaskDraftInvoices, Ref: o.ID, DueAt: now, CreatedAt: now}); err != nil {
				return err
			}
			return tx.PutIdempotent(ctx, gateway.IdempotencyRecord{
				Key: key, Scope: "POST /v1/orders", BodySHA256: o.SourceSHA256, Ref: o.ID, Status: 201, Response: body, CreatedAt: now,
			})
		})
	}

	times := make([][]time.Duration, callers)
	b.ResetTimer()
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for range b.N/callers + 1 {
				begin := time.Now()
				if err := accept(); err != nil {
					b.Error(err)
					return
				}
				times[caller] = append(times[caller], time.Since(begin))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
