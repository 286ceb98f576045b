package invoice

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of [ReadJSON].
const (
	// MaxJSONSize is the largest invoice in bytes, attachments included.
	MaxJSONSize = 64 << 20
	// maxSubLineDepth is how deep lines may contain sub-lines.
	maxSubLineDepth = 16
	// maxItems is how many elements all arrays together may have.
	maxItems = 200_000
	// maxFieldErrors is how many problems are listed before reading stops.
	maxFieldErrors = 100
)

// Codes of the errors of [ReadJSON]. The codes of [Calculate] for currencies,
// VAT categories and decimals are used here, too.
const (
	CodeJSONSyntax     = "json.syntax"
	CodeJSONTooLarge   = "json.too_large"
	CodeJSONDuplicate  = "json.duplicate"
	CodeFieldUnknown   = "field.unknown"
	CodeFieldMissing   = "field.missing"
	CodeFieldType      = "field.type"
	CodeTooDeep        = "field.too_deep"
	CodeTooManyItems   = "field.too_many_items"
	CodeTooManyErrors  = "field.too_many_errors"
	CodeDecimalInvalid = "decimal.invalid"
	CodeDateInvalid    = "date.invalid"
	CodeBase64Invalid  = "base64.invalid"
	CodeTextCharacter  = "text.character"
	CodeUnitUnknown    = "unit.unknown"
	CodeCountryUnknown = "country.unknown"
)

//go:embed invoice.schema.json
var schemaJSON []byte

// Schema is the JSON Schema (draft 2020-12) of the JSON that [ReadJSON] reads.
func Schema() []byte { return bytes.Clone(schemaJSON) }

// ReadJSON reads one invoice in our JSON form, the one [Schema] describes and
// encoding/json writes. It is strict: an unknown or repeated field, a wrong
// type, a missing amount, an impossible date, more than two decimals in an
// amount, an unknown currency, unit, country or VAT category and a character
// that XML cannot carry are all refused.
//
// The error lists every problem as [FieldErrors]; other errors come from r.
// Business rules are not checked here.
func ReadJSON(r io.Reader) (*Invoice, error) {
	src, err := io.ReadAll(io.LimitReader(r, MaxJSONSize+1))
	if err != nil {
		return nil, fmt.Errorf("read invoice: %w", err)
	}
	if len(src) > MaxJSONSize {
		return nil, FieldErrors{{"", CodeJSONTooLarge, "", fmt.Sprintf("larger than %d bytes", MaxJSONSize)}}
	}
	inv := new(Invoice)
	d := decoder{tokens: jsontext.NewDecoder(bytes.NewBuffer(src))}
	err = d.document(reflect.ValueOf(inv).Elem())
	if err != nil && !errors.Is(err, errStop) {
		d.errs = append(d.errs, syntaxError(src, err))
	}
	if len(d.errs) > 0 {
		return nil, d.errs
	}
	return inv, nil
}

// errStop ends reading when there are too many problems to go on.
var errStop = errors.New("too many problems")

// decoder reads JSON into the model and notes everything that is wrong with it.
// Its methods return an error only when reading cannot go on.
type decoder struct {
	tokens *jsontext.Decoder
	errs   FieldErrors
	items  int // elements of arrays so far
	lines  int // lines around the present value, for sub-lines
}

func (d *decoder) document(v reflect.Value) error {
	if err := d.object(v, "", &field{group: model}); err != nil {
		return err
	}
	if _, err := d.tokens.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows the invoice")
		}
		return err
	}
	return nil
}

// note adds a problem to the list and says whether to go on.
func (d *decoder) note(path, code, term, format string, args ...any) error {
	d.errs.add(path, code, term, format, args...)
	if len(d.errs) < maxFieldErrors {
		return nil
	}
	d.errs.add("", CodeTooManyErrors, "", "there may be more problems")
	return errStop
}

// value reads the next JSON value into v.
func (d *decoder) value(v reflect.Value, path string, f *field) error {
	switch v.Type() {
	case decimalType:
		return d.decimal(v, path, f.term)
	case dateType, bytesType:
		return d.text(v, path, f.term)
	}
	switch v.Kind() {
	case reflect.String:
		return d.text(v, path, f.term)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem(), path, f)
	case reflect.Slice:
		return d.array(v, path, f)
	default:
		return d.object(v, path, f)
	}
}

// wrongType notes that the next value is of the wrong type, and skips it.
func (d *decoder) wrongType(want, path, term string) error {
	if got := d.tokens.PeekKind(); got != 0 {
		if err := d.note(path, CodeFieldType, term, "must be %s, not %s", want, kindName(got)); err != nil {
			return err
		}
	}
	return d.tokens.SkipValue()
}

func (d *decoder) object(v reflect.Value, path string, f *field) error {
	if d.tokens.PeekKind() != '{' {
		return d.wrongType("an object", path, f.term)
	}
	if v.Type() == lineType {
		d.lines++
		defer func() { d.lines-- }()
		if d.lines > maxSubLineDepth {
			if err := d.note(path, CodeTooDeep, f.term, "too many levels of sub-lines"); err != nil {
				return err
			}
			return d.tokens.SkipValue()
		}
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return err
	}
	seen := make([]bool, len(f.group.fields))
	for d.tokens.PeekKind() != '}' {
		if err := d.member(v, path, f.group, seen); err != nil {
			return err
		}
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return err
	}
	for i := range seen {
		if missing := &f.group.fields[i]; missing.required && !seen[i] {
			if err := d.note(join(path, missing.name), CodeFieldMissing, missing.term, "is missing"); err != nil {
				return err
			}
		}
	}
	return nil
}

