package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// everyPage follows a list from its first page to its last.
func everyPage[T any](e *env, limit int, get func(r gateway.Reader, p gateway.Page) (gateway.List[T], error), between func(page int)) []T {
	e.Helper()
	var all []T
	p := gateway.Page{Limit: limit}
	for n := 1; ; n++ {
		var page gateway.List[T]
		e.read(func(r gateway.Reader) (err error) {
			page, err = get(r, p)
			return err
		})
		if len(page.Items) > limit {
			e.Fatalf("page %d has %d items, want at most %d", n, len(page.Items), limit)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		if len(page.Items) < limit || n > 1000 {
			e.Fatalf("page %d has %d items and a next one", n, len(page.Items))
		}
		p.After = page.Next
		if between != nil {
			between(n)
		}
	}
}

func pages(e *env) {
	var want []string
	// Three of a moment each, so that the id decides; 21 fill three pages exactly.
	for i := range 21 {
		at := start.Add(time.Duration(i/3) * time.Microsecond)
		id := numbered("x", i)
		want = append([]string{id}, want...)
		e.order(func(o *gateway.Order) { o.ID, o.BusinessKey, o.CreatedAt = id, id, at })
		e.invoice(func(v *gateway.Invoice) { v.ID, v.BusinessKey, v.CreatedAt = id, id, at })
		e.write(func(tx gateway.Tx) error {
			in, hook, rec := sample[gateway.Inbound](e.T, i), sample[gateway.WebhookDelivery](e.T, i), sample[gateway.Record](e.T, i)
			in.ID, in.CreatedAt = id, at
			hook.ID, hook.CreatedAt, hook.WebhookID = id, at, "whk_1"
			rec.Kind, rec.ID, rec.Deleted = gateway.RecordItem, id, false
			e.must(tx.InsertInbound(e.ctx, &in))
			e.must(tx.PutWebhookDelivery(e.ctx, hook))
			return tx.PutRecord(e.ctx, &rec)
		})
	}
	for _, limit := range []int{1, 4, 7, 21, 500} {
		e.equal(ids(everyPage(e, limit, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.Order], error) {
			return r.Orders(e.ctx, gateway.OrderFilter{}, p)
		}, nil), func(o gateway.Order) string { return o.ID }), want)
		e.equal(ids(everyPage(e, limit, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.Invoice], error) {
			return r.Invoices(e.ctx, gateway.InvoiceFilter{}, p)
		}, nil), func(i gateway.Invoice) string { return i.ID }), want)
		e.equal(ids(everyPage(e, limit, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.Inbound], error) {
			return r.Inbounds(e.ctx, gateway.InboundFilter{}, p)
		}, nil), func(i gateway.Inbound) string { return i.ID }), want)
		e.equal(ids(everyPage(e, limit, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.WebhookDelivery], error) {
			return r.WebhookDeliveries(e.ctx, "whk_1", p)
		}, nil), func(d gateway.WebhookDelivery) string { return d.ID }), want)
		byID := ids(everyPage(e, limit, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.Record], error) {
			return r.Records(e.ctx, gateway.RecordItem, p)
		}, nil), func(r gateway.Record) string { return r.ID })
		slices.Reverse(byID)
		e.equal(byID, want)
	}
}

// pagesUnderInserts wants each record that was there at the start exactly once,
// whatever comes in meanwhile.
func pagesUnderInserts(e *env) {
	var want []string
	for i := range 30 {
		o := e.order(func(o *gateway.Order) { o.CreatedAt = start.Add(time.Duration(i) * time.Second) })
		want = append([]string{o.ID}, want...)
	}
	seen := everyPage(e, 7, func(r gateway.Reader, p gateway.Page) (gateway.List[gateway.Order], error) {
		return r.Orders(e.ctx, gateway.OrderFilter{}, p)
	}, func(page int) {
		e.order(func(o *gateway.Order) { o.CreatedAt = start.Add(time.Hour + time.Duration(page)*time.Second) })
	})
	e.equal(ids(seen, func(o gateway.Order) string { return o.ID }), want)
}

func badCursors(e *env) {
	e.read(func(r gateway.Reader) error {
		for _, bad := range []string{"x", "!", "MTIz", "\x00", "bm90IGEgbnVtYmVyIGlk"} {
			_, err := r.Orders(e.ctx, gateway.OrderFilter{}, gateway.Page{After: bad})
			e.fails(err, gateway.ErrInvalid)
			_, err = r.Records(e.ctx, gateway.RecordItem, gateway.Page{After: bad})
			e.fails(err, gateway.ErrInvalid)
		}
		return nil
	})
}

