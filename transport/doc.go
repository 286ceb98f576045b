// Package transport carries bytes to a peer and comes back with a receipt that says what is proven.
//
// The package holds what all channels share: the [Message], the [Endpoint] it goes to, the [Receipt] with
// its [Outcome], and the contracts for keys ([Signer], [Trust]) and for evidence that is checked again later
// ([Verifier]). The channels are packages below: transport/https, transport/mail and so on. Each is a
// [Sender].
//
// # What a Sender promises
//
// Send contacts the peer at most once. It never tries again by itself, never follows the peer elsewhere and
// never changes a byte of the body. Whatever the peer did, or failed to do, is a Receipt; an error means that
// the caller or the configuration is wrong and that the peer was not contacted.
//
// The four outcomes are chosen so that a caller who follows the table never loses a message and never sends it
// twice:
//
//	accepted   the peer has it; Kind says how far that goes        done
//	rejected   the peer will never take it as it is                stop, tell a person
//	temporary  the peer certainly did not take it                  send again later, with the same ID
//	unknown    it may have arrived                                 send again only if Idempotent says so
//
// A retry carries the same ID and the identical bytes.
package transport
