package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/gateway"
)

// A reader that asks after what it was given sees every event once, in order.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	inv := w.sent("PO-1")
	var seqs []int64
	for after := int64(0); ; {
		page := into[eventList](w, w.expect(w.get(fmt.Sprintf("/v1/events?limit=3&after=%d", after)), 200))
		for _, e := range page.Items {
			seqs = append(seqs, e.Seq)
		}
		if len(page.Items) == 0 {
			if page.Next != after {
				t.Errorf("next is %d after %d", page.Next, after)
			}
			break
		}
		after = page.Next
	}
	if len(seqs) < 10 || !slices.IsSorted(seqs) || seqs[0] != 1 || seqs[len(seqs)-1] != int64(len(seqs)) {
		t.Errorf("sequence numbers %v", seqs)
	}
	if empty := w.expect(w.get("/v1/events?after=100000"), 200); strings.TrimSpace(string(empty.body)) != `{"items":[],"next":100000}` {
		t.Errorf("got %s", empty.body)
	}
	some := into[eventList](w, w.expect(w.get("/v1/events?type=invoice.ready&type=invoice.sent&invoice_id="+inv.ID), 200))
	if len(some.Items) != 2 || some.Items[0].ExternalID != "ext-PO-1" {
		t.Errorf("got %+v", some)
	}
}

// Every type of event that the gateway knows can be asked for.
func TestEventTypes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../gateway/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []gateway.EventType
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "EventType" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, gateway.EventType(value))
		}
		return true
	})
	if len(declared) < 40 || !slices.Equal(slices.Sorted(slices.Values(declared)), slices.Sorted(slices.Values(eventTypes))) {
		t.Errorf("the gateway has %v\nthe interface knows %v", declared, eventTypes)
	}
}

func TestExportOfTheLog(t *testing.T) {
	w := newWorld(t)
	r := w.expect(w.get("/v1/events/log"), 200)
	if string(r.body) != "{\"log\":\"acme\"}\n" || r.header.Get("Content-Type") != "application/jsonl" || r.header.Get("Content-Disposition") != "attachment; filename=evidence.jsonl" {
		t.Errorf("%s %v", r.body, r.header)
	}
	cfg := w.api.Config
	cfg.ExportLog = func(context.Context, gateway.TenantID, io.Writer) error { return errors.New("the disk is gone") }
	w.serve(cfg)
	failed := w.get("/v1/events/log")
	w.refused("an export that cannot begin", failed, 500, "internal", "")
	if failed.header.Get("Content-Disposition") != "" || strings.Contains(string(failed.body), "disk") {
		t.Errorf("%s %v", failed.body, failed.header)
	}
	cfg.ExportLog = func(_ context.Context, _ gateway.TenantID, out io.Writer) error {
		_, err := io.WriteString(out, strings.Repeat("x", 100_000))
		return errors.Join(err, errors.New("the disk is gone"))
	}
	w.serve(cfg)
	q, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/v1/events/log", nil)
	w.must(err)
	q.Header.Set("Authorization", "Bearer "+w.secrets[acme]["admin"])
	res, err := w.server.Client().Do(q)
	w.must(err)
	defer func() { _ = res.Body.Close() }()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%d bytes that look whole", len(b))
	}
}

// Every event is queued for every webhook, so that their number is bounded.
func TestWebhooksAreBounded(t *testing.T) {
	w := newWorld(t)
	for i := range 50 {
		w.expect(w.post("/v1/webhooks", fmt.Sprintf(`{"url":"https://erp.example/%d"}`, i)), 201)
	}
	w.refused("one more", w.post("/v1/webhooks", `{"url":"https://erp.example/more"}`), 409, "state", "")
}

