package access

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"
)

// MinKey is the least size of an authority's key in bytes.
const MinKey = 32

// Authority issues and checks what is protected by a key of the gateway:
// one-time codes, sessions and CSRF tokens. All instances of a gateway share
// the key; a new key ends all sessions.
type Authority struct {
	codes, sessions, csrf []byte // a key for each use
	now                   func() time.Time
	random                io.Reader
}

// NewAuthority derives the keys it needs from key.
func NewAuthority(key []byte, now func() time.Time, random io.Reader) (*Authority, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("access: the key has %d bytes, at least %d are needed", len(key), MinKey)
	}
	a := &Authority{now: now, random: random}
	for use, into := range map[string]*[]byte{"one-time codes": &a.codes, "sessions": &a.sessions, "csrf": &a.csrf} {
		derived, err := hkdf.Key(sha256.New, key, nil, "facteur access: "+use, sha256.Size)
		if err != nil {
			return nil, err
		}
		*into = derived
	}
	return a, nil
}

// mac is HMAC-SHA-256 over the parts, each preceded by its length so that no
// two lists of parts look the same.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

// One-time codes.
const (
	CodeLifetime = 10 * time.Minute
	CodeTries    = 5
	codeSpace    = 1_000_000
)

// What can be wrong with a code that someone enters. A caller shows the same
// text for all of them.
var (
	ErrCodeWrong   = errors.New("access: wrong code")
	ErrCodeExpired = errors.New("access: the code has expired or was used")
	ErrCodeTries   = errors.New("access: too many tries; ask for a new code")
)

// Code is a one-time code as the store keeps it. The zero Code matches nothing.
type Code struct {
	Hash      []byte // under the gateway's key: six digits alone could be guessed from a plain hash
	ExpiresAt time.Time
	Tries     int
}

// NewCode makes a code of six digits for a subject, such as a portal link's
// id. The text goes to the known mailbox, the Code into the store.
func (a *Authority) NewCode(subject string) (text string, c Code, err error) {
	n, err := uniform(a.random, codeSpace)
	if err != nil {
		return "", Code{}, err
	}
	text = fmt.Sprintf("%06d", n)
	return text, Code{Hash: mac(a.codes, subject, text), ExpiresAt: a.now().Add(CodeLifetime)}, nil
}

// CheckCode tries the text that someone entered. The returned Code is what
// the store keeps from now on, whatever the error; it must be written before
// the answer is given, in a transaction that no second try can overtake. A
// code that matched is used up.
func (a *Authority) CheckCode(c Code, subject, text string) (Code, error) {
	switch {
	case len(c.Hash) == 0 || !a.now().Before(c.ExpiresAt):
		return Code{}, ErrCodeExpired
	case c.Tries >= CodeTries:
		return c, ErrCodeTries
	}
	c.Tries++
	if !hmac.Equal(mac(a.codes, subject, text), c.Hash) {
		return c, ErrCodeWrong
	}
	return Code{}, nil
}

// uniform draws a number below n, each with the same probability.
func uniform(random io.Reader, n uint32) (uint32, error) {
	limit := ^uint32(0) - ^uint32(0)%n // numbers above would favour small ones
	for {
		var raw [4]byte
		if _, err := io.ReadFull(random, raw[:]); err != nil {
			return 0, fmt.Errorf("access: no randomness: %w", err)
		}
		if drawn := uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3]); drawn < limit {
			return drawn % n, nil
		}
	}
}
