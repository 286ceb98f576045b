package sqlstore

import (
	"context"
	"slices"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

var records = newTable("records", func(r *gateway.Record) []field {
	return []field{
		{"kind", str(&r.Kind)},
		{"id", str(&r.ID)},
		{"version", num(&r.Version)},
		{"valid_from", moment{&r.ValidFrom}},
		{"keys", asJSON(&r.Keys)},
		{"body", raw{&r.Body}},
		{"deleted", flag{&r.Deleted}},
		{"created_at", moment{&r.CreatedAt}},
		{"created_by", asJSON(&r.CreatedBy)},
	}
}, nil)

// newest selects the newest version of each record, deleted ones left out.
const newest = " AND deleted = 0 AND version = (SELECT MAX(version) FROM records n WHERE n.tenant = records.tenant AND n.kind = records.kind AND n.id = records.id)"

// Record implements gateway.Reader.
func (s *session) Record(ctx context.Context, kind gateway.RecordKind, id string, version int64) (gateway.Record, error) {
	if version == 0 {
		return records.one(ctx, s, "WHERE tenant = ? AND kind = ? AND id = ? ORDER BY version DESC", string(s.tenant), string(kind), id)
	}
	return records.one(ctx, s, "WHERE tenant = ? AND kind = ? AND id = ? AND version = ?", string(s.tenant), string(kind), id, version)
}

// RecordAt implements gateway.Reader.
func (s *session) RecordAt(ctx context.Context, kind gateway.RecordKind, id string, at time.Time) (gateway.Record, error) {
	r, err := records.one(ctx, s, "WHERE tenant = ? AND kind = ? AND id = ? AND valid_from <= ? ORDER BY version DESC", string(s.tenant), string(kind), id, micros(at))
	if err == nil && r.Deleted {
		return gateway.Record{}, gateway.ErrNotFound.With("the record was deleted", nil)
	}
	return r, err
}

// RecordsByKey implements gateway.Reader.
func (s *session) RecordsByKey(ctx context.Context, kind gateway.RecordKind, key string) ([]gateway.Record, error) {
	return records.all(ctx, s, "WHERE tenant = ? AND kind = ? AND id IN (SELECT id FROM record_keys WHERE tenant = ? AND kind = ? AND name = ?)"+newest+" ORDER BY id",
		string(s.tenant), string(kind), string(s.tenant), string(kind), key)
}

// Records implements gateway.Reader.
func (s *session) Records(ctx context.Context, kind gateway.RecordKind, p gateway.Page) (gateway.List[gateway.Record], error) {
	where := of(s)
	where.and("kind = ?", string(kind))
	if p.After != "" {
		_, id, err := readCursor(p.After)
		if err != nil {
			return gateway.List[gateway.Record]{}, err
		}
		where.and("id > ?", id)
	}
	items, more, err := records.page(ctx, s, p.Size(), where.where()+newest+" ORDER BY id", where.args...)
	if err != nil {
		return gateway.List[gateway.Record]{}, err
	}
	return listOf(items, more, func(last *gateway.Record) string { return cursor(time.Time{}, last.ID) }), nil
}

// PutRecord implements gateway.Tx.
func (s *session) PutRecord(ctx context.Context, r *gateway.Record) error {
	var last int64
	const query = "SELECT MAX(version) FROM records WHERE tenant = ? AND kind = ? AND id = ?"
	if err := s.get(ctx, []any{num(&last)}, query, string(s.tenant), string(r.Kind), r.ID); err != nil {
		return err
	}
	r.Version = last + 1
	if _, err := records.insert(ctx, s, r, ""); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "DELETE FROM record_keys WHERE tenant = ? AND kind = ? AND id = ?", string(s.tenant), string(r.Kind), r.ID); err != nil {
		return s.fail(err)
	}
	for _, key := range slices.Compact(slices.Sorted(slices.Values(r.Keys))) {
		if _, err := s.exec(ctx, "INSERT INTO record_keys (tenant, kind, name, id) VALUES (?, ?, ?, ?)", string(s.tenant), string(r.Kind), key, r.ID); err != nil {
			return s.fail(err)
		}
	}
	return nil
}
