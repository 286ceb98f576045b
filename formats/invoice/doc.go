// Package invoice is the canonical model of an electronic invoice or credit
// note: every business term (BT-1 … BT-165) and group (BG-1 … BG-32) of
// EN 16931-1:2017, with exact decimal amounts and civil dates.
//
// The package promises:
//
//   - One model. Each syntax (UBL, CII, …) lives in its own package and is read
//     into, and written from, an [Invoice]. Nothing here knows a syntax but our
//     own JSON ([ReadJSON], [Schema]).
//   - Exact amounts. A [Decimal] has any length, keeps the decimals it was
//     written with and never passes through a float.
//   - Three separate steps. Reading, calculating ([Calculate]) and checking
//     ([CheckTotals], and the official rules elsewhere) never run one another:
//     checking does not modify, and the totals of an invoice that somebody else
//     made are never recomputed.
//   - Absence can be told. Text, code and date terms that are empty are absent.
//     Amounts that the standard makes optional are pointers; amounts that it
//     makes mandatory are values, and readers report those that were missing.
//
// Field comments name the term they carry. The struct tag "term" holds the same
// identifier for programs; where a type serves several groups it lists one term
// for each ("BG-5=BT-35,BG-8=BT-50"). Sub-terms that the standard leaves
// unnumbered (scheme identifiers, MIME codes) use the customary suffix, as in
// BT-29-1.
package invoice
