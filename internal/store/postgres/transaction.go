package postgres

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"sync"
)

// attempts bounds how often a transaction is run. The turns that colliding
// writers take make the second or third succeed; more are needed only when
// other processes write for the same tenant.
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
// From the second time on the writers of one key take turns in this process:
// without turns most of n colliding writers would fail in each of n rounds.
func (d *DB) Write(ctx context.Context, key string, fn transaction) error {
	unique := false
	for attempt := 1; ; attempt++ {
		err := d.once(ctx, sql.TxOptions{Isolation: sql.LevelSerializable}, fn)
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
		if attempt == 1 {
			leave, e := d.gates.enter(ctx, key)
			if e != nil {
				return errors.Join(e, err)
			}
			defer leave()
		}
	}
}

// once runs fn in one transaction.
func (d *DB) once(ctx context.Context, options sql.TxOptions, fn transaction) error {
	tx, err := d.db.BeginTx(ctx, &options)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it is over, or lost anyway
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// gates let writers that collided go on one at a time, by key.
type gates struct {
	mu   sync.Mutex
	open map[string]*gate
}

// gate is a turn and the number of those who hold or want it.
type gate struct {
	turn  chan struct{}
	users int
}

// enter waits for the turn of a key; leave passes it on.
func (g *gates) enter(ctx context.Context, key string) (leave func(), err error) {
	g.mu.Lock()
	one := g.open[key]
	if one == nil {
		one = &gate{turn: make(chan struct{}, 1)}
		g.open[key] = one
	}
	one.users++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		if one.users--; one.users == 0 {
			delete(g.open, key)
		}
		g.mu.Unlock()
	}
	select {
	case one.turn <- struct{}{}:
		return func() { <-one.turn; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
