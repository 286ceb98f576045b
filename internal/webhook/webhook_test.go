package webhook

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"facteur.dev/facteur/internal/netguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func secret(t testing.TB, s string) Secret {
	t.Helper()
	key, err := ParseSecret(s)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The vector of the specification's reference libraries (libraries/go/webhook_test.go, TestWebhookSign).
func TestVector(t *testing.T) {
	const id, body, want = "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	s := secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	at := time.Unix(1614265330, 0)
	h, err := Sign(id, at, []byte(body), s)
	if err != nil || h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-signature") != want {
		t.Fatalf("%v %v", h, err)
	}
	if err := Verify(h, []byte(body), at, s); err != nil {
		t.Error(err)
	}
}

func TestRotation(t *testing.T) {
	old, fresh, other := make32(t), make32(t), make32(t)
	h, err := Sign("m", noon, []byte("{}"), fresh, old)
	if err != nil || strings.Count(h.Get(HeaderSignature), "v1,") != 2 {
		t.Fatalf("%v %v", h, err)
	}
	for _, keys := range [][]Secret{{old}, {fresh}, {other, old}} {
		if err := Verify(h, []byte("{}"), noon, keys...); err != nil {
			t.Error(err)
		}
	}
	for _, keys := range [][]Secret{nil, {other}, {{}}} {
		if err := Verify(h, []byte("{}"), noon, keys...); !errors.Is(err, ErrVerify) {
			t.Errorf("verified with %v", keys)
		}
	}
}

func make32(t testing.TB) Secret {
	t.Helper()
	s, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerifyRefuses(t *testing.T) {
	s := make32(t)
	for name, change := range map[string]func(h http.Header){
		"no id":           func(h http.Header) { h.Del(HeaderID) },
		"no timestamp":    func(h http.Header) { h.Del(HeaderTimestamp) },
		"no signature":    func(h http.Header) { h.Del(HeaderSignature) },
		"id changed":      func(h http.Header) { h.Set(HeaderID, "n") },
		"time changed":    func(h http.Header) { h.Set(HeaderTimestamp, fmt.Sprint(noon.Unix()+1)) },
		"time no number":  func(h http.Header) { h.Set(HeaderTimestamp, "noon") },
		"other signature": func(h http.Header) { h.Set(HeaderSignature, "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=") },
		"other version":   func(h http.Header) { h.Set(HeaderSignature, "v2"+strings.TrimPrefix(h.Get(HeaderSignature), "v1")) },
		"no base64":       func(h http.Header) { h.Set(HeaderSignature, "v1,%%%") },
		"empty":           func(h http.Header) { h.Set(HeaderSignature, "v1,") },
	} {
		h, err := Sign("m", noon, []byte("{}"), s)
		if err != nil {
			t.Fatal(err)
		}
		change(h)
		if err := Verify(h, []byte("{}"), noon, s); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, _ := Sign("m", noon, []byte("{}"), s)
	for d, ok := range map[time.Duration]bool{Tolerance: true, -Tolerance: true, Tolerance + time.Second: false, -Tolerance - time.Second: false} {
		if err := Verify(h, []byte("{}"), noon.Add(d), s); (err == nil) != ok {
			t.Errorf("%s: %v", d, err)
		}
	}
	h.Set(HeaderSignature, "v1a,AAAA v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "+h.Get(HeaderSignature))
	if err := Verify(h, []byte("{}"), noon, s); err != nil {
		t.Errorf("a signature among others: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "signed"), rapid.SliceOf(rapid.Byte()).Draw(t, "got")
		h, err := Sign("m", noon, a, s)
		if err != nil || (Verify(h, b, noon, s) == nil) != bytes.Equal(a, b) {
			t.Fatalf("%x and %x: %v", a, b, err)
		}
	})
}

func TestSecrets(t *testing.T) {
	enc := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for s, ok := range map[string]bool{
		"whsec_" + enc(24): true, "whsec_" + enc(64): true, "whsec_" + enc(23): false, "whsec_" + enc(65): false,
		enc(32): false, "whsec_": false, "": false, "whsec_%%%": false, "whpk_" + enc(32): false,
	} {
		if _, err := ParseSecret(s); (err == nil) != ok || (err != nil && len(s) > 10 && strings.Contains(err.Error(), s[6:])) {
			t.Errorf("%s: %v", s, err)
		}
	}
	s := make32(t)
	if secret(t, s.Reveal()).Reveal() != s.Reveal() {
		t.Error("a secret does not survive being shown")
	}
	var buf bytes.Buffer
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("x", "secret", s, "list", []Secret{s})
	if all := buf.String() + fmt.Sprint(s) + fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(all, s.Reveal()[8:]) {
		t.Errorf("the secret shows in %s", all)
	}
	if _, err := NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret without randomness was made")
	}
	for _, id := range []string{"", "a.b", "a b", "a\r\nb", "é", strings.Repeat("a", 201)} {
		if _, err := Sign(id, noon, nil, s); err == nil {
			t.Errorf("id %q was signed", id)
		}
	}
	if _, err := Sign("m", noon, nil); err == nil {
		t.Error("signed without a secret")
	}
	if _, err := Sign("m", noon, nil, Secret{}); err == nil {
		t.Error("signed with an empty secret")
	}
}

func newSender(t *testing.T, srv *httptest.Server, change func(*Config)) *Sender {
	t.Helper()
	g, err := netguard.New(netguard.Policy{Allow: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Guard: g, Timeout: 5 * time.Second, Now: func() time.Time { return noon }, RootCAs: x509.NewCertPool()}
	if srv != nil && srv.Certificate() != nil {
		cfg.RootCAs.AddCert(srv.Certificate())
	}
	if change != nil {
		change(&cfg)
	}
	s, err := NewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestPost(t *testing.T) {
	key := make32(t)
	var problems atomic.Value
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := Verify(r.Header, body, noon, key); err != nil || string(body) != `{"type":"invoice.sent"}` || r.Method != "POST" ||
			r.Header.Get("Content-Type") != "application/json" || r.URL.RequestURI() != "/hook?a=b" {
			problems.Store(fmt.Sprint(err, r))
		}
	})
	m := Message{URL: srv.URL + "/hook?a=b", ID: "whd_1", Body: []byte(`{"type":"invoice.sent"}`), Secrets: []Secret{make32(t), key}}
	for range 2 {
		r := newSender(t, srv, nil).Post(t.Context(), m)
		if r.Outcome != Delivered || r.Status != 200 || r.Code != "" || !r.At.Equal(noon) {
			t.Errorf("%+v", r)
		}
	}
	if p := problems.Load(); p != nil {
		t.Error(p)
	}
}

func TestAnswers(t *testing.T) {
	var status atomic.Int32
	var retry atomic.Value
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retry.Load().(string))
		w.Header().Set("Location", "https://169.254.169.254/")
		w.WriteHeader(int(status.Load()))
	})
	s := newSender(t, srv, nil)
	for _, c := range []struct {
		status int
		retry  string
		want   Outcome
		code   string
		after  time.Duration
	}{
		{200, "", Delivered, "", 0},
		{204, "9", Delivered, "", 0},
		{299, "", Delivered, "", 0},
		{410, "9", Gone, "webhook.status_410", 0},
		{301, "", Retry, CodeRedirect, 0},
		{307, "", Retry, CodeRedirect, 0},
		{304, "", Retry, CodeRedirect, 0},
		{400, "", Retry, "webhook.status_400", 0},
		{404, "", Retry, "webhook.status_404", 0},
		{500, "", Retry, "webhook.status_500", 0},
		{429, "60", Retry, "webhook.status_429", time.Minute},
		{503, "Fri, 20 Nov 2026 12:00:30 GMT", Retry, "webhook.status_503", 30 * time.Second},
		{503, "99999999", Retry, "webhook.status_503", 24 * time.Hour},
		{503, "soon", Retry, "webhook.status_503", 0},
	} {
		status.Store(int32(c.status))
		retry.Store(c.retry)
		r := s.Post(t.Context(), Message{URL: srv.URL, ID: "m", Body: []byte("{}"), Secrets: []Secret{make32(t)}})
		if r.Outcome != c.want || r.Status != c.status || r.Code != c.code || r.RetryAfter != c.after || r.Detail == "" {
			t.Errorf("%d %q: %+v", c.status, c.retry, r)
		}
	}
}

