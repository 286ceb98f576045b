package access

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Lifetimes of sessions.
const (
	SessionLifetime       = 12 * time.Hour
	PortalSessionLifetime = 2 * time.Hour
)

// Session errors.
var (
	ErrSessionInvalid = errors.New("access: not a session of this gateway")
	ErrSessionExpired = errors.New("access: the session has expired")
)

// SessionKind tells what opened a session.
type SessionKind string

// Kinds of sessions. Only the first belongs to a named user.
const (
	SessionUser SessionKind = "user" // signed in
	SessionCode SessionKind = "code" // portal: link and one-time code
)

// Session is what a session cookie says. Role and name are not in it: they are
// read afresh with each request, so that a change takes effect at once.
type Session struct {
	ID        string      `json:"id"`
	Kind      SessionKind `json:"kind"`
	Tenant    string      `json:"tenant"`
	Subject   string      `json:"sub"` // user id, or portal link id
	IssuedAt  time.Time   `json:"iat"`
	ExpiresAt time.Time   `json:"exp"`
}

// NewSession opens a session and returns its cookie value.
func (a *Authority) NewSession(kind SessionKind, tenant, subject string) (cookie string, s Session, err error) {
	lifetime := SessionLifetime
	if kind != SessionUser {
		lifetime = PortalSessionLifetime
	}
	id, err := randomText(a.random, keyIDSize)
	if err != nil {
		return "", Session{}, err
	}
	now := a.now().UTC().Truncate(time.Second)
	s = Session{ID: id, Kind: kind, Tenant: tenant, Subject: subject, IssuedAt: now, ExpiresAt: now.Add(lifetime)}
	payload, err := json.Marshal(s)
	if err != nil {
		return "", Session{}, fmt.Errorf("access: session: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(payload)
	return body + "." + base64.RawURLEncoding.EncodeToString(mac(a.sessions, body)), s, nil
}

// OpenSession reads a cookie that NewSession made.
func (a *Authority) OpenSession(cookie string) (Session, error) {
	body, tag64, ok := strings.Cut(cookie, ".")
	tag, err := base64.RawURLEncoding.Strict().DecodeString(tag64)
	if !ok || err != nil || !hmac.Equal(tag, mac(a.sessions, body)) {
		return Session{}, ErrSessionInvalid
	}
	payload, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Session{}, ErrSessionInvalid
	}
	var s Session
	if err := json.Unmarshal(payload, &s); err != nil {
		return Session{}, ErrSessionInvalid
	}
	if !a.now().Before(s.ExpiresAt) {
		return Session{}, ErrSessionExpired
	}
	return s, nil
}

// CSRFToken returns the token that forms of the session carry. subject is a
// session's ID or, where there is none yet, a random value in a cookie.
func (a *Authority) CSRFToken(subject string) string {
	return base64.RawURLEncoding.EncodeToString(mac(a.csrf, subject))
}

// CheckCSRF reports whether the token belongs to the subject.
func (a *Authority) CheckCSRF(subject, token string) bool {
	return subject != "" && hmac.Equal([]byte(a.CSRFToken(subject)), []byte(token))
}
