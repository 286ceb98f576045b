package order

import "facteur.dev/facteur/formats/invoice"

// Delivery is a delivery note (despatch advice): what left for the buyer, or came
// back for a return, on one day.
type Delivery struct {
	// ID is the number of the note, unique for the seller; it becomes BT-16.
	ID string `json:"id"`
	// ExternalID is the identifier of the note in the submitting system.
	ExternalID string `json:"external_id,omitempty"`
	// IssueDate is the day the note was written.
	IssueDate invoice.Date `json:"issue_date,omitzero"`
	// Date is the day of the actual delivery; it becomes BT-72.
	Date *invoice.Date `json:"date,omitempty"`
	// OrderNumber is the order that was delivered; lines may name another.
	OrderNumber string `json:"order_number,omitempty"`
	// SalesOrderNumber is the seller's number of that order.
	SalesOrderNumber string `json:"sales_order_number,omitempty"`
	// DeliverTo is where it was delivered, when the note says so.
	DeliverTo *DeliverTo `json:"deliver_to,omitempty"`
	// Notes are texts on the whole note.
	Notes []string `json:"notes,omitempty"`
	// Lines are what was delivered.
	Lines []DeliveryLine `json:"lines"`
}

// DeliveryLine is one delivered position.
type DeliveryLine struct {
	// ID identifies the line within the note.
	ID string `json:"id"`
	// OrderLine is the identifier of the order line that was delivered.
	OrderLine string `json:"order_line"`
	// OrderNumber is the order of that line, when it is not the note's.
	OrderNumber string `json:"order_number,omitempty"`
	// Quantity is how much was delivered, in Unit; zero or more.
	Quantity invoice.Decimal `json:"quantity"`
	// Unit is the unit of the quantity, UN/ECE Recommendation 20 or 21. When it is
	// absent it is that of the order line.
	Unit string `json:"unit,omitempty"`
	// Outstanding is how much the seller says is still to come.
	Outstanding *invoice.Decimal `json:"outstanding,omitempty"`
	// OutstandingReason says why.
	OutstandingReason string `json:"outstanding_reason,omitempty"`
	// Item is what was delivered, as far as the note says.
	Item invoice.Item `json:"item,omitzero"`
	// Notes are texts on the line.
	Notes []string `json:"notes,omitempty"`
}

// OrderOf is the number of the order that the line belongs to.
func (d *Delivery) OrderOf(l *DeliveryLine) string {
	if l.OrderNumber != "" {
		return l.OrderNumber
	}
	return d.OrderNumber
}
