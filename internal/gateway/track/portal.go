// Package track tells what became of an invoice: it takes the signs that come
// back (portal, delivery reports, answers in test mode) as events with their
// evidence, and sums up where everything stands.
//
// A portal link opens a landing page. Looking at that page is nobody's act: mail
// scanners and previews do it. Only its button, a POST that carries what the page
// gave, is "opened by link holder" (grade 2). "Viewed" (grade 3) needs a one-time
// code sent to the mailbox the invoice went to. The supplier and our own staff
// never count.
package track

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/transport"
)

// Portal is the customer's side of an invoice, reached by a link.
type Portal struct {
	Store gateway.Store
	Clock gateway.Clock
	IDs   gateway.IDs
	Key   gateway.LinkKey
	Codes *access.Authority
	// SendCode mails a one-time code; nil when there is no mail channel.
	SendCode func(ctx context.Context, tenant gateway.Tenant, inv gateway.Invoice, email, code string) error
}

// Limits of the portal.
const (
	formLife    = 2 * time.Hour
	codePause   = time.Minute
	countedOnce = time.Hour // presses of one link in one hour of the clock are one opening
)

// Landing is what a link shows before its button is pressed.
type Landing struct {
	Tenant  gateway.Tenant
	Link    gateway.PortalLink
	Invoice gateway.Invoice
	Model   *invoice.Invoice
	// Form is what the button must send back.
	Form string
	// CanProve tells that a one-time code can be sent to a mailbox, Mailbox
	// being that address with most of it hidden.
	CanProve bool
	Mailbox  string
}

// Visitor is what is known of who presses the button.
type Visitor struct {
	Address   string // network address
	UserAgent string
	// Staff tells that the visitor is signed in as the supplier or one of us.
	Staff bool
}

// Landing finds what a token leads to. It leaves no trace.
func (p *Portal) Landing(ctx context.Context, token string) (Landing, error) {
	var l Landing
	link, err := p.link(ctx, token)
	if err != nil {
		return l, err
	}
	l.Link = link
	err = p.Store.For(link.Tenant).Read(ctx, func(r gateway.Reader) (err error) {
		if l.Tenant, err = r.Tenant(ctx); err != nil {
			return err
		}
		l.Invoice, err = r.Invoice(ctx, link.InvoiceID)
		return err
	})
	if err != nil {
		return l, err
	}
	l.Model = new(invoice.Invoice)
	if err := json.Unmarshal(l.Invoice.Model, l.Model); err != nil {
		return l, err
	}
	l.Form = p.form(link.ID, p.Clock.Now())
	l.CanProve, l.Mailbox = link.Email != "" && p.SendCode != nil, maskMailbox(link.Email)
	return l, nil
}

func (p *Portal) link(ctx context.Context, token string) (gateway.PortalLink, error) {
	link, err := p.Store.System().PortalLinkByToken(ctx, gateway.HashToken(token))
	if err != nil {
		return link, err
	}
	if link.RevokedAt != nil || p.Clock.Now().After(link.ExpiresAt) {
		return link, gateway.ErrNotFound.With("this link is no longer valid", nil)
	}
	return link, nil
}

// form makes the value that ties the button to the page: when it was shown, and
// a proof that we made it.
func (p *Portal) form(linkID string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 36)
	return stamp + "." + p.Key.Form("open", linkID, stamp)
}

func (p *Portal) checkForm(linkID, form string) error {
	stamp, _, ok := strings.Cut(form, ".")
	seconds, err := strconv.ParseInt(stamp, 36, 64)
	if !ok || err != nil || !hmac.Equal([]byte(form), []byte(p.form(linkID, time.Unix(seconds, 0)))) {
		return gateway.ErrForbidden.With("the page is too old or was not opened first; open the link again", nil)
	}
	if age := p.Clock.Now().Sub(time.Unix(seconds, 0)); age > formLife || age < -time.Minute {
		return gateway.ErrForbidden.With("the page is too old; open the link again", nil)
	}
	return nil
}

// Open is the button of the landing page: the holder of the link sees the
// invoice, and that counts as opened unless the visitor is staff or a known scanner.
func (p *Portal) Open(ctx context.Context, token, form string, v Visitor) (Landing, error) {
	l, err := p.Landing(ctx, token)
	if err != nil {
		return l, err
	}
	if err := p.checkForm(l.Link.ID, form); err != nil {
		return l, err
	}
	if v.Staff || scanner(v.UserAgent) {
		return l, nil
	}
	now := p.Clock.Now()
	return l, p.tell(ctx, l, gateway.Event{
		Type: gateway.EventPortalOpened, Grade: gateway.GradeMedium,
		Actor: gateway.Actor{Kind: "link_holder", ID: l.Link.ID},
		Key:   fmt.Sprintf("opened/%s/%d", l.Link.ID, now.Unix()/int64(countedOnce/time.Second)),
		Data:  json.RawMessage(`{"proof":"link_and_button"}`),
		Personal: map[string]string{
			"address": transport.Safe(v.Address), "user_agent": transport.Safe(v.UserAgent),
		},
	})
}

