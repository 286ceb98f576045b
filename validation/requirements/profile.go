package requirements

import (
	"encoding/json"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/validation"
)

// Profile is what one customer asks of the invoices sent to it. Everything but
// the name is optional; what is absent is not asked for.
//
// Credit notes are held to the same, but for Payment and for the quantities of
// AgainstOrder, which only count for what an order and its invoice share a
// direction: invoices of purchases, credit notes of returns.
type Profile struct {
	// Name says whose requirements these are.
	Name string `json:"name"`
	// Description says more, for people.
	Description string `json:"description,omitempty"`
	// Extends names a preset (see Presets) whose requirements hold, too. What the
	// profile states itself replaces what the preset states: a field of Fields,
	// any other list or group as a whole; a rule of the same id.
	Extends string `json:"extends,omitempty"`
	// Fields are requirements on single terms, by the names that FieldNames lists.
	Fields map[string]Text `json:"fields,omitempty"`
	// RequireAny are sets of fields of which at least one must be there.
	RequireAny [][]string `json:"require_any,omitempty"`
	// Attachments are requirements on the embedded files (BG-24).
	Attachments *Attachments `json:"attachments,omitempty"`
	// Syntaxes are the syntaxes accepted: "ubl", "cii".
	Syntaxes []string `json:"syntaxes,omitempty"`
	// Customizations are the specifications accepted (BT-24).
	Customizations []string `json:"customizations,omitempty"`
	// MaxDocumentBytes is the size of the largest document accepted.
	MaxDocumentBytes int64 `json:"max_document_bytes,omitempty"`
	// Currencies are the invoice currencies accepted (BT-5).
	Currencies []string `json:"currencies,omitempty"`
	// AgainstOrder compares the invoice with its order.
	AgainstOrder *AgainstOrder `json:"against_order,omitempty"`
	// TotalLimit bounds the total with VAT (BT-112).
	TotalLimit *Limit `json:"total_limit,omitempty"`
	// Payment are requirements on how and when to pay.
	Payment *Payment `json:"payment,omitempty"`
	// Rules are the customer's own rules.
	Rules []Rule `json:"rules,omitempty"`
	// Examples are invoices that must pass or fail; they are checked when the
	// profile is compiled.
	Examples []Example `json:"examples,omitempty"`
}

// Text is a requirement on a term that is a text or identifier.
type Text struct {
	// Required says that the term must be there.
	Required bool `json:"required,omitempty"`
	// Pattern is a regular expression (RE2) for the whole value.
	Pattern string `json:"pattern,omitempty"`
	// Sample is a value as the customer wants it, shown when Pattern is not met.
	Sample string `json:"sample,omitempty"`
	// Check names a check of the value: "leitweg_id", "gln", "gtin", "siren",
	// "siret".
	Check string `json:"check,omitempty"`
	// Schemes are the schemes accepted, for identifiers only.
	Schemes []string `json:"schemes,omitempty"`
}

// Attachments are requirements on the embedded files of an invoice. A document
// that is only linked (BT-124) is no attachment.
type Attachments struct {
	// Required are the kinds of files that must be there.
	Required []AttachmentKind `json:"required,omitempty"`
	// MIMETypes are the media types accepted.
	MIMETypes []string `json:"mime_types,omitempty"`
	// MaxCount is how many files there may be.
	MaxCount int64 `json:"max_count,omitempty"`
	// MaxBytes is the size of the largest file.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// MaxTotalBytes is the size of all files together.
	MaxTotalBytes int64 `json:"max_total_bytes,omitempty"`
}

// AttachmentKind describes a file that must be attached. A file is of the kind
// when all that is given here fits.
type AttachmentKind struct {
	// Name says what it is, for people: "signed time sheet".
	Name string `json:"name"`
	// Description is a pattern for the description (BT-123).
	Description string `json:"description,omitempty"`
	// Filename is a pattern for the file name (BT-125-2).
	Filename string `json:"filename,omitempty"`
	// MIMETypes are the media types it may have (BT-125-1).
	MIMETypes []string `json:"mime_types,omitempty"`
	// MaxBytes is the size of the largest file that counts.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Count is how many there must be; 1 when absent.
	Count int64 `json:"count,omitempty"`
}

