package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
)

const descriptionURL = "https://gateway.example/openapi.json"

// description is openapi.json made ready to hold answers against it.
type description struct {
	doc      map[string]any
	compiler *jsonschema.Compiler

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	answered map[string]bool // operations that were answered with success
}

var theDescription = sync.OnceValue(func() *description {
	d := &description{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}, answered: map[string]bool{}}
	for url, content := range map[string][]byte{
		descriptionURL: openAPIDocument,
		"https://gateway.example/schemas/order.json":    order.Schema(),
		"https://gateway.example/schemas/delivery.json": order.DeliverySchema(),
		"https://gateway.example/schemas/invoice.json":  invoice.Schema(),
	} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			panic(err)
		}
		if url == descriptionURL {
			d.doc = doc.(map[string]any)
		}
		if err := d.compiler.AddResource(url, doc); err != nil {
			panic(err)
		}
	}
	return d
})

// schemaAt compiles the schema at a JSON pointer of the description.
func (d *description) schemaAt(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(descriptionURL + "#" + pointer)
	d.compiled[pointer] = s
	return s, err
}

// validate holds JSON against the schema at a pointer.
func (d *description) validate(pointer string, content []byte) error {
	s, err := d.schemaAt(pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func escape(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}

// operation finds the description of a method and path by its template.
func (d *description) operation(method, template string) (pointer string, op map[string]any) {
	path, _ := d.doc["paths"].(map[string]any)[template].(map[string]any)
	op, _ = path[strings.ToLower(method)].(map[string]any)
	return "/paths/" + escape(template) + "/" + strings.ToLower(method), op
}

// template gives the path of the description that a request's path fits.
func (d *description) template(path string) string {
	parts := strings.Split(path, "/")
	best, bestParams := "", 99
	for template := range d.doc["paths"].(map[string]any) {
		names := strings.Split(template, "/")
		if len(names) != len(parts) {
			continue
		}
		params := 0
		fits := true
		for i, name := range names {
			if strings.HasPrefix(name, "{") {
				params++
				fits = fits && parts[i] != ""
			} else {
				fits = fits && name == parts[i]
			}
		}
		if fits && params < bestParams {
			best, bestParams = template, params
		}
	}
	return best
}

// described holds an answer against the description: its status, its media type
// and its content.
func described(w *world, r *http.Request, out reply) {
	w.Helper()
	d := theDescription()
	template := d.template(r.URL.EscapedPath())
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	pointer, op := d.operation(method, template)
	if op == nil {
		if out.status != 404 && out.status != 405 {
			w.Errorf("%s %s is answered with %d and is not described", r.Method, r.URL.Path, out.status)
		}
		return
	}
	responses := op["responses"].(map[string]any)
	status := fmt.Sprint(out.status)
	if responses[status] == nil && out.status >= 500 {
		status = "default"
	}
	response, _ := responses[status].(map[string]any)
	if response == nil {
		w.Errorf("%s %s: status %d is not described: %s", r.Method, template, out.status, out.body)
		return
	}
	pointer += "/responses/" + status
	if ref, ok := response["$ref"].(string); ok {
		pointer = strings.TrimPrefix(ref, "#")
		response = d.doc["components"].(map[string]any)["responses"].(map[string]any)[pointer[strings.LastIndexByte(pointer, '/')+1:]].(map[string]any)
	}
	if out.status < 300 {
		d.mu.Lock()
		d.answered[method+" "+template] = true
		d.mu.Unlock()
	}
	content, _ := response["content"].(map[string]any)
	if r.Method == http.MethodHead || out.status == 304 {
		return
	}
	media, _, _ := strings.Cut(out.header.Get("Content-Type"), ";")
	switch {
	case content == nil:
		if len(out.body) > 0 {
			w.Errorf("%s %s: status %d has a body: %s", r.Method, template, out.status, out.body)
		}
	case content[media] == nil && content["*/*"] == nil:
		w.Errorf("%s %s: %s is not described", r.Method, template, media)
	case strings.HasSuffix(media, "json") && content[media] != nil:
		if err := d.validate(pointer+"/content/"+escape(media)+"/schema", out.body); err != nil {
			w.Errorf("%s %s: %v: %s", r.Method, template, err, out.body)
		}
	}
}

// TestMain tells, after all tests, which operations none of them was answered
// well on.
func TestMain(m *testing.M) {
	code := m.Run()
	whole := true
	for _, arg := range os.Args[1:] {
		for _, part := range []string{"-test.run", "-test.fuzz", "-test.skip", "-test.list"} {
			whole = whole && !strings.HasPrefix(arg, part)
		}
	}
	if code == 0 && whole {
		d := theDescription()
		for template, path := range d.doc["paths"].(map[string]any) {
			for method := range path.(map[string]any) {
				if name := strings.ToUpper(method) + " " + template; !d.answered[name] {
					fmt.Fprintf(os.Stderr, "no test was answered well on %s\n", name)
					code = 1
				}
			}
		}
	}
	os.Exit(code)
}

// The description is what the generator makes of the routes and the types.
func TestDescriptionIsUpToDate(t *testing.T) {
	want := generate(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		openAPIDocument = want
	}
	if !bytes.Equal(openAPIDocument, want) {
		t.Errorf("openapi.json is not up to date; write it with: go test ./internal/api -update\n%s", cmp.Diff(string(openAPIDocument), string(want)))
	}
}

// The description has every route with its parameters, and no other.
func TestDescriptionOfRoutes(t *testing.T) {
	d := theDescription()
	var a API
	a.Receive = func(gateway.TenantID) http.Handler { return nil }
	described := map[string][]string{}
	for template, path := range d.doc["paths"].(map[string]any) {
		for method, op := range path.(map[string]any) {
			var query []string
			parameters, _ := op.(map[string]any)["parameters"].([]any)
			for _, p := range parameters {
				if p := p.(map[string]any); p["in"] == "query" {
					query = append(query, p["name"].(string))
				}
			}
			slices.Sort(query)
			described[strings.ToUpper(method)+" "+template] = query
		}
	}
	routes := map[string][]string{}
	for _, r := range append(a.openRoutes(), a.routes()...) {
		routes[r.method+" "+template(r.path)] = slices.Sorted(slices.Values(r.query))
	}
	if diff := cmp.Diff(routes, described); diff != "" || len(routes) < 60 {
		t.Errorf("%d routes: %s", len(routes), diff)
	}
	// And the server has those routes.
	e := echo.New()
	w := newWorld(t)
	Register(e, w.api.Config)
	served := map[string]bool{}
	for _, r := range e.Routes() {
		served[r.Method+" "+template(r.Path)] = true
	}
	for name := range routes {
		if !served[name] {
			t.Errorf("%s is not served", name)
		}
	}
}

// Every reference of the description leads somewhere, and every schema compiles.
func TestDescriptionIsSound(t *testing.T) {
	d := theDescription()
	schemas := d.doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if _, err := d.schemaAt("/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(d.doc)
	for ref := range used {
		at := d.doc
		if !strings.HasPrefix(ref, "#/") {
			continue
		}
		for step := range strings.SplitSeq(ref[2:], "/") {
			at, _ = at[step].(map[string]any)
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	for name := range schemas {
		if !used["#/components/schemas/"+name] {
			t.Errorf("the schema %s is not used", name)
		}
	}
	ids := map[string]bool{}
	for template, path := range d.doc["paths"].(map[string]any) {
		for method, op := range path.(map[string]any) {
			op := op.(map[string]any)
			id, _ := op["operationId"].(string)
			if id == "" || ids[id] || op["summary"] == "" || op["tags"] == nil {
				t.Errorf("%s %s: operation %q has no id, summary or tag of its own", method, template, id)
			}
			ids[id] = true
		}
	}
}

// Examples follow their schemas.
func TestDescriptionExamples(t *testing.T) {
	d := theDescription()
	n := 0
	for template, path := range d.doc["paths"].(map[string]any) {
		for method, op := range path.(map[string]any) {
			body, _ := op.(map[string]any)["requestBody"].(map[string]any)
			content, _ := body["content"].(map[string]any)
			for media, described := range content {
				example, ok := described.(map[string]any)["example"]
				if !ok || !strings.HasSuffix(media, "json") {
					continue
				}
				encoded, err := json.Marshal(example)
				if err != nil {
					t.Fatal(err)
				}
				pointer := "/paths/" + escape(template) + "/" + method + "/requestBody/content/" + escape(media) + "/schema"
				if err := d.validate(pointer, encoded); err != nil {
					t.Errorf("%s %s: %v", method, template, err)
				}
				n++
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d examples", n)
	}
}

func TestOpenRoutes(t *testing.T) {
	w := newWorld(t)
	open := func(path string) reply {
		return w.send(request{method: "GET", path: path, header: map[string]string{"Authorization": ""}})
	}
	if r := w.expect(open("/healthz"), 200); strings.TrimSpace(string(r.body)) != `{"status":"ok"}` {
		t.Errorf("got %s", r.body)
	}
	if r := w.expect(open("/readyz"), 200); strings.TrimSpace(string(r.body)) != `{"status":"ready"}` {
		t.Errorf("got %s", r.body)
	}
	if r := w.expect(open("/openapi.json"), 200); !bytes.Equal(r.body, openAPIDocument) {
		t.Error("another description is served")
	}
	for name, want := range map[string][]byte{"order": order.Schema(), "delivery": order.DeliverySchema(), "invoice": invoice.Schema()} {
		if r := w.expect(open("/schemas/"+name+".json"), 200); !bytes.Equal(r.body, want) || r.header.Get("Content-Type") != "application/schema+json" {
			t.Errorf("the schema of %s: %v", name, r.header)
		}
	}
	w.refused("no schema", open("/schemas/other.json"), 404, "not_found", "")
	id := into[Identity](w, w.expect(open("/identity"), 200))
	if id.KeyID != "invoices.example" || !strings.Contains(id.PublicKey, "PUBLIC KEY") || !strings.HasPrefix(id.AuditKey, "invoices.example+") {
		t.Errorf("got %+v", id)
	}
	res, err := http.Post(w.server.URL+"/in/acme", "application/xml", strings.NewReader("<a/>"))
	w.must(err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 202 || string(b) != "for acme" {
		t.Errorf("received: %d %s, %v", res.StatusCode, b, err)
	}
	d := theDescription()
	d.mu.Lock()
	d.answered["POST /in/{tenant}"] = true
	d.mu.Unlock()
	cfg := w.api.Config
	cfg.Receive = nil
	w.serve(cfg)
	w.refused("receiving is off", w.send(request{method: "POST", path: "/in/acme", body: "<a/>"}), 404, "not_found", "")
}
