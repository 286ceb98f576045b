package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"facteur.dev/facteur/formats/invoice"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// readCSV splits the file into cells.
func readCSV(src []byte, columns []Column, separator rune) ([]line, error) {
	text, err := decode(src)
	if err != nil {
		return nil, err
	}
	if separator == 0 {
		if separator, err = findSeparator(text, columns); err != nil {
			return nil, err
		}
	}
	r := csvReader(text, separator)
	var lines []line
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		if len(record) > MaxColumns {
			return nil, one(CodeTooLarge, "there are more than %d columns", MaxColumns)
		}
		if len(lines) > MaxRows {
			return nil, one(CodeTooLarge, "there are more than %d rows", MaxRows)
		}
		number, _ := r.FieldPos(0)
		l := line{number: number, cells: make([]cell, len(record))}
		for i, text := range record {
			l.cells[i].text = text
		}
		lines = append(lines, l)
	}
}

func csvReader(text []byte, separator rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator
	r.FieldsPerRecord = -1
	return r
}

func csvError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return invoice.FieldErrors{{
			Path: fmt.Sprintf("row %d", parse.Line), Code: CodeQuotes,
			Message: fmt.Sprintf("column %d: %v", parse.Column, parse.Err),
		}}
	}
	return err
}

// decode gives the text as UTF-8.
func decode(src []byte) ([]byte, error) {
	src = bytes.TrimPrefix(src, byteOrderMark)
	if bytes.IndexByte(src, 0) >= 0 {
		return nil, one(CodeEncoding, "the file is neither UTF-8 nor windows-1252")
	}
	if utf8.Valid(src) {
		return src, nil
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(src)
	if err != nil {
		return nil, one(CodeEncoding, "the file is neither UTF-8 nor windows-1252")
	}
	return text, nil
}

// findSeparator takes the separator with which most of the header is known.
func findSeparator(text []byte, columns []Column) (rune, error) {
	known := knownHeaders(columns)
	var best rune
	most, tie := 0, false
	for _, separator := range []rune{',', ';', '\t'} {
		record, err := csvReader(text, separator).Read()
		if err != nil {
			continue
		}
		found := 0
		for _, name := range record {
			name, _ = dateForm(name)
			if _, ok := known[normal(name)]; ok {
				found++
			}
		}
		if found > most {
			best, most, tie = separator, found, false
		} else if found == most {
			tie = found > 0
		}
	}
	// A header of a single column has no separator to find.
	if most == 0 || tie && most > 1 {
		return 0, one(CodeSeparator, "no separator (comma, semicolon, tab) makes the first row a header that is known")
	}
	return best, nil
}
