package outbound_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/transport"
)

// mailPeer is a channel whose reports come to an address with a token.
type mailPeer struct{ *peer }

func (mailPeer) Token(messageID string) string { return "token-of-" + messageID }

func (mailPeer) HardBounce(r transport.Receipt) bool { return r.Code == "smtp.rcpt_550" }

type letters struct{}

func (letters) Letter(context.Context, gateway.Tenant, gateway.Invoice, gateway.Delivery) (*transport.Mail, error) {
	return &transport.Mail{Subject: "s", Text: "t"}, nil
}

func sending(w *world) *outbound.Sending {
	return w.handlers[gateway.TaskSendDelivery].(*outbound.Sending)
}

// mailWorld is a world whose customer gets mail first, then by a gateway.
func mailWorld(t *testing.T) *world {
	w := newWorld(t)
	w.peer.idempotent = false
	sending(w).Letters = letters{}
	sending(w).Sender = func(gateway.TenantID, string) transport.Sender { return mailPeer{w.peer} }
	w.put(gateway.RecordCustomer, "buyer", `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
		"address":{"city":"Lille","country":"FR"},"routes":[{"channel":"mail","address":"ap@buyer.example"},{"channel":"https.gateway","address":"https://b.example/in"}]}`)
	return w
}

// A server that asks to come back later, as greylisting does, gets the same
// letter to the same bounce address again.
func TestMailIsTriedAgainAfterGreylisting(t *testing.T) {
	w := mailWorld(t)
	w.peer.answers = []transport.Receipt{
		{Outcome: transport.Temporary, Code: "smtp.rcpt_451"},
		{Outcome: transport.Accepted, Kind: transport.KindSMTP},
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	w.clock.advance(10 * time.Second)
	w.drain()
	d := w.deliveries(w.only().ID)
	if len(d) != 1 || d[0].State != gateway.DeliveryAccepted || d[0].Attempts != 2 {
		t.Fatalf("%d deliveries, %s after %d attempts", len(d), d[0].State, d[0].Attempts)
	}
	token, err := w.store.System().MailToken(t.Context(), "token-of-"+d[0].MessageID)
	if err != nil || token.DeliveryID != d[0].ID {
		t.Errorf("%+v %v", token, err)
	}
}

// A mailbox that its server says does not exist gets no second letter.
func TestRefusedMailboxIsStopped(t *testing.T) {
	w := mailWorld(t)
	w.peer.answers = []transport.Receipt{
		{Outcome: transport.Rejected, Code: "smtp.rcpt_550", Detail: "no such user"},
		{Outcome: transport.Accepted, Kind: transport.KindSignedReceipt},
	}
	for _, number := range []string{"PO-1", "PO-2"} {
		_, err := w.submit(number, orderJSON(number, "on_order", 1))
		w.must(err)
		w.drain()
	}
	var channels []string
	for _, inv := range w.invoices() { // the newest first
		for _, d := range w.deliveries(inv.ID) {
			channels = append(channels, d.Route.Channel)
		}
	}
	if diff := cmp.Diff([]string{"https.gateway", "mail", "https.gateway"}, channels); diff != "" {
		t.Error(diff)
	}
}

// Addresses with letters beyond ASCII keep no letter from being sent.
func TestMailBetweenAddressesBeyondASCII(t *testing.T) {
	w := mailWorld(t)
	w.peer.answers = []transport.Receipt{{Outcome: transport.Accepted, Kind: transport.KindSMTP}}
	w.put(gateway.RecordLegalEntity, "seller", `{"name":"Société d'Été","vat_identifier":"FR40000123456","electronic_address":{"value":"été@vendeur.example","scheme":"EM"},
		"address":{"city":"Paris","country":"FR"},"terms":{"net_days":30}}`)
	w.put(gateway.RecordCustomer, "buyer", `{"name":"Acheteur","account_number":"C-1","electronic_address":{"value":"josé@buyer.example","scheme":"EM"},
		"address":{"city":"Lille","country":"FR"},"routes":[{"channel":"mail","address":"josé@buyer.example"}]}`)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	inv := w.only()
	if d := w.deliveries(inv.ID); len(d) != 1 || d[0].State != gateway.DeliveryAccepted {
		t.Errorf("%s %s %+v", inv.State, inv.HoldDetail, d)
	}
}
