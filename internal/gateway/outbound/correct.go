package outbound

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
)

// correctable are the fields of a held invoice that a person may change. What
// was ordered and delivered, and so every amount, is not among them.
var correctable = []string{
	"buyer_reference", "project_reference", "contract_reference", "purchase_order_reference", "sales_order_reference",
	"tender_reference", "buyer_accounting_reference", "invoiced_object", "payment_terms", "due_date", "tax_point_date",
	"tax_point_date_code", "notes", "buyer", "delivery", "period", "payment", "supporting_documents",
}

// correctableLine are those of a line.
var correctableLine = []string{
	"note", "object", "order_line_reference", "buyer_accounting_reference", "period", "item", "vat",
}

// Correct changes a held invoice of our own making and sends it on its way
// again. The patch is a JSON merge patch (RFC 7396) of the fields above; "lines"
// is a list of patches, each with the "id" of its line.
func (s *Desk) Correct(ctx context.Context, tenant gateway.TenantID, id string, actor gateway.Actor, patch json.RawMessage) (gateway.Invoice, error) {
	var changes map[string]any
	if err := decodeExact(patch, &changes); err != nil || len(changes) == 0 {
		return gateway.Invoice{}, gateway.ErrInvalid.With("the correction is a JSON object with the fields to change", err)
	}
	what := map[string]any{"fields": slices.Sorted(maps.Keys(changes))}
	return s.reopen(ctx, tenant, id, actor, gateway.EventInvoiceCorrected, what, func(_ gateway.Tx, row *gateway.Invoice) error {
		if row.NumberGiven {
			return gateway.ErrState.With("a finished invoice is corrected where it was made: cancel it here and submit it again", nil).For(row.ID)
		}
		var model map[string]any
		if err := decodeExact(row.Model, &model); err != nil {
			return err
		}
		if problems := apply(model, changes); len(problems) > 0 {
			e := gateway.ErrInvalid.With("this cannot be corrected: "+problems[0].Path, nil)
			e.Fields = problems
			return e
		}
		merged, err := json.Marshal(model)
		if err != nil {
			return err
		}
		inv, err := strictInvoice(merged)
		if err != nil {
			return err
		}
		if row.Model, err = json.Marshal(inv); err != nil {
			return err
		}
		row.Override = nil // what was let pass was another content
		describe(row, calculated(inv))
		return nil
	})
}

// decodeExact decodes JSON keeping numbers as they are written.
func decodeExact(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}

func strictInvoice(b []byte) (*invoice.Invoice, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	inv := new(invoice.Invoice)
	if err := d.Decode(inv); err != nil {
		return nil, gateway.ErrInvalid.With("the corrected invoice cannot be read: "+err.Error(), err)
	}
	return inv, nil
}

// apply merges changes into a model and names the fields that it may not touch.
func apply(model, changes map[string]any) []gateway.FieldProblem {
	var problems []gateway.FieldProblem
	refuse := func(path, why string) {
		problems = append(problems, gateway.FieldProblem{Path: path, Code: "not_correctable", Message: why})
	}
	for name, value := range changes {
		switch {
		case name == "lines":
			patches, ok := value.([]any)
			if !ok {
				refuse("/lines", "lines is a list of corrections, each with the id of its line")
				continue
			}
			for i, p := range patches {
				if path, why := applyLine(model, p, i); why != "" {
					refuse(path, why)
				}
			}
		case slices.Contains(correctable, name):
			merge(model, name, value)
		default:
			refuse("/"+name, "this field follows from the order, the records or the number series")
		}
	}
	return problems
}

func applyLine(model map[string]any, patch any, i int) (path, why string) {
	path = fmt.Sprintf("/lines/%d", i)
	change, _ := patch.(map[string]any)
	lines, _ := model["lines"].([]any)
	for _, l := range lines {
		line, _ := l.(map[string]any)
		if line == nil || change == nil || line["id"] != change["id"] {
			continue
		}
		for name, value := range change {
			switch {
			case name == "id":
			case slices.Contains(correctableLine, name):
				merge(line, name, value)
			default:
				return path + "/" + name, "this field of a line follows from the order"
			}
		}
		return "", ""
	}
	return path + "/id", "the invoice has no such line"
}

// merge applies one field of a merge patch: null removes, objects merge, the
// rest replaces.
func merge(target map[string]any, name string, value any) {
	if value == nil {
		delete(target, name)
		return
	}
	change, isObject := value.(map[string]any)
	if !isObject {
		target[name] = value
		return
	}
	into, _ := target[name].(map[string]any)
	if into == nil {
		into = map[string]any{}
	}
	for n, v := range change {
		merge(into, n, v)
	}
	target[name] = into
}
