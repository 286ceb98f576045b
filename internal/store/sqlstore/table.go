package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"facteur.dev/facteur/internal/gateway"
)

// field is one column of a record, or an expression over its row.
type field struct {
	name  string
	value value
}

func (f field) isRead() bool    { _, ok := f.value.(derived); return !ok }
func (f field) isWritten() bool { _, ok := f.value.(readOnly); return !ok }

// table maps the record T to the columns of a table. One list of fields serves
// to insert, update and read. The column tenant comes first in each and is not
// in the list: it is always the session's.
type table[T any] struct {
	name   string
	fields func(*T) []field
	tenant func(*T) *gateway.TenantID // nil when T does not name its tenant

	insertSQL, upsertSQL, selectSQL, updateSQL string
	versioned                                  bool
	// updated tells which fields an update writes.
	updated []bool
}

// unchanging are the columns that an update leaves alone.
var unchanging = []string{"id", "created_at", "version"}

// newTable works out the statements. key are the columns that, with the tenant,
// name a row for upserts.
func newTable[T any](name string, fields func(*T) []field, tenant func(*T) *gateway.TenantID, key ...string) *table[T] {
	t := &table[T]{name: name, fields: fields, tenant: tenant}
	all, read := []string{"tenant"}, []string{"tenant"}
	var set, excluded []string
	for _, f := range fields(new(T)) {
		if f.isRead() {
			read = append(read, f.name)
		}
		if !f.isWritten() {
			t.updated = append(t.updated, false)
			continue
		}
		all = append(all, f.name)
		if !slices.Contains(key, f.name) {
			excluded = append(excluded, f.name+" = excluded."+f.name)
		}
		change := !slices.Contains(unchanging, f.name)
		t.updated = append(t.updated, change)
		if change {
			set = append(set, f.name+" = ?")
		}
		t.versioned = t.versioned || f.name == "version"
	}
	t.insertSQL = "INSERT INTO " + name + " (" + strings.Join(all, ", ") + ") VALUES (" + marks(len(all)) + ")"
	t.upsertSQL = t.insertSQL + " ON CONFLICT (tenant, " + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(excluded, ", ")
	t.selectSQL = "SELECT " + strings.Join(read, ", ") + " FROM " + name + " "
	t.updateSQL = "UPDATE " + name + " SET " + strings.Join(set, ", ")
	if t.versioned {
		t.updateSQL += ", version = version + 1 WHERE tenant = ? AND id = ? AND version = ?"
	} else {
		t.updateSQL += " WHERE tenant = ? AND id = ?"
	}
	return t
}

// marks gives n parameters: "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// args gives the values of an insert.
func (t *table[T]) args(tenant gateway.TenantID, record *T) ([]any, error) {
	if t.tenant != nil {
		*t.tenant(record) = tenant
	}
	args := []any{string(tenant)}
	for _, f := range t.fields(record) {
		if !f.isWritten() {
			continue
		}
		a, err := f.value.arg()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	return args, nil
}

// insert writes a new row. With a clause such as "ON CONFLICT … DO NOTHING" it
// tells whether the row was written.
func (t *table[T]) insert(ctx context.Context, s *session, record *T, clause string) (bool, error) {
	args, err := t.args(s.tenant, record)
	if err != nil {
		return false, err
	}
	n, err := s.exec(ctx, t.insertSQL+clause, args...)
	return n == 1, err
}

// upsert writes a row or replaces the one with its key.
func (t *table[T]) upsert(ctx context.Context, s *session, record *T) error {
	args, err := t.args(s.tenant, record)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, t.upsertSQL, args...)
	return err
}

// update writes the row of an id. A versioned one must be at the version given:
// ErrConflict when it is not, ErrNotFound when there is none.
func (t *table[T]) update(ctx context.Context, s *session, record *T, id string, version *int64) error {
	var args []any
	for i, f := range t.fields(record) {
		if !t.updated[i] {
			continue
		}
		a, err := f.value.arg()
		if err != nil {
			return err
		}
		args = append(args, a)
	}
	args = append(args, string(s.tenant), id)
	if t.versioned {
		args = append(args, *version)
	}
	n, err := s.exec(ctx, t.updateSQL, args...)
	if err != nil {
		return err
	}
	if n == 1 {
		if t.versioned {
			*version++
		}
		return nil
	}
	var one int64
	if err := s.get(ctx, []any{&one}, "SELECT 1 FROM "+t.name+" WHERE tenant = ? AND id = ?", string(s.tenant), id); err != nil {
		return err
	}
	return gateway.ErrConflict.For(id)
}

// all reads the rows that the rest of a query ("WHERE … ORDER BY …") selects.
func (t *table[T]) all(ctx context.Context, s *session, rest string, args ...any) ([]T, error) {
	var records []T
	err := s.query(ctx, func(rows *sql.Rows) error {
		var record T
		if err := rows.Scan(t.dest(&record)...); err != nil {
			return err
		}
		records = append(records, record)
		return nil
	}, t.selectSQL+rest, args...)
	return records, err
}

// page reads rows like all, but at most size of them and about maxPage bytes,
// and one at least. more tells that there are others.
func (t *table[T]) page(ctx context.Context, s *session, size int, rest string, args ...any) (records []T, more bool, err error) {
	read := 0
	err = s.query(ctx, func(rows *sql.Rows) error {
		if len(records) == size || read > maxPage {
			more = true
			return errEnough
		}
		var record T
		dest := t.dest(&record)
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for _, d := range dest {
			if r, ok := d.(raw); ok {
				read += len(*r.p)
			}
		}
		records = append(records, record)
		return nil
	}, t.selectSQL+rest+" LIMIT ?", append(args, int64(size+1))...)
	return records, more, err
}

// one reads the first row that the rest of a query selects, or ErrNotFound.
func (t *table[T]) one(ctx context.Context, s *session, rest string, args ...any) (T, error) {
	var record T
	records, err := t.all(ctx, s, rest+" LIMIT 1", args...)
	if err != nil {
		return record, err
	}
	if len(records) == 0 {
		return record, gateway.ErrNotFound
	}
	return records[0], nil
}

// byID reads one row of the session's tenant.
func (t *table[T]) byID(ctx context.Context, s *session, id string) (T, error) {
	return t.one(ctx, s, "WHERE tenant = ? AND id = ?", string(s.tenant), id)
}

// dest gives where a row's columns go.
func (t *table[T]) dest(record *T) []any {
	var tenant gateway.TenantID
	p := &tenant
	if t.tenant != nil {
		p = t.tenant(record)
	}
	dest := []any{str(p)}
	for _, f := range t.fields(record) {
		if f.isRead() {
			dest = append(dest, f.value)
		}
	}
	return dest
}
