package postgres

import (
	"context"
	"database/sql"
	"sync"

	"golang.org/x/sync/semaphore"

	"facteur.dev/facteur/internal/gateway"
)

// attempts bounds how often a transaction is run.
const attempts = 20

type transaction = func(ctx context.Context, tx *sql.Tx) error

// Read implements sqlstore.Database.
func (d *DB) Read(ctx context.Context, fn transaction) error {
	return d.once(ctx, sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

// Step implements sqlstore.Database: one statement sees what is committed, and
// waits for the rows it changes.
func (d *DB) Step(ctx context.Context, fn transaction) error {
	return d.once(ctx, sql.TxOptions{}, fn)
}

// Write implements sqlstore.Database. A transaction that could not be
// serialised, or ran into a deadlock, is run again; one that met a row that
// another had just inserted once more, so that looking before inserting works.
//
// PostgreSQL sees dependencies by index page, and the rows of today stand on one
// page: under load many transactions fail that touch different rows. A second
// try therefore runs while no other writer of the key does, in this process; it
// succeeds unless another process is in the way.
func (d *DB) Write(ctx context.Context, key string, fn transaction) error {
	gate := d.gates.enter(key)
	defer d.gates.leave(key)
	share := int64(1)
	unique := false
	for attempt := 1; ; attempt++ {
		if err := gate.Acquire(ctx, share); err != nil {
			return err
		}
		err := d.once(ctx, sql.TxOptions{Isolation: sql.LevelSerializable}, fn)
		gate.Release(share)
		switch class(err) {
		case serializationFailure, deadlockDetected:
		case uniqueViolation:
			if unique {
				return err
			}
			unique = true
		default:
			return err
		}
		if attempt == attempts {
			return err
		}
		share = whole
	}
}

// once runs fn in one transaction.
func (d *DB) once(ctx context.Context, options sql.TxOptions, fn transaction) error {
	tx, err := d.db.BeginTx(ctx, &options)
	if err != nil {
		if class(err) == "" && ctx.Err() == nil { // no connection
			err = gateway.ErrUnavailable.With("the database is not available", err)
		}
		return err
	}
	defer tx.Rollback()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// whole is a gate's capacity: who has all of it is alone.
const whole = 1 << 30

// gates let the writers of a key run beside each other or one of them alone.
type gates struct {
	mu   sync.Mutex
	open map[string]*gate
}

type gate struct {
	*semaphore.Weighted // first come, first served: who wants to be alone is not passed by
	users               int
}

// enter gives the gate of a key until leave.
func (g *gates) enter(key string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.open[key]
	if one == nil {
		one = &gate{Weighted: semaphore.NewWeighted(whole)}
		g.open[key] = one
	}
	one.users++
	return one
}

func (g *gates) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[key].users--; g.open[key].users == 0 {
		delete(g.open, key)
	}
}
