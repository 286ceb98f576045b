package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"facteur.dev/facteur/transport"
)

// credentials finds the secrets that routes name as files of a folder: a bearer
// token in NAME.token, a client certificate in NAME.crt and NAME.key (PEM).
type credentials struct{ dir string }

var credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Bearer implements transport.Credentials.
func (c credentials) Bearer(_ context.Context, name string) (string, error) {
	if !credentialName.MatchString(name) {
		return "", transport.Fault(transport.CodeCredential, "%q names no credential", transport.Safe(name))
	}
	b, err := os.ReadFile(filepath.Join(c.dir, name+".token"))
	if err != nil {
		return "", transport.Fault(transport.CodeCredential, "the token %q cannot be read", name).Because(err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Certificate implements transport.Credentials.
func (c credentials) Certificate(_ context.Context, name string) (tls.Certificate, error) {
	if !credentialName.MatchString(name) {
		return tls.Certificate{}, transport.Fault(transport.CodeCredential, "%q names no credential", transport.Safe(name))
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(c.dir, name+".crt"), filepath.Join(c.dir, name+".key"))
	if err != nil {
		return tls.Certificate{}, transport.Fault(transport.CodeCredential, "the certificate %q cannot be used", name).Because(err)
	}
	return cert, nil
}
