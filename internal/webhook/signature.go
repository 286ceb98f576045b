// Package webhook signs and posts events the way Standard Webhooks 1.0.0 says: headers webhook-id,
// webhook-timestamp and webhook-signature, HMAC-SHA256 under secrets that begin with "whsec_".
//
// [Sender.Post] makes one attempt through the outbound guard and says whether the address took the event, wants
// no more, or should be tried again. When to try again is the caller's business. [Verify] is what a receiver does;
// it serves tests and examples.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header fields.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the clocks of sender and receiver may differ, transport time included.
const Tolerance = 5 * time.Minute

const (
	secretPrefix = "whsec_"
	minSecret    = 24 // bytes, by the specification
	maxSecret    = 64
)

// Secret is a shared key. It prints as a placeholder; [Secret.Reveal] gives the real one.
type Secret struct{ key []byte }

// NewSecret makes a secret of 32 random bytes.
func NewSecret(random io.Reader) (Secret, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return Secret{}, fmt.Errorf("webhook secret: %w", err)
	}
	return Secret{key}, nil
}

// ParseSecret reads "whsec_" and 24 to 64 bytes in base64. The error does not repeat the secret.
func ParseSecret(s string) (Secret, error) {
	encoded, ok := strings.CutPrefix(s, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, errors.New(`a webhook secret is "whsec_" and 24 to 64 bytes in base64`)
	}
	return Secret{key}, nil
}

// Reveal returns the secret as customers enter it.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.key) }

// String hides the secret.
func (Secret) String() string { return secretPrefix + "…" }

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (s Secret) mac(id, timestamp string, body []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(m, id+"."+timestamp+".") // a hash never fails
	m.Write(body)
	return m.Sum(nil)
}

// Sign returns the three header fields of a message. During rotation it is signed with each of the secrets. The
// id stays the same when a message is sent again; the time is that of the attempt.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (http.Header, error) {
	if !validID(id) {
		return nil, errors.New("a webhook id has 1 to 200 characters of A-Z a-z 0-9 _ -")
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, s := range secrets {
		if len(s.key) == 0 {
			return nil, errors.New("a webhook secret is empty")
		}
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(s.mac(id, timestamp, body)))
	}
	if len(signatures) == 0 {
		return nil, errors.New("a webhook needs a secret")
	}
	h := http.Header{}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
	return h, nil
}

// validID keeps out the full stop, which divides the signed text, and what harms a header.
func validID(id string) bool {
	if id == "" || len(id) > 200 {
		return false
	}
	return strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// ErrVerify is why [Verify] fails; the cause is wrapped with it.
var ErrVerify = errors.New("webhook not verified")

// Verify checks that one of the secrets signed the message and that it is not older or newer than [Tolerance].
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	if id == "" || timestamp == "" || h.Get(HeaderSignature) == "" {
		return fmt.Errorf("%w: a header is missing", ErrVerify)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: the timestamp is no number", ErrVerify)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Tolerance || age < -Tolerance {
		return fmt.Errorf("%w: the timestamp is too old or too new", ErrVerify)
	}
	for field := range strings.SplitSeq(h.Get(HeaderSignature), " ") {
		version, encoded, _ := strings.Cut(field, ",")
		given, err := base64.StdEncoding.DecodeString(encoded)
		if version != "v1" || err != nil {
			continue // another scheme
		}
		for _, s := range secrets {
			if len(s.key) > 0 && hmac.Equal(given, s.mac(id, timestamp, body)) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no signature matches", ErrVerify)
}
