package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

func recordVersions(e *env) {
	put := func(id string, validFrom time.Time, deleted bool) gateway.Record {
		r := sample[gateway.Record](e.T, 1)
		r.Kind, r.ID, r.ValidFrom, r.Deleted = gateway.RecordCustomer, id, validFrom, deleted
		r.Body = json.RawMessage(fmt.Sprintf(`{"from":%d}`, validFrom.Unix()))
		e.write(func(tx gateway.Tx) error { return tx.PutRecord(e.ctx, &r) })
		return r
	}
	first := put("c1", start, false)
	third := put("c1", start.Add(2*time.Hour), false) // in force later
	correction := put("c1", start.Add(time.Hour), false)
	other := put("c2", start, false)
	deleted := put("c2", start.Add(time.Hour), true)
	e.equal([]int64{first.Version, third.Version, correction.Version, other.Version, deleted.Version}, []int64{1, 2, 3, 1, 2})
	e.read(func(r gateway.Reader) error {
		for _, c := range []struct {
			at   time.Duration
			want gateway.Record
		}{
			{0, first}, {time.Hour - time.Microsecond, first}, {time.Hour, correction}, {3 * time.Hour, correction},
		} {
			got, err := r.RecordAt(e.ctx, gateway.RecordCustomer, "c1", start.Add(c.at))
			e.must(err)
			e.equal(got, c.want)
		}
		_, err := r.RecordAt(e.ctx, gateway.RecordCustomer, "c1", start.Add(-time.Microsecond))
		e.fails(err, gateway.ErrNotFound)
		_, err = r.RecordAt(e.ctx, gateway.RecordItem, "c1", start)
		e.fails(err, gateway.ErrNotFound)
		got, err := r.RecordAt(e.ctx, gateway.RecordCustomer, "c2", start)
		e.equal(got, other)
		e.must(err)
		_, err = r.RecordAt(e.ctx, gateway.RecordCustomer, "c2", start.Add(time.Hour))
		e.fails(err, gateway.ErrNotFound)
		got, err = r.Record(e.ctx, gateway.RecordCustomer, "c2", 0)
		e.equal(got, deleted)
		e.must(err)
		got, err = r.Record(e.ctx, gateway.RecordCustomer, "c1", 2)
		e.equal(got, third)
		e.must(err)
		list, err := r.Records(e.ctx, gateway.RecordCustomer, gateway.Page{})
		e.equal(list.Items, []gateway.Record{correction})
		return err
	})
}

func recordKeys(e *env) {
	put := func(id string, deleted bool, keys ...string) {
		r := sample[gateway.Record](e.T, 1)
		r.Kind, r.ID, r.Deleted, r.Keys = gateway.RecordCustomer, id, deleted, keys
		e.write(func(tx gateway.Tx) error { return tx.PutRecord(e.ctx, &r) })
	}
	find := func(kind gateway.RecordKind, key string, want ...string) {
		e.Helper()
		e.read(func(r gateway.Reader) error {
			got, err := r.RecordsByKey(e.ctx, kind, key)
			e.equal(ids(got, func(r gateway.Record) string { return fmt.Sprint(r.ID, ".", r.Version) }), append([]string{}, want...))
			return err
		})
	}
	put("c2", false, "vat:FR1", "gln:1")
	put("c1", false, "vat:FR1", "vat:FR1")
	find(gateway.RecordCustomer, "vat:FR1", "c1.1", "c2.1")
	find(gateway.RecordCustomer, "gln:1", "c2.1")
	find(gateway.RecordItem, "gln:1")
	put("c2", false, "vat:FR2")
	find(gateway.RecordCustomer, "vat:FR1", "c1.1") // the keys of the newest version count
	find(gateway.RecordCustomer, "vat:FR2", "c2.2")
	put("c1", true, "vat:FR1")
	find(gateway.RecordCustomer, "vat:FR1")
}

