// Package gateway holds what every use case of the gateway shares: the records
// it keeps (orders, invoices, documents, deliveries, events …), the table of
// states they move through, the errors they answer with, and the contracts it
// asks of a store, a blob store, a queue and a clock.
//
// It promises three things that the use cases and the stores build on:
//
//   - nothing is sent before it is recorded, and every outside effect carries an
//     identifier that stays the same when it is repeated;
//   - work that is due stands in a [Task] row written in the transaction that
//     made it due, so that a crash at any point loses nothing and a fencing
//     token keeps a late worker from writing;
//   - what is shown about the other side is a pure function of the events
//     ([Status]), whatever the order in which they arrive.
//
// The package does no input or output of its own.
package gateway

import (
	"iter"
	"time"
)

// TenantID names an isolated account. No tenant data can be asked without it.
type TenantID string

// Clock tells the time. Everything that stores or compares a time uses it.
type Clock interface {
	Now() time.Time
}

// IDs makes identifiers: a prefix that names the kind ("inv", "del", …), an
// underscore and a ULID, so that identifiers of one kind sort by creation time.
type IDs interface {
	New(prefix string) string
}

// Prefixes of identifiers.
const (
	PrefixOrder           = "ord"
	PrefixOrderDelivery   = "odn"
	PrefixInvoice         = "inv"
	PrefixVerdict         = "ver"
	PrefixDelivery        = "del"
	PrefixEvent           = "evt"
	PrefixTask            = "tsk"
	PrefixInbound         = "inb"
	PrefixWebhook         = "whk"
	PrefixWebhookDelivery = "whd"
	PrefixPortalLink      = "lnk"
	PrefixUser            = "usr"
	PrefixMessage         = "msg"
)

// Page asks for a slice of a list: at most Limit items after the cursor that
// the page before returned. A zero Limit means 50; more than 500 is cut to 500.
// A page of large records ends sooner: only an empty Next is the end (see [All]).
type Page struct {
	After string
	Limit int
}

// Size returns the effective limit of p.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return 50
	case p.Limit > 500:
		return 500
	}
	return p.Limit
}

// All gives the items of every page of a list.
func All[T any](list func(Page) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p := (Page{Limit: 500}); ; {
			l, err := list(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range l.Items {
				if !yield(item, nil) {
					return
				}
			}
			if l.Next == "" {
				return
			}
			p.After = l.Next
		}
	}
}

// List is one page of T. Next is the cursor of the following page, empty at the end.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}
