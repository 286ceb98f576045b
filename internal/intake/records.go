package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/sheet"
)

// Record is one row of a table of records.
type Record struct {
	// ID names the record.
	ID string
	// Row is its number in the file, from 1; the header counts.
	Row int

	cells map[string]string // by column key
}

// Records reads a table of records of a kind: "customer", "legal_entity" or "item".
func Records(kind, media string, content []byte) ([]Record, error) {
	if err := size(content); err != nil {
		return nil, err
	}
	columns := RecordColumns(kind)
	if media != CSV && media != XLSX || columns == nil {
		return nil, mediaType(media)
	}
	rows, err := sheet.ReadRecords(bytes.NewReader(content), columns, sheet.Options{})
	if err != nil {
		return nil, refused(err)
	}
	out := make([]Record, len(rows))
	var problems invoice.FieldErrors
	first := map[string]int{}
	for i, row := range rows {
		id := row.Values["id"]
		at := fmt.Sprintf("row %d", row.Line)
		switch {
		case id == "":
			problems = append(problems, invoice.FieldError{Path: at, Code: invoice.CodeFieldMissing, Message: "the row has no id"})
		case first[id] > 0:
			problems = append(problems, invoice.FieldError{
				Path: at, Code: sheet.CodeConflict, Message: fmt.Sprintf("%.60q stands in row %d already", id, first[id]),
			})
		default:
			first[id] = row.Line
		}
		delete(row.Values, "id")
		out[i] = Record{ID: id, Row: row.Line, cells: row.Values}
	}
	if len(problems) > 0 {
		return nil, refused(problems)
	}
	return out, nil
}

// Over lays the cells of the row over a record's current body, nil for a new
// record. What the row does not say stays as it is: a table never takes away what
// it has no column for. changed tells whether the row says anything new.
func (r Record) Over(current json.RawMessage) (body json.RawMessage, changed bool, err error) {
	record := map[string]any{}
	if len(current) > 0 {
		d := json.NewDecoder(bytes.NewReader(current))
		d.UseNumber()
		if err := d.Decode(&record); err != nil {
			return nil, false, fmt.Errorf("the current body: %w", err)
		}
	}
	changed = len(current) == 0
	for key, cell := range r.cells {
		said, err := put(record, key, cell)
		if err != nil {
			return nil, false, err
		}
		changed = changed || said
	}
	body, err = json.Marshal(record)
	return body, changed, err
}

// errShape says that a record does not have the shape of its kind.
var errShape = errors.New("the record has another shape than its kind")

// put writes a cell where its key says and tells whether something else stood there.
func put(record map[string]any, key, cell string) (changed bool, err error) {
	steps := strings.Split(key, ".")
	last := steps[len(steps)-1]
	for _, step := range steps[:len(steps)-1] {
		name, isList := strings.CutSuffix(step, "[]")
		inner := record[name]
		switch list, ok := inner.([]any); {
		case isList && (inner == nil || ok && len(list) == 0):
			inner = map[string]any{}
			record[name] = []any{inner}
		case isList && ok:
			inner = list[0]
		case inner == nil:
			inner = map[string]any{}
			record[name] = inner
		}
		next, ok := inner.(map[string]any)
		if !ok {
			return false, errShape
		}
		record = next
	}
	was := record[last]
	record[last] = cell
	if numbers[key] {
		record[last] = json.Number(cell)
	}
	return was != record[last], nil
}
