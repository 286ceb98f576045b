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
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
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
		return r, gateway.ErrInvalid.With("a record id is 1 to 100 letters, digits and . _ @ + -", nil)
	}
	if len(r.Body) > maxBody {
		return r, gateway.ErrInvalid.With(fmt.Sprintf("a record is at most %d bytes", maxBody), nil)
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
		if err := tx.PutRecord(ctx, &out); err != nil {
			return err
		}
		return gateway.Append(ctx, tx, nil, gateway.Event{
			ID: b.IDs.New(gateway.PrefixEvent), Type: gateway.EventRecordChanged, At: now, RecordedAt: now, Actor: actor,
			Data: json.RawMessage(fmt.Sprintf(`{"kind":%q,"id":%q,"version":%d}`, out.Kind, out.ID, out.Version)),
		})
	})
	return out, err
}

// canonical checks a body against its kind and gives it back with its keys.
func (b *Book) canonical(ctx context.Context, kind gateway.RecordKind, id string, body json.RawMessage) (json.RawMessage, []string, error) {
	switch kind {
	case gateway.RecordLegalEntity:
		var v billing.LegalEntity
		if err := decode(body, &v); err != nil {
			return nil, nil, err
		}
		for _, pattern := range []string{v.InvoiceNumbers, v.CreditNoteNumbers} {
			if pattern == "" {
				continue
			}
			if _, err := gateway.ParseNumberPattern(pattern); err != nil {
				return nil, nil, err
			}
		}
		return encode(v, EntityKeys(v), v.Name)
	case gateway.RecordCustomer:
		var v billing.Customer
		if err := decode(body, &v); err != nil {
			return nil, nil, err
		}
		return encode(v, CustomerKeys(v), v.Name)
	case gateway.RecordItem:
		var v billing.Item
		if err := decode(body, &v); err != nil {
			return nil, nil, err
		}
		return encode(v, ItemKeys(v), v.Name)
	case gateway.RecordProfile:
		if b.CheckProfile != nil {
			if err := b.CheckProfile(ctx, id, body); err != nil {
				return nil, nil, err
			}
		}
		return body, nil, nil
	case gateway.RecordPeer:
		var v Peer
		if err := decode(body, &v); err != nil {
			return nil, nil, err
		}
		if _, err := v.key(); err != nil {
			return nil, nil, err
		}
		return encode(v, v.keys(), v.Name)
	}
	return nil, nil, gateway.ErrInvalid.With("there are no records of kind "+string(kind), nil)
}

// decode reads one JSON value strictly.
func decode(body json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after the record")
		}
	}
	if err != nil {
		e := gateway.ErrInvalid.With("the record cannot be read: "+plain(err), err)
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			e.Fields = []gateway.FieldProblem{{Path: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Code: "type", Message: "this cannot be a " + wrong.Value}}
		}
		return e
	}
	return nil
}

// plain gives a decoder's message without its package's name.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }

func encode(v any, keys []string, name string) (json.RawMessage, []string, error) {
	if strings.TrimSpace(name) == "" {
		e := gateway.ErrInvalid.With("the record has no name", nil)
		e.Fields = []gateway.FieldProblem{{Path: "/name", Code: "missing", Message: "the name is missing"}}
		return nil, nil, e
	}
	body, err := json.Marshal(v)
	return body, keys, err
}

// Identity is what a document says of a party.
type Identity struct {
	VATIdentifier     string
	LegalRegistration invoice.Identifier
	ElectronicAddress invoice.Identifier
	Identifiers       []invoice.Identifier
	AccountNumber     string
	Name              string
}

// Keys gives the keys of an identity, the surest first. Letters, spaces and
// punctuation that people write differently do not count.
func Keys(p Identity) []string {
	var keys []string
	add := func(kind, scheme, value string) {
		if value = fold(value); value != "" {
			keys = append(keys, kind+":"+scheme+":"+value)
		}
	}
	add("vat", "", p.VATIdentifier)
	add("reg", p.LegalRegistration.Scheme, p.LegalRegistration.Value)
	add("addr", p.ElectronicAddress.Scheme, p.ElectronicAddress.Value)
	for _, id := range p.Identifiers {
		add("id", id.Scheme, id.Value)
	}
	add("account", "", p.AccountNumber)
	add("name", "", p.Name)
	return keys
}

// CustomerKeys gives the keys of a customer's record.
func CustomerKeys(c billing.Customer) []string {
	return Keys(Identity{
		VATIdentifier: c.VATIdentifier, LegalRegistration: c.LegalRegistration, ElectronicAddress: c.ElectronicAddress,
		Identifiers: c.Identifiers, AccountNumber: c.AccountNumber, Name: c.Name,
	})
}

// EntityKeys gives the keys of a legal entity's record.
func EntityKeys(e billing.LegalEntity) []string {
	return Keys(Identity{
		VATIdentifier: e.VATIdentifier, LegalRegistration: e.LegalRegistration, ElectronicAddress: e.ElectronicAddress,
		Identifiers: e.Identifiers, Name: e.Name,
	})
}

// ItemKeys gives the keys of an item's record.
func ItemKeys(i billing.Item) []string {
	var keys []string
	if v := fold(i.SellerID); v != "" {
		keys = append(keys, "item:"+v)
	}
	if v := fold(i.StandardID.Value); v != "" {
		keys = append(keys, "std:"+i.StandardID.Scheme+":"+v)
	}
	return keys
}

// fold leaves what counts in an identifier or name: letters and digits, in
// upper case.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n\u00a0\u202f.-/,'’", r) {
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

// Find gives the record that an identity names. The surest key that any record
// has decides; found tells how many records share it, and only one is a match.
func Find(ctx context.Context, r gateway.Reader, kind gateway.RecordKind, keys []string, at time.Time) (gateway.Record, int, error) {
	for _, key := range keys {
		list, err := r.RecordsByKey(ctx, kind, key)
		if err != nil {
			return gateway.Record{}, 0, err
		}
		if len(list) == 0 {
			continue
		}
		if len(list) > 1 {
			return gateway.Record{}, len(list), nil
		}
		rec, err := r.RecordAt(ctx, kind, list[0].ID, at)
		if errors.Is(err, gateway.ErrNotFound) { // it counts only from a later day
			continue
		}
		return rec, 1, err
	}
	return gateway.Record{}, 0, nil
}

// Typed reads a record's body.
func Typed[T any](r gateway.Record) (billing.Record[T], error) {
	out := billing.Record[T]{ID: r.ID, Version: r.Version}
	if err := json.Unmarshal(r.Body, &out.Value); err != nil {
		return out, fmt.Errorf("%s %s version %d: %w", r.Kind, r.ID, r.Version, err)
	}
	return out, nil
}

// AddressKey is the key of an electronic address.
func AddressKey(scheme, value string) string { return "addr:" + scheme + ":" + fold(value) }

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
