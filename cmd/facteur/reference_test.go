package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const (
	referencePage  = "../../docs/cli.md"
	operationsPage = "../../docs/operations.md"
)

// commandLine is the parser as run has it.
func commandLine(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&CLI{}, kong.Name("facteur"), kong.Description(description), kong.ExplicitGroups(commandGroups),
		kong.Exit(func(int) { t.Error("the parser wants to exit") }))
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// docs/cli.md says what the commands say of themselves.
func TestCommandReference(t *testing.T) {
	got := commandReference(commandLine(t))
	if *update {
		if err := os.WriteFile(referencePage, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/cli.md is not up to date; run: go test ./cmd/facteur -run TestCommandReference -update")
	}
}

// indented makes the examples of a command a block of code.
var indented = strings.NewReplacer("Examples:\n  ", "Examples:\n\n    ", "\n  facteur", "\n    facteur")

// commandReference writes the reference of all commands.
func commandReference(parser *kong.Kong) []byte {
	var b bytes.Buffer
	b.WriteString("# The command line\n\n" +
		"<!-- Written by \"go test ./cmd/facteur -run TestCommandReference -update\"; change the commands instead. -->\n\n" +
		"Results go to standard output, progress and messages to standard error. Every command ends with one of these statuses:\n\n" +
		"| Status | Meaning |\n|---|---|\n" +
		"| 0 | fine |\n| 1 | the input was judged and found wanting |\n| 2 | the command line or the configuration is wrong |\n" +
		"| 3 | the environment failed: rules missing, network, disk, database |\n\n" +
		"A failure is one line on standard error: `facteur: MESSAGE [CODE]; REMEDY`. Codes are stable.\n\n" +
		"These flags go with every command:\n\n")
	writeFlags(&b, parser.Model.Flags)
	for _, group := range commandGroups {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(group.Title, ":"))
		for _, node := range parser.Model.Leaves(true) {
			if node.ClosestGroup() == nil || node.ClosestGroup().Key != group.Key {
				continue
			}
			fmt.Fprintf(&b, "\n### facteur %s\n\n    %s\n\n%s\n", commandName(node), strings.TrimSpace(node.FullPath()+" "+usage(node)), node.Help)
			if node.Detail != "" {
				fmt.Fprintf(&b, "\n%s\n", indented.Replace(strings.TrimSpace(node.Detail)))
			}
			b.WriteString("\n")
			for _, p := range node.Positional {
				fmt.Fprintf(&b, "- `%s`: %s\n", p.Summary(), p.Help)
			}
			writeFlags(&b, node.Flags)
		}
	}
	return b.Bytes()
}

func commandName(node *kong.Node) string {
	return strings.TrimPrefix(strings.TrimPrefix(node.Path(), "facteur"), " ")
}

// usage is what follows the name of a command.
func usage(node *kong.Node) string {
	var words []string
	for _, f := range node.Flags {
		if f.Required {
			words = append(words, "--"+f.Name+"="+f.FormatPlaceHolder())
		}
	}
	for _, p := range node.Positional {
		words = append(words, p.Summary())
	}
	if len(node.Flags) > 0 {
		words = append(words, "[flags]")
	}
	return strings.Join(words, " ")
}

func writeFlags(b *bytes.Buffer, flags []*kong.Flag) {
	for _, f := range flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		name := "--" + f.Name
		if !f.IsBool() {
			name += "=" + f.FormatPlaceHolder()
		}
		if f.Short != 0 {
			name = fmt.Sprintf("-%c, %s", f.Short, name)
		}
		fmt.Fprintf(b, "- `%s`: %s\n", name, f.Help)
	}
}

// example matches a command in an example, at the start of a line or after a pipe.
var example = regexp.MustCompile(`(?m)^(?: *|.*\| )(facteur [a-z][^|<>#\n]*)`)

// Every command that the documentation and the help show can be given.
func TestDocumentedCommandsExist(t *testing.T) {
	operations, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{operationsPage: codeBlocks(string(operations)), "the help": description}
	for _, node := range commandLine(t).Model.Leaves(true) {
		texts["the help of "+commandName(node)] = node.Detail
	}
	found := 0
	for name, text := range texts {
		for _, m := range example.FindAllStringSubmatch(text, -1) {
			line, _, _ := strings.Cut(m[1], "   ") // a column of remarks
			if _, err := commandLine(t).Parse(words(line)[1:]); err != nil {
				t.Errorf("%s shows %q: %v", name, line, err)
			}
			found++
		}
	}
	if found < 30 {
		t.Errorf("only %d commands were found", found)
	}
}

// codeBlocks leaves the indented and fenced parts of a page.
func codeBlocks(page string) string {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			b.WriteString(line)
		}
	}
	return b.String()
}

// words splits a line like a shell, as far as the documentation needs.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}
