package invoice

import (
	"encoding/json"
	"errors"
	"testing"
)

// draft is an invoice with one line for each amount, all at 20 % VAT.
func draft(nets ...string) *Invoice {
	inv := &Invoice{TypeCode: "380", Currency: "EUR"}
	for _, net := range nets {
		inv.Lines = append(inv.Lines, Line{
			Quantity: NewDecimal(1, 0), Unit: "C62", Price: Price{Net: MustDecimal(net)},
			VAT: LineVAT{Category: "S", Rate: MustDecimal("20").Ptr()},
		})
	}
	return inv
}

func TestCalculateLine(t *testing.T) {
	for name, c := range map[string]struct {
		line     Line
		currency string
		want     string
	}{
		"plain":          {Line{Quantity: MustDecimal("3"), Price: Price{Net: MustDecimal("1.10")}}, "EUR", "3.30"},
		"half up":        {Line{Quantity: MustDecimal("0.5"), Price: Price{Net: MustDecimal("0.25")}}, "EUR", "0.13"},
		"half down":      {Line{Quantity: MustDecimal("-0.5"), Price: Price{Net: MustDecimal("0.25")}}, "EUR", "-0.13"},
		"base quantity":  {Line{Quantity: MustDecimal("1500"), Price: Price{Net: MustDecimal("12.345"), BaseQuantity: MustDecimal("100").Ptr()}}, "EUR", "185.18"},
		"thirds":         {Line{Quantity: MustDecimal("1"), Price: Price{Net: MustDecimal("10"), BaseQuantity: MustDecimal("3").Ptr()}}, "EUR", "3.33"},
		"no minor unit":  {Line{Quantity: MustDecimal("3"), Price: Price{Net: MustDecimal("33.5")}}, "JPY", "101"},
		"three decimals": {Line{Quantity: MustDecimal("1"), Price: Price{Net: MustDecimal("1.2345")}}, "KWD", "1.23"},
		"allowance and charge": {Line{
			Quantity: MustDecimal("10"), Price: Price{Net: MustDecimal("100")},
			Allowances: []LineAllowanceCharge{
				{Percentage: MustDecimal("5").Ptr()},
				{Percentage: MustDecimal("10").Ptr(), BaseAmount: MustDecimal("50.05").Ptr()},
				{Amount: MustDecimal("1")},
			},
			Charges: []LineAllowanceCharge{{Amount: MustDecimal("12.50")}},
		}, "EUR", "956.49"},
	} {
		t.Run(name, func(t *testing.T) {
			c.line.VAT.Category = "Z"
			inv := &Invoice{Currency: c.currency, Lines: []Line{c.line}}
			if err := Calculate(inv); err != nil {
				t.Fatal(err)
			}
			if got := inv.Lines[0].NetAmount.String(); got != c.want {
				t.Errorf("net amount %s, want %s", got, c.want)
			}
		})
	}
}

func TestCalculateTotals(t *testing.T) {
	inv := draft("100.00", "50.00", "-20.00")
	inv.Lines[1].VAT.Rate = MustDecimal("5.5").Ptr()
	inv.Lines[2].VAT.Rate = MustDecimal("20.00").Ptr() // the same rate as the first
	inv.Allowances = []AllowanceCharge{{
		Percentage: MustDecimal("10").Ptr(), BaseAmount: MustDecimal("80.00").Ptr(),
		VATCategory: "S", VATRate: MustDecimal("20").Ptr(),
	}}
	inv.Charges = []AllowanceCharge{{Amount: MustDecimal("7.5"), VATCategory: "E", VATRate: MustDecimal("0").Ptr()}}
	inv.VATBreakdown = []VATBreakdown{{Category: "E", ExemptionReason: "Postal services"}}
	inv.Totals.Paid = MustDecimal("20.00").Ptr()
	inv.Totals.Rounding = MustDecimal("-0.15").Ptr()
	inv.VATCurrency = "SEK"
	inv.Extensions = &Extensions{ThirdPartyPayments: []ThirdPartyPayment{{Amount: MustDecimal("5.00")}}}
	if err := Calculate(inv, WithExchangeRate(MustDecimal("11.2345"))); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(struct {
		T *Totals
		V []VATBreakdown
	}{&inv.Totals, inv.VATBreakdown})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"T":{"line_net":"130.00","allowances":"8.00","charges":"7.50","without_vat":"129.50","vat":"17.15",` +
		`"vat_in_accounting_currency":"192.67","with_vat":"146.65","paid":"20.00","rounding":"-0.15","amount_due":"131.50"},` +
		`"V":[{"taxable_amount":"72.00","tax_amount":"14.40","category":"S","rate":"20"},` +
		`{"taxable_amount":"50.00","tax_amount":"2.75","category":"S","rate":"5.5"},` +
		`{"taxable_amount":"7.50","tax_amount":"0.00","category":"E","rate":"0","exemption_reason":"Postal services"}]}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if found := CheckTotals(inv); len(found) > 0 {
		t.Errorf("CheckTotals: %v", found)
	}
}

