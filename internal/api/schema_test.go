package api

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/validation"
)

// object is a part of the description.
type object = map[string]any

// schemas turns the types of what is sent and answered into JSON Schemas, and the
// comments of their fields into descriptions.
type schemas struct {
	components object
	types      map[string]reflect.Type // of the components
	comments   map[string]string       // "gateway.Order.Body" → its comment
}

// names are the names of components that differ from the types'.
var names = map[reflect.Type]string{
	reflect.TypeFor[invoiceView]():         "Invoice",
	reflect.TypeFor[gateway.Invoice]():     "NewInvoice",
	reflect.TypeFor[listedInvoice]():       "ListedInvoice",
	reflect.TypeFor[listedOrder]():         "ListedOrder",
	reflect.TypeFor[listedInbound]():       "ListedInbound",
	reflect.TypeFor[deliveryView]():        "DeliveryWithTries",
	reflect.TypeFor[seriesView]():          "NumberSeries",
	reflect.TypeFor[webhookView]():         "NewWebhookWithSecret",
	reflect.TypeFor[newWebhook]():          "NewWebhook",
	reflect.TypeFor[row]():                 "Row",
	reflect.TypeFor[link]():                "PortalLink",
	reflect.TypeFor[problem]():             "Problem",
	reflect.TypeFor[timeline]():            "Timeline",
	reflect.TypeFor[eventList]():           "Events",
	reflect.TypeFor[cancellation]():        "Cancellation",
	reflect.TypeFor[resolution]():          "Resolution",
	reflect.TypeFor[verdict]():             "Answer",
	reflect.TypeFor[billing.Route]():       "CustomerRoute",
	reflect.TypeFor[answer.Detail]():       "AnswerDetail",
	reflect.TypeFor[validation.Identity](): "DocumentIdentity",
	reflect.TypeFor[transport.Endpoint]():  "Endpoint",
}

// enums are the values of types that have a few.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[gateway.InvoiceState]():  values(gateway.InvoiceStates),
	reflect.TypeFor[gateway.DeliveryState](): values(gateway.DeliveryStates),
	reflect.TypeFor[gateway.InboundState]():  values(gateway.InboundStates),
	reflect.TypeFor[gateway.OrderState]():    values(orderStates),
	reflect.TypeFor[gateway.EventType]():     values(eventTypes),
	reflect.TypeFor[gateway.Grade]():         {0, 1, 2, 3, 4},
	reflect.TypeFor[answer.Decision]():       values([]answer.Decision{answer.InProcess, answer.Approve, answer.Dispute, answer.Refuse}),
	reflect.TypeFor[access.Role]():           values(access.Roles()),
	reflect.TypeFor[validation.Severity]():   values([]validation.Severity{validation.SeverityFatal, validation.SeverityError, validation.SeverityWarning, validation.SeverityInfo}),
}

func values[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// contents are the fields that hold JSON of a known form.
func (s *schemas) contents(field string) any {
	switch field {
	case "gateway.Order.Body":
		return object{"$ref": "/schemas/order.json"}
	case "gateway.OrderDelivery.Body":
		return object{"$ref": "/schemas/delivery.json"}
	case "gateway.Invoice.Model", "gateway.Inbound.Model":
		return object{"$ref": "/schemas/invoice.json"}
	case "gateway.Order.Remainder":
		return s.of(reflect.TypeFor[billing.Remainder]())
	case "gateway.Invoice.HoldDetail":
		return s.of(reflect.TypeFor[outbound.Hold]())
	case "gateway.Invoice.Sources":
		return s.of(reflect.TypeFor[outbound.Origin]())
	case "gateway.Invoice.Override":
		return s.of(reflect.TypeFor[outbound.Override]())
	case "gateway.Inbound.AnswerDetail":
		return s.of(reflect.TypeFor[answer.Detail]())
	case "gateway.Route.Options":
		return s.of(reflect.TypeFor[transport.Endpoint]())
	case "gateway.VerdictRecord.Result", "outbound.Hold.Result":
		return s.result()
	case "gateway.Record.Body":
		return object{"type": "object"}
	}
	return nil
}

// result is a validation.Result, which writes itself.
func (s *schemas) result() any {
	s.components["ValidationResult"] = object{
		"type": "object", "description": "What `facteur validate --format json` writes of one document.",
		"required": []string{"file", "sha256", "document", "valid", "duration_ms", "verdicts"},
		"properties": object{
			"file": object{"type": "string"}, "sha256": object{"type": "string"}, "document": s.of(reflect.TypeFor[validation.Identity]()),
			"valid": object{"type": "boolean"}, "duration_ms": object{"type": "number"}, "verdicts": object{"type": "array"},
		},
	}
	return object{"$ref": "#/components/schemas/ValidationResult"}
}

// of gives the schema of a type; structs become components.
func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[invoice.Decimal]():
		return object{"type": []string{"string", "number"}, "description": "A decimal number; answers have it as a string."}
	case reflect.TypeFor[invoice.Date]():
		return object{"type": "string", "format": "date"}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": s.of(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return withEnum(object{"type": "string"}, t)
	case reflect.Int, reflect.Int64:
		return withEnum(object{"type": "integer"}, t)
	case reflect.Struct:
		return s.component(t)
	}
	panic("no schema for " + t.String())
}

