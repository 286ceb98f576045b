package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Format is a file format of tables.
type Format string

// The formats of templates.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Template is an order table to fill in, with two example lines, in English ("en")
// or French ("fr"). The French CSV is written as a French spreadsheet opens it:
// semicolons, decimal commas, dates day first.
func Template(format Format, lang string) ([]byte, error) {
	french := lang == "fr"
	if !french && lang != "en" {
		return nil, fmt.Errorf("sheet: no template in language %q", lang)
	}
	switch format {
	case CSV:
		return templateCSV(french)
	case XLSX:
		return templateXLSX(french)
	default:
		return nil, fmt.Errorf("sheet: no template in format %q", format)
	}
}

// templateHeader is the header of a column in the language.
func templateHeader(c orderColumn, french bool) string {
	if french {
		return c.Headers[1]
	}
	return c.Headers[0]
}

func templateCSV(french bool) ([]byte, error) {
	var header []string
	var rows [2][]string
	for _, c := range orderColumns() {
		h := templateHeader(c, french)
		if french && c.Kind == Date {
			h += " (jj/mm/aaaa)"
		}
		header = append(header, h)
		for i := range rows {
			rows[i] = append(rows[i], frenchForm(c.example[i], c.Kind, french))
		}
	}
	var b bytes.Buffer
	b.Write(byteOrderMark)
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if french {
		w.Comma = ';'
	}
	err := w.WriteAll([][]string{header, rows[0], rows[1]})
	return b.Bytes(), err
}

// frenchForm writes a number with a decimal comma and a date with the day first.
func frenchForm(text string, kind Kind, french bool) string {
	switch {
	case !french || text == "":
		return text
	case kind == Number || kind == Percent:
		return strings.Replace(text, ".", ",", 1)
	case kind == Date:
		return text[8:] + "/" + text[5:7] + "/" + text[:4]
	default:
		return text
	}
}

func templateXLSX(french bool) (src []byte, err error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	sheet := "Orders"
	if french {
		sheet = "Commandes" //nolint:misspell // French
	}
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, err
	}
	// Text cells keep what is typed: leading zeros, and dates as they are written.
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return nil, err
	}
	for i, c := range orderColumns() {
		if err := templateColumn(f, sheet, i+1, c, french, text); err != nil {
			return nil, err
		}
	}
	if err := f.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func templateColumn(f *excelize.File, sheet string, number int, c orderColumn, french bool, text int) error {
	name, err := excelize.ColumnNumberToName(number)
	if err != nil {
		return err
	}
	if c.Kind != Number && c.Kind != Percent {
		if err := f.SetColStyle(sheet, name, text); err != nil {
			return err
		}
	}
	header := templateHeader(c, french)
	if err := f.SetColWidth(sheet, name, name, float64(max(len(header)+2, 12))); err != nil {
		return err
	}
	if err := f.SetCellStr(sheet, name+"1", header); err != nil {
		return err
	}
	for i, example := range c.example {
		cell := fmt.Sprintf("%s%d", name, i+2)
		switch {
		case example == "":
			continue
		case c.Kind == Number || c.Kind == Percent:
			err = f.SetCellDefault(sheet, cell, example)
		default:
			err = f.SetCellStr(sheet, cell, example)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