// TestCalculateNegativeVAT shows that halves are rounded alike on both sides of
// zero, so that a credit note takes back exactly what the invoice charged.
func TestCalculateNegativeVAT(t *testing.T) {
	plus, minus := draft("10.25"), draft("-10.25")
	plus.Lines[0].VAT.Rate = MustDecimal("10").Ptr()
	minus.Lines[0].VAT.Rate = MustDecimal("10").Ptr()
	for _, inv := range []*Invoice{plus, minus} {
		if err := Calculate(inv); err != nil {
			t.Fatal(err)
		}
		if found := CheckTotals(inv); len(found) > 0 {
			t.Error(found)
		}
	}
	if p, m := plus.Totals.VAT, minus.Totals.VAT; p.String() != "1.03" || m.String() != "-1.03" {
		t.Errorf("VAT %s and %s", p, m)
	}
}

func TestCalculateKeepsVATInAccountingCurrency(t *testing.T) {
	inv := draft("10.00")
	inv.VATCurrency, inv.Totals.VATInAccountingCurrency = "SEK", MustDecimal("22.47").Ptr()
	if err := Calculate(inv); err != nil || inv.Totals.VATInAccountingCurrency.String() != "22.47" {
		t.Errorf("%v, %v", inv.Totals.VATInAccountingCurrency, err)
	}
	inv.VATCurrency = ""
	if err := Calculate(inv); err != nil || inv.Totals.VATInAccountingCurrency != nil {
		t.Errorf("%v, %v", inv.Totals.VATInAccountingCurrency, err)
	}
}

func TestCalculateErrors(t *testing.T) {
	rate := MustDecimal("20").Ptr()
	for name, c := range map[string]struct {
		change     func(*Invoice)
		options    []CalculateOption
		path, code string
	}{
		"currency":        {func(i *Invoice) { i.Currency = "XYZ" }, nil, "currency", CodeCurrencyUnknown},
		"no currency":     {func(i *Invoice) { i.Currency = "" }, nil, "currency", CodeCurrencyUnknown},
		"vat currency":    {func(i *Invoice) { i.VATCurrency = "XYZ" }, []CalculateOption{WithExchangeRate(*rate)}, "vat_currency", CodeCurrencyUnknown},
		"no rate":         {func(i *Invoice) { i.VATCurrency = "SEK" }, nil, "totals.vat_in_accounting_currency", CodeExchangeRateMissing},
		"bad rate":        {func(i *Invoice) { i.VATCurrency = "SEK" }, []CalculateOption{WithExchangeRate(Decimal{})}, "totals.vat_in_accounting_currency", CodeExchangeRate},
		"base quantity 0": {func(i *Invoice) { i.Lines[1].Price.BaseQuantity = new(Decimal) }, nil, "lines[1].price.base_quantity", CodeBaseQuantity},
		"base quantity":   {func(i *Invoice) { i.Lines[1].Price.BaseQuantity = MustDecimal("-1").Ptr() }, nil, "lines[1].price.base_quantity", CodeBaseQuantity},
		"no category":     {func(i *Invoice) { i.Lines[0].VAT.Category = "" }, nil, "lines[0].vat.category", CodeVATCategory},
		"category":        {func(i *Invoice) { i.Lines[0].VAT.Category = "A" }, nil, "lines[0].vat.category", CodeVATCategory},
		"no VAT rate":     {func(i *Invoice) { i.Lines[0].VAT.Rate = nil }, nil, "lines[0].vat.rate", CodeVATRateMissing},
		"negative rate":   {func(i *Invoice) { i.Lines[0].VAT.Rate = MustDecimal("-1").Ptr() }, nil, "lines[0].vat.rate", CodeVATRateNegative},
		"zero rate":       {func(i *Invoice) { i.Lines[0].VAT.Category = "AE" }, nil, "lines[0].vat.rate", CodeVATRateNotZero},
		"line allowance":  {func(i *Invoice) { i.Lines[0].Allowances = []LineAllowanceCharge{{Amount: MustDecimal("1.005")}} }, nil, "lines[0].allowances[0].amount", CodeDecimals},
		"line charge":     {func(i *Invoice) { i.Lines[0].Charges = []LineAllowanceCharge{{Amount: MustDecimal("1.005")}} }, nil, "lines[0].charges[0].amount", CodeDecimals},
		"allowance": {func(i *Invoice) {
			i.Allowances = []AllowanceCharge{{Percentage: rate, VATCategory: "S", VATRate: rate}}
		}, nil, "allowances[0].base_amount", CodeBaseMissing},
		"charge":   {func(i *Invoice) { i.Charges = []AllowanceCharge{{Amount: MustDecimal("1"), VATCategory: "S"}} }, nil, "charges[0].vat_rate", CodeVATRateMissing},
		"paid":     {func(i *Invoice) { i.Totals.Paid = MustDecimal("0.001").Ptr() }, nil, "totals.paid", CodeDecimals},
		"rounding": {func(i *Invoice) { i.Totals.Rounding = MustDecimal("0.001").Ptr() }, nil, "totals.rounding", CodeDecimals},
	} {
		t.Run(name, func(t *testing.T) {
			inv := draft("10.00", "1.00")
			c.change(inv)
			before, _ := json.Marshal(inv)
			err := Calculate(inv, c.options...)
			var problems FieldErrors
			if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Path != c.path || problems[0].Code != c.code {
				t.Errorf("got %v, want %s at %s", err, c.code, c.path)
			}
			if after, _ := json.Marshal(inv); string(after) != string(before) {
				t.Errorf("the invoice was changed:\n%s\n%s", before, after)
			}
		})
	}
}

