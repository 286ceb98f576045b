package invoice

import "reflect"

// Clone returns a copy that shares nothing that can be changed with the
// original.
func (inv *Invoice) Clone() *Invoice {
	if inv == nil {
		return nil
	}
	c := *inv
	detach(reflect.ValueOf(&c).Elem())
	return &c
}

// detach puts copies in the place of the pointers and slices of v, as deep as they
// go. Structs that keep their fields to themselves (Decimal, Date) are immutable
// and need none.
func detach(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(v.Elem())
		detach(c.Elem())
		v.Set(c)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range c.Len() {
				detach(c.Index(i))
			}
		}
		v.Set(c)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				detach(f)
			}
		}
	default: // has nothing to share
	}
}
