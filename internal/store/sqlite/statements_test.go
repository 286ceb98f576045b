package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
)

// kept are the statements that the connection that writes keeps.
func kept(t *testing.T, db *DB) (queries []string) {
	t.Helper()
	c, err := db.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Raw(func(c any) error {
		for q, s := range c.(*conn).kept {
			if s.busy {
				t.Errorf("%s is still busy", q)
			}
			queries = append(queries, q)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return queries
}

func TestStatementsAreKept(t *testing.T) {
	db := table(t)
	for n := range 3 {
		if err := db.Write(t.Context(), "", insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := kept(t, db); !slices.Contains(got, "INSERT INTO x (n) VALUES (?)") {
		t.Errorf("kept %q", got)
	}
	// More than fit: those before make room, and all work.
	for n := range 2 * mostKept {
		if err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE x SET n = n WHERE n = %d", n))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(kept(t, db)); n == 0 || n > mostKept {
		t.Errorf("%d statements are kept", n)
	}
}

// TestAStatementThatIsBeingReadRunsAgain asks the same query for each row of its own answer.
func TestAStatementThatIsBeingReadRunsAgain(t *testing.T) {
	db := table(t)
	const query = "SELECT n FROM x WHERE n >= ? ORDER BY n"
	read := func(ctx context.Context, tx *sql.Tx, from int, each func(n int)) {
		rows, err := tx.QueryContext(ctx, query, from)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			each(n)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var pairs []string
	err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error {
		for n := range 3 {
			if err := insert(n)(ctx, tx); err != nil {
				return err
			}
		}
		read(ctx, tx, 0, func(a int) {
			read(ctx, tx, a, func(b int) { pairs = append(pairs, fmt.Sprint(a, b)) })
		})
		return nil
	})
	if want := []string{"0 0", "0 1", "0 2", "1 1", "1 2", "2 2"}; err != nil || !slices.Equal(pairs, want) {
		t.Errorf("got %v, %v", pairs, err)
	}
	if !slices.Contains(kept(t, db), query) {
		t.Error("the query is not kept")
	}
}

// TestAStatementOutlivesAChangeOfTheSchema changes the table under a kept statement.
func TestAStatementOutlivesAChangeOfTheSchema(t *testing.T) {
	db := table(t)
	if err := db.Write(t.Context(), "", insert(1)); err != nil {
		t.Fatal(err)
	}
	columns := func() (names []string) {
		err := db.Write(t.Context(), "", func(ctx context.Context, tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, "SELECT * FROM x")
			if err != nil {
				return err
			}
			defer rows.Close()
			if names, err = rows.Columns(); err != nil {
				return err
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	before := columns()
	if _, err := db.writer.ExecContext(t.Context(), "ALTER TABLE x ADD COLUMN m TEXT"); err != nil {
		t.Fatal(err)
	}
	if after := columns(); !slices.Equal(before, []string{"n"}) || !slices.Equal(after, []string{"n", "m"}) {
		t.Errorf("columns %v, then %v", before, after)
	}
	// A statement that fails leaves nothing behind and can run again.
	for range 2 {
		if err := db.Write(t.Context(), "", insert(1)); err == nil {
			t.Error("a second row of one key was taken")
		}
	}
	if err := db.Write(t.Context(), "", insert(2)); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, db); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("got rows %v", got)
	}
}