func numbers(e *env) {
	series := gateway.NumberSeries{LegalEntity: "le", Kind: "invoice", Period: "2026", Pattern: "{n}", Next: 7}
	take := func(s gateway.NumberSeries, n int64, invoice string) error {
		return e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
			return tx.TakeNumber(e.ctx, gateway.NumberTaken{Series: s, N: n, Number: fmt.Sprint("FA-", n), InvoiceID: invoice, TakenAt: start})
		})
	}
	e.fails(take(series, 7, "inv_0"), gateway.ErrConflict) // no such series yet
	e.write(func(tx gateway.Tx) error { return tx.PutSeries(e.ctx, series) })
	series.LastDate = "2026-11-02"
	e.must(take(series, 7, "inv_7"))
	e.fails(take(series, 7, "inv_8"), gateway.ErrConflict)
	e.fails(take(series, 9, "inv_8"), gateway.ErrConflict)
	e.fails(take(series, 8, "inv_7"), gateway.ErrConflict) // an invoice has one number
	e.must(take(series, 8, "inv_8"))
	credit := series
	credit.Kind, credit.Next = "credit_note", 1
	e.write(func(tx gateway.Tx) error { return tx.PutSeries(e.ctx, credit) })
	e.read(func(r gateway.Reader) error {
		series.Next = 9
		got, err := r.Series(e.ctx, "le", "invoice", "2026")
		e.equal(got, series)
		e.must(err)
		all, err := r.AllSeries(e.ctx)
		e.equal(all, []gateway.NumberSeries{credit, series})
		e.must(err)
		taken, err := r.NumbersTaken(e.ctx, "le", "invoice", "2026")
		e.equal(taken, []gateway.NumberTaken{
			{Series: series, N: 7, Number: "FA-7", InvoiceID: "inv_7", TakenAt: start},
			{Series: series, N: 8, Number: "FA-8", InvoiceID: "inv_8", TakenAt: start},
		})
		return err
	})
}

func webhooks(e *env) {
	w := sample[gateway.Webhook](e.T, 1)
	w.Types, w.DisabledAt = nil, nil
	later := sample[gateway.Webhook](e.T, 2)
	later.ID, later.CreatedAt = "another", w.CreatedAt.Add(time.Hour)
	e.write(func(tx gateway.Tx) error {
		e.must(tx.PutWebhook(e.ctx, later))
		return tx.PutWebhook(e.ctx, w)
	})
	e.read(func(r gateway.Reader) error {
		got, err := r.Webhooks(e.ctx)
		e.equal(got, []gateway.Webhook{w, later})
		return err
	})
	e.write(func(tx gateway.Tx) error { return tx.DeleteWebhook(e.ctx, w.ID) })
	e.read(func(r gateway.Reader) error {
		_, err := r.Webhook(e.ctx, w.ID)
		e.fails(err, gateway.ErrNotFound)
		return nil
	})
}

func suppressions(e *env) {
	s := gateway.Suppression{Address: "Zoé.Martin@Example.FR", Reason: "5.1.1", EventID: "evt_1", CreatedAt: start}
	e.write(func(tx gateway.Tx) error { return tx.PutSuppression(e.ctx, s) })
	s.Reason = "5.1.2"
	e.write(func(tx gateway.Tx) error { return tx.PutSuppression(e.ctx, s) })
	e.read(func(r gateway.Reader) error {
		got, err := r.Suppressed(e.ctx, "zoé.martin@example.fr ")
		e.equal(got, s)
		return err
	})
	e.write(func(tx gateway.Tx) error { return tx.DeleteSuppression(e.ctx, "ZOÉ.martin@example.fr") })
	e.read(func(r gateway.Reader) error {
		_, err := r.Suppressed(e.ctx, s.Address)
		e.fails(err, gateway.ErrNotFound)
		return nil
	})
}

