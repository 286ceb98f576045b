package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"facteur.dev/facteur/internal/gateway"
)

// session is one run of a transaction's function. It implements gateway.Tx for
// its tenant.
type session struct {
	db Database
	// ctx is the context that the database wants for statements; the caller's is
	// looked at before each.
	ctx    context.Context
	tx     *sql.Tx
	tenant gateway.TenantID
	// failed is the first statement's failure; the transaction is lost then.
	failed error
	// added are the tasks that need a wake-up in this transaction; changed
	// those, and the ones given back, that workers here should know of once it is
	// committed.
	added, changed []gateway.Wakeup
}

var _ gateway.Tx = (*session)(nil)

// finish turns what the function returned into the transaction's outcome.
func (s *session) finish(err error) error {
	switch {
	case s.failed == nil, errors.Is(err, s.failed):
		return err
	case err == nil:
		return s.failed
	}
	return fmt.Errorf("%w (after: %w)", err, s.failed)
}

// exec runs a statement and gives the number of rows it touched.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := s.usable(ctx, args); err != nil {
		return 0, err
	}
	result, err := s.tx.ExecContext(s.ctx, s.db.Bind(query), args...)
	if err != nil {
		return 0, s.fail(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, s.fail(err)
	}
	return n, nil
}

// errEnough ends a query whose other rows nobody wants.
var errEnough = errors.New("sqlstore: enough")

// query runs a statement and calls row for each row of its answer.
func (s *session) query(ctx context.Context, row func(rows *sql.Rows) error, query string, args ...any) (err error) {
	if err := s.usable(ctx, args); err != nil {
		return err
	}
	rows, err := s.tx.QueryContext(s.ctx, s.db.Bind(query), args...)
	if err != nil {
		return s.fail(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = s.fail(e)
		}
	}()
	for rows.Next() {
		if err := row(rows); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return s.fail(err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.fail(err)
	}
	return nil
}

// get reads one row into dest, or gives ErrNotFound.
func (s *session) get(ctx context.Context, dest []any, query string, args ...any) error {
	found := false
	err := s.query(ctx, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	}, query, args...)
	if err == nil && !found {
		return gateway.ErrNotFound
	}
	return err
}

// usable tells whether a statement may run with these arguments.
func (s *session) usable(ctx context.Context, args []any) error {
	if s.failed != nil {
		return s.failed
	}
	if err := checkText(args); err != nil {
		return err
	}
	return ctx.Err()
}

// fail makes the transaction roll back because of err, unless err is nil. It
// is for what the database refused, and for what was written by half.
func (s *session) fail(err error) error {
	if err != nil && s.failed == nil {
		s.failed = fmt.Errorf("sqlstore: %w", err)
	}
	return s.failed
}
