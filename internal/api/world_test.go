package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/gateway/sealing"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/logging"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/validation"
)

// The tenants of a world.
const (
	acme  gateway.TenantID = "acme"
	other gateway.TenantID = "other"
)

// clock is a clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory keeps blobs in a map.
type memory struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

func (m *memory) Put(_ context.Context, tenant gateway.TenantID, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	key := hex.EncodeToString(sum[:])
	m.blobs[string(tenant)+"/"+key] = bytes.Clone(data)
	return key, nil
}

func (m *memory) Get(_ context.Context, tenant gateway.TenantID, sha string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[string(tenant)+"/"+sha]
	if !ok {
		return nil, gateway.ErrNotFound
	}
	return b, nil
}

func (m *memory) Open(context.Context, gateway.TenantID, string) (io.ReadCloser, int64, error) {
	return nil, 0, errors.New("not used")
}

// peer is a channel whose answer the test fixes.
type peer struct {
	mu     sync.Mutex
	answer transport.Outcome
}

func (p *peer) Idempotent(transport.Endpoint) bool { return false }

func (p *peer) Send(_ context.Context, m transport.Message, _ transport.Endpoint) (transport.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	return transport.Receipt{Outcome: p.answer, Kind: transport.KindSignedReceipt, Evidence: []byte("receipt of " + m.ID), EvidenceType: "test"}, nil
}

func (p *peer) answers(o transport.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = o
}

// checks finds a fault in the documents that hold a text of the test's choice.
type checks struct {
	mu    sync.Mutex
	fault string
}

var ruleSet = validation.RuleSet{Stage: validation.StageSchematron, ID: "test", Version: "1"}

func (s *checks) find(fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *checks) Check(_ context.Context, document []byte, _ time.Time) validation.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(document)
	var findings []validation.Finding
	if s.fault != "" && bytes.Contains(document, []byte(s.fault)) {
		findings = []validation.Finding{{Rule: "BR-TEST", Severity: validation.SeverityFatal, Location: "/Invoice", Message: "there is " + s.fault}}
	}
	return validation.Result{
		SHA256: hex.EncodeToString(sum[:]), Document: validation.Identity{Syntax: "ubl", Root: "Invoice"},
		Valid: len(findings) == 0, Verdicts: []validation.Verdict{ruleSet.Judged(findings)},
	}
}

type noProfile struct{}

func (noProfile) Check(context.Context, gateway.Reader, gateway.Invoice, *invoice.Invoice, []byte) ([]validation.Verdict, error) {
	return nil, nil
}

type seals struct{}

func (seals) Seal(_ context.Context, _ gateway.TenantID, name, _ string, content []byte) ([]byte, error) {
	return fmt.Appendf(nil, "<seal of=%q>%x</seal>", name, sha256.Sum256(content)), nil
}

// handler is the worker of a kind of task.
type handler interface {
	Handle(ctx context.Context, t gateway.Task) error
}

