package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
)

// credentials finds the secrets that a tenant's routes name as files of the
// tenant's own folder: a bearer token in NAME.token, a client certificate in
// NAME.crt and NAME.key (PEM). A tenant writes the routes, and so chooses where a
// secret is sent: it must not be able to name another tenant's.
type credentials struct{ dir string }

func credentialsOf(dir string, tenant gateway.TenantID) credentials {
	return credentials{filepath.Join(dir, string(tenant))}
}

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
