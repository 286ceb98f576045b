package requirements

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/validation"
)

// TestCompileRefuses gives the paths and codes of what is wrong.
func TestCompileRefuses(t *testing.T) {
	rule := func(fields string) string {
		return `{"name":"x","rules":[{"id":"R","require":"true","message":{"en":"m"}` + fields + `}]}`
	}
	for _, tc := range []struct {
		name, profile string
		want          []string
	}{
		{"nothing", ``, []string{"yaml.syntax"}},
		{"no object", `[]`, []string{"field.type"}},
		{"a text", `hello`, []string{"field.type"}},
		{"cut off", `{"name":"x"`, []string{"json.syntax"}},
		{"more after it", `{"name":"x"} {}`, []string{"json.syntax"}},
		{"bad UTF-8", "{\"name\":\"\xff\"}", []string{"name json.syntax"}},
		{"bad UTF-8 in YAML", "name: \xff", []string{"yaml.syntax"}},
		{"twice", `{"name":"x","rules":[{"id":"a","id":"b"}]}`, []string{"rules[0].id json.duplicate"}},
		{"too large", `{"name":"` + strings.Repeat("x", MaxBytes) + `"}`, []string{"json.too_large"}},
		{"too deep", strings.Repeat(`{"a":`, 20_000), []string{strings.Repeat("a.", 100) + "… json.syntax"}},
		{"no name", `{}`, []string{"name field.missing"}},
		{"empty name", `{"name":" "}`, []string{"name field.missing"}},
		{"null", `{"name":null,"rules":null}`, []string{"name field.type", "rules field.type"}},
		{"unknown", `{"name":"x","Rules":[],"field":{},"payment":{"days":1}}`, []string{"payment.days field.unknown", "Rules field.unknown", "field field.unknown"}},
		{
			"types", `{"name":1,"fields":{"order_reference":{"required":"yes","schemes":"0088"}},"max_document_bytes":1.5,"total_limit":{"amount":true},"rules":{},"syntaxes":[1]}`,
			[]string{
				"name field.type", "fields.order_reference.required field.type", "fields.order_reference.schemes field.type", "syntaxes[0] field.type",
				"max_document_bytes field.type", "total_limit.amount field.type", "total_limit.currency field.missing", "rules field.type",
			},
		},
		{"number too large", `{"name":"x","payment":{"min_due_days":99999999999999999999}}`, []string{"payment.min_due_days field.type"}},
		{"decimals", `{"name":"x","total_limit":{"amount":1e3,"currency":"EUR"}}`, []string{"total_limit.amount decimal.invalid"}},
		{"preset", `{"name":"x","extends":"nothing"}`, []string{"extends field.value"}},
		{"preset by path", `{"name":"x","extends":"../presets/peppol"}`, []string{"extends field.value"}},
		{"field", `{"name":"x","fields":{"order_number":{}},"require_any":[["order_reference"],["buyer_reference","x"]]}`, []string{
			"require_any[0] field.value", "require_any[1][1] field.unknown", "fields.order_number field.unknown",
		}},
		{"pattern", `{"name":"x","fields":{"order_reference":{"pattern":"("},"buyer_reference":{"pattern":"a)(?:b"}}}`, []string{
			"fields.buyer_reference.pattern pattern.invalid", "fields.order_reference.pattern pattern.invalid",
		}},
		{"no RE2", `{"name":"x","fields":{"order_reference":{"pattern":"(?=a)a"}}}`, []string{"fields.order_reference.pattern pattern.invalid"}},
		{"long pattern", `{"name":"x","fields":{"order_reference":{"pattern":"` + strings.Repeat("a", maxPattern+1) + `"}}}`, []string{"fields.order_reference.pattern pattern.invalid"}},
		{"huge pattern", `{"name":"x","fields":{"order_reference":{"pattern":"((a{100}){100}){100}"}}}`, []string{"fields.order_reference.pattern pattern.invalid"}},
		{"sample", `{"name":"x","fields":{"order_reference":{"pattern":"[0-9]+","sample":"A1"},"buyer_reference":{"check":"gln","sample":"1"}}}`, []string{
			"fields.buyer_reference.sample field.value", "fields.order_reference.sample field.value",
		}},
		{"check", `{"name":"x","fields":{"order_reference":{"check":"iban"}}}`, []string{"fields.order_reference.check field.value"}},
		{"scheme of a text", `{"name":"x","fields":{"order_reference":{"schemes":["0088"]}}}`, []string{"fields.order_reference.schemes field.value"}},
		{"values", `{"name":"x","syntaxes":["UBL"],"currencies":["EURO"],"max_document_bytes":-1,"total_limit":{"amount":"1","currency":"€"},"payment":{"min_due_days":2,"max_due_days":1}}`, []string{
			"syntaxes[0] field.value", "currencies[0] currency.unknown", "max_document_bytes field.value", "total_limit.currency currency.unknown", "payment.max_due_days field.value",
		}},
		{"tolerances", `{"name":"x","against_order":{"price":{"absolute":"-1"},"quantity":{"percent":"-0.1"}}}`, []string{
			"against_order.price.absolute field.value", "against_order.quantity.percent field.value",
		}},
		{"attachments", `{"name":"x","attachments":{"required":[{"name":"","description":"(","filename":"[","max_bytes":-1,"count":-1},{}],"max_count":-1,"max_bytes":-1,"max_total_bytes":-1}}`, []string{
			"attachments.required[1].name field.missing",
		}},
		{"attachments", `{"name":"x","attachments":{"required":[{"name":"","description":"(","filename":"[","max_bytes":-1,"count":-1}],"max_count":-1,"max_bytes":-1,"max_total_bytes":-1}}`, []string{
			"attachments.max_count field.value", "attachments.max_bytes field.value", "attachments.max_total_bytes field.value", "attachments.required[0].name field.missing",
			"attachments.required[0].max_bytes field.value", "attachments.required[0].count field.value",
			"attachments.required[0].description pattern.invalid", "attachments.required[0].filename pattern.invalid",
		}},
		{"rule without anything", `{"name":"x","rules":[{}]}`, []string{"rules[0].id field.missing", "rules[0].require field.missing", "rules[0].message field.missing"}},
		{"rule ids", `{"name":"x","rules":[{"id":"1","require":"true","message":{"en":"m"}},{"id":"currency","require":"true","message":{"en":"m"}},{"id":"1","require":"true","message":{"en":"m"}}]}`, []string{
			"rules[0].id field.value", "rules[1].id field.value", "rules[2].id field.value", "rules[2].id field.value",
		}},
		{"severity", rule(`,"severity":"bad"`), []string{"rules[0].severity field.value"}},
		{"message", `{"name":"x","rules":[{"id":"R","require":"true","message":{}}]}`, []string{"rules[0].message field.missing"}},
		{"terms", rule(`,"business_terms":["BT-1","BT-4","x"]`), []string{"rules[0].business_terms[1] field.value", "rules[0].business_terms[2] field.value"}},
		{"location", rule(`,"location":"lines[0].price"`), []string{"rules[0].location field.value"}},
		{"location inside a list", rule(`,"location":"lines.price"`), []string{"rules[0].location field.value"}},
		{"lines in lines", rule(`,"location":"lines[*].lines[*]"`), []string{"rules[0].location field.value"}},
		{"hidden location", rule(`,"location":"issue_date."`), []string{"rules[0].location field.value"}},
		{"expression", `{"name":"x","rules":[{"id":"R","require":"tru","message":{"en":"m"}}]}`, []string{"rules[0].require rule.invalid"}},
		{"too many rules", `{"name":"x","rules":[` + strings.TrimSuffix(strings.Repeat(`{"id":"R","require":"true","message":{"en":"m"}},`, 3), ",") + `]}`, []string{
			"rules[1].id field.value", "rules[2].id field.value",
		}},
		{"example", `{"name":"x","examples":[{"name":"a","invoice":{},"expect":"maybe"},{"name":"b"}]}`, []string{
			"examples[1].invoice field.missing", "examples[1].expect field.missing",
		}},
		{"examples", `{"name":"x","examples":[{"name":"a","invoice":{},"expect":"maybe"},{"name":"b","invoice":{"x":1},"expect":"pass","at":"2026-13-01","billed_before":{"1":"x"}}]}`, []string{
			"examples[1].billed_before.1 decimal.invalid", "examples[1].at date.invalid",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Compile([]byte(tc.profile))
			if got := fieldErrors(err); c != nil || !slices.Equal(got, tc.want) {
				t.Errorf("%v\n got %q\nwant %q", err, got, tc.want)
			}
		})
	}
}

