package requirements

import (
	"context"

	"facteur.dev/facteur/validation"
)

// Stage makes the profile a stage of a validation.Pipeline. The function reads
// the subject out of a document; when it cannot, the stage did not run.
func (c *Compiled) Stage(read func(ctx context.Context, doc *validation.Document) (Subject, error)) validation.Stage {
	return stage{c, read}
}

type stage struct {
	profile *Compiled
	read    func(ctx context.Context, doc *validation.Document) (Subject, error)
}

func (s stage) RuleSet() validation.RuleSet { return s.profile.RuleSet() }

func (s stage) Check(ctx context.Context, doc *validation.Document) validation.Verdict {
	subject, err := s.read(ctx, doc)
	if err != nil {
		return s.RuleSet().NotRun(validation.ReasonDynamic, "the document cannot be read as an invoice: "+err.Error())
	}
	return s.profile.Check(ctx, subject)
}
