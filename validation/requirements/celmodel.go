package requirements

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// documentFacts is the variable "document" of rules.
type documentFacts struct {
	Syntax        string `json:"syntax"`
	Customization string `json:"customization"`
	Profile       string `json:"profile"`
	Size          int64  `json:"size"`
}

// model is what the checker and the interpreter of CEL know about the Go types
// of the model: each struct is a message type named like "invoice.Line", its
// fields are named as in JSON. Unlike a protocol buffer, an amount or date that
// is absent is no value: reading it is an error unless the rule has asked with
// has() or reads it as optional (a.?b). Absent texts are "", absent lists
// empty, and absent groups have no fields set.
type model struct {
	*types.Registry
	groups map[string]*group
	byType map[reflect.Type]*group
}

// group is a struct of the model.
type group struct {
	celType *cel.Type
	goType  reflect.Type
	fields  map[string]*types.FieldType
	names   []string
}

func newModel() (*model, error) {
	registry, err := types.NewRegistry(decimalType, dateType)
	if err != nil {
		return nil, err
	}
	m := &model{Registry: registry, groups: map[string]*group{}, byType: map[reflect.Type]*group{}}
	for _, root := range []any{invoice.Invoice{}, order.Order{}, documentFacts{}} {
		if _, err := m.group(reflect.TypeOf(root)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// group describes a struct and all that it contains.
func (m *model) group(t reflect.Type) (*group, error) {
	if g, ok := m.byType[t]; ok {
		return g, nil
	}
	name := path.Base(t.PkgPath()) + "." + t.Name()
	g := &group{celType: cel.ObjectType(name, traits.FieldTesterType, traits.IndexerType), goType: t, fields: map[string]*types.FieldType{}}
	m.byType[t], m.groups[name] = g, g
	for i := range t.NumField() {
		f := t.Field(i)
		celType, err := m.typeOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, f.Name, err)
		}
		field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		g.names = append(g.names, field)
		g.fields[field] = &types.FieldType{
			Type:  celType,
			IsSet: func(target any) bool { return m.isSet(g, target, i) },
			GetFrom: func(target any) (any, error) {
				return m.get(g, target, i, field)
			},
		}
	}
	return g, nil
}

func (m *model) typeOf(t reflect.Type) (*cel.Type, error) {
	switch t {
	case reflect.TypeFor[invoice.Decimal]():
		return decimalType, nil
	case reflect.TypeFor[invoice.Date]():
		return dateType, nil
	case reflect.TypeFor[[]byte]():
		return cel.BytesType, nil
	}
	switch t.Kind() {
	case reflect.String:
		return cel.StringType, nil
	case reflect.Int64:
		return cel.IntType, nil
	case reflect.Pointer:
		return m.typeOf(t.Elem())
	case reflect.Slice:
		element, err := m.typeOf(t.Elem())
		if err != nil {
			return nil, err
		}
		return cel.ListType(element), nil
	case reflect.Struct:
		g, err := m.group(t)
		if err != nil {
			return nil, err
		}
		return g.celType, nil
	}
	return nil, fmt.Errorf("rules have no type for %v", t)
}

// isSet tells whether a field has a value: a text that is not empty, a list that
// is not empty, an amount that was given.
func (m *model) isSet(g *group, target any, field int) bool {
	o, ok := target.(object)
	if !ok || o.group != g || o.absent {
		return false
	}
	f := o.v.Field(field)
	switch f.Kind() {
	case reflect.Slice, reflect.String:
		return f.Len() > 0
	}
	if _, ok := f.Interface().(invoice.Decimal); ok {
		return true // mandatory
	}
	return !f.IsZero()
}

var errAbsent = errors.New("is absent: ask with has() first")

func (m *model) get(g *group, target any, field int, name string) (any, error) {
	o, ok := target.(object)
	if !ok || o.group != g {
		return nil, fmt.Errorf("%T is no %s", target, g.celType.TypeName())
	}
	f, absent := o.v.Field(field), o.absent
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			f, absent = reflect.Zero(f.Type().Elem()), true
		} else {
			f = f.Elem()
		}
	}
	switch v := m.NativeToValue(f.Interface()).(type) {
	case decimal:
		if absent {
			return nil, fmt.Errorf("%s %w", name, errAbsent)
		}
		return v, nil
	case date:
		if v.IsZero() {
			return nil, fmt.Errorf("%s %w", name, errAbsent)
		}
		return v, nil
	case object:
		v.absent = absent
		return v, nil
	default:
		return v, nil
	}
}

