package schematron

import (
	"errors"
	"fmt"
	"strings"

	"facteur.dev/facteur/internal/xmltree"
)

const spaceSVRL = "http://purl.oclc.org/dsdl/svrl"

// readSVRL reads a report in the Schematron Validation Report Language (ISO/IEC
// 19757-3, annex D).
func readSVRL(svrl []byte) ([]Report, error) {
	limits := xmltree.DefaultLimits()
	limits.Attributes = 1024 // namespace declarations of the stylesheet are copied to the root
	tree, err := xmltree.Parse(svrl, limits)
	if err != nil {
		return nil, fmt.Errorf("the rules wrote an unreadable report: %w", err)
	}
	root := tree.Root()
	if !root.Is(spaceSVRL, "schematron-output") {
		return nil, errors.New("the rules wrote no Schematron report")
	}
	var out []Report
	for n := range root.Children() {
		positive := n.Is(spaceSVRL, "successful-report")
		if !positive && !n.Is(spaceSVRL, "failed-assert") {
			continue
		}
		r := Report{Positive: positive, Message: strings.TrimSpace(n.Child(spaceSVRL, "text").Text())}
		r.Rule, _ = n.Attr("", "id")
		r.Flag, _ = n.Attr("", "flag")
		r.Location, _ = n.Attr("", "location")
		r.Rule, r.Flag = strings.TrimSpace(r.Rule), strings.TrimSpace(r.Flag)
		out = append(out, r)
	}
	return out, nil
}
