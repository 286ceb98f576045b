package schemas

import "time"

// DocumentKind is what a document says about itself.
type DocumentKind struct {
	Namespace string // of the document element
	Root      string // local name of the document element

	// Customization is BT-24 (UBL CustomizationID, CII guideline), Profile is
	// BT-23 (UBL ProfileID, CII business process). Either may be empty.
	Customization, Profile string
}

// Choice is a check that applies to a document.
type Choice struct {
	Pack  Pack
	Entry string // path inside the archive at which the check starts
	Why   string // one sentence
	// Outside says that no version of the rule set was in force that day; the
	// nearest one was taken.
	Outside bool
}

// Selection is what `auto` chose for a document.
type Selection struct {
	Choices []Choice // XSD first, then rules, base before specialisation
	// KnownCustomization is false when the customisation is not one the
	// catalogue knows; the nearest known base was taken.
	KnownCustomization bool
	Why                string // one sentence about the document as a whole
}

// Stages chooses the XSD and the rule sets for a document on the day of at.
// A document element that no pack covers is an error (schemas.unknown).
func (c *Catalogue) Stages(doc DocumentKind, at time.Time) (Selection, error) { panic("todo") }
