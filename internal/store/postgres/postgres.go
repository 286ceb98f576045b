// Package postgres opens a PostgreSQL database (15 or newer) for the store. It
// implements sqlstore.Database: transactions that write are serialisable and
// are run again when PostgreSQL finds them in each other's way.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"facteur.dev/facteur/internal/gateway"
)

// connections is the size of the pool where the URL does not say pool_max_conns.
const connections = 16

// DB is an open PostgreSQL database.
type DB struct {
	pool  *pgxpool.Pool
	db    *sql.DB
	gates gates
}

// Open connects to the database of a postgres:// URL.
func Open(ctx context.Context, url string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, gateway.ErrInvalid.With("the database URL is not a PostgreSQL one", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	config.MaxConns = max(config.MaxConns, 4) // the job queue listens on one and holds another while it migrates
	setDefault(config.ConnConfig.RuntimeParams, "application_name", "facteur")
	// A process that hangs in the middle of a transaction must not hold others up.
	setDefault(config.ConnConfig.RuntimeParams, "idle_in_transaction_session_timeout", "60000")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := &DB{pool: pool, db: stdlib.OpenDBFromPool(pool), gates: gates{open: map[string]*gate{}}}
	if err := db.db.PingContext(ctx); err != nil {
		return nil, errors.Join(gateway.ErrUnavailable.With("the database is not available", err), db.Close())
	}
	return db, nil
}

func setDefault(params map[string]string, name, value string) {
	if _, ok := params[name]; !ok {
		params[name] = value
	}
}

// Pool gives the connections, for the job queue beside the store.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// migrationLock is the key of the advisory lock held while migrating.
const migrationLock = 0x6661637465757201 // "facteur", 1

// Migrate implements sqlstore.Database.
func (d *DB) Migrate(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return d.once(ctx, sql.TxOptions{}, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// translation gives SQLite's types their names here. Text compares by bytes,
// as it does in SQLite, whatever the locale of the database.
var translation = strings.NewReplacer(" TEXT ", ` TEXT COLLATE "C" `, " TEXT,", ` TEXT COLLATE "C",`, " INTEGER", " BIGINT", " BLOB", " BYTEA", ") STRICT;", ");")

// Translate implements sqlstore.Database.
func (d *DB) Translate(schema string) string { return translation.Replace(schema) }

// Bind implements sqlstore.Database: "?" becomes $1, $2 … No query of the store
// has a "?" in a literal.
func (d *DB) Bind(query string) string {
	var b strings.Builder
	b.Grow(len(query) + 16)
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// Classes of errors, by SQLSTATE.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
)

// class gives the SQLSTATE of an error, "" when it has none.
func class(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// Explain implements sqlstore.Database.
func (d *DB) Explain(err error) error {
	var known *gateway.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	code := class(err)
	switch {
	case code == uniqueViolation:
		return gateway.ErrConflict.With("there is a record with this identifier", err)
	case code == foreignKeyViolation:
		return gateway.ErrNotFound.With("the record that this one belongs to does not exist", err)
	case code == serializationFailure, code == deadlockDetected:
		return gateway.ErrUnavailable.With("the database is busy", err)
	// Connection exception, insufficient resources, operator intervention, system error.
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"), strings.HasPrefix(code, "58"):
		return gateway.ErrUnavailable.With("the database is not available", err)
	case code == "" && (pgconn.SafeToRetry(err) || isNetwork(err)):
		return gateway.ErrUnavailable.With("the connection to the database was lost", err)
	}
	return err
}

func isNetwork(err error) bool {
	var failure net.Error
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return errors.As(err, &failure) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone)
}

// Close closes the connections.
func (d *DB) Close() error {
	err := d.db.Close()
	d.pool.Close()
	return err
}
