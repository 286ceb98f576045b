// Package ubl reads and writes UBL 2.1 business documents: Invoice and
// CreditNote in the binding of EN 16931 (CEN/TS 16931-3-2), with the identifiers
// of Peppol BIS Billing 3.0.
//
// The package promises:
//
//   - [Read] drops nothing silently. What the model has no place for is listed
//     in the [Report] with its path and line, and so are mandatory terms that
//     the document lacks. A value that cannot be read (an amount that is no
//     number, an impossible date) is an error with path and line.
//   - [Write] is deterministic and follows the element order of the UBL 2.1
//     schemas. Reading what it wrote gives the same model.
//   - Numbers keep the decimals they were written with. Nothing is calculated.
//   - Documents are XML 1.0 without DTD, within the limits of the reader.
//
// Neither reading nor writing checks business rules: an invoice that breaks
// them can be read and written, and package validation judges the document.
package ubl
