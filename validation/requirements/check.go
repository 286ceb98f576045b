package requirements

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/validation"
)

// Subject is what is checked. Checking changes nothing of it.
type Subject struct {
	// Invoice is the invoice as the document says it.
	Invoice *invoice.Invoice
	// Order is the order it bills, if known.
	Order *order.Order
	// BilledBefore is what other invoices have taken of the order: quantities by
	// order line.
	BilledBefore map[string]invoice.Decimal
	// Document says what will be sent, and DocumentSize how many bytes it has.
	Document     validation.Identity
	DocumentSize int64
	// At is the moment of the check, which rules know as today.
	At time.Time
	// Lang is the language of the findings, "en" (when empty) or "fr".
	Lang string
}

// maxDuration bounds one check, whatever the caller's context allows.
const maxDuration = 5 * time.Second

// RuleSet names the profile as verdicts do: "profile:" with its id, its version
// and the SHA-256 of what it asks for.
func (c *Compiled) RuleSet() validation.RuleSet {
	return validation.RuleSet{Stage: validation.StageRequirements, ID: "profile:" + c.id, Version: c.version, SHA256: c.sha256}
}

// Check judges a subject. It stops soon after ctx ends, and after a few seconds
// in any case; what could not be checked to its end is a verdict that did not run.
func (c *Compiled) Check(ctx context.Context, s Subject) (verdict validation.Verdict) {
	defer func() {
		if e := recover(); e != nil {
			verdict = c.RuleSet().NotRun(validation.ReasonPanic, fmt.Sprint(e))
		}
	}()
	if s.Invoice == nil {
		return c.RuleSet().NotRun(validation.ReasonInternal, "there is no invoice to check")
	}
	ctx, cancel := context.WithTimeout(ctx, maxDuration)
	defer cancel()
	lang, _ := i18n.Parse(s.Lang)
	k := &checking{Compiled: c, subject: &s, inv: s.Invoice, orderLines: linesByID(s.Order), lang: lang, said: map[string]int{}}
	k.fields()
	k.document()
	k.attachments()
	k.amounts()
	k.payment()
	k.againstOrder()
	if stopped := k.rules(ctx); stopped != nil {
		return c.RuleSet().NotRun(stopped.code, stopped.text)
	}
	if ctx.Err() != nil {
		return c.RuleSet().NotRun(validation.ReasonDeadline, "the check did not end in time")
	}
	return c.RuleSet().Judged(k.findings)
}

// reason says why a check could not be made.
type reason struct{ code, text string }

// checking is one check under way.
type checking struct {
	*Compiled
	subject *Subject
	inv     *invoice.Invoice
	// orderLines are the lines of the order by their identifiers.
	orderLines map[string]*order.Line
	lang       i18n.Lang
	findings   []validation.Finding
	said       map[string]int // findings by rule
}

// maxFindings is how often one rule complains about one invoice. What more it
// finds would change nothing: it has the same severity.
const maxFindings = 100

func (k *checking) add(f validation.Finding) {
	if k.said[f.Rule]++; k.said[f.Rule] <= maxFindings {
		k.findings = append(k.findings, f)
	}
}

// maxValue is how many bytes of a value a finding keeps.
const maxValue = 200

// prefix begins the ids of all rules in findings, so that no rule of a customer
// is taken for an official one.
const prefix = "profile."

// find notes a finding of a requirement of ours.
func (k *checking) find(rule, term, path, value, message string) {
	var terms []string
	if term != "" {
		terms = []string{term}
	}
	k.add(validation.Finding{
		Rule: prefix + rule, Severity: validation.SeverityError, Location: path,
		BusinessTerms: terms, Message: message, Value: shorten(value),
	})
}

// finds is find with the text of the catalogue that has the rule's name.
func (k *checking) finds(key i18n.Key, term, path, value string, args ...i18n.Arg) {
	k.find(string(key), term, path, value, words.Text(k.lang, key, args...))
}

// ofLine is the beginning of a text about an invoice line.
func (k *checking) ofLine(id string) string {
	if id == "" {
		return ""
	}
	return words.Text(k.lang, keyLine, i18n.A("line", shorten(id)))
}

