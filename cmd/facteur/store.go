package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/store/blobs"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
)

// openDatabase opens the configured database as it stands. The folder of an
// SQLite file is made for the user alone when it is missing.
func openDatabase(ctx context.Context, conf *config.Config) (sqlstore.Database, error) {
	if conf.Database.IsPostgres() {
		db, err := postgres.Open(ctx, conf.Database.Reveal())
		if err != nil {
			return nil, err
		}
		return db, nil
	}
	path := conf.Database.Reveal()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, gateway.ErrUnavailable.With("the folder of the database cannot be made", err)
	}
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return db, nil
}

// openStore opens the configured database, brings its schema up to date and
// returns the store with the function that closes it. Tasks it adds get no
// wake-up: a running gateway finds them with its next sweep.
func openStore(ctx context.Context, conf *config.Config) (gateway.Store, func() error, error) {
	db, err := openDatabase(ctx, conf)
	if err != nil {
		return nil, nil, storeError(err)
	}
	store, err := sqlstore.Open(ctx, db, nil)
	if err != nil {
		return nil, nil, storeError(errors.Join(err, db.Close()))
	}
	return store, store.Close, nil
}

// openBlobs opens the folder of the documents.
func openBlobs(conf *config.Config, now gateway.Clock) (*blobs.Disk, error) {
	disk, err := blobs.Open(filepath.Join(conf.DataDir, "blobs"), 0, now)
	return disk, storeError(err)
}

// storeError gives an error of a use case or of the store its exit status: what
// the caller asked for can be wrong, or the database can fail.
func storeError(err error) error {
	var known *gateway.Error
	var exit *exitError
	switch {
	case err == nil, errors.As(err, &exit), errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &known):
		return environmentError("store.failed", err, "")
	}
	switch known.Code {
	case gateway.ErrNotFound.Code, gateway.ErrDuplicate.Code, gateway.ErrState.Code, gateway.ErrInvalid.Code,
		gateway.ErrForbidden.Code, gateway.ErrIdempotencyKey.Code:
		return wanting(known.Code, known.Message)
	case sqlstore.ErrNewerSchema.Code:
		return environmentError(known.Code, errors.New(known.Message), "")
	}
	return environmentError(known.Code, err, "see facteur doctor")
}

// clock makes the time of a command a gateway.Clock.
type clock func() time.Time

// Now implements gateway.Clock.
func (c clock) Now() time.Time { return c().UTC() }
