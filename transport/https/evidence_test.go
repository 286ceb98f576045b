package https

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"facteur.dev/facteur/transport"
)

var update = flag.Bool("update", false, "write the golden evidence anew")

func codeOf(err error) string {
	var e *transport.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestVerifyEvidenceNamesTheFirstBrokenPlace(t *testing.T) {
	p := newPair(t, nil)
	r := p.send(t, message("m1", "<Invoice/>"))
	other := p.send(t, message("m2", "<Invoice/>"))
	otherEvidence, _ := readEvidence(other.Evidence)
	for _, c := range []struct {
		name   string
		change func(*evidence)
		code   string
	}{
		{"nothing", func(*evidence) {}, ""},
		{"type", func(ev *evidence) { ev.Type = "x" }, placeFormat},
		{"method", func(ev *evidence) { ev.Request.Method = "PUT" }, placeRequestSignature},
		{"authority", func(ev *evidence) { ev.Request.Authority = "x" }, placeRequestSignature},
		{"path", func(ev *evidence) { ev.Request.Path = "/x" }, placeRequestSignature},
		{"request digest", func(ev *evidence) { ev.Request.Fields["content-digest"] = contentDigest([32]byte{}) }, placeRequestSignature},
		{"message id", func(ev *evidence) { ev.Request.Fields["facteur-message-id"] = "x" }, placeRequestSignature},
		{"document type", func(ev *evidence) { ev.Request.Fields["facteur-document-type"] = "x" }, placeRequestSignature},
		{"process left out", func(ev *evidence) { delete(ev.Request.Fields, "facteur-process") }, placeRequestSignature},
		{"sender", func(ev *evidence) { ev.Request.Fields["facteur-sender"] = customer }, placeRequestKey},
		{"no request signature", func(ev *evidence) { delete(ev.Request.Fields, "signature") }, placeRequestSignature},
		{"status", func(ev *evidence) { ev.Response.Status = 200 }, placeReceiptSignature},
		{"receipt digest", func(ev *evidence) { ev.Response.Fields["content-digest"] = contentDigest([32]byte{}) }, placeReceiptSignature},
		{"no receipt signature", func(ev *evidence) { ev.Response.Fields = nil }, placeReceiptSignature},
		{"peer", func(ev *evidence) { ev.Peer = supplier }, placeReceiptKey},
		{"receipt body", func(ev *evidence) { ev.Response.Body = bytes.Replace(ev.Response.Body, []byte("m1"), []byte("m3"), 1) }, placeReceiptDigest},
		{"receipt of another message", func(ev *evidence) { ev.Response = otherEvidence.Response }, placeReceiptSignature},
		{"request of another message", func(ev *evidence) { ev.Request = otherEvidence.Request }, placeReceiptSignature},
	} {
		ev, err := readEvidence(r.Evidence)
		if err != nil {
			t.Fatal(err)
		}
		c.change(ev)
		if got := codeOf(VerifyEvidence(t.Context(), ev.encode(), p.trust)); got != c.code {
			t.Errorf("%s: got %q, want %q", c.name, got, c.code)
		}
	}
	for name, b := range map[string]string{
		"empty": "", "no JSON": "<x/>", "unknown key": `{"type":"facteur-https-receipt/1","x":1}`,
		"trailing": string(r.Evidence) + "{}", "too large": string(r.Evidence) + strings.Repeat(" ", maxEvidence),
	} {
		if got := codeOf(VerifyEvidence(t.Context(), []byte(b), p.trust)); got != placeFormat {
			t.Errorf("%s: %q", name, got)
		}
		if _, err := ReadEvidence([]byte(b)); codeOf(err) != placeFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		ring transport.KeyRing
		code string
	}{
		"no keys": {nil, placeRequestKey}, "only the sender's": {p.trust[:1], placeReceiptKey}, "only the receiver's": {p.trust[1:], placeRequestKey},
		"key not yet valid": {transport.KeyRing{p.trust[0], {ID: p.trust[1].ID, Public: p.trust[1].Public, Participants: []string{customer}, NotBefore: noon.Add(time.Second)}}, placeReceiptKey},
		"key expired":       {transport.KeyRing{{ID: p.trust[0].ID, Public: p.trust[0].Public, Participants: []string{supplier}, NotAfter: noon.Add(-time.Second)}, p.trust[1]}, placeRequestKey},
		"keys swapped":      {transport.KeyRing{{ID: p.trust[0].ID, Public: p.trust[1].Public, Participants: []string{supplier}}, p.trust[1]}, placeRequestSignature},
	} {
		if got := codeOf((Verifier{}).VerifyEvidence(t.Context(), r.Evidence, c.ring)); got != c.code {
			t.Errorf("%s: got %q, want %q", name, got, c.code)
		}
	}
	if (Verifier{}).EvidenceType() != r.EvidenceType {
		t.Error("the verifier is for another type")
	}
}

// A receipt whose signed body speaks of something else is no receipt for this message.
func TestReceiptMustSpeakOfTheMessage(t *testing.T) {
	for name, change := range map[string]func(*receiptBody){
		"message": func(b *receiptBody) { b.MessageID = "x" }, "digest": func(b *receiptBody) { b.SHA256 = strings.Repeat("0", 64) },
		"sender": func(b *receiptBody) { b.Sender = "x" }, "receiver": func(b *receiptBody) { b.Receiver = "x" },
		"time": func(b *receiptBody) { b.ReceivedAt = time.Time{} },
	} {
		p := newPair(t, nil)
		p.inbox.accept = func(in Inbound) (Decision, error) {
			kept, err := readEvidence(in.Evidence)
			if err != nil {
				return Decision{}, err
			}
			var body receiptBody
			if err := json.Unmarshal(kept.Response.Body, &body); err != nil {
				return Decision{}, err
			}
			change(&body)
			return Decision{Verdict: Repeated, Receipt: resign(t, p, kept, body)}, nil
		}
		r := p.send(t, message("1", "<Invoice/>"))
		wants(t, r, transport.Unknown, CodeReceiptBroken)
		if !strings.Contains(r.Detail, "receipt body") {
			t.Errorf("%s: %s", name, r.Detail)
		}
	}
}

// resign makes the receipt that a receiver would sign if it wrote body.
func resign(t *testing.T, p *pair, ev *evidence, body receiptBody) []byte {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	m := message("", string(b))
	ev.Response = response{Status: 202, Body: b, Fields: fields{"content-type": "application/json", "content-digest": contentDigest(m.SHA256)}}
	input, value, err := sign(strings.NewReader(""), p.receiver.cfg.Signer, p.receiver.alg,
		exchange{request: ev.Request, response: &ev.Response}, receiptCovered(), signParams{created: noon, tag: tagReceipt})
	if err != nil {
		t.Fatal(err)
	}
	ev.Response.Fields["signature-input"], ev.Response.Fields["signature"] = input, value
	stored, err := json.Marshal(ev.Response)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestReceiptFromTheFuture(t *testing.T) {
	now := noon
	p := newPair(t, func(_ *ReceiverConfig, gc *GatewayConfig) {
		gc.Now = func() time.Time { defer func() { now = now.Add(-2 * skew) }(); return now }
	})
	wants(t, p.send(t, message("1", "<Invoice/>")), transport.Unknown, CodeReceiptBroken)
}

// Evidence that someone changed either does not verify or says the same.
func TestEvidenceIsNotMalleable(t *testing.T) {
	p := newPair(t, nil)
	r := p.send(t, message("m1", "<Invoice/>"))
	want, err := ReadEvidence(r.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(r.Evidence)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			b[i] = rapid.Byte().Draw(t, "byte")
		}
		unchanged(ctx, t, b, p.trust, want)
	})
}

