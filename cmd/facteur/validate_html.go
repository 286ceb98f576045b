package main

import (
	"cmp"
	"encoding/xml"
	"html/template"
	"io"
	"strings"
	"time"

	"facteur.dev/facteur/validation"
)

// htmlPrinter writes one page for all documents.
type htmlPrinter struct {
	out  io.Writer
	lang string
	at   time.Time
}

var htmlPage = template.Must(template.New("begin").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
h2{font-size:1.1rem;margin:2rem 0 .3rem;overflow-wrap:anywhere}
.valid{color:#14692d}.invalid{color:#a01616}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.4rem .6rem;border-top:1px solid #ccc}
td{overflow-wrap:anywhere}small{color:#555;display:block}
</style></head><body><h1>{{.Title}}</h1><p>{{.At}}</p>
{{define "document"}}<h2>{{.File}}: <span class="{{.Class}}">{{.State}}</span></h2>
<p>{{.Identity}}<br><small>SHA-256 {{.SHA256}}</small></p>
{{range .Notes}}<p>{{.}}</p>{{end}}
<table>{{range .Verdicts}}<tr><th colspan="3" scope="colgroup">{{.Name}}{{if .Reason}}: {{.Reason}}{{end}}<small>{{.SHA256}}</small></th></tr>
{{range .Findings}}<tr><td>{{.Severity}}</td><td>{{.Rule}}</td><td>{{.Head}}<small>{{.Where}}</small>
{{range .Terms}}<small>{{.}}</small>{{end}}{{if .What}}<small lang="en">{{.Message}}</small>{{end}}{{if .Value}}<small><code>{{.Value}}</code></small>{{end}}</td></tr>
{{end}}{{end}}</table>
{{end}}{{define "end"}}</body></html>
{{end}}`))

type (
	htmlDocument struct {
		File, Class, State, Identity, SHA256 string
		Notes                                []string
		Verdicts                             []htmlVerdict
	}
	htmlVerdict struct {
		Name, Reason, SHA256 string
		Findings             []htmlFinding
	}
	htmlFinding struct {
		validation.Finding
		validation.Explanation
		Head string // in our words where there are some
	}
)

func (p *htmlPrinter) begin() error {
	title := "Validation report"
	if p.lang == "fr" {
		title = "Rapport de contrôle"
	}
	return htmlPage.Execute(p.out, struct{ Lang, Title, At string }{p.lang, title, p.at.UTC().Format(time.RFC3339)})
}

func (p *htmlPrinter) end() error { return htmlPage.ExecuteTemplate(p.out, "end", nil) }

func (p *htmlPrinter) print(o outcome) error {
	w := phrasesIn(p.lang)
	d := htmlDocument{File: o.File, Class: "valid", State: w.valid, SHA256: o.SHA256}
	switch {
	case environmentReason(o.Result) != "":
		d.Class, d.State = "invalid", w.unchecked
	case !o.Valid:
		d.Class, d.State = "invalid", w.invalid
	}
	d.Identity = strings.Join(strings.Fields(o.Document.Syntax+" "+o.Document.Root+" "+o.Document.Customization), " · ")
	if o.selection.Why != "" {
		d.Notes = append(d.Notes, o.selection.Why)
	}
	for _, v := range o.Verdicts {
		row := htmlVerdict{Name: v.Stage + " " + v.RuleSet + " " + v.Version, Reason: v.Reason, SHA256: v.SHA256}
		for _, f := range v.Findings {
			e := validation.Explain(f, p.lang)
			row.Findings = append(row.Findings, htmlFinding{f, e, cmp.Or(e.What, f.Message)})
		}
		d.Verdicts = append(d.Verdicts, row)
	}
	return htmlPage.ExecuteTemplate(p.out, "document", d)
}

// svrlPrinter writes findings as reports in the Schematron Validation Report
// Language, one for each verdict, below an element that names the document.
// What the language requires and a finding does not have (the text of the
// test) is empty. A check that did not run has a schematron-output with a
// failed-assert of role "fatal" that says why.
type svrlPrinter struct {
	out io.Writer
}

type (
	svrlDocument struct {
		XMLName xml.Name     `xml:"document"`
		File    string       `xml:"file,attr"`
		SHA256  string       `xml:"sha256,attr"`
		Valid   bool         `xml:"valid,attr"`
		Reports []svrlReport `xml:"http://purl.oclc.org/dsdl/svrl schematron-output"`
	}
	svrlReport struct {
		Title   string       `xml:"title,attr"`
		Version string       `xml:"schemaVersion,attr"`
		Phase   string       `xml:"phase,attr"`
		Failed  []svrlFailed `xml:"http://purl.oclc.org/dsdl/svrl failed-assert"`
	}
	svrlFailed struct {
		ID       string `xml:"id,attr"`
		Flag     string `xml:"flag,attr"`
		Location string `xml:"location,attr"`
		Test     string `xml:"test,attr"`
		Text     string `xml:"http://purl.oclc.org/dsdl/svrl text"`
	}
)

func (p *svrlPrinter) begin() error {
	_, err := io.WriteString(p.out, xml.Header+"<validation>\n")
	return err
}

func (p *svrlPrinter) end() error {
	_, err := io.WriteString(p.out, "</validation>\n")
	return err
}

func (p *svrlPrinter) print(o outcome) error {
	d := svrlDocument{File: o.File, SHA256: o.SHA256, Valid: o.Valid}
	for _, v := range o.Verdicts {
		r := svrlReport{Title: v.RuleSet, Version: v.Version, Phase: v.Stage}
		for _, f := range v.Findings {
			r.Failed = append(r.Failed, svrlFailed{ID: f.Rule, Flag: string(f.Severity), Location: f.Location, Text: f.Message})
		}
		if !v.Ran {
			code, text, _ := strings.Cut(v.Reason, ": ")
			r.Failed = append(r.Failed, svrlFailed{ID: code, Flag: string(validation.SeverityFatal), Location: "/", Text: text})
		}
		d.Reports = append(d.Reports, r)
	}
	text, err := xml.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(text, '\n'))
	return err
}
