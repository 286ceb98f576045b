package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// system implements gateway.SystemStore.
type system struct{ store *Store }

// CreateTenant implements gateway.SystemStore.
func (x system) CreateTenant(ctx context.Context, t gateway.Tenant) error {
	if !t.ID.Valid() {
		return gateway.ErrInvalid.With(`a tenant's id is 1 to 64 of a-z, 0-9, "-" and "_", beginning with a letter or digit`, nil)
	}
	return x.store.write(ctx, t.ID, func(s *session) error {
		written, err := tenants.insert(ctx, s, &t, " ON CONFLICT (tenant) DO NOTHING")
		if err == nil && !written {
			return gateway.ErrDuplicate.With("there is a tenant of this id", nil).For(string(t.ID))
		}
		return err
	})
}

// Tenants implements gateway.SystemStore.
func (x system) Tenants(ctx context.Context) (list []gateway.Tenant, err error) {
	err = x.store.read(ctx, "", func(s *session) error {
		list, err = tenants.all(ctx, s, "ORDER BY tenant")
		return err
	})
	return list, err
}

// APIKey implements gateway.SystemStore.
func (x system) APIKey(ctx context.Context, id string) (gateway.APIKey, error) {
	return find(ctx, x.store, apiKeys, "WHERE id = ?", id)
}

// UserByEmail implements gateway.SystemStore.
func (x system) UserByEmail(ctx context.Context, email string) (gateway.User, error) {
	return find(ctx, x.store, users, "WHERE email_key = ?", addressKey(email))
}

// PortalLinkByToken implements gateway.SystemStore.
func (x system) PortalLinkByToken(ctx context.Context, hash []byte) (gateway.PortalLink, error) {
	return find(ctx, x.store, portalLinks, "WHERE token_hash = ?", hash)
}

// MailToken implements gateway.SystemStore.
func (x system) MailToken(ctx context.Context, token string) (gateway.MailToken, error) {
	return find(ctx, x.store, mailTokens, "WHERE token = ?", token)
}

// find reads one row of whatever tenant.
func find[T any](ctx context.Context, store *Store, t *table[T], where string, arg any) (record T, err error) {
	err = store.read(ctx, "", func(s *session) error {
		record, err = t.one(ctx, s, where, arg)
		return err
	})
	return record, err
}

// touchEvery is how exactly the last use of an API key is kept: a durable
// write for each request would be the dearest part of it.
const touchEvery = time.Minute

// TouchAPIKey implements gateway.SystemStore.
func (x system) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	key, err := x.APIKey(ctx, id)
	if err != nil || key.LastUsedAt != nil && at.Sub(*key.LastUsedAt) < touchEvery {
		return err
	}
	return x.store.step(ctx, func(s *session) error {
		_, err := s.exec(ctx, "UPDATE api_keys SET last_used_at = ? WHERE id = ?", micros(at), id)
		return err
	})
}

// UnsealedTenants implements gateway.SystemStore.
func (x system) UnsealedTenants(ctx context.Context) (list []gateway.TenantID, err error) {
	err = x.store.read(ctx, "", func(s *session) error {
		list = nil
		return s.query(ctx, func(rows *sql.Rows) error {
			var id gateway.TenantID
			err := rows.Scan(str(&id))
			list = append(list, id)
			return err
		}, "SELECT tenant FROM tenants WHERE EXISTS (SELECT 1 FROM events WHERE events.tenant = tenants.tenant AND events.seq IS NULL) ORDER BY tenant")
	})
	return list, err
}

// Prune implements gateway.SystemStore. It goes in steps, so that other writers
// get their turn.
func (x system) Prune(ctx context.Context, before time.Time) error {
	for _, statement := range []string{
		"DELETE FROM idempotency WHERE (tenant, scope, id) IN (SELECT tenant, scope, id FROM idempotency WHERE created_at < ? LIMIT 500)",
		"UPDATE portal_links SET code_hash = NULL WHERE (tenant, id) IN (SELECT tenant, id FROM portal_links WHERE code_expires_at < ? AND code_hash IS NOT NULL LIMIT 500)",
	} {
		for touched := int64(1); touched > 0; {
			err := x.store.step(ctx, func(s *session) (err error) {
				touched, err = s.exec(ctx, statement, micros(before))
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
