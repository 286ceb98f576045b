package requirements

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"facteur.dev/facteur/formats/invoice"
)

// Types of CEL that rules know beside the standard ones.
var (
	decimalType = cel.OpaqueType("decimal").WithTraits(
		traits.AdderType | traits.SubtractorType | traits.MultiplierType | traits.NegatorType | traits.ComparerType)
	dateType = cel.OpaqueType("date").WithTraits(traits.AdderType | traits.SubtractorType | traits.ComparerType)
)

// maxDigits bounds the numbers that rules can make by multiplying. Amounts of a
// model have at most invoice.MaxDecimalDigits.
const maxDigits = 4 * invoice.MaxDecimalDigits

// decimal is an exact decimal number as CEL sees it.
type decimal struct{ invoice.Decimal }

// bounded returns d unless it has grown out of bounds.
func bounded(d invoice.Decimal) ref.Val {
	if len(d.String()) > maxDigits {
		return types.NewErr("the number has more than %d digits", maxDigits)
	}
	return decimal{d}
}

func (d decimal) Type() ref.Type { return decimalType }
func (d decimal) Value() any     { return d.Decimal }

// AggregateSize tells the bound on memory that a decimal is one value.
func (d decimal) AggregateSize(types.AggregateSizer) uint32 { return 1 }

func (d decimal) Equal(other ref.Val) ref.Val {
	o, ok := other.(decimal)
	return types.Bool(ok && d.Decimal.Equal(o.Decimal))
}

func (d decimal) Compare(other ref.Val) ref.Val {
	return d.with(other, func(o invoice.Decimal) ref.Val { return types.Int(d.Cmp(o)) })
}

func (d decimal) Add(other ref.Val) ref.Val {
	return d.with(other, func(o invoice.Decimal) ref.Val { return bounded(d.Decimal.Add(o)) })
}

func (d decimal) Subtract(other ref.Val) ref.Val {
	return d.with(other, func(o invoice.Decimal) ref.Val { return bounded(d.Sub(o)) })
}

func (d decimal) Multiply(other ref.Val) ref.Val {
	return d.with(other, func(o invoice.Decimal) ref.Val { return bounded(d.Mul(o)) })
}

func (d decimal) Negate() ref.Val { return decimal{d.Neg()} }

func (d decimal) with(other ref.Val, fn func(invoice.Decimal) ref.Val) ref.Val {
	if o, ok := other.(decimal); ok {
		return fn(o.Decimal)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

func (d decimal) ConvertToNative(t reflect.Type) (any, error) { return toNative(d.Decimal, t) }
func (d decimal) ConvertToType(t ref.Type) ref.Val            { return toType(d, decimalType, t) }

// date is a day as CEL sees it.
type date struct{ invoice.Date }

func (d date) Type() ref.Type { return dateType }
func (d date) Value() any     { return d.Date }

// AggregateSize tells the bound on memory that a date is one value.
func (d date) AggregateSize(types.AggregateSizer) uint32 { return 1 }

func (d date) Equal(other ref.Val) ref.Val { return types.Bool(d == other) }

func (d date) Compare(other ref.Val) ref.Val {
	if o, ok := other.(date); ok {
		return types.Int(d.Date.Compare(o.Date))
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// maxDays bounds how far a rule can move a day: the years of a date.
const maxDays = 9999 * 366

// Add moves the day by a number of days.
func (d date) Add(other ref.Val) ref.Val {
	n, ok := other.(types.Int)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	if n < -maxDays || n > maxDays {
		return types.NewErr("%d days are too many", n)
	}
	t := d.Time(time.UTC).AddDate(0, 0, int(n))
	moved, err := invoice.NewDate(t.Year(), t.Month(), t.Day())
	if err != nil {
		return types.NewErrFromString(err.Error())
	}
	return date{moved}
}

// Subtract gives the days between two dates, or the day a number of days ago.
func (d date) Subtract(other ref.Val) ref.Val {
	switch o := other.(type) {
	case date:
		return types.Int(daysBetween(o.Date, d.Date))
	case types.Int:
		return d.Add(-o)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// daysBetween counts the days from one date to another.
func daysBetween(from, to invoice.Date) int {
	return int(to.Time(time.UTC).Unix()/86400 - from.Time(time.UTC).Unix()/86400)
}

func (d date) ConvertToNative(t reflect.Type) (any, error) { return toNative(d.Date, t) }
func (d date) ConvertToType(t ref.Type) ref.Val            { return toType(d, dateType, t) }

func toNative(v any, t reflect.Type) (any, error) {
	if reflect.TypeOf(v).AssignableTo(t) {
		return v, nil
	}
	return nil, fmt.Errorf("%T is no %v", v, t)
}

func toType(v ref.Val, own *cel.Type, t ref.Type) ref.Val {
	switch t.TypeName() {
	case own.TypeName():
		return v
	case types.StringType.TypeName():
		return types.String(v.Value().(fmt.Stringer).String())
	case types.TypeType.TypeName():
		return own
	}
	return types.NewErr("%s is no %s", own.TypeName(), t.TypeName())
}