func TestFailures(t *testing.T) {
	var n atomic.Int32
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client leaves
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/lost":
			panic(http.ErrAbortHandler)
		}
	}))
	defer plain.Close()
	tlsServer := serve(t, func(http.ResponseWriter, *http.Request) {})
	closed, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plainOK := func(c *Config) { c.AllowHTTP = func(string, string) bool { return true } }
	for _, c := range []struct {
		name, url, code string
		change          func(*Config)
	}{
		{"loopback", plain.URL, CodeRefused, func(c *Config) { plainOK(c); c.Guard, _ = netguard.New(netguard.Policy{}) }},
		{"metadata", "http://169.254.169.254/latest/", CodeRefused, plainOK},
		{"closed", "http://" + closed.Addr().String(), CodeUnreachable, plainOK},
		{"slow", plain.URL + "/slow", CodeTimeout, func(c *Config) { plainOK(c); c.Timeout = 50 * time.Millisecond }},
		{"lost", plain.URL + "/lost", CodeUnreachable, plainOK},
		{"untrusted", tlsServer.URL, CodeTLS, nil},
		{"no TLS", plain.URL, CodeAddress, nil},
		{"no TLS to another port", plain.URL, CodeAddress, func(c *Config) { c.AllowHTTP = func(_, port string) bool { return port == "80" } }},
		{"user", "https://u:p@127.0.0.1/", CodeAddress, nil},
		{"scheme", "file:///etc/passwd", CodeAddress, plainOK},
		{"nothing", "", CodeAddress, nil},
		{"no URL", "https://%zz", CodeAddress, nil},
	} {
		r := newSender(t, nil, c.change).Post(t.Context(), Message{URL: c.url, ID: "m", Body: []byte("{}"), Secrets: []Secret{make32(t)}})
		if r.Outcome != Retry || r.Code != c.code || r.Status != 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	if n.Load() != 2 {
		t.Errorf("%d requests arrived", n.Load())
	}
	if r := newSender(t, nil, nil).Post(t.Context(), Message{URL: "https://127.0.0.1/", ID: "a.b", Secrets: []Secret{make32(t)}}); r.Code != CodeAddress {
		t.Errorf("%+v", r)
	}
	if _, err := NewSender(Config{}); err == nil {
		t.Error("a sender without a guard was made")
	}
}

func ExampleVerify() {
	s, _ := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	body := []byte(`{"type":"invoice.sent"}`)
	header, _ := Sign("whd_1", noon, body, s)
	fmt.Println(Verify(header, body, noon.Add(time.Minute), s))
	fmt.Println(Verify(header, body, noon.Add(time.Hour), s))
	// Output:
	// <nil>
	// webhook not verified: the timestamp is too old or too new
}
