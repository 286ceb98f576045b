package invoice

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
)

// Walk calls fn for every business term that is present, in the order of the
// model: its identifier ("BT-131", "BT-29-1" for a scheme; "" for an extension
// without a number), its JSON path ("lines[0].net_amount") and its value as
// text. Amounts keep their decimals; attached files are base64.
//
// Amounts that the standard makes mandatory always count as present, as do
// empty mandatory ones among them; empty texts and dates do not.
func (inv *Invoice) Walk(fn func(term, path, value string)) {
	w := walker{fn}
	w.structure(reflect.ValueOf(inv).Elem(), "", "")
}

type walker struct {
	fn func(term, path, value string)
}

// structure walks the fields of a group. The context is the term of the group
// or identifier that the value stands for.
func (w walker) structure(v reflect.Value, context, path string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := name
		if path != "" {
			p = path + "." + name
		}
		w.value(v.Field(i), fieldTerm(f, context), p)
	}
}

func (w walker) value(v reflect.Value, term, path string) {
	switch x := v.Interface().(type) {
	case Decimal:
		w.fn(term, path, x.String())
		return
	case Date:
		if !x.IsZero() {
			w.fn(term, path, x.String())
		}
		return
	case []byte:
		if len(x) > 0 {
			w.fn(term, path, base64.StdEncoding.EncodeToString(x))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Len() > 0 {
			w.fn(term, path, v.String())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			w.value(v.Elem(), term, path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.value(v.Index(i), term, path+"["+strconv.Itoa(i)+"]")
		}
	case reflect.Struct:
		w.structure(v, term, path)
	}
}

// fieldTerm reads the tag "term" of a field within the group or identifier that
// context names: "BT-27" as it stands, "BG-5=BT-35,BG-8=BT-50" by group, "-" the
// context itself, "-1" a sub-term of it.
func fieldTerm(f reflect.StructField, context string) string {
	tag := f.Tag.Get("term")
	switch {
	case tag == "-":
		return context
	case strings.HasPrefix(tag, "-"):
		if context == "" {
			return ""
		}
		return context + tag
	case !strings.Contains(tag, "="):
		return tag
	}
	for pair := range strings.SplitSeq(tag, ",") {
		if group, term, _ := strings.Cut(pair, "="); group == context {
			return term
		}
	}
	return ""
}
