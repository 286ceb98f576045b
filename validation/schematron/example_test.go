package schematron_test

import (
	"context"
	"fmt"
	"os"

	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
)

func ExampleChecker() {
	checker := schematron.New(schematron.XSLT{})
	rules := validation.RuleSet{Stage: validation.StageSchematron, ID: "minimal", Version: "1"}
	stage := checker.Stage(rules, func(string) ([]byte, error) { return os.ReadFile("testdata/rules/minimal.xslt") })

	doc, err := validation.Parse([]byte(`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range stage.Check(context.Background(), doc).Findings {
		fmt.Println(f.Severity, f.Location, f.Message)
	}
	// Output:
	// fatal /ubl:Invoice[1] [MIN-01]-A document has a number.
	// warning /ubl:Invoice[1] [MIN-02]-A document names a buyer reference or an order.
}
