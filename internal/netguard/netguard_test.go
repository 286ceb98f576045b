package netguard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func guard(t *testing.T, allow ...string) *Guard {
	t.Helper()
	g, err := New(Policy{Allow: allow, DialTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestCheckRefusesSpecialAddresses(t *testing.T) {
	g := guard(t)
	for addr, why := range map[string]string{
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified",
		"10.0.0.1": "private", "10.255.255.255": "private", "172.16.0.1": "private", "172.31.255.255": "private",
		"192.168.1.1": "private", "100.64.0.1": "shared", "100.127.255.255": "shared", "100.100.100.200": "shared",
		"127.0.0.1": "loopback", "127.255.0.1": "loopback",
		"169.254.169.254": "link-local", "168.63.129.16": "metadata", "192.0.0.192": "reserved",
		"192.0.2.1": "documentation", "198.51.100.7": "documentation", "203.0.113.7": "documentation",
		"198.18.0.1": "benchmarking", "198.19.255.255": "benchmarking", "192.88.99.1": "6to4 relay",
		"224.0.0.1": "multicast", "239.1.1.1": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "reserved",
		"::": "unspecified", "::1": "loopback", "::ffff:127.0.0.1": "IPv4-mapped", "::ffff:8.8.8.8": "IPv4-mapped",
		"::127.0.0.1": "not global unicast", "64:ff9b::7f00:1": "NAT64", "64:ff9b::808:808": "NAT64",
		"64:ff9b:1::a00:1": "NAT64", "100::1": "not global unicast", "2001::1": "Teredo", "2001:10::1": "reserved",
		"2001:db8::1": "documentation", "2002:7f00:1::1": "6to4", "3fff::1": "documentation",
		"5f00::1": "not global unicast", "4000::1": "not global unicast",
		"fc00::1": "unique local", "fd00:ec2::254": "unique local",
		"fe80::1": "link-local", "fe80::1%eth0": "link-local", "fec0::1": "not global unicast", "ff02::1": "multicast",
	} {
		err := g.Check(net.JoinHostPort(addr, "443"))
		if code(err) != CodeRefused {
			t.Errorf("%s: got %v, want %s", addr, err, CodeRefused)
		} else if !strings.Contains(err.Error(), "("+why+")") {
			t.Errorf("%s: %v does not say %q", addr, err, why)
		}
	}
	for _, addr := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255",
		"128.0.0.1", "168.63.129.15", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.1.1", "198.17.1.1",
		"198.20.0.1", "223.255.255.255", "2001:200::1", "2606:4700::1111", "2a00:1450::1", "2003::1",
	} {
		if err := g.Check(net.JoinHostPort(addr, "443")); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, bad := range []string{"", "nonsense", "1.2.3.4", "example.org:80", "1.2.3.4:99999"} {
		if code(g.Check(bad)) != CodeRefused {
			t.Errorf("%q was not refused", bad)
		}
	}
}

// What the guard lets through is always global unicast by the standard library's own reckoning.
func TestAllowedIsGlobalUnicast(t *testing.T) {
	g := guard(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "addr"))
		if g.Check(netip.AddrPortFrom(a, 443).String()) == nil && (!a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6()) {
			t.Fatalf("%s passed", a)
		}
	})
}

