package outbound_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/validation"
)

const tenant gateway.TenantID = "acme"

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
	m.blobs[string(tenant)+"/"+key] = append([]byte(nil), data...)
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

// peer is a channel whose answers the test fixes.
type peer struct {
	mu         sync.Mutex
	idempotent bool
	answers    []transport.Receipt // one after the other; the last one stays
	messages   []transport.Message
}

func (p *peer) Idempotent(transport.Endpoint) bool { return p.idempotent }

func (p *peer) Send(_ context.Context, m transport.Message, _ transport.Endpoint) (transport.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	p.messages = append(p.messages, m)
	r := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	return r, nil
}

// verdicts is a checker that finds what the test tells it to.
type verdicts struct {
	find func(document []byte) []validation.Verdict
}

var ruleSet = validation.RuleSet{Stage: validation.StageSchematron, ID: "test", Version: "1"}

func (v *verdicts) Check(_ context.Context, document []byte, _ time.Time) validation.Result {
	sum := sha256.Sum256(document)
	r := validation.Result{SHA256: hex.EncodeToString(sum[:]), Valid: true, Verdicts: []validation.Verdict{ruleSet.Judged(nil)}}
	if v.find != nil {
		r.Verdicts = v.find(document)
	}
	for _, verdict := range r.Verdicts {
		r.Valid = r.Valid && verdict.OK()
	}
	return r
}

type requirements struct{}

func (requirements) Check(context.Context, gateway.Reader, gateway.Invoice, *invoice.Invoice, []byte) ([]validation.Verdict, error) {
	return nil, nil
}

type seals struct{}

func (seals) Seal(_ context.Context, _ gateway.TenantID, name, _ string, content []byte) ([]byte, error) {
	return fmt.Appendf(nil, "seal of %s: %x", name, sha256.Sum256(content)), nil
}

// world is a tenant with records, and the workers of its way out.
type world struct {
	*testing.T
	store  gateway.Store
	clock  *clock
	blobs  *memory
	peer   *peer
	checks *verdicts
	intake *outbound.Intake
	desk   *outbound.Desk
	book   *records.Book

	handlers map[gateway.TaskKind]interface {
		Handle(ctx context.Context, t gateway.Task) error
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, clock: &clock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}, blobs: &memory{blobs: map[string][]byte{}},
		peer:   &peer{idempotent: true, answers: []transport.Receipt{{Outcome: transport.Accepted, Kind: transport.KindSignedReceipt, Evidence: []byte("receipt"), EvidenceType: "test"}}},
		checks: &verdicts{},
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	w.must(err)
	store, err := sqlstore.Open(t.Context(), db, nil)
	w.must(err)
	t.Cleanup(func() { w.must(store.Close()) })
	w.store = store
	ids := gateway.NewIDs(w.clock, rand.Reader)
	w.must(store.System().CreateTenant(t.Context(), gateway.Tenant{ID: tenant, Name: "Acme", Mode: gateway.ModeLive, TimeZone: "Europe/Paris", CreatedAt: w.clock.Now()}))
	w.intake = &outbound.Intake{Store: store, Blobs: w.blobs, Clock: w.clock, IDs: ids}
	w.desk = &outbound.Desk{Store: store, Blobs: w.blobs, Clock: w.clock, IDs: ids}
	w.book = &records.Book{Store: store, Clock: w.clock, IDs: ids}
	w.handlers = map[gateway.TaskKind]interface {
		Handle(ctx context.Context, t gateway.Task) error
	}{
		gateway.TaskDraftInvoices: &outbound.Drafting{Store: store, Clock: w.clock, IDs: ids},
		gateway.TaskPrepareInvoice: &outbound.Preparing{
			Store: store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Checker: w.checks, Requirements: requirements{}, Sealer: seals{},
		},
		gateway.TaskSendDelivery: &outbound.Sending{
			Store: store, Blobs: w.blobs, Clock: w.clock, IDs: ids, Retry: outbound.RetryPolicy{First: time.Second, Max: time.Minute, GiveUp: time.Hour},
			Sender: func(_ gateway.TenantID, channel string) transport.Sender {
				if channel == transport.ChannelGateway {
					return w.peer
				}
				return nil
			},
		},
	}
	w.put(gateway.RecordLegalEntity, "seller", `{"name":"Vendeur SAS","vat_identifier":"FR40000123456","electronic_address":{"value":"000123456","scheme":"0225"},
		"address":{"city":"Paris","country":"FR"},"terms":{"net_days":30},"invoice_numbers":"FA-{yyyy}-{n:3}"}`)
	w.put(gateway.RecordCustomer, "buyer", buyer)
	w.put(gateway.RecordItem, "sku-1", `{"seller_id":"SKU-1","name":"Vis","unit":"C62","vat":{"category":"S","rate":"20"}}`)
	return w
}

// buyer is the customer's record, with two routes.
const buyer = `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
	"address":{"city":"Lille","country":"FR"},"routes":[{"channel":"https.gateway","address":"https://a.example/in"},{"channel":"https.gateway","address":"https://b.example/in"}]}`

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) put(kind gateway.RecordKind, id, body string) {
	w.Helper()
	_, err := w.book.Put(w.Context(), tenant, gateway.System, gateway.Record{Kind: kind, ID: id, Body: json.RawMessage(body)}, -1)
	w.must(err)
}

// orderJSON is an order of quantity pieces at 10.00.
func orderJSON(number, billing string, quantity int) string {
	return fmt.Sprintf(`{"number":%q,"external_id":"ext-%s","issue_date":"2026-11-19","currency":"EUR","billing":%q,"buyer":{"account_number":"C-1"},
		"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"%d","price":{"net":"10.00"}}]}`, number, number, billing, quantity)
}

func (w *world) submit(key, body string) (outbound.Answer, error) {
	w.Helper()
	o, err := order.ReadJSON(strings.NewReader(body))
	w.must(err)
	return w.intake.SubmitOrder(w.Context(), tenant, outbound.Submission{Key: key, Actor: gateway.System, Source: []byte(body), SourceType: "application/json"}, o)
}

// drain works until nothing is due. It fails when a handler does.
func (w *world) drain() {
	w.Helper()
	for range 200 {
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

func (w *world) invoices() []gateway.Invoice {
	w.Helper()
	var list gateway.List[gateway.Invoice]
	w.must(w.store.For(tenant).Read(w.Context(), func(r gateway.Reader) (err error) {
		list, err = r.Invoices(w.Context(), gateway.InvoiceFilter{}, gateway.Page{Limit: 500})
		return err
	}))
	return list.Items
}

// only gives the one invoice there is.
func (w *world) only() gateway.Invoice {
	w.Helper()
	all := w.invoices()
	if len(all) != 1 {
		w.Fatalf("%d invoices, expected one", len(all))
	}
	return all[0]
}

func (w *world) deliveries(invoiceID string) []gateway.Delivery {
	w.Helper()
	var out []gateway.Delivery
	w.must(w.store.For(tenant).Read(w.Context(), func(r gateway.Reader) (err error) {
		out, err = r.InvoiceDeliveries(w.Context(), invoiceID)
		return err
	}))
	return out
}

func (w *world) eventTypes(invoiceID string) []gateway.EventType {
	w.Helper()
	var out []gateway.EventType
	w.must(w.store.For(tenant).Read(w.Context(), func(r gateway.Reader) error {
		events, err := r.Timeline(w.Context(), gateway.EventFilter{InvoiceID: invoiceID})
		for _, e := range events {
			out = append(out, e.Type)
		}
		return err
	}))
	return out
}
