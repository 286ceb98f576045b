package invoice

import (
	"encoding/base64"
	"reflect"
	"strconv"
)

// Walk calls fn for every business term that is present, in the order of the
// model: its identifier ("BT-131", "BT-29-1" for a scheme; "" for an extension
// without a number), its JSON path ("lines[0].net_amount") and its value as
// text. Amounts keep their decimals; attached files are base64.
//
// A mandatory amount of a group that is there counts as present even when it is
// 0; a text, code or date that is empty does not.
func (inv *Invoice) Walk(fn func(term, path, value string)) {
	w := walker{fn: fn}
	w.group(reflect.ValueOf(inv).Elem(), model)
}

type walker struct {
	fn   func(term, path, value string)
	path []byte // of the present value
}

func (w *walker) group(v reflect.Value, g *group) {
	start := len(w.path)
	for i := range g.fields {
		if start > 0 {
			w.path = append(w.path, '.')
		}
		w.path = append(w.path, g.fields[i].name...)
		w.value(v.Field(i), &g.fields[i])
		w.path = w.path[:start]
	}
}

func (w *walker) value(v reflect.Value, f *field) {
	switch v.Type() {
	case decimalType:
		w.visit(f, v.Addr().Interface().(*Decimal).String())
		return
	case dateType:
		w.visit(f, v.Addr().Interface().(*Date).String())
		return
	case bytesType:
		w.visit(f, base64.StdEncoding.EncodeToString(v.Bytes()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.visit(f, v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			w.value(v.Elem(), f)
		}
	case reflect.Slice:
		start := len(w.path)
		for i := range v.Len() {
			w.path = append(w.path, '[')
			w.path = strconv.AppendInt(w.path, int64(i), 10)
			w.path = append(w.path, ']')
			w.value(v.Index(i), f)
			w.path = w.path[:start]
		}
	case reflect.Struct:
		w.group(v, f.group)
	}
}

func (w *walker) visit(f *field, value string) {
	if value != "" {
		w.fn(f.term, string(w.path), value)
	}
}
