package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"testing"

	"facteur.dev/facteur/formats/sheet"
)

// Whatever comes in is read in full or refused with a code and nothing else; what
// was read passes the checks of its kind.
func FuzzRead(f *testing.F) {
	seeds := 0
	for name := range files(f) {
		b := content(f, name)
		f.Add(MediaType("", path.Base(name), b), b)
		seeds++
	}
	for _, lang := range []string{"en", "fr"} {
		for media, format := range map[string]sheet.Format{CSV: sheet.CSV, XLSX: sheet.XLSX} {
			b, err := sheet.Template(format, lang)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(media, b)
			seeds++
		}
	}
	if seeds < 40 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, media string, b []byte) {
		kind, err := KindOf(media, b)
		refusedWithCode(t, err)
		list, err := Orders(media, b)
		refusedWithCode(t, err)
		if err == nil && (kind != KindOrder || len(list) == 0) {
			t.Errorf("%d orders are read from what is %q", len(list), kind)
		}
		for _, o := range list {
			if o.Check() != nil {
				t.Error("an order was read that its own check refuses")
			}
		}
		d, err := Delivery(media, b)
		refusedWithCode(t, err)
		if d != nil && d.Check() != nil {
			t.Error("a note was read that its own check refuses")
		}
		_, err = Invoice(media, b)
		refusedWithCode(t, err)
	})
}

func refusedWithCode(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err == nil {
		return
	}
	if !errors.As(err, &e) || e.Message == "" {
		t.Fatalf("no error of ours: %v", err)
	}
	switch e.Code {
	case CodeMediaType, CodeUnreadable, CodeKind, CodeInvalid, CodeTooLarge:
	default:
		t.Fatalf("unknown code %q", e.Code)
	}
	for _, field := range e.Fields {
		if field.Code == "" || field.Message == "" {
			t.Fatalf("a problem without code or message: %+v", field)
		}
	}
}

// Rows of records lie over any body in the same way twice: the second time
// nothing changes.
func FuzzRecords(f *testing.F) {
	f.Add("customer", []byte("id,name,Net days,Channel,Channel address\nx,A,30,mail,a@b.example\n"))
	f.Add("legal_entity", []byte("Identifiant;Nom;Compte (IBAN)\nx;Société;FR76\n"))
	f.Add("item", []byte("id\tname\tVAT rate\nx\tA\t5,5 %\n"))
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		list, err := Records(kind, CSV, b)
		refusedWithCode(t, err)
		for _, r := range list {
			if r.ID == "" || r.Row < 2 {
				t.Fatalf("record %q of row %d", r.ID, r.Row)
			}
			body, changed, err := r.Over(nil)
			if err != nil || !changed || !json.Valid(body) {
				t.Fatalf("%s, %t, %v", body, changed, err)
			}
			again, changed, err := r.Over(body)
			if err != nil || changed || !bytes.Equal(again, body) {
				t.Fatalf("%s became %s, %t, %v", body, again, changed, err)
			}
		}
	})
}
