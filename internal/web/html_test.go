package web

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

func TestTextsAreComplete(t *testing.T) {
	n := 0
	for _, c := range catalogues {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		n += len(c)
	}
	if n != len(texts) {
		t.Errorf("%d keys are in two catalogues", n-len(texts))
	}
}

// TestEveryKeyExists looks for the keys that code and templates name.
func TestEveryKeyExists(t *testing.T) {
	files, err := filepath.Glob("*.templ")
	if err != nil {
		t.Fatal(err)
	}
	code, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`(?:\bp\.T\(|texts\.Text\(lang, |@pill\(p, |Problem[:=]+ ?|return |missing\()"([a-z_]+(?:\.[a-z_]+)*)"[,)}]`)
	seen := 0
	for _, name := range slices.Concat(files, code) {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllSubmatch(src, -1) {
			if strings.HasPrefix(string(m[0]), "missing(") {
				continue
			}
			seen++
			if _, ok := texts[i18n.Key(m[1])]; !ok {
				t.Errorf("%s names %q, which has no text", name, m[1])
			}
		}
	}
	if seen < 150 {
		t.Fatalf("only %d keys found", seen)
	}
}

// TestEveryCodeHasWords goes through what records can hold.
func TestEveryCodeHasWords(t *testing.T) {
	var keys []string
	for _, s := range gateway.InvoiceStates {
		keys = append(keys, "state."+string(s))
	}
	for _, s := range gateway.DeliveryStates {
		keys = append(keys, "delivery."+string(s))
	}
	for _, s := range gateway.InboundStates {
		keys = append(keys, "inbound."+string(s))
	}
	for _, r := range access.Roles() {
		keys = append(keys, "role."+string(r))
	}
	for code := range statuses {
		keys = append(keys, "error."+code, "error."+code+".text")
	}
	for _, g := range append(reported, groupEnded) {
		keys = append(keys, "group."+string(g))
	}
	for _, g := range reported {
		keys = append(keys, "group."+string(g)+".next", "group."+string(g)+".none")
	}
	for _, hold := range []string{"", "records", "rules", "requirements", "number", "route"} {
		keys = append(keys, "held."+hold, "held."+hold+".next", "stand.held."+hold)
	}
	for _, code := range refusalReasons {
		keys = append(keys, "reason."+code)
	}
	for _, b := range boxes {
		keys = append(keys, "box."+b.Name)
	}
	for _, kind := range eventTypes(t) {
		keys = append(keys, "event."+kind)
	}
	for state := range axisTones {
		keys = append(keys, state, state+".why")
	}
	for _, axis := range []string{"transport", "answer", "money"} {
		keys = append(keys, axis+".none", axis+".none.why", "axis."+axis)
	}
	for grade := gateway.GradeNone; grade <= gateway.GradeBuyerAct; grade++ {
		keys = append(keys, "grade."+string(rune('0'+grade)))
	}
	for _, key := range keys {
		if _, ok := texts[i18n.Key(key)]; !ok {
			t.Errorf("%s has no text", key)
		}
	}
}

// eventTypes reads the types of events where they are declared.
func eventTypes(t *testing.T) []string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "gateway", "event.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(`EventType += +"([a-z_.]+)"|\tEvent\w+ += "([a-z_.]+)"`).FindAllSubmatch(src, -1) {
		out = append(out, string(m[1])+string(m[2]))
	}
	if len(out) < 40 {
		t.Fatalf("only %d types of events found", len(out))
	}
	return out
}

// TestEveryPageIsClean reads every page in both languages: no text is missing,
// nothing in it could run, nothing comes from elsewhere, what customers and
// senders wrote is text, and forms have labels.
func TestEveryPageIsClean(t *testing.T) {
	s := newScene(newWorld(t))
	for _, lang := range i18n.Languages() {
		for _, p := range s.everyPage() {
			c := s.client()
			if p.tenant != "" {
				c = s.as(p.tenant, p.role)
			}
			c.header.Set("Accept-Language", string(lang))
			r := c.get(p.path)
			name := p.name + " in " + string(lang)
			checkHeaders(t, name, r)
			checkMarkup(t, name, r.body)
			if strings.Contains(r.body, "⟨") {
				t.Errorf("%s: a text is missing: %s", name, text(r.body[strings.Index(r.body, "⟨"):])[:60])
			}
			if !strings.Contains(r.body, `<html lang="`+string(lang)+`">`) {
				t.Errorf("%s does not say its language", name)
			}
			if strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<b>bold") {
				t.Errorf("%s runs what a customer is called", name)
			}
		}
	}
	hostile := s.as(supplier, access.RoleOperator)
	for _, path := range []string{"/invoices", "/invoices/" + s.hostile.ID, "/invoices/" + s.hostile.ID + "/document", "/audit/invoices/" + s.hostile.ID, "/p/" + s.token(s.hostile.ID)} {
		if page := hostile.page(path); !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Sons&#34;") {
			t.Errorf("%s does not show the customer's name as it is", path)
		}
	}
	search := hostile.page(`/invoices?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E`)
	checkMarkup(t, "search", search)
}

func checkHeaders(t *testing.T, name string, r response) {
	t.Helper()
	policy := r.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: the policy lacks %s", name, part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("%s: the policy is %s", name, policy)
	}
	for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store"} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: %s is %q", name, header, got)
		}
	}
}

