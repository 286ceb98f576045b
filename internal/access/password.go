package access

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Length of a password: in characters at least, in bytes at most.
const (
	MinPassword = 12
	maxPassword = 1024
)

// ErrPasswordForm says that a password is too short, too long or not text.
var ErrPasswordForm = fmt.Errorf("access: a password has at least %d characters and at most %d bytes", MinPassword, maxPassword)

// argonParams are the cost of a password hash (RFC 9106, argon2id).
type argonParams struct {
	memory, time uint32 // KiB, passes
	threads      uint8
}

func (p argonParams) String() string {
	return fmt.Sprintf("m=%d,t=%d,p=%d", p.memory, p.time, p.threads)
}

// current is what new hashes cost: 19 MiB, two passes, about 30 ms.
var current = argonParams{memory: 19 << 10, time: 2, threads: 1}

const (
	argonSalt = 16
	argonSum  = 32
	// Most that a stored hash may cost to check.
	maxMemory = 256 << 10
	maxTime   = 16
)

// HashPassword returns the hash to store, in the PHC string form
// $argon2id$v=19$m=…,t=…,p=…$salt$sum.
func HashPassword(password string, random io.Reader) (string, error) {
	if len(password) > maxPassword || !utf8.ValidString(password) || utf8.RuneCountInString(password) < MinPassword {
		return "", ErrPasswordForm
	}
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("access: no randomness: %w", err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$%s$%s$%s", argon2.Version, current, encode(salt), encode(argonSumOf(password, salt, current))), nil
}

// CheckPassword reports whether the password is the one that was hashed. An
// empty or unreadable hash matches nothing but takes as long, so that a caller
// cannot tell whether a user exists. When it matches, rehash says that the
// stored hash is cheaper than new ones and should be replaced.
func CheckPassword(hash, password string) (ok, rehash bool) {
	params, salt, sum, err := parseHash(hash)
	if err != nil || len(password) > maxPassword {
		argonSumOf("", make([]byte, argonSalt), current)
		return false, false
	}
	ok = subtle.ConstantTimeCompare(argonSumOf(password, salt, params), sum) == 1
	return ok, ok && params != current
}

func argonSumOf(password string, salt []byte, p argonParams) []byte {
	// The same password typed on another keyboard may come in another composition.
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, p.time, p.memory, p.threads, argonSum)
}

var errHash = errors.New("access: not an argon2id hash")

func parseHash(hash string) (p argonParams, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$") // "", argon2id, v=19, m=…,t=…,p=…, salt, sum
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, nil, nil, errHash
	}
	if p.String() != parts[3] {
		return p, nil, nil, errHash
	}
	if p.memory < 8 || p.memory > maxMemory || p.time < 1 || p.time > maxTime || p.threads < 1 {
		return p, nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errHash
	}
	if sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(sum) != argonSum {
		return p, nil, nil, errHash
	}
	return p, salt, sum, nil
}
