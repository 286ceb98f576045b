// Package validation says what a document must be: it runs a document through
// ordered stages (XML schema, official rules, a customer's own requirements)
// and tells every complaint with its rule, its place and its business term.
//
// Words: a [Finding] is one rule's complaint, a [Verdict] all findings of one
// document against one rule set, a [Result] all verdicts of one document.
// A [Stage] makes a verdict, a [Pipeline] runs stages.
//
// The package promises three things. Validating never modifies a document.
// It fails closed: a check that panicked, ran out of time or had no rules is a
// verdict with Ran false, and the document is not valid. Official messages are
// kept verbatim; our own words stand beside them (see [Explain]).
//
// The technologies live in packages of their own, so that this one builds
// without cgo: validation/xsd (libxml2) and validation/schematron.
package validation
