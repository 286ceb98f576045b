package evidence

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signer signs roots and exports: an Ed25519 key and the name of the gateway
// that holds it. It implements note.Signer.
type Signer struct {
	name     string
	key      crypto.Signer
	verifier Verifier
}

// NewSigner names a key. The name has no spaces and no plus sign; it tells
// auditors whose key it is, such as "invoices.example.com".
func NewSigner(name string, key crypto.Signer) (*Signer, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("evidence: the key is %T, expected Ed25519", key.Public())
	}
	encoded, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, fmt.Errorf("evidence: key name %q: %w", name, err)
	}
	verifier, err := ParseVerifier(encoded)
	if err != nil {
		return nil, err
	}
	return &Signer{name: name, key: key, verifier: verifier}, nil
}

// Name returns the name of the key.
func (s *Signer) Name() string { return s.name }

// KeyHash returns the note package's short hash of name and key.
func (s *Signer) KeyHash() uint32 { return s.verifier.KeyHash() }

// Sign signs msg.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, msg, crypto.Hash(0)) // Ed25519 takes nothing from rand
}

// Verifier returns the public half.
func (s *Signer) Verifier() Verifier { return s.verifier }

// Verifier is the public half of a Signer, as auditors hold it.
type Verifier struct {
	note.Verifier
	encoded string
}

// ParseVerifier reads a key as String writes it: name, hash and key joined by
// plus signs.
func ParseVerifier(encoded string) (Verifier, error) {
	verifier, err := note.NewVerifier(encoded)
	if err != nil {
		return Verifier{}, errors.New("not a verifier key: expected NAME+HASH+KEY")
	}
	// note reads several spellings of one key; only the first is ours.
	_, rest, _ := strings.Cut(encoded, "+")
	hash, key64, _ := strings.Cut(rest, "+")
	var want [4]byte
	binary.BigEndian.PutUint32(want[:], verifier.KeyHash())
	key, err := base64.StdEncoding.Strict().DecodeString(key64)
	if err != nil || hash != hex.EncodeToString(want[:]) || base64.StdEncoding.EncodeToString(key) != key64 {
		return Verifier{}, errors.New("not a verifier key: not in canonical form")
	}
	return Verifier{Verifier: verifier, encoded: encoded}, nil
}

// String returns the key in the form that ParseVerifier reads.
func (v Verifier) String() string { return v.encoded }

// sign makes a signed note of text.
func (s *Signer) sign(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, s)
}

// open checks a signed note and returns its text. The note carries exactly one
// signature, spelt as sign spells it, so that no byte of it can change unseen.
func open(signed []byte, verifiers ...Verifier) (string, error) {
	known := make([]note.Verifier, len(verifiers))
	for i, v := range verifiers {
		known[i] = v
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return "", errors.New("signed by another key")
	case err != nil:
		return "", errors.New("the signature is wrong")
	case len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0:
		return "", errors.New("expected one signature")
	}
	sig := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	canonical := n.Text + "\n— " + sig.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	if err != nil || canonical != string(signed) {
		return "", errors.New("the signature is not in canonical form")
	}
	return n.Text, nil
}
