package inbound_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/store/storetest"
	"facteur.dev/facteur/transport/https"
	"facteur.dev/facteur/validation"
)

const (
	tenant = gatewaytest.Tenant
	us     = "iso6523-actorid-upis::0225:000234567"
	them   = "iso6523-actorid-upis::0225:552032534"
)

var cluster storetest.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, run func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { run(t, newWorld(t)) })
	t.Run("postgres", func(t *testing.T) {
		db, err := postgres.Open(t.Context(), cluster.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlstore.Open(t.Context(), db, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		run(t, worldOn(gatewaytest.On(t, store)))
	})
}

// checker judges as a test tells it to.
type checker struct {
	mu   sync.Mutex
	find func(document []byte) []validation.Verdict
}

var rules = validation.RuleSet{Stage: validation.StageSchematron, ID: "test", Version: "1"}

func (c *checker) Check(_ context.Context, document []byte, _ time.Time) validation.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := validation.Result{Valid: true, Verdicts: []validation.Verdict{rules.Judged(nil)}}
	if doc, err := validation.Parse(document); err == nil {
		r.Document = doc.Identity
	} else {
		return validation.Refused(document, err)
	}
	if c.find != nil {
		r.Verdicts = c.find(document)
	}
	for _, v := range r.Verdicts {
		r.Valid = r.Valid && v.OK()
	}
	return r
}

// finds makes the checker find something in every document.
func (c *checker) finds(severity validation.Severity) {
	c.find = func([]byte) []validation.Verdict {
		return []validation.Verdict{rules.Judged([]validation.Finding{{Rule: "BR-X", Severity: severity, Location: "/ubl:Invoice[1]", Message: "no"}})}
	}
}

// systems are the AP system's webhooks and folder.
type systems struct {
	mu     sync.Mutex
	down   map[string]error // by webhook id
	posted []post
	files  map[string][]byte
	folder error
	absent bool // the tenant has no folder
}

type post struct {
	hook, id string
	body     []byte
}

func (s *systems) post(_ context.Context, hook gateway.Webhook, id string, _ time.Time, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posted = append(s.posted, post{hook.ID, id, body})
	return s.down[hook.ID]
}

func (s *systems) drop(_ context.Context, _ gateway.TenantID, name string, content []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder != nil || s.absent {
		return false, s.folder
	}
	s.files[name] = content
	return true, nil
}

// world is the customer's side.
type world struct {
	*gatewaytest.World
	door     *inbound.Door
	checker  *checker
	systems  *systems
	desk     *inbound.Desk
	forward  *inbound.Forwarding
	handlers gatewaytest.Handlers
}

func newWorld(t *testing.T) *world { return worldOn(gatewaytest.New(t)) }

func worldOn(g *gatewaytest.World) *world {
	w := &world{World: g, checker: &checker{}, systems: &systems{down: map[string]error{}, files: map[string][]byte{}}}
	w.door = &inbound.Door{Store: g.Store, Blobs: g.Blobs, Clock: g.Clock, IDs: g.IDs, Tenant: tenant}
	w.desk = &inbound.Desk{Store: g.Store, Clock: g.Clock, IDs: g.IDs}
	w.forward = &inbound.Forwarding{Store: g.Store, Blobs: g.Blobs, Clock: g.Clock, IDs: g.IDs, Post: w.systems.post}
	w.handlers = gatewaytest.Handlers{
		gateway.TaskCheckInbound: &inbound.Checking{
			Store: g.Store, Blobs: g.Blobs, Clock: g.Clock, IDs: g.IDs, Checker: w.checker,
			Answers: &answer.Service{Store: g.Store, Blobs: g.Blobs, Clock: g.Clock, IDs: g.IDs},
		},
		gateway.TaskForwardInbound: w.forward,
	}
	w.Put(gateway.RecordLegalEntity, "us", `{"name":"Acheteur SAS","electronic_address":{"value":"000234567","scheme":"0225"}}`)
	der, err := x509.MarshalPKIXPublicKey(ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	w.Must(err)
	key, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	w.Must(err)
	w.Put(gateway.RecordPeer, "them", `{"name":"Them","participants":["`+them+`"],"url":"https://them.example/in","key_id":"k","public_key":`+string(key)+`}`)
	return w
}

// document is an invoice of ours with another number.
func document(t testing.TB, name, number string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../formats/ubl/testdata/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	if number != "" {
		b = []byte(strings.Replace(string(b), "F-2026-1042", number, 1))
	}
	return b
}

func message(id string, body []byte) https.Inbound {
	return https.Inbound{
		MessageID: id, Sender: them, Receiver: us, DocumentType: "invoice", ContentType: "application/xml", Body: body, SHA256: sha256.Sum256(body),
		KeyID: "k", ReceivedAt: gatewaytest.Start, Receipt: []byte("receipt of " + id), Evidence: []byte("evidence of " + id),
	}
}

// receive takes a message, which must be stored.
func (w *world) receive(id string, body []byte) gateway.Inbound {
	w.Helper()
	d, err := w.door.Accept(w.Context(), message(id, body))
	w.Must(err)
	if d.Verdict != https.Stored {
		w.Fatalf("%+v", d)
	}
	return w.byMessage(id)
}

func (w *world) byMessage(id string) (in gateway.Inbound) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		in, err = r.InboundByMessageID(w.Context(), them, id)
		return err
	})
	return in
}

func (w *world) inbound(id string) (in gateway.Inbound) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		in, err = r.Inbound(w.Context(), id)
		return err
	})
	return in
}

func (w *world) replies(id string) (list []gateway.Delivery) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		list, err = r.InboundReplies(w.Context(), id)
		return err
	})
	return list
}

// verdict gives the one verdict of a document.
func (w *world) verdict(id string) (v gateway.VerdictRecord, result validation.Result) {
	w.Helper()
	w.Read(func(r gateway.Reader) error {
		list, err := r.Verdicts(w.Context(), "", id)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%d verdicts", len(list))
		}
		if err != nil {
			return err
		}
		v = list[0]
		return json.Unmarshal(v.Result, &result)
	})
	return v, result
}

// rulesFound lists the rules of all findings.
func rulesFound(r validation.Result) []string {
	found := []string{}
	for _, v := range r.Verdicts {
		for _, f := range v.Findings {
			found = append(found, f.Rule+" "+string(f.Severity))
		}
	}
	return found
}

// hook makes a webhook that forwards.
func (w *world) hook(id, url string, change func(h *gateway.Webhook)) {
	w.Helper()
	h := gateway.Webhook{ID: id, URL: url, Forward: true, CreatedAt: gatewaytest.Start}
	if change != nil {
		change(&h)
	}
	w.Write(func(tx gateway.Tx) error { return tx.PutWebhook(w.Context(), h) })
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

var errDown = errors.New("503")
