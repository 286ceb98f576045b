package billing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/formats/sheet"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/billing"
)

const orders = "../../testdata/orders"

func load[T any](t testing.TB, name string) T {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(orders, name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	d := json.NewDecoder(strings.NewReader(string(src)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func readOrder(t testing.TB, name string) *order.Order {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(orders, name))
	if err != nil {
		t.Fatal(err)
	}
	var o *order.Order
	switch filepath.Ext(name) {
	case ".xml":
		o, _, err = ubl.ReadOrder(src)
	case ".csv":
		var list []*order.Order
		if list, err = sheet.ReadOrders(bytes.NewReader(src), sheet.Options{}); err == nil {
			o = list[0]
		}
	default:
		o, err = order.ReadJSON(bytes.NewReader(src))
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

func readNote(t testing.TB, name string) order.Delivery {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(orders, name))
	if err != nil {
		t.Fatal(err)
	}
	var d *order.Delivery
	if strings.HasSuffix(name, ".xml") {
		d, _, err = ubl.ReadDespatchAdvice(src)
	} else {
		d, err = order.ReadDeliveryJSON(strings.NewReader(string(src)))
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return *d
}

// recordsFor finds the records of our supplier and of the order's buyer.
func recordsFor(t testing.TB, o *order.Order) billing.Records {
	t.Helper()
	entities := load[[]billing.Record[billing.LegalEntity]](t, "records/legal_entities.json")
	records := billing.Records{
		LegalEntity: &entities[0],
		Items:       load[[]billing.Record[billing.Item]](t, "records/items.json"),
	}
	for _, c := range load[[]billing.Record[billing.Customer]](t, "records/customers.json") {
		if c.Value.AccountNumber == o.Buyer.AccountNumber || c.Value.VATIdentifier == o.Buyer.VATIdentifier {
			records.Customer = &c
		}
	}
	if records.Customer == nil {
		t.Fatalf("no customer record for %+v", o.Buyer)
	}
	return records
}

var issued = invoice.MustDate("2026-10-30")

func input(t testing.TB, name string, notes ...string) billing.Input {
	t.Helper()
	in := billing.Input{Order: readOrder(t, name), IssueDate: issued}
	in.Records = recordsFor(t, in.Order)
	for _, n := range notes {
		in.Deliveries = append(in.Deliveries, readNote(t, n))
	}
	return in
}

func mustDraft(t testing.TB, in billing.Input) billing.Plan {
	t.Helper()
	plan, err := billing.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// only is the single draft of a plan, calculated, with nothing missing.
func only(t testing.TB, in billing.Input) billing.Proposal {
	t.Helper()
	plan := mustDraft(t, in)
	if len(plan.Drafts) != 1 || len(plan.Missing) > 0 {
		t.Fatalf("%d drafts, missing %+v", len(plan.Drafts), plan.Missing)
	}
	p := plan.Drafts[0]
	if len(p.Missing) > 0 {
		t.Fatalf("missing %+v", p.Missing)
	}
	if err := invoice.Calculate(p.Invoice); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGoodsOnOrder(t *testing.T) {
	p := only(t, input(t, "01-goods.order.json"))
	inv := p.Invoice
	for _, v := range [][2]string{
		{inv.TypeCode, "380"},
		{inv.Number, ""},
		{inv.PurchaseOrderReference, "4500018233"},
		{inv.IssueDate.String(), "2026-10-30"},
		{inv.DueDate.String(), "2026-12-31"}, // 45 days: 14 December, end of month
		{inv.PaymentTerms, "45 jours fin de mois"},
		{inv.Seller.VATIdentifier, "FR31000123455"},
		{inv.Buyer.Name, "Épicerie Générale du Nord SA"},
		{inv.Buyer.VATIdentifier, "FR75000234567"},
		{inv.Buyer.ElectronicAddress.Value, "00023456700014"},
		{inv.Delivery.PartyName, "Entrepôt de Seclin"},
		{inv.Payment.CreditTransfers[0].Account.Value, "FR7699999000010001234567809"},
		{inv.Lines[0].OrderLineReference, "10"},
		{inv.Lines[0].Item.Name, "Lampe de bureau « Aurore »"},
		{inv.Lines[0].VAT.Rate.String(), "20"},
		{inv.Lines[1].NetAmount.String(), "807.50"},
		{inv.Charges[0].VATCategory, "S"},
		{inv.Totals.LineNet.String(), "2965.10"},
		{inv.Totals.WithoutVAT.String(), "3010.10"},
		{inv.Totals.VAT.String(), "602.02"},
		{inv.Totals.AmountDue.String(), "3612.12"},
	} {
		if v[0] != v[1] {
			t.Errorf("got %q, want %q", v[0], v[1])
		}
	}
	want := billing.Source{Path: "lines[0].vat", Term: "BG-30", Value: "S 20 %", From: "item record lam-100 v1"}
	if !slices.Contains(p.Sources, want) {
		t.Errorf("no source %+v in %+v", want, p.Sources)
	}
	want = billing.Source{Path: "buyer.vat_identifier", Term: "BT-48", Value: "FR75000234567", From: "customer record epicerie-generale v1"}
	if !slices.Contains(p.Sources, want) {
		t.Errorf("no source %+v in %+v", want, p.Sources)
	}
	if !strings.Contains(inv.Notes[0].Text, "retard de paiement") || len(inv.Notes) != 1 {
		t.Errorf("notes %+v", inv.Notes)
	}
}

func TestServicesCarryPeriodsAndCostCentres(t *testing.T) {
	inv := only(t, input(t, "02-services.order.json")).Invoice
	if inv.Period.Start.String() != "2026-09-01" || inv.Lines[0].Period.End.String() != "2026-09-30" {
		t.Errorf("periods %v %v", inv.Period, inv.Lines[0].Period)
	}
	if inv.BuyerAccountingReference != "CC-7710" || inv.Lines[1].BuyerAccountingReference != "CC-7712" ||
		inv.BuyerReference != "SVC-TRAVAUX" || inv.ContractReference != "MARCHE-2025-118" || inv.Lines[0].Unit != "MON" {
		t.Errorf("got %+v", inv)
	}
}

func TestPartialDeliveries(t *testing.T) {
	in := input(t, "04-partial.order.json", "04-partial.delivery-1.json")
	first := only(t, in)
	if first.Takes.Note != "BL-2026-0881" || first.Invoice.DespatchAdviceReference != "BL-2026-0881" ||
		first.Invoice.Delivery.Date.String() != "2026-10-16" || first.Invoice.Delivery.Address.Country != "DE" {
		t.Errorf("got %+v", first.Invoice.Delivery)
	}
	plan := mustDraft(t, in)
	want := []billing.LineRemainder{
		{OrderLine: "1", Unit: "C62", Ordered: dec("30"), Delivered: dec("12"), Invoiced: dec("12"), Open: dec("18"), ToDeliver: dec("18"), Excess: dec("0")},
		{OrderLine: "2", Unit: "MTR", Ordered: dec("400"), Delivered: dec("250.5"), Invoiced: dec("250.5"), Open: dec("149.5"), ToDeliver: dec("149.5"), Excess: dec("0")},
	}
	if diff := cmp.Diff(want, plan.Remainder.Lines); diff != "" || plan.Remainder.Complete {
		t.Error(diff)
	}

	// The same deliveries again, after the first was invoiced, give nothing.
	in.Invoiced = []billing.Invoiced{first.Takes}
	if plan := mustDraft(t, in); len(plan.Drafts) != 0 {
		t.Errorf("%d drafts for what was invoiced", len(plan.Drafts))
	}

	in.Deliveries = append(in.Deliveries, readNote(t, "04-partial.delivery-2.xml"))
	second := only(t, in)
	if plan := mustDraft(t, in); !plan.Remainder.Complete {
		t.Errorf("remainder %+v", plan.Remainder)
	}
	discount := first.Invoice.Allowances[0].Amount.Add(second.Invoice.Allowances[0].Amount)
	if !discount.Equal(dec("100")) {
		t.Errorf("the discount of 100.00 was shared as %s", discount)
	}
	if second.Invoice.VATBreakdown[0].Category != "K" || second.Invoice.VATBreakdown[0].ExemptionReasonCode != "VATEX-EU-IC" {
		t.Errorf("breakdown %+v", second.Invoice.VATBreakdown)
	}
}

func TestPricePerHundred(t *testing.T) {
	p := only(t, input(t, "05-brewery.order.xml", "05-brewery.delivery.xml"))
	if got := p.Invoice.Lines[0].NetAmount.String(); got != "729.60" {
		t.Errorf("240 at 304.00 for 100 gave %s", got)
	}
	if got := p.Invoice.Lines[1].NetAmount.String(); got != "960.00" {
		t.Errorf("line 2 gave %s", got)
	}
	if p.Invoice.Charges[0].VATCategory != "K" || p.Invoice.Totals.AmountDue.String() != "1749.60" {
		t.Errorf("got %+v", p.Invoice.Totals)
	}
}

func TestReturnIsCredited(t *testing.T) {
	inv := only(t, input(t, "09-return.order.json")).Invoice
	if inv.TypeCode != "381" || !inv.IsCreditNote() || inv.PrecedingInvoices[0].Number != "FA-2026-00017" ||
		inv.Totals.WithoutVAT.String() != "179.80" || inv.Payment != nil || inv.DueDate != nil {
		t.Errorf("got %+v", inv)
	}
}

func TestReverseCharge(t *testing.T) {
	inv := only(t, input(t, "06-reverse-charge.order.json")).Invoice
	if inv.Lines[0].VAT.Category != "AE" || inv.Totals.VAT.String() != "0.00" || inv.Totals.AmountDue.String() != "2318.00" ||
		inv.Notes[0].Text[:4] != "Late" {
		t.Errorf("got %+v", inv.Totals)
	}
}

func dec(s string) invoice.Decimal { return invoice.MustDecimal(s) }

// one is an order with one line, fully described but for what a test takes away.
func one(edit func(*billing.Input)) billing.Input {
	rate := dec("20")
	in := billing.Input{
		IssueDate: issued,
		Order: &order.Order{
			Number: "PO-1", Currency: "EUR", Billing: order.OnDelivery, PaymentTerms: "at once",
			Buyer: order.Party{
				Name: "B", ElectronicAddress: invoice.Identifier{Value: "b", Scheme: "EM"},
				Address: invoice.Address{City: "Lyon", Country: "FR"},
			},
			Seller: order.Party{
				Name: "S", ElectronicAddress: invoice.Identifier{Value: "s", Scheme: "EM"}, VATIdentifier: "FR31000123455",
				Address: invoice.Address{City: "Paris", Country: "FR"},
			},
			Lines: []order.Line{{
				ID: "1", Item: invoice.Item{Name: "Lamp", SellerID: "L1"}, Quantity: dec("10"), Unit: "C62",
				Price: &invoice.Price{Net: dec("2.50")}, VAT: &order.VAT{Category: "S", Rate: &rate},
			}},
		},
	}
	if edit != nil {
		edit(&in)
	}
	return in
}

func note(id, quantity string) order.Delivery {
	return order.Delivery{ID: id, OrderNumber: "PO-1", Lines: []order.DeliveryLine{
		{ID: "1", OrderLine: "1", Quantity: dec(quantity), Unit: "C62"},
	}}
}

func TestOverDelivery(t *testing.T) {
	tests := map[string]struct {
		percent          string
		notes            []order.Delivery
		invoiced, excess string
	}{
		"none":              {"0", []order.Delivery{note("a", "10")}, "10", "0"},
		"without tolerance": {"0", []order.Delivery{note("a", "12")}, "10", "2"},
		"second note":       {"0", []order.Delivery{note("a", "8"), note("b", "8")}, "10", "6"},
		"within tolerance":  {"20", []order.Delivery{note("a", "12")}, "12", "0"},
		"beyond tolerance":  {"10", []order.Delivery{note("a", "12")}, "11", "1"},
		"same note twice":   {"0", []order.Delivery{note("a", "4"), note("a", "4.0")}, "4", "0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			plan := mustDraft(t, one(func(in *billing.Input) {
				in.Deliveries = tt.notes
				in.Tolerance.Percent = dec(tt.percent)
			}))
			r := plan.Remainder.Lines[0]
			if !r.Invoiced.Equal(dec(tt.invoiced)) || !r.Excess.Equal(dec(tt.excess)) {
				t.Errorf("invoiced %s, excess %s", r.Invoiced, r.Excess)
			}
			var sum invoice.Decimal
			for _, d := range plan.Drafts {
				sum = sum.Add(d.Invoice.Lines[0].Quantity)
			}
			if !sum.Equal(r.Invoiced) {
				t.Errorf("drafts take %s, the remainder says %s", sum, r.Invoiced)
			}
		})
	}
}

func TestDraftRefuses(t *testing.T) {
	tests := map[string]struct {
		edit func(*billing.Input)
		want string
	}{
		"unknown line": {func(in *billing.Input) {
			n := note("a", "1")
			n.Lines[0].OrderLine = "9"
			in.Deliveries = []order.Delivery{n}
		}, "deliveries[0].lines[0].order_line billing.unknown_line"},
		"unit": {func(in *billing.Input) {
			n := note("a", "1")
			n.Lines[0].Unit = "KGM"
			in.Deliveries = []order.Delivery{n}
		}, "deliveries[0].lines[0].unit billing.unit_mismatch"},
		"unit of the item's record": {func(in *billing.Input) {
			in.Order.Lines[0].Unit = ""
			in.Records.Items = []billing.Record[billing.Item]{{ID: "l1", Version: 1, Value: billing.Item{SellerID: "L1", Unit: "MTR"}}}
			in.Deliveries = []order.Delivery{note("a", "1")}
		}, "deliveries[0].lines[0].unit billing.unit_mismatch"},
		"other order": {func(in *billing.Input) {
			n := note("a", "1")
			n.OrderNumber = "PO-2"
			in.Deliveries = []order.Delivery{n}
		}, "deliveries[0].order_number billing.other_order"},
		"two notes, one number": {func(in *billing.Input) {
			in.Deliveries = []order.Delivery{note("a", "1"), note("a", "2")}
		}, "deliveries[1].id billing.note_conflict"},
		"negative delivery": {func(in *billing.Input) {
			in.Deliveries = []order.Delivery{note("a", "-1")}
		}, "deliveries[0].lines[0].quantity number.negative"},
		"invoiced before": {func(in *billing.Input) {
			in.Invoiced = []billing.Invoiced{{Lines: map[string]invoice.Decimal{"7": dec("1")}}}
		}, "invoiced[0].lines billing.unknown_line"},
		"order": {func(in *billing.Input) { in.Order.Currency = "XXQ" }, "currency currency.unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			plan, err := billing.Draft(one(tt.edit))
			var fields invoice.FieldErrors
			if !errors.As(err, &fields) || len(fields) != 1 || fields[0].Path+" "+fields[0].Code != tt.want {
				t.Errorf("got %#v", err)
			}
			if len(plan.Drafts) > 0 || len(plan.Remainder.Lines) > 0 {
				t.Error("something was planned")
			}
		})
	}
}

// A line of another order in the same despatch advice is not ours.
func TestNoteOfSeveralOrders(t *testing.T) {
	in := one(func(in *billing.Input) {
		n := note("a", "3")
		n.OrderNumber = ""
		n.Lines[0].OrderNumber = "PO-1"
		n.Lines = append(n.Lines, order.DeliveryLine{ID: "2", OrderLine: "1", OrderNumber: "PO-2", Quantity: dec("5"), Unit: "C62"})
		in.Deliveries = []order.Delivery{n}
	})
	if r := mustDraft(t, in).Remainder.Lines[0]; !r.Invoiced.Equal(dec("3")) {
		t.Errorf("invoiced %s", r.Invoiced)
	}
}

func TestMissing(t *testing.T) {
	tests := map[string]struct {
		edit func(*billing.Input)
		want []string
	}{
		"nothing":       {nil, nil},
		"no VAT":        {func(in *billing.Input) { in.Order.Lines[0].VAT = nil }, []string{"lines[0].vat.category BT-151"}},
		"no rate":       {func(in *billing.Input) { in.Order.Lines[0].VAT.Rate = nil }, []string{"lines[0].vat.rate BT-152"}},
		"no unit":       {func(in *billing.Input) { in.Order.Lines[0].Unit = "" }, []string{"lines[0].unit BT-130"}},
		"no price":      {func(in *billing.Input) { in.Order.Lines[0].Price = nil }, []string{"lines[0].price.net BT-146"}},
		"no name":       {func(in *billing.Input) { in.Order.Lines[0].Item.Name = "" }, []string{"lines[0].item.name BT-153"}},
		"no terms":      {func(in *billing.Input) { in.Order.PaymentTerms = "" }, []string{"due_date BT-9"}},
		"no buyer":      {func(in *billing.Input) { in.Order.Buyer = order.Party{} }, []string{"buyer.name BT-44", "buyer.electronic_address BT-49", "buyer.address BG-8"}},
		"no country":    {func(in *billing.Input) { in.Order.Buyer.Address.Country = "" }, []string{"buyer.address.country BT-55"}},
		"no seller VAT": {func(in *billing.Input) { in.Order.Seller.VATIdentifier = "" }, []string{"seller.vat_identifier BT-31"}},
		"no endpoint":   {func(in *billing.Input) { in.Order.Seller.ElectronicAddress = invoice.Identifier{} }, []string{"seller.electronic_address BT-34"}},
		"exempt":        {func(in *billing.Input) { in.Order.Lines[0].VAT = &order.VAT{Category: "E"} }, []string{"vat_breakdown BT-120"}},
		"intra-community": {
			func(in *billing.Input) { in.Order.Lines[0].VAT = &order.VAT{Category: "K"} },
			[]string{"buyer.vat_identifier BT-48", "delivery.date BT-72", "delivery.address.country BT-80"},
		},
		"reverse charge": {func(in *billing.Input) { in.Order.Lines[0].VAT = &order.VAT{Category: "AE"} }, []string{"buyer.vat_identifier BT-48"}},
		"prepaid":        {func(in *billing.Input) { in.Order.Totals = &order.Totals{Prepaid: dec("5").Ptr()} }, []string{"totals.paid BT-113"}},
		"treatment": {func(in *billing.Input) {
			in.Order.Lines[0].VAT = nil
			in.Records.Items = []billing.Record[billing.Item]{{ID: "l1", Version: 2, Value: billing.Item{SellerID: "l1", VAT: &billing.VAT{Category: "S", Rate: dec("20").Ptr()}}}}
			in.Records.Customer = &billing.Record[billing.Customer]{ID: "c", Version: 1, Value: billing.Customer{VATTreatment: "export"}}
		}, []string{"lines[0].vat.category BT-151"}},
		"two item records": {func(in *billing.Input) {
			in.Order.Lines[0].VAT = nil
			item := billing.Record[billing.Item]{ID: "l1", Version: 2, Value: billing.Item{SellerID: "l1", VAT: &billing.VAT{Category: "S", Rate: dec("20").Ptr()}}}
			in.Records.Items = []billing.Record[billing.Item]{item, item}
		}, []string{"lines[0].vat.category BT-151"}},
		"other buyer": {func(in *billing.Input) {
			in.Order.Buyer.VATIdentifier = "FR 75 000234567"
			in.Records.Customer = &billing.Record[billing.Customer]{ID: "c", Version: 1, Value: billing.Customer{VATIdentifier: "FR19000345678"}}
		}, []string{"buyer.vat_identifier BT-48"}},
		"same buyer": {func(in *billing.Input) {
			in.Order.Buyer.VATIdentifier = "FR 75 000.234.567"
			in.Records.Customer = &billing.Record[billing.Customer]{ID: "c", Version: 1, Value: billing.Customer{VATIdentifier: "fr75000234567"}}
		}, nil},
		"allowance without VAT": {func(in *billing.Input) {
			in.Order.Allowances = []invoice.AllowanceCharge{{Amount: dec("1.00"), Reason: "r"}}
			second := in.Order.Lines[0]
			second.ID, second.VAT = "2", &order.VAT{Category: "Z"}
			in.Order.Lines = append(in.Order.Lines, second)
		}, []string{"allowances[0].vat_category BT-95"}},
		"no reasons": {func(in *billing.Input) {
			in.Order.Charges = []invoice.AllowanceCharge{{Amount: dec("3.00")}}
			in.Order.Lines[0].Allowances = []invoice.LineAllowanceCharge{{Amount: dec("1.00")}}
		}, []string{"lines[0].allowances[0].reason BT-139", "charges[0].reason BT-104"}},
		"percentage of nothing": {func(in *billing.Input) {
			in.Order.Charges = []invoice.AllowanceCharge{{Percentage: dec("3").Ptr()}}
		}, []string{"charges[0].base_amount BT-100"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			plan := mustDraft(t, one(func(in *billing.Input) {
				in.Order.Billing = order.OnOrder
				if tt.edit != nil {
					tt.edit(in)
				}
			}))
			var got []string
			for _, m := range plan.Drafts[0].Missing {
				got = append(got, m.Path+" "+m.Term)
				if m.Why == "" {
					t.Errorf("%s has no reason", m.Path)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBillingComesFromRecords(t *testing.T) {
	undecided := one(func(in *billing.Input) { in.Order.Billing = "" })
	plan := mustDraft(t, undecided)
	if plan.Billing != "" || len(plan.Drafts) != 0 || len(plan.Missing) != 1 || plan.Missing[0].Path != "billing" {
		t.Errorf("got %+v", plan)
	}
	if plan.Remainder.Complete || !plan.Remainder.Lines[0].Open.Equal(dec("10")) {
		t.Errorf("remainder %+v", plan.Remainder)
	}
	undecided.Records.LegalEntity = &billing.Record[billing.LegalEntity]{ID: "e", Version: 4, Value: billing.LegalEntity{Billing: "on_order"}}
	plan = mustDraft(t, undecided)
	if plan.Billing != order.OnOrder || len(plan.Drafts) != 1 || plan.Drafts[0].Sources[0].From != "legal entity record e v4" {
		t.Errorf("got %+v", plan)
	}
	undecided.Records.Customer = &billing.Record[billing.Customer]{ID: "c", Version: 1, Value: billing.Customer{Billing: "on_delivery"}}
	if plan = mustDraft(t, undecided); plan.Billing != order.OnDelivery || len(plan.Drafts) != 0 {
		t.Errorf("got %+v", plan)
	}
}

// The order's address may be one for orders only: the record's wins, a mail route
// is none.
func TestBuyerElectronicAddress(t *testing.T) {
	recorded := invoice.Identifier{Value: "00023456700014", Scheme: "0009"}
	in := one(func(in *billing.Input) {
		in.Order.Billing = order.OnOrder
		in.Records.Customer = &billing.Record[billing.Customer]{ID: "c", Version: 1, Value: billing.Customer{
			ElectronicAddress: recorded,
		}}
	})
	if got := mustDraft(t, in).Drafts[0].Invoice.Buyer.ElectronicAddress; got != recorded {
		t.Errorf("got %+v", got)
	}
	in.Order.Buyer.ElectronicAddress = invoice.Identifier{}
	in.Records.Customer.Value = billing.Customer{Routes: []billing.Route{{Channel: "mail", Address: "ap@b.example"}}}
	if got := mustDraft(t, in).Drafts[0].Missing; len(got) != 1 || got[0].Term != "BT-49" {
		t.Errorf("missing %+v", got)
	}
}

func TestTerms(t *testing.T) {
	tests := []struct {
		terms        billing.Terms
		issued, want string
	}{
		{billing.Terms{NetDays: 30}, "2026-01-31", "2026-03-02"},
		{billing.Terms{NetDays: 0}, "2026-01-31", "2026-01-31"},
		{billing.Terms{NetDays: 45, EndOfMonth: true}, "2026-01-10", "2026-02-28"},
		{billing.Terms{EndOfMonth: true, ExtraDays: 45}, "2026-01-10", "2026-03-17"},
		{billing.Terms{NetDays: 30, EndOfMonth: true, ExtraDays: 10}, "2024-01-30", "2024-03-10"},
	}
	for _, tt := range tests {
		if got := tt.terms.Due(invoice.MustDate(tt.issued)).String(); got != tt.want {
			t.Errorf("%+v from %s: got %s, want %s", tt.terms, tt.issued, got, tt.want)
		}
	}
}

// The input is the caller's: drafting modifies nothing of it.
func TestDraftModifiesNothing(t *testing.T) {
	in := input(t, "04-partial.order.json", "04-partial.delivery-1.json", "04-partial.delivery-2.xml")
	before, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	plan := mustDraft(t, in)
	for _, d := range plan.Drafts {
		if err := invoice.Calculate(d.Invoice); err != nil {
			t.Fatal(err)
		}
		d.Invoice.Delivery.Address.City = "changed"
		*d.Invoice.Lines[0].VAT.Rate = dec("1")
	}
	after, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the input changed")
	}
}

// A quantity that a tolerance caps is written as people write it.
func TestCappedQuantityIsPlain(t *testing.T) {
	plan := mustDraft(t, one(func(in *billing.Input) {
		in.Deliveries = []order.Delivery{note("a", "12")}
		in.Tolerance.Percent = dec("5")
	}))
	if got := plan.Drafts[0].Invoice.Lines[0].Quantity.String(); got != "10.5" {
		t.Errorf("got %s", got)
	}
}
