package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/formats/sheet"
)

func read(t testing.TB, src string, o sheet.Options) []*order.Order {
	t.Helper()
	list, err := sheet.ReadOrders(strings.NewReader(src), o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile("../../testdata/orders/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestReadEnglishCSV(t *testing.T) {
	list := read(t, string(file(t, "03-mixed-vat.order.csv")), sheet.Options{})
	if len(list) != 1 {
		t.Fatalf("%d orders", len(list))
	}
	o := list[0]
	if o.Number != "BC-2026-0917" || o.IssueDate.String() != "2026-10-07" || o.Currency != "EUR" ||
		o.Billing != order.OnOrder || o.Buyer.AccountNumber != "C-1004" || len(o.Lines) != 3 {
		t.Errorf("got %+v", o)
	}
	l := o.Lines[0]
	if l.ID != "1" || l.Item.SellerID != "LAM-200" || l.Quantity.String() != "6" || l.Price.Net.String() != "205.00" ||
		l.Allowances[0].Percentage.String() != "5" || o.Lines[2].Unit != "HUR" || o.Lines[1].VAT != nil {
		t.Errorf("line %+v", l)
	}
}

// Windows-1252, semicolons, decimal commas, thousands apart by a space, days first.
func TestReadFrenchCSV(t *testing.T) {
	src := file(t, "10-french.order.csv")
	o := read(t, string(src), sheet.Options{})[0]
	if o.Number != "4500018310" || o.IssueDate.String() != "2026-10-21" || o.Billing != order.OnOrder ||
		o.DeliverTo.Address.City != "Roubaix" || o.DeliverTo.Address.Line1 != "Grand'Place 5" || o.Charges[0].Amount.String() != "38.00" {
		t.Errorf("got %+v", o)
	}
	if l := o.Lines[0]; l.ID != "1" || l.Price.Net.String() != "1089.50" || l.Item.Name != "Lampe de bureau « Aurore », série numérotée" {
		t.Errorf("line %+v", l)
	}
	if l := o.Lines[1]; l.ID != "2" || l.Quantity.String() != "150.5" || l.Price.Net.String() != "0.985" {
		t.Errorf("line %+v", l)
	}
}

func TestSeveralOrders(t *testing.T) {
	src := "Quantity\tOrder number\tCurrency\tItem name\n1\tA\tEUR\tx\n2\t\t\ty\n3\tB\teur\tz\n"
	list := read(t, src, sheet.Options{})
	if len(list) != 2 || len(list[0].Lines) != 2 || list[1].Number != "B" || list[1].Currency != "EUR" || list[1].Lines[0].ID != "1" {
		t.Errorf("got %+v", list)
	}
	repeated := "Quantity,Order number,Currency,Item name,Line\n1,A,EUR,x,10\n2,A,EUR,y,20\n"
	if list := read(t, repeated, sheet.Options{}); len(list) != 1 || list[0].Lines[1].ID != "20" {
		t.Errorf("got %+v", list)
	}
}

const header = "Order number,Currency,Item name,Quantity,Unit price,Order date,Unit,Price for quantity,VAT category,VAT rate,Freight,Freight reason,Line\n"

func TestRefuses(t *testing.T) {
	tests := map[string]struct {
		src  string
		o    sheet.Options
		want []string
	}{
		"empty":            {"", sheet.Options{}, []string{" sheet.separator"}},
		"header only":      {header, sheet.Options{}, []string{" sheet.empty"}},
		"no header":        {"1,2,3\n4,5,6\n", sheet.Options{}, []string{" sheet.separator"}},
		"unknown column":   {"Order number,Currency,Quantity,Colour\nA,EUR,1,red\n", sheet.Options{}, []string{`row 1, column "Colour" sheet.unknown_column`}},
		"nameless column":  {"Order number,Currency,Quantity,Item name,\nA,EUR,1,x,red\n", sheet.Options{}, []string{"row 2, column 5 sheet.unknown_column"}},
		"column twice":     {"Order number,Currency,Quantity,Quantité\nA,EUR,1,2\n", sheet.Options{}, []string{`row 1, column "Quantité" sheet.duplicate_column`}},
		"missing column":   {"Order number,Item name,Quantity\nA,x,1\n", sheet.Options{}, []string{"row 1 sheet.missing_column"}},
		"long row":         {"Order number,Currency,Item name,Quantity\nA,EUR,x,1,2\n", sheet.Options{}, []string{"row 2 sheet.row_too_long"}},
		"quotes":           {"Order number,Currency,Quantity\nA,\"EUR,1\n", sheet.Options{}, []string{"row 2 sheet.quotes"}},
		"binary":           {"Order number,Currency\x00", sheet.Options{}, []string{" sheet.encoding"}},
		"undefined byte":   {"Order number,Currency,Item name,Quantity\nA,EUR,\x81,1\n", sheet.Options{}, []string{"row 2, column Item name text.character"}},
		"no number":        {header + ",EUR,x,1\n", sheet.Options{}, []string{"row 2, column Order number field.missing"}},
		"quantity":         {header + "A,EUR,x,ten\n", sheet.Options{}, []string{"row 2, column Quantity decimal.invalid"}},
		"exponent":         {header + "A,EUR,x,1e3\n", sheet.Options{}, []string{"row 2, column Quantity decimal.invalid"}},
		"zero":             {header + "A,EUR,x,1\n,,y,0\n", sheet.Options{}, []string{"row 3, column Quantity number.not_positive"}},
		"no quantity":      {header + "A,EUR,x,\n", sheet.Options{}, []string{"row 2, column Quantity number.not_positive"}},
		"currency":         {header + "A,EUX,x,1\n", sheet.Options{}, []string{"row 2, column Currency currency.unknown"}},
		"unit":             {header + "A,EUR,x,1,,,STK9\n", sheet.Options{}, []string{"row 2, column Unit unit.unknown"}},
		"no item":          {header + "A,EUR,,1\n", sheet.Options{}, []string{"row 2 item.unidentified"}},
		"impossible date":  {header + "A,EUR,x,1,,2026-02-30\n", sheet.Options{}, []string{"row 2, column Order date date.invalid"}},
		"undeclared date":  {header + "A,EUR,x,1,,03/02/2026\n", sheet.Options{}, []string{"row 2, column Order date date.invalid"}},
		"month 13":         {header + "A,EUR,x,1,,02/13/2026\n", sheet.Options{DayFirst: true}, []string{"row 2, column Order date date.invalid"}},
		"short date":       {header + "A,EUR,x,1,,2/3/26\n", sheet.Options{DayFirst: true}, []string{"row 2, column Order date date.invalid"}},
		"conflict":         {header + "A,EUR,x,1\nA,USD,y,1\n", sheet.Options{}, []string{"row 3, column Currency sheet.conflict"}},
		"order twice":      {header + "A,EUR,x,1\nB,EUR,x,1\nA,EUR,y,1\n", sheet.Options{}, []string{"row 4, column Order number sheet.conflict"}},
		"same line":        {header + "A,EUR,x,1,,,,,,,,,7\n,,y,1,,,,,,,,,7\n", sheet.Options{}, []string{"row 3, column Line line.duplicate"}},
		"ambiguous":        {header + "A,EUR,x,\"1,500\"\n", sheet.Options{}, []string{"row 2, column Quantity sheet.decimal_mark"}},
		"ambiguous point":  {header + "A,EUR,x,1.500\n", sheet.Options{}, []string{"row 2, column Quantity sheet.decimal_mark"}},
		"mixed":            {header + "A,EUR,x,\"1,5\",2.5\n", sheet.Options{}, []string{"row 2, column Quantity sheet.decimal_mark"}},
		"against declared": {header + "A,EUR,x,\"1,5\"\n", sheet.Options{DecimalMark: '.'}, []string{"row 2, column Quantity decimal.invalid"}},
		"decimals":         {header + "A,EUR,x,1,,,,,,,12.345\n", sheet.Options{DecimalMark: '.'}, []string{"row 2, column Freight amount.decimals"}},
		"free by accident": {header + "A,EUR,x,1,,,,100\n", sheet.Options{}, []string{"row 2, column Price for quantity field.missing"}},
		"rate alone":       {header + "A,EUR,x,1,,,,,,20\n", sheet.Options{}, []string{"row 2, column VAT rate field.missing", "row 2, column VAT category field.missing"}},
		"several": {
			header + "A,EUR,x,ten,,2026-13-01\n,,y,1,abc\n",
			sheet.Options{},
			[]string{"row 2, column Quantity decimal.invalid", "row 2, column Order date date.invalid", "row 3, column Unit price decimal.invalid"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			list, err := sheet.ReadOrders(strings.NewReader(tt.src), tt.o)
			if list != nil {
				t.Error("orders came back")
			}
			if diff := cmp.Diff(tt.want, codes(t, err)); diff != "" {
				t.Errorf("%s\n%v", diff, err)
			}
		})
	}
}

func codes(t testing.TB, err error) []string {
	t.Helper()
	var fields invoice.FieldErrors
	if !errors.As(err, &fields) {
		t.Fatalf("error %v (%T) is no FieldErrors", err, err)
	}
	var list []string
	for _, f := range fields {
		list = append(list, f.Path+" "+f.Code)
	}
	return list
}

func TestDecimalMark(t *testing.T) {
	tests := []struct {
		cells []string // of one column
		mark  rune
		want  []string // nil when ambiguous
	}{
		{[]string{"1", "20"}, 0, []string{"1", "20"}},
		{[]string{"1,5", "1,500"}, 0, []string{"1.5", "1.500"}},
		{[]string{"1.5", "1,500"}, 0, []string{"1.5", "1500"}},
		{[]string{"1.234,56", "7"}, 0, []string{"1234.56", "7"}},
		{[]string{"1,234.56", "1,234"}, 0, []string{"1234.56", "1234"}},
		{[]string{"1 234,56", "0,001"}, 0, []string{"1234.56", "0.001"}},
		{[]string{"1\u00a0234,5"}, 0, []string{"1234.5"}},
		{[]string{"1\u202f234\u202f567"}, 0, []string{"1234567"}},
		{[]string{"1,500"}, ',', []string{"1.500"}},
		{[]string{"1,500"}, '.', []string{"1500"}},
		{[]string{"-2,25"}, 0, []string{"-2.25"}},
		{[]string{"0,500"}, 0, nil},
		{[]string{"1,500", "2.500"}, 0, nil},
		{[]string{"1 23"}, 0, nil},
		{[]string{"1,23,4"}, 0, nil},
		{[]string{",5"}, 0, nil},
		{[]string{"5,"}, 0, nil},
		{[]string{"1 234.567,8"}, 0, nil},
	}
	columns := []sheet.Column{{Key: "k"}, {Key: "n", Kind: sheet.Number}}
	for _, tt := range tests {
		src := "k;n\n"
		for _, c := range tt.cells {
			src += "x;" + c + "\n"
		}
		rows, err := sheet.ReadRecords(strings.NewReader(src), columns, sheet.Options{DecimalMark: tt.mark})
		if tt.want == nil {
			if err == nil {
				t.Errorf("%q was read as %v", tt.cells, rows)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.cells, err)
			continue
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Values["n"])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q with mark %q: got %q, want %q", tt.cells, tt.mark, got, tt.want)
		}
	}
}

func TestReadRecords(t *testing.T) {
	columns := []sheet.Column{
		{Key: "vat_identifier", Headers: []string{"VAT number", "Numéro de TVA"}, Required: true},
		{Key: "country", Headers: []string{"Country", "Pays"}, Kind: sheet.Code},
		{Key: "rate", Headers: []string{"Rate"}, Kind: sheet.Percent},
		{Key: "since", Headers: []string{"Since"}, Kind: sheet.Date},
	}
	src := "\xef\xbb\xbfPays;numero de tva;RATE;Since (dd/mm/yyyy)\nfr;FR1;5,5 %;01/02/2026\n;;;\nbe;BE2;;2026-03-01\n"
	rows, err := sheet.ReadRecords(strings.NewReader(src), columns, sheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []sheet.Row{
		{Line: 2, Values: map[string]string{"country": "FR", "vat_identifier": "FR1", "rate": "5.5", "since": "2026-02-01"}},
		{Line: 4, Values: map[string]string{"country": "BE", "vat_identifier": "BE2", "since": "2026-03-01"}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestTemplatesAreReadBack(t *testing.T) {
	var first []*order.Order
	for _, format := range []sheet.Format{sheet.CSV, sheet.XLSX} {
		for _, lang := range []string{"en", "fr"} {
			src, err := sheet.Template(format, lang)
			if err != nil {
				t.Fatal(err)
			}
			list, err := sheet.ReadOrders(bytes.NewReader(src), sheet.Options{})
			if err != nil {
				t.Fatalf("%s %s: %v", format, lang, err)
			}
			if first == nil {
				first = list
			}
			if diff := cmp.Diff(asJSON(t, first), asJSON(t, list)); diff != "" {
				t.Errorf("%s %s: %s", format, lang, diff)
			}
		}
	}
	if len(first) != 1 || len(first[0].Lines) != 2 || first[0].Lines[1].Quantity.String() != "4.5" {
		t.Errorf("got %+v", first)
	}
	if _, err := sheet.Template("ods", "en"); err == nil {
		t.Error("a template in an unknown format")
	}
	if _, err := sheet.Template(sheet.CSV, "xx"); err == nil {
		t.Error("a template in an unknown language")
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestColumnsAreTold(t *testing.T) {
	seen := map[string]string{}
	for _, c := range sheet.OrderColumns() {
		if len(c.Headers) < 2 {
			t.Errorf("%s has no French header", c.Key)
		}
		for _, h := range c.Headers {
			if other, ok := seen[h]; ok && other != c.Key {
				t.Errorf("%q is a header of %s and %s", h, other, c.Key)
			}
			seen[h] = c.Key
		}
	}
}

// workbook is an XLSX file with the rows in its first sheet.
func workbook(t testing.TB, fill func(f *excelize.File, sheet string)) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, h := range []string{"Order number", "Currency", "Item name", "Quantity", "Unit price", "Order date", "VAT rate", "VAT category"} {
		name, _ := excelize.CoordinatesToCellName(i+1, 1)
		if err := f.SetCellStr("Sheet1", name, h); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range map[string]string{"A2": "PO-1", "B2": "EUR", "C2": "Lamp"} {
		if err := f.SetCellStr("Sheet1", name, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellDefault("Sheet1", "D2", "3"); err != nil {
		t.Fatal(err)
	}
	fill(f, "Sheet1")
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func style(t testing.TB, f *excelize.File, cell string, s *excelize.Style) {
	t.Helper()
	id, err := f.NewStyle(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, id); err != nil {
		t.Fatal(err)
	}
}

func set(t testing.TB, f *excelize.File, cell, stored string) {
	t.Helper()
	if err := f.SetCellDefault("Sheet1", cell, stored); err != nil {
		t.Fatal(err)
	}
}

func TestXLSXCells(t *testing.T) {
	custom := func(s string) *excelize.Style { return &excelize.Style{CustomNumFmt: &s} }
	tests := map[string]struct {
		fill func(t *testing.T, f *excelize.File)
		get  func(o *order.Order) string
		want string
	}{
		"noise": {
			func(t *testing.T, f *excelize.File) { set(t, f, "E2", "0.30000000000000004") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "0.3",
		},
		"noise above one": {
			func(t *testing.T, f *excelize.File) { set(t, f, "E2", "19.989999999999998") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "19.99",
		},
		"small": {
			func(t *testing.T, f *excelize.File) { set(t, f, "E2", "2.5000000000000001E-3") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "0.0025",
		},
		"small without exponent": {
			func(t *testing.T, f *excelize.File) { set(t, f, "E2", "0.0012300000000000001") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "0.00123",
		},
		"large": {
			func(t *testing.T, f *excelize.File) { set(t, f, "E2", "1.2345E+6") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "1234500",
		},
		"number as text": {
			func(t *testing.T, f *excelize.File) { _ = f.SetCellStr("Sheet1", "E2", "1 234,5") },
			func(o *order.Order) string { return o.Lines[0].Price.Net.String() }, "1234.5",
		},
		"date": {
			func(t *testing.T, f *excelize.File) {
				set(t, f, "F2", "46300")
				style(t, f, "F2", &excelize.Style{NumFmt: 14})
			},
			func(o *order.Order) string { return o.IssueDate.String() }, "2026-10-05",
		},
		"date in words": {
			func(t *testing.T, f *excelize.File) {
				set(t, f, "F2", "46300")
				style(t, f, "F2", custom(`[$-40C]dddd d mmmm yyyy`))
			},
			func(o *order.Order) string { return o.IssueDate.String() }, "2026-10-05",
		},
		"date as text": {
			func(t *testing.T, f *excelize.File) { _ = f.SetCellStr("Sheet1", "F2", "2026-10-05") },
			func(o *order.Order) string { return o.IssueDate.String() }, "2026-10-05",
		},
		"date of 1904": {
			func(t *testing.T, f *excelize.File) {
				yes := true
				if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
					t.Fatal(err)
				}
				set(t, f, "F2", "44838")
				style(t, f, "F2", &excelize.Style{NumFmt: 14})
			},
			func(o *order.Order) string { return o.IssueDate.String() }, "2026-10-05",
		},
		"percent": {
			func(t *testing.T, f *excelize.File) {
				set(t, f, "G2", "5.5E-2")
				style(t, f, "G2", &excelize.Style{NumFmt: 10})
				_ = f.SetCellStr("Sheet1", "H2", "S")
			},
			func(o *order.Order) string { return o.Lines[0].VAT.Rate.String() }, "5.5",
		},
		"number as order number": {
			func(t *testing.T, f *excelize.File) { set(t, f, "A2", "4500018233") },
			func(o *order.Order) string { return o.Number }, "4500018233",
		},
		"leading zeros": {
			func(t *testing.T, f *excelize.File) {
				set(t, f, "A2", "1234")
				style(t, f, "A2", custom("000000"))
			},
			func(o *order.Order) string { return o.Number }, "001234",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := workbook(t, func(f *excelize.File, _ string) { tt.fill(t, f) })
			list, err := sheet.ReadOrders(bytes.NewReader(src), sheet.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(list[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestXLSXRefuses(t *testing.T) {
	tests := map[string]struct {
		fill func(t *testing.T, f *excelize.File)
		want string
	}{
		"date for a number": {func(t *testing.T, f *excelize.File) {
			set(t, f, "E2", "46300")
			style(t, f, "E2", &excelize.Style{NumFmt: 14})
		}, "row 2, column Unit price sheet.cell"},
		"number for a date": {func(t *testing.T, f *excelize.File) { set(t, f, "F2", "46300") }, "row 2, column Order date sheet.cell"},
		"time of day": {func(t *testing.T, f *excelize.File) {
			set(t, f, "F2", "46300.25")
			style(t, f, "F2", &excelize.Style{NumFmt: 22})
		}, "row 2, column Order date sheet.cell"},
		"day 60 of 1900": {func(t *testing.T, f *excelize.File) {
			set(t, f, "F2", "60")
			style(t, f, "F2", &excelize.Style{NumFmt: 14})
		}, "row 2, column Order date sheet.cell"},
		"percent for a quantity": {func(t *testing.T, f *excelize.File) {
			style(t, f, "D2", &excelize.Style{NumFmt: 9})
		}, "row 2, column Quantity sheet.cell"},
		"column":       {func(_ *testing.T, f *excelize.File) { _ = f.SetCellStr("Sheet1", "I1", "Colour") }, `row 1, column "Colour" sheet.unknown_column`},
		"many columns": {func(_ *testing.T, f *excelize.File) { _ = f.SetCellStr("Sheet1", "XFD2", "x") }, " sheet.too_large"},
		"many rows":    {func(_ *testing.T, f *excelize.File) { _ = f.SetCellStr("Sheet1", "A30000", "x") }, " sheet.too_large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src := workbook(t, func(f *excelize.File, _ string) { tt.fill(t, f) })
			_, err := sheet.ReadOrders(bytes.NewReader(src), sheet.Options{})
			if got := codes(t, err); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q: %v", got, err)
			}
		})
	}
}

func TestHostileArchives(t *testing.T) {
	var bomb bytes.Buffer
	w := zip.NewWriter(&bomb)
	for i := range 3 {
		f, err := w.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", i))
		if err != nil {
			t.Fatal(err)
		}
		zeros := make([]byte, 1<<20)
		for range 64 {
			if _, err := f.Write(zeros); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	good := workbook(t, func(*excelize.File, string) {})
	for name, tt := range map[string]struct {
		src  []byte
		want string
	}{
		"bomb":      {bomb.Bytes(), " sheet.too_large"},
		"cut":       {good[:len(good)/2], " sheet.format"},
		"other zip": {emptyZip(t), " sheet.format"},
		"too large": {append([]byte("PK\x03\x04"), make([]byte, sheet.MaxBytes)...), " sheet.too_large"},
	} {
		_, err := sheet.ReadOrders(bytes.NewReader(tt.src), sheet.Options{})
		if got := codes(t, err); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: got %q", name, got)
		}
	}
	long := header + strings.Repeat("A,EUR,x,1\n", sheet.MaxRows+1)
	_, err := sheet.ReadOrders(strings.NewReader(long), sheet.Options{})
	if got := codes(t, err); !slices.Equal(got, []string{" sheet.too_large"}) {
		t.Errorf("many rows: %q", got)
	}
}

func emptyZip(t testing.TB) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("hello.txt"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzReadCSV(f *testing.F) {
	f.Add(file(f, "03-mixed-vat.order.csv"))
	f.Add(file(f, "10-french.order.csv"))
	for _, lang := range []string{"en", "fr"} {
		src, err := sheet.Template(sheet.CSV, lang)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if bytes.HasPrefix(src, []byte("PK\x03\x04")) {
			return // FuzzReadXLSX
		}
		judge(t, src)
	})
}

func FuzzReadXLSX(f *testing.F) {
	for _, lang := range []string{"en", "fr"} {
		src, err := sheet.Template(sheet.XLSX, lang)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(judge)
}

// judge asserts that a file is refused with a place or a reason, or gives orders
// that pass their check and survive our JSON.
func judge(t *testing.T, src []byte) {
	list, err := sheet.ReadOrders(bytes.NewReader(src), sheet.Options{})
	if err != nil {
		for _, code := range codes(t, err) {
			if strings.HasSuffix(code, " ") {
				t.Fatalf("a problem without code: %v", err)
			}
		}
		return
	}
	if len(list) == 0 {
		t.Fatal("neither orders nor an error")
	}
	for _, o := range list {
		if err := o.Check(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if _, err := order.ReadJSON(strings.NewReader(asJSON(t, o))); err != nil {
			t.Fatalf("our JSON of it is refused: %v", err)
		}
	}
}
