package sqlite_test

import (
	"context"
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
