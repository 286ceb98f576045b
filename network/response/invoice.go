package response

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
)

// Identifiers of the Invoice Response and its process.
const (
	InvoiceCustomization = "urn:fdc:peppol.eu:poacc:trns:invoice_response:3"
	invoiceProfile       = "urn:fdc:peppol.eu:poacc:bis:invoice_response:3"
)

// Code is the buyer's decision, of UNCL4343 as T111 restricts it.
type Code string

// The decisions.
const (
	MessageAcknowledgement Code = "AB"
	InProcess              Code = "IP"
	UnderQuery             Code = "UQ"
	Conditionally          Code = "CA"
	Rejected               Code = "RE"
	Accepted               Code = "AP"
	Paid                   Code = "PD"
)

var codes = []Code{MessageAcknowledgement, InProcess, UnderQuery, Conditionally, Rejected, Accepted, Paid}

// Invoice is an Invoice Response (T111): what a buyer's business says of an
// invoice. It tells a decision, never that somebody looked.
type Invoice struct {
	ID       string
	IssuedAt time.Time // to the second
	// DateOnly tells that the response names the day only; IssuedAt is its midnight.
	DateOnly bool
	Note     string
	// Sender is the buyer (or who answers for it), Receiver the seller.
	Sender, Receiver Party
	Code             Code
	EffectiveDate    invoice.Date
	Clarifications   []Clarification
	// The invoice that is answered: BT-1, BT-2 and BT-3.
	Number    string
	IssueDate *invoice.Date
	TypeCode  string
}

// Clarification says why, or what is wanted. List is "OPStatusReason" or
// "OPStatusAction", Code one of that list; both are empty for words alone.
type Clarification struct {
	List, Code string
	Text       string
	// Conditions name the business terms concerned.
	Conditions []Condition
}

// Condition is a business term, such as "BT-48", and what it should be.
type Condition struct {
	Term, Text string
}

// Lists of clarification codes.
const (
	ListReason = "OPStatusReason"
	ListAction = "OPStatusAction"
)

// The code lists of BIS 63.
var clarificationCodes = map[string][]string{
	ListReason: {"NON", "REF", "LEG", "REC", "QUA", "DEL", "PRI", "QTY", "ITM", "PAY", "UNR", "FIN", "PPD", "OTH"},
	ListAction: {"NOA", "PIN", "NIN", "CNF", "CNP", "CNA", "OTH"},
}

// check names the first thing that T111 demands and r lacks.
func (r Invoice) check() error {
	switch {
	case blank(r.ID):
		return errors.New("response: the response has no id")
	case !writable(r.IssuedAt):
		return errors.New("response: the response has no issue time")
	case !slices.Contains(codes, r.Code):
		return fmt.Errorf("response: %q is no response code", r.Code)
	case blank(r.Number, r.TypeCode):
		return errors.New("response: the response names no invoice")
	case !reachable(r.Sender.Endpoint) || !reachable(r.Receiver.Endpoint):
		return errAddresses
	case blank(r.Sender.Name, r.Receiver.Name):
		return errors.New("response: sender and receiver need names")
	}
	said := false
	for _, c := range r.Clarifications {
		if err := c.check(r.Code); err != nil {
			return err
		}
		said = said || c.Code != ""
	}
	if (r.Code == UnderQuery || r.Code == Conditionally || r.Code == Rejected) && !said {
		return fmt.Errorf("response: %s needs a clarification with a code", r.Code) // PEPPOL-T111-R001
	}
	return nil
}

func (c Clarification) check(answer Code) error {
	switch {
	case c.List == "" && c.Code == "" && !blank(c.Text): // words alone
	case !slices.Contains(clarificationCodes[c.List], c.Code):
		return fmt.Errorf("response: %q is no clarification of list %q", c.Code, c.List)
	case c.Code == "PPD" && (answer != Paid || blank(c.Text)): // PEPPOL-T111-R004, R005
		return errors.New("response: PPD goes with PD, and says what was paid")
	}
	for _, condition := range c.Conditions {
		if blank(condition.Term) {
			return errors.New("response: a condition names no business term")
		}
	}
	return nil
}

// WriteInvoice writes the response as UBL.
func WriteInvoice(r Invoice) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	doc, root := document(InvoiceCustomization, invoiceProfile, r.ID, r.IssuedAt, r.DateOnly)
	text(root, "Note", r.Note)
	party(root.CreateElement("cac:SenderParty"), r.Sender)
	party(root.CreateElement("cac:ReceiverParty"), r.Receiver)
	answer := root.CreateElement("cac:DocumentResponse")
	response := answer.CreateElement("cac:Response")
	text(response, "ResponseCode", string(r.Code))
	if !r.EffectiveDate.IsZero() {
		text(response, "EffectiveDate", r.EffectiveDate.String())
	}
	for _, c := range r.Clarifications {
		status := response.CreateElement("cac:Status")
		text(status, "StatusReasonCode", c.Code).CreateAttr("listID", c.List)
		text(status, "StatusReason", c.Text)
		for _, condition := range c.Conditions {
			e := status.CreateElement("cac:Condition")
			text(e, "AttributeID", condition.Term)
			text(e, "Description", condition.Text)
		}
	}
	reference := answer.CreateElement("cac:DocumentReference")
	text(reference, "ID", r.Number)
	if r.IssueDate != nil {
		text(reference, "IssueDate", r.IssueDate.String())
	}
	text(reference, "DocumentTypeCode", r.TypeCode)
	doc.Indent(2)
	return doc.WriteToBytes()
}

// ReadInvoice reads a response. It does not judge it: the rules of T111 do.
func ReadInvoice(src []byte) (Invoice, error) {
	root, err := parse(src, InvoiceCustomization)
	if err != nil {
		return Invoice{}, err
	}
	answer := root.Child(nsCAC, "DocumentResponse")
	response, reference := answer.Child(nsCAC, "Response"), answer.Child(nsCAC, "DocumentReference")
	r := Invoice{
		ID: value(root, "ID"), Note: value(root, "Note"), Code: Code(value(response, "ResponseCode")),
		Sender: readParty(root.Child(nsCAC, "SenderParty")), Receiver: readParty(root.Child(nsCAC, "ReceiverParty")),
		Number: value(reference, "ID"), TypeCode: value(reference, "DocumentTypeCode"),
	}
	if r.IssuedAt, r.DateOnly, err = readTime(value(root, "IssueDate"), value(root, "IssueTime")); err != nil {
		return Invoice{}, err
	}
	if r.EffectiveDate, err = readDate(value(response, "EffectiveDate")); err != nil {
		return Invoice{}, err
	}
	issue, err := readDate(value(reference, "IssueDate"))
	if err != nil {
		return Invoice{}, err
	}
	if !issue.IsZero() {
		r.IssueDate = &issue
	}
	for status := range response.All(nsCAC, "Status") {
		code := status.Child(nsCBC, "StatusReasonCode")
		list, _ := code.Attr("", "listID")
		c := Clarification{List: strings.TrimSpace(list), Code: trim(code), Text: value(status, "StatusReason")}
		for condition := range status.All(nsCAC, "Condition") {
			c.Conditions = append(c.Conditions, Condition{Term: value(condition, "AttributeID"), Text: value(condition, "Description")})
		}
		r.Clarifications = append(r.Clarifications, c)
	}
	return r, nil
}
