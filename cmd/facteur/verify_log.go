package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway/evidence"
)

// isExport reports whether a file begins like the export of an audit log.
func isExport(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.Contains(line, []byte(`"facteur-evidence/`))
}

// verifyLog verifies the export of an audit log.
func (c verifyCmd) verifyLog(ctx *appContext, in io.Reader, report *verified) error {
	report.Kind = "audit log"
	var opts evidence.Options
	if c.Key != "" {
		key, err := verifierKey(c.Key)
		if err != nil {
			return err
		}
		opts.Key = &key
	}
	if c.Since != "" {
		root, err := readFlagFile("--since", c.Since)
		if err != nil {
			return err
		}
		opts.Since = root
	}
	var listed error
	if c.List {
		opts.Each = func(leaf evidence.VerifiedLeaf) {
			listed = errors.Join(listed, c.printLeaf(ctx.Stdout, leaf))
		}
	}
	found, err := evidence.Verify(in, opts)
	var broken *evidence.Broken
	if errors.As(err, &broken) {
		report.Broken = &brokenPlace{
			Code: string(broken.Check), Message: broken.Error(), Line: broken.Line, Leaf: broken.Leaf, EventID: broken.EventID,
		}
	} else if err != nil {
		return environmentError("verify.unreadable", err, "")
	}
	describeLog(report, found)
	return listed
}

// describeLog says what was checked before the end or the first broken place.
func describeLog(report *verified, found evidence.Report) {
	if key := found.Key.String(); key != "" {
		if found.KeyTrusted {
			report.passed("key", "%s", key)
		} else {
			report.passed("key", "%s, as the file itself says: give --key to check whose log it is", key)
		}
	}
	if found.ExportedAt.IsZero() {
		return
	}
	report.Kind = "audit log " + found.Root.Origin
	report.passed("root", "%d leaves, signed %s", found.Root.Size, found.Root.At.UTC().Format(time.RFC3339))
	for _, earlier := range found.Earlier {
		report.passed("growth", "since %d leaves, signed %s", earlier.Size, earlier.At.UTC().Format(time.RFC3339))
	}
	var due int64
	for _, r := range found.Ranges {
		due += r.Last - r.First + 1
	}
	report.passed("leaves", "%d of %d, exported %s", found.Leaves, due, found.ExportedAt.UTC().Format(time.RFC3339))
	report.passed("personal", "%d fields as recorded, %d erased", found.Shown, found.Erased)
}

// printLeaf writes one event of --list.
func (c verifyCmd) printLeaf(w io.Writer, leaf evidence.VerifiedLeaf) error {
	if c.Format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Seq      int64             `json:"seq"`
			EventID  string            `json:"event_id"`
			Event    json.RawMessage   `json:"event"`
			Personal map[string]string `json:"personal,omitempty"`
			Erased   []string          `json:"erased,omitempty"`
		}{leaf.Seq, leaf.EventID, leaf.Event, leaf.Personal, leaf.Erased})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%6d  %s", leaf.Seq, oneLine(string(leaf.Event)))
	for _, name := range slices.Sorted(maps.Keys(leaf.Personal)) {
		fmt.Fprintf(&b, "  %s=%s", oneLine(name), oneLine(leaf.Personal[name]))
	}
	for _, name := range leaf.Erased {
		fmt.Fprintf(&b, "  %s erased", oneLine(name))
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

// verifierKey reads a key given as such or as the name of a file.
func verifierKey(text string) (evidence.Verifier, error) {
	if _, err := os.Stat(text); err == nil {
		data, err := readFlagFile("--key", text)
		if err != nil {
			return evidence.Verifier{}, err
		}
		text = strings.TrimSpace(string(data))
	}
	key, err := evidence.ParseVerifier(text)
	if err != nil {
		return evidence.Verifier{}, usageError("verify.key", "--key: "+err.Error(), "give NAME+HASH+KEY or a file that holds it")
	}
	return key, nil
}
