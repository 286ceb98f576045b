// Package order is the canonical model of a sales order and of the delivery
// notes that follow it: what the buyer wants, at which price, delivered where,
// and what has been delivered of it so far.
//
// An [Order] is what package formats/ubl reads from a UBL 2.1 Order (Peppol BIS
// Order 3), package formats/sheet from CSV and XLSX, and [ReadJSON] from our own
// JSON. A [Delivery] comes from a UBL DespatchAdvice or [ReadDeliveryJSON].
//
// The package promises:
//
//   - The words of EN 16931-1. A field that ends on the invoice names the
//     business term it becomes (BT-13 order number, BT-19 accounting reference),
//     and uses the type that package formats/invoice has for it.
//   - Exact amounts: quantities, prices and amounts are [invoice.Decimal] and
//     keep the decimals they were written with.
//   - Nothing invented. What the order does not say stays empty; records fill it
//     later, visibly, or the invoice is held.
//   - Strict reading. Unknown fields, duplicate keys and values of the wrong
//     shape are refused with every problem listed as [invoice.FieldErrors], each
//     with the JSON path and a stable code.
package order
