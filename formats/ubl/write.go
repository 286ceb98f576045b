package ubl

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
)

// writer writes UBL elements: indented by two spaces, one element per line,
// never an empty one. The paths it is given are those of the model, for errors.
type writer struct {
	buf      bytes.Buffer
	depth    int
	currency string // of the amounts
	errs     invoice.FieldErrors
}

// document writes the XML declaration and the root element with its namespaces.
func (w *writer) document(root, namespace string, content func()) ([]byte, error) {
	w.buf.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&w.buf, "<%s xmlns=%q xmlns:cac=%q xmlns:cbc=%q>\n", root, namespace, nsCAC, nsCBC)
	w.depth++
	content()
	fmt.Fprintf(&w.buf, "</%s>\n", root)
	if len(w.errs) > 0 {
		return nil, w.errs
	}
	return w.buf.Bytes(), nil
}

// group writes an aggregate (cac), unless its content writes nothing.
func (w *writer) group(local string, content func()) {
	start := w.buf.Len()
	w.indent()
	w.buf.WriteString("<cac:" + local + ">\n")
	inside := w.buf.Len()
	w.depth++
	content()
	w.depth--
	if w.buf.Len() == inside {
		w.buf.Truncate(start)
		return
	}
	w.indent()
	w.buf.WriteString("</cac:" + local + ">\n")
}

// attr is an attribute of a basic element.
type attr struct{ name, value string }

// field writes a basic element (cbc), unless its text is empty. Attributes that
// are empty are left out.
func (w *writer) field(local, text string, attrs ...attr) {
	if text == "" {
		return
	}
	w.open(local, attrs)
	w.escape(text, false)
	w.end(local)
}

func (w *writer) open(local string, attrs []attr) {
	w.indent()
	w.buf.WriteString("<cbc:" + local)
	for _, a := range attrs {
		if a.value != "" {
			w.buf.WriteString(" " + a.name + `="`)
			w.escape(a.value, true)
			w.buf.WriteByte('"')
		}
	}
	w.buf.WriteByte('>')
}

func (w *writer) end(local string) { w.buf.WriteString("</cbc:" + local + ">\n") }

// identifier writes an identifier with its scheme.
func (w *writer) identifier(local string, id invoice.Identifier) {
	w.field(local, id.Value, attr{"schemeID", id.Scheme})
}

// date writes an optional date.
func (w *writer) date(local string, d *invoice.Date) {
	if d != nil {
		w.field(local, d.String())
	}
}

// amount writes an optional amount in the currency of the document.
func (w *writer) amount(local string, d *invoice.Decimal) {
	w.amountIn(w.currency, local, d)
}

func (w *writer) amountIn(currency, local string, d *invoice.Decimal) {
	if d != nil {
		w.field(local, d.String(), attr{"currencyID", currency})
	}
}

// decimal writes an optional number without currency.
func (w *writer) decimal(local string, d *invoice.Decimal) {
	if d != nil {
		w.field(local, d.String())
	}
}

// quantity writes an optional number with its unit.
func (w *writer) quantity(local string, d *invoice.Decimal, unit string) {
	if d != nil {
		w.field(local, d.String(), attr{"unitCode", unit})
	}
}

// file writes an embedded file in base64.
func (w *writer) file(local string, a *invoice.Attachment) {
	w.open(local, []attr{{"mimeCode", a.MIMECode}, {"filename", a.Filename}})
	encoder := base64.NewEncoder(base64.StdEncoding, &w.buf)
	_, _ = encoder.Write(a.Content) // a bytes.Buffer takes everything
	_ = encoder.Close()
	w.end(local)
}

// required notes that the schema demands a value that the model lacks.
func (w *writer) required(present bool, path, term string) {
	if !present {
		w.fail(path, CodeRequired, term, "UBL demands a value")
	}
}

func (w *writer) fail(path, code, term, format string, args ...any) {
	w.errs = append(w.errs, invoice.FieldError{
		Path: path, Code: code, Term: term, Message: fmt.Sprintf(format, args...),
	})
}

func (w *writer) indent() {
	for range w.depth {
		w.buf.WriteString("  ")
	}
}

// escape writes character data so that a reader gets exactly the text. In an
// attribute, white space other than blanks would be normalised, and a carriage
// return anywhere.
func (w *writer) escape(s string, inAttribute bool) {
	if !strings.ContainsAny(s, "&<>\"\r\n\t") {
		w.buf.WriteString(s)
		return
	}
	for _, c := range s {
		switch {
		case c == '&':
			w.buf.WriteString("&amp;")
		case c == '<':
			w.buf.WriteString("&lt;")
		case c == '>':
			w.buf.WriteString("&gt;")
		case c == '\r':
			w.buf.WriteString("&#13;")
		case c == '"' && inAttribute:
			w.buf.WriteString("&quot;")
		case c == '\n' && inAttribute:
			w.buf.WriteString("&#10;")
		case c == '\t' && inAttribute:
			w.buf.WriteString("&#9;")
		default:
			w.buf.WriteRune(c)
		}
	}
}
