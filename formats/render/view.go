package render

// View is an invoice in a reader's language.
type View struct {
	// Lang is the language of all our words: "en" or "fr".
	Lang string `json:"lang"`
	// Kind is "invoice" or "credit_note".
	Kind string `json:"kind"`
	// KindName says in words what the document is: "Corrected invoice" (BT-3).
	KindName string `json:"kind_name"`
	// Number is BT-1, Title both together: "Invoice FA-2026-00001".
	Number string `json:"number"`
	Title  string `json:"title"`
	// AmountDue is the amount to pay (BT-115) with its currency; for a credit
	// note it is what the seller owes.
	AmountDue string `json:"amount_due"`
	// DueDate is BT-9, empty when the invoice has none.
	DueDate string `json:"due_date,omitempty"`
	Labels  Labels `json:"labels"`

	Seller Party `json:"seller"`
	Buyer  Party `json:"buyer"`
	// Others are payee, tax representative and where it was delivered to.
	Others []Party `json:"others,omitempty"`
	// Dates and References are what the head of the document says.
	Dates      []Field `json:"dates,omitempty"`
	References []Field `json:"references,omitempty"`
	Lines      []Line  `json:"lines"`
	// Adjustments are allowances and charges on the whole invoice (BG-20, BG-21).
	Adjustments []Adjustment `json:"adjustments,omitempty"`
	VAT         []VATRow     `json:"vat,omitempty"`
	Totals      []Total      `json:"totals"`
	Payment     Payment      `json:"payment"`
	Notes       []Note       `json:"notes,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Labels are the headings a page needs around the values.
type Labels struct {
	Lines       string `json:"lines"`
	Item        string `json:"item"`
	Quantity    string `json:"quantity"`
	Price       string `json:"price"`
	VAT         string `json:"vat"`
	Net         string `json:"net"`
	Adjustments string `json:"adjustments"`
	Breakdown   string `json:"breakdown"`
	Taxable     string `json:"taxable"`
	Tax         string `json:"tax"`
	Totals      string `json:"totals"`
	Payment     string `json:"payment"`
	Notes       string `json:"notes"`
	Attachments string `json:"attachments"`
	AmountDue   string `json:"amount_due"`
	DueDate     string `json:"due_date"`
	References  string `json:"references"`
}

// Field is a value with its label.
type Field struct {
	// Term is the business term, empty when EN 16931-1 has none.
	Term  string `json:"term,omitempty"`
	Label string `json:"label"`
	Value string `json:"value"`
}

// Party is a side of the invoice, or someone who acts for it.
type Party struct {
	// Role says who it is: "Seller".
	Role string `json:"role"`
	// Name is the formal name, TradingName the one it is known by when it differs.
	Name        string `json:"name"`
	TradingName string `json:"trading_name,omitempty"`
	// Address has a line for each line of an envelope, the country last.
	Address     []string `json:"address,omitempty"`
	Identifiers []Field  `json:"identifiers,omitempty"`
	Contact     []Field  `json:"contact,omitempty"`
	// Legal is further legal information (BT-33).
	Legal string `json:"legal,omitempty"`
}

// Line is one invoiced position.
type Line struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Note        string `json:"note,omitempty"`
	// Details are article numbers, references, period and properties.
	Details  []Field `json:"details,omitempty"`
	Quantity string  `json:"quantity"`
	Unit     string  `json:"unit"`
	Price    string  `json:"price"`
	// PriceNote says how the price came about: for how many units it is, and
	// what was taken off the list price.
	PriceNote string `json:"price_note,omitempty"`
	// VAT is the rate, or the category in words where there is none to pay.
	VAT         string       `json:"vat"`
	Net         string       `json:"net"`
	Adjustments []Adjustment `json:"adjustments,omitempty"`
	// Parts divide the line further; they do not add to it.
	Parts []Line `json:"parts,omitempty"`
}

// Adjustment is an allowance or a charge.
type Adjustment struct {
	// Charge tells a charge from an allowance.
	Charge bool   `json:"charge"`
	Reason string `json:"reason"`
	// How says what the amount was taken from: "5% of €200.00".
	How string `json:"how,omitempty"`
	VAT string `json:"vat,omitempty"`
	// Amount has a minus sign for an allowance.
	Amount string `json:"amount"`
}

// VATRow is one VAT category and rate (BG-23).
type VATRow struct {
	// Code is the VAT category code (BT-118), Category puts it into words.
	Code     string `json:"code"`
	Category string `json:"category"`
	Rate     string `json:"rate,omitempty"`
	Taxable  string `json:"taxable"`
	Tax      string `json:"tax"`
	// Exemption says why no VAT is charged (BT-120, BT-121).
	Exemption string `json:"exemption,omitempty"`
}

// Total is one of the amounts of the whole invoice (BG-22).
type Total struct {
	Field
	// Due marks the amount to pay, the one that counts.
	Due bool `json:"due,omitempty"`
}

// Payment says how to pay (BG-16) and until when.
type Payment struct {
	// Due is the sentence that counts: "Please pay €120.00 by 4 May 2026".
	Due string `json:"due,omitempty"`
	// Terms are the payment terms in the seller's words (BT-20).
	Terms string `json:"terms,omitempty"`
	Ways  []Way  `json:"ways,omitempty"`
}

// Way is one way to pay.
type Way struct {
	Means string `json:"means"`
	// Fields are accounts, cards and mandates; an IBAN is in groups of four.
	Fields []Field `json:"fields,omitempty"`
}

// Note is a text on the whole invoice (BG-1).
type Note struct {
	// Subject puts its code into words, as far as we have them.
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
}

// Attachment is a supporting document (BG-24).
type Attachment struct {
	// Index is its place among the invoice's supporting documents.
	Index       int    `json:"index"`
	Reference   string `json:"reference"`
	Description string `json:"description,omitempty"`
	// Filename, Type and Size are those of an embedded file.
	Filename string `json:"filename,omitempty"`
	Type     string `json:"type,omitempty"`
	Size     string `json:"size,omitempty"`
	// Embedded tells that the file itself is in the invoice.
	Embedded bool `json:"embedded"`
	// Location is where a document that is not embedded can be found, as the
	// seller wrote it. It is not to be fetched or followed unasked.
	Location string `json:"location,omitempty"`
}
