package billing

import "facteur.dev/facteur/formats/invoice"

// Record is one version of a record that completes an order.
type Record[T any] struct {
	// ID and Version name the version, as in "customer record c-12 v3".
	ID      string `json:"id"`
	Version int64  `json:"version"`
	// Value is the record itself.
	Value T `json:"value"`
}

// LegalEntity is a company of the tenant: the seller of its invoices (BG-4).
type LegalEntity struct {
	// Name is the full formal name (BT-27).
	Name string `json:"name"`
	// TradingName is the name the company is known by (BT-28).
	TradingName string `json:"trading_name,omitempty"`
	// Identifiers are identifiers such as a GLN (BT-29).
	Identifiers []invoice.Identifier `json:"identifiers,omitempty"`
	// LegalRegistration is the number in the official register (BT-30): for France
	// the SIREN with scheme 0002.
	LegalRegistration invoice.Identifier `json:"legal_registration,omitzero"`
	// VATIdentifier is the VAT number with its country prefix (BT-31).
	VATIdentifier string `json:"vat_identifier,omitempty"`
	// TaxRegistration is the local tax number (BT-32).
	TaxRegistration string `json:"tax_registration,omitempty"`
	// LegalInformation is legal form, share capital and the like (BT-33).
	LegalInformation string `json:"legal_information,omitempty"`
	// Address is the postal address (BG-5).
	Address invoice.Address `json:"address,omitzero"`
	// Contact is whom the customer asks (BG-6).
	Contact *invoice.Contact `json:"contact,omitempty"`
	// ElectronicAddress is the address on the network, with its EAS scheme (BT-34).
	ElectronicAddress invoice.Identifier `json:"electronic_address,omitzero"`
	// Language is the company's language, BCP 47.
	Language string `json:"language,omitempty"`
	// Accounts are the bank accounts to pay to (BG-17).
	Accounts []Account `json:"accounts,omitempty"`
	// PaymentMeans is the means of payment (BT-81), UNTDID 4461. When it is absent
	// and there are accounts, it is 30, credit transfer.
	PaymentMeans string `json:"payment_means,omitempty"`
	// Terms are the payment terms for customers that have none of their own.
	Terms *Terms `json:"terms,omitempty"`
	// Mentions are the texts that the law wants on each invoice (BG-1).
	Mentions []Mention `json:"mentions,omitempty"`
	// Billing says when orders that do not say are invoiced: "on_order" or
	// "on_delivery".
	Billing string `json:"billing,omitempty"`
	// InvoiceNumbers is the pattern of invoice numbers, such as "FA-{yyyy}-{n:5}".
	InvoiceNumbers string `json:"invoice_numbers,omitempty"`
	// CreditNoteNumbers is the pattern of credit note numbers.
	CreditNoteNumbers string `json:"credit_note_numbers,omitempty"`
}

// Account is a bank account to pay to (BG-17).
type Account struct {
	// IBAN is the account (BT-84).
	IBAN string `json:"iban"`
	// BIC is the bank (BT-86).
	BIC string `json:"bic,omitempty"`
	// Name is the name of the account (BT-85).
	Name string `json:"name,omitempty"`
	// Currency is the currency of the invoices that are paid to it; any when absent.
	Currency string `json:"currency,omitempty"`
}

// Mention is a text that belongs on each invoice (BG-1).
type Mention struct {
	// SubjectCode classifies the text, UNTDID 4451 (BT-21).
	SubjectCode string `json:"subject_code,omitempty"`
	// Text is the mention (BT-22).
	Text string `json:"text"`
	// Language is the language of the text, BCP 47. A mention without one goes to
	// every customer, another only to customers of that language.
	Language string `json:"language,omitempty"`
}

