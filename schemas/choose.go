package schemas

import (
	"fmt"
	"strings"
	"time"
)

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
	// KnownCustomization is false when the customisation is not one that the
	// catalogue knows; the nearest known base was taken.
	KnownCustomization bool
	Why                string // one sentence about the document as a whole
}

// Stages chooses the XSD and the rule sets for a document on the day of at, and
// says why. A customisation it does not know is taken for the longest known one
// that it extends ("known#extension"), then for one with the same profile, then
// for the base of the document element. One that no pack covers is an
// error (schemas.unknown): nothing could check it.
func (c *Catalogue) Stages(doc DocumentKind, at time.Time) (Selection, error) {
	k, known := kindOf(doc)
	if k.name == "" {
		return c.bySchemaOnly(doc, at)
	}
	sel := Selection{KnownCustomization: known, Why: "It is " + k.name + "."}
	if !known {
		sel.Why = fmt.Sprintf("Its customisation %q is not known; the nearest is %s.", doc.Customization, k.name)
	}
	if err := c.choose(&sel, StageXSD, k.xsd, k, doc, at); err != nil {
		return Selection{}, err
	}
	for _, id := range k.rules {
		if err := c.choose(&sel, StageSchematron, id, k, doc, at); err != nil {
			return Selection{}, err
		}
	}
	return sel, nil
}

// choose appends the entries of the version in force, or else of the nearest.
func (c *Catalogue) choose(sel *Selection, stage Stage, id string, k kind, doc DocumentKind, at time.Time) error {
	p, inForce := c.inForce(stage, id, at)
	if !inForce {
		var ok bool
		if p, ok = c.nearest(stage, id, at); !ok {
			return c.unknown(id, "")
		}
	}
	for _, e := range p.Entries() {
		if e.Root != "" && (e.Root != doc.Root || e.Namespace != doc.Namespace) {
			continue
		}
		sel.Choices = append(sel.Choices, Choice{Pack: p, Entry: e.Path, Outside: !inForce, Why: why(p, k, inForce, at)})
	}
	return nil
}

func why(p Pack, k kind, inForce bool, at time.Time) string {
	day := at.UTC().Format(time.DateOnly)
	switch {
	case !inForce:
		return fmt.Sprintf("%s applies to %s; no version of it in the lock was in force on %s, %s is the nearest.", p.ID, k.name, day, p.Version)
	case p.ValidFrom.IsZero():
		return fmt.Sprintf("%s applies to %s.", p.ID, k.name)
	default:
		return fmt.Sprintf("%s applies to %s; %s is in force on %s.", p.ID, k.name, p.Version, day)
	}
}

// nearest returns the version whose validity begins or ended closest to a day
// on which none was in force.
func (c *Catalogue) nearest(stage Stage, id string, at time.Time) (Pack, bool) {
	var best Pack
	distance := func(p Pack) time.Duration {
		if at.Before(p.ValidFrom) {
			return p.ValidFrom.Sub(at)
		}
		return at.Sub(p.ValidTo)
	}
	for _, p := range c.lock.packs {
		if p.Stage == stage && p.ID == id && (best.ID == "" || distance(p) < distance(best)) {
			best = p
		}
	}
	return best, best.ID != ""
}

// bySchemaOnly covers document elements that have a schema but no rules here.
func (c *Catalogue) bySchemaOnly(doc DocumentKind, at time.Time) (Selection, error) {
	for _, p := range c.lock.packs {
		e, ok := p.Entry(doc.Namespace, doc.Root)
		if !ok || p.Stage != StageXSD || !p.ValidAt(at) {
			continue
		}
		why := fmt.Sprintf("%s defines the document element %s.", p.Name(), doc.Root)
		return Selection{
			Choices: []Choice{{Pack: p, Entry: e.Path, Why: why}},
			Why:     "Only its schema applies: no rule set is known for it.",
		}, nil
	}
	return Selection{}, &Error{
		Code: CodeUnknown, Message: fmt.Sprintf("no rule set applies to the document element %s in the namespace %q", doc.Root, doc.Namespace),
		Remedy: "name rule sets; see facteur schemas list",
	}
}

// kindOf finds the row of the table, and whether the customisation is its own.
func kindOf(doc DocumentKind) (kind, bool) {
	var extended, profiled, base, first kind
	for _, k := range kinds() {
		if k.namespace != doc.Namespace || k.root != doc.Root {
			continue
		}
		if first.name == "" {
			first = k
		}
		switch {
		case k.customization == doc.Customization && k.customization != "":
			return k, true
		case k.customization == "":
			base = k
		case strings.HasPrefix(doc.Customization, k.customization+"#") && len(k.customization) > len(extended.customization):
			extended = k
		case k.profile != "" && k.profile == doc.Profile:
			profiled = k
		}
	}
	for _, k := range []kind{extended, profiled, base, first} {
		if k.name != "" {
			return k, false
		}
	}
	return kind{}, false
}
