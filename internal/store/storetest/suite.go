// Package storetest holds every implementation of gateway.Store to its
// contract: one suite for all databases. An implementation adopts it with
//
//	storetest.Run(t, func(t testing.TB, queue sqlstore.Queue) gateway.Store { … })
//
// Every method of the contracts is called by its owner and as another tenant
// ([isolation]); a method that is added to a contract and not to the suite
// fails it. Records are filled field by field through reflection, so that a
// field that is added to a record and not to the store fails it too.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// Open makes a store on an empty database. It closes it with the test.
type Open func(t testing.TB, queue sqlstore.Queue) gateway.Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	shared := open(t, nil)
	for _, c := range []struct {
		name string
		run  func(e *env)
	}{
		{"isolation", isolation},
		{"records change", updates},
		{"values", values},
		{"text that cannot be stored", badText},
		{"missing records", missing},
		{"versions", versions},
		{"duplicates point to the first", duplicates},
		{"an unknown tenant", unknownTenant},
		{"a failed transaction leaves nothing", rollback},
		{"a failed statement", failedStatement},
		{"a cancelled context", cancelled},
		{"pages", pages},
		{"pages under inserts", pagesUnderInserts},
		{"bad cursors", badCursors},
		{"filters of orders", orderFilters},
		{"pages of large records", largePages},
		{"filters of invoices", invoiceFilters},
		{"search without accents", search},
		{"counts", counts},
		{"documents of several records", documents},
		{"events are told once", eventKeys},
		{"timeline", timeline},
		{"events in sequence", eventsAfter},
		{"the log", merkleLog},
		{"the log refuses what does not fit", logConflicts},
		{"personal fields are erased", personal},
		{"personal fields erased before sealing", personalBeforeSealing},
		{"record versions", recordVersions},
		{"record keys", recordKeys},
		{"numbers", numbers},
		{"webhooks", webhooks},
		{"suppressions", suppressions},
		{"users", users},
		{"tasks of a record", tasksFor},
		{"claims and fences", fences},
		{"defer", deferral},
		{"lost update", lostUpdate},
		{"write skew", writeSkew},
		{"snapshot reads", snapshot},
		{"ten equal submissions", idempotentSubmissions},
		{"numbers without gaps", numbersWithoutGaps},
		{"events under concurrent writers", eventsUnderWriters},
		{"one claim wins", oneClaimWins},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(newEnv(t, shared)) })
	}
	// These look across tenants and need a database of their own.
	for _, c := range []struct {
		name string
		run  func(e *env)
	}{
		{"due tasks", dueTasks},
		{"a heap of tasks", dueTasksPaged},
		{"tenants", tenants},
		{"unsealed tenants", unsealedTenants},
		{"prune", prune},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(newEnv(t, open(t, nil))) })
	}
	t.Run("wake-ups in the transaction", func(t *testing.T) { wakeups(t, open) })
}

// start is the time the suite's clock begins with: to the microsecond.
var start = time.Date(2026, 11, 2, 9, 30, 0, 123456000, time.UTC)

// env is what a test works with: a tenant of its own in a store.
type env struct {
	*testing.T
	ctx    context.Context
	store  gateway.Store
	tenant gateway.TenantID
	ids    gateway.IDs
}

// tenantCount gives tenants their names; a name is used once per process.
var tenantCount atomic.Int64

func newEnv(t *testing.T, store gateway.Store) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	e := &env{T: t, ctx: ctx, store: store, ids: gateway.NewIDs(gateway.SystemClock{}, rand.Reader)}
	e.tenant = e.another()
	return e
}

// another creates one more tenant.
func (e *env) another() gateway.TenantID {
	e.Helper()
	t := sample[gateway.Tenant](e.T, 1)
	t.ID = gateway.TenantID(fmt.Sprintf("tenant-%d", tenantCount.Add(1)))
	e.must(e.store.System().CreateTenant(e.ctx, t))
	return t.ID
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// fails wants an error of a sentinel's code.
func (e *env) fails(err error, want *gateway.Error) {
	e.Helper()
	if gateway.Code(err) != want.Code {
		e.Fatalf("got error %v, want code %s", err, want.Code)
	}
}

// failsFor wants an error of a sentinel's code that points at a record.
func (e *env) failsFor(err error, want *gateway.Error, ref string) {
	e.Helper()
	e.fails(err, want)
	if got := refOf(err); got != ref {
		e.Fatalf("the error points at %q, want %q", got, ref)
	}
}

func (e *env) write(fn func(tx gateway.Tx) error) {
	e.Helper()
	e.must(e.store.For(e.tenant).Write(e.ctx, fn))
}

func (e *env) read(fn func(r gateway.Reader) error) {
	e.Helper()
	e.must(e.store.For(e.tenant).Read(e.ctx, fn))
}

func (e *env) order(change func(o *gateway.Order)) gateway.Order {
	e.Helper()
	o := sample[gateway.Order](e.T, 1)
	o.ID = e.ids.New(gateway.PrefixOrder)
	o.BusinessKey, o.Version = "key of "+o.ID, 0
	if change != nil {
		change(&o)
	}
	e.write(func(tx gateway.Tx) error { return tx.InsertOrder(e.ctx, &o) })
	return o
}

func (e *env) invoice(change func(i *gateway.Invoice)) gateway.Invoice {
	e.Helper()
	i := sample[gateway.Invoice](e.T, 1)
	i.ID = e.ids.New(gateway.PrefixInvoice)
	i.BusinessKey = "key of " + i.ID
	if change != nil {
		change(&i)
	}
	e.write(func(tx gateway.Tx) error { return tx.InsertInvoice(e.ctx, &i) })
	return i
}

func (e *env) event(change func(v *gateway.Event)) gateway.Event {
	e.Helper()
	v := sample[gateway.Event](e.T, 1)
	v.ID, v.Seq, v.Key = e.ids.New(gateway.PrefixEvent), 0, ""
	if change != nil {
		change(&v)
	}
	e.write(func(tx gateway.Tx) error {
		_, err := tx.AppendEvent(e.ctx, v)
		return err
	})
	return v
}

func (e *env) task(change func(t *gateway.Task)) gateway.Task {
	e.Helper()
	t := gateway.Task{ID: e.ids.New(gateway.PrefixTask), Tenant: e.tenant, Kind: gateway.TaskSendDelivery, Ref: "del_1", DueAt: start, CreatedAt: start}
	if change != nil {
		change(&t)
	}
	e.write(func(tx gateway.Tx) error { return tx.AddTask(e.ctx, t) })
	return t
}

func (e *env) claim(id string, now time.Time) gateway.Task {
	e.Helper()
	t, err := e.store.System().ClaimTask(e.ctx, e.tenant, id, "worker", now, time.Minute)
	e.must(err)
	return t
}
