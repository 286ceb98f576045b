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

func TestMigrations(t *testing.T) {
	url := cluster.Database(t)
	storetest.RunMigrations(t, func(t testing.TB) sqlstore.Database {
		t.Helper()
		db, err := postgres.Open(context.Background(), url)
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

func TestOpenErrors(t *testing.T) {
	if _, err := postgres.Open(t.Context(), "postgres://127.0.0.1:1/nothing?connect_timeout=2"); gateway.Code(err) != gateway.ErrUnavailable.Code {
		t.Errorf("a server that is not there gives %v", err)
	}
	if _, err := postgres.Open(t.Context(), "postgres://%zz"); gateway.Code(err) != gateway.ErrInvalid.Code {
		t.Errorf("a bad URL gives %v", err)
	}
}

// TestBind keeps parameters apart beyond the ninth.
func TestBind(t *testing.T) {
	var db *postgres.DB
	got := db.Bind("INSERT INTO x VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if want := "INSERT INTO x VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"; got != want {
		t.Errorf("got %s", got)
	}
}
