// Package schematron checks documents against official rules published as
// compiled Schematron: ISO Schematron turned into XSLT 2.0 by its publisher,
// which writes a report in SVRL.
//
// A [Checker] compiles each rule set once, when it is first needed, through an
// [Engine]; [XSLT] is the engine there is. Its findings carry the official
// message verbatim and a location found in the document's own bytes.
//
// Severities: an assert flagged "fatal" is fatal, "warning" a warning, "info"
// or "information" information; another flag, or none, is an error. A report
// (svrl:successful-report) without a flag is information.
package schematron

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"facteur.dev/facteur/validation"
)

// Engine turns rules into programs. It is safe for concurrent use.
type Engine interface {
	Compile(ctx context.Context, rules Rules) (Program, error)
}

// Rules is one compiled Schematron as its publisher gives it.
type Rules struct {
	Name string // for error messages, such as "cen-ubl@1.3.16"
	Text []byte // the XSLT
	// Read returns a file that the rules look up, by its name beside them.
	// May be nil.
	Read func(name string) ([]byte, error)
}

// Program judges documents. It is safe for concurrent use.
//
// Run returns what the rules report, in their order. An error means that there
// is no judgement: [ErrDynamic] when the rules stopped on this document.
type Program interface {
	Run(ctx context.Context, doc *validation.Document) ([]Report, error)
}

// Report is one complaint as the rules made it.
type Report struct {
	Rule     string // id of the assert or report; may be empty
	Flag     string // "fatal", "warning", …; may be empty
	Location string // XPath, in a form of validation.Document.Locate
	Message  string // verbatim, outer white space removed
	Positive bool   // svrl:successful-report instead of svrl:failed-assert
}

// ErrDynamic is the error of rules that stopped on a document, such as a
// function that was given more items than it takes.
var ErrDynamic = errors.New("the rules stopped on this document")

// MaxFindings is how many findings are told about one document.
const MaxFindings = 10_000

// Source returns the text of a rule set for name "", and that of a file beside
// it otherwise, verified. Its error becomes the reason of a check that did not
// run, see validation.RuleSet.Unavailable.
type Source = func(name string) ([]byte, error)

// Checker keeps compiled rule sets. It is safe for concurrent use.
type Checker struct {
	engine   Engine
	mu       sync.Mutex
	programs map[validation.RuleSet]*slot
}

// slot holds one program; the channel is its lock, to be waited for with a context.
type slot struct {
	lock    chan struct{}
	program Program
}

// New returns a checker without programs.
func New(engine Engine) *Checker {
	return &Checker{engine: engine, programs: map[validation.RuleSet]*slot{}}
}

// Stage returns the check against one rule set, which is compiled when the
// first document comes and then kept.
func (c *Checker) Stage(rs validation.RuleSet, source Source) validation.Stage {
	return &stage{checker: c, rules: rs, source: source}
}

type stage struct {
	checker *Checker
	rules   validation.RuleSet
	source  Source
}

// RuleSet returns the rule set's name.
func (s *stage) RuleSet() validation.RuleSet { return s.rules }

// Check runs the rules over the document. A panic of the engine is a check that
// did not run.
func (s *stage) Check(ctx context.Context, doc *validation.Document) (verdict validation.Verdict) {
	defer func() {
		if e := recover(); e != nil {
			verdict = s.rules.NotRun(validation.ReasonPanic, fmt.Sprint(e))
		}
	}()
	if doc.Text() == nil {
		return s.rules.NotRun(validation.ReasonInternal, "the document was not read by validation.Parse")
	}
	program, err := s.checker.program(ctx, s.rules, s.source)
	if err != nil {
		return s.failed(ctx, err, s.rules.Unavailable)
	}
	reports, err := program.Run(ctx, doc)
	if err != nil {
		return s.failed(ctx, err, func(err error) validation.Verdict {
			if errors.Is(err, ErrDynamic) {
				return s.rules.NotRun(validation.ReasonDynamic, err.Error())
			}
			return s.rules.NotRun(validation.ReasonInternal, err.Error())
		})
	}
	findings, err := findings(ctx, doc, reports)
	if err != nil {
		return s.failed(ctx, err, s.rules.Unavailable)
	}
	return s.rules.Judged(findings)
}

// failed tells a check that was stopped from one that failed otherwise.
func (s *stage) failed(ctx context.Context, err error, otherwise func(error) validation.Verdict) validation.Verdict {
	if cause := ctx.Err(); cause != nil {
		return s.rules.NotRun(validation.ReasonDeadline, "the check was stopped: "+cause.Error())
	}
	return otherwise(err)
}

// program returns the compiled rule set. One caller compiles, the others wait
// as long as their context allows; a failure is not kept.
func (c *Checker) program(ctx context.Context, rs validation.RuleSet, source Source) (Program, error) {
	s := c.slot(rs)
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.program != nil {
		return s.program, nil
	}
	text, err := source("")
	if err != nil {
		return nil, err
	}
	s.program, err = c.engine.Compile(ctx, Rules{Name: rs.String(), Text: text, Read: source})
	if err != nil {
		s.program = nil
		return nil, fmt.Errorf("the rules %s cannot be compiled: %w", rs, err)
	}
	return s.program, nil
}

func (c *Checker) slot(rs validation.RuleSet) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.programs[rs]
	if s == nil {
		s = &slot{lock: make(chan struct{}, 1)}
		c.programs[rs] = s
	}
	return s
}

// findings places the reports in the document.
func findings(ctx context.Context, doc *validation.Document, reports []Report) ([]validation.Finding, error) {
	var out []validation.Finding
	for i, r := range reports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i == MaxFindings {
			out = append(out, validation.Finding{
				Rule: ruleMore, Severity: validation.SeverityError,
				Message: fmt.Sprintf("%d more findings are not shown", len(reports)-i),
			})
			break
		}
		f := validation.Finding{Rule: r.Rule, Severity: r.severity(), Message: r.Message}
		if f.Rule == "" {
			f.Rule = ruleUnnamed
		}
		place, ok := doc.Locate(r.Location)
		if !ok {
			place = validation.Place{Location: r.Location}
		}
		out = append(out, place.Fill(f))
	}
	return out, nil
}

const (
	ruleMore    = "schematron.more"    // there are more findings than told
	ruleUnnamed = "schematron.unnamed" // the publisher gave the rule no id
)

func (r Report) severity() validation.Severity {
	switch r.Flag {
	case "fatal":
		return validation.SeverityFatal
	case "warning", "warn":
		return validation.SeverityWarning
	case "info", "information":
		return validation.SeverityInfo
	case "":
		if r.Positive {
			return validation.SeverityInfo
		}
	}
	return validation.SeverityError
}
