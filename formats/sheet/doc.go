// Package sheet reads sales orders, and rows of records, from spreadsheets: CSV
// and XLSX.
//
// # The table
//
// The first row names the columns, in any order, in English or French; case,
// accents and punctuation do not matter. [OrderColumns] lists them and [Template]
// writes an empty table. A column that is not known is an error, never ignored.
// Each further row is one order line. What belongs to the order as a whole is
// repeated on its lines or given once; a row without order number continues the
// order above it, and one file may hold many orders.
//
// # Values
//
//   - CSV is UTF-8, with or without byte order mark, or windows-1252. The separator
//     is a comma, a semicolon or a tab; the one that makes the header known is taken.
//   - Numbers have a decimal point or a decimal comma, one of them in the whole
//     file: declared, or found from the values. Where the values allow both and they
//     would differ ("1,500"), reading fails; nothing is guessed.
//   - Dates are YYYY-MM-DD, or dd/mm/yyyy where that is declared, for the file or in
//     the header of the column: "Order date (dd/mm/yyyy)".
//   - XLSX cells have types. A number cell is the decimal number that the
//     spreadsheet shows at its full precision of 15 significant digits: binary noise
//     such as 0.30000000000000004 is 0.3. A date must be a date cell or such a text.
//
// Errors are [invoice.FieldErrors], all that were found; their path names row and
// column ("row 3, column Quantity") and their code is stable. Nothing is read then.
package sheet
