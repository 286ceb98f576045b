package invoice

// Invoice is one invoice or credit note as EN 16931-1 describes it. BT-3 decides
// which of the two it is: see [Invoice.IsCreditNote].
type Invoice struct {
	// Number (BT-1) identifies the invoice uniquely for the seller.
	Number string `json:"number,omitempty" term:"BT-1"`
	// IssueDate (BT-2) is the day the invoice is issued.
	IssueDate Date `json:"issue_date,omitzero" term:"BT-2"`
	// TypeCode (BT-3) says what the document is, from UNTDID 1001: 380
	// commercial invoice, 381 credit note, 384 corrected invoice, …
	TypeCode string `json:"type_code,omitempty" term:"BT-3"`
	// Currency (BT-5) is the currency of all amounts but BT-111, ISO 4217.
	Currency string `json:"currency,omitempty" term:"BT-5"`
	// VATCurrency (BT-6) is the currency of VAT accounting in the seller's
	// country, when it is not the invoice currency, ISO 4217.
	VATCurrency string `json:"vat_currency,omitempty" term:"BT-6"`
	// TaxPointDate (BT-7) is the day VAT becomes accountable. Not with BT-8.
	TaxPointDate *Date `json:"tax_point_date,omitempty" term:"BT-7"`
	// TaxPointDateCode (BT-8) says which date is the tax point, from UNTDID
	// 2005: 3 issue date, 35 actual delivery date, 432 date of payment.
	TaxPointDateCode string `json:"tax_point_date_code,omitempty" term:"BT-8"`
	// DueDate (BT-9) is the day until which payment is due.
	DueDate *Date `json:"due_date,omitempty" term:"BT-9"`
	// BuyerReference (BT-10) is the buyer's routing text, such as the German
	// Leitweg-ID or the French service code.
	BuyerReference string `json:"buyer_reference,omitempty" term:"BT-10"`
	// ProjectReference (BT-11) names the project the invoice belongs to.
	ProjectReference string `json:"project_reference,omitempty" term:"BT-11"`
	// ContractReference (BT-12) names the contract.
	ContractReference string `json:"contract_reference,omitempty" term:"BT-12"`
	// PurchaseOrderReference (BT-13) is the number the buyer gave the order.
	PurchaseOrderReference string `json:"purchase_order_reference,omitempty" term:"BT-13"`
	// SalesOrderReference (BT-14) is the number the seller gave the order.
	SalesOrderReference string `json:"sales_order_reference,omitempty" term:"BT-14"`
	// ReceivingAdviceReference (BT-15) names the buyer's receiving advice.
	ReceivingAdviceReference string `json:"receiving_advice_reference,omitempty" term:"BT-15"`
	// DespatchAdviceReference (BT-16) names the seller's despatch advice.
	DespatchAdviceReference string `json:"despatch_advice_reference,omitempty" term:"BT-16"`
	// TenderReference (BT-17) names the call for tenders or its lot.
	TenderReference string `json:"tender_reference,omitempty" term:"BT-17"`
	// InvoicedObject (BT-18) identifies what the invoice is about, such as a
	// meter or a telephone number; its scheme is from UNTDID 1153.
	InvoicedObject Identifier `json:"invoiced_object,omitzero" term:"BT-18"`
	// BuyerAccountingReference (BT-19) is where the buyer books the invoice.
	BuyerAccountingReference string `json:"buyer_accounting_reference,omitempty" term:"BT-19"`
	// PaymentTerms (BT-20) are the payment terms in words.
	PaymentTerms string `json:"payment_terms,omitempty" term:"BT-20"`
	// Notes (BG-1) are texts that belong to the whole invoice.
	Notes []Note `json:"notes,omitempty" term:"BG-1"`
	// Process (BG-2) names the business process and the specification followed.
	Process ProcessControl `json:"process,omitzero" term:"BG-2"`
	// PrecedingInvoices (BG-3) are earlier invoices that this one corrects,
	// credits or follows.
	PrecedingInvoices []PrecedingInvoice `json:"preceding_invoices,omitempty" term:"BG-3"`
	// Seller (BG-4) supplies the goods or services.
	Seller Seller `json:"seller,omitzero" term:"BG-4"`
	// Buyer (BG-7) receives them and owes the amount.
	Buyer Buyer `json:"buyer,omitzero" term:"BG-7"`
	// Payee (BG-10) receives the payment, when it is not the seller.
	Payee *Payee `json:"payee,omitempty" term:"BG-10"`
	// TaxRepresentative (BG-11) represents the seller before the tax authority.
	TaxRepresentative *TaxRepresentative `json:"tax_representative,omitempty" term:"BG-11"`
	// Delivery (BG-13) says where and when the supply took place.
	Delivery *Delivery `json:"delivery,omitempty" term:"BG-13"`
	// Period (BG-14) is the time the invoice covers.
	Period *InvoicingPeriod `json:"period,omitempty" term:"BG-14"`
	// Payment (BG-16) says how to pay.
	Payment *PaymentInstructions `json:"payment,omitempty" term:"BG-16"`
	// Allowances (BG-20) reduce the invoice as a whole.
	Allowances []AllowanceCharge `json:"allowances,omitempty" term:"BG-20"`
	// Charges (BG-21) are added to the invoice as a whole.
	Charges []AllowanceCharge `json:"charges,omitempty" term:"BG-21"`
	// Totals (BG-22) are the amounts of the whole invoice.
	Totals Totals `json:"totals" term:"BG-22"`
	// VATBreakdown (BG-23) has one entry for each VAT category and rate.
	VATBreakdown []VATBreakdown `json:"vat_breakdown,omitempty" term:"BG-23"`
	// SupportingDocuments (BG-24) are attached or referenced documents.
	SupportingDocuments []SupportingDocument `json:"supporting_documents,omitempty" term:"BG-24"`
	// Lines (BG-25) are what is invoiced.
	Lines []Line `json:"lines,omitempty" term:"BG-25"`
	// Extensions hold what documents carry beyond EN 16931-1.
	Extensions *Extensions `json:"extensions,omitempty"`
}

