package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// step is a command of the page and the answer that stands below it.
type step struct{ command, answer string }

// tour reads the blocks of docs/api.md.
func tour(t *testing.T) (prelude string, steps []step) {
	t.Helper()
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(b), "\n```") {
		if i%2 == 0 {
			continue
		}
		language, text, _ := strings.Cut(block, "\n")
		switch {
		case language == "sh" && prelude == "":
			prelude = text
		case language == "sh":
			steps = append(steps, step{command: text})
		case language == "json" && len(steps) > 0 && steps[len(steps)-1].answer == "":
			steps[len(steps)-1].answer = text
		default:
			t.Fatalf("a block of %q that belongs to no command: %s", language, text)
		}
	}
	return prelude, steps
}

// The commands of the page do what it says.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("curl is missing")
		}
		t.Skip("not run: curl is missing, the commands of docs/api.md were not tried")
	}
	w := newWorld(t)
	dir := t.TempDir()
	w.clean(other)
	prelude, steps := tour(t)
	if len(steps) < 15 {
		t.Fatalf("the page has %d commands", len(steps))
	}
	for _, s := range steps {
		w.drain()
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", prelude+"\n"+s.command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "URL="+w.server.URL, "KEY="+w.secrets[other][access.RoleAdmin], "INVOICE="+w.newestInvoice(other))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s\n%v %s", s.command, err, stderr.String())
		}
		var want, got any
		w.must(json.Unmarshal(out, &got))
		if s.answer == "" {
			if _, failed := got.(map[string]any)["code"]; failed {
				t.Errorf("%s\nis answered with %s", s.command, out)
			}
			continue
		}
		w.must(json.Unmarshal([]byte(s.answer), &want))
		if diff := within(want, got, ""); diff != "" {
			t.Errorf("%s\nis answered with %s\n%s", s.command, out, diff)
		}
	}
}

// clean takes a tenant's records away: a tour begins with nothing.
func (w *world) clean(tenant gateway.TenantID) {
	w.Helper()
	w.write(tenant, func(tx gateway.Tx) error {
		for _, kind := range []gateway.RecordKind{gateway.RecordLegalEntity, gateway.RecordCustomer, gateway.RecordItem} {
			list, err := tx.Records(w.Context(), kind, gateway.Page{})
			if err != nil {
				return err
			}
			for _, r := range list.Items {
				r.Deleted, r.Keys = true, nil
				if err := tx.PutRecord(w.Context(), &r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *world) newestInvoice(tenant gateway.TenantID) string {
	w.Helper()
	r := w.expect(w.send(request{method: "GET", path: "/v1/invoices?limit=1", tenant: tenant}), 200)
	for _, inv := range into[gateway.List[listedInvoice]](w, r).Items {
		return inv.ID
	}
	return ""
}

// within tells where got does not have what want has. "…" in a text stands for
// anything, and at the end of a list for more.
func within(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for name, v := range want {
			if diff := within(v, m[name], at+"/"+name); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		more := len(want) > 0 && want[len(want)-1] == "…"
		if more {
			want = want[:len(want)-1]
		}
		if !ok || len(list) < len(want) || !more && len(list) != len(want) {
			return fmt.Sprintf("%s has %d elements", at, len(list))
		}
		for i, v := range want {
			if diff := within(v, list[i], fmt.Sprintf("%s/%d", at, i)); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if before, _, ok := strings.Cut(want, "…"); ok && got != nil && strings.HasPrefix(fmt.Sprint(got), before) {
			return ""
		}
	}
	if want != got {
		return fmt.Sprintf("%s is %v, the page says %v", at, got, want)
	}
	return ""
}
