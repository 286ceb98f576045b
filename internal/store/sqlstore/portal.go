package sqlstore

import (
	"context"
	"errors"
	"strings"

	"facteur.dev/facteur/internal/gateway"
)

var portalLinks = newTable("portal_links", func(l *gateway.PortalLink) []field {
	return []field{
		{"id", str(&l.ID)},
		{"invoice_id", str(&l.InvoiceID)},
		{"token_hash", bytes{&l.TokenHash}},
		{"email", str(&l.Email)},
		{"created_at", moment{&l.CreatedAt}},
		{"expires_at", moment{&l.ExpiresAt}},
		{"revoked_at", maybe{&l.RevokedAt}},
		{"code_hash", bytes{&l.CodeHash}},
		{"code_expires_at", moment{&l.CodeExpiresAt}},
		{"code_tries", num(&l.CodeTries)},
	}
}, func(l *gateway.PortalLink) *gateway.TenantID { return &l.Tenant }, "id")

var mailTokens = newTable("mail_tokens", func(t *gateway.MailToken) []field {
	return []field{
		{"token", str(&t.Token)},
		{"delivery_id", str(&t.DeliveryID)},
		{"created_at", moment{&t.CreatedAt}},
	}
}, func(t *gateway.MailToken) *gateway.TenantID { return &t.Tenant })

var suppressions = newTable("suppressions", func(s *gateway.Suppression) []field {
	return []field{
		{"address_key", derived{addressKey(s.Address)}},
		{"address", str(&s.Address)},
		{"reason", str(&s.Reason)},
		{"event_id", str(&s.EventID)},
		{"created_at", moment{&s.CreatedAt}},
	}
}, nil, "address_key")

// PortalLink implements gateway.Reader.
func (s *session) PortalLink(ctx context.Context, id string) (gateway.PortalLink, error) {
	return portalLinks.byID(ctx, s, id)
}

// PortalLinks implements gateway.Reader.
func (s *session) PortalLinks(ctx context.Context, invoiceID string) ([]gateway.PortalLink, error) {
	return portalLinks.all(ctx, s, "WHERE tenant = ? AND invoice_id = ? ORDER BY created_at, id", string(s.tenant), invoiceID)
}

// PutPortalLink implements gateway.Tx.
func (s *session) PutPortalLink(ctx context.Context, l gateway.PortalLink) error {
	return portalLinks.upsert(ctx, s, &l)
}

// PutMailToken implements gateway.Tx.
func (s *session) PutMailToken(ctx context.Context, t gateway.MailToken) error {
	written, err := mailTokens.insert(ctx, s, &t, " ON CONFLICT (token) DO NOTHING")
	if err != nil || written {
		return err
	}
	var delivery string
	err = s.get(ctx, []any{&delivery}, "SELECT delivery_id FROM mail_tokens WHERE tenant = ? AND token = ?", string(s.tenant), t.Token)
	if errors.Is(err, gateway.ErrNotFound) || err == nil && delivery != t.DeliveryID {
		return gateway.ErrConflict.With("the token is another delivery's", nil)
	}
	return err
}

// Suppressed implements gateway.Reader. Addresses are compared without case.
func (s *session) Suppressed(ctx context.Context, address string) (gateway.Suppression, error) {
	return suppressions.one(ctx, s, "WHERE tenant = ? AND address_key = ?", string(s.tenant), addressKey(address))
}

// PutSuppression implements gateway.Tx.
func (s *session) PutSuppression(ctx context.Context, p gateway.Suppression) error {
	return suppressions.upsert(ctx, s, &p)
}

// DeleteSuppression implements gateway.Tx.
func (s *session) DeleteSuppression(ctx context.Context, address string) error {
	n, err := s.exec(ctx, "DELETE FROM suppressions WHERE tenant = ? AND address_key = ?", string(s.tenant), addressKey(address))
	if err == nil && n == 0 {
		return gateway.ErrNotFound
	}
	return err
}

// addressKey makes mail addresses alike that no server tells apart in practice.
func addressKey(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
