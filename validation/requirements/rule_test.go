package requirements

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/invoice/invoicetest"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/validation"
)

// ruled is a profile with one rule.
func ruled(require, location string) string {
	r, err := json.Marshal(map[string]any{"id": "R-1", "require": require, "location": location, "message": map[string]string{"en": "no", "fr": "non"}})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"name":"test","rules":[%s]}`, r)
}

// TestRules evaluates expressions on the sample "goods" and its order.
func TestRules(t *testing.T) {
	const holds, fails = "holds", "fails"
	for expression, want := range map[string]string{
		`true`:  holds,
		`false`: fails,
		`invoice.totals.with_vat == dec("1047.570")`:                                                                    holds,
		`invoice.totals.with_vat > dec(1047)`:                                                                           holds,
		`invoice.totals.with_vat >= dec("1047.58")`:                                                                     fails,
		`-invoice.totals.with_vat < dec(0) && (-invoice.totals.with_vat).abs() == dec("1047.57")`:                       holds,
		`invoice.lines.map(l, l.net_amount).sum() == invoice.totals.line_net`:                                           holds,
		`[invoice.totals.with_vat].filter(d, d < dec(0)).sum() == dec(0)`:                                               holds,
		`invoice.totals.without_vat * dec("0.2") == dec("178.896")`:                                                     holds,
		`invoice.totals.without_vat.div(dec(7), 2) == dec("127.78")`:                                                    holds,
		`(invoice.totals.without_vat * dec("0.2")).round(2) == dec("178.90")`:                                           holds,
		`dec("0.1") + dec("0.2") == dec("0.3")`:                                                                         holds,
		`string(invoice.lines[3].quantity) == "0.750"`:                                                                  holds,
		`invoice.currency in ["EUR", "CHF"]`:                                                                            holds,
		`invoice.due_date - invoice.issue_date == 30`:                                                                   holds,
		`invoice.due_date == date("2026-12-16") && invoice.due_date - 1 < invoice.issue_date + 30`:                      holds,
		`invoice.issue_date <= today && string(today) == "2026-11-16"`:                                                  holds,
		`invoice.lines.all(l, has(l.order_line_reference))`:                                                             holds,
		`invoice.lines.exists_one(l, l.vat.rate == dec("5.5"))`:                                                         holds,
		`has(invoice.payee) || has(invoice.payee.name)`:                                                                 fails,
		`invoice.payee.name == ""`:                                                                                      holds,
		`has(invoice.totals.paid)`:                                                                                      fails,
		`has(invoice.totals.with_vat)`:                                                                                  holds,
		`invoice.totals.?paid.orValue(dec(0)) == dec(0)`:                                                                holds,
		`has(invoice.tax_point_date) && invoice.tax_point_date > today`:                                                 fails,
		`size(invoice.supporting_documents) == 0 && !has(invoice.supporting_documents)`:                                 holds,
		`invoice.seller.identifiers.exists(i, i.scheme == "0088" && gln(i.value))`:                                      holds,
		`siren(invoice.buyer.legal_registration.value) && !siret(invoice.number) && !gtin("") && !leitweg_id("")`:       holds,
		`invoice.number.matches("^F-[0-9]{4}-[0-9]+$") && invoice.number.startsWith("F-")`:                              holds,
		`order.number == invoice.purchase_order_reference && order.kind == ""`:                                          holds,
		`order.lines.map(l, l.quantity).sum() == dec("1514.75")`:                                                        holds,
		`billed_before["1"] == dec("2") && !("2" in billed_before)`:                                                     holds,
		`billed_before[?"2"].orValue(dec(0)) == dec(0)`:                                                                 holds,
		`document.syntax == "ubl" && document.size == 10000 && document.customization == invoice.process.specification`: holds,
		`dyn(invoice).totals.with_vat > dec(0) && has(dyn(invoice).number)`:                                             holds,
		`[dyn(invoice.seller), dyn(invoice.buyer)].all(p, p.name != "")`:                                                holds,
		`type(invoice.totals.with_vat) == decimal && type(today) == date`:                                               holds,

		`invoice.totals.paid == dec(0)`:                                               "check.dynamic: rule R-1: paid is absent: ask with has() first",
		`dyn(invoice).totals.paid == dec(0)`:                                          "check.dynamic: rule R-1: paid is absent: ask with has() first",
		`invoice.tax_representative.address.line1 == "" && order.totals.vat > dec(0)`: "check.dynamic: rule R-1: vat is absent: ask with has() first",
		`invoice.tax_point_date < today`:                                              "check.dynamic: rule R-1: tax_point_date is absent: ask with has() first",
		`dyn(invoice).nothing == ""`:                                                  "check.dynamic: rule R-1: invoice.Invoice has no field nothing",
		`has(dyn(invoice).nothing)`:                                                   "check.dynamic: rule R-1: invoice.Invoice has no field nothing",
		`invoice.lines[4].id == "5"`:                                                  "check.dynamic: rule R-1: index out of bounds: 4",
		`billed_before["2"] > dec(0)`:                                                 "check.dynamic: rule R-1: no such key: 2",
		`dec("1e3") > dec(0)`:                                                         `check.dynamic: rule R-1: not a decimal number: "1e3"`,
		`dec(invoice.number) > dec(0)`:                                                `check.dynamic: rule R-1: not a decimal number: "F-2026-1042"`,
		`date("2026-02-30") < today`:                                                  `check.dynamic: rule R-1: not a date: "2026-02-30"`,
		`today + 9000000 > today`:                                                     "check.dynamic: rule R-1: 9000000 days are too many",
		`today - (-9223372036854775807 - 1) > today`:                                  "check.dynamic: rule R-1: -9223372036854775808 days are too many",
		`today + 3600000 > today`:                                                     "check.dynamic: rule R-1: not a date: 11883-05-05",
		`dec(1).div(dec("0.0"), 2) > dec(0)`:                                          "check.dynamic: rule R-1: division by zero",
		`dec(1).round(21) > dec(0)`:                                                   "check.dynamic: rule R-1: 21 is no number of decimals from 0 to 20",
		`invoice.lines[0] == invoice.lines[1]`:                                        "check.dynamic: rule R-1: values of invoice.Line cannot be compared: compare their fields",
		`dyn(invoice.totals.with_vat) > 1`:                                            "check.dynamic: rule R-1: no such overload",
		`invoice.number.matches(invoice.number + "(")`:                                "check.dynamic: rule R-1: error parsing regexp: missing closing ): `F-2026-1042(`",
	} {
		c := mustCompile(t, ruled(expression, ""))
		s := subjectOf(sample(t, "goods"))
		s.Order, s.BilledBefore = goodsOrder(), map[string]invoice.Decimal{"1": dec("2")}
		v := c.Check(t.Context(), s)
		got := v.Reason
		if v.Ran {
			got = map[bool]string{true: holds, false: fails}[v.OK()]
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestRulesThatDoNotCompile(t *testing.T) {
	for expression, want := range map[string]string{
		``:                                 "line 1, column 1: Syntax error: mismatched input '<EOF>' expecting",
		`invoice.`:                         "line 1, column 9: Syntax error: no viable alternative at input '.'",
		"true &&\n  invoice.nothing == ''": "line 2, column 10: undefined field 'nothing'",
		`nothing`:                          "line 1, column 1: undeclared reference to 'nothing'",
		`line.id == ""`:                    "line 1, column 1: undeclared reference to 'line'",
		`invoice.number`:                   "must be true or false, not string",
		`dyn(true)`:                        "must be true or false, not dyn",
		`invoice.totals.with_vat > 10`:     "line 1, column 25: found no matching overload for '_>_' applied to '(decimal, int)'",
		`invoice.totals.with_vat == 10`:    "line 1, column 25: found no matching overload for '_==_' applied to '(decimal, int)'",
		`invoice.totals.with_vat < 10.5`:   "line 1, column 25: found no matching overload for '_<_' applied to '(decimal, double)'",
		`invoice.totals.with_vat / dec(2) > dec(1)`:              "line 1, column 25: found no matching overload for '_/_' applied to '(decimal, decimal)'",
		`double(string(invoice.totals.with_vat)) > double("10")`: `line 1, column 7: there are no floating-point numbers: write dec("1.5")`,
		`1.5 > 1.0`:                       `line 1, column 1: there are no floating-point numbers: write dec("1.5")`,
		`dec(1.5) > dec(1)`:               "line 1, column 4: found no matching overload for 'dec' applied to '(double)'",
		`invoice.Line{id: "1"}.id == "1"`: "line 1, column 13: a rule cannot make a value of invoice.Line",
		`invoice.number.matches("(")`:     "line 1, column 24: invalid matches argument",
		`type(invoice) == invoice.Line`:   "reference to undefined type: invoice.Line",
	} {
		_, err := Compile([]byte(ruled(expression, "")))
		var message string
		if got := fieldErrors(err); len(got) > 0 && got[0] == "rules[0].require rule.invalid" {
			message = err.(invoice.FieldErrors)[0].Message
		}
		if !strings.HasPrefix(message, want) {
			t.Errorf("%q\n got %v\nwant %s", expression, err, want)
		}
	}
}

func TestRulesOnEachLine(t *testing.T) {
	s := subjectOf(sample(t, "goods"))
	s.Order = goodsOrder()
	s.Order.Lines[2].AccountingReference = "6182"
	for _, tc := range []struct {
		require, location string
		want              []string
	}{
		{`line.unit == "H87"`, "lines[*].unit", []string{"profile.R-1 lines[3].unit"}},
		{`line.net_amount < dec(200)`, "lines[*]", []string{"profile.R-1 lines[0]", "profile.R-1 lines[3]"}},
		{`line.buyer_accounting_reference == order_line.accounting_reference`, "lines[*].buyer_accounting_reference", nil},
		{`has(order_line.id) && line.order_line_reference == order_line.id && line.id in invoice.lines.map(l, l.id)`, "lines[*]", nil},
	} {
		if got := complaints(mustCompile(t, ruled(tc.require, tc.location)).Check(t.Context(), s)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.require, got, tc.want)
		}
	}
	s.Order = nil
	v := mustCompile(t, ruled(`order_line.quantity > dec(0)`, "lines[*].quantity")).Check(t.Context(), s)
	if want := "check.dynamic: rule R-1 at lines[0].quantity: quantity is absent: ask with has() first"; v.Ran || v.Reason != want {
		t.Errorf("without order: %+v", v)
	}
}

// TestFindingOfARule shows all that a rule can say.
func TestFindingOfARule(t *testing.T) {
	c := mustCompile(t, `{"name":"test","rules":[{"id":"R-1","require":"invoice.type_code == '380'","severity":"warning","message":{"en":"no","fr":"non"},
		"business_terms":["BT-3","BG-2"],"location":"type_code"},{"id":"R-2","require":"false","severity":"fatal","message":{"fr":"jamais"}}]}`)
	s := subjectOf(sample(t, "credit_note"))
	v := c.Check(t.Context(), s)
	want := []validation.Finding{
		{Rule: "profile.R-1", Severity: validation.SeverityWarning, Location: "type_code", BusinessTerms: []string{"BT-3", "BG-2"}, Message: "no"},
		{Rule: "profile.R-2", Severity: validation.SeverityFatal, Message: "jamais"},
	}
	if !reflect.DeepEqual(v.Findings, want) {
		t.Errorf("%+v", v.Findings)
	}
	s.Lang = "fr"
	if got := c.Check(t.Context(), s).Findings[0].Message; got != "non" {
		t.Errorf("in French: %s", got)
	}
}

// TestHostileRules: whatever a rule does, it ends soon, does not take much
// memory and does not pass.
func TestHostileRules(t *testing.T) {
	const refused, limit, dynamic = "does not compile", validation.ReasonLimit, validation.ReasonDynamic
	wide := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+"+", 90), "+") }
	wider := func(s string) string {
		return s + `.map(a, ` + wide("a") + `).map(a, ` + wide("a") + `).map(a, ` + wide("a") + `)`
	}
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]" }
	nine := "dec('" + strings.Repeat("9", 100) + "')"
	for _, tc := range []struct{ name, expression, want string }{
		{"loops", list(1000) + `.all(a, ` + list(500) + `.all(b, invoice.lines.all(c, invoice.lines.all(d, true))))`, limit},
		{"long list", wider(`[invoice.lines]`) + `.all(a, !a.exists(l, l.id == "x"))`, limit},
		{"in a list", wider(`[[1,1]]`) + `.all(a, !(2 in a))`, limit},
		{"equal lists", wider(`[[1,1]]`) + `.all(a, a == a)`, limit},
		{"list in a list", `[[1]].map(a, [` + wide("a") + `, ` + wide("a") + `]).map(a, [` + wide("a") + `, ` + wide("a") + `]).map(a, ` + wide("a") + `).all(a, a == a)`, limit},
		{"long text", wider(`[invoice.number]`) + `.all(a, a != "")`, limit},
		{"long bytes", wider(`[b"0123456789"]`) + `.all(a, a != b"")`, limit},
		{"big number", `[` + nine + `].map(a, a*a*a*a*a*a*a*a).all(a, a > dec(0))`, dynamic},
		{"small number", `[dec("0.` + strings.Repeat("0", 98) + `1")].map(a, a*a*a*a*a).all(a, a > dec(0))`, dynamic},
		{"pattern", wider(`[invoice.number]`) + `.all(a, !a.matches("(.*)*(.*)*(.*)*x"))`, limit},
		{"own pattern", `[invoice.number].map(a, ` + wide("a") + `).all(a, !a.matches("(" + a + "){1000}"))`, dynamic},
		{"repetition", `!invoice.number.matches("((((.{30}){30}){30}){30}")`, refused},
		{"nested lists", list(900) + `.map(a, ` + list(900) + `.map(b, [a, b])).size() > 0`, limit},
		{"parentheses", strings.Repeat("(", 1900) + "true" + strings.Repeat(")", 1900), refused},
		{"brackets", strings.Repeat("[", 1900) + strings.Repeat("]", 1900) + " != [1]", refused},
		{"macros", strings.Repeat("[1].map(a,", 300) + "a" + strings.Repeat(")", 300) + " != []", refused},
		{"too long", `"` + strings.Repeat("a", maxExpression) + `" != ""`, refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := refused
			if c, err := Compile([]byte(ruled(tc.expression, ""))); err == nil {
				v := c.Check(t.Context(), subjectOf(sample(t, "goods")))
				got, _, _ = strings.Cut(v.Reason, ":")
			}
			runtime.ReadMemStats(&after)
			if got == validation.ReasonDeadline { // a busy machine gets there first
				got = limit
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if took := time.Since(start); took > 2*maxDuration {
				t.Errorf("took %v", took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 512<<20 {
				t.Errorf("allocated %d MiB", used>>20)
			}
		})
	}
}

// TestManyLines: a rule that looks at all lines works on an invoice with many.
func TestManyLines(t *testing.T) {
	s := subjectOf(sample(t, "goods"))
	for len(s.Invoice.Lines) < 10_000 {
		s.Invoice.Lines = append(s.Invoice.Lines, s.Invoice.Lines[0])
	}
	for _, r := range []string{
		ruled(`invoice.lines.all(l, l.quantity * l.price.net >= l.net_amount - dec("0.01") || has(l.price.base_quantity))`, ""),
		ruled(`invoice.lines.map(l, l.net_amount).sum() > dec(0)`, ""),
		ruled(`line.net_amount > dec(0)`, "lines[*]"),
	} {
		if v := mustCompile(t, r).Check(t.Context(), s); !v.OK() {
			t.Errorf("%s: %s %d findings", r, v.Reason, len(v.Findings))
		}
	}
	if v := mustCompile(t, ruled(`line.id == ""`, "lines[*]")).Check(t.Context(), s); !v.Ran || len(v.Findings) != maxFindings {
		t.Errorf("%v %s %d findings", v.Ran, v.Reason, len(v.Findings))
	}
	// One that compares each line with each does not: it is stopped.
	v := mustCompile(t, ruled(`invoice.lines.all(a, invoice.lines.exists(b, b.id == a.id + "x" || b.id != ""))&&invoice.lines.all(a, !invoice.lines.exists(b, b.id == a.id + "x"))`, "")).
		Check(t.Context(), s)
	if v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonLimit) {
		t.Errorf("%v %s", v.Ran, v.Reason)
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, profile := range []string{ruled(`true`, ""), `{"name":"without rules"}`} {
		if v := mustCompile(t, profile).Check(ctx, subjectOf(sample(t, "goods"))); v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDeadline) {
			t.Errorf("%s: %+v", profile, v)
		}
	}
}

// TestDecimalsInRulesAreExact compares what rules compute with invoice.Decimal.
func TestDecimalsInRulesAreExact(t *testing.T) {
	c := mustCompile(t, `{"name":"test","rules":[`+strings.Join([]string{
		exactRule("T-add", `order.totals.line_net + order.totals.vat == order.totals.with_vat`),
		exactRule("T-subtract", `order.totals.line_net - order.totals.vat == order.totals.without_vat`),
		exactRule("T-multiply", `order.totals.line_net * order.totals.vat == order.totals.prepaid`),
		exactRule("T-round", `order.totals.line_net.round(2) == order.totals.rounding`),
		exactRule("T-less", `(order.totals.line_net < order.totals.vat) == (order.kind == "less")`),
		exactRule("T-text", `dec(string(order.totals.line_net)) == order.totals.line_net && string(order.totals.line_net) == order.number`),
	}, ",")+`]}`)
	inv := sample(t, "goods")
	decimals := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,12})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := dec(decimals.Draw(t, "a")), dec(decimals.Draw(t, "b"))
		s := subjectOf(inv)
		s.Order = &order.Order{Number: a.String(), Totals: &order.Totals{
			LineNet: &a, VAT: &b, WithVAT: a.Add(b).Ptr(), WithoutVAT: a.Sub(b).Ptr(), Prepaid: a.Mul(b).Ptr(), Rounding: a.Round(2).Ptr(),
		}}
		if a.Cmp(b) < 0 {
			s.Order.Kind = "less"
		}
		if v := c.Check(context.Background(), s); !v.OK() {
			t.Errorf("%s, %s: %v %s", a, b, complaints(v), v.Reason)
		}
	})
}

func exactRule(id, require string) string {
	r, _ := json.Marshal(Rule{ID: id, Require: require, Message: Message{EN: id}})
	return string(r)
}

// everything asks for as much as it can.
const everything = `{"name":"everything","require_any":[["order_reference","buyer_reference"]],"syntaxes":["ubl"],"customizations":["x"],"max_document_bytes":1,
	"currencies":["EUR"],"total_limit":{"amount":"1","currency":"EUR"},"payment":{"min_due_days":10,"max_due_days":20,"means_codes":["30"]},
	"attachments":{"required":[{"name":"x","description":"x","filename":"x","mime_types":["x"],"max_bytes":1,"count":2}],"mime_types":["x"],"max_count":1,"max_bytes":1,"max_total_bytes":1},
	"against_order":{"price":{"absolute":"0.1","percent":"1"},"quantity":{"percent":"1"}},"fields":{%s},
	"rules":[{"id":"L","require":"line.net_amount + line.price.net != dec(0) || has(order_line.price)","message":{"en":"x"},"location":"lines[*]"},
	{"id":"D","require":"invoice.lines.map(l, l.net_amount).filter(n, n > dec(0)).sum() >= dec(0) && order.lines.all(l, l.id != '')","message":{"en":"x"}}]}`

func allFields() string {
	var out []string
	for _, f := range fields {
		schemes := ""
		if f.identifier {
			schemes = `,"schemes":["0088","0002"]`
		}
		out = append(out, fmt.Sprintf(`"%s":{"required":true,"pattern":".*x","check":"gln"%s}`, f.name, schemes))
	}
	return strings.Join(out, ",")
}

// TestCheckChangesNothing compares the subject before and after.
func TestCheckChangesNothing(t *testing.T) {
	c := mustCompile(t, fmt.Sprintf(everything, allFields()))
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		o := goodsOrder()
		before := map[string]invoice.Decimal{"1": dec("10")}
		for i := range inv.Lines {
			inv.Lines[i].OrderLineReference = rapid.SampledFrom([]string{"", "1", "2", "x"}).Draw(t, "order line")
		}
		s := subjectOf(inv)
		s.Order, s.BilledBefore = o, before
		wantInvoice, wantOrder, wantBefore := inv.Clone(), goodsOrder(), maps.Clone(before)
		v := c.Check(context.Background(), s)
		if !v.Ran || v.OK() {
			t.Fatalf("ran %v %s, ok %v", v.Ran, v.Reason, v.OK())
		}
		if !reflect.DeepEqual(inv, wantInvoice) || !reflect.DeepEqual(o, wantOrder) || !reflect.DeepEqual(before, wantBefore) {
			t.Fatal("the subject was changed")
		}
		if again := c.Check(context.Background(), s); !reflect.DeepEqual(v, again) {
			t.Fatal("a second check says something else")
		}
	})
}

func TestCheckIsSafeForConcurrentUse(t *testing.T) {
	c := mustCompile(t, fmt.Sprintf(everything, allFields()))
	s := subjectOf(sample(t, "goods"))
	s.Order = goodsOrder()
	want := c.Check(t.Context(), s)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got := c.Check(context.Background(), s); !reflect.DeepEqual(got, want) {
					t.Errorf("%v", complaints(got))
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkCheck(b *testing.B) {
	c := mustCompile(b, fmt.Sprintf(everything, allFields()))
	s := subjectOf(sample(b, "goods"))
	s.Order = goodsOrder()
	for b.Loop() {
		if v := c.Check(context.Background(), s); !v.Ran {
			b.Fatal(v.Reason)
		}
	}
}
