package storetest

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// probe is what one method of gateway.Reader is asked, and what its owner finds.
type probe struct {
	want any
	ask  func(ctx context.Context, r gateway.Reader) (found any, err error) // found is nil for nothing
}

func value[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func list[T any](v []T, err error) (any, error) {
	if err != nil || len(v) == 0 {
		return nil, err
	}
	return v, nil
}

func page[T any](v gateway.List[T], err error) (any, error) { return list(v.Items, err) }

func size(n int64, err error) (any, error) {
	if err != nil || n == 0 {
		return nil, err
	}
	return n, nil
}

// reads has a probe for every method of gateway.Reader but Tenant.
func (w *world) reads() map[string]probe {
	all := w.readsOut()
	maps.Copy(all, w.readsAround())
	return all
}

// readsOut asks for an order, its invoice and what was sent.
func (w *world) readsOut() map[string]probe {
	return map[string]probe{
		"Idempotent": {w.idempotent, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.Idempotent(ctx, w.idempotent.Scope, w.idempotent.Key))
		}},
		"Order": {w.order, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Order(ctx, w.order.ID)) }},
		"OrderByBusinessKey": {w.order, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.OrderByBusinessKey(ctx, w.order.BusinessKey))
		}},
		"Orders": {[]gateway.Order{w.order}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return page(r.Orders(ctx, gateway.OrderFilter{}, gateway.Page{}))
		}},
		"OrderDeliveries": {[]gateway.OrderDelivery{w.note}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.OrderDeliveries(ctx, w.order.ID))
		}},
		"Invoice": {w.invoice, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Invoice(ctx, w.invoice.ID)) }},
		"InvoiceByBusinessKey": {w.invoice, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.InvoiceByBusinessKey(ctx, w.invoice.BusinessKey))
		}},
		"Invoices": {[]gateway.Invoice{w.invoice}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return page(r.Invoices(ctx, gateway.InvoiceFilter{}, gateway.Page{}))
		}},
		"Document": {w.document, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.Document(ctx, w.document.SHA256))
		}},
		"InvoiceDocuments": {[]gateway.Document{w.document}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.InvoiceDocuments(ctx, w.invoice.ID))
		}},
		"InboundDocuments": {[]gateway.Document{w.inDocument}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.InboundDocuments(ctx, w.inbound.ID))
		}},
		"Verdicts": {[]gateway.VerdictRecord{w.verdict}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.Verdicts(ctx, w.invoice.ID, ""))
		}},
		"Delivery": {w.delivery, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Delivery(ctx, w.delivery.ID)) }},
		"DeliveryByMessageID": {w.delivery, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.DeliveryByMessageID(ctx, w.delivery.MessageID))
		}},
		"InvoiceDeliveries": {[]gateway.Delivery{w.delivery}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.InvoiceDeliveries(ctx, w.invoice.ID))
		}},
		"InboundReplies": {[]gateway.Delivery{w.reply}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.InboundReplies(ctx, w.inbound.ID))
		}},
		"Attempts": {[]gateway.Attempt{w.attempt}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.Attempts(ctx, w.delivery.ID)) }},
	}
}

