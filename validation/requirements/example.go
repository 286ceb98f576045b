package requirements

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/validation"
)

// example checks one example and notes it when it does not come out as it should.
func (p *problems) example(c *Compiled, e Example, path string) {
	if e.Expect != expectPass && e.Expect != expectFail {
		p.add(path+".expect", CodeValue, "must be %s or %s", expectPass, expectFail)
		return
	}
	s, ok := p.subject(c, e, path)
	if !ok {
		return
	}
	verdict := c.Check(context.Background(), s)
	if !verdict.Ran {
		p.add(path, CodeExample, "it could not be checked: %s", verdict.Reason)
		return
	}
	var said, complained []string
	for _, f := range verdict.Findings {
		complained = append(complained, f.Rule)
		said = append(said, fmt.Sprintf("%s at %s: %s", f.Rule, cmp.Or(f.Location, "the document"), f.Message))
	}
	what := "nothing complains"
	if len(said) > 0 {
		what = strings.Join(said, "; ")
	}
	switch {
	case verdict.OK() != (e.Expect == expectPass):
		p.add(path, CodeExample, "it must %s, but %s", e.Expect, what)
	case e.Rules != nil && !slices.Equal(set(e.Rules), set(complained)):
		p.add(path+".rules", CodeExample, "these must complain, but %s", what)
	}
}

func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// subject reads the invoice and the order of an example.
func (p *problems) subject(c *Compiled, e Example, path string) (Subject, bool) {
	inv, err := invoice.ReadJSON(bytes.NewReader(e.Invoice))
	if err != nil {
		p.inside(path+".invoice", err)
		return Subject{}, false
	}
	s := Subject{Invoice: inv, BilledBefore: e.BilledBefore, DocumentSize: e.DocumentBytes}
	if len(e.Order) > 0 {
		if s.Order, err = order.ReadJSON(bytes.NewReader(e.Order)); err != nil {
			p.inside(path+".order", err)
			return Subject{}, false
		}
	}
	s.Document = validation.Identity{
		Syntax: e.Syntax, Customization: inv.Process.Specification, Profile: inv.Process.BusinessProcess, IssueDate: inv.IssueDate.String(),
	}
	if s.Document.Syntax == "" {
		s.Document.Syntax = validation.SyntaxUBL
		if len(c.profile.Syntaxes) > 0 {
			s.Document.Syntax = c.profile.Syntaxes[0]
		}
	}
	at := e.At
	if at.IsZero() {
		at = inv.IssueDate
	}
	s.At = at.Time(time.UTC)
	return s, true
}

// inside notes the problems of a part by their paths in the whole.
func (p *problems) inside(path string, err error) {
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) {
		p.add(path, invoice.CodeJSONSyntax, "%v", err)
		return
	}
	for _, f := range fields {
		at := path
		if f.Path != "" {
			at = join(path, f.Path)
		}
		p.add(at, f.Code, "%s", f.Message)
	}
}
