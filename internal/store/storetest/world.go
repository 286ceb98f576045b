package storetest

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"facteur.dev/facteur/internal/gateway"
)

// world is a tenant that has one of everything.
type world struct {
	order        gateway.Order
	note         gateway.OrderDelivery
	invoice      gateway.Invoice
	document     gateway.Document
	inDocument   gateway.Document
	verdict      gateway.VerdictRecord
	delivery     gateway.Delivery
	reply        gateway.Delivery
	attempt      gateway.Attempt
	event        gateway.Event // sealed
	unsealed     gateway.Event
	record       gateway.Record
	series       gateway.NumberSeries
	taken        gateway.NumberTaken
	inbound      gateway.Inbound
	webhook      gateway.Webhook
	hookDelivery gateway.WebhookDelivery
	link         gateway.PortalLink
	token        gateway.MailToken
	suppression  gateway.Suppression
	user         gateway.User
	key          gateway.APIKey
	idempotent   gateway.IdempotencyRecord
	task         gateway.Task
	root         []byte
	salts        map[string][]byte
}

// newWorld fills the tenant of e.
func newWorld(e *env) *world {
	e.Helper()
	w := &world{
		order: sample[gateway.Order](e.T, 1), note: sample[gateway.OrderDelivery](e.T, 1), invoice: sample[gateway.Invoice](e.T, 1),
		document: sample[gateway.Document](e.T, 1), inDocument: sample[gateway.Document](e.T, 2), verdict: sample[gateway.VerdictRecord](e.T, 1),
		delivery: sample[gateway.Delivery](e.T, 1), reply: sample[gateway.Delivery](e.T, 2), attempt: sample[gateway.Attempt](e.T, 1),
		event: sample[gateway.Event](e.T, 1), unsealed: sample[gateway.Event](e.T, 2), record: sample[gateway.Record](e.T, 1),
		series: sample[gateway.NumberSeries](e.T, 1), taken: sample[gateway.NumberTaken](e.T, 1), inbound: sample[gateway.Inbound](e.T, 1),
		webhook: sample[gateway.Webhook](e.T, 1), hookDelivery: sample[gateway.WebhookDelivery](e.T, 1), link: sample[gateway.PortalLink](e.T, 1),
		token: sample[gateway.MailToken](e.T, 1), suppression: sample[gateway.Suppression](e.T, 1), user: sample[gateway.User](e.T, 1),
		key: sample[gateway.APIKey](e.T, 1), idempotent: sample[gateway.IdempotencyRecord](e.T, 1), task: sample[gateway.Task](e.T, 1),
		root: []byte("root 1"), salts: map[string][]byte{"ip": {1, 2, 0, 255}},
	}
	// What must be unique over all tenants.
	w.link.ID, w.link.TokenHash = e.ids.New("lnk"), []byte(e.ids.New("hash"))
	w.token.Token, w.user.Email, w.key.ID = e.ids.New("tok"), e.ids.New("Zoé")+"@Example.fr", e.ids.New("key")
	// What belongs together.
	w.note.OrderID = w.order.ID
	w.document.InvoiceID, w.document.InboundID = w.invoice.ID, ""
	w.inDocument.InvoiceID, w.inDocument.InboundID = "", w.inbound.ID
	w.verdict.InvoiceID, w.verdict.InboundID = w.invoice.ID, ""
	w.delivery.InvoiceID, w.delivery.InboundID = w.invoice.ID, ""
	w.reply.InvoiceID, w.reply.InboundID = "", w.inbound.ID
	w.attempt.DeliveryID = w.delivery.ID
	w.hookDelivery.WebhookID = w.webhook.ID
	w.link.InvoiceID = w.invoice.ID
	w.token.DeliveryID = w.delivery.ID
	w.series.Next = w.taken.N + 1
	w.taken.Series, w.taken.InvoiceID = w.series, w.invoice.ID
	w.order.Version, w.invoice.Version, w.delivery.Version, w.reply.Version, w.inbound.Version, w.record.Version = 1, 1, 1, 1, 1, 1
	w.event.Seq, w.unsealed.Seq = 1, 0
	w.record.Deleted = false
	for _, tenant := range []*gateway.TenantID{&w.link.Tenant, &w.token.Tenant, &w.user.Tenant, &w.key.Tenant, &w.task.Tenant} {
		*tenant = e.tenant
	}
	w.task.Attempts, w.task.Fence, w.task.LeaseOwner, w.task.LeaseUntil = 0, 0, "", time.Time{}
	e.write(func(tx gateway.Tx) error { return w.put(e.ctx, tx) })
	return w
}

// put writes it all.
func (w *world) put(ctx context.Context, tx gateway.Tx) error {
	before := w.series
	before.Next = w.taken.N
	event := func(v gateway.Event) error {
		_, err := tx.AppendEvent(ctx, v)
		return err
	}
	record := w.record
	for _, step := range []func() error{
		func() error { return tx.InsertOrder(ctx, &w.order) },
		func() error { return tx.InsertOrderDelivery(ctx, &w.note) },
		func() error { return tx.InsertInvoice(ctx, &w.invoice) },
		func() error { return tx.InsertInbound(ctx, &w.inbound) },
		func() error { return tx.InsertDocument(ctx, w.document) },
		func() error { return tx.InsertDocument(ctx, w.inDocument) },
		func() error { return tx.InsertVerdict(ctx, w.verdict) },
		func() error { return tx.InsertDelivery(ctx, &w.delivery) },
		func() error { return tx.InsertDelivery(ctx, &w.reply) },
		func() error { return tx.PutAttempt(ctx, w.attempt) },
		func() error { return event(w.event) },
		func() error { return event(w.unsealed) },
		func() error { return tx.PutRecord(ctx, &record) },
		func() error { return tx.PutSeries(ctx, before) },
		func() error { return tx.TakeNumber(ctx, w.taken) },
		func() error { return tx.PutWebhook(ctx, w.webhook) },
		func() error { return tx.PutWebhookDelivery(ctx, w.hookDelivery) },
		func() error { return tx.PutPortalLink(ctx, w.link) },
		func() error { return tx.PutMailToken(ctx, w.token) },
		func() error { return tx.PutSuppression(ctx, w.suppression) },
		func() error { return tx.PutUser(ctx, w.user) },
		func() error { return tx.PutAPIKey(ctx, w.key) },
		func() error { return tx.PutIdempotent(ctx, w.idempotent) },
		func() error { return tx.AddTask(ctx, w.task) },
		func() error { return tx.AppendLog(ctx, 0, []gateway.LogEntry{w.leaf()}, w.hashes(), w.root) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) leaf() gateway.LogEntry {
	return gateway.LogEntry{EventID: w.event.ID, Seq: 1, Leaf: []byte("leaf 1"), Salts: w.salts}
}

func (w *world) hashes() [][]byte {
	hash := tlog.RecordHash([]byte("leaf 1"))
	return [][]byte{hash[:]}
}

func (w *world) count() gateway.Count {
	return gateway.Count{
		State: w.invoice.State, Hold: w.invoice.Hold, N: 1,
		Transport: w.invoice.Status.Transport().State, Answer: w.invoice.Status.Answer().State,
	}
}
