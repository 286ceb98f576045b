package order

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"facteur.dev/facteur/formats/invoice"
)

// compile prepares one of the embedded schemas; they are part of the program, so
// that a fault in one is a fault of the program.
func compile(schema []byte) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		panic("order: embedded schema: " + err.Error())
	}
	inline(doc, doc.(map[string]any)["$defs"].(map[string]any))
	const name = "schema.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	c.UseRegexpEngine(noPattern)
	for _, f := range formats() {
		c.RegisterFormat(&f)
	}
	if err := c.AddResource(name, doc); err != nil {
		panic("order: embedded schema: " + err.Error())
	}
	return c.MustCompile(name)
}

// inline puts the definitions, which never refer to themselves, where they are
// referred to: judging a reference costs as much as judging a value.
func inline(node any, defs map[string]any) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			inline(child, defs)
		}
	case map[string]any:
		for _, child := range node {
			inline(child, defs)
		}
		ref, ok := node["$ref"].(string)
		if !ok {
			return
		}
		delete(node, "$ref")
		def := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		inline(def, defs)
		for key, value := range def {
			if _, own := node[key]; !own {
				node[key] = value
			}
		}
	}
}

// noPattern leaves the patterns of the schema to other validators. Each stands
// beside a format of ours that is at least as strict, and names the problem.
func noPattern(pattern string) (jsonschema.Regexp, error) { return anyText(pattern), nil }

type anyText string

func (anyText) MatchString(string) bool { return true }
func (p anyText) String() string        { return string(p) }

// formatError is what a format of ours has to say.
type formatError struct{ code, message string }

func (e *formatError) Error() string { return e.message }

// formats are the checks that the schemas name with "format".
func formats() []jsonschema.Format {
	known := func(name, code, message string, known func(string) bool) jsonschema.Format {
		return jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !known(s) {
				return &formatError{code, fmt.Sprintf("%.20q %s", s, message)}
			}
			return nil
		}}
	}
	return []jsonschema.Format{
		known("currency", invoice.CodeCurrencyUnknown, "is no currency of ISO 4217", invoice.KnownCurrency),
		known("country", invoice.CodeCountryUnknown, "is no country of ISO 3166-1", invoice.KnownCountry),
		known("unit", invoice.CodeUnitUnknown, "is no unit of UN/ECE Recommendation 20 or 21", invoice.KnownUnit),
		known("vat-category", invoice.CodeVATCategory, "is no VAT category", invoice.KnownVATCategory),
		known("date", invoice.CodeDateInvalid, "is no date of the form YYYY-MM-DD", func(s string) bool {
			_, err := invoice.ParseDate(s)
			return err == nil
		}),
		known("not-blank", invoice.CodeFieldMissing, "is blank", func(s string) bool { return strings.TrimSpace(s) != "" }),
		known("text", invoice.CodeTextCharacter, "has a control character that no document may carry", printable),
		{Name: "amount", Validate: func(v any) error { return decimal(v, 2) }},
		{Name: "decimal", Validate: func(v any) error { return decimal(v, MaxDecimals) }},
	}
}

// printable tells whether XML 1.0 can carry the text.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}

func decimal(v any, places int) error {
	var text string
	switch t := v.(type) {
	case string:
		text = t
	case json.Number:
		text = t.String()
	default:
		return nil
	}
	d, err := invoice.ParseDecimal(text)
	if err != nil {
		return &formatError{invoice.CodeDecimalInvalid, fmt.Sprintf("%.40q is no decimal number", text)}
	}
	if d.Scale() > places {
		return &formatError{invoice.CodeDecimals, fmt.Sprintf("%.40s has more than %d decimals", text, places)}
	}
	return nil
}

// schemaErrors flattens what the schema says into one problem for each field.
func schemaErrors(err error) invoice.FieldErrors {
	var violation *jsonschema.ValidationError
	if !errors.As(err, &violation) {
		return nil
	}
	var errs invoice.FieldErrors
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			errs = append(errs, fieldErrors(e)...)
			return
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(violation)
	return errs
}

