package ubl

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/xmltree"
)

// ownOrders and ownDespatchAdvices are our own documents.
func ownOrders(t testing.TB) []string { return glob(t, "../../testdata/orders/*.order.xml", 1) }

func ownDespatchAdvices(t testing.TB) []string {
	return glob(t, "../../testdata/orders/*.delivery*.xml", 2)
}

func corpusOrders(t testing.TB) []string {
	dir := filepath.Join(shared(t), "corpora")
	return slices.Concat(
		glob(t, filepath.Join(dir, "peppol-poacc/examples/Order_Example.xml"), 1),
		glob(t, filepath.Join(dir, "peppol-poacc/examples/Order use cases/*.xml"), 6),
		glob(t, filepath.Join(dir, "ubl21-oasis/xml/UBL-Order-*.xml"), 3),
	)
}

func corpusDespatchAdvices(t testing.TB) []string {
	dir := filepath.Join(shared(t), "corpora")
	return slices.Concat(
		glob(t, filepath.Join(dir, "peppol-poacc/examples/DespatchAdvice_Example.xml"), 1),
		glob(t, filepath.Join(dir, "ubl21-oasis/xml/UBL-DespatchAdvice-*.xml"), 1),
	)
}

func glob(t testing.TB, pattern string, least int) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("%d files match %s, error %v", len(files), pattern, err)
	}
	return files
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestReadOrderOwn(t *testing.T) {
	src := readFile(t, "../../testdata/orders/05-brewery.order.xml")
	o, report, err := ReadOrder(src)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Unmodelled) > 0 || len(report.Missing) > 0 {
		t.Errorf("report %+v", report)
	}
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	for _, v := range [][2]string{
		{o.Number, "GL/2026/298"},
		{o.IssueDate.String(), "2026-10-09"},
		{o.Currency, "EUR"},
		{o.TypeCode, "220"},
		{o.BuyerReference, "TASTING-26"},
		{o.AccountingReference, "6140"},
		{o.Buyer.Name, "Brouwerij De Gouden Leeuw NV"},
		{o.Buyer.TradingName, "De Gouden Leeuw"},
		{o.Buyer.VATIdentifier, "BE0012345625"},
		{o.Buyer.ElectronicAddress.Scheme, "0208"},
		{o.Seller.Name, "Ateliers Lumière SARL"},
		{o.DeliverTo.PartyName, "Magazijn Dok Noord"},
		{o.DeliverTo.Address.Country, "BE"},
		{o.DeliverTo.Period.End.String(), "2026-10-23"},
		{o.Charges[0].Amount.String(), "60.00"},
		{o.Charges[0].VATCategory, ""},
		{o.Totals.AmountDue.String(), "1749.60"},
		{o.Lines[0].Quantity.String(), "240"},
		{o.Lines[0].Price.Net.String(), "304.00"},
		{o.Lines[0].Price.BaseQuantity.String(), "100"},
		{o.Lines[1].Allowances[0].Amount.String(), "40.00"},
		{o.Lines[1].AccountingReference, "6145"},
		{o.Lines[1].Notes[0], "With brass canopy"},
		{o.Lines[1].Item.SellerID, "LAM-200"},
	} {
		if v[0] != v[1] {
			t.Errorf("got %q, want %q", v[0], v[1])
		}
	}
	if o.Lines[0].VAT != nil || o.InvoiceTo != nil || o.Billing != "" {
		t.Error("what the order does not say is filled in")
	}
}

