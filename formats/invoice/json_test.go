package invoice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample is the goods sample with one text replaced by another.
func sample(t testing.TB, old, new string) string {
	t.Helper()
	src, err := os.ReadFile("testdata/goods.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(src), old) < 1 {
		t.Fatalf("the sample has no %s", old)
	}
	return strings.Replace(string(src), old, new, 1)
}

func TestReadJSONRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		src              string
		path, code, term string
		schemaAccepts    bool // what a JSON Schema cannot express
	}{
		"unknown field":      {sample(t, `"number"`, `"invoice_no": "1", "number"`), "invoice_no", CodeFieldUnknown, "", false},
		"unknown deep field": {sample(t, `"net": "24.90"`, `"net": "24.90", "vat": {"a": [1]}`), "lines[0].price.vat", CodeFieldUnknown, "", false},
		"case of a field":    {sample(t, `"number"`, `"Number"`), "Number", CodeFieldUnknown, "", false},
		"repeated field":     {sample(t, `"number"`, `"number": "A", "number"`), "number", CodeJSONDuplicate, "", true},
		"missing amount":     {sample(t, `"net_amount": "298.80",`, ``), "lines[0].net_amount", CodeFieldMissing, "BT-131", false},
		"missing totals":     {`{"number":"1"}`, "totals", CodeFieldMissing, "BG-22", false},
		"wrong type":         {sample(t, `"F-2026-1042"`, `1042`), "number", CodeFieldType, "BT-1", false},
		"null":               {sample(t, `"F-2026-1042"`, `null`), "number", CodeFieldType, "BT-1", false},
		"object for array":   {sample(t, `"notes": [`, `"notes": {}, "lines": [`), "notes", CodeFieldType, "BG-1", false},
		"array for object":   {sample(t, `"seller": {`, `"seller": [], "buyer": {`), "seller", CodeFieldType, "BG-4", false},
		"boolean amount":     {sample(t, `"net": "24.90"`, `"net": true`), "lines[0].price.net", CodeFieldType, "BT-146", false},
		"not a number":       {sample(t, `"net": "24.90"`, `"net": "24,90"`), "lines[0].price.net", CodeDecimalInvalid, "BT-146", false},
		"exponent":           {sample(t, `"net": "24.90"`, `"net": 1e1`), "lines[0].price.net", CodeDecimalInvalid, "BT-146", true},
		"long number":        {sample(t, `"net": "24.90"`, `"net": "`+strings.Repeat("1", 101)+`"`), "lines[0].price.net", CodeDecimalInvalid, "BT-146", true},
		"many decimals":      {sample(t, `"net_amount": "298.80"`, `"net_amount": "298.805"`), "lines[0].net_amount", CodeDecimals, "BT-131", false},
		"decimals in number": {sample(t, `"net_amount": "298.80"`, `"net_amount": 298.805`), "lines[0].net_amount", CodeDecimals, "BT-131", false},
		"impossible date":    {sample(t, `"2026-11-16"`, `"2026-11-31"`), "issue_date", CodeDateInvalid, "BT-2", false},
		"date and time":      {sample(t, `"2026-11-16"`, `"2026-11-16T00:00:00Z"`), "issue_date", CodeDateInvalid, "BT-2", false},
		"currency":           {sample(t, `"EUR"`, `"EUX"`), "currency", CodeCurrencyUnknown, "BT-5", true},
		"unit":               {sample(t, `"H87"`, `"PCE"`), "lines[0].unit", CodeUnitUnknown, "BT-130", true},
		"country":            {sample(t, `"country": "FR"`, `"country": "UK"`), "seller.address.country", CodeCountryUnknown, "BT-40", true},
		"VAT category":       {sample(t, `"category": "S"`, `"category": "T"`), "vat_breakdown[0].category", CodeVATCategory, "BT-118", false},
		"control character":  {sample(t, `"Zoé Müller"`, `"Zoé\u0000"`), "seller.contact.name", CodeTextCharacter, "BT-41", true},
		"base64":             {sample(t, `"number"`, `"supporting_documents": [{"reference": "A", "attachment": {"content": "a$"}}], "number"`), "supporting_documents[0].attachment.content", CodeBase64Invalid, "BT-125", true},
		"empty":              {``, "", CodeJSONSyntax, "", false},
		"cut off":            {`{"number": "1"`, "", CodeJSONSyntax, "", false},
		"trailing data":      {sample(t, `{`, `{`) + `{}`, "", CodeJSONSyntax, "", false},
		"not UTF-8":          {sample(t, `"Zoé Müller"`, "\"Zo\xe9\""), "seller.contact.name", CodeJSONSyntax, "", true},
		"sub-lines":          {sample(t, `"id": "1",`, strings.Repeat(`"extensions":{"sub_lines":[{`, 20)+strings.Repeat(`}]}`, 20)+","), "", CodeTooDeep, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			inv, err := ReadJSON(strings.NewReader(c.src))
			var problems FieldErrors
			if inv != nil || !errors.As(err, &problems) {
				t.Fatalf("got %v, %v", inv, err)
			}
			found := false
			for _, p := range problems {
				found = found || p.Code == c.code && (p.Path == c.path || c.code == CodeTooDeep) && (p.Term == c.term || c.term == "")
			}
			if !found {
				t.Errorf("got %v, want %s at %q", problems, c.code, c.path)
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(c.src))
			if err == nil {
				err = compileSchema(t).Validate(value)
			}
			if (err == nil) != c.schemaAccepts {
				t.Errorf("the schema says: %v", err)
			}
		})
	}
}

