package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"facteur.dev/facteur/internal/signature"
	"facteur.dev/facteur/transport"
)

type verifyCmd struct {
	File      string `arg:"" help:"Export of an audit log, evidence of a receipt, or a document with its signature beside it (FILE.xades)."`
	Key       string `placeholder:"KEY|FILE" help:"Audit log: the key it must be signed with."`
	Since     string `placeholder:"FILE" help:"Audit log: a signed root kept from before, from which the log must have grown."`
	List      bool   `help:"Audit log: print each event."`
	Peers     string `placeholder:"FILE" help:"Receipt: the keys of both sides, as a JSON list of {key_id, public_key, participants}."`
	Document  string `placeholder:"FILE" help:"Receipt or signature: the document it is about."`
	Signature string `placeholder:"FILE" help:"Document: its signature."`
	Roots     string `placeholder:"FILE" help:"Document: certificates (PEM) that the signer's must lead to."`
	At        moment `placeholder:"DATE" help:"Document: check certificates as of that day, instead of today."`
	Format    string `enum:"text,json" default:"text" help:"text or json."`
}

// Help says more on the command's own help page.
func (verifyCmd) Help() string {
	return `Everything is checked offline, from the files alone. Exit status 1 means that something is broken; the first broken place is named.`
}

// maxVerified bounds a file that is read whole.
const maxVerified = 32 << 20

// verified is what verify prints.
type verified struct {
	File     string       `json:"file"`
	Kind     string       `json:"kind"`
	Verified bool         `json:"verified"`
	Checks   []checkDone  `json:"checks"`
	Broken   *brokenPlace `json:"broken,omitempty"`
}

// checkDone is a check that passed.
type checkDone struct {
	Check  string `json:"check"`
	Detail string `json:"detail"`
}

// brokenPlace is the first check that failed.
type brokenPlace struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int64  `json:"line,omitempty"`
	Leaf    int64  `json:"leaf,omitempty"`
	EventID string `json:"event_id,omitempty"`
}

func (v *verified) passed(check, format string, args ...any) {
	v.Checks = append(v.Checks, checkDone{check, fmt.Sprintf(format, args...)})
}

// Run tells what the file is by its content and verifies it.
func (c verifyCmd) Run(ctx *appContext) error {
	f, err := os.Open(c.File)
	if err != nil {
		return environmentError("verify.unreadable", err, "")
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	head, err := in.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return environmentError("verify.unreadable", err, "")
	}
	report := &verified{File: c.File, Checks: []checkDone{}}
	switch {
	case isExport(head):
		err = c.verifyLog(ctx, in, report)
	case isReceipt(head):
		err = c.verifyReceipt(ctx.Context, in, report)
	case c.isSealed(head):
		err = c.verifySeal(ctx, report)
	default:
		err = wanting("verify.unknown", c.File+" is nothing that can be verified: no export of an audit log, no evidence of a receipt, and no signature is given")
	}
	if err != nil {
		return err
	}
	report.Verified = report.Broken == nil
	if err := c.print(ctx.Stdout, report); err != nil {
		return err
	}
	if !report.Verified {
		return wanting(report.Broken.Code, "")
	}
	return nil
}

// print writes the report. Text from the file is made harmless for terminals.
func (c verifyCmd) print(w io.Writer, v *verified) error {
	if c.Format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(v)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", v.File, v.Kind)
	for _, check := range v.Checks {
		fmt.Fprintf(&b, "  ok      %-10s %s\n", check.Check, oneLine(check.Detail))
	}
	if v.Broken != nil {
		fmt.Fprintf(&b, "  BROKEN  %s [%s]\n", oneLine(v.Broken.Message), v.Broken.Code)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// readAll reads a file whose kind has an upper limit.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxVerified+1))
	if err != nil {
		return nil, environmentError("verify.unreadable", err, "")
	}
	if len(data) > maxVerified {
		return nil, wanting("verify.too_large", fmt.Sprintf("the file is larger than %d bytes", maxVerified))
	}
	return data, nil
}

// readFlagFile reads a file that a flag names.
func readFlagFile(flag, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError("verify.unreadable", flag+": "+err.Error(), "")
	}
	defer f.Close()
	return readAll(f)
}

// brokenBy takes the place from an error that has a code.
func brokenBy(err error) *brokenPlace {
	var e *transport.Error
	if errors.As(err, &e) {
		return &brokenPlace{Code: e.Code, Message: e.Message}
	}
	var sealed *signature.Error
	if errors.As(err, &sealed) {
		return &brokenPlace{Code: sealed.Code, Message: sealed.Message}
	}
	return &brokenPlace{Code: "verify.failed", Message: err.Error()}
}
