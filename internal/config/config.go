// Package config reads Facteur's settings from flags, the environment, a YAML
// file and defaults, in this order of precedence.
//
// Every option stands once in the table of options.go, with its type, default
// and meaning; parsing, `facteur config`, the reference page and the example
// file all come from there. Unknown keys in the file are refused with their
// line. Secrets can be read from files (KEY_file) and are never printed.
package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the effective configuration. The comments of the table in
// options.go say what each field means.
type Config struct {
	DataDir  string
	PacksDir string
	Database DSN
	Language string
	TimeZone *time.Location
	TestMode bool

	HTTP       HTTP
	Log        Log
	Seal       Seal
	Gateway    Gateway
	Mail       Mail
	Outbound   Outbound
	Jobs       Jobs
	Intake     Intake
	Validation Validation

	origins  map[string]string // key of each option that is not a default → where it came from
	warnings []string
}

// HTTP is the server for API, portal and other gateways.
type HTTP struct {
	Listen         string // host:port
	PublicURL      string // without trailing slash
	TLSCert        string // PEM file; empty: plain HTTP
	TLSKey         string
	SessionKey     string // file
	MaxBody        int64  // bytes
	TrustedProxies []netip.Prefix
}

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // auto, text or json
}

// Seal is the key that signs outgoing documents.
type Seal struct {
	PKCS12   string
	Password Secret
}

// Gateway is the identity of this gateway towards others.
type Gateway struct {
	SigningKey string   // PEM file, PKCS#8 Ed25519
	FormerKeys []string // audit keys, NAME+HASH+KEY
}

// Mail is the server that takes outgoing mail. An empty Host switches the
// mail channel off.
type Mail struct {
	Host           string
	Port           int
	TLS            string // starttls, implicit, opportunistic or none
	User           string
	Password       Secret
	From           string
	EnvelopeDomain string
	Timeout        time.Duration
}

// Outbound governs every connection that Facteur opens.
type Outbound struct {
	Allow  []string // as netguard.Policy has it
	CAFile string   // PEM; empty: the system's authorities
	// CredentialsDir holds the secrets that routes name.
	CredentialsDir string
	Timeout        time.Duration
}

// Jobs sizes the background work.
type Jobs struct {
	DeliveryWorkers   int
	ValidationWorkers int
	Lease             time.Duration
	SweepInterval     time.Duration
}

// Intake is the drop folder. An empty DropDir switches it off.
type Intake struct {
	DropDir      string
	PollInterval time.Duration
}

// Validation bounds the checks of one document.
type Validation struct {
	Deadline    time.Duration
	MaxDocument int64  // bytes
	RulesDir    string // folder of own rules; empty: the official ones
}

// Default returns the configuration that applies when nothing is set.
func Default() *Config {
	c, err := Load(Sources{NoFile: true})
	if err != nil {
		panic("config: the table of options has a bad default: " + err.Error())
	}
	return c
}

// Warnings says what was ignored, such as FACTEUR_ variables that name no option.
func (c *Config) Warnings() []string { return c.warnings }

// Setting is one option of an effective configuration.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`  // masked when secret
	Origin string `json:"origin"` // such as "default" or "file facteur.yaml:12"
}

// Settings lists every option with its value and where the value came from.
func (c *Config) Settings() []Setting {
	options := c.options()
	settings := make([]Setting, 0, len(options))
	for _, o := range options {
		origin := c.origins[o.key]
		if origin == "" {
			origin = "default"
		}
		settings = append(settings, Setting{Key: o.key, Value: o.value.String(), Origin: origin})
	}
	return settings
}
