package sqlstore

import (
	"context"
	"errors"

	"facteur.dev/facteur/internal/gateway"
)

var tenants = newTable("tenants", func(t *gateway.Tenant) []field {
	return []field{
		{"name", str(&t.Name)},
		{"mode", str(&t.Mode)},
		{"language", str(&t.Language)},
		{"time_zone", str(&t.TimeZone)},
		{"created_at", moment{&t.CreatedAt}},
	}
}, func(t *gateway.Tenant) *gateway.TenantID { return &t.ID })

var users = newTable("users", func(u *gateway.User) []field {
	return []field{
		{"id", str(&u.ID)},
		{"name", str(&u.Name)},
		{"email", str(&u.Email)},
		{"email_key", derived{addressKey(u.Email)}},
		{"role", str(&u.Role)},
		{"password_hash", str(&u.PasswordHash)},
		{"created_at", moment{&u.CreatedAt}},
		{"disabled_at", maybe{&u.DisabledAt}},
	}
}, func(u *gateway.User) *gateway.TenantID { return &u.Tenant }, "id")

var apiKeys = newTable("api_keys", func(k *gateway.APIKey) []field {
	return []field{
		{"id", str(&k.ID)},
		{"name", str(&k.Name)},
		{"role", str(&k.Role)},
		{"user_id", str(&k.UserID)},
		{"secret_hash", bytes{&k.SecretHash}},
		{"created_at", moment{&k.CreatedAt}},
		{"revoked_at", maybe{&k.RevokedAt}},
		{"last_used_at", maybe{&k.LastUsedAt}},
	}
}, func(k *gateway.APIKey) *gateway.TenantID { return &k.Tenant }, "id")

var idempotency = newTable("idempotency", func(r *gateway.IdempotencyRecord) []field {
	return []field{
		{"scope", str(&r.Scope)},
		{"id", str(&r.Key)},
		{"body_sha256", str(&r.BodySHA256)},
		{"ref", str(&r.Ref)},
		{"status", num(&r.Status)},
		{"response", bytes{&r.Response}},
		{"created_at", moment{&r.CreatedAt}},
	}
}, nil, "scope", "id")

// Tenant implements gateway.Reader.
func (s *session) Tenant(ctx context.Context) (gateway.Tenant, error) {
	return tenants.one(ctx, s, "WHERE tenant = ?", string(s.tenant))
}

// Users implements gateway.Reader.
func (s *session) Users(ctx context.Context) ([]gateway.User, error) {
	return users.all(ctx, s, "WHERE tenant = ? ORDER BY created_at, id", string(s.tenant))
}

// User implements gateway.Reader.
func (s *session) User(ctx context.Context, id string) (gateway.User, error) {
	return users.byID(ctx, s, id)
}

// PutUser implements gateway.Tx.
func (s *session) PutUser(ctx context.Context, u gateway.User) error {
	var one int64
	err := s.get(ctx, []any{&one}, "SELECT 1 FROM users WHERE email_key = ? AND NOT (tenant = ? AND id = ?)", addressKey(u.Email), string(s.tenant), u.ID)
	switch {
	case err == nil: // it may be another tenant's: say no more
		return gateway.ErrDuplicate.With("a user with this e-mail address exists", nil)
	case !errors.Is(err, gateway.ErrNotFound):
		return err
	}
	return users.upsert(ctx, s, &u)
}

// APIKeys implements gateway.Reader.
func (s *session) APIKeys(ctx context.Context) ([]gateway.APIKey, error) {
	return apiKeys.all(ctx, s, "WHERE tenant = ? ORDER BY created_at, id", string(s.tenant))
}

// PutAPIKey implements gateway.Tx.
func (s *session) PutAPIKey(ctx context.Context, k gateway.APIKey) error {
	return apiKeys.upsert(ctx, s, &k)
}

// Idempotent implements gateway.Reader.
func (s *session) Idempotent(ctx context.Context, scope, key string) (gateway.IdempotencyRecord, error) {
	return idempotency.one(ctx, s, "WHERE tenant = ? AND scope = ? AND id = ?", string(s.tenant), scope, key)
}

// PutIdempotent implements gateway.Tx. A key that is known is not written
// over: ErrDuplicate, pointing at the record of the first answer.
func (s *session) PutIdempotent(ctx context.Context, r gateway.IdempotencyRecord) error {
	written, err := idempotency.insert(ctx, s, &r, " ON CONFLICT (tenant, scope, id) DO NOTHING")
	if err != nil || written {
		return err
	}
	return s.duplicate(ctx, "SELECT ref FROM idempotency WHERE tenant = ? AND scope = ? AND id = ?", string(s.tenant), r.Scope, r.Key)
}
