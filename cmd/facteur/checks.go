package main

import (
	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
	"facteur.dev/facteur/validation/xsd"
)

// newChecks wires the official checks. The function returned releases what they
// hold; checks that begin later do not run.
func newChecks(catalogue *schemas.Catalogue, bounds config.Validation) (*validation.Official, func() error) {
	schema := xsd.New()
	rules := schematron.New(schematron.XSLT{})
	return validation.NewOfficial(catalogue, schema, rules, validation.WithTimeout(bounds.Deadline)), schema.Close
}
