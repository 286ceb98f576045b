package invoice_test

import (
	"errors"
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
)

func ExampleCalculate() {
	inv := &invoice.Invoice{
		Number: "F-1", TypeCode: "380", Currency: "EUR", IssueDate: invoice.MustDate("2026-11-21"),
		Lines: []invoice.Line{{
			ID: "1", Quantity: invoice.MustDecimal("37.5"), Unit: "HUR",
			Price: invoice.Price{Net: invoice.MustDecimal("95.00")},
			VAT:   invoice.LineVAT{Category: "S", Rate: invoice.MustDecimal("20").Ptr()},
			Item:  invoice.Item{Name: "Development"},
		}},
	}
	if err := invoice.Calculate(inv); err != nil {
		fmt.Println(err)
	}
	fmt.Println(inv.Totals.WithoutVAT, inv.Totals.VAT, inv.Totals.AmountDue)
	// Output: 3562.50 712.50 4275.00
}

func ExampleCheckTotals() {
	inv := &invoice.Invoice{Totals: invoice.Totals{
		WithVAT:   invoice.MustDecimal("120.00"),
		AmountDue: invoice.MustDecimal("100.00"),
		Paid:      invoice.MustDecimal("10.00").Ptr(),
	}}
	for _, d := range invoice.CheckTotals(inv) {
		fmt.Println(d)
	}
	// Output:
	// BR-CO-15: BT-112 (totals.with_vat) is 120.00, expected 0.00
	// BR-CO-16: BT-115 (totals.amount_due) is 100.00, expected 110.00
}

func ExampleReadJSON() {
	_, err := invoice.ReadJSON(strings.NewReader(`{
		"currency": "EURO",
		"issue_date": "2026-02-30",
		"totals": {"line_net": "1.005", "without_vat": "1", "with_vat": "1", "amount_due": "1"}
	}`))
	var problems invoice.FieldErrors
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Println(p.Code, p.Path, p.Term)
		}
	}
	// Output:
	// currency.unknown currency BT-5
	// date.invalid issue_date BT-2
	// amount.decimals totals.line_net BT-106
}
