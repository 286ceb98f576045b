package outbound_test

import (
	"errors"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/gateway"
)

// The customer's order came in twice: first under a name that no record has, so
// that it waits, then under the account number. However the first one learns
// whose it is, it is found to be the same order.
func TestAnOrderThatWaitedIsNotInvoicedBesideItsDouble(t *testing.T) {
	for name, goOn := range map[string]func(w *world, held string) error{
		"the record learns the name": func(w *world, held string) error {
			w.put(gateway.RecordCustomer, "buyer", strings.ReplaceAll(buyer, "Acheteur SAS", "Acheteur Lille"))
			_, err := w.desk.Release(w.Context(), tenant, held, gateway.System)
			if !errors.Is(err, gateway.ErrDuplicate) {
				w.Errorf("released: %v", err)
			}
			return nil
		},
		"a person corrects the buyer": func(w *world, held string) error {
			_, err := w.desk.Correct(w.Context(), tenant, held, gateway.System, []byte(`{"buyer":{"vat_identifier":"FR75000234567"},
				"lines":[{"id":"1","vat":{"category":"S","rate":"20"}}]}`))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.submit("k1", strings.ReplaceAll(orderJSON("PO-1", "on_order", 1), `{"account_number":"C-1"}`, `{"name":"Acheteur Lille"}`))
			w.must(err)
			w.drain()
			held := w.only()
			if held.State != gateway.InvoiceHeld || held.Hold != "records" {
				t.Fatalf("%s %s", held.State, held.Hold)
			}
			_, err = w.submit("k2", orderJSON("PO-1", "on_order", 1))
			w.must(err)
			w.drain()
			w.must(goOn(w, held.ID))
			w.drain()
			if len(w.peer.messages) != 1 {
				t.Errorf("%d messages for one order", len(w.peer.messages))
			}
			for _, inv := range w.invoices() {
				if inv.ID == held.ID && inv.State != gateway.InvoiceHeld {
					t.Errorf("the double is %s", inv.State)
				}
			}
		})
	}
}

// The other way round: once a person has said whose the first order is and it
// is invoiced, the second one is refused.
func TestACorrectedOrderIsKnownToBeTheCustomers(t *testing.T) {
	w := newWorld(t)
	_, err := w.submit("k1", strings.ReplaceAll(orderJSON("PO-1", "on_order", 1), `{"account_number":"C-1"}`, `{"name":"Acheteur Lille"}`))
	w.must(err)
	w.drain()
	_, err = w.desk.Correct(w.Context(), tenant, w.only().ID, gateway.System, []byte(`{"buyer":{"vat_identifier":"FR75000234567"}}`))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || inv.Customer != "buyer" {
		t.Fatalf("%s %s %s", inv.State, inv.Customer, inv.HoldDetail)
	}
	_, err = w.submit("k2", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	if n := len(w.peer.messages); n != 1 || len(w.invoices()) != 1 {
		t.Errorf("%d messages, %d invoices for one order", n, len(w.invoices()))
	}
}
