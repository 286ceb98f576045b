// Package billing decides what to invoice: an order, the deliveries so far and
// what was billed before become draft invoices and a remainder that stays open.
//
// It is pure: no store, no clock, no network. [Draft] promises:
//
//   - Never more is invoiced than was ordered and, for orders that are billed on
//     delivery, delivered; a tolerance must be given to allow more.
//   - Nothing is invoiced twice, whatever the order in which delivery notes come
//     and however often one is repeated.
//   - What the order lacks comes from records ([LegalEntity], [Customer], [Item]),
//     never from a guess. Each value taken is a [Source]; each value that nobody
//     gives is a [MissingField], and an invoice with one is to be held.
//   - Amounts are left to invoice.Calculate. A draft has no number (BT-1).
//
// [Credit] makes the credit note for an invoice, whole or by line, never for more
// than was invoiced and not yet credited.
//
// # Several invoices for one order
//
// Each delivery note gives its own draft, so that BT-16 and BT-72 name exactly
// that delivery. Allowances and charges of a line follow the quantity invoiced;
// those of the order follow the value invoiced. Both are shared cumulatively and
// rounded to the cent, so that after the last invoice their sum is the amount of
// the order, whatever the steps. Where rounding would make the line amounts of the
// parts differ from the whole by a cent, an allowance or charge with the reason
// "Rounding" settles it on the line.
package billing
