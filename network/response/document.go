// Package response writes and reads the answers that travel as a UBL 2.1
// ApplicationResponse: the Peppol Invoice Response ([Invoice], BIS 63, T111), in
// which a buyer decides on an invoice, and the Message Level Response ([Message],
// BIS 36, T71), in which a receiver's checks decide on a message.
//
// Reading what the package wrote gives the same value, but for white space around
// texts, characters that XML cannot carry, and zones and fractions of a second.
// Writing refuses what the official rules of the transaction would surely refuse;
// reading does not judge, the rules do.
package response

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/xmltree"
)

const (
	nsAR  = "urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2"
	nsCAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
	nsCBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
)

// Party is a side of the response.
type Party struct {
	Endpoint invoice.Identifier // BT-34, BT-49: electronic address with EAS scheme
	ID       invoice.Identifier // with ICD scheme; may be empty when Name is given
	Name     string
}

// Customization tells which response a document is: its CustomizationID, or ""
// when it is no ApplicationResponse.
func Customization(src []byte) string {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil || !doc.Root().Is(nsAR, "ApplicationResponse") {
		return ""
	}
	return value(doc.Root(), "CustomizationID")
}

// document begins an ApplicationResponse.
func document(customization, profile, id string, issued time.Time, dateOnly bool) (*etree.Document, *etree.Element) {
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true // a carriage return survives
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("ApplicationResponse")
	root.CreateAttr("xmlns", nsAR)
	root.CreateAttr("xmlns:cac", nsCAC)
	root.CreateAttr("xmlns:cbc", nsCBC)
	text(root, "CustomizationID", customization)
	text(root, "ProfileID", profile)
	text(root, "ID", id)
	text(root, "IssueDate", issued.UTC().Format(time.DateOnly))
	if !dateOnly {
		text(root, "IssueTime", issued.UTC().Format("15:04:05Z"))
	}
	return doc, root
}

// writable tells whether a moment can be written as IssueDate and IssueTime.
func writable(t time.Time) bool { return !t.IsZero() && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }

// parse reads an ApplicationResponse of one customization.
func parse(src []byte, customization string) (xmltree.Node, error) {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		return xmltree.Node{}, err
	}
	root := doc.Root()
	if !root.Is(nsAR, "ApplicationResponse") {
		return root, fmt.Errorf("response: the root is %s, not ApplicationResponse", root.QName())
	}
	if found := value(root, "CustomizationID"); found != customization {
		return root, fmt.Errorf("response: the customization is %s, not %s", quote(found), customization)
	}
	return root, nil
}

// text adds a basic element unless it would be empty.
func text(parent *etree.Element, name, value string) *etree.Element {
	e := etree.NewElement("cbc:" + name)
	if value = strings.TrimSpace(value); value != "" {
		e.SetText(value)
		parent.AddChild(e)
	}
	return e
}

// blank tells whether one of the texts says nothing.
func blank(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.TrimSpace(s) == "" })
}

// reachable tells whether an electronic address is complete.
func reachable(id invoice.Identifier) bool { return !blank(id.Value, id.Scheme) }

// errAddresses is for a response that could be sent to nobody.
var errAddresses = errors.New("response: sender and receiver need electronic addresses with a scheme")

func endpoint(e *etree.Element, id invoice.Identifier) {
	text(e, "EndpointID", id.Value).CreateAttr("schemeID", strings.TrimSpace(id.Scheme))
}

func party(e *etree.Element, p Party) {
	endpoint(e, p.Endpoint)
	if !blank(p.ID.Value) {
		id := text(e.CreateElement("cac:PartyIdentification"), "ID", p.ID.Value)
		if p.ID.Scheme != "" {
			id.CreateAttr("schemeID", p.ID.Scheme)
		}
	}
	text(e.CreateElement("cac:PartyLegalEntity"), "RegistrationName", p.Name)
}

func readParty(n xmltree.Node) Party {
	return Party{
		Endpoint: identifier(n.Child(nsCBC, "EndpointID")), ID: identifier(n.Child(nsCAC, "PartyIdentification").Child(nsCBC, "ID")),
		Name: value(n.Child(nsCAC, "PartyLegalEntity"), "RegistrationName"),
	}
}

func identifier(n xmltree.Node) invoice.Identifier {
	scheme, _ := n.Attr("", "schemeID")
	return invoice.Identifier{Value: trim(n), Scheme: strings.TrimSpace(scheme)}
}

func value(parent xmltree.Node, local string) string { return trim(parent.Child(nsCBC, local)) }

func trim(n xmltree.Node) string { return strings.TrimSpace(n.Text()) }

func readDate(s string) (invoice.Date, error) {
	if s == "" {
		return invoice.Date{}, nil
	}
	return invoice.ParseDate(s)
}

// readTime joins a date and an optional time; a time without zone is taken as
// UTC. dateOnly tells that there is no time: it is then midnight.
func readTime(date, clock string) (at time.Time, dateOnly bool, err error) {
	dateOnly = clock == ""
	if dateOnly {
		clock = "00:00:00Z"
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, date+"T"+clock); err == nil {
			return t.UTC(), dateOnly, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("response: %s is no issue time", quote(date+" "+clock))
}

// quote shows a text of a document in an error, shortened.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}
