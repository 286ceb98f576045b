package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is the real binary with a data folder of its own, and one supplier in
// test mode: its invoices go the whole way, and end in the sink.
type served struct {
	binary, url, key string
	env              []string
	http             *http.Client
	cmd              *exec.Cmd
	log              bytes.Buffer
}

func newServed(b *testing.B) *served {
	b.Helper()
	root, dir := moduleRoot(b), b.TempDir()
	packs := os.Getenv("FACTEUR_PACKS")
	if packs == "" {
		packs = filepath.Join(root, ".facteur", "packs")
	}
	if _, err := os.Stat(packs); err != nil {
		b.Skip("not run: the rule packs are missing; run make packs")
	}
	packs, err := filepath.Abs(packs)
	if err != nil {
		b.Fatal(err)
	}
	host := fmt.Sprintf("127.0.0.1:%d", freePort(b))
	s := &served{
		binary: filepath.Join(dir, "facteur"), url: "http://" + host,
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		env: append(os.Environ(), "FACTEUR_DATA_DIR="+filepath.Join(dir, "data"), "FACTEUR_PACKS_DIR="+packs,
			"FACTEUR_LOG_LEVEL=warn", "FACTEUR_HTTP_LISTEN="+host),
	}
	build := exec.CommandContext(b.Context(), "go", "build", "-o", s.binary, "./cmd/facteur")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Cleanup(s.stop)
	return s
}

// start runs the binary and returns how long it took to be ready.
func (s *served) start(b *testing.B) time.Duration {
	b.Helper()
	begin := time.Now()
	s.cmd = exec.CommandContext(context.WithoutCancel(b.Context()), s.binary, "serve")
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env, &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for time.Since(begin) < 20*time.Second {
		resp, err := s.http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(begin)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.Fatalf("not ready:\n%s", &s.log)
	return 0
}

func (s *served) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// resident is the process's resident memory in megabytes, as Linux tells it.
func (s *served) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Skip("not run: the resident memory is read from /proc")
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) / 1024
}

