package billing_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
)

// quantities and prices with few and many decimals.
func genDecimal(places int32, most int64) *rapid.Generator[invoice.Decimal] {
	return rapid.Custom(func(t *rapid.T) invoice.Decimal {
		return invoice.NewDecimal(rapid.Int64Range(1, most).Draw(t, "unscaled"), rapid.Int32Range(0, places).Draw(t, "scale"))
	})
}

// genInput is a complete order with allowances and charges at both levels, and
// deliveries of it: partial, too much, in any number of notes.
func genInput(t *rapid.T) billing.Input {
	in := one(nil)
	in.Order.Lines = nil
	rates := []string{"20", "5.5", "0"}
	for i := range rapid.IntRange(1, 4).Draw(t, "lines") {
		rate := dec(rapid.SampledFrom(rates).Draw(t, "rate"))
		line := order.Line{
			ID: fmt.Sprint(i + 1), Item: invoice.Item{Name: "x"}, Unit: "C62",
			Quantity: genDecimal(2, 500).Draw(t, "ordered"),
			Price:    &invoice.Price{Net: genDecimal(4, 99999).Draw(t, "price")},
			VAT:      &order.VAT{Category: "S", Rate: &rate},
		}
		if rapid.Bool().Draw(t, "based") {
			line.Price.BaseQuantity = genDecimal(1, 300).Draw(t, "base").Ptr()
		}
		if rapid.Bool().Draw(t, "discounted") {
			line.Allowances = []invoice.LineAllowanceCharge{{Amount: genDecimal(2, 999).Draw(t, "discount").Round(2), Reason: "r"}}
		}
		if rapid.Bool().Draw(t, "charged") {
			line.Charges = []invoice.LineAllowanceCharge{{Percentage: genDecimal(1, 50).Draw(t, "percent").Ptr(), ReasonCode: "FC"}}
		}
		in.Order.Lines = append(in.Order.Lines, line)
	}
	rate := dec("20")
	if rapid.Bool().Draw(t, "freight") {
		in.Order.Charges = []invoice.AllowanceCharge{{Amount: genDecimal(2, 9999).Draw(t, "freight").Round(2), VATCategory: "S", VATRate: &rate, Reason: "r"}}
	}
	if rapid.Bool().Draw(t, "rebate") {
		base := genDecimal(2, 99999).Draw(t, "rebated").Round(2)
		in.Order.Allowances = []invoice.AllowanceCharge{{BaseAmount: &base, Percentage: dec("3").Ptr(), VATCategory: "S", VATRate: &rate, Reason: "r"}}
	}
	in.Tolerance.Percent = rapid.SampledFrom([]invoice.Decimal{dec("0"), dec("10")}).Draw(t, "tolerance")
	return in
}

func genNote(t *rapid.T, in *billing.Input, id string) order.Delivery {
	n := order.Delivery{ID: id, OrderNumber: in.Order.Number}
	for i := range rapid.IntRange(1, 4).Draw(t, "delivered lines") {
		n.Lines = append(n.Lines, order.DeliveryLine{
			ID:        fmt.Sprint(i + 1),
			OrderLine: rapid.SampledFrom(in.Order.Lines).Draw(t, "line").ID,
			Quantity:  genDecimal(2, 400).Draw(t, "delivered"),
		})
	}
	return n
}

// Whatever is delivered in whatever order, and however often notes are repeated,
// the invoices never take more than was delivered, nor more than was ordered with
// its tolerance, and nothing that could be invoiced is left out.
func TestPropertyNeverTooMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := genInput(t)
		taken := map[string]invoice.Decimal{}
		for i := range rapid.IntRange(1, 5).Draw(t, "notes") {
			if len(in.Deliveries) > 0 && rapid.IntRange(0, 3).Draw(t, "repeat") == 0 {
				in.Deliveries = append(in.Deliveries, rapid.SampledFrom(in.Deliveries).Draw(t, "note"))
			} else {
				in.Deliveries = append(in.Deliveries, genNote(t, &in, fmt.Sprintf("n%d", i)))
			}
			if rapid.Bool().Draw(t, "later") {
				continue
			}
			for _, d := range mustPlan(t, in).Drafts {
				in.Invoiced = append(in.Invoiced, d.Takes)
				for j := range d.Invoice.Lines {
					l := &d.Invoice.Lines[j]
					taken[l.OrderLineReference] = taken[l.OrderLineReference].Add(l.Quantity)
				}
			}
			if again := mustPlan(t, in); len(again.Drafts) != 0 {
				t.Fatalf("%d drafts right after all was invoiced", len(again.Drafts))
			}
		}
		if len(in.Invoiced) == 0 {
			return
		}
		plan := mustPlan(t, in)
		pending := map[string]invoice.Decimal{}
		for _, d := range plan.Drafts {
			for id, q := range d.Takes.Lines {
				pending[id] = pending[id].Add(q)
			}
		}
		for i, r := range plan.Remainder.Lines {
			limit := in.Order.Lines[i].Quantity.Mul(dec("100").Add(in.Tolerance.Percent)).Div(dec("100"), 10)
			invoiced := taken[r.OrderLine].Add(pending[r.OrderLine])
			if !invoiced.Equal(r.Invoiced) {
				t.Fatalf("line %s: invoices have %s, the remainder says %s", r.OrderLine, invoiced, r.Invoiced)
			}
			most := r.Delivered
			if limit.Cmp(most) < 0 {
				most = limit
			}
			if !invoiced.Equal(most) {
				t.Fatalf("line %s: invoiced %s of ordered %s (limit %s), delivered %s", r.OrderLine, invoiced, r.Ordered, limit, r.Delivered)
			}
		}
	})
}

