package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
)

// Identity is what a document says of a party.
type Identity struct {
	VATIdentifier     string
	LegalRegistration invoice.Identifier
	ElectronicAddress invoice.Identifier
	Identifiers       []invoice.Identifier
	AccountNumber     string
	Name              string
}

// Keys gives the keys of an identity, the surest first. What people write
// differently does not count: case everywhere; spaces and punctuation in VAT and
// register numbers and in names; accents in names; spaces in electronic addresses
// and other identifiers. Account numbers are the tenant's own: 1-23 is not 12-3.
func Keys(p Identity) []string {
	var keys []string
	add := func(kind, scheme, value string) {
		if value != "" {
			keys = append(keys, key(kind+":"+scheme+":", value))
		}
	}
	add("vat", "", bare(p.VATIdentifier))
	add("reg", p.LegalRegistration.Scheme, bare(p.LegalRegistration.Value))
	add("addr", p.ElectronicAddress.Scheme, packed(p.ElectronicAddress.Value))
	for _, id := range p.Identifiers {
		add("id", id.Scheme, packed(id.Value))
	}
	add("account", "", spaced(p.AccountNumber))
	add("name", "", plain(p.Name))
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

// ItemKeys gives the keys of an item's record. Punctuation counts: 10-5 is
// another article than 105.
func ItemKeys(i billing.Item) []string {
	var keys []string
	if v := spaced(i.SellerID); v != "" {
		keys = append(keys, key("item:", v))
	}
	if v := packed(i.StandardID.Value); v != "" {
		keys = append(keys, key("std:"+i.StandardID.Scheme+":", v))
	}
	return keys
}

// AddressKey is the key of an electronic address.
func AddressKey(scheme, value string) string { return key("addr:"+scheme+":", packed(value)) }

// maxKey bounds what is written out of a key; the database's index has a limit.
const maxKey = 300

func key(prefix, value string) string {
	if len(prefix)+len(value) <= maxKey {
		return prefix + value
	}
	sum := sha256.Sum256([]byte(prefix + value))
	return prefix[:min(len(prefix), 100)] + "sha256:" + hex.EncodeToString(sum[:])
}

// upper makes letters alike that differ in case or in how they are encoded.
func upper(s string) string { return strings.ToUpper(cases.Fold().String(norm.NFKC.String(s))) }

// spaced is s in upper case with single spaces.
func spaced(s string) string { return strings.Join(strings.Fields(upper(s)), " ") }

// packed is s in upper case without spaces.
func packed(s string) string { return strings.Join(strings.Fields(upper(s)), "") }

// bare is what counts in an official number: its letters and digits.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, upper(s))
}

// plain is what counts in a name: all but accents, spaces and the punctuation
// that people leave out.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune(".,-/'’‐‑–", r) {
			return -1
		}
		return r
	}, norm.NFKD.String(upper(s)))
}

// Find gives the record that an identity names, as it is in force at a moment.
// The surest key that any record has decides; where several share it, the other
// keys narrow them down. A record with another VAT or register number than the one
// named is not meant, whatever else fits. found tells how many are left: only one
// is a match.
func Find(ctx context.Context, r gateway.Reader, kind gateway.RecordKind, keys []string, at time.Time) (rec gateway.Record, found int, err error) {
	var left []gateway.Record
	for i, k := range keys {
		list, err := inForce(ctx, r, kind, k, at)
		if err != nil {
			return gateway.Record{}, 0, err
		}
		list = slices.DeleteFunc(list, func(rec gateway.Record) bool { return contradicts(rec, keys[:i]) })
		if len(left) == 0 {
			left = list
		} else if both := intersect(left, list); len(both) > 0 {
			left = both
		}
		if len(left) == 1 {
			return left[0], 1, nil
		}
	}
	return gateway.Record{}, len(left), nil
}

// contradicts tells whether a record has another official number than one of the keys.
func contradicts(rec gateway.Record, keys []string) bool {
	for _, k := range keys {
		kind := k[:strings.LastIndexByte(k, ':')+1]
		if !strings.HasPrefix(kind, "vat:") && !strings.HasPrefix(kind, "reg:") || slices.Contains(rec.Keys, k) {
			continue
		}
		if slices.ContainsFunc(rec.Keys, func(own string) bool { return strings.HasPrefix(own, kind) }) {
			return true
		}
	}
	return false
}

// inForce gives the records with a key as they are in force at a moment; one that
// counts only from a later day is left out.
func inForce(ctx context.Context, r gateway.Reader, kind gateway.RecordKind, k string, at time.Time) ([]gateway.Record, error) {
	list, err := r.RecordsByKey(ctx, kind, k)
	if err != nil {
		return nil, err
	}
	var out []gateway.Record
	for _, newest := range list {
		rec, err := r.RecordAt(ctx, kind, newest.ID, at)
		if errors.Is(err, gateway.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

func intersect(a, b []gateway.Record) []gateway.Record {
	var out []gateway.Record
	for _, rec := range a {
		if slices.ContainsFunc(b, func(other gateway.Record) bool { return other.ID == rec.ID }) {
			out = append(out, rec)
		}
	}
	return out
}
