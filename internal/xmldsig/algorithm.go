package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512" // for crypto.Hash
	"encoding/asn1"
	"io"
	"math/big"
)

// Digest algorithms.
const (
	SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

// Signature algorithms.
const (
	RSASHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" // PKCS #1 v1.5
	RSASHA384   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	RSASHA512   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	ECDSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	ECDSASHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
	ECDSASHA512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
)

// minRSA is the shortest RSA modulus that is accepted, in bits.
const minRSA = 2048

// Digest hashes data with one of the digest algorithms.
func Digest(algorithm string, data []byte) ([]byte, error) {
	var h crypto.Hash
	switch algorithm {
	case SHA256:
		h = crypto.SHA256
	case SHA384:
		h = crypto.SHA384
	case SHA512:
		h = crypto.SHA512
	default:
		return nil, failf(CodeUnsupported, "digest %q", algorithm)
	}
	return sum(h, data), nil
}

func sum(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

// signatureHash is the hash of a signature algorithm, and whether it is ECDSA.
func signatureHash(algorithm string) (h crypto.Hash, isECDSA bool, err error) {
	switch algorithm {
	case RSASHA256:
		return crypto.SHA256, false, nil
	case RSASHA384:
		return crypto.SHA384, false, nil
	case RSASHA512:
		return crypto.SHA512, false, nil
	case ECDSASHA256:
		return crypto.SHA256, true, nil
	case ECDSASHA384:
		return crypto.SHA384, true, nil
	case ECDSASHA512:
		return crypto.SHA512, true, nil
	}
	return 0, false, failf(CodeUnsupported, "signature algorithm %q", algorithm)
}

// AlgorithmFor is the signature algorithm that a key signs with: RSA of at
// least 2048 bits or ECDSA on P-256, both with SHA-256.
func AlgorithmFor(key crypto.PublicKey) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			return RSASHA256, nil
		}
		return "", failf(CodeUnsupported, "RSA key of %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ECDSASHA256, nil
		}
		return "", failf(CodeUnsupported, "ECDSA key on %s", k.Params().Name)
	}
	return "", failf(CodeUnsupported, "key of type %T", key)
}

// signBytes signs data. An ECDSA signature is the two numbers, each as long as the
// curve's order (XML Signature 1.1, 6.4.3), not ASN.1.
func signBytes(algorithm string, signer crypto.Signer, rand io.Reader, data []byte) ([]byte, error) {
	h, isECDSA, err := signatureHash(algorithm)
	if err != nil {
		return nil, err
	}
	value, err := signer.Sign(rand, sum(h, data), h)
	if err != nil || !isECDSA {
		return value, err
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(value, &rs); err != nil || len(rest) > 0 {
		return nil, failf(CodeUnsupported, "the key does not sign as ECDSA does")
	}
	n := orderBytes(signer.Public().(*ecdsa.PublicKey))
	out := make([]byte, 2*n)
	rs.R.FillBytes(out[:n])
	rs.S.FillBytes(out[n:])
	return out, nil
}

func orderBytes(k *ecdsa.PublicKey) int { return (k.Params().N.BitLen() + 7) / 8 }

// verifyBytes checks a signature value.
func verifyBytes(algorithm string, key crypto.PublicKey, data, value []byte) error {
	h, isECDSA, err := signatureHash(algorithm)
	if err != nil {
		return err
	}
	digest := sum(h, data)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if isECDSA {
			break
		}
		if k.N.BitLen() < minRSA {
			return failf(CodeUnsupported, "RSA key of %d bits", k.N.BitLen())
		}
		if err := rsa.VerifyPKCS1v15(k, h, digest, value); err != nil {
			return &Error{Code: CodeValue, Message: "the signature value does not fit the key and what was signed", Err: err}
		}
		return nil
	case *ecdsa.PublicKey:
		if !isECDSA {
			break
		}
		n := orderBytes(k)
		if len(value) != 2*n {
			return failf(CodeValue, "signature value of %d bytes for a key of %d", len(value), n)
		}
		r, s := new(big.Int).SetBytes(value[:n]), new(big.Int).SetBytes(value[n:])
		if !ecdsa.Verify(k, digest, r, s) {
			return failf(CodeValue, "the signature value does not fit the key and what was signed")
		}
		return nil
	default:
		return failf(CodeUnsupported, "key of type %T", key)
	}
	return failf(CodeValue, "the key is of another kind than the signature algorithm")
}
