package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// LinkKey is the secret that portal tokens are made from. A token is a function
// of the key and the link's id: a letter that is sent again carries the same
// link, and the store holds only the token's hash.
type LinkKey [32]byte

// Token gives the token of a link.
func (k LinkKey) Token(linkID string) string {
	return base64.RawURLEncoding.EncodeToString(k.mac("link", linkID))
}

// Form gives a token that ties a form to its page: kind and the parts it is for.
func (k LinkKey) Form(kind string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(k.mac(append([]string{"form", kind}, parts...)...)[:18])
}

func (k LinkKey) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		n := len(p)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// HashToken gives what the store keeps of a token.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
