package billing_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/billing"
)

// BenchmarkOrderToUBL takes an order of 20 lines from JSON to the UBL invoice.
func BenchmarkOrderToUBL(b *testing.B) {
	in := input(b, "01-goods.order.json")
	o := *in.Order
	o.Lines = nil
	for i := range 20 {
		line := in.Order.Lines[i%len(in.Order.Lines)]
		line.ID = fmt.Sprint(10 * (i + 1))
		o.Lines = append(o.Lines, line)
	}
	src, err := json.Marshal(&o)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		o, err := order.ReadJSON(bytes.NewReader(src))
		if err != nil {
			b.Fatal(err)
		}
		in.Order = o
		plan, err := billing.Draft(in)
		if err != nil {
			b.Fatal(err)
		}
		inv := plan.Drafts[0].Invoice
		if err := invoice.Calculate(inv); err != nil {
			b.Fatal(err)
		}
		inv.Number = "FA-2026-00001"
		if _, err := ubl.Write(inv); err != nil {
			b.Fatal(err)
		}
	}
}
