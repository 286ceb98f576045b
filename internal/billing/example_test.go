package billing_test

import (
	"fmt"
	"log"
	"strings"

	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
)

// An order that is invoiced on delivery, half of it delivered.
func ExampleDraft() {
	o, err := order.ReadJSON(strings.NewReader(`{"number":"PO-7","currency":"EUR","billing":"on_delivery",
		"lines":[{"id":"1","item":{"name":"Lamp"},"quantity":10,"unit":"C62","price":{"net":"2.50"}}]}`))
	if err != nil {
		log.Fatal(err)
	}
	note, err := order.ReadDeliveryJSON(strings.NewReader(`{"id":"DN-1","lines":[{"id":"1","order_line":"1","quantity":4}]}`))
	if err != nil {
		log.Fatal(err)
	}
	plan, err := billing.Draft(billing.Input{Order: o, Deliveries: []order.Delivery{*note}})
	if err != nil {
		log.Fatal(err)
	}
	draft := plan.Drafts[0]
	fmt.Println(draft.Invoice.DespatchAdviceReference, draft.Takes.Lines["1"], "of", plan.Remainder.Lines[0].Ordered)
	for _, m := range draft.Missing {
		if m.Term == "BT-151" {
			fmt.Println(m.Path+":", m.Why)
		}
	}
	// Output:
	// DN-1 4 of 10
	// lines[0].vat.category: order line 1 has no VAT category and no item record matches
}
