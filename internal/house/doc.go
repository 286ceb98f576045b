// Package house holds no code, only the test that keeps the house in order:
// which package may import which (the table of docs/design.md), that the public
// libraries stand alone, and a few rules of style that a compiler does not know.
package house
