package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// commits runs write transactions one after the other. Those that queue up
// while one runs join its transaction, each in a savepoint of its own, and one
// commit makes all of them durable: on a disk that takes 5 ms to flush, sixteen
// writers get sixteen times as far. A writer that is alone pays nothing for it.
type commits struct {
	db *sql.DB
	// turn holds a value while someone uses the connection. Goroutines that wait
	// to send are served in the order in which they came.
	turn chan struct{}
	// open is the transaction that a writer may join. Only the holder of the turn
	// touches it.
	open *group
}

// group is a transaction that several writers share.
type group struct {
	tx   *sql.Tx
	done chan struct{} // closed when the transaction has ended
	err  error         // what the writers are told, valid after done
}

// transaction is what a writer does; its statements run under the given
// context, which is never cancelled: SQLite would roll back the work of others.
type transaction func(ctx context.Context, tx *sql.Tx) error

// errBroken tells a writer that another one took the common transaction down.
var errBroken = errors.New("sqlite: the common transaction was rolled back")

// attempts is how often a writer tries when others take its transaction down.
const attempts = 3

// run runs fn in a transaction that is durable when run returns nil.
func (c *commits) run(ctx context.Context, fn transaction) (err error) {
	for range attempts {
		if err := c.wait(ctx); err != nil {
			return err
		}
		if c.open == nil {
			err = c.lead(context.WithoutCancel(ctx), fn)
		} else {
			err = c.join(context.WithoutCancel(ctx), c.open, fn)
		}
		if !errors.Is(err, errBroken) {
			return err
		}
	}
	return err
}

// wait waits for the turn.
func (c *commits) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lead runs fn in a new transaction, lets those who wait join it, and commits.
func (c *commits) lead(ctx context.Context, fn transaction) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		<-c.turn
		return notBegun(err)
	}
	g := &group{tx: tx, done: make(chan struct{})}
	if err := c.try(ctx, g, fn, func() error { return tx.Rollback() }); err != nil {
		return err
	}
	c.open = g
	<-c.turn             // to the first who waits …
	c.turn <- struct{}{} // … and back, behind the last
	if c.open == g {
		c.end(tx.Commit())
	}
	<-c.turn
	return g.err
}

// join runs fn in a savepoint of the open transaction and waits for its commit.
func (c *commits) join(ctx context.Context, g *group, fn transaction) error {
	savepoint := func(do string) error {
		_, err := g.tx.ExecContext(ctx, do)
		if err != nil { // there is no savepoint any more: SQLite rolled back all of it, as on a full disk
			c.end(fmt.Errorf("%w: %w", errBroken, errors.Join(err, g.tx.Rollback())))
		}
		return err
	}
	inside := func(ctx context.Context, tx *sql.Tx) error {
		if err := savepoint("SAVEPOINT writer"); err != nil {
			return errBroken
		}
		if err := fn(ctx, tx); err != nil {
			return err
		}
		if err := savepoint("RELEASE writer"); err != nil {
			return errBroken
		}
		return nil
	}
	undo := func() error {
		if c.open != g {
			return nil
		}
		return savepoint("ROLLBACK TO writer; RELEASE writer")
	}
	if err := c.try(ctx, g, inside, undo); err != nil {
		return err
	}
	<-c.turn
	<-g.done
	return g.err
}

// try runs fn. When it fails, or panics, its work is undone and the turn given up.
func (c *commits) try(ctx context.Context, g *group, fn transaction, undo func() error) (err error) {
	succeeded := false
	defer func() {
		if succeeded {
			return
		}
		if e := undo(); e != nil {
			err = errors.Join(err, e)
		}
		<-c.turn
	}()
	err = fn(ctx, g.tx)
	succeeded = err == nil
	return err
}

// end closes the open transaction's books.
func (c *commits) end(err error) {
	c.open.err = err
	close(c.open.done)
	c.open = nil
}
