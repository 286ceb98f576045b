// Package sqlstore implements gateway.Store on database/sql, once for SQLite
// and PostgreSQL: every query stands here, in the subset of SQL that both read,
// with "?" for parameters. What differs between the two — opening, isolation and
// retries, the classes of errors, the names of types — is behind [Database],
// which the packages sqlite and postgres implement.
//
// It promises what the contracts of gateway.Store say; the suite in
// internal/store/storetest holds both databases to it.
//
// How values are stored:
//
//   - a time is the number of whole microseconds since 1970 in UTC. Integers
//     compare the same way in both databases, cost eight bytes, and hold exactly
//     what PostgreSQL's own timestamps would hold; RFC 3339 text sorts wrongly
//     as soon as two writers use another number of decimals or another offset.
//     Nanoseconds are cut off and every time comes back in UTC;
//   - a decimal and JSON are text, never touched by the database, so that what
//     comes back is what was given;
//   - text must be valid UTF-8 without NUL, or the write fails with
//     gateway.ErrInvalid: PostgreSQL can store nothing else, and both stores
//     answer alike;
//   - an optional reference is NULL when it is empty, so that unique and partial
//     indexes leave it out.
//
// Once a statement of a transaction has failed, all that follow in it fail too
// and it is rolled back, whatever its function returns.
package sqlstore
