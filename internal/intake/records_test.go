package intake_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"facteur.dev/facteur/formats/sheet"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/intake"
)

// kinds are the kinds of records and what their bodies must be.
var kinds = map[string]func() any{
	"customer":     func() any { return new(billing.Customer) },
	"legal_entity": func() any { return new(billing.LegalEntity) },
	"item":         func() any { return new(billing.Item) },
}

// example is a value that suits a column.
func example(c sheet.Column) string {
	switch {
	case c.Kind == sheet.Number:
		return "30"
	case c.Kind == sheet.Percent:
		return "5.5"
	case strings.HasSuffix(c.Key, "country"):
		return "FR"
	}
	return "Évaluation " + c.Key
}

func csvOf(t testing.TB, rows ...[]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func xlsxOf(t testing.TB, rows ...[]string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		for j, cell := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellStr("Sheet1", at, cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each column, under its key and in both languages, leads to a field that the
// record really has, and all of them together make one record.
func TestRecordColumnsAreFieldsOfTheRecord(t *testing.T) {
	for kind, body := range kinds {
		columns := intake.RecordColumns(kind)
		var all [3][]string // headers: key, English, French
		var cells []string
		for _, c := range columns {
			if len(c.Headers) != 2 {
				t.Fatalf("%s %s has the headers %q", kind, c.Key, c.Headers)
			}
			for i, header := range []string{c.Key, c.Headers[0], c.Headers[1]} {
				all[i] = append(all[i], header)
			}
			cells = append(cells, example(c))
			if c.Key == "id" {
				continue
			}
			list, err := intake.Records(kind, intake.CSV, csvOf(t, []string{"id", c.Key}, []string{"x", example(c)}))
			if err != nil {
				t.Errorf("%s %s: %v", kind, c.Key, err)
				continue
			}
			strictly(t, kind+" "+c.Key, list[0], body())
		}
		first := ""
		for i, headers := range all {
			for media, table := range map[string][]byte{intake.CSV: csvOf(t, headers, cells), intake.XLSX: xlsxOf(t, headers, cells)} {
				list, err := intake.Records(kind, media, table)
				if err != nil || len(list) != 1 || list[0].Row != 2 || list[0].ID != "Évaluation id" {
					t.Fatalf("%s %s: %+v, %v", kind, media, list, err)
				}
				got := strictly(t, fmt.Sprintf("%s, header %d, %s", kind, i, media), list[0], body())
				first = cmp.Or(first, got)
				if got != first {
					t.Errorf("%s, header %d, %s: %s, expected %s", kind, i, media, got, first)
				}
			}
		}
	}
}

// strictly decodes a new record of a row into v, tells a field that is not there,
// and gives the body.
func strictly(t *testing.T, what string, r intake.Record, v any) string {
	t.Helper()
	body, changed, err := r.Over(nil)
	if err != nil || !changed {
		t.Fatalf("%s: %t, %v", what, changed, err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Errorf("%s: %s: %v", what, body, err)
	}
	if reflect.ValueOf(v).Elem().IsZero() {
		t.Errorf("%s: %s says nothing", what, body)
	}
	return string(body)
}

func TestRecordsInFrench(t *testing.T) {
	table := "Identifiant;NOM;Numéro de TVA;siren;Schéma du registre;Délai en jours;Code postal;Ville;Pays;Canal;Adresse du canal\r\n" +
		"epicerie;Épicerie Générale du Nord SA;FR75000234567;000234567;0002;45;59000;Lille;fr;mail;factures@egn.example\r\n"
	latin := strings.NewReplacer("é", "\xe9", "É", "\xc9").Replace(table) // windows-1252
	for name, content := range map[string]string{"UTF-8": table, "windows-1252": latin} {
		list, err := intake.Records("customer", intake.CSV, []byte(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _, err := list[0].Over(nil)
		want := `{"address":{"city":"Lille","country":"FR","post_code":"59000"},"legal_registration":{"scheme":"0002","value":"000234567"},` +
			`"name":"Épicerie Générale du Nord SA","routes":[{"address":"factures@egn.example","channel":"mail"}],"terms":{"net_days":45},"vat_identifier":"FR75000234567"}`
		if err != nil || list[0].ID != "epicerie" || string(body) != want {
			t.Errorf("%s: %s %s, %v", name, list[0].ID, body, err)
		}
	}
}

// A table changes what it says and takes nothing away.
func TestRecordOverAnother(t *testing.T) {
	current := `{"name":"Old","mentions":[{"text":"SARL au capital de 10 000 €"}],"accounts":[{"iban":"FR76","name":"main"},{"iban":"DE89"}],"terms":{"net_days":30,"end_of_month":true}}`
	for _, test := range []struct {
		header, row, want string
		changed           bool
	}{
		{
			"id,name,IBAN,Net days", "x,New,FR14,45",
			`{"accounts":[{"iban":"FR14","name":"main"},{"iban":"DE89"}],"mentions":[{"text":"SARL au capital de 10 000 €"}],"name":"New","terms":{"end_of_month":true,"net_days":45}}`, true,
		},
		{
			"id,name,IBAN,Net days,BIC", "x,Old,FR76,30,", // the empty cell says nothing
			`{"accounts":[{"iban":"FR76","name":"main"},{"iban":"DE89"}],"mentions":[{"text":"SARL au capital de 10 000 €"}],"name":"Old","terms":{"end_of_month":true,"net_days":30}}`, false,
		},
	} {
		list, err := intake.Records("legal_entity", intake.CSV, []byte(test.header+"\n"+test.row+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		body, changed, err := list[0].Over(json.RawMessage(current))
		if err != nil || changed != test.changed || string(body) != test.want {
			t.Errorf("%s: %t %s, %v", test.row, changed, body, err)
		}
	}
	list, err := intake.Records("legal_entity", intake.CSV, []byte("id,IBAN\nx,FR76\n"))
	if err != nil {
		t.Fatal(err)
	}
	if body, changed, err := list[0].Over(json.RawMessage(`{"accounts":[]}`)); err != nil || !changed || string(body) != `{"accounts":[{"iban":"FR76"}]}` {
		t.Errorf("into an empty list: %s, %v", body, err)
	}
	for _, bad := range []string{`{"accounts":"none"}`, `{"accounts":["none"]}`, `[]`, `{`} {
		if body, _, err := list[0].Over(json.RawMessage(bad)); err == nil {
			t.Errorf("over %s: %s", bad, body)
		}
	}
}

func TestRecordsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		kind, media, content, code, field string
	}{
		"no such kind":       {"peer", intake.CSV, "id,name\n", intake.CodeMediaType, ""},
		"JSON":               {"customer", intake.JSON, "{}", intake.CodeMediaType, ""},
		"empty":              {"customer", intake.CSV, "", intake.CodeUnreadable, ""},
		"only a header":      {"customer", intake.CSV, "id,name\n", intake.CodeUnreadable, "sheet.empty at "},
		"unknown column":     {"customer", intake.CSV, "id,nam\nx,y\n", intake.CodeInvalid, `sheet.unknown_column at row 1, column "nam"`},
		"no id column":       {"customer", intake.CSV, "name,language\ny,fr\n", intake.CodeInvalid, "sheet.missing_column at row 1"},
		"no id":              {"item", intake.CSV, "id,name\nx,y\n,z\n", intake.CodeInvalid, "field.missing at row 3"},
		"the same id":        {"item", intake.CSV, "id,name\nx,y\nx,z\n", intake.CodeInvalid, "sheet.conflict at row 3"},
		"no number":          {"customer", intake.CSV, "id,Net days\nx,soon\n", intake.CodeInvalid, "decimal.invalid at row 2, column Net days"},
		"no percentage":      {"item", intake.CSV, "id,VAT rate\nx,full\n", intake.CodeInvalid, "decimal.invalid at row 2, column VAT rate"},
		"control characters": {"item", intake.CSV, "id,name\nx,a\x02b\n", intake.CodeInvalid, "text.character at row 2, column name"},
		"too large":          {"item", intake.CSV, strings.Repeat("x", intake.MaxSize+1), intake.CodeTooLarge, ""},
	} {
		list, err := intake.Records(test.kind, test.media, []byte(test.content))
		var e *intake.Error
		if list != nil || !errors.As(err, &e) || e.Code != test.code {
			t.Errorf("%s: %d records, %v", name, len(list), err)
			continue
		}
		field := ""
		if len(e.Fields) > 0 {
			field = e.Fields[0].Code + " at " + e.Fields[0].Path
		}
		if !strings.HasPrefix(field, test.field) {
			t.Errorf("%s: field %q", name, field)
		}
	}
}
