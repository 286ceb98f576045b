package records

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
)

// invalid is an input that is wrong at one place.
func invalid(path, code, message string, cause error) error {
	e := gateway.ErrInvalid.With(message, cause)
	e.Fields = []gateway.FieldProblem{{Path: path, Code: code, Message: message}}
	return e
}

// canonical checks a body against its kind and gives it back with its keys.
func (b *Book) canonical(ctx context.Context, kind gateway.RecordKind, id string, body stdjson.RawMessage) (stdjson.RawMessage, []string, error) {
	switch kind {
	case gateway.RecordLegalEntity:
		return typed(body, checkEntity, EntityKeys, func(v billing.LegalEntity) string { return v.Name })
	case gateway.RecordCustomer:
		return typed(body, checkCustomer, CustomerKeys, func(v billing.Customer) string { return v.Name })
	case gateway.RecordItem:
		return typed(body, func(billing.Item) error { return nil }, ItemKeys, func(v billing.Item) string { return v.Name })
	case gateway.RecordProfile:
		if b.CheckProfile != nil {
			if err := b.CheckProfile(ctx, id, body); err != nil {
				return nil, nil, err
			}
		}
		return body, nil, nil
	case gateway.RecordPeer:
		return typed(body, Peer.check, Peer.keys, func(v Peer) string { return v.Name })
	}
	return nil, nil, gateway.ErrInvalid.With("there are no records of kind "+string(kind), nil)
}

// typed reads, checks and writes a body of one kind.
func typed[T any](body stdjson.RawMessage, check func(T) error, keys func(T) []string, name func(T) string) (stdjson.RawMessage, []string, error) {
	var v T
	if err := decode(body, &v); err != nil {
		return nil, nil, err
	}
	if strings.TrimSpace(name(v)) == "" {
		return nil, nil, invalid("/name", invoice.CodeFieldMissing, "the name is missing", nil)
	}
	if err := check(v); err != nil {
		return nil, nil, err
	}
	canonical, err := stdjson.Marshal(v)
	return canonical, keys(v), err
}

// decode reads one JSON value strictly: an unknown or repeated name, another type
// or something after the value is refused, with its place.
func decode(body stdjson.RawMessage, v any) error {
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	path, code, what := "", invoice.CodeJSONSyntax, "it is not JSON"
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		path, code, what = string(semantic.JSONPointer), invoice.CodeFieldUnknown, "there is no such field"
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		path, code, what = string(syntax.JSONPointer), invoice.CodeJSONDuplicate, "the field stands there twice"
	case errors.As(err, &semantic) && semantic.Err != nil:
		path, code, what = string(semantic.JSONPointer), order.CodeValue, semantic.Err.Error()
	case errors.As(err, &semantic):
		path, code, what = string(semantic.JSONPointer), invoice.CodeFieldType, "this cannot be a "+kindName(semantic.JSONKind)
	case errors.As(err, &syntax):
		path, what = string(syntax.JSONPointer), fmt.Sprintf("it is not JSON from byte %d on", syntax.ByteOffset)
	}
	return invalid(path, code, what, err)
}

// kindName names a kind of JSON value for people.
func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "text"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	case '{':
		return "object"
	case '[':
		return "list"
	}
	return k.String()
}

func checkEntity(v billing.LegalEntity) error {
	for path, pattern := range map[string]string{"/invoice_numbers": v.InvoiceNumbers, "/credit_note_numbers": v.CreditNoteNumbers} {
		if pattern == "" {
			continue
		}
		if _, err := gateway.ParseNumberPattern(pattern); err != nil {
			var e *gateway.Error
			errors.As(err, &e)
			return invalid(path, order.CodeValue, e.Message, err)
		}
	}
	return nil
}

// checkCustomer refuses routes that no channel could ever take.
func checkCustomer(v billing.Customer) error {
	for i, r := range v.Routes {
		place := fmt.Sprintf("/routes/%d/", i)
		switch r.Channel {
		case transport.ChannelGateway, transport.ChannelAP:
			if !httpsURL(r.Address) {
				return invalid(place+"address", order.CodeValue, "the address is no https URL", nil)
			}
		case transport.ChannelMail:
			if at := strings.LastIndexByte(r.Address, '@'); at < 1 || at == len(r.Address)-1 || strings.ContainsAny(r.Address, " <>,;\t\r\n") {
				return invalid(place+"address", order.CodeValue, "the address is no e-mail address", nil)
			}
		default:
			return invalid(place+"channel", order.CodeValue, "the channel is https.gateway, https.ap or mail", nil)
		}
	}
	return nil
}

func httpsURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.Fragment == ""
}
