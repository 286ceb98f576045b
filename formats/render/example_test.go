package render_test

import (
	"fmt"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/render"
)

func ExampleModel() {
	inv := &invoice.Invoice{
		Number: "FA-2026-00042", TypeCode: "380", Currency: "EUR", DueDate: invoice.MustDate("2026-12-17").Ptr(),
		Totals: invoice.Totals{AmountDue: invoice.MustDecimal("1400.30")},
	}
	v := render.Model(inv, "en")
	fmt.Println(v.Title)
	fmt.Println(v.Labels.AmountDue+":", v.AmountDue)
	// Output:
	// Invoice FA-2026-00042
	// Amount to pay: €1,400.30
}
