package validation

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Stage checks a document against one rule set.
//
// Check never modifies the document and is safe for concurrent use. It has no
// error to return: a check that could not be made is a verdict with Ran false
// (RuleSet.NotRun). It stops soon after ctx ends.
type Stage interface {
	RuleSet() RuleSet
	Check(ctx context.Context, doc *Document) Verdict
}

// Pipeline runs stages in order and fails closed. It is safe for concurrent
// use when its stages are.
type Pipeline struct {
	stages  []Stage
	timeout time.Duration
	now     func() time.Time
}

// Option changes a pipeline as NewPipeline makes it.
type Option func(*Pipeline)

// WithTimeout bounds the time that all stages together may take for one
// document; DefaultTimeout without it.
func WithTimeout(d time.Duration) Option { return func(p *Pipeline) { p.timeout = d } }

// WithClock replaces the clock that measures Result.Duration.
func WithClock(now func() time.Time) Option { return func(p *Pipeline) { p.now = now } }

// DefaultTimeout is the time that the stages may take for one document.
const DefaultTimeout = time.Minute

// NewPipeline returns a pipeline of the stages in the order given. A pipeline
// without stages finds no document valid.
func NewPipeline(stages []Stage, options ...Option) *Pipeline {
	p := &Pipeline{stages: stages, timeout: DefaultTimeout, now: time.Now}
	for _, o := range options {
		o(p)
	}
	return p
}

// RuleSets returns the rule sets of the stages, in order.
func (p *Pipeline) RuleSets() []RuleSet {
	out := make([]RuleSet, len(p.stages))
	for i, s := range p.stages {
		out[i] = s.RuleSet()
	}
	return out
}

// Check runs every stage, also after one has failed, and sums up. A stage that
// panics, overruns its time or names another rule set than its own has not run.
func (p *Pipeline) Check(ctx context.Context, doc *Document) Result {
	start := p.now()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r := Result{SHA256: doc.SHA256, Document: doc.Identity, Valid: len(p.stages) > 0}
	for _, s := range p.stages {
		v := p.guard(ctx, s, doc)
		r.Valid = r.Valid && v.OK()
		r.Verdicts = append(r.Verdicts, v)
	}
	r.Duration = p.now().Sub(start)
	return r
}

// guard runs one stage in a goroutine of its own: a stage that ignores its
// context is left behind, so that it delays no other document.
func (p *Pipeline) guard(ctx context.Context, s Stage, doc *Document) Verdict {
	rs := s.RuleSet()
	if err := ctx.Err(); err != nil {
		return rs.NotRun(ReasonDeadline, deadlineText(err))
	}
	done := make(chan Verdict, 1)
	go func() {
		defer func() {
			if e := recover(); e != nil {
				done <- rs.NotRun(ReasonPanic, fmt.Sprint(e))
			}
		}()
		done <- s.Check(ctx, doc)
	}()
	select {
	case v := <-done:
		return settle(rs, v)
	case <-ctx.Done():
		return rs.NotRun(ReasonDeadline, deadlineText(ctx.Err()))
	}
}

// settle makes a stage's verdict consistent: it speaks for its own rule set
// only, and what did not run says why.
func settle(rs RuleSet, v Verdict) Verdict {
	if v.Stage != rs.Stage || v.RuleSet != rs.ID || v.Version != rs.Version {
		return rs.NotRun(ReasonInternal, fmt.Sprintf("verdict of %s@%s instead", v.RuleSet, v.Version))
	}
	if !v.Ran && v.Reason == "" {
		v.Reason = ReasonInternal + ": the check did not run and gave no reason"
	}
	return v
}

func deadlineText(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the check took longer than allowed"
	}
	return "the check was cancelled"
}
