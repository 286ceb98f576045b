package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// workshop is where the binaries and the certificate of this run are.
var workshop string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("not run: the end-to-end tests, because of -short")
		return
	}
	dir, err := os.MkdirTemp("", "facteur-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workshop = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// The binary as it is released, and the one that can be killed at its fault points.
var (
	released = sync.OnceValues(func() (string, error) { return build("facteur") })
	faulty   = sync.OnceValues(func() (string, error) { return build("facteur-faults", "-tags", "faults") })
)

func build(name string, flags ...string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	out := filepath.Join(workshop, name)
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", out, "./cmd/facteur")...)
	cmd.Dir = root
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, said)
	}
	return out, nil
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// repository gives a path in the repository.
func repository(t testing.TB, elem ...string) string {
	t.Helper()
	root, err := moduleRoot()
	return filepath.Join(append([]string{must(t, root, err)}, elem...)...)
}

// leaveOut skips a test for want of something, where that is allowed.
func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why + ", and CI=true allows no test to be left out")
	}
	t.Skip("not run: " + why)
}

// packs is the folder of the official rule packs.
func packs(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FACTEUR_PACKS")
	if dir == "" {
		dir = repository(t, ".facteur", "packs")
	}
	if _, err := os.Stat(dir); err != nil {
		leaveOut(t, "the rule packs are missing; run make packs")
	}
	dir, err := filepath.Abs(dir)
	return must(t, dir, err)
}

// freeAddress asks the system for a free port of loopback.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// loopback is a certificate for 127.0.0.1 that is its own authority.
type loopback struct {
	certFile, keyFile string
	pool              *x509.CertPool
}

var tlsOfLoopback = sync.OnceValues(func() (loopback, error) {
	l := loopback{filepath.Join(workshop, "tls.crt"), filepath.Join(workshop, "tls.key"), x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return l, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return l, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return l, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	l.pool.AppendCertsFromPEM(certificate)
	return l, errors.Join(
		os.WriteFile(l.certFile, certificate, 0o600),
		os.WriteFile(l.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600),
	)
})
