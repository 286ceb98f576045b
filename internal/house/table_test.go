package house

import "strings"

// room is a row of the import table: the packages below a path, and which of
// ours they may import. Of several rows that fit, the longest path counts.
type room struct {
	path string   // "a/b" with all below it
	may  []string // "a/b" alone, "a/..." with all below it, "leaves", "..." for everything
	not  []string // exceptions, written alike
}

// leaves are imported by anyone and import nothing of ours.
var leaves = []string{"internal/xmltree", "internal/xmldsig", "internal/netguard", "internal/i18n", "internal/logging"}

// asNeeded is for the rooms behind the gateway that serve it: anything but the
// two that face people and programs.
var asNeeded = room{may: []string{"..."}, not: []string{"internal/api/...", "internal/web/...", "cmd/..."}}

// table is the import table of docs/design.md. A package without a row fails.
var table = []room{
	{path: "cmd/facteur", may: []string{"..."}},

	// What a document is. The model knows no syntax; a syntax knows the models.
	{path: "formats", may: []string{"formats/invoice", "formats/order", "leaves"}},
	{path: "formats/invoice", may: []string{"formats/invoice/...", "leaves"}},
	{path: "formats/order", may: []string{"formats/invoice", "leaves"}},
	{path: "formats/facturx", may: []string{"formats/invoice", "formats/order", "formats/cii", "leaves"}},

	// What a document must be.
	{path: "validation", may: []string{"validation", "formats/invoice", "formats/order", "schemas", "leaves"}},
	{path: "schemas", may: []string{"leaves"}},

	// Bytes to a peer and back. Channels do not know each other.
	{path: "transport", may: []string{"transport", "leaves"}},

	// Who is where and how they answer.
	{path: "network", may: []string{"network/...", "transport", "formats/invoice", "formats/ubl", "leaves"}},

	// The gateway: root = types and contracts; use cases below it.
	{path: "internal/gateway", may: []string{"internal/gateway/evidence", "formats/invoice", "formats/order", "validation", "transport", "network", "leaves"}},
	{path: "internal/gateway/", may: []string{
		// access is pure: the portal proves a mailbox with its one-time codes.
		"internal/gateway/...", "internal/access", "internal/billing", "internal/intake",
		"formats/...", "validation", "validation/requirements", "schemas", "transport", "transport/sink", "network/...", "leaves",
	}},
	// The door implements the contract that the HTTPS channel declares for what it received.
	{path: "internal/gateway/inbound", may: []string{
		"internal/gateway/...", "internal/billing", "internal/intake",
		"formats/...", "validation", "validation/requirements", "schemas", "transport", "transport/https", "network/...", "leaves",
	}},
	// Reports reads what came back to the mail channel's bounce address.
	{path: "internal/gateway/track", may: []string{
		"internal/gateway/...", "internal/access", "formats/...", "transport", "transport/mail", "transport/sink", "leaves",
	}},
	// Worlds for the tests of the use cases, on a real store.
	{path: "internal/gateway/gatewaytest", may: []string{"internal/gateway/...", "internal/store/..."}},
	{path: "internal/gateway/evidence"}, // pure: it knows no record of the gateway
	{path: "internal/billing", may: []string{"formats/...", "leaves"}},
	{path: "internal/intake", may: []string{"formats/...", "leaves"}},
	{path: "internal/signature", may: []string{"leaves"}},
	// The drop folder faces programs as the API does: it decodes with intake, calls
	// the use case outbound and writes what came of it.
	{path: "internal/dropfolder", may: []string{"internal/gateway/...", "internal/intake", "formats/invoice", "formats/order", "leaves"}},

	// The store knows the gateway's records and the types that they are made of.
	{path: "internal/store", may: []string{"internal/gateway", "internal/store/...", "formats/invoice", "formats/order", "validation", "transport", "leaves"}},

	// What faces people and programs: decode, one use case, render. The API decodes
	// with intake, as the drop folder does, and names billing's arguments of use cases.
	{path: "internal/api", may: []string{
		"internal/api/...", "internal/gateway/...", "internal/access", "internal/intake", "internal/billing",
		"formats/invoice", "formats/order", "validation", "leaves",
	}},
	{path: "internal/web", may: []string{"internal/web/...", "internal/gateway/...", "internal/access", "formats/invoice", "formats/order", "formats/render", "validation", "leaves"}},

	{path: "internal/access", may: asNeeded.may, not: asNeeded.not},
	{path: "internal/notify", may: asNeeded.may, not: asNeeded.not},
	{path: "internal/webhook", may: asNeeded.may, not: asNeeded.not},
	{path: "internal/jobs", may: asNeeded.may, not: asNeeded.not},
	{path: "internal/config", may: asNeeded.may, not: asNeeded.not},
	{path: "internal/receivables", may: []string{"internal/gateway", "formats/invoice", "formats/order", "leaves"}},

	{path: "internal/xmltree"},
	{path: "internal/xmldsig", may: []string{"internal/xmltree"}}, // canonical form of what the reader read
	{path: "internal/netguard"},
	{path: "internal/i18n"},

	{path: "internal/logging"}, // request and exchange ids in the context
	{path: "internal/house"},
	// Tests only: they boot the binary and speak to it from outside, so they import
	// nothing of ours but what starts a database server.
	{path: "internal/e2e", may: []string{"internal/store/storetest"}},
	{path: "scripts"},
}

// public are the rooms that other programs import.
var public = []string{"formats", "validation", "transport", "network", "schemas"}

// roomOf returns the row for a package, and whether there is one.
func roomOf(pkg string) (room, bool) {
	var best room
	for _, r := range table {
		fits := pkg == r.path || strings.HasPrefix(pkg, strings.TrimSuffix(r.path, "/")+"/")
		if strings.HasSuffix(r.path, "/") && pkg == strings.TrimSuffix(r.path, "/") {
			fits = false // such a row is for what is below the path only
		}
		if fits && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

// allows reports whether a package of the room may import another of ours.
func (r room) allows(imported string) bool {
	return matches(r.may, imported) && !matches(r.not, imported)
}

func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		below, tree := strings.CutSuffix(p, "...")
		switch {
		case p == "leaves" && matches(leaves, pkg),
			p == pkg,
			tree && (strings.HasPrefix(pkg, below) || pkg+"/" == below):
			return true
		}
	}
	return false
}