// Identifier is an identifier with the scheme that gives it meaning.
type Identifier struct {
	// Value is the identifier itself.
	Value string `json:"value" term:"-"`
	// Scheme names the identification scheme: an ICD code of ISO/IEC 6523
	// ("0009"), an EAS code for electronic addresses, UNTDID 1153 for BT-18 and
	// BT-128, UNTDID 7143 for BT-158.
	Scheme string `json:"scheme,omitempty" term:"-1"`
	// SchemeVersion is the version of the scheme (BT-158-2 only).
	SchemeVersion string `json:"scheme_version,omitempty" term:"-2"`
}

// IsZero tells whether there is no identifier.
func (id Identifier) IsZero() bool { return id == Identifier{} }

// Note is a text on the invoice as a whole (BG-1).
type Note struct {
	// SubjectCode (BT-21) classifies the text, from UNTDID 4451.
	SubjectCode string `json:"subject_code,omitempty" term:"BT-21"`
	// Text (BT-22) is the note.
	Text string `json:"text" term:"BT-22"`
}

// ProcessControl names the rules the document follows (BG-2).
type ProcessControl struct {
	// BusinessProcess (BT-23) is the process, in UBL the profile identifier.
	BusinessProcess string `json:"business_process,omitempty" term:"BT-23"`
	// Specification (BT-24) is the specification, in UBL the customization
	// identifier.
	Specification string `json:"specification,omitempty" term:"BT-24"`
}

// PrecedingInvoice points to an earlier invoice (BG-3).
type PrecedingInvoice struct {
	// Number (BT-25) is its number.
	Number string `json:"number" term:"BT-25"`
	// IssueDate (BT-26) is its issue date.
	IssueDate *Date `json:"issue_date,omitempty" term:"BT-26"`
	// TypeCode is its document type, UNTDID 1001 (no term of EN 16931-1).
	TypeCode string `json:"type_code,omitempty"`
}

// InvoicingPeriod is the time the whole invoice covers (BG-14).
type InvoicingPeriod struct {
	// Start (BT-73) is its first day.
	Start *Date `json:"start,omitempty" term:"BT-73"`
	// End (BT-74) is its last day.
	End *Date `json:"end,omitempty" term:"BT-74"`
}

