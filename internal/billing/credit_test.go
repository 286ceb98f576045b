package billing_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
)

func issuedInvoice(t testing.TB, name string, notes ...string) *invoice.Invoice {
	t.Helper()
	inv := only(t, input(t, name, notes...)).Invoice
	inv.Number = "FA-2026-00001"
	return inv
}

func TestCreditWholeIsTheInvoice(t *testing.T) {
	inv := issuedInvoice(t, "01-goods.order.json")
	inv.Totals.Paid = dec("100").Ptr()
	if err := invoice.Calculate(inv); err != nil {
		t.Fatal(err)
	}
	before := inv.Clone()
	note, err := billing.Credit(inv, billing.Selection{IssueDate: invoice.MustDate("2026-11-02"), Reason: "Retour"})
	if err != nil {
		t.Fatal(err)
	}
	if !note.IsCreditNote() || note.Number != "" || note.IssueDate.String() != "2026-11-02" || note.Notes[0].Text != "Retour" {
		t.Errorf("head %+v", note)
	}
	if p := note.PrecedingInvoices; len(p) != 1 || p[0].Number != "FA-2026-00001" || p[0].IssueDate.String() != "2026-10-30" {
		t.Errorf("preceding %+v", p)
	}
	if note.Payment != nil || note.DueDate != nil || note.Totals.Paid != nil {
		t.Error("the credit note asks for payment")
	}
	if !note.Totals.AmountDue.Equal(inv.Totals.WithVAT) {
		t.Errorf("%s credited of %s", note.Totals.AmountDue, inv.Totals.WithVAT)
	}
	for name, pair := range map[string][2]any{
		"lines": {inv.Lines, note.Lines}, "breakdown": {inv.VATBreakdown, note.VATBreakdown}, "charges": {inv.Charges, note.Charges},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	calculated := note.Clone()
	if err := invoice.Calculate(calculated); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(calculated.Totals, note.Totals); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, inv, cmp.Comparer(func(a, b invoice.Date) bool { return a == b })); diff != "" {
		t.Errorf("the invoice changed: %s", diff)
	}
}

func TestCreditByLine(t *testing.T) {
	inv := issuedInvoice(t, "01-goods.order.json")
	sel := billing.Selection{Lines: []billing.SelectedLine{{Line: "1", Quantity: dec("4").Ptr()}, {Line: "2", Quantity: dec("1").Ptr()}}}
	first, err := billing.Credit(inv, sel)
	if err != nil {
		t.Fatal(err)
	}
	if first.Lines[0].NetAmount.String() != "359.60" || first.Lines[1].NetAmount.String() != "201.88" || first.Lines[1].ID != "2" {
		t.Errorf("lines %+v", first.Lines)
	}
	rest, err := billing.Credit(inv, billing.Selection{Credited: []*invoice.Invoice{first}})
	if err != nil {
		t.Fatal(err)
	}
	if !rest.Lines[0].Quantity.Equal(dec("20")) || !rest.Lines[1].Quantity.Equal(dec("3")) {
		t.Errorf("rest %+v", rest.Lines)
	}
	sum := first.Totals.WithoutVAT.Add(rest.Totals.WithoutVAT)
	if !sum.Equal(inv.Totals.WithoutVAT) {
		t.Errorf("credited %s of %s", sum, inv.Totals.WithoutVAT)
	}
}

// What an ERP made keeps its amounts when it is credited as a whole, even where
// they are not what we would calculate.
func TestCreditWholeKeepsForeignAmounts(t *testing.T) {
	inv := issuedInvoice(t, "08-dead-endpoint.order.json")
	inv.VATBreakdown[0].TaxAmount = inv.VATBreakdown[0].TaxAmount.Add(dec("0.01"))
	inv.Totals.VAT = inv.Totals.VAT.Add(dec("0.01")).Ptr()
	inv.Totals.WithVAT = inv.Totals.WithVAT.Add(dec("0.01"))
	inv.Totals.AmountDue = inv.Totals.WithVAT
	note, err := billing.Credit(inv, billing.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if !note.Totals.AmountDue.Equal(inv.Totals.AmountDue) || !note.VATBreakdown[0].TaxAmount.Equal(inv.VATBreakdown[0].TaxAmount) {
		t.Errorf("got %+v", note.Totals)
	}
}

// A line that is taken back on an invoice is credited with its sign.
func TestCreditNegativeLine(t *testing.T) {
	inv := issuedInvoice(t, "01-goods.order.json")
	inv.Lines[0].Quantity = dec("-2")
	inv.Lines[1].Allowances = nil
	if err := invoice.Calculate(inv); err != nil {
		t.Fatal(err)
	}
	note, err := billing.Credit(inv, billing.Selection{Lines: []billing.SelectedLine{{Line: "1", Quantity: dec("-1").Ptr()}}})
	if err != nil {
		t.Fatal(err)
	}
	if note.Lines[0].NetAmount.String() != "-89.90" {
		t.Errorf("got %s", note.Lines[0].NetAmount)
	}
	_, err = billing.Credit(inv, billing.Selection{Lines: []billing.SelectedLine{{Line: "1", Quantity: dec("1").Ptr()}}})
	wantCode(t, err, billing.CodeQuantity)
}

func TestCreditRefuses(t *testing.T) {
	inv := issuedInvoice(t, "01-goods.order.json")
	whole, err := billing.Credit(inv, billing.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	other := whole.Clone()
	other.PrecedingInvoices[0].Number = "F-9"
	draft := inv.Clone()
	draft.Number = ""
	line := func(id, quantity string) billing.Selection {
		return billing.Selection{Lines: []billing.SelectedLine{{Line: id, Quantity: dec(quantity).Ptr()}}}
	}
	after := line("1", "1")
	after.Credited = []*invoice.Invoice{whole}
	tests := map[string]struct {
		inv  *invoice.Invoice
		sel  billing.Selection
		want string
	}{
		"unknown line":   {inv, line("9", "1"), billing.CodeUnknownLine},
		"too much":       {inv, line("1", "24.5"), billing.CodeTooMuch},
		"zero":           {inv, line("1", "0"), billing.CodeQuantity},
		"negative":       {inv, line("1", "-1"), billing.CodeQuantity},
		"line twice":     {inv, billing.Selection{Lines: []billing.SelectedLine{{Line: "1"}, {Line: "1"}}}, billing.CodeTooMuch},
		"whole twice":    {inv, billing.Selection{Credited: []*invoice.Invoice{whole}}, billing.CodeNothing},
		"line of whole":  {inv, after, billing.CodeNothing},
		"other invoice":  {inv, billing.Selection{Credited: []*invoice.Invoice{other}}, billing.CodeOtherInvoice},
		"credit note":    {whole, billing.Selection{}, billing.CodeNotAnInvoice},
		"without number": {draft, billing.Selection{}, billing.CodeNotAnInvoice},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			note, err := billing.Credit(tt.inv, tt.sel)
			if note != nil {
				t.Error("a credit note came back")
			}
			wantCode(t, err, tt.want)
		})
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) || fields[0].Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
