package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"facteur.dev/facteur/internal/config"
)

type configCmd struct {
	Show configShowCmd `cmd:"" default:"withargs" help:"Print the value of every option and where it came from; secrets are masked."`
	Docs configDocsCmd `cmd:"" help:"Print the reference of all options."`
}

type configShowCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run prints the effective configuration.
func (c configShowCmd) Run(ctx *appContext) error {
	effective, err := ctx.Config()
	if err != nil {
		return err
	}
	settings := effective.Settings()
	if c.Format == "json" {
		encoder := json.NewEncoder(ctx.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(settings)
	}
	table := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
	for _, s := range settings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Key, s.Value, s.Origin)
	}
	return table.Flush()
}

type configDocsCmd struct {
	Example bool `help:"Print a documented configuration file instead."`
}

// Run prints the reference page or the example file.
func (c configDocsCmd) Run(ctx *appContext) error {
	if c.Example {
		return config.WriteExample(ctx.Stdout)
	}
	return config.WriteReference(ctx.Stdout)
}
