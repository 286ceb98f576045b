package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// TestKillLosesNothingCommitted kills a process that keeps writing, several
// times, and looks for every order that it said was committed.
func TestKillLosesNothingCommitted(t *testing.T) {
	if path := os.Getenv("FACTEUR_TEST_KILL"); path != "" {
		write(path)
		return
	}
	path := filepath.Join(t.TempDir(), "facteur.db")
	var said []string
	for range 4 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillLosesNothingCommitted$")
		child.Env = append(os.Environ(), "FACTEUR_TEST_KILL="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines, enough := bufio.NewScanner(out), len(said)+100
		for lines.Scan() {
			id, ok := strings.CutPrefix(lines.Text(), "committed ")
			if !ok {
				t.Fatal(lines.Text())
			}
			if said = append(said, id); len(said) == enough {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // killed
	}
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // a test's store
	var verdict string
	if err := db.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict)
	}); err != nil || verdict != "ok" {
		t.Errorf("the file is %s, %v", verdict, err)
	}
	err = store.For("acme").Read(ctx, func(r gateway.Reader) error {
		for _, id := range said {
			if _, err := r.Order(ctx, id); err != nil {
				t.Errorf("order %s was committed: %v", id, err)
			}
			// The task was written with it, or the order would never go on.
			if _, err := r.Event(ctx, "evt_"+id); err != nil {
				t.Errorf("order %s has no event: %v", id, err)
			}
		}
		return nil
	})
	if err != nil || len(said) < 400 {
		t.Errorf("%d orders were committed, %v", len(said), err)
	}
}

// write commits orders from several goroutines until it is killed.
func write(path string) {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	db, err := sqlite.Open(ctx, path)
	fail(err)
	store, err := sqlstore.Open(ctx, db, nil)
	fail(err)
	if err := store.System().CreateTenant(ctx, gateway.Tenant{ID: "acme"}); gateway.Code(err) != gateway.ErrDuplicate.Code {
		fail(err)
	}
	committed := make(chan string)
	for writer := range 4 {
		go func() {
			for n := 0; ; n++ {
				o := gateway.Order{ID: fmt.Sprintf("ord_%d_%d_%d", os.Getpid(), writer, n), CreatedAt: time.Now()}
				fail(store.For("acme").Write(ctx, func(tx gateway.Tx) error {
					if err := tx.InsertOrder(ctx, &o); err != nil {
						return err
					}
					_, err := tx.AppendEvent(ctx, gateway.Event{ID: "evt_" + o.ID, Type: gateway.EventOrderReceived, OrderID: o.ID})
					return err
				}))
				committed <- o.ID
			}
		}()
	}
	for id := range committed {
		fmt.Println("committed", id)
	}
}
