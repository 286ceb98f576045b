package invoice

// Seller supplies the goods or services (BG-4).
type Seller struct {
	// Name (BT-27) is the full formal name.
	Name string `json:"name,omitempty" term:"BT-27"`
	// TradingName (BT-28) is the name the seller is known by.
	TradingName string `json:"trading_name,omitempty" term:"BT-28"`
	// Identifiers (BT-29) are identifiers such as a GLN or a supplier number.
	Identifiers []Identifier `json:"identifiers,omitempty" term:"BT-29"`
	// LegalRegistration (BT-30) is the number in the official register.
	LegalRegistration Identifier `json:"legal_registration,omitzero" term:"BT-30"`
	// VATIdentifier (BT-31) is the VAT number with its country prefix.
	VATIdentifier string `json:"vat_identifier,omitempty" term:"BT-31"`
	// TaxRegistration (BT-32) is the local tax number, or a reference that
	// shows the registered tax status (Norway: "Foretaksregisteret").
	TaxRegistration string `json:"tax_registration,omitempty" term:"BT-32"`
	// LegalInformation (BT-33) is further legal information, such as the share
	// capital.
	LegalInformation string `json:"legal_information,omitempty" term:"BT-33"`
	// ElectronicAddress (BT-34) is the address messages can be sent to; the
	// scheme is an EAS code.
	ElectronicAddress Identifier `json:"electronic_address,omitzero" term:"BT-34"`
	// Address (BG-5) is the postal address.
	Address Address `json:"address,omitzero" term:"BG-5"`
	// Contact (BG-6) is whom to ask.
	Contact *Contact `json:"contact,omitempty" term:"BG-6"`
}

// Buyer receives the goods or services (BG-7).
type Buyer struct {
	// Name (BT-44) is the full name.
	Name string `json:"name,omitempty" term:"BT-44"`
	// TradingName (BT-45) is the name the buyer is known by.
	TradingName string `json:"trading_name,omitempty" term:"BT-45"`
	// Identifier (BT-46) is an identifier such as a GLN or a customer number.
	Identifier Identifier `json:"identifier,omitzero" term:"BT-46"`
	// LegalRegistration (BT-47) is the number in the official register.
	LegalRegistration Identifier `json:"legal_registration,omitzero" term:"BT-47"`
	// VATIdentifier (BT-48) is the VAT number with its country prefix.
	VATIdentifier string `json:"vat_identifier,omitempty" term:"BT-48"`
	// ElectronicAddress (BT-49) is the address the invoice is sent to; the
	// scheme is an EAS code.
	ElectronicAddress Identifier `json:"electronic_address,omitzero" term:"BT-49"`
	// Address (BG-8) is the postal address.
	Address Address `json:"address,omitzero" term:"BG-8"`
	// Contact (BG-9) is whom to ask.
	Contact *Contact `json:"contact,omitempty" term:"BG-9"`
}

// Payee receives the payment instead of the seller (BG-10).
type Payee struct {
	// Name (BT-59) is the payee's name.
	Name string `json:"name,omitempty" term:"BT-59"`
	// Identifier (BT-60) identifies the payee.
	Identifier Identifier `json:"identifier,omitzero" term:"BT-60"`
	// LegalRegistration (BT-61) is the number in the official register.
	LegalRegistration Identifier `json:"legal_registration,omitzero" term:"BT-61"`
}

// TaxRepresentative represents the seller before the tax authority (BG-11).
type TaxRepresentative struct {
	// Name (BT-62) is the full name.
	Name string `json:"name,omitempty" term:"BT-62"`
	// VATIdentifier (BT-63) is the VAT number with its country prefix.
	VATIdentifier string `json:"vat_identifier,omitempty" term:"BT-63"`
	// Address (BG-12) is the postal address.
	Address Address `json:"address,omitzero" term:"BG-12"`
}

