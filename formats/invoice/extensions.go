package invoice

// Extensions hold what documents carry for the whole invoice although
// EN 16931-1 has no term for it.
type Extensions struct {
	// AdditionalPayments are further payment instructions with another means
	// code or remittance information than BG-16.
	AdditionalPayments []PaymentInstructions `json:"additional_payments,omitempty"`
}

// LineExtensions hold what a line carries although EN 16931-1 has no term for it.
type LineExtensions struct {
	// OrderReference is the purchase order of this line, when lines of several
	// orders are invoiced together.
	OrderReference string `json:"order_reference,omitempty"`
}