// world is a gateway with two tenants on a real store, its workers, and a server.
type world struct {
	testing.TB
	store  gateway.Store
	db     *sql.DB  // the store's, to read
	tables []string // that it has
	clock  *clock
	blobs  *memory
	peer   *peer
	checks *checks
	posted chan string // ids of messages to webhooks
	log    *lines
	api    *API
	server *httptest.Server
	sealer *sealing.Sealer

	handlers map[gateway.TaskKind]handler
	secrets  map[gateway.TenantID]map[access.Role]string // API keys
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		TB: t, clock: &clock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)},
		blobs: &memory{blobs: map[string][]byte{}}, peer: &peer{answer: transport.Accepted}, checks: &checks{},
		posted: make(chan string, 1000), log: &lines{}, secrets: map[gateway.TenantID]map[access.Role]string{},
	}
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sqlite.Open(t.Context(), path)
	w.must(err)
	w.store, err = sqlstore.Open(t.Context(), db, nil)
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.readTables(path)
	ids := gateway.NewIDs(w.clock, rand.Reader)
	hooks := w.work(ids)
	cfg := Config{
		Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids,
		Intake:  &outbound.Intake{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids},
		Desk:    &outbound.Desk{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids},
		Records: &records.Book{Store: w.store, Clock: w.clock, IDs: ids, CheckProfile: outbound.CheckProfile},
		Inbox:   &inbound.Desk{Store: w.store, Clock: w.clock, IDs: ids},
		Answers: &answer.Service{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids},
		Hooks:   hooks,
		Secrets: func() (string, error) { return "whsec_" + rand.Text(), nil },
		LinkTo:  func(id string) string { return "https://invoices.example/p/" + id },
		Identity: func() Identity {
			return Identity{KeyID: "invoices.example", PublicKey: "-----BEGIN PUBLIC KEY-----\n", AuditKey: w.sealer.Signer.Verifier().String()}
		},
		Receive: func(tenant gateway.TenantID) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(http.StatusAccepted)
				_, _ = io.WriteString(rw, "for "+string(tenant))
			})
		},
		ExportLog: func(_ context.Context, tenant gateway.TenantID, out io.Writer) error {
			_, err := io.WriteString(out, `{"log":"`+string(tenant)+"\"}\n")
			return err
		},
		Ready:   func(context.Context) error { return nil },
		MaxBody: 1 << 20, Log: logging.New(w.log, slog.LevelInfo, logging.Text),
	}
	for _, tenant := range []gateway.TenantID{acme, other} {
		w.settle(tenant, cfg.Records)
	}
	w.serve(cfg)
	return w
}

// serve starts a server with another configuration.
func (w *world) serve(cfg Config) {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPFromXFFHeader(echo.TrustLoopback(true))
	w.api = Register(e, cfg)
	w.server = httptest.NewUnstartedServer(e)
	w.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.server.Start()
	w.Cleanup(w.server.Close)
}

// lines is a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// work sets up the workers.
func (w *world) work(ids gateway.IDs) *track.Webhooks {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	signer, err := evidence.NewSigner("invoices.example", key)
	w.must(err)
	hooks := &track.Webhooks{
		Store: w.store, Clock: w.clock, IDs: ids, Pause: func(int) time.Duration { return time.Minute }, GiveUp: time.Hour,
		Post: func(_ context.Context, _ gateway.Webhook, id string, _ time.Time, _ []byte) error {
			w.posted <- id
			return nil
		},
	}
	w.sealer = &sealing.Sealer{Store: w.store, Clock: w.clock, Signer: signer, Random: rand.Reader, Fanout: hooks.Fanout}
	w.handlers = map[gateway.TaskKind]handler{
		gateway.TaskDraftInvoices: &outbound.Drafting{Store: w.store, Clock: w.clock, IDs: ids},
		gateway.TaskPrepareInvoice: &outbound.Preparing{
			Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Checker: w.checks, Requirements: noProfile{}, Sealer: seals{},
		},
		gateway.TaskSendDelivery: &outbound.Sending{
			Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Retry: outbound.RetryPolicy{First: time.Second, Max: time.Minute, GiveUp: time.Hour},
			Sender: func(gateway.TenantID, string) transport.Sender { return w.peer },
		},
		gateway.TaskCheckInbound: &inbound.Checking{
			Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Checker: w.checks,
			Answers: &answer.Service{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids},
		},
		gateway.TaskForwardInbound: &inbound.Forwarding{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Post: inbound.Post(hooks.Post)},
		gateway.TaskSendWebhook:    hooks,
	}
	return hooks
}