// Customer is a buyer of the tenant (BG-7).
type Customer struct {
	// Name is the full name (BT-44).
	Name string `json:"name"`
	// TradingName is the name the customer is known by (BT-45).
	TradingName string `json:"trading_name,omitempty"`
	// AccountNumber is the number the seller keeps the customer under.
	AccountNumber string `json:"account_number,omitempty"`
	// Identifiers are identifiers such as a GLN; the first becomes BT-46.
	Identifiers []invoice.Identifier `json:"identifiers,omitempty"`
	// LegalRegistration is the number in the official register (BT-47).
	LegalRegistration invoice.Identifier `json:"legal_registration,omitzero"`
	// VATIdentifier is the VAT number with its country prefix (BT-48).
	VATIdentifier string `json:"vat_identifier,omitempty"`
	// Address is the postal address (BG-8).
	Address invoice.Address `json:"address,omitzero"`
	// DeliveryAddress is where goods go when an order does not say (BG-15).
	DeliveryAddress *invoice.Address `json:"delivery_address,omitempty"`
	// Contact is whom to ask (BG-9).
	Contact *invoice.Contact `json:"contact,omitempty"`
	// ElectronicAddress is where the customer receives invoices, with its EAS
	// scheme (BT-49).
	ElectronicAddress invoice.Identifier `json:"electronic_address,omitzero"`
	// Routes are the ways to reach the customer, in the order they are tried.
	Routes []Route `json:"routes,omitempty"`
	// Language is the language for messages and pages, BCP 47.
	Language string `json:"language,omitempty"`
	// BuyerReference is the standing routing text of the customer, such as a
	// Leitweg-ID (BT-10).
	BuyerReference string `json:"buyer_reference,omitempty"`
	// AccountingReference is the standing cost centre of the customer (BT-19).
	AccountingReference string `json:"accounting_reference,omitempty"`
	// Terms are the payment terms agreed with the customer.
	Terms *Terms `json:"terms,omitempty"`
	// VATTreatment picks the VAT of items for this customer: the key of
	// Item.VATTreatments, such as "intra_community". Empty takes Item.VAT.
	VATTreatment string `json:"vat_treatment,omitempty"`
	// Billing says when orders that do not say are invoiced: "on_order" or
	// "on_delivery".
	Billing string `json:"billing,omitempty"`
	// Profile is the record id of the customer's billing profile.
	Profile string `json:"profile,omitempty"`
}

// Route is one way to reach a customer. It holds names of secrets, never secrets.
type Route struct {
	// Channel is "https.gateway", "https.ap" or "mail".
	Channel string `json:"channel"`
	// Address is an https URL or an e-mail address.
	Address string `json:"address"`
	// Receiver is the customer's participant identifier on that channel.
	Receiver string `json:"receiver,omitempty"`
	// PeerID is who must sign the receipt; the receiver when absent.
	PeerID string `json:"peer_id,omitempty"`
	// Bearer names the token to send.
	Bearer string `json:"bearer,omitempty"`
	// Identity names the client certificate for mutual TLS.
	Identity string `json:"identity,omitempty"`
	// Idempotent says that the peer promises to take a repeated message once.
	Idempotent bool `json:"idempotent,omitempty"`
}

// Item is an article or service of the tenant.
type Item struct {
	// SellerID is the seller's article number (BT-155); it is what orders name.
	SellerID string `json:"seller_id"`
	// StandardID is a registered identifier such as a GTIN (BT-157).
	StandardID invoice.Identifier `json:"standard_id,omitzero"`
	// Name is the name of the item (BT-153).
	Name string `json:"name"`
	// Description describes it (BT-154).
	Description string `json:"description,omitempty"`
	// Unit is the unit it is sold in (BT-130), UN/ECE Recommendation 20 or 21.
	Unit string `json:"unit,omitempty"`
	// Classifications are codes that classify the item (BT-158).
	Classifications []invoice.Identifier `json:"classifications,omitempty"`
	// OriginCountry is the country of origin (BT-159).
	OriginCountry string `json:"origin_country,omitempty"`
	// VAT is how the item is taxed for customers without a treatment of their own.
	VAT *VAT `json:"vat,omitempty"`
	// VATTreatments is how it is taxed otherwise, by Customer.VATTreatment.
	VATTreatments map[string]VAT `json:"vat_treatments,omitempty"`
}

// VAT is how an item is taxed.
type VAT struct {
	// Category is the VAT category code (BT-151), UNTDID 5305.
	Category string `json:"category"`
	// Rate is the VAT rate (BT-152); 20 means 20 %. None for category O.
	Rate *invoice.Decimal `json:"rate,omitempty"`
	// ExemptionReason says in words why no VAT is charged (BT-120).
	ExemptionReason string `json:"exemption_reason,omitempty"`
	// ExemptionReasonCode says it as a VATEX code (BT-121).
	ExemptionReasonCode string `json:"exemption_reason_code,omitempty"`
}
