package inbound_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/track"
)

// hows lists by which ways a document was forwarded.
func hows(w *world, id string) []string {
	w.Helper()
	var out []string
	for _, e := range w.Timeline(gateway.EventFilter{InboundID: id}) {
		if e.Type == gateway.EventInboundForwarded {
			out = append(out, string(e.Data))
		}
	}
	slices.Sort(out)
	return out
}

func TestForwardedByWebhook(t *testing.T) {
	w := newWorld(t)
	w.hook("whk_1", "https://ap.example/hook", nil)
	w.systems.down["whk_1"] = errDown
	body := document(t, "goods", "")
	in := w.receive("m1", body)
	for range 5 {
		w.Pass(w.handlers)
		w.Clock.Advance(2 * time.Minute)
	}
	if got := w.inbound(in.ID); got.State != gateway.InboundAvailable || len(w.systems.posted) < 2 {
		t.Fatalf("%s after %d tries", got.State, len(w.systems.posted))
	}
	answered := w.inbound(in.ID) // the customer answers meanwhile
	answered.Answer, answered.UpdatedAt = "in_process", w.Clock.Now()
	w.Write(func(tx gateway.Tx) error { return tx.UpdateInbound(t.Context(), &answered) })
	delete(w.systems.down, "whk_1")
	w.Drain(w.handlers)
	if got := w.inbound(in.ID); got.State != gateway.InboundForwarded || got.AcknowledgedAt != nil {
		t.Errorf("%+v", got)
	}
	for _, p := range w.systems.posted {
		if p.id != in.ID || !bytes.Equal(p.body, w.systems.posted[0].body) {
			t.Error("a retry is not the same message")
		}
	}
	var m inbound.Forwarded
	w.Must(json.Unmarshal(w.systems.posted[0].body, &m))
	if m.Type != "inbound.document" || !m.Timestamp.Equal(gatewaytest.Start) || m.Data.ID != in.ID || m.Data.Number != "F-2026-1042" || !bytes.Equal(m.Data.Content, body) || m.Data.State != gateway.InboundAvailable {
		t.Errorf("%+v", m.Data.Inbound)
	}
	if bytes.Contains(w.systems.posted[0].body, []byte("receipt of")) {
		t.Error("the receipt is nobody else's")
	}
	if diff := cmp.Diff([]string{`{"how":"webhook","webhook":"whk_1"}`}, hows(w, in.ID)); diff != "" {
		t.Error(diff)
	}
}

// Each webhook gets each document, whatever becomes of the others.
func TestForwardedByEachWay(t *testing.T) {
	w := newWorld(t)
	w.forward.Drop = w.systems.drop
	w.systems.folder = errDown
	for _, id := range []string{"whk_a", "whk_b", "whk_c"} {
		w.hook(id, "https://"+id+".example/hook", nil)
	}
	w.hook("whk_events", "https://events.example/hook", func(h *gateway.Webhook) { h.Forward = false })
	w.hook("whk_off", "https://off.example/hook", func(h *gateway.Webhook) { h.DisabledAt = &gatewaytest.Start })
	w.systems.down["whk_a"], w.systems.down["whk_c"] = errDown, track.ErrGone
	in := w.receive("m1", document(t, "goods", ""))
	for range 4 {
		w.Pass(w.handlers)
		w.Clock.Advance(2 * time.Minute)
	}
	if diff := cmp.Diff([]string{`{"how":"webhook","webhook":"whk_b"}`}, hows(w, in.ID)); diff != "" {
		t.Fatal(diff)
	}
	if got := w.inbound(in.ID); got.State != gateway.InboundForwarded {
		t.Errorf("%s", got.State)
	}
	count := map[string]int{}
	for _, p := range w.systems.posted {
		count[p.hook]++
	}
	if count["whk_a"] < 2 || count["whk_b"] != 1 || count["whk_c"] != 1 || len(count) != 3 {
		t.Errorf("posted %v", count)
	}
	var gone gateway.Webhook
	w.Read(func(r gateway.Reader) (err error) { gone, err = r.Webhook(t.Context(), "whk_c"); return err })
	if gone.DisabledAt == nil || !strings.Contains(gone.Reason, "410") {
		t.Errorf("%+v", gone)
	}

	w.systems.folder = nil
	delete(w.systems.down, "whk_a")
	w.Drain(w.handlers)
	want := []string{`{"how":"drop_folder"}`, `{"how":"webhook","webhook":"whk_a"}`, `{"how":"webhook","webhook":"whk_b"}`}
	if diff := cmp.Diff(want, hows(w, in.ID)); diff != "" {
		t.Error(diff)
	}
	if got := w.systems.files[in.ID+".xml"]; !bytes.Equal(got, document(t, "goods", "")) {
		t.Errorf("the folder has %d bytes", len(got))
	}
	if len(w.Due("")) != 0 {
		t.Errorf("still due: %v", w.Due(""))
	}
}

