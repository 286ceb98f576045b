package https

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"facteur.dev/facteur/transport"
)

// Algorithms of RFC 9421, 3.3.
const (
	algEd25519  = "ed25519"
	algECDSA256 = "ecdsa-p256-sha256"
	algRSAPSS   = "rsa-pss-sha512"
	algRSAv15   = "rsa-v1_5-sha256"
)

const minRSABits = 2048

// algorithm is the one that this package signs with for a kind of key.
func algorithm(key crypto.PublicKey) (string, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return algEd25519, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return algECDSA256, nil
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSABits {
			return algRSAPSS, nil
		}
	}
	return "", errors.New("the key is neither Ed25519, ECDSA P-256 nor RSA with 2048 bits or more")
}

// signBase signs a signature base in the algorithm's own encoding.
func signBase(random io.Reader, s transport.Signer, alg string, base []byte) ([]byte, error) {
	switch alg {
	case algEd25519:
		return s.Sign(random, base, crypto.Hash(0))
	case algECDSA256:
		digest := sha256.Sum256(base)
		der, err := s.Sign(random, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		var rs struct{ R, S *big.Int }
		if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 || rs.R.BitLen() > 256 || rs.S.BitLen() > 256 {
			return nil, errors.New("the signer returned no ECDSA P-256 signature")
		}
		raw := make([]byte, 64)
		rs.R.FillBytes(raw[:32])
		rs.S.FillBytes(raw[32:])
		return raw, nil
	case algRSAPSS:
		digest := sha512.Sum512(base)
		return s.Sign(random, digest[:], &rsa.PSSOptions{SaltLength: 64, Hash: crypto.SHA512})
	}
	return nil, fmt.Errorf("algorithm %q is not supported for signing", alg)
}

var errSignature = errors.New("the signature does not match")

// verifyBase checks a signature. alg must fit the key: the key's owner, not the message, decides.
func verifyBase(key crypto.PublicKey, alg string, base, value []byte) error {
	ok := false
	switch k := key.(type) {
	case ed25519.PublicKey:
		if alg != algEd25519 {
			return unfit(alg)
		}
		ok = len(k) == ed25519.PublicKeySize && ed25519.Verify(k, base, value)
	case *ecdsa.PublicKey:
		if alg != algECDSA256 || k.Curve != elliptic.P256() {
			return unfit(alg)
		}
		digest := sha256.Sum256(base)
		ok = len(value) == 64 &&
			ecdsa.Verify(k, digest[:], new(big.Int).SetBytes(value[:32]), new(big.Int).SetBytes(value[32:]))
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return unfit(alg)
		}
		switch alg {
		case algRSAPSS:
			digest := sha512.Sum512(base)
			ok = rsa.VerifyPSS(k, crypto.SHA512, digest[:], value, &rsa.PSSOptions{SaltLength: 64}) == nil
		case algRSAv15:
			digest := sha256.Sum256(base)
			ok = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], value) == nil
		default:
			return unfit(alg)
		}
	default:
		return unfit(alg)
	}
	if !ok {
		return errSignature
	}
	return nil
}

func unfit(alg string) error { return fmt.Errorf("algorithm %q does not fit the key", alg) }
