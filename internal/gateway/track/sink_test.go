package track_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/sealing"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/transport/sink"
)

// The sink's receivers answer what their id says, once, when the sink took the
// invoice.
func TestSinkAnswersOnce(t *testing.T) {
	for receiver, want := range map[string]gateway.EventType{
		"accepts": gateway.EventAnswerApproved, "slow": gateway.EventAnswerApproved, "0088:other": gateway.EventAnswerApproved,
		"disputes": gateway.EventAnswerDisputed, "refuses": gateway.EventAnswerRefused, "unknown": "", "bounces": "",
	} {
		w := newWorld(t)
		answers := &track.SinkAnswers{Clock: w.Clock, IDs: w.IDs}
		key, err := evidence.NewSigner("x", ed25519.NewKeyFromSeed(make([]byte, 32)))
		w.Must(err)
		sealer := &sealing.Sealer{Store: w.Store, Clock: w.Clock, Signer: key, Random: rand.Reader, Fanout: answers.Fanout}
		w.sent("inv_1", func(_ *gateway.Invoice, d *gateway.Delivery, _ *gateway.PortalLink) {
			d.Route = gateway.Route{Channel: sink.Channel, Address: sink.Address(receiver), Receiver: receiver}
		})
		accept := func(delivery string) {
			w.Write(func(tx gateway.Tx) error {
				inv, err := tx.Invoice(t.Context(), "inv_1")
				if err != nil {
					return err
				}
				return gateway.Append(t.Context(), tx, &inv, gateway.Event{
					ID: w.IDs.New(gateway.PrefixEvent), Type: gateway.EventDeliveryAccepted, At: w.Clock.Now(), RecordedAt: w.Clock.Now(), Actor: gateway.System,
					InvoiceID: "inv_1", DeliveryID: delivery,
				})
			})
		}
		for range 3 { // told of more than once
			accept("del_00inv_1")
			w.Must(sealer.Sweep(t.Context()))
		}
		w.Must(sealer.Sweep(t.Context()))
		if want == "" {
			if got := w.Events(of("inv_1")); len(got) != 3 {
				t.Errorf("%s: %v", receiver, got)
			}
			continue
		}
		e := w.Only(of("inv_1"), want)
		if e.Actor.ID != receiver || e.Grade != gateway.GradeNone || string(e.Data) != `{"test_mode":true}` || e.Seq == 0 {
			t.Errorf("%s: %+v", receiver, e)
		}
	}
}

// Nothing but the sink answers by itself.
func TestOthersDoNotAnswerByThemselves(t *testing.T) {
	w := newWorld(t)
	w.sent("inv_1", func(_ *gateway.Invoice, d *gateway.Delivery, _ *gateway.PortalLink) {
		d.Route = gateway.Route{Channel: "https.ap", Address: "sink:accepts"}
	})
	answers := &track.SinkAnswers{Clock: w.Clock, IDs: w.IDs}
	w.Write(func(tx gateway.Tx) error {
		return answers.Fanout(context.WithoutCancel(t.Context()), tx, tenant, []gateway.Event{
			{ID: "evt_1", Type: gateway.EventDeliveryAccepted, DeliveryID: "del_00inv_1"},
			{ID: "evt_2", Type: gateway.EventDeliveryAccepted},
			{ID: "evt_3", Type: gateway.EventDeliveryReceipt, DeliveryID: "del_00inv_1"},
		})
	})
	if got := w.Events(of("inv_1")); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
