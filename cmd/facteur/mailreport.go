package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
)

type mailReportCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help says more on the command's own help page.
func (mailReportCmd) Help() string {
	return `Reads one mail that came to the bounce address (a delivery report, a bounce, or anything else) and puts what it tells on the timeline of its invoice.
A mail server pipes such mail into it: see docs/operations.md. The same mail given again changes nothing.

Exit status: 0 taken; 1 the mail is not for us, or cannot be read; 3 it could not be stored: give it again later.`
}

// Run takes one mail.
func (c mailReportCmd) Run(ctx *appContext) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	if in, ok := ctx.Stdin.(*os.File); ok && isTerminal(in) {
		return usageError("mail_report.input", "the mail is read from standard input, which is a terminal", "facteur mail-report < report.eml")
	}
	store, closeStore, err := openStore(ctx.Context, conf)
	if err != nil {
		return err
	}
	defer closeStore() //nolint:errcheck // what was taken is committed
	blobs, err := openBlobs(conf, clock(ctx.Now))
	if err != nil {
		return err
	}
	defer blobs.Close()
	reports := track.Reports{Store: store, Blobs: blobs, Clock: clock(ctx.Now), IDs: gateway.NewIDs(clock(ctx.Now), rand.Reader)}
	taken, err := reports.Take(ctx.Context, ctx.Stdin)
	if errors.Is(err, gateway.ErrNotFound) {
		return wanting("mail_report.unknown", "the mail was not sent to the bounce address of an invoice of ours")
	}
	if err != nil {
		return storeError(err)
	}
	if c.Format == "json" {
		return writeJSON(ctx.Stdout, taken)
	}
	told := "nothing new"
	if len(taken.Events) > 0 {
		names := make([]string, len(taken.Events))
		for i, e := range taken.Events {
			names[i] = string(e)
		}
		told = strings.Join(names, ", ")
	}
	_, err = fmt.Fprintf(ctx.Stdout, "%s mail about invoice %s of tenant %s: %s\n", taken.Kind, taken.InvoiceID, taken.Tenant, told)
	return err
}
