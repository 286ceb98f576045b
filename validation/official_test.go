package validation_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
)

// xsdMaker and rulesMaker make stages that fetch their rules and find nothing.
type (
	xsdMaker   struct{}
	rulesMaker struct{}
)

func (xsdMaker) Stage(rs validation.RuleSet, imports func() ([]schemas.Import, error)) validation.Stage {
	return made{rs, func() error { _, err := imports(); return err }}
}

func (rulesMaker) Stage(rs validation.RuleSet, source func(string) ([]byte, error)) validation.Stage {
	return made{rs, func() error { _, err := source(""); return err }}
}

type made struct {
	rs    validation.RuleSet
	fetch func() error
}

func (m made) RuleSet() validation.RuleSet { return m.rs }

func (m made) Check(context.Context, *validation.Document) validation.Verdict {
	if err := m.fetch(); err != nil {
		return m.rs.Unavailable(err)
	}
	return m.rs.Judged(nil)
}

var november = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// official is over an empty folder: packs are known, their files are missing.
func official(t *testing.T) *validation.Official {
	t.Helper()
	catalogue, err := schemas.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return validation.NewOfficial(catalogue, xsdMaker{}, rulesMaker{})
}

func chosen(s validation.Selection) []string {
	var out []string
	for _, c := range s.Choices {
		rs := c.Stage.RuleSet()
		out = append(out, rs.Stage+" "+rs.String())
	}
	return out
}

func TestChoose(t *testing.T) {
	tests := map[string]struct {
		request validation.Request
		want    []string
		code    string
	}{
		"auto":           {validation.Request{At: november}, []string{"xsd ubl-2.1@2.1", "schematron cen-ubl@1.3.16", "schematron peppol-ubl@2026.5"}, ""},
		"auto, earlier":  {validation.Request{At: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}, []string{"xsd ubl-2.1@2.1", "schematron cen-ubl@1.3.16", "schematron peppol-ubl@2025.11"}, ""},
		"only schema":    {validation.Request{At: november, Only: []string{"xsd"}}, []string{"xsd ubl-2.1@2.1"}, ""},
		"only customer":  {validation.Request{At: november, Only: []string{"requirements"}}, nil, ""},
		"named":          {validation.Request{At: november, Rules: []string{"peppol-ubl", "ubl-2.1"}}, []string{"schematron peppol-ubl@2026.5", "xsd ubl-2.1@2.1"}, ""},
		"named version":  {validation.Request{At: november, Rules: []string{"cen-ubl@1.3.15"}}, []string{"schematron cen-ubl@1.3.15"}, ""},
		"both stages":    {validation.Request{At: november, Rules: []string{"eusr"}}, []string{"xsd eusr@1.1", "schematron eusr@1.1.5"}, ""},
		"unknown set":    {validation.Request{At: november, Rules: []string{"nope"}}, nil, schemas.CodeUnknown},
		"unknown number": {validation.Request{At: november, Rules: []string{"cen-ubl@9"}}, nil, schemas.CodeUnknown},
	}
	doc := invoiceDocument(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := official(t).Choose(doc, test.request)
			if code := errorCode(err); code != test.code {
				t.Fatalf("error %v, want %q", err, test.code)
			}
			if diff := cmp.Diff(test.want, chosen(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, c := range got.Choices {
				if c.Why == "" {
					t.Errorf("no reason for %s", c.Stage.RuleSet())
				}
			}
		})
	}
}

// errorCode is "" for no error.
func errorCode(err error) string {
	var e *schemas.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return "another error"
}

func TestOfficialFailsClosed(t *testing.T) {
	doc := invoiceDocument(t)
	r := official(t).Check(t.Context(), doc, validation.Request{At: november})
	if r.Valid || len(r.Verdicts) != 3 {
		t.Fatalf("result %+v", r)
	}
	for _, v := range r.Verdicts {
		if v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonMissing) {
			t.Errorf("verdict %+v", v)
		}
	}
	unknown, err := validation.Parse([]byte("<a/>"))
	if err != nil {
		t.Fatal(err)
	}
	r = official(t).Check(t.Context(), unknown, validation.Request{At: november})
	if r.Valid || len(r.Verdicts) != 1 || !strings.HasPrefix(r.Verdicts[0].Reason, validation.ReasonUnknown) {
		t.Errorf("result %+v", r)
	}
	if r := official(t).Check(t.Context(), doc, validation.Request{At: november, Only: []string{"requirements"}}); r.Valid {
		t.Errorf("valid without a check: %+v", r)
	}
}

func TestAutomatic(t *testing.T) {
	text := invoiceDocument(t).Bytes
	for name, test := range map[string]struct {
		document []byte
		max      int64
		verdicts int
		rule     string
	}{
		"known":     {text, 0, 3, ""},
		"just fits": {text, int64(len(text)), 3, ""},
		"too large": {text, int64(len(text)) - 1, 1, "xml.too_large"},
		"malformed": {text[:len(text)-3], 0, 1, "xml.malformed"},
	} {
		r := validation.Automatic{Official: official(t), MaxBytes: test.max}.Check(t.Context(), test.document, november)
		if r.Valid || len(r.Verdicts) != test.verdicts || r.SHA256 != sha(t, string(test.document)) {
			t.Errorf("%s: %+v", name, r)
		}
		if test.rule != "" && (len(r.Failures()) != 1 || r.Failures()[0].Rule != test.rule) {
			t.Errorf("%s: %+v", name, r.Failures())
		}
	}
}