// readsAround asks for events, records and all the rest.
func (w *world) readsAround() map[string]probe {
	return map[string]probe{
		"Event": {w.event, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Event(ctx, w.event.ID)) }},
		"EventByKey": {w.unsealed, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.EventByKey(ctx, w.unsealed.Key))
		}},
		"Timeline": {[]gateway.Event{w.event}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.Timeline(ctx, gateway.EventFilter{InvoiceID: w.event.InvoiceID}))
		}},
		"EventsAfter": {[]gateway.Event{w.event}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.EventsAfter(ctx, 0, gateway.EventFilter{}, 10))
		}},
		"Unsealed": {[]gateway.Event{w.unsealed}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.Unsealed(ctx, 10)) }},
		"Record": {w.record, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.Record(ctx, w.record.Kind, w.record.ID, 1))
		}},
		"RecordAt": {w.record, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.RecordAt(ctx, w.record.Kind, w.record.ID, w.record.ValidFrom))
		}},
		"RecordsByKey": {[]gateway.Record{w.record}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.RecordsByKey(ctx, w.record.Kind, w.record.Keys[0]))
		}},
		"Records": {[]gateway.Record{w.record}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return page(r.Records(ctx, w.record.Kind, gateway.Page{}))
		}},
		"Series": {w.series, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.Series(ctx, w.series.LegalEntity, w.series.Kind, w.series.Period))
		}},
		"AllSeries": {[]gateway.NumberSeries{w.series}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.AllSeries(ctx)) }},
		"NumbersTaken": {[]gateway.NumberTaken{w.taken}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.NumbersTaken(ctx, w.series.LegalEntity, w.series.Kind, w.series.Period))
		}},
		"Inbound": {w.inbound, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Inbound(ctx, w.inbound.ID)) }},
		"InboundByMessageID": {w.inbound, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.InboundByMessageID(ctx, w.inbound.Sender, w.inbound.MessageID))
		}},
		"Inbounds": {[]gateway.Inbound{w.inbound}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return page(r.Inbounds(ctx, gateway.InboundFilter{}, gateway.Page{}))
		}},
		"Webhook":  {w.webhook, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Webhook(ctx, w.webhook.ID)) }},
		"Webhooks": {[]gateway.Webhook{w.webhook}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.Webhooks(ctx)) }},
		"WebhookDelivery": {w.hookDelivery, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.WebhookDelivery(ctx, w.hookDelivery.ID))
		}},
		"WebhookDeliveries": {[]gateway.WebhookDelivery{w.hookDelivery}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return page(r.WebhookDeliveries(ctx, w.webhook.ID, gateway.Page{}))
		}},
		"PortalLinks": {[]gateway.PortalLink{w.link}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.PortalLinks(ctx, w.invoice.ID))
		}},
		"PortalLink": {w.link, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.PortalLink(ctx, w.link.ID)) }},
		"Suppressed": {w.suppression, func(ctx context.Context, r gateway.Reader) (any, error) {
			return value(r.Suppressed(ctx, w.suppression.Address))
		}},
		"Users":   {[]gateway.User{w.user}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.Users(ctx)) }},
		"User":    {w.user, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.User(ctx, w.user.ID)) }},
		"APIKeys": {[]gateway.APIKey{w.key}, func(ctx context.Context, r gateway.Reader) (any, error) { return list(r.APIKeys(ctx)) }},
		"Counts": {[]gateway.Count{w.count()}, func(ctx context.Context, r gateway.Reader) (any, error) {
			return list(r.Counts(ctx, time.Time{}, time.Time{}))
		}},
		"LogSize":   {int64(1), func(ctx context.Context, r gateway.Reader) (any, error) { return size(r.LogSize(ctx)) }},
		"LogRoot":   {w.root, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.LogRoot(ctx)) }},
		"LogHashes": {w.hashes(), func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.LogHashes(ctx, []int64{0})) }},
		"LogLeaf":   {[]byte("leaf 1"), func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.LogLeaf(ctx, 1)) }},
		"Salts":     {w.salts, func(ctx context.Context, r gateway.Reader) (any, error) { return value(r.Salts(ctx, w.event.ID)) }},
	}
}

// covers fails when a method of the contract T is not in the table.
func covers[T any](e *env, table []string, others ...string) {
	e.Helper()
	contract := reflect.TypeFor[T]()
	for i := range contract.NumMethod() {
		if name := contract.Method(i).Name; !slices.Contains(table, name) && !slices.Contains(others, name) {
			e.Errorf("the suite does not call %s.%s", contract.Name(), name)
		}
	}
}

// intrusion is what another tenant tries on a record it knows by name, and the
// error it gets; nil where it makes a record of its own under the same name.
type intrusion struct {
	want *gateway.Error
	try  func(ctx context.Context, tx gateway.Tx) error
}