func fieldErrors(e *jsonschema.ValidationError) invoice.FieldErrors {
	path := jsonPath(e.InstanceLocation)
	at := func(path, code, format string, args ...any) invoice.FieldError {
		return invoice.FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var errs invoice.FieldErrors
		for _, name := range k.Missing {
			errs = append(errs, at(join(path, name), invoice.CodeFieldMissing, "%s is required", name))
		}
		return errs
	case *kind.AdditionalProperties:
		var errs invoice.FieldErrors
		for _, name := range k.Properties {
			errs = append(errs, at(join(path, name), invoice.CodeFieldUnknown, "there is no such field"))
		}
		return errs
	case *kind.Type:
		return invoice.FieldErrors{at(path, invoice.CodeFieldType, "is %s, but must be %s", k.Got, strings.Join(k.Want, " or "))}
	case *kind.Enum:
		return invoice.FieldErrors{at(path, CodeValue, "%.40q is not one of %s", fmt.Sprint(k.Got), list(k.Want))}
	case *kind.Format:
		code := CodeValue
		var f *formatError
		if errors.As(k.Err, &f) {
			code = f.code
		}
		return invoice.FieldErrors{at(path, code, "%v", k.Err)}
	case *kind.MaxLength:
		return invoice.FieldErrors{at(path, CodeTooLong, "has %d characters, at most %d are allowed", k.Got, k.Want)}
	case *kind.MaxItems:
		return invoice.FieldErrors{at(path, CodeListLength, "has %d entries, at most %d are allowed", k.Got, k.Want)}
	case *kind.MinItems:
		return invoice.FieldErrors{at(path, CodeListLength, "has %d entries, at least %d are needed", k.Got, k.Want)}
	case *kind.ContentEncoding:
		return invoice.FieldErrors{at(path, invoice.CodeBase64Invalid, "is not %s", k.Want)}
	default:
		return invoice.FieldErrors{at(path, CodeValue, "does not follow the schema")}
	}
}

func list(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, ", ")
}

// jsonPath writes the steps of a JSON pointer as "lines[2].price.net".
func jsonPath(steps []string) string {
	path := ""
	for _, step := range steps {
		if _, err := strconv.Atoi(step); err == nil && path != "" {
			path += "[" + step + "]"
		} else {
			path = join(path, step)
		}
	}
	return path
}

// tidy keeps one problem for each path, the most telling one, sorted by path.
func tidy(errs invoice.FieldErrors) invoice.FieldErrors {
	slices.SortStableFunc(errs, func(a, b invoice.FieldError) int {
		return cmp.Or(comparePaths(a.Path, b.Path), cmp.Compare(rank(a), rank(b)))
	})
	return limited(slices.CompactFunc(errs, func(a, b invoice.FieldError) bool { return a.Path == b.Path }))
}

// limited keeps the first problems of very many.
func limited(errs invoice.FieldErrors) invoice.FieldErrors {
	if len(errs) <= maxErrors {
		return errs
	}
	return append(errs[:maxErrors:maxErrors], invoice.FieldError{
		Code: invoice.CodeTooManyErrors, Message: fmt.Sprintf("there are %d more problems", len(errs)-maxErrors),
	})
}

// rank puts codes that name the problem before the one that only says that the
// form is wrong, and problems with a business term before those without.
func rank(e invoice.FieldError) int {
	switch {
	case e.Code == invoice.CodeFieldType || e.Code == invoice.CodeFieldMissing:
		return 0
	case e.Code == CodeValue || e.Code == CodeTooLong:
		return 3
	case e.Term != "":
		return 1
	default:
		return 2
	}
}

// comparePaths sorts lines[2] before lines[10].
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i > 0 && j > 0 {
			if c := cmp.Or(cmp.Compare(i, j), cmp.Compare(a[:i], b[:j])); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts the leading digits.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
