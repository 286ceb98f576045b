package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems returns "code key" of each problem, for assertions.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	var found []string
	for _, p := range e.Problems {
		found = append(found, p.Code+" "+p.Key)
	}
	return found
}

func origin(t *testing.T, c *Config, key string) string {
	t.Helper()
	for _, s := range c.Settings() {
		if s.Key == key {
			return s.Origin
		}
	}
	t.Fatalf("no option %s", key)
	return ""
}

func TestPrecedence(t *testing.T) {
	file := writeFile(t, "f.yaml", "http:\n  listen: \"127.0.0.1:1\"\n")
	env := []string{"FACTEUR_HTTP_LISTEN=127.0.0.1:2", "HTTP_LISTEN=127.0.0.1:9"}
	empty := []string{"FACTEUR_HTTP_LISTEN=", "FACTEUR_CONFIG="}
	flags := map[string]string{"http.listen": "127.0.0.1:3"}
	for _, test := range []struct {
		name         string
		from         Sources
		want, origin string
	}{
		{"default", Sources{NoFile: true}, "127.0.0.1:8480", "default"},
		{"file", Sources{File: file}, "127.0.0.1:1", file + ":2"},
		{"an empty variable is not set", Sources{File: file, Environ: empty}, "127.0.0.1:1", file + ":2"},
		{"environment over file", Sources{File: file, Environ: env}, "127.0.0.1:2", "environment FACTEUR_HTTP_LISTEN"},
		{"flag over all", Sources{File: file, Environ: env, Flags: flags}, "127.0.0.1:3", "flag"},
		{"file by environment", Sources{Environ: []string{"FACTEUR_CONFIG=" + file}}, "127.0.0.1:1", file + ":2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Load(test.from)
			if err != nil {
				t.Fatal(err)
			}
			if c.HTTP.Listen != test.want || origin(t, c, "http.listen") != test.origin {
				t.Errorf("got %s from %s, want %s from %s", c.HTTP.Listen, origin(t, c, "http.listen"), test.want, test.origin)
			}
		})
	}
}