func orderFilters(e *env) {
	for i, state := range []gateway.OrderState{gateway.OrderReceived, gateway.OrderOpen, gateway.OrderOpen, gateway.OrderInvoiced} {
		e.order(func(o *gateway.Order) {
			o.ID, o.State, o.CreatedAt = numbered("ord", i), state, start.Add(time.Duration(i))
			o.BusinessKey = o.ID
			o.Customer, o.ExternalID, o.Number = fmt.Sprint("c", i%2), fmt.Sprint("e", i), fmt.Sprint("n", i/2)
		})
	}
	for _, c := range []struct {
		filter gateway.OrderFilter
		want   []string
	}{
		{gateway.OrderFilter{State: gateway.OrderOpen}, []string{"ord-002", "ord-001"}},
		{gateway.OrderFilter{Customer: "c0"}, []string{"ord-002", "ord-000"}},
		{gateway.OrderFilter{ExternalID: "e3"}, []string{"ord-003"}},
		{gateway.OrderFilter{Number: "n1"}, []string{"ord-003", "ord-002"}},
		{gateway.OrderFilter{State: gateway.OrderOpen, Customer: "c0", Number: "n1"}, []string{"ord-002"}},
		{gateway.OrderFilter{Number: "n"}, []string{}},
	} {
		e.read(func(r gateway.Reader) error {
			got, err := r.Orders(e.ctx, c.filter, gateway.Page{})
			e.equal(ids(got.Items, func(o gateway.Order) string { return o.ID }), c.want)
			return err
		})
	}
}

// largePages holds a page to what fits into memory: documents with files inside
// would fill it by the hundred.
func largePages(e *env) {
	large := []byte(`{"file":"` + strings.Repeat("A", 5<<20) + `"}`)
	var want []string
	for i := range 5 {
		id := numbered("inv", i)
		want = append([]string{id}, want...)
		e.invoice(func(v *gateway.Invoice) { v.ID, v.BusinessKey, v.Model = id, id, large })
	}
	most := 0
	var got []string
	e.read(func(r gateway.Reader) error {
		for inv, err := range gateway.All(func(p gateway.Page) (gateway.List[gateway.Invoice], error) {
			list, err := r.Invoices(e.ctx, gateway.InvoiceFilter{}, p)
			most = max(most, len(list.Items))
			return list, err
		}) {
			if err != nil {
				return err
			}
			got = append(got, inv.ID)
		}
		return nil
	})
	e.equal(got, want)
	if most >= 5 {
		e.Errorf("a page holds %d of them, %d bytes", most, most*len(large))
	}
}

func invoiceFilters(e *env) {
	for i, state := range []gateway.InvoiceState{gateway.InvoiceDraft, gateway.InvoiceHeld, gateway.InvoiceReady, gateway.InvoiceHeld} {
		e.invoice(func(v *gateway.Invoice) {
			v.ID, v.State, v.CreatedAt = numbered("inv", i), state, start.Add(time.Duration(i)*time.Hour)
			v.BusinessKey = v.ID
			v.Customer, v.OrderID, v.ExternalID, v.CreditOf = fmt.Sprint("c", i%2), fmt.Sprint("o", i/2), "", ""
		})
	}
	e.invoice(func(v *gateway.Invoice) {
		v.ID, v.ExternalID, v.CreditOf, v.Number, v.CreatedAt = "inv-credit", "ext", "inv-002", "AV-1", start.Add(-time.Hour)
	})
	for _, c := range []struct {
		filter gateway.InvoiceFilter
		want   []string
	}{
		{gateway.InvoiceFilter{States: []gateway.InvoiceState{gateway.InvoiceHeld}}, []string{"inv-003", "inv-001"}},
		{gateway.InvoiceFilter{States: []gateway.InvoiceState{gateway.InvoiceHeld, gateway.InvoiceDraft}}, []string{"inv-003", "inv-001", "inv-000"}},
		{gateway.InvoiceFilter{Customer: "c1"}, []string{"inv-003", "inv-001"}},
		{gateway.InvoiceFilter{OrderID: "o0"}, []string{"inv-001", "inv-000"}},
		{gateway.InvoiceFilter{ExternalID: "ext"}, []string{"inv-credit"}},
		{gateway.InvoiceFilter{CreditOf: "inv-002"}, []string{"inv-credit"}},
		{gateway.InvoiceFilter{Number: "AV-1"}, []string{"inv-credit"}},
		{gateway.InvoiceFilter{Number: "AV"}, []string{}},
		{gateway.InvoiceFilter{Since: start.Add(time.Hour), Until: start.Add(3 * time.Hour)}, []string{"inv-002", "inv-001"}},
		{gateway.InvoiceFilter{Since: start.Add(3*time.Hour + time.Microsecond)}, []string{}},
	} {
		e.read(func(r gateway.Reader) error {
			got, err := r.Invoices(e.ctx, c.filter, gateway.Page{})
			e.equal(ids(got.Items, func(i gateway.Invoice) string { return i.ID }), c.want)
			return err
		})
	}
}

