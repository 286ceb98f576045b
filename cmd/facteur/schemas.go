package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"facteur.dev/facteur/schemas"
)

type schemasCmd struct {
	Sync   schemasSyncCmd   `cmd:"" help:"Fetch the official rule packs and verify them against the lock."`
	List   schemasListCmd   `cmd:"" help:"Show rule sets, versions, dates and hashes."`
	Verify schemasVerifyCmd `cmd:"" help:"Find a changed or missing byte in the rule packs."`
}

type schemasSyncCmd struct {
	From string `placeholder:"DIR|URL" help:"Take the archives from a mirrored bundle (a folder or an http(s) address) instead of Maven and pip."`
}

// Run fetches what is missing.
func (c schemasSyncCmd) Run(ctx *appContext) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	return schemasError(schemas.Sync(ctx.Context, conf.PacksDir, schemas.SyncOptions{
		From:     c.From,
		Progress: func(line string) { fmt.Fprintln(ctx.Stderr, line) },
	}))
}

type schemasListCmd struct {
	Upcoming bool   `help:"Only versions that come into force after today."`
	Format   string `enum:"text,json" default:"text" help:"text or json."`
}

// listedPack is a line of the list in JSON.
type listedPack struct {
	ID        string        `json:"id"`
	Version   string        `json:"version"`
	Stage     schemas.Stage `json:"stage"`
	State     schemas.State `json:"state"`
	ValidFrom string        `json:"valid_from,omitempty"`
	ValidTo   string        `json:"valid_to,omitempty"` // the first day on which it is not in force
	SHA256    string        `json:"sha256"`
	Files     int           `json:"files"`
	Archive   string        `json:"archive"`
	Licence   string        `json:"licence"`
	Note      string        `json:"note,omitempty"`
}

// Run prints the rule sets with their state on disk.
func (c schemasListCmd) Run(ctx *appContext) error {
	catalogue, err := openCatalogue(ctx)
	if err != nil {
		return err
	}
	packs := []listedPack{}
	for _, s := range catalogue.List() {
		if c.Upcoming && !s.ValidFrom.After(ctx.Now()) {
			continue
		}
		packs = append(packs, listedPack{
			ID: s.ID, Version: s.Version, Stage: s.Stage, State: s.State, ValidFrom: date(s.ValidFrom), ValidTo: date(s.ValidTo),
			SHA256: s.SHA256(), Files: len(s.Files), Archive: s.Archive.Coordinate, Licence: s.Licence, Note: s.Note,
		})
	}
	if c.Format == "json" {
		encoder := json.NewEncoder(ctx.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(packs)
	}
	table := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE SET\tVERSION\tSTAGE\tSTATE\tFROM\tUNTIL\tSHA-256\tLICENCE")
	for _, p := range packs {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Version, p.Stage, p.State, orDash(p.ValidFrom), orDash(p.ValidTo), p.SHA256[:16], p.Licence)
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

type schemasVerifyCmd struct{}

// Run reads every byte of the rule packs.
func (schemasVerifyCmd) Run(ctx *appContext) error {
	catalogue, err := openCatalogue(ctx)
	if err != nil {
		return err
	}
	problems := catalogue.Verify(ctx.Context)
	if err := ctx.Context.Err(); err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(ctx.Stdout, "%s\t%s\n", p.State, p.File)
	}
	if n := len(problems); n > 0 {
		code := schemas.CodeMissing
		for _, p := range problems {
			if p.State == schemas.Changed {
				code = schemas.CodeChanged
			}
		}
		return environmentError(code, fmt.Errorf("%d files of the rule packs are not as locked", n), "run: facteur schemas sync")
	}
	fmt.Fprintf(ctx.Stdout, "%d rule sets as locked\n", len(catalogue.Lock().Packs()))
	return nil
}

func openCatalogue(ctx *appContext) (*schemas.Catalogue, error) {
	conf, err := ctx.Config()
	if err != nil {
		return nil, err
	}
	catalogue, err := schemas.Open(conf.PacksDir)
	return catalogue, schemasError(err)
}

// schemasError gives an error of the rule packs its exit status.
func schemasError(err error) error {
	var e *schemas.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case !errors.As(err, &e):
		return err
	case e.Code == schemas.CodeUnknown || e.Code == schemas.CodeNotValid:
		return usageError(e.Code, e.Message, e.Remedy)
	default:
		return environmentError(e.Code, e, e.Remedy)
	}
}
