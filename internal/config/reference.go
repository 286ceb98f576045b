package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteReference writes the reference page of all options as Markdown.
func WriteReference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(referenceIntro)
	options := new(Config).options()
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| Option | Type | Default | Meaning |\n|---|---|---|---|\n", g.title)
		for _, o := range options {
			if !g.has(o) {
				continue
			}
			fallback := "–"
			if o.fallback != "" {
				fallback = "`" + o.fallback + "`"
			}
			meaning := o.meaning
			if o.sensitive {
				meaning += " **Secret**, masked in all output; may be read from a file with `" + o.key + "_file`."
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.key, o.value.kind, fallback, meaning)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteExample writes a documented configuration file in which every option
// is commented out at its default.
func WriteExample(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(exampleIntro)
	options := new(Config).options()
	for _, g := range groups {
		indent := ""
		fmt.Fprintf(&b, "\n# %s\n", g.title)
		if g.name != "" {
			fmt.Fprintf(&b, "%s:\n", g.name)
			indent = "  "
		}
		for _, o := range options {
			if g.has(o) {
				fmt.Fprintf(&b, "%s# %s (%s)\n", indent, strings.ReplaceAll(o.meaning, "`", ""), o.value.kind)
				fmt.Fprintf(&b, "%s# %s: %s\n", indent, o.leaf(), o.example())
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (g group) has(o option) bool {
	name, _, nested := strings.Cut(o.key, ".")
	return nested && name == g.name || !nested && g.name == ""
}

// leaf is the last part of the key.
func (o option) leaf() string { return o.key[strings.LastIndexByte(o.key, '.')+1:] }

// example is the default as a YAML value.
func (o option) example() string {
	if o.value.plain {
		return o.fallback
	}
	return `"` + o.fallback + `"`
}

const referenceIntro = `# Configuration

<!-- Written by "facteur config docs"; change internal/config/options.go instead. -->

Facteur looks for each option in four places; the first that has it wins:

1. the command line: ` + "`--set KEY=VALUE`" + ` (` + "`--data-dir`" + ` and ` + "`--verbose`" + ` are short for two of them);
2. the environment: ` + "`FACTEUR_`" + ` and the key in capitals with ` + "`_`" + ` for ` + "`.`" + `, such as ` + "`FACTEUR_HTTP_LISTEN`" + ` (an empty variable counts as not set);
3. the file named by ` + "`--config`" + `, else by ` + "`FACTEUR_CONFIG`" + `, else ` + "`facteur.yaml`" + ` in the working directory if it is there;
4. the default.

The file is YAML; the parts of a key are nested (` + "`http:`" + ` then ` + "`listen:`" + `). A key that is not listed here is refused, with its line.
A list is a YAML sequence, or words separated by commas. Sizes are written as ` + "`512KiB` or `20MiB`" + `, durations as ` + "`500ms`, `10s` or `5m`" + `.
` + "`{data_dir}`" + ` in a path stands for the value of ` + "`data_dir`" + `.

` + "`facteur config`" + ` prints the effective value of every option and where it came from; ` + "`facteur config docs --example`" + ` prints a file to start from.
`

const exampleIntro = `# Configuration of Facteur. Every option stands here at its default; remove the
# "# " in front of those you change. Flags and FACTEUR_ variables win over this file.
`
