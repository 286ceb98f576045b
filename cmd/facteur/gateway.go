package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/dropfolder"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/evidence"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/gateway/sealing"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/internal/jobs"
	"facteur.dev/facteur/internal/netguard"
	"facteur.dev/facteur/internal/notify"
	"facteur.dev/facteur/internal/signature"
	"facteur.dev/facteur/internal/store/blobs"
	"facteur.dev/facteur/internal/store/postgres"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
	"facteur.dev/facteur/internal/web"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/https"
)

// node is one gateway process: the use cases, wired to this process's store,
// channels and keys.
type node struct {
	cfg   *config.Config
	log   *slog.Logger
	clock gateway.Clock
	ids   gateway.IDs

	store     gateway.Store
	queue     *jobs.Queue
	blobs     *blobs.Disk
	checks    *officialChecks
	keys      keyring
	authority *access.Authority
	guard     *netguard.Guard
	public    string // URL under which others reach this process
	pages     string // URL under which people do; the same unless a demonstration says otherwise

	profiles *outbound.Profiles
	intake   *outbound.Intake
	desk     *outbound.Desk
	book     *records.Book
	inbox    *inbound.Desk
	answers  *answer.Service
	hooks    *track.Webhooks
	portal   *track.Portal
	reports  *track.Reports
	sealer   *sealing.Sealer
	runner   *jobs.Runner
	exporter evidence.Exporter

	frames    []string       // origins that may show the pages in a frame
	roots     *x509.CertPool // authorities of the servers we call; nil: the system's
	probe     func(step string)
	receivers sync.Map // tenant → http.Handler
	// arriving bounds what is received from other gateways at once, in bytes, over
	// all tenants.
	arriving *semaphore.Weighted
}

