package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"facteur.dev/facteur/internal/gateway"
)

// Store is a gateway.Store on a Database.
type Store struct {
	db    Database
	queue Queue
	known sync.Map // tenants that exist; they are never removed
}

// Open brings the schema and the queue's tables up to date and returns the
// store, which closes db when it is closed. Several processes may open one
// database at the same time. ErrNewerSchema says that a newer program was here.
//
// Without a queue (nil) tasks get no wake-up and are found by the sweep only.
func Open(ctx context.Context, db Database, queue Queue) (*Store, error) {
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	if queue != nil {
		if err := queue.Migrate(ctx); err != nil {
			return nil, err
		}
	}
	return &Store{db: db, queue: queue}, nil
}

// For gives the data of one tenant.
func (s *Store) For(tenant gateway.TenantID) gateway.TenantStore { return tenantStore{s, tenant} }

// System gives what workers and administration need across tenants.
func (s *Store) System() gateway.SystemStore { return system{s} }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

type tenantStore struct {
	store  *Store
	tenant gateway.TenantID
}

// Read implements gateway.TenantStore.
func (t tenantStore) Read(ctx context.Context, fn func(gateway.Reader) error) error {
	return t.store.read(ctx, t.tenant, func(s *session) error { return fn(reader{s}) })
}

// Write implements gateway.TenantStore.
func (t tenantStore) Write(ctx context.Context, fn func(gateway.Tx) error) error {
	return t.store.write(ctx, t.tenant, func(s *session) error {
		if err := t.exists(ctx, s); err != nil {
			return err
		}
		return fn(s)
	})
}

// exists refuses to write for a tenant that nobody created.
func (t tenantStore) exists(ctx context.Context, s *session) error {
	if _, ok := t.store.known.Load(t.tenant); ok {
		return nil
	}
	_, err := s.Tenant(ctx)
	if errors.Is(err, gateway.ErrNotFound) {
		return gateway.ErrNotFound.With("there is no such tenant", nil).For(string(t.tenant))
	}
	return err
}

// reader hides what a session could write.
type reader struct{ gateway.Reader }

func (s *Store) read(ctx context.Context, tenant gateway.TenantID, fn func(*session) error) error {
	err := s.db.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		session := &session{db: s.db, ctx: ctx, tx: tx, tenant: tenant}
		return session.finish(fn(session))
	})
	return s.db.Explain(err)
}

func (s *Store) write(ctx context.Context, tenant gateway.TenantID, fn func(*session) error) error {
	var changed []gateway.Wakeup
	err := s.db.Write(ctx, string(tenant), func(ctx context.Context, tx *sql.Tx) error {
		session := &session{db: s.db, ctx: ctx, tx: tx, tenant: tenant}
		err := fn(session)
		if err == nil && session.failed == nil && s.queue != nil && len(session.added) > 0 {
			err = s.queue.Insert(ctx, tx, session.added)
		}
		changed = session.changed
		return session.finish(err)
	})
	if err != nil {
		return s.db.Explain(err)
	}
	if tenant != "" {
		s.known.Store(tenant, true)
	}
	if s.queue != nil && len(changed) > 0 {
		s.queue.Committed(changed)
	}
	return nil
}

// step runs a function whose one statement is right by itself.
func (s *Store) step(ctx context.Context, fn func(*session) error) error {
	err := s.db.Step(ctx, func(ctx context.Context, tx *sql.Tx) error {
		session := &session{db: s.db, ctx: ctx, tx: tx}
		return session.finish(fn(session))
	})
	return s.db.Explain(err)
}
