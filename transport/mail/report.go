package mail

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads the old character sets that mail still comes in
	"github.com/emersion/go-message/textproto"

	"facteur.dev/facteur/transport"
)

// Bounds of what is read of a report. A report that is longer (some servers return the whole message) is read
// up to the bound; what matters stands in front.
const (
	maxReport     = 2 << 20
	maxHeader     = 256 << 10
	maxStatus     = 256 << 10
	maxParts      = 50
	maxRecipients = 500
	maxExcerpt    = 4 << 10
)

// CodeReport is the code of errors of [ParseReport]: the mail is no mail, or a report that contradicts its form.
const CodeReport = "mail.report"

// ReportKind says what a mail to the bounce address is.
type ReportKind string

// The kinds. Only a DeliveryReport tells about delivery, and only a Disposition about what a mail program did.
const (
	DeliveryReport ReportKind = "delivery"    // delivery status notification, RFC 3464 or 6533
	Disposition    ReportKind = "disposition" // message disposition notification, RFC 8098
	AutoReply      ReportKind = "auto_reply"  // out of office and other answers of machines, RFC 3834
	OtherMail      ReportKind = "other"       // anything else: probably a person
)

// Action is what happened to the message for one recipient (RFC 3464, 2.3.3).
type Action string

// The actions. Delivered means the recipient's mailbox, as far as the reporting server can tell; Relayed means
// handed to a server that sends no reports; Expanded means handed to a list.
const (
	Delivered Action = "delivered"
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Bounce says what a failure means for the address.
type Bounce string

// The bounces.
const (
	BounceNone    Bounce = ""        // no failure
	BounceHard    Bounce = "hard"    // the address does not work: do not use it again
	BounceSoft    Bounce = "soft"    // the address may work later: full, slow, greylisted too long
	BounceRefused Bounce = "refused" // this message was refused (size, content, policy); the address may be good
)

// Classify says what a failure with that status (RFC 3463) means for the address. Class 4 is soft. Class 5 is
// hard, but for what is no fault of the address: a full mailbox is soft, and size, content, policy, protocol, the
// state of the server, or our own address are reasons to refuse this message. So is an unknown status.
func Classify(status string) Bounce {
	switch {
	case strings.HasPrefix(status, "4."), status == "5.2.2":
		return BounceSoft
	case !strings.HasPrefix(status, "5."), status == "5.1.7", status == "5.1.8", status == "5.2.3",
		strings.HasPrefix(status, "5.3."), strings.HasPrefix(status, "5.5."),
		strings.HasPrefix(status, "5.6."), strings.HasPrefix(status, "5.7."):
		return BounceRefused
	}
	return BounceHard
}

// Report is a mail that came to the bounce address. Texts are safe to show; addresses are as the report says.
type Report struct {
	Kind ReportKind `json:"kind"`
	// MessageID is the report's own Message-ID field, brackets and all.
	MessageID string    `json:"message_id,omitempty"`
	Date      time.Time `json:"date,omitzero"`
	From      string    `json:"from,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	// Token is the secret part of the bounce address that the report came to; see [Sender.Owns].
	Token string `json:"token,omitempty"`
	// EnvelopeID is the envelope id that we gave the message: its message id (its token, for ids over 100).
	EnvelopeID string `json:"envelope_id,omitempty"`
	// OriginalMessageID is the Message-ID field of the message reported on, brackets and all; for automatic
	// answers and other mail, what they refer to. Compare with [MessageID].
	OriginalMessageID string `json:"original_message_id,omitempty"`
	// ReportingMTA is the server, or the mail program, that made the report.
	ReportingMTA string      `json:"reporting_mta,omitempty"`
	Recipients   []Recipient `json:"recipients,omitempty"` // of a DeliveryReport
	// Disposition is the type of a Disposition ("displayed", "deleted", "dispatched", "processed"), and whether a
	// person caused it ("manual") or a machine ("automatic").
	Disposition     string `json:"disposition,omitempty"`
	DispositionMode string `json:"disposition_mode,omitempty"`
	// Excerpt is the beginning of the text for people.
	Excerpt string `json:"excerpt,omitempty"`
}

// Recipient is what a delivery report says about one recipient.
type Recipient struct {
	Final       string    `json:"final"`              // address as the reporting server knows it
	Original    string    `json:"original,omitempty"` // address as we gave it
	Action      Action    `json:"action"`
	Status      string    `json:"status"`           // "5.1.1"
	Bounce      Bounce    `json:"bounce,omitempty"` // for Failed
	Diagnostic  string    `json:"diagnostic,omitempty"`
	RemoteMTA   string    `json:"remote_mta,omitempty"`
	LastAttempt time.Time `json:"last_attempt,omitzero"`
	RetryUntil  time.Time `json:"retry_until,omitzero"` // for Delayed
}

// ParseReport reads a mail. It reads no more than 2 MiB of r and uses little more memory than it reads. The error
// is a [*transport.Error] with [CodeReport]; a mail that is merely no report is no error.
func ParseReport(r io.Reader) (Report, error) {
	e, err := message.ReadWithOptions(io.LimitReader(r, maxReport), &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if err != nil && !readable(err) {
		return Report{}, unreadable("the mail has no readable header").Because(err)
	}
	if e.Header.Len() == 0 {
		return Report{}, unreadable("the mail has no header")
	}
	rep := readEnvelope(e.Header)
	media, params, _ := e.Header.ContentType()
	if media == "multipart/report" {
		if err := rep.readParts(e, strings.ToLower(params["report-type"])); err != nil {
			return Report{}, err
		}
		if rep.Kind != "" {
			return rep, nil
		}
	}
	rep.Kind = OtherMail
	if automatic(e.Header) {
		rep.Kind = AutoReply
	}
	rep.OriginalMessageID = referred(e.Header)
	if rep.Excerpt == "" {
		rep.Excerpt = excerpt(e, 0)
	}
	return rep, nil
}

func unreadable(why string) *transport.Error { return transport.Fault(CodeReport, "%s", why) }

// readable tells errors of go-message that come with an entity.
func readable(err error) bool { return message.IsUnknownCharset(err) || message.IsUnknownEncoding(err) }

// readEnvelope takes what every mail has.
func readEnvelope(h message.Header) Report {
	text := func(name string) string {
		s, err := h.Text(name)
		if err != nil {
			s = h.Get(name)
		}
		return transport.Safe(s)
	}
	rep := Report{MessageID: messageID(h.Get("Message-Id")), From: text("From"), Subject: text("Subject")}
	rep.Date = date(h.Get("Date"))
	for _, name := range []string{"X-Original-To", "Delivered-To", "Envelope-To", "To"} {
		for _, value := range h.Values(name) {
			if t := token(value); t != "" {
				rep.Token = t
				return rep
			}
		}
	}
	return rep
}

// token finds "+token@" in an address field.
func token(field string) string {
	for at := range len(field) {
		start := at - tokenLength
		if field[at] != '@' || start < 1 || field[start-1] != '+' {
			continue
		}
		if t := strings.ToLower(field[start:at]); strings.Trim(t, "abcdefghijklmnopqrstuvwxyz234567") == "" {
			return t
		}
	}
	return ""
}

// messageID returns the first <…> of a field, or nothing.
func messageID(field string) string {
	_, after, ok := strings.Cut(field, "<")
	id, _, closed := strings.Cut(after, ">")
	if !ok || !closed || id == "" || len(id) > 998 || strings.ContainsAny(id, " \t\r\n<") {
		return ""
	}
	return "<" + transport.Safe(id) + ">"
}

// referred is the message that a mail answers: In-Reply-To, else the last of References.
func referred(h message.Header) string {
	if id := messageID(h.Get("In-Reply-To")); id != "" {
		return id
	}
	refs := h.Get("References")
	if i := strings.LastIndexByte(refs, '<'); i >= 0 {
		return messageID(refs[i:])
	}
	return ""
}

// automatic tells mail of machines (RFC 3834, and what was used before it).
func automatic(h message.Header) bool {
	word := func(name string) string {
		w, _, _ := strings.Cut(h.Get(name), ";")
		return strings.ToLower(strings.TrimSpace(w))
	}
	if a := word("Auto-Submitted"); a != "" && a != "no" {
		return true
	}
	switch word("Precedence") {
	case "auto_reply", "bulk", "junk":
		return true
	}
	return h.Has("X-Autoreply") || h.Has("X-Autorespond") || h.Has("X-Autogenerated") || word("X-Auto-Response-Suppress") == "all" ||
		strings.TrimSpace(h.Get("Return-Path")) == "<>"
}

// readParts reads the parts of multipart/report. Kind stays empty when there is no report in it.
func (rep *Report) readParts(e *message.Entity, kind string) error {
	mr := e.MultipartReader()
	for n := 0; n < maxParts; n++ {
		part, err := mr.NextPart()
		if part == nil || (err != nil && !readable(err)) {
			return nil // the end, or where the mail was cut off
		}
		media, _, _ := part.Header.ContentType()
		switch media {
		case "message/delivery-status", "message/global-delivery-status":
			if kind != "delivery-status" && kind != "" || rep.Kind != "" {
				continue
			}
			if err := rep.readDeliveryStatus(part.Body); err != nil {
				return err
			}
			rep.Kind = DeliveryReport
		case "message/disposition-notification", "message/global-disposition-notification":
			if kind != "disposition-notification" && kind != "" || rep.Kind != "" {
				continue
			}
			if err := rep.readDisposition(part.Body); err != nil {
				return err
			}
			rep.Kind = Disposition
		case "text/rfc822-headers", "message/global-headers", "message/rfc822", "message/global":
			if h, err := textproto.ReadHeader(bufio.NewReader(io.LimitReader(part.Body, maxHeader))); rep.OriginalMessageID == "" && (err == nil || errors.Is(err, io.EOF)) {
				rep.OriginalMessageID = messageID(h.Get("Message-Id"))
			}
		default:
			if rep.Excerpt == "" {
				rep.Excerpt = excerpt(part, 1)
			}
		}
	}
	return nil
}

// excerpt is the beginning of the first plain text.
func excerpt(e *message.Entity, depth int) string {
	media, _, err := e.Header.ContentType()
	if err != nil || media == "" {
		media = "text/plain"
	}
	if media == "text/plain" {
		b, _ := io.ReadAll(io.LimitReader(e.Body, maxExcerpt)) // a broken rest does not matter
		return transport.Safe(string(b))
	}
	mr := e.MultipartReader()
	if mr == nil || depth > 4 {
		return ""
	}
	for n := 0; n < maxParts; n++ {
		part, err := mr.NextPart()
		if part == nil || (err != nil && !readable(err)) {
			return ""
		}
		if s := excerpt(part, depth+1); s != "" {
			return s
		}
	}
	return ""
}

// decoded undoes encoded words where they stand (RFC 2047).
func decoded(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		s = d
	}
	return transport.Safe(s)
}