func TestNobodyToForwardTo(t *testing.T) {
	w := newWorld(t)
	w.forward.Drop, w.systems.absent = w.systems.drop, true
	in := w.receive("m1", document(t, "goods", ""))
	w.Drain(w.handlers)
	if got := w.inbound(in.ID); got.State != gateway.InboundAvailable || len(hows(w, in.ID)) != 0 {
		t.Errorf("%s %v", got.State, hows(w, in.ID))
	}
}

// A webhook that is deleted, disabled or moved between two tries.
func TestWebhookChangesBetweenTries(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"whk_deleted", "whk_disabled", "whk_events", "whk_moved"} {
		w.hook(id, "https://"+id+".example", nil)
		w.systems.down[id] = errDown
	}
	in := w.receive("m1", document(t, "goods", ""))
	for range 3 {
		w.Pass(w.handlers)
		w.Clock.Advance(2 * time.Minute)
	}
	w.Write(func(tx gateway.Tx) error { return tx.DeleteWebhook(t.Context(), "whk_deleted") })
	w.hook("whk_disabled", "https://whk_disabled.example", func(h *gateway.Webhook) { h.DisabledAt = &gatewaytest.Start })
	w.hook("whk_events", "https://whk_events.example", func(h *gateway.Webhook) { h.Forward = false })
	w.hook("whk_moved", "https://new.example", nil)
	clear(w.systems.down)
	w.systems.posted = nil
	w.Drain(w.handlers)
	if len(w.systems.posted) != 1 || w.systems.posted[0].hook != "whk_moved" {
		t.Errorf("%d posts", len(w.systems.posted))
	}
	if diff := cmp.Diff([]string{`{"how":"webhook","webhook":"whk_moved"}`}, hows(w, in.ID)); diff != "" {
		t.Error(diff)
	}
}

// Killed after the AP system took it and before that was recorded: it gets the
// same message once more, and the timeline tells it once.
func TestCrashWhileForwarding(t *testing.T) {
	w := newWorld(t)
	w.hook("whk_1", "https://ap.example/hook", nil)
	in := w.receive("m1", document(t, "goods", ""))
	killed := false
	w.forward.Probe = func(step string) {
		if step == "inbound.forwarded" && !killed {
			killed = true
			panic("killed")
		}
	}
	func() {
		defer func() { _ = recover() }()
		w.Drain(w.handlers)
	}()
	w.Clock.Advance(2 * time.Minute)
	w.Drain(w.handlers)
	if !killed || len(w.systems.posted) != 2 || w.systems.posted[0].id != w.systems.posted[1].id || len(hows(w, in.ID)) != 1 {
		t.Errorf("killed %v, %d posts, %v", killed, len(w.systems.posted), hows(w, in.ID))
	}
}

