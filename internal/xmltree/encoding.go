package xmltree

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const markUTF8 = "\xEF\xBB\xBF"

func hasUTF8Mark(s []byte) bool { return strings.HasPrefix(head(s), markUTF8) }

// head is the start of the document: as much as an XML declaration may take.
func head(s []byte) string { return string(s[:min(len(s), 1024)]) }

// decode answers the document in UTF-8: src itself when it is that already.
func decode(src []byte, limit int64) ([]byte, error) {
	if int64(len(src)) > limit {
		return nil, &Error{Code: CodeTooLarge, Line: 1, Column: 1, Msg: "document too large"}
	}
	text, err := transcode(src)
	if err != nil {
		err.Line, err.Column = position(src, int(err.Offset))
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, &Error{Code: CodeTooLarge, Line: 1, Column: 1, Msg: "document too large"}
	}
	return text, nil
}

func transcode(src []byte) ([]byte, *Error) {
	h := head(src)
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(h, "\xFF\xFE\x00\x00"), strings.HasPrefix(h, "\x00\x00\xFE\xFF"):
		return nil, fail(CodeEncoding, 0, "UTF-32 is not supported")
	case strings.HasPrefix(h, "\xFF\xFE"):
		order = binary.LittleEndian
	case strings.HasPrefix(h, "\xFE\xFF"):
		order = binary.BigEndian
	case strings.HasPrefix(h, markUTF8):
		return src, checkDeclared(h, len(markUTF8), "utf-8")
	case len(h) > 1 && (h[0] == 0 || h[1] == 0):
		return nil, fail(CodeEncoding, 0, "UTF-16 needs a byte order mark, UTF-32 is not supported")
	}
	if order != nil {
		text, err := decodeUTF16(src[2:], order)
		if err != nil {
			return nil, err
		}
		names := []string{"utf-16", "utf-16le"}
		if order == binary.BigEndian {
			names[1] = "utf-16be"
		}
		return text, checkDeclared(head(text), 0, names...)
	}
	return transcodeDeclared(src, h)
}

// checkDeclared refuses a declaration of another encoding than the names given.
func checkDeclared(s string, i int, names ...string) *Error {
	d, err := parseDeclaration(s, i)
	if err != nil || d.encoding == "" {
		return err
	}
	for _, n := range names {
		if strings.EqualFold(d.encoding, n) {
			return nil
		}
	}
	return fail(CodeEncoding, d.encodingAt, "declared encoding is not the actual one")
}

// transcodeDeclared believes the declaration of a document without byte order mark.
func transcodeDeclared(src []byte, h string) ([]byte, *Error) {
	d, err := parseDeclaration(h, 0)
	if err != nil {
		return nil, err
	}
	var cm *charmap.Charmap
	switch strings.ToLower(d.encoding) {
	case "", "utf-8":
		return src, nil
	case "us-ascii":
		for i, b := range src {
			if b >= utf8.RuneSelf {
				return nil, fail(CodeEncoding, i, "byte that is not US-ASCII")
			}
		}
		return src, nil
	case "iso-8859-1":
		cm = charmap.ISO8859_1
	case "iso-8859-15":
		cm = charmap.ISO8859_15
	case "windows-1252":
		cm = charmap.Windows1252
	case "utf-16", "utf-16le", "utf-16be":
		return nil, fail(CodeEncoding, d.encodingAt, "declared encoding is not the actual one")
	default:
		return nil, fail(CodeEncoding, d.encodingAt, "encoding is not supported")
	}
	out := make([]byte, 0, len(src)+len(src)/8)
	for i, b := range src {
		r := cm.DecodeByte(b)
		if r == utf8.RuneError {
			return nil, fail(CodeEncoding, i, "byte that the encoding does not define")
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

func decodeUTF16(s []byte, order binary.ByteOrder) ([]byte, *Error) {
	const msg = "not UTF-16"
	if len(s)%2 != 0 {
		return nil, fail(CodeEncoding, 0, msg)
	}
	out := make([]byte, 0, len(s)/2+len(s)/16)
	for i := 0; i < len(s); i += 2 {
		r := rune(order.Uint16(s[i:]))
		if r >= 0xD800 && r <= 0xDFFF {
			if r > 0xDBFF || i+4 > len(s) {
				return nil, fail(CodeEncoding, 0, msg)
			}
			low := rune(order.Uint16(s[i+2:]))
			if low < 0xDC00 || low > 0xDFFF {
				return nil, fail(CodeEncoding, 0, msg)
			}
			r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// declaration is what the XML declaration says.
type declaration struct {
	encoding   string
	encodingAt int
	end        int
}

// parseDeclaration reads "<?xml version="1.0" encoding="…" standalone="…"?>" at
// i; without one, the answer is empty and ends at i.
func parseDeclaration(s string, i int) (declaration, *Error) {
	rest := s[i:]
	if !strings.HasPrefix(rest, "<?xml") || len(rest) < 6 || !isSpace(rest[5]) {
		return declaration{end: i}, nil
	}
	var d declaration
	at := i + len("<?xml")
	version, next, err := pseudoAttr(s, at, "version")
	if err != nil {
		return d, err
	}
	if next == at {
		return d, malformed(i, "XML declaration without version")
	}
	if version != "1.0" {
		return d, fail(CodeVersion, at, "only XML version 1.0 is supported")
	}
	at = next
	if d.encoding, next, err = pseudoAttr(s, at, "encoding"); err != nil {
		return d, err
	}
	if next > at {
		d.encodingAt = skipSpace(s, at)
		if !isEncodingName(d.encoding) {
			return d, malformed(d.encodingAt, "not the name of an encoding")
		}
	}
	at = next
	standalone, next, err := pseudoAttr(s, at, "standalone")
	if err != nil {
		return d, err
	}
	if next > at && standalone != "yes" && standalone != "no" {
		return d, malformed(at, "standalone is neither yes nor no")
	}
	d.end = skipSpace(s, next)
	if !strings.HasPrefix(s[d.end:], "?>") {
		return d, malformed(d.end, "XML declaration has something else than version, encoding and standalone in that order")
	}
	d.end += len("?>")
	return d, nil
}

// pseudoAttr reads white space and name="value" at i. When there is no such
// name it answers i itself.
func pseudoAttr(s string, i int, name string) (value string, next int, err *Error) {
	j := skipSpace(s, i)
	if j == i || !strings.HasPrefix(s[j:], name) {
		return "", i, nil
	}
	j = skipSpace(s, j+len(name))
	if j == len(s) || s[j] != '=' {
		return "", i, malformed(j, "no \"=\" in the XML declaration")
	}
	j = skipSpace(s, j+1)
	if j == len(s) || s[j] != '"' && s[j] != '\'' {
		return "", i, malformed(j, "no quotes in the XML declaration")
	}
	n := strings.IndexByte(s[j+1:], s[j])
	if n < 0 {
		return "", i, malformed(j, "XML declaration is not closed")
	}
	return s[j+1 : j+1+n], j + n + 2, nil
}

// isEncodingName is production EncName.
func isEncodingName(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || nameByte[s[i]] == 0 || i == 0 && (nameByte[s[i]] != 1 || s[i] == '_') {
			return false
		}
	}
	return s != ""
}
