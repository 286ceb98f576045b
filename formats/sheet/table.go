package sheet

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"facteur.dev/facteur/formats/invoice"
)

// Limits of a file.
const (
	// MaxBytes is the largest file.
	MaxBytes = 16 << 20
	// MaxUnpacked is the most that an XLSX file may unpack to.
	MaxUnpacked = 128 << 20
	// MaxRows is the most rows, the header not counted.
	MaxRows = 20_000
	// MaxColumns is the most columns.
	MaxColumns = 100
	// MaxCell is the longest text of one cell in bytes.
	MaxCell = 5_000
	// maxErrors is how many problems are listed.
	maxErrors = 100
)

// Codes of the problems of a table. Values have the codes of package invoice
// (decimal.invalid, date.invalid, field.missing, …) and orders those of their Check.
const (
	CodeTooLarge        = "sheet.too_large"
	CodeFormat          = "sheet.format"    // neither CSV nor XLSX
	CodeEncoding        = "sheet.encoding"  // neither UTF-8 nor windows-1252
	CodeSeparator       = "sheet.separator" // no separator makes the header known
	CodeQuotes          = "sheet.quotes"    // quotation marks of CSV that do not match
	CodeEmpty           = "sheet.empty"
	CodeUnknownColumn   = "sheet.unknown_column"
	CodeDuplicateColumn = "sheet.duplicate_column"
	CodeMissingColumn   = "sheet.missing_column"
	CodeRowTooLong      = "sheet.row_too_long"
	CodeDecimalMark     = "sheet.decimal_mark" // point or comma: ambiguous or mixed
	CodeCell            = "sheet.cell"         // a cell whose type does not fit
	CodeConflict        = "sheet.conflict"     // an order given in two ways
	CodeTooManyErrors   = "sheet.too_many_errors"
)

// Kind is what the cells of a column hold.
type Kind int

// Kinds of columns.
const (
	Text    Kind = iota // any text
	Code                // a code, written in capitals
	Number              // a decimal number
	Percent             // a decimal number, "20", "20 %"; a cell shown as 20 % is 20
	Date                // a date
)

// Column is a column that a table may have.
type Column struct {
	// Key names the column for programs.
	Key string
	// Headers are the names the header row may use; the key is always one.
	Headers []string
	// Kind is what its cells hold.
	Kind Kind
	// Required columns must be there; their cells may be empty.
	Required bool
}

// Row is one row that is not empty.
type Row struct {
	// Line is its number in the file, from 1; the header counts.
	Line int
	// Values are the cells that are not empty, by column key: numbers in the form
	// of xs:decimal, dates as YYYY-MM-DD.
	Values map[string]string
}

// Options declare what a file does not say itself. The zero value finds out.
type Options struct {
	// Separator between the cells of a CSV file: ',', ';' or '\t'.
	Separator rune
	// DecimalMark of numbers in text: '.' or ','.
	DecimalMark rune
	// DayFirst allows dates in the form dd/mm/yyyy.
	DayFirst bool
}

// ReadRecords reads a table of records, such as customers or items. The error is
// [invoice.FieldErrors], or one of reading r.
func ReadRecords(r io.Reader, columns []Column, o Options) ([]Row, error) {
	t, err := readTable(r, columns, o)
	if err != nil {
		return nil, err
	}
	return t.rows, nil
}

// cell is a cell as it stands in the file.
type cell struct {
	text    string
	number  bool // a number cell of XLSX: text is its exact decimal
	date    bool // a date cell of XLSX: text is YYYY-MM-DD
	percent bool // a number cell that is shown in percent
	bad     string
}

// line is a row as it stands in the file.
type line struct {
	number int
	cells  []cell
}

// table is a table that was read.
type table struct {
	columns  []Column          // that the file has, by position
	headers  map[string]string // as the file writes them, by key
	dayFirst []bool            // by position
	rows     []Row
	errs     invoice.FieldErrors
}

func readTable(r io.Reader, columns []Column, o Options) (*table, error) {
	src, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(src) > MaxBytes {
		return nil, one(CodeTooLarge, "the file is larger than %d bytes", MaxBytes)
	}
	var lines []line
	if bytes.HasPrefix(src, []byte("PK\x03\x04")) {
		lines, err = readXLSX(src)
	} else {
		lines, err = readCSV(src, columns, o.Separator)
	}
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, one(CodeEmpty, "the file has no rows")
	}
	t := &table{headers: map[string]string{}}
	t.header(lines[0], columns, o)
	if len(t.errs) > 0 {
		return nil, t.errs
	}
	t.values(lines[1:], o.DecimalMark)
	if len(t.errs) > 0 {
		return nil, t.errs
	}
	return t, nil
}

// one is a problem with the file as a whole.
func one(code, format string, args ...any) error {
	return invoice.FieldErrors{{Code: code, Message: fmt.Sprintf(format, args...)}}
}

