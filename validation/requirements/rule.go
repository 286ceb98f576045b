package requirements

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/validation"
)

// eachLine in the location of a rule evaluates it for each invoice line.
const eachLine = "lines[*]"

// compiledRule is a Rule ready to be evaluated.
type compiledRule struct {
	Rule
	program cel.Program
	perLine bool
}

// ruleID is the form of Rule.ID. It begins with a capital letter, as no
// requirement of ours does.
var ruleID = regexp.MustCompile(`^[A-Z][A-Za-z0-9._-]{0,63}$`)

// rule checks and compiles one rule.
func (p *problems) rule(r Rule, path string) compiledRule {
	if !ruleID.MatchString(r.ID) {
		p.add(path+".id", CodeValue, "must be a capital letter and then at most 63 letters, digits and . _ -")
	}
	switch r.Severity {
	case "":
		r.Severity = validation.SeverityError
	case validation.SeverityFatal, validation.SeverityError, validation.SeverityWarning, validation.SeverityInfo:
	default:
		p.add(path+".severity", CodeValue, "must be fatal, error, warning or info")
	}
	if strings.TrimSpace(r.Message.EN+r.Message.FR) == "" {
		p.add(path+".message", invoice.CodeFieldMissing, "has neither en nor fr")
	}
	for i, term := range r.BusinessTerms {
		if invoice.TermName(term, "en") == "" {
			p.add(fmt.Sprintf("%s.business_terms[%d]", path, i), CodeValue, "%s is no term of EN 16931", shorten(term))
		}
	}
	c := compiledRule{Rule: r}
	if err := knownPath(r.Location); err != nil {
		p.add(path+".location", CodeValue, "%v", err)
		return c
	}
	c.perLine = strings.Contains(r.Location, eachLine)
	c.program = p.program(r.Require, path+".require", c.perLine)
	return c
}

// knownPath refuses a location that is no path of an invoice.
func knownPath(location string) error {
	if location == "" {
		return nil
	}
	t := reflect.TypeFor[invoice.Invoice]()
	for i, step := range strings.Split(location, ".") {
		if step == eachLine && i == 0 {
			t = reflect.TypeFor[invoice.Line]()
			continue
		}
		next := memberOf(t, step)
		if next == nil {
			return fmt.Errorf("%s is no place of an invoice; the lines are %s", shorten(location), eachLine)
		}
		t = next
	}
	return nil
}

// memberOf gives the type of a field by its JSON name, or nil.
func memberOf(t reflect.Type, name string) reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name && f.IsExported() {
			if f.Type.Kind() == reflect.Pointer {
				return f.Type.Elem()
			}
			return f.Type
		}
	}
	return nil
}

// maxIssues is how many problems of one expression are listed.
const maxIssues = 3

// program compiles an expression.
func (p *problems) program(expression, path string, perLine bool) cel.Program {
	env, err := rulesEnvironment()
	if err != nil {
		p.add(path, CodeRule, "%v", err)
		return nil
	}
	e := env.document
	if perLine {
		e = env.line
	}
	tree, issues := e.Compile(expression)
	if issues.Err() != nil {
		for i, issue := range issues.Errors() {
			if i == maxIssues {
				break
			}
			line, column := max(issue.Location.Line(), 1), max(issue.Location.Column(), 0)+1
			message, _, _ := strings.Cut(issue.Message, " (in container '')")
			p.add(path, CodeRule, "line %d, column %d: %s", line, column, message)
		}
		return nil
	}
	if tree.OutputType().Kind() != types.BoolKind {
		p.add(path, CodeRule, "must be true or false, not %s", tree.OutputType())
		return nil
	}
	program, err := e.Program(tree, bounds()...)
	if err != nil {
		p.add(path, CodeRule, "%v", err)
	}
	return program
}

// rules evaluates the customer's own rules. What it returns, if anything, says
// why one could not be.
func (k *checking) rules(ctx context.Context) *reason {
	if len(k.compiled) == 0 {
		return nil
	}
	env, err := rulesEnvironment()
	if err != nil {
		return &reason{validation.ReasonInternal, err.Error()}
	}
	variables := k.variables(env.model)
	for _, r := range k.compiled {
		if !r.perLine {
			if stopped := k.rule(ctx, r, variables, r.Location); stopped != nil {
				return stopped
			}
			continue
		}
		for i := range k.inv.Lines {
			l := &k.inv.Lines[i]
			var ordered *order.Line
			if k.subject.Order != nil {
				ordered = k.orderLine(l)
			}
			of := maps.Clone(variables)
			of["line"], of["order_line"] = env.model.NativeToValue(l), orAbsent(env.model, ordered)
			location := strings.Replace(r.Location, eachLine, fmt.Sprintf("lines[%d]", i), 1)
			if stopped := k.rule(ctx, r, of, location); stopped != nil {
				return stopped
			}
		}
	}
	return nil
}

// variables are what rules see of the subject.
func (k *checking) variables(m *model) map[string]any {
	s := k.subject
	billed := make(map[string]any, len(s.BilledBefore))
	for line, quantity := range s.BilledBefore {
		billed[line] = decimal{quantity}
	}
	return map[string]any{
		"invoice":       m.NativeToValue(k.inv),
		"order":         orAbsent(m, s.Order),
		"document":      m.NativeToValue(documentFacts{s.Document.Syntax, s.Document.Customization, s.Document.Profile, s.DocumentSize}),
		"billed_before": billed,
		"today":         date{invoice.DateOf(s.At)},
	}
}

// orAbsent gives a group that may not be there.
func orAbsent[T any](m *model, v *T) ref.Val {
	if v != nil {
		return m.NativeToValue(v)
	}
	o, _ := m.NativeToValue(new(T)).(object)
	o.absent = true
	return o
}

func (k *checking) rule(ctx context.Context, r compiledRule, variables map[string]any, location string) *reason {
	out, _, err := r.program.ContextEval(ctx, variables)
	var cancelled interpreter.EvalCancelledError
	switch {
	case ctx.Err() != nil:
		return &reason{validation.ReasonDeadline, "rule " + r.ID + " did not end in time"}
	case errors.As(err, &cancelled):
		return &reason{validation.ReasonLimit, "rule " + r.ID + ": " + cancelled.Error()}
	case err != nil:
		return &reason{validation.ReasonDynamic, strings.TrimSuffix("rule "+r.ID+" at "+location, " at ") + ": " + shorten(err.Error())}
	}
	if out == types.True {
		return nil
	}
	k.add(validation.Finding{
		Rule: prefix + r.ID, Severity: r.Severity, Location: location, BusinessTerms: r.BusinessTerms, Message: r.Message.in(string(k.lang)),
	})
	return nil
}