// The invoices of an order that is delivered in parts come to the invoice of the
// whole order: every line amount, allowance and charge, to the cent.
func TestPropertyPartsMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := genInput(t)
		in.Tolerance = billing.Tolerance{}
		whole := in
		order1 := *in.Order
		order1.Billing = order.OnOrder
		whole.Order = &order1
		want := totals(t, mustPlan(t, whole).Drafts)

		left := map[string]invoice.Decimal{}
		for _, l := range in.Order.Lines {
			left[l.ID] = l.Quantity
		}
		var drafts []billing.Proposal
		for n := rapid.IntRange(1, 5).Draw(t, "notes"); n > 0; n-- {
			note := order.Delivery{ID: fmt.Sprintf("n%d", n)}
			for _, l := range in.Order.Lines {
				quantity := left[l.ID]
				if n > 1 {
					share := invoice.NewDecimal(rapid.Int64Range(0, 100).Draw(t, "share"), 2)
					quantity = quantity.Mul(share).Round(2)
					if left[l.ID].Sub(quantity).Sign() < 0 {
						quantity = left[l.ID]
					}
				}
				left[l.ID] = left[l.ID].Sub(quantity)
				note.Lines = append(note.Lines, order.DeliveryLine{ID: l.ID, OrderLine: l.ID, Quantity: quantity})
			}
			in.Deliveries = append(in.Deliveries, note)
			for _, d := range mustPlan(t, in).Drafts {
				in.Invoiced = append(in.Invoiced, d.Takes)
				drafts = append(drafts, d)
			}
		}
		got := totals(t, drafts)
		for key, amount := range want {
			if !got[key].Equal(amount) {
				t.Fatalf("%s: %s in parts, %s as a whole", key, got[key], amount)
			}
		}
		if plan := mustPlan(t, in); !plan.Remainder.Complete || len(plan.Drafts) > 0 {
			t.Fatalf("not complete: %+v", plan.Remainder)
		}
	})
}

// totals sums calculated invoices up by order line and by document level field.
func totals(t *rapid.T, drafts []billing.Proposal) map[string]invoice.Decimal {
	sums := map[string]invoice.Decimal{}
	add := func(key string, d invoice.Decimal) { sums[key] = sums[key].Add(d) }
	for _, p := range drafts {
		if len(p.Missing) > 0 {
			t.Fatalf("missing %+v", p.Missing)
		}
		inv := p.Invoice
		if err := invoice.Calculate(inv); err != nil {
			t.Fatal(err)
		}
		if errs := invoice.CheckTotals(inv); len(errs) > 0 {
			t.Fatalf("totals: %v", errs)
		}
		for i := range inv.Lines {
			l := &inv.Lines[i]
			add("quantity of "+l.OrderLineReference, l.Quantity)
			add("net of "+l.OrderLineReference, l.NetAmount)
		}
		add("lines", inv.Totals.LineNet)
		add("without VAT", inv.Totals.WithoutVAT)
		for _, a := range inv.Allowances {
			add("allowances", a.Amount)
		}
		for _, c := range inv.Charges {
			add("charges", c.Amount)
		}
	}
	return sums
}

// Credit notes by parts come to the invoice, and never to more.
func TestPropertyCreditsComeToTheInvoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := genInput(t)
		in.Order.Billing = order.OnOrder
		inv := mustPlan(t, in).Drafts[0].Invoice
		if err := invoice.Calculate(inv); err != nil {
			t.Fatal(err)
		}
		inv.Number = "F1"
		credited := inv.Totals.WithoutVAT.Sub(inv.Totals.WithoutVAT)
		sel := billing.Selection{}
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			line := rapid.SampledFrom(inv.Lines).Draw(t, "line")
			quantity := genDecimal(2, 400).Draw(t, "quantity")
			part := sel
			part.Lines = []billing.SelectedLine{{Line: line.ID, Quantity: &quantity}}
			note, err := billing.Credit(inv, part)
			if err != nil {
				continue // more than is left
			}
			credited = credited.Add(note.Totals.WithoutVAT)
			sel.Credited = append(sel.Credited, note)
		}
		rest, err := billing.Credit(inv, sel)
		if err == nil {
			credited = credited.Add(rest.Totals.WithoutVAT)
			sel.Credited = append(sel.Credited, rest)
		}
		if !credited.Equal(inv.Totals.WithoutVAT) {
			t.Fatalf("invoiced %s, credited %s", inv.Totals.WithoutVAT, credited)
		}
		if _, err := billing.Credit(inv, sel); err == nil {
			t.Fatal("something was credited twice")
		}
	})
}

func mustPlan(t *rapid.T, in billing.Input) billing.Plan {
	plan, err := billing.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
