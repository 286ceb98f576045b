package invoice

import (
	"reflect"
	"strings"
)

// group describes the fields of one struct of the model where it stands for one
// business group: an Address as BG-5 has other terms than as BG-8.
type group struct {
	fields []field
}

// field is one field of a group.
type field struct {
	name     string // in JSON
	required bool   // always written, and so expected when reading
	term     string // BT or BG, "" for none
	group    *group // of its elements, nil for texts, numbers, dates and files
}

// model describes Invoice. It is never changed.
var model = describe(reflect.TypeFor[Invoice](), "", make(map[groupKey]*group))

// groupKey is a struct and the term it stands for.
type groupKey struct {
	t    reflect.Type
	term string
}

// describe reads the tags of a struct that stands for a term. Groups that are
// known already are shared: a line may contain lines.
func describe(t reflect.Type, term string, known map[groupKey]*group) *group {
	key := groupKey{t, term}
	if g := known[key]; g != nil {
		return g
	}
	g := &group{fields: make([]field, t.NumField())}
	known[key] = g
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		f := field{name: name, required: options == "", term: resolveTerm(tag.Get("term"), term)}
		if inner := element(t.Field(i).Type); isGroup(inner) {
			f.group = describe(inner, f.term, known)
		}
		g.fields[i] = f
	}
	return g
}

// resolveTerm reads the tag "term" of a field within the group or identifier
// that context names: "BT-27" as it stands, "BG-5=BT-35,BG-8=BT-50" by group, "-"
// the context itself, "-1" a sub-term of it.
func resolveTerm(tag, context string) string {
	switch {
	case tag == "-" || context == "" && strings.HasPrefix(tag, "-"):
		return context
	case strings.HasPrefix(tag, "-"):
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

// element is the type behind pointers and slices.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != decimalType && t != dateType
}

var (
	decimalType = reflect.TypeFor[Decimal]()
	dateType    = reflect.TypeFor[Date]()
	bytesType   = reflect.TypeFor[[]byte]()
)

// index finds a field by its JSON name, -1 for none.
func (g *group) index(name string) int {
	for i := range g.fields {
		if g.fields[i].name == name {
			return i
		}
	}
	return -1
}
