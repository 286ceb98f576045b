package billing

import "facteur.dev/facteur/formats/invoice"

// Terms are payment terms: when an invoice is due.
type Terms struct {
	// NetDays are the days after the issue date.
	NetDays int `json:"net_days"`
	// EndOfMonth moves the day after NetDays to the end of its month.
	EndOfMonth bool `json:"end_of_month,omitempty"`
	// ExtraDays are the days after the end of the month: 30 days end of month the
	// 10th is {30, true, 10}, end of month plus 45 days is {0, true, 45}.
	ExtraDays int `json:"extra_days,omitempty"`
	// Text says the terms in words (BT-20).
	Text string `json:"text,omitempty"`
}

// Due is the payment due date (BT-9) of an invoice issued on the date.
func (t Terms) Due(issued invoice.Date) invoice.Date {
	due := issued.AddDays(t.NetDays)
	if t.EndOfMonth {
		due = endOfMonth(due)
	}
	return due.AddDays(t.ExtraDays)
}

func endOfMonth(d invoice.Date) invoice.Date {
	for next := d.AddDays(1); next.Month() == d.Month(); next = d.AddDays(1) {
		d = next
	}
	return d
}
