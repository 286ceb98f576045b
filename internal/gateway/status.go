package gateway

import (
	"cmp"
	"maps"
	"time"
)

// Status is what is shown about the other side, on three axes. It is a pure
// function of the events: [Status.Apply] may be called with them late, doubled
// and in any order and ends with the same value.
type Status struct {
	// Deliveries holds the transport state of each delivery; the empty key
	// stands for what is known without one (the portal).
	Deliveries map[string]Mark `json:"deliveries,omitempty"`
	AnswerMark Mark            `json:"answer"`
	MoneyMark  Mark            `json:"money"`
}

// Mark is a state on an axis, the event that proves it, and its grade.
type Mark struct {
	State string    `json:"state,omitempty"`
	Event string    `json:"event,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Grade Grade     `json:"grade,omitempty"`
}

// transportRank orders the facts about one delivery: a stronger one is never
// taken back by a weaker one that comes later. A bounce beats "taken by a
// server", which it disproves, and yields to a receipt of the receiver.
var transportRank = map[EventType]struct {
	rank  int
	state string
}{
	EventDeliveryQueued:   {1, "queued"},
	EventDeliveryAttempt:  {2, "sending"},
	EventDeliveryRetrying: {3, "retrying"},
	EventDeliveryUnknown:  {4, "unknown"},
	EventDeliveryFailed:   {5, "failed"},
	EventDeliveryAccepted: {6, "taken"},
	EventDeliveryDelayed:  {7, "delayed"},
	EventDeliveryRelayed:  {8, "relayed"},
	EventDeliveryBounced:  {9, "bounced"},
	EventDeliveryReceipt:  {10, "received"},
	EventDeliveryReported: {11, "delivered"},
	EventPortalOpened:     {12, "opened"},
	EventPortalViewed:     {13, "viewed"},
}

// Of what one delivery proves, these do not count against another's success.
var negative = map[string]bool{"queued": true, "sending": true, "retrying": true, "unknown": true, "failed": true, "bounced": true}

var answerState = map[EventType]string{
	EventAnswerInProcess: "in_process",
	EventAnswerApproved:  "approved",
	EventAnswerPartly:    "partly_approved",
	EventAnswerDisputed:  "disputed",
	EventAnswerRefused:   "refused",
	EventAnswerRejected:  "rejected",
}

var moneyState = map[EventType]string{
	EventMoneyAnnounced: "announced",
	EventMoneyReceived:  "received",
}

var stateRank = func() map[string]int {
	m := map[string]int{}
	for _, r := range transportRank {
		m[r.state] = r.rank
	}
	return m
}()

// Apply returns s with e taken in. The order of events does not matter.
func (s Status) Apply(e Event) Status {
	mark := Mark{Event: e.ID, At: e.At, Grade: e.Grade}
	if r, ok := transportRank[e.Type]; ok {
		mark.State = r.state
		old := s.Deliveries[e.DeliveryID]
		if laterTransport(old, mark) {
			m := make(map[string]Mark, len(s.Deliveries)+1)
			for k, v := range s.Deliveries {
				m[k] = v
			}
			m[e.DeliveryID] = mark
			s.Deliveries = m
		}
	}
	if state, ok := answerState[e.Type]; ok {
		mark.State = state
		if later(s.AnswerMark, mark) {
			s.AnswerMark = mark
		}
	}
	if state, ok := moneyState[e.Type]; ok {
		mark.State = state
		if later(s.MoneyMark, mark) {
			s.MoneyMark = mark
		}
	}
	return s
}

// laterTransport tells whether b replaces a: the higher rank, and of two facts
// of one rank the earlier (the first opening counts).
func laterTransport(a, b Mark) bool {
	if a.State == "" {
		return true
	}
	if c := cmp.Compare(stateRank[b.State], stateRank[a.State]); c != 0 {
		return c > 0
	}
	if c := a.At.Compare(b.At); c != 0 {
		return c > 0
	}
	return b.Event < a.Event
}

// later tells whether b replaces a on an axis where the last word counts.
func later(a, b Mark) bool {
	if a.State == "" {
		return true
	}
	if c := b.At.Compare(a.At); c != 0 {
		return c > 0
	}
	return b.Event > a.Event
}

// Transport is the furthest that any delivery is known to have come. Where
// none succeeded it is the state of the newest delivery.
func (s Status) Transport() Mark {
	var best Mark
	bestKey := ""
	for key, m := range s.Deliveries {
		switch {
		case best.State == "":
		case negative[best.State] != negative[m.State]:
			if negative[m.State] {
				continue
			}
		case negative[m.State]:
			if key < bestKey {
				continue
			}
		case !laterTransport(best, m):
			continue
		}
		best, bestKey = m, key
	}
	return best
}

func (s Status) equal(o Status) bool {
	return maps.EqualFunc(s.Deliveries, o.Deliveries, Mark.same) && s.AnswerMark.same(o.AnswerMark) && s.MoneyMark.same(o.MoneyMark)
}

// same compares what identifies a mark: times change their form in the store.
func (m Mark) same(o Mark) bool { return m.State == o.State && m.Event == o.Event }

// Answer is the buyer's last word.
func (s Status) Answer() Mark { return s.AnswerMark }

// Money is the last word about the payment.
func (s Status) Money() Mark { return s.MoneyMark }
