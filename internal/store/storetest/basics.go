package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
)

// updates writes records over with other values and reads them back.
func updates(e *env) {
	w := newWorld(e)
	next := *w
	next.order, next.invoice = sample[gateway.Order](e.T, 7), sample[gateway.Invoice](e.T, 7)
	next.delivery, next.inbound = sample[gateway.Delivery](e.T, 7), sample[gateway.Inbound](e.T, 7)
	next.note, next.attempt = sample[gateway.OrderDelivery](e.T, 7), sample[gateway.Attempt](e.T, 7)
	next.hookDelivery, next.webhook = sample[gateway.WebhookDelivery](e.T, 7), sample[gateway.Webhook](e.T, 7)
	next.user, next.key, next.link = sample[gateway.User](e.T, 7), sample[gateway.APIKey](e.T, 7), sample[gateway.PortalLink](e.T, 7)
	// What names a record stays, and so does its creation.
	next.order.ID, next.order.CreatedAt, next.order.Version = w.order.ID, w.order.CreatedAt, 1
	next.invoice.ID, next.invoice.CreatedAt, next.invoice.Version = w.invoice.ID, w.invoice.CreatedAt, 1
	next.delivery.ID, next.delivery.CreatedAt, next.delivery.Version = w.delivery.ID, w.delivery.CreatedAt, 1
	next.inbound.ID, next.inbound.CreatedAt, next.inbound.Version = w.inbound.ID, w.inbound.CreatedAt, 1
	next.note.ID, next.note.CreatedAt, next.note.OrderID = w.note.ID, w.note.CreatedAt, w.order.ID
	next.attempt.DeliveryID, next.attempt.N = w.delivery.ID, w.attempt.N
	next.hookDelivery.ID, next.webhook.ID = w.hookDelivery.ID, w.webhook.ID
	next.user.ID, next.user.Tenant, next.user.Email = w.user.ID, e.tenant, w.user.Email
	next.key.ID, next.key.Tenant = w.key.ID, e.tenant
	next.link.ID, next.link.Tenant, next.link.TokenHash = w.link.ID, e.tenant, w.link.TokenHash
	e.write(func(tx gateway.Tx) error {
		return errors.Join(
			tx.UpdateOrder(e.ctx, &next.order), tx.UpdateInvoice(e.ctx, &next.invoice), tx.UpdateDelivery(e.ctx, &next.delivery),
			tx.UpdateInbound(e.ctx, &next.inbound), tx.UpdateOrderDelivery(e.ctx, &next.note), tx.PutAttempt(e.ctx, next.attempt),
			tx.PutWebhookDelivery(e.ctx, next.hookDelivery), tx.PutWebhook(e.ctx, next.webhook), tx.PutUser(e.ctx, next.user),
			tx.PutAPIKey(e.ctx, next.key), tx.PutPortalLink(e.ctx, next.link))
	})
	for _, version := range []int64{next.order.Version, next.invoice.Version, next.delivery.Version, next.inbound.Version} {
		if version != 2 {
			e.Errorf("an update set version %d in place, want 2", version)
		}
	}
	e.read(func(r gateway.Reader) error {
		for _, c := range []struct {
			got  func() (any, error)
			want any
		}{
			{func() (any, error) { return value(r.Order(e.ctx, w.order.ID)) }, next.order},
			{func() (any, error) { return value(r.Invoice(e.ctx, w.invoice.ID)) }, next.invoice},
			{func() (any, error) { return value(r.Delivery(e.ctx, w.delivery.ID)) }, next.delivery},
			{func() (any, error) { return value(r.Inbound(e.ctx, w.inbound.ID)) }, next.inbound},
			{func() (any, error) { return list(r.OrderDeliveries(e.ctx, w.order.ID)) }, []gateway.OrderDelivery{next.note}},
			{func() (any, error) { return list(r.Attempts(e.ctx, w.delivery.ID)) }, []gateway.Attempt{next.attempt}},
			{func() (any, error) { return value(r.WebhookDelivery(e.ctx, w.hookDelivery.ID)) }, next.hookDelivery},
			{func() (any, error) { return value(r.Webhook(e.ctx, w.webhook.ID)) }, next.webhook},
			{func() (any, error) { return value(r.User(e.ctx, w.user.ID)) }, next.user},
			{func() (any, error) { return list(r.APIKeys(e.ctx)) }, []gateway.APIKey{next.key}},
			{func() (any, error) { return value(r.PortalLink(e.ctx, w.link.ID)) }, next.link},
		} {
			got, err := c.got()
			if err != nil {
				return err
			}
			e.equal(got, c.want)
		}
		return nil
	})
}

