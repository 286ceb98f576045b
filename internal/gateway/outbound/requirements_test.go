package outbound_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/validation"
)

// newProfiledWorld is a world whose customer names a billing profile.
func newProfiledWorld(t *testing.T, profile string) *world {
	t.Helper()
	w := newWorld(t)
	w.handlers[gateway.TaskPrepareInvoice].(*outbound.Preparing).Requirements = &outbound.Profiles{Clock: w.clock}
	w.book.CheckProfile = outbound.CheckProfile
	w.change(gateway.RecordCustomer, "buyer", func(c map[string]any) { c["profile"] = "buyer-profile" })
	if profile != "" {
		w.put(gateway.RecordProfile, "buyer-profile", profile)
	}
	return w
}

// change writes a record's next version.
func (w *world) change(kind gateway.RecordKind, id string, change func(map[string]any)) {
	w.Helper()
	var rec gateway.Record
	w.must(w.store.For(tenant).Read(w.Context(), func(r gateway.Reader) (err error) {
		rec, err = r.Record(w.Context(), kind, id, 0)
		return err
	}))
	var body map[string]any
	w.must(json.Unmarshal(rec.Body, &body))
	change(body)
	out, err := json.Marshal(body)
	w.must(err)
	w.put(kind, id, string(out))
}

// requirementsOf gives the last verdict on the profile that was recorded.
func (w *world) requirementsOf(id string) *validation.Verdict {
	w.Helper()
	var last *validation.Verdict
	w.must(w.store.For(tenant).Read(w.Context(), func(r gateway.Reader) error {
		list, err := r.Verdicts(w.Context(), id, "")
		if err != nil || len(list) == 0 {
			return err
		}
		var result validation.Result
		if err := json.Unmarshal(list[len(list)-1].Result, &result); err != nil {
			return err
		}
		for _, v := range result.Verdicts {
			if v.Stage == validation.StageRequirements {
				last = &v
			}
		}
		return nil
	}))
	return last
}

func rulesOf(v *validation.Verdict) []string {
	var out []string
	if v != nil {
		for _, f := range v.Findings {
			out = append(out, f.Rule+" "+f.Location)
		}
	}
	return out
}

const costCentre = `{"name":"Acheteur","fields":{"cost_centre":{"required":true,"pattern":"CC-[0-9]{4}"}}}`

func TestProfileHoldsAndCorrectionReleases(t *testing.T) {
	w := newProfiledWorld(t, costCentre)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	inv := w.only()
	if inv.State != gateway.InvoiceHeld || inv.Hold != "requirements" || inv.Number != "" || len(w.peer.messages) != 0 {
		t.Fatalf("%s %s %s", inv.State, inv.Hold, inv.HoldDetail)
	}
	var hold outbound.Hold
	w.must(json.Unmarshal(inv.HoldDetail, &hold))
	if hold.Result == nil || len(hold.Result.Failures()) != 1 || !slices.Equal(hold.Result.Failures()[0].BusinessTerms, []string{"BT-19"}) {
		t.Errorf("%+v", hold)
	}
	v := w.requirementsOf(inv.ID)
	if v == nil || v.RuleSet != "profile:buyer-profile" || v.Version != "1" || len(v.SHA256) != 64 || !v.Ran ||
		!slices.Equal(rulesOf(v), []string{"profile.cost_centre.required buyer_accounting_reference"}) {
		t.Fatalf("%+v", v)
	}
	_, err = w.desk.Correct(t.Context(), tenant, inv.ID, gateway.System, []byte(`{"buyer_accounting_reference":"CC-7720"}`))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || !w.requirementsOf(inv.ID).OK() {
		t.Errorf("%s %s", inv.State, inv.HoldDetail)
	}
}

func TestProfileIsOverriddenByAPerson(t *testing.T) {
	w := newProfiledWorld(t, costCentre)
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	_, err = w.desk.Override(t.Context(), tenant, w.only().ID, gateway.Actor{Kind: "user", ID: "usr_1", Name: "Éva Lefèvre"}, "agreed by telephone")
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || w.requirementsOf(inv.ID).OK() {
		t.Errorf("%s, and the verdict is as it was: %v", inv.State, rulesOf(w.requirementsOf(inv.ID)))
	}
}

func TestCustomerWithoutProfile(t *testing.T) {
	w := newProfiledWorld(t, costCentre)
	w.change(gateway.RecordCustomer, "buyer", func(c map[string]any) { delete(c, "profile") })
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	if inv := w.only(); inv.State != gateway.InvoiceSent || w.requirementsOf(inv.ID) != nil {
		t.Errorf("%s, verdict %+v", inv.State, w.requirementsOf(inv.ID))
	}
}

