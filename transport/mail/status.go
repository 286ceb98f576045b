package mail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message/textproto"
)

// readGroups reads the blocks of fields, divided by empty lines, that both kinds of reports are made of.
func readGroups(r io.Reader) ([]textproto.Header, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxStatus+1))
	if err != nil {
		return nil, unreadable("the report is cut off").Because(err)
	}
	if len(b) > maxStatus {
		return nil, unreadable("the report is too large")
	}
	var groups []textproto.Header
	left := bytes.NewReader(b)
	for br := bufio.NewReader(left); left.Len()+br.Buffered() > 0; {
		h, err := textproto.ReadHeader(br) // takes at least a line
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, unreadable("block " + strconv.Itoa(len(groups)+1) + " of the report is malformed").Because(err)
		}
		if h.Len() > 0 {
			groups = append(groups, h)
		}
		if len(groups) > maxRecipients+1 {
			return nil, unreadable("the report has too many blocks")
		}
	}
	return groups, nil
}

// readDeliveryStatus reads message/delivery-status: one block on the message, one for each recipient.
func (rep *Report) readDeliveryStatus(r io.Reader) error {
	groups, err := readGroups(r)
	if err != nil {
		return err
	}
	if len(groups) < 2 {
		return unreadable("the delivery report names no recipient")
	}
	rep.EnvelopeID = decoded(groups[0].Get("Original-Envelope-Id"))
	_, rep.ReportingMTA = typed(groups[0].Get("Reporting-Mta"))
	for i, g := range groups[1:] {
		rcpt, why := readRecipient(g)
		if why != "" {
			return unreadable("recipient " + strconv.Itoa(i+1) + " of the delivery report: " + why)
		}
		rep.Recipients = append(rep.Recipients, rcpt)
	}
	return nil
}

func readRecipient(g textproto.Header) (rcpt Recipient, why string) {
	rcpt = Recipient{
		Final: mailbox(g.Get("Final-Recipient")), Original: mailbox(g.Get("Original-Recipient")),
		Action: Action(word(g.Get("Action"))), Status: status(g.Get("Status")),
		LastAttempt: date(g.Get("Last-Attempt-Date")), RetryUntil: date(g.Get("Will-Retry-Until")),
	}
	_, rcpt.Diagnostic = typed(g.Get("Diagnostic-Code"))
	_, rcpt.RemoteMTA = typed(g.Get("Remote-Mta"))
	switch rcpt.Action {
	case Delivered, Failed, Delayed, Relayed, Expanded:
	default:
		return rcpt, "the action is missing or unknown"
	}
	if rcpt.Final == "" && rcpt.Original == "" {
		return rcpt, "the address is missing"
	}
	if rcpt.Action == Failed {
		if rcpt.Status == "" { // some servers forget it, and say it in the diagnostic
			rcpt.Status = status(strings.TrimLeft(rcpt.Diagnostic, "0123456789 -"))
		}
		rcpt.Bounce = Classify(rcpt.Status)
	}
	return rcpt, ""
}

// readDisposition reads message/disposition-notification (RFC 8098): one block.
func (rep *Report) readDisposition(r io.Reader) error {
	groups, err := readGroups(r)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		return unreadable("the disposition notification is empty")
	}
	g := groups[0]
	mode, kind, ok := strings.Cut(g.Get("Disposition"), ";")
	action, _, _ := strings.Cut(mode, "/")
	rep.Disposition, _, _ = strings.Cut(word(kind), "/")
	switch word(action) {
	case "manual-action":
		rep.DispositionMode = "manual"
	case "automatic-action":
		rep.DispositionMode = "automatic"
	}
	if !ok || rep.Disposition == "" || rep.DispositionMode == "" {
		return unreadable("the disposition notification does not say what happened")
	}
	rep.OriginalMessageID = messageID(g.Get("Original-Message-Id"))
	rep.EnvelopeID = decoded(g.Get("Original-Envelope-Id"))
	rep.ReportingMTA = decoded(g.Get("Reporting-Ua"))
	return nil
}

// typed splits "type; value".
func typed(field string) (kind, value string) {
	before, after, ok := strings.Cut(field, ";")
	if !ok {
		return "", decoded(field)
	}
	return word(before), decoded(after)
}

// mailbox is the address of "rfc822; a@b" or "utf-8; …" (RFC 6533, 3).
func mailbox(field string) string {
	kind, value := typed(field)
	if kind == "utf-8" {
		value = unescape(value)
	}
	return strings.Trim(value, "<> ")
}

// unescape undoes \x{HEX} of utf-8 addresses.
func unescape(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		digits, rest, closed := strings.Cut(after, "}")
		n, err := strconv.ParseUint(digits, 16, 32)
		if !closed || err != nil || n < ' ' || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			b.WriteString(`\x{`)
			s = after
			continue
		}
		b.WriteRune(rune(n))
		s = rest
	}
}

// status is the "5.1.1" at the beginning of a field, or nothing.
func status(field string) string {
	code, _, _ := strings.Cut(strings.TrimSpace(field), " ")
	parts := strings.Split(code, ".")
	if len(parts) != 3 || (parts[0] != "2" && parts[0] != "4" && parts[0] != "5") {
		return ""
	}
	for _, p := range parts[1:] {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 999 || len(p) > 3 {
			return ""
		}
	}
	return code
}

func word(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func date(field string) time.Time {
	t, err := netmail.ParseDate(strings.TrimSpace(field))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
