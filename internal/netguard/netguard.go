// Package netguard is the one way out: every outbound connection of the gateway is dialled here.
//
// Addresses that users can type in (webhooks, endpoints, forwarding targets) must not reach the inside of the
// operator's network. The guard looks at the address that is really dialled, after name resolution and at each
// attempt, so that a name which answers differently the second time gains nothing. It refuses everything that
// is not global unicast: loopback, private, link-local, unique local, shared (CGNAT), multicast, unspecified,
// documentation, benchmarking and reserved ranges, cloud metadata addresses, and IPv4 inside IPv6 (mapped,
// NAT64, 6to4, Teredo). The ranges are those of the IANA special-purpose address registries (RFC 6890).
//
// What an operator needs anyway, such as a mail relay next door, stands on the allow list.
//
// HTTP clients made here follow no redirect, ignore proxies of the environment, speak HTTP/1.1, do not
// decompress, and bound headers, bodies and time.
package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Codes of errors.
const (
	CodeRefused  = "netguard.refused"   // the address is not allowed
	CodeRedirect = "netguard.redirect"  // the peer answered with a redirect
	CodeTooLarge = "netguard.too_large" // the response body is over the limit
	CodePolicy   = "netguard.policy"    // the allow list is not well formed
)

// Error is a refusal. Its message is safe to show: it holds only what the caller asked for.
type Error struct {
	Code    string
	Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Safe returns the message without the code.
func (e *Error) Safe() string { return e.Message }

// Refused reports whether err is a refusal of the guard to dial.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == CodeRefused
}

// DialFunc is how a connection is made: the shape of [net.Dialer.DialContext] and [Guard.DialContext].
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Policy says what the guard lets through.
type Policy struct {
	// Allow lists exceptions: "10.1.2.0/24" or "10.1.2.3" (any port), "10.1.2.3:25", "[fd00::1]:25", or
	// "relay.lan:25" (whatever that name resolves to).
	Allow []string
	// DialTimeout bounds one connection attempt with its name resolution; 10 seconds when zero.
	DialTimeout time.Duration
}

// Guard dials. It is safe for concurrent use and never changes.
type Guard struct {
	prefixes []netip.Prefix
	addrs    []netip.AddrPort
	names    map[string]bool // "host:port", lower case
	timeout  time.Duration
}

// New makes a guard; a malformed allow list is an [*Error].
func New(p Policy) (*Guard, error) {
	g := &Guard{names: map[string]bool{}, timeout: p.DialTimeout}
	if g.timeout <= 0 {
		g.timeout = 10 * time.Second
	}
	for _, entry := range p.Allow {
		if err := g.allow(strings.TrimSpace(entry)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Guard) allow(entry string) error {
	bad := &Error{CodePolicy, fmt.Sprintf("allow list entry %q is neither an address, a network nor host:port", entry)}
	if p, err := netip.ParsePrefix(entry); err == nil {
		if p.Addr().Is4In6() {
			return bad
		}
		g.prefixes = append(g.prefixes, p.Masked())
		return nil
	}
	if a, err := netip.ParseAddr(entry); err == nil {
		a = a.Unmap()
		g.prefixes = append(g.prefixes, netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	if ap, err := netip.ParseAddrPort(entry); err == nil && ap.Port() != 0 {
		g.addrs = append(g.addrs, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
		return nil
	}
	host, port, err := net.SplitHostPort(entry)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || n == 0 || host == "" || strings.ContainsAny(host, " /*@:") {
		return bad
	}
	g.names[nameKey(host, port)] = true
	return nil
}

func nameKey(host, port string) string {
	return strings.ToLower(strings.TrimSuffix(host, ".")) + ":" + port
}

// DialContext connects to address when the policy lets it. A refusal is an [*Error] with [CodeRefused],
// wrapped by the net package's own error.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &Error{CodeRefused, fmt.Sprintf("network %q is not allowed", network)}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &Error{CodeRefused, fmt.Sprintf("%q is no host:port", address)}
	}
	named := g.names[nameKey(host, port)]
	// The net package turns a mapped literal into plain IPv4 before the hook sees it.
	if a, err := netip.ParseAddr(host); err == nil && a.Is4In6() && !named && !g.listed(a.Unmap(), port) {
		return nil, &Error{CodeRefused, fmt.Sprintf("address %s is not allowed (IPv4-mapped)", host)}
	}
	d := net.Dialer{Timeout: g.timeout}
	if !named {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return g.Check(resolved)
		}
	}
	return d.DialContext(ctx, network, address)
}

// Check tells whether the resolved address "ip:port" may be dialled.
func (g *Guard) Check(resolved string) error {
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return &Error{CodeRefused, fmt.Sprintf("%q is no resolved address", resolved)}
	}
	addr := ap.Addr()
	if g.listed(addr.Unmap(), strconv.Itoa(int(ap.Port()))) {
		return nil
	}
	if why := special(addr); why != "" {
		return &Error{CodeRefused, fmt.Sprintf("address %s is not allowed (%s)", addr, why)}
	}
	return nil
}

// Listed reports whether host and port stand on the allow list as they are: by
// that name, or as an address that an entry covers. What a name resolves to is not
// looked at.
func (g *Guard) Listed(host, port string) bool {
	if g.names[nameKey(host, port)] {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && g.listed(a.Unmap(), port)
}

func (g *Guard) listed(a netip.Addr, port string) bool {
	for _, p := range g.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	for _, ap := range g.addrs {
		if ap.Addr() == a && strconv.Itoa(int(ap.Port())) == port {
			return true
		}
	}
	return false
}
