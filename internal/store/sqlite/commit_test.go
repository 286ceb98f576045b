package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// table opens a database with a table of its own.
func table(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "a file with spaces & ?#%.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE x (n INTEGER PRIMARY KEY)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return db
}

func insert(n int) transaction {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO x (n) VALUES (?)", n)
		return err
	}
}

// rows reads what is committed, on another connection.
func rows(t *testing.T, db *DB) (all []int) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT n FROM x ORDER BY n")
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to the end
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				return err
			}
			all = append(all, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// crowd runs writers so that all of them share one transaction: the first is
// held until the others wait behind it. It gives their errors.
func crowd(t *testing.T, db *DB, writers ...transaction) []error {
	t.Helper()
	errs := make([]error, len(writers))
	began, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	first := func(ctx context.Context, tx *sql.Tx) error {
		once.Do(func() { close(began); <-held })
		return writers[0](ctx, tx)
	}
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = db.Write(t.Context(), "", first) })
	<-began
	for i, w := range writers[1:] {
		wg.Go(func() { errs[i+1] = db.Write(t.Context(), "", w) })
		time.Sleep(2 * time.Millisecond) // in order
	}
	close(held)
	wg.Wait()
	return errs
}

func TestWritersThatWaitShareACommit(t *testing.T) {
	db := table(t)
	var txs []*sql.Tx
	writer := func(n int) transaction {
		return func(ctx context.Context, tx *sql.Tx) error {
			txs = append(txs, tx)
			return insert(n)(ctx, tx)
		}
	}
	for i, err := range crowd(t, db, writer(1), writer(2), writer(3), writer(4)) {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if len(txs) != 4 || len(slices.Compact(txs)) != 1 {
		t.Errorf("four writers used %d transactions", len(slices.Compact(txs)))
	}
	if got := rows(t, db); !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("got rows %v", got)
	}
}

func TestAWriterThatFailsTakesNobodyDown(t *testing.T) {
	mine := errors.New("mine")
	failing := func(n int) transaction {
		return func(ctx context.Context, tx *sql.Tx) error {
			if err := insert(n)(ctx, tx); err != nil {
				return err
			}
			return mine
		}
	}
	db := table(t)
	errs := crowd(t, db, insert(1), failing(2), insert(3), insert(1), insert(5))
	if errs[0] != nil || errs[2] != nil || errs[4] != nil {
		t.Errorf("others failed too: %v", errs)
	}
	if !errors.Is(errs[1], mine) || gateway.Code(db.Explain(errs[3])) != gateway.ErrConflict.Code {
		t.Errorf("the failing ones were told %v and %v", errs[1], errs[3])
	}
	if got := rows(t, db); !slices.Equal(got, []int{1, 3, 5}) {
		t.Errorf("got rows %v", got)
	}
	// The first of the crowd fails: the others begin anew.
	errs = crowd(t, db, failing(6), insert(7), insert(8))
	if !errors.Is(errs[0], mine) || errs[1] != nil || errs[2] != nil {
		t.Errorf("got errors %v", errs)
	}
	if got := rows(t, db); !slices.Equal(got, []int{1, 3, 5, 7, 8}) {
		t.Errorf("got rows %v", got)
	}
}

// TestATransactionThatSQLiteRollsBackIsRunAgain stands for a full disk or an
// I/O error, upon which SQLite rolls back all of a transaction by itself.
func TestATransactionThatSQLiteRollsBackIsRunAgain(t *testing.T) {
	disk := errors.New("disk full")
	for name, swallow := range map[string]bool{"told": false, "not told": true} {
		t.Run(name, func(t *testing.T) {
			db := table(t)
			runs := 0
			breaking := func(ctx context.Context, tx *sql.Tx) error {
				runs++
				if runs > 1 {
					return nil
				}
				if _, err := tx.ExecContext(ctx, "ROLLBACK"); err != nil {
					return err
				}
				if swallow {
					return nil
				}
				return disk
			}
			errs := crowd(t, db, insert(1), insert(2), breaking, insert(4), insert(5))
			for _, i := range []int{0, 1, 3, 4} {
				if errs[i] != nil {
					t.Errorf("writer %d: %v", i, errs[i])
				}
			}
			if got := rows(t, db); !slices.Equal(got, []int{1, 2, 4, 5}) {
				t.Errorf("got rows %v", got)
			}
			if swallow && (errs[2] != nil || runs != 2) || !swallow && !errors.Is(errs[2], disk) {
				t.Errorf("the one that broke it was told %v after %d runs", errs[2], runs)
			}
		})
	}
}

func TestAPanicLeavesTheWriterUsable(t *testing.T) {
	db := table(t)
	panicking := func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := insert(9)(ctx, tx); err != nil {
			return err
		}
		panic("in the middle")
	}
	alone := func() (recovered any) {
		defer func() { recovered = recover() }()
		return db.Write(t.Context(), "", panicking)
	}
	if alone() != "in the middle" {
		t.Error("the panic was swallowed")
	}
	caught := func(ctx context.Context, tx *sql.Tx) error { return panicking(ctx, tx) }
	var wg sync.WaitGroup
	held := make(chan struct{})
	wg.Go(func() {
		if err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error { <-held; return insert(1)(ctx, tx) }); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(5 * time.Millisecond)
	wg.Go(func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.Write(t.Context(), "", caught)
	})
	time.Sleep(5 * time.Millisecond)
	close(held)
	wg.Wait()
	if err := db.Write(t.Context(), "", insert(2)); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, db); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("got rows %v", got)
	}
}

func TestAWriterThatGivesUpWaitingLeavesTheQueue(t *testing.T) {
	db := table(t)
	held, began := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error { close(began); <-held; return insert(1)(ctx, tx) }); err != nil {
			t.Error(err)
		}
	})
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := db.Write(ctx, "", insert(2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v", err)
	}
	close(held)
	wg.Wait()
	if got := rows(t, db); !slices.Equal(got, []int{1}) {
		t.Errorf("got rows %v", got)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db := table(t)
	err := db.Read(t.Context(), insert(1))
	if err == nil {
		t.Error("a reader wrote")
	}
	if got := rows(t, db); len(got) != 0 {
		t.Errorf("got rows %v", got)
	}
}

func TestConnectionsHaveTheSettingsThatDurabilityNeeds(t *testing.T) {
	db := table(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	db := table(t)
	known := gateway.ErrState.For("x")
	if err := db.Explain(known); err != error(known) {
		t.Errorf("an error of the gateway became %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "x.db")); gateway.Code(err) != gateway.ErrUnavailable.Code {
		t.Errorf("a folder that is missing gives %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	err := db.Explain(db.Write(t.Context(), "", insert(1)))
	if gateway.Code(err) != gateway.ErrUnavailable.Code {
		t.Errorf("a closed database gives %v", err)
	}
}
