package api

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

var update = flag.Bool("update", false, "write openapi.json and the tables of docs/api.md")

// with sends a request with an Authorization header of the test's choice.
func (w *world) with(authorization string) reply {
	w.Helper()
	return w.send(request{method: "GET", path: "/v1/orders", header: map[string]string{"Authorization": authorization}})
}

func TestAuthentication(t *testing.T) {
	w := newWorld(t)
	good := w.secrets[acme][access.RoleAdmin]
	w.expect(w.with("bearer "+good), 200)
	unknown, err := access.NewAPIKey(access.ModeLive, rand.Reader)
	w.must(err)
	revoked := w.newKey(acme, access.RoleAdmin, "")
	now := w.clock.Now()
	w.write(acme, func(tx gateway.Tx) error {
		return tx.PutAPIKey(t.Context(), gateway.APIKey{ID: revoked.ID, Tenant: acme, Role: "admin", SecretHash: revoked.Hash(), CreatedAt: now, RevokedAt: &now})
	})
	user := gateway.User{ID: "usr_1", Tenant: acme, Name: "Ada", Email: "ada@acme.example", Role: "admin", CreatedAt: now}
	w.write(acme, func(tx gateway.Tx) error { return tx.PutUser(t.Context(), user) })
	owned := w.newKey(acme, access.RoleAdmin, user.ID)
	w.expect(w.with("Bearer "+owned.Reveal()), 200)
	user.DisabledAt = &now
	w.write(acme, func(tx gateway.Tx) error { return tx.PutUser(t.Context(), user) })
	orphan := w.newKey(acme, access.RoleAdmin, "usr_gone")
	changed := good[:len(good)-1] + map[bool]string{true: "b", false: "a"}[strings.HasSuffix(good, "a")]
	for what, authorization := range map[string]string{
		"nothing": "", "another scheme": "Basic " + good, "no key": "Bearer", "a word": "Bearer secret", "an unknown key": "Bearer " + unknown.Reveal(),
		"a wrong secret": "Bearer " + changed, "a revoked key": "Bearer " + revoked.Reveal(), "a key of a disabled user": "Bearer " + owned.Reveal(),
		"a key of nobody": "Bearer " + orphan.Reveal(), "two keys": "Bearer " + good + " " + good,
	} {
		r := w.with(authorization)
		w.refused(what, r, 401, "unauthorized", "")
		if r.header.Get("WWW-Authenticate") != `Bearer realm="facteur"` {
			t.Errorf("%s: %v", what, r.header)
		}
	}
}

// The store learns of a key's use at most once a minute.
func TestUseOfKeysIsNoted(t *testing.T) {
	w := newWorld(t)
	key := w.newKey(acme, access.RoleAdmin, "")
	used := func() string {
		stored, err := w.store.System().APIKey(t.Context(), key.ID)
		w.must(err)
		if stored.LastUsedAt == nil {
			return "never"
		}
		return stored.LastUsedAt.Format(time.TimeOnly)
	}
	var got []string
	for _, pause := range []time.Duration{0, 59 * time.Second, time.Second, 30 * time.Second, time.Minute} {
		w.clock.advance(pause)
		w.expect(w.with("Bearer "+key.Reveal()), 200)
		got = append(got, used())
	}
	if want := []string{"09:00:00", "09:00:00", "09:01:00", "09:01:00", "09:02:30"}; !slices.Equal(got, want) {
		t.Errorf("noted at %v, want %v", got, want)
	}
}

// Who presents wrong keys has to wait; who has a right one does not.
func TestWrongKeysAreBounded(t *testing.T) {
	w := newWorld(t)
	good := "Bearer " + w.secrets[acme][access.RoleAdmin]
	from := func(address, authorization string) reply {
		return w.send(request{method: "GET", path: "/v1/orders", header: map[string]string{"Authorization": authorization, "X-Forwarded-For": address}})
	}
	w.expect(from("192.0.2.1", good), 200)
	for i := range wrongBurst {
		key, err := access.NewAPIKey(access.ModeLive, rand.Reader)
		w.must(err)
		w.refused(fmt.Sprint("wrong key ", i), from("192.0.2.1", "Bearer "+key.Reveal()), 401, "unauthorized", "")
	}
	late := from("192.0.2.1", "Bearer nonsense")
	w.refused("one more", late, 429, "too_many", "")
	if late.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	fresh := "Bearer " + w.newKey(acme, access.RoleAdmin, "").Reveal()
	w.refused("a key that was never seen", from("192.0.2.1", fresh), 429, "too_many", "")
	w.expect(from("192.0.2.1", good), 200)
	w.expect(from("192.0.2.2", fresh), 200)
	w.expect(from("192.0.2.1", fresh), 200) // it was seen now
	w.clock.advance(wrongEvery)
	w.refused("after a while", from("192.0.2.1", "Bearer nonsense"), 401, "unauthorized", "")
	w.refused("and once more", from("192.0.2.1", "Bearer nonsense"), 429, "too_many", "")
}

func TestAddressesAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	k := newKeyring(func() time.Time { return now })
	for i := range mostAddresses * 3 {
		k.wrong(fmt.Sprint(i))
		if len(k.full) > mostAddresses {
			t.Fatalf("%d addresses are kept", len(k.full))
		}
	}
}

// Roles may do what docs/api.md says, and nothing else.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	b.WriteString("| Operation |")
	for _, role := range access.Roles() {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(access.Roles())) + "\n")
	for _, r := range w.api.routes() {
		fmt.Fprintf(&b, "| `%s %s` |", r.method, strings.ReplaceAll(strings.ReplaceAll(r.path, ":id", "{id}"), ":sha256", "{sha256}"))
		for _, role := range access.Roles() {
			for _, method := range r.methods() {
				path := strings.NewReplacer(":id", "none", ":sha256", strings.Repeat("0", 64)).Replace(r.path)
				got := w.send(request{method: method, path: path, role: role})
				if allowed := got.status != 403 && got.status != 401; allowed != access.Can(role, r.action) {
					t.Errorf("%s %s as %s: %d", method, r.path, role, got.status)
				}
				if method == r.method {
					b.WriteString(map[bool]string{true: " |", false: " ✓ |"}[got.status == 403])
				}
			}
		}
		b.WriteString("\n")
	}
	section(t, "roles", b.String())
}

const docs = "../../docs/api.md"

