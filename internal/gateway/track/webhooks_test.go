package track_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/track"
)

// receivers are the addresses of webhooks.
type receivers struct {
	mu    sync.Mutex
	posts []post
	reply func(hook gateway.Webhook, id string) error
}

type post struct {
	hook, url, id string
	body          []byte
}

func (r *receivers) post(_ context.Context, hook gateway.Webhook, id string, _ time.Time, body []byte) error {
	r.mu.Lock()
	r.posts = append(r.posts, post{hook.ID, hook.URL, id, body})
	reply := r.reply
	r.mu.Unlock()
	if reply != nil {
		return reply(hook, id)
	}
	return nil
}

var errBusy = &gateway.Error{Code: "webhook.status_503", Message: "busy", Retryable: true}

// hooksWorld is a tenant that tells webhooks of events.
type hooksWorld struct {
	*world
	to    *receivers
	hooks *track.Webhooks
	all   gatewaytest.Handlers
}

func newHooks(t *testing.T) *hooksWorld {
	w := &hooksWorld{world: newWorld(t), to: &receivers{}}
	w.hooks = &track.Webhooks{
		Store: w.Store, Clock: w.Clock, IDs: w.IDs, Post: w.to.post, GiveUp: time.Hour,
		Pause: func(n int) time.Duration { return time.Duration(n) * 10 * time.Minute },
	}
	w.all = gatewaytest.Handlers{gateway.TaskSendWebhook: w.hooks}
	return w
}

func (w *hooksWorld) hook(id string, change func(h *gateway.Webhook)) {
	w.Helper()
	h := gateway.Webhook{ID: id, URL: "https://" + id + ".example/hook", CreatedAt: gatewaytest.Start, Secrets: []string{"whsec_1"}}
	if change != nil {
		change(&h)
	}
	w.Write(func(tx gateway.Tx) error { return tx.PutWebhook(w.Context(), h) })
}

// tell fans out events of some types.
func (w *hooksWorld) tell(types ...gateway.EventType) {
	w.Helper()
	var events []gateway.Event
	for i, kind := range types {
		events = append(events, gateway.Event{
			ID: w.IDs.New(gateway.PrefixEvent), Seq: int64(i + 1), Type: kind, At: w.Clock.Now(), RecordedAt: w.Clock.Now(), InvoiceID: "inv_1", ExternalID: "ext-1",
			Actor: gateway.System, Data: json.RawMessage(`{"a":1}`), Personal: map[string]string{"recipient": "jean@client.example"},
		})
	}
	w.Write(func(tx gateway.Tx) error { return w.hooks.Fanout(w.Context(), tx, tenant, events) })
}

func (w *hooksWorld) messages(hook string) (list []gateway.WebhookDelivery) {
	w.Helper()
	w.Read(func(r gateway.Reader) error {
		page, err := r.WebhookDeliveries(w.Context(), hook, gateway.Page{Limit: 500})
		list = page.Items
		slices.SortFunc(list, func(a, b gateway.WebhookDelivery) int { return strings.Compare(a.ID, b.ID) })
		return err
	})
	return list
}

func (w *hooksWorld) webhook(id string) (h gateway.Webhook) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) { h, err = r.Webhook(w.Context(), id); return err })
	return h
}

