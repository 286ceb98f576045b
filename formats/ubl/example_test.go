package ubl_test

import (
	"fmt"
	"os"

	"facteur.dev/facteur/formats/ubl"
)

func ExampleRead() {
	src, err := os.ReadFile("testdata/credit_note.xml")
	if err != nil {
		fmt.Println(err)
		return
	}
	inv, report, err := ubl.Read(src)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(inv.Number, inv.IsCreditNote(), inv.PrecedingInvoices[0].Number, inv.Totals.AmountDue)
	fmt.Println("nothing left out:", report.Complete())
	// Output:
	// G-2026-0007 true F-2026-1042 53.76
	// nothing left out: true
}
