package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"facteur.dev/facteur/internal/access"
)

const maxKeyFile = 64 << 10

// signingKey reads the gateway's Ed25519 key (PEM, PKCS#8), which signs
// requests, receipts and the audit log. A missing file is made.
func signingKey(path string) (ed25519.PrivateKey, error) {
	data, err := readOrMake(path, func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	})
	if err != nil {
		return nil, keyError("gateway.signing_key", path, err)
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, keyError("gateway.signing_key", path, errors.New("expected one PEM block of type PRIVATE KEY"))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, keyError("gateway.signing_key", path, errors.New("not a PKCS#8 key"))
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, keyError("gateway.signing_key", path, fmt.Errorf("expected an Ed25519 key, found %T", parsed))
	}
	return key, nil
}

// sessionKey reads the key behind sessions and one-time codes, in hexadecimal.
// A missing file is made.
func sessionKey(path string) ([]byte, error) {
	data, err := readOrMake(path, func() ([]byte, error) {
		key := make([]byte, access.MinKey)
		_, err := rand.Read(key)
		return []byte(hex.EncodeToString(key) + "\n"), err
	})
	if err != nil {
		return nil, keyError("http.session_key", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) < access.MinKey {
		return nil, keyError("http.session_key", path, fmt.Errorf("expected at least %d bytes in hexadecimal", access.MinKey))
	}
	return key, nil
}

func keyError(option, path string, cause error) error {
	return environmentError("key.unusable", fmt.Errorf("%s: %s: %w", option, path, cause), "give another file or remove it to have one made")
}

// readOrMake reads a file, or makes it complete in one step so that of two
// processes that start at the same time both end with the same key.
func readOrMake(path string, content func() ([]byte, error)) ([]byte, error) {
	data, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = content(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := writeOnce(path, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKeyFile(path)
}

// writeOnce writes a file that must not exist yet; others see it whole or not at all.
func writeOnce(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxKeyFile {
		return nil, errors.New("too large for a key")
	}
	return os.ReadFile(path)
}
