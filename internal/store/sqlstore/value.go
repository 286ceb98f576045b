package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
)

// value is one field of a record on its way to or from a column.
type value interface {
	// arg gives what the driver stores: a string, an int64, bytes or nil.
	arg() (any, error)
	// Scan takes what the driver read.
	Scan(src any) error
}

// text is a string column. nullable stores the empty string as NULL.
type text[T ~string] struct {
	p        *T
	nullable bool
}

func str[T ~string](p *T) value { return text[T]{p, false} }
func opt[T ~string](p *T) value { return text[T]{p, true} }

func (v text[T]) arg() (any, error) {
	if v.nullable && *v.p == "" {
		return nil, nil
	}
	return string(*v.p), nil
}

func (v text[T]) Scan(src any) error {
	s, err := textOf(src)
	*v.p = T(s)
	return err
}

// number is an integer column. nullable stores zero as NULL.
type number[T ~int | ~int64] struct {
	p        *T
	nullable bool
}

func num[T ~int | ~int64](p *T) value    { return number[T]{p, false} }
func optNum[T ~int | ~int64](p *T) value { return number[T]{p, true} }

func (v number[T]) arg() (any, error) {
	if v.nullable && *v.p == 0 {
		return nil, nil
	}
	return int64(*v.p), nil
}

func (v number[T]) Scan(src any) error {
	n, err := intOf(src)
	*v.p = T(n)
	return err
}

// flag is a boolean as 0 or 1.
type flag struct{ p *bool }

func (v flag) arg() (any, error) {
	if *v.p {
		return int64(1), nil
	}
	return int64(0), nil
}

func (v flag) Scan(src any) error {
	n, err := intOf(src)
	*v.p = n != 0
	return err
}

// moment is a time. The zero time keeps being zero.
type moment struct{ p *time.Time }

func (v moment) arg() (any, error) { return micros(*v.p), nil }

func (v moment) Scan(src any) error {
	n, err := intOf(src)
	*v.p = time.UnixMicro(n).UTC()
	return err
}

// maybe is an optional time.
type maybe struct{ p **time.Time }

func (v maybe) arg() (any, error) {
	if *v.p == nil {
		return nil, nil
	}
	return micros(**v.p), nil
}

func (v maybe) Scan(src any) error {
	*v.p = nil
	if src == nil {
		return nil
	}
	n, err := intOf(src)
	t := time.UnixMicro(n).UTC()
	*v.p = &t
	return err
}

// micros gives the stored form of a time, rounded down.
func micros(t time.Time) int64 { return t.UnixMicro() }

// decimal is an exact number as text.
type decimal struct{ p *invoice.Decimal }

func (v decimal) arg() (any, error) { return v.p.String(), nil }

func (v decimal) Scan(src any) error {
	s, err := textOf(src)
	if err != nil {
		return err
	}
	*v.p, err = invoice.ParseDecimal(s)
	return err
}

// bytes is a column of bytes. An empty value comes back as nil.
type bytes struct{ p *[]byte }

func (v bytes) arg() (any, error) {
	if len(*v.p) == 0 {
		return nil, nil
	}
	return *v.p, nil
}

func (v bytes) Scan(src any) error {
	*v.p = nil
	switch b := src.(type) {
	case nil:
	case []byte:
		*v.p = append([]byte(nil), b...)
	default:
		return fmt.Errorf("sqlstore: %T where bytes are expected", src)
	}
	return nil
}

// raw is JSON text that is kept as it is.
type raw struct{ p *json.RawMessage }

func (v raw) arg() (any, error) {
	if len(*v.p) == 0 {
		return nil, nil
	}
	return string(*v.p), nil
}

func (v raw) Scan(src any) error {
	*v.p = nil
	if src == nil {
		return nil
	}
	s, err := textOf(src)
	*v.p = json.RawMessage(s)
	return err
}

// object is a value of ours stored as JSON.
type object[T any] struct{ p *T }

func asJSON[T any](p *T) value { return object[T]{p} }

func (v object[T]) arg() (any, error) {
	b, err := json.Marshal(v.p)
	if err != nil {
		return nil, err
	}
	return string(b), nil
}

func (v object[T]) Scan(src any) error {
	var zero T
	*v.p = zero
	if src == nil {
		return nil
	}
	s, err := textOf(src)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(s), v.p)
}

// derived is a column that is written for searching and never read back.
type derived struct{ text string }

func (v derived) arg() (any, error) { return v.text, nil }
func (derived) Scan(any) error      { return nil }

// readOnly is an expression, not a column: it is read and never written.
type readOnly struct{ value }

// checkText refuses what PostgreSQL cannot store.
func checkText(args []any) error {
	for _, arg := range args {
		if s, ok := arg.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return gateway.ErrInvalid.With("a text is not valid UTF-8 or holds a NUL", nil)
		}
	}
	return nil
}

func textOf(src any) (string, error) {
	switch s := src.(type) {
	case nil:
		return "", nil
	case string:
		return s, nil
	case []byte:
		return string(s), nil
	}
	return "", fmt.Errorf("sqlstore: %T where text is expected", src)
}

func intOf(src any) (int64, error) {
	switch n := src.(type) {
	case nil:
		return 0, nil
	case int64:
		return n, nil
	}
	return 0, fmt.Errorf("sqlstore: %T where a whole number is expected", src)
}