func TestAcknowledge(t *testing.T) {
	w := newWorld(t)
	in := w.receive("m1", document(t, "goods", ""))
	key := gateway.Actor{Kind: "api_key", ID: "k", Name: "ERP"}
	if _, err := w.desk.Acknowledge(t.Context(), tenant, in.ID, key); gateway.Code(err) != "state" {
		t.Errorf("before it was checked: %v", err)
	}
	w.Drain(w.handlers)
	first, err := w.desk.Acknowledge(t.Context(), tenant, in.ID, key)
	w.Must(err)
	if first.State != gateway.InboundForwarded || first.AcknowledgedAt == nil || !first.AcknowledgedAt.Equal(w.Clock.Now()) {
		t.Errorf("%+v", first)
	}
	w.Clock.Advance(time.Hour)
	again, err := w.desk.Acknowledge(t.Context(), tenant, in.ID, key)
	if err != nil || again.Version != first.Version || !again.AcknowledgedAt.Equal(*first.AcknowledgedAt) {
		t.Errorf("again: %+v %v", again, err)
	}
	if e := w.Only(gateway.EventFilter{InboundID: in.ID}, gateway.EventInboundAcknowledged); e.Actor.ID != "k" {
		t.Errorf("%+v", e)
	}
	_, err = w.desk.Acknowledge(t.Context(), tenant, "inb_x", key)
	w.Fails(err, "not_found")
	_, err = w.desk.Acknowledge(t.Context(), "other", in.ID, key)
	w.Fails(err, "not_found")

	// After it was forwarded, the AP system's word is a fact of its own.
	w.hook("whk_1", "https://ap.example/hook", nil)
	in = w.receive("m2", document(t, "goods", "F-2"))
	w.Drain(w.handlers)
	got, err := w.desk.Acknowledge(t.Context(), tenant, in.ID, key)
	if err != nil || got.AcknowledgedAt == nil || got.State != gateway.InboundForwarded {
		t.Errorf("%+v %v", got, err)
	}
	w.Only(gateway.EventFilter{InboundID: in.ID}, gateway.EventInboundAcknowledged)
}

// However the webhooks fail, and in whatever order they are tried: each gets each
// document, always as the same message, and is told as having it once.
func TestEachWebhookGetsEachDocument(t *testing.T) {
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		failures, gone := map[string]int{}, map[string]bool{}
		hooks := rapid.IntRange(1, 4).Draw(r, "hooks")
		n++
		for i := range hooks {
			id := fmt.Sprintf("whk_%d_%d", n, i)
			failures[id] = rapid.IntRange(0, 3).Draw(r, "failures")
			gone[id] = rapid.IntRange(0, 5).Draw(r, "gone") == 0
			w.hook(id, "https://"+id+".example", nil)
		}
		got := map[string]map[string]int{} // hook → document → times taken
		w.forward.Post = func(_ context.Context, hook gateway.Webhook, id string, _ time.Time, _ []byte) error {
			if failures[hook.ID]--; failures[hook.ID] >= 0 {
				return errDown
			}
			if gone[hook.ID] {
				return track.ErrGone
			}
			if got[hook.ID] == nil {
				got[hook.ID] = map[string]int{}
			}
			got[hook.ID][id]++
			return nil
		}
		var documents []string
		for i := range rapid.IntRange(1, 3).Draw(r, "documents") {
			documents = append(documents, w.receive(fmt.Sprintf("m%d-%d", n, i), document(t, "goods", fmt.Sprintf("F-%d-%d", n, i))).ID)
		}
		for range 40 {
			if len(w.Due("")) == 0 && len(w.Pass(w.handlers)) == 0 {
				w.Clock.Advance(2 * time.Minute)
				if len(w.Due("")) == 0 {
					break
				}
			}
			w.Pass(w.handlers)
			w.Clock.Advance(2 * time.Minute)
		}
		for i := range hooks {
			id := fmt.Sprintf("whk_%d_%d", n, i)
			for _, doc := range documents {
				if times := got[id][doc]; (times == 1) == gone[id] {
					r.Fatalf("%s (gone: %v) took %s %d times", id, gone[id], doc, times)
				}
			}
			w.Write(func(tx gateway.Tx) error { return tx.DeleteWebhook(t.Context(), id) })
		}
		for _, doc := range documents {
			want := 0
			for i := range hooks {
				if !gone[fmt.Sprintf("whk_%d_%d", n, i)] {
					want++
				}
			}
			state := w.inbound(doc).State
			if len(hows(w, doc)) != want || (state == gateway.InboundForwarded) != (want > 0) {
				r.Fatalf("%s: forwarded %v, want %d", state, hows(w, doc), want)
			}
		}
	})
}
