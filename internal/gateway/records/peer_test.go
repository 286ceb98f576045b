package records_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/transport"
)

func public(seed byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)).Public().(ed25519.PublicKey)
}

func peerPEM(t testing.TB, seed byte) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public(seed))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// peerKey is a public key as JSON text.
func peerKey(t testing.TB) string { return quote(peerPEM(t, 1)) }

func peer(t testing.TB, keyID string, seed byte, url string, participants ...string) string {
	t.Helper()
	b, err := json.Marshal(records.Peer{Name: "Peer", Participants: participants, URL: url, KeyID: keyID, PublicKey: peerPEM(t, seed)})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTrust(t *testing.T) {
	w := gatewaytest.New(t)
	start := w.Clock.Now().Add(300 * time.Millisecond) // keys are told to the second only
	_, err := put(w, gateway.RecordPeer, "a", peer(t, "key-a", 1, "https://a.example/in", "p:1", "p:2"), 0, start)
	w.Must(err)
	_, err = put(w, gateway.RecordPeer, "b", peer(t, "key-b", 2, "https://b.example/in", "p:3"), 0, start)
	w.Must(err)
	day := 24 * time.Hour
	_, err = put(w, gateway.RecordPeer, "a", peer(t, "key-a2", 3, "https://a.example/new", "p:1", "p:4"), 1, start.Add(10*day))
	w.Must(err)
	_, err = put(w, gateway.RecordPeer, "b", peer(t, "key-b", 2, "https://b.example/new", "p:3"), 1, start.Add(day))
	w.Must(err)

	trust := records.Trust{Store: w.Store, Tenant: tenant}
	for name, c := range map[string]struct {
		key, participant string
		at               time.Time
		seed             byte // 0: refused
	}{
		"its key":                        {"key-a", "p:1", start, 1},
		"in the second it counts from":   {"key-a", "p:1", start.Truncate(time.Second), 1},
		"before":                         {"key-a", "p:1", start.Add(-time.Second), 0},
		"another's participant":          {"key-a", "p:3", start, 0},
		"another's key":                  {"key-b", "p:1", start, 0},
		"unknown key":                    {"key-x", "p:1", start, 0},
		"unknown participant":            {"key-a", "p:9", start, 0},
		"no participant":                 {"key-a", "", start, 0},
		"no key id":                      {"", "p:1", start, 0},
		"after a change of the address":  {"key-b", "p:3", start.Add(5 * day), 2},
		"before a change of the address": {"key-b", "p:3", start.Add(time.Hour), 2},
		"the new key too early":          {"key-a2", "p:1", start.Add(9 * day), 0},
		"the new key":                    {"key-a2", "p:1", start.Add(10 * day), 3},
		"the old key too late":           {"key-a", "p:1", start.Add(10 * day), 0},
		"an old signature":               {"key-a", "p:1", start.Add(9 * day), 1},
		"a participant from later":       {"key-a", "p:4", start.Add(9 * day), 0},
		"a participant of later":         {"key-a2", "p:4", start.Add(11 * day), 3},
	} {
		got, err := trust.PublicKey(t.Context(), c.key, c.participant, c.at)
		if c.seed != 0 {
			if err != nil || !public(c.seed).Equal(got) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var e *transport.Error
		if !errors.As(err, &e) || e.Code != transport.CodeKey || e.Retry || got != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := (records.Trust{Store: w.Store, Tenant: "other"}).PublicKey(t.Context(), "key-a", "p:1", start); err == nil {
		t.Error("another tenant's peer is trusted")
	}
	w.Must(w.Store.Close())
	var e *transport.Error
	if _, err := trust.PublicKey(t.Context(), "key-a", "p:1", start); !errors.As(err, &e) || e.Code != transport.CodeKey || !e.Retry {
		t.Errorf("without a store: %v", err)
	}
}

func TestReplyRoute(t *testing.T) {
	w := gatewaytest.New(t)
	w.Put(gateway.RecordPeer, "a", peer(t, "key-a", 1, "https://a.example/in", "p:1"))
	w.Put(gateway.RecordPeer, "mute", peer(t, "key-m", 2, "", "p:2"))
	_, err := put(w, gateway.RecordPeer, "a", peer(t, "key-a", 1, "https://a.example/moved", "p:1"), 1, w.Clock.Now().Add(time.Hour))
	w.Must(err)
	route := func(to string, at time.Time) (out gateway.Route, known bool) {
		w.Read(func(r gateway.Reader) (err error) {
			out, known, err = records.ReplyRoute(w.Context(), r, "me", to, at)
			return err
		})
		return out, known
	}
	got, known := route("p:1", w.Clock.Now())
	var endpoint transport.Endpoint
	w.Must(json.Unmarshal(got.Options, &endpoint))
	if !known || got.Channel != transport.ChannelGateway || got.Address != "https://a.example/in" || got.Sender != "me" || got.Receiver != "p:1" || got.Why == "" ||
		endpoint != (transport.Endpoint{Channel: transport.ChannelGateway, Address: "https://a.example/in", PeerID: "p:1"}) {
		t.Errorf("%+v %+v", got, endpoint)
	}
	if got, _ := route("p:1", w.Clock.Now().Add(time.Hour)); got.Address != "https://a.example/moved" {
		t.Errorf("after the move: %s", got.Address)
	}
	for _, to := range []string{"p:2", "p:3", ""} {
		if got, known := route(to, w.Clock.Now()); known || got.Address != "" {
			t.Errorf("%q: %+v", to, got)
		}
	}
}

// Nobody can be two peers' participant: where would an answer go?
func TestOneSpeakerForAParticipant(t *testing.T) {
	w := gatewaytest.New(t)
	w.Put(gateway.RecordPeer, "a", peer(t, "key-a", 1, "https://a.example/in", "p:1", "p:2"))
	_, err := put(w, gateway.RecordPeer, "b", peer(t, "key-b", 2, "https://b.example/in", "p:3", "p:2"), -1, time.Time{})
	w.Fails(err, "duplicate")
	var e *gateway.Error
	if !errors.As(err, &e) || e.Ref != "a" || e.Message != "another peer speaks for p:2" {
		t.Errorf("%+v", e)
	}
	w.Put(gateway.RecordPeer, "a", peer(t, "key-a", 1, "https://a.example/in", "p:1"))
	w.Put(gateway.RecordPeer, "b", peer(t, "key-b", 2, "https://b.example/in", "p:3", "p:2"))
}
