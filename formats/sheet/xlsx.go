package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"facteur.dev/facteur/formats/invoice"
)

// readXLSX reads the cells of the first sheet.
func readXLSX(src []byte) (lines []line, err error) {
	if err := checkArchive(src); err != nil {
		return nil, err
	}
	// The library is given files of strangers; a fault of its own is theirs.
	defer func() {
		if recover() != nil {
			lines, err = nil, one(CodeFormat, "the workbook is damaged")
		}
	}()
	file, err := excelize.OpenReader(bytes.NewReader(src), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: MaxUnpacked, UnzipXMLSizeLimit: MaxUnpacked,
	})
	if err != nil {
		return nil, one(CodeFormat, "the file is no XLSX workbook")
	}
	defer func() { _ = file.Close() }()
	sheets := file.GetSheetList()
	if len(sheets) == 0 {
		return nil, one(CodeEmpty, "the workbook has no sheet")
	}
	w := workbook{file: file, sheet: sheets[0], formats: map[int]numberFormat{}}
	if props, err := file.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		w.date1904 = *props.Date1904
	}
	return w.lines()
}

// checkArchive unpacks the archive without keeping anything, so that one that
// unpacks to more than it may, whatever it declares, goes no further.
func checkArchive(src []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		return one(CodeFormat, "the file is no XLSX workbook")
	}
	left := int64(MaxUnpacked)
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return one(CodeFormat, "the workbook is damaged")
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1))
		_ = r.Close()
		if left -= n; left < 0 {
			return one(CodeTooLarge, "the workbook unpacks to more than %d bytes", MaxUnpacked)
		}
		if err != nil {
			return one(CodeFormat, "the workbook is damaged")
		}
	}
	return nil
}

// workbook reads typed cells of one sheet.
type workbook struct {
	file     *excelize.File
	sheet    string
	date1904 bool
	formats  map[int]numberFormat // by style
}

// numberFormat is what the format of a number cell makes of the number.
type numberFormat struct {
	date, percent bool
	digits        int // leading zeros are shown up to so many digits
}