// A profile that is named but cannot be had stops the invoice, also once it is
// there but broken, until it is there and right.
func TestProfileFailsClosed(t *testing.T) {
	w := newProfiledWorld(t, "")
	_, err := w.submit("k", orderJSON("PO-1", "on_order", 1))
	w.must(err)
	w.drain()
	held := func(reason string) {
		t.Helper()
		inv := w.only()
		v := w.requirementsOf(inv.ID)
		if inv.State != gateway.InvoiceHeld || inv.Hold != "requirements" || v == nil || v.Ran || v.RuleSet != "profile:buyer-profile" || !strings.HasPrefix(v.Reason, reason) {
			t.Fatalf("%s %s %+v", inv.State, inv.Hold, v)
		}
		w.clock.advance(time.Minute)
	}
	held("profile.missing: ")
	w.must(w.store.For(tenant).Write(t.Context(), func(tx gateway.Tx) error { // past the book, as a later release might find it
		return tx.PutRecord(t.Context(), &gateway.Record{
			Kind: gateway.RecordProfile, ID: "buyer-profile", ValidFrom: w.clock.Now(), CreatedAt: w.clock.Now(), CreatedBy: gateway.System,
			Body: []byte(`{"name":"x","rules":[{"id":"R","require":"invoice.gone","message":{"en":"m"}}]}`),
		})
	}))
	release := func() {
		t.Helper()
		_, err := w.desk.Release(t.Context(), tenant, w.only().ID, gateway.System)
		w.must(err)
		w.drain()
	}
	release()
	held("rules.broken: the profile cannot be used: rules[0].require: line 1, column 8: undefined field 'gone'")
	w.put(gateway.RecordProfile, "buyer-profile", `{"name":"x","rules":[{"id":"R","require":"invoice.tax_point_date > today","message":{"en":"m"}}]}`)
	release()
	held("check.dynamic: rule R: tax_point_date is absent")
	w.put(gateway.RecordProfile, "buyer-profile", `{"name":"x"}`)
	release()
	if inv := w.only(); inv.State != gateway.InvoiceSent || w.requirementsOf(inv.ID).Version != "3" {
		t.Errorf("%s %+v", inv.State, w.requirementsOf(inv.ID))
	}
}

// TestProfileInForce: a version counts from its day, not from when it was saved.
func TestProfileInForce(t *testing.T) {
	w := newProfiledWorld(t, `{"name":"Acheteur"}`)
	_, err := w.book.Put(t.Context(), tenant, gateway.System, gateway.Record{
		Kind: gateway.RecordProfile, ID: "buyer-profile", Body: []byte(costCentre), ValidFrom: w.clock.Now().Add(48 * time.Hour),
	}, -1)
	w.must(err)
	for i, want := range []gateway.InvoiceState{gateway.InvoiceSent, gateway.InvoiceHeld} {
		number := []string{"PO-1", "PO-2"}[i]
		_, err := w.submit(number, orderJSON(number, "on_order", 1))
		w.must(err)
		w.drain()
		newest := w.invoices()[0]
		if v := w.requirementsOf(newest.ID); newest.State != want || v == nil || v.Version != []string{"1", "2"}[i] {
			t.Errorf("%s: %s %+v", number, newest.State, v)
		}
		w.clock.advance(72 * time.Hour)
	}
}

// TestProfileSeesTheOrder compares invoices with their order and with what was
// billed before.
func TestProfileSeesTheOrder(t *testing.T) {
	const against = `{"name":"Acheteur","against_order":{"price":{},"quantity":{}},
		"rules":[{"id":"SEES","require":"order.number == 'PO-1' && document.syntax == 'ubl' && document.size > 1000 && string(today) == '2026-11-20'","message":{"en":"m"}}]}`
	w := newProfiledWorld(t, against)
	answer, err := w.submit("k", orderJSON("PO-1", "on_delivery", 10))
	w.must(err)
	w.drain()
	for _, note := range []string{"DN-1", "DN-2"} {
		body := `{"id":"` + note + `","order_number":"PO-1","date":"2026-11-20","lines":[{"id":"1","order_line":"1","quantity":"5"}]}`
		d, err := order.ReadDeliveryJSON(strings.NewReader(body))
		w.must(err)
		_, err = w.intake.SubmitDelivery(t.Context(), tenant, answer.Ref, outbound.Submission{Key: note, Actor: gateway.System, Source: []byte(body), SourceType: "application/json"}, d)
		w.must(err)
		w.drain()
	}
	all := w.invoices()
	if len(all) != 2 || all[0].State != gateway.InvoiceSent || all[1].State != gateway.InvoiceSent {
		t.Fatalf("%d invoices, %s", len(all), all[0].HoldDetail)
	}

	check := func(row gateway.Invoice, change func(*invoice.Invoice)) []string {
		t.Helper()
		model := new(invoice.Invoice)
		w.must(json.Unmarshal(all[0].Model, model))
		change(model)
		var verdicts []validation.Verdict
		w.must(w.store.For(tenant).Read(t.Context(), func(r gateway.Reader) (err error) {
			verdicts, err = (&outbound.Profiles{Clock: w.clock}).Check(t.Context(), r, row, model, []byte(`<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">`+strings.Repeat(" ", 1000)+`</Invoice>`))
			return err
		}))
		if len(verdicts) != 1 || !verdicts[0].Ran {
			t.Fatalf("%+v", verdicts)
		}
		return rulesOf(&verdicts[0])
	}
	if got := check(all[0], func(*invoice.Invoice) {}); got != nil {
		t.Errorf("as it is: %q", got)
	}
	if got := check(all[0], func(inv *invoice.Invoice) { inv.Lines[0].Quantity = invoice.MustDecimal("5.001") }); !slices.Equal(got, []string{"profile.order.quantity lines[0].quantity"}) {
		t.Errorf("more than is left: %q", got)
	}
	if got := check(all[0], func(inv *invoice.Invoice) { inv.Lines[0].Price.Net = invoice.MustDecimal("10.01") }); !slices.Equal(got, []string{"profile.order.price lines[0].price.net"}) {
		t.Errorf("dearer: %q", got)
	}
	// A finished invoice has no order of its own: the customer's order with the
	// number it names counts, and all of it is invoiced already.
	finished := all[0]
	finished.ID, finished.OrderID = "inv_erp", ""
	if got := check(finished, func(*invoice.Invoice) {}); !slices.Equal(got, []string{"profile.order.quantity lines[0].quantity"}) {
		t.Errorf("invoiced twice: %q", got)
	}
	if got := check(finished, func(inv *invoice.Invoice) { inv.PurchaseOrderReference = "PO-9" }); !slices.Equal(got, []string{"profile.order.missing purchase_order_reference", "profile.SEES "}) {
		t.Errorf("an order nobody knows: %q", got)
	}
	note := all[0]
	note.ID, note.CreditOf = "inv_credit", all[0].ID
	if got := check(note, func(inv *invoice.Invoice) { inv.TypeCode = "381" }); got != nil {
		t.Errorf("a credit note: %q", got)
	}
}