// values stores what is easily changed on the way.
func values(e *env) {
	big := json.RawMessage(`{"lines":[` + strings.Repeat(`{"name":"Crème brûlée \u0000 😀 <&>","price":"12.3400"},`, 20_000) + `{}]}`)
	nano := time.Date(2026, 3, 29, 2, 59, 59, 999_999_999, time.FixedZone("CEST", 2*3600))
	early := time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	inv := e.invoice(func(i *gateway.Invoice) {
		i.Model, i.Sources, i.HoldDetail = big, nil, json.RawMessage{}
		i.CustomerName = "Łódź Ærø Straße Ελλάς 日本 — \"O'Brien\" %_\\ ; DROP TABLE"
		i.Total, i.Payable = invoice.MustDecimal("-12345678901234567890123.4500"), invoice.Decimal{}
		i.CreatedAt, i.UpdatedAt = nano, early
	})
	o := e.order(func(o *gateway.Order) {
		o.CreatedAt, o.UpdatedAt = time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	})
	e.read(func(r gateway.Reader) error {
		got, err := r.Invoice(e.ctx, inv.ID)
		if err != nil {
			return err
		}
		if string(got.Model) != string(big) {
			e.Error("the JSON is not byte for byte what was stored")
		}
		want := inv
		want.HoldDetail, want.Model, got.Model = nil, nil, nil
		e.equal(got, want)
		if want := nano.Truncate(time.Microsecond); !got.CreatedAt.Equal(want) || got.CreatedAt.Location() != time.UTC {
			e.Errorf("got %v, want %v in UTC", got.CreatedAt, want)
		}
		stored, err := r.Order(e.ctx, o.ID)
		if !stored.CreatedAt.IsZero() || !stored.UpdatedAt.Equal(o.UpdatedAt) {
			e.Errorf("the zero time came back as %v, the last day as %v", stored.CreatedAt, stored.UpdatedAt)
		}
		return err
	})
}

// badText stores what no PostgreSQL takes: both databases refuse it, and the
// transaction goes on.
func badText(e *env) {
	for _, bad := range []string{"a\x00b", "\xff\xfe", "caf\xe9"} {
		e.write(func(tx gateway.Tx) error {
			o := sample[gateway.Order](e.T, 1)
			o.ID, o.BusinessKey, o.Reason = e.ids.New("ord"), e.ids.New("key"), bad
			e.fails(tx.InsertOrder(e.ctx, &o), gateway.ErrInvalid)
			o.Reason = "good"
			return tx.InsertOrder(e.ctx, &o)
		})
		e.read(func(r gateway.Reader) error {
			_, err := r.Order(e.ctx, bad)
			e.fails(err, gateway.ErrInvalid)
			_, err = r.Invoices(e.ctx, gateway.InvoiceFilter{Text: bad}, gateway.Page{})
			e.fails(err, gateway.ErrInvalid)
			return nil
		})
	}
	// What is written by half is rolled back even when the error is dropped.
	event := sample[gateway.Event](e.T, 1)
	event.ID, event.Personal = e.ids.New("evt"), map[string]string{"name": "\x00"}
	err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
		_, err := tx.AppendEvent(e.ctx, event)
		if gateway.Code(err) == gateway.ErrInvalid.Code {
			return nil
		}
		return err
	})
	e.read(func(r gateway.Reader) error {
		got, missing := r.Event(e.ctx, event.ID)
		if err == nil && missing == nil && len(got.Personal) == 0 {
			e.Error("an event stands without its personal fields")
		}
		return nil
	})
}

