package validation_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/validation"
)

// stage is a stage whose check is a function.
type stage struct {
	id    string
	check func(ctx context.Context, rs validation.RuleSet) validation.Verdict
}

func (s stage) RuleSet() validation.RuleSet {
	return validation.RuleSet{Stage: validation.StageSchematron, ID: s.id, Version: "1", SHA256: "00"}
}

func (s stage) Check(ctx context.Context, _ *validation.Document) validation.Verdict {
	return s.check(ctx, s.RuleSet())
}

func finds(severities ...validation.Severity) stage {
	return stage{"finds", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
		var out []validation.Finding
		for _, s := range severities {
			out = append(out, validation.Finding{Rule: "R", Severity: s})
		}
		return rs.Judged(out)
	}}
}

// A document is valid only when every stage ran to its end and none complained.
func TestPipelineFailsClosed(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	tests := map[string]struct {
		stages []validation.Stage
		valid  bool
		reason string // how the last verdict's reason begins
	}{
		"no stage":      {nil, false, ""},
		"nothing found": {[]validation.Stage{finds()}, true, ""},
		"warning":       {[]validation.Stage{finds(validation.SeverityWarning, validation.SeverityInfo)}, true, ""},
		"error":         {[]validation.Stage{finds(validation.SeverityError)}, false, ""},
		"fatal":         {[]validation.Stage{finds(validation.SeverityWarning, validation.SeverityFatal)}, false, ""},
		"odd severity":  {[]validation.Stage{finds("strange")}, false, ""},
		"error before":  {[]validation.Stage{finds(validation.SeverityError), finds()}, false, ""},
		"panic": {[]validation.Stage{finds(), stage{"p", func(context.Context, validation.RuleSet) validation.Verdict {
			panic("boom")
		}}}, false, "check.panic: boom"},
		"did not run": {[]validation.Stage{stage{"n", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
			return rs.NotRun(validation.ReasonChanged, "the pack does not match")
		}}}, false, "rules.changed: the pack does not match"},
		"zero verdict": {[]validation.Stage{stage{"z", func(context.Context, validation.RuleSet) validation.Verdict {
			return validation.Verdict{}
		}}}, false, "check.internal"},
		"another's verdict": {[]validation.Stage{stage{"a", func(context.Context, validation.RuleSet) validation.Verdict {
			return validation.RuleSet{Stage: validation.StageSchematron, ID: "b", Version: "1"}.Judged(nil)
		}}}, false, "check.internal"},
		"no reason given": {[]validation.Stage{stage{"r", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
			v := rs.Judged(nil)
			v.Ran = false
			return v
		}}}, false, "check.internal"},
		"ends with its context": {[]validation.Stage{stage{"c", func(ctx context.Context, rs validation.RuleSet) validation.Verdict {
			<-ctx.Done()
			return rs.NotRun(validation.ReasonDeadline, "stopped")
		}}}, false, "check.deadline"},
		"ignores its context": {[]validation.Stage{stage{"i", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
			<-never
			return rs.Judged(nil)
		}}}, false, "check.deadline"},
	}
	doc := invoiceDocument(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := validation.NewPipeline(test.stages, validation.WithTimeout(50*time.Millisecond)).Check(t.Context(), doc)
			if r.Valid != test.valid || len(r.Verdicts) != len(test.stages) {
				t.Errorf("result %+v", r)
			}
			if test.reason != "" {
				last := r.Verdicts[len(r.Verdicts)-1]
				if last.Ran || !strings.HasPrefix(last.Reason, test.reason) {
					t.Errorf("verdict %+v", last)
				}
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestPipelineCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := validation.NewPipeline([]validation.Stage{finds()}).Check(ctx, invoiceDocument(t))
	if r.Valid || r.Verdicts[0].Ran || !strings.HasPrefix(r.Verdicts[0].Reason, "check.deadline") {
		t.Errorf("result %+v", r)
	}
}

func TestResultJSON(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { at = at.Add(1300 * time.Microsecond); return at }
	check := stage{"cen-ubl", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
		return rs.Judged([]validation.Finding{{
			Rule: "BR-CO-15", Severity: validation.SeverityFatal, Location: "/ubl:Invoice[1]/cac:TaxTotal[1]", Line: 87,
			BusinessTerms: []string{"BT-112"}, Message: "[BR-CO-15]-…", Value: "1",
		}})
	}}
	quiet := stage{"quiet", func(_ context.Context, rs validation.RuleSet) validation.Verdict { return rs.Judged(nil) }}
	absent := stage{"absent", func(_ context.Context, rs validation.RuleSet) validation.Verdict {
		return rs.NotRun(validation.ReasonMissing, "not there")
	}}
	doc := invoiceDocument(t)
	r := validation.NewPipeline([]validation.Stage{check, quiet, absent}, validation.WithClock(clock)).Check(t.Context(), doc)
	r.File = "a.xml"
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"file":"a.xml","sha256":"` + doc.SHA256 + `","document":{"syntax":"ubl","root":"Invoice","customization":"` + doc.Customization +
		`","profile":"` + doc.Profile + `"},"valid":false,"duration_ms":1.3,"verdicts":[` +
		`{"stage":"schematron","rule_set":"cen-ubl","version":"1","sha256":"00","ran":true,"findings":[{"rule":"BR-CO-15","severity":"fatal",` +
		`"location":"/ubl:Invoice[1]/cac:TaxTotal[1]","line":87,"business_terms":["BT-112"],"message":"[BR-CO-15]-…","value":"1"}]},` +
		`{"stage":"schematron","rule_set":"quiet","version":"1","sha256":"00","ran":true,"findings":[]},` +
		`{"stage":"schematron","rule_set":"absent","version":"1","sha256":"00","ran":false,"reason":"rules.missing: not there","findings":[]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back validation.Result
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != want {
		t.Errorf("read back: %s (%v)", again, err)
	}
	if diff := cmp.Diff([]string{"BR-CO-15"}, rulesOf(r.Failures())); diff != "" {
		t.Error(diff)
	}
}

func rulesOf(findings []validation.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Rule)
	}
	return out
}
