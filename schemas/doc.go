// Package schemas keeps the official rule packs: XML schemas and compiled
// Schematron of UBL, CII, EN 16931, Peppol, XRechnung, Factur-X and the French
// specifications.
//
// None of them is part of this module, and none is embedded. What is embedded
// is a manifest (which archive, at which version, holds which rule set, valid
// from which day) and a lock (the SHA-256 of every file used). [Sync] fetches
// the archives through Maven and pip, or from a mirrored folder or address,
// and unpacks the listed files; [Catalogue] finds them and hands out their
// bytes.
//
// The promise: bytes that differ from the lock are never used. Each reading
// compares the SHA-256 first, and an archive, a file or a mirror that does not
// match is refused with an [*Error]. A pack that is absent is an error, too:
// what could not be checked has not passed.
package schemas
