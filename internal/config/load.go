package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Limits of what is read.
const (
	maxFile       = 1 << 20
	maxSecretFile = 64 << 10
)

// DefaultFile is read from the working directory when no other file is named.
const DefaultFile = "facteur.yaml"

// FileVariable is the environment variable that names the configuration file.
const FileVariable = "FACTEUR_CONFIG"

const variablePrefix = "FACTEUR_"

// Sources are the places where settings are looked for.
type Sources struct {
	Flags   map[string]string // key → value, from the command line
	Environ []string          // as os.Environ returns it
	File    string            // from the command line; empty: FACTEUR_CONFIG, then DefaultFile if it is there
	NoFile  bool              // read no file at all
}

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Code  string // config.unknown_key, config.bad_value, config.syntax, config.conflict, config.missing, config.unreadable
	Place string // "facteur.yaml:12", "environment variable FACTEUR_X", "flag x"
	Key   string
	Text  string // never contains the value of a secret
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Place != "" {
		b.WriteString(p.Place + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Error lists everything that is wrong with the settings.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return strings.Join(texts, "; ")
}

// Code returns the code of the first problem, or "config.invalid".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) && len(e.Problems) > 0 {
		return e.Problems[0].Code
	}
	return "config.invalid"
}

// Load reads all sources, checks every value and returns the effective
// configuration, or an *Error that lists all problems.
func Load(from Sources) (*Config, error) {
	c := &Config{origins: make(map[string]string)}
	l := loader{options: c.options()}
	layers := []layer{l.flags(from.Flags), l.environment(from.Environ)}
	if !from.NoFile {
		layers = append(layers, l.file(from))
	}
	for _, o := range l.options {
		l.resolve(c, o, layers)
	}
	if len(l.problems) == 0 {
		l.problems = c.check()
	}
	if len(l.problems) > 0 {
		return nil, &Error{l.problems}
	}
	c.warnings = l.warnings
	return c, nil
}

// given is the text of an option and where it stands.
type given struct{ text, place string }

// layer is one source: key → text.
type layer map[string]given

type loader struct {
	options  []option
	problems []Problem
	warnings []string
}

func (l *loader) refuse(code, place, key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Code: code, Place: place, Key: key, Text: fmt.Sprintf(format, args...)})
}

// known reports whether key is an option or its KEY_file variant.
func (l *loader) known(key string) bool {
	return slices.ContainsFunc(l.options, func(o option) bool {
		return o.key == key || o.sensitive && o.key+"_file" == key
	})
}

func (l *loader) flags(set map[string]string) layer {
	found := layer{}
	keys := make([]string, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if !l.known(key) {
			l.refuse("config.unknown_key", "flag --set", key, "there is no such option")
			continue
		}
		found[key] = given{set[key], "flag"}
	}
	return found
}

// Variable returns the environment variable of an option.
func Variable(key string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func (l *loader) environment(environ []string) layer {
	keys := map[string]string{FileVariable: ""}
	for _, o := range l.options {
		keys[Variable(o.key)] = o.key
		if o.sensitive {
			keys[Variable(o.key+"_file")] = o.key + "_file"
		}
	}
	found := layer{}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || text == "" {
			continue // an empty variable counts as not set
		}
		key, ok := keys[name]
		if !ok {
			// Not an error: platforms inject variables such as FACTEUR_SERVICE_HOST.
			l.warnings = append(l.warnings, "environment variable "+name+" names no option and is ignored")
		} else if key != "" {
			found[key] = given{text, "environment " + name}
		}
	}
	return found
}

func (l *loader) file(from Sources) layer {
	name, named := from.File, true
	if name == "" {
		for _, entry := range from.Environ {
			if text, ok := strings.CutPrefix(entry, FileVariable+"="); ok {
				name = text
			}
		}
	}
	if name == "" {
		name, named = DefaultFile, false
	}
	data, err := readLimited(name, maxFile)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		l.refuse("config.unreadable", "", "", "the configuration file cannot be read: %v", err)
		return nil
	}
	return l.yaml(name, data)
}

// resolve sets o from the first layer that has it, or from its default.
func (l *loader) resolve(c *Config, o option, layers []layer) {
	for _, in := range layers {
		direct, isDirect := in[o.key]
		indirect, isIndirect := in[o.key+"_file"]
		switch {
		case isDirect && isIndirect && o.sensitive:
			l.refuse("config.conflict", direct.place, o.key, "give either %s or %s_file", o.key, o.key)
			return
		case isDirect:
			l.set(o, c.expand(o, direct.text), direct.place)
			c.origins[o.key] = direct.place
			return
		case isIndirect && o.sensitive:
			data, err := readLimited(indirect.text, maxSecretFile)
			if err != nil {
				l.refuse("config.unreadable", indirect.place, o.key+"_file", "%v", err)
				return
			}
			l.set(o, strings.TrimRight(string(data), "\r\n"), indirect.place)
			c.origins[o.key] = indirect.place + ", read from " + indirect.text
			return
		}
	}
	if o.fallback != "" {
		l.set(o, c.expand(o, o.fallback), "default")
	}
}

// expand replaces {data_dir} in paths; data_dir itself stands first in the table.
func (c *Config) expand(o option, text string) string {
	if o.key == "data_dir" || !strings.HasPrefix(o.value.kind, "path") {
		return text
	}
	return strings.ReplaceAll(text, "{data_dir}", c.DataDir)
}

func (l *loader) set(o option, text, place string) {
	if err := o.value.parse(text); err != nil {
		if !o.sensitive {
			l.refuse("config.bad_value", place, o.key, "%v, found %q", err, text)
			return
		}
		l.refuse("config.bad_value", place, o.key, "%v", err)
	}
}

func readLimited(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, limit)
	}
	return os.ReadFile(name)
}
