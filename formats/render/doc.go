// Package render turns an invoice into what a reader sees: one view in one
// language, from which web page, PDF, HTML and mail are made, so that all of
// them say the same.
//
// A view is pure text. Every amount is the invoice's own, to the last digit,
// written the way readers of the language write amounts; nothing is calculated.
// Codes (VAT categories, units, countries, means of payment, document types) are
// put into words; a code without words of ours is shown as it is. Texts of the
// invoice itself are never changed or translated.
//
// The terms follow EN 16931-1; [Field.Term] names the business term of a value.
package render
