package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
)

// sample fills every field of a record, each with a value of its own, so that
// a column that is missing or mixed up shows. n tells samples apart.
func sample[T any](t testing.TB, n int) T {
	t.Helper()
	var record T
	fill(t, reflect.ValueOf(&record).Elem(), reflect.TypeFor[T]().Name(), n)
	return record
}

func fill(t testing.TB, v reflect.Value, path string, n int) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		// A zone, and more digits than are kept.
		at := start.Add(time.Duration(len(path)*1000+n) * time.Second).In(time.FixedZone("", 5*3600+45*60))
		v.Set(reflect.ValueOf(at))
		return
	case json.RawMessage:
		v.SetBytes(fmt.Appendf(nil, `{"of":%q,"n":%d}`, path, n))
		return
	case invoice.Decimal:
		v.Set(reflect.ValueOf(invoice.MustDecimal(fmt.Sprintf("%d.%02d0", len(path), n%100))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s %d é", path, n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(len(path)*100 + n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), path, n)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(path + "\x00\xff"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, path+" key", n)
		fill(t, value, path+" value", n)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name, n)
		}
	default:
		t.Fatalf("storetest cannot fill a %s (%s): teach it to", v.Type(), path)
	}
}

// same compares records: times to the microsecond whatever their zone, decimals
// with their scale.
var same = []cmp.Option{
	cmp.Comparer(func(a, b time.Time) bool { return a.UnixMicro() == b.UnixMicro() }),
	cmp.Comparer(func(a, b invoice.Decimal) bool { return a.String() == b.String() }),
}

// equal wants got to be want.
func (e *env) equal(got, want any) {
	e.Helper()
	if diff := cmp.Diff(want, got, same...); diff != "" {
		e.Errorf("not what was expected (-want +got):\n%s", diff)
	}
}

// ids lists the identifiers of records.
func ids[T any](list []T, id func(T) string) []string {
	all := []string{}
	for _, record := range list {
		all = append(all, id(record))
	}
	return all
}

// refOf gives the record an error points at.
func refOf(err error) string {
	var e *gateway.Error
	if errors.As(err, &e) {
		return e.Ref
	}
	return ""
}
