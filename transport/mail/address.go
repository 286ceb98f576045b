package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"facteur.dev/facteur/transport"
)

// address is a mailbox: local part as given, domain as A-labels.
type address struct{ local, domain string }

// parseAddress reads a bare address (RFC 5321 Mailbox with a dot-string, RFC 6531 for other scripts). Quoted
// local parts, address literals, comments and display names are refused.
func parseAddress(what, s string) (address, error) {
	bad := transport.Fault(transport.CodeEndpoint, "the %s %q is not an e-mail address", what, transport.Safe(s))
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return address{}, bad
	}
	a := address{local: s[:at]}
	if !dotString(a.local) || len(a.local) > 64 {
		return address{}, bad
	}
	domain, err := idna.Lookup.ToASCII(s[at+1:])
	if err != nil || !domainName(domain) {
		return address{}, bad
	}
	a.domain = domain
	return a, nil
}

func (a address) String() string { return a.local + "@" + a.domain }

// utf8 tells that the address needs SMTPUTF8.
func (a address) utf8() bool {
	for i := range len(a.local) {
		if a.local[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// dotString is Dot-string of RFC 5321 with the letters of RFC 6531.
func dotString(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !atext(r) }) {
			return false
		}
	}
	return true
}

func atext(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r >= utf8.RuneSelf:
		return unicode.IsGraphic(r) && !unicode.IsSpace(r)
	}
	return r > ' ' && strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// domainName is a name of letters, digits and hyphens.
func domainName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// MessageID is the Message-ID field of a message id: the id itself where it already has a domain, else one under
// the given domain. The same id always gives the same field.
func MessageID(id, domain string) string {
	if left, right, ok := strings.Cut(id, "@"); ok && ascii(left) && dotString(left) && domainName(right) {
		return "<" + id + ">"
	}
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		if c == '@' || c == ':' || (c == '.' && (i == 0 || i == len(id)-1 || id[i-1] == '.')) {
			b.WriteString("=" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&15]))
			continue
		}
		b.WriteByte(c)
	}
	return "<" + b.String() + "@" + domain + ">"
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
