package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newWebhook makes a webhook and gives its path and secret.
func (a *account) newWebhook(url string, more string) (path, secret string) {
	a.g.t.Helper()
	r := a.post("/v1/webhooks", fmt.Sprintf(`{"url":%q%s}`, url, more)).is(http.StatusCreated)
	return "/v1/webhooks/" + r.text("id"), r.text("secret")
}

// Events go out signed, are sent again under the same id until they are taken,
// and can be replayed; the test button sends a message that says so.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	shop := g.tenant("shop", "test").supplier("")
	// The address fails twice for each message before it takes it.
	tries := map[string]int{}
	ears := listen(t, func(_ int, h heard) int {
		id := h.header.Get("webhook-id")
		if tries[id]++; tries[id] <= 2 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	hook, secret := shop.newWebhook(ears.URL+"/hook", `,"types":["invoice.","answer.approved"]`)
	if r := shop.get(hook); strings.Contains(string(r.body), secret) || r.text("secret") != "" {
		t.Error("the secret is shown again")
	}
	invoice := shop.placed(1)
	shop.await(10*time.Second, invoice, "answer/state=approved")

	want := []string{"invoice.drafted", "invoice.ready", "invoice.sent", "answer.approved"}
	within(t, 15*time.Second, "all messages are taken", func() bool { return len(ears.taken()) >= len(want) })
	var types []string
	seen := map[string]string{}
	for _, h := range ears.messages() {
		if err := signed(h, secret); err != nil {
			t.Error(err)
		}
		id := h.header.Get("webhook-id")
		if first, ok := seen[id]; ok && first != h.body {
			t.Errorf("message %s changed:\n%s\n%s", id, first, h.body)
		}
		seen[id] = h.body
		m := h.json(t)
		if text(m, "data/external_id") != "ext-0001" || text(m, "timestamp") == "" || text(m, "data/type") != text(m, "type") {
			t.Errorf("message: %s", h.body)
		}
		if h.status < 300 {
			types = append(types, text(m, "type"))
		}
	}
	slices.Sort(types)
	slices.Sort(want)
	if !slices.Equal(types, want) {
		t.Errorf("taken: %v, want %v", types, want)
	}
	if n := len(ears.messages()); n != 3*len(want) {
		t.Errorf("%d messages for %d events that failed twice each", n, len(want))
	}
	within(t, 5*time.Second, "the deliveries say that they were taken at the third try", func() bool {
		list := shop.list(hook + "/deliveries")
		return len(list) == len(want) && !slices.ContainsFunc(list, func(d any) bool {
			return text(d, "state") != "delivered" || text(d, "attempts") != "3"
		})
	})

	// Replay: the same message under the same id.
	before := len(ears.messages())
	delivery := text(shop.list(hook + "/deliveries")[0], "id")
	shop.post("/v1/webhook-deliveries/"+delivery+"/replay", "").is(http.StatusAccepted).says("id="+delivery, "state=pending")
	within(t, 5*time.Second, "the replay", func() bool { return len(ears.messages()) == before+1 })
	if again := ears.messages()[before]; again.header.Get("webhook-id") != delivery || again.body != seen[delivery] || signed(again, secret) != nil {
		t.Errorf("replayed: %+v", again)
	}

	// The test button.
	tested := shop.post(hook+"/test", "").is(http.StatusAccepted).text("id")
	within(t, 10*time.Second, "the test message", func() bool {
		m := ears.messages()
		last := m[len(m)-1]
		return last.header.Get("webhook-id") == tested && last.status < 300 && text(last.json(t), "type") == "webhook.test" && signed(last, secret) == nil
	})

	// An address that is gone for good is told no more.
	gone := listen(t, func(int, heard) int { return http.StatusGone })
	goneHook, _ := shop.newWebhook(gone.URL, "")
	within(t, 10*time.Second, "the address that is gone is disabled", func() bool { return shop.get(goneHook).text("disabled_at") != "" })
	shop.do(http.MethodDelete, hook, "").is(http.StatusNoContent)
	before = len(ears.messages())
	goneBefore := len(gone.messages())
	shop.await(10*time.Second, shop.placed(2), "answer/state=approved")
	time.Sleep(500 * time.Millisecond) // messages that should not come would come now
	if len(ears.messages()) != before || len(gone.messages()) != goneBefore {
		t.Error("a deleted or disabled webhook was told of an event")
	}
	shop.get("/v1/events?type=webhook.disabled").says("items/0/data/webhook=" + strings.TrimPrefix(goneHook, "/v1/webhooks/"))
}

// A reader of GET /v1/events that asks after the last number it saw misses no
// event and gets none twice while writers are at work.
func TestEventsMissNoneDoubleNone(t *testing.T) {
	t.Parallel()
	g := booted(t, "gateway")
	shop := g.tenant("shop", "test").supplier("")
	const orders, writers = 60, 6
	var next atomic.Int64
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for n := next.Add(1); n <= orders; n = next.Add(1) {
				r, err := shop.ask(http.MethodPost, "/v1/orders", order(int(n)), fmt.Sprintf("Idempotency-Key: k-%d", n))
				if err != nil || r.status != http.StatusCreated {
					t.Errorf("order %d: %d %v", n, r.status, err)
				}
			}
		})
	}
	seen := map[string]int{}
	approved, last := 0, "0"
	within(t, 40*time.Second, "an answer to each invoice was read", func() bool {
		r := shop.get("/v1/events?limit=7&after=" + last)
		items, _ := pick(r.json(), "items").([]any)
		for _, e := range items {
			seen[text(e, "id")]++
			if want := number(last) + 1; number(text(e, "seq")) != want {
				t.Fatalf("event %s after %s", text(e, "seq"), last)
			}
			if last = text(e, "seq"); text(e, "type") == "answer.approved" {
				approved++
			}
		}
		return approved == orders
	})
	writing.Wait()
	time.Sleep(time.Second) // what was written last is sealed
	all := shop.eventsAfter("")
	for _, e := range all {
		if n := seen[text(e, "id")]; n != 1 && number(text(e, "seq")) <= number(last) {
			t.Errorf("event %s %s was read %d times", text(e, "seq"), text(e, "type"), n)
		}
	}
	// Nothing happened that is not among them.
	for _, inv := range shop.list("/v1/invoices") {
		for _, e := range shop.items("/v1/invoices/" + text(inv, "id") + "/timeline") {
			if seen[text(e, "id")] != 1 {
				t.Errorf("event %s of invoice %s was not read", text(e, "type"), text(inv, "number"))
			}
		}
	}
}

func number(s string) (n int64) {
	_, _ = fmt.Sscan(s, &n)
	return n
}
