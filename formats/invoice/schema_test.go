package invoice

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite invoice.schema.json")

// TestSchemaFollowsTheModel builds the schema from the model and compares it
// with the published file.
func TestSchemaFollowsTheModel(t *testing.T) {
	got := buildSchema(t)
	if *update {
		if err := os.WriteFile("invoice.schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(got, Schema()) {
		t.Error("invoice.schema.json differs from the model; run with -update")
	}
}

type object = map[string]any

const decimalPattern = `[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)`

// schemaBuilder writes one definition for each group.
type schemaBuilder struct{ definitions object }

func buildSchema(t *testing.T) []byte {
	b := schemaBuilder{object{
		"decimal": object{
			"description": "An exact decimal number, as a string or a number without exponent.",
			"oneOf":       []any{object{"type": "string", "pattern": "^" + decimalPattern + "$", "maxLength": MaxDecimalDigits + 2}, object{"type": "number"}},
		},
		"amount": object{
			"description": "An amount with at most two decimals (BR-DEC-01 to BR-DEC-28).",
			"oneOf":       []any{object{"type": "string", "pattern": `^[+-]?(?:[0-9]+(?:\.[0-9]{0,2})?|\.[0-9]{1,2})$`, "maxLength": MaxDecimalDigits + 2}, object{"type": "number", "multipleOf": json.Number("0.01")}},
		},
		"date": object{"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
	}}
	root := b.group(reflect.TypeFor[Invoice](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://facteur.dev/schemas/invoice.schema.json"
	root["title"] = "Invoice"
	root["description"] = "An invoice or credit note with the business terms of EN 16931-1:2017."
	root["$defs"] = b.definitions
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (b schemaBuilder) group(t reflect.Type, context string) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		tag := f.Tag.Get("term")
		s := b.value(f.Type, firstTerm(f, context))
		if text := description(tag); text != "" {
			s["description"] = text
		}
		properties[name] = s
		if options == "" {
			required = append(required, name)
		}
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// firstTerm is the term of a field, or the first of several.
func firstTerm(f reflect.StructField, context string) string {
	tag := f.Tag.Get("term")
	if !strings.Contains(tag, "=") {
		return resolveTerm(tag, context)
	}
	first, _, _ := strings.Cut(tag, ",")
	_, term, _ := strings.Cut(first, "=")
	return term
}

// description names the terms of a field, all of them where it serves several
// groups.
func description(tag string) string {
	var parts []string
	for pair := range strings.SplitSeq(tag, ",") {
		term := pair[strings.IndexByte(pair, '=')+1:]
		if name := TermName(term, "en"); name != "" {
			parts = append(parts, name+" ("+term+")")
		}
	}
	return strings.Join(parts, ", ")
}

func (b schemaBuilder) value(t reflect.Type, term string) object {
	switch t {
	case reflect.TypeFor[Decimal]():
		if strings.Contains(amountTerms, " "+term+" ") {
			return object{"$ref": "#/$defs/amount"}
		}
		return object{"$ref": "#/$defs/decimal"}
	case reflect.TypeFor[Date]():
		return object{"$ref": "#/$defs/date"}
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.value(t.Elem(), term)
	case reflect.Slice:
		return object{"type": "array", "items": b.value(t.Elem(), term)}
	case reflect.String:
		return b.text(term)
	default:
		name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
		if _, done := b.definitions[name]; !done {
			b.definitions[name] = object{} // a line may contain lines
			b.definitions[name] = b.group(t, term)
		}
		return object{"$ref": "#/$defs/" + name}
	}
}

func (b schemaBuilder) text(term string) object {
	s := object{"type": "string"}
	switch term {
	case "BT-5", "BT-6":
		s["pattern"] = "^[A-Z]{3}$"
	case "BT-40", "BT-159":
		s["pattern"] = "^[A-Z0-9]{2}$"
	case "BT-130", "BT-150":
		s["pattern"] = "^[A-Z0-9]{2,3}$"
	case "BT-95", "BT-118", "BT-151":
		s["enum"] = strings.Fields(vatCategories)
	}
	return s
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("invoice.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("invoice.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaAcceptsTheSamples(t *testing.T) {
	schema := compileSchema(t)
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 12 {
		t.Fatalf("only %d samples", len(files))
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		inv, err := ReadJSON(bytes.NewReader(src))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if found := CheckTotals(inv); len(found) > 0 {
			t.Errorf("%s: %v", file, found)
		}
		clone := inv.Clone()
		if err := Calculate(clone); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !reflect.DeepEqual(inv, clone) {
			t.Errorf("%s: calculating changed it", file)
		}
	}
}
