// Package evidence keeps the audit log: a Merkle tree (RFC 6962, by
// golang.org/x/mod/sumdb/tlog) over the events of one tenant, with signed
// roots (signed notes, Ed25519), proofs and exports that anyone can verify
// offline.
//
// It promises:
//
//   - An event that stands in the log cannot be changed, dropped, moved or
//     inserted without [Verify] naming the first place that is broken.
//   - Fields about people stand in a leaf only as salted commitments. Erasing
//     their salts and values breaks no proof; what is left says nothing about
//     them.
//
// It does not promise that the key's holder cannot keep two logs: for that, an
// auditor keeps a signed root and gives it as [Options.Since] next time.
//
// The files leaf.go, merkle.go, root.go, key.go, export.go and verify.go are
// pure: they know no database and no record of the gateway.
package evidence
