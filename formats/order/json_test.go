package order_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

const small = `{"number":"PO-1","currency":"EUR","lines":[{"id":"1","item":{"name":"Lamp"},"quantity":"3.50","price":{"net":12.345}}]}`

func TestReadJSON(t *testing.T) {
	o, err := order.ReadJSON(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	want := &order.Order{Number: "PO-1", Currency: "EUR", Lines: []order.Line{{
		ID: "1", Item: invoice.Item{Name: "Lamp"}, Quantity: invoice.MustDecimal("3.50"),
		Price: &invoice.Price{Net: invoice.MustDecimal("12.345")},
	}}}
	if diff := cmp.Diff(want, o, cmp.Comparer(sameText), cmp.Comparer(sameDate)); diff != "" {
		t.Error(diff)
	}
}

// sameText compares decimals with their scale: what was written must be kept.
func sameText(a, b invoice.Decimal) bool { return a.String() == b.String() }

func TestReadJSONRefuses(t *testing.T) {
	line := func(s string) string {
		return `{"number":"PO-1","currency":"EUR","lines":[{"id":"1","item":{"name":"Lamp"},"quantity":1` + s + `}]}`
	}
	tests := map[string]struct {
		src  string
		want []string // "path code", all of them
	}{
		"empty":            {``, []string{" json.syntax"}},
		"no object":        {`[]`, []string{" field.type"}},
		"cut":              {`{"number":`, []string{" json.syntax"}},
		"two documents":    {small + small, []string{" json.syntax"}},
		"comma":            {`{"number":"1",}`, []string{" json.syntax"}},
		"not UTF-8":        {"{\"number\":\"\xff\"}", []string{" json.syntax"}},
		"deep":             {strings.Repeat("[", 1000), []string{" field.too_deep"}},
		"duplicate key":    {`{"number":"1","number":"2","currency":"EUR","lines":[{"id":"1","quantity":1,"item":{"name":"x"}}]}`, []string{"number json.duplicate"}},
		"nothing":          {`{}`, []string{"currency field.missing", "lines field.missing", "number field.missing"}},
		"no line":          {`{"number":"1","currency":"EUR","lines":[]}`, []string{"lines list.length"}},
		"null":             {`{"number":null,"currency":"EUR","lines":[{"id":"1","quantity":1,"item":{"name":"x"}}]}`, []string{"number field.type"}},
		"unknown field":    {line(`,"colour":"red"`), []string{"lines[0].colour field.unknown"}},
		"other case":       {line(`,"Unit":"C62"`), []string{"lines[0].Unit field.unknown"}},
		"unknown unit":     {line(`,"unit":"QQQ"`), []string{"lines[0].unit unit.unknown"}},
		"unknown currency": {strings.Replace(small, "EUR", "EUX", 1), []string{"currency currency.unknown"}},
		"lower currency":   {strings.Replace(small, "EUR", "eur", 1), []string{"currency currency.unknown"}},
		"exponent":         {strings.Replace(small, "12.345", "1e3", 1), []string{"lines[0].price.net decimal.invalid"}},
		"huge exponent":    {strings.Replace(small, "12.345", "1e999999999", 1), []string{"lines[0].price.net decimal.invalid"}},
		"comma in number":  {strings.Replace(small, `"3.50"`, `"3,50"`, 1), []string{"lines[0].quantity decimal.invalid"}},
		"zero quantity":    {strings.Replace(small, `"3.50"`, `0`, 1), []string{"lines[0].quantity number.not_positive"}},
		"negative":         {strings.Replace(small, `"3.50"`, `-1`, 1), []string{"lines[0].quantity number.not_positive"}},
		"noisy quantity":   {strings.Replace(small, `"3.50"`, `0.30000000000000004`, 1), []string{"lines[0].quantity amount.decimals"}},
		"negative price":   {strings.Replace(small, `12.345`, `-12`, 1), []string{"lines[0].price.net number.negative"}},
		"decimals":         {line(`,"net_amount":"1.005"`), []string{"lines[0].net_amount amount.decimals"}},
		"number decimals":  {line(`,"net_amount":1.005`), []string{"lines[0].net_amount amount.decimals"}},
		"trailing zero":    {line(`,"net_amount":"1.500"`), []string{"lines[0].net_amount amount.decimals"}},
		"impossible date":  {strings.Replace(small, `"currency"`, `"issue_date":"2026-02-30","currency"`, 1), []string{"issue_date date.invalid"}},
		"French date":      {strings.Replace(small, `"currency"`, `"issue_date":"28/02/2026","currency"`, 1), []string{"issue_date date.invalid"}},
		"period":           {line(`,"period":{"start":"2026-02-02","end":"2026-02-01"}`), []string{"lines[0].period.end period.reversed"}},
		"VAT category":     {line(`,"vat":{"category":"X"}`), []string{"lines[0].vat.category vat.category"}},
		"VAT rate":         {line(`,"vat":{"category":"S","rate":-1}`), []string{"lines[0].vat.rate vat.rate_negative"}},
		"country":          {line(`,"item2":1`), []string{"lines[0].item2 field.unknown"}},
		"control":          {strings.Replace(small, "Lamp", `L\u0001`, 1), []string{"lines[0].item.name text.character"}},
		"blank number":     {strings.Replace(small, "PO-1", "  ", 1), []string{"number field.missing"}},
		"no item":          {strings.Replace(small, `{"name":"Lamp"}`, `{}`, 1), []string{"lines[0].item item.unidentified"}},
		"price base":       {strings.Replace(small, `"net":12.345`, `"net":1,"base_quantity":0`, 1), []string{"lines[0].price.base_quantity price.base_quantity"}},
		"price units":      {line(`,"unit":"KGM","price":{"net":1,"base_quantity":1,"base_unit":"C62"}`), []string{"lines[0].price.base_unit unit.mismatch"}},
		"price discount":   {line(`,"price":{"net":9,"gross":10,"discount":2}`), []string{"lines[0].price.net price.discount"}},
		"base64":           {strings.Replace(small, `"currency"`, `"attachments":[{"reference":"1","attachment":{"content":"!","mime_code":"text/csv","filename":"a"}}],"currency"`, 1), []string{"attachments[0].attachment.content base64.invalid"}},
		"negative charge":  {strings.Replace(small, `"currency"`, `"charges":[{"amount":"-1.00"}],"currency"`, 1), []string{"charges[0].amount number.negative"}},
		"kind":             {strings.Replace(small, `"currency"`, `"kind":"refund","billing":"later","currency"`, 1), []string{"billing field.value", "kind field.value"}},
		"control in id":    {strings.Replace(small, "PO-1", `P\u0001`, 1), []string{"number text.character"}},
		"same line twice": {
			`{"number":"1","currency":"EUR","lines":[{"id":"1","quantity":1,"item":{"name":"x"}},{"id":"1","quantity":1,"item":{"name":"y"}}]}`,
			[]string{"lines[1].id line.duplicate"},
		},
		"several": {
			`{"number":"1","currency":"XXY","issue_date":"2026-13-01","buyer":{"address":{"country":"ZZ"}},"lines":[{"id":"1","quantity":"1.0.0","unit":"??","item":{"name":"x"},"extra":1}]}`,
			[]string{
				"buyer.address.country country.unknown", "currency currency.unknown", "issue_date date.invalid",
				"lines[0].extra field.unknown", "lines[0].quantity decimal.invalid", "lines[0].unit unit.unknown",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := order.ReadJSON(strings.NewReader(tt.src))
			if o != nil {
				t.Error("an order came back")
			}
			if diff := cmp.Diff(tt.want, codes(t, err)); diff != "" {
				t.Errorf("%s\n%v", diff, err)
			}
		})
	}
}

func codes(t *testing.T, err error) []string {
	t.Helper()
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) {
		t.Fatalf("error %v (%T) is no FieldErrors", err, err)
	}
	var list []string
	for _, f := range fields {
		list = append(list, f.Path+" "+f.Code)
		if f.Message == "" {
			t.Errorf("%s %s has no message", f.Path, f.Code)
		}
	}
	return list
}

