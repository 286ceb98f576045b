package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// account is an API key of a tenant.
type account struct {
	g           *gate
	tenant, key string
}

// reply is what the gateway answered.
type reply struct {
	t       testing.TB
	request string
	status  int
	header  http.Header
	body    []byte
}

// ask makes one request. Headers are given as "Name: value"; the content type is
// that of the body's first character unless it is given.
func (a *account) ask(method, path, body string, headers ...string) (reply, error) {
	r := reply{t: a.g.t, request: a.g.name + " " + method + " " + path}
	req, err := http.NewRequestWithContext(context.Background(), method, a.g.url+path, strings.NewReader(body))
	if err != nil {
		return r, err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	if strings.HasPrefix(body, "<") {
		req.Header.Set("Content-Type", "application/xml")
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := a.g.http.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	r.status, r.header = resp.StatusCode, resp.Header
	r.body, err = io.ReadAll(resp.Body)
	return r, err
}

func (a *account) do(method, path, body string, headers ...string) reply {
	a.g.t.Helper()
	r, err := a.ask(method, path, body, headers...)
	if err != nil {
		a.g.t.Fatalf("%s: %v\n%s", r.request, err, a.g.log.tail())
	}
	return r
}

func (a *account) get(path string) reply {
	a.g.t.Helper()
	return a.do(http.MethodGet, path, "").is(http.StatusOK)
}

func (a *account) post(path, body string, headers ...string) reply {
	a.g.t.Helper()
	return a.do(http.MethodPost, path, body, headers...)
}

func (a *account) put(path, body string) reply {
	a.g.t.Helper()
	return a.do(http.MethodPut, path, body)
}

// is checks the status.
func (r reply) is(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d\n%s", r.request, r.status, status, r.body)
	}
	return r
}

// json gives the body.
func (r reply) json() any {
	r.t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber() // amounts and sequence numbers as they stand
	if err := d.Decode(&v); err != nil {
		r.t.Fatalf("%s: %v\n%s", r.request, err, r.body)
	}
	return v
}

// text gives a value of the body: "" when it is not there.
func (r reply) text(path string) string {
	r.t.Helper()
	return text(r.json(), path)
}

// says checks values of the body, given as "path=value".
func (r reply) says(values ...string) reply {
	r.t.Helper()
	for _, v := range values {
		path, want, _ := strings.Cut(v, "=")
		if got := r.text(path); got != want {
			r.t.Errorf("%s: %s is %q, want %q\n%s", r.request, path, got, want, r.body)
		}
	}
	return r
}

// text gives a value of decoded JSON as text.
func text(v any, path string) string {
	if v = pick(v, path); v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// list reads all pages of a list.
func (a *account) list(path string) []any {
	a.g.t.Helper()
	u := must(a.g.t, mustURL(path), nil)
	var all []any
	for after := ""; ; {
		q := u.Query()
		q.Set("limit", "500")
		if after != "" {
			q.Set("after", after)
		}
		r := a.get(u.Path + "?" + q.Encode()).json()
		items, _ := pick(r, "items").([]any)
		if all = append(all, items...); text(r, "next") == "" {
			return all
		}
		after = text(r, "next")
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err) // a path in a test
	}
	return u
}

// items reads a list that has one page.
func (a *account) items(path string) []any {
	a.g.t.Helper()
	items, _ := pick(a.get(path).json(), "items").([]any)
	return items
}

// await waits until a record says so.
func (a *account) await(d time.Duration, path string, values ...string) reply {
	a.g.t.Helper()
	var r reply
	deadline := time.Now().Add(d)
	for {
		r = a.get(path)
		wrong := ""
		body := r.json()
		for _, v := range values {
			at, want, _ := strings.Cut(v, "=")
			if got := text(body, at); got != want {
				wrong = fmt.Sprintf("%s is %q, want %q", at, got, want)
				break
			}
		}
		if wrong == "" {
			return r
		}
		if time.Now().After(deadline) {
			a.g.t.Fatalf("%s: not within %s: %s\n%s\n%s", r.request, d, wrong, r.body, a.g.log.tail())
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// invoiceOf waits for the invoice of an external id and gives its path.
func (a *account) invoiceOf(externalID string) string {
	a.g.t.Helper()
	r := a.await(15*time.Second, "/v1/invoices?external_id="+externalID, "items/0/external_id="+externalID)
	return "/v1/invoices/" + r.text("items/0/id")
}

// events are the types of a timeline's events, in order.
func (a *account) events(path string) []string {
	a.g.t.Helper()
	var types []string
	for _, e := range a.items(path) {
		types = append(types, text(e, "type"))
	}
	return types
}

// eventsAfter reads all sealed events of a query.
func (a *account) eventsAfter(query string) []any {
	a.g.t.Helper()
	u := mustURL("/v1/events" + query)
	var all []any
	for after := "0"; ; {
		q := u.Query()
		q.Set("limit", "500")
		q.Set("after", after)
		r := a.get(u.Path + "?" + q.Encode()).json()
		items, _ := pick(r, "items").([]any)
		if len(items) == 0 {
			return all
		}
		all, after = append(all, items...), text(r, "next")
	}
}

// verifiedLog exports the audit log and verifies it with the gateway's key.
func (a *account) verifiedLog() said {
	a.g.t.Helper()
	file := filepath.Join(a.g.t.TempDir(), "log.jsonl")
	if err := os.WriteFile(file, a.get("/v1/events/log").body, 0o600); err != nil {
		a.g.t.Fatal(err)
	}
	return a.g.command("", "verify", "--key", a.g.identity().AuditKey, file)
}
