package transport

import (
	"context"
	"crypto"
	"crypto/tls"
	"slices"
	"time"
)

// Signer is a private key with the id under which peers know its public half.
type Signer interface {
	crypto.Signer
	KeyID() string
}

// NewSigner names a private key.
func NewSigner(keyID string, key crypto.Signer) Signer { return namedSigner{key, keyID} }

type namedSigner struct {
	crypto.Signer
	id string
}

func (s namedSigner) KeyID() string { return s.id }

// Trust decides which key may speak for whom.
type Trust interface {
	// PublicKey returns the key with that id when it may speak for the participant at that time. Any other
	// case is an [*Error] with [CodeKey]; one with Retry set means that the answer could not be found out.
	PublicKey(ctx context.Context, keyID, participant string, at time.Time) (crypto.PublicKey, error)
}

// Verifier checks kept evidence again, offline. The error is an [*Error] with [CodeEvidence] that names the
// first broken place.
type Verifier interface {
	EvidenceType() string
	VerifyEvidence(ctx context.Context, evidence []byte, trust Trust) error
}

// Credentials finds the secrets that an [Endpoint] names. Errors are [*Error] with [CodeCredential].
type Credentials interface {
	Bearer(ctx context.Context, name string) (string, error)
	Certificate(ctx context.Context, name string) (tls.Certificate, error)
}

// TrustedKey is one entry of a [KeyRing].
type TrustedKey struct {
	ID           string
	Public       crypto.PublicKey
	Participants []string  // for whom the key may speak
	NotBefore    time.Time // zero: no limit
	NotAfter     time.Time // zero: no limit
}

// KeyRing is a fixed list of trusted keys. It implements [Trust].
type KeyRing []TrustedKey

// PublicKey implements [Trust]. Two entries may have one id, say for two periods or participants.
func (r KeyRing) PublicKey(_ context.Context, keyID, participant string, at time.Time) (crypto.PublicKey, error) {
	known := false
	for _, k := range r {
		if k.ID != keyID {
			continue
		}
		known = true
		if slices.Contains(k.Participants, participant) &&
			(k.NotBefore.IsZero() || !at.Before(k.NotBefore)) &&
			(k.NotAfter.IsZero() || !at.After(k.NotAfter)) {
			return k.Public, nil
		}
	}
	if known {
		return nil, Fault(CodeKey, "key %q may not speak for %q at that time", Safe(keyID), Safe(participant))
	}
	return nil, Fault(CodeKey, "key %q is not known", Safe(keyID))
}
