package validation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"facteur.dev/facteur/schemas"
)

// OwnRules is one set of the operator's own rules or one schema of theirs, that
// takes the place of the official ones.
type OwnRules struct {
	RuleSet
	// Path is the file: compiled Schematron (XSLT) or an XML schema.
	Path string
	// Namespace and Root name the document element that they are for; empty
	// means any.
	Namespace, Root string
}

// ownManifest is the name of the file that describes a folder of own rules.
const ownManifest = "rules.json"

// ReadOwn reads a folder of own rules. Its rules.json lists them:
//
//	{"rules": [{"id": "house", "version": "1", "stage": "schematron", "file": "house.xslt",
//	            "sha256": "…", "namespace": "urn:…:Invoice-2", "root": "Invoice"}]}
//
// Stage is "xsd" or "schematron". Each file lies in the folder and is used only
// while its SHA-256 is the one given. Unknown keys are errors.
func ReadOwn(dir string) ([]OwnRules, error) {
	text, err := os.ReadFile(filepath.Join(dir, ownManifest))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Rules []struct {
			ID        string `json:"id"`
			Version   string `json:"version"`
			Stage     string `json:"stage"`
			File      string `json:"file"`
			SHA256    string `json:"sha256"`
			Namespace string `json:"namespace"`
			Root      string `json:"root"`
		} `json:"rules"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", ownManifest, err)
	}
	if len(manifest.Rules) == 0 {
		return nil, fmt.Errorf("%s lists no rules", ownManifest)
	}
	var out []OwnRules
	for i, r := range manifest.Rules {
		if r.ID == "" || r.Version == "" || !filepath.IsLocal(r.File) || r.Stage != StageXSD && r.Stage != StageSchematron {
			return nil, fmt.Errorf("%s: entry %d needs id, version, a stage (xsd or schematron) and a file in the folder", ownManifest, i+1)
		}
		file, err := filepath.Abs(filepath.Join(dir, r.File))
		if err != nil {
			return nil, err
		}
		out = append(out, OwnRules{
			RuleSet: RuleSet{Stage: r.Stage, ID: r.ID, Version: r.Version, SHA256: r.SHA256},
			Path:    file, Namespace: r.Namespace, Root: r.Root,
		})
	}
	return out, nil
}

// WithOwn returns checks in which own rules replace the official ones of their
// stages: with own rules of stage schematron, no official rules are chosen. A
// document that no own rules of such a stage are for is not valid.
func (o *Official) WithOwn(own []OwnRules) *Official {
	with := *o
	with.own = slices.Clone(own)
	return &with
}

func (o *Official) replaced(stage string) bool {
	return slices.ContainsFunc(o.own, func(r OwnRules) bool { return r.Stage == stage })
}

func (o *Official) ownChoices(doc *Document, req Request) ([]Choice, error) {
	var out []Choice
	for _, stage := range []string{StageXSD, StageSchematron} {
		if !o.replaced(stage) || !req.wants(stage) {
			continue
		}
		before := len(out)
		for _, r := range o.own {
			if r.Stage == stage && r.fits(doc) {
				out = append(out, Choice{Stage: o.ownStage(r), Why: "It is one of the rule sets of this installation."})
			}
		}
		if len(out) == before {
			return nil, &schemas.Error{
				Code:    schemas.CodeUnknown,
				Message: fmt.Sprintf("no own rules of stage %s are for the document element %s in the namespace %q", stage, doc.Root, doc.Namespace),
			}
		}
	}
	return out, nil
}

// ownNamed returns the own rules of an id, of any version when none is given.
func (o *Official) ownNamed(id, version string, req Request) []Choice {
	var out []Choice
	for _, r := range o.own {
		if r.ID == id && (version == "" || version == r.Version) && req.wants(r.Stage) {
			out = append(out, Choice{Stage: o.ownStage(r), Why: whyNamed})
		}
	}
	return out
}

func (r OwnRules) fits(doc *Document) bool {
	return (r.Root == "" || r.Root == doc.Root) && (r.Namespace == "" || r.Namespace == doc.Namespace)
}

func (o *Official) ownStage(r OwnRules) Stage {
	if r.Stage == StageXSD {
		return o.xsd.Stage(r.RuleSet, func() ([]schemas.Import, error) {
			_, err := r.read("")
			return []schemas.Import{{Namespace: r.Namespace, Path: r.Path}}, err
		})
	}
	return o.rules.Stage(r.RuleSet, r.read)
}

// read returns the file when it is the one that was listed. Own rules stand
// alone: there is nothing beside them.
func (r OwnRules) read(name string) ([]byte, error) {
	if name != "" {
		return nil, fs.ErrNotExist
	}
	text, err := os.ReadFile(r.Path)
	if err != nil {
		return nil, &schemas.Error{Code: schemas.CodeMissing, Message: "the own rules " + r.String() + " cannot be read", Err: err}
	}
	if digest(text) != r.SHA256 {
		return nil, &schemas.Error{Code: schemas.CodeChanged, Message: "the own rules " + r.String() + " do not match the SHA-256 in " + ownManifest}
	}
	return text, nil
}
