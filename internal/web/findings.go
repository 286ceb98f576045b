package web

import (
	"cmp"
	"encoding/json"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/validation"
)

// complaint is one thing that is wrong, for people.
type complaint struct {
	// What says it in our words, Official verbatim in the publisher's.
	What, Official string
	Where          string
	Terms          []string
	Value          string
	// Rule and RuleSet name who says so.
	Rule, RuleSet string
	Tone          tone
}

// verdictView is what one rule set says about a document.
type verdictView struct {
	validation.Verdict
	OK         bool
	Complaints []complaint
}

// checkView is one time a document was checked.
type checkView struct {
	gateway.VerdictRecord
	Result   validation.Result
	Verdicts []verdictView
}

func (p *page) complaint(v validation.Verdict, f validation.Finding) complaint {
	x := validation.Explain(f, string(p.Lang))
	c := complaint{
		What: x.What, Official: f.Message, Where: x.Where, Terms: x.Terms, Value: f.Value, Rule: f.Rule,
		RuleSet: strings.TrimSuffix(v.RuleSet+" "+v.Version, " "), Tone: toneWarn,
	}
	if f.Severity.Fails() {
		c.Tone = toneBad
	}
	if f.Severity == validation.SeverityInfo {
		c.Tone = toneOff
	}
	if key := i18n.Key("rule." + f.Rule); texts[key] != (i18n.Text{}) { // rules of our own
		c.What = p.T(key)
	}
	return c
}

func (p *page) verdicts(r validation.Result) []verdictView {
	var out []verdictView
	for _, v := range r.Verdicts {
		view := verdictView{Verdict: v, OK: v.OK()}
		for _, f := range v.Findings {
			view.Complaints = append(view.Complaints, p.complaint(v, f))
		}
		out = append(out, view)
	}
	return out
}

func (p *page) checks(records []gateway.VerdictRecord) ([]checkView, error) {
	var out []checkView
	for _, r := range records {
		v := checkView{VerdictRecord: r}
		if err := json.Unmarshal(r.Result, &v.Result); err != nil {
			return nil, err
		}
		v.Verdicts = p.verdicts(v.Result)
		out = append(out, v)
	}
	return out, nil
}

// failures lists what made a document fail, the checks that did not run first.
func (p *page) failures(r validation.Result) []complaint {
	var out []complaint
	for _, v := range r.Verdicts {
		if !v.Ran {
			out = append(out, complaint{
				What: p.T("check.not_ran", i18n.A("rules", v.RuleSet)), Official: v.Reason, RuleSet: v.RuleSet, Tone: toneBad,
			})
		}
	}
	for _, v := range p.verdicts(r) {
		for _, c := range v.Complaints {
			if c.Tone == toneBad {
				out = append(out, c)
			}
		}
	}
	return out
}

// holdView says why an invoice waits for a person.
type holdView struct {
	Reason     i18n.Key
	Next       i18n.Key // what to do about it
	Text       string   // when there is nothing more exact
	Complaints []complaint
	// Duplicate is the other invoice with the same number.
	Duplicate string
	// Passable tells that a named person may let the findings pass.
	Passable bool
}

// hold reads why an invoice is held; nil when it is not.
func (p *page) hold(inv gateway.Invoice) (*holdView, error) {
	if inv.State != gateway.InvoiceHeld {
		return nil, nil
	}
	v := &holdView{Reason: i18n.Key("held." + inv.Hold), Next: i18n.Key("held." + inv.Hold + ".next")}
	if _, ok := texts[v.Reason]; !ok {
		v.Reason, v.Next = "held.", "held..next"
	}
	var h outbound.Hold
	if len(inv.HoldDetail) > 0 {
		if err := json.Unmarshal(inv.HoldDetail, &h); err != nil {
			return nil, err
		}
	}
	v.Text, v.Duplicate = h.Text, h.Duplicate
	for _, m := range h.Missing {
		name := invoice.TermName(m.Term, string(p.Lang))
		v.Complaints = append(v.Complaints, complaint{
			What: p.T("hold.missing", i18n.A("name", cmp.Or(name, m.Path))), Official: m.Why, Where: m.Path,
			Terms: []string{strings.TrimSpace(m.Term + " " + name)}, Tone: toneWarn,
		})
	}
	for _, f := range h.Problems {
		c := complaint{What: f.Message, Where: f.Path, Rule: f.Code, Tone: toneBad}
		if f.Term != "" {
			c.Terms = []string{strings.TrimSpace(f.Term + " " + invoice.TermName(f.Term, string(p.Lang)))}
		}
		v.Complaints = append(v.Complaints, c)
	}
	if h.Result != nil {
		v.Complaints = append(v.Complaints, p.failures(*h.Result)...)
		v.Passable = inv.Hold == "rules" || inv.Hold == "requirements"
	}
	return v, nil
}
