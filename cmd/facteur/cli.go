package main

import "github.com/alecthomas/kong"

const description = `Facteur turns sales orders into e-invoices that are checked, sealed, delivered and tracked.

Examples:
  facteur demo                   show the whole way on this machine, in a browser
  facteur schemas sync           fetch the official rule packs
  facteur invoice order.json     turn a sales order into an invoice
  facteur validate invoice.xml   check a document against the official rules
  facteur verify export.jsonl    check an audit log without trusting the gateway
  facteur config                 show every option and where its value came from

Configuration comes from flags, then the environment (FACTEUR_…), then the
file facteur.yaml, then defaults: see "facteur config docs".

Exit status: 0 fine; 1 the input was judged and found wanting; 2 usage;
3 the environment failed (rules missing, network, disk).`

// Groups of commands, in the order in which help shows them.
const (
	groupDocuments = "documents"
	groupGateway   = "gateway"
	groupSystem    = "system"
)

var commandGroups = []kong.Group{
	{Key: groupDocuments, Title: "Work on documents:"},
	{Key: groupGateway, Title: "Run the gateway:"},
	{Key: groupSystem, Title: "Set up and look after:"},
}

// CLI is the command line: one field per command, grouped by the constants
// above. Add a command here and put its struct in a file of its own.
type CLI struct {
	Globals

	Invoice    invoiceCmd    `cmd:"" group:"documents" help:"Turn sales orders into checked invoices, offline."`
	Validate   validateCmd   `cmd:"" group:"documents" help:"Check documents against the official schemas and rules."`
	Verify     verifyCmd     `cmd:"" group:"documents" help:"Check a signed document, a receipt or an audit log, offline."`
	Demo       demoCmd       `cmd:"" group:"gateway" help:"Show the whole way, from order to opened invoice, on this machine."`
	Serve      serveCmd      `cmd:"" group:"gateway" help:"Run the gateway: API, pages, deliveries."`
	MailReport mailReportCmd `cmd:"" group:"gateway" help:"Take a delivery report or bounce from standard input."`
	Tenant     tenantCmd     `cmd:"" group:"gateway" help:"Create and list tenants, the isolated accounts of the gateway."`
	User       userCmd       `cmd:"" group:"gateway" help:"Create, list, disable users; set passwords."`
	Key        keyCmd        `cmd:"" group:"gateway" help:"Create, list and revoke API keys."`
	Doctor     doctorCmd     `cmd:"" group:"system" help:"Check the installation: a line and a remedy for each thing."`
	Schemas    schemasCmd    `cmd:"" group:"system" help:"Fetch and verify the official rule packs."`
	Config     configCmd     `cmd:"" group:"system" help:"Show the configuration."`
	Version    versionCmd    `cmd:"" group:"system" help:"Print the version."`
}

// Globals are the flags that every command takes.
type Globals struct {
	ConfigFile string            `name:"config" placeholder:"FILE" help:"Configuration file (default: $FACTEUR_CONFIG, or ./facteur.yaml if it is there)."`
	DataDir    string            `placeholder:"DIR" help:"Data directory; short for --set data_dir=DIR."`
	Set        map[string]string `short:"s" mapsep:"none" placeholder:"KEY=VALUE" help:"Set one configuration option; may be repeated."`
	Verbose    bool              `short:"v" help:"Log more; short for --set log.level=debug."`
}

// settings returns the configuration options that the flags set.
func (g Globals) settings() map[string]string {
	set := make(map[string]string, len(g.Set)+2)
	if g.DataDir != "" {
		set["data_dir"] = g.DataDir
	}
	if g.Verbose {
		set["log.level"] = "debug"
	}
	for key, value := range g.Set {
		set[key] = value
	}
	return set
}