func TestManyProblemsAreCut(t *testing.T) {
	var many []string
	for i := range 3 * maxErrors {
		many = append(many, fmt.Sprintf(`"f%d":1`, i))
	}
	_, err := Compile([]byte(`{"name":"x",` + strings.Join(many, ",") + `}`))
	got := fieldErrors(err)
	if len(got) != maxErrors+1 || got[maxErrors] != invoice.CodeTooManyErrors {
		t.Errorf("%d problems, the last %q", len(got), got[len(got)-1])
	}
}

func TestLimitsOnCounts(t *testing.T) {
	var rules, examples []string
	for i := range maxRules + 1 {
		rules = append(rules, fmt.Sprintf(`{"id":"R%d","require":"true","message":{"en":"m"}}`, i))
	}
	for range maxExamples + 1 {
		examples = append(examples, `{"name":"x","invoice":{},"expect":"pass"}`)
	}
	_, err := Compile([]byte(`{"name":"x","rules":[` + strings.Join(rules, ",") + `],"examples":[` + strings.Join(examples, ",") + `]}`))
	if got := fieldErrors(err); !slices.Equal(got, []string{"rules field.value", "examples field.value"}) {
		t.Errorf("%q", got)
	}
}

// TestYAMLIsTheSame: a profile says the same in YAML and in JSON.
func TestYAMLIsTheSame(t *testing.T) {
	y := mustCompile(t, `# A comment.
name: "Hôpital"
max_document_bytes: 1000
total_limit: {amount: 12345678901234567890.10, currency: EUR}
fields:
  order_reference:
    required: true
    pattern: '[0-9]+'
rules:
  - id: R-1
    require: |
      invoice.number != "" &&
      invoice.currency == "EUR"
    message: {en: 'no: never', fr: jamais}
`)
	j := mustCompile(t, `{"name":"Hôpital","max_document_bytes":1000,"total_limit":{"amount":"12345678901234567890.10","currency":"EUR"},
		"fields":{"order_reference":{"pattern":"[0-9]+","required":true}},
		"rules":[{"message":{"en":"no: never","fr":"jamais"},"id":"R-1","require":"invoice.number != \"\" &&\ninvoice.currency == \"EUR\"\n"}]}`)
	if !reflect.DeepEqual(y.profile, j.profile) || y.RuleSet() != j.RuleSet() {
		t.Errorf("YAML %+v\nJSON %+v", y.profile, j.profile)
	}
}

func TestYAMLRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"anchor":      "name: &a x\ndescription: *a\n",
		"merge":       "<<: {name: x}\n",
		"tag":         "name: !!str x\n",
		"documents":   "name: x\n---\nname: y\n",
		"tab":         "\tname: x\n",
		"twice":       "name: x\nname: y\n",
		"brackets":    "name: " + strings.Repeat("[", 1000),
		"over lines":  strings.Repeat("[ # ]\n", 20_000),
		"dashes":      strings.Repeat("- ", 10_000) + "x",
		"empty items": strings.Repeat("-\n", 20_000),
		"tags":        strings.Repeat("!a ", 20_000),
		"infinity":    "total_limit: {amount: .inf, currency: EUR}\n",
		"too long":    "name: " + strings.Repeat("x", MaxYAMLBytes),
	} {
		_, err := Compile([]byte(text))
		if got := fieldErrors(err); len(got) != 1 || !strings.HasSuffix(got[0], CodeYAML) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is YAML but not the type that the profile wants keeps its path.
	_, err := Compile([]byte("name: yes\nmax_document_bytes: 0x10\ntotal_limit: {amount: 1e3, currency: EUR}\nfields: {order_reference: {required: yes}}\nrules: ~\n"))
	want := []string{"fields.order_reference.required field.type", "max_document_bytes field.type", "total_limit.amount decimal.invalid", "rules field.type"}
	if got := fieldErrors(err); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestExtends(t *testing.T) {
	c := mustCompile(t, `{"name":"A","extends":"retail","currencies":["EUR"],
		"fields":{"order_reference":{"pattern":"R-[0-9]+"},"seller_identifier":{}},
		"rules":[{"id":"OWN","require":"true","message":{"en":"m"}}]}`)
	if got := c.profile.Fields["order_reference"]; !reflect.DeepEqual(got, Text{Pattern: "R-[0-9]+"}) {
		t.Errorf("its own field does not count: %+v", got)
	}
	if got := c.profile.Fields["buyer_identifier"]; !got.Required || got.Check != "gln" {
		t.Errorf("the preset's field does not count: %+v", got)
	}
	if plain := mustCompile(t, `{"name":"A","extends":"retail"}`); plain.RuleSet().SHA256 == c.RuleSet().SHA256 {
		t.Error("two profiles have one hash")
	}
	x := mustCompile(t, `{"name":"A","extends":"xrechnung","customizations":["urn:x"],"rules":[{"id":"XR-PAYMENT","require":"true","message":{"en":"m"}}]}`)
	var ids []string
	for _, r := range x.compiled {
		ids = append(ids, r.ID+" "+r.Message.EN[:1])
	}
	if !slices.Equal(ids, []string{"XR-CONTACT G", "XR-PAYMENT m"}) || !slices.Equal(x.profile.Customizations, []string{"urn:x"}) || len(x.profile.Syntaxes) != 2 {
		t.Errorf("%q %q %q", ids, x.profile.Customizations, x.profile.Syntaxes)
	}
	for _, name := range Presets() { // none was changed by those that extend it
		text, _ := Preset(name)
		if fresh := mustCompile(t, string(text)); fresh.RuleSet() != presets()[name].RuleSet() {
			t.Errorf("%s has changed", name)
		}
	}
}

// exampleOf writes a profile with one example invoice.
func exampleOf(t *testing.T, requirements string, inv *invoice.Invoice, more string) string {
	t.Helper()
	body, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"name":"x",%s,"examples":[{"name":"example","invoice":%s,%s}]}`, requirements, body, more)
}

func TestExamples(t *testing.T) {
	order, err := json.Marshal(goodsOrder())
	if err != nil {
		t.Fatal(err)
	}
	against := `"against_order":{"quantity":{}}`
	for _, tc := range []struct {
		name, requirements, example string
		want                        []string
	}{
		{"passes", `"currencies":["EUR"]`, `"expect":"pass"`, nil},
		{"does not pass", `"currencies":["CHF"]`, `"expect":"pass"`, []string{"examples[0] example.failed"}},
		{"fails", `"currencies":["CHF"]`, `"expect":"fail"`, nil},
		{"fails as it should", `"currencies":["CHF"],"syntaxes":["cii"]`, `"expect":"fail","rules":["profile.currency"]`, nil},
		{"does not fail", `"currencies":["EUR"]`, `"expect":"fail"`, []string{"examples[0] example.failed"}},
		{"fails otherwise", `"currencies":["CHF"]`, `"expect":"fail","rules":["profile.syntax"]`, []string{"examples[0].rules example.failed"}},
		{"fails too much", `"currencies":["CHF"],"syntaxes":["cii"]`, `"expect":"fail","rules":["profile.currency"],"syntax":"ubl"`, []string{"examples[0].rules example.failed"}},
		{"a warning passes", `"rules":[{"id":"W","require":"false","severity":"warning","message":{"en":"m"}}]`, `"expect":"pass","rules":["profile.W"]`, nil},
		{"no warning", `"rules":[{"id":"W","require":"false","severity":"warning","message":{"en":"m"}}]`, `"expect":"pass","rules":[]`, []string{"examples[0].rules example.failed"}},
		{"order", against, `"expect":"fail","rules":["profile.order.missing"]`, nil},
		{"with its order", against, `"expect":"pass","order":` + string(order), nil},
		{"bad order", against, `"expect":"pass","order":{"number":"x"}`, []string{
			"examples[0].order.currency field.missing", "examples[0].order.lines field.missing",
		}},
		{"size", `"max_document_bytes":10`, `"expect":"fail","document_bytes":11`, nil},
		{"day", `"rules":[{"id":"T","require":"today == date('2026-11-16')","message":{"en":"m"}}]`, `"expect":"pass"`, nil},
		{"other day", `"rules":[{"id":"T","require":"today == date('2026-11-16')","message":{"en":"m"}}]`, `"expect":"fail","at":"2026-11-17"`, nil},
		{"a rule that stops", `"rules":[{"id":"S","require":"invoice.totals.paid > dec(0)","message":{"en":"m"}}]`, `"expect":"fail"`, []string{"examples[0] example.failed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Compile([]byte(exampleOf(t, tc.requirements, sample(t, "goods"), tc.example)))
			if got := fieldErrors(err); !slices.Equal(got, tc.want) {
				t.Errorf("%v\n got %q\nwant %q", err, got, tc.want)
			}
		})
	}
	broken := sample(t, "goods")
	broken.Currency = "EURO"
	_, err = Compile([]byte(exampleOf(t, `"currencies":["EUR"]`, broken, `"expect":"pass"`)))
	if got := fieldErrors(err); !slices.Equal(got, []string{"examples[0].invoice.currency currency.unknown"}) {
		t.Errorf("%q", got)
	}
}

// FuzzCompile: what compiles is its own canonical form, in JSON as well.
func FuzzCompile(f *testing.F) {
	seeds := [][]byte{[]byte(`{"name":"x"}`), []byte("name: x\n"), []byte(fmt.Sprintf(everything, allFields())), []byte(ruled("true", "lines[*]")), []byte("- a\n- b: [c, {d: e}]\n")}
	for _, name := range Presets() {
		text, _ := Preset(name)
		seeds = append(seeds, text)
	}
	files, err := filepath.Glob("../../testdata/profiles/*.*")
	if err != nil || len(files) == 0 {
		f.Fatalf("there are no profiles in testdata: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, text)
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Compile(raw)
		if err != nil {
			if len(fieldErrors(err)) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		canonical, err := json.Marshal(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Compile(canonical)
		if err != nil {
			t.Fatalf("its canonical form is refused: %v\n%s", err, canonical)
		}
		if again.RuleSet() != c.RuleSet() {
			t.Fatalf("%v and %v", c.RuleSet(), again.RuleSet())
		}
	})
}

// FuzzRule: a rule that compiles comes to an end and changes nothing.
func FuzzRule(f *testing.F) {
	seeds := []string{
		`true`, `invoice.totals.with_vat > dec("1")`, `invoice.lines.all(l, l.net_amount.round(2) == l.net_amount)`, `order_line.quantity >= line.quantity`,
		`invoice.due_date - invoice.issue_date >= 30`, `invoice.totals.?paid.orValue(dec(0)).div(dec(3), 2) < dec(1)`, `[invoice].exists(i, i.number.matches("a+"))`,
		`billed_before.all(k, billed_before[k] > dec(0))`, `has(invoice.payee.name) ? siren("1") : today < date("2026-01-01")`, `string(line.quantity) in ["1"]`,
		`dyn(invoice).lines.map(l, l.item.attributes).size() > 0`, `"é".size() == 1 && b"\xff" != bytes("x")`, `timestamp("2026-01-01T00:00:00Z").getFullYear() == 2026`,
	}
	for _, s := range seeds {
		f.Add(s)
	}
	file, err := os.ReadFile("../../formats/invoice/testdata/goods.json")
	if err != nil {
		f.Fatal(err)
	}
	want, err := invoice.ReadJSON(bytes.NewReader(file))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		c, err := Compile([]byte(ruled(expression, "lines[*]")))
		if err != nil {
			return
		}
		s := subjectOf(want.Clone())
		s.Order, s.BilledBefore = goodsOrder(), map[string]invoice.Decimal{"1": dec("2")}
		v := c.Check(t.Context(), s)
		if !v.Ran && (v.Reason == "" || strings.HasPrefix(v.Reason, validation.ReasonPanic) || strings.HasPrefix(v.Reason, validation.ReasonDeadline)) {
			t.Errorf("%s: %s", expression, v.Reason)
		}
		if !reflect.DeepEqual(s.Invoice, want) || !reflect.DeepEqual(s.Order, goodsOrder()) {
			t.Errorf("%s changed the subject", expression)
		}
	})
}
