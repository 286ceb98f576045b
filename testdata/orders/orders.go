// Package orders holds the demonstration's orders, delivery notes and records;
// README.md tells where they come from.
package orders

import "embed"

// Files are the orders and notes, and the records under records/.
//
//go:embed *.json *.xml *.csv records/*.json
var Files embed.FS
