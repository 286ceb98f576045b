package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
)

// recorder notes the queries that a store runs.
type recorder struct {
	*sqlite.DB
	mu      *sync.Mutex
	queries map[string]bool
}

func (r recorder) Bind(query string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queries[query] = true
	return r.DB.Bind(query)
}

// TestStore runs the suite, and asks SQLite how it runs the suite's queries:
// none may scan a table that grows.
func TestStore(t *testing.T) {
	ctx := context.Background()
	recorded := recorder{mu: &sync.Mutex{}, queries: map[string]bool{}}
	storetest.Run(t, func(t testing.TB, queue sqlstore.Queue) gateway.Store {
		t.Helper()
		db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "facteur.db"))
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlstore.Open(ctx, recorder{db, recorded.mu, recorded.queries}, queue)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		return store
	})
	t.Run("no query scans a table", func(t *testing.T) { recorded.explain(t) })
}

// explain looks at the plans of all queries on a database with the schema alone.
func (r recorder) explain(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "facteur.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	meant := []string{"schema_versions", "FROM tenants ORDER BY", "FROM tenants WHERE EXISTS", "SELECT COUNT(*) FROM tasks"}
	// A query that names one of these asks for few rows, and must not walk those of a tenant.
	names := regexp.MustCompile(`AND (number|external_id|order_id|invoice_id|inbound_id|credit_of|seller_key|business_key) = \?`)
	explained := 0
	for query := range r.queries {
		if isData := regexp.MustCompile("^(SELECT|UPDATE|DELETE) ").MatchString(query); !isData || slices.ContainsFunc(meant, func(m string) bool { return strings.Contains(query, m) }) {
			continue
		}
		for _, step := range plan(t, db, query) {
			if strings.HasPrefix(step, "SCAN") || strings.HasSuffix(step, "(tenant=?)") && names.MatchString(query) {
				t.Errorf("%s:\n%s", step, query)
			}
		}
		explained++
	}
	if explained < 90 {
		t.Errorf("only %d queries were looked at", explained)
	}
}

// plan gives the steps in which SQLite would run a query.
func plan(t *testing.T, db *sqlite.DB, query string) (steps []string) {
	t.Helper()
	rows, err := db.Writer().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

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