func TestAllowList(t *testing.T) {
	g := guard(t, "10.1.0.0/16", " 192.168.7.7 ", "10.2.0.1:25", "[fd00::1]:25", "fd01::/64", "64:ff9b::/96")
	for addr, ok := range map[string]bool{
		"10.1.200.3:9": true, "10.2.0.1:25": true, "10.2.0.1:26": false, "10.3.0.1:25": false,
		"192.168.7.7:1": true, "192.168.7.8:1": false, "[fd00::1]:25": true, "[fd00::1]:26": false,
		"[fd01::9]:1": true, "[fd02::9]:1": false, "[64:ff9b::1]:443": true, "[::ffff:10.1.0.1]:80": true,
	} {
		if err := g.Check(addr); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, bad := range []string{
		"", "10.0.0.0/33", "relay", "relay:", "relay:0", "relay:99999", ":25", "a b:25", "*:25",
		"::ffff:10.0.0.0/104", "10.0.0.1:0", "http://relay:25",
	} {
		if _, err := New(Policy{Allow: []string{bad}}); code(err) != CodePolicy {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, c := range []struct {
		name, network, address string
		allow                  []string
		refused                bool
	}{
		{"loopback", "tcp", "127.0.0.1:" + port, nil, true},
		{"name that resolves to loopback", "tcp", "localhost:" + port, nil, true},
		{"mapped", "tcp", "[::ffff:127.0.0.1]:" + port, nil, true},
		{"public mapped", "tcp", "[::ffff:8.8.8.8]:" + port, nil, true},
		{"network", "unix", "/tmp/socket", nil, true},
		{"udp", "udp", "127.0.0.1:" + port, []string{"127.0.0.0/8"}, true},
		{"no port", "tcp", "127.0.0.1", []string{"127.0.0.0/8"}, true},
		{"allowed network", "tcp", "127.0.0.1:" + port, []string{"127.0.0.0/8"}, false},
		{"allowed network, by name", "tcp4", "localhost:" + port, []string{"127.0.0.0/8"}, false},
		{"allowed mapped", "tcp", "[::ffff:127.0.0.1]:" + port, []string{"127.0.0.1"}, false},
		{"allowed name", "tcp4", "LOCALHOST:" + port, []string{"localhost:" + port}, false},
		{"another name's port", "tcp4", "localhost:" + port, []string{"localhost:1"}, true},
	} {
		conn, err := guard(t, c.allow...).DialContext(t.Context(), c.network, c.address)
		if conn != nil {
			conn.Close()
		}
		if c.refused != Refused(err) || (!c.refused && err != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestDialStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := guard(t, "127.0.0.0/8").DialContext(ctx, "tcp", "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, []byte, error) {
	t.Helper()
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return resp, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestHTTPClient(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.Header.Get("Accept-Encoding")) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 80<<10)) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	srv := httptest.NewUnstartedServer(mux)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig
	// A proxy of the environment must not be used: this one would fail.
	t.Setenv("HTTPS_PROXY", "http://192.0.2.1:1")
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")

	g := guard(t, "127.0.0.0/8")
	if _, body, err := get(t, g.HTTPClient(roots, 0), srv.URL+"/ok"); err != nil || string(body) != "HTTP/1.1" {
		t.Errorf("ok: %q %v", body, err)
	}
	if _, _, err := get(t, guard(t).HTTPClient(roots, 0), srv.URL+"/ok"); !Refused(err) {
		t.Errorf("loopback: %v", err)
	}
	if _, _, err := get(t, g.HTTPClient(nil, 0), srv.URL+"/ok"); err == nil {
		t.Error("an unknown certificate was taken")
	}
	resp, _, err := get(t, g.HTTPClient(roots, 0), srv.URL+"/redirect")
	if code(err) != CodeRedirect || resp == nil || resp.StatusCode != http.StatusFound {
		t.Errorf("redirect: %v %v", resp, err)
	}
	if _, _, err := get(t, g.HTTPClient(roots, 0), srv.URL+"/header"); err == nil {
		t.Error("a giant header was taken")
	}
	start := time.Now()
	if _, _, err := get(t, g.HTTPClient(roots, 50*time.Millisecond), srv.URL+"/slow"); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("slow: %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)-1))
	}))
	defer srv.Close()
	g := guard(t, "127.0.0.0/8")
	for n, want := range map[int]string{0: "", 9: "", 10: "", 11: CodeTooLarge, 1000: CodeTooLarge} {
		c := NewClient(g.DialContext, nil, Limits{BodyBytes: 10})
		_, body, err := get(t, c, srv.URL+"/"+strings.Repeat("a", n))
		if code(err) != want || len(body) != min(n, 10) {
			t.Errorf("%d bytes: got %d, %v", n, len(body), err)
		}
	}
}

func Example() {
	g, err := New(Policy{Allow: []string{"relay.lan:25"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(g.Check("169.254.169.254:80"))
	// Output: netguard.refused: address 169.254.169.254 is not allowed (link-local)
}

// A name or address is listed as it stands, never by what it resolves to.
func TestListed(t *testing.T) {
	g, err := New(Policy{Allow: []string{"10.1.2.0/24", "10.9.9.9:25", "relay.lan:25", "::1"}})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"10.1.2.3:80": true, "10.9.9.9:25": true, "10.9.9.9:80": false, "RELAY.lan.:25": true, "relay.lan:80": false,
		"[::1]:80": true, "[::ffff:10.1.2.3]:80": true, "192.0.2.1:80": false, "localhost:80": false, "example.com:80": false,
	} {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Listed(host, port); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