func TestReadOrderPeppolExample(t *testing.T) {
	o, report, err := ReadOrder(readFile(t, filepath.Join(shared(t), "corpora/peppol-poacc/examples/Order_Example.xml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2]string{
		{o.Number, "34"},
		{o.SalesOrderNumber, "112233"},
		{o.Currency, "NOK"},
		{o.BuyerReference, "9000012345"},
		{o.AccountingReference, "Project123"},
		{o.TenderReference, "MAFO"},
		{o.ContractReference, "34322"},
		{o.ProjectReference, "PID33"},
		{o.PaymentTerms, "Payment terms description"},
		{o.Buyer.Name, "Helseforetak AS"},
		{o.Buyer.LegalRegistration.Value, "931186755"},
		{o.Buyer.Address.Line3, "Address Line 3"},
		{o.Seller.Contact.Email, "post@medical.no"},
		{o.InvoiceTo.TradingName, "Accounting"},
		{o.InvoiceTo.LegalRegistration.Value, "931186723"},
		{o.DeliverTo.PartyID.Value, "13691234"},
		{o.DeliverTo.Address.City, "Lørenskog"},
		{o.Attachments[0].Location, "http://www.suppliersite.eu/sheet001.html"},
		{o.Attachments[1].Attachment.Filename, "Hours-spend.csv"},
		{o.Attachments[1].Description, "Drawing"},
		{o.Charges[0].VATCategory, "Z"},
		{o.Allowances[0].Percentage.String(), "10"},
		{o.Allowances[0].BaseAmount.String(), "6525.00"},
		{o.Totals.Prepaid.String(), "10.00"},
		{o.Totals.VAT.String(), "100.00"},
		{o.Lines[0].Quantity.String(), "120"},
		{o.Lines[0].Price.Net.String(), "50.000"},
		{o.Lines[0].Price.Gross.String(), "60.00"},
		{o.Lines[0].Charges[0].Amount.String(), "600.00"},
		{o.Lines[0].VAT.Rate.String(), "25"},
		{o.Lines[0].Item.Classifications[0].SchemeVersion, "19.0501"},
		{o.Lines[0].DeliveryPeriod.Start.String(), "2010-02-10"},
		{o.Lines[1].Item.Attributes[0].Value, "100 g"},
	} {
		if v[0] != v[1] {
			t.Errorf("got %q, want %q", v[0], v[1])
		}
	}
	if len(o.Lines) != 2 || len(report.Missing) != 0 {
		t.Errorf("%d lines, missing %v", len(o.Lines), report.Missing)
	}
	want := Element{"/Order[1]/cac:OriginatorCustomerParty[1]", 139, ""}
	if !slices.Contains(report.Unmodelled, want) {
		t.Errorf("%v is not reported", want)
	}
}

// An order of UBL 2.0 without currency takes that of its amounts, and says so.
func TestReadOrderCurrencyOfAmounts(t *testing.T) {
	o, report, err := ReadOrder(readFile(t, filepath.Join(shared(t), "corpora/ubl21-oasis/xml/UBL-Order-2.0-Example-International.xml")))
	if err != nil {
		t.Fatal(err)
	}
	if o.Currency != "USD" || len(report.Missing) != 1 || report.Missing[0].Term != "BT-5" {
		t.Errorf("currency %q, missing %v", o.Currency, report.Missing)
	}
	if o.Buyer.Name != "IYT Corporation" || o.Buyer.AccountNumber != "GT00978567" || o.Seller.AccountNumber != "CO001" {
		t.Errorf("parties %+v %+v", o.Buyer, o.Seller)
	}
	if o.Lines[0].Quantity.String() != "100" || o.Lines[0].Unit != "KGM" {
		t.Errorf("line %+v", o.Lines[0])
	}
}

func TestReadDespatchAdvice(t *testing.T) {
	d, report, err := ReadDespatchAdvice(readFile(t, "../../testdata/orders/04-partial.delivery-2.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	if d.ID != "BL-2026-0897" || d.OrderNumber != "BE-77-2026" || d.Date.String() != "2026-10-29" || len(d.Lines) != 2 ||
		d.Lines[1].OrderLine != "2" || d.Lines[1].Quantity.String() != "149.5" || d.Lines[1].Unit != "MTR" {
		t.Errorf("got %+v", d)
	}
	if len(report.Missing) != 0 {
		t.Errorf("missing %v", report.Missing)
	}
}

func TestReadDespatchAdviceCorpora(t *testing.T) {
	files := corpusDespatchAdvices(t)
	peppol, _, err := ReadDespatchAdvice(readFile(t, files[0]))
	if err != nil {
		t.Fatal(err)
	}
	if l := peppol.Lines[0]; l.Quantity.String() != "10" || l.Outstanding.String() != "2" || l.OutstandingReason != "text" || l.OrderLine != "1" {
		t.Errorf("got %+v", l)
	}
	oasis, _, err := ReadDespatchAdvice(readFile(t, files[1]))
	if err != nil {
		t.Fatal(err)
	}
	if l := oasis.Lines[0]; l.Quantity.String() != "90" || l.Outstanding.String() != "10" || oasis.SalesOrderNumber != "CON0095678" {
		t.Errorf("got %+v", l)
	}
}

// Every text of a document is in the model or in the report.
func TestOrdersLoseNothing(t *testing.T) {
	for _, file := range slices.Concat(ownOrders(t), corpusOrders(t)) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := readFile(t, file)
			o, report, err := ReadOrder(src)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Check(); err != nil {
				t.Error(err)
			}
			losesNothing(t, src, o, report)
		})
	}
	for _, file := range slices.Concat(ownDespatchAdvices(t), corpusDespatchAdvices(t)) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := readFile(t, file)
			d, report, err := ReadDespatchAdvice(src)
			if err != nil {
				t.Fatal(err)
			}
			losesNothing(t, src, d, report)
		})
	}
}

