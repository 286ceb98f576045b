package main

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/signature"
	"facteur.dev/facteur/transport"
)

// keyring holds the keys of a process.
type keyring struct {
	signing transport.Signer // requests and receipts
	log     *evidence.Signer // the audit log
	former  []evidence.Verifier
	seal    signature.Identity
	links   gateway.LinkKey
	bounces []byte
}

// loadKeys reads the process's keys, making those that are missing.
func loadKeys(cfg *config.Config, now func() time.Time, log *slog.Logger) (keyring, *access.Authority, error) {
	var k keyring
	key, err := signingKey(cfg.Gateway.SigningKey)
	if err != nil {
		return k, nil, err
	}
	// Peers and audit logs know the key by this name: it must not change with the
	// address of the gateway.
	fingerprint := sha256.Sum256(key.Public().(ed25519.PublicKey))
	name := fmt.Sprintf("facteur-%x", fingerprint[:6])
	k.signing = transport.NewSigner(name, key)
	if k.log, err = evidence.NewSigner(name, key); err != nil {
		return k, nil, err
	}
	for _, former := range cfg.Gateway.FormerKeys {
		verifier, err := evidence.ParseVerifier(former)
		if err != nil {
			return k, nil, environmentError("gateway.former_keys", err, "give each as audit_key of GET /identity showed it")
		}
		if former != k.log.Verifier().String() { // one key is known once
			k.former = append(k.former, verifier)
		}
	}
	if k.seal, err = sealKey(cfg, now(), log); err != nil {
		return k, nil, err
	}
	session, err := sessionKey(cfg.HTTP.SessionKey)
	if err != nil {
		return k, nil, err
	}
	derive := func(use string) ([]byte, error) { return hkdf.Key(sha256.New, session, nil, "facteur "+use, 32) }
	links, err := derive("portal links")
	if err != nil {
		return k, nil, err
	}
	copy(k.links[:], links)
	if k.bounces, err = derive("bounce addresses"); err != nil {
		return k, nil, err
	}
	authority, err := access.NewAuthority(session, now, rand.Reader)
	return k, authority, err
}

// sealer seals documents with the process's key.
type sealer struct {
	identity signature.Identity
	clock    gateway.Clock
}

// Seal implements outbound.Sealer.
func (s sealer) Seal(_ context.Context, _ gateway.TenantID, name, mediaType string, content []byte) ([]byte, error) {
	return signature.Seal(s.identity, signature.SealOptions{Name: name, MimeType: mediaType, SigningTime: s.clock.Now(), Rand: rand.Reader}, content)
}

// sealKey reads the key that seals documents. Without one in the configuration a
// test key is made: its seals can be checked, but vouch for nobody.
func sealKey(cfg *config.Config, now time.Time, log *slog.Logger) (signature.Identity, error) {
	if cfg.Seal.PKCS12 != "" {
		data, err := os.ReadFile(cfg.Seal.PKCS12)
		if err != nil {
			return signature.Identity{}, environmentError("seal.pkcs12", err, "name a PKCS#12 file")
		}
		id, err := signature.LoadPKCS12(data, cfg.Seal.Password.Reveal())
		if err != nil {
			return signature.Identity{}, environmentError("seal.pkcs12", err, "check the file and seal.password")
		}
		return id, nil
	}
	const password = "facteur-test" // the key vouches for nobody, and the file is readable to its owner alone
	data, err := readOrMake(filepath.Join(cfg.DataDir, "keys", "seal-test.p12"), func() ([]byte, error) {
		id, _, err := signature.NewTestIdentity(rand.Reader, "Facteur test seal", now.Add(-time.Hour), now.AddDate(10, 0, 0))
		if err != nil {
			return nil, err
		}
		return id.PKCS12(password)
	})
	if err != nil {
		return signature.Identity{}, environmentError("seal.pkcs12", err, "check the data folder")
	}
	log.Warn("no seal.pkcs12 is configured: documents are sealed with a test key")
	return signature.LoadPKCS12(data, password)
}
