package billing_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/billing"
)

var update = flag.Bool("update", false, "write the golden files")

// The documents that our orders become. They were found valid by the UBL 2.1
// schema and the rules of CEN and Peppol; see README.md beside the orders.
func TestGoldenDocuments(t *testing.T) {
	for _, tt := range []struct {
		order string
		notes []string
	}{
		{"01-goods.order.json", nil},
		{"02-services.order.json", nil},
		{"03-mixed-vat.order.csv", nil},
		{"04-partial.order.json", []string{"04-partial.delivery-1.json", "04-partial.delivery-2.xml"}},
		{"05-brewery.order.xml", []string{"05-brewery.delivery.xml"}},
		{"06-reverse-charge.order.json", nil},
		{"07-requirements.order.json", nil},
		{"07-requirements.corrected.order.json", nil},
		{"08-dead-endpoint.order.json", nil},
		{"09-return.order.json", nil},
		{"10-french.order.csv", nil},
	} {
		plan := mustDraft(t, input(t, tt.order, tt.notes...))
		if len(plan.Drafts) == 0 {
			t.Errorf("%s: nothing to invoice", tt.order)
		}
		for i, d := range plan.Drafts {
			if len(d.Missing) > 0 {
				t.Errorf("%s: missing %+v", tt.order, d.Missing)
			}
			golden(t, fmt.Sprintf("%s-%d.xml", strings.SplitN(tt.order, ".order", 2)[0], i+1), d.Invoice)
		}
	}
	inv := issuedInvoice(t, "01-goods.order.json")
	part, err := billing.Credit(inv, billing.Selection{
		Lines:     []billing.SelectedLine{{Line: "2", Quantity: dec("1").Ptr()}},
		IssueDate: issued, Reason: "Suspension rendue",
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "credit-part.xml", part)
	supply := issuedInvoice(t, "05-brewery.order.xml", "05-brewery.delivery.xml")
	whole, err := billing.Credit(supply, billing.Selection{IssueDate: issued, Reason: "Cancelled"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "credit-whole.xml", whole)
}

func golden(t *testing.T, name string, inv *invoice.Invoice) {
	t.Helper()
	if err := invoice.Calculate(inv); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	inv.Number = "FA-2026-00001"
	got, err := ubl.Write(inv)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}
