package gateway

import (
	"encoding/json"
	"time"
)

// OrderState is where an order stands.
type OrderState string

// States of an order.
const (
	// OrderReceived: stored; drafts not yet made.
	OrderReceived OrderState = "received"
	// OrderOpen: something of it is still to be delivered or invoiced.
	OrderOpen OrderState = "open"
	// OrderInvoiced: everything ordered stands on an invoice.
	OrderInvoiced OrderState = "invoiced"
	// OrderRejected: it cannot be invoiced; Reason says why.
	OrderRejected OrderState = "rejected"
)

// Order is a sales order as the gateway keeps it. Body is the canonical
// formats/order.Order as JSON; the bytes that came in are the blob SourceSHA256.
type Order struct {
	ID           string          `json:"id"`
	ExternalID   string          `json:"external_id,omitempty"`
	Number       string          `json:"number"`
	BusinessKey  string          `json:"-"` // seller, buyer and number; unique in the tenant
	LegalEntity  string          `json:"legal_entity"`
	Customer     string          `json:"customer"`
	State        OrderState      `json:"state"`
	Reason       string          `json:"reason,omitempty"`
	SourceSHA256 string          `json:"source_sha256"`
	SourceType   string          `json:"source_type"` // media type
	Body         json.RawMessage `json:"body"`
	// Remainder lists what is still open by line (billing.Remainder as JSON).
	Remainder json.RawMessage `json:"remainder,omitempty"`
	Version   int64           `json:"version"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// OrderDelivery is a delivery note for an order. NoteID is the note's own
// number, unique within the order.
type OrderDelivery struct {
	ID           string          `json:"id"`
	OrderID      string          `json:"order_id"`
	NoteID       string          `json:"note_id"`
	SourceSHA256 string          `json:"source_sha256"`
	Body         json.RawMessage `json:"body"`
	InvoiceID    string          `json:"invoice_id,omitempty"`
	CreatedAt    time.Time       `json:"created_at"`
}

// OrderFilter narrows a list of orders. Zero fields do not narrow.
type OrderFilter struct {
	State      OrderState
	Customer   string
	ExternalID string
	Number     string
}

// RecordKind names a kind of versioned record.
type RecordKind string

// Kinds of records. Bodies are billing.LegalEntity, billing.Customer,
// billing.Item and requirements.Profile as JSON.
const (
	RecordLegalEntity RecordKind = "legal_entity"
	RecordCustomer    RecordKind = "customer"
	RecordItem        RecordKind = "item"
	RecordProfile     RecordKind = "billing_profile"
	// RecordPeer is another gateway: records.Peer.
	RecordPeer RecordKind = "peer"
)

// Record is one version of a record. Versions count from 1 and are never
// changed; the newest whose ValidFrom is not later than a moment is the one in
// force then.
type Record struct {
	Kind      RecordKind `json:"kind"`
	ID        string     `json:"id"`
	Version   int64      `json:"version"`
	ValidFrom time.Time  `json:"valid_from"`
	// Keys find the record by what documents say of it, such as "vat:FR32123456789".
	// Those of the newest version count.
	Keys      []string        `json:"-"`
	Body      json.RawMessage `json:"body"`
	Deleted   bool            `json:"deleted,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	CreatedBy Actor           `json:"created_by"`
}

// NumberSeries counts the invoice numbers of one legal entity, document kind
// and period. Numbers are taken in order, without gaps, in the transaction that
// makes an invoice ready.
type NumberSeries struct {
	LegalEntity string `json:"legal_entity"`
	Kind        string `json:"kind"`   // "invoice" or "credit_note"
	Period      string `json:"period"` // e.g. "2026", or "" for a series that never restarts
	Pattern     string `json:"pattern"`
	Next        int64  `json:"next"`
	// LastDate is the issue date of the last number taken (YYYY-MM-DD): a later
	// number never carries an earlier date.
	LastDate string `json:"last_date,omitempty"`
}

// NumberTaken is one number of a series and the invoice that carries it.
type NumberTaken struct {
	Series    NumberSeries `json:"series"`
	N         int64        `json:"n"`
	Number    string       `json:"number"`
	InvoiceID string       `json:"invoice_id"`
	TakenAt   time.Time    `json:"taken_at"`
}