func TestReadJSONNamesLineAndColumn(t *testing.T) {
	_, err := order.ReadJSON(strings.NewReader("{\n  \"number\": \"é\", x"))
	if err == nil || !strings.Contains(err.Error(), "line 2, column 18") {
		t.Errorf("got %v", err)
	}
}

func TestReadJSONListsSomeOfVeryMany(t *testing.T) {
	lines := strings.Repeat(`{"id":"","item":{},"quantity":0},`, 500)
	_, err := order.ReadJSON(strings.NewReader(`{"number":"1","currency":"EUR","lines":[` + lines[:len(lines)-1] + `]}`))
	if got := codes(t, err); len(got) != 101 || got[100] != " field.too_many_errors" {
		t.Errorf("%d problems, the last %q", len(got), got[len(got)-1])
	}
}

func TestReadJSONBounds(t *testing.T) {
	large := strings.NewReader(strings.Repeat(" ", order.MaxJSONBytes+1))
	if _, err := order.ReadJSON(large); !slices.Equal(codes(t, err), []string{" json.too_large"}) {
		t.Errorf("got %v", err)
	}
	many := strings.NewReader("[" + strings.Repeat("1,", order.MaxJSONValues) + "1]")
	if _, err := order.ReadJSON(many); !slices.Equal(codes(t, err), []string{" json.too_large"}) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken pipe")
	if _, err := order.ReadJSON(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadDeliveryJSON(t *testing.T) {
	src := `{"id":"BL-7","order_number":"PO-1","date":"2026-03-04","lines":[{"id":"1","order_line":"2","quantity":0,"unit":"C62","outstanding":4}]}`
	d, err := order.ReadDeliveryJSON(strings.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "BL-7" || d.Date.String() != "2026-03-04" || d.Lines[0].OrderLine != "2" ||
		d.Lines[0].Outstanding.String() != "4" || d.OrderOf(&d.Lines[0]) != "PO-1" {
		t.Errorf("got %+v", d)
	}
	bad := `{"id":"","lines":[{"id":"1","quantity":-2,"unit":"??"},{"id":"1","order_line":"1","quantity":1}],"x":1}`
	_, err = order.ReadDeliveryJSON(strings.NewReader(bad))
	want := []string{
		"id field.missing", "lines[0].order_line field.missing", "lines[0].quantity number.negative",
		"lines[0].unit unit.unknown", "lines[1].id line.duplicate", "x field.unknown",
	}
	if diff := cmp.Diff(want, codes(t, err)); diff != "" {
		t.Error(diff)
	}
}

// The schema and the Go types have the same fields, in both directions.
func TestSchemaMatchesTypes(t *testing.T) {
	for _, tt := range []struct {
		schema []byte
		typ    reflect.Type
	}{
		{order.Schema(), reflect.TypeFor[order.Order]()},
		{order.DeliverySchema(), reflect.TypeFor[order.Delivery]()},
	} {
		var doc map[string]any
		if err := json.Unmarshal(tt.schema, &doc); err != nil {
			t.Fatal(err)
		}
		defs, _ := doc["$defs"].(map[string]any)
		compareFields(t, tt.typ.Name(), doc, defs, tt.typ)
	}
}

func compareFields(t *testing.T, path string, schema, defs map[string]any, typ reflect.Type) {
	t.Helper()
	for {
		if ref, ok := schema["$ref"].(string); ok {
			schema, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		} else if items, ok := schema["items"].(map[string]any); ok {
			schema = items
		} else {
			break
		}
	}
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	properties, isObject := schema["properties"].(map[string]any)
	if !isObject {
		return
	}
	if schema["additionalProperties"] != false {
		t.Errorf("%s lets unknown fields pass", path)
	}
	var inSchema, inType []string
	for name := range properties {
		inSchema = append(inSchema, name)
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		inType = append(inType, name)
		if property, ok := properties[name].(map[string]any); ok {
			compareFields(t, path+"."+name, property, defs, typ.Field(i).Type)
		}
	}
	slices.Sort(inSchema)
	slices.Sort(inType)
	if diff := cmp.Diff(inType, inSchema); diff != "" {
		t.Errorf("%s: Go type (-) and schema (+) differ\n%s", path, diff)
	}
}

// What encoding/json writes of an order is what ReadJSON reads.
func TestJSONRoundTrip(t *testing.T) {
	for _, file := range examples(t) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o, err := order.ReadJSON(strings.NewReader(string(src)))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		o2, err := order.ReadJSON(strings.NewReader(string(again)))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(o, o2, cmp.Comparer(sameText), cmp.Comparer(sameDate)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func sameDate(a, b invoice.Date) bool { return a == b }

// The published schema stands alone: any validator can judge our examples by it.
func TestExamplesFollowSchema(t *testing.T) {
	for _, tt := range []struct {
		schema []byte
		files  []string
	}{
		{order.Schema(), examples(t)},
		{order.DeliverySchema(), deliveries(t)},
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(tt.schema)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("s.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("s.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range tt.files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func examples(t testing.TB) []string   { return glob(t, "*.order.json") }
func deliveries(t testing.TB) []string { return glob(t, "*.delivery*.json") }

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "orders", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples %s: %v", pattern, err)
	}
	return files
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(small))
	for _, file := range examples(f) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		o, err := order.ReadJSON(strings.NewReader(string(src)))
		if err != nil {
			var fields invoice.FieldErrors
			if !errors.As(err, &fields) || len(fields) == 0 {
				t.Fatalf("error %v names no field", err)
			}
			return
		}
		if err := o.Check(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := order.ReadJSON(strings.NewReader(string(again))); err != nil {
			t.Fatalf("our own JSON is refused: %v\n%s", err, again)
		}
	})
}

func ExampleReadJSON() {
	o, err := order.ReadJSON(strings.NewReader(`{"number":"PO-7","currency":"EURO","lines":[]}`))
	fmt.Println(o, err)
	// Output: <nil> currency: unknown currency "EURO"; lines: an order has at least one line
}