// missing asks for what is not there.
func missing(e *env) {
	w := &world{}
	for name, p := range w.reads() {
		if name == "LogHashes" || name == "Verdicts" || name == "Timeline" || name == "RecordsByKey" {
			continue // asked with something below
		}
		e.read(func(r gateway.Reader) error {
			found, err := p.ask(e.ctx, r)
			if found != nil || err != nil && gateway.Code(err) != gateway.ErrNotFound.Code {
				e.Errorf("%s of nothing: %v, %v", name, found, err)
			}
			return nil
		})
	}
	e.read(func(r gateway.Reader) error {
		_, err := r.LogHashes(e.ctx, []int64{0})
		e.fails(err, gateway.ErrNotFound)
		_, err = r.Verdicts(e.ctx, "", "")
		e.fails(err, gateway.ErrInvalid)
		_, err = r.Timeline(e.ctx, gateway.EventFilter{})
		e.fails(err, gateway.ErrInvalid)
		return nil
	})
	system := e.store.System()
	_, err := system.APIKey(e.ctx, "none")
	e.fails(err, gateway.ErrNotFound)
	_, err = system.UserByEmail(e.ctx, "none@example.com")
	e.fails(err, gateway.ErrNotFound)
	_, err = system.PortalLinkByToken(e.ctx, []byte("none"))
	e.fails(err, gateway.ErrNotFound)
	_, err = system.MailToken(e.ctx, "none")
	e.fails(err, gateway.ErrNotFound)
	e.fails(system.TouchAPIKey(e.ctx, "none", start), gateway.ErrNotFound)
	_, err = system.ClaimTask(e.ctx, e.tenant, "none", "worker", start, time.Minute)
	e.fails(err, gateway.ErrNotFound)
}

func versions(e *env) {
	o := e.order(nil)
	if o.Version != 1 {
		e.Fatalf("a new order has version %d, want 1", o.Version)
	}
	stale := o
	o.State = gateway.OrderOpen
	e.write(func(tx gateway.Tx) error { return tx.UpdateOrder(e.ctx, &o) })
	err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return tx.UpdateOrder(e.ctx, &stale) })
	e.failsFor(err, gateway.ErrConflict, o.ID)
	if o.Version != 2 || stale.Version != 1 {
		e.Errorf("versions are %d and %d, want 2 and 1", o.Version, stale.Version)
	}
	nobody := sample[gateway.Invoice](e.T, 3)
	nobody.ID = "inv_nobody"
	err = e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return tx.UpdateInvoice(e.ctx, &nobody) })
	e.fails(err, gateway.ErrNotFound)
	// An error of the store's own does not end the transaction.
	e.write(func(tx gateway.Tx) error {
		e.fails(tx.UpdateOrder(e.ctx, &stale), gateway.ErrConflict)
		o.Reason = "after a conflict"
		return tx.UpdateOrder(e.ctx, &o)
	})
	e.read(func(r gateway.Reader) error {
		got, err := r.Order(e.ctx, o.ID)
		if got.Reason != "after a conflict" || got.Version != 3 {
			e.Errorf("got reason %q at version %d", got.Reason, got.Version)
		}
		return err
	})
}

func duplicates(e *env) {
	w := newWorld(e)
	again := *w
	again.order.ID, again.note.ID, again.invoice.ID, again.inbound.ID, again.delivery.ID = "ord_2", "odn_2", "inv_2", "inb_2", "del_2"
	e.write(func(tx gateway.Tx) error {
		e.failsFor(tx.InsertOrder(e.ctx, &again.order), gateway.ErrDuplicate, w.order.ID)
		e.failsFor(tx.InsertOrderDelivery(e.ctx, &again.note), gateway.ErrDuplicate, w.note.ID)
		e.failsFor(tx.InsertInvoice(e.ctx, &again.invoice), gateway.ErrDuplicate, w.invoice.ID)
		e.failsFor(tx.InsertInbound(e.ctx, &again.inbound), gateway.ErrDuplicate, w.inbound.ID)
		e.failsFor(tx.InsertDelivery(e.ctx, &again.delivery), gateway.ErrDuplicate, w.delivery.ID)
		e.failsFor(tx.PutIdempotent(e.ctx, w.idempotent), gateway.ErrDuplicate, w.idempotent.Ref)
		e.must(tx.InsertDocument(e.ctx, w.document)) // the same row twice is one
		return nil
	})
	w.check(e)
	// Records without a business key never meet, and a key given later does.
	plain := func(i *gateway.Invoice) { i.BusinessKey = "" }
	e.invoice(plain)
	late := e.invoice(plain)
	late.BusinessKey = w.invoice.BusinessKey
	err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return tx.UpdateInvoice(e.ctx, &late) })
	e.failsFor(err, gateway.ErrDuplicate, w.invoice.ID)
	// The same id with another business key is a conflict, not a second record.
	clash := w.order
	clash.BusinessKey = "another"
	err = e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error { return tx.InsertOrder(e.ctx, &clash) })
	e.fails(err, gateway.ErrConflict)
}

