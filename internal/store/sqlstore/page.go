package sqlstore

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// filter collects the conditions of a list.
type filter struct {
	conditions []string
	args       []any
}

// of begins a filter with the session's tenant.
func of(s *session) *filter {
	return &filter{conditions: []string{"tenant = ?"}, args: []any{string(s.tenant)}}
}

// and adds a condition.
func (f *filter) and(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
}

// equal adds "column = v" unless v is empty.
func (f *filter) equal(column, v string) {
	if v != "" {
		f.and(column+" = ?", v)
	}
}

// in adds "column IN (…)" unless there are no values.
func in[T ~string](f *filter, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	f.and(column+" IN ("+marks(len(args))+")", args...)
}

func (f *filter) where() string { return "WHERE " + strings.Join(f.conditions, " AND ") }

// newestFirst reads one page of a list, the newest first. at and id name the
// place of a record in it; a record that comes later never moves another one.
func newestFirst[T any](ctx context.Context, s *session, t *table[T], f *filter, p gateway.Page, at func(*T) (time.Time, string)) (gateway.List[T], error) {
	if p.After != "" {
		created, id, err := readCursor(p.After)
		if err != nil {
			return gateway.List[T]{}, err
		}
		f.and("(created_at, id) < (?, ?)", created, id)
	}
	items, more, err := t.page(ctx, s, p.Size(), f.where()+" ORDER BY created_at DESC, id DESC", f.args...)
	if err != nil {
		return gateway.List[T]{}, err
	}
	return listOf(items, more, func(last *T) string {
		created, id := at(last)
		return cursor(created, id)
	}), nil
}

// maxPage is how many bytes of large columns a page holds, but for its last
// record: documents with files inside would fill the memory by the hundred.
const maxPage = 8 << 20

// listOf makes a page of items.
func listOf[T any](items []T, more bool, cursor func(last *T) string) gateway.List[T] {
	list := gateway.List[T]{Items: append([]T{}, items...)} // "items": [], not null
	if more {
		list.Next = cursor(&items[len(items)-1])
	}
	return list
}

// cursor names a place in a list. Callers see it as opaque.
func cursor(created time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(micros(created), 10) + " " + id))
}

func readCursor(s string) (created int64, id string, err error) {
	if b, e := base64.RawURLEncoding.DecodeString(s); e == nil {
		at, rest, found := strings.Cut(string(b), " ")
		if n, e := strconv.ParseInt(at, 10, 64); e == nil && found {
			return n, rest, nil
		}
	}
	return 0, "", gateway.ErrInvalid.With("the cursor is not one that a list gave", nil)
}
