package gateway

import (
	"context"
	"encoding/json"
	"maps"

	"facteur.dev/facteur/internal/gateway/evidence"
)

// personActor names the personal field that holds the name of who acted.
const personActor = "actor"

// Append writes e and, when it was not told before, takes it into the status
// of inv, which is nil or zero for an event without an invoice. The invoice is
// written when its status changed.
//
// The name of a person who acted becomes a personal field, so that it can be
// erased. An event that the audit log could not take is refused here, because it
// would stop the log.
func Append(ctx context.Context, tx Tx, inv *Invoice, e Event) error {
	if e.Actor.Kind == "user" && e.Actor.Name != "" {
		personal := map[string]string{personActor: e.Actor.Name}
		maps.Copy(personal, e.Personal)
		e.Personal, e.Actor.Name = personal, ""
	}
	entry, err := Entry(e)
	if err != nil {
		return err
	}
	if err := entry.Check(); err != nil {
		return err
	}
	written, err := tx.AppendEvent(ctx, e)
	if err != nil || !written {
		return err
	}
	if inv == nil || inv.ID == "" {
		return nil
	}
	next := inv.Status.Apply(e)
	if next.equal(inv.Status) {
		return nil
	}
	inv.Status, inv.UpdatedAt = next, e.RecordedAt
	return tx.UpdateInvoice(ctx, inv)
}

// Entry gives an event as the audit log takes it: the personal fields apart.
func Entry(e Event) (evidence.Entry, error) {
	seq, personal := e.Seq, e.Personal
	e.Personal, e.Seq = nil, 0
	e.At, e.RecordedAt = e.At.UTC(), e.RecordedAt.UTC()
	event, err := json.Marshal(e)
	return evidence.Entry{Seq: seq, EventID: e.ID, Event: event, Personal: personal}, err
}

// ActorName is the name of who acted, as far as it is known and not erased.
func (e Event) ActorName() string {
	if name := e.Personal[personActor]; name != "" {
		return name
	}
	return e.Actor.Name
}