// AllowanceCharge is an allowance (BG-20) or a charge (BG-21) on the invoice as
// a whole. All its amounts are positive numbers without VAT.
type AllowanceCharge struct {
	// Amount (BT-92, BT-99) is what is taken off or added.
	Amount Decimal `json:"amount" term:"BG-20=BT-92,BG-21=BT-99"`
	// BaseAmount (BT-93, BT-100) is what the percentage applies to.
	BaseAmount *Decimal `json:"base_amount,omitempty" term:"BG-20=BT-93,BG-21=BT-100"`
	// Percentage (BT-94, BT-101) is the share of the base amount; 5 means 5 %.
	Percentage *Decimal `json:"percentage,omitempty" term:"BG-20=BT-94,BG-21=BT-101"`
	// VATCategory (BT-95, BT-102) is the VAT category code, UNTDID 5305.
	VATCategory string `json:"vat_category,omitempty" term:"BG-20=BT-95,BG-21=BT-102"`
	// VATRate (BT-96, BT-103) is the VAT rate; 20 means 20 %.
	VATRate *Decimal `json:"vat_rate,omitempty" term:"BG-20=BT-96,BG-21=BT-103"`
	// Reason (BT-97, BT-104) says why, in words.
	Reason string `json:"reason,omitempty" term:"BG-20=BT-97,BG-21=BT-104"`
	// ReasonCode (BT-98, BT-105) says why: UNTDID 5189 for an allowance, 7161
	// for a charge.
	ReasonCode string `json:"reason_code,omitempty" term:"BG-20=BT-98,BG-21=BT-105"`
}

// Totals are the amounts of the whole invoice (BG-22), in the invoice currency
// but for VATInAccountingCurrency.
type Totals struct {
	// LineNet (BT-106) is the sum of the net amounts of all lines.
	LineNet Decimal `json:"line_net" term:"BT-106"`
	// Allowances (BT-107) is the sum of the allowances on document level.
	Allowances *Decimal `json:"allowances,omitempty" term:"BT-107"`
	// Charges (BT-108) is the sum of the charges on document level.
	Charges *Decimal `json:"charges,omitempty" term:"BT-108"`
	// WithoutVAT (BT-109) is LineNet − Allowances + Charges.
	WithoutVAT Decimal `json:"without_vat" term:"BT-109"`
	// VAT (BT-110) is the sum of the VAT amounts of the breakdown.
	VAT *Decimal `json:"vat,omitempty" term:"BT-110"`
	// VATInAccountingCurrency (BT-111) is the VAT total in the currency BT-6.
	VATInAccountingCurrency *Decimal `json:"vat_in_accounting_currency,omitempty" term:"BT-111"`
	// WithVAT (BT-112) is WithoutVAT + VAT.
	WithVAT Decimal `json:"with_vat" term:"BT-112"`
	// Paid (BT-113) is what has been paid in advance.
	Paid *Decimal `json:"paid,omitempty" term:"BT-113"`
	// Rounding (BT-114) is added to round the amount due.
	Rounding *Decimal `json:"rounding,omitempty" term:"BT-114"`
	// AmountDue (BT-115) is WithVAT − Paid + Rounding.
	AmountDue Decimal `json:"amount_due" term:"BT-115"`
}

// VATBreakdown sums up one VAT category and rate (BG-23).
type VATBreakdown struct {
	// TaxableAmount (BT-116) is the sum the VAT applies to.
	TaxableAmount Decimal `json:"taxable_amount" term:"BT-116"`
	// TaxAmount (BT-117) is the VAT.
	TaxAmount Decimal `json:"tax_amount" term:"BT-117"`
	// Category (BT-118) is the VAT category code, UNTDID 5305.
	Category string `json:"category,omitempty" term:"BT-118"`
	// Rate (BT-119) is the VAT rate; 20 means 20 %. None for category O.
	Rate *Decimal `json:"rate,omitempty" term:"BT-119"`
	// ExemptionReason (BT-120) says in words why no VAT is charged.
	ExemptionReason string `json:"exemption_reason,omitempty" term:"BT-120"`
	// ExemptionReasonCode (BT-121) says it as a VATEX code.
	ExemptionReasonCode string `json:"exemption_reason_code,omitempty" term:"BT-121"`
}

// SupportingDocument is a document that explains the invoice (BG-24).
type SupportingDocument struct {
	// Reference (BT-122) identifies the document.
	Reference string `json:"reference" term:"BT-122"`
	// Description (BT-123) describes it.
	Description string `json:"description,omitempty" term:"BT-123"`
	// Location (BT-124) is the address where it can be found.
	Location string `json:"location,omitempty" term:"BT-124"`
	// Attachment (BT-125) is the document itself.
	Attachment *Attachment `json:"attachment,omitempty" term:"BT-125"`
}

// Attachment is an embedded file (BT-125).
type Attachment struct {
	// Content is the file; in JSON it is base64.
	Content []byte `json:"content" term:"-"`
	// MIMECode (BT-125-1) is its media type.
	MIMECode string `json:"mime_code,omitempty" term:"-1"`
	// Filename (BT-125-2) is its name.
	Filename string `json:"filename,omitempty" term:"-2"`
}
