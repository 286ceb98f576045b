package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// heard is one message that a listener got.
type heard struct {
	at     time.Time
	header http.Header
	body   string
	status int // answered
}

func (h heard) json(t testing.TB) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(h.body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// listener is the address of someone else: a webhook, an AP system.
type listener struct {
	*httptest.Server
	mu   sync.Mutex
	all  []heard
	from func(n int, h heard) int // gives the status of the n-th message, from 1
}

// listen starts a listener; answer gives the status for the n-th message.
func listen(t testing.TB, answer func(n int, h heard) int) *listener {
	t.Helper()
	l := newListener(t, answer)
	l.Start()
	return l
}

// listenTLS starts a listener with the certificate of loopback.
func listenTLS(t testing.TB, answer func(n int, h heard) int) *listener {
	t.Helper()
	l := newListener(t, answer)
	own, err := tlsOfLoopback()
	cert, certErr := tls.LoadX509KeyPair(own.certFile, own.keyFile)
	if err := errors.Join(err, certErr); err != nil {
		t.Fatal(err)
	}
	l.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	l.StartTLS()
	return l
}

func newListener(t testing.TB, answer func(n int, h heard) int) *listener {
	t.Helper()
	l := &listener{from: answer}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		l.mu.Lock()
		h := heard{at: time.Now(), header: r.Header, body: string(body)}
		h.status = l.from(len(l.all)+1, h)
		l.all = append(l.all, h)
		l.mu.Unlock()
		w.WriteHeader(h.status)
	}))
	t.Cleanup(l.Close)
	return l
}

// takes answers 204 to everything.
func takes(int, heard) int { return http.StatusNoContent }

func (l *listener) messages() []heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]heard(nil), l.all...)
}

// taken are the messages that were answered with success.
func (l *listener) taken() []heard {
	var out []heard
	for _, h := range l.messages() {
		if h.status < 300 {
			out = append(out, h)
		}
	}
	return out
}

// signed checks a message's signature as a receiver does that knows no more than
// the text of Standard Webhooks 1.0.0.
func signed(h heard, secret string) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !strings.HasPrefix(secret, "whsec_") {
		return fmt.Errorf("the secret %q: %v", secret, err)
	}
	id, stamp := h.header.Get("webhook-id"), h.header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || math.Abs(h.at.Sub(time.Unix(seconds, 0)).Seconds()) > 300 {
		return fmt.Errorf("timestamp %q at %s", stamp, h.at)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, h.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for given := range strings.SplitSeq(h.header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(given), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("signature %q, expected %q", h.header.Get("webhook-signature"), want)
}

// tarpit is a peer that takes connections and says nothing.
type tarpit struct {
	address string
	calls   atomic.Int64
}

func newTarpit(t testing.TB) *tarpit {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &tarpit{address: l.Addr().String()}
	go func() {
		var open []net.Conn
		defer func() {
			for _, c := range open {
				_ = c.Close()
			}
		}()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
			p.calls.Add(1)
		}
	}()
	return p
}
