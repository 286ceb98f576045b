package response

import (
	"cmp"
	"errors"
	"time"

	"facteur.dev/facteur/formats/invoice"
)

// Identifiers of the Message Level Response and its process.
const (
	MessageCustomization = "urn:fdc:peppol.eu:poacc:trns:mlr:3"
	messageProfile       = "urn:fdc:peppol.eu:poacc:bis:mlr:3"
)

// Message is a Message Level Response (T71): what a receiver's checks say of a
// message.
type Message struct {
	ID       string
	IssuedAt time.Time // to the second
	// DateOnly tells that the response names the day only; IssuedAt is its midnight.
	DateOnly bool
	// Sender received the message that is answered; Receiver sent it.
	Sender, Receiver invoice.Identifier
	Code             Code // MessageAcknowledgement, Accepted or Rejected
	Description      string
	// MessageID is the id of the message that is answered.
	MessageID string
	Findings  []Finding
}

// Finding is one complaint. Reason is "SV" (syntax), "BV" (fatal rule) or "BW"
// (warning).
type Finding struct {
	Location    string // XPath; empty when it is about no place
	Description string
	Reason      string
}

// noLocation is written for a finding about no place: the element may not be empty.
const noLocation = "NA"

// Reasons of findings.
const (
	ReasonSyntax  = "SV"
	ReasonFatal   = "BV"
	ReasonWarning = "BW"
)

// check names the first thing that T71 demands and m lacks.
func (m Message) check() error {
	switch {
	case blank(m.ID, m.MessageID) || !writable(m.IssuedAt):
		return errors.New("response: the message needs an id, a time and the id it answers")
	case !reachable(m.Sender) || !reachable(m.Receiver):
		return errAddresses
	case m.Code != MessageAcknowledgement && m.Code != Accepted && m.Code != Rejected:
		return errors.New("response: a message level response is AB, AP or RE")
	}
	for _, f := range m.Findings {
		if blank(f.Description) || f.Reason != ReasonSyntax && f.Reason != ReasonFatal && f.Reason != ReasonWarning {
			return errors.New("response: a finding needs a description and one of the reasons SV, BV and BW")
		}
	}
	return nil
}

// WriteMessage writes the response as UBL.
func WriteMessage(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	doc, root := document(MessageCustomization, messageProfile, m.ID, m.IssuedAt, m.DateOnly)
	endpoint(root.CreateElement("cac:SenderParty"), m.Sender)
	endpoint(root.CreateElement("cac:ReceiverParty"), m.Receiver)
	answer := root.CreateElement("cac:DocumentResponse")
	response := answer.CreateElement("cac:Response")
	text(response, "ResponseCode", string(m.Code))
	text(response, "Description", m.Description)
	text(answer.CreateElement("cac:DocumentReference"), "ID", m.MessageID)
	for _, f := range m.Findings {
		line := answer.CreateElement("cac:LineResponse")
		text(line.CreateElement("cac:LineReference"), "LineID", cmp.Or(f.Location, noLocation))
		response := line.CreateElement("cac:Response")
		code := Rejected
		if f.Reason == ReasonWarning {
			code = Accepted
		}
		text(response, "ResponseCode", string(code))
		text(response, "Description", f.Description)
		text(response.CreateElement("cac:Status"), "StatusReasonCode", f.Reason)
	}
	doc.Indent(2)
	return doc.WriteToBytes()
}

// ReadMessage reads a response.
func ReadMessage(src []byte) (Message, error) {
	root, err := parse(src, MessageCustomization)
	if err != nil {
		return Message{}, err
	}
	answer := root.Child(nsCAC, "DocumentResponse")
	response := answer.Child(nsCAC, "Response")
	m := Message{
		ID: value(root, "ID"), Sender: readParty(root.Child(nsCAC, "SenderParty")).Endpoint,
		Receiver: readParty(root.Child(nsCAC, "ReceiverParty")).Endpoint, Code: Code(value(response, "ResponseCode")),
		Description: value(response, "Description"), MessageID: value(answer.Child(nsCAC, "DocumentReference"), "ID"),
	}
	if m.IssuedAt, m.DateOnly, err = readTime(value(root, "IssueDate"), value(root, "IssueTime")); err != nil {
		return Message{}, err
	}
	for line := range answer.All(nsCAC, "LineResponse") {
		response := line.Child(nsCAC, "Response")
		f := Finding{
			Location: value(line.Child(nsCAC, "LineReference"), "LineID"), Description: value(response, "Description"),
			Reason: value(response.Child(nsCAC, "Status"), "StatusReasonCode"),
		}
		if f.Location == noLocation {
			f.Location = ""
		}
		m.Findings = append(m.Findings, f)
	}
	return m, nil
}
