package requirements

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"facteur.dev/facteur/formats/invoice"
)

// CodeYAML is the code of a text that is no YAML, or YAML beyond what a profile
// needs: anchors, aliases, tags and several documents are refused.
const CodeYAML = "yaml.syntax"

// MaxYAMLBytes is the size of the largest profile that is written as YAML.
const MaxYAMLBytes = 128 << 10

// maxYAMLDepth is how deep a profile may be nested; examples need the most.
const maxYAMLDepth = 32

// fromYAML turns a profile written as YAML into JSON. Numbers are copied digit
// by digit: none becomes a float.
func fromYAML(raw []byte) (out []byte, err error) {
	defer func() {
		if e := recover(); e != nil { // the parser's answer to some broken texts
			out, err = nil, yamlError(1, "not YAML")
		}
	}()
	if !utf8.Valid(raw) {
		return nil, yamlError(1, "not UTF-8")
	}
	if len(raw) > MaxYAMLBytes {
		return nil, yamlError(1, "more than %d bytes: write a profile this long as JSON", MaxYAMLBytes)
	}
	if line := tooDeep(string(raw)); line > 0 {
		return nil, yamlError(line, "nested deeper than %d", maxYAMLDepth)
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, yamlError(syntax.GetToken().Position.Line, "%s", syntax.GetMessage())
		}
		return nil, yamlError(1, "not YAML")
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, yamlError(1, "expected one YAML document")
	}
	w := yamlWriter{}
	if err := w.node(file.Docs[0].Body, 0); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

func yamlError(line int, format string, args ...any) error {
	return invoice.FieldErrors{{Code: CodeYAML, Message: fmt.Sprintf("line %d: ", line) + fmt.Sprintf(format, args...)}}
}

// tooDeep gives the line of the first text that the parser, which recurses,
// would follow too far down: brackets in brackets, indicators after one another
// ("- - -", tags, anchors), or an indentation that only many levels can have.
// 0 means that there is none.
func tooDeep(text string) int {
	const widest = 8 * maxYAMLDepth
	brackets, indicators, line := 0, 0, 0
	for _, t := range lexer.Tokenize(text) {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets = max(0, brackets-1)
		}
		switch t.Type {
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			indicators++
		default:
			indicators = 0
		}
		begins := t.Position.Line != line
		line = t.Position.Line
		if brackets > maxYAMLDepth || indicators > maxYAMLDepth || begins && brackets == 0 && t.Position.Column > widest {
			return max(line, 1)
		}
	}
	return 0
}

// yamlWriter writes the nodes of a YAML document as JSON.
type yamlWriter struct{ out bytes.Buffer }

func (w *yamlWriter) node(n ast.Node, depth int) error {
	if depth > maxYAMLDepth {
		return yamlError(lineOf(n), "nested deeper than %d", maxYAMLDepth)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return w.mapping(n.Values, depth)
	case *ast.MappingValueNode:
		return w.mapping([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return w.sequence(n.Values, depth)
	case *ast.StringNode:
		return w.text(n.Value)
	case *ast.LiteralNode:
		return w.text(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		w.number(n.GetToken().Value)
	case *ast.BoolNode:
		fmt.Fprint(&w.out, n.Value)
	case *ast.NullNode:
		w.out.WriteString("null")
	default:
		return yamlError(lineOf(n), "a profile has no %s", strings.ToLower(n.Type().String()))
	}
	return nil
}

func (w *yamlWriter) mapping(values []*ast.MappingValueNode, depth int) error {
	w.out.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			w.out.WriteByte(',')
		}
		switch key := v.Key.(type) {
		case *ast.StringNode:
			if err := w.text(key.Value); err != nil {
				return err
			}
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			if err := w.text(key.GetToken().Value); err != nil { // an order line is often called 1
				return err
			}
		default:
			return yamlError(lineOf(v.Key), "a key must be a plain text")
		}
		w.out.WriteByte(':')
		if err := w.node(v.Value, depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *yamlWriter) sequence(values []ast.Node, depth int) error {
	w.out.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.node(v, depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

func (w *yamlWriter) text(s string) error {
	b, err := json.Marshal(s)
	w.out.Write(b)
	return err
}

var jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`)

// number writes a number as it stands. One that JSON cannot write (0x1F, .inf)
// becomes a text, which no field takes for a number.
func (w *yamlWriter) number(s string) {
	if !jsonNumber.MatchString(s) {
		b, _ := json.Marshal(s)
		s = string(b)
	}
	w.out.WriteString(s)
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}
