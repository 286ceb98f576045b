package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/logging"
	"facteur.dev/facteur/testdata/orders"
)

// demoCmd shows the whole way on one machine, without a certificate and without
// reaching anybody: a supplier and its customers on one gateway, an endpoint that
// is dead at first, and a mail server, all on loopback.
type demoCmd struct {
	Files  []string `arg:"" optional:"" type:"existingfile" help:"Orders or finished invoices of yours (JSON, UBL, CSV, XLSX) instead of the ten that come with it."`
	Exit   bool     `help:"Stop when every invoice is where it should be: status 0; status 1 when one is not in time."`
	Keep   bool     `help:"Keep the data when it ends."`
	Listen string   `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address of the pages; a free port of loopback without it."`
}

// demoPatience is how long an invoice may take to where it should be.
const demoPatience = 90 * time.Second

// Run shows it.
func (c demoCmd) Run(app *appContext) (err error) {
	base, err := app.Config()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "facteur-demo-")
	if err != nil {
		return environmentError("demo.data", err, "")
	}
	if c.Keep {
		fmt.Fprintf(app.Stderr, "data: %s\n", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	ctx, cancel := context.WithCancel(app.Context)
	defer cancel()
	d := &demo{app: app, out: app.Stdout, dir: dir}
	if err := d.start(ctx, base.PacksDir, c.Listen); err != nil {
		return err
	}
	defer func() {
		cancel()
		err = errors.Join(err, d.stop())
	}()
	show := d.ours
	if len(c.Files) > 0 {
		show = func(ctx context.Context) error { return d.theirs(ctx, c.Files) }
	}
	if err := show(ctx); err != nil {
		return err
	}
	if err := d.await(ctx, demoPatience); err != nil {
		return err
	}
	if c.Exit {
		return nil
	}
	fmt.Fprintf(d.out, "\nOpen %s\n", d.page)
	fmt.Fprintln(d.out, "  left: the supplier's timeline; right: the customer's portal.")
	fmt.Fprintln(d.out, "  Press \"show invoice\" on the right and watch the left. Ctrl-C ends the demonstration.")
	<-ctx.Done()
	return nil
}

// demo is a running demonstration.
type demo struct {
	app   *appContext
	out   interface{ Write([]byte) (int, error) }
	dir   string
	node  *node
	peers *demoPeers
	page  string // address of the page to open
	done  chan error
	seen  []*shown
}

const (
	demoSupplier gateway.TenantID = "ateliers-lumiere"
	demoCustomer gateway.TenantID = "customers"
)

// start brings up peers and gateway, and the records of the two tenants.
func (d *demo) start(ctx context.Context, packs, listen string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return environmentError("demo.listen", err, "give another --listen")
	}
	if d.peers, err = startDemoPeers(ctx, d.dir, d.app.Now); err != nil {
		return errors.Join(err, listener.Close())
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	// The log of a demonstration is kept beside its data; what it shows is told on standard output.
	file, err := os.Create(filepath.Join(d.dir, "log.jsonl"))
	if err != nil {
		return err
	}
	log := logging.New(file, slog.LevelInfo, logging.JSON)
	cfg, err := config.Load(config.Sources{NoFile: true, Flags: map[string]string{
		"data_dir": filepath.Join(d.dir, "data"), "packs_dir": packs, "language": "en", "time_zone": "Europe/Paris",
		"http.listen": listener.Addr().String(), "http.public_url": "https://" + d.peers.gateway.Addr().String(),
		"outbound.allow": strings.Join(d.peers.addresses(), ","), "outbound.ca_file": d.peers.caFile,
		"mail.host": "127.0.0.1", "mail.port": d.peers.mailPort(), "mail.tls": "none", "mail.from": "factures@ateliers-lumiere.example",
		"jobs.sweep_interval": "500ms",
	}})
	if err != nil {
		return err
	}
	if err := d.peers.credentials(filepath.Join(cfg.Outbound.CredentialsDir, string(demoSupplier))); err != nil {
		return err
	}
	if d.node, err = newNode(ctx, cfg, log, "https://"+d.peers.gateway.Addr().String(), nil); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := d.node.checks.usable(ctx, d.app.Now()); err != nil {
		return errors.Join(err, listener.Close())
	}
	// People open the pages over plain HTTP: the supplier as 127.0.0.1, the
	// customer as localhost, so that neither has the other's cookies.
	d.node.pages = "http://localhost:" + port
	origin := "http://127.0.0.1:" + port
	d.page, d.node.frames = origin+"/demo", []string{"'self'", origin}
	d.done = make(chan error, 2)
	go func() { d.done <- d.node.Serve(ctx, listener, d.routes) }()
	go func() { d.done <- d.peers.serveGateway(ctx, d.node.handler(nil)) }()
	return d.setUp(ctx)
}

func (d *demo) stop() error {
	return errors.Join(<-d.done, <-d.done, d.node.Close(), d.peers.Close())
}

// setUp creates the tenants and their records: those of testdata/orders, with
// the customers' routes led to this machine.
func (d *demo) setUp(ctx context.Context) error {
	for id, name := range map[gateway.TenantID]string{demoSupplier: "Ateliers Lumière SARL", demoCustomer: "Customers of the demonstration"} {
		if err := d.node.store.System().CreateTenant(ctx, gateway.Tenant{
			ID: id, Name: name, Mode: gateway.ModeLive, Language: "en", TimeZone: "Europe/Paris", CreatedAt: d.app.Now(),
		}); err != nil {
			return err
		}
	}
	if err := d.records(ctx); err != nil {
		return err
	}
	return d.person(ctx)
}

// demoFile reads a file of ours.
func demoFile(name string) ([]byte, error) { return fs.ReadFile(orders.Files, name) }
