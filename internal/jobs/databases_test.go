package jobs_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/jobs"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

// silent drops what is logged.
var silent = slog.New(slog.DiscardHandler)

// database opens one database for one process: a store and its queue.
type database func(t testing.TB) (sqlstore.Database, *sqlstore.Store, *jobs.Queue)

// onEach runs a test on both databases. open makes one more "process" on the
// same database each time it is called.
func onEach(t *testing.T, run func(t *testing.T, open database)) {
	t.Run("sqlite", func(t *testing.T) { run(t, onSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, onPostgres(t)) })
}

func onSQLite(t testing.TB) database {
	path := filepath.Join(t.TempDir(), "facteur.db")
	return func(t testing.TB) (sqlstore.Database, *sqlstore.Store, *jobs.Queue) {
		t.Helper()
		db, err := sqlite.Open(context.Background(), path)
		must(t, err)
		queue, err := jobs.NewSQLiteQueue(db.Writer(), gateway.SystemClock{}, silent)
		must(t, err)
		return db, opened(t, db, queue), queue
	}
}

func onPostgres(t testing.TB) database {
	url := cluster.Database(t)
	return func(t testing.TB) (sqlstore.Database, *sqlstore.Store, *jobs.Queue) {
		t.Helper()
		db, err := postgres.Open(context.Background(), url)
		must(t, err)
		queue, err := jobs.NewPostgresQueue(db.Pool(), gateway.SystemClock{}, silent)
		must(t, err)
		return db, opened(t, db, queue), queue
	}
}

func opened(t testing.TB, db sqlstore.Database, queue *jobs.Queue) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(context.Background(), db, queue)
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return store
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