func (t *table) fail(path, code, format string, args ...any) {
	switch {
	case len(t.errs) < maxErrors:
		t.errs = append(t.errs, invoice.FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
	case len(t.errs) == maxErrors:
		t.errs = append(t.errs, invoice.FieldError{Code: CodeTooManyErrors, Message: "there may be more problems"})
	}
}

// place names a cell for people.
func place(line int, header string) string { return fmt.Sprintf("row %d, column %s", line, header) }

// header finds the columns.
func (t *table) header(l line, columns []Column, o Options) {
	known := knownHeaders(columns)
	for _, c := range l.cells {
		name, dayFirst := dateForm(c.text)
		key, ok := known[normal(name)]
		column := Column{}
		switch _, twice := t.headers[key]; {
		case strings.TrimSpace(c.text) == "":
			// Nothing may stand below it.
		case !ok:
			t.fail(place(l.number, quoted(c.text)), CodeUnknownColumn, "there is no column of that name")
		case twice:
			t.fail(place(l.number, quoted(c.text)), CodeDuplicateColumn, "the column stands here twice: %s and %s",
				t.headers[key], quoted(c.text))
		default:
			column = columns[slices.IndexFunc(columns, func(c Column) bool { return c.Key == key })]
			t.headers[key] = strings.TrimSpace(c.text)
		}
		t.columns = append(t.columns, column)
		t.dayFirst = append(t.dayFirst, o.DayFirst || dayFirst)
	}
	for _, c := range columns {
		if _, ok := t.headers[c.Key]; c.Required && !ok {
			t.fail(fmt.Sprintf("row %d", l.number), CodeMissingColumn, "the column %s is missing", c.Headers[0])
		}
	}
}

func quoted(s string) string { return fmt.Sprintf("%.60q", strings.TrimSpace(s)) }

// dateForm splits a header that declares the form of its dates.
func dateForm(header string) (name string, dayFirst bool) {
	name, form, found := strings.Cut(header, "(")
	switch normal(form) {
	case "ddmmyyyy", "jjmmaaaa":
		return name, found
	default:
		return header, false
	}
}

func knownHeaders(columns []Column) map[string]string {
	known := map[string]string{}
	for _, c := range columns {
		known[normal(c.Key)] = c.Key
		for _, h := range c.Headers {
			known[normal(h)] = c.Key
		}
	}
	return known
}

// normal is a name without case, accents, spaces and punctuation.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '%' {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
}

// values reads the cells of all rows.
func (t *table) values(lines []line, mark rune) {
	decimal := t.decimalMark(lines, mark)
	if len(t.errs) > 0 {
		return
	}
	for _, l := range lines {
		row := Row{Line: l.number, Values: map[string]string{}}
		for i, c := range l.cells {
			c.text = strings.TrimSpace(c.text)
			switch {
			case c.text == "" && c.bad == "":
				continue
			case i >= len(t.columns):
				t.fail(fmt.Sprintf("row %d", l.number), CodeRowTooLong, "there are %d cells for %d columns", len(l.cells), len(t.columns))
			case t.columns[i].Key == "":
				t.fail(fmt.Sprintf("row %d, column %d", l.number, i+1), CodeUnknownColumn, "the column has no name")
			default:
				t.value(&row, i, c, decimal)
			}
		}
		if len(row.Values) > 0 {
			t.rows = append(t.rows, row)
		}
	}
	if len(t.rows) == 0 && len(t.errs) == 0 {
		t.fail("", CodeEmpty, "there is nothing below the header")
	}
}

// value reads one cell.
func (t *table) value(row *Row, i int, c cell, mark rune) {
	column := t.columns[i]
	at := place(row.Line, t.headers[column.Key])
	switch {
	case c.bad != "":
		t.fail(at, CodeCell, "%s", c.bad)
		return
	case len(c.text) > MaxCell:
		t.fail(at, CodeTooLarge, "the text is longer than %d bytes", MaxCell)
		return
	case strings.ContainsFunc(c.text, notXML):
		t.fail(at, invoice.CodeTextCharacter, "the text has a character that no document may carry")
		return
	}
	switch column.Kind {
	case Number, Percent:
		t.number(row, column, at, c, mark)
	case Date:
		t.date(row, column, at, c, t.dayFirst[i])
	case Code:
		row.Values[column.Key] = strings.ToUpper(c.text)
	default:
		row.Values[column.Key] = c.text
	}
}

func (t *table) number(row *Row, column Column, at string, c cell, mark rune) {
	if c.date {
		t.fail(at, CodeCell, "the cell is a date, not a number")
		return
	}
	if c.percent && column.Kind != Percent {
		t.fail(at, CodeCell, "the cell is a percentage")
		return
	}
	text := c.text
	if !c.number {
		if column.Kind == Percent {
			text = strings.TrimSpace(strings.TrimSuffix(text, "%"))
		}
		plain, ok := decimalText(text, mark)
		if !ok {
			t.fail(at, invoice.CodeDecimalInvalid, "%s is no number", quoted(c.text))
			return
		}
		text = plain
	}
	d, err := invoice.ParseDecimal(text)
	if err != nil {
		t.fail(at, invoice.CodeDecimalInvalid, "%s is no number", quoted(c.text))
		return
	}
	if c.percent {
		d = shift(d, 2)
	}
	row.Values[column.Key] = d.String()
}

func (t *table) date(row *Row, column Column, at string, c cell, dayFirst bool) {
	text := c.text
	if c.number && !c.date {
		t.fail(at, CodeCell, "the cell is a number, not a date")
		return
	}
	if len(text) == 10 && text[2] == '/' && text[5] == '/' {
		if !dayFirst {
			t.fail(at, invoice.CodeDateInvalid, "%s is not of the form YYYY-MM-DD; day first must be declared", quoted(text))
			return
		}
		text = text[6:] + "-" + text[3:5] + "-" + text[:2]
	}
	if _, err := invoice.ParseDate(text); err != nil {
		t.fail(at, invoice.CodeDateInvalid, "%s is no date", quoted(c.text))
		return
	}
	row.Values[column.Key] = text
}

// notXML tells whether XML 1.0 cannot carry the character, or it is a control
// character that no text has.
func notXML(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF || r == unicode.ReplacementChar
}
