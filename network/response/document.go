// Package response writes and reads the answers that travel as a UBL 2.1
// ApplicationResponse: the Peppol Invoice Response ([Invoice], BIS 63, T111), in
// which a buyer decides on an invoice, and the Message Level Response ([Message],
// BIS 36, T71), in which a receiver's checks decide on a message.
//
// Reading what the package wrote gives the same value. Reading does not judge a
// response; the official rules of its transaction do.
package response

import (
	"fmt"
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
func document(customization, profile, id string, issued time.Time) (*etree.Document, *etree.Element) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("ApplicationResponse")
	root.CreateAttr("xmlns", nsAR)
	root.CreateAttr("xmlns:cac", nsCAC)
	root.CreateAttr("xmlns:cbc", nsCBC)
	text(root, "CustomizationID", customization)
	text(root, "ProfileID", profile)
	text(root, "ID", id)
	text(root, "IssueDate", issued.UTC().Format(time.DateOnly))
	text(root, "IssueTime", issued.UTC().Format("15:04:05Z"))
	return doc, root
}

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
		return root, fmt.Errorf("response: the customization is %q, not %s", found, customization)
	}
	return root, nil
}

// text adds a basic element unless it would be empty.
func text(parent *etree.Element, name, value string) *etree.Element {
	e := etree.NewElement("cbc:" + name)
	if value != "" {
		e.SetText(value)
		parent.AddChild(e)
	}
	return e
}

func party(e *etree.Element, p Party) {
	text(e, "EndpointID", p.Endpoint.Value).CreateAttr("schemeID", p.Endpoint.Scheme)
	if !p.ID.IsZero() {
		id := text(e.CreateElement("cac:PartyIdentification"), "ID", p.ID.Value)
		if p.ID.Scheme != "" {
			id.CreateAttr("schemeID", p.ID.Scheme)
		}
	}
	text(e.CreateElement("cac:PartyLegalEntity"), "RegistrationName", p.Name)
}

func readParty(n xmltree.Node) Party {
	p := Party{Name: value(n.Child(nsCAC, "PartyLegalEntity"), "RegistrationName")}
	endpoint := n.Child(nsCBC, "EndpointID")
	p.Endpoint.Value = trim(endpoint)
	p.Endpoint.Scheme, _ = endpoint.Attr("", "schemeID")
	id := n.Child(nsCAC, "PartyIdentification").Child(nsCBC, "ID")
	p.ID.Value = trim(id)
	p.ID.Scheme, _ = id.Attr("", "schemeID")
	return p
}

func value(parent xmltree.Node, local string) string { return trim(parent.Child(nsCBC, local)) }

func trim(n xmltree.Node) string { return strings.TrimSpace(n.Text()) }

func readDate(s string) (invoice.Date, error) {
	if s == "" {
		return invoice.Date{}, nil
	}
	return invoice.ParseDate(s)
}

// readTime joins a date and an optional time; a time without zone is taken as UTC.
func readTime(date, clock string) (time.Time, error) {
	if clock == "" {
		clock = "00:00:00Z"
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, date+"T"+clock); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("response: %q %q is no issue time", date, clock)
}
