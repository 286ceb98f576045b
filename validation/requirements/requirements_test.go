package requirements

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/validation"
)

// sample reads one of the sample invoices of package invoice.
func sample(t testing.TB, name string) *invoice.Invoice {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "formats", "invoice", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inv, err := invoice.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func mustCompile(t testing.TB, profile string) *Compiled {
	t.Helper()
	c, err := Compile([]byte(profile))
	if err != nil {
		t.Fatalf("%v\n%s", err, profile)
	}
	return c
}

// subjectOf is an invoice as Peppol UBL, on a fixed day.
func subjectOf(inv *invoice.Invoice) Subject {
	return Subject{
		Invoice: inv, DocumentSize: 10_000, At: time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC),
		Document: validation.Identity{Syntax: "ubl", Customization: inv.Process.Specification, Profile: inv.Process.BusinessProcess},
	}
}

// goodsOrder is the order that the sample "goods" bills in full.
func goodsOrder() *order.Order {
	line := func(id, quantity, unit, net string) order.Line {
		return order.Line{ID: id, Item: invoice.Item{Name: "Item " + id}, Quantity: dec(quantity), Unit: unit, Price: &invoice.Price{Net: dec(net)}}
	}
	o := &order.Order{Number: "CMD-2026/778", Currency: "EUR", Lines: []order.Line{
		line("1", "12", "H87", "24.90"), line("2", "1500", "H87", "12.345"), line("3", "2", "H87", "89"), line("4", "0.75", "TNE", "310.000"),
	}}
	o.Lines[1].Price.BaseQuantity = dec("100").Ptr()
	return o
}

func dec(s string) invoice.Decimal { return invoice.MustDecimal(s) }

// complaints lists the rules of a verdict with their places.
func complaints(v validation.Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		out = append(out, strings.TrimSuffix(f.Rule+" "+f.Location, " "))
	}
	return out
}

