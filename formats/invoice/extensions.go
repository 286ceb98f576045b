package invoice

// Extensions hold what documents carry for the whole invoice although
// EN 16931-1 has no term for it. Terms named BT-DEX and BG-DEX are those of the
// XRechnung extension.
type Extensions struct {
	// AdditionalPayments are further payment instructions, with another means
	// code or remittance information than BG-16.
	AdditionalPayments []PaymentInstructions `json:"additional_payments,omitempty"`
	// ThirdPartyPayments (BG-DEX-09) are claims of others that are collected
	// with this invoice; they are part of the amount due.
	ThirdPartyPayments []ThirdPartyPayment `json:"third_party_payments,omitempty" term:"BG-DEX-09"`
}

// ThirdPartyPayment is a claim of somebody else that is collected with the
// invoice (BG-DEX-09).
type ThirdPartyPayment struct {
	// Type (BT-DEX-001) says what kind of claim it is.
	Type string `json:"type,omitempty" term:"BT-DEX-001"`
	// Amount (BT-DEX-002) is the amount with VAT.
	Amount Decimal `json:"amount" term:"BT-DEX-002"`
	// Description (BT-DEX-003) describes the claim.
	Description string `json:"description,omitempty" term:"BT-DEX-003"`
}

// LineExtensions hold what a line carries although EN 16931-1 has no term for it.
type LineExtensions struct {
	// OrderReference is the purchase order of this line, when lines of several
	// orders are invoiced together.
	OrderReference string `json:"order_reference,omitempty"`
	// DespatchAdviceReference is the despatch advice of this line.
	DespatchAdviceReference string `json:"despatch_advice_reference,omitempty"`
	// DespatchLineReference is the line of that despatch advice.
	DespatchLineReference string `json:"despatch_line_reference,omitempty"`
	// PrecedingInvoices are earlier invoices that this line corrects or credits.
	PrecedingInvoices []PrecedingInvoice `json:"preceding_invoices,omitempty"`
	// Delivery says where and when this line was delivered.
	Delivery *Delivery `json:"delivery,omitempty"`
	// SubLines (BG-DEX-01) divide the line further; they do not add to it.
	SubLines []Line `json:"sub_lines,omitempty" term:"BG-DEX-01"`
}

// IsZero tells whether there is nothing beyond EN 16931-1.
func (e *LineExtensions) IsZero() bool {
	return e == nil || e.OrderReference == "" && e.DespatchAdviceReference == "" &&
		e.DespatchLineReference == "" && len(e.PrecedingInvoices) == 0 && e.Delivery == nil &&
		len(e.SubLines) == 0
}
