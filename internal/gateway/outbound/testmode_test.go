package outbound_test

import (
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/sink"
)

// A tenant in test mode reaches no real address: not even with the answer to a
// document that a real peer sent it.
func TestAnswerInTestModeEndsInTheSink(t *testing.T) {
	w := newWorld(t)
	const trial gateway.TenantID = "trial"
	now := w.clock.Now()
	w.must(w.store.System().CreateTenant(t.Context(), gateway.Tenant{ID: trial, Name: "Trial", Mode: gateway.ModeTest, TimeZone: "UTC", CreatedAt: now}))
	sending(w).Sender = func(_ gateway.TenantID, channel string) transport.Sender {
		if channel == sink.Channel {
			return sink.Sender{Now: w.clock.Now}
		}
		return w.peer
	}
	sha, err := w.blobs.Put(t.Context(), trial, []byte("<ApplicationResponse/>"))
	w.must(err)
	w.must(w.store.For(trial).Write(t.Context(), func(tx gateway.Tx) error {
		in := gateway.Inbound{ID: "inb_1", MessageID: "m1", Sender: "0225:1", State: gateway.InboundAvailable, CreatedAt: now, UpdatedAt: now}
		if err := tx.InsertInbound(t.Context(), &in); err != nil {
			return err
		}
		if err := tx.InsertDocument(t.Context(), gateway.Document{SHA256: sha, InboundID: in.ID, Role: "answer", MediaType: "application/xml", CreatedAt: now}); err != nil {
			return err
		}
		d := gateway.Delivery{
			ID: "del_1", InboundID: in.ID, Purpose: "answer", DocumentSHA256: sha, MessageID: "msg_1", State: gateway.DeliveryQueued, CreatedAt: now, UpdatedAt: now,
			Route: gateway.Route{Channel: transport.ChannelGateway, Address: "https://real.example/in", Sender: "0225:2", Receiver: "0225:1"},
		}
		if err := tx.InsertDelivery(t.Context(), &d); err != nil {
			return err
		}
		return tx.AddTask(t.Context(), gateway.Task{ID: "tsk_1", Tenant: trial, Kind: gateway.TaskSendDelivery, Ref: d.ID, DueAt: now, CreatedAt: now})
	}))
	w.drain()
	if len(w.peer.messages) != 0 {
		t.Error("a real peer was reached")
	}
	w.must(w.store.For(trial).Read(t.Context(), func(r gateway.Reader) error {
		d, err := r.Delivery(t.Context(), "del_1")
		if d.State != gateway.DeliveryAccepted {
			t.Errorf("%s %s %s", d.State, d.Code, d.Detail)
		}
		return err
	}))
}