// TestReadJSONListsEverything expects all problems of a document at once.
func TestReadJSONListsEverything(t *testing.T) {
	src := `{"number": 1, "currency": "EUX", "issue_date": "2026-02-30", "x": [{}],
		"totals": {"line_net": "1.234", "without_vat": "a", "with_vat": "1"},
		"lines": [{"id": "1", "quantity": "1", "unit": "??", "net_amount": "1", "price": {}}]}`
	_, err := ReadJSON(strings.NewReader(src))
	var problems FieldErrors
	errors.As(err, &problems)
	var got []string
	for _, p := range problems {
		got = append(got, p.Path+" "+p.Code)
	}
	want := []string{
		"number " + CodeFieldType, "currency " + CodeCurrencyUnknown, "issue_date " + CodeDateInvalid, "x " + CodeFieldUnknown,
		"totals.line_net " + CodeDecimals, "totals.without_vat " + CodeDecimalInvalid, "totals.amount_due " + CodeFieldMissing,
		"lines[0].unit " + CodeUnitUnknown, "lines[0].price.net " + CodeFieldMissing,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReadJSONStopsAtManyProblems(t *testing.T) {
	var src strings.Builder
	src.WriteString("{")
	for i := range 1000 {
		fmt.Fprintf(&src, `"x%d":1,`, i)
	}
	src.WriteString(`"number":"1"}`)
	_, err := ReadJSON(strings.NewReader(src.String()))
	var problems FieldErrors
	if !errors.As(err, &problems) || len(problems) != maxFieldErrors+1 || problems[maxFieldErrors].Code != CodeTooManyErrors {
		t.Errorf("%d problems", len(problems))
	}
}

func TestReadJSONSyntaxErrorHasAPlace(t *testing.T) {
	_, err := ReadJSON(strings.NewReader("{\n  \"number\": \"1\",\n  \"currency\" \"EUR\"\n}"))
	var problems FieldErrors
	if !errors.As(err, &problems) || !strings.HasPrefix(problems[0].Message, "line 3, column ") {
		t.Errorf("got %v", err)
	}
}

func TestReadJSONLimitsSizeAndDepth(t *testing.T) {
	var problems FieldErrors
	_, err := ReadJSON(io.MultiReader(strings.NewReader(`{"number":"`), zeros{}))
	if !errors.As(err, &problems) || problems[0].Code != CodeJSONTooLarge {
		t.Errorf("an endless document: %v", err)
	}
	many := `{"payment":{"credit_transfers":[` + strings.Repeat("{},", maxItems+1)
	if _, err := ReadJSON(strings.NewReader(many)); !errors.As(err, &problems) || problems[0].Code != CodeTooManyItems {
		t.Errorf("an array without end: %v", err)
	}
	deep := `{"x":` + strings.Repeat("[", 1_000_000)
	if _, err := ReadJSON(strings.NewReader(deep)); !errors.As(err, &problems) {
		t.Errorf("a deep document: %v", err)
	}
	if _, err := ReadJSON(failing{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzReadJSON(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 12 {
		f.Fatalf("only %d seeds", len(files))
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(`{"totals":{"line_net":"1.234"}}`))
	schema := compileSchema(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		inv, err := ReadJSON(bytes.NewReader(src))
		var problems FieldErrors
		if err != nil {
			if inv != nil || !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%v, %v", inv, err)
			}
			return
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatalf("read, although it is not JSON: %v", err)
		}
		if err := schema.Validate(value); err != nil {
			t.Fatalf("read, although the schema refuses it: %v", err)
		}
		out, err := json.Marshal(inv)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("what was read is refused when written: %v\n%s", err, out)
		}
		if second, _ := json.Marshal(again); !bytes.Equal(out, second) {
			t.Fatalf("written twice:\n%s\n%s", out, second)
		}
	})
}
