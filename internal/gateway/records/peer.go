package records

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
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

func (p Peer) key() (crypto.PublicKey, error) {
	bad := func(path, what string, err error) error {
		e := gateway.ErrInvalid.With(what, err)
		e.Fields = []gateway.FieldProblem{{Path: path, Code: "peer", Message: what}}
		return e
	}
	if p.KeyID == "" {
		return nil, bad("/key_id", "the peer's key has no id", nil)
	}
	if len(p.Participants) == 0 {
		return nil, bad("/participants", "the peer speaks for nobody", nil)
	}
	block, rest := pem.Decode([]byte(p.PublicKey))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, bad("/public_key", "the public key is not one PEM block of type PUBLIC KEY", nil)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, bad("/public_key", "the public key cannot be read", err)
	}
	return key, nil
}

func (p Peer) keys() []string {
	keys := []string{"key:" + p.KeyID}
	for _, participant := range p.Participants {
		keys = append(keys, "participant:"+participant)
	}
	return keys
}

// Trust finds the keys of a tenant's peers. It implements transport.Trust.
type Trust struct {
	Store  gateway.Store
	Tenant gateway.TenantID
}

// PublicKey gives the key if the peer that has it spoke for the participant at
// that moment.
func (t Trust) PublicKey(ctx context.Context, keyID, participant string, at time.Time) (crypto.PublicKey, error) {
	var key crypto.PublicKey
	err := t.Store.For(t.Tenant).Read(ctx, func(r gateway.Reader) error {
		list, err := r.RecordsByKey(ctx, gateway.RecordPeer, "key:"+keyID)
		if err != nil {
			return err
		}
		for _, rec := range list {
			peer, err := Typed[Peer](rec)
			if err != nil {
				return err
			}
			// Signatures tell their time to the second.
			if slices.Contains(peer.Value.Participants, participant) && !at.Before(rec.ValidFrom.Truncate(time.Second)) {
				key, err = peer.Value.key()
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, transport.Fault(transport.CodeKey, "key %q may not speak for %q", transport.Safe(keyID), transport.Safe(participant))
	}
	return key, nil
}

// ReplyRoute gives the way back to a participant: the URL of the peer that
// speaks for it.
func ReplyRoute(ctx context.Context, r gateway.Reader, from, to string) (gateway.Route, bool, error) {
	list, err := r.RecordsByKey(ctx, gateway.RecordPeer, "participant:"+to)
	if err != nil || len(list) == 0 {
		return gateway.Route{}, false, err
	}
	peer, err := Typed[Peer](list[0])
	if err != nil {
		return gateway.Route{}, false, err
	}
	options, err := json.Marshal(transport.Endpoint{Channel: transport.ChannelGateway, Address: peer.Value.URL, PeerID: to})
	return gateway.Route{
		Channel: transport.ChannelGateway, Address: peer.Value.URL, Sender: from, Receiver: to, Options: options,
		Why: "the peer that speaks for the sender",
	}, err == nil, err
}
