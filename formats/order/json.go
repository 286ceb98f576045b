package order

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"facteur.dev/facteur/formats/invoice"
)

// Limits of what [ReadJSON] and [ReadDeliveryJSON] take.
const (
	// MaxJSONBytes is the longest input; attachments make it long.
	MaxJSONBytes = 32 << 20
	// MaxJSONDepth is the deepest nesting.
	MaxJSONDepth = 32
	// MaxJSONValues is the most values, lists and objects.
	MaxJSONValues = 1_000_000
)

//go:embed order.schema.json
var orderSchema []byte

//go:embed delivery.schema.json
var deliverySchema []byte

var (
	compiledOrder    = sync.OnceValue(func() *jsonschema.Schema { return compile(orderSchema) })
	compiledDelivery = sync.OnceValue(func() *jsonschema.Schema { return compile(deliverySchema) })
)

// Schema is the published JSON Schema (draft 2020-12) of an [Order].
func Schema() []byte { return slices.Clone(orderSchema) }

// DeliverySchema is the published JSON Schema (draft 2020-12) of a [Delivery].
func DeliverySchema() []byte { return slices.Clone(deliverySchema) }

// ReadJSON reads an order as [Schema] describes it and checks it ([Order.Check]).
// Problems with the input are [invoice.FieldErrors], all of them, sorted by path;
// any other error is one of reading r.
func ReadJSON(r io.Reader) (*Order, error) {
	o := new(Order)
	if err := read(r, compiledOrder, o, o.Check); err != nil {
		return nil, err
	}
	return o, nil
}

// ReadDeliveryJSON reads a delivery note as [DeliverySchema] describes it and
// checks it ([Delivery.Check]), with errors like those of [ReadJSON].
func ReadDeliveryJSON(r io.Reader) (*Delivery, error) {
	d := new(Delivery)
	if err := read(r, compiledDelivery, d, d.Check); err != nil {
		return nil, err
	}
	return d, nil
}

// read decodes JSON that follows the schema into v and checks it.
func read(r io.Reader, schema func() *jsonschema.Schema, v any, check func() error) error {
	src, err := io.ReadAll(io.LimitReader(r, MaxJSONBytes+1))
	if err != nil {
		return err
	}
	if len(src) > MaxJSONBytes {
		return one(invoice.CodeJSONTooLarge, "more than %d bytes", MaxJSONBytes)
	}
	scan := scanner{src: src}
	tree, err := scan.document()
	if err != nil {
		return err
	}
	errs := append(scan.errs, schemaErrors(schema().Validate(tree))...)
	// Even with the schema's complaints the rest is checked, so that all problems
	// are told at once; what cannot be decoded has been complained about.
	if err := json.Unmarshal(src, v); err == nil {
		var checked invoice.FieldErrors
		if errors.As(check(), &checked) {
			errs = append(errs, checked...)
		}
	} else if len(errs) == 0 {
		return one(invoice.CodeJSONSyntax, "%v", err)
	}
	if len(errs) == 0 {
		return nil
	}
	return tidy(errs)
}

// one is a problem with the input as a whole.
func one(code, format string, args ...any) error {
	return invoice.FieldErrors{{Code: code, Message: fmt.Sprintf(format, args...)}}
}

// scanner reads JSON into the tree that the schema judges, and finds what
// encoding/json would let pass: repeated keys and bad UTF-8. It refuses exponents,
// too, which a short text can make huge.
type scanner struct {
	src    []byte
	dec    *jsontext.Decoder
	path   []byte // of the value that is being read
	values int
	errs   invoice.FieldErrors
}

func (s *scanner) document() (any, error) {
	s.dec = jsontext.NewDecoder(bytes.NewBuffer(s.src), jsontext.AllowDuplicateNames(true))
	tree, err := s.value(0)
	if err != nil {
		return nil, s.explain(err)
	}
	_, err = s.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return tree, nil
	}
	if err == nil {
		err = errors.New("text after the end of the document")
	}
	return nil, s.explain(err)
}

func (s *scanner) value(depth int) (any, error) {
	token, err := s.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	s.values++
	if s.values > MaxJSONValues {
		return nil, one(invoice.CodeJSONTooLarge, "more than %d values", MaxJSONValues)
	}
	kind := token.Kind()
	if (kind == '{' || kind == '[') && depth == MaxJSONDepth {
		return nil, one(invoice.CodeTooDeep, "%s: nested deeper than %d", s.position(s.dec.InputOffset()), MaxJSONDepth)
	}
	switch kind {
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.list(depth + 1)
	case '0':
		text := token.String()
		if strings.ContainsAny(text, "eE") {
			s.add(invoice.CodeDecimalInvalid, "a number is written without exponent")
			return json.Number("1"), nil
		}
		return json.Number(text), nil
	case '"':
		return token.String(), nil
	case 'n':
		return nil, nil
	default:
		return token.Bool(), nil
	}
}

func (s *scanner) object(depth int) (any, error) {
	object := make(map[string]any, 8)
	outer := len(s.path)
	for s.dec.PeekKind() != '}' {
		token, err := s.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := token.String()
		if outer > 0 {
			s.path = append(s.path, '.')
		}
		s.path = append(s.path, key[:min(len(key), maxKey)]...)
		if _, ok := object[key]; ok {
			s.add(invoice.CodeJSONDuplicate, "the key stands here twice")
		}
		if object[key], err = s.value(depth); err != nil {
			return nil, err
		}
		s.path = s.path[:outer]
	}
	_, err := s.dec.ReadToken()
	return object, err
}

func (s *scanner) list(depth int) (any, error) {
	list := []any{}
	outer := len(s.path)
	for s.dec.PeekKind() != ']' {
		s.path = append(s.path, '[')
		s.path = strconv.AppendInt(s.path, int64(len(list)), 10)
		s.path = append(s.path, ']')
		v, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		s.path = s.path[:outer]
	}
	_, err := s.dec.ReadToken()
	return list, err
}

// add notes a problem with the value that is being read.
func (s *scanner) add(code, message string) {
	s.errs = append(s.errs, invoice.FieldError{Path: string(s.path), Code: code, Message: message})
}

// explain puts the place into an error of the decoder.
func (s *scanner) explain(err error) error {
	var fields invoice.FieldErrors
	if errors.As(err, &fields) {
		return fields
	}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return one(invoice.CodeJSONSyntax, "%s: the document ends too early", s.position(int64(len(s.src))))
	case errors.As(err, &syntax):
		return one(invoice.CodeJSONSyntax, "%s: %v", s.position(syntax.ByteOffset), syntax.Err)
	default:
		return one(invoice.CodeJSONSyntax, "%s: %v", s.position(s.dec.InputOffset()), err)
	}
}

// position names a byte of the source.
func (s *scanner) position(offset int64) string {
	before := s.src[:min(max(offset, 0), int64(len(s.src)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// maxKey is how much of a key an error shows.
const maxKey = 100

func join(path, name string) string {
	name = name[:min(len(name), maxKey)]
	if path == "" {
		return name
	}
	return path + "." + name
}
