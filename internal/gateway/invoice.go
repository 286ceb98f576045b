package gateway

import (
	"encoding/json"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/transport"
)

// Invoice is an outgoing invoice or credit note as the gateway keeps it. Model
// is the canonical formats/invoice.Invoice as JSON; the fields beside it are
// copies for searching.
type Invoice struct {
	ID          string `json:"id"`
	ExternalID  string `json:"external_id,omitempty"`
	OrderID     string `json:"order_id,omitempty"`
	CreditOf    string `json:"credit_of,omitempty"` // invoice this credit note corrects
	LegalEntity string `json:"legal_entity"`
	Customer    string `json:"customer"`
	// CustomerName is what people see in lists.
	CustomerName string       `json:"customer_name"`
	State        InvoiceState `json:"state"`
	// Hold says why it is held: "records", "rules", "requirements", "number", "route".
	Hold       string          `json:"hold,omitempty"`
	HoldDetail json.RawMessage `json:"hold_detail,omitempty"`
	// Number is BT-1; empty until the invoice is ready, unless the ERP gave it.
	Number      string          `json:"number,omitempty"`
	NumberGiven bool            `json:"number_given,omitempty"`
	BusinessKey string          `json:"-"` // seller, number, year, kind; unique among invoices that were ready once
	Kind        string          `json:"kind"`
	IssueDate   string          `json:"issue_date,omitempty"`
	DueDate     string          `json:"due_date,omitempty"`
	Currency    string          `json:"currency"`
	Total       invoice.Decimal `json:"total"`  // BT-112
	Payable     invoice.Decimal `json:"amount"` // BT-115
	Model       json.RawMessage `json:"model"`
	// Sources shows where each value that the order lacked came from.
	Sources json.RawMessage `json:"sources,omitempty"`
	// SourceSHA256 is the blob of the finished invoice an ERP gave, empty for our own.
	SourceSHA256 string          `json:"source_sha256,omitempty"`
	SourceType   string          `json:"source_type,omitempty"`
	Override     json.RawMessage `json:"override,omitempty"` // who let it pass, why, which findings
	Status       Status          `json:"status"`
	Version      int64           `json:"version"`
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
}

// InvoiceFilter narrows a list of invoices. Zero fields do not narrow.
type InvoiceFilter struct {
	States     []InvoiceState
	Customer   string
	OrderID    string
	ExternalID string
	CreditOf   string
	Number     string
	// Text matches a part of number, external id or customer name.
	Text string
	// Since and Until bound CreatedAt (inclusive, exclusive).
	Since, Until time.Time
}

// Document is one file of an invoice: bytes addressed by SHA-256.
type Document struct {
	SHA256    string `json:"sha256"`
	InvoiceID string `json:"invoice_id,omitempty"`
	InboundID string `json:"inbound_id,omitempty"`
	// Role is "original" (as it came in), "invoice" (what is sent), "seal", "receipt",
	// "answer", "mail" (that came back and is no delivery report).
	Role          string    `json:"role"`
	Syntax        string    `json:"syntax,omitempty"`
	Customization string    `json:"customization,omitempty"`
	MediaType     string    `json:"media_type"`
	Filename      string    `json:"filename"`
	Size          int64     `json:"size"`
	CreatedAt     time.Time `json:"created_at"`
}

// VerdictRecord keeps one validation.Result of a document, as JSON.
type VerdictRecord struct {
	ID        string          `json:"id"`
	InvoiceID string          `json:"invoice_id,omitempty"`
	InboundID string          `json:"inbound_id,omitempty"`
	SHA256    string          `json:"sha256"` // of the document judged
	Valid     bool            `json:"valid"`
	Result    json.RawMessage `json:"result"`
	CreatedAt time.Time       `json:"created_at"`
}

// Delivery is one channel's try to carry one document to one receiver. The
// message id never changes: every attempt repeats the same bytes under it.
type Delivery struct {
	ID             string        `json:"id"`
	InvoiceID      string        `json:"invoice_id,omitempty"`
	InboundID      string        `json:"inbound_id,omitempty"` // set when this carries an answer to an inbound document
	Purpose        string        `json:"purpose"`              // "invoice" or "answer"
	DocumentSHA256 string        `json:"document_sha256"`
	MessageID      string        `json:"message_id"`
	Route          Route         `json:"route"`
	State          DeliveryState `json:"state"`
	Attempts       int           `json:"attempts"`
	Code           string        `json:"code,omitempty"` // of the last outcome
	Detail         string        `json:"detail,omitempty"`
	ReceiptSHA256  string        `json:"receipt_sha256,omitempty"`
	NextAt         *time.Time    `json:"next_at,omitempty"`
	Version        int64         `json:"version"`
	CreatedAt      time.Time     `json:"created_at"`
	UpdatedAt      time.Time     `json:"updated_at"`
}

// Route is the channel and endpoint chosen, and why.
type Route struct {
	Channel string `json:"channel"` // "https", "http", "mail", "sink"
	Address string `json:"address"`
	// Sender and Receiver are the participant ids of the two sides on that channel.
	Sender   string `json:"sender,omitempty"`
	Receiver string `json:"receiver,omitempty"`
	// Options are the channel's settings, a transport.Endpoint as JSON; it names
	// secrets and holds none.
	Options json.RawMessage `json:"options,omitempty"`
	Why     string          `json:"why"`
	// Index of the route in the customer's record, for the next one to try.
	Index int `json:"index"`
}

// Peer names who is contacted, for Task.Group: all mail goes by one relay.
func (r Route) Peer() string {
	if r.Channel == transport.ChannelMail {
		return r.Channel
	}
	return PeerOf(r.Address)
}

// Attempt is one contact with the peer.
type Attempt struct {
	DeliveryID string     `json:"delivery_id"`
	N          int        `json:"n"`
	StartedAt  time.Time  `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Outcome    string     `json:"outcome,omitempty"`
	Code       string     `json:"code,omitempty"`
	Detail     string     `json:"detail,omitempty"`
}

// Inbound is a document that another party sent to this tenant.
type Inbound struct {
	ID           string       `json:"id"`
	MessageID    string       `json:"message_id"`
	Sender       string       `json:"sender"`
	Receiver     string       `json:"receiver"`
	DocumentType string       `json:"document_type"`
	SHA256       string       `json:"sha256"`
	MediaType    string       `json:"media_type"`
	Channel      string       `json:"channel"`
	State        InboundState `json:"state"`
	// Model is the projection into formats/invoice.Invoice; empty when unreadable.
	Model     json.RawMessage `json:"model,omitempty"`
	Number    string          `json:"number,omitempty"`
	SellerKey string          `json:"seller_key,omitempty"`
	// DuplicateOf is an earlier inbound document of the same seller, number and kind.
	DuplicateOf    string          `json:"duplicate_of,omitempty"`
	Answer         string          `json:"answer,omitempty"` // last answer: "approved", "disputed", "refused" …
	AnswerDetail   json.RawMessage `json:"answer_detail,omitempty"`
	ReplyTo        Route           `json:"reply_to"`
	Receipt        []byte          `json:"-"` // the signed receipt given, repeated for a repeated message
	AcknowledgedAt *time.Time      `json:"acknowledged_at,omitempty"`
	Version        int64           `json:"version"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

// InboundFilter narrows a list of inbound documents.
type InboundFilter struct {
	States       []InboundState
	Unacked      bool
	SellerKey    string
	Number       string
	DocumentType string
}
