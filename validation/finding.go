package validation

import (
	"encoding/json"
	"errors"

	"facteur.dev/facteur/schemas"
)

// Severity says how much a finding weighs. Fatal and error findings make a
// document invalid, warnings and information never do.
type Severity string

// The severities, heaviest first.
const (
	SeverityFatal   Severity = "fatal"
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Fails reports whether a finding of this severity makes a document invalid.
// An unknown severity fails: a weight nobody understands is not a pass.
func (s Severity) Fails() bool {
	return s != SeverityWarning && s != SeverityInfo
}

// Finding is one rule's complaint about one place of a document.
type Finding struct {
	// Rule is the rule's id as its publisher writes it ("BR-CO-15"), or a
	// stable code of ours ("xsd.type", "xml.dtd").
	Rule string `json:"rule"`
	// Severity is fatal, error, warning or info.
	Severity Severity `json:"severity"`
	// Location is an XPath with the prefixes that the standards use, every step with
	// its position: /ubl:Invoice[1]/cac:TaxTotal[1]. Empty when unknown.
	Location string `json:"location"`
	// Line and Column count from 1 in the document's bytes; 0 when unknown.
	Line   int `json:"line"`
	Column int `json:"column,omitempty"`
	// BusinessTerms are the EN 16931 terms concerned ("BT-112", "BG-23").
	BusinessTerms []string `json:"business_terms"`
	// Message is the official message, verbatim.
	Message string `json:"message"`
	// Value is the text found at Location, shortened when long.
	Value string `json:"value"`
}

// MarshalJSON writes an empty list of terms as [].
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding
	if f.BusinessTerms == nil {
		f.BusinessTerms = []string{}
	}
	return json.Marshal(plain(f))
}

// Names of the stages, in the order they usually run.
const (
	// StageXML is our own reader: it only appears when it refused a document.
	StageXML          = "xml"
	StageXSD          = "xsd"
	StageSchematron   = "schematron"
	StageRequirements = "requirements"
)

// RuleSet names one set of rules at one version.
type RuleSet struct {
	Stage   string // StageXSD, StageSchematron or StageRequirements
	ID      string // rule-set id, e.g. "cen-ubl", "ubl-2.1"
	Version string // as its publisher writes it, e.g. "1.3.16"
	SHA256  string // hex digest of the rules' main file; empty when unknown
}

// String returns "cen-ubl@1.3.16".
func (r RuleSet) String() string {
	if r.Version == "" {
		return r.ID
	}
	return r.ID + "@" + r.Version
}

// Verdict is what one rule set says about one document.
type Verdict struct {
	Stage   string `json:"stage"`
	RuleSet string `json:"rule_set"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	// Ran is false when the check could not be made or not be finished. The
	// document is then not valid, whatever Findings holds.
	Ran bool `json:"ran"`
	// Reason says why the check did not run: a code, a colon and a text, e.g.
	// "rules.changed: peppol-ubl@2026.5 does not match its hash".
	Reason   string    `json:"reason,omitempty"`
	Findings []Finding `json:"findings"`
}

// OK reports whether the check ran to its end and nothing fatal or erroneous
// was found.
func (v Verdict) OK() bool {
	if !v.Ran {
		return false
	}
	for _, f := range v.Findings {
		if f.Severity.Fails() {
			return false
		}
	}
	return true
}

// MarshalJSON writes an empty list of findings as [].
func (v Verdict) MarshalJSON() ([]byte, error) {
	type plain Verdict
	if v.Findings == nil {
		v.Findings = []Finding{}
	}
	return json.Marshal(plain(v))
}

// Judged returns the verdict of a finished check with its findings.
func (r RuleSet) Judged(findings []Finding) Verdict {
	return Verdict{Stage: r.Stage, RuleSet: r.ID, Version: r.Version, SHA256: r.SHA256, Ran: true, Findings: findings}
}

// NotRun returns the verdict of a check that could not be made.
// Code is one of the Reason constants or a code of the caller's.
func (r RuleSet) NotRun(code, text string) Verdict {
	return Verdict{Stage: r.Stage, RuleSet: r.ID, Version: r.Version, SHA256: r.SHA256, Reason: code + ": " + text}
}

// Unavailable returns the verdict of a check whose rules could not be had: the
// reason follows the code of a *schemas.Error, and is rules.broken otherwise.
func (r RuleSet) Unavailable(err error) Verdict {
	var e *schemas.Error
	if !errors.As(err, &e) {
		return r.NotRun(ReasonBroken, err.Error())
	}
	code := ReasonMissing
	switch e.Code {
	case schemas.CodeChanged:
		code = ReasonChanged
	case schemas.CodeUnknown, schemas.CodeNotValid:
		code = ReasonUnknown
	}
	return r.NotRun(code, e.Safe())
}

// Codes that open Verdict.Reason.
const (
	ReasonPanic    = "check.panic"    // the check crashed
	ReasonDeadline = "check.deadline" // it was cancelled or took too long
	ReasonDynamic  = "check.dynamic"  // the rules stopped on this document
	ReasonInternal = "check.internal" // anything else inside the check
	ReasonLimit    = "check.limit"    // the document is beyond what the check takes
	ReasonMissing  = "rules.missing"  // the rule pack is not there
	ReasonChanged  = "rules.changed"  // the rule pack does not match its hash
	ReasonBroken   = "rules.broken"   // the rule pack cannot be compiled
	ReasonUnknown  = "rules.unknown"  // no rule set is known for this document
)
