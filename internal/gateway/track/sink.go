package track

import (
	"context"
	"encoding/json"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport/sink"
)

// SinkAnswers lets the receivers of the test mode answer: when an invoice was
// taken by the sink, the answer that its receiver's id fixes follows. It is a
// fan-out of sealed events, so each answer comes once.
type SinkAnswers struct {
	Clock gateway.Clock
	IDs   gateway.IDs
}

var sinkEvents = map[string]gateway.EventType{
	"approved": gateway.EventAnswerApproved,
	"disputed": gateway.EventAnswerDisputed,
	"refused":  gateway.EventAnswerRefused,
}

// Fanout tells the answers to deliveries that the sink accepted.
func (s *SinkAnswers) Fanout(ctx context.Context, tx gateway.Tx, _ gateway.TenantID, events []gateway.Event) error {
	for _, e := range events {
		if e.Type != gateway.EventDeliveryAccepted || e.DeliveryID == "" {
			continue
		}
		d, err := tx.Delivery(ctx, e.DeliveryID)
		if err != nil {
			return err
		}
		kind, ok := sinkEvents[sink.Answer(d.Route.Address)]
		if d.Route.Channel != sink.Channel || !ok || d.InvoiceID == "" {
			continue
		}
		inv, err := tx.Invoice(ctx, d.InvoiceID)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := gateway.Append(ctx, tx, &inv, gateway.Event{
			ID: s.IDs.New(gateway.PrefixEvent), Type: kind, At: now, RecordedAt: now,
			Actor: gateway.Actor{Kind: "peer", ID: d.Route.Receiver, Name: "test mode"}, InvoiceID: inv.ID, OrderID: inv.OrderID,
			ExternalID: inv.ExternalID, Key: "sink/" + d.ID, Data: json.RawMessage(`{"test_mode":true}`),
		}); err != nil {
			return err
		}
	}
	return nil
}
