package mail

import (
	"bytes"
	"mime"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"facteur.dev/facteur/transport"
)

const (
	maxSubject  = 500
	maxName     = 200
	maxFilename = 100 // in characters
	maxText     = 1 << 20
)

// letter renders the message: multipart/mixed with the texts, the document and the other attachments. The
// recipient and nobody else stands in To.
func (s *Sender) letter(m transport.Message, to address, at time.Time) ([]byte, error) {
	l := m.Mail
	if err := checkLetter(m.ID, l); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, &netmail.Address{Name: l.FromName, Address: s.from.String()})
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderTo, &netmail.Address{Address: to.String()})
	if l.ReplyTo != "" {
		reply, err := parseAddress("answer address", l.ReplyTo)
		if err != nil {
			return nil, err
		}
		if reply.utf8() && !to.utf8() { // the header would need SMTPUTF8, which the recipient may not have
			return nil, transport.Fault(transport.CodeMessage, "the answer address %q cannot be used for this recipient", transport.Safe(l.ReplyTo))
		}
		msg.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, &netmail.Address{Address: reply.String()})
	}
	msg.Subject(l.Subject)
	msg.SetDateWithValue(at)
	msg.SetGenHeader(gomail.HeaderMessageID, s.MessageID(m.ID))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic answers, please
	if l.Language != "" {
		msg.SetGenHeader(gomail.HeaderContentLang, l.Language)
	}
	msg.SetBodyString(gomail.TypeTextPlain, l.Text)
	if l.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	}
	files := append([]transport.Attachment{{Name: m.Filename, ContentType: m.ContentType, Body: m.Body}}, l.Attach...)
	for _, f := range files {
		if err := attach(msg, m.ID, f); err != nil {
			return nil, err
		}
	}
	var buf bytes.Buffer
	if _, err := msg.WriteTo(&buf); err != nil {
		return nil, transport.Fault(transport.CodeMessage, "message %s cannot be written as a letter", m.ID).Because(err)
	}
	return buf.Bytes(), nil
}

// checkLetter refuses what could break out of a header field or would not be readable.
func checkLetter(id string, l *transport.Mail) error {
	if l == nil {
		return transport.Fault(transport.CodeMessage, "message %s has no letter", id)
	}
	for _, f := range []struct {
		name, value string
		most        int
		required    bool
	}{
		{"subject", l.Subject, maxSubject, true}, {"name of the sender", l.FromName, maxName, false}, {"language", l.Language, 35, false},
	} {
		switch {
		case f.required && strings.TrimSpace(f.value) == "":
			return transport.Fault(transport.CodeMessage, "the letter of message %s has no %s", id, f.name)
		case len(f.value) > f.most:
			return transport.Fault(transport.CodeMessage, "the %s of message %s is too long", f.name, id)
		case !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl):
			return transport.Fault(transport.CodeMessage, "the %s of message %s holds control characters", f.name, id)
		}
	}
	if l.Language != "" && strings.Trim(l.Language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return transport.Fault(transport.CodeMessage, "the language of message %s is no language tag", id)
	}
	if strings.TrimSpace(l.Text) == "" || len(l.Text) > maxText || len(l.HTML) > maxText {
		return transport.Fault(transport.CodeMessage, "the text of message %s is empty or too long", id)
	}
	if !utf8.ValidString(l.Text) || !utf8.ValidString(l.HTML) || strings.ContainsRune(l.Text+l.HTML, 0) {
		return transport.Fault(transport.CodeMessage, "the text of message %s is not UTF-8", id)
	}
	return nil
}

// attach adds a file in base64, with a name in the form of RFC 2231.
func attach(msg *gomail.Msg, id string, f transport.Attachment) error {
	name := filename(f.Name)
	media, params, err := mime.ParseMediaType(f.ContentType)
	if err != nil || !strings.Contains(media, "/") {
		return transport.Fault(transport.CodeMessage, "an attachment of message %s has no valid content type", id).Because(err)
	}
	params["name"] = name
	contentType := mime.FormatMediaType(media, params)
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if contentType == "" || disposition == "" || strings.HasPrefix(media, "multipart/") || strings.HasPrefix(media, "message/") {
		return transport.Fault(transport.CodeMessage, "an attachment of message %s has no valid content type", id)
	}
	return msg.AttachReader(name, bytes.NewReader(f.Body), func(file *gomail.File) {
		file.Header.Set("Content-Type", contentType)
		file.Header.Set("Content-Disposition", disposition)
	})
}

// filename is the last element of a name, without what would harm a header or a file system.
func filename(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	clean := []rune(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || strings.ContainsRune(`"<>:|?*`, r) {
			return '_'
		}
		return r
	}, s))
	if len(clean) > maxFilename { // keep the end, with the extension
		clean = clean[len(clean)-maxFilename:]
	}
	s = strings.Trim(string(clean), " .")
	if s == "" {
		return "document"
	}
	return s
}
