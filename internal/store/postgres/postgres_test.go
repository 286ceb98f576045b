package postgres_test

import (
	"context"
	"os"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

func open(t testing.TB, queue sqlstore.Queue) gateway.Store {
	t.Helper()
	ctx := context.Background()
	db, err := postgres.Open(ctx, cluster.Database(t))
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