func TestExtraStagesRunLast(t *testing.T) {
	r := official(t).Check(t.Context(), invoiceDocument(t), validation.Request{At: november, Only: []string{"requirements"}}, finds())
	if !r.Valid || len(r.Verdicts) != 1 {
		t.Errorf("result %+v", r)
	}
}

func writeOwn(t *testing.T, manifest string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.json": manifest, "own.xslt": "rules", "own.xsd": "schema"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	sumRules  = "0000000000000000000000000000000000000000000000000000000000000000"
	invoiceNS = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
)

func TestOwnRules(t *testing.T) {
	doc := invoiceDocument(t)
	dir := writeOwn(t, `{"rules": [
		{"id": "house", "version": "1", "stage": "schematron", "file": "own.xslt", "sha256": "`+sha(t, "rules")+`", "root": "Invoice", "namespace": "`+invoiceNS+`"},
		{"id": "wrong", "version": "2", "stage": "schematron", "file": "own.xslt", "sha256": "`+sumRules+`"},
		{"id": "other", "version": "1", "stage": "schematron", "file": "own.xslt", "sha256": "", "root": "Order"},
		{"id": "house-xsd", "version": "1", "stage": "xsd", "file": "own.xsd", "sha256": "`+sha(t, "schema")+`", "root": "Invoice"}]}`)
	own, err := validation.ReadOwn(dir)
	if err != nil {
		t.Fatal(err)
	}
	checks := official(t).WithOwn(own)
	got, err := checks.Choose(doc, validation.Request{At: november})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"xsd house-xsd@1", "schematron house@1", "schematron wrong@2"}, chosen(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r := checks.Check(t.Context(), doc, validation.Request{At: november})
	ran := []bool{}
	for _, v := range r.Verdicts {
		ran = append(ran, v.Ran)
	}
	if diff := cmp.Diff([]bool{true, true, false}, ran); r.Valid || diff != "" || !strings.HasPrefix(r.Verdicts[2].Reason, validation.ReasonChanged) {
		t.Errorf("result %+v", r)
	}
	r = checks.Check(t.Context(), doc, validation.Request{At: november, Rules: []string{"house"}})
	if !r.Valid || len(r.Verdicts) != 1 {
		t.Errorf("result %+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "own.xslt")); err != nil {
		t.Fatal(err)
	}
	r = checks.Check(t.Context(), doc, validation.Request{At: november, Rules: []string{"house@1"}})
	if r.Valid || !strings.HasPrefix(r.Verdicts[0].Reason, validation.ReasonMissing) {
		t.Errorf("result %+v", r)
	}
}

// Checks are usable when every rule set is there that documents may need.
func TestUsable(t *testing.T) {
	code := func(o *validation.Official) string {
		var e *schemas.Error
		if err := o.Usable(t.Context()); err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if e == nil {
			return ""
		}
		return e.Code
	}
	if got := code(official(t)); got != schemas.CodeMissing {
		t.Errorf("without packs: %q", got)
	}
	sum := sha256.Sum256([]byte("<own/>"))
	rules := `{"rules": [{"id": "a", "version": "1", "stage": "xsd", "file": "own.xslt", "sha256": "` + hex.EncodeToString(sum[:]) + `"},
		{"id": "b", "version": "1", "stage": "schematron", "file": "own.xslt", "sha256": "` + hex.EncodeToString(sum[:]) + `"}]}`
	dir := writeOwn(t, rules)
	if err := os.WriteFile(filepath.Join(dir, "own.xslt"), []byte("<own/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := validation.ReadOwn(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := code(official(t).WithOwn(own)); got != "" { // no official rule set is needed
		t.Errorf("own rules in place of all: %q", got)
	}
	if got := code(official(t).WithOwn(own[:1])); got != schemas.CodeMissing { // the official rules are
		t.Errorf("own schema: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "own.xslt"), []byte("<owN/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := code(official(t).WithOwn(own)); got != schemas.CodeChanged {
		t.Errorf("changed: %q", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := official(t).Usable(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// With own rules of a stage, a document that none of them is for is not valid.
func TestOwnRulesForNoDocument(t *testing.T) {
	own, err := validation.ReadOwn(writeOwn(t, `{"rules": [{"id": "a", "version": "1", "stage": "schematron", "file": "own.xslt", "sha256": "", "root": "Order"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := official(t).WithOwn(own).Check(t.Context(), invoiceDocument(t), validation.Request{At: november, Only: []string{"schematron"}})
	if r.Valid || len(r.Verdicts) != 1 || !strings.HasPrefix(r.Verdicts[0].Reason, validation.ReasonUnknown) {
		t.Errorf("result %+v", r)
	}
}

func TestReadOwnRefuses(t *testing.T) {
	for name, manifest := range map[string]string{
		"nothing":        `{"rules": []}`,
		"unknown key":    `{"rules": [{"id": "a", "version": "1", "stage": "xsd", "file": "own.xsd", "sha": ""}]}`,
		"no stage":       `{"rules": [{"id": "a", "version": "1", "file": "own.xsd"}]}`,
		"leaves folder":  `{"rules": [{"id": "a", "version": "1", "stage": "xsd", "file": "../own.xsd"}]}`,
		"absolute":       `{"rules": [{"id": "a", "version": "1", "stage": "xsd", "file": "/own.xsd"}]}`,
		"no version":     `{"rules": [{"id": "a", "stage": "xsd", "file": "own.xsd"}]}`,
		"malformed JSON": `{`,
	} {
		if own, err := validation.ReadOwn(writeOwn(t, manifest)); err == nil {
			t.Errorf("%s: %+v", name, own)
		}
	}
	if _, err := validation.ReadOwn(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
}

func sha(t *testing.T, text string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
