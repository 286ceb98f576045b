package invoice_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/invoice/invoicetest"
)

func sum(list []invoice.Decimal) invoice.Decimal {
	var total invoice.Decimal
	for _, d := range list {
		total = total.Add(d)
	}
	return total
}

func value(d *invoice.Decimal) invoice.Decimal {
	if d == nil {
		return invoice.Decimal{}
	}
	return *d
}

// TestTotalsSatisfyTheRules states BR-CO-10 … BR-CO-17 and the sums of the VAT
// categories anew, exactly and without the tolerance that the official rules
// have, and holds generated invoices against them.
func TestTotalsSatisfyTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		places := invoice.CurrencyDecimals(inv.Currency)
		equal := func(rule string, got, want invoice.Decimal) {
			if !got.Equal(want) {
				t.Fatalf("%s: got %s, want %s", rule, got, want)
			}
			if got.Scale() > int(places) {
				t.Fatalf("%s: %s has more than %d decimals", rule, got, places)
			}
		}
		var nets, allowances, charges, taxes []invoice.Decimal
		for _, l := range inv.Lines {
			nets = append(nets, l.NetAmount)
			equal("line net", l.NetAmount, lineNet(l, places))
		}
		for _, a := range inv.Allowances {
			allowances = append(allowances, a.Amount)
		}
		for _, a := range inv.Charges {
			charges = append(charges, a.Amount)
		}
		for _, b := range inv.VATBreakdown {
			taxes = append(taxes, b.TaxAmount)
			equal("BR-CO-17", b.TaxAmount, b.TaxableAmount.Mul(value(b.Rate)).Div(invoice.NewDecimal(100, 0), places))
			equal("BR-S-08 and its like", b.TaxableAmount, taxable(inv, b))
			if reason := b.ExemptionReasonCode; reason == "" && slices.Contains([]string{"AE", "K", "G", "O"}, b.Category) {
				t.Fatalf("category %s has no exemption reason", b.Category)
			}
			if (b.Rate == nil) != (b.Category == "O") {
				t.Fatalf("BR-48: category %s has rate %v", b.Category, b.Rate)
			}
		}
		totals := inv.Totals
		equal("BR-CO-10", totals.LineNet, sum(nets))
		equal("BR-CO-11", value(totals.Allowances), sum(allowances))
		equal("BR-CO-12", value(totals.Charges), sum(charges))
		equal("BR-CO-13", totals.WithoutVAT, sum(nets).Sub(sum(allowances)).Add(sum(charges)))
		equal("BR-CO-14", value(totals.VAT), sum(taxes))
		equal("BR-CO-15", totals.WithVAT, totals.WithoutVAT.Add(value(totals.VAT)))
		equal("BR-CO-16", totals.AmountDue, totals.WithVAT.Sub(value(totals.Paid)).Add(value(totals.Rounding)))
		if (totals.VATInAccountingCurrency != nil) != (inv.VATCurrency != "") {
			t.Fatal("BR-53: VAT in accounting currency")
		}
		if found := invoice.CheckTotals(inv); len(found) > 0 {
			t.Fatalf("CheckTotals: %v", found)
		}
	})
}

// lineNet is BT-131 from its parts.
func lineNet(l invoice.Line, places int32) invoice.Decimal {
	base := invoice.NewDecimal(1, 0)
	if l.Price.BaseQuantity != nil {
		base = *l.Price.BaseQuantity
	}
	net := l.Quantity.Mul(l.Price.Net).Div(base, places)
	for _, a := range l.Allowances {
		net = net.Sub(a.Amount)
	}
	for _, a := range l.Charges {
		net = net.Add(a.Amount)
	}
	return net
}

// taxable is what BT-116 must be.
func taxable(inv *invoice.Invoice, b invoice.VATBreakdown) invoice.Decimal {
	var total invoice.Decimal
	same := func(category string, rate *invoice.Decimal) bool {
		return category == b.Category && value(rate).Equal(value(b.Rate))
	}
	for _, l := range inv.Lines {
		if same(l.VAT.Category, l.VAT.Rate) {
			total = total.Add(l.NetAmount)
		}
	}
	for _, a := range inv.Charges {
		if same(a.VATCategory, a.VATRate) {
			total = total.Add(a.Amount)
		}
	}
	for _, a := range inv.Allowances {
		if same(a.VATCategory, a.VATRate) {
			total = total.Sub(a.Amount)
		}
	}
	return total
}

// text is the JSON of an invoice, which has every value at its scale.
func text(t rapid.TB, inv *invoice.Invoice) []byte {
	out, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCalculateIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		before := text(t, inv)
		if err := invoice.Calculate(inv); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(text(t, inv))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestJSONLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		out := text(t, inv)
		again, err := invoice.ReadJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := cmp.Diff(inv, again, cmp.Comparer(func(a, b invoice.Date) bool { return a == b })); diff != "" {
			t.Fatal(diff)
		}
		if string(text(t, again)) != string(out) {
			t.Fatal("the JSON differs")
		}
	})
}

func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := invoicetest.Draw(t)
		before := text(t, inv)
		clone := inv.Clone()
		if !reflect.DeepEqual(inv, clone) {
			t.Fatal("the copy differs")
		}
		scramble(reflect.ValueOf(clone))
		if string(text(t, inv)) != string(before) {
			t.Fatal("a change of the copy changed the original")
		}
	})
	if (*invoice.Invoice)(nil).Clone() != nil {
		t.Error("a copy of nothing")
	}
}

// scramble overwrites everything that can be reached.
func scramble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			scramble(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			scramble(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scramble(v.Field(i))
			}
		}
		if _, ok := v.Interface().(invoice.Decimal); ok {
			v.Set(reflect.ValueOf(invoice.NewDecimal(-424242, 7)))
		}
		if _, ok := v.Interface().(invoice.Date); ok {
			v.Set(reflect.ValueOf(invoice.MustDate("1999-09-09")))
		}
	case reflect.String:
		v.SetString("scrambled")
	case reflect.Uint8:
		v.SetUint(v.Uint() + 1)
	}
}

// TestTermsAreThoseOfTheStandard holds the names against the list of EN 16931-1.
func TestTermsAreThoseOfTheStandard(t *testing.T) {
	f, err := os.Open(filepath.Join(shared(t, "the terms were not compared with the standard"), "reference", "en16931-terms.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 197 {
		t.Fatalf("%d rows, want 32 groups and 164 terms", len(rows)-1)
	}
	for _, row := range rows[1:] {
		if invoice.TermName(row[0], "en") == "" || invoice.TermName(row[0], "fr") == "" {
			t.Errorf("%s (%s) has no name", row[0], row[1])
		}
	}
}
