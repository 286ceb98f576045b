package requirements

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/validation"
)

// Codes of the problems that Compile finds, beside those of invoice.ReadJSON and
// CodeYAML.
const (
	CodeValue   = "field.value"     // a value that is not one of those possible
	CodePattern = "pattern.invalid" // a regular expression that does not compile
	CodeRule    = "rule.invalid"    // a CEL expression that does not compile
	CodeExample = "example.failed"  // an example that does not come out as it should
)

// Bounds of a profile.
const (
	maxRules    = 200
	maxExamples = 100
	maxPattern  = 1000
)

// Compiled is a profile ready to check invoices. It is immutable and safe for
// concurrent use.
type Compiled struct {
	id, version, sha256 string

	profile  Profile // with what it extends
	texts    map[string]compiledText
	kinds    []compiledKind
	compiled []compiledRule
}

// compiledText is a Text with its pattern and check.
type compiledText struct {
	Text
	pattern *regexp.Regexp
	check   func(string) bool
}

// Compile reads a profile, in JSON or YAML, and prepares it. Everything that is
// wrong with it is listed as invoice.FieldErrors with paths such as
// "rules[0].require"; its examples have been checked when there is no error.
//
// The profile is named after Profile.Name; see Named.
func Compile(raw []byte) (*Compiled, error) {
	p, err := read(raw)
	if err != nil {
		return nil, err
	}
	base := &Compiled{}
	if p.Extends != "" {
		var ok bool
		if base, ok = presets()[p.Extends]; !ok {
			var errs problems
			errs.add("extends", CodeValue, "there is no preset %s; there are %s", shorten(p.Extends), strings.Join(Presets(), ", "))
			return nil, errs.err()
		}
	}
	c, err := compile(p, base)
	if err != nil {
		return nil, err
	}
	var errs problems
	for i, e := range p.Examples {
		errs.example(c, e, fmt.Sprintf("examples[%d]", i))
	}
	if err := errs.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Named gives the profile the id and version that it has where it is kept.
// Verdicts name them.
func (c *Compiled) Named(id, version string) *Compiled {
	named := *c
	named.id, named.version = id, version
	return &named
}

// compile prepares everything but the examples, over what the profile extends.
func compile(p Profile, base *Compiled) (*Compiled, error) {
	var errs problems
	c := &Compiled{id: p.Name, texts: maps.Clone(base.texts), kinds: base.kinds}
	if c.texts == nil {
		c.texts = map[string]compiledText{}
	}
	errs.profile(p)
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		c.texts[name] = errs.text(name, p.Fields[name])
	}
	if p.Attachments != nil {
		c.kinds = errs.attachments(p.Attachments)
	}
	own := errs.rules(p.Rules)
	if err := errs.err(); err != nil {
		return nil, err
	}
	for _, r := range base.compiled {
		if !slices.ContainsFunc(own, func(o compiledRule) bool { return o.ID == r.ID }) {
			c.compiled = append(c.compiled, r)
		}
	}
	c.compiled = append(c.compiled, own...)
	c.profile = merge(base.profile, p, c)
	canonical, err := json.Marshal(c.profile)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	c.sha256 = hex.EncodeToString(sum[:])
	return c, nil
}

// merge puts what a profile states over what it extends.
func merge(base, p Profile, c *Compiled) Profile {
	p.Fields = make(map[string]Text, len(c.texts))
	for name, t := range c.texts {
		p.Fields[name] = t.Text
	}
	p.Rules = make([]Rule, len(c.compiled))
	for i, r := range c.compiled {
		p.Rules[i] = r.Rule
	}
	if p.RequireAny == nil {
		p.RequireAny = base.RequireAny
	}
	if p.Attachments == nil {
		p.Attachments = base.Attachments
	}
	if p.Syntaxes == nil {
		p.Syntaxes = base.Syntaxes
	}
	if p.Customizations == nil {
		p.Customizations = base.Customizations
	}
	if p.MaxDocumentBytes == 0 {
		p.MaxDocumentBytes = base.MaxDocumentBytes
	}
	if p.Currencies == nil {
		p.Currencies = base.Currencies
	}
	if p.AgainstOrder == nil {
		p.AgainstOrder = base.AgainstOrder
	}
	if p.TotalLimit == nil {
		p.TotalLimit = base.TotalLimit
	}
	if p.Payment == nil {
		p.Payment = base.Payment
	}
	return p
}

// syntaxes are those a document can be in.
var syntaxes = []string{validation.SyntaxUBL, validation.SyntaxCII}

