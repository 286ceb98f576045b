package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// overdue is how late work may be before somebody should look.
const overdue = 10 * time.Minute

// database opens the database, migrates and writes without keeping any of it,
// and looks at what waits in it.
func (d *doctor) database(ctx context.Context, f *findings) {
	name := d.conf.Database.String()
	if !d.conf.Database.IsPostgres() {
		_, err := os.Stat(d.conf.Database.Reveal())
		if errors.Is(err, fs.ErrNotExist) {
			f.warn("database.missing", "nothing, if this is a new installation; otherwise check database and data_dir", "%s is not there yet; it is made on first use", name)
			return
		}
	}
	db, err := openDatabase(ctx, d.conf)
	if err != nil {
		d.noDatabase(ctx, f, name, err)
		return
	}
	defer db.Close()
	rehearsal := &rehearsal{Database: db}
	_, err = sqlstore.Open(ctx, rehearsal, nil)
	switch {
	case errors.Is(err, sqlstore.ErrNewerSchema):
		f.fail(sqlstore.ErrNewerSchema.Code, "upgrade facteur, or restore a backup", "%s: %s", name, sqlstore.ErrNewerSchema.Message)
		return
	case !errors.Is(err, errRehearsed):
		d.noDatabase(ctx, f, name, err)
		return
	case rehearsal.before < rehearsal.after:
		f.warn("database.old_schema", "make a backup; the next start of facteur brings it up to date",
			"%s opens and can be written; its schema is at version %d, this program has %d, and migrating works", name, rehearsal.before, rehearsal.after)
		return
	}
	f.ok("%s opens and can be written, schema version %d", name, rehearsal.after)
	store, err := sqlstore.Open(ctx, db, nil)
	if err != nil {
		d.noDatabase(ctx, f, name, err)
		return
	}
	d.work(ctx, f, store)
	d.newestEvent(ctx, f, store)
}

// noDatabase says why the database cannot be used.
func (d *doctor) noDatabase(ctx context.Context, f *findings, name string, err error) {
	code, remedy := "database.unusable", "check the file, its permissions and its disk; or restore a backup"
	if d.conf.Database.IsPostgres() {
		remedy = "check that the server runs, and its address, user and password"
	}
	if ctx.Err() != nil {
		code, err = "database.timeout", errors.New("no answer in time; another program may hold it")
	}
	f.fail(code, remedy, "%s: %v", name, err)
}

// work looks for tasks that nobody does.
func (d *doctor) work(ctx context.Context, f *findings, store gateway.Store) {
	now := d.now().UTC()
	stats, err := store.System().Stats(ctx, now)
	switch {
	case err != nil:
		f.fail("database.unusable", "look at the database", "the tasks cannot be counted: %v", err)
	case stats.Due > 0 && now.Sub(stats.OldestDue) > overdue:
		f.warn("database.overdue", "check that facteur serve runs, and its log",
			"%d of %d tasks are due, the oldest since %s", stats.Due, stats.Tasks, stats.OldestDue.UTC().Format(time.RFC3339))
	default:
		f.ok("%d tasks wait, %d are due", stats.Tasks, stats.Due)
	}
}

// newestEvent compares the clock with the newest sealed event: time that was
// written down does not come again.
func (d *doctor) newestEvent(ctx context.Context, f *findings, store gateway.Store) {
	tenants, err := store.System().Tenants(ctx)
	if err != nil {
		f.fail("database.unusable", "look at the database", "the tenants cannot be read: %v", err)
		return
	}
	var newest time.Time
	for _, t := range tenants {
		err := store.For(t.ID).Read(ctx, func(r gateway.Reader) error {
			size, err := r.LogSize(ctx)
			if err != nil {
				return err
			}
			events, err := r.EventsAfter(ctx, size-1, gateway.EventFilter{}, 1)
			if err != nil {
				return err
			}
			waiting, err := r.Unsealed(ctx, 1)
			for _, e := range append(events, waiting...) {
				if e.RecordedAt.After(newest) {
					newest = e.RecordedAt
				}
			}
			return err
		})
		if err != nil {
			f.fail("database.unusable", "look at the database", "the events of tenant %s cannot be read: %v", t.ID, err)
			return
		}
	}
	if ahead := newest.Sub(d.now()); ahead > time.Minute {
		f.fail("clock.behind", "set the clock: see timedatectl", "the newest event was recorded at %s, which is %s from now",
			newest.UTC().Format(time.RFC3339), ahead.Round(time.Second))
	}
}

// rehearsal lets a store migrate its schema and write, and rolls all of it back.
type rehearsal struct {
	sqlstore.Database
	before, after int64 // schema versions
}

// errRehearsed ends a rehearsal that went well.
var errRehearsed = errors.New("rolled back as meant")

// Migrate implements sqlstore.Database.
func (r *rehearsal) Migrate(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	// A database without the table is a new one: whatever else is wrong with it
	// shows below.
	_ = r.Read(ctx, func(ctx context.Context, tx *sql.Tx) error { return schemaVersion(ctx, tx, &r.before) })
	return r.Database.Migrate(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		if err := schemaVersion(ctx, tx, &r.after); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO schema_versions (version, name) VALUES (-1, 'doctor')"); err != nil {
			return err
		}
		return errRehearsed
	})
}

func schemaVersion(ctx context.Context, tx *sql.Tx, version *int64) error {
	return tx.QueryRowContext(ctx, "SELECT MAX(version) FROM schema_versions").Scan(version)
}
