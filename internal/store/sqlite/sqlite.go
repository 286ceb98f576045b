// Package sqlite opens the embedded database: SQLite in WAL mode with
// synchronous=FULL, so that what was committed survives a loss of power. It
// implements sqlstore.Database.
//
// There is one connection that writes. Writers queue for it in this process,
// in order, rather than at SQLite's lock, where they would poll; those that wait
// for each other share one commit (see [DB.Write]). Readers have connections of
// their own and never wait for writers.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"facteur.dev/facteur/internal/gateway"
)

// busyTimeout is how long a transaction waits for another process, such as the
// command line beside a running server.
const busyTimeout = "10000"

// DB is an open SQLite database.
type DB struct {
	writer  *sql.DB
	readers *sql.DB
	commits commits
}

// Open opens the database file, which it creates if need be for the user alone.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite gives the files beside it the same permissions.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, gateway.ErrUnavailable.With("the database file cannot be opened", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db := &DB{commits: commits{turn: make(chan struct{}, 1)}}
	db.writer = sql.OpenDB(connector{new(sqlite.Driver), source(path, "immediate", "synchronous(FULL)", "secure_delete(FAST)")})
	db.readers = sql.OpenDB(connector{new(sqlite.Driver), source(path, "deferred", "query_only(1)")})
	db.commits.db = db.writer
	db.writer.SetMaxOpenConns(1)
	readers := max(4, runtime.GOMAXPROCS(0))
	db.readers.SetMaxOpenConns(readers)
	db.readers.SetMaxIdleConns(readers)
	// The writer first: it makes the file a database in WAL mode.
	for _, pool := range []*sql.DB{db.writer, db.readers} {
		if err := pool.PingContext(ctx); err != nil {
			return nil, errors.Join(db.Explain(err), db.Close())
		}
	}
	return db, nil
}

// source names the file with the settings of a connection.
func source(path, lock string, pragmas ...string) string {
	q := url.Values{
		"_txlock": {lock},
		"_pragma": append([]string{"busy_timeout(" + busyTimeout + ")", "journal_mode(WAL)", "foreign_keys(1)", "cache_size(-8000)"}, pragmas...),
	}
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: q.Encode()}).String()
}

// Writer is the connection that writes, for the job queue beside the store.
func (db *DB) Writer() *sql.DB { return db.writer }

// Read implements sqlstore.Database.
func (db *DB) Read(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := db.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return notBegun(err)
	}
	defer tx.Rollback()
	return fn(ctx, tx)
}

// Write implements sqlstore.Database: one transaction at a time is serialisable.
func (db *DB) Write(ctx context.Context, _ string, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return db.commits.run(ctx, fn)
}

// Step implements sqlstore.Database.
func (db *DB) Step(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return db.commits.run(ctx, fn)
}

// Migrate implements sqlstore.Database: an immediate transaction locks other processes out.
func (db *DB) Migrate(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return db.commits.run(ctx, fn)
}

// Translate implements sqlstore.Database. The schema is written for SQLite.
func (db *DB) Translate(schema string) string { return schema }

// Bind implements sqlstore.Database.
func (db *DB) Bind(query string) string { return query }

// Explain implements sqlstore.Database.
func (db *DB) Explain(err error) error {
	var known *gateway.Error
	var failure *sqlite.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case !errors.As(err, &failure):
		return err
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		switch failure.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return gateway.ErrConflict.With("there is a record with this identifier", err)
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return gateway.ErrNotFound.With("the record that this one belongs to does not exist", err)
		}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return gateway.ErrUnavailable.With("the database is busy", err)
	case sqlite3.SQLITE_FULL:
		return gateway.ErrUnavailable.With("the disk is full", err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL:
		return gateway.ErrUnavailable.With("the database file cannot be read or written", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("sqlite: the database file is damaged: %w", err)
	}
	return err
}

// notBegun explains why there is no transaction, unless SQLite or the context does.
func notBegun(err error) error {
	var failure *sqlite.Error
	if errors.As(err, &failure) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return gateway.ErrUnavailable.With("the database is closed", err)
}

// Close closes the database. Transactions under way end first.
func (db *DB) Close() error { return errors.Join(db.readers.Close(), db.writer.Close()) }
