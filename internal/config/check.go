package config

import (
	"net"
	"net/mail"
	"net/netip"
	"strings"
)

// check looks at options that depend on each other and fills those that
// derive from others.
func (c *Config) check() []Problem {
	var problems []Problem
	refuse := func(code, key, text string) {
		problems = append(problems, Problem{Code: code, Key: key, Text: text})
	}
	if (c.HTTP.TLSCert == "") != (c.HTTP.TLSKey == "") {
		refuse("config.missing", "http.tls_cert", "http.tls_cert and http.tls_key go together")
	}
	if c.Seal.Password.IsSet() && c.Seal.PKCS12 == "" {
		refuse("config.missing", "seal.pkcs12", "seal.password is set, but there is no file that it opens")
	}
	if c.Mail.Host != "" && c.Mail.From == "" {
		refuse("config.missing", "mail.from", "mail.host needs a sender")
	}
	if c.Mail.Password.IsSet() && c.Mail.User == "" {
		refuse("config.missing", "mail.user", "mail.password is set, but not whose it is")
	}
	if c.Mail.Password.IsSet() && (c.Mail.TLS == "none" || c.Mail.TLS == "opportunistic") && !isLoopback(c.Mail.Host) {
		refuse("config.conflict", "mail.tls", "a password is only sent over TLS: use starttls or implicit")
	}
	c.derive()
	return problems
}

func (c *Config) derive() {
	if c.HTTP.PublicURL == "" {
		scheme := "http://"
		if c.HTTP.TLSCert != "" {
			scheme = "https://"
		}
		c.HTTP.PublicURL = scheme + reachable(c.HTTP.Listen)
	}
	if c.Mail.EnvelopeDomain == "" && c.Mail.From != "" {
		if address, err := mail.ParseAddress(c.Mail.From); err == nil {
			_, c.Mail.EnvelopeDomain, _ = strings.Cut(address.Address, "@")
		}
	}
}

// reachable names the loopback address for a server that listens everywhere.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if address, err := netip.ParseAddr(host); host == "" || err == nil && address.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
