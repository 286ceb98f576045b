package schemas_test

import (
	"fmt"
	"time"

	"facteur.dev/facteur/schemas"
)

func ExampleCatalogue_Stages() {
	c, err := schemas.Open(".facteur/packs")
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	sel, err := c.Stages(schemas.DocumentKind{
		Namespace:     "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
		Root:          "Invoice",
		Customization: "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
		Profile:       "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
	}, day)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, choice := range sel.Choices {
		fmt.Println(choice.Pack.Stage, choice.Pack.Name())
	}
	// Output:
	// xsd ubl-2.1@2.1
	// schematron cen-ubl@1.3.16
	// schematron peppol-ubl@2026.5
}