// intrusions has an entry for every method of gateway.Tx that writes. Each is
// tried in a transaction of its own, in the order of the list.
func (w *world) intrusions() (names []string, table map[string]intrusion) {
	table = map[string]intrusion{}
	add := func(name string, want *gateway.Error, try func(ctx context.Context, tx gateway.Tx) error) {
		names = append(names, name)
		table[name] = intrusion{want, try}
	}
	theirs := *w // copies: an update sets the version in place
	theirs.link.TokenHash, theirs.token.Token, theirs.user.Email, theirs.key.ID = []byte("another"+w.key.ID), "another"+w.token.Token, "another"+w.user.Email, "another"+w.key.ID

	add("UpdateOrder", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateOrder(ctx, &theirs.order) })
	add("InsertOrderDelivery", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.InsertOrderDelivery(ctx, &theirs.note)
	})
	add("UpdateOrderDelivery", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.UpdateOrderDelivery(ctx, &theirs.note)
	})
	add("UpdateInvoice", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateInvoice(ctx, &theirs.invoice) })
	add("PutAttempt", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.PutAttempt(ctx, theirs.attempt) })
	add("UpdateDelivery", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateDelivery(ctx, &theirs.delivery) })
	add("UpdateInbound", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateInbound(ctx, &theirs.inbound) })
	add("ErasePersonal", nil, func(ctx context.Context, tx gateway.Tx) error { return tx.ErasePersonal(ctx, theirs.event.ID) })
	add("TakeNumber", gateway.ErrConflict, func(ctx context.Context, tx gateway.Tx) error { return tx.TakeNumber(ctx, theirs.taken) })
	add("DeleteWebhook", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.DeleteWebhook(ctx, theirs.webhook.ID) })
	add("DeleteSuppression", gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.DeleteSuppression(ctx, theirs.suppression.Address)
	})
	add("HoldTask", gateway.ErrLeaseLost, func(ctx context.Context, tx gateway.Tx) error { return tx.HoldTask(ctx, theirs.task) })
	add("EndTask", gateway.ErrLeaseLost, func(ctx context.Context, tx gateway.Tx) error { return tx.EndTask(ctx, theirs.task) })
	add("DeferTask", gateway.ErrLeaseLost, func(ctx context.Context, tx gateway.Tx) error { return tx.DeferTask(ctx, theirs.task) })
	add("TasksFor", nil, func(ctx context.Context, tx gateway.Tx) error {
		tasks, err := tx.TasksFor(ctx, theirs.task.Kind, theirs.task.Ref)
		if len(tasks) > 0 {
			return gateway.ErrForbidden.With("another tenant sees the task", nil)
		}
		return err
	})
	add("AppendLog", gateway.ErrConflict, func(ctx context.Context, tx gateway.Tx) error {
		return tx.AppendLog(ctx, 0, []gateway.LogEntry{theirs.leaf()}, theirs.hashes(), []byte("their root"))
	})
	for _, own := range []string{
		"PutIdempotent", "InsertOrder", "InsertInvoice", "InsertDocument", "InsertVerdict", "InsertDelivery", "AppendEvent", "PutRecord",
		"PutSeries", "InsertInbound", "PutWebhook", "PutWebhookDelivery", "PutPortalLink", "PutMailToken", "PutSuppression", "PutUser",
		"PutAPIKey", "AddTask",
	} {
		add(own, nil, nil) // all of them by theirs.put
	}
	names = append(names, "everything of their own")
	table["everything of their own"] = intrusion{nil, theirs.put}
	return names, table
}

// isolation calls every method of the contracts as the owner and as another tenant.
func isolation(e *env) {
	w := newWorld(e)
	reads := w.reads()
	names, intrusions := w.intrusions()
	covers[gateway.Reader](e, keys(reads), "Tenant")
	covers[gateway.Tx](e, append(keys(reads), names...), "Tenant")
	covers[gateway.SystemStore](e, []string{ // each has its own test below or in tasks.go
		"CreateTenant", "Tenants", "APIKey", "UserByEmail", "TouchAPIKey", "PortalLinkByToken", "MailToken",
		"ClaimTask", "ExtendLease", "DueTasks", "UnsealedTenants", "Stats", "Prune",
	})
	w.check(e)
	other := e.another()
	stranger := e.store.For(other)
	for name, p := range reads {
		err := stranger.Read(e.ctx, func(r gateway.Reader) error {
			found, err := p.ask(e.ctx, r)
			if found != nil {
				e.Errorf("%s gives another tenant %v", name, found)
			}
			return err
		})
		if err != nil && gateway.Code(err) != gateway.ErrNotFound.Code {
			e.Errorf("%s gives another tenant error %v", name, err)
		}
	}
	for _, name := range names {
		i := intrusions[name]
		if i.try == nil {
			continue
		}
		err := stranger.Write(e.ctx, func(tx gateway.Tx) error { return i.try(e.ctx, tx) })
		switch {
		case i.want == nil && err != nil:
			e.Errorf("%s as another tenant: %v", name, err)
		case i.want != nil && gateway.Code(err) != i.want.Code:
			e.Errorf("%s as another tenant: got %v, want code %s", name, err, i.want.Code)
		}
	}
	w.check(e)
}

// check wants everything to be there as it was written.
func (w *world) check(e *env) {
	e.Helper()
	for name, p := range w.reads() {
		e.read(func(r gateway.Reader) error {
			found, err := p.ask(e.ctx, r)
			if err != nil {
				e.Errorf("%s: %v", name, err)
				return nil
			}
			e.Run(name, func(t *testing.T) { (&env{T: t}).equal(found, p.want) })
			return nil
		})
	}
	e.write(func(tx gateway.Tx) error {
		tasks, err := tx.TasksFor(e.ctx, w.task.Kind, w.task.Ref)
		e.equal(tasks, []gateway.Task{w.task})
		return err
	})
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
