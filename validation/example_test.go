package validation_test

import (
	"context"
	"fmt"

	"facteur.dev/facteur/validation"
)

// numbered is a stage of one rule: a document names itself.
type numbered struct{}

func (numbered) RuleSet() validation.RuleSet {
	return validation.RuleSet{Stage: validation.StageRequirements, ID: "house", Version: "1"}
}

func (n numbered) Check(_ context.Context, doc *validation.Document) validation.Verdict {
	const id = "/Invoice/cbc:ID"
	if place, ok := doc.Locate(id); ok && place.Value != "" {
		return n.RuleSet().Judged(nil)
	}
	place, _ := doc.Locate("/")
	return n.RuleSet().Judged([]validation.Finding{place.Fill(validation.Finding{
		Rule: "BR-02", Severity: validation.SeverityFatal, Message: "An Invoice shall have an Invoice number (BT-1).",
	})})
}

func Example() {
	doc, err := validation.Parse([]byte(`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	result := validation.NewPipeline([]validation.Stage{numbered{}}).Check(context.Background(), doc)
	fmt.Println("valid:", result.Valid)
	for _, f := range result.Failures() {
		e := validation.Explain(f, "en")
		fmt.Println(f.Rule, e.What, e.Where, e.Terms)
	}
	// Output:
	// valid: false
	// BR-02 The invoice has no number. file line 1 [BT-1 Invoice number]
}