func unknownTenant(e *env) {
	nobody := e.store.For("nobody")
	o := sample[gateway.Order](e.T, 1)
	err := nobody.Write(e.ctx, func(tx gateway.Tx) error { return tx.InsertOrder(e.ctx, &o) })
	e.failsFor(err, gateway.ErrNotFound, "nobody")
	err = nobody.Read(e.ctx, func(r gateway.Reader) error {
		_, err := r.Tenant(e.ctx)
		return err
	})
	e.fails(err, gateway.ErrNotFound)
}

func rollback(e *env) {
	w := newWorld(e)
	mine := errors.New("mine")
	err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
		changed := *w
		changed.order.State, changed.invoice.State = "gone", "gone"
		e.must(errors.Join(
			tx.UpdateOrder(e.ctx, &changed.order), tx.UpdateInvoice(e.ctx, &changed.invoice),
			tx.DeleteWebhook(e.ctx, w.webhook.ID), tx.EndTask(e.ctx, w.task), tx.ErasePersonal(e.ctx, w.event.ID)))
		o := sample[gateway.Order](e.T, 9)
		e.must(tx.InsertOrder(e.ctx, &o))
		got, err := tx.Order(e.ctx, o.ID) // a transaction reads what it wrote
		e.equal(got, o)
		return errors.Join(err, mine)
	})
	if !errors.Is(err, mine) {
		e.Errorf("got error %v, want the function's own", err)
	}
	w.check(e)
	// So does one that panics, and the next one goes on.
	func() {
		defer func() {
			if recover() == nil {
				e.Error("the panic was swallowed")
			}
		}()
		_ = e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
			e.must(tx.DeleteWebhook(e.ctx, w.webhook.ID))
			panic("in the middle")
		})
	}()
	w.check(e)
}

// failedStatement drops an error of the database: nothing is committed all the same.
func failedStatement(e *env) {
	o := e.order(nil)
	added := sample[gateway.Suppression](e.T, 1)
	err := e.store.For(e.tenant).Write(e.ctx, func(tx gateway.Tx) error {
		e.must(tx.PutSuppression(e.ctx, added))
		same := o
		same.BusinessKey = "another"
		_ = tx.InsertOrder(e.ctx, &same) // the id exists: a failure of the statement
		return nil
	})
	e.fails(err, gateway.ErrConflict)
	e.read(func(r gateway.Reader) error {
		_, err := r.Suppressed(e.ctx, added.Address)
		e.fails(err, gateway.ErrNotFound)
		return nil
	})
}

func cancelled(e *env) {
	ctx, cancel := context.WithCancel(e.ctx)
	o := sample[gateway.Order](e.T, 1)
	err := e.store.For(e.tenant).Write(ctx, func(tx gateway.Tx) error {
		e.must(tx.InsertOrder(ctx, &o))
		cancel()
		_, err := tx.Order(ctx, o.ID)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		e.Errorf("got error %v, want the context's", err)
	}
	e.read(func(r gateway.Reader) error {
		_, err := r.Order(e.ctx, o.ID)
		e.fails(err, gateway.ErrNotFound)
		return nil
	})
	if err := e.store.For(e.tenant).Write(ctx, func(gateway.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		e.Errorf("got error %v, want the context's", err)
	}
}

// numbered gives a text with a number, for lists.
func numbered(what string, n int) string { return fmt.Sprintf("%s-%03d", what, n) }
