package billing

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// Codes of the errors of [Draft] and [Credit]. The error is [invoice.FieldErrors];
// its paths start at the [Input] ("deliveries[0].lines[1].unit") or, for Credit,
// at the [Selection].
const (
	// CodeUnknownLine: a delivery, an earlier invoice or a selection names a line
	// that is not there.
	CodeUnknownLine = "billing.unknown_line"
	// CodeUnitMismatch: a delivery counts in another unit than the order.
	CodeUnitMismatch = "billing.unit_mismatch"
	// CodeOtherOrder: a delivery note belongs to another order.
	CodeOtherOrder = "billing.other_order"
	// CodeNoteConflict: two notes have the same number and say different things.
	CodeNoteConflict = "billing.note_conflict"
	// CodeTooMuch: more would be credited than was invoiced and not yet credited.
	CodeTooMuch = "billing.too_much"
	// CodeNothing: there is nothing to credit.
	CodeNothing = "billing.nothing_to_credit"
	// CodeQuantity: a quantity is not above zero.
	CodeQuantity = "billing.quantity"
	// CodeOtherInvoice: a credit note corrects another invoice.
	CodeOtherInvoice = "billing.other_invoice"
	// CodeNotAnInvoice: only an invoice with a number can be credited.
	CodeNotAnInvoice = "billing.not_an_invoice"
)

// Input is all that [Draft] looks at. It modifies none of it.
type Input struct {
	// Order is what was ordered.
	Order *order.Order
	// Deliveries are all delivery notes so far, in the order they came.
	Deliveries []order.Delivery
	// Invoiced is what earlier invoices and drafts took of the order, less what was
	// credited to be invoiced anew (as negative quantities).
	Invoiced []Invoiced
	// Tolerance allows to invoice more than was ordered, when more was delivered.
	Tolerance Tolerance
	// Records complete what the order lacks.
	Records Records
	// IssueDate is the day of issue (BT-2) for the drafts and their due dates. When
	// it is zero both stay open; see [Issue].
	IssueDate invoice.Date
}

// Invoiced is what one invoice took of an order.
type Invoiced struct {
	// Invoice is the identifier of the invoice in the gateway.
	Invoice string `json:"invoice,omitempty"`
	// Note is the delivery note it invoiced, empty when it was made on order.
	Note string `json:"note,omitempty"`
	// Lines are the quantities by order line.
	Lines map[string]invoice.Decimal `json:"lines"`
}

// Tolerance allows to invoice more than was ordered.
type Tolerance struct {
	// Percent of the ordered quantity that may be invoiced on top, when delivered.
	Percent invoice.Decimal `json:"percent"`
}

// Records are the versions of records in force for the order.
type Records struct {
	// LegalEntity is the seller.
	LegalEntity *Record[LegalEntity]
	// Customer is the buyer.
	Customer *Record[Customer]
	// Items are the items that the order's lines may name: by the seller's article
	// number, or else by the standard identifier.
	Items []Record[Item]
}

// Plan is what to invoice now and what stays open.
type Plan struct {
	// Billing is what makes invoices due: the order's word or a record's. Without
	// either there are no drafts, and Missing says so.
	Billing order.Billing `json:"billing,omitempty"`
	// Drafts are the invoices to make: one for each delivery note with something to
	// invoice, or one for the order.
	Drafts []Proposal `json:"drafts,omitempty"`
	// Remainder is what stays open after the drafts.
	Remainder Remainder `json:"remainder"`
	// Missing is what keeps any draft from being made.
	Missing []MissingField `json:"missing,omitempty"`
}

// Proposal is one draft invoice.
type Proposal struct {
	// Invoice is the draft, without number and before invoice.Calculate.
	Invoice *invoice.Invoice `json:"invoice"`
	// Takes is what the draft takes of the order, to be given back as
	// Input.Invoiced later.
	Takes Invoiced `json:"takes"`
	// Missing holds the invoice: each is a value that neither the order nor a
	// record gives, or that they give differently.
	Missing []MissingField `json:"missing,omitempty"`
	// Sources tells for each value that the order lacked where it came from.
	Sources []Source `json:"sources,omitempty"`
	// Terms are the payment terms agreed, nil when only words or nothing is known.
	Terms *Terms `json:"terms,omitempty"`
}

// MissingField is a value that an invoice needs and nobody gave.
type MissingField struct {
	// Path is the JSON path in the invoice: "lines[0].vat.category".
	Path string `json:"path"`
	// Term is the business term: "BT-151".
	Term string `json:"term"`
	// Why says what was looked at, in a sentence for people.
	Why string `json:"why"`
}

// Source tells where a value came from that the order lacked.
type Source struct {
	// Path is the JSON path in the invoice.
	Path string `json:"path"`
	// Term is the business term.
	Term string `json:"term"`
	// Value is what was taken.
	Value string `json:"value"`
	// From names the record and its version: "customer record c-12 v3".
	From string `json:"from"`
}

// Remainder is what of an order stays open.
type Remainder struct {
	// Complete tells that everything ordered is invoiced.
	Complete bool `json:"complete"`
	// Lines has an entry for each order line.
	Lines []LineRemainder `json:"lines"`
}

// LineRemainder is where one order line stands.
type LineRemainder struct {
	OrderLine string          `json:"order_line"`
	Unit      string          `json:"unit,omitempty"`
	Ordered   invoice.Decimal `json:"ordered"`
	Delivered invoice.Decimal `json:"delivered"`
	Invoiced  invoice.Decimal `json:"invoiced"`
	// Open is what was ordered and is not invoiced yet.
	Open invoice.Decimal `json:"open"`
	// ToDeliver is what was ordered and is not delivered yet.
	ToDeliver invoice.Decimal `json:"to_deliver"`
	// Excess is what was delivered beyond the order and its tolerance. It is not
	// invoiced.
	Excess invoice.Decimal `json:"excess"`
}

// Issue gives a draft its issue date (BT-2) and, when terms with days are agreed,
// its due date (BT-9).
func Issue(inv *invoice.Invoice, terms *Terms, date invoice.Date) {
	inv.IssueDate = date
	if terms != nil && !inv.IsCreditNote() {
		inv.DueDate = terms.Due(date).Ptr()
	}
}
