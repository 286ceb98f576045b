// Package requirements checks an invoice against what its customer asks for
// before anything leaves: a billing profile says which references, attachments,
// syntaxes, prices and quantities the customer accepts, and may add rules of its
// own in CEL, the Common Expression Language (https://cel.dev).
//
// [Compile] reads a [Profile] and refuses everything that is wrong with it: an
// unknown field, a pattern or rule that does not compile, an example invoice
// that does not come out as the profile says. [Compiled.Check] then judges a
// [Subject], which the caller fills: the invoice, its order, what was billed
// before, the document that will be sent. The verdict has the form of the
// official ones; its findings point at paths of the model ("lines[2].price.net").
//
// The package promises:
//
//   - Checking changes nothing and is safe for concurrent use.
//   - Amounts stay exact: CEL rules compute with the type decimal, and no amount
//     becomes a floating-point number.
//   - It fails closed. A rule that stops with an error, exceeds its cost or its
//     time, or a panic, gives a verdict that did not run.
//   - Rules cannot run away: their size, cost, memory and time are bounded.
package requirements
