package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
)

type validateCmd struct {
	Rules   []string `placeholder:"ID,…" default:"auto" help:"Rule sets, each with or without @version; auto chooses by what the document is and the day (see facteur schemas list)."`
	Only    []string `placeholder:"STAGE,…" enum:"xsd,schematron,requirements" help:"Only these stages: xsd, schematron, requirements."`
	Profile string   `placeholder:"FILE|NAME" help:"Also check a customer's requirements: a billing profile, or the name of a preset."`
	At      moment   `placeholder:"DATE" help:"Take the rules in force on that day, instead of today's."`
	Lang    string   `enum:",en,fr,de" default:"" placeholder:"en|fr|de" help:"Language of our words; de has only the official message (default: as configured)."`
	Jobs    int      `short:"j" placeholder:"N" help:"Documents checked at the same time (default: the number of processors)."`
	Format  string   `enum:"text,json,html,svrl" default:"text" help:"text, json (an object per line and document), html or svrl."`
	Paths   []string `arg:"" name:"path" help:"Documents, folders (searched for *.xml), or - for standard input."`
}

// Help says more on the command's own help page.
func (validateCmd) Help() string {
	return `A document is valid when every check ran to its end and found nothing fatal or erroneous; warnings do not count.

Exit status: 0 every document is valid; 1 a document is not; 3 a check could not be made, because rules are missing or changed.

Examples:
  facteur validate invoice.xml
  facteur validate --format json --at 2026-06-30 archive/ > verdicts.jsonl
  facteur validate --rules cen-ubl@1.3.16,peppol-ubl - < invoice.xml`
}

// Run checks the documents and prints a result for each, in the order given.
func (c validateCmd) Run(ctx *appContext) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	catalogue, err := openCatalogue(ctx)
	if err != nil {
		return err
	}
	inputs, err := c.inputs(ctx)
	if err != nil {
		return err
	}
	checks, release := newChecks(catalogue, conf.Validation)
	defer release() //nolint:errcheck // it only frees memory
	request, err := c.request(ctx, checks)
	if err != nil {
		return err
	}
	lang := cmp.Or(c.Lang, conf.Language)
	extra, err := c.requirementStages(lang, request.At)
	if err != nil {
		return err
	}
	printer := c.printer(ctx, lang)
	if err := printer.begin(); err != nil {
		return err
	}
	v := &validator{checks: checks, request: request, extra: extra, limit: conf.Validation.MaxDocument}
	tally := &tally{total: len(inputs), progress: ctx.Stderr, live: isTerminal(ctx.Stderr) && len(inputs) > 1}
	err = checkAll(ctx.Context, c.jobs(), inputs, v.check, func(o outcome) error {
		tally.add(o)
		return printer.print(o)
	})
	if err == nil {
		err = printer.end()
	}
	tally.finish()
	if err != nil {
		return err
	}
	return tally.verdict()
}

func (c validateCmd) jobs() int {
	if c.Jobs > 0 {
		return c.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// request reads the flags and refuses rule sets that do not exist.
func (c validateCmd) request(ctx *appContext, checks *validation.Official) (validation.Request, error) {
	r := validation.Request{Only: c.Only, At: c.At.Time}
	if r.At.IsZero() {
		r.At = ctx.Now()
	}
	if slices.Equal(c.Rules, []string{"auto"}) {
		return r, nil
	}
	r.Rules = c.Rules
	_, err := checks.Choose(&validation.Document{}, r)
	var e *schemas.Error
	if errors.As(err, &e) {
		return r, usageError(e.Code, e.Message, e.Remedy)
	}
	return r, err
}

// input is a document to check.
type input struct {
	name string // as shown
	open func() (io.ReadCloser, error)
}

// inputs lists the documents that the paths stand for, folders searched.
func (c validateCmd) inputs(ctx *appContext) ([]input, error) {
	var out []input
	for _, path := range c.Paths {
		if path == "-" {
			out = append(out, input{"-", func() (io.ReadCloser, error) { return io.NopCloser(ctx.Stdin), nil }})
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, environmentError("validate.read", err, "")
		case !info.IsDir():
			out = append(out, fileInput(path))
			continue
		}
		found, err := search(path)
		if err != nil {
			return nil, environmentError("validate.read", err, "")
		}
		if len(found) == 0 {
			return nil, usageError("validate.nothing", "there is no *.xml in "+path, "name the documents")
		}
		out = append(out, found...)
	}
	return out, nil
}

func fileInput(path string) input {
	return input{path, func() (io.ReadCloser, error) { return os.Open(path) }}
}

// search finds the XML files below a folder, in order; names that begin with a
// dot are left out.
func search(folder string) ([]input, error) {
	var out []input
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != folder && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".xml"):
			out = append(out, fileInput(path))
		}
		return nil
	})
	return out, err
}

// outcome is the result of one document with what was chosen for it.
type outcome struct {
	validation.Result
	selection validation.Selection
}

// validator checks one document after the other; it is safe for concurrent use.
type validator struct {
	checks  *validation.Official
	request validation.Request
	extra   []validation.Stage // run last
	limit   int64              // bytes of a document
}

// check reads and judges a document. An error means that it could not be read.
func (v *validator) check(ctx context.Context, in input) (outcome, error) {
	file, err := in.open()
	if err != nil {
		return outcome{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, v.limit+1))
	if err != nil {
		return outcome{}, err
	}
	out := v.judge(ctx, text)
	out.File = in.name
	return out, nil
}

func (v *validator) judge(ctx context.Context, text []byte) outcome {
	doc, err := validation.Automatic{Official: v.checks, MaxBytes: v.limit}.Parse(text)
	if err != nil {
		return outcome{Result: validation.Refused(text, err)}
	}
	selection, err := v.checks.Choose(doc, v.request)
	if err != nil {
		return outcome{Result: v.checks.Check(ctx, doc, v.request, v.extra...)}
	}
	return outcome{Result: v.checks.Run(ctx, doc, selection, v.extra...), selection: selection}
}
