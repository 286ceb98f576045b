// Package xsd checks documents against XML schemas with libxml2.
//
// The module github.com/lestrrat-go/libxml2 parses the schemas; documents go
// through a small shim of our own (shim.c), because that module's validation
// formats errors into a buffer that a long value overruns, stops at 32 errors
// and tells no lines. The shim streams: it builds no tree, so that its memory
// stays at the size of the largest text of a document.
//
// libxml2 sees only what our own reader accepted (a validation.Document), and
// loads nothing: no network, no entities, no DTD, no xsi:schemaLocation. This
// holds for the whole process: the package replaces libxml2's entity loader by
// one that opens local files only, which parsing schemas needs.
//
// It follows XML Schema 1.0; findings are named after its validation rules
// ("cvc-complex-type.2.4").
package xsd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
)

// Imports finds the documents of a schema and verifies them: dependencies
// first; one for a schema that finds its parts by itself, more for one whose
// imports name no location or that covers several document elements. It is
// called when the schema is first needed, and again after it failed.
type Imports = func() ([]schemas.Import, error)

// Validator keeps parsed schemas. It is safe for concurrent use.
type Validator struct {
	mu      sync.Mutex
	schemas map[validation.RuleSet]*entry
	closed  bool
}

var errClosed = errors.New("the validator is closed")

// entry is a schema that is parsed at most once at a time.
type entry struct {
	mu     sync.Mutex
	parsed *parsed // nil until parsed without error
}

// New returns a validator without schemas. Close releases it.
func New() *Validator {
	return &Validator{schemas: map[validation.RuleSet]*entry{}}
}

// Close releases the schemas once the checks that use them have ended. Checks
// that begin later do not run.
func (v *Validator) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	for _, e := range v.schemas {
		e.mu.Lock()
		e.parsed.release()
		e.parsed = nil
		e.mu.Unlock()
	}
	v.schemas = nil
	return nil
}

// Stage returns the check against one schema, which is parsed when the first
// document comes and then kept.
func (v *Validator) Stage(rs validation.RuleSet, imports Imports) validation.Stage {
	return &stage{validator: v, rules: rs, imports: imports}
}

type stage struct {
	validator *Validator
	rules     validation.RuleSet
	imports   Imports
}

// RuleSet returns the schema's name.
func (s *stage) RuleSet() validation.RuleSet { return s.rules }

// Check streams the document through the schema. At most MaxFindings are told.
func (s *stage) Check(ctx context.Context, doc *validation.Document) validation.Verdict {
	text := doc.Text()
	if text == nil {
		return s.rules.NotRun(validation.ReasonInternal, "the document was not read by validation.Parse")
	}
	p, err := s.validator.use(s.rules, s.imports)
	switch {
	case errors.Is(err, errClosed):
		return s.rules.NotRun(validation.ReasonInternal, err.Error())
	case err != nil:
		return s.rules.Unavailable(err)
	}
	defer p.release()
	found, err := p.validate(ctx, text)
	switch {
	case err == nil:
		return s.rules.Judged(found.findings(doc))
	case ctx.Err() != nil:
		return s.rules.NotRun(validation.ReasonDeadline, "the check was stopped: "+ctx.Err().Error())
	default:
		return s.rules.NotRun(validation.ReasonInternal, err.Error())
	}
}

// use returns the parsed schema with a hold on it, which the caller releases.
func (v *Validator) use(rs validation.RuleSet, imports Imports) (*parsed, error) {
	e, err := v.entry(rs)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.parsed == nil {
		documents, err := imports()
		if err != nil {
			return nil, err
		}
		if e.parsed, err = parse(documents); err != nil {
			return nil, fmt.Errorf("the schema %s cannot be parsed: %w", rs, err)
		}
	}
	return e.parsed.hold(), nil
}

func (v *Validator) entry(rs validation.RuleSet) (*entry, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil, errClosed
	}
	e := v.schemas[rs]
	if e == nil {
		e = &entry{}
		v.schemas[rs] = e
	}
	return e, nil
}
