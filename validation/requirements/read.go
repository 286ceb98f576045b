package requirements

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"facteur.dev/facteur/formats/invoice"
)

// MaxBytes is the size of the largest profile, examples included.
const MaxBytes = 1 << 20

// maxErrors is how many problems are listed.
const maxErrors = 100

// problems collects what is wrong with a profile.
type problems struct{ errs invoice.FieldErrors }

func (p *problems) add(path, code, format string, args ...any) {
	switch {
	case len(p.errs) < maxErrors:
		p.errs = append(p.errs, invoice.FieldError{Path: shorten(path), Code: code, Message: fmt.Sprintf(format, args...)})
	case len(p.errs) == maxErrors:
		p.errs = append(p.errs, invoice.FieldError{Code: invoice.CodeTooManyErrors, Message: "there may be more problems"})
	}
}

func (p *problems) err() error {
	if len(p.errs) == 0 {
		return nil
	}
	return p.errs
}

// read reads a profile from JSON, or from YAML when the text does not begin like
// a JSON object. Unknown, repeated and missing fields and wrong types are all
// listed, by the paths that they have in JSON.
func read(raw []byte) (Profile, error) {
	var p Profile
	var errs problems
	if len(raw) > MaxBytes {
		errs.add("", invoice.CodeJSONTooLarge, "more than %d bytes", MaxBytes)
		return p, errs.err()
	}
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		var err error
		if raw, err = fromYAML(raw); err != nil {
			return p, err
		}
	}
	tree, err := scan(raw)
	if err != nil {
		return p, err
	}
	errs.shape(reflect.TypeFor[Profile](), tree, "")
	if err := errs.err(); err != nil {
		return p, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		errs.add("", invoice.CodeJSONSyntax, "%v", err)
	}
	return p, errs.err()
}

// scan reads JSON into a tree with numbers as they are written. It refuses what
// encoding/json would let pass: repeated names, bad UTF-8 and deep nesting.
func scan(raw []byte) (any, error) {
	var errs problems
	err := jsontext.NewDecoder(bytes.NewReader(raw)).SkipValue()
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		code := invoice.CodeJSONSyntax
		if errors.Is(err, jsontext.ErrDuplicateName) {
			code = invoice.CodeJSONDuplicate
		}
		errs.add(pathOf(syntax.JSONPointer), code, "%s: %v", position(raw, syntax.ByteOffset), syntax.Err)
		return nil, errs.err()
	case err != nil:
		errs.add("", invoice.CodeJSONSyntax, "the profile ends too early")
		return nil, errs.err()
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		errs.add("", invoice.CodeJSONSyntax, "%v", err)
	} else if _, err := d.Token(); !errors.Is(err, io.EOF) {
		errs.add("", invoice.CodeJSONSyntax, "%s: something follows the profile", position(raw, d.InputOffset()))
	}
	return tree, errs.err()
}

func position(raw []byte, offset int64) string {
	before := raw[:min(max(offset, 0), int64(len(raw)))]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n'))
}

// pathOf turns "/rules/0/id" into "rules[0].id".
func pathOf(p jsontext.Pointer) string {
	path := ""
	for token := range p.Tokens() {
		if strings.Trim(token, "0123456789") == "" {
			path += "[" + token + "]"
		} else {
			path = join(path, token)
		}
	}
	return path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shape compares a tree with the type that it will be read into.
func (p *problems) shape(t reflect.Type, tree any, path string) {
	switch t {
	case reflect.TypeFor[json.RawMessage]():
		return // the readers of its format will judge it
	case reflect.TypeFor[invoice.Decimal]():
		p.decimal(tree, path)
		return
	case reflect.TypeFor[invoice.Date]():
		s, ok := tree.(string)
		if _, err := invoice.ParseDate(s); !ok || err != nil {
			p.add(path, invoice.CodeDateInvalid, "must be a date, YYYY-MM-DD")
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		p.shape(t.Elem(), tree, path)
	case reflect.Struct:
		p.object(t, tree, path)
	case reflect.Map:
		names, members := p.members(tree, path)
		for _, name := range names {
			p.shape(t.Elem(), members[name], join(path, name))
		}
	case reflect.Slice:
		list, ok := tree.([]any)
		if !ok {
			p.wrongType(path, "a list", tree)
		}
		for i, v := range list {
			p.shape(t.Elem(), v, fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.String:
		if _, ok := tree.(string); !ok {
			p.wrongType(path, "a text", tree)
		}
	case reflect.Bool:
		if _, ok := tree.(bool); !ok {
			p.wrongType(path, "true or false", tree)
		}
	case reflect.Int64:
		n, ok := tree.(json.Number)
		if _, err := n.Int64(); !ok || err != nil {
			p.wrongType(path, "a whole number", tree)
		}
	default:
		panic(fmt.Sprintf("requirements: no shape for %v", t))
	}
}

func (p *problems) decimal(tree any, path string) {
	var s string
	switch v := tree.(type) {
	case string:
		s = v
	case json.Number:
		s = v.String()
	default:
		p.wrongType(path, "a decimal number", tree)
		return
	}
	if _, err := invoice.ParseDecimal(s); err != nil {
		p.add(path, invoice.CodeDecimalInvalid, "%v", err)
	}
}

// object compares the members of an object with the fields of a struct. A field
// that is always written must be there.
func (p *problems) object(t reflect.Type, tree any, path string) {
	names, members := p.members(tree, path)
	if members == nil {
		return
	}
	var known []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known = append(known, name)
		value, ok := members[name]
		switch {
		case ok:
			p.shape(t.Field(i).Type, value, join(path, name))
		case options == "":
			p.add(join(path, name), invoice.CodeFieldMissing, "is missing")
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			p.add(join(path, name), invoice.CodeFieldUnknown, "unknown field; there are %s", strings.Join(known, ", "))
		}
	}
}

// members gives the members of an object with their names in order, or nil.
func (p *problems) members(tree any, path string) (names []string, members map[string]any) {
	members, ok := tree.(map[string]any)
	if !ok {
		p.wrongType(path, "an object", tree)
		return nil, nil
	}
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, members
}

func (p *problems) wrongType(path, want string, got any) {
	what := "an object"
	switch v := got.(type) {
	case nil:
		what = "null"
	case bool:
		what = "true or false"
	case json.Number:
		what = "the number " + shorten(v.String())
	case string:
		what = "a text"
	case []any:
		what = "a list"
	}
	p.add(path, invoice.CodeFieldType, "must be %s, not %s", want, what)
}