// AgainstOrder compares an invoice with its order. An invoice without order is
// then refused: it cannot be compared.
type AgainstOrder struct {
	// Price is how far the price of a unit may be from the order's, up or down.
	// Prices are not compared when it is absent.
	Price *Tolerance `json:"price,omitempty"`
	// Quantity is how much more than ordered may be invoiced, with what was
	// invoiced before. Quantities are not compared when it is absent.
	Quantity *Tolerance `json:"quantity,omitempty"`
	// OtherLines allows lines that are not on the order, such as freight.
	OtherLines bool `json:"other_lines,omitempty"`
}

// Tolerance is a difference that is accepted: the larger of the two.
type Tolerance struct {
	// Absolute is in units of what is compared.
	Absolute *invoice.Decimal `json:"absolute,omitempty"`
	// Percent is a share of the order's value; 5 means 5 %.
	Percent *invoice.Decimal `json:"percent,omitempty"`
}

// Limit is the largest amount accepted.
type Limit struct {
	Amount invoice.Decimal `json:"amount"`
	// Currency is the currency of the amount. An invoice in another currency is
	// refused: it cannot be compared.
	Currency string `json:"currency"`
}

// Payment are requirements on payment.
type Payment struct {
	// MinDueDays is how many days after the issue date (BT-2) the due date (BT-9)
	// must be at least, MaxDueDays at most.
	MinDueDays *int64 `json:"min_due_days,omitempty"`
	MaxDueDays *int64 `json:"max_due_days,omitempty"`
	// MeansCodes are the means of payment accepted (BT-81).
	MeansCodes []string `json:"means_codes,omitempty"`
}

// Rule is a rule of the customer's own.
type Rule struct {
	// ID is unique in the profile and begins with a capital letter. Findings call
	// the rule "profile." and its id.
	ID string `json:"id"`
	// Require is the CEL expression that must be true.
	Require string `json:"require"`
	// Severity is how much a finding weighs; error when absent.
	Severity validation.Severity `json:"severity,omitempty"`
	// Message is what a finding says.
	Message Message `json:"message"`
	// BusinessTerms are the terms concerned.
	BusinessTerms []string `json:"business_terms,omitempty"`
	// Location is the path of the model that a finding points at, such as
	// "totals.with_vat". With "lines[*]" in it the rule is evaluated for each
	// line, which it sees as the variable line.
	Location string `json:"location,omitempty"`
}

// Message is a text in the languages of the product.
type Message struct {
	// EN is the English text.
	EN string `json:"en,omitempty"`
	// FR is the French text.
	FR string `json:"fr,omitempty"`
}

// in gives the text in a language, or in the other when there is none.
func (m Message) in(lang string) string {
	if lang == "fr" && m.FR != "" || m.EN == "" {
		return m.FR
	}
	return m.EN
}

// Example is an invoice that must pass or fail.
type Example struct {
	// Name says what it shows.
	Name string `json:"name"`
	// Invoice is the invoice in our JSON form (invoice.ReadJSON).
	Invoice json.RawMessage `json:"invoice"`
	// Order is its order in our JSON form (order.ReadJSON).
	Order json.RawMessage `json:"order,omitempty"`
	// BilledBefore is what was invoiced before, by order line.
	BilledBefore map[string]invoice.Decimal `json:"billed_before,omitempty"`
	// Syntax is the syntax of the document; the first one accepted when absent.
	Syntax string `json:"syntax,omitempty"`
	// DocumentBytes is the size of the document.
	DocumentBytes int64 `json:"document_bytes,omitempty"`
	// At is the day of the check; the invoice's issue date when absent.
	At invoice.Date `json:"at,omitzero"`
	// Expect is "pass" or "fail".
	Expect string `json:"expect"`
	// Rules are the rules that complain, exactly, as findings call them, whatever
	// their severity. When absent, any may.
	Rules []string `json:"rules,omitempty"`
}

// The outcomes of an example.
const (
	expectPass = "pass"
	expectFail = "fail"
)
