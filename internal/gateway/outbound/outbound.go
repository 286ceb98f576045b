// Package outbound is the way of an invoice out of the house: an order or a
// finished invoice comes in ([Intake]), becomes a draft ([Drafting]), is
// completed from the records, checked, numbered, sealed and queued
// ([Preparing]), and is carried to the customer ([Sending]). People step in with
// [Desk]: correct, release, override, cancel, credit, resolve.
//
// The package keeps the first two promises of the gateway. Exactly one invoice:
// an idempotency key on every submission, a business key that stops a second
// order or invoice under another key, record before send, identical bytes under
// one message id on every retry. Fail closed: nothing becomes ready that was not
// checked by every rule set that applies, unless a named person overrode the
// findings with a reason.
//
// Each worker holds its task by a lease and records its result together with
// the end of the task, so that a crash anywhere repeats the step or finds it done.
package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// Submission is what every write that makes something carries.
type Submission struct {
	// Key is the caller's idempotency key. Without one the same bytes are taken
	// as the same submission.
	Key   string
	Actor gateway.Actor
	// Source is what came in, byte for byte, and SourceType its media type.
	Source     []byte
	SourceType string
	Filename   string
}

// Answer is what a submission is answered with: the same for every repetition.
type Answer struct {
	// Ref is the record that was made.
	Ref string
	// Body is that record as it was when it was made, as JSON.
	Body []byte
	// Replayed tells that the submission was known already.
	Replayed bool
}

// submit runs fn once per idempotency key and scope. fn makes the record and
// returns its id and its JSON form.
func submit(ctx context.Context, store gateway.TenantStore, now time.Time, scope string, s Submission,
	fn func(tx gateway.Tx) (ref string, body any, err error),
) (Answer, error) {
	digest := KeyOf(s.Source)
	key := s.Key
	if key == "" {
		key = digest
	}
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Answer{}, gateway.ErrInvalid.With("an idempotency key is at most 255 characters without control characters", nil)
	}
	var out Answer
	err := store.Write(ctx, func(tx gateway.Tx) error {
		out = Answer{}
		known, err := tx.Idempotent(ctx, scope, key)
		switch {
		case err == nil && known.BodySHA256 != digest:
			return gateway.ErrIdempotencyKey.For(known.Ref)
		case err == nil:
			out = Answer{Ref: known.Ref, Body: known.Response, Replayed: true}
			return nil
		case !errors.Is(err, gateway.ErrNotFound):
			return err
		}
		ref, body, err := fn(tx)
		if err != nil {
			return err
		}
		out.Ref = ref
		if out.Body, err = json.Marshal(body); err != nil {
			return err
		}
		return tx.PutIdempotent(ctx, gateway.IdempotencyRecord{
			Key: key, Scope: scope, BodySHA256: digest, Ref: ref, Status: 201, Response: out.Body, CreatedAt: now,
		})
	})
	return out, err
}

// KeyOf is the idempotency key of bytes that were submitted without one.
func KeyOf(source []byte) string {
	sum := sha256.Sum256(source)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// businessKey joins the parts that identify a document of the world, so that
// no two different lists of parts give one key.
func businessKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		p = strings.ToUpper(strings.Join(strings.Fields(p), " "))
		var length [8]byte
		for i, n := 0, len(p); n > 0; i, n = i+1, n>>8 {
			length[i] = byte(n)
		}
		h.Write(length[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}
