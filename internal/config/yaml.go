package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yaml reads a configuration file: mappings of options, nested by the dots of
// their keys. Anchors, tags and several documents are refused.
func (l *loader) yaml(name string, data []byte) layer {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		l.refuse("config.syntax", fmt.Sprintf("%s:%d", name, errorLine(err)), "", "%s", errorText(err))
		return nil
	}
	found := layer{}
	for i, doc := range file.Docs {
		if i > 0 {
			l.refuse("config.syntax", name, "", "expected one YAML document")
			break
		}
		if doc.Body != nil {
			l.mapping(found, name, "", doc.Body)
		}
	}
	return found
}

func (l *loader) mapping(found layer, file, prefix string, node ast.Node) {
	var entries []*ast.MappingValueNode
	switch node := node.(type) {
	case *ast.MappingNode:
		entries = node.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{node}
	case *ast.NullNode, *ast.CommentGroupNode:
		return // a group whose options are all commented out
	default:
		l.refuse("config.syntax", place(file, node), strings.TrimSuffix(prefix, "."), "expected options as KEY: VALUE")
		return
	}
	for _, entry := range entries {
		l.entry(found, file, prefix, entry)
	}
}

func (l *loader) entry(found layer, file, prefix string, entry *ast.MappingValueNode) {
	at := place(file, entry.Key)
	name, ok := entry.Key.(*ast.StringNode)
	if !ok {
		l.refuse("config.unknown_key", at, prefix+entry.Key.String(), "there is no such option")
		return
	}
	key := prefix + name.Value
	switch {
	case l.known(key):
		text, err := scalar(entry.Value)
		if err != nil {
			l.refuse("config.bad_value", at, key, "%v", err)
			return
		}
		if _, twice := found[key]; twice {
			l.refuse("config.conflict", at, key, "given twice")
			return
		}
		found[key] = given{text, at}
	case l.isGroup(key):
		l.mapping(found, file, key+".", entry.Value)
	default:
		l.refuse("config.unknown_key", at, key, "there is no such option")
	}
}

func (l *loader) isGroup(key string) bool {
	for _, o := range l.options {
		if strings.HasPrefix(o.key, key+".") {
			return true
		}
	}
	return false
}

// scalar returns the text of a value as written; a sequence becomes a
// comma-separated list.
func scalar(node ast.Node) (string, error) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, nil
	case *ast.LiteralNode:
		return node.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, nil
	case *ast.SequenceNode:
		items := make([]string, 0, len(node.Values))
		for _, item := range node.Values {
			text, err := scalar(item)
			if err != nil {
				return "", err
			}
			if _, nested := item.(*ast.SequenceNode); nested || strings.Contains(text, ",") {
				return "", errors.New("a list has plain values without commas")
			}
			items = append(items, text)
		}
		return strings.Join(items, ","), nil
	case *ast.NullNode:
		return "", errors.New("has no value")
	default:
		return "", errors.New("expected a plain value")
	}
}

func place(file string, node ast.Node) string {
	return fmt.Sprintf("%s:%d", file, node.GetToken().Position.Line)
}

func errorLine(err error) int {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return syntax.GetToken().Position.Line
	}
	return 1
}

func errorText(err error) string {
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return syntax.GetMessage()
	}
	return "not YAML"
}
