package main_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// faultPoints are the steps at which the process is killed, each once.
var faultPoints = []string{
	"order.source_stored", "order.before_commit", "order.committed",
	"order.before_draft_commit", "order.drafted",
	"invoice.built", "invoice.checked", "invoice.sealed", "invoice.blobs_stored",
	"invoice.before_ready_commit", "invoice.ready_committed",
	"delivery.before_begin_commit", "delivery.begun", "delivery.before_send", "delivery.after_send",
	"delivery.before_record", "delivery.before_result_commit", "delivery.recorded",
	"inbound.stored", "inbound.before_commit", "inbound.committed",
	"inbound.judged", "inbound.before_check_commit", "inbound.forwarded",
	"log.before_commit", "log.sealed",
}

// TestKillNothingLostNothingDoubled submits 200 orders to the real binary, which
// is killed at each fault point on the way and started again. In the end there
// is exactly one invoice, one delivery and one receipt for each order, one
// document at the receiver, and no gap in the numbers.
func TestKillNothingLostNothingDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kill test not run with -short")
	}
	const orders = 200
	g := newKilledGateway(t)
	t.Cleanup(g.stop)
	perPoint := orders / len(faultPoints)
	next := 0
	for i, point := range faultPoints {
		n := perPoint
		if i == len(faultPoints)-1 {
			n = orders - next
		}
		g.start(t, point, 1+i%3)
		g.submit(t, next, n)
		next += n
		g.awaitDeath(t, point)
	}
	g.start(t, "", 0)
	g.awaitSettled(t, orders)
	g.check(t, orders)
}

// killedGateway is a gateway process with a supplier and a customer on it.
type killedGateway struct {
	binary, dir, url string
	supplier, client string // API keys
	env              []string
	http             *http.Client

	cmd    *exec.Cmd
	died   chan error
	log    *bytes.Buffer
	deaths int
}