// users signs people in before their tenant is known.
func users(e *env) {
	w := newWorld(e)
	system := e.store.System()
	byMail, err := system.UserByEmail(e.ctx, " "+w.user.Email)
	e.equal(byMail, w.user)
	e.must(err)
	key, err := system.APIKey(e.ctx, w.key.ID)
	e.equal(key, w.key)
	e.must(err)
	link, err := system.PortalLinkByToken(e.ctx, w.link.TokenHash)
	e.equal(link, w.link)
	e.must(err)
	token, err := system.MailToken(e.ctx, w.token.Token)
	e.equal(token, w.token)
	e.must(err)

	// An address belongs to one person, over all tenants, whatever its case.
	other := e.another()
	same := sample[gateway.User](e.T, 2)
	same.ID, same.Email = "usr_other", w.user.Email
	err = e.store.For(other).Write(e.ctx, func(tx gateway.Tx) error { return tx.PutUser(e.ctx, same) })
	e.failsFor(err, gateway.ErrDuplicate, "")
	// So does a key, a portal token and a mail token.
	for _, taken := range []func(tx gateway.Tx) error{
		func(tx gateway.Tx) error { return tx.PutAPIKey(e.ctx, w.key) },
		func(tx gateway.Tx) error { return tx.PutPortalLink(e.ctx, w.link) },
		func(tx gateway.Tx) error { return tx.PutMailToken(e.ctx, w.token) },
	} {
		e.fails(e.store.For(other).Write(e.ctx, taken), gateway.ErrConflict)
	}
	w.check(e)

	// A delivery ties its token again with each attempt; no other takes it.
	anew, foreign := w.token, w.token
	anew.CreatedAt, foreign.DeliveryID = anew.CreatedAt.Add(time.Hour), "del_other"
	e.write(func(tx gateway.Tx) error { return tx.PutMailToken(e.ctx, anew) })
	e.fails(e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return tx.PutMailToken(e.ctx, foreign) }), gateway.ErrConflict)
	w.check(e)

	// The last use of a key is kept to the minute.
	used := w.key.LastUsedAt.UTC()
	for _, c := range []struct{ at, want time.Duration }{
		{30 * time.Second, 0}, {time.Minute, time.Minute}, {90 * time.Second, time.Minute}, {time.Hour, time.Hour},
	} {
		e.must(system.TouchAPIKey(e.ctx, w.key.ID, used.Add(c.at)))
		key, err := system.APIKey(e.ctx, w.key.ID)
		e.must(err)
		e.equal(*key.LastUsedAt, used.Add(c.want))
	}
}

func tenants(e *env) {
	system := e.store.System()
	t := sample[gateway.Tenant](e.T, 5)
	t.ID = "a-tenant"
	e.must(system.CreateTenant(e.ctx, t))
	e.failsFor(system.CreateTenant(e.ctx, t), gateway.ErrDuplicate, "a-tenant")
	for _, bad := range []gateway.TenantID{"", "A", "../x", "é", "-a", "a b", "a.b"} {
		t.ID = bad
		e.fails(system.CreateTenant(e.ctx, t), gateway.ErrInvalid)
	}
	t.ID = "a-tenant"
	list, err := system.Tenants(e.ctx)
	e.must(err)
	e.equal(ids(list, func(t gateway.Tenant) string { return string(t.ID) }), []string{"a-tenant", string(e.tenant)})
	e.must(e.store.For("a-tenant").Read(e.ctx, func(r gateway.Reader) error {
		got, err := r.Tenant(e.ctx)
		e.equal(got, t)
		return err
	}))
}

func unsealedTenants(e *env) {
	want := func(tenants ...gateway.TenantID) {
		e.Helper()
		got, err := e.store.System().UnsealedTenants(e.ctx)
		e.must(err)
		e.equal(append([]gateway.TenantID{}, got...), append([]gateway.TenantID{}, tenants...))
	}
	want()
	first, second := e.tenant, e.another()
	e.event(nil)
	e.event(nil)
	e.tenant = second
	e.event(nil)
	want(first, second)
	e.write(func(tx gateway.Tx) error { return e.seal(tx) })
	want(first)
}

func prune(e *env) {
	w := newWorld(e)
	before := w.idempotent.CreatedAt
	if w.link.CodeExpiresAt.Before(before) {
		before = w.link.CodeExpiresAt
	}
	e.must(e.store.System().Prune(e.ctx, before))
	w.check(e)
	e.write(func(tx gateway.Tx) error {
		for i := range 1200 { // more than one step takes
			r := w.idempotent
			r.Key = numbered("key", i)
			e.must(tx.PutIdempotent(e.ctx, r))
		}
		return nil
	})
	young := w.idempotent
	young.Key, young.CreatedAt = "young", start.AddDate(1, 0, 0)
	e.write(func(tx gateway.Tx) error { return tx.PutIdempotent(e.ctx, young) })
	e.must(e.store.System().Prune(e.ctx, young.CreatedAt))
	e.read(func(r gateway.Reader) error {
		for _, key := range []string{w.idempotent.Key, numbered("key", 0), numbered("key", 1199)} {
			_, err := r.Idempotent(e.ctx, w.idempotent.Scope, key)
			e.fails(err, gateway.ErrNotFound)
		}
		_, err := r.Idempotent(e.ctx, young.Scope, "young")
		e.must(err)
		link, err := r.PortalLink(e.ctx, w.link.ID)
		if link.CodeHash != nil || link.TokenHash == nil {
			e.Error("the code was kept, or the link lost")
		}
		return err
	})
}