// lines reads the rows. The stream comes first: it bounds rows and columns before
// the cells are looked at one by one.
func (w *workbook) lines() ([]line, error) {
	rows, err := w.file.Rows(w.sheet)
	if err != nil {
		return nil, one(CodeFormat, "the first sheet cannot be read")
	}
	defer func() { _ = rows.Close() }()
	var texts [][]string
	for rows.Next() {
		record, err := rows.Columns()
		if err != nil {
			return nil, one(CodeFormat, "row %d cannot be read", len(texts)+1)
		}
		if len(record) > MaxColumns {
			return nil, one(CodeTooLarge, "there are more than %d columns", MaxColumns)
		}
		if len(texts) > MaxRows {
			return nil, one(CodeTooLarge, "there are more than %d rows", MaxRows)
		}
		texts = append(texts, record)
	}
	if err := rows.Error(); err != nil {
		return nil, one(CodeFormat, "the first sheet cannot be read")
	}
	var lines []line
	for i, record := range texts {
		l := line{number: i + 1}
		for j, text := range record {
			c, err := w.cell(i+1, j+1, text)
			if err != nil {
				return nil, err
			}
			l.cells = append(l.cells, c)
		}
		if len(l.cells) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func (w *workbook) cell(row, column int, text string) (cell, error) {
	if text == "" {
		return cell{}, nil
	}
	name, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return cell{}, one(CodeFormat, "row %d cannot be read", row)
	}
	kind, err := w.file.GetCellType(w.sheet, name)
	if err != nil {
		return cell{}, one(CodeFormat, "row %d cannot be read", row)
	}
	switch kind {
	case excelize.CellTypeNumber, excelize.CellTypeUnset:
		return w.number(name, text)
	case excelize.CellTypeDate:
		day, _, _ := strings.Cut(text, "T")
		return cell{text: day, date: true}, nil
	case excelize.CellTypeError:
		return cell{bad: fmt.Sprintf("the cell has the error %.20s", text)}, nil
	case excelize.CellTypeBool:
		return cell{text: map[string]string{"1": "true", "0": "false"}[text]}, nil
	default:
		return cell{text: text}, nil
	}
}

// number reads a number cell: a number, a date or digits with leading zeros,
// as its format shows it.
func (w *workbook) number(name, text string) (cell, error) {
	d, ok := shownNumber(text)
	if !ok {
		return cell{bad: fmt.Sprintf("%.40q is no number", text)}, nil
	}
	format, err := w.format(name)
	if err != nil {
		return cell{}, err
	}
	if format.date {
		date, ok := w.date(d)
		if !ok {
			return cell{bad: fmt.Sprintf("%.40q is no date", text)}, nil
		}
		return cell{text: date.String(), date: true}, nil
	}
	plain := d.String()
	if missing := format.digits - len(plain); missing > 0 && d.Scale() == 0 && d.Sign() >= 0 {
		plain = strings.Repeat("0", missing) + plain
	}
	return cell{text: plain, number: true, percent: format.percent}, nil
}

// significantDigits is the precision that spreadsheets show. What they store beyond
// it is noise of the binary form.
const significantDigits = 15

// shownNumber is the number of a cell at the precision that spreadsheets show,
// computed in decimal: "1.1000000000000001" is 1.1, "2.5E-2" is 0.025.
func shownNumber(text string) (invoice.Decimal, bool) {
	mantissa, exponentText, _ := strings.Cut(strings.ToUpper(text), "E")
	exponent := 0
	if exponentText != "" {
		n, err := strconv.Atoi(exponentText)
		if err != nil || n < -30 || n > 30 {
			return invoice.Decimal{}, false
		}
		exponent = n
	}
	d, err := invoice.ParseDecimal(mantissa)
	if err != nil || d.Scale() > 30 {
		return invoice.Decimal{}, false
	}
	whole := len(strings.TrimPrefix(d.Round(0).Abs().String(), "0"))
	if whole == 0 {
		// Zeros after the point are not significant: 0.00123.
		fraction := strings.TrimPrefix(d.Abs().String(), "0.")
		whole = len(strings.TrimLeft(fraction, "0")) - len(fraction)
	}
	if places := significantDigits - whole; places >= 0 && places < d.Scale() {
		d = d.Round(int32(places))
	}
	if exponent >= 0 {
		return shift(d, int32(exponent)), true
	}
	return shortest(d.Mul(invoice.NewDecimal(1, int32(-exponent)))), true
}

// date is the day of a serial number. Both systems count days; that of 1900 has a
// day too many in February 1900, and days before it are refused.
func (w *workbook) date(serial invoice.Decimal) (invoice.Date, bool) {
	days := serial.Round(0)
	n, err := strconv.Atoi(days.String())
	first, start := 61, invoice.MustDate("1899-12-30")
	if w.date1904 {
		first, start = 0, invoice.MustDate("1904-01-01")
	}
	const last = 2_958_465 // 9999-12-31
	if err != nil || !days.Equal(serial) || n < first || n > last {
		return invoice.Date{}, false
	}
	return start.AddDays(n), true
}

// format looks at the number format of a cell.
func (w *workbook) format(name string) (numberFormat, error) {
	id, err := w.file.GetCellStyle(w.sheet, name)
	if err != nil {
		return numberFormat{}, one(CodeFormat, "cell %s cannot be read", name)
	}
	if known, ok := w.formats[id]; ok {
		return known, nil
	}
	style, err := w.file.GetStyle(id)
	if err != nil {
		return numberFormat{}, one(CodeFormat, "the style of cell %s cannot be read", name)
	}
	format := builtinFormat(style.NumFmt)
	if style.CustomNumFmt != nil {
		format = customFormat(*style.CustomNumFmt)
	}
	w.formats[id] = format
	return format, nil
}

// builtinFormat knows the formats that have a number and no text: ECMA-376, part 1,
// 18.8.30.
func builtinFormat(id int) numberFormat {
	switch {
	case id >= 14 && id <= 22, id >= 27 && id <= 36, id >= 45 && id <= 47, id >= 50 && id <= 58:
		return numberFormat{date: true}
	case id == 9, id == 10:
		return numberFormat{percent: true}
	default:
		return numberFormat{}
	}
}

// literals are parts of a format that stand for themselves: quoted and escaped text,
// and conditions, colours and currencies in brackets.
var literals = regexp.MustCompile(`"[^"]*"|\\.|_.|\[[^\]]*\]`)

func customFormat(format string) numberFormat {
	format = strings.ToLower(literals.ReplaceAllString(format, ""))
	switch {
	case strings.ContainsAny(format, "yd"):
		return numberFormat{date: true}
	case strings.Contains(format, "%"):
		return numberFormat{percent: true}
	case format != "" && strings.Trim(format, "0") == "":
		return numberFormat{digits: len(format)}
	default:
		return numberFormat{}
	}
}