func TestBookRefusesBadProfiles(t *testing.T) {
	w := newProfiledWorld(t, "")
	for body, path := range map[string]string{
		`{"name":"x","rules":[{"id":"R","require":"1","message":{"en":"m"}}]}`: "rules[0].require",
		`{"name":"x","fields":{"order_reference":{"pattern":"("}}}`:            "fields.order_reference.pattern",
		`{"name":"x","nonsense":1}`:                                            "nonsense",
		`{"name":"x","examples":[{"name":"e","expect":"fail","invoice":{"totals":{"line_net":0,"without_vat":0,"with_vat":0,"amount_due":0}}}]}`: "examples[0]",
		`"name: x"`: "",
		`name: x`:   "",
	} {
		_, err := w.book.Put(t.Context(), tenant, gateway.System, gateway.Record{Kind: gateway.RecordProfile, ID: "p", Body: []byte(body)}, -1)
		var e *gateway.Error
		if !errors.As(err, &e) || !errors.Is(err, gateway.ErrInvalid) || path != "" && (len(e.Fields) != 1 || e.Fields[0].Path != path) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestDemonstrationProfile: what the demonstration shows is what the profile of
// the hospital says of the two orders.
func TestDemonstrationProfile(t *testing.T) {
	w := newProfiledWorld(t, "")
	profile, err := os.ReadFile("../../../testdata/profiles/hopital-saint-eloi.json")
	w.must(err)
	w.put(gateway.RecordProfile, "hopital-saint-eloi", string(profile))
	for kind, file := range map[gateway.RecordKind]string{
		gateway.RecordLegalEntity: "legal_entities", gateway.RecordCustomer: "customers", gateway.RecordItem: "items",
	} {
		text, err := os.ReadFile("../../../testdata/orders/records/" + file + ".json")
		w.must(err)
		var list []billing.Record[json.RawMessage]
		w.must(json.Unmarshal(text, &list))
		for _, r := range list {
			w.put(kind, r.ID, string(r.Value))
		}
	}
	w.change(gateway.RecordCustomer, "hopital-saint-eloi", func(c map[string]any) { c["profile"] = "hopital-saint-eloi" })
	for i, file := range []string{"07-requirements", "07-requirements.corrected"} {
		body, err := os.ReadFile("../../../testdata/orders/" + file + ".order.json")
		w.must(err)
		// The order that names no seller belongs to the only legal entity; here are
		// two, and the corrected order is another one.
		o := bytes.Replace(body, []byte(`"buyer": {`), []byte(`"seller": {"vat_identifier": "FR31000123455"}, "buyer": {`), 1)
		if i == 1 {
			o = bytes.ReplaceAll(o, []byte("HSE-204518"), []byte("HSE-204519"))
		}
		_, err = w.submit(file, string(o))
		w.must(err)
		w.drain()
		inv := w.invoices()[0]
		want := [][]string{{"profile.cost_centre.required buyer_accounting_reference"}, nil}[i]
		if got := rulesOf(w.requirementsOf(inv.ID)); !slices.Equal(got, want) || (inv.State == gateway.InvoiceHeld) != (i == 0) {
			t.Errorf("%s: %s %q %s", file, inv.State, got, inv.HoldDetail)
		}
	}
}