// settle makes a tenant with a key of each role, and records.
func (w *world) settle(tenant gateway.TenantID, book *records.Book) {
	w.must(w.store.System().CreateTenant(w.Context(), gateway.Tenant{ID: tenant, Name: string(tenant), Mode: gateway.ModeLive, TimeZone: "Europe/Paris", CreatedAt: w.clock.Now()}))
	w.secrets[tenant] = map[access.Role]string{}
	for _, role := range access.Roles() {
		w.secrets[tenant][role] = w.newKey(tenant, role, "").Reveal()
	}
	for _, r := range []gateway.Record{
		{Kind: gateway.RecordLegalEntity, ID: "seller", Body: json.RawMessage(sellerRecord)},
		{Kind: gateway.RecordCustomer, ID: "buyer", Body: json.RawMessage(buyerRecord)},
		{Kind: gateway.RecordItem, ID: "sku-1", Body: json.RawMessage(itemRecord)},
		{Kind: gateway.RecordPeer, ID: "partner", Body: json.RawMessage(peerRecord)},
	} {
		_, err := book.Put(w.Context(), tenant, gateway.System, r, -1)
		w.must(err)
	}
}

// newKey stores a new API key.
func (w *world) newKey(tenant gateway.TenantID, role access.Role, user string) access.APIKey {
	w.Helper()
	key, err := access.NewAPIKey(access.ModeLive, rand.Reader)
	w.must(err)
	w.write(tenant, func(tx gateway.Tx) error {
		return tx.PutAPIKey(w.Context(), gateway.APIKey{
			ID: key.ID, Tenant: tenant, Name: string(role), Role: string(role), UserID: user, SecretHash: key.Hash(), CreatedAt: w.clock.Now(),
		})
	})
	return key
}

const (
	sellerRecord = `{"name":"Vendeur SAS","vat_identifier":"FR40000123456","electronic_address":{"value":"000123456","scheme":"0225"},
		"address":{"city":"Paris","country":"FR"},"terms":{"net_days":30},"invoice_numbers":"FA-{yyyy}-{n:3}"}`
	buyerRecord = `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
		"address":{"city":"Lille","country":"FR"},"routes":[{"channel":"https.gateway","address":"https://a.example/in"}]}`
	itemRecord  = `{"seller_id":"SKU-1","name":"Vis","unit":"C62","vat":{"category":"S","rate":"20"}}`
	anotherPeer = `{"name":"Another","participants":["0225:000888888"],"url":"https://another.example/in","key_id":"another-1",
		"public_key":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"}`
	peerRecord = `{"name":"Partner","participants":["0225:000999999"],"url":"https://partner.example/in","key_id":"partner-1",
		"public_key":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"}`
)

// orderJSON is an order of quantity pieces at 10.00.
func orderJSON(number, billing string, quantity int) string {
	return fmt.Sprintf(`{"number":%q,"external_id":"ext-%s","issue_date":"2026-11-19","currency":"EUR","billing":%q,"buyer":{"account_number":"C-1"},
		"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"%d","price":{"net":"10.00"}}]}`, number, number, billing, quantity)
}

func noteJSON(id string, quantity int) string {
	return fmt.Sprintf(`{"id":%q,"date":"2026-11-20","lines":[{"id":"1","order_line":"1","quantity":"%d"}]}`, id, quantity)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(tenant gateway.TenantID, fn func(tx gateway.Tx) error) {
	w.Helper()
	w.must(w.store.For(tenant).Write(w.Context(), fn))
}

// drain works until nothing is due, and seals the log. It fails when a worker does.
func (w *world) drain() {
	w.Helper()
	for range 200 {
		w.must(w.sealer.Sweep(w.Context()))
		due, err := w.store.System().DueTasks(w.Context(), w.clock.Now(), gateway.Wakeup{}, 100)
		w.must(err)
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			task, err := w.store.System().ClaimTask(w.Context(), d.Tenant, d.TaskID, "test", w.clock.Now(), time.Minute)
			if errors.Is(err, gateway.ErrNotFound) || errors.Is(err, gateway.ErrConflict) {
				continue
			}
			w.must(err)
			w.must(w.handlers[task.Kind].Handle(w.Context(), task))
		}
	}
	w.Fatal("there is always something due")
}

