// Package records keeps what orders are completed from: legal entities,
// customers, items and billing profiles. Every change is a new version with who
// made it and from when it counts; none is ever lost.
//
// Documents name a party by what they know of it: a VAT number, a register
// number, an electronic address, a customer number. [Keys] turns those into the
// keys a record is found by, and [Parties] finds the records of an order or
// invoice, never by a guess: no match or more than one is a missing field.
package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
)

// Book reads and writes the records of tenants.
type Book struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
	// CheckProfile refuses a billing profile that is wrong or whose own examples
	// do not come out as they should.
	CheckProfile func(ctx context.Context, id string, body json.RawMessage) error
}

// maxBody bounds one record.
const maxBody = 1 << 20

// validID tells whether id is 1 to 100 letters, digits and . _ @ + -, the first a
// letter or digit.
func validID(id string) bool {
	if n := utf8.RuneCountInString(id); n < 1 || n > 100 || !utf8.ValidString(id) {
		return false
	}
	for i, r := range id {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && (i == 0 || !strings.ContainsRune("._@+-", r)) {
			return false
		}
	}
	return true
}

// Put writes the next version of a record. ifVersion, when not negative, must be
// the version that stands now (0: none), or the answer is gateway.ErrConflict.
func (b *Book) Put(ctx context.Context, tenant gateway.TenantID, actor gateway.Actor, r gateway.Record, ifVersion int64) (gateway.Record, error) {
	if !validID(r.ID) {
		return r, gateway.ErrInvalid.With("a record id is 1 to 100 letters, digits and . _ @ + -, the first a letter or digit", nil)
	}
	if len(r.Body) > maxBody {
		return r, invalid("", invoice.CodeJSONTooLarge, fmt.Sprintf("a record is at most %d bytes", maxBody), nil)
	}
	body, keys, err := b.canonical(ctx, r.Kind, r.ID, r.Body)
	if err != nil {
		return r, err
	}
	now := b.Clock.Now()
	if r.ValidFrom.IsZero() {
		r.ValidFrom = now
	}
	r.Body, r.Keys, r.CreatedAt, r.CreatedBy, r.Deleted = body, keys, now, actor, false
	out := r
	err = b.Store.For(tenant).Write(ctx, func(tx gateway.Tx) error {
		out = r
		current, err := tx.Record(ctx, r.Kind, r.ID, 0)
		if err != nil && !errors.Is(err, gateway.ErrNotFound) {
			return err
		}
		if ifVersion >= 0 && current.Version != ifVersion {
			return gateway.ErrConflict.With(fmt.Sprintf("the record is at version %d", current.Version), nil).For(r.ID)
		}
		if r.Kind == gateway.RecordPeer {
			if err := alone(ctx, tx, r); err != nil {
				return err
			}
		}
		if err := tx.PutRecord(ctx, &out); err != nil {
			return err
		}
		data, err := json.Marshal(map[string]any{"kind": out.Kind, "id": out.ID, "version": out.Version})
		if err != nil {
			return err
		}
		return gateway.Append(ctx, tx, nil, gateway.Event{
			ID: b.IDs.New(gateway.PrefixEvent), Type: gateway.EventRecordChanged, At: now, RecordedAt: now, Actor: actor,
			Data: data,
		})
	})
	return out, err
}

// Typed reads a record's body.
func Typed[T any](r gateway.Record) (billing.Record[T], error) {
	out := billing.Record[T]{ID: r.ID, Version: r.Version}
	if err := json.Unmarshal(r.Body, &out.Value); err != nil {
		return out, fmt.Errorf("%s %s version %d: %w", r.Kind, r.ID, r.Version, err)
	}
	return out, nil
}

// Participant writes an electronic address as a Peppol participant identifier;
// "" for none.
func Participant(address invoice.Identifier) string {
	switch {
	case address.Value == "":
		return ""
	case address.Scheme == "":
		return address.Value
	}
	return "iso6523-actorid-upis::" + address.Scheme + ":" + address.Value
}
