package order

import "facteur.dev/facteur/formats/invoice"

// Kind says which way goods and money go.
type Kind string

// Kinds of orders. An absent kind is a purchase.
const (
	// Purchase is an order for goods or services; it is invoiced.
	Purchase Kind = "purchase"
	// Return takes back what was supplied before; it is credited. Its quantities
	// and prices are positive numbers like those of a purchase.
	Return Kind = "return"
)

// Billing says what makes an invoice due.
type Billing string

// Moments of invoicing. When an order states none, the records decide.
const (
	// OnOrder invoices the whole order at once.
	OnOrder Billing = "on_order"
	// OnDelivery invoices what delivery notes say was delivered.
	OnDelivery Billing = "on_delivery"
)

// Order is one purchase order as the seller received it.
type Order struct {
	// Number is the number the buyer gave the order; it becomes BT-13.
	Number string `json:"number"`
	// ExternalID is the identifier of the order in the submitting system. It comes
	// back in every event and is not printed.
	ExternalID string `json:"external_id,omitempty"`
	// SalesOrderNumber is the number the seller gave the order; it becomes BT-14.
	SalesOrderNumber string `json:"sales_order_number,omitempty"`
	// Kind says whether this is a purchase (when absent) or a return.
	Kind Kind `json:"kind,omitempty"`
	// TypeCode is the document type as given, UNTDID 1001: 220 order, 227
	// consignment order, …
	TypeCode string `json:"type_code,omitempty"`
	// IssueDate is the day the order was issued.
	IssueDate invoice.Date `json:"issue_date,omitzero"`
	// Currency is the currency of all amounts, ISO 4217; it becomes BT-5.
	Currency string `json:"currency,omitempty"`
	// Billing asks for the invoice on order or on delivery.
	Billing Billing `json:"billing,omitempty"`
	// BuyerReference is the buyer's routing text; it becomes BT-10.
	BuyerReference string `json:"buyer_reference,omitempty"`
	// AccountingReference is the cost centre or account where the buyer books the
	// order; it becomes BT-19.
	AccountingReference string `json:"accounting_reference,omitempty"`
	// ContractReference names the contract; it becomes BT-12.
	ContractReference string `json:"contract_reference,omitempty"`
	// ProjectReference names the project; it becomes BT-11.
	ProjectReference string `json:"project_reference,omitempty"`
	// TenderReference names the call for tenders or the requisition; it becomes BT-17.
	TenderReference string `json:"tender_reference,omitempty"`
	// PaymentTerms are the payment terms in words; they become BT-20 when the
	// records have none.
	PaymentTerms string `json:"payment_terms,omitempty"`
	// Notes are texts on the whole order. They are not copied to the invoice.
	Notes []string `json:"notes,omitempty"`
	// Seller is who is asked to supply.
	Seller Party `json:"seller,omitzero"`
	// Buyer is who orders.
	Buyer Party `json:"buyer,omitzero"`
	// InvoiceTo is who gets and owes the invoice (BG-7), when it is not the buyer.
	InvoiceTo *Party `json:"invoice_to,omitempty"`
	// DeliverTo says where and when to deliver.
	DeliverTo *DeliverTo `json:"deliver_to,omitempty"`
	// Period is the time that services cover; it becomes BG-14.
	Period *invoice.InvoicingPeriod `json:"period,omitempty"`
	// PrecedingInvoices are the invoices that a return corrects; they become BG-3.
	PrecedingInvoices []invoice.PrecedingInvoice `json:"preceding_invoices,omitempty"`
	// Allowances reduce the order as a whole; they become BG-20.
	Allowances []invoice.AllowanceCharge `json:"allowances,omitempty"`
	// Charges are added to the order as a whole; they become BG-21.
	Charges []invoice.AllowanceCharge `json:"charges,omitempty"`
	// Attachments are documents that explain the order; those are BG-24 on the invoice.
	Attachments []invoice.SupportingDocument `json:"attachments,omitempty"`
	// Totals are the amounts the buyer expects. They are kept to be compared and
	// never become an amount of the invoice.
	Totals *Totals `json:"totals,omitempty"`
	// Lines are what is ordered.
	Lines []Line `json:"lines"`
}

// IsReturn tells whether the order is credited instead of invoiced.
func (o *Order) IsReturn() bool { return o.Kind == Return }

// Line returns the line with the identifier, or nil.
func (o *Order) Line(id string) *Line {
	for i := range o.Lines {
		if o.Lines[i].ID == id {
			return &o.Lines[i]
		}
	}
	return nil
}

// Party is a seller, a buyer or who is invoiced.
type Party struct {
	// AccountNumber is the number the other side keeps the party under: for the
	// buyer, its customer number with the seller.
	AccountNumber string `json:"account_number,omitempty"`
	// Name is the full formal name (BT-27, BT-44).
	Name string `json:"name,omitempty"`
	// TradingName is the name the party is known by (BT-28, BT-45).
	TradingName string `json:"trading_name,omitempty"`
	// Identifiers are identifiers such as a GLN (BT-29, BT-46).
	Identifiers []invoice.Identifier `json:"identifiers,omitempty"`
	// LegalRegistration is the number in the official register (BT-30, BT-47).
	LegalRegistration invoice.Identifier `json:"legal_registration,omitzero"`
	// VATIdentifier is the VAT number with its country prefix (BT-31, BT-48).
	VATIdentifier string `json:"vat_identifier,omitempty"`
	// ElectronicAddress is the address messages can be sent to (BT-34, BT-49); the
	// scheme is an EAS code.
	ElectronicAddress invoice.Identifier `json:"electronic_address,omitzero"`
	// Address is the postal address (BG-5, BG-8).
	Address invoice.Address `json:"address,omitzero"`
	// Contact is whom to ask (BG-6, BG-9).
	Contact *invoice.Contact `json:"contact,omitempty"`
}

