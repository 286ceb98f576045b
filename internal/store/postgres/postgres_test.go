package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync"
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

// TestWritersOfSeveralProcessesGetThrough has four processes take numbers of
// one series at the same time.
func TestWritersOfSeveralProcessesGetThrough(t *testing.T) {
	const processes, writers, each = 4, 6, 6
	ctx := t.Context()
	url := cluster.Database(t)
	stores := make([]gateway.Store, processes)
	for i := range stores {
		db, err := postgres.Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlstore.Open(ctx, db, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		stores[i] = store
	}
	if err := stores[0].System().CreateTenant(ctx, gateway.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	err := stores[0].For("acme").Write(ctx, func(tx gateway.Tx) error {
		return tx.PutSeries(ctx, gateway.NumberSeries{LegalEntity: "le", Kind: "invoice", Next: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range processes * writers {
		wg.Go(func() {
			for i := range each {
				err := stores[n%processes].For("acme").Write(ctx, func(tx gateway.Tx) error {
					s, err := tx.Series(ctx, "le", "invoice", "")
					if err != nil {
						return err
					}
					return tx.TakeNumber(ctx, gateway.NumberTaken{Series: s, N: s.Next, InvoiceID: fmt.Sprint(n, "/", i)})
				})
				if err != nil {
					t.Errorf("writer %d: %v", n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	err = stores[0].For("acme").Read(ctx, func(r gateway.Reader) error {
		s, err := r.Series(ctx, "le", "invoice", "")
		if s.Next != processes*writers*each+1 {
			t.Errorf("the next number is %d, want %d", s.Next, processes*writers*each+1)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
