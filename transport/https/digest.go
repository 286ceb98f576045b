package https

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/dunglas/httpsfv"
)

// contentDigest is the Content-Digest field (RFC 9530) of a body with that SHA-256.
func contentDigest(sum [sha256.Size]byte) string {
	d := httpsfv.NewDictionary()
	d.Add("sha-256", httpsfv.NewItem(sum[:]))
	s, _ := httpsfv.Marshal(d) // a dictionary with one byte sequence always has a form
	return s
}

// readContentDigest returns the SHA-256 of a Content-Digest field; other digests beside it are ignored.
func readContentDigest(field string) (sum [sha256.Size]byte, err error) {
	d, err := httpsfv.UnmarshalDictionary([]string{field})
	if err != nil {
		return sum, fmt.Errorf("the Content-Digest field cannot be read: %w", err)
	}
	member, _ := d.Get("sha-256")
	item, _ := member.(httpsfv.Item)
	value, ok := item.Value.([]byte)
	if !ok || len(value) != len(sum) {
		return sum, errors.New("the Content-Digest field has no sha-256 digest")
	}
	return [sha256.Size]byte(value), nil
}
