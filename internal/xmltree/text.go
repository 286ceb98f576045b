package xmltree

import (
	"strings"
	"unicode/utf8"
)

// textRun collects adjacent character data and CDATA sections, which make one
// text node. A run of one piece without references is a slice of the source.
type textRun struct {
	active bool
	start  int
	raw    int64  // bytes read so far
	one    string // the only piece
	many   []byte // all pieces, when there are several
}

func (p *parser) addText(at int, raw int, piece string) *Error {
	r := &p.text
	if !r.active {
		*r = textRun{active: true, start: at, many: r.many[:0]}
	}
	if r.raw += int64(raw); r.raw > p.limits.Text {
		return fail(CodeTooLarge, r.start, "text too long")
	}
	switch {
	case len(r.many) == 0 && r.one == "":
		r.one = piece
	case len(r.many) == 0:
		r.many = append(append(r.many, r.one...), piece...)
	default:
		r.many = append(r.many, piece...)
	}
	return nil
}

// endText makes the text node of the run that ends at the offset.
func (p *parser) endText(end int) *Error {
	r := &p.text
	if !r.active {
		return nil
	}
	r.active = false
	v := r.one
	if len(r.many) > 0 {
		v = string(r.many)
	}
	if v == "" { // an empty CDATA section
		return nil
	}
	_, err := p.add(node{kind: Text, value: p.value(v), start: int32(r.start), end: int32(end)})
	return err
}

// charData reads text up to the next "<".
func (p *parser) charData(i int) (int, *Error) {
	end := len(p.s)
	if n := strings.IndexByte(p.s[i:], '<'); n >= 0 {
		end = i + n
	}
	raw := p.s[i:end]
	if len(p.open) == 1 {
		if j := skipSpace(p.s, i); j < end {
			return i, malformed(j, "text outside the document element")
		}
		return end, nil
	}
	if err := p.checkLength(i, end); err != nil {
		return i, err
	}
	if n := strings.Index(raw, "]]>"); n >= 0 {
		return i, malformed(i+n, "\"]]>\" in text")
	}
	piece := normaliseLines(raw)
	if strings.IndexByte(piece, '&') >= 0 {
		var err *Error
		if piece, err = p.resolve(i, end, false); err != nil {
			return i, err
		}
	}
	return end, p.addText(i, len(raw), piece)
}

// cdata reads "<![CDATA[ … ]]>".
func (p *parser) cdata(i int) (int, *Error) {
	body := i + len("<![CDATA[")
	if len(p.open) == 1 {
		return i, malformed(i, "CDATA section outside the document element")
	}
	n := strings.Index(p.s[body:], "]]>")
	if n < 0 {
		return i, malformed(i, "CDATA section is not closed")
	}
	if err := p.checkLength(body, body+n); err != nil {
		return i, err
	}
	end := body + n + len("]]>")
	return end, p.addText(i, n, normaliseLines(p.s[body:body+n]))
}

// resolve is the text from i to end with references resolved and line ends
// normalised. In an attribute value literal white space becomes a blank.
func (p *parser) resolve(i, end int, attribute bool) (string, *Error) {
	var b strings.Builder
	b.Grow(end - i)
	for i < end {
		switch c := p.s[i]; {
		case c == '&':
			r, next, err := p.reference(i, end)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i = next
			continue
		case c == '\r':
			if i+1 == end || p.s[i+1] != '\n' {
				b.WriteByte(newline(attribute))
			}
		case c == '\n':
			b.WriteByte(newline(attribute))
		case c == '\t' && attribute:
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), nil
}

func newline(attribute bool) byte {
	if attribute {
		return ' '
	}
	return '\n'
}

// reference reads "&name;", "&#10;" or "&#xA;" and answers its character.
func (p *parser) reference(i, end int) (r rune, next int, err *Error) {
	body := i + 1
	if strings.HasPrefix(p.s[body:end], "#") {
		return p.charReference(i, end)
	}
	nameEnd := ncNameEnd(p.s[:end], body)
	if nameEnd == body || nameEnd == end || p.s[nameEnd] != ';' {
		return 0, 0, malformed(i, "\"&\" starts no reference")
	}
	switch p.s[body:nameEnd] {
	case "amp":
		r = '&'
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		return 0, 0, fail(CodeEntity, i, "entity is not predefined")
	}
	return r, nameEnd + 1, nil
}

func (p *parser) charReference(i, end int) (r rune, next int, err *Error) {
	j, base := i+len("&#"), rune(10)
	if j < end && p.s[j] == 'x' {
		j, base = j+1, 16
	}
	first := j
	for ; j < end; j++ {
		d := digit(p.s[j])
		if d >= base {
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			r = utf8.MaxRune + 1 // stays too large, does not overflow
		}
	}
	switch {
	case j == first || j == end || p.s[j] != ';':
		return 0, 0, malformed(i, "character reference without number or semicolon")
	case !isChar(r):
		return 0, 0, malformed(i, "character reference to no character of XML")
	}
	return r, j + 1, nil
}

// digit is the value of a hexadecimal digit, 16 for anything else.
func digit(b byte) rune {
	switch {
	case '0' <= b && b <= '9':
		return rune(b - '0')
	case 'a' <= b && b <= 'f':
		return rune(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return rune(b-'A') + 10
	}
	return 16
}