// NativeToValue makes a value of CEL of one of the model.
func (m *model) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case ref.Val:
		return v
	case invoice.Decimal:
		return decimal{v}
	case invoice.Date:
		return date{v}
	case []byte:
		return types.Bytes(v)
	}
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return m.NativeToValue(v.Elem().Interface())
	case v.Kind() == reflect.String:
		return types.String(v.String())
	case v.Kind() == reflect.Slice:
		return list{types.NewDynamicList(m, value), uint32(v.Len())}
	case v.Kind() == reflect.Struct:
		if g, ok := m.byType[v.Type()]; ok {
			return object{group: g, v: v}
		}
	}
	return m.Registry.NativeToValue(value)
}

// FindStructType finds a group by its name, as types.Provider asks.
func (m *model) FindStructType(name string) (*cel.Type, bool) {
	if g, ok := m.groups[name]; ok {
		return types.NewTypeTypeWithParam(g.celType), true
	}
	return nil, false
}

// FindStructFieldNames lists the fields of a group.
func (m *model) FindStructFieldNames(name string) ([]string, bool) {
	if g, ok := m.groups[name]; ok {
		return g.names, true
	}
	return nil, false
}

// FindStructFieldType finds a field of a group.
func (m *model) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if g, ok := m.groups[name]; ok {
		f, ok := g.fields[field]
		return f, ok
	}
	return nil, false
}

// NewValue refuses: rules look at the model, they make none of it.
func (m *model) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("a rule cannot make a value of %s", name)
}

// list is a list of the model as CEL sees it.
type list struct {
	traits.Lister
	n uint32
}

// AggregateSize tells the bound on memory how many values the list stands for.
func (l list) AggregateSize(types.AggregateSizer) uint32 { return 1 + l.n }

// object is a group of a model as CEL sees it.
type object struct {
	group *group
	v     reflect.Value
	// absent says that the model does not have the group: nothing of it is set.
	absent bool
}

func (o object) Type() ref.Type { return o.group.celType }
func (o object) Value() any     { return o }

// AggregateSize tells the bound on memory that an object is only a handle.
func (o object) AggregateSize(types.AggregateSizer) uint32 { return 1 }

// IsSet tells whether a field has a value, for values whose type is not known
// before the rule runs.
func (o object) IsSet(field ref.Val) ref.Val {
	f, err := o.field(field)
	if err != nil {
		return types.NewErrFromString(err.Error())
	}
	return types.Bool(f.IsSet(o))
}

// Get gives a field, for values whose type is not known before the rule runs.
func (o object) Get(field ref.Val) ref.Val {
	f, err := o.field(field)
	if err == nil {
		var v any
		if v, err = f.GetFrom(o); err == nil {
			return v.(ref.Val)
		}
	}
	return types.NewErrFromString(err.Error())
}

func (o object) field(name ref.Val) (*types.FieldType, error) {
	if s, ok := name.(types.String); ok {
		if f, ok := o.group.fields[string(s)]; ok {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s has no field %v", o.group.celType.TypeName(), name.Value())
}

// Equal refuses: whether two groups are the same depends on the fields one
// means.
func (o object) Equal(ref.Val) ref.Val {
	return types.NewErr("values of %s cannot be compared: compare their fields", o.group.celType.TypeName())
}

func (o object) ConvertToNative(t reflect.Type) (any, error) { return toNative(o.v.Interface(), t) }

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == o.group.celType.TypeName() {
		return o
	}
	return types.NewErr("%s is no %s", o.group.celType.TypeName(), t.TypeName())
}
