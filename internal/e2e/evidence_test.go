package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the gateway hands out as evidence verifies without it; with one byte
// changed anywhere it does not, and the first broken place is named.
func TestEvidenceVerifiesOffline(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	shop, buyer := g.tenant("shop", "live"), g.tenant("buyer", "live")
	shop.supplier(gatewayRoute(buyer))
	introduce(shop, buyer)
	invoice := shop.placed(1)
	sent := shop.await(10*time.Second, invoice, "state=sent", "transport/state=received")
	within(t, 5*time.Second, "the events are sealed", func() bool {
		return len(shop.eventsAfter("?invoice_id="+sent.text("id"))) == len(shop.events(invoice+"/timeline"))
	})

	dir := t.TempDir()
	keep := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	log := shop.get("/v1/events/log").body
	identity := g.identity()
	peers, err := json.Marshal([]map[string]any{{"key_id": identity.KeyID, "public_key": identity.PublicKey, "participants": []string{sellerID, buyerID}}})
	peersFile := keep("peers.json", must(t, peers, err))
	parts := map[string][]byte{}
	for _, d := range shop.items(invoice + "/documents") {
		parts[text(d, "role")] = shop.get(invoice + "/documents/" + text(d, "sha256")).body
	}
	document, seal := keep("invoice.xml", parts["invoice"]), keep("invoice.xades", parts["seal"])
	g.stop() // nobody is asked

	verify := func(file string, more ...string) said {
		return g.command("", append([]string{"verify", file}, more...)...)
	}
	whole := func(what string, s said, says ...string) {
		t.Helper()
		if s.status != 0 {
			t.Errorf("%s: status %d\n%s%s", what, s.status, s.out, s.errors)
		}
		for _, text := range says {
			if !strings.Contains(s.out, text) {
				t.Errorf("%s does not say %q:\n%s", what, text, s.out)
			}
		}
	}
	broken := func(what string, s said) {
		t.Helper()
		// A file that does not even begin as it should is told to be nothing of ours.
		if s.status != 1 || !strings.Contains(s.out, "BROKEN") && !strings.Contains(s.errors, "[verify.unknown]") {
			t.Errorf("%s: status %d\n%s%s", what, s.status, s.out, s.errors)
		}
	}
	whole("the log", verify(keep("log.jsonl", log), "--key", identity.AuditKey), "leaves", "ok")
	whole("the receipt", verify(keep("receipt.json", parts["receipt"]), "--peers", peersFile, "--document", document), sellerID, buyerID, sha(parts["invoice"]))
	whole("the document", verify(document, "--signature", seal), sha(parts["invoice"]), "seal")
	whole("the seal", verify(seal), "seal")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		at, changed := flip(random, log)
		broken(fmt.Sprintf("log with byte %d changed", at), verify(keep("log.jsonl", changed), "--key", identity.AuditKey))
		at, changed = flip(random, parts["receipt"])
		s := verify(keep("receipt.json", changed), "--peers", peersFile, "--document", document)
		broken(fmt.Sprintf("receipt with byte %d changed", at), s)
		at, changed = flip(random, parts["invoice"])
		broken(fmt.Sprintf("document with byte %d changed", at), verify(keep("changed.xml", changed), "--signature", seal))
	}
	// The place is named.
	lines := strings.SplitAfter(string(log), "\n")
	cut := strings.Replace(lines[3], `"invoice.`, `"invoicf.`, 1)
	if cut == lines[3] {
		cut = strings.Replace(lines[3], `e`, `f`, 1)
	}
	s := verify(keep("log.jsonl", []byte(strings.Join(append(append(append([]string{}, lines[:3]...), cut), lines[4:]...), ""))), "--key", identity.AuditKey, "--format", "json")
	if s.status != 1 || !strings.Contains(s.out, `"line":4`) {
		t.Errorf("the broken line is not named: %d %s%s", s.status, s.out, s.errors)
	}
	// A line left out, two exchanged, another gateway's key.
	broken("log without a line", verify(keep("log.jsonl", []byte(strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""))), "--key", identity.AuditKey))
	broken("receipt for another document", verify(keep("receipt.json", parts["receipt"]), "--peers", peersFile, "--document", seal))
	other := booted(t, "another gateway")
	broken("log under another key", verify(keep("log.jsonl", log), "--key", other.identity().AuditKey))
}

// flip changes one bit of one byte.
func flip(random *rand.Rand, b []byte) (at int, changed []byte) {
	at, changed = random.IntN(len(b)), append([]byte(nil), b...)
	changed[at] ^= 1
	return at, changed
}
