package schematron_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
)

var minimal = validation.RuleSet{Stage: validation.StageSchematron, ID: "minimal", Version: "1"}

// minimalStage is the check by testdata/rules/minimal.xslt.
func minimalStage(t testing.TB) validation.Stage {
	t.Helper()
	text := read(t, filepath.Join("testdata", "rules", "minimal.xslt"))
	return schematron.New(schematron.XSLT{}).Stage(minimal, func(string) ([]byte, error) { return text, nil })
}

func document(t testing.TB, text string) *validation.Document {
	t.Helper()
	d, err := validation.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func invoice(body string) string {
	return `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
` + body + `
</Invoice>`
}

const (
	number    = `<cbc:ID>1</cbc:ID>`
	reference = `<cbc:BuyerReference>A</cbc:BuyerReference>`
)

func TestFindings(t *testing.T) {
	const line2 = `/ubl:Invoice[1]/cac:InvoiceLine[2]`
	tests := map[string]struct {
		text string
		ok   bool
		want []validation.Finding
	}{
		"fine": {invoice(number + reference), true, nil},
		"fatal and warning": {invoice(""), false, []validation.Finding{
			{Rule: "MIN-01", Severity: "fatal", Location: "/ubl:Invoice[1]", Line: 1, Column: 1, Message: "[MIN-01]-A document has a number."},
			{Rule: "MIN-02", Severity: "warning", Location: "/ubl:Invoice[1]", Line: 1, Column: 1, Message: "[MIN-02]-A document names a buyer reference or an order."},
		}},
		"information": {invoice("<cbc:Note>n</cbc:Note>" + number + reference), true, []validation.Finding{
			{Rule: "MIN-03", Severity: "info", Location: "/ubl:Invoice[1]", Line: 1, Column: 1, Message: "[MIN-03]-There is a note."},
		}},
		"no flag is an error": {
			invoice(number + reference + "<cac:InvoiceLine><cbc:LineExtensionAmount>1</cbc:LineExtensionAmount></cac:InvoiceLine>\n" +
				"<cac:InvoiceLine><cbc:LineExtensionAmount>-1</cbc:LineExtensionAmount></cac:InvoiceLine>"),
			false,
			[]validation.Finding{{
				Rule: "MIN-04", Severity: "error", Location: line2, Line: 3, Column: 1, BusinessTerms: []string{"BG-25"},
				Message: "[MIN-04]-A negative line is explained by a note.",
			}},
		},
		"a schema location is not followed": {
			strings.Replace(invoice(number+reference), "<Invoice ", `<Invoice xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" xsi:noNamespaceSchemaLocation="/etc/passwd" `, 1),
			true, nil,
		},
		"another encoding": {
			"<?xml version='1.0' encoding='ISO-8859-1'?>" + invoice(number+"<cbc:BuyerReference>\xe9</cbc:BuyerReference>"), true, nil,
		},
	}
	stage := minimalStage(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := stage.Check(t.Context(), document(t, test.text))
			if !v.Ran || v.OK() != test.ok {
				t.Errorf("ran %v (%s), OK() = %v", v.Ran, v.Reason, v.OK())
			}
			if diff := cmp.Diff(test.want, v.Findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRulesThatStop(t *testing.T) {
	v := minimalStage(t).Check(t.Context(), document(t, invoice(number+"<cac:InvoiceLine><cbc:LineExtensionAmount>many</cbc:LineExtensionAmount></cac:InvoiceLine>")))
	if v.Ran || v.OK() || !strings.HasPrefix(v.Reason, validation.ReasonDynamic) {
		t.Errorf("verdict %+v", v)
	}
}

// engine compiles to a program that is a function.
type engine struct {
	compile func(ctx context.Context, rules schematron.Rules) error
	run     func(ctx context.Context) ([]schematron.Report, error)
}

func (e engine) Compile(ctx context.Context, rules schematron.Rules) (schematron.Program, error) {
	if e.compile != nil {
		if err := e.compile(ctx, rules); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e engine) Run(ctx context.Context, _ *validation.Document) ([]schematron.Report, error) {
	if e.run == nil {
		return nil, nil
	}
	return e.run(ctx)
}

func TestChecksThatDoNotRun(t *testing.T) {
	good := func(string) ([]byte, error) { return []byte("rules"), nil }
	tests := map[string]struct {
		engine schematron.Engine
		source schematron.Source
		reason string
	}{
		"missing": {engine{}, func(string) ([]byte, error) {
			return nil, &schemas.Error{Code: schemas.CodeMissing, Message: "not there", Err: errors.New("secret")}
		}, "rules.missing: not there"},
		"changed": {engine{}, func(string) ([]byte, error) {
			return nil, &schemas.Error{Code: schemas.CodeChanged, Message: "differs"}
		}, "rules.changed: differs"},
		"not compiled":       {engine{compile: func(context.Context, schematron.Rules) error { return errors.New("bad") }}, good, "rules.broken: the rules minimal@1 cannot be compiled: bad"},
		"no stylesheet":      {schematron.XSLT{}, good, "rules.broken: "},
		"panic in compiling": {engine{compile: func(context.Context, schematron.Rules) error { panic("boom") }}, good, "check.panic: boom"},
		"panic in running":   {engine{run: func(context.Context) ([]schematron.Report, error) { panic("boom") }}, good, "check.panic: boom"},
		"dynamic":            {engine{run: func(context.Context) ([]schematron.Report, error) { return nil, schematron.ErrDynamic }}, good, "check.dynamic: "},
		"other":              {engine{run: func(context.Context) ([]schematron.Report, error) { return nil, errors.New("disk") }}, good, "check.internal: disk"},
		"no report": {schematron.XSLT{}, func(string) ([]byte, error) {
			return []byte(`<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><ok/></xsl:template></xsl:stylesheet>`), nil
		}, "check.internal: "},
		"reads a file": {schematron.XSLT{}, func(name string) ([]byte, error) {
			if name != "" {
				return nil, errors.New("no " + name)
			}
			return []byte(`<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><x><xsl:copy-of select="document('file:///etc/hostname')"/></x></xsl:template></xsl:stylesheet>`), nil
		}, "check.dynamic: "},
	}
	doc := document(t, invoice(number))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := schematron.New(test.engine).Stage(minimal, test.source).Check(t.Context(), doc)
			if v.Ran || v.OK() || !strings.HasPrefix(v.Reason, test.reason) || strings.Contains(v.Reason, "secret") {
				t.Errorf("verdict %+v", v)
			}
		})
	}
}

// A panic while compiling must not keep others waiting, nor a failure stay.
func TestCompilesOnceAndAgainAfterFailure(t *testing.T) {
	var compiled atomic.Int32
	fail := errors.New("not yet")
	c := schematron.New(engine{compile: func(context.Context, schematron.Rules) error {
		switch compiled.Add(1) {
		case 1:
			return fail
		case 2:
			panic("boom")
		}
		return nil
	}})
	stage := c.Stage(minimal, func(string) ([]byte, error) { return nil, nil })
	doc := document(t, invoice(number))
	for i, want := range []bool{false, false, true} {
		if v := stage.Check(t.Context(), doc); v.Ran != want {
			t.Errorf("check %d: %+v", i, v)
		}
	}
	var work sync.WaitGroup
	for range 16 {
		work.Go(func() {
			if v := stage.Check(t.Context(), doc); !v.OK() {
				t.Errorf("verdict %+v", v)
			}
		})
	}
	work.Wait()
	if n := compiled.Load(); n != 3 {
		t.Errorf("compiled %d times", n)
	}
}

// A program serves many documents at the same time.
func TestConcurrentUse(t *testing.T) {
	stage := minimalStage(t)
	good, bad := document(t, invoice(number+reference)), document(t, invoice(reference))
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 20 {
				doc, want := good, true
				if (i+j)%2 == 0 {
					doc, want = bad, false
				}
				if v := stage.Check(context.Background(), doc); !v.Ran || v.OK() != want {
					t.Errorf("verdict %+v, want %v", v, want)
				}
			}
		})
	}
	work.Wait()
}