// readTables opens the database a second time, to count.
func (w *world) readTables(path string) {
	w.Helper()
	var err error
	w.db, err = sql.Open("sqlite", "file:"+path+"?mode=ro")
	w.must(err)
	w.Cleanup(func() { w.must(w.db.Close()) })
	rows, err := w.db.QueryContext(w.Context(), "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	w.must(err)
	defer func() { w.must(rows.Close()) }()
	for rows.Next() {
		var name string
		w.must(rows.Scan(&name))
		w.tables = append(w.tables, name)
	}
	w.must(rows.Err())
	if len(w.tables) < 20 {
		w.Fatalf("only %d tables", len(w.tables))
	}
}

// rows counts the rows of every table.
func (w *world) rows() map[string]int {
	w.Helper()
	counts := map[string]int{}
	for _, name := range w.tables {
		var n int
		w.must(w.db.QueryRowContext(w.Context(), "SELECT count(*) FROM "+name).Scan(&n))
		counts[name] = n
	}
	return counts
}

// request is what a test sends.
type request struct {
	method, path, body string
	tenant             gateway.TenantID // acme when empty
	role               access.Role      // admin when empty
	key                string           // Idempotency-Key
	header             map[string]string
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request and holds the answer against the description of the
// interface.
func (w *world) send(q request) reply {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), q.method, w.server.URL+q.path, strings.NewReader(q.body))
	w.must(err)
	if q.body == "" {
		r.Body = http.NoBody
	}
	if q.tenant == "" {
		q.tenant = acme
	}
	if q.role == "" {
		q.role = access.RoleAdmin
	}
	r.Header.Set("Authorization", "Bearer "+w.secrets[q.tenant][q.role])
	if strings.HasPrefix(strings.TrimSpace(q.body), "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	for name, value := range q.header {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	res, err := w.server.Client().Do(r)
	w.must(err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	w.must(err)
	out := reply{res.StatusCode, res.Header, body}
	described(w, r, out)
	return out
}

func (w *world) get(path string) reply {
	w.Helper()
	return w.send(request{method: "GET", path: path})
}

func (w *world) post(path, body string) reply {
	w.Helper()
	return w.send(request{method: "POST", path: path, body: body})
}

// expect ends the test when an answer has another status.
func (w *world) expect(r reply, status int) reply {
	w.Helper()
	if r.status != status {
		w.Fatalf("status %d, expected %d: %s", r.status, status, r.body)
	}
	return r
}

// into decodes an answer.
func into[T any](w *world, r reply) T {
	w.Helper()
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil {
		w.Fatalf("%v: %s", err, r.body)
	}
	return v
}

// refused holds a refusal against a status, a code, and the code and place of its
// first error.
func (w *world) refused(what string, r reply, status int, code, field string) {
	w.Helper()
	var p problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		w.Errorf("%s: status %d, no problem: %.200s", what, r.status, r.body)
		return
	}
	first := ""
	if len(p.Errors) > 0 {
		first = p.Errors[0].Code + " at " + p.Errors[0].Path
	}
	if r.status != status || p.Status != status || p.Code != code || !strings.HasPrefix(first, field) || field == "" && first != "" {
		w.Errorf("%s: status %d, code %s, field %q, expected %d %s %q: %s", what, r.status, p.Code, first, status, code, field, r.body)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		w.Errorf("%s: content type %s", what, got)
	}
	if p.Detail == "" || p.Title == "" || p.Type != "https://facteur.dev/problems/"+code {
		w.Errorf("%s: not a whole problem: %s", what, r.body)
	}
}

// sent submits an order and lets it become a sent invoice.
func (w *world) sent(number string) invoiceView {
	w.Helper()
	w.expect(w.post("/v1/orders", orderJSON(number, "on_order", 3)), 201)
	w.drain()
	return w.byOrder(number)
}

// byOrder finds the first invoice of an order by the order's external id.
func (w *world) byOrder(number string) invoiceView {
	w.Helper()
	page := into[gateway.List[invoiceView]](w, w.expect(w.get("/v1/invoices?external_id=ext-"+number), 200))
	if len(page.Items) == 0 {
		w.Fatalf("no invoice of %s", number)
	}
	return into[invoiceView](w, w.expect(w.get("/v1/invoices/"+page.Items[len(page.Items)-1].ID), 200))
}