func TestCheckTotals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Invoice)
		want   []string
	}{
		"right":            {func(*Invoice) {}, nil},
		"line":             {func(i *Invoice) { i.Lines[0].Quantity = MustDecimal("2") }, []string{"PEPPOL-EN16931-R120 lines[0].net_amount 200.00"}},
		"line within 0.02": {func(i *Invoice) { i.Lines[0].Price.Net = MustDecimal("100.02") }, nil},
		"line net": {func(i *Invoice) { i.Totals.LineNet = MustDecimal("150.01") }, []string{
			"BR-CO-10 totals.line_net 150.00", "BR-CO-13 totals.without_vat 143.01",
		}},
		"allowances":       {func(i *Invoice) { i.Totals.Allowances = nil }, []string{"BR-CO-11 totals.allowances 10.00", "BR-CO-13 totals.without_vat 153.00"}},
		"charges":          {func(i *Invoice) { i.Totals.Charges = MustDecimal("4").Ptr() }, []string{"BR-CO-12 totals.charges 3.00", "BR-CO-13 totals.without_vat 144.00"}},
		"without VAT":      {func(i *Invoice) { i.Totals.WithoutVAT = MustDecimal("143.01") }, []string{"BR-CO-13 totals.without_vat 143.00", "BR-CO-15 totals.with_vat 171.61"}},
		"VAT":              {func(i *Invoice) { i.Totals.VAT = MustDecimal("28.61").Ptr() }, []string{"BR-CO-14 totals.vat 28.60", "BR-CO-15 totals.with_vat 171.61"}},
		"with VAT":         {func(i *Invoice) { i.Totals.WithVAT = MustDecimal("171.59") }, []string{"BR-CO-15 totals.with_vat 171.60", "BR-CO-16 totals.amount_due 171.59"}},
		"paid":             {func(i *Invoice) { i.Totals.Paid = MustDecimal("1").Ptr() }, []string{"BR-CO-16 totals.amount_due 170.60"}},
		"scale is no harm": {func(i *Invoice) { i.Totals.AmountDue = MustDecimal("171.6") }, nil},
		"tax": {func(i *Invoice) { i.VATBreakdown[0].TaxAmount = MustDecimal("29.60") }, []string{
			"BR-CO-14 totals.vat 29.60", "BR-CO-17 vat_breakdown[0].tax_amount 28.60",
		}},
		"tax within one": {func(i *Invoice) {
			i.VATBreakdown[0].TaxAmount, i.Totals.VAT, i.Totals.WithVAT, i.Totals.AmountDue = MustDecimal("29.59"), MustDecimal("29.59").Ptr(), MustDecimal("172.59"), MustDecimal("172.59")
		}, nil},
		"base":          {func(i *Invoice) { i.VATBreakdown[0].TaxableAmount = MustDecimal("144.00") }, []string{"BR-S-08 vat_breakdown[0].taxable_amount 143.00"}},
		"left out":      {func(i *Invoice) { i.Lines[1].VAT = LineVAT{Category: "Z", Rate: new(Decimal)} }, []string{"BR-S-08 vat_breakdown[0].taxable_amount 93.00", "BR-Z-01 vat_breakdown 50.00"}},
		"rate left out": {func(i *Invoice) { i.Lines[1].VAT.Rate = MustDecimal("5.5").Ptr() }, []string{"BR-S-08 vat_breakdown[0].taxable_amount 93.00", "BR-S-08 vat_breakdown 50.00"}},
		"third party": {func(i *Invoice) {
			i.Extensions = &Extensions{ThirdPartyPayments: []ThirdPartyPayment{{Amount: MustDecimal("1.00")}}}
		}, []string{"BR-DEX-09 totals.amount_due 172.60"}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := draft("100.00", "50.00")
			rate := inv.Lines[0].VAT.Rate
			inv.Allowances = []AllowanceCharge{{Amount: MustDecimal("10.00"), VATCategory: "S", VATRate: rate}}
			inv.Charges = []AllowanceCharge{{Amount: MustDecimal("3.00"), VATCategory: "S", VATRate: rate}}
			if err := Calculate(inv); err != nil {
				t.Fatal(err)
			}
			c.change(inv)
			before, _ := json.Marshal(inv)
			found := CheckTotals(inv)
			if after, _ := json.Marshal(inv); string(after) != string(before) {
				t.Error("checking changed the invoice")
			}
			if len(found) != len(c.want) {
				t.Fatalf("found %v, want %v", found, c.want)
			}
			for i, d := range found {
				if got := d.Rule + " " + d.Path + " " + d.Expected.String(); got != c.want[i] {
					t.Errorf("found %s, want %s", got, c.want[i])
				}
			}
		})
	}
}
