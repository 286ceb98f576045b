package access

import (
	"crypto/sha256"
	"errors"
	"io"
	"strings"
)

// Purpose keeps tokens of different kinds apart: one never passes as another.
type Purpose string

// Purposes of tokens.
const (
	PurposePortal Purpose = "fp" // a link to one invoice in the customer's portal
	PurposeLogin  Purpose = "fl" // a one-time sign-in link for a user
)

const tokenSize = 32 // bytes, 52 characters

// ErrTokenForm says that a text does not have the form of a token.
var ErrTokenForm = errors.New("access: not a token")

// NewToken makes a token of 256 random bits for a link, and the hash by which
// the store finds it. The token itself is not kept.
func NewToken(p Purpose, random io.Reader) (token string, hash []byte, err error) {
	secret, err := randomText(random, tokenSize)
	if err != nil {
		return "", nil, err
	}
	token = string(p) + "_" + secret
	return token, tokenHash(token), nil
}

// HashToken returns the hash of a token that someone presents. Finding a row
// by it needs no constant time: the hash of an unknown token tells nothing.
func HashToken(p Purpose, token string) ([]byte, error) {
	secret, ok := strings.CutPrefix(token, string(p)+"_")
	if !ok || !isRandomText(secret, tokenSize) {
		return nil, ErrTokenForm
	}
	return tokenHash(token), nil
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