func withEnum(o object, t reflect.Type) object {
	if known := enums[t]; known != nil {
		o["enum"] = known
	}
	return o
}

func (s *schemas) component(t reflect.Type) object {
	if t.Name() == "" {
		return s.structure(t)
	}
	name := names[t]
	if name == "" {
		name = t.Name()
	}
	if strings.HasPrefix(t.Name(), "List[") || strings.HasPrefix(t.Name(), "Record[") {
		return s.structure(t)
	}
	if s.types[name] != nil && s.types[name] != t {
		panic("two types are called " + name)
	}
	if s.components[name] == nil {
		s.types[name], s.components[name] = t, object{} // it may contain itself
		s.components[name] = s.structure(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// structure describes the fields of a struct as encoding/json writes them.
func (s *schemas) structure(t reflect.Type) object {
	properties := object{}
	required := []string{}
	var fields func(t reflect.Type, hidden map[string]bool)
	fields = func(t reflect.Type, hidden map[string]bool) {
		own := map[string]bool{}
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
				own[name] = true
			}
		}
		for i := range t.NumField() {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			name, options, _ := strings.Cut(tag, ",")
			if f.Anonymous && tag == "" {
				below := map[string]bool{}
				for n := range hidden {
					below[n] = true
				}
				for n := range own {
					below[n] = true
				}
				fields(f.Type, below)
				continue
			}
			if name == "-" || hidden[name] || f.Type == reflect.TypeFor[omitted]() {
				continue
			}
			if name == "" {
				panic(t.String() + "." + f.Name + " has no name in JSON")
			}
			key := strings.TrimPrefix(t.String(), "*") + "." + f.Name
			schema, _ := s.contents(key).(object)
			if schema == nil {
				schema = s.of(f.Type)
			}
			properties[name] = s.commented(schema, key)
			if options == "" {
				required = append(required, name)
			}
		}
	}
	fields(t, nil)
	o := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	if text := s.comments[t.String()]; text != "" {
		o["description"] = text
	}
	return o
}

// commented adds a field's comment.
func (s *schemas) commented(schema object, key string) object {
	text := s.comments[key]
	if text == "" {
		return schema
	}
	out := object{"description": text}
	for k, v := range schema {
		if k != "description" {
			out[k] = v
		}
	}
	return out
}

// comments reads the comments of types and their fields.
func comments(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range folders {
		paths, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				general, ok := d.(*ast.GenDecl)
				if !ok || general.Tok != token.TYPE {
					continue
				}
				for _, spec := range general.Specs {
					typeComments(found, file.Name.Name, general, spec.(*ast.TypeSpec))
				}
			}
		}
	}
	return found
}

func typeComments(found map[string]string, pkg string, general *ast.GenDecl, spec *ast.TypeSpec) {
	name := pkg + "." + spec.Name.Name
	text := general.Doc.Text()
	if spec.Doc != nil {
		text = spec.Doc.Text()
	}
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	if text != "" {
		found[name] = sentence(text)
	}
	for _, f := range structure.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, n := range f.Names {
			if text != "" {
				found[name+"."+n.Name] = sentence(text)
			}
		}
	}
}

// sentence is a comment on one line, without the marks of links.
func sentence(text string) string {
	return strings.NewReplacer("[", "", "]", "").Replace(strings.Join(strings.Fields(text), " "))
}
