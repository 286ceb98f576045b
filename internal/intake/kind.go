package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/xmltree"
)

// Kind is what a document is to the gateway.
type Kind string

// Kinds of documents.
const (
	KindOrder    Kind = "order"
	KindDelivery Kind = "delivery"
	KindInvoice  Kind = "invoice"
)

// KindOf tells what bytes of a media type hold, by the root of the XML or the
// fields of the JSON. Tables hold orders. What it tells is not read yet, and may
// still be wrong in every other way.
func KindOf(media string, content []byte) (Kind, error) {
	if err := size(content); err != nil {
		return "", err
	}
	switch media {
	case CSV, XLSX:
		return KindOrder, nil
	case XML:
		return kindOfXML(content)
	case JSON:
		return kindOfJSON(content)
	}
	return "", mediaType(media)
}

func kindOfXML(content []byte) (Kind, error) {
	doc, err := xmltree.Parse(content, xmltree.DefaultLimits())
	if err != nil {
		return "", refused(err)
	}
	switch root := doc.Root().Local(); root {
	case "Order":
		return KindOrder, nil
	case "DespatchAdvice":
		return KindDelivery, nil
	case "Invoice", "CreditNote":
		return KindInvoice, nil
	default:
		return "", &Error{Code: CodeKind, Message: fmt.Sprintf("a document with root %.60q is no order, delivery note or invoice", root)}
	}
}

// kindOfJSON looks for fields that only one kind has. An order and an invoice
// have many in common, and either may be sent by mistake: fields of two kinds
// are not decided upon.
func kindOfJSON(content []byte) (Kind, error) {
	names, err := fieldNames(content)
	if err != nil {
		return "", err
	}
	own := ownFields()
	found := map[Kind]string{}
	for _, name := range names {
		if kind, ok := own[name]; ok && found[kind] == "" {
			found[kind] = name
		}
	}
	kinds := slices.Sorted(maps.Keys(found))
	switch {
	case len(kinds) == 1:
		return kinds[0], nil
	case len(kinds) > 1:
		return "", &Error{Code: CodeKind, Message: fmt.Sprintf("the document has fields of two kinds: %q of %s, %q of %s",
			found[kinds[0]], kinds[0], found[kinds[1]], kinds[1])}
	case slices.Contains(names, "lines") && slices.Contains(names, "number"):
		return KindOrder, nil // an invoice has a VAT breakdown
	}
	return "", &Error{Code: CodeKind, Message: "the document has no field that tells an order, delivery note or invoice"}
}

// ownFields are the fields that only one of the published schemas has.
var ownFields = sync.OnceValue(func() map[string]Kind {
	own := map[string]Kind{}
	shared := map[string]bool{}
	for kind, schema := range map[Kind][]byte{KindOrder: order.Schema(), KindDelivery: order.DeliverySchema(), KindInvoice: invoice.Schema()} {
		var s struct {
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(schema, &s); err != nil {
			panic("intake: the schema of " + string(kind) + ": " + err.Error()) // it is part of the program
		}
		for name := range s.Properties {
			_, taken := own[name]
			shared[name] = shared[name] || taken
			own[name] = kind
		}
	}
	maps.DeleteFunc(own, func(name string, _ Kind) bool { return shared[name] })
	return own
})

// fieldNames lists the fields of the JSON object that content is.
func fieldNames(content []byte) ([]string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(content))
	if d.PeekKind() != '{' {
		return nil, &Error{Code: CodeKind, Message: "the document is no JSON object"}
	}
	var names []string
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() == '"' {
		var name jsontext.Token
		if name, err = d.ReadToken(); err == nil {
			names = append(names, name.String())
			err = d.SkipValue()
		}
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			return names, nil
		}
		err = errors.Join(errors.New("something follows the document"), err)
	}
	at := d.InputOffset()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at, err = syntax.ByteOffset, syntax.Err
	}
	before := content[:min(at, int64(len(content)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return nil, refused(invoice.FieldErrors{{Path: fmt.Sprintf("line %d, column %d", line, column), Code: invoice.CodeJSONSyntax, Message: err.Error()}})
}