// supplier creates the tenant, its key and its records; the gateway runs afterwards.
func (s *served) supplier(b *testing.B) {
	b.Helper()
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(b.Context(), s.binary, args...)
		cmd.Env = s.env
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("facteur %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	run("tenant", "create", "supplier", "--name", "Vendeur SAS", "--mode", "test")
	var key struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(run("key", "create", "--tenant", "supplier", "--role", "admin", "--name", "bench", "--format", "json"), &key); err != nil {
		b.Fatal(err)
	}
	s.key = key.Key
	s.start(b)
	for path, body := range map[string]string{
		"/v1/legal-entities/seller": `{"name":"Vendeur SAS","vat_identifier":"FR40000123456","legal_registration":{"value":"000123456","scheme":"0002"},
			"electronic_address":{"value":"000123456","scheme":"0225"},"address":{"line1":"1 rue A","city":"Paris","post_code":"75001","country":"FR"},
			"accounts":[{"iban":"FR7630006000011234567890189"}],"terms":{"net_days":30},"invoice_numbers":"FA-{yyyy}-{n:5}"}`,
		"/v1/customers/buyer": `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
			"buyer_reference":"R-1","address":{"line1":"2 rue B","city":"Lille","post_code":"59000","country":"FR"}}`,
		"/v1/items/sku-1": `{"seller_id":"SKU-1","name":"Vis","unit":"C62","vat":{"category":"S","rate":"20"}}`,
	} {
		if status, answer := s.call(b, http.MethodPut, path, body, ""); status != http.StatusCreated {
			b.Fatalf("PUT %s: %d %s", path, status, answer)
		}
	}
}

func (s *served) call(b *testing.B, method, path, body, idempotency string) (int, []byte) {
	req, err := http.NewRequestWithContext(b.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	if idempotency != "" {
		req.Header.Set("Idempotency-Key", idempotency)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		b.Error(err)
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Error(err)
	}
	return resp.StatusCode, answer
}

// BenchmarkStart measures from the start of the process until it says that it is
// ready, with the rule packs there, and the memory that it then holds.
func BenchmarkStart(b *testing.B) {
	s := newServed(b)
	first := s.start(b)
	var times []time.Duration
	var memory []float64
	for b.Loop() {
		s.stop()
		times = append(times, s.start(b))
		time.Sleep(time.Second) // at rest
		memory = append(memory, s.resident(b))
	}
	slices.Sort(times)
	slices.Sort(memory)
	b.ReportMetric(milliseconds(first), "first-ms")
	b.ReportMetric(milliseconds(times[len(times)/2]), "ready-ms")
	b.ReportMetric(memory[len(memory)/2], "rss-MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkAcceptHTTP measures POST /v1/orders, 20 lines each, from the client's
// side: durable when it is answered, while what was accepted before is drafted,
// checked by the official rules, sealed and sent to the sink. "paced" sends 300 a
// second whatever the answers do, and measures from the moment at which a request
// was due; "flat out" has 16 callers that wait for their answers.
func BenchmarkAcceptHTTP(b *testing.B) {
	b.Run("paced", func(b *testing.B) { benchmarkAcceptHTTP(b, paced) })
	b.Run("flat_out", func(b *testing.B) { benchmarkAcceptHTTP(b, flatOut) })
}

const (
	acceptRate = 300
	acceptFor  = 10 * time.Second
)

func benchmarkAcceptHTTP(b *testing.B, load func(post func(since time.Time))) {
	s := newServed(b)
	s.supplier(b)
	line := `{"id":"%d","item":{"seller_id":"SKU-1"},"quantity":"12","price":{"net":"12.34"}}`
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf(line, i+1))
	}
	order := `{"number":"PO-%d","issue_date":"2026-11-20","currency":"EUR","billing":"on_order","buyer":{"account_number":"C-1"},"lines":[` + strings.Join(lines, ",") + `]}`
	var mu sync.Mutex
	var taken []time.Duration
	next := 0
	post := func(since time.Time) {
		mu.Lock()
		next++
		n := next
		mu.Unlock()
		status, answer := s.call(b, http.MethodPost, "/v1/orders", fmt.Sprintf(order, n), fmt.Sprintf("key-%d", n))
		took := time.Since(since)
		if status != http.StatusCreated {
			b.Errorf("order %d: %d %s", n, status, answer)
		}
		mu.Lock()
		taken = append(taken, took)
		mu.Unlock()
	}
	for i := 1; i <= 2; i++ {
		post(time.Now()) // the first loads the rules
	}
	s.awaitSent(b)
	var elapsed time.Duration
	for b.Loop() {
		taken = nil
		begin := time.Now()
		load(post)
		elapsed = time.Since(begin)
	}
	sent := s.sent(b)
	slices.Sort(taken)
	b.ReportMetric(float64(len(taken))/elapsed.Seconds(), "orders/s")
	b.ReportMetric(milliseconds(taken[len(taken)/2]), "p50-ms")
	b.ReportMetric(milliseconds(taken[len(taken)*99/100]), "p99-ms")
	b.ReportMetric(milliseconds(taken[len(taken)-1]), "max-ms")
	b.ReportMetric(float64(sent)/elapsed.Seconds(), "sent/s")
	b.ReportMetric(s.resident(b), "rss-MB")
	b.ReportMetric(0, "ns/op")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// paced starts a request every 1/300 of a second.
func paced(post func(since time.Time)) {
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range int(acceptFor.Seconds() * acceptRate) {
		due := begin.Add(time.Duration(i) * time.Second / acceptRate)
		time.Sleep(time.Until(due))
		wg.Go(func() { post(due) })
	}
	wg.Wait()
}

// flatOut has callers that wait for their answers.
func flatOut(post func(since time.Time)) {
	var wg sync.WaitGroup
	for begin, callers := time.Now(), 16; callers > 0; callers-- {
		wg.Go(func() {
			for time.Since(begin) < acceptFor {
				post(time.Now())
			}
		})
	}
	wg.Wait()
}

// awaitSent waits until all that was submitted went the whole way.
func (s *served) awaitSent(b *testing.B) {
	b.Helper()
	for range 600 {
		if s.sent(b) == 2 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	_, answer := s.call(b, http.MethodGet, "/v1/invoices?limit=5", "", "")
	b.Fatalf("nothing was sent: %s\n%s", answer, &s.log)
}

// sent counts the invoices that went the whole way, up to a page.
func (s *served) sent(b *testing.B) int {
	b.Helper()
	status, answer := s.call(b, http.MethodGet, "/v1/invoices?state=sent&limit=500", "", "")
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(answer, &page); err != nil || status != http.StatusOK {
		b.Fatalf("%d %v", status, err)
	}
	return len(page.Items)
}
