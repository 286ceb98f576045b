package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

const masked = "********"

// Secret is a value that no print, log or encoding shows; only Reveal does.
type Secret struct{ value string }

// NewSecret wraps a secret value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether the secret is not empty.
func (s Secret) IsSet() bool { return s.value != "" }

// String returns a mask, or nothing for an empty secret.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return masked
}

// Format masks the secret under every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks the secret; JSON and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// DSN names a database: a file, or a URL whose password is not shown.
type DSN struct{ value string }

// NewDSN wraps a data source name.
func NewDSN(value string) DSN { return DSN{value} }

// Reveal returns the whole name, password included.
func (d DSN) Reveal() string { return d.value }

// IsPostgres reports whether the name is a PostgreSQL URL rather than an
// SQLite file.
func (d DSN) IsPostgres() bool {
	u, err := url.Parse(d.value)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// String returns the name without its password.
func (d DSN) String() string {
	if !d.IsPostgres() {
		return d.value
	}
	u, err := url.Parse(d.value)
	if err != nil {
		return masked
	}
	if u.RawQuery != "" { // pgx takes password and sslpassword there too
		u.RawQuery = "…"
	}
	return u.Redacted()
}

// Format shows the name without its password under every verb.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// MarshalText writes the name without its password.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue shows the name without its password.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }
