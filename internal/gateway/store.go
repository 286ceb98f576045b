package gateway

import (
	"context"
	"io"
	"time"
)

// Store keeps the records. There is no way to read or write a tenant's data
// without naming the tenant; System is for workers and administration.
//
// Both implementations pass internal/store/storetest.
type Store interface {
	For(tenant TenantID) TenantStore
	System() SystemStore
	Close() error
}

// TenantStore reads and writes one tenant's data in transactions.
type TenantStore interface {
	// Read runs fn on a consistent snapshot. Nothing fn does may write.
	Read(ctx context.Context, fn func(r Reader) error) error
	// Write runs fn in a serialisable transaction that is durable when Write
	// returns nil. It may run fn again when another transaction was in the way:
	// fn must have no effect outside tx and must set its results afresh. An
	// error of fn rolls back and is returned as it is.
	Write(ctx context.Context, fn func(tx Tx) error) error
}

// Reader answers questions about one tenant. A method that asks for one record
// returns ErrNotFound when there is none.
type Reader interface {
	Tenant(ctx context.Context) (Tenant, error)

	Idempotent(ctx context.Context, scope, key string) (IdempotencyRecord, error)

	Order(ctx context.Context, id string) (Order, error)
	OrderByBusinessKey(ctx context.Context, key string) (Order, error)
	Orders(ctx context.Context, f OrderFilter, p Page) (List[Order], error) // newest first
	OrderDeliveries(ctx context.Context, orderID string) ([]OrderDelivery, error)

	Invoice(ctx context.Context, id string) (Invoice, error)
	InvoiceByBusinessKey(ctx context.Context, key string) (Invoice, error)
	Invoices(ctx context.Context, f InvoiceFilter, p Page) (List[Invoice], error) // newest first
	// Document finds one by hash. The hash of a document that belongs to several
	// records gives the oldest row.
	Document(ctx context.Context, sha256 string) (Document, error)
	InvoiceDocuments(ctx context.Context, invoiceID string) ([]Document, error)
	InboundDocuments(ctx context.Context, inboundID string) ([]Document, error)
	// Verdicts of an invoice or inbound document (the other id is empty), oldest first.
	Verdicts(ctx context.Context, invoiceID, inboundID string) ([]VerdictRecord, error)

	Delivery(ctx context.Context, id string) (Delivery, error)
	DeliveryByMessageID(ctx context.Context, messageID string) (Delivery, error)
	InvoiceDeliveries(ctx context.Context, invoiceID string) ([]Delivery, error) // oldest first
	InboundReplies(ctx context.Context, inboundID string) ([]Delivery, error)
	Attempts(ctx context.Context, deliveryID string) ([]Attempt, error)

	// Event finds one by id.
	Event(ctx context.Context, id string) (Event, error)
	// EventByKey finds the event written under a Key.
	EventByKey(ctx context.Context, key string) (Event, error)
	// Timeline gives the events of a record by At, then ID, sealed or not, with
	// their personal fields as far as they are not erased. ErrInvalid when f
	// names no record.
	Timeline(ctx context.Context, f EventFilter) ([]Event, error)
	// EventsAfter gives sealed events by Seq; it misses none.
	EventsAfter(ctx context.Context, seq int64, f EventFilter, limit int) ([]Event, error)
	// Unsealed gives up to limit events without Seq, by RecordedAt then ID.
	Unsealed(ctx context.Context, limit int) ([]Event, error)

	// Record gives a version, or the newest when version is 0.
	Record(ctx context.Context, kind RecordKind, id string, version int64) (Record, error)
	// RecordAt gives the version in force at a moment; ErrNotFound when that is a
	// deletion.
	RecordAt(ctx context.Context, kind RecordKind, id string, at time.Time) (Record, error)
	// RecordsByKey gives the newest version of each record that has the key, by
	// id, deleted ones left out.
	RecordsByKey(ctx context.Context, kind RecordKind, key string) ([]Record, error)
	// Records gives the newest version of each, by id, deleted ones left out.
	Records(ctx context.Context, kind RecordKind, p Page) (List[Record], error)

	Series(ctx context.Context, legalEntity, kind, period string) (NumberSeries, error)
	AllSeries(ctx context.Context) ([]NumberSeries, error)
	// NumbersTaken lists the numbers of a series in order.
	NumbersTaken(ctx context.Context, legalEntity, kind, period string) ([]NumberTaken, error)

	Inbound(ctx context.Context, id string) (Inbound, error)
	InboundByMessageID(ctx context.Context, sender, messageID string) (Inbound, error)
	Inbounds(ctx context.Context, f InboundFilter, p Page) (List[Inbound], error) // newest first

	Webhook(ctx context.Context, id string) (Webhook, error)
	Webhooks(ctx context.Context) ([]Webhook, error)
	WebhookDelivery(ctx context.Context, id string) (WebhookDelivery, error)
	WebhookDeliveries(ctx context.Context, webhookID string, p Page) (List[WebhookDelivery], error) // newest first

	PortalLinks(ctx context.Context, invoiceID string) ([]PortalLink, error)
	PortalLink(ctx context.Context, id string) (PortalLink, error)
	Suppressed(ctx context.Context, address string) (Suppression, error)

	Users(ctx context.Context) ([]User, error)
	User(ctx context.Context, id string) (User, error)
	APIKeys(ctx context.Context) ([]APIKey, error)

	// Counts gives the number of invoices by state, transport and answer, among
	// those created in [since, until); zero times do not bound.
	Counts(ctx context.Context, since, until time.Time) ([]Count, error)

	LogReader
}

// Count is one row of the report: how many invoices share a standing.
type Count struct {
	State     InvoiceState `json:"state"`
	Hold      string       `json:"hold,omitempty"`
	Transport string       `json:"transport,omitempty"`
	Answer    string       `json:"answer,omitempty"`
	N         int64        `json:"n"`
}

// LogReader reads the tenant's Merkle log.
type LogReader interface {
	// LogSize is the number of leaves; LogRoot the newest signed root (note format).
	LogSize(ctx context.Context) (int64, error)
	LogRoot(ctx context.Context) ([]byte, error)
	// LogHashes gives stored hashes by their index (tlog.StoredHashIndex); each is 32 bytes.
	LogHashes(ctx context.Context, indexes []int64) ([][]byte, error)
	// LogLeaf gives the canonical bytes of a leaf.
	LogLeaf(ctx context.Context, seq int64) ([]byte, error)
	// Salts gives the salts of an event's personal fields.
	Salts(ctx context.Context, eventID string) (map[string][]byte, error)
}

// Tx is a Reader that can write. An update gives ErrConflict unless the stored
// Version equals the record's; it then stores Version+1 and sets it in place.
type Tx interface {
	Reader

	// PutIdempotent gives ErrDuplicate, pointing at the first answer's record, for
	// a key that is known.
	PutIdempotent(ctx context.Context, r IdempotencyRecord) error

	// InsertOrder gives ErrDuplicate, pointing at the first, when the business key exists.
	InsertOrder(ctx context.Context, o *Order) error
	UpdateOrder(ctx context.Context, o *Order) error
	// InsertOrderDelivery gives ErrDuplicate when the order has that note already.
	InsertOrderDelivery(ctx context.Context, d *OrderDelivery) error
	UpdateOrderDelivery(ctx context.Context, d *OrderDelivery) error

	// InsertInvoice and UpdateInvoice give ErrDuplicate, pointing at the first,
	// when a business key that is not empty exists.
	InsertInvoice(ctx context.Context, inv *Invoice) error
	UpdateInvoice(ctx context.Context, inv *Invoice) error
	InsertDocument(ctx context.Context, d Document) error // the same row twice is one
	InsertVerdict(ctx context.Context, v VerdictRecord) error

	// InsertDelivery gives ErrDuplicate, pointing at the first, for a message id
	// that is known: it is never given twice.
	InsertDelivery(ctx context.Context, d *Delivery) error
	UpdateDelivery(ctx context.Context, d *Delivery) error
	PutAttempt(ctx context.Context, a Attempt) error // insert or, by delivery and n, update

	// AppendEvent writes an event; one whose Key exists already is not written
	// again and written is false.
	AppendEvent(ctx context.Context, e Event) (written bool, err error)
	// ErasePersonal removes personal fields and salts of an event; no proof breaks.
	ErasePersonal(ctx context.Context, eventID string) error

	// PutRecord stores the next version and sets it in place.
	PutRecord(ctx context.Context, r *Record) error

	// PutSeries writes a series (insert or update).
	PutSeries(ctx context.Context, s NumberSeries) error
	// TakeNumber records n as taken and moves the series on; ErrConflict when
	// the series' Next is not n.
	TakeNumber(ctx context.Context, t NumberTaken) error

	// InsertInbound gives ErrDuplicate, pointing at the first, for a message id known from that sender.
	InsertInbound(ctx context.Context, in *Inbound) error
	UpdateInbound(ctx context.Context, in *Inbound) error

	PutWebhook(ctx context.Context, w Webhook) error
	DeleteWebhook(ctx context.Context, id string) error
	PutWebhookDelivery(ctx context.Context, d WebhookDelivery) error

	PutPortalLink(ctx context.Context, l PortalLink) error
	// PutMailToken ties a token to a delivery. Each attempt does so: the same
	// again is nothing, ErrConflict is for a token of another delivery.
	PutMailToken(ctx context.Context, t MailToken) error
	PutSuppression(ctx context.Context, s Suppression) error
	DeleteSuppression(ctx context.Context, address string) error

	PutUser(ctx context.Context, u User) error
	PutAPIKey(ctx context.Context, k APIKey) error

	// AddTask writes due work and a wake-up for it, both in this transaction.
	AddTask(ctx context.Context, t Task) error
	// HoldTask makes this transaction fail with ErrLeaseLost unless t.Fence is
	// the stored one: for a step that a worker records in the middle of a task.
	HoldTask(ctx context.Context, t Task) error
	// EndTask removes a task; ErrLeaseLost unless t.Fence is the stored one.
	EndTask(ctx context.Context, t Task) error
	// DeferTask gives the lease back, with the fence moved on, and sets DueAt and
	// LastError from t; ErrLeaseLost unless t.Fence is the stored one.
	DeferTask(ctx context.Context, t Task) error
	// TasksFor lists tasks of a kind for a record.
	TasksFor(ctx context.Context, kind TaskKind, ref string) ([]Task, error)

	// AppendLog stores what sealing made: the sequence numbers of events, their
	// leaves and salts, the new hashes in index order, the signed root.
	// ErrConflict unless the log holds exactly from leaves.
	AppendLog(ctx context.Context, from int64, leaves []LogEntry, hashes [][]byte, root []byte) error
}

// LogEntry is one sealed event.
type LogEntry struct {
	EventID string
	Seq     int64 // index of the leaf, from 0, plus 1
	Leaf    []byte
	Salts   map[string][]byte
}

// SystemStore is for workers and administration, across tenants.
type SystemStore interface {
	CreateTenant(ctx context.Context, t Tenant) error // ErrDuplicate when the id exists
	Tenants(ctx context.Context) ([]Tenant, error)
	// APIKey finds a key by its id, before the tenant is known.
	APIKey(ctx context.Context, id string) (APIKey, error)
	// UserByEmail finds a person at sign-in; e-mail addresses are unique over all tenants.
	UserByEmail(ctx context.Context, email string) (User, error)
	// TouchAPIKey notes that a key was used, to the minute.
	TouchAPIKey(ctx context.Context, id string, at time.Time) error
	PortalLinkByToken(ctx context.Context, hash []byte) (PortalLink, error)
	MailToken(ctx context.Context, token string) (MailToken, error)

	// ClaimTask leases a task that is due and free: until now+lease, with a new
	// fence. ErrNotFound when it is gone, ErrConflict when it is held or not due.
	ClaimTask(ctx context.Context, tenant TenantID, id, owner string, now time.Time, lease time.Duration) (Task, error)
	// ExtendLease holds it longer; ErrLeaseLost when the fence has moved on.
	ExtendLease(ctx context.Context, t Task, until time.Time) error
	// DueTasks gives up to limit tasks that are due and free, the longest due
	// first, that come after the last one of the page before (zero at the start):
	// a heap of waiting tasks cannot hide the others.
	DueTasks(ctx context.Context, now time.Time, after Wakeup, limit int) ([]Wakeup, error)
	// UnsealedTenants gives the tenants that have events without a sequence number.
	UnsealedTenants(ctx context.Context) ([]TenantID, error)
	// Stats gives sizes for health checks: due and overdue tasks, oldest due time.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Prune removes what is no longer needed: idempotency records and codes older than before.
	Prune(ctx context.Context, before time.Time) error
}

// Stats tells how the work stands.
type Stats struct {
	Tasks     int64     `json:"tasks"`
	Due       int64     `json:"due"`
	OldestDue time.Time `json:"oldest_due,omitzero"`
}

// Blobs keeps bytes by tenant and SHA-256. Putting the same bytes again is
// nothing. A blob is written durably before the row that names it.
type Blobs interface {
	Put(ctx context.Context, tenant TenantID, data []byte) (sha256 string, err error)
	// Get checks the hash of what it reads and gives an error rather than other bytes.
	Get(ctx context.Context, tenant TenantID, sha256 string) ([]byte, error)
	Open(ctx context.Context, tenant TenantID, sha256 string) (io.ReadCloser, int64, error)
}

// Queue takes wake-ups. The store enqueues one in the transaction that adds a
// task; the sweep enqueues those whose wake-up was lost or whose lease ran out.
type Queue interface {
	Wake(ctx context.Context, w ...Wakeup) error
}
