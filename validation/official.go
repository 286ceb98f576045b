package validation

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/xmltree"
	"facteur.dev/facteur/schemas"
)

// XSD makes stages of XML schemas; *xsd.Validator is one. Imports hands out the
// schema documents, verified, when they are needed.
type XSD interface {
	Stage(rs RuleSet, imports func() ([]schemas.Import, error)) Stage
}

// Schematron makes stages of compiled rules; *schematron.Checker is one. Source
// hands out the rules for the name "", and files beside them by their names,
// verified, when they are needed.
type Schematron interface {
	Stage(rs RuleSet, source func(name string) ([]byte, error)) Stage
}

// Official chooses the official checks of documents from a catalogue of rule
// packs and runs them. It is safe for concurrent use.
type Official struct {
	catalogue *schemas.Catalogue
	xsd       XSD
	rules     Schematron
	own       []OwnRules
	options   []Option
}

// NewOfficial returns the checks of a catalogue. The options go to each
// pipeline.
func NewOfficial(catalogue *schemas.Catalogue, xsd XSD, rules Schematron, options ...Option) *Official {
	return &Official{catalogue: catalogue, xsd: xsd, rules: rules, options: options}
}

// Request says which checks are wanted.
type Request struct {
	// Rules are rule-set ids, each with or without "@version"; empty chooses by
	// what the document is.
	Rules []string
	// Only limits the stages (StageXSD, StageSchematron, …); empty means all.
	Only []string
	// At is the day whose rules apply.
	At time.Time
}

// wants reports whether a stage is wanted.
func (r Request) wants(stage string) bool {
	return len(r.Only) == 0 || slices.Contains(r.Only, stage)
}

// Choice is a check that was chosen, and why.
type Choice struct {
	Stage Stage
	Why   string // a sentence
	// Outside says that no version of the rule set was in force on the day; the
	// nearest one was taken.
	Outside bool
}

// Selection is what was chosen for a document.
type Selection struct {
	Choices []Choice
	Why     string // a sentence about the document; empty when rule sets were named
	// Known is false when the document's customisation is not one that the
	// catalogue knows.
	Known bool
}

// Stages returns the stages chosen.
func (s Selection) Stages() []Stage {
	out := make([]Stage, len(s.Choices))
	for i, c := range s.Choices {
		out[i] = c.Stage
	}
	return out
}

// Choose finds the checks for a document without running them. A document that
// no rule set is known for, or a rule set that does not exist, is an error: a
// *schemas.Error with a code.
func (o *Official) Choose(doc *Document, req Request) (Selection, error) {
	if len(req.Rules) > 0 {
		return o.named(req)
	}
	kind := schemas.DocumentKind{Namespace: doc.Namespace, Root: doc.Root, Customization: doc.Customization, Profile: doc.Profile}
	out := Selection{Known: true}
	if o.needsCatalogue(req) {
		chosen, err := o.catalogue.Stages(kind, req.At)
		if err != nil {
			return Selection{}, err
		}
		out.Why, out.Known = chosen.Why, chosen.KnownCustomization
		for _, c := range chosen.Choices {
			if req.wants(string(c.Pack.Stage)) && !o.replaced(string(c.Pack.Stage)) {
				out.Choices = append(out.Choices, Choice{Stage: o.stage(c.Pack, c.Entry), Why: c.Why, Outside: c.Outside})
			}
		}
	}
	own, err := o.ownChoices(doc, req)
	out.Choices = append(out.Choices, own...)
	slices.SortStableFunc(out.Choices, func(a, b Choice) int {
		return order(a.Stage.RuleSet().Stage) - order(b.Stage.RuleSet().Stage)
	})
	return out, err
}

// order puts schemas before rules.
func order(stage string) int {
	return slices.Index([]string{StageXSD, StageSchematron}, stage)
}

// needsCatalogue reports whether a wanted stage is not replaced by own rules.
func (o *Official) needsCatalogue(req Request) bool {
	return req.wants(StageXSD) && !o.replaced(StageXSD) || req.wants(StageSchematron) && !o.replaced(StageSchematron)
}

// named chooses the rule sets that a request names. An id that both a schema
// and rules have stands for both.
func (o *Official) named(req Request) (Selection, error) {
	out := Selection{Known: true}
	for _, name := range req.Rules {
		id, version, _ := strings.Cut(name, "@")
		if own := o.ownNamed(id, version, req); len(own) > 0 {
			out.Choices = append(out.Choices, own...)
			continue
		}
		packs, err := o.packs(id, version, req.At)
		if err != nil {
			return Selection{}, err
		}
		for _, p := range packs {
			if !req.wants(string(p.Stage)) {
				continue
			}
			for _, entry := range p.Entries() {
				out.Choices = append(out.Choices, Choice{Stage: o.stage(p, entry.Path), Why: whyNamed, Outside: !p.ValidAt(req.At)})
				if p.Stage == schemas.StageXSD {
					break // all entries make one schema
				}
			}
		}
	}
	return out, nil
}

const whyNamed = "It was asked for."