func unchanged(ctx context.Context, t interface{ Fatalf(string, ...any) }, b []byte, trust transport.Trust, want Claims) {
	err := VerifyEvidence(ctx, b, trust)
	if err != nil {
		if !strings.HasPrefix(codeOf(err), transport.CodeEvidence+".") {
			t.Fatalf("error without a place: %v", err)
		}
		return
	}
	if got, err := ReadEvidence(b); err != nil || got != want {
		t.Fatalf("changed evidence verifies: %+v, %v", got, err)
	}
}

// The golden evidence was made by an earlier run: what was kept must verify in later versions.
func TestGoldenEvidence(t *testing.T) {
	file, ring := goldenEvidence(t)
	if *update {
		p := newPair(t, func(rc *ReceiverConfig, gc *GatewayConfig) {
			rc.Signer, gc.Signer = seeded("customer-2026", 2), seeded("supplier-2026", 1)
			rc.Trust, gc.Trust = ring, ring
		})
		r := p.send(t, message("golden-1", "<Invoice/>"))
		if err := os.WriteFile(file, r.Evidence, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyEvidence(t.Context(), b, ring); err != nil {
		t.Error(err)
	}
	if c, err := ReadEvidence(b); err != nil || c.MessageID != "golden-1" || c.SHA256 != message("", "<Invoice/>").SHA256 {
		t.Errorf("%+v %v", c, err)
	}
}

func goldenEvidence(t testing.TB) (string, transport.KeyRing) {
	t.Helper()
	return filepath.Join("testdata", "evidence.json"),
		transport.KeyRing{trusts(seeded("supplier-2026", 1), supplier), trusts(seeded("customer-2026", 2), customer)}
}

func FuzzEvidence(f *testing.F) {
	file, ring := goldenEvidence(f)
	b, err := os.ReadFile(file)
	if err != nil {
		f.Fatal("no seed: ", err)
	}
	want, err := ReadEvidence(b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"type":"facteur-https-receipt/1","request":{"fields":{}},"response":{"fields":{}}}`))
	f.Fuzz(func(t *testing.T, b []byte) { unchanged(t.Context(), t, b, ring, want) })
}