// section holds a generated part of docs/api.md against the program.
func section(t *testing.T, name, want string) {
	t.Helper()
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(string(b), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/api.md has no part %s", name)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("docs/api.md differs from the program in %s; write it with: go test ./internal/api -update\n%s", name, want)
	}
	if err := os.WriteFile(docs, []byte(before+begin+want+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Only who may decide has the last word on a received invoice.
func TestTheLastWordNeedsThePermission(t *testing.T) {
	w := newWorld(t)
	path := "/v1/inbox/" + w.receive("m-1").ID + "/answer"
	for _, body := range []string{`{"decision":"approve"}`, `{"decision":"refuse","text":"no"}`} {
		w.refused(body, w.send(request{method: "POST", path: path, body: body, role: access.RoleClerk}), 403, "forbidden", "")
	}
	w.expect(w.send(request{method: "POST", path: path, body: `{"decision":"dispute","text":"why?"}`, role: access.RoleClerk}), 200)
	w.expect(w.send(request{method: "POST", path: path, body: `{"decision":"approve"}`, role: access.RoleApprover}), 200)
}

// A key of another tenant finds nothing, whatever it asks for by id.
func TestOtherTenantsFindNothing(t *testing.T) {
	w := newWorld(t)
	ids, bodies := w.oneOfEach()
	before := w.rows()
	asked := 0
	for _, q := range w.byID(ids, bodies) {
		q.tenant = other
		w.refused(q.method+" "+q.path, w.send(q), 404, "not_found", "")
		asked++
	}
	if after := w.rows(); !sameRows(before, after) || asked < 34 {
		t.Errorf("%d requests of another tenant changed something: %v, before %v", asked, after, before)
	}
	for _, q := range w.byID(ids, bodies) { // it was there to be found
		if r := w.send(q); r.status == 404 {
			t.Errorf("%s %s: %s", q.method, q.path, r.body)
		}
	}
	// What another tenant writes under the same id is its own.
	w.expect(w.send(request{method: "PUT", path: "/v1/items/only-acme", body: itemRecord, tenant: other}), 201)
	if rec := into[gateway.Record](w, w.expect(w.get("/v1/items/only-acme"), 200)); rec.Version != 1 {
		t.Errorf("got version %d", rec.Version)
	}
	for _, list := range []string{"/v1/orders", "/v1/invoices", "/v1/inbox", "/v1/webhooks", "/v1/number-series"} {
		if r := w.expect(w.send(request{method: "GET", path: list, tenant: other}), 200); strings.TrimSpace(string(r.body)) != `{"items":[]}` {
			t.Errorf("%s: %s", list, r.body)
		}
	}
}

func sameRows(a, b map[string]int) bool {
	for table, n := range a {
		if b[table] != n && table != "api_keys" {
			return false
		}
	}
	return len(a) == len(b)
}

// oneOfEach makes a record of each kind that acme has, and gives by path what
// stands for its parameters, and by route a body that is good.
func (w *world) oneOfEach() (ids, bodies map[string]string) {
	w.Helper()
	inv := w.sent("PO-1")
	in := w.receive("m-1")
	hook := into[gateway.Webhook](w, w.expect(w.post("/v1/webhooks", `{"url":"https://erp.example/"}`), 201))
	message := into[gateway.WebhookDelivery](w, w.expect(w.post("/v1/webhooks/"+hook.ID+"/test", ""), 202))
	delivery := into[gateway.List[gateway.Delivery]](w, w.expect(w.get("/v1/invoices/"+inv.ID+"/deliveries"), 200)).Items[0]
	document := into[gateway.List[gateway.Document]](w, w.expect(w.get("/v1/invoices/"+inv.ID+"/documents"), 200)).Items[0]
	ids = map[string]string{
		"/v1/orders/:id": inv.OrderID, "/v1/invoices/:id": inv.ID, "/v1/deliveries/:id": delivery.ID, "/v1/inbox/:id": in.ID,
		"/v1/webhooks/:id": hook.ID, "/v1/webhook-deliveries/:id": message.ID, ":sha256": document.SHA256,
	}
	for _, k := range recordRoutes {
		body := map[gateway.RecordKind]string{
			gateway.RecordLegalEntity: `{"name":"Only"}`, gateway.RecordCustomer: `{"name":"Only"}`, gateway.RecordItem: `{"seller_id":"O","name":"Only"}`,
			gateway.RecordProfile: `{"name":"p"}`, gateway.RecordPeer: anotherPeer,
		}[k.kind]
		w.expect(w.send(request{method: "PUT", path: "/v1" + k.path + "/only-acme", body: body}), 201)
		ids["/v1"+k.path+"/:id"] = "only-acme"
	}
	return ids, map[string]string{
		"/v1/orders/:id/deliveries": noteJSON("DN-1", 1), "/v1/invoices/:id": `{"buyer_reference":"x"}`, "/v1/invoices/:id/cancel": `{"reason":"x"}`,
		"/v1/deliveries/:id/resolve": `{"arrived":true,"reason":"x"}`, "/v1/inbox/:id/answer": `{"decision":"in_process"}`,
	}
}

// byID gives a request for every route that names a record, but those that make it.
func (w *world) byID(ids, bodies map[string]string) []request {
	w.Helper()
	var out []request
	var last []request // what ends a record comes last
	for _, r := range w.api.routes() {
		if !strings.Contains(r.path, ":id") || r.method == "PUT" {
			continue
		}
		prefix := r.path[:strings.Index(r.path, ":id")+len(":id")]
		if ids[prefix] == "" {
			w.Fatalf("the test has no record for %s", r.path)
		}
		q := request{method: r.method, path: strings.NewReplacer(":id", ids[prefix], ":sha256", ids[":sha256"]).Replace(r.path)}
		if r.method == "POST" || r.method == "PATCH" {
			q.body = bodies[r.path]
		}
		if r.method == "DELETE" {
			last = append(last, q)
			continue
		}
		out = append(out, q)
	}
	return append(out, last...)
}

// What goes wrong on our side is logged with who asked, and not shown.
func TestOurOwnFaults(t *testing.T) {
	w := newWorld(t)
	cfg := w.api.Config
	cfg.Ready = func(context.Context) error { return errors.New("the disk is full: /var/lib/secret") }
	cfg.Secrets = func() (string, error) { return "", errors.New("no randomness") }
	w.serve(cfg)
	w.refused("a fault", w.post("/v1/webhooks", `{"url":"https://a.example/"}`), 500, "internal", "")
	r := w.get("/readyz")
	w.refused("not ready", r, 503, "unavailable", "")
	if strings.Contains(string(r.body), "secret") || r.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", r.body, r.header)
	}
	log := w.log.String()
	for _, want := range []string{"no randomness", "tenant_id=acme", "key_id=", "path=/v1/webhooks", "the disk is full"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %s: %s", want, log)
		}
	}
	if strings.Contains(log, w.secrets[acme][access.RoleAdmin]) {
		t.Error("the log has an API key")
	}
}
