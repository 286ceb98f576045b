package invoice

// Line is one invoiced position (BG-25).
type Line struct {
	// ID (BT-126) identifies the line within the invoice.
	ID string `json:"id,omitempty" term:"BT-126"`
	// Note (BT-127) is a text on the line.
	Note string `json:"note,omitempty" term:"BT-127"`
	// Object (BT-128) identifies what the line is about, such as a meter; its
	// scheme is from UNTDID 1153.
	Object Identifier `json:"object,omitzero" term:"BT-128"`
	// Quantity (BT-129) is how much is invoiced; negative to take back.
	Quantity Decimal `json:"quantity" term:"BT-129"`
	// Unit (BT-130) is the unit of the quantity, UN/ECE Recommendation 20 or 21.
	Unit string `json:"unit,omitempty" term:"BT-130"`
	// NetAmount (BT-131) is the amount of the line without VAT.
	NetAmount Decimal `json:"net_amount" term:"BT-131"`
	// OrderLineReference (BT-132) is the line of the purchase order BT-13.
	OrderLineReference string `json:"order_line_reference,omitempty" term:"BT-132"`
	// BuyerAccountingReference (BT-133) is where the buyer books the line.
	BuyerAccountingReference string `json:"buyer_accounting_reference,omitempty" term:"BT-133"`
	// Period (BG-26) is the time the line covers.
	Period *LinePeriod `json:"period,omitempty" term:"BG-26"`
	// Allowances (BG-27) reduce the line.
	Allowances []LineAllowanceCharge `json:"allowances,omitempty" term:"BG-27"`
	// Charges (BG-28) are added to the line.
	Charges []LineAllowanceCharge `json:"charges,omitempty" term:"BG-28"`
	// Price (BG-29) is the price of the item.
	Price Price `json:"price" term:"BG-29"`
	// VAT (BG-30) is how the line is taxed.
	VAT LineVAT `json:"vat,omitzero" term:"BG-30"`
	// Item (BG-31) is what is invoiced.
	Item Item `json:"item,omitzero" term:"BG-31"`
	// Extensions hold what the line carries beyond EN 16931-1.
	Extensions *LineExtensions `json:"extensions,omitempty"`
}

// LinePeriod is the time a line covers (BG-26).
type LinePeriod struct {
	// Start (BT-134) is its first day.
	Start *Date `json:"start,omitempty" term:"BT-134"`
	// End (BT-135) is its last day.
	End *Date `json:"end,omitempty" term:"BT-135"`
}

// LineAllowanceCharge is an allowance (BG-27) or a charge (BG-28) on a line. All
// its amounts are positive numbers without VAT.
type LineAllowanceCharge struct {
	// Amount (BT-136, BT-141) is what is taken off or added.
	Amount Decimal `json:"amount" term:"BG-27=BT-136,BG-28=BT-141"`
	// BaseAmount (BT-137, BT-142) is what the percentage applies to.
	BaseAmount *Decimal `json:"base_amount,omitempty" term:"BG-27=BT-137,BG-28=BT-142"`
	// Percentage (BT-138, BT-143) is the share of the base amount; 5 means 5 %.
	Percentage *Decimal `json:"percentage,omitempty" term:"BG-27=BT-138,BG-28=BT-143"`
	// Reason (BT-139, BT-144) says why, in words.
	Reason string `json:"reason,omitempty" term:"BG-27=BT-139,BG-28=BT-144"`
	// ReasonCode (BT-140, BT-145) says why: UNTDID 5189 for an allowance, 7161
	// for a charge.
	ReasonCode string `json:"reason_code,omitempty" term:"BG-27=BT-140,BG-28=BT-145"`
}

// Price is the price of an item (BG-29), without VAT. Prices may have any number
// of decimals.
type Price struct {
	// Net (BT-146) is the price after the discount, for BaseQuantity units.
	Net Decimal `json:"net" term:"BT-146"`
	// Discount (BT-147) is what is taken off the gross price.
	Discount *Decimal `json:"discount,omitempty" term:"BT-147"`
	// Gross (BT-148) is the price before the discount.
	Gross *Decimal `json:"gross,omitempty" term:"BT-148"`
	// BaseQuantity (BT-149) is how many units the price is for; 1 when absent.
	BaseQuantity *Decimal `json:"base_quantity,omitempty" term:"BT-149"`
	// BaseUnit (BT-150) is the unit of BaseQuantity, the same as BT-130.
	BaseUnit string `json:"base_unit,omitempty" term:"BT-150"`
}

// LineVAT is how a line is taxed (BG-30).
type LineVAT struct {
	// Category (BT-151) is the VAT category code, UNTDID 5305: S standard, Z
	// zero, E exempt, AE reverse charge, K intra-community, G export, O outside
	// scope, L IGIC, M IPSI.
	Category string `json:"category,omitempty" term:"BT-151"`
	// Rate (BT-152) is the VAT rate; 20 means 20 %. None for category O.
	Rate *Decimal `json:"rate,omitempty" term:"BT-152"`
}

// Item is what is invoiced (BG-31).
type Item struct {
	// Name (BT-153) is the name of the item.
	Name string `json:"name,omitempty" term:"BT-153"`
	// Description (BT-154) describes it.
	Description string `json:"description,omitempty" term:"BT-154"`
	// SellerID (BT-155) is the seller's article number.
	SellerID string `json:"seller_id,omitempty" term:"BT-155"`
	// BuyerID (BT-156) is the buyer's article number.
	BuyerID string `json:"buyer_id,omitempty" term:"BT-156"`
	// StandardID (BT-157) is a registered identifier such as a GTIN (scheme
	// 0160).
	StandardID Identifier `json:"standard_id,omitzero" term:"BT-157"`
	// Classifications (BT-158) are codes that classify the item, such as CPV.
	Classifications []Identifier `json:"classifications,omitempty" term:"BT-158"`
	// OriginCountry (BT-159) is the country of origin, ISO 3166-1 alpha-2.
	OriginCountry string `json:"origin_country,omitempty" term:"BT-159"`
	// Attributes (BG-32) are properties such as colour or size.
	Attributes []Attribute `json:"attributes,omitempty" term:"BG-32"`
}

// Attribute is a property of an item (BG-32).
type Attribute struct {
	// Name (BT-160) names the property.
	Name string `json:"name" term:"BT-160"`
	// Value (BT-161) is its value.
	Value string `json:"value" term:"BT-161"`
}