var lineType = reflect.TypeFor[Line]()

// member reads one name of an object with its value.
func (d *decoder) member(v reflect.Value, path string, g *group, seen []bool) error {
	token, err := d.tokens.ReadToken()
	if err != nil {
		return err
	}
	name := token.String()
	i := g.index(name)
	if i >= 0 {
		seen[i] = true
		return d.value(v.Field(i), join(path, name), &g.fields[i])
	}
	const longEnough = 64
	if len(name) > longEnough {
		name = name[:longEnough] + "…"
	}
	if err := d.note(join(path, name), CodeFieldUnknown, "", "unknown field"); err != nil {
		return err
	}
	return d.tokens.SkipValue()
}

func (d *decoder) array(v reflect.Value, path string, f *field) error {
	if d.tokens.PeekKind() != '[' {
		return d.wrongType("an array", path, f.term)
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return err
	}
	for i := 0; d.tokens.PeekKind() != ']'; i++ {
		if d.items++; d.items > maxItems {
			d.errs.add(path, CodeTooManyItems, f.term, "more than %d elements in all", maxItems)
			return errStop
		}
		v.Grow(1)
		v.SetLen(i + 1)
		if err := d.value(v.Index(i), path+"["+strconv.Itoa(i)+"]", f); err != nil {
			return err
		}
	}
	_, err := d.tokens.ReadToken()
	return err
}

func (d *decoder) decimal(v reflect.Value, path, term string) error {
	if kind := d.tokens.PeekKind(); kind != '"' && kind != '0' {
		return d.wrongType("a decimal number", path, term)
	}
	token, err := d.tokens.ReadToken()
	if err != nil {
		return err
	}
	number, err := ParseDecimal(token.String())
	switch {
	case err != nil:
		return d.note(path, CodeDecimalInvalid, term, "%v", err)
	case number.Scale() > 2 && strings.Contains(amountTerms, " "+term+" "):
		return d.note(path, CodeDecimals, term, "%s has more than 2 decimals", number)
	}
	v.Set(reflect.ValueOf(number))
	return nil
}

// text reads what JSON writes as a string: texts, dates and files.
func (d *decoder) text(v reflect.Value, path, term string) error {
	if d.tokens.PeekKind() != '"' {
		return d.wrongType("a string", path, term)
	}
	token, err := d.tokens.ReadToken()
	if err != nil {
		return err
	}
	s := token.String()
	switch v.Type() {
	case dateType:
		date, err := ParseDate(s)
		if err != nil {
			return d.note(path, CodeDateInvalid, term, "%v", err)
		}
		v.Set(reflect.ValueOf(date))
	case bytesType:
		content, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return d.note(path, CodeBase64Invalid, term, "not base64: %v", err)
		}
		v.SetBytes(content)
	default:
		if code, message := checkText(term, s); code != "" {
			return d.note(path, code, term, "%s", message)
		}
		v.SetString(s)
	}
	return nil
}

// amountTerms are the amounts that BR-DEC-01 … BR-DEC-28 limit to two decimals,
// with the third party payment, an amount like them.
const amountTerms = " BT-92 BT-93 BT-99 BT-100 BT-106 BT-107 BT-108 BT-109 BT-110 BT-111 BT-112" +
	" BT-113 BT-114 BT-115 BT-116 BT-117 BT-131 BT-136 BT-137 BT-141 BT-142 BT-DEX-002 "

// checkText finds what is wrong with the value of a text or code term.
func checkText(term, s string) (code, message string) {
	if i := strings.IndexFunc(s, notXML); i >= 0 {
		return CodeTextCharacter, fmt.Sprintf("character U+%04X is not allowed", []rune(s[i:])[0])
	}
	switch term {
	case "BT-5", "BT-6":
		if !KnownCurrency(s) {
			return CodeCurrencyUnknown, fmt.Sprintf("unknown currency %.10q", s)
		}
	case "BT-40", "BT-55", "BT-69", "BT-80", "BT-159":
		if !KnownCountry(s) {
			return CodeCountryUnknown, fmt.Sprintf("unknown country %.10q", s)
		}
	case "BT-130", "BT-150":
		if !KnownUnit(s) {
			return CodeUnitUnknown, fmt.Sprintf("unknown unit %.10q", s)
		}
	case "BT-95", "BT-102", "BT-118", "BT-151":
		if !KnownVATCategory(s) {
			return CodeVATCategory, fmt.Sprintf("unknown VAT category %.10q", s)
		}
	}
	return "", ""
}

// notXML tells whether XML 1.0 has no way to carry the character.
func notXML(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	default:
		return "an array"
	}
}

// syntaxError says where the text stops being JSON.
func syntaxError(src []byte, err error) FieldError {
	problem := FieldError{Code: CodeJSONSyntax, Message: err.Error()}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		before := src[:min(syntax.ByteOffset, int64(len(src)))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := len(before) - bytes.LastIndexByte(before, '\n')
		problem.Path = pointerPath(syntax.JSONPointer)
		problem.Message = fmt.Sprintf("line %d, column %d: %v", line, column, syntax.Err)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			problem.Code = CodeJSONDuplicate
		}
	}
	return problem
}

// pointerPath turns "/lines/0/price" into "lines[0].price".
func pointerPath(p jsontext.Pointer) string {
	var path string
	for token := range p.Tokens() {
		if allDigits(token) {
			path += "[" + token + "]"
		} else {
			path = join(path, token)
		}
	}
	return path
}
