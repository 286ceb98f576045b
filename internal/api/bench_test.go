package api

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Accepting an order over HTTP, committed durably, from 8 clients at once.
func BenchmarkAcceptOrder(b *testing.B) {
	w := newWorld(b)
	var n atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			number := fmt.Sprintf("PO-%d", n.Add(1))
			begin := time.Now()
			if r := w.send(request{method: "POST", path: "/v1/orders", body: orderJSON(number, "on_order", 3), key: number}); r.status != 201 {
				b.Errorf("status %d: %s", r.status, r.body)
				return
			}
			mine = append(mine, time.Since(begin))
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, mine...)
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
