package invoice

import "reflect"

// Clone returns a copy that shares nothing that can be changed with the
// original.
func (inv *Invoice) Clone() *Invoice {
	if inv == nil {
		return nil
	}
	return deepCopy(reflect.ValueOf(inv)).Interface().(*Invoice)
}

// deepCopy copies pointers, slices and structs of the model. Structs that keep
// their fields to themselves (Decimal, Date) are immutable and copied as they
// are.
func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(deepCopy(v.Elem()))
		return c
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		if v.Type().Elem().Kind() == reflect.Uint8 {
			reflect.Copy(c, v)
			return c
		}
		for i := range v.Len() {
			c.Index(i).Set(deepCopy(v.Index(i)))
		}
		return c
	case reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.Field(i).Set(deepCopy(v.Field(i)))
			}
		}
		return c
	default:
		return v
	}
}
