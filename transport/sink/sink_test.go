package sink_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/sink"
)

func message(receiver string) transport.Message {
	body := []byte("<Invoice/>")
	return transport.Message{ID: "msg_1", Sender: "test", Receiver: receiver, ContentType: "application/xml", Body: body, SHA256: sha256.Sum256(body)}
}

func TestTheReceiverDecides(t *testing.T) {
	for receiver, want := range map[string]struct {
		word       string
		outcome    transport.Outcome
		code       string
		answer     string
		idempotent bool
		took       time.Duration
	}{
		"0088:accepts":                        {"accepts", transport.Accepted, "", "approved", true, 0},
		"0088:4012345000009":                  {"accepts", transport.Accepted, "", "approved", true, 0},
		"accepts":                             {"accepts", transport.Accepted, "", "approved", true, 0},
		"":                                    {"accepts", transport.Accepted, "", "approved", true, 0},
		"iso6523-actorid-upis::0225:disputes": {"disputes", transport.Accepted, "", "disputed", true, 0},
		"C-DISPUTES":                          {"disputes", transport.Accepted, "", "disputed", true, 0},
		"customer_refuses":                    {"refuses", transport.Accepted, "", "refused", true, 0},
		"a/bounces":                           {"bounces", transport.Rejected, "sink.bounced", "", true, 0},
		"0088:unknown":                        {"unknown", transport.Unknown, "sink.unknown", "", false, 0},
		"0088:slow":                           {"slow", transport.Accepted, "", "approved", true, 10 * time.Second},
		"0088:bounces:x":                      {"accepts", transport.Accepted, "", "approved", true, 0},
		"0088:xbounces":                       {"accepts", transport.Accepted, "", "approved", true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			address := sink.Address(receiver)
			if address != "sink:"+want.word || sink.Behaviour(address) != want.word {
				t.Errorf("%q: address %q", receiver, address)
			}
			s := sink.Sender{Now: time.Now}
			start := time.Now()
			r, err := s.Send(t.Context(), message("0088:x"), transport.Endpoint{Channel: sink.Channel, Address: address})
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != want.outcome || r.Code != want.code || r.Detail == "" || time.Since(start) != want.took || !r.At.Equal(start.Add(want.took)) {
				t.Errorf("%q: %+v after %v", receiver, r, time.Since(start))
			}
			if proves := r.Outcome == transport.Accepted; (r.Kind == sink.Kind) != proves || (r.PeerID == "0088:x") != proves {
				t.Errorf("%q: %s proves %q of %q", receiver, r.Outcome, r.Kind, r.PeerID)
			}
			if got := sink.Answer(address); got != want.answer {
				t.Errorf("%q: answers %q", receiver, got)
			}
			if got := s.Idempotent(transport.Endpoint{Address: address}); got != want.idempotent {
				t.Errorf("%q: idempotent %v", receiver, got)
			}
		})
	}
}

func TestSlowReceiverIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		r, err := sink.Sender{Now: time.Now}.Send(ctx, message("0088:slow"), transport.Endpoint{Address: "sink:slow"})
		if err != nil || r.Outcome != transport.Temporary || r.Code != "sink.interrupted" || r.Kind != "" || time.Since(start) != 3*time.Second {
			t.Errorf("%+v %v after %v", r, err, time.Since(start))
		}
	})
}

// The sink is as strict about messages as a channel that sends them.
func TestBadMessageIsAnError(t *testing.T) {
	m := message("0088:accepts")
	m.Body = []byte("<Other/>")
	_, err := sink.Sender{Now: time.Now}.Send(t.Context(), m, transport.Endpoint{Address: "sink:accepts"})
	var fault *transport.Error
	if !errors.As(err, &fault) || fault.Code != transport.CodeDigest {
		t.Errorf("got %v", err)
	}
}

func ExampleSender() {
	s := sink.Sender{Now: func() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) }}
	to := transport.Endpoint{Channel: sink.Channel, Address: sink.Address("0088:disputes")}
	r, err := s.Send(context.Background(), message("0088:disputes"), to)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Outcome, "then", sink.Answer(to.Address))
	// Output: accepted then disputed
}
