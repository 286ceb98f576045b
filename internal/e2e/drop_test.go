package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What an ERP puts into its folder becomes invoices, once, with a result file for
// each; what the customer receives lies in its folder, byte for byte.
func TestDropFolder(t *testing.T) {
	t.Parallel()
	binary, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := newGate(t, "gateway", "INTAKE_DROP_DIR="+dir, "INTAKE_POLL_INTERVAL=100ms")
	g.binary = binary
	g.start()
	shop, buyer := g.tenant("shop", "live"), g.tenant("buyer", "live")
	shop.supplier(gatewayRoute(buyer))
	introduce(shop, buyer)
	received := filepath.Join(dir, "buyer", "received")
	if err := os.MkdirAll(received, 0o770); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "the folders are there", func() bool { return exists(filepath.Join(dir, "shop", "in")) })
	drop := func(name, content string) {
		t.Helper()
		part := filepath.Join(dir, "shop", "in", name+".part")
		if err := os.WriteFile(part, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(part, filepath.Join(dir, "shop", "in", name)); err != nil {
			t.Fatal(err)
		}
	}
	result := func(folder, name string) any {
		t.Helper()
		file := filepath.Join(dir, "shop", folder, name+".result.json")
		within(t, 15*time.Second, folder+"/"+name+" is there", func() bool { return exists(file) && exists(filepath.Join(dir, "shop", folder, name)) })
		b, err := os.ReadFile(file)
		var v any
		if err := json.Unmarshal(must(t, b, err), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}

	drop("order.json", order(1))
	drop("invoice.xml", finishedInvoice(t, "ERP-1"))
	drop("broken.xml", `<!DOCTYPE x><x/>`)
	if r := result("accepted", "order.json"); text(r, "outcome") != "accepted" || text(r, "documents/0/external_id") != "ext-0001" {
		t.Errorf("result: %v", r)
	}
	invoice := "/v1/invoices/" + text(result("accepted", "invoice.xml"), "documents/0/id")
	sent := shop.await(15*time.Second, invoice, "state=sent", "number=ERP-1", "transport/state=received")
	if r := result("rejected", "broken.xml"); text(r, "outcome") != "rejected" || len(pick(r, "problems").([]any)) == 0 {
		t.Errorf("result: %v", r)
	}
	// The customer's system finds both invoices.
	within(t, 15*time.Second, "both invoices lie in the customer's folder", func() bool {
		files, _ := filepath.Glob(filepath.Join(received, "inb_*.xml"))
		return len(files) == 2
	})
	files, _ := filepath.Glob(filepath.Join(received, "*"))
	if !slices.ContainsFunc(files, func(f string) bool {
		b, err := os.ReadFile(f)
		return err == nil && sha(b) == sent.text("source_sha256")
	}) {
		t.Error("the finished invoice is not there as the ERP made it")
	}

	// The gateway dies after it has taken a document and before it says so.
	for i, point := range []string{"drop.claimed", "drop.submitted", "drop.result_written"} {
		g.stop()
		g.start("FACTEUR_KILL_AT=" + point + ":1")
		name := point + ".json"
		drop(name, order(i+2))
		g.awaitDeath()
		g.start()
		if r := result("accepted", name); text(r, "outcome") != "accepted" {
			t.Errorf("%s: %v", point, r)
		}
	}
	within(t, 15*time.Second, "all are sent", func() bool { return len(shop.list("/v1/invoices?state=sent")) == 5 })
	if n := len(shop.list("/v1/invoices")); n != 5 {
		t.Errorf("%d invoices", n)
	}
	left, err := os.ReadDir(filepath.Join(dir, "shop", "in"))
	if len(must(t, left, err)) != 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
