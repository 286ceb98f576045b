package main

import (
	"context"
	"strings"
	"sync"
	"time"

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

// officialChecks judges documents on the way by every official rule set that
// applies. It implements the Checker of outbound and inbound.
type officialChecks struct {
	validation.Automatic
	release func() error

	mu     sync.Mutex
	looked time.Time // when ready last looked at the rule packs
	found  error
}

// openChecks opens the rule packs, or the operator's own rules in their place.
// Missing packs are no error here: the checks then do not run, and nothing passes.
func openChecks(cfg *config.Config) (*officialChecks, error) {
	catalogue, err := schemas.Open(cfg.PacksDir)
	if err != nil {
		return nil, environmentError("packs_dir", err, "run facteur schemas sync")
	}
	official, release := newChecks(catalogue, cfg.Validation)
	if cfg.Validation.RulesDir != "" {
		own, err := validation.ReadOwn(cfg.Validation.RulesDir)
		if err != nil {
			return nil, environmentError("validation.rules_dir", err, "correct rules.json")
		}
		official = official.WithOwn(own)
	}
	return &officialChecks{Automatic: validation.Automatic{Official: official, MaxBytes: cfg.Validation.MaxDocument}, release: release}, nil
}

// unknownCustomization is the finding about a document whose customisation no
// rule set knows: it may not be sent on the word of the rules for its base.
var unknownCustomization = validation.RuleSet{Stage: validation.StageSchematron, ID: "customization", Version: "1"}

// Check judges a document by the rules of a day.
func (c *officialChecks) Check(ctx context.Context, document []byte, at time.Time) validation.Result {
	doc, err := c.Parse(document)
	if err != nil {
		return validation.Refused(document, err)
	}
	request := validation.Request{At: at}
	selection, err := c.Official.Choose(doc, request)
	if err != nil {
		return c.Official.Check(ctx, doc, request) // says why nothing could be chosen
	}
	result := c.Official.Run(ctx, doc, selection)
	if !selection.Known {
		result.Valid = false
		result.Verdicts = append(result.Verdicts, unknownCustomization.Judged([]validation.Finding{{
			Rule: "customization.unknown", Severity: validation.SeverityError, BusinessTerms: []string{"BT-24"},
			Message: "no rule set is known for this specification identifier", Value: doc.Customization,
		}}))
	}
	return result
}

// usable tells whether the rules for Peppol invoices are there: it checks an
// invoice that is none and looks only at whether the checks ran.
func (c *officialChecks) usable(ctx context.Context, at time.Time) error {
	const nothing = `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
		xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
		<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>
		<cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID></Invoice>`
	if reason := environmentReason(c.Check(ctx, []byte(nothing), at)); reason != "" {
		code, text, _ := strings.Cut(reason, ": ")
		return &exitError{Status: statusEnvironment, Code: code, Message: text}
	}
	return nil
}

// How long ready believes what it saw: packs that are there stay, and those that
// are not are about to be fetched.
const (
	lookAgain     = time.Minute
	lookAgainSoon = 2 * time.Second
)

// ready tells which rule set is missing or changed, so that invoices would be
// held for it. It reads every byte of the packs, but not at each call.
func (c *officialChecks) ready(ctx context.Context, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pause := lookAgain
	if c.found != nil {
		pause = lookAgainSoon
	}
	if c.looked.IsZero() || now.Sub(c.looked) >= pause {
		err := c.Official.Usable(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.looked, c.found = now, err
	}
	return c.found
}

// Close releases the schemas.
func (c *officialChecks) Close() error { return c.release() }
