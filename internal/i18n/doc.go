// Package i18n holds what depends on a reader's language: which languages
// there are, catalogues of messages, and how amounts, numbers and dates are
// written (Unicode CLDR). Amounts are decimal strings and stay exact.
package i18n