// profile checks what needs no compiling.
func (p *problems) profile(v Profile) {
	if strings.TrimSpace(v.Name) == "" {
		p.add("name", invoice.CodeFieldMissing, "is empty")
	}
	for i, names := range v.RequireAny {
		path := fmt.Sprintf("require_any[%d]", i)
		if len(names) < 2 {
			p.add(path, CodeValue, "must name at least two fields")
		}
		for j, name := range names {
			if _, ok := fieldNamed(name); !ok {
				p.noField(fmt.Sprintf("%s[%d]", path, j), name)
			}
		}
	}
	for i, s := range v.Syntaxes {
		if !slices.Contains(syntaxes, s) {
			p.add(fmt.Sprintf("syntaxes[%d]", i), CodeValue, "must be one of %s", strings.Join(syntaxes, ", "))
		}
	}
	for i, code := range v.Currencies {
		p.currency(fmt.Sprintf("currencies[%d]", i), code)
	}
	p.notNegative("max_document_bytes", v.MaxDocumentBytes)
	if l := v.TotalLimit; l != nil {
		p.currency("total_limit.currency", l.Currency)
	}
	if a := v.AgainstOrder; a != nil {
		p.tolerance("against_order.price", a.Price)
		p.tolerance("against_order.quantity", a.Quantity)
	}
	if y := v.Payment; y != nil && y.MinDueDays != nil && y.MaxDueDays != nil && *y.MinDueDays > *y.MaxDueDays {
		p.add("payment.max_due_days", CodeValue, "is less than min_due_days")
	}
	if len(v.Rules) > maxRules {
		p.add("rules", CodeValue, "there are more than %d", maxRules)
	}
	if len(v.Examples) > maxExamples {
		p.add("examples", CodeValue, "there are more than %d", maxExamples)
	}
}

func (p *problems) noField(path, name string) {
	p.add(path, invoice.CodeFieldUnknown, "%s is no field; there are %s", shorten(name), strings.Join(FieldNames(), ", "))
}

func (p *problems) currency(path, code string) {
	if !invoice.KnownCurrency(code) {
		p.add(path, invoice.CodeCurrencyUnknown, "unknown currency %.10q", code)
	}
}

func (p *problems) notNegative(path string, n int64) {
	if n < 0 {
		p.add(path, CodeValue, "must not be negative")
	}
}

func (p *problems) tolerance(path string, t *Tolerance) {
	if t == nil {
		return
	}
	if t.Absolute != nil && t.Absolute.Sign() < 0 {
		p.add(path+".absolute", CodeValue, "must not be negative")
	}
	if t.Percent != nil && t.Percent.Sign() < 0 {
		p.add(path+".percent", CodeValue, "must not be negative")
	}
}

// text checks and compiles the requirement on one term.
func (p *problems) text(name string, t Text) compiledText {
	path := "fields." + name
	c := compiledText{Text: t, pattern: p.pattern(path+".pattern", t.Pattern)}
	f, ok := fieldNamed(name)
	if !ok {
		p.noField("fields."+shorten(name), name)
	}
	if ok && len(t.Schemes) > 0 && !f.identifier {
		p.add(path+".schemes", CodeValue, "%s has no scheme", f.term)
	}
	if t.Check != "" {
		if c.check, ok = namedChecks[t.Check]; !ok {
			p.add(path+".check", CodeValue, "there is no check %s; there are %s", shorten(t.Check), strings.Join(slices.Sorted(maps.Keys(namedChecks)), ", "))
		}
	}
	if t.Sample != "" && (c.pattern != nil && !c.pattern.MatchString(t.Sample) || c.check != nil && !c.check(t.Sample)) {
		p.add(path+".sample", CodeValue, "does not meet the requirement itself")
	}
	return c
}

// pattern compiles a regular expression for a whole text; nil for none.
func (p *problems) pattern(path, pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	if len(pattern) > maxPattern {
		p.add(path, CodePattern, "longer than %d bytes", maxPattern)
		return nil
	}
	if _, err := regexp.Compile(pattern); err != nil {
		p.add(path, CodePattern, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	// A pattern that compiles alone is balanced, so that it does also in a group;
	// but the group makes one that is nested almost too deep fail.
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		p.add(path, CodePattern, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return whole
}

// attachments checks and compiles the kinds of files that are required.
func (p *problems) attachments(a *Attachments) []compiledKind {
	p.notNegative("attachments.max_count", a.MaxCount)
	p.notNegative("attachments.max_bytes", a.MaxBytes)
	p.notNegative("attachments.max_total_bytes", a.MaxTotalBytes)
	kinds := make([]compiledKind, len(a.Required))
	for i, kind := range a.Required {
		path := fmt.Sprintf("attachments.required[%d]", i)
		if strings.TrimSpace(kind.Name) == "" {
			p.add(path+".name", invoice.CodeFieldMissing, "is empty")
		}
		p.notNegative(path+".max_bytes", kind.MaxBytes)
		p.notNegative(path+".count", kind.Count)
		kinds[i] = compiledKind{kind, p.pattern(path+".description", kind.Description), p.pattern(path+".filename", kind.Filename)}
	}
	return kinds
}

// rules checks and compiles rules.
func (p *problems) rules(rules []Rule) []compiledRule {
	var out []compiledRule
	for i, r := range rules {
		path := fmt.Sprintf("rules[%d]", i)
		if slices.ContainsFunc(rules[:i], func(other Rule) bool { return other.ID == r.ID }) {
			p.add(path+".id", CodeValue, "stands here twice")
		}
		out = append(out, p.rule(r, path))
	}
	return out
}