// Address is a postal address: of the seller (BG-5), the buyer (BG-8), the tax
// representative (BG-12) or the place of delivery (BG-15).
type Address struct {
	// Line1 (BT-35, BT-50, BT-64, BT-75) is usually street and number.
	Line1 string `json:"line1,omitempty" term:"BG-5=BT-35,BG-8=BT-50,BG-12=BT-64,BG-15=BT-75"`
	// Line2 (BT-36, BT-51, BT-65, BT-76) has further details.
	Line2 string `json:"line2,omitempty" term:"BG-5=BT-36,BG-8=BT-51,BG-12=BT-65,BG-15=BT-76"`
	// Line3 (BT-162, BT-163, BT-164, BT-165) has further details.
	Line3 string `json:"line3,omitempty" term:"BG-5=BT-162,BG-8=BT-163,BG-12=BT-164,BG-15=BT-165"`
	// City (BT-37, BT-52, BT-66, BT-77) is the town.
	City string `json:"city,omitempty" term:"BG-5=BT-37,BG-8=BT-52,BG-12=BT-66,BG-15=BT-77"`
	// PostCode (BT-38, BT-53, BT-67, BT-78) is the postal code.
	PostCode string `json:"post_code,omitempty" term:"BG-5=BT-38,BG-8=BT-53,BG-12=BT-67,BG-15=BT-78"`
	// Subdivision (BT-39, BT-54, BT-68, BT-79) is the region or state.
	Subdivision string `json:"subdivision,omitempty" term:"BG-5=BT-39,BG-8=BT-54,BG-12=BT-68,BG-15=BT-79"`
	// Country (BT-40, BT-55, BT-69, BT-80) is the country code, ISO 3166-1
	// alpha-2.
	Country string `json:"country,omitempty" term:"BG-5=BT-40,BG-8=BT-55,BG-12=BT-69,BG-15=BT-80"`
}

// IsZero tells whether the address is empty.
func (a Address) IsZero() bool { return a == Address{} }

// Contact is a person or department of the seller (BG-6) or the buyer (BG-9).
type Contact struct {
	// Name (BT-41, BT-56) is the contact point.
	Name string `json:"name,omitempty" term:"BG-6=BT-41,BG-9=BT-56"`
	// Telephone (BT-42, BT-57) is its telephone number.
	Telephone string `json:"telephone,omitempty" term:"BG-6=BT-42,BG-9=BT-57"`
	// Email (BT-43, BT-58) is its e-mail address.
	Email string `json:"email,omitempty" term:"BG-6=BT-43,BG-9=BT-58"`
}

// Delivery says where and when the supply took place (BG-13).
type Delivery struct {
	// PartyName (BT-70) is who received it.
	PartyName string `json:"party_name,omitempty" term:"BT-70"`
	// Location (BT-71) identifies the place, for example by a GLN.
	Location Identifier `json:"location,omitzero" term:"BT-71"`
	// Date (BT-72) is the day of the actual delivery.
	Date *Date `json:"date,omitempty" term:"BT-72"`
	// Address (BG-15) is where it was delivered to.
	Address *Address `json:"address,omitempty" term:"BG-15"`
}

// PaymentInstructions say how to pay (BG-16).
type PaymentInstructions struct {
	// MeansCode (BT-81) is the means of payment, UNTDID 4461: 30 or 58 credit
	// transfer, 49 or 59 direct debit, 48 card, …
	MeansCode string `json:"means_code,omitempty" term:"BT-81"`
	// MeansText (BT-82) is the means of payment in words.
	MeansText string `json:"means_text,omitempty" term:"BT-82"`
	// RemittanceInformation (BT-83) is the text that links payment and invoice.
	RemittanceInformation string `json:"remittance_information,omitempty" term:"BT-83"`
	// CreditTransfers (BG-17) are the accounts to pay to.
	CreditTransfers []CreditTransfer `json:"credit_transfers,omitempty" term:"BG-17"`
	// Card (BG-18) is the card that was charged.
	Card *Card `json:"card,omitempty" term:"BG-18"`
	// DirectDebit (BG-19) is the direct debit to come.
	DirectDebit *DirectDebit `json:"direct_debit,omitempty" term:"BG-19"`
}

// CreditTransfer is an account to pay to (BG-17).
type CreditTransfer struct {
	// Account (BT-84) is the IBAN or a national account number.
	Account Identifier `json:"account,omitzero" term:"BT-84"`
	// AccountName (BT-85) is the name of the account.
	AccountName string `json:"account_name,omitempty" term:"BT-85"`
	// ServiceProvider (BT-86) is the bank, usually a BIC.
	ServiceProvider Identifier `json:"service_provider,omitzero" term:"BT-86"`
}

// Card is a payment card (BG-18).
type Card struct {
	// AccountNumber (BT-87) is the end of the card number, at most 10 digits.
	AccountNumber string `json:"account_number,omitempty" term:"BT-87"`
	// HolderName (BT-88) is the card holder.
	HolderName string `json:"holder_name,omitempty" term:"BT-88"`
	// Network is the card network, such as "VISA" (no term of EN 16931-1).
	Network string `json:"network,omitempty"`
}

// DirectDebit is a direct debit (BG-19).
type DirectDebit struct {
	// Mandate (BT-89) identifies the mandate.
	Mandate string `json:"mandate,omitempty" term:"BT-89"`
	// CreditorIdentifier (BT-90) is the creditor's SEPA identifier.
	CreditorIdentifier string `json:"creditor_identifier,omitempty" term:"BT-90"`
	// DebitedAccount (BT-91) is the account that is debited.
	DebitedAccount string `json:"debited_account,omitempty" term:"BT-91"`
}
