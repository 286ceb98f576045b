package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"facteur.dev/facteur/validation"
)

// printer writes outcomes in one format.
type printer interface {
	begin() error
	print(o outcome) error
	end() error
}

func (c validateCmd) printer(ctx *appContext, lang string) printer {
	switch c.Format {
	case "json":
		encoder := json.NewEncoder(ctx.Stdout)
		encoder.SetEscapeHTML(false)
		return jsonPrinter{encoder}
	case "html":
		return &htmlPrinter{out: ctx.Stdout, lang: lang, at: ctx.Now()}
	case "svrl":
		return &svrlPrinter{out: ctx.Stdout}
	default:
		return textPrinter{out: ctx.Stdout, lang: lang, colour: ctx.Colour}
	}
}

type jsonPrinter struct{ encoder *json.Encoder }

func (p jsonPrinter) begin() error          { return nil }
func (p jsonPrinter) print(o outcome) error { return p.encoder.Encode(o.Result) }
func (p jsonPrinter) end() error            { return nil }

// alike is how many findings of one rule the text shows.
const alike = 5

// textPrinter writes for people.
type textPrinter struct {
	out    io.Writer
	lang   string
	colour bool
}

// phrases are the fixed words of the text.
type phrases struct {
	valid, invalid, unchecked, checkedBy, notRun, more, official, detail, value, note string
}

func phrasesIn(lang string) phrases {
	if lang == "fr" {
		return phrases{
			valid: "valide", invalid: "non valide", unchecked: "non contrôlé entièrement", checkedBy: "contrôlé par",
			notRun: "contrôle impossible", more: "et %d autres de cette règle", official: "message officiel", detail: "détail", value: "valeur", note: "note",
		}
	}
	return phrases{
		valid: "valid", invalid: "not valid", unchecked: "not fully checked", checkedBy: "checked by",
		notRun: "could not be checked", more: "and %d more of this rule", official: "official message", detail: "detail", value: "value", note: "note",
	}
}

func (p textPrinter) begin() error { return nil }
func (p textPrinter) end() error   { return nil }

func (p textPrinter) print(o outcome) error {
	w := phrasesIn(p.lang)
	var b strings.Builder
	state := p.paint("32", w.valid)
	switch {
	case environmentReason(o.Result) != "":
		state = p.paint("31", w.unchecked)
	case !o.Valid:
		state = p.paint("31", w.invalid)
	}
	fmt.Fprintf(&b, "%s: %s", plain(o.File), state)
	if o.Document.Root != "" {
		fmt.Fprintf(&b, " (%s)", plain(o.Document.Root))
	}
	b.WriteByte('\n')
	p.notes(&b, o, w)
	for _, v := range o.Verdicts {
		p.verdict(&b, v, w)
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

// notes says what was chosen, and why where that is not the ordinary case.
func (p textPrinter) notes(b *strings.Builder, o outcome, w phrases) {
	var ran []string
	for _, v := range o.Verdicts {
		if v.Ran && v.Stage != validation.StageXML {
			ran = append(ran, ruleSetOf(v))
		}
	}
	if len(ran) > 0 {
		fmt.Fprintf(b, "  %s %s\n", w.checkedBy, plain(strings.Join(ran, ", ")))
	}
	if o.selection.Why != "" && !o.selection.Known {
		fmt.Fprintf(b, "  %s: %s\n", w.note, plain(o.selection.Why))
	}
	for _, c := range o.selection.Choices {
		if c.Outside {
			fmt.Fprintf(b, "  %s: %s\n", w.note, plain(c.Why))
		}
	}
}

func (p textPrinter) verdict(b *strings.Builder, v validation.Verdict, w phrases) {
	if !v.Ran {
		fmt.Fprintf(b, "  %s %s: %s\n", p.paint("31", w.notRun), plain(ruleSetOf(v)), plain(v.Reason))
	}
	shown := map[string]int{}
	for _, f := range v.Findings {
		if shown[f.Rule]++; shown[f.Rule] <= alike {
			p.finding(b, v.Stage, f, w)
		}
	}
	for _, f := range v.Findings {
		if n := shown[f.Rule]; n > alike {
			fmt.Fprintf(b, "  %s: %s\n", plain(f.Rule), fmt.Sprintf(w.more, n-alike))
			delete(shown, f.Rule)
		}
	}
}

// ruleSetOf returns "cen-ubl@1.3.16".
func ruleSetOf(v validation.Verdict) string {
	return validation.RuleSet{ID: v.RuleSet, Version: v.Version}.String()
}

func (p textPrinter) finding(b *strings.Builder, stage string, f validation.Finding, w phrases) {
	e := validation.Explain(f, p.lang)
	fmt.Fprintf(b, "  %s %s  %s\n", p.severity(f.Severity), plain(f.Rule), plain(cmp.Or(e.What, f.Message)))
	var where []string
	for _, s := range append([]string{e.Where, f.Location}, e.Terms...) {
		if s != "" {
			where = append(where, plain(s))
		}
	}
	if len(where) > 0 {
		fmt.Fprintf(b, "    %s\n", strings.Join(where, " · "))
	}
	if f.Value != "" {
		fmt.Fprintf(b, "    %s: %s\n", w.value, plain(f.Value))
	}
	if e.What != "" {
		label := w.detail
		if stage == validation.StageSchematron {
			label = w.official
		}
		fmt.Fprintf(b, "    %s: %s\n", label, plain(f.Message))
	}
}

func (p textPrinter) severity(s validation.Severity) string {
	colour := "31"
	switch s {
	case validation.SeverityWarning:
		colour = "33"
	case validation.SeverityInfo:
		colour = "36"
	}
	return p.paint(colour, fmt.Sprintf("%-7s", s))
}

func (p textPrinter) paint(colour, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// plain makes text from a document harmless on a terminal: white space becomes
// one space, control and formatting characters a question mark.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			return '?'
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