// newNode wires a gateway. public is its address for others; empty derives it
// from the configuration. probe is told of the steps of the way; nil in production.
func newNode(ctx context.Context, cfg *config.Config, log *slog.Logger, public string, probe func(string)) (n *node, err error) {
	n = &node{cfg: cfg, log: log, clock: gateway.SystemClock{}, public: public, probe: probe}
	if n.public == "" {
		n.public = cfg.HTTP.PublicURL
	}
	if n.public == "" {
		n.public = "http://" + cfg.HTTP.Listen
	}
	n.pages = n.public
	n.ids = gateway.NewIDs(n.clock, rand.Reader)
	n.arriving = semaphore.NewWeighted(8 * cfg.HTTP.MaxBody)
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, environmentError("data_dir", err, "give another folder with --data-dir")
	}
	if n.keys, n.authority, err = loadKeys(cfg, n.clock.Now, log); err != nil {
		return nil, err
	}
	if n.guard, err = netguard.New(netguard.Policy{Allow: cfg.Outbound.Allow}); err != nil {
		return nil, err
	}
	if n.roots, err = authorities(cfg.Outbound.CAFile); err != nil {
		return nil, err
	}
	if n.blobs, err = blobs.Open(filepath.Join(cfg.DataDir, "blobs"), 0, n.clock); err != nil {
		return nil, environmentError("blobs", err, "check the data folder")
	}
	if n.checks, err = openChecks(cfg); err != nil {
		return nil, err
	}
	if n.store, n.queue, err = openQueuedStore(ctx, cfg, n.clock, log); err != nil {
		return nil, errors.Join(err, n.checks.Close())
	}
	if err := n.wire(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// wire builds the use cases and the workers.
func (n *node) wire() error {
	store, bl, clock, ids, probe := n.store, n.blobs, n.clock, n.ids, n.probe
	n.intake = &outbound.Intake{Store: store, Blobs: bl, Clock: clock, IDs: ids, Probe: probe}
	n.profiles = &outbound.Profiles{Clock: clock}
	n.desk = &outbound.Desk{Store: store, Blobs: bl, Clock: clock, IDs: ids}
	n.book = &records.Book{Store: store, Clock: clock, IDs: ids, CheckProfile: outbound.CheckProfile}
	n.inbox = &inbound.Desk{Store: store, Clock: clock, IDs: ids}
	n.answers = &answer.Service{Store: store, Blobs: bl, Clock: clock, IDs: ids}
	n.reports = &track.Reports{Store: store, Blobs: bl, Clock: clock, IDs: ids}
	n.exporter = evidence.Exporter{Signer: n.keys.log, Now: clock.Now}

	sender, mailer, err := n.channels()
	if err != nil {
		return err
	}
	n.portal = &track.Portal{Store: store, Clock: clock, IDs: ids, Key: n.keys.links, Codes: n.authority}
	if mailer != nil {
		n.portal.SendCode = n.sendCode(mailer)
	}
	post, err := n.poster()
	if err != nil {
		return err
	}
	n.hooks = &track.Webhooks{Store: store, Clock: clock, IDs: ids, Post: post, Pause: outbound.DefaultRetry.Pause, GiveUp: outbound.DefaultRetry.GiveUp}
	answersInTest := &track.SinkAnswers{Clock: clock, IDs: ids}
	n.sealer = &sealing.Sealer{
		Store: store, Clock: clock, Signer: n.keys.log, Former: n.keys.former, Random: rand.Reader, Log: n.log, Every: 200 * time.Millisecond, Probe: probe,
		Fanout: func(ctx context.Context, tx gateway.Tx, tenant gateway.TenantID, events []gateway.Event) error {
			if err := answersInTest.Fanout(ctx, tx, tenant, events); err != nil {
				return err
			}
			return n.hooks.Fanout(ctx, tx, tenant, events)
		},
	}
	letters := &notify.Letters{Store: store, LinkTo: n.linkTo, Language: i18n.Lang(n.cfg.Language)}
	checkers := n.cfg.Jobs.ValidationWorkers
	if checkers == 0 {
		checkers = max(1, runtime.GOMAXPROCS(0)-1) // what comes in must not wait for the checks
	}
	deliverers := n.cfg.Jobs.DeliveryWorkers
	onePeer := max(1, deliverers/4) // a slow peer leaves room for the others
	kinds := map[gateway.TaskKind]jobs.Kind{
		gateway.TaskDraftInvoices: {Handler: &outbound.Drafting{Store: store, Clock: clock, IDs: ids, Probe: probe}},
		gateway.TaskPrepareInvoice: {Workers: checkers, PerGroup: 1, Handler: &outbound.Preparing{
			Store: store, Blobs: bl, Clock: clock, IDs: ids, Checker: n.checks, Requirements: n.profiles,
			Sealer: sealer{n.keys.seal, clock}, Links: n.keys.links, Probe: probe,
		}},
		gateway.TaskSendDelivery: {Workers: deliverers, PerGroup: onePeer, Handler: &outbound.Sending{
			Store: store, Blobs: bl, Clock: clock, IDs: ids, Sender: sender, Letters: letters, Retry: outbound.DefaultRetry, Probe: probe,
		}},
		gateway.TaskCheckInbound: {Workers: checkers, Handler: &inbound.Checking{
			Store: store, Blobs: bl, Clock: clock, IDs: ids, Checker: n.checks, Answers: n.answers, Probe: probe,
		}},
		gateway.TaskForwardInbound: {Workers: deliverers, PerGroup: onePeer, Handler: &inbound.Forwarding{
			Store: store, Blobs: bl, Clock: clock, IDs: ids, Post: inbound.Post(post), Drop: n.drop(), Probe: probe,
		}},
		gateway.TaskSendWebhook: {Workers: deliverers, PerGroup: onePeer, Handler: n.hooks},
	}
	n.runner, err = jobs.New(jobs.Config{
		Store: store, Queue: n.queue, Owner: n.ids.New("own"), Kinds: kinds,
		Lease: n.cfg.Jobs.Lease, Sweep: n.cfg.Jobs.SweepInterval, Clock: clock, Log: n.log,
	})
	return err
}

// drop writes received documents into the tenants' drop folders.
func (n *node) drop() func(context.Context, gateway.TenantID, string, []byte) (bool, error) {
	dir := n.cfg.Intake.DropDir
	if dir == "" {
		return nil
	}
	return func(ctx context.Context, tenant gateway.TenantID, name string, content []byte) (bool, error) {
		return dropfolder.Deliver(ctx, dir, tenant, name, content)
	}
}

// openQueuedStore opens the database with the queue of its wake-ups.
func openQueuedStore(ctx context.Context, cfg *config.Config, clock gateway.Clock, log *slog.Logger) (gateway.Store, *jobs.Queue, error) {
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, nil, storeError(err)
	}
	var queue *jobs.Queue
	switch db := db.(type) {
	case *sqlite.DB:
		queue, err = jobs.NewSQLiteQueue(db.Writer(), clock, log)
	case *postgres.DB:
		queue, err = jobs.NewPostgresQueue(db.Pool(), clock, log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	store, err := sqlstore.Open(ctx, db, queue)
	if err != nil {
		return nil, nil, storeError(errors.Join(err, db.Close()))
	}
	return store, queue, nil
}

// authorities reads the certificate authorities of the servers we call.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, environmentError("outbound.ca_file", err, "name a PEM file")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, environmentError("outbound.ca_file", errors.New(file+" holds no certificate"), "name a PEM file")
	}
	return pool, nil
}

// hostOf gives the host, with its port, of a URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// linkTo gives the address of a portal link.
func (n *node) linkTo(linkID string) string { return n.pages + "/p/" + n.keys.links.Token(linkID) }

