package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/sink"
)

// queue writes the delivery of an invoice by the customer's i-th route and makes
// it due. It tells whether there is such a route that can be used; without one the
// invoice waits for a person.
func queue(ctx context.Context, tx gateway.Tx, ids gateway.IDs, now time.Time, tenant gateway.Tenant, inv *gateway.Invoice,
	document string, entity billing.LegalEntity, customer billing.Customer, i int,
) (bool, error) {
	route, ok, err := chooseRoute(ctx, tx, tenant, entity, customer, i)
	if err != nil || !ok {
		return false, err
	}
	d := gateway.Delivery{
		ID: ids.New(gateway.PrefixDelivery), InvoiceID: inv.ID, Purpose: "invoice", DocumentSHA256: document,
		MessageID: ids.New(gateway.PrefixMessage), Route: route, State: gateway.DeliveryQueued, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.InsertDelivery(ctx, &d); err != nil {
		return false, err
	}
	if err := gateway.Append(ctx, tx, inv, gateway.Event{
		ID: ids.New(gateway.PrefixEvent), Type: gateway.EventDeliveryQueued, At: now, RecordedAt: now, Actor: gateway.System,
		InvoiceID: inv.ID, DeliveryID: d.ID, ExternalID: inv.ExternalID,
		Data: mustJSON(map[string]any{"channel": route.Channel, "why": route.Why, "message_id": d.MessageID}),
	}); err != nil {
		return false, err
	}
	return true, tx.AddTask(ctx, gateway.Task{
		ID: ids.New(gateway.PrefixTask), Tenant: tenant.ID, Kind: gateway.TaskSendDelivery, Ref: d.ID, Group: route.Peer(), DueAt: now, CreatedAt: now,
	})
}

// chooseRoute takes the first usable route of the customer from the i-th on. An
// address that bounced hard is not usable. A tenant in test mode reaches only
// the sink.
func chooseRoute(ctx context.Context, r gateway.Reader, tenant gateway.Tenant, entity billing.LegalEntity, customer billing.Customer, i int) (gateway.Route, bool, error) {
	sender := records.Participant(entity.ElectronicAddress)
	receiver := records.Participant(customer.ElectronicAddress)
	if tenant.Mode == gateway.ModeTest {
		if i > 0 {
			return gateway.Route{}, false, nil
		}
		receiver = cmp.Or(receiver, customer.AccountNumber, "accepts")
		return gateway.Route{
			Channel: sink.Channel, Address: sink.Address(receiver), Sender: cmp.Or(sender, "test"), Receiver: receiver,
			Why: "the tenant is in test mode: nothing leaves the gateway",
		}, true, nil
	}
	for ; i < len(customer.Routes); i++ {
		route := customer.Routes[i]
		if route.Channel == transport.ChannelMail {
			_, err := r.Suppressed(ctx, route.Address)
			if err == nil {
				continue // it bounced hard before
			}
			if !errors.Is(err, gateway.ErrNotFound) {
				return gateway.Route{}, false, err
			}
		}
		options, err := json.Marshal(transport.Endpoint{
			Channel: route.Channel, Address: route.Address, PeerID: route.PeerID,
			Bearer: route.Bearer, Identity: route.Identity, Idempotent: route.Idempotent,
		})
		if err != nil {
			return gateway.Route{}, false, err
		}
		return gateway.Route{
			Channel: route.Channel, Address: route.Address, Options: options, Index: i,
			Sender: identifier(sender, entity.VATIdentifier, entity.Name), Receiver: identifier(route.Receiver, receiver, route.Address),
			Why: fmt.Sprintf("route %d of %d in the customer's record", i+1, len(customer.Routes)),
		}, true, nil
	}
	return gateway.Route{}, false, nil
}

// identifier is the first name there is, in the printable ASCII that every channel
// takes: a seller without an address is known by its name.
func identifier(names ...string) string {
	name := strings.TrimSpace(cmp.Or(names...))
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return url.PathEscape(name)
	}
	return name
}

// NextRoute queues the invoice on the route after the one that certainly failed,
// unless another delivery was started since. An unknown delivery never comes here.
func NextRoute(ctx context.Context, tx gateway.Tx, ids gateway.IDs, now time.Time, tenant gateway.Tenant, inv gateway.Invoice, failed gateway.Delivery) error {
	if inv.ID == "" || failed.Purpose != "invoice" {
		return nil
	}
	deliveries, err := tx.InvoiceDeliveries(ctx, inv.ID)
	if err != nil || len(deliveries) == 0 || deliveries[len(deliveries)-1].ID != failed.ID {
		return err
	}
	who, err := records.ByID(ctx, tx, inv.LegalEntity, inv.Customer, now)
	if errors.Is(err, gateway.ErrNotFound) { // deleted meanwhile: there is no other route
		return nil
	}
	if err != nil {
		return err
	}
	current, err := tx.Invoice(ctx, inv.ID)
	if err != nil {
		return err
	}
	_, err = queue(ctx, tx, ids, now, tenant, &current, failed.DocumentSHA256, who.Entity.Value, who.Customer.Value, failed.Route.Index+1)
	return err
}