func TestDefaultFileIsOptional(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := Load(Sources{}); err != nil {
		t.Fatalf("without a file: %v", err)
	}
	if err := os.WriteFile(DefaultFile, []byte("language: fr\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Sources{})
	if err != nil || c.Language != "fr" {
		t.Fatalf("got %+v, %v", c, err)
	}
	_, err = Load(Sources{File: "missing.yaml"})
	if got := problems(t, err); !slices.Equal(got, []string{"config.unreadable "}) {
		t.Errorf("a named file that is missing: %v", got)
	}
}

func TestValues(t *testing.T) {
	file := writeFile(t, "f.yaml", `
data_dir: /srv/facteur/
database: postgres://u:p@db/facteur
time_zone: Europe/Paris
test_mode: true
http:
  tls_cert: "{data_dir}/cert.pem"
  tls_key: k.pem
  max_body: 512KiB
  trusted_proxies: [10.1.2.3/8, "fd00::/8"]
log: {level: warn, format: json}
mail:
  host: smtp.example.com
  port: 465
  tls: implicit
  from: Invoices <invoices@example.com>
outbound:
  allow:
    - 127.0.0.1:9000
    - 10.0.0.0/8
jobs:
  lease: 1m30s
`)
	c, err := Load(Sources{File: file})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ got, want any }{
		{c.DataDir, "/srv/facteur"},
		{c.PacksDir, "/srv/facteur/packs"},
		{c.Database.Reveal(), "postgres://u:p@db/facteur"},
		{c.Database.IsPostgres(), true},
		{c.TimeZone.String(), "Europe/Paris"},
		{c.TestMode, true},
		{c.HTTP.TLSCert, "/srv/facteur/cert.pem"},
		{c.HTTP.PublicURL, "https://127.0.0.1:8480"},
		{c.HTTP.MaxBody, int64(512 << 10)},
		{fmt.Sprint(c.HTTP.TrustedProxies), "[10.0.0.0/8 fd00::/8]"},
		{c.Log, Log{slog.LevelWarn, "json"}},
		{c.Mail.Port, 465},
		{c.Mail.EnvelopeDomain, "example.com"},
		{fmt.Sprint(c.Outbound.Allow), "[127.0.0.1:9000 10.0.0.0/8]"},
		{c.Jobs.Lease, 90 * time.Second},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, file string
		flags      map[string]string
		env        []string
		want       []string // "code key"
		place      string   // of the first problem, after the file's name
	}{
		{name: "unknown key", file: "language: en\nlangauge: fr\n", want: []string{"config.unknown_key langauge"}, place: ":2"},
		{name: "unknown nested key", file: "http:\n  listen: :80\n  port: 80\n", want: []string{"config.unknown_key http.port"}, place: ":3"},
		{name: "unknown group", file: "\nsmtp:\n  host: x\n", want: []string{"config.unknown_key smtp"}, place: ":2"},
		{name: "several at once", file: "a: 1\nb: 2\n", want: []string{"config.unknown_key a", "config.unknown_key b"}, place: ":1"},
		{name: "dotted key", file: "http.listen: :80\nhttp:\n  listen: :81\n", want: []string{"config.conflict http.listen"}, place: ":3"},
		{name: "duplicate key", file: "language: en\nlanguage: fr\n", want: []string{"config.syntax "}, place: ":2"},
		{name: "not YAML", file: "http:\n\t- x\n", want: []string{"config.syntax "}, place: ":2"},
		{name: "not a mapping", file: "- a\n", want: []string{"config.syntax "}, place: ":1"},
		{name: "two documents", file: "language: en\n---\nlanguage: fr\n", want: []string{"config.syntax "}},
		{name: "anchor", file: "language: &a en\n", want: []string{"config.bad_value language"}, place: ":1"},
		{name: "group for a value", file: "language:\n  en: fr\n", want: []string{"config.bad_value language"}, place: ":1"},
		{name: "value for a group", file: "http: 80\n", want: []string{"config.syntax http"}, place: ":1"},
		{name: "empty value", file: "language:\n", want: []string{"config.bad_value language"}, place: ":1"},
		{name: "wrong word", file: "language: de\n", want: []string{"config.bad_value language"}, place: ":1"},
		{name: "wrong number", file: "mail:\n  port: 99999\n", want: []string{"config.bad_value mail.port"}, place: ":2"},
		{name: "wrong duration", file: "jobs: {lease: 10}\n", want: []string{"config.bad_value jobs.lease"}, place: ":1"},
		{name: "short lease", file: "jobs: {lease: 1ms}\n", want: []string{"config.bad_value jobs.lease"}, place: ":1"},
		{name: "wrong size", file: "http: {max_body: 20MB}\n", want: []string{"config.bad_value http.max_body"}, place: ":1"},
		{name: "overflowing size", file: "http: {max_body: 9223372036854775807GiB}\n", want: []string{"config.bad_value http.max_body"}, place: ":1"},
		{name: "wrong boolean", file: "test_mode: yes\n", want: []string{"config.bad_value test_mode"}, place: ":1"},
		{name: "wrong address", file: "http: {listen: '80'}\n", want: []string{"config.bad_value http.listen"}, place: ":1"},
		{name: "wrong URL", file: "http: {public_url: 'ftp://x'}\n", want: []string{"config.bad_value http.public_url"}, place: ":1"},
		{name: "wrong zone", file: "time_zone: Mars\n", want: []string{"config.bad_value time_zone"}, place: ":1"},
		{name: "wrong allow list", file: "outbound: {allow: [relay.lan]}\n", want: []string{"config.bad_value outbound.allow"}, place: ":1"},
		{name: "wrong database", file: "database: mysql://x\n", want: []string{"config.bad_value database"}, place: ":1"},
		{name: "unknown flag", flags: map[string]string{"x": "1"}, want: []string{"config.unknown_key x"}},
		{name: "wrong variable", env: []string{"FACTEUR_LOG_LEVEL=loud"}, want: []string{"config.bad_value log.level"}},
		{name: "certificate without key", flags: map[string]string{"http.tls_cert": "c.pem"}, want: []string{"config.missing http.tls_cert"}},
		{name: "mail without sender", flags: map[string]string{"mail.host": "smtp.example.com"}, want: []string{"config.missing mail.from"}},
		{name: "password in the clear", flags: map[string]string{"mail.host": "smtp.example.com", "mail.from": "a@b.example", "mail.user": "u", "mail.password": "p", "mail.tls": "opportunistic"}, want: []string{"config.conflict mail.tls"}},
		{name: "secret and its file", env: []string{"FACTEUR_MAIL_PASSWORD=a", "FACTEUR_MAIL_PASSWORD_FILE=b"}, want: []string{"config.conflict mail.password"}},
		{name: "missing secret file", env: []string{"FACTEUR_MAIL_PASSWORD_FILE=/nowhere"}, want: []string{"config.unreadable mail.password_file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := writeFile(t, "f.yaml", test.file)
			c, err := Load(Sources{File: file, Flags: test.flags, Environ: test.env})
			if c != nil {
				t.Error("got a configuration besides the error")
			}
			if got := problems(t, err); !slices.Equal(got, test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			var e *Error
			errors.As(err, &e)
			if test.place != "" && e.Problems[0].Place != file+test.place {
				t.Errorf("got place %q, want %q", e.Problems[0].Place, file+test.place)
			}
			if code, _, _ := strings.Cut(test.want[0], " "); Code(err) != code {
				t.Errorf("Code is %s, want %s", Code(err), code)
			}
		})
	}
}

func TestUnknownVariablesWarn(t *testing.T) {
	c, err := Load(Sources{NoFile: true, Environ: []string{"FACTEUR_SERVICE_HOST=1", "PATH=/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Warnings(); len(got) != 1 || !strings.Contains(got[0], "FACTEUR_SERVICE_HOST") {
		t.Errorf("got warnings %q", got)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	const hidden = "hunter2"
	file := writeFile(t, "password", hidden+"\n")
	c, err := Load(Sources{NoFile: true, Environ: []string{
		"FACTEUR_MAIL_PASSWORD_FILE=" + file, "FACTEUR_MAIL_USER=u",
		"FACTEUR_SEAL_PASSWORD=" + hidden, "FACTEUR_SEAL_PKCS12=seal.p12",
		"FACTEUR_DATABASE=postgres://u:" + hidden + "@db/facteur?password=" + hidden,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Mail.Password.Reveal() != hidden || c.Seal.Password.Reveal() != hidden {
		t.Fatal("the secrets were not read")
	}
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%v %+v %#v %s\n", c, c, c, c.Settings())
	fmt.Fprintf(&shown, "%s %q %x %d %v\n", c.Mail.Password, c.Mail.Password, c.Mail.Password, c.Mail.Password, &c.Mail)
	fmt.Fprintf(&shown, "%s %q %x %#v\n", c.Database, c.Database, c.Database, c.Database)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "config", c, "secret", c.Mail.Password, "db", c.Database)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "config", c, "secret", c.Mail.Password, "db", c.Database)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	if encoded, err = yaml.Marshal(c.Mail); err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	for _, form := range []string{hidden, fmt.Sprintf("%x", hidden)} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("the secret shows in %s", shown.String())
		}
	}
	if (Secret{}).String() != "" || (Secret{}).IsSet() {
		t.Error("an empty secret looks set")
	}
}

func TestSecretsDoNotShowInErrors(t *testing.T) {
	_, err := Load(Sources{NoFile: true, Environ: []string{"FACTEUR_DATABASE=postgres://u:hunter2%zz@db/x"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// Each field of Config is bound to exactly one row of the table, and each row
// is complete.
func TestTableCoversConfig(t *testing.T) {
	c := Default()
	variables := map[string]string{FileVariable: "the file"}
	for _, o := range c.options() {
		if o.meaning == "" || !strings.HasSuffix(o.meaning, ".") {
			t.Errorf("%s: the meaning is not a sentence", o.key)
		}
		if !slices.ContainsFunc(groups, func(g group) bool { return g.has(o) }) {
			t.Errorf("%s: its group is not documented", o.key)
		}
		if other := variables[Variable(o.key)]; other != "" {
			t.Errorf("%s and %s share the variable %s", o.key, other, Variable(o.key))
		}
		variables[Variable(o.key)] = o.key
	}
	var fields int
	var count func(reflect.Type)
	count = func(typ reflect.Type) {
		for i := range typ.NumField() {
			switch f := typ.Field(i); {
			case !f.IsExported():
			case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Secret]() && f.Type != reflect.TypeFor[DSN]():
				count(f.Type)
			default:
				fields++
			}
		}
	}
	count(reflect.TypeFor[Config]())
	if rows := len(c.options()); rows != fields {
		t.Errorf("%d options for %d fields", rows, fields)
	}
}

// What an option shows is what it accepts.
func TestShownValuesLoadAgain(t *testing.T) {
	first := Default()
	flags := map[string]string{}
	for _, s := range first.Settings() {
		flags[s.Key] = s.Value
	}
	second, err := Load(Sources{NoFile: true, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range second.Settings() {
		if s.Value != first.Settings()[i].Value {
			t.Errorf("%s: %q became %q", s.Key, first.Settings()[i].Value, s.Value)
		}
	}
}

func TestReferencePage(t *testing.T) {
	golden := filepath.Join("..", "..", "docs", "configuration.md")
	var page bytes.Buffer
	if err := WriteReference(&page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("docs/configuration.md is out of date, run go test ./internal/config -update:\n%s", diff)
	}
}

// The example file loads as it stands, and with every option uncommented it
// says the same as no file.
func TestExampleFile(t *testing.T) {
	var example bytes.Buffer
	if err := WriteExample(&example); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Sources{File: writeFile(t, "asis.yaml", example.String())}); err != nil {
		t.Fatalf("as it stands: %v", err)
	}
	commented := regexp.MustCompile(`(?m)^( *)# (\w+: )`)
	full := commented.ReplaceAllString(example.String(), "$1$2")
	c, err := Load(Sources{File: writeFile(t, "full.yaml", full)})
	if err != nil {
		t.Fatalf("with every option: %v", err)
	}
	for i, s := range c.Settings() {
		if s.Origin == "default" {
			t.Errorf("%s is missing from the example", s.Key)
		}
		if want := Default().Settings()[i].Value; s.Value != want {
			t.Errorf("%s: the example has %q, the default is %q", s.Key, s.Value, want)
		}
	}
}

func FuzzFile(f *testing.F) {
	seeds := []string{"language: fr\n", "http:\n  listen: ':80'\n", "a: &a [*a]\n", "? x\n: y\n", "outbound: {allow: [a, b]}\n", "- 1\n", "mail: {password: !!binary aGk=}\n"}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		l := loader{options: new(Config).options()}
		found := l.yaml("f.yaml", []byte(content))
		for key, g := range found {
			if !l.known(key) || !strings.HasPrefix(g.place, "f.yaml:") {
				t.Errorf("accepted %q at %q", key, g.place)
			}
		}
	})
}
