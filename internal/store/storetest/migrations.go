package storetest

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"facteur.dev/facteur/internal/store/sqlstore"
)

// RunMigrations holds a database to what opening a store on it promises. open
// opens the same empty database again each time, as another process would.
func RunMigrations(t *testing.T, open func(t testing.TB) sqlstore.Database) {
	ctx := t.Context()
	db := open(t)
	if _, err := sqlstore.Open(ctx, brokenSchema{db}, nil); err == nil {
		t.Fatal("a migration that fails was taken for done")
	}
	if n, err := schemaVersion(ctx, db); err == nil {
		t.Fatalf("a migration that failed left the schema at version %d", n)
	}

	// Several processes start on the empty database at once.
	const processes = 4
	errs := make([]error, processes)
	var wg sync.WaitGroup
	for i := range processes {
		other := open(t)
		wg.Go(func() { _, errs[i] = sqlstore.Open(ctx, other, nil) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	before, err := schemaVersion(ctx, db)
	if err != nil || before < 1 {
		t.Fatalf("the schema is at version %d, %v", before, err)
	}
	if _, err := sqlstore.Open(ctx, db, nil); err != nil {
		t.Fatal("opening again: ", err)
	}
	if after, err := schemaVersion(ctx, db); err != nil || after != before {
		t.Fatalf("opening again brought the schema from version %d to %d, %v", before, after, err)
	}

	err = db.Migrate(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO schema_versions (version, name) VALUES (9999, 'from the future')")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(ctx, db, nil); !errors.Is(err, sqlstore.ErrNewerSchema) {
		t.Fatalf("a newer schema was opened: %v", err)
	}
}

func schemaVersion(ctx context.Context, db sqlstore.Database) (n int64, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT MAX(version) FROM schema_versions").Scan(&n)
	})
	return n, err
}

// brokenSchema is a database whose migrations fail at their end.
type brokenSchema struct{ sqlstore.Database }

func (b brokenSchema) Translate(schema string) string {
	return b.Database.Translate(schema) + "; CREATE TABLE tenants (again INTEGER);"
}