func TestDeadline(t *testing.T) {
	// A rule set that needs ages: all triples of a million numbers.
	slow := `<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">
		<x><xsl:value-of select="count(for $a in 1 to 1000000, $b in 1 to 1000000, $c in 1 to 1000000 return $a)"/></x></xsl:template></xsl:stylesheet>`
	waits := engine{run: func(ctx context.Context) ([]schematron.Report, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for name, e := range map[string]schematron.Engine{"XSLT": schematron.XSLT{}, "waiting": waits} {
		t.Run(name, func(t *testing.T) {
			stage := schematron.New(e).Stage(minimal, func(string) ([]byte, error) { return []byte(slow), nil })
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			v := stage.Check(ctx, document(t, invoice(number)))
			if v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDeadline) {
				t.Errorf("verdict %+v", v)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("stopped after %v", d)
			}
		})
	}
}

func TestManyFindings(t *testing.T) {
	reports := make([]schematron.Report, schematron.MaxFindings+5)
	for i := range reports {
		reports[i] = schematron.Report{Rule: "W", Flag: "warning", Location: "/Invoice"}
	}
	stage := schematron.New(engine{run: func(context.Context) ([]schematron.Report, error) { return reports, nil }}).
		Stage(minimal, func(string) ([]byte, error) { return nil, nil })
	v := stage.Check(t.Context(), document(t, invoice(number)))
	if !v.Ran || v.OK() || len(v.Findings) != schematron.MaxFindings+1 || v.Findings[schematron.MaxFindings].Rule != "schematron.more" {
		t.Errorf("ran %v, OK() = %v, %d findings", v.Ran, v.OK(), len(v.Findings))
	}
}

func TestForeignDocument(t *testing.T) {
	v := minimalStage(t).Check(t.Context(), &validation.Document{Bytes: []byte(invoice(number))})
	if v.Ran || v.OK() {
		t.Errorf("a document that our reader did not accept was checked: %+v", v)
	}
}

// The own rules of testdata are found, verified and used in place of the
// official ones.
func TestOwnRules(t *testing.T) {
	own, err := validation.ReadOwn(filepath.Join("testdata", "rules"))
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := schemas.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	checks := validation.NewOfficial(catalogue, nil, schematron.New(schematron.XSLT{})).WithOwn(own)
	req := validation.Request{At: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Only: []string{validation.StageSchematron}}
	if r := checks.Check(t.Context(), document(t, invoice(number+reference)), req); !r.Valid || r.Verdicts[0].RuleSet != "minimal" {
		t.Errorf("result %+v", r)
	}
	if r := checks.Check(t.Context(), document(t, invoice("")), req); r.Valid || !r.Verdicts[0].Ran {
		t.Errorf("result %+v", r)
	}
}
