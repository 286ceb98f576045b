// Package sink is the channel of tenants in test mode: it reaches nobody. What
// becomes of a message is fixed by the receiver's id, so that a supplier can see
// every way an invoice may go before a real customer does.
//
// The last word of the receiver's id decides, in capitals or not, as in
// "0088:disputes":
//
//	accepts    taken, then approved (so does every other id)
//	disputes   taken, then disputed
//	refuses    taken, then refused
//	bounces    never taken
//	unknown    nobody knows whether it arrived
//	slow       taken after ten seconds
package sink

import (
	"context"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/transport"
)

// Channel is the name of the channel, and Kind that of its proof.
const (
	Channel = "sink"
	Kind    = "sink"
)

// Behaviours are the words that decide, in the order of the package comment.
var behaviours = []string{"accepts", "disputes", "refuses", "bounces", "unknown", "slow"}

// slowness is how long "slow" takes.
const slowness = 10 * time.Second

// Address gives the sink's address for a receiver id.
func Address(receiver string) string {
	word := strings.ToLower(receiver[strings.LastIndexAny(receiver, ":/-_")+1:])
	if !slices.Contains(behaviours, word) {
		word = "accepts"
	}
	return "sink:" + word
}

// Behaviour gives the word of an address that Address made.
func Behaviour(address string) string { return strings.TrimPrefix(address, "sink:") }

// Sender is the channel. It implements transport.Sender.
type Sender struct {
	Now func() time.Time
}

// Idempotent tells that a message that is repeated is the same message, but for
// the receiver whose fate is to stay unknown.
func (Sender) Idempotent(to transport.Endpoint) bool { return Behaviour(to.Address) != "unknown" }

// Send lets the receiver's id decide.
func (s Sender) Send(ctx context.Context, m transport.Message, to transport.Endpoint) (transport.Receipt, error) {
	if err := m.Check(); err != nil {
		return transport.Receipt{}, err
	}
	r := transport.Receipt{Outcome: transport.Accepted, Kind: Kind, PeerID: m.Receiver, Detail: "test mode: nothing was sent"}
	switch Behaviour(to.Address) {
	case "bounces":
		r = transport.Receipt{Outcome: transport.Rejected, Code: "sink.bounced", Detail: "test mode: this receiver bounces"}
	case "unknown":
		r = transport.Receipt{Outcome: transport.Unknown, Code: "sink.unknown", Detail: "test mode: nobody knows whether this receiver got it"}
	case "slow":
		timer := time.NewTimer(slowness)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			r = transport.Receipt{Outcome: transport.Temporary, Code: "sink.interrupted", Detail: "test mode: the gateway stopped while this receiver was slow"}
		}
	}
	r.At = s.Now()
	return r, nil
}

// Answer is the event that the receiver tells afterwards: "approved",
// "disputed", "refused", or nothing.
func Answer(address string) string {
	switch Behaviour(address) {
	case "accepts", "slow":
		return "approved"
	case "disputes":
		return "disputed"
	case "refuses":
		return "refused"
	}
	return ""
}