func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	if none := w.expect(w.get("/v1/webhooks"), 200); strings.TrimSpace(string(none.body)) != `{"items":[]}` {
		t.Errorf("got %s", none.body)
	}
	for what, test := range map[string]struct{ body, field string }{
		"no address":         {`{}`, "webhook.url at /url"},
		"no URL":             {`{"url":"ftp://a.example"}`, "webhook.url at /url"},
		"a user in it":       {`{"url":"https://u:p@a.example/"}`, "webhook.url at /url"},
		"a fragment":         {`{"url":"https://a.example/#x"}`, "webhook.url at /url"},
		"no such type":       {`{"url":"https://a.example/","types":["invoice.sent","invoice.snet"]}`, "webhook.type at /types/1"},
		"no such prefix":     {`{"url":"https://a.example/","types":["invoices."]}`, "webhook.type at /types/0"},
		"a type of a number": {`{"url":"https://a.example/","types":[1]}`, "field.type at /types/0"},
		"an unknown field":   {`{"url":"https://a.example/","secret":"mine"}`, "field.unknown at /secret"},
	} {
		w.refused(what, w.post("/v1/webhooks", test.body), 422, "invalid", test.field)
	}
	if n := w.rows(); n["webhooks"] != 0 {
		t.Errorf("%v", n)
	}
	q := request{method: "POST", path: "/v1/webhooks", body: `{"url":"https://erp.example/facteur","types":["invoice."]}`, key: "h1"}
	r := w.expect(w.send(q), 201)
	hook := into[webhookView](w, r)
	path := "/v1/webhooks/" + hook.ID
	if !strings.HasPrefix(hook.Secret, "whsec_") || r.header.Get("Location") != path || len(hook.Types) != 1 {
		t.Errorf("got %+v", hook)
	}
	if again := w.send(q); again.status != 201 || !bytes.Equal(again.body, r.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	w.refused("the key with another body", w.send(request{method: "POST", path: q.path, body: `{"url":"https://b.example/"}`, key: "h1"}), 422, "idempotency_key_reused", "")
	for _, shown := range []reply{w.expect(w.get("/v1/webhooks"), 200), w.expect(w.get(path), 200)} {
		if strings.Contains(string(shown.body), "whsec_") {
			t.Error("the secret is shown again")
		}
	}
	w.sent("PO-1")
	test := into[gateway.WebhookDelivery](w, w.expect(w.post(path+"/test", ""), 202))
	w.drain()
	messages := into[gateway.List[gateway.WebhookDelivery]](w, w.expect(w.get(path+"/deliveries"), 200)).Items
	posted := map[string]bool{}
	for range messages {
		posted[<-w.posted] = true
	}
	for _, m := range messages {
		if m.State != "delivered" || !posted[m.ID] {
			t.Errorf("message %s is %s", m.ID, m.State)
		}
	}
	if len(messages) != 4 || !posted[test.ID] { // drafted, ready, sent and the test
		t.Errorf("%d messages", len(messages))
	}
	replay := into[gateway.WebhookDelivery](w, w.expect(w.post("/v1/webhook-deliveries/"+messages[0].ID+"/replay", ""), 202))
	w.drain()
	if id := <-w.posted; id != replay.ID || id != messages[0].ID {
		t.Errorf("%s was replayed as %s", messages[0].ID, id)
	}
	w.expect(w.send(request{method: "DELETE", path: path}), 204)
	w.refused("deleted twice", w.send(request{method: "DELETE", path: path}), 404, "not_found", "")
	w.refused("a message after that", w.post(path+"/test", ""), 404, "not_found", "")
	w.refused("the repetition after that", w.send(q), 409, "state", "")
	w.drain()
	told := into[eventList](w, w.expect(w.get("/v1/events?type=access.changed"), 200)).Items
	if len(told) != 2 || !strings.Contains(string(told[0].Data), "webhook.created") || !strings.Contains(string(told[1].Data), "webhook.deleted") ||
		strings.Contains(string(told[0].Data), "whsec_") {
		t.Errorf("got %+v", told)
	}
}
