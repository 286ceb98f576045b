package xsd_test

import (
	"context"
	"fmt"
	"path/filepath"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/xsd"
)

func ExampleValidator() {
	validator := xsd.New()
	defer validator.Close() //nolint:errcheck // it only frees memory

	rules := validation.RuleSet{Stage: validation.StageXSD, ID: "order", Version: "1"}
	stage := validator.Stage(rules, func() ([]schemas.Import, error) {
		path, err := filepath.Abs("testdata/schema/order.xsd")
		return []schemas.Import{{Namespace: "urn:facteur:test:order", Path: path}}, err
	})
	doc, err := validation.Parse([]byte(`<Order xmlns="urn:facteur:test:order"/>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range stage.Check(context.Background(), doc).Findings {
		fmt.Println(f.Rule, f.Location)
	}
	// Output: cvc-complex-type.2.4 /Order[1]
}
