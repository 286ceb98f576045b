package xsd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/xsd"
)

const (
	orderSpace    = "urn:facteur:test:order"
	commonSpace   = "urn:facteur:test:common"
	unplacedSpace = "urn:facteur:test:unplaced"
)

func schemaFile(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// orderStage is the check against testdata/schema/order.xsd.
func orderStage(t testing.TB, v *xsd.Validator) validation.Stage {
	t.Helper()
	rs := validation.RuleSet{Stage: validation.StageXSD, ID: "test-order", Version: "1"}
	imports := []schemas.Import{{Namespace: orderSpace, Path: schemaFile(t, "order.xsd")}}
	return v.Stage(rs, func() ([]schemas.Import, error) { return imports, nil })
}

func newValidator(t testing.TB) *xsd.Validator {
	t.Helper()
	v := xsd.New()
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func document(t testing.TB, text string) *validation.Document {
	t.Helper()
	d, err := validation.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func order(lines string) string {
	return `<o:Order xmlns:o="urn:facteur:test:order" xmlns:c="urn:facteur:test:common">
 <c:ID>1</c:ID>
` + lines + `</o:Order>`
}

const goodLine = ` <o:Line><c:ID>1</c:ID><o:Amount currencyID="EUR">1.00</o:Amount></o:Line>` + "\n"

func TestFindings(t *testing.T) {
	type place struct {
		Rule, Location, Value string
		Line, Column          int
	}
	tests := map[string]struct {
		document string
		want     []place
	}{
		"valid": {order(goodLine), nil},
		"wrong amount": {
			order(goodLine + ` <o:Line><c:ID>2</c:ID><o:Amount currencyID="EUR">many</o:Amount></o:Line>`),
			[]place{{"cvc-datatype-valid.1.2.1", "/o:Order[1]/o:Line[2]/o:Amount[1]", "many", 4, 24}},
		},
		"missing child is told at the parent": {
			order(" <o:Line><c:ID>2</c:ID></o:Line>"),
			[]place{{"cvc-complex-type.2.4", "/o:Order[1]/o:Line[1]", "", 3, 2}},
		},
		"unexpected child": {
			order(goodLine + " <o:Extra/>"),
			[]place{{"cvc-complex-type.2.4", "/o:Order[1]/o:Extra[1]", "", 4, 2}},
		},
		"text between children": {
			order(goodLine + " <o:Line><c:ID>2</c:ID>stray<o:Amount currencyID='EUR'>1</o:Amount></o:Line>"),
			[]place{{"cvc-complex-type.2.3", "/o:Order[1]/o:Line[2]", "", 4, 2}},
		},
		"wrong attribute": {
			order(" <o:Line><c:ID>2</c:ID><o:Amount currencyID='XXX'>1</o:Amount></o:Line>"),
			[]place{{"cvc-enumeration-valid", "/o:Order[1]/o:Line[1]/o:Amount[1]/@currencyID", "XXX", 3, 24}},
		},
		"missing attribute": {
			order(" <o:Line><c:ID>2</c:ID><o:Amount>1</o:Amount></o:Line>"),
			[]place{{"cvc-complex-type.4", "/o:Order[1]/o:Line[1]/o:Amount[1]", "1", 3, 24}},
		},
		"unknown root": {
			`<Order/>`,
			[]place{{"cvc-elt.1", "/Order[1]", "", 1, 1}},
		},
		"another encoding declared and used": {
			"<?xml version='1.0' encoding='ISO-8859-1'?>" + order("<o:Line><c:ID>\xe9</c:ID><o:Amount currencyID='EUR'>\xe9</o:Amount></o:Line>"),
			[]place{{"cvc-datatype-valid.1.2.1", "/o:Order[1]/o:Line[1]/o:Amount[1]", "é", 3, 23}},
		},
	}
	stage := orderStage(t, newValidator(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := stage.Check(t.Context(), document(t, test.document))
			if !v.Ran {
				t.Fatalf("did not run: %s", v.Reason)
			}
			if v.OK() != (test.want == nil) {
				t.Errorf("OK() = %v", v.OK())
			}
			var got []place
			for _, f := range v.Findings {
				got = append(got, place{f.Rule, f.Location, f.Value, f.Line, f.Column})
				if f.Message == "" || f.Severity != validation.SeverityError {
					t.Errorf("finding %+v has no message or another severity", f)
				}
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s%+v", d, v.Findings)
			}
		})
	}
}

// A value longer than any buffer, in an element and in an attribute.
func TestLongValues(t *testing.T) {
	stage := orderStage(t, newValidator(t))
	for _, n := range []int{1000, 1023, 1024, 20_000, 5_000_000} {
		long := strings.Repeat("x", n-1) + "é"
		v := stage.Check(t.Context(), document(t, order(
			"<o:Line><c:ID>1</c:ID><o:Amount currencyID='"+long+"'>"+long+"</o:Amount></o:Line>")))
		if !v.Ran || len(v.Findings) < 2 {
			t.Fatalf("%d letters: ran %v, %d findings (%s)", n, v.Ran, len(v.Findings), v.Reason)
		}
		for _, f := range v.Findings {
			if len(f.Message) >= 1024 || len(f.Value) > 250 || strings.ContainsRune(f.Message, '\uFFFD') {
				t.Errorf("%d letters: message of %d bytes, value of %d", n, len(f.Message), len(f.Value))
			}
		}
	}
}

func TestManyErrors(t *testing.T) {
	stage := orderStage(t, newValidator(t))
	for _, test := range []struct{ errors, want int }{{999, 999}, {1000, 1000}, {1001, 1001}, {50_000, 1001}} {
		bad := strings.Repeat("<o:Line><c:ID>1</c:ID><o:Amount currencyID='EUR'>x</o:Amount></o:Line>\n", test.errors)
		v := stage.Check(t.Context(), document(t, order(bad)))
		if !v.Ran || v.OK() || len(v.Findings) != test.want {
			t.Fatalf("%d errors: ran %v, %d findings, want %d: %+v", test.errors, v.Ran, len(v.Findings), test.want, v.Findings[:3])
		}
		last := v.Findings[len(v.Findings)-1]
		if more := last.Rule == "xsd.more"; more != (test.errors > xsd.MaxFindings) {
			t.Errorf("%d errors: the last finding is %s", test.errors, last.Rule)
		}
		if f := v.Findings[500]; f.Line != 503 {
			t.Errorf("%d errors: finding 500 is on line %d", test.errors, f.Line)
		}
	}
}

// The document names a schema of its own; it must not be opened.
func TestSchemaLocationIsIgnored(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.xsd")
	if err := os.WriteFile(other, []byte("not a schema"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := order(goodLine)
	text = strings.Replace(text, ">", ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:facteur:test:order `+other+` urn:x http://127.0.0.1:9/x.xsd">`, 1)
	if v := orderStage(t, newValidator(t)).Check(t.Context(), document(t, text)); !v.OK() {
		t.Errorf("verdict %+v", v)
	}
}

func TestDriver(t *testing.T) {
	payment := `<u:Payment xmlns:u="urn:facteur:test:unplaced" xmlns:c="urn:facteur:test:common"><c:ID>1</c:ID><u:Amount currencyID="EUR">1</u:Amount></u:Payment>`
	imports := []schemas.Import{
		{Namespace: commonSpace, Path: schemaFile(t, "common.xsd")},
		{Namespace: unplacedSpace, Path: schemaFile(t, "unplaced.xsd")},
		{Namespace: orderSpace, Path: schemaFile(t, "order.xsd")},
	}
	rs := validation.RuleSet{Stage: validation.StageXSD, ID: "test-driver", Version: "1"}
	stage := newValidator(t).Stage(rs, func() ([]schemas.Import, error) { return imports, nil })
	for _, good := range []string{payment, order(goodLine)} {
		if v := stage.Check(t.Context(), document(t, good)); !v.OK() {
			t.Errorf("verdict %+v", v)
		}
	}
	if v := stage.Check(t.Context(), document(t, strings.Replace(payment, ">1</u:A", ">one</u:A", 1))); !v.Ran || v.OK() {
		t.Errorf("verdict %+v", v)
	}
}

func TestUnusableSchemas(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.xsd")
	if err := os.WriteFile(broken, []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="nowhere"/></xs:schema>`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		imports []schemas.Import
		err     error
		reason  string
	}{
		"broken":  {[]schemas.Import{{Path: broken}}, nil, "rules.broken: "},
		"absent":  {[]schemas.Import{{Path: broken + ".none"}}, nil, "rules.broken: "},
		"none":    {nil, nil, "rules.broken: "},
		"changed": {nil, &schemas.Error{Code: schemas.CodeChanged, Message: "the pack does not match", Err: errors.New("secret")}, "rules.changed: the pack does not match"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rs := validation.RuleSet{Stage: validation.StageXSD, ID: name}
			v := newValidator(t).Stage(rs, func() ([]schemas.Import, error) { return test.imports, test.err }).
				Check(t.Context(), document(t, order(goodLine)))
			if v.Ran || v.OK() || !strings.HasPrefix(v.Reason, test.reason) {
				t.Errorf("verdict %+v", v)
			}
			t.Log(v.Reason)
		})
	}
}

// A schema that could not be had is asked for again, and a good one only once.
func TestSourceIsAskedUntilItAnswers(t *testing.T) {
	asked := 0
	rs := validation.RuleSet{Stage: validation.StageXSD, ID: "late"}
	stage := newValidator(t).Stage(rs, func() ([]schemas.Import, error) {
		if asked++; asked == 1 {
			return nil, &schemas.Error{Code: schemas.CodeMissing, Message: "not yet"}
		}
		return []schemas.Import{{Namespace: orderSpace, Path: schemaFile(t, "order.xsd")}}, nil
	})
	doc := document(t, order(goodLine))
	for i, want := range []bool{false, true, true} {
		if v := stage.Check(t.Context(), doc); v.OK() != want {
			t.Errorf("check %d: %+v", i, v)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestConcurrentUseAndClose(t *testing.T) {
	v := xsd.New()
	stage := orderStage(t, v)
	good, bad := document(t, order(goodLine)), document(t, order(strings.ReplaceAll(goodLine, "1.00", "x")))
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 100 {
				doc, want := good, true
				if (i+j)%2 == 0 {
					doc, want = bad, false
				}
				if got := stage.Check(context.Background(), doc); got.Ran && got.OK() != want {
					t.Errorf("verdict %+v, want %v", got, want)
				}
			}
		})
	}
	if err := v.Close(); err != nil { // while checks are under way
		t.Error(err)
	}
	work.Wait()
	if got := stage.Check(context.Background(), good); got.Ran || got.OK() {
		t.Errorf("after Close: %+v", got)
	}
}

func TestDeadline(t *testing.T) {
	stage := orderStage(t, newValidator(t))
	doc := document(t, order(strings.Repeat(goodLine, 300_000)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if v := stage.Check(ended, doc); v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDeadline) {
		t.Errorf("verdict %+v", v)
	}
	short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	start := time.Now()
	v := stage.Check(short, doc)
	if v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDeadline) {
		t.Errorf("verdict ran %v, %s", v.Ran, v.Reason)
	}
	if d := time.Since(start); d > 100*time.Millisecond {
		t.Errorf("stopped after %v", d)
	}
}

// The document is streamed: the memory of the process grows by less than the
// document's size, although a tree would take many times that.
func TestStreamingMemory(t *testing.T) {
	if _, ok := peakMemory(); !ok {
		t.Skip("no /proc/self/status: peak memory not checked")
	}
	stage := orderStage(t, newValidator(t))
	doc := document(t, order(strings.Repeat(goodLine, 250_000)))
	if v := stage.Check(t.Context(), document(t, order(goodLine))); !v.OK() {
		t.Fatal(v.Reason)
	}
	runtime.GC()
	before, _ := peakMemory()
	if v := stage.Check(t.Context(), doc); !v.OK() {
		t.Fatalf("verdict ran %v, %s, %d findings, %+v", v.Ran, v.Reason, len(v.Findings), v.Findings)
	}
	after, _ := peakMemory()
	size := len(doc.Bytes)
	if grown := after - before; grown > size/2 {
		t.Errorf("checking %d MB took %d MB more", size>>20, grown>>20)
	}
}

// peakMemory returns the high-water mark of the process's resident memory.
func peakMemory() (size int, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(status) {
		var kib int
		if _, err := fmt.Sscanf(string(line), "VmHWM: %d kB", &kib); err == nil {
			return kib << 10, true
		}
	}
	return 0, false
}

func TestForeignDocument(t *testing.T) {
	v := orderStage(t, newValidator(t)).Check(t.Context(), &validation.Document{Bytes: []byte(order(goodLine))})
	if v.Ran || v.OK() {
		t.Errorf("a document that our reader did not accept was checked: %+v", v)
	}
}
