package sqlstore

import (
	"context"
	"database/sql"

	"facteur.dev/facteur/internal/gateway"
)

// Database is what SQLite and PostgreSQL do each in their own way.
//
// The functions given to it may be run again when another transaction was in
// the way; they have no effect outside the transaction. Their statements run
// under the context that they are given.
type Database interface {
	// Read runs fn in a read-only transaction on a consistent snapshot.
	Read(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error
	// Write runs fn in a serialisable transaction that is durable when it returns
	// nil. Writers of one key that are in each other's way take turns.
	Write(ctx context.Context, key string, fn func(ctx context.Context, tx *sql.Tx) error) error
	// Step runs fn, whose one statement is right by itself, and is durable when it
	// returns nil.
	Step(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error
	// Migrate runs fn in a transaction while no other process migrates.
	Migrate(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error

	// Translate turns the schema as written for SQLite into the database's own.
	Translate(schema string) string
	// Bind turns "?" into the database's parameters.
	Bind(query string) string
	// Explain gives what a caller is told of a database's error: a gateway.Error
	// with the code and whether a retry can help, or err itself.
	Explain(err error) error
	Close() error
}

// Queue puts wake-ups beside the tasks they are for. internal/jobs has one.
type Queue interface {
	// Migrate brings the queue's own tables up to date. Several processes may
	// call it at once.
	Migrate(ctx context.Context) error
	// Insert puts wake-ups into the transaction that adds the tasks.
	Insert(ctx context.Context, tx *sql.Tx, wakeups []gateway.Wakeup) error
	// Committed tells that tasks were added or given back, for workers of this
	// process. It does not block.
	Committed(wakeups []gateway.Wakeup)
}