// checkMarkup walks through the elements of a page.
func checkMarkup(t *testing.T, name, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, headings := map[string]bool{}, []string{}
	var walk func(n *html.Node, labelled bool)
	walk = func(n *html.Node, labelled bool) {
		if n.Type == html.ElementNode {
			attr := map[string]string{}
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: <%s %s>", name, n.Data, a.Key)
				}
				if (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
			if id := attr["id"]; id != "" {
				if ids[id] {
					t.Errorf("%s: two elements are #%s", name, id)
				}
				ids[id] = true
			}
			switch n.Data {
			case "script":
				if attr["src"] == "" || n.FirstChild != nil {
					t.Errorf("%s: a script stands in the page", name)
				}
			case "style", "iframe", "object", "embed", "base":
				t.Errorf("%s: <%s>", name, n.Data)
			case "label":
				labelled = true
			case "input", "select", "textarea":
				if attr["type"] != "hidden" && !labelled {
					t.Errorf("%s: <%s name=%q> has no label", name, n.Data, attr["name"])
				}
			case "form":
				if attr["method"] == "post" && !strings.Contains(inner(n), `name="csrf"`) && !strings.Contains(inner(n), `name="form"`) {
					t.Errorf("%s: the form %s has no token", name, attr["action"])
				}
			case "h1", "h2", "h3", "h4":
				headings = append(headings, n.Data)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, labelled)
		}
	}
	walk(doc, false)
	if slices.Index(headings, "h1") < 0 || slices.Index(headings[slices.Index(headings, "h1")+1:], "h1") >= 0 {
		t.Errorf("%s has not one first heading: %v", name, headings)
	}
}

func inner(n *html.Node) string {
	var b bytes.Buffer
	if err := html.Render(&b, n); err != nil {
		return ""
	}
	return b.String()
}

func TestStaticFiles(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	page := c.page("/sign-in")
	names := regexp.MustCompile(`/static/[a-z]+\.[0-9a-f]{12}\.(css|js|svg)`).FindAllString(page, -1)
	if len(names) < 3 {
		t.Fatalf("only %v", names)
	}
	types := map[string]string{".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}
	for _, name := range names {
		r := c.get(name)
		wantStatus(t, r, http.StatusOK)
		if !strings.Contains(r.Header.Get("Content-Type"), types[filepath.Ext(name)]) || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", name, r.Header)
		}
		if found := regexp.MustCompile(`https?://|//[a-z]+\.`).FindString(strings.ReplaceAll(r.body, "http://www.w3.org/2000/svg", "")); found != "" {
			t.Errorf("%s asks for something from elsewhere: %s", name, found)
		}
	}
	for _, name := range []string{"app.css", "../web.go", "%2e%2e%2fweb.go", "app.000000000000.css"} {
		if r := c.get("/static/" + name); r.StatusCode != http.StatusNotFound {
			t.Errorf("/static/%s: %d", name, r.StatusCode)
		}
	}
	js, err := staticFiles.ReadFile("static/app.js")
	w.must(err)
	if n := bytes.Count(js, []byte("\n")); n > 100 {
		t.Errorf("the script has %d lines", n)
	}
}

// TestFrames allows the frames that are configured, and no others.
func TestFrames(t *testing.T) {
	w := newWorld(t)
	w.cfg.FrameAncestors = []string{"'self'", "http://127.0.0.1:8480"}
	w.echo = newEcho(w.cfg)
	r := w.client().get("/sign-in")
	if got := r.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "frame-ancestors 'self' http://127.0.0.1:8480") {
		t.Errorf("the policy is %s", got)
	}
	if got := r.Header.Get("X-Frame-Options"); got != "" {
		t.Errorf("X-Frame-Options: %s", got)
	}
}

// TestLargeForms refuses more than a form of ours can hold.
func TestLargeForms(t *testing.T) {
	w := newWorld(t)
	inv := w.order("hopital", "H-1", "")
	c := w.as(supplier, access.RoleOperator)
	form := map[string][]string{"reason": {strings.Repeat("x", 2*maxForm)}}
	r := c.post("/invoices/"+inv.ID+"/cancel", form)
	if r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", r.StatusCode)
	}
	if got := w.invoice(inv.ID).State; got != gateway.InvoiceHeld {
		t.Errorf("the invoice is %s", got)
	}
}

// TestTemplatesAreGenerated runs the generator on every template and compares.
func TestTemplatesAreGenerated(t *testing.T) {
	src, err := os.ReadFile("web.go")
	if err != nil {
		t.Fatal(err)
	}
	tool := regexp.MustCompile(`//go:generate go run (\S+) generate`).FindSubmatch(src)
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(tool[1]), "@")
	if !strings.Contains(string(mod), "github.com/a-h/templ "+version) {
		t.Errorf("the generator is %s, which is not the version of go.mod", version)
	}
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d templates: %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var complaint bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "go", "run", string(tool[1]), "generate", "-f", file, "-stdout")
		cmd.Stderr = &complaint
		got, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && strings.Contains(complaint.String(), "proxy") || errors.Is(err, exec.ErrNotFound) {
			if os.Getenv("CI") == "true" {
				t.Fatalf("the generator cannot be had: %s", complaint.String())
			}
			t.Skip("not run: the comparison of the templates, because their generator cannot be had")
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", file, err, complaint.String())
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".templ") + "_templ.go")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s was changed and not generated: run go generate ./internal/web", file)
		}
		if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, source) {
			t.Errorf("%s was changed by its generator", file)
		}
	}
}
