package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
)

func open(t testing.TB, queue sqlstore.Queue) gateway.Store {
	t.Helper()
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "facteur.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, queue)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStore(t *testing.T) { storetest.Run(t, open) }

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facteur.db")
	storetest.RunMigrations(t, func(t testing.TB) sqlstore.Database {
		t.Helper()
		db, err := sqlite.Open(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	})
}

func TestTheFileIsForTheUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facteur.db")
	db, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // tested elsewhere
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}