func search(e *env) {
	for i, c := range []struct{ number, external, customer string }{
		{"FA-2026-0001", "ERP_7", "Crèmerie de l'Œuvre, Łódź"},
		{"FA-2026-0002", "100%", "Ångström & Søn"},
		{"AV-2026-0001", `C:\temp`, "ΕΛΛΆΣ ΑΕ"},
	} {
		e.invoice(func(v *gateway.Invoice) {
			v.ID, v.Number, v.ExternalID, v.CustomerName = numbered("inv", i), c.number, c.external, c.customer
		})
	}
	for text, want := range map[string][]string{
		"creme": {"inv-000"}, "CRÈME": {"inv-000"}, "cre\u0300merie": {"inv-000"}, "angstrom": {"inv-001"}, "ελλας": {"inv-002"},
		"fa-2026": {"inv-001", "inv-000"}, "0001": {"inv-002", "inv-000"}, "%": {"inv-001"}, "_": {"inv-000"}, `\`: {"inv-002"},
		"erp_7": {"inv-000"}, "nobody": {},
	} {
		e.read(func(r gateway.Reader) error {
			got, err := r.Invoices(e.ctx, gateway.InvoiceFilter{Text: text}, gateway.Page{})
			found := ids(got.Items, func(i gateway.Invoice) string { return i.ID })
			slices.Sort(found)
			slices.Sort(want)
			if !slices.Equal(found, want) {
				e.Errorf("%q finds %q, want %q", text, found, want)
			}
			return err
		})
	}
}

func counts(e *env) {
	add := func(at time.Time, state gateway.InvoiceState, hold string, transport gateway.EventType) {
		e.invoice(func(v *gateway.Invoice) {
			v.State, v.Hold, v.CreatedAt = state, hold, at
			v.Status = gateway.Status{}.Apply(gateway.Event{ID: "evt", Type: transport, DeliveryID: "del"})
		})
	}
	add(start, gateway.InvoiceSent, "", gateway.EventDeliveryReceipt)
	add(start.Add(time.Hour), gateway.InvoiceSent, "", gateway.EventDeliveryReceipt)
	add(start.Add(2*time.Hour), gateway.InvoiceHeld, "rules", "")
	add(start.Add(3*time.Hour), gateway.InvoiceSent, "", gateway.EventDeliveryBounced)
	e.read(func(r gateway.Reader) error {
		got, err := r.Counts(e.ctx, time.Time{}, time.Time{})
		e.equal(got, []gateway.Count{
			{State: gateway.InvoiceHeld, Hold: "rules", N: 1},
			{State: gateway.InvoiceSent, Transport: "bounced", N: 1},
			{State: gateway.InvoiceSent, Transport: "received", N: 2},
		})
		if err != nil {
			return err
		}
		got, err = r.Counts(e.ctx, start, start.Add(time.Hour))
		e.equal(got, []gateway.Count{{State: gateway.InvoiceSent, Transport: "received", N: 1}})
		return err
	})
}

func documents(e *env) {
	add := func(invoiceID, inboundID, role string, at time.Time) gateway.Document {
		d := sample[gateway.Document](e.T, 1)
		d.SHA256, d.InvoiceID, d.InboundID, d.Role, d.CreatedAt = "hash", invoiceID, inboundID, role, at
		e.write(func(tx gateway.Tx) error { return tx.InsertDocument(e.ctx, d) })
		return d
	}
	second := add("inv_2", "", "invoice", start.Add(time.Second))
	first := add("inv_1", "", "invoice", start)
	original := add("inv_1", "", "original", start.Add(time.Minute))
	inbound := add("", "inb_1", "original", start.Add(time.Hour))
	e.read(func(r gateway.Reader) error {
		got, err := r.Document(e.ctx, "hash")
		e.equal(got, first)
		e.must(err)
		ofFirst, err := r.InvoiceDocuments(e.ctx, "inv_1")
		e.equal(ofFirst, []gateway.Document{first, original})
		e.must(err)
		ofSecond, err := r.InvoiceDocuments(e.ctx, "inv_2")
		e.equal(ofSecond, []gateway.Document{second})
		e.must(err)
		ofInbound, err := r.InboundDocuments(e.ctx, "inb_1")
		e.equal(ofInbound, []gateway.Document{inbound})
		return err
	})
}
