package main

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"facteur.dev/facteur/internal/signature"
)

var update = flag.Bool("update", false, "rewrite golden files in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"facteur": main})
}

// TestScripts runs the command line as the scripts in testdata tell. Beside
// testscript's own commands they have
//
//	status N facteur …   which expects exit status N
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return copyFixtures(env.WorkDir) },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
	if scripts, err := filepath.Glob("testdata/*.txtar"); err != nil || len(scripts) == 0 {
		t.Fatal("there are no scripts")
	}
}

// copyFixtures puts the goldens of other packages beside each script.
func copyFixtures(dir string) error {
	for name, from := range map[string]string{
		"export.jsonl":  "../../internal/gateway/evidence/testdata/export.jsonl",
		"evidence.json": "../../transport/https/testdata/evidence.json",
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return sealFixtures(dir)
}

// sealFixtures signs sealed.xml with a key made for the test.
func sealFixtures(dir string) error {
	now := time.Now()
	id, root, err := signature.NewTestIdentity(rand.Reader, "Supplier Ltd", now.Add(-time.Hour), now.AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	document := []byte("<Invoice>10.50</Invoice>\n")
	seal, err := signature.Seal(id, signature.SealOptions{Name: "sealed.xml", MimeType: "application/xml", SigningTime: now, Rand: rand.Reader}, document)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"sealed.xml": document, "sealed.xml.xades": seal,
		"roots.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		var exited interface{ ExitCode() int }
		if !errors.As(err, &exited) {
			ts.Fatalf("%v", err)
		}
		got = fmt.Sprint(exited.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

func TestReport(t *testing.T) {
	cause := errors.New("disk full")
	for _, test := range []struct {
		name    string
		err     error
		status  int
		printed string
	}{
		{"nothing", nil, 0, ""},
		{"judged, already reported", wanting("invoice.invalid", ""), 1, ""},
		{"judged", wanting("evidence.broken", "leaf 3 was changed"), 1, "facteur: leaf 3 was changed [evidence.broken]\n"},
		{"usage", usageError("cli.usage", "unknown flag", "see --help"), 2, "facteur: unknown flag [cli.usage]; see --help\n"},
		{"environment", environmentError("store.full", cause, "make room"), 3, "facteur: disk full [store.full]; make room\n"},
		{"wrapped", fmt.Errorf("outer: %w", environmentError("store.full", cause, "")), 3, "facteur: disk full [store.full]\n"},
		{"any other error", cause, 3, "facteur: disk full\n"},
		{"one line whatever happens", wanting("x", "a\nb\x1b[31mc\rd"), 1, "facteur: a b [31mc d [x]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if got := report(&stderr, test.err); got != test.status || stderr.String() != test.printed {
				t.Errorf("status %d, printed %q", got, stderr.String())
			}
		})
	}
	if !errors.Is(environmentError("x", cause, ""), cause) {
		t.Error("the cause is lost")
	}
}

func TestVersionLine(t *testing.T) {
	var out bytes.Buffer
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-22T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if err := printVersion(&out, info); err != nil {
		t.Fatal(err)
	}
	if want := "facteur v1.2.3 (0123456789ab+changes 2026-11-22T00:00:00Z) go"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("got %q, want %q…", out.String(), want)
	}
}
