// Package https carries documents over HTTPS: between gateways, with signatures on both sides, and to any other
// endpoint.
//
// # Gateway to gateway
//
// A [Gateway] posts the document as it is. An HTTP Message Signature (RFC 9421, tag "facteur-message") covers
// the method, host and path, the Content-Digest (RFC 9530, sha-256), the Content-Type and the Facteur-… fields;
// it is valid for five minutes. A [Receiver] verifies the signature with a key that may speak for the sender,
// then the digest of what arrived, hands the document to its [Inbox], and answers 202 with a receipt: a small
// JSON whose signature (tag "facteur-receipt") covers the status, the receipt's digest, and from the request the
// document's digest, the message id and both participants. Both sides keep request and receipt as evidence that
// [VerifyEvidence] checks offline, years later. The same message id with the same digest gets the same receipt,
// byte for byte; with another digest it gets 409.
//
// Algorithms: ed25519, ecdsa-p256-sha256, rsa-pss-sha512; rsa-v1_5-sha256 is verified but not used.
//
// # Any endpoint
//
// An [AP] sender posts the document with Content-Digest and Idempotency-Key (the message id), and a bearer token
// or a client certificate. A 2xx proves that this server accepted the request, and nothing about the customer.
//
// # What became of it
//
// Every Send uses a connection of its own, HTTP/1.1, no redirect, no proxy, nothing repeated behind the caller's
// back. Then:
//
//	what happened                                    outcome    code
//	the address is not allowed by policy             rejected   netguard.refused
//	name not found                                   temporary  dial.dns
//	connection refused, too slow, otherwise failed   temporary  dial.refused, dial.timeout, dial.failed
//	the server's certificate does not verify         temporary  tls.untrusted
//	the server refuses our certificate               temporary  tls.identity, or as the next but one
//	no TLS                                           temporary  tls.failed
//	broken before the last byte of the body          temporary  http.incomplete
//	all sent, then silence until the deadline        unknown    http.timeout
//	all sent, then the connection is lost            unknown    http.no_answer
//	all sent, the answer is no HTTP or too large     unknown    http.bad_answer
//	408, 425, 429                                    temporary  http.status_NNN, with Retry-After
//	503 with Retry-After, or from an idempotent peer temporary  http.status_503
//	503 otherwise                                    unknown    http.status_503
//	409 from an endpoint that is no gateway          unknown    http.status_409
//	any other 4xx                                    rejected   http.status_NNN
//	301, 307, 308                                    rejected   http.status_NNN
//	any other 3xx, any other 5xx                     unknown    http.status_NNN
//	2xx before the last byte of the body             unknown    http.early
//	2xx from an AP                                   accepted   (kind http.2xx)
//	2xx from a gateway, the receipt verifies         accepted   (kind https.signed_receipt)
//	2xx from a gateway, the receipt does not verify  unknown    receipt.broken, receipt.key
//
// The reasons for the less obvious rows: a peer that lacks the last byte cannot have the document (RFC 9112, 8:
// the request is incomplete). A 503 may come from a proxy whose server broke off with the request in hand; only
// a Retry-After, or a peer that takes a message id once, makes a repetition safe. 302 and 303 are how web
// applications say "done, look there". 409 may mean "I have it" or "still working on it". An idempotent peer is
// asked again after an unknown outcome, so that caution costs nothing there.
//
// To gateways, and to endpoints that want a client certificate, the document itself is sent only when the server
// asks for it (Expect: 100-continue) or after a second: a refusal of key, certificate or size then leaves no doubt.
package https
