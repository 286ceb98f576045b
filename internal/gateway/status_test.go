package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func statusTypes() []EventType {
	var types []EventType
	for t := range transportRank {
		types = append(types, t)
	}
	for t := range answerState {
		types = append(types, t)
	}
	for t := range moneyState {
		types = append(types, t)
	}
	return append(types, EventInvoiceReady, EventDeliveryResolved)
}

// Facts come late, doubled and in any order: the status must not care.
func TestStatusIsAFunctionOfTheSetOfEvents(t *testing.T) {
	types := statusTypes()
	base := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		events := make([]Event, rapid.IntRange(1, 12).Draw(t, "n"))
		for i := range events {
			events[i] = Event{
				ID:         fmt.Sprintf("evt_%02d", i),
				Type:       rapid.SampledFrom(types).Draw(t, "type"),
				At:         base.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")) * time.Minute),
				DeliveryID: rapid.SampledFrom([]string{"", "del_1", "del_2"}).Draw(t, "delivery"),
			}
		}
		var want Status
		for _, e := range events {
			want = want.Apply(e)
		}
		shuffled := rapid.Permutation(append(events, events[:len(events)/2]...)).Draw(t, "order")
		var got Status
		for _, e := range shuffled {
			got = got.Apply(e)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(want.Transport(), got.Transport()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestStatusTransport(t *testing.T) {
	at := func(min int) time.Time { return time.Date(2026, 11, 1, 9, min, 0, 0, time.UTC) }
	ev := func(id string, kind EventType, delivery string, min int) Event {
		return Event{ID: id, Type: kind, DeliveryID: delivery, At: at(min)}
	}
	for _, c := range []struct {
		name   string
		events []Event
		want   string
		event  string
	}{
		{"nothing", nil, "", ""},
		{"bounce after the server took it", []Event{ev("a", EventDeliveryAccepted, "d1", 1), ev("b", EventDeliveryBounced, "d1", 2)}, "bounced", "b"},
		{"a receipt is not taken back by a late retry note", []Event{ev("a", EventDeliveryReceipt, "d1", 1), ev("b", EventDeliveryRetrying, "d1", 2)}, "received", "a"},
		{"the second route succeeds", []Event{ev("a", EventDeliveryFailed, "d1", 1), ev("b", EventDeliveryAccepted, "d2", 2)}, "taken", "b"},
		{"both fail: the newest tells", []Event{ev("a", EventDeliveryBounced, "d1", 1), ev("b", EventDeliveryUnknown, "d2", 2)}, "unknown", "b"},
		{"the first opening counts", []Event{ev("b", EventPortalOpened, "", 4), ev("a", EventPortalOpened, "", 3)}, "opened", "a"},
		{"viewed beats opened", []Event{ev("a", EventPortalViewed, "", 3), ev("b", EventPortalOpened, "", 4)}, "viewed", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Status
			for _, e := range c.events {
				s = s.Apply(e)
			}
			if got := s.Transport(); got.State != c.want || got.Event != c.event {
				t.Errorf("got %q by %q, want %q by %q", got.State, got.Event, c.want, c.event)
			}
		})
	}
}

func TestStatusAnswerIsTheLastWord(t *testing.T) {
	early, late := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	var s Status
	s = s.Apply(Event{ID: "2", Type: EventAnswerApproved, At: late})
	s = s.Apply(Event{ID: "1", Type: EventAnswerDisputed, At: early})
	if s.Answer().State != "approved" || s.Money().State != "" {
		t.Errorf("got %+v", s)
	}
}
