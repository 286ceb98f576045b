package api

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/transport/https"
)

// receive lets an invoice come in from the partner and has it checked.
func (w *world) receive(messageID string) gateway.Inbound {
	w.Helper()
	body := []byte(testdata(w, "ubl/testdata/goods.xml"))
	door := &inbound.Door{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: w.api.IDs, Tenant: acme}
	decision, err := door.Accept(w.Context(), https.Inbound{
		MessageID: messageID, Sender: "0225:000999999", Receiver: "0225:000123456", DocumentType: "invoice", ContentType: "application/xml",
		Body: body, SHA256: sha256.Sum256(body), KeyID: "partner-1", ReceivedAt: w.clock.Now(), Receipt: []byte("receipt"), Evidence: []byte(`{"evidence":1}`),
	})
	w.must(err)
	if decision.Verdict != https.Stored {
		w.Fatalf("got %+v", decision)
	}
	w.drain()
	page := into[gateway.List[gateway.Inbound]](w, w.expect(w.get("/v1/inbox"), 200))
	if len(page.Items) == 0 || page.Items[0].MessageID != messageID {
		w.Fatalf("got %+v", page)
	}
	return page.Items[0]
}

func TestInbox(t *testing.T) {
	w := newWorld(t)
	if empty := w.expect(w.get("/v1/inbox"), 200); strings.TrimSpace(string(empty.body)) != `{"items":[]}` {
		t.Errorf("got %s", empty.body)
	}
	in := w.receive("m-1")
	path := "/v1/inbox/" + in.ID
	if in.State != gateway.InboundAvailable || in.Number != "F-2026-1042" || in.Model != nil {
		t.Errorf("got %+v", in)
	}
	whole := w.expect(w.get(path), 200)
	if got := into[gateway.Inbound](w, whole); len(got.Model) == 0 || whole.header.Get("ETag") == "" {
		t.Error("the document has no model or no tag")
	}
	d := w.expect(w.get(path+"/document"), 200)
	if string(d.body) != testdata(t, "ubl/testdata/goods.xml") || d.header.Get("Content-Disposition") != "attachment; filename="+in.ID+".xml" {
		t.Errorf("%d bytes, %v", len(d.body), d.header)
	}
	if v := into[gateway.List[gateway.VerdictRecord]](w, w.expect(w.get(path+"/verdicts"), 200)); len(v.Items) != 1 {
		t.Errorf("got %+v", v)
	}
	if e := into[gateway.List[gateway.Event]](w, w.expect(w.get(path+"/timeline"), 200)); len(e.Items) != 3 {
		t.Errorf("got %+v", e)
	}
	if none := w.expect(w.get(path+"/deliveries"), 200); strings.TrimSpace(string(none.body)) != `{"items":[]}` {
		t.Errorf("got %s", none.body)
	}
	count := func(query string) int {
		return len(into[gateway.List[gateway.Inbound]](w, w.expect(w.get("/v1/inbox?"+query), 200)).Items)
	}
	if count("unacknowledged=true") != 1 || count("state=available") != 1 || count("state=quarantined") != 0 || count("number=F-2026-1042") != 1 {
		t.Error("the filters are wrong")
	}
	w.expect(w.post(path+"/acknowledge", ""), 200)
	r := w.expect(w.post(path+"/acknowledge", ""), 200)
	if got := into[gateway.Inbound](w, r); got.AcknowledgedAt == nil || got.State != gateway.InboundForwarded {
		t.Errorf("got %+v", got)
	}
	if count("unacknowledged=true") != 0 {
		t.Error("it is still to be taken over")
	}
}

func TestAnswerToReceivedInvoice(t *testing.T) {
	w := newWorld(t)
	in := w.receive("m-1")
	path := "/v1/inbox/" + in.ID + "/answer"
	w.refused("no decision", w.post(path, `{"decision":"pay"}`), 422, "invalid", "field.value at /decision")
	w.refused("a dispute without why", w.post(path, `{"decision":"dispute"}`), 422, "invalid", "field.value at /text")
	w.refused("a reason that is none", w.post(path, `{"decision":"refuse","reason":"XXX","text":"no"}`), 422, "invalid", "field.value at /reason")
	w.refused("an unknown field", w.post(path, `{"decison":"approve"}`), 422, "invalid", "field.unknown at /decison")
	q := request{method: "POST", path: path, body: `{"decision":"dispute","reason":"PRI","text":"the price"}`, key: "a"}
	r := w.expect(w.send(q), 200)
	if got := into[gateway.Inbound](w, r); got.Answer != "disputed" {
		t.Errorf("got %+v", got)
	}
	if again := w.send(q); again.status != 200 || !bytes.Equal(again.body, r.body) || again.header.Get("ETag") != r.header.Get("ETag") {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	w.expect(w.post(path, `{"decision":"approve"}`), 200)
	w.refused("after the last word", w.post(path, `{"decision":"refuse","text":"no"}`), 409, "state", "")
	replies := into[gateway.List[deliveryView]](w, w.expect(w.get("/v1/inbox/"+in.ID+"/deliveries"), 200)).Items
	if len(replies) != 2 || replies[0].Purpose != "answer" {
		t.Errorf("got %+v", replies)
	}
}