func TestFanout(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_all", nil)
	w.hook("whk_name", func(h *gateway.Webhook) { h.Types = []string{"invoice.sent"} })
	w.hook("whk_prefix", func(h *gateway.Webhook) { h.Types = []string{"answer.", "portal.opened"} })
	w.hook("whk_word", func(h *gateway.Webhook) { h.Types = []string{"invoice", "."} })
	w.hook("whk_off", func(h *gateway.Webhook) { h.DisabledAt = &gatewaytest.Start })
	w.tell(gateway.EventInvoiceSent, gateway.EventAnswerApproved, gateway.EventPortalOpened, gateway.EventPortalViewed)
	for hook, want := range map[string][]string{
		"whk_all": {"invoice.sent", "answer.approved", "portal.opened", "portal.viewed"}, "whk_name": {"invoice.sent"},
		"whk_prefix": {"answer.approved", "portal.opened"}, "whk_word": nil, "whk_off": nil,
	} {
		var got []string
		for _, d := range w.messages(hook) {
			var m struct {
				Type      string
				Timestamp time.Time
				Data      gateway.Event
			}
			w.Must(json.Unmarshal(d.Body, &m))
			got = append(got, m.Type)
			if d.State != "pending" || m.Data.ID != d.EventID || m.Data.Seq == 0 || m.Data.ExternalID != "ext-1" || !m.Timestamp.Equal(w.Clock.Now()) || len(m.Data.Personal) != 0 ||
				strings.Contains(string(d.Body), "jean") {
				t.Errorf("%s: %+v %s", hook, d, d.Body)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", hook, diff)
		}
	}
	for _, due := range w.Due(gateway.TaskSendWebhook) {
		if due.Group == "" || strings.Contains(due.Group, "/") {
			t.Errorf("group %q", due.Group)
		}
	}
	w.Drain(w.all)
	if len(w.to.posts) != 7 {
		t.Errorf("%d posts", len(w.to.posts))
	}
	for _, d := range w.messages("whk_all") {
		if d.State != "delivered" || d.Attempts != 1 || d.Code != "" {
			t.Errorf("%+v", d)
		}
	}
}

func TestWebhookRetriesAndGivesUp(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_1", nil)
	w.to.reply = func(gateway.Webhook, string) error { return errBusy }
	w.tell(gateway.EventInvoiceSent)
	var tries []time.Duration
	for range 120 {
		before := len(w.to.posts)
		w.Drain(w.all)
		if len(w.to.posts) > before {
			tries = append(tries, w.Clock.Now().Sub(gatewaytest.Start))
		}
		w.Clock.Advance(time.Minute)
	}
	if diff := cmp.Diff([]time.Duration{0, 10 * time.Minute, 30 * time.Minute, 60 * time.Minute}, tries); diff != "" {
		t.Error(diff)
	}
	d := w.messages("whk_1")[0]
	if d.State != "failed" || d.Attempts != 4 || d.Code != "webhook.status_503" || len(w.Due("")) != 0 {
		t.Errorf("%+v", d)
	}
	for _, p := range w.to.posts {
		if p.id != d.ID || string(p.body) != string(w.to.posts[0].body) {
			t.Error("a retry is not the same message")
		}
	}

	// By hand, it goes again under its id, and twice asked is once sent.
	w.to.reply = nil
	for range 2 {
		r, err := w.hooks.Replay(t.Context(), tenant, d.ID)
		if err != nil || r.ID != d.ID || r.State != "pending" {
			t.Fatalf("%+v %v", r, err)
		}
	}
	w.Drain(w.all)
	if got := w.messages("whk_1"); len(got) != 1 || got[0].State != "delivered" || got[0].Attempts != 5 || got[0].Code != "" || len(w.to.posts) != 5 || w.to.posts[4].id != d.ID {
		t.Errorf("%+v after %d posts", got, len(w.to.posts))
	}
	_, err := w.hooks.Replay(t.Context(), tenant, d.ID) // what was delivered can be replayed, too
	w.Must(err)
	w.Drain(w.all)
	if len(w.to.posts) != 6 {
		t.Errorf("%d posts", len(w.to.posts))
	}
	_, err = w.hooks.Replay(t.Context(), tenant, "whd_x")
	w.Fails(err, "not_found")
	_, err = w.hooks.Replay(t.Context(), "other", d.ID)
	w.Fails(err, "not_found")
}

// An address that wants no more is told nothing more, and that is an event, once.
func TestGoneDisables(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_gone", nil)
	w.hook("whk_other", nil)
	w.to.reply = func(hook gateway.Webhook, _ string) error {
		if hook.ID == "whk_gone" {
			return track.ErrGone
		}
		return nil
	}
	w.tell(gateway.EventInvoiceSent, gateway.EventAnswerApproved, gateway.EventPortalOpened)
	w.Drain(w.all)
	h := w.webhook("whk_gone")
	if h.DisabledAt == nil || h.Reason != "the address answered 410 Gone" || w.webhook("whk_other").DisabledAt != nil {
		t.Errorf("%+v", h)
	}
	codes := map[string]int{}
	for _, d := range w.messages("whk_gone") {
		codes[d.State+" "+d.Code+fmt.Sprintf(" %d", d.Attempts)]++
	}
	if diff := cmp.Diff(map[string]int{"failed webhook.gone 1": 1, "failed webhook.disabled 0": 2}, codes); diff != "" {
		t.Error(diff)
	}
	posts := 0
	for _, p := range w.to.posts {
		if p.hook == "whk_gone" {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("asked %d times", posts)
	}
	var told []gateway.Event
	w.Read(func(r gateway.Reader) (err error) { told, err = r.Unsealed(t.Context(), 100); return err })
	if len(told) != 1 || told[0].Type != gateway.EventWebhookDisabled || string(told[0].Data) != `{"webhook":"whk_gone"}` {
		t.Errorf("%+v", told)
	}
	w.tell(gateway.EventInvoiceClosed)
	if n := len(w.messages("whk_gone")); n != 3 {
		t.Errorf("%d messages", n)
	}
	// Enabled again, what was missed can be replayed.
	w.hook("whk_gone", nil)
	w.to.reply = nil
	for _, d := range w.messages("whk_gone") {
		_, err := w.hooks.Replay(t.Context(), tenant, d.ID)
		w.Must(err)
	}
	w.Drain(w.all)
	for _, d := range w.messages("whk_gone") {
		if d.State != "delivered" {
			t.Errorf("%+v", d)
		}
	}
}

// What people change while a message is on its way stands.
func TestWebhookChangesDuringATry(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_1", nil)
	w.to.reply = func(gateway.Webhook, string) error {
		w.hook("whk_1", func(h *gateway.Webhook) {
			h.URL, h.Secrets = "https://new.example/hook", []string{"whsec_2", "whsec_1"}
		})
		return track.ErrGone // of the old address
	}
	w.tell(gateway.EventInvoiceSent)
	w.Drain(w.all)
	if h := w.webhook("whk_1"); h.DisabledAt != nil || h.URL != "https://new.example/hook" || len(h.Secrets) != 2 {
		t.Errorf("%+v", h)
	}

	w.to.reply = func(gateway.Webhook, string) error {
		w.Write(func(tx gateway.Tx) error { return tx.DeleteWebhook(t.Context(), "whk_1") })
		return errBusy
	}
	w.tell(gateway.EventAnswerApproved)
	w.Drain(w.all)
	w.Clock.Advance(20 * time.Minute)
	w.to.reply = nil
	before := len(w.to.posts)
	w.Drain(w.all)
	d := w.messages("whk_1")[1]
	if len(w.to.posts) != before || d.State != "failed" || d.Code != "webhook.deleted" || len(w.Due("")) != 0 {
		t.Errorf("%+v, %d posts", d, len(w.to.posts)-before)
	}
	_, err := w.hooks.Replay(t.Context(), tenant, d.ID)
	w.Fails(err, "not_found")
}

// Killed after the address took it: it gets the same message once more.
func TestCrashAfterPost(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_1", nil)
	w.to.reply = func(gateway.Webhook, string) error { panic("killed") }
	w.tell(gateway.EventInvoiceSent)
	func() {
		defer func() { _ = recover() }()
		w.Drain(w.all)
	}()
	w.to.reply = nil
	w.Clock.Advance(2 * time.Minute)
	w.Drain(w.all)
	if len(w.to.posts) != 2 || w.to.posts[0].id != w.to.posts[1].id || w.messages("whk_1")[0].State != "delivered" {
		t.Errorf("%d posts, %+v", len(w.to.posts), w.messages("whk_1"))
	}
}

// A worker whose lease ran out records nothing.
func TestLateWebhookWorker(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_1", nil)
	w.tell(gateway.EventInvoiceSent)
	late := w.Claim(w.Due(gateway.TaskSendWebhook)[0])
	w.Clock.Advance(2 * time.Minute)
	w.Drain(w.all)
	w.to.reply = func(gateway.Webhook, string) error { return errBusy }
	if err := w.hooks.Handle(t.Context(), late); !errors.Is(err, gateway.ErrLeaseLost) {
		t.Errorf("got %v", err)
	}
	if d := w.messages("whk_1")[0]; d.State != "delivered" || d.Attempts != 1 {
		t.Errorf("%+v", d)
	}
}

func TestTestMessage(t *testing.T) {
	w := newHooks(t)
	w.hook("whk_1", func(h *gateway.Webhook) { h.Types = []string{"invoice."} })
	d, err := w.hooks.Test(t.Context(), tenant, "whk_1")
	w.Must(err)
	w.Drain(w.all)
	if len(w.to.posts) != 1 || w.to.posts[0].id != d.ID || !strings.Contains(string(w.to.posts[0].body), `"type":"webhook.test"`) || w.messages("whk_1")[0].State != "delivered" {
		t.Errorf("%+v", w.to.posts)
	}
	_, err = w.hooks.Test(t.Context(), tenant, "whk_x")
	w.Fails(err, "not_found")
	w.hook("whk_1", func(h *gateway.Webhook) { h.DisabledAt = &gatewaytest.Start })
	d, err = w.hooks.Test(t.Context(), tenant, "whk_1")
	w.Must(err)
	w.Drain(w.all)
	if got := w.messages("whk_1")[1]; got.ID != d.ID || got.State != "failed" || got.Code != "webhook.disabled" || len(w.to.posts) != 1 {
		t.Errorf("%+v", got)
	}
}