// steering are elements whose value decides how the model is filled.
var steering = []string{"CustomizationID", "ProfileID", "UBLVersionID", "ChargeIndicator", "EmbeddedDocumentBinaryObject"}

func losesNothing(t *testing.T, src []byte, model any, report Report) {
	t.Helper()
	held := map[string]bool{}
	text, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	collect(tree, held)
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	var walk func(xmltree.Node)
	walk = func(n xmltree.Node) {
		for _, e := range report.Unmodelled {
			if e.Path == n.Path() {
				return
			}
		}
		children := 0
		for c := range n.Children() {
			children++
			walk(c)
		}
		value := trim(n.Text())
		isScheme := n.Local() == "ID" && n.Parent().Local() == "TaxScheme"
		if children > 0 || value == "" || isScheme || slices.Contains(steering, n.Local()) {
			return
		}
		leaves++
		if !held[value] {
			t.Errorf("line %d: %s %q is neither in the model nor reported", n.Line(), n.Path(), value)
		}
	}
	walk(doc.Root())
	if leaves < 10 {
		t.Errorf("only %d values compared", leaves)
	}
}

func collect(v any, held map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			collect(member, held)
		}
	case []any:
		for _, member := range v {
			collect(member, held)
		}
	case string:
		held[v] = true
	}
}

func TestReadOrderNamesThePlace(t *testing.T) {
	good := string(readFile(t, "../../testdata/orders/05-brewery.order.xml"))
	tests := map[string]struct {
		old, new string
		code     string
		line     int
		path     string
	}{
		"amount":   {"304.00", "304,00", CodeAmount, 91, "/Order[1]/cac:OrderLine[1]/cac:LineItem[1]/cac:Price[1]/cbc:PriceAmount[1]"},
		"exponent": {">240<", ">2.4e2<", CodeAmount, 88, "/Order[1]/cac:OrderLine[1]/cac:LineItem[1]/cbc:Quantity[1]"},
		"date":     {"2026-10-09", "2026-02-30", CodeDate, 8, "/Order[1]/cbc:IssueDate[1]"},
		"boolean":  {">true<", ">yes<", CodeBoolean, 75, "/Order[1]/cac:AllowanceCharge[1]/cbc:ChargeIndicator[1]"},
		"currency": {`<cbc:Amount currencyID="EUR">60`, `<cbc:Amount currencyID="USD">60`, CodeCurrency, 78, "/Order[1]/cac:AllowanceCharge[1]/cbc:Amount[1]"},
		"root":     {"schema:xsd:Order-2", "schema:xsd:Invoice-2", CodeRoot, 2, "/Order[1]"},
		"cut":      {"</cac:OrderLine>\n</Order>", "", xmltree.CodeMalformed, 0, ""},
		"DTD":      {"<Order ", "<!DOCTYPE Order><Order ", xmltree.CodeDTD, 2, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			o, _, err := ReadOrder([]byte(bad))
			if o != nil {
				t.Error("an order came back")
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Code != tt.code || tt.line != 0 && e.Line != tt.line || e.Path != tt.path {
				t.Errorf("got %s, line %d, %s", e.Code, e.Line, e.Path)
			}
		})
	}
	if d, _, err := ReadDespatchAdvice([]byte(good)); d != nil || err == nil {
		t.Error("an order was read as a despatch advice")
	}
}

func FuzzReadOrder(f *testing.F) {
	for _, file := range ownOrders(f) {
		f.Add(readFile(f, file))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		o, _, err := ReadOrder(src)
		if err != nil {
			refusal(t, err)
			return
		}
		roundTrip(t, o, func(text []byte) (any, error) {
			o := new(order.Order)
			return o, json.Unmarshal(text, o)
		})
	})
}

func FuzzReadDespatchAdvice(f *testing.F) {
	for _, file := range ownDespatchAdvices(f) {
		f.Add(readFile(f, file))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, _, err := ReadDespatchAdvice(src)
		if err != nil {
			refusal(t, err)
			return
		}
		roundTrip(t, d, func(text []byte) (any, error) {
			d := new(order.Delivery)
			return d, json.Unmarshal(text, d)
		})
	})
}

// refusal asserts that an error names at least one place.
func refusal(t *testing.T, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 || errs[0].Code == "" || errs[0].Line < 1 {
		t.Fatalf("error %#v does not name a place", err)
	}
}

// roundTrip asserts that our JSON carries all that was read.
func roundTrip(t *testing.T, model any, parse func([]byte) (any, error)) {
	t.Helper()
	text, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	text2, err := json.Marshal(again)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(text2) {
		t.Fatalf("JSON differs\n%s\n%s", text, text2)
	}
}
