package requirements_test

import (
	"context"
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/requirements"
)

// readUBL is how a caller fills a subject from a document.
func readUBL(_ context.Context, doc *validation.Document) (requirements.Subject, error) {
	inv, _, err := ubl.Read(doc.Text())
	if err != nil {
		return requirements.Subject{}, err
	}
	return requirements.Subject{Invoice: inv, Document: doc.Identity, DocumentSize: int64(len(doc.Bytes))}, nil
}

func ExampleCompile() {
	profile, err := requirements.Compile([]byte(`
name: Hôpital Saint-Éloi
fields:
  order_reference: {required: true, pattern: 'HSE-[0-9]{6}', sample: HSE-204518}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	inv, err := invoice.ReadJSON(strings.NewReader(`{"number":"F-1","purchase_order_reference":"204518","totals":{
		"line_net":"0","without_vat":"0","with_vat":"0","amount_due":"0"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict := profile.Check(context.Background(), requirements.Subject{Invoice: inv})
	for _, f := range verdict.Findings {
		fmt.Printf("%s at %s: %s\n", f.Rule, f.Location, f.Message)
	}
	// Output:
	// profile.order_reference.pattern at purchase_order_reference: Purchase order reference (BT-13) does not have the form that this customer asks for, which is like HSE-204518.
}

func ExampleCompile_errors() {
	_, err := requirements.Compile([]byte(`
name: Hôpital Saint-Éloi
field: {}
rules:
  - id: LIMIT
    require: invoice.totals.with_vat < 10000
`))
	fmt.Println(err)
	// Output:
	// rules[0].message: is missing; field: unknown field; there are name, description, extends, fields, require_any, attachments, syntaxes, customizations, max_document_bytes, currencies, against_order, total_limit, payment, rules, examples
}
