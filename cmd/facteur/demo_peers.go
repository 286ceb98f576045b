package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// demoPeers are the other machines of a demonstration, on loopback: the TLS side
// of the gateway, an AP endpoint, one that comes up late, and a mail server.
type demoPeers struct {
	caFile  string
	cert    tls.Certificate
	gateway net.Listener
	ap      net.Listener
	late    *net.TCPAddr
	mail    net.Listener

	token   string // that AP endpoints ask for
	servers []io.Closer
	mails   atomic.Int64
}

// lateness is how long the late endpoint stays dead.
const lateness = 4 * time.Second

func startDemoPeers(ctx context.Context, dir string, now func() time.Time) (*demoPeers, error) {
	p := &demoPeers{}
	var err error
	if p.cert, err = loopbackCertificate(now()); err != nil {
		return nil, err
	}
	p.caFile = filepath.Join(dir, "loopback.pem")
	if err := os.WriteFile(p.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Certificate[0]}), 0o600); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	for _, l := range []*net.Listener{&p.gateway, &p.ap, &p.mail} {
		if *l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	reserved, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.late = reserved.Addr().(*net.TCPAddr)
	if err := reserved.Close(); err != nil { // nobody answers there for a while
		return nil, err
	}
	p.serveAP(p.ap)
	go p.comeUp(ctx)
	p.serveMail()
	return p, nil
}

// addresses are those that the gateway may dial.
func (p *demoPeers) addresses() []string {
	return []string{p.gateway.Addr().String(), p.ap.Addr().String(), p.late.String(), p.mail.Addr().String()}
}

func (p *demoPeers) mailPort() string {
	_, port, err := net.SplitHostPort(p.mail.Addr().String())
	if err != nil {
		panic("demo: " + err.Error()) // the address of a listener
	}
	return port
}

// serveGateway answers other gateways over TLS until ctx ends.
func (p *demoPeers) serveGateway(ctx context.Context, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(stop)
	}()
	err := server.Serve(tls.NewListener(p.gateway, p.tls()))
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func (p *demoPeers) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.cert}, MinVersion: tls.VersionTLS12}
}

// credentials writes the tokens that the customers' routes name.
func (p *demoPeers) credentials(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p.token = rand.Text()
	for _, name := range []string{"gouden-leeuw", "phenix"} {
		if err := os.WriteFile(filepath.Join(dir, name+".token"), []byte(p.token), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serveAP takes invoices as an AP system does: 202, and no more said.
func (p *demoPeers) serveAP(l net.Listener) {
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+p.token {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 20<<20)); err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	p.servers = append(p.servers, server)
	go func() { _ = server.Serve(tls.NewListener(l, p.tls())) }() // ends with Close
}

// comeUp starts the late endpoint.
func (p *demoPeers) comeUp(ctx context.Context) {
	timer := time.NewTimer(lateness)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.late.String())
	if err != nil {
		return // the port was taken meanwhile: the endpoint stays dead, and the demonstration says so
	}
	go func() {
		<-ctx.Done()
		_ = l.Close()
	}()
	p.serveAP(l)
}

// serveMail takes mail and keeps the number of messages.
func (p *demoPeers) serveMail() {
	server := smtp.NewServer(p)
	server.Domain, server.EnableDSN, server.EnableSMTPUTF8 = "localhost", true, true
	server.ReadTimeout, server.WriteTimeout, server.MaxMessageBytes = 30*time.Second, 30*time.Second, 30<<20
	p.servers = append(p.servers, server)
	go func() { _ = server.Serve(p.mail) }() // ends with Close
}

// NewSession implements smtp.Backend.
func (p *demoPeers) NewSession(*smtp.Conn) (smtp.Session, error) { return demoMail{p}, nil }

// demoMail is one mail conversation.
type demoMail struct{ peers *demoPeers }

// Mail implements smtp.Session.
func (demoMail) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session.
func (demoMail) Rcpt(string, *smtp.RcptOptions) error { return nil }

// Data implements smtp.Session.
func (m demoMail) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	m.peers.mails.Add(1)
	return err
}

// Reset implements smtp.Session.
func (demoMail) Reset() {}

// Logout implements smtp.Session.
func (demoMail) Logout() error { return nil }

// Close stops the servers.
func (p *demoPeers) Close() error {
	for _, s := range p.servers {
		_ = s.Close()
	}
	for _, l := range []net.Listener{p.gateway, p.ap, p.mail} {
		if l != nil {
			_ = l.Close()
		}
	}
	return nil
}

// loopbackCertificate makes a certificate for 127.0.0.1 that is its own authority.
func loopbackCertificate(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Facteur demonstration"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 7), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
