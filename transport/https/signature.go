package https

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// This file is the part of RFC 9421 that the package needs: signature bases over derived components and plain
// fields, of requests and of responses that refer to their request. The component parameters sf, key, bs and
// tr, and the components @query-param, @target-uri, @scheme and @request-target are not supported: a signature that covers
// one does not verify.

// request is what a signature can cover of a request. Its JSON form is part of the evidence.
type request struct {
	Method    string `json:"method"`
	Authority string `json:"authority"`
	Path      string `json:"path"`
	Query     string `json:"-"` // the gateway channel allows none
	Fields    fields `json:"fields"`
}

// response is what a signature can cover of a response, and its body.
type response struct {
	Status int    `json:"status"`
	Fields fields `json:"fields"`
	Body   []byte `json:"body"`
}

// fields maps lower-case field names to their combined values (RFC 9421, 2.1).
type fields map[string]string

// combine takes over all fields of h.
func combine(h http.Header) fields {
	f := make(fields, len(h))
	for name, values := range h {
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.TrimSpace(v)
		}
		f[strings.ToLower(name)] = strings.Join(trimmed, ", ")
	}
	return f
}

// only returns the named fields of f that exist.
func (f fields) only(names ...string) fields {
	kept := make(fields, len(names))
	for _, n := range names {
		if v, ok := f[n]; ok {
			kept[n] = v
		}
	}
	return kept
}

// exchange is what a signature is about: the response when there is one, else the request.
type exchange struct {
	request  request
	response *response
}

// component is one covered component; req marks one of the request in a response's signature.
type component struct {
	name string
	req  bool
}

func (c component) item() httpsfv.Item {
	it := httpsfv.NewItem(c.name)
	if c.req {
		it.Params.Add("req", true)
	}
	return it
}

// signature is one entry of Signature-Input with its value from Signature.
type signature struct {
	inner            httpsfv.InnerList
	covered          []component
	keyID, alg, tag  string
	created, expires time.Time // zero when absent
	value            []byte
}

// signatures reads both fields. Signatures that this package cannot read are left out unless wanted.
func signatures(f fields, wanted func(tag string) bool) ([]signature, error) {
	inputs, err := httpsfv.UnmarshalDictionary([]string{f["signature-input"]})
	if err != nil {
		return nil, fmt.Errorf("the Signature-Input field cannot be read: %w", err)
	}
	values, err := httpsfv.UnmarshalDictionary([]string{f["signature"]})
	if err != nil {
		return nil, fmt.Errorf("the Signature field cannot be read: %w", err)
	}
	var found []signature
	for _, label := range inputs.Names() {
		member, _ := inputs.Get(label)
		inner, ok := member.(httpsfv.InnerList)
		if !ok {
			continue
		}
		if tag, _ := param[string](inner, "tag"); !wanted(tag) {
			continue
		}
		s, err := readSignature(inner)
		if err != nil {
			return nil, err
		}
		v, _ := values.Get(label)
		item, _ := v.(httpsfv.Item)
		if s.value, ok = item.Value.([]byte); !ok {
			return nil, fmt.Errorf("signature %q has no value", label)
		}
		found = append(found, s)
	}
	return found, nil
}

// theSignature returns the one signature with that tag.
func theSignature(f fields, tag string) (signature, error) {
	all, err := signatures(f, func(t string) bool { return t == tag })
	switch {
	case err != nil:
		return signature{}, err
	case len(all) == 0:
		return signature{}, fmt.Errorf("there is no signature with the tag %q", tag)
	case len(all) > 1:
		return signature{}, fmt.Errorf("there is more than one signature with the tag %q", tag)
	}
	return all[0], nil
}

func readSignature(inner httpsfv.InnerList) (signature, error) {
	s := signature{inner: inner}
	s.keyID, _ = param[string](inner, "keyid")
	s.alg, _ = param[string](inner, "alg")
	s.tag, _ = param[string](inner, "tag")
	if n, ok := param[int64](inner, "created"); ok {
		s.created = time.Unix(n, 0).UTC()
	}
	if n, ok := param[int64](inner, "expires"); ok {
		s.expires = time.Unix(n, 0).UTC()
	}
	seen := map[component]bool{}
	for _, it := range inner.Items {
		name, ok := it.Value.(string)
		if !ok || name != strings.ToLower(name) {
			return s, errors.New("a covered component has no valid name")
		}
		c := component{name: name}
		for _, p := range it.Params.Names() {
			v, _ := it.Params.Get(p)
			if p != "req" || v != true {
				return s, fmt.Errorf("the parameter %q of component %q is not supported", p, name)
			}
			c.req = true
		}
		if seen[c] {
			return s, fmt.Errorf("component %q is covered twice", name)
		}
		seen[c] = true
		s.covered = append(s.covered, c)
	}
	return s, nil
}

func param[T any](inner httpsfv.InnerList, name string) (T, bool) {
	v, _ := inner.Params.Get(name)
	t, ok := v.(T)
	return t, ok
}

// covers tells the first of the components that the signature leaves out.
func (s signature) covers(required []component) error {
	for _, r := range required {
		if !s.has(r) {
			return fmt.Errorf("the signature does not cover %q", r.name)
		}
	}
	return nil
}

func (s signature) has(c component) bool {
	for _, have := range s.covered {
		if have == c {
			return true
		}
	}
	return false
}

// base makes the signature base (RFC 9421, 2.5) for what s covers of x.
func (s signature) base(x exchange) ([]byte, error) {
	var b strings.Builder
	for _, c := range s.covered {
		value, err := x.value(c)
		if err != nil {
			return nil, err
		}
		id, err := httpsfv.Marshal(c.item())
		if err != nil {
			return nil, fmt.Errorf("component %q: %w", c.name, err)
		}
		b.WriteString(id + ": " + value + "\n")
	}
	params, err := httpsfv.Marshal(s.inner)
	if err != nil {
		return nil, fmt.Errorf("signature parameters: %w", err)
	}
	b.WriteString(`"@signature-params": ` + params)
	return []byte(b.String()), nil
}

// value is the component's value (RFC 9421, 2.1 and 2.2).
func (x exchange) value(c component) (string, error) {
	if x.response == nil && c.req {
		return "", fmt.Errorf("component %q is of another request", c.name)
	}
	if x.response != nil && !c.req {
		if c.name == "@status" {
			return strconv.Itoa(x.response.Status), nil
		}
		return x.response.Fields.value(c.name)
	}
	switch c.name {
	case "@method":
		return x.request.Method, nil
	case "@authority":
		return x.request.Authority, nil
	case "@path":
		if x.request.Path == "" {
			return "/", nil
		}
		return x.request.Path, nil
	case "@query":
		return "?" + x.request.Query, nil
	}
	return x.request.Fields.value(c.name)
}

func (f fields) value(name string) (string, error) {
	v, ok := f[name]
	if !ok || strings.HasPrefix(name, "@") {
		return "", fmt.Errorf("component %q is not there", name)
	}
	if strings.ContainsAny(v, "\r\n") {
		return "", fmt.Errorf("field %q holds a line break", name)
	}
	return v, nil
}
