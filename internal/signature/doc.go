// Package signature seals documents: it signs the bytes of a document with the
// key of the supplier, so that anybody can later check, offline, that not one
// byte has changed and whose key vouched for it.
//
// A seal is a detached XAdES baseline-B signature (ETSI EN 319 132-1): a file
// beside the document that names it, gives its SHA-256, the signing time, the
// MIME type and the certificate. It is an integrity seal and is called no more
// than that: it is neither a qualified nor an advanced signature unless the
// certificate makes it one, and its signing time is the signer's own word, as
// no time-stamp authority is asked.
//
//	id, err := signature.LoadPKCS12(file, password)
//	seal, err := signature.Seal(id, signature.SealOptions{Name: "F-42.xml", MimeType: "application/xml", SigningTime: now, Rand: rand.Reader}, invoice)
//	result, err := signature.Verify(seal, invoice, signature.VerifyOptions{Roots: roots, Now: now})
//
// Verify accepts what the profile needs and nothing else: a part that it does
// not know is refused, never passed over. The first thing that is wrong is
// named by the code of the Error.
package signature
