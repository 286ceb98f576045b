package outbound_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
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

// A finished invoice that comes again under another key is known by seller and
// number, however the second one spells or names the seller.
func TestFinishedInvoiceIsSentOnceHoweverItNamesItsSeller(t *testing.T) {
	w := newWorld(t)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	var made invoice.Invoice
	w.must(json.Unmarshal(w.only().Model, &made))
	finished := func(key string, change func(*invoice.Invoice)) error {
		inv := made.Clone()
		inv.Number = "ERP-7"
		change(inv)
		source, err := json.Marshal(inv)
		w.must(err)
		_, err = w.intake.SubmitInvoice(t.Context(), tenant, outbound.Submission{Key: key, Actor: gateway.System, Source: source, SourceType: "application/json"}, "", inv)
		return err
	}
	w.must(finished("a", func(*invoice.Invoice) {}))
	if err := finished("b", func(inv *invoice.Invoice) { inv.Seller.VATIdentifier = "FR 40 000 123 456" }); !errors.Is(err, gateway.ErrDuplicate) {
		t.Errorf("another spelling: %v", err)
	}
	w.drain()
	// Found by its address only: that it is the same seller shows with the record.
	w.must(finished("c", func(inv *invoice.Invoice) { inv.Seller.VATIdentifier = "" }))
	w.drain()
	if n := len(w.peer.messages); n != 2 {
		t.Errorf("%d messages for two invoices", n)
	}
	if last := w.invoices()[0]; last.State != gateway.InvoiceHeld || last.Hold != "number" {
		t.Errorf("%s %s", last.State, last.Hold)
	}
}
