package https

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/transport"
)

func TestAP(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "/invoices/7")
		w.Header().Set("Set-Cookie", "session=secret")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":7}`)
	}))
	cfg := config(t, srv)
	cfg.Credentials = secrets{bearer: map[string]string{"customer-api": "t0k3n"}}
	s, err := NewAP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := message("01J-1@gw.example", "<Invoice/>")
	r, err := s.Send(t.Context(), m, transport.Endpoint{Address: srv.URL + "/in?key=secret", Bearer: "customer-api"})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, r, transport.Accepted, "")
	if r.Kind != transport.KindHTTP || r.EvidenceType != EvidenceExchange || r.PeerID != "127.0.0.1" || !strings.Contains(r.Detail, "201") {
		t.Errorf("receipt: %+v", r)
	}
	h := got.Header
	if got.Method != "POST" || got.URL.RequestURI() != "/in?key=secret" || string(body) != "<Invoice/>" || got.ContentLength != 10 ||
		h.Get("Content-Type") != "application/xml" || h.Get("Content-Digest") != contentDigest(m.SHA256) ||
		h.Get("Idempotency-Key") != m.ID || h.Get("Authorization") != "Bearer t0k3n" {
		t.Errorf("request: %v %v %q", got.URL, h, body)
	}
	var ev struct {
		Type     string
		Request  struct{ URL, MessageID, Digest string }
		Response response
		TLS      struct{ Server string }
	}
	if err := json.Unmarshal(r.Evidence, &ev); err != nil || ev.Type != EvidenceExchange || ev.Request.URL != srv.URL+"/in" ||
		ev.Response.Status != 201 || ev.Response.Fields["location"] != "/invoices/7" || string(ev.Response.Body) != `{"id":7}` || ev.TLS.Server != "127.0.0.1" {
		t.Errorf("evidence %v: %s", err, r.Evidence)
	}
	if strings.Contains(string(r.Evidence), "secret") || strings.Contains(string(r.Evidence), "t0k3n") {
		t.Errorf("the evidence holds a secret: %s", r.Evidence)
	}
}

func TestProblemDetailReachesTheReceipt(t *testing.T) {
	srv := tlsServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.WriteHeader(422)
		_, _ = io.WriteString(w, `{"title":"Not taken","detail":"order number\u0007 missing\r\n`+strings.Repeat("x", 1000)+`"}`)
	}))
	ap, _ := both(t, srv, nil, "<Invoice/>")
	wants(t, ap, transport.Rejected, "http.status_422")
	if !strings.Contains(ap.Detail, "Not taken: order number missing x") || len(ap.Detail) > 300 {
		t.Errorf("detail %q", ap.Detail)
	}
}

// secrets is a [transport.Credentials] in memory.
type secrets struct {
	bearer map[string]string
	certs  map[string]tls.Certificate
}

func (s secrets) Bearer(_ context.Context, name string) (string, error) {
	if v, ok := s.bearer[name]; ok {
		return v, nil
	}
	return "", errors.New("no such token: t0p-s3cr3t")
}

func (s secrets) Certificate(_ context.Context, name string) (tls.Certificate, error) {
	if v, ok := s.certs[name]; ok {
		return v, nil
	}
	return tls.Certificate{}, transport.Fault(transport.CodeCredential, "no certificate")
}

func TestMissingCredentials(t *testing.T) {
	srv := tlsServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the peer was contacted") }))
	for name, c := range map[string]struct {
		creds transport.Credentials
		to    transport.Endpoint
	}{
		"none configured":  {nil, transport.Endpoint{Bearer: "a"}},
		"unknown token":    {secrets{}, transport.Endpoint{Bearer: "a"}},
		"empty token":      {secrets{bearer: map[string]string{"a": ""}}, transport.Endpoint{Bearer: "a"}},
		"injected token":   {secrets{bearer: map[string]string{"a": "x\r\nX: y"}}, transport.Endpoint{Bearer: "a"}},
		"unknown identity": {secrets{}, transport.Endpoint{Identity: "a"}},
	} {
		cfg := config(t, srv)
		cfg.Credentials = c.creds
		s, err := NewAP(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.to.Address = srv.URL
		_, err = s.Send(t.Context(), message("1", "x"), c.to)
		var e *transport.Error
		if !errors.As(err, &e) || e.Code != transport.CodeCredential || strings.Contains(e.Safe(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMutualTLS(t *testing.T) {
	mine, pool := clientCertificate(t, "supplier")
	stranger, _ := clientCertificate(t, "stranger")
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Request-Id", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, Time: clock}
	srv.Config.ErrorLog = tlsServer(t, nil).Config.ErrorLog
	srv.StartTLS()
	t.Cleanup(srv.Close)
	cfg := config(t, srv)
	cfg.Credentials = secrets{certs: map[string]tls.Certificate{"mine": mine, "stranger": stranger}}
	s, err := NewAP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // whether the server's alert or its reset is seen first is a race; what it means is not
		r, err := s.Send(t.Context(), message("1", "x"), transport.Endpoint{Address: srv.URL, Identity: "stranger"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != transport.Temporary || (r.Code != CodeTLSIdentity && r.Code != CodeIncomplete) {
			t.Errorf("stranger: %+v", r)
		}
	}
	r, err := s.Send(t.Context(), message("1", "x"), transport.Endpoint{Address: srv.URL, Identity: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if wants(t, r, transport.Accepted, ""); !strings.Contains(string(r.Evidence), `"x-request-id":"supplier"`) {
		t.Errorf("the server saw another: %s", r.Evidence)
	}
}

func clientCertificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func ExampleAP() {
	s, err := NewAP(Config{Now: func() time.Time { return noon }}) // no Dial: nothing but public addresses
	if err != nil {
		panic(err)
	}
	r, err := s.Send(context.Background(), message("01J-1@gw.example", "<Invoice/>"), transport.Endpoint{
		Channel: transport.ChannelAP, Address: "https://127.0.0.1/invoices",
	})
	fmt.Println(r.Outcome, r.Code, err)
	// Output: rejected netguard.refused <nil>
}
