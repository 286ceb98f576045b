package gateway

import (
	"encoding/json"
	"time"
)

// EventType says what happened. The values are stable API.
type EventType string

// Event types. The first word names what it happened to.
const (
	EventOrderReceived     EventType = "order.received"
	EventOrderRejected     EventType = "order.rejected"
	EventOrderDelivered    EventType = "order.delivered" // a delivery note came in
	EventOrderInvoiced     EventType = "order.invoiced"  // a draft was made from it
	EventInvoiceDrafted    EventType = "invoice.drafted"
	EventInvoiceChecked    EventType = "invoice.checked" // verdicts were taken
	EventInvoiceHeld       EventType = "invoice.held"
	EventInvoiceRejected   EventType = "invoice.rejected"
	EventInvoiceCorrected  EventType = "invoice.corrected"
	EventInvoiceReleased   EventType = "invoice.released"
	EventInvoiceOverridden EventType = "invoice.overridden"
	EventInvoiceReady      EventType = "invoice.ready" // number taken, documents sealed, delivery queued
	EventInvoiceSent       EventType = "invoice.sent"
	EventInvoiceClosed     EventType = "invoice.closed"
	EventInvoiceCredited   EventType = "invoice.credited"
	EventInvoiceCancelled  EventType = "invoice.cancelled"

	EventDeliveryQueued   EventType = "delivery.queued"
	EventDeliveryAttempt  EventType = "delivery.attempted"
	EventDeliveryAccepted EventType = "delivery.accepted"  // the channel's own acceptance: SMTP 250, HTTP 2xx
	EventDeliveryReceipt  EventType = "delivery.receipted" // a signed receipt of the receiver's access point
	EventDeliveryRetrying EventType = "delivery.retrying"
	EventDeliveryUnknown  EventType = "delivery.unknown"
	EventDeliveryFailed   EventType = "delivery.failed"
	EventDeliveryResolved EventType = "delivery.resolved" // a person said what became of it
	EventDeliveryReported EventType = "delivery.reported" // delivery report: in the mailbox
	EventDeliveryRelayed  EventType = "delivery.relayed"  // report: handed on, no further reports
	EventDeliveryDelayed  EventType = "delivery.delayed"
	EventDeliveryBounced  EventType = "delivery.bounced"

	EventPortalOpened EventType = "portal.opened" // opened by link holder, grade 2
	EventPortalViewed EventType = "portal.viewed" // with a login or one-time code, grade 3

	EventAnswerInProcess EventType = "answer.in_process"
	EventAnswerApproved  EventType = "answer.approved"
	EventAnswerPartly    EventType = "answer.partly_approved"
	EventAnswerDisputed  EventType = "answer.disputed"
	EventAnswerRefused   EventType = "answer.refused"
	EventAnswerRejected  EventType = "answer.rejected" // the receiver's checks failed

	EventMoneyAnnounced EventType = "money.announced"
	EventMoneyReceived  EventType = "money.received"

	EventInboundReceived     EventType = "inbound.received"
	EventInboundChecked      EventType = "inbound.checked"
	EventInboundQuarantined  EventType = "inbound.quarantined"
	EventInboundAvailable    EventType = "inbound.available"
	EventInboundForwarded    EventType = "inbound.forwarded"
	EventInboundAcknowledged EventType = "inbound.acknowledged"
	EventInboundAnswered     EventType = "inbound.answered"

	EventWebhookDisabled EventType = "webhook.disabled"
	EventRecordChanged   EventType = "record.changed"
	EventAccessChanged   EventType = "access.changed"
)

// Grade says how strong the evidence behind an event is.
type Grade int

// Grades of evidence.
const (
	GradeNone     Grade = iota // nobody says so but us
	GradeWeak                  // a server took it; no promise of the receiver
	GradeMedium                // a link holder pressed the button; an unsigned report
	GradeStrong                // a login or one-time code; a signed receipt
	GradeBuyerAct              // the buyer's own act: approve, dispute, refuse, pay
)

// Event is something that happened, with who said so and the evidence. Events
// are never changed. Seq is given by the sealer, one after the other per
// tenant; it is zero until then.
type Event struct {
	ID         string    `json:"id"`
	Seq        int64     `json:"seq,omitempty"`
	Type       EventType `json:"type"`
	At         time.Time `json:"at"`          // when it happened, as the source says
	RecordedAt time.Time `json:"recorded_at"` // when we wrote it down
	Actor      Actor     `json:"actor"`
	Grade      Grade     `json:"grade"`
	// What it happened to; empty where it does not apply.
	OrderID    string `json:"order_id,omitempty"`
	InvoiceID  string `json:"invoice_id,omitempty"`
	InboundID  string `json:"inbound_id,omitempty"`
	DeliveryID string `json:"delivery_id,omitempty"`
	// ExternalID is the caller's own id of the order or invoice.
	ExternalID string `json:"external_id,omitempty"`
	// Evidence is the SHA-256 of the blob that proves it, EvidenceType its media type.
	Evidence     string `json:"evidence,omitempty"`
	EvidenceType string `json:"evidence_type,omitempty"`
	// Data holds what else there is to say; it never holds personal data.
	Data json.RawMessage `json:"data,omitempty"`
	// Personal holds fields about people (address of a device, mailbox …). They
	// are kept apart, can be erased, and enter the log only as salted commitments.
	Personal map[string]string `json:"personal,omitempty"`
	// Key makes an event that is told twice stand once: unique in the tenant when not empty.
	Key string `json:"-"`
}

// EventFilter narrows a list of events. Zero fields do not narrow.
type EventFilter struct {
	OrderID   string
	InvoiceID string
	InboundID string
	Types     []EventType
}