// DeliverTo says where and when to deliver (BG-13, but for the actual date, which
// the delivery note tells).
type DeliverTo struct {
	// PartyName is who receives the goods; it becomes BT-70.
	PartyName string `json:"party_name,omitempty"`
	// PartyID identifies who receives the goods.
	PartyID invoice.Identifier `json:"party_id,omitzero"`
	// Location identifies the place, for example by a GLN; it becomes BT-71.
	Location invoice.Identifier `json:"location,omitzero"`
	// Address is the place; it becomes BG-15.
	Address *invoice.Address `json:"address,omitempty"`
	// Contact is whom to ask at the place.
	Contact *invoice.Contact `json:"contact,omitempty"`
	// Period is when delivery is wanted.
	Period *invoice.InvoicingPeriod `json:"period,omitempty"`
}

// Line is one ordered position.
type Line struct {
	// ID identifies the line within the order; it becomes BT-132.
	ID string `json:"id"`
	// BuyerReference is the buyer's own text for the line, such as who asked for it.
	BuyerReference string `json:"buyer_reference,omitempty"`
	// Notes are texts on the line. They are not copied to the invoice.
	Notes []string `json:"notes,omitempty"`
	// Item is what is ordered (BG-31).
	Item invoice.Item `json:"item,omitzero"`
	// Quantity is how much is ordered, in Unit; more than zero.
	Quantity invoice.Decimal `json:"quantity"`
	// Unit is the unit of the quantity, UN/ECE Recommendation 20 or 21. When it is
	// absent, the item's record has it.
	Unit string `json:"unit,omitempty"`
	// Price is the price of the item without VAT (BG-29).
	Price *invoice.Price `json:"price,omitempty"`
	// NetAmount is the amount the buyer expects for the line. It is kept to be
	// compared and never becomes an amount of the invoice.
	NetAmount *invoice.Decimal `json:"net_amount,omitempty"`
	// VAT is how the line is taxed (BG-30). When it is absent, the records have it.
	VAT *VAT `json:"vat,omitempty"`
	// Allowances reduce the whole quantity of the line (BG-27).
	Allowances []invoice.LineAllowanceCharge `json:"allowances,omitempty"`
	// Charges are added to the whole quantity of the line (BG-28).
	Charges []invoice.LineAllowanceCharge `json:"charges,omitempty"`
	// AccountingReference is where the buyer books the line; it becomes BT-133.
	AccountingReference string `json:"accounting_reference,omitempty"`
	// Period is the time that the service of the line covers; it becomes BG-26.
	Period *invoice.LinePeriod `json:"period,omitempty"`
	// DeliveryPeriod is when delivery of the line is wanted.
	DeliveryPeriod *invoice.InvoicingPeriod `json:"delivery_period,omitempty"`
}

// VAT is how a line is taxed (BG-30), with the reason when no VAT is charged
// (BT-120, BT-121).
type VAT struct {
	// Category is the VAT category code, UNTDID 5305; it becomes BT-151.
	Category string `json:"category,omitempty"`
	// Rate is the VAT rate; 20 means 20 %. It becomes BT-152.
	Rate *invoice.Decimal `json:"rate,omitempty"`
	// ExemptionReason says in words why no VAT is charged; it becomes BT-120.
	ExemptionReason string `json:"exemption_reason,omitempty"`
	// ExemptionReasonCode says it as a VATEX code; it becomes BT-121.
	ExemptionReasonCode string `json:"exemption_reason_code,omitempty"`
}

// Totals are the amounts the buyer expects for the whole order. Each is optional.
type Totals struct {
	// LineNet is the sum of the line amounts.
	LineNet *invoice.Decimal `json:"line_net,omitempty"`
	// Allowances is the sum of the allowances of the order as a whole.
	Allowances *invoice.Decimal `json:"allowances,omitempty"`
	// Charges is the sum of the charges of the order as a whole.
	Charges *invoice.Decimal `json:"charges,omitempty"`
	// WithoutVAT is the total without VAT.
	WithoutVAT *invoice.Decimal `json:"without_vat,omitempty"`
	// VAT is the VAT.
	VAT *invoice.Decimal `json:"vat,omitempty"`
	// WithVAT is the total with VAT.
	WithVAT *invoice.Decimal `json:"with_vat,omitempty"`
	// Prepaid is what the buyer says to have paid already.
	Prepaid *invoice.Decimal `json:"prepaid,omitempty"`
	// Rounding is added to round the amount due.
	Rounding *invoice.Decimal `json:"rounding,omitempty"`
	// AmountDue is what the buyer expects to pay.
	AmountDue *invoice.Decimal `json:"amount_due,omitempty"`
}
