package gateway

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// TaskKind names a kind of work.
type TaskKind string

// Kinds of work. Ref is the record it works on.
const (
	TaskDraftInvoices  TaskKind = "order.draft"     // order → draft invoices
	TaskPrepareInvoice TaskKind = "invoice.prepare" // draft → checked, sealed, numbered, queued
	TaskSendDelivery   TaskKind = "delivery.send"
	TaskCheckInbound   TaskKind = "inbound.check"
	TaskForwardInbound TaskKind = "inbound.forward"
	TaskSendWebhook    TaskKind = "webhook.send"
	TaskSeal           TaskKind = "log.seal" // number the tenant's new events into the log
)

// Task is work that is due. The row is the truth: it is written in the
// transaction that makes the work due and removed in the one that records the
// result. A queued job is only a wake-up for it. A worker holds a task by its
// lease; Fence grows with every claim, and every write that ends a task carries
// the fence it was claimed with, so that a worker whose lease ran out cannot write.
type Task struct {
	ID     string
	Tenant TenantID
	Kind   TaskKind
	Ref    string
	// Group names what tasks of a kind share that may be slow, such as the
	// peer's address: it never takes all the workers of its kind.
	Group      string
	Data       json.RawMessage
	DueAt      time.Time
	Attempts   int // claims so far, this one included
	Fence      int64
	LeaseOwner string
	LeaseUntil time.Time
	LastError  string
	CreatedAt  time.Time
}

// PeerOf names who is behind the address of a URL, for Task.Group: its host. A
// peer with an address for each customer is one peer.
func PeerOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return strings.ToLower(u.Host)
}

// Wakeup names a task that a worker should look at when it is due.
type Wakeup struct {
	Tenant TenantID
	TaskID string
	Kind   TaskKind
	Group  string
	DueAt  time.Time
}

// Webhook is an address that is told of events.
type Webhook struct {
	ID      string   `json:"id"`
	URL     string   `json:"url"`
	Types   []string `json:"types"` // event types or prefixes such as "invoice."; empty = all
	Secrets []string `json:"-"`     // Standard Webhooks secrets, the newest first
	// Forward makes it the AP system's: it is sent good inbound documents.
	Forward    bool       `json:"forward"`
	DisabledAt *time.Time `json:"disabled_at,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
}

// WebhookDelivery is one event on its way to one webhook. Its id is the
// webhook-id header, the same on every retry.
type WebhookDelivery struct {
	ID        string          `json:"id"`
	WebhookID string          `json:"webhook_id"`
	EventID   string          `json:"event_id"`
	Body      json.RawMessage `json:"body"`
	State     string          `json:"state"` // "pending", "delivered", "failed"
	Attempts  int             `json:"attempts"`
	Code      string          `json:"code,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// PortalLink lets the holder of a token see one invoice. Only the token's hash is kept.
type PortalLink struct {
	ID        string
	Tenant    TenantID
	InvoiceID string
	TokenHash []byte
	Email     string // the mailbox it was sent to, where one-time codes go
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt *time.Time
	// One-time code now outstanding for this link.
	CodeHash      []byte
	CodeExpiresAt time.Time
	CodeTries     int
}

// MailToken ties the envelope sender of a message to its delivery, so that a
// report that comes back finds it.
type MailToken struct {
	Token      string
	Tenant     TenantID
	DeliveryID string
	CreatedAt  time.Time
}

// Suppression stops an address after a hard bounce.
type Suppression struct {
	Address   string    `json:"address"`
	Reason    string    `json:"reason"`
	EventID   string    `json:"event_id"` // of the report; empty when the server refused the address at once
	CreatedAt time.Time `json:"created_at"`
}
