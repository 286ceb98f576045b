package outbound_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/transport"
)

var person = gateway.Actor{Kind: "user", ID: "usr_1", Name: "Éva Lefèvre"}

const bounceToken = "aaaaaaaaaaaaaaaaaaaaaaaa"

// tokenPeer is a mail channel whose bounce address everybody knows.
type tokenPeer struct{ *peer }

func (tokenPeer) Token(string) string               { return bounceToken }
func (tokenPeer) HardBounce(transport.Receipt) bool { return false }

// unknownMail is a world in which the letter of an invoice may have arrived.
func unknownMail(t *testing.T) (*world, gateway.Invoice, *track.Reports) {
	w := mailWorld(t)
	sending(w).Sender = func(_ gateway.TenantID, channel string) transport.Sender {
		if channel == transport.ChannelMail {
			return tokenPeer{w.peer}
		}
		return w.peer
	}
	w.peer.answers = []transport.Receipt{{Outcome: transport.Unknown, Code: "smtp.end_timeout"}, {Outcome: transport.Accepted, Kind: transport.KindSignedReceipt}}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	inv := w.only()
	if d := w.deliveries(inv.ID); len(d) != 1 || d[0].State != gateway.DeliveryUnknown {
		t.Fatalf("%+v", d)
	}
	w.clock.advance(time.Minute)
	return w, inv, &track.Reports{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: gateway.NewIDs(w.clock, rand.Reader)}
}

// report is a delivery report about one address.
func report(action, status, final string) string {
	return strings.ReplaceAll(fmt.Sprintf(`From: MAILER-DAEMON@mx.example
To: <bounces+%s@facteur.example>
Subject: report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

report
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822;ap@buyer.example
Final-Recipient: rfc822;%s
Action: %s
Status: %s

--b--
`, bounceToken, final, action, status), "\n", "\r\n")
}

// A report settles a delivery whose fate was unknown, so that nobody can settle
// it once more and send the invoice a second time.
func TestReportSettlesTheUnknown(t *testing.T) {
	for action, want := range map[string]struct {
		first, invoice string
		messages       int
	}{
		"delivered": {"accepted", "sent", 1},
		"relayed":   {"accepted", "sent", 1},
		"failed":    {"failed", "sent", 2}, // by the next route
	} {
		t.Run(action, func(t *testing.T) {
			w, inv, reports := unknownMail(t)
			status := "2.1.5"
			if action == "failed" {
				status = "5.1.1"
			}
			_, err := reports.Take(t.Context(), strings.NewReader(report(action, status, "ap@buyer.example")))
			w.must(err)
			w.drain()
			d := w.deliveries(inv.ID)
			if got := w.only(); string(d[0].State) != want.first || string(got.State) != want.invoice || len(w.peer.messages) != want.messages {
				t.Errorf("%s, %s, %d messages", d[0].State, got.State, len(w.peer.messages))
			}
			if _, err := w.desk.Resolve(t.Context(), tenant, d[0].ID, person, false, "they say no"); gateway.Code(err) != "state" {
				t.Errorf("settled once more: %v", err)
			}
			w.drain()
			if len(w.peer.messages) != want.messages {
				t.Errorf("%d messages", len(w.peer.messages))
			}
		})
	}
}

// An address that stands for several people reports for each. That one of them
// did not get the letter does not prove that nobody did.
func TestFailureOfAnotherAddressStartsNoRoute(t *testing.T) {
	w, inv, reports := unknownMail(t)
	_, err := reports.Take(t.Context(), strings.NewReader(report("failed", "5.2.2", "bob@buyer.example")))
	w.must(err)
	w.drain()
	if d := w.deliveries(inv.ID); len(d) != 1 || d[0].State != gateway.DeliveryUnknown || len(w.peer.messages) != 1 {
		t.Errorf("%d deliveries, %d messages", len(d), len(w.peer.messages))
	}
}

// What the customer said itself stands against a person's word that nothing arrived.
func TestAnsweredInvoiceIsNotSentAgain(t *testing.T) {
	w, inv, _ := unknownMail(t)
	d := w.deliveries(inv.ID)[0]
	w.must(w.store.For(tenant).Write(t.Context(), func(tx gateway.Tx) error {
		row, err := tx.Invoice(t.Context(), inv.ID)
		if err != nil {
			return err
		}
		return gateway.Append(t.Context(), tx, &row, gateway.Event{
			ID: "evt_answer", Type: gateway.EventAnswerApproved, At: w.clock.Now(), RecordedAt: w.clock.Now(), InvoiceID: inv.ID,
			Actor: gateway.Actor{Kind: "peer"}, Data: []byte("{}"),
		})
	}))
	if _, err := w.desk.Resolve(t.Context(), tenant, d.ID, person, false, "nothing came"); gateway.Code(err) != "state" {
		t.Errorf("resolved: %v", err)
	}
	_, err := w.desk.Resolve(t.Context(), tenant, d.ID, person, true, "they approved it")
	w.must(err)
	w.drain()
	if got := w.only(); got.State != gateway.InvoiceSent || len(w.peer.messages) != 1 {
		t.Errorf("%s, %d messages", got.State, len(w.peer.messages))
	}
}

// A letter was under way when the gateway stopped, and the mail channel is not set
// up any more when it starts again: that proves nothing, and no other route starts.
func TestChannelThatIsGoneLeavesTheDoubt(t *testing.T) {
	w := mailWorld(t)
	w.peer.answers = []transport.Receipt{{Outcome: transport.Accepted, Kind: transport.KindSignedReceipt}}
	stopped := false
	sending(w).Probe = func(step string) {
		if step == "delivery.after_send" && !stopped {
			stopped = true
			panic("stopped")
		}
	}
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	func() {
		defer func() { _ = recover() }()
		w.drain()
	}()
	sending(w).Sender = func(_ gateway.TenantID, channel string) transport.Sender {
		if channel == transport.ChannelMail {
			return nil
		}
		return w.peer
	}
	for range 4 {
		w.clock.advance(20 * time.Minute)
		w.drain()
	}
	if d := w.deliveries(w.only().ID); !stopped || len(d) != 1 || d[0].State != gateway.DeliveryUnknown || len(w.peer.messages) != 1 {
		t.Errorf("%d deliveries, %s, %d messages", len(d), d[0].State, len(w.peer.messages))
	}
}
