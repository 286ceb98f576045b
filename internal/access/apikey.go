package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Modes of an API key, the same as those of its tenant.
const (
	ModeLive = "live"
	ModeTest = "test"
)

const (
	keyPrefix     = "fk"
	keyIDSize     = 10 // bytes, 16 characters
	keySecretSize = 32 // bytes, 52 characters
)

// letters encodes keys and tokens: lower case and digits, so that they can be
// read out and need no escaping anywhere.
var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// ErrKeyForm says that a text does not have the form of an API key.
var ErrKeyForm = errors.New("access: not an API key")

// APIKey is a key in its usable form: fk_MODE_ID_SECRET. It is shown to its
// owner once; the store keeps ID and Hash.
type APIKey struct {
	Mode string
	ID   string // not secret; finds the stored key
	text string
}

// NewAPIKey makes a key with 256 random bits.
func NewAPIKey(mode string, random io.Reader) (APIKey, error) {
	if mode != ModeLive && mode != ModeTest {
		return APIKey{}, fmt.Errorf("access: a key cannot have mode %q", mode)
	}
	id, err := randomText(random, keyIDSize)
	if err != nil {
		return APIKey{}, err
	}
	secret, err := randomText(random, keySecretSize)
	if err != nil {
		return APIKey{}, err
	}
	return APIKey{Mode: mode, ID: id, text: strings.Join([]string{keyPrefix, mode, id, secret}, "_")}, nil
}

// ParseAPIKey reads a key that a caller presents. It says nothing about
// whether the key exists: look ID up and ask Matches.
func ParseAPIKey(text string) (APIKey, error) {
	parts := strings.Split(text, "_")
	if len(parts) != 4 || parts[0] != keyPrefix || (parts[1] != ModeLive && parts[1] != ModeTest) ||
		!isRandomText(parts[2], keyIDSize) || !isRandomText(parts[3], keySecretSize) {
		return APIKey{}, ErrKeyForm
	}
	return APIKey{Mode: parts[1], ID: parts[2], text: text}, nil
}

// Reveal returns the whole key, to be shown once.
func (k APIKey) Reveal() string { return k.text }

// String returns the key without its secret, for logs.
func (k APIKey) String() string { return keyPrefix + "_" + k.Mode + "_" + k.ID + "_…" }

// GoString keeps the secret out of %#v.
func (k APIKey) GoString() string { return k.String() }

// Hash is what the store keeps: SHA-256 of the whole key.
func (k APIKey) Hash() []byte {
	sum := sha256.Sum256([]byte(k.text))
	return sum[:]
}

// Matches compares with a stored hash.
func (k APIKey) Matches(hash []byte) bool {
	return k.text != "" && subtle.ConstantTimeCompare(k.Hash(), hash) == 1
}

func randomText(random io.Reader, size int) (string, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("access: no randomness: %w", err)
	}
	return strings.ToLower(letters.EncodeToString(raw)), nil
}

// isRandomText reports whether randomText can have made s from size bytes.
func isRandomText(s string, size int) bool {
	raw, err := letters.DecodeString(strings.ToUpper(s))
	return err == nil && len(raw) == size && strings.ToLower(letters.EncodeToString(raw)) == s
}
