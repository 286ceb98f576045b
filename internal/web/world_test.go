package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/gateway/sealing"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/notify"
	"facteur.dev/facteur/internal/signature"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/https"
	"facteur.dev/facteur/validation"
)

const (
	supplier gateway.TenantID = "lumiere"
	customer gateway.TenantID = "epicerie"
	password                  = "correct horse battery"
	// chrome is what an ordinary browser says it is.
	chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
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

// peer is every channel: the address says what becomes of a message.
type peer struct{ clock gateway.Clock }

func (peer) Idempotent(to transport.Endpoint) bool { return to.Idempotent }

func (p peer) Send(_ context.Context, m transport.Message, to transport.Endpoint) (transport.Receipt, error) {
	at := p.clock.Now()
	switch {
	case strings.Contains(to.Address, "unknown"):
		return transport.Receipt{Outcome: transport.Unknown, At: at, Code: "http.timeout", Detail: "all was sent, then silence for 30 s"}, nil
	case strings.Contains(to.Address, "down"):
		return transport.Receipt{Outcome: transport.Temporary, At: at, Code: "dial.refused", Detail: "connection refused", RetryAfter: time.Hour}, nil
	case to.Channel == transport.ChannelMail:
		return transport.Receipt{Outcome: transport.Accepted, Kind: transport.KindSMTP, At: at, PeerID: "mx.example", Evidence: []byte("250 2.0.0 ok"), EvidenceType: "text/plain"}, nil
	}
	receipt := fmt.Appendf(nil, `{"message_id":%q,"sha256":"%x"}`, m.ID, m.SHA256)
	return transport.Receipt{Outcome: transport.Accepted, Kind: transport.KindSignedReceipt, At: at, PeerID: m.Receiver, Evidence: receipt, EvidenceType: "application/json"}, nil
}

// rules is a checker with the words of real rules: a document that says
// "WITHOUT-VAT" breaks one, one that says "WARNED" is warned about another.
type rules struct{}

func (rules) Check(_ context.Context, document []byte, _ time.Time) validation.Result {
	sum := sha256.Sum256(document)
	hash := strings.Repeat("5e", 32)
	xsd := validation.RuleSet{Stage: validation.StageXSD, ID: "ubl-2.1", Version: "2.1", SHA256: hash}
	cen := validation.RuleSet{Stage: validation.StageSchematron, ID: "cen-ubl", Version: "1.3.16", SHA256: hash}
	var findings []validation.Finding
	if bytes.Contains(document, []byte("WITHOUT-VAT")) {
		findings = append(findings, validation.Finding{
			Rule: "BR-CO-09", Severity: validation.SeverityFatal, Line: 42, BusinessTerms: []string{"BT-31"}, Value: "12345",
			Location: "/ubl:Invoice[1]/cac:AccountingSupplierParty[1]",
			Message:  "[BR-CO-09]-The Seller VAT identifier (BT-31) shall have a prefix in accordance with ISO code ISO 3166-1 alpha-2 by which the country of issue may be identified.",
		})
	}
	if bytes.Contains(document, []byte("WARNED")) {
		findings = append(findings, validation.Finding{
			Rule: "PEPPOL-EN16931-R008", Severity: validation.SeverityWarning, Location: "/ubl:Invoice[1]/cbc:Note[1]", Line: 9,
			Message: "Document MUST NOT contain empty elements.",
		})
	}
	r := validation.Result{
		SHA256: hex.EncodeToString(sum[:]), Document: validation.Identity{Syntax: "ubl", Root: "Invoice"}, Valid: true,
		Verdicts: []validation.Verdict{xsd.Judged(nil), cen.Judged(findings)},
	}
	for _, v := range r.Verdicts {
		r.Valid = r.Valid && v.OK()
	}
	return r
}

// requirements want a buyer reference from the hospital.
type requirements struct{}

func (requirements) Check(_ context.Context, _ gateway.Reader, row gateway.Invoice, inv *invoice.Invoice, _ []byte) ([]validation.Verdict, error) {
	if row.Customer != "hopital" {
		return nil, nil
	}
	rs := validation.RuleSet{Stage: validation.StageRequirements, ID: "hopital", Version: "3", SHA256: strings.Repeat("ab", 32)}
	if inv.BuyerReference != "" {
		return []validation.Verdict{rs.Judged(nil)}, nil
	}
	return []validation.Verdict{rs.Judged([]validation.Finding{{
		Rule: "requirement.buyer_reference", Severity: validation.SeverityFatal, BusinessTerms: []string{"BT-10"},
		Message: "Le code service est obligatoire sur chaque facture.",
	}})}, nil
}

// sealer seals with a certificate made for the test.
type sealer struct {
	id    signature.Identity
	clock gateway.Clock
}

func (s sealer) Seal(_ context.Context, _ gateway.TenantID, name, mediaType string, content []byte) ([]byte, error) {
	return signature.Seal(s.id, signature.SealOptions{Name: name, MimeType: mediaType, SigningTime: s.clock.Now(), Rand: rand.Reader}, content)
}

// world is a gateway with two tenants, on a real store, and its pages.
type world struct {
	testing.TB
	store  gateway.Store
	clock  *clock
	blobs  *memory
	ids    gateway.IDs
	intake *outbound.Intake
	book   *records.Book
	portal *track.Portal
	sealer *sealing.Sealer
	log    *bytes.Buffer
	mail   sync.Mutex
	codes  []string // one-time codes that were sent

	handlers map[gateway.TaskKind]interface {
		Handle(ctx context.Context, t gateway.Task) error
	}
	doors map[gateway.TenantID]*inbound.Door
	echo  *echo.Echo
	cfg   Config
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, clock: &clock{now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}, blobs: &memory{blobs: map[string][]byte{}}, log: &bytes.Buffer{}}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	w.must(err)
	w.store, err = sqlstore.Open(t.Context(), db, nil)
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.ids = gateway.NewIDs(w.clock, rand.Reader)
	for _, tenant := range []gateway.Tenant{
		{ID: supplier, Name: "Ateliers Lumière", Mode: gateway.ModeLive, Language: "fr", TimeZone: "Europe/Paris", CreatedAt: w.clock.Now()},
		{ID: customer, Name: "Épicerie Générale", Mode: gateway.ModeLive, Language: "fr", TimeZone: "Europe/Paris", CreatedAt: w.clock.Now()},
	} {
		w.must(w.store.System().CreateTenant(t.Context(), tenant))
		for _, role := range access.Roles() {
			w.addUser(tenant.ID, role)
		}
	}
	w.wire()
	w.addRecords()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// passwordHash costs some time: it is made once.
var passwordHash = sync.OnceValue(func() string {
	hash, err := access.HashPassword(password, rand.Reader)
	if err != nil {
		panic(err)
	}
	return hash
})

func emailOf(tenant gateway.TenantID, role access.Role) string {
	return string(role) + "@" + string(tenant) + ".example"
}

var names = map[access.Role]string{
	access.RoleAdmin: "Ada Morel", access.RoleOperator: "Oscar Petit", access.RoleClerk: "Claire Dubois",
	access.RoleApprover: "Paul Renard", access.RoleAuditor: "Aude Lambert", access.RoleAPI: "ERP",
}

func (w *world) addUser(tenant gateway.TenantID, role access.Role) {
	w.Helper()
	w.write(tenant, func(tx gateway.Tx) error {
		return tx.PutUser(w.Context(), gateway.User{
			ID: w.ids.New(gateway.PrefixUser), Tenant: tenant, Name: names[role], Email: emailOf(tenant, role),
			Role: string(role), PasswordHash: passwordHash(), CreatedAt: w.clock.Now(),
		})
	})
}

func (w *world) write(tenant gateway.TenantID, fn func(tx gateway.Tx) error) {
	w.Helper()
	w.must(w.store.For(tenant).Write(w.Context(), fn))
}

func (w *world) read(tenant gateway.TenantID, fn func(r gateway.Reader) error) {
	w.Helper()
	w.must(w.store.For(tenant).Read(w.Context(), fn))
}

func (w *world) wire() {
	w.Helper()
	identity, _, err := signature.NewTestIdentity(rand.Reader, "Ateliers Lumière SARL", w.clock.Now().AddDate(0, -1, 0), w.clock.Now().AddDate(1, 0, 0))
	w.must(err)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	signer, err := evidence.NewSigner("gateway.example", key)
	w.must(err)
	w.sealer = &sealing.Sealer{Store: w.store, Clock: w.clock, Signer: signer, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	authority, err := access.NewAuthority(bytes.Repeat([]byte{7}, 32), w.clock.Now, rand.Reader)
	w.must(err)
	linkKey := gateway.LinkKey{1, 2, 3}
	linkTo := func(id string) string { return "http://gateway.example/p/" + linkKey.Token(id) }
	w.portal = &track.Portal{
		Store: w.store, Clock: w.clock, IDs: w.ids, Key: linkKey, Codes: authority,
		SendCode: func(_ context.Context, _ gateway.Tenant, _ gateway.Invoice, _, code string) error {
			w.mail.Lock()
			defer w.mail.Unlock()
			w.codes = append(w.codes, code)
			return nil
		},
	}
	answers := &answer.Service{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids}
	w.intake = &outbound.Intake{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids}
	w.book = &records.Book{Store: w.store, Clock: w.clock, IDs: w.ids}
	desk := &outbound.Desk{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids}
	w.handlers = map[gateway.TaskKind]interface {
		Handle(ctx context.Context, t gateway.Task) error
	}{
		gateway.TaskDraftInvoices: &outbound.Drafting{Store: w.store, Clock: w.clock, IDs: w.ids},
		gateway.TaskPrepareInvoice: &outbound.Preparing{
			Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids, Checker: rules{}, Requirements: requirements{},
			Sealer: sealer{identity, w.clock}, Links: linkKey,
		},
		gateway.TaskSendDelivery: &outbound.Sending{
			Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids, Retry: outbound.DefaultRetry,
			Sender:  func(gateway.TenantID, string) transport.Sender { return peer{w.clock} },
			Letters: &notify.Letters{Store: w.store, LinkTo: linkTo, Language: "en"},
		},
		gateway.TaskCheckInbound:   &inbound.Checking{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids, Checker: rules{}, Answers: answers},
		gateway.TaskForwardInbound: &inbound.Forwarding{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids},
	}
	w.doors = map[gateway.TenantID]*inbound.Door{customer: {Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.ids, Tenant: customer}}
	w.cfg = Config{
		Store: w.store, Blobs: w.blobs, Clock: w.clock, Random: rand.Reader, Authority: authority, Desk: desk, Portal: w.portal, Answers: answers,
		Inbox: &inbound.Desk{Store: w.store, Clock: w.clock, IDs: w.ids},
		Credit: func(ctx context.Context, tenant gateway.TenantID, id string, sub outbound.Submission, reason string) (outbound.Answer, error) {
			return desk.Credit(ctx, tenant, id, sub, billing.Selection{Reason: reason})
		},
		VerifyLog: w.verifyLog,
		VerifySeal: func(_ context.Context, document, seal []byte) (Seal, error) {
			r, err := signature.Verify(seal, document, signature.VerifyOptions{Now: w.clock.Now()})
			if err != nil {
				return Seal{}, err
			}
			return Seal{Signer: r.Certificate.Subject.CommonName, SignedAt: r.SigningTime, Trusted: r.Trusted}, nil
		},
		LinkTo: linkTo, Language: "en", Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	w.echo = newEcho(w.cfg)
}

func newEcho(cfg Config) *echo.Echo {
	e := echo.New()
	Register(e, cfg)
	return e
}

// verifyLog exports the tenant's log and checks the export.
func (w *world) verifyLog(ctx context.Context, tenant gateway.TenantID) (evidence.Report, error) {
	var b bytes.Buffer
	err := w.store.For(tenant).Read(ctx, func(r gateway.Reader) error {
		size, err := r.LogSize(ctx)
		if err != nil {
			return err
		}
		root, err := r.LogRoot(ctx)
		if err != nil {
			return err
		}
		exporter := evidence.Exporter{Signer: w.sealer.Signer, Now: w.clock.Now}
		return exporter.Export(ctx, &b, sealing.LogSource{Reader: salts{r}}, root, []evidence.Range{{First: 1, Last: size}})
	})
	if err != nil {
		return evidence.Report{}, err
	}
	verifier := w.sealer.Signer.Verifier()
	return evidence.Verify(&b, evidence.Options{Key: &verifier})
}

// salts gives no salts for an event without personal fields, where the store
// says that it has none.
type salts struct{ gateway.Reader }

func (s salts) Salts(ctx context.Context, eventID string) (map[string][]byte, error) {
	found, err := s.Reader.Salts(ctx, eventID)
	if errors.Is(err, gateway.ErrNotFound) {
		return nil, nil
	}
	return found, err
}

func (w *world) put(tenant gateway.TenantID, kind gateway.RecordKind, id, body string) {
	w.Helper()
	_, err := w.book.Put(w.Context(), tenant, gateway.System, gateway.Record{Kind: kind, ID: id, Body: json.RawMessage(body)}, -1)
	w.must(err)
}

// addRecords gives the supplier customers whose addresses say what happens.
func (w *world) addRecords() {
	w.Helper()
	w.put(supplier, gateway.RecordLegalEntity, "lumiere", `{"name":"Ateliers Lumière SARL","trading_name":"Ateliers Lumière","vat_identifier":"FR31000123455",
		"legal_registration":{"value":"000123455","scheme":"0002"},"electronic_address":{"value":"000123455","scheme":"0225"},
		"legal_information":"SARL au capital de 50 000 €, RCS Lyon 000123455",
		"address":{"line1":"12 rue des Verriers","city":"Lyon","post_code":"69007","country":"FR"},
		"contact":{"name":"Service facturation","telephone":"+33 4 99 99 00 01","email":"facturation@ateliers-lumiere.example"},
		"accounts":[{"iban":"FR7699999000010001234567809","bic":"FACTFRPPXXX","name":"Ateliers Lumière SARL"}],
		"mentions":[{"subject_code":"PMD","text":"Pénalités de retard : trois fois le taux d’intérêt légal."}],
		"terms":{"net_days":30,"text":"Paiement à 30 jours date de facture"},"invoice_numbers":"FA-{yyyy}-{n:5}","credit_note_numbers":"AV-{yyyy}-{n:4}"}`)
	for i, c := range []struct{ id, name, routes string }{
		{"epicerie", "Épicerie Générale du Nord SA", `{"channel":"https.gateway","address":"https://epicerie.example/in"}`},
		{"hopital", "Hôpital Saint-Éloi", `{"channel":"https.gateway","address":"https://hopital.example/in"}`},
		{"universite", "Université de Nîmes – Faculté des Arts", `{"channel":"mail","address":"factures@universite-nimes.example"}`},
		{"mueller", "Müller & Söhne Lichttechnik GmbH", `{"channel":"mail","address":"rechnung@mueller-soehne.example"}`},
		{"leeuw", "Brouwerij De Gouden Leeuw NV", `{"channel":"https.ap","address":"https://unknown.leeuw.example/invoices"}`},
		{"phenix", "Société Phénix Éclairage SAS", `{"channel":"https.ap","address":"https://down.phenix.example/inbox","idempotent":true}`},
		{"hostile", `<script>alert(1)</script> & \"Sons\"`, `{"channel":"mail","address":"x@hostile.example"}`},
	} {
		w.put(supplier, gateway.RecordCustomer, c.id, fmt.Sprintf(`{"name":"%s","account_number":"C-%s","vat_identifier":"FR7500023456%d",
			"electronic_address":{"value":"00023456%d","scheme":"0225"},"address":{"line1":"48 boulevard de la Liberté","city":"Lille","post_code":"59800","country":"FR"},
			"language":"fr","routes":[%s]}`, c.name, c.id, i, i, c.routes))
	}
	w.put(supplier, gateway.RecordItem, "lam-200", `{"seller_id":"LAM-200","name":"Suspension « Éclipse » Ø 60 cm","description":"Verre soufflé, laiton brossé","unit":"C62","vat":{"category":"S","rate":"20"}}`)
	w.put(supplier, gateway.RecordItem, "srv", `{"seller_id":"SRV","name":"Pose et réglage","unit":"HUR","vat":{"category":"S","rate":"10"}}`)
	w.put(supplier, gateway.RecordItem, "novat", `{"seller_id":"NOVAT","name":"Article sans TVA connue","unit":"C62"}`)
	w.put(customer, gateway.RecordLegalEntity, "epicerie", `{"name":"Épicerie Générale du Nord SA","vat_identifier":"FR75000234567",
		"electronic_address":{"value":"000234560","scheme":"0225"},"address":{"city":"Lille","country":"FR"}}`)
}

// order submits an order of a customer and works until nothing is due.
func (w *world) order(customer, number, extra string) gateway.Invoice {
	w.Helper()
	w.clock.advance(time.Minute)
	body := fmt.Sprintf(`{"number":%q,"external_id":"SO-%s","issue_date":"2026-11-19","currency":"EUR","billing":"on_order",
		"buyer":{"account_number":"C-%s"}%s}`, number, number, customer, cmp.Or(extra, `,"lines":[
		{"id":"1","item":{"seller_id":"LAM-200"},"quantity":"12","price":{"net":"198.00"}},
		{"id":"2","item":{"seller_id":"SRV"},"quantity":"7.5","price":{"net":"64.00"}}]`))
	o, err := order.ReadJSON(strings.NewReader(body))
	w.must(err)
	answer, err := w.intake.SubmitOrder(w.Context(), supplier, outbound.Submission{Actor: gateway.Actor{Kind: "api_key", ID: "key1", Name: "ERP"}, Source: []byte(body), SourceType: "application/json"}, o)
	w.must(err)
	w.drain()
	var list gateway.List[gateway.Invoice]
	w.read(supplier, func(r gateway.Reader) (err error) {
		list, err = r.Invoices(w.Context(), gateway.InvoiceFilter{OrderID: answer.Ref}, gateway.Page{})
		return err
	})
	if len(list.Items) != 1 {
		w.Fatalf("%d invoices of order %s", len(list.Items), number)
	}
	return list.Items[0]
}

// drain works until nothing is due, and seals what happened.
func (w *world) drain() {
	w.Helper()
	for range 200 {
		due, err := w.store.System().DueTasks(w.Context(), w.clock.Now(), gateway.Wakeup{}, 100)
		w.must(err)
		if len(due) == 0 {
			w.must(w.sealer.Sweep(w.Context()))
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

// tell writes an event of the other side on an invoice's timeline.
func (w *world) tell(inv gateway.Invoice, kind gateway.EventType, grade gateway.Grade, deliveryID, data string) {
	w.Helper()
	w.clock.advance(time.Minute)
	w.write(supplier, func(tx gateway.Tx) error {
		row, err := tx.Invoice(w.Context(), inv.ID)
		if err != nil {
			return err
		}
		return gateway.Append(w.Context(), tx, &row, gateway.Event{
			ID: w.ids.New(gateway.PrefixEvent), Type: kind, At: w.clock.Now(), RecordedAt: w.clock.Now(), Grade: grade,
			Actor: gateway.Actor{Kind: "peer", Name: "iso6523-actorid-upis::0225:000234561"}, InvoiceID: inv.ID, DeliveryID: deliveryID,
			Data: json.RawMessage(cmp.Or(data, "{}")),
		})
	})
	w.must(w.sealer.Sweep(w.Context()))
}

func (w *world) invoice(id string) gateway.Invoice {
	w.Helper()
	var inv gateway.Invoice
	w.read(supplier, func(r gateway.Reader) (err error) {
		inv, err = r.Invoice(w.Context(), id)
		return err
	})
	return inv
}

func (w *world) deliveries(id string) []gateway.Delivery {
	w.Helper()
	var out []gateway.Delivery
	w.read(supplier, func(r gateway.Reader) (err error) {
		out, err = r.InvoiceDeliveries(w.Context(), id)
		return err
	})
	return out
}

// token is the token of an invoice's portal link.
func (w *world) token(id string) string {
	w.Helper()
	var links []gateway.PortalLink
	w.read(supplier, func(r gateway.Reader) (err error) {
		links, err = r.PortalLinks(w.Context(), id)
		return err
	})
	if len(links) == 0 {
		w.Fatalf("invoice %s has no portal link", id)
	}
	return w.portal.Key.Token(links[0].ID)
}

// receive hands a document to the customer's door.
func (w *world) receive(document []byte) gateway.Inbound {
	w.Helper()
	w.clock.advance(time.Minute)
	id := w.ids.New(gateway.PrefixMessage)
	sum := sha256.Sum256(document)
	decision, err := w.doors[customer].Accept(w.Context(), https.Inbound{
		MessageID: id, Sender: "iso6523-actorid-upis::0225:000123455", Receiver: "iso6523-actorid-upis::0225:000234560",
		DocumentType: "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", ContentType: "application/xml",
		Body: document, SHA256: sum, KeyID: "lumiere-1", ReceivedAt: w.clock.Now(), Receipt: []byte("{}"), Evidence: fmt.Appendf(nil, `{"id":%q}`, id),
	})
	w.must(err)
	if decision.Verdict != https.Stored {
		w.Fatalf("the document was not stored: %+v", decision)
	}
	w.drain()
	var in gateway.Inbound
	w.read(customer, func(r gateway.Reader) (err error) {
		in, err = r.InboundByMessageID(w.Context(), "iso6523-actorid-upis::0225:000123455", id)
		return err
	})
	return in
}

// document is what is sent of an invoice.
func (w *world) document(id string) []byte {
	w.Helper()
	var sha string
	w.read(supplier, func(r gateway.Reader) error {
		list, err := r.InvoiceDocuments(w.Context(), id)
		for _, d := range list {
			if d.Role == "invoice" {
				sha = d.SHA256
			}
		}
		return err
	})
	b, err := w.blobs.Get(w.Context(), supplier, sha)
	w.must(err)
	return b
}