// packs returns what an id stands for: the version named, else the one in force.
func (o *Official) packs(id, version string, at time.Time) ([]schemas.Pack, error) {
	var out []schemas.Pack
	var failure error
	for _, stage := range []schemas.Stage{schemas.StageXSD, schemas.StageSchematron} {
		v := version
		if v == "" {
			if p, err := o.catalogue.FindAt(id, at); err == nil && p.Stage == stage {
				v = p.Version
			}
		}
		p, err := o.catalogue.FindStage(stage, id, v)
		if err != nil {
			failure = err
			continue
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, failure
	}
	return out, nil
}

// stage makes the check of a pack. All XSD entries of a pack make one schema:
// UBL's nine documents together take hardly more than one of them.
func (o *Official) stage(p schemas.Pack, entry string) Stage {
	rs := RuleSet{Stage: string(p.Stage), ID: p.ID, Version: p.Version, SHA256: p.SHA256()}
	if p.Stage == schemas.StageXSD {
		return o.xsd.Stage(rs, func() ([]schemas.Import, error) { return o.imports(p) })
	}
	if f, ok := p.File(entry); ok {
		rs.SHA256 = f.SHA256
	}
	return o.rules.Stage(rs, func(name string) ([]byte, error) {
		if name == "" {
			return o.catalogue.Read(p, entry)
		}
		return o.catalogue.Read(p, path.Join(path.Dir(entry), name))
	})
}

func (o *Official) imports(p schemas.Pack) ([]schemas.Import, error) {
	out, err := o.catalogue.Imports(p)
	if err != nil {
		return nil, err
	}
	for _, e := range p.Entries() {
		file, err := o.catalogue.Path(p, e.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, schemas.Import{Namespace: e.Namespace, Path: file})
	}
	return out, nil
}

// Usable reports a rule set that a document may need and that is not there or
// not as it was locked: what needs it is not valid, however good it is. Official
// rule sets that own ones take the place of are not needed.
func (o *Official) Usable(ctx context.Context) error {
	broken := map[string]schemas.State{}
	for _, p := range o.catalogue.Verify(ctx) {
		if err := ctx.Err(); err != nil {
			return err
		}
		broken[p.Archive+"/"+p.Path] = p.State
	}
	for _, p := range o.catalogue.Lock().Packs() {
		if o.replaced(string(p.Stage)) {
			continue
		}
		for _, f := range p.Files {
			if state, ok := broken[p.Archive.ID+"/"+f.Path]; ok {
				code := map[schemas.State]string{schemas.Missing: schemas.CodeMissing, schemas.Changed: schemas.CodeChanged}[state]
				return &schemas.Error{Code: code, Message: fmt.Sprintf("the rule pack %s is %s", p.Name(), state), Remedy: "run: facteur schemas sync"}
			}
		}
	}
	for _, r := range o.own {
		if _, err := r.read(""); err != nil {
			return err
		}
	}
	return nil
}

// Check chooses the checks, runs them and then the extra stages, such as a
// customer's requirements. When nothing could be chosen the result says so in a
// verdict that did not run, and the document is not valid.
func (o *Official) Check(ctx context.Context, doc *Document, req Request, extra ...Stage) Result {
	selection, err := o.Choose(doc, req)
	if err != nil {
		selection.Choices = []Choice{{Stage: unchosen{err}}}
	}
	return o.Run(ctx, doc, selection, extra...)
}

// Run runs what Choose selected and then the extra stages.
func (o *Official) Run(ctx context.Context, doc *Document, selection Selection, extra ...Stage) Result {
	return NewPipeline(append(selection.Stages(), extra...), o.options...).Check(ctx, doc)
}

// unchosen stands for rule sets that could not be chosen.
type unchosen struct{ err error }

func (unchosen) RuleSet() RuleSet { return RuleSet{Stage: StageSchematron, ID: "auto"} }

func (u unchosen) Check(context.Context, *Document) Verdict {
	return u.RuleSet().Unavailable(fmt.Errorf("no checks were chosen: %w", u.err))
}

// Automatic judges documents as they were received, by the rules that fit them
// on a day. It is safe for concurrent use.
type Automatic struct {
	Official *Official
	MaxBytes int64 // a larger document is refused unread; 0 leaves it to the reader's limits
}

// Check reads a document and runs the checks chosen for it, see Official.Check.
// A document that cannot be read is not valid, see Refused.
func (a Automatic) Check(ctx context.Context, document []byte, at time.Time) Result {
	doc, err := a.Parse(document)
	if err != nil {
		return Refused(document, err)
	}
	return a.Official.Check(ctx, doc, Request{At: at})
}

// Parse is the function of that name, with the limit of MaxBytes.
func (a Automatic) Parse(document []byte) (*Document, error) {
	if a.MaxBytes > 0 && int64(len(document)) > a.MaxBytes {
		return nil, &SyntaxError{Code: xmltree.CodeTooLarge, Message: fmt.Sprintf("the document has more than %d bytes", a.MaxBytes)}
	}
	return Parse(document)
}
