package response_test

import (
	"fmt"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/network/response"
)

func ExampleWriteInvoice() {
	document, err := response.WriteInvoice(response.Invoice{
		ID: "answer-1", IssuedAt: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC),
		Sender:   response.Party{Endpoint: invoice.Identifier{Value: "000234567", Scheme: "0225"}, Name: "Buyer SAS"},
		Receiver: response.Party{Endpoint: invoice.Identifier{Value: "000123456", Scheme: "0225"}, Name: "Seller SARL"},
		Code:     response.UnderQuery, Number: "FA-2026-001", TypeCode: "380",
		Clarifications: []response.Clarification{{List: response.ListReason, Code: "QTY", Text: "We count one hour less."}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := response.ReadInvoice(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Number, answer.Code, answer.Clarifications[0].Code, answer.Clarifications[0].Text)
	// Output: FA-2026-001 UQ QTY We count one hour less.
}
