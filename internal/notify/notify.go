// Package notify writes the mails that people get: the letter around an invoice
// and the one-time code of the portal, in the reader's language. The same invoice
// always gives the same letter, so that a mail that is sent again is the same mail.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/transport"
)

// Letters writes letters. It implements outbound.Letters.
type Letters struct {
	Store gateway.Store
	// LinkTo gives the address of a portal link.
	LinkTo func(linkID string) string
	// Language is for customers whose record has none.
	Language i18n.Lang
}

// letter is what the texts are made from, ready for the reader.
type letter struct {
	Lang                                   i18n.Lang
	Subject, Greeting, Sentence, Button    string
	Link, LinkNote, Attached, Sign, Seller string
	Rows                                   []row
}

type row struct{ Name, Value string }

// Letter writes the letter of a delivery.
func (l *Letters) Letter(ctx context.Context, tenant gateway.Tenant, inv gateway.Invoice, d gateway.Delivery) (*transport.Mail, error) {
	var model invoice.Invoice
	if err := json.Unmarshal(inv.Model, &model); err != nil {
		return nil, err
	}
	var links []gateway.PortalLink
	lang := l.Language
	replyTo := ""
	err := l.Store.For(tenant.ID).Read(ctx, func(r gateway.Reader) error {
		rec, err := r.RecordAt(ctx, gateway.RecordCustomer, inv.Customer, d.CreatedAt)
		if err != nil {
			return err
		}
		var customer billing.Customer
		if err := json.Unmarshal(rec.Body, &customer); err != nil {
			return err
		}
		if parsed, ok := i18n.Parse(customer.Language); ok {
			lang = parsed
		}
		if model.Seller.Contact != nil {
			replyTo = answerable(model.Seller.Contact.Email)
		}
		links, err = r.PortalLinks(ctx, inv.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	link := ""
	if len(links) > 0 {
		link = l.LinkTo(links[0].ID)
	}
	return compose(lang, &model, link, replyTo)
}

// oneLine is a text fit for a header field of at most so many bytes.
func oneLine(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// answerable is an address that every mail server takes, or nothing: what an
// invoice gives as the seller's need not be one, and must not keep it from leaving.
func answerable(email string) string {
	a, err := netmail.ParseAddress(email)
	if err != nil || a.Address != email || strings.ContainsAny(email, `"[ `) || strings.ContainsFunc(email, func(r rune) bool { return r > '~' }) {
		return ""
	}
	return email
}

func compose(lang i18n.Lang, inv *invoice.Invoice, link, replyTo string) (*transport.Mail, error) {
	seller := inv.Seller.TradingName
	if seller == "" {
		seller = inv.Seller.Name
	}
	kind := keyInvoice
	if inv.IsCreditNote() {
		kind = keyCreditNote
	}
	what := texts.Text(lang, kind, i18n.A("number", inv.Number))
	v := letter{
		Lang:     lang,
		Subject:  texts.Text(lang, keySubject, i18n.A("what", what), i18n.A("seller", seller)),
		Greeting: texts.Text(lang, keyGreeting),
		Sentence: texts.Text(lang, keySentence, i18n.A("what", what), i18n.A("seller", seller)),
		Button:   texts.Text(lang, keyButton), Link: link, LinkNote: texts.Text(lang, keyLinkNote),
		Attached: texts.Text(lang, keyAttached), Sign: texts.Text(lang, keySign), Seller: seller,
	}
	add := func(key i18n.Key, value string) {
		if value != "" {
			v.Rows = append(v.Rows, row{texts.Text(lang, key), value})
		}
	}
	add(keyFrom, inv.Seller.Name)
	add(keyNumber, inv.Number)
	add(keyDate, date(lang, inv.IssueDate))
	add(keyOrder, inv.PurchaseOrderReference)
	add(keyAmount, i18n.Amount(lang, inv.Totals.AmountDue.String(), inv.Currency))
	if inv.DueDate != nil {
		add(keyDue, date(lang, *inv.DueDate))
	}
	var html, text bytes.Buffer
	if err := htmlLetter.Execute(&html, v); err != nil {
		return nil, err
	}
	if err := textLetter.Execute(&text, v); err != nil {
		return nil, err
	}
	return &transport.Mail{
		FromName: oneLine(seller, 200), ReplyTo: replyTo, Subject: oneLine(v.Subject, 500), Text: text.String(), HTML: html.String(), Language: string(lang),
	}, nil
}

func date(lang i18n.Lang, d invoice.Date) string { return i18n.Date(lang, d.Time(time.UTC)) }

// Code writes the mail with a one-time code.
func Code(lang i18n.Lang, seller, number, code string) *transport.Mail {
	return &transport.Mail{
		FromName: oneLine(seller, 200),
		Subject:  oneLine(texts.Text(lang, keyCodeSubject, i18n.A("code", code), i18n.A("number", number)), 500),
		Text:     texts.Text(lang, keyCodeText, i18n.A("code", code), i18n.A("number", number), i18n.A("seller", seller)),
		Language: string(lang),
	}
}

var htmlLetter = template.Must(template.New("letter").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;background:#f4f4f1;font-family:system-ui,Segoe UI,Helvetica,Arial,sans-serif;color:#1c1c1a;line-height:1.5">
<div style="max-width:34rem;margin:0 auto;padding:1.5rem">
<div style="background:#fff;border:1px solid #ddd;border-radius:8px;padding:1.5rem">
<p>{{.Greeting}}</p><p>{{.Sentence}}</p>
<table role="presentation" style="border-collapse:collapse;width:100%">{{range .Rows}}
<tr><td style="padding:.3rem 1rem .3rem 0;color:#5c5c57;vertical-align:top">{{.Name}}</td><td style="padding:.3rem 0"><strong>{{.Value}}</strong></td></tr>{{end}}
</table>{{if .Link}}
<p style="margin:1.5rem 0"><a href="{{.Link}}" style="background:#14532d;color:#fff;padding:.7rem 1.2rem;border-radius:6px;text-decoration:none">{{.Button}}</a></p>
<p style="color:#5c5c57;font-size:.9rem">{{.LinkNote}}<br><a href="{{.Link}}" style="color:#14532d;word-break:break-all">{{.Link}}</a></p>{{end}}
<p>{{.Attached}}</p><p>{{.Sign}}<br>{{.Seller}}</p>
</div></div></body></html>
`))