// TestRequirements breaks each requirement and leaves the others alone.
func TestRequirements(t *testing.T) {
	type subject = Subject
	for _, tc := range []struct {
		name, sample, profile string
		change                func(*subject)
		want                  []string // nothing: the invoice passes
	}{
		{name: "required", profile: `"fields":{"order_reference":{"required":true}}`},
		{
			name: "required missing", profile: `"fields":{"order_reference":{"required":true}}`,
			change: func(s *subject) { s.Invoice.PurchaseOrderReference = " " },
			want:   []string{"profile.order_reference.required purchase_order_reference"},
		},
		{name: "not required", sample: "services", profile: `"fields":{"order_reference":{"pattern":"X"}}`},
		{name: "pattern", profile: `"fields":{"order_reference":{"pattern":"CMD-[0-9]{4}/[0-9]+","sample":"CMD-2026/778"}}`},
		{
			name: "pattern is for the whole value", profile: `"fields":{"order_reference":{"pattern":"CMD|CMD-2026/77"}}`,
			want: []string{"profile.order_reference.pattern purchase_order_reference"},
		},
		{
			name: "pattern does not end at a line", profile: `"fields":{"buyer_reference":{"pattern":"SERV.*"}}`,
			change: func(s *subject) { s.Invoice.BuyerReference = "SERV\nX" },
			want:   []string{"profile.buyer_reference.pattern buyer_reference"},
		},
		{
			name: "order number by line", profile: `"fields":{"order_reference":{"required":true,"pattern":"CMD-.*"}}`,
			change: func(s *subject) {
				s.Invoice.PurchaseOrderReference = ""
				for i := range s.Invoice.Lines {
					s.Invoice.Lines[i].Extensions = &invoice.LineExtensions{OrderReference: "CMD-1"}
				}
				s.Invoice.Lines[2].Extensions.OrderReference = "PO-1"
			},
			want: []string{"profile.order_reference.pattern lines[2].extensions.order_reference"},
		},
		{
			name: "order number of some lines only", profile: `"fields":{"order_reference":{"required":true}}`,
			change: func(s *subject) {
				s.Invoice.PurchaseOrderReference = ""
				s.Invoice.Lines[0].Extensions = &invoice.LineExtensions{OrderReference: "CMD-1"}
			},
			want: []string{"profile.order_reference.required purchase_order_reference"},
		},
		{name: "delivery note", profile: `"fields":{"delivery_note_reference":{"required":true,"pattern":"BL-.*"}}`},
		{
			name: "delivery note by line", profile: `"fields":{"delivery_note_reference":{"required":true,"pattern":"BL-.*"}}`,
			change: func(s *subject) {
				s.Invoice.DespatchAdviceReference = ""
				for i := range s.Invoice.Lines {
					s.Invoice.Lines[i].Extensions = &invoice.LineExtensions{DespatchAdviceReference: "BL-1"}
				}
			},
		},
		{name: "contract", profile: `"fields":{"contract_reference":{"required":true}}`},
		{
			name: "project", profile: `"fields":{"project_reference":{"required":true}}`,
			want: []string{"profile.project_reference.required project_reference"},
		},
		{name: "cost centre", profile: `"fields":{"cost_centre":{"required":true,"pattern":"6[0-9]{3}-[A-Z]+"}}`},
		{
			name: "cost centre of lines", profile: `"fields":{"line_cost_centre":{"required":true}}`,
			want: []string{
				"profile.line_cost_centre.required lines[0].buyer_accounting_reference", "profile.line_cost_centre.required lines[1].buyer_accounting_reference",
				"profile.line_cost_centre.required lines[3].buyer_accounting_reference",
			},
		},
		{name: "order lines", profile: `"fields":{"order_line_reference":{"required":true}}`},
		{
			name: "order line missing", profile: `"fields":{"order_line_reference":{"required":true}}`,
			change: func(s *subject) { s.Invoice.Lines[3].OrderLineReference = "" },
			want:   []string{"profile.order_line_reference.required lines[3].order_line_reference"},
		},
		{name: "payment terms", profile: `"fields":{"payment_terms":{"required":true}}`},
		{name: "check", profile: `"fields":{"buyer_registration":{"schemes":["0002"],"check":"siren"}}`},
		{
			name: "check fails", profile: `"fields":{"buyer_registration":{"schemes":["0002"],"check":"siren"}}`,
			change: func(s *subject) { s.Invoice.Buyer.LegalRegistration.Value = "412749369" },
			want:   []string{"profile.buyer_registration.siren buyer.legal_registration"},
		},
		{
			name: "scheme", profile: `"fields":{"buyer_registration":{"schemes":["0009"],"check":"siret"}}`,
			want: []string{"profile.buyer_registration.scheme buyer.legal_registration"},
		},
		{
			name: "one of many identifiers", profile: `"fields":{"seller_identifier":{"required":true,"schemes":["0088"],"check":"gln"}}`,
			change: func(s *subject) {
				s.Invoice.Seller.Identifiers = append([]invoice.Identifier{{Value: "no GLN", Scheme: "0060"}}, s.Invoice.Seller.Identifiers...)
			},
		},
		{
			name: "none of many identifiers", profile: `"fields":{"seller_identifier":{"required":true,"schemes":["0060","0007"]}}`,
			want: []string{"profile.seller_identifier.scheme seller.identifiers[0]"},
		},
		{name: "none needed", profile: `"fields":{"seller_identifier":{"schemes":["0060"]}}`},
		{
			name: "no identifiers", sample: "services", profile: `"fields":{"seller_identifier":{"required":true,"schemes":["0088"]}}`,
			want: []string{"profile.seller_identifier.required seller.identifiers"},
		},
		{
			name: "place of delivery", sample: "services", profile: `"fields":{"delivery_location":{"required":true}}`,
			want: []string{"profile.delivery_location.required delivery.location"},
		},
		{
			name: "items", profile: `"fields":{"item_standard_identifier":{"check":"gtin"},"item_buyer_identifier":{"pattern":"M-[0-9]+"},"item_seller_identifier":{"pattern":"[A-Z]+"}}`,
			want: []string{"profile.item_seller_identifier.pattern lines[0].item.seller_id"},
		},
		{
			name: "parties", profile: `"fields":{"seller_registration":{"check":"siren"},"seller_vat":{"pattern":"FR.*"},"buyer_vat":{"pattern":"BE.*"},` +
				`"seller_endpoint":{"schemes":["0225"]},"buyer_endpoint":{"required":true,"schemes":["0088"]},"buyer_identifier":{"required":true}}`,
			want: []string{
				"profile.buyer_identifier.required buyer.identifier", "profile.buyer_vat.pattern buyer.vat_identifier",
				"profile.buyer_endpoint.scheme buyer.electronic_address",
			},
		},
		{
			name: "any", profile: `"require_any":[["order_reference","buyer_reference"]]`,
			change: func(s *subject) { s.Invoice.BuyerReference = "" },
		},
		{
			name: "none of any", profile: `"require_any":[["order_reference","buyer_reference"]]`,
			change: func(s *subject) { s.Invoice.BuyerReference, s.Invoice.PurchaseOrderReference = "", "" },
			want:   []string{"profile.require_any purchase_order_reference"},
		},
		{name: "document", profile: `"syntaxes":["cii","ubl"],"customizations":["urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"],"max_document_bytes":10000`},
		{
			name: "other document", profile: `"syntaxes":["cii"],"customizations":["urn:x"],"max_document_bytes":9999`,
			want: []string{"profile.syntax", "profile.customization process.specification", "profile.document.max_bytes"},
		},
		{
			name: "unknown document", profile: `"syntaxes":["ubl"]`, change: func(s *subject) { s.Document = validation.Identity{} },
			want: []string{"profile.syntax"},
		},
		{name: "currency", profile: `"currencies":["CHF","EUR"],"total_limit":{"amount":"1047.57","currency":"EUR"}`},
		{
			name: "too much, in another currency", profile: `"currencies":["CHF"],"total_limit":{"amount":1047.56,"currency":"EUR"}`,
			want: []string{"profile.currency currency", "profile.total.limit totals.with_vat"},
		},
		{
			name: "limit in another currency", profile: `"total_limit":{"amount":"99999","currency":"CHF"}`,
			want: []string{"profile.total.currency totals.with_vat"},
		},
		{name: "payment", profile: `"payment":{"min_due_days":30,"max_due_days":30,"means_codes":["58","30"]}`},
		{
			name: "due too early, wrong means", profile: `"payment":{"min_due_days":31,"means_codes":["58"]}`,
			want: []string{"profile.payment.means_code payment.means_code", "profile.payment.min_due_days due_date"},
		},
		{name: "due too late", profile: `"payment":{"max_due_days":29}`, want: []string{"profile.payment.max_due_days due_date"}},
		{
			name: "no due date", profile: `"payment":{"max_due_days":90,"means_codes":["30"]}`,
			change: func(s *subject) { s.Invoice.DueDate, s.Invoice.Payment = nil, nil },
			want:   []string{"profile.payment.means_code payment.means_code", "profile.payment.due_date due_date"},
		},
		{name: "a credit note is not paid", sample: "credit_note", profile: `"payment":{"min_due_days":60,"means_codes":["58"]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.sample == "" {
				tc.sample = "goods"
			}
			c := mustCompile(t, `{"name":"test",`+tc.profile+`}`)
			s := subjectOf(sample(t, tc.sample))
			if tc.change != nil {
				tc.change(&s)
			}
			verdict := c.Check(t.Context(), s)
			if got := complaints(verdict); !verdict.Ran || !slices.Equal(got, tc.want) {
				t.Errorf("ran %v %s\n got %q\nwant %q", verdict.Ran, verdict.Reason, got, tc.want)
			}
			if verdict.OK() != (len(tc.want) == 0) {
				t.Errorf("ok = %v", verdict.OK())
			}
		})
	}
}

// TestAttachments uses the sample with a time sheet of 38 bytes, a PDF of 125
// bytes and a link.
func TestAttachments(t *testing.T) {
	for _, tc := range []struct {
		name, profile string
		want          []string
	}{
		{"kind", `"required":[{"name":"time sheet","description":"(?i)time sheet"}]`, nil},
		{"all that is given", `"required":[{"name":"report","description":".*report","filename":".*\\.pdf","mime_types":["Application/PDF"],"max_bytes":1000}]`, nil},
		{"description", `"required":[{"name":"time sheet","description":"sheet"}]`, []string{"profile.attachments.required supporting_documents"}},
		{"file name", `"required":[{"name":"report","filename":"report"}]`, []string{"profile.attachments.required supporting_documents"}},
		{"type", `"required":[{"name":"photo","mime_types":["image/png"]}]`, []string{"profile.attachments.required supporting_documents"}},
		{"too large to count", `"required":[{"name":"report","mime_types":["application/pdf"],"max_bytes":20}]`, []string{"profile.attachments.required supporting_documents"}},
		{"count", `"required":[{"name":"files","count":2}]`, nil},
		{"a link is no file", `"required":[{"name":"files","count":3}]`, []string{"profile.attachments.required supporting_documents"}},
		{"accepted", `"mime_types":["text/csv","application/pdf"],"max_count":2,"max_bytes":1000,"max_total_bytes":1000`, nil},
		{"not accepted", `"mime_types":["application/pdf"],"max_count":1,"max_bytes":100,"max_total_bytes":100`, []string{
			"profile.attachments.mime_type supporting_documents[0].attachment.mime_code", "profile.attachments.max_bytes supporting_documents[1].attachment.content",
			"profile.attachments.max_count supporting_documents", "profile.attachments.max_total_bytes supporting_documents",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustCompile(t, `{"name":"test","attachments":{`+tc.profile+`}}`)
			if got := complaints(c.Check(t.Context(), subjectOf(sample(t, "attachments")))); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAgainstOrder(t *testing.T) {
	const strict = `"price":{},"quantity":{}`
	for _, tc := range []struct {
		name, profile, sample string
		change                func(*Subject)
		want                  []string
	}{
		{name: "the same", profile: strict},
		{name: "no order", profile: strict, change: func(s *Subject) { s.Order = nil }, want: []string{"profile.order.missing purchase_order_reference"}},
		{
			name: "another order", profile: strict, change: func(s *Subject) { s.Order.Number = "X" },
			want: []string{"profile.order.number purchase_order_reference"},
		},
		{name: "another currency", profile: strict, change: func(s *Subject) { s.Order.Currency = "CHF" }, want: []string{"profile.order.currency currency"}},
		{name: "another unit", profile: strict, change: func(s *Subject) { s.Order.Lines[3].Unit = "KGM" }, want: []string{"profile.order.unit lines[3].unit"}},
		{name: "a unit from the records", profile: strict, change: func(s *Subject) { s.Order.Lines[3].Unit = "" }},
		{name: "no price", profile: strict, change: func(s *Subject) { s.Order.Lines[2].Price = nil }, want: []string{"profile.order.no_price lines[2].price.net"}},
		{name: "no price to compare", profile: `"quantity":{}`, change: func(s *Subject) { s.Order.Lines[2].Price = nil }},
		{
			name: "other line", profile: strict, change: func(s *Subject) { s.Invoice.Lines[1].OrderLineReference = "22" },
			want: []string{"profile.order.other_line lines[1].order_line_reference"},
		},
		{
			name: "line of another order", profile: strict,
			change: func(s *Subject) {
				s.Invoice.Lines[1].Extensions = &invoice.LineExtensions{OrderReference: "OTHER"}
			},
			want: []string{"profile.order.other_line lines[1].order_line_reference"},
		},
		{name: "other lines allowed", profile: strict + `,"other_lines":true`, change: func(s *Subject) { s.Invoice.Lines[1].OrderLineReference = "" }},
		{name: "dearer", profile: strict, change: func(s *Subject) { s.Order.Lines[0].Price.Net = dec("24.89") }, want: []string{"profile.order.price lines[0].price.net"}},
		{name: "cheaper", profile: strict, change: func(s *Subject) { s.Order.Lines[0].Price.Net = dec("24.91") }, want: []string{"profile.order.price lines[0].price.net"}},
		{name: "within a cent", profile: `"price":{"absolute":"0.01"}`, change: func(s *Subject) { s.Order.Lines[0].Price.Net = dec("24.89") }},
		{
			name: "a hair more than a cent", profile: `"price":{"absolute":"0.01"}`, change: func(s *Subject) { s.Order.Lines[0].Price.Net = dec("24.8899999999") },
			want: []string{"profile.order.price lines[0].price.net"},
		},
		{name: "within a percent", profile: `"price":{"percent":"1"}`, change: func(s *Subject) { s.Invoice.Lines[2].Price.Net = dec("89.89") }},
		{
			name: "a hair more than a percent", profile: `"price":{"percent":"1"}`, change: func(s *Subject) { s.Invoice.Lines[2].Price.Net = dec("89.890000000000000001") },
			want: []string{"profile.order.price lines[2].price.net"},
		},
		{name: "the larger tolerance counts", profile: `"price":{"percent":"1","absolute":"2"}`, change: func(s *Subject) { s.Invoice.Lines[2].Price.Net = dec("91") }},
		{
			name: "the same price for another quantity", profile: strict,
			change: func(s *Subject) {
				s.Order.Lines[1].Price = &invoice.Price{Net: dec("37.035"), BaseQuantity: dec("300").Ptr()}
			},
		},
		{
			name: "tolerance is for one unit", profile: `"price":{"absolute":"0.001"}`,
			change: func(s *Subject) { // 0.12345 and 0.1244501 a piece
				s.Order.Lines[1].Price = &invoice.Price{Net: dec("37.33503"), BaseQuantity: dec("300").Ptr()}
			},
			want: []string{"profile.order.price lines[1].price.net"},
		},
		{name: "less than ordered", profile: strict, change: func(s *Subject) { s.Invoice.Lines[0].Quantity = dec("1") }},
		{name: "more than ordered", profile: strict, change: func(s *Subject) { s.Invoice.Lines[3].Quantity = dec("0.751") }, want: []string{"profile.order.quantity lines[3].quantity"}},
		{
			name: "with what was billed before", profile: strict, change: func(s *Subject) { s.BilledBefore = map[string]invoice.Decimal{"3": dec("0.5"), "nine": dec("9")} },
			want: []string{"profile.order.quantity lines[2].quantity"},
		},
		{
			name: "within the tolerance", profile: `"quantity":{"percent":"25"}`,
			change: func(s *Subject) { s.BilledBefore = map[string]invoice.Decimal{"3": dec("0.5")} },
		},
		{
			name: "two lines for one", profile: strict,
			change: func(s *Subject) {
				s.Invoice.Lines = append(s.Invoice.Lines, s.Invoice.Lines[2])
				s.Invoice.Lines[4].ID, s.Invoice.Lines[4].Quantity = "5", dec("1")
			},
			want: []string{"profile.order.quantity lines[4].quantity"},
		},
		{
			name: "taken back", profile: strict,
			change: func(s *Subject) {
				s.Invoice.Lines = append(s.Invoice.Lines, s.Invoice.Lines[2])
				s.Invoice.Lines[4].Quantity = dec("-1")
				s.BilledBefore = map[string]invoice.Decimal{"3": dec("1")}
			},
		},
		{
			name: "a credit note is not of the purchase's quantity", profile: strict + `,"other_lines":true`, sample: "credit_note",
			change: func(s *Subject) { s.BilledBefore = map[string]invoice.Decimal{"1": dec("12")} },
		},
		{
			name: "a credit note of a return is", profile: strict + `,"other_lines":true`, sample: "credit_note",
			change: func(s *Subject) { s.Order.Kind, s.Order.Lines[0].Quantity = order.Return, dec("1") },
			want:   []string{"profile.order.quantity lines[0].quantity"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.sample == "" {
				tc.sample = "goods"
			}
			c := mustCompile(t, `{"name":"test","against_order":{`+tc.profile+`}}`)
			s := subjectOf(sample(t, tc.sample))
			s.Order = goodsOrder()
			if tc.change != nil {
				tc.change(&s)
			}
			if got := complaints(c.Check(t.Context(), s)); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestFinding shows all of one finding, in both languages.
func TestFinding(t *testing.T) {
	c := mustCompile(t, `{"name":"test","fields":{"order_line_reference":{"pattern":"[0-9]{2}","sample":"01"}}}`).Named("hospital", "7")
	s := subjectOf(sample(t, "goods"))
	s.Invoice.Lines = s.Invoice.Lines[3:]
	for lang, message := range map[string]string{
		"":   "Invoice line 4: Referenced purchase order line reference (BT-132) does not have the form that this customer asks for, which is like 01.",
		"de": "Invoice line 4: Referenced purchase order line reference (BT-132) does not have the form that this customer asks for, which is like 01.",
		"fr": "Ligne de facture 4 : Référence de la ligne du bon de commande (BT-132) n’a pas la forme que ce client demande, celle de 01.",
	} {
		s.Lang = lang
		v := c.Check(t.Context(), s)
		if v.Stage != validation.StageRequirements || v.RuleSet != "profile:hospital" || v.Version != "7" || len(v.SHA256) != 64 || !v.Ran || len(v.Findings) != 1 {
			t.Fatalf("%+v", v)
		}
		f := v.Findings[0]
		if f.Severity != validation.SeverityError || !slices.Equal(f.BusinessTerms, []string{"BT-132"}) || f.Value != "4" || f.Location != "lines[0].order_line_reference" {
			t.Errorf("%+v", f)
		}
		if f.Message != message {
			t.Errorf("%q: %s", lang, f.Message)
		}
	}
}

func TestLongValuesAreShortened(t *testing.T) {
	c := mustCompile(t, `{"name":"test","fields":{"buyer_reference":{"pattern":"x"}}}`)
	s := subjectOf(sample(t, "goods"))
	s.Invoice.BuyerReference = strings.Repeat("é", 1000)
	if got := c.Check(t.Context(), s).Findings[0].Value; got != strings.Repeat("é", 100)+"…" {
		t.Errorf("%q", got)
	}
}

func TestCheckFailsClosed(t *testing.T) {
	c := mustCompile(t, `{"name":"test"}`)
	if v := c.Check(t.Context(), Subject{}); v.Ran || v.OK() {
		t.Errorf("without an invoice: %+v", v)
	}
	broken := *c
	broken.texts = map[string]compiledText{"buyer_reference": {check: func(string) bool { panic("boom") }}}
	if v := broken.Check(t.Context(), subjectOf(sample(t, "goods"))); v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonPanic) {
		t.Errorf("panic: %+v", v)
	}
}

func TestWords(t *testing.T) {
	if err := words.Check(); err != nil {
		t.Error(err)
	}
	if err := checkNames.Check(); err != nil {
		t.Error(err)
	}
	for name := range namedChecks {
		if strings.Contains(checkNames.Text("en", i18n.Key(name)), "⟨") {
			t.Errorf("%s has no name", name)
		}
	}
	for _, f := range fields {
		if invoice.TermName(f.term, "fr") == "" {
			t.Errorf("%s: %s has no name", f.name, f.term)
		}
	}
}

// fieldErrors gives the paths and codes of an error of Compile.
func fieldErrors(err error) []string {
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) {
		return nil
	}
	var out []string
	for _, f := range fields {
		out = append(out, strings.TrimSpace(f.Path+" "+f.Code))
	}
	return out
}