// start runs the binary until it answers. point and count tell where it dies.
func (g *killedGateway) start(t *testing.T, point string, count int) {
	t.Helper()
	g.cmd = exec.Command(g.binary, "serve")
	g.log = &bytes.Buffer{}
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.Env = append(os.Environ(), g.env...)
	if point != "" {
		g.cmd.Env = append(g.cmd.Env, fmt.Sprintf("FACTEUR_KILL_AT=%s:%d", point, count))
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g.died = make(chan error, 1)
	go func(cmd *exec.Cmd, died chan error) { died <- cmd.Wait() }(g.cmd, g.died)
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := g.http.Get(g.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-g.died:
			g.died <- err
			if killed(err) {
				return // it died on work that an earlier life left behind
			}
			t.Fatalf("the gateway stopped by itself: %v\n%s", err, g.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("the gateway is not ready:\n%s", g.log)
}

func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == -1
}

// submit posts orders first … first+n-1 side by side, each again under the same
// key until it is answered or the process is dead; restarting is awaitDeath's.
func (g *killedGateway) submit(t *testing.T, first, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := first; i < first+n; i++ {
		wg.Go(func() { g.tryOrder(i) })
	}
	wg.Wait()
}

func (g *killedGateway) tryOrder(i int) (status int) {
	body := fmt.Sprintf(`{"number":"PO-%04d","external_id":"ext-%04d","issue_date":"2026-11-20","currency":"EUR","billing":"on_order",
		"buyer":{"account_number":"C-1"},"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"%d","price":{"net":"10.00"}}]}`, i, i, 1+i%7)
	for range 5 {
		resp, err := g.call(g.supplier, http.MethodPost, "/v1/orders", body, fmt.Sprintf("key-%d", i))
		if err != nil {
			if g.dead() {
				return 0
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		return resp
	}
	return 0
}

func (g *killedGateway) dead() bool {
	select {
	case err := <-g.died:
		g.died <- err
		return true
	default:
		return false
	}
}

// awaitDeath waits until the process has killed itself.
func (g *killedGateway) awaitDeath(t *testing.T, point string) {
	t.Helper()
	select {
	case err := <-g.died:
		if !killed(err) {
			t.Fatalf("at %s the gateway stopped with %v:\n%s", point, err, g.log)
		}
		g.deaths++
	case <-time.After(30 * time.Second):
		g.stop()
		t.Fatalf("the gateway never came to %s:\n%s", point, g.log)
	}
}

// awaitSettled submits again what may not have been taken, and waits until all is sent.
func (g *killedGateway) awaitSettled(t *testing.T, orders int) {
	t.Helper()
	for i := range orders {
		if status := g.tryOrder(i); status != http.StatusCreated {
			t.Fatalf("order %d: status %d\n%s", i, status, g.log)
		}
	}
	deadline := time.Now().Add(40 * time.Second)
	for {
		sent := len(g.list(t, g.supplier, "/v1/invoices?state=sent"))
		received := len(g.list(t, g.client, "/v1/inbox?state=available"))
		if sent == orders && received == orders {
			return
		}
		if time.Now().After(deadline) {
			for _, inv := range g.list(t, g.supplier, "/v1/invoices?state=draft&state=held&state=ready&state=rejected&state=cancelled") {
				t.Logf("not sent: %v", inv)
				deliveries, _ := g.items(t, g.supplier, "/v1/invoices/"+inv["id"].(string)+"/deliveries")
				t.Logf("its deliveries: %v", deliveries)
			}
			for _, o := range g.list(t, g.supplier, "/v1/orders") {
				if o["state"] != "invoiced" {
					t.Logf("not invoiced: %v", o)
				}
			}
			t.Fatalf("after all restarts %d of %d are sent and %d available\n%s", sent, orders, received, tail(g.log.String()))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func tail(s string) string {
	if len(s) > 4000 {
		return s[len(s)-4000:]
	}
	return s
}

// check counts what there is.
func (g *killedGateway) check(t *testing.T, orders int) {
	t.Helper()
	if g.deaths != len(faultPoints) {
		t.Errorf("killed %d times, expected %d", g.deaths, len(faultPoints))
	}
	byOrder, numbers, messages := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, inv := range g.list(t, g.supplier, "/v1/invoices") {
		byOrder[inv["external_id"].(string)]++
		numbers[inv["number"].(string)]++
		deliveries, _ := g.items(t, g.supplier, "/v1/invoices/"+inv["id"].(string)+"/deliveries")
		if len(deliveries) != 1 || deliveries[0]["state"] != "accepted" || deliveries[0]["receipt_sha256"] == nil {
			t.Errorf("invoice %s: deliveries %v", inv["number"], deliveries)
			continue
		}
		messages[deliveries[0]["message_id"].(string)] = true
	}
	if len(byOrder) != orders || len(numbers) != orders || len(messages) != orders {
		t.Errorf("%d orders invoiced, %d numbers, %d messages; expected %d of each", len(byOrder), len(numbers), len(messages), orders)
	}
	for what, counts := range map[string]map[string]int{"order": byOrder, "number": numbers} {
		for key, n := range counts {
			if n != 1 {
				t.Errorf("%s %s stands on %d invoices", what, key, n)
			}
		}
	}
	received := map[string]bool{}
	for _, in := range g.list(t, g.client, "/v1/inbox") {
		id := in["message_id"].(string)
		if received[id] || !messages[id] {
			t.Errorf("message %s was received twice or never sent", id)
		}
		received[id] = true
	}
	if len(received) != orders {
		t.Errorf("%d documents received, expected %d", len(received), orders)
	}
	series, _ := g.items(t, g.supplier, "/v1/number-series")
	if len(series) != 1 || series[0]["taken"] != float64(orders) || len(series[0]["gaps"].([]any)) != 0 {
		t.Errorf("number series: %v", series)
	}
}

// call makes one request and returns its status.
func (g *killedGateway) call(key, method, path, body, idempotency string) (int, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if idempotency != "" {
		req.Header.Set("Idempotency-Key", idempotency)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// list reads all pages of a list.
func (g *killedGateway) list(t *testing.T, key, path string) []map[string]any {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []map[string]any
	for after := ""; ; {
		items, next := g.items(t, key, path+sep+"limit=500&after="+after)
		if all = append(all, items...); next == "" {
			return all
		}
		after = next
	}
}

// items reads one page, or a list that has but one.
func (g *killedGateway) items(t *testing.T, key, path string) (items []map[string]any, next string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := g.http.Do(req)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(g.log.String()))
	}
	content, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %v %s", path, resp.StatusCode, err, content)
	}
	var page struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next"`
	}
	if err := json.Unmarshal(content, &page); err != nil {
		t.Fatal(err)
	}
	return page.Items, page.Next
}

func (g *killedGateway) stop() {
	if g.cmd != nil && g.cmd.Process != nil && !g.dead() {
		_ = g.cmd.Process.Kill()
		<-g.died
	}
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// freePort asks the system for a port of loopback.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// loopbackTLS makes a certificate for 127.0.0.1 and returns its files and pool.
func loopbackTLS(t testing.TB, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}

// newKilledGateway builds the binary with fault points and sets up its data:
// two tenants that are each other's peers, with their records.
func newKilledGateway(t *testing.T) *killedGateway {
	t.Helper()
	root, dir := moduleRoot(t), t.TempDir()
	binary := filepath.Join(dir, "facteur")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "faults", "-o", binary, "./cmd/facteur")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	certFile, keyFile, pool := loopbackTLS(t, dir)
	host := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	packs := os.Getenv("FACTEUR_PACKS")
	if packs == "" {
		packs = filepath.Join(root, ".facteur", "packs")
	}
	g := &killedGateway{
		binary: binary, dir: dir, url: "https://" + host,
		http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 32}},
		env: []string{
			"FACTEUR_DATA_DIR=" + filepath.Join(dir, "data"), "FACTEUR_PACKS_DIR=" + packs, "FACTEUR_LOG_LEVEL=warn",
			"FACTEUR_HTTP_LISTEN=" + host, "FACTEUR_HTTP_PUBLIC_URL=https://" + host,
			"FACTEUR_HTTP_TLS_CERT=" + certFile, "FACTEUR_HTTP_TLS_KEY=" + keyFile,
			"FACTEUR_OUTBOUND_ALLOW=" + host, "FACTEUR_OUTBOUND_CA_FILE=" + certFile,
			"FACTEUR_VALIDATION_RULES_DIR=" + filepath.Join(root, "validation", "schematron", "testdata", "rules"),
			"FACTEUR_JOBS_LEASE=1s", "FACTEUR_JOBS_SWEEP_INTERVAL=200ms",
		},
	}
	g.supplier, g.client = g.tenant(t, "supplier"), g.tenant(t, "customer")
	g.start(t, "", 0)
	g.records(t)
	g.stop()
	return g
}

// tenant creates a tenant with an API key for its administrator.
func (g *killedGateway) tenant(t *testing.T, name string) string {
	t.Helper()
	g.run(t, "tenant", "create", name, "--name", name, "--mode", "live")
	out := g.run(t, "key", "create", "--tenant", name, "--role", "admin", "--name", "test", "--format", "json")
	var key struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(out, &key); err != nil || key.Key == "" {
		t.Fatalf("no key in %s: %v", out, err)
	}
	return key.Key
}

func (g *killedGateway) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.binary, args...)
	cmd.Env = append(os.Environ(), g.env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("facteur %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out
}

// records gives the two tenants their records and makes them peers.
func (g *killedGateway) records(t *testing.T) {
	t.Helper()
	publicKey, keyID := g.identity(t)
	peer := func(participant, tenant string) string {
		b, err := json.Marshal(map[string]any{
			"name": tenant, "participants": []string{participant}, "url": g.url + "/in/" + tenant, "key_id": keyID, "public_key": publicKey,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const sellerID, buyerID = "iso6523-actorid-upis::0225:000123456", "iso6523-actorid-upis::0225:000234567"
	for _, r := range []struct{ key, path, body string }{
		{g.supplier, "/v1/legal-entities/seller", `{"name":"Vendeur SAS","vat_identifier":"FR40000123456","legal_registration":{"value":"000123456","scheme":"0002"},
			"electronic_address":{"value":"000123456","scheme":"0225"},"address":{"line1":"1 rue A","city":"Paris","post_code":"75001","country":"FR"},
			"accounts":[{"iban":"FR7630006000011234567890189"}],"terms":{"net_days":30},"invoice_numbers":"FA-{yyyy}-{n:5}"}`},
		{g.supplier, "/v1/customers/buyer", `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
			"address":{"line1":"2 rue B","city":"Lille","post_code":"59000","country":"FR"},
			"routes":[{"channel":"https.gateway","address":"` + g.url + `/in/customer","receiver":"` + buyerID + `"}]}`},
		{g.supplier, "/v1/items/sku-1", `{"seller_id":"SKU-1","name":"Vis","unit":"C62","vat":{"category":"S","rate":"20"}}`},
		{g.supplier, "/v1/peers/customer", peer(buyerID, "customer")},
		{g.client, "/v1/legal-entities/buyer", `{"name":"Acheteur SAS","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
			"address":{"line1":"2 rue B","city":"Lille","post_code":"59000","country":"FR"}}`},
		{g.client, "/v1/peers/supplier", peer(sellerID, "supplier")},
	} {
		if status, err := g.call(r.key, http.MethodPut, r.path, r.body, ""); err != nil || status != http.StatusCreated {
			t.Fatalf("PUT %s: %d %v\n%s", r.path, status, err, g.log)
		}
	}
}

// identity asks the gateway for the key it signs with.
func (g *killedGateway) identity(t *testing.T) (publicKey, keyID string) {
	t.Helper()
	resp, err := g.http.Get(g.url + "/identity")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var id struct {
		KeyID     string `json:"key_id"`
		PublicKey string `json:"public_key"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&id); err != nil || id.KeyID == "" {
		t.Fatalf("no identity: %v", err)
	}
	return id.PublicKey, id.KeyID
}