// receive gives the door of a tenant for other gateways.
func (n *node) receive(tenant gateway.TenantID) http.Handler {
	if h, ok := n.receivers.Load(tenant); ok {
		return h.(http.Handler)
	}
	h, err := https.NewReceiver(https.ReceiverConfig{
		Authority: hostOf(n.public), Signer: n.keys.signing, Trust: n.trust(tenant), Random: rand.Reader, Now: n.clock.Now,
		Inbox:   &inbound.Door{Store: n.store, Blobs: n.blobs, Clock: n.clock, IDs: n.ids, Tenant: tenant, Probe: n.probe},
		MaxBody: n.cfg.HTTP.MaxBody, MaxInFlight: 2 * n.cfg.HTTP.MaxBody, Shared: n.arriving, Log: n.log,
	})
	if err != nil {
		n.log.Error("the door for other gateways could not be opened", "tenant", tenant, "error", err)
		return http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Kept for tenants that exist: anybody can name others.
		err := n.store.For(tenant).Read(r.Context(), func(reader gateway.Reader) error {
			_, err := reader.Tenant(r.Context())
			return err
		})
		if err == nil {
			n.receivers.Store(tenant, h)
		}
		h.ServeHTTP(w, r)
	})
}

func (n *node) trust(tenant gateway.TenantID) transport.Trust {
	return records.Trust{Store: n.store, Tenant: tenant}
}

// exportLog writes a tenant's whole audit log. It reads in small steps: who
// fetches it slowly holds no connection of the database meanwhile, and what the
// log gains is behind the root that the export is of.
func (n *node) exportLog(ctx context.Context, tenant gateway.TenantID, w io.Writer) error {
	log := logReads{n.store.For(tenant)}
	var size int64
	var root []byte
	err := log.Read(ctx, func(r gateway.Reader) (err error) {
		if size, err = r.LogSize(ctx); err != nil {
			return err
		}
		if size == 0 {
			return gateway.ErrNotFound.With("the log is empty", nil)
		}
		root, err = r.LogRoot(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return n.exporter.Export(ctx, w, log, root, []evidence.Range{{First: 1, Last: size}})
}

// logReads reads an audit log with a transaction for each step.
type logReads struct{ gateway.TenantStore }

// ReadHashes implements evidence.HashReader.
func (l logReads) ReadHashes(ctx context.Context, indexes []int64) (hashes [][]byte, err error) {
	err = l.Read(ctx, func(r gateway.Reader) error {
		hashes, err = sealing.LogSource{Reader: r}.ReadHashes(ctx, indexes)
		return err
	})
	return hashes, err
}

// ReadLeaf implements evidence.Source.
func (l logReads) ReadLeaf(ctx context.Context, seq int64) (leaf []byte, openings map[string]evidence.Opening, err error) {
	err = l.Read(ctx, func(r gateway.Reader) error {
		leaf, openings, err = sealing.LogSource{Reader: r}.ReadLeaf(ctx, seq)
		return err
	})
	return leaf, openings, err
}

// verifyLog checks a tenant's whole audit log as an auditor would.
func (n *node) verifyLog(ctx context.Context, tenant gateway.TenantID) (evidence.Report, error) {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(n.exportLog(ctx, tenant, writer)) }()
	key := n.keys.log.Verifier()
	report, err := evidence.Verify(reader, evidence.Options{Key: &key})
	return report, errors.Join(err, reader.Close())
}

// verifySeal checks the seal of a document.
func (n *node) verifySeal(_ context.Context, document, seal []byte) (web.Seal, error) {
	r, err := signature.Verify(seal, document, signature.VerifyOptions{Now: n.clock.Now()})
	if err != nil {
		return web.Seal{}, err
	}
	return web.Seal{Signer: r.Certificate.Subject.String(), SignedAt: r.SigningTime, Trusted: r.Trusted}, nil
}

// Run works until ctx ends.
func (n *node) Run(ctx context.Context) error {
	if err := n.runner.Start(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { n.sealer.Run(ctx) })
	wg.Go(func() { n.prune(ctx) })
	if n.cfg.Intake.DropDir != "" {
		folder := &dropfolder.Folder{
			Dir: n.cfg.Intake.DropDir, Store: n.store, Intake: n.intake, Clock: n.clock, Every: n.cfg.Intake.PollInterval,
			MaxSize: n.cfg.HTTP.MaxBody, Log: n.log, Probe: n.probe,
		}
		wg.Go(func() { folder.Run(ctx) })
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := n.runner.Stop(stop)
	wg.Wait()
	return err
}

// keepAnswers is how long a submission under the same idempotency key gets the
// same answer. Business keys stop doubles for ever.
const keepAnswers = 90 * 24 * time.Hour

// prune removes what is no longer needed, once an hour.
func (n *node) prune(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		if err := n.store.System().Prune(ctx, n.clock.Now().Add(-keepAnswers)); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "old answers could not be removed; this is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Close releases what the node holds.
func (n *node) Close() error {
	var err error
	if n.store != nil {
		err = n.store.Close()
	}
	if n.blobs != nil {
		err = errors.Join(err, n.blobs.Close())
	}
	return errors.Join(err, n.checks.Close())
}
