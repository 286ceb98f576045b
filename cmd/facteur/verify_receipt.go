package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"facteur.dev/facteur/transport"
	"facteur.dev/facteur/transport/https"
)

// isReceipt reports whether a file begins like the evidence of a receipt. What
// merely names one, as the events of an audit log do, is none.
func isReceipt(head []byte) bool {
	const within = 100
	return bytes.Contains(head[:min(len(head), within)], []byte(`"facteur-https-receipt/`))
}

// verifyReceipt verifies the evidence of a signed receipt between gateways.
func (c verifyCmd) verifyReceipt(ctx context.Context, in io.Reader, report *verified) error {
	report.Kind = "receipt"
	data, err := readAll(in)
	if err != nil {
		return err
	}
	if c.Peers == "" {
		return usageError("verify.peers", "a receipt is verified with the keys of both sides", "give --peers FILE")
	}
	ring, err := peerKeys(c.Peers)
	if err != nil {
		return err
	}
	if err := https.VerifyEvidence(ctx, data, ring); err != nil {
		report.Broken = brokenBy(err)
		return nil
	}
	claims, err := https.ReadEvidence(data)
	if err != nil {
		report.Broken = brokenBy(err)
		return nil
	}
	report.Kind = "receipt for message " + claims.MessageID
	report.passed("request", "signed by %s for %s at %s", claims.RequestKeyID, claims.Sender, claims.SignedAt.UTC().Format(time.RFC3339))
	report.passed("receipt", "signed by %s for %s at %s", claims.ReceiptKeyID, claims.Peer, claims.ReceivedAt.UTC().Format(time.RFC3339))
	digest := hex.EncodeToString(claims.SHA256[:])
	if c.Document == "" {
		report.passed("digest", "%s: give --document to compare", digest)
		return nil
	}
	document, err := readFlagFile("--document", c.Document)
	if err != nil {
		return err
	}
	if sha256.Sum256(document) != claims.SHA256 {
		report.Broken = &brokenPlace{Code: "verify.document", Message: fmt.Sprintf("%s is not the document with digest %s", c.Document, digest)}
		return nil
	}
	report.passed("document", "%s has digest %s", c.Document, digest)
	return nil
}

// peerKeys reads a list of peers as the gateway keeps them.
func peerKeys(path string) (transport.KeyRing, error) {
	data, err := readFlagFile("--peers", path)
	if err != nil {
		return nil, err
	}
	refuse := func(err error) error {
		return usageError("verify.peers", fmt.Sprintf("--peers: %s: %v", path, err), "expected a JSON list of {key_id, public_key, participants}")
	}
	var peers []struct {
		KeyID        string   `json:"key_id"`
		PublicKey    string   `json:"public_key"` // PEM, PKIX
		Participants []string `json:"participants"`
	}
	if err := json.Unmarshal(data, &peers); err != nil {
		return nil, refuse(err)
	}
	ring := make(transport.KeyRing, len(peers))
	for i, peer := range peers {
		block, _ := pem.Decode([]byte(peer.PublicKey))
		if block == nil || block.Type != "PUBLIC KEY" || peer.KeyID == "" {
			return nil, refuse(errors.New("a peer has no key_id or no PEM public_key"))
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, refuse(fmt.Errorf("the key %s cannot be read", peer.KeyID))
		}
		ring[i] = transport.TrustedKey{ID: peer.KeyID, Public: key, Participants: peer.Participants}
	}
	return ring, nil
}
