package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Without rules, or with rules that were changed, invoices are held and nothing
// leaves; the gateway and doctor say so. With the rules back they go, and no
// restart is needed.
func TestMissingAndChangedRules(t *testing.T) {
	t.Parallel()
	mirror := packs(t)
	world := listenTLS(t, takes)
	mine := filepath.Join(t.TempDir(), "packs")
	g := newGate(t, "gateway", "PACKS_DIR="+mine, "VALIDATION_RULES_DIR=") // the official rules
	g.spawn()
	within(t, 10*time.Second, "the process lives", func() bool { status, _ := g.open(http.MethodGet, g.url+"/healthz"); return status == http.StatusOK })

	shop := g.tenant("shop", "live").supplier(`{"channel":"https.ap","address":"` + world.URL + `/invoices"}`)
	missing := shop.placed(1)
	held := shop.await(20*time.Second, missing, "state=held", "hold=rules", "number=")
	if !strings.Contains(string(held.body), "rules.missing") {
		t.Errorf("it is not said that rules are missing: %s", held.body)
	}
	shop.post(missing+"/release", "").is(http.StatusOK) // in vain
	shop.await(20*time.Second, missing, "state=held")
	notReady := func(what string, says ...string) {
		t.Helper()
		status, body := g.open(http.MethodGet, g.url+"/readyz")
		doctor := g.command("", "doctor")
		if status != http.StatusServiceUnavailable || doctor.status != 3 {
			t.Errorf("%s: readyz %d %s, doctor %d", what, status, body, doctor.status)
		}
		for i, text := range says {
			if said := []string{body, doctor.out + doctor.errors}[i]; !strings.Contains(said, text) {
				t.Errorf("%s: not said: %q in %s", what, text, said)
			}
		}
	}
	notReady("without packs", "is missing", "schemas.missing")

	// With the packs fetched, the same process goes on.
	g.run("schemas", "sync", "--from", mirror)
	within(t, 10*time.Second, "the gateway is ready", func() bool { status, _ := g.open(http.MethodGet, g.url+"/readyz"); return status == http.StatusOK })
	shop.post(missing+"/release", "").is(http.StatusOK)
	shop.await(30*time.Second, missing, "state=sent", "number=FA-2026-00001")
	if d := g.command("", "doctor"); strings.Contains(d.out, "fail  packs") {
		t.Errorf("doctor: %s", d.out)
	}
	g.stop()

	// One byte of the rules is changed while nobody looks.
	const rules = "PEPPOL-EN16931-UBL.xslt"
	changeByte(t, mine, rules)
	g.spawn()
	within(t, 10*time.Second, "the process lives", func() bool { status, _ := g.open(http.MethodGet, g.url+"/healthz"); return status == http.StatusOK })
	second := shop.placed(2)
	held = shop.await(20*time.Second, second, "state=held", "hold=rules")
	if !strings.Contains(string(held.body), "rules.changed") {
		t.Errorf("it is not said that rules were changed: %s", held.body)
	}
	notReady("with a changed pack", "is changed", "schemas.changed")
	if s := g.command("", "schemas", "verify"); s.status != 3 || !strings.Contains(s.out+s.errors, rules) {
		t.Errorf("schemas verify: %d %s%s", s.status, s.out, s.errors)
	}
	if n := len(world.messages()); n != 1 {
		t.Errorf("%d invoices left, expected the first alone", n)
	}
	g.run("schemas", "sync", "--from", mirror)
	shop.post(second+"/release", "").is(http.StatusOK)
	shop.await(30*time.Second, second, "state=sent", "number=FA-2026-00002")
	if n := len(world.messages()); n != 2 {
		t.Errorf("%d invoices left in the end", n)
	}
}

// changeByte changes a byte in the middle of each file of that name below dir.
func changeByte(t testing.TB, dir, name string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != name {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content[len(content)/2] ^= 1
		n++
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("no %s was changed: %v", name, err)
	}
}
