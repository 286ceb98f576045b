package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"facteur.dev/facteur/internal/gateway"
)

// schema holds the migrations: NNNN_name.sql, numbered from 1 without gaps.
// One that was released is never changed.
//
//go:embed schema/*.sql
var schema embed.FS

// ErrNewerSchema says that the database was migrated by a newer program.
var ErrNewerSchema = &gateway.Error{Code: "schema_newer", Message: "the database belongs to a newer version of this program; upgrade the program or restore a backup"}

// migrate applies what is missing, all of it or nothing.
func migrate(ctx context.Context, db Database) error {
	files, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		return err
	}
	return db.Explain(db.Migrate(ctx, func(ctx context.Context, tx *sql.Tx) error {
		s := &session{db: db, ctx: ctx, tx: tx}
		return s.finish(s.migrate(ctx, files))
	}))
}

func (s *session) migrate(ctx context.Context, files []string) error {
	if _, err := s.exec(ctx, "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL)"); err != nil {
		return err
	}
	var at int64
	if err := s.get(ctx, []any{num(&at)}, "SELECT MAX(version) FROM schema_versions"); err != nil {
		return err
	}
	if at > int64(len(files)) {
		return ErrNewerSchema
	}
	for i, file := range files[at:] {
		version, name := at+int64(i)+1, path.Base(file)
		if n, err := strconv.ParseInt(name[:4], 10, 64); err != nil || n != version {
			return fmt.Errorf("sqlstore: migration %s should be number %d", name, version)
		}
		statements, err := schema.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, s.db.Translate(string(statements))); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
		if _, err := s.exec(ctx, "INSERT INTO schema_versions (version, name) VALUES (?, ?)", version, name); err != nil {
			return err
		}
	}
	return nil
}
