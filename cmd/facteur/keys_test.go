package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"facteur.dev/facteur/internal/access"
)

func TestKeysAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var wait sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wait.Go(func() {
			signing, err := signingKey(filepath.Join(dir, "gateway.pem"))
			if err != nil {
				t.Error(err)
			}
			session, err := sessionKey(filepath.Join(dir, "session.key"))
			if err != nil || len(session) != access.MinKey {
				t.Errorf("%d bytes, %v", len(session), err)
			}
			keys[i] = string(signing) + string(session)
		})
	}
	wait.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Fatal("two starts ended with different keys")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestUnusableKeys(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":      nil,
		"no PEM":     []byte("hello"),
		"no PKCS#8":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
		"certficate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"ECDSA":      pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"huge":       bytes.Repeat([]byte("x"), maxKeyFile+1),
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for option, read := range map[string]func() error{
			"gateway.signing_key": func() error { _, err := signingKey(path); return err },
			"http.session_key":    func() error { _, err := sessionKey(path); return err },
		} {
			err := read()
			var exit *exitError
			if !errors.As(err, &exit) || exit.Status != statusEnvironment || !strings.Contains(exit.Message, option) {
				t.Errorf("%s, %s: %v", option, name, err)
			}
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}