// RequestCode sends a one-time code to the mailbox the invoice went to.
func (p *Portal) RequestCode(ctx context.Context, token, form string) (Landing, error) {
	l, err := p.Landing(ctx, token)
	if err != nil {
		return l, err
	}
	if err := p.checkForm(l.Link.ID, form); err != nil {
		return l, err
	}
	if !l.CanProve {
		return l, gateway.ErrState.With("there is no mailbox for this invoice", nil)
	}
	code, kept, err := p.Codes.NewCode(l.Link.ID)
	if err != nil {
		return l, err
	}
	now := p.Clock.Now()
	err = p.Store.For(l.Link.Tenant).Write(ctx, func(tx gateway.Tx) error {
		link, err := tx.PortalLink(ctx, l.Link.ID)
		if err != nil {
			return err
		}
		if link.CodeExpiresAt.Sub(now) > access.CodeLifetime-codePause {
			return gateway.ErrState.With("a code was sent a moment ago", nil)
		}
		link.CodeHash, link.CodeExpiresAt, link.CodeTries = kept.Hash, kept.ExpiresAt, kept.Tries
		return tx.PutPortalLink(ctx, link)
	})
	if err != nil {
		return l, err
	}
	return l, p.SendCode(ctx, l.Tenant, l.Invoice, l.Link.Email, code)
}

// Prove takes the one-time code: the invoice is then viewed by who can read the
// mailbox.
func (p *Portal) Prove(ctx context.Context, token, form, code string, v Visitor) (Landing, error) {
	l, err := p.Landing(ctx, token)
	if err != nil {
		return l, err
	}
	if err := p.checkForm(l.Link.ID, form); err != nil {
		return l, err
	}
	var wrong error
	err = p.Store.For(l.Link.Tenant).Write(ctx, func(tx gateway.Tx) error {
		link, err := tx.PortalLink(ctx, l.Link.ID)
		if err != nil {
			return err
		}
		kept := access.Code{Hash: link.CodeHash, ExpiresAt: link.CodeExpiresAt, Tries: link.CodeTries}
		kept, wrong = p.Codes.CheckCode(kept, link.ID, strings.TrimSpace(code))
		link.CodeHash, link.CodeExpiresAt, link.CodeTries = kept.Hash, kept.ExpiresAt, kept.Tries
		return tx.PutPortalLink(ctx, link) // a wrong try counts, too
	})
	if err != nil {
		return l, err
	}
	if wrong != nil {
		return l, gateway.ErrForbidden.With("the code is wrong or no longer valid; ask for a new one", wrong)
	}
	if v.Staff {
		return l, nil
	}
	return l, p.tell(ctx, l, gateway.Event{
		Type: gateway.EventPortalViewed, Grade: gateway.GradeStrong,
		Actor:    gateway.Actor{Kind: "link_holder", ID: l.Link.ID},
		Data:     json.RawMessage(`{"proof":"one_time_code_to_mailbox"}`),
		Personal: map[string]string{"mailbox": l.Link.Email, "address": transport.Safe(v.Address), "user_agent": transport.Safe(v.UserAgent)},
	})
}

func (p *Portal) tell(ctx context.Context, l Landing, e gateway.Event) error {
	now := p.Clock.Now()
	return p.Store.For(l.Link.Tenant).Write(ctx, func(tx gateway.Tx) error {
		inv, err := tx.Invoice(ctx, l.Link.InvoiceID)
		if err != nil {
			return err
		}
		e.ID, e.At, e.RecordedAt = p.IDs.New(gateway.PrefixEvent), now, now
		e.InvoiceID, e.OrderID, e.ExternalID = inv.ID, inv.OrderID, inv.ExternalID
		return gateway.Append(ctx, tx, &inv, e)
	})
}

// scanner knows programs that press buttons in mail without a person.
func scanner(userAgent string) bool {
	ua := strings.ToLower(userAgent)
	if ua == "" {
		return true
	}
	for _, word := range []string{
		"bot", "crawl", "spider", "scan", "preview", "safelinks", "proofpoint", "mimecast", "barracuda",
		"headlesschrome", "curl/", "wget/", "python-", "go-http-client", "java/", "okhttp", "facebookexternalhit", "slack",
	} {
		if strings.Contains(ua, word) {
			return true
		}
	}
	return false
}

// maskMailbox shows enough of an address to recognise it by.
func maskMailbox(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" {
		return ""
	}
	return string([]rune(local)[:1]) + "…@" + domain
}
