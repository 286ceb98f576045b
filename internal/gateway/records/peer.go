package records

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
)

// Peer is another gateway that a tenant exchanges documents with: whom it speaks
// for, where it takes messages, and the key it signs with.
type Peer struct {
	Name string `json:"name"`
	// Participants are the participant ids the peer speaks for.
	Participants []string `json:"participants"`
	// URL is where the peer takes messages.
	URL string `json:"url"`
	// KeyID and PublicKey (PEM, PKIX) are the key the peer signs with.
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"`
}

func (p Peer) check() error {
	if p.KeyID == "" {
		return invalid("/key_id", "peer", "the peer's key has no id", nil)
	}
	if len(p.Participants) == 0 {
		return invalid("/participants", "peer", "the peer speaks for nobody", nil)
	}
	for i, participant := range p.Participants {
		if participant != strings.TrimSpace(participant) || participant != transport.Safe(participant) || participant == "" {
			return invalid(fmt.Sprintf("/participants/%d", i), "peer", "this is no participant id", nil)
		}
	}
	if p.URL != "" && !httpsURL(p.URL) {
		return invalid("/url", "peer", "the address is no https URL", nil)
	}
	_, err := p.key()
	return err
}

func (p Peer) key() (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(p.PublicKey))
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, invalid("/public_key", "peer", "the public key is not one PEM block of type PUBLIC KEY", nil)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, invalid("/public_key", "peer", "the public key cannot be read", err)
	}
	return key, nil
}

func (p Peer) keys() []string {
	keys := make([]string, len(p.Participants))
	for i, participant := range p.Participants {
		keys[i] = participantKey(participant)
	}
	return keys
}

func participantKey(participant string) string { return key("participant:", participant) }

// alone refuses a peer that speaks for whom another peer speaks: an answer would
// not know where to go.
func alone(ctx context.Context, r gateway.Reader, rec gateway.Record) error {
	for _, k := range rec.Keys {
		list, err := r.RecordsByKey(ctx, rec.Kind, k)
		if err != nil {
			return err
		}
		for _, other := range list {
			if other.ID != rec.ID {
				return gateway.ErrDuplicate.With("another peer speaks for "+strings.TrimPrefix(k, "participant:"), nil).For(other.ID)
			}
		}
	}
	return nil
}

// Trust finds the keys of a tenant's peers. It implements transport.Trust.
type Trust struct {
	Store  gateway.Store
	Tenant gateway.TenantID
}

// PublicKey gives the key if the peer that has it spoke for the participant at
// that moment: what an old signature says can be checked when the peer has another
// key or address by now.
func (t Trust) PublicKey(ctx context.Context, keyID, participant string, at time.Time) (crypto.PublicKey, error) {
	// Signatures tell their time to the second, records theirs to the microsecond.
	at = at.Truncate(time.Second).Add(time.Second - time.Microsecond)
	var key crypto.PublicKey
	err := t.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) error {
		list, err := inForce(ctx, r, gateway.RecordPeer, participantKey(participant), at)
		if err != nil {
			return err
		}
		for _, rec := range list {
			peer, err := Typed[Peer](rec)
			if err != nil {
				return err
			}
			if peer.Value.KeyID == keyID && slices.Contains(peer.Value.Participants, participant) {
				key, err = peer.Value.key()
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, &transport.Error{Code: transport.CodeKey, Message: "the key cannot be looked up now", Retry: true, Err: err}
	}
	if key == nil {
		return nil, transport.Fault(transport.CodeKey, "key %q may not speak for %q", transport.Safe(keyID), transport.Safe(participant))
	}
	return key, nil
}

// ReplyRoute gives the way back to a participant: the URL of the peer that
// speaks for it now. known is false when there is none.
func ReplyRoute(ctx context.Context, r gateway.Reader, from, to string, now time.Time) (route gateway.Route, known bool, err error) {
	list, err := inForce(ctx, r, gateway.RecordPeer, participantKey(to), now)
	if err != nil || len(list) != 1 {
		return gateway.Route{}, false, err
	}
	peer, err := Typed[Peer](list[0])
	if err != nil || peer.Value.URL == "" || !slices.Contains(peer.Value.Participants, to) {
		return gateway.Route{}, false, err
	}
	options, err := json.Marshal(transport.Endpoint{Channel: transport.ChannelGateway, Address: peer.Value.URL, PeerID: to})
	return gateway.Route{
		Channel: transport.ChannelGateway, Address: peer.Value.URL, Sender: from, Receiver: to, Options: options,
		Why: "the peer that speaks for the sender",
	}, err == nil, err
}