func shorten(s string) string {
	if len(s) <= maxValue {
		return s
	}
	end := maxValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// fields checks the single terms.
func (k *checking) fields() {
	for _, f := range fields {
		if t, ok := k.texts[f.name]; ok {
			k.text(f, t)
		}
	}
	for _, names := range k.profile.RequireAny {
		k.requireAny(names)
	}
}

// text checks all places of one term.
func (k *checking) text(f field, t compiledText) {
	values := f.values(k.inv)
	if len(t.Schemes) > 0 {
		values = k.accepted(f, t, values)
	}
	for _, v := range values {
		if strings.TrimSpace(v.Value) == "" {
			if t.Required {
				k.field(f, v, keyRequired, words.Text(k.lang, keyRequired, k.named(f)))
			}
			continue
		}
		if t.pattern != nil && !t.pattern.MatchString(v.Value) {
			if t.Sample != "" {
				k.field(f, v, keyPattern, words.Text(k.lang, keySample, k.named(f), i18n.A("sample", t.Sample)))
			} else {
				k.field(f, v, keyPattern, words.Text(k.lang, keyPattern, k.named(f), i18n.A("pattern", t.Pattern)))
			}
		}
		if t.check != nil && !t.check(v.Value) {
			what := checkNames.Text(k.lang, i18n.Key(t.Check))
			k.field(f, v, i18n.Key(t.Check), words.Text(k.lang, keyCheck, k.named(f), i18n.A("what", what)))
		}
	}
}

// accepted gives the values in an accepted scheme. A term that may stand there
// many times needs one of them, and only when it is required.
func (k *checking) accepted(f field, t compiledText, values []value) []value {
	var in []value
	for _, v := range values {
		switch {
		case v.Value == "" || slices.Contains(t.Schemes, v.Scheme):
			in = append(in, v)
		case !f.many:
			k.schemeFinding(f, t, v)
		}
	}
	if f.many && len(in) == 0 && t.Required {
		k.schemeFinding(f, t, values[0])
	}
	return in
}

func (k *checking) schemeFinding(f field, t compiledText, v value) {
	shown := v
	shown.Value = v.Scheme + ":" + v.Value
	k.field(f, shown, keyScheme, words.Text(k.lang, keyScheme, k.named(f), i18n.A("schemes", strings.Join(t.Schemes, ", "))))
}

func (k *checking) named(f field) i18n.Arg { return i18n.A("field", named(k.lang, f.term)) }

// field notes a finding about one place of a term.
func (k *checking) field(f field, v value, rule i18n.Key, message string) {
	k.find(f.name+"."+string(rule), f.term, v.path, v.Value, k.ofLine(v.line)+message)
}

func (k *checking) requireAny(names []string) {
	var paths, shown []string
	var terms []string
	for _, name := range names {
		f, _ := fieldNamed(name)
		values := f.values(k.inv)
		if !slices.ContainsFunc(values, func(v value) bool { return strings.TrimSpace(v.Value) == "" }) {
			return
		}
		for _, v := range values {
			paths = append(paths, v.path)
		}
		terms = append(terms, f.term)
		shown = append(shown, named(k.lang, f.term))
	}
	k.add(validation.Finding{
		Rule: prefix + string(keyRequireAny), Severity: validation.SeverityError, Location: paths[0], BusinessTerms: terms,
		Message: words.Text(k.lang, keyRequireAny, i18n.A("fields", strings.Join(shown, words.Text(k.lang, keyOr)))),
	})
}

// document checks what will be sent.
func (k *checking) document() {
	p, s := k.profile, k.subject
	if len(p.Syntaxes) > 0 && !slices.Contains(p.Syntaxes, s.Document.Syntax) {
		k.finds(keySyntax, "", "", s.Document.Syntax, accepted(p.Syntaxes))
	}
	if len(p.Customizations) > 0 && !slices.Contains(p.Customizations, s.Document.Customization) {
		k.finds(keyCustomization, "BT-24", "process.specification", s.Document.Customization, accepted(p.Customizations))
	}
	if p.MaxDocumentBytes > 0 && s.DocumentSize > p.MaxDocumentBytes {
		k.finds(keyDocumentBytes, "", "", fmt.Sprint(s.DocumentSize), most(k.lang, p.MaxDocumentBytes))
	}
}

func accepted(list []string) i18n.Arg { return i18n.A("accepted", strings.Join(list, ", ")) }

func most(lang i18n.Lang, n int64) i18n.Arg { return i18n.A("most", i18n.Number(lang, fmt.Sprint(n))) }

// amounts checks currency and total.
func (k *checking) amounts() {
	p := k.profile
	if len(p.Currencies) > 0 && !slices.Contains(p.Currencies, k.inv.Currency) {
		k.finds(keyCurrency, "BT-5", "currency", k.inv.Currency, accepted(p.Currencies))
	}
	if p.TotalLimit == nil {
		return
	}
	total := k.inv.Totals.WithVAT
	limit := i18n.A("most", i18n.Amount(k.lang, p.TotalLimit.Amount.String(), p.TotalLimit.Currency))
	switch {
	case k.inv.Currency != p.TotalLimit.Currency:
		k.finds(keyTotalCurrency, "BT-112", "totals.with_vat", total.String()+" "+k.inv.Currency, limit)
	case total.Cmp(p.TotalLimit.Amount) > 0:
		k.finds(keyTotalLimit, "BT-112", "totals.with_vat", total.String(), limit)
	}
}

// payment checks how and when to pay. A credit note is not paid.
func (k *checking) payment() {
	p := k.profile.Payment
	if p == nil || k.inv.IsCreditNote() {
		return
	}
	if len(p.MeansCodes) > 0 {
		code := ""
		if k.inv.Payment != nil {
			code = k.inv.Payment.MeansCode
		}
		if !slices.Contains(p.MeansCodes, code) {
			k.finds(keyMeans, "BT-81", "payment.means_code", code, accepted(p.MeansCodes))
		}
	}
	if p.MinDueDays == nil && p.MaxDueDays == nil {
		return
	}
	if k.inv.DueDate == nil || k.inv.IssueDate.IsZero() {
		k.finds(keyDueDate, "BT-9", "due_date", "")
		return
	}
	days := int64(daysBetween(k.inv.IssueDate, *k.inv.DueDate))
	if p.MinDueDays != nil && days < *p.MinDueDays {
		k.finds(keyMinDueDays, "BT-9", "due_date", k.inv.DueDate.String(), i18n.A("days", fmt.Sprint(*p.MinDueDays)))
	}
	if p.MaxDueDays != nil && days > *p.MaxDueDays {
		k.finds(keyMaxDueDays, "BT-9", "due_date", k.inv.DueDate.String(), i18n.A("days", fmt.Sprint(*p.MaxDueDays)))
	}
}
