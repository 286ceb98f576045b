package track_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/track"
)

const (
	tenant  = gatewaytest.Tenant
	mailbox = "ap@buyer.example"
	browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)

var linkKey = gateway.LinkKey{1, 2, 3}

// world is a supplier whose invoice went by mail, with a link to the portal.
type world struct {
	*gatewaytest.World
	portal *track.Portal
	codes  []string // that were mailed
	random *counter
	noMail error
}

// counter is randomness that repeats: codes are 000001, 000002 ...
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	clear(p)
	c.n++
	p[len(p)-1] = c.n
	return len(p), nil
}

func newWorld(t *testing.T) *world {
	w := &world{World: gatewaytest.New(t), random: &counter{}}
	codes, err := access.NewAuthority(make([]byte, access.MinKey), w.Clock.Now, w.random)
	w.Must(err)
	w.portal = &track.Portal{
		Store: w.Store, Clock: w.Clock, IDs: w.IDs, Key: linkKey, Codes: codes,
		SendCode: func(_ context.Context, of gateway.Tenant, inv gateway.Invoice, email, code string) error {
			if of.ID != tenant || inv.ID == "" || email != mailbox {
				t.Errorf("code for %s of %s sent to %s", inv.ID, of.ID, email)
			}
			w.codes = append(w.codes, code)
			return w.noMail
		},
	}
	return w
}

// sent is an invoice that was sent by mail, and its link.
func (w *world) sent(id string, change func(inv *gateway.Invoice, d *gateway.Delivery, l *gateway.PortalLink)) (token string) {
	w.Helper()
	now := w.Clock.Now()
	inv := gateway.Invoice{
		ID: id, ExternalID: "ext-" + id, LegalEntity: "seller", Customer: "buyer", Number: "FA-" + id, Kind: "invoice", State: gateway.InvoiceSent, Currency: "EUR",
		Model: []byte(`{"number":"FA-` + id + `","currency":"EUR"}`), CreatedAt: now, UpdatedAt: now,
	}
	d := gateway.Delivery{
		ID: "del_00" + id, InvoiceID: id, Purpose: "invoice", MessageID: "msg_" + id, State: gateway.DeliveryAccepted, DocumentSHA256: "00", CreatedAt: now, UpdatedAt: now,
		Route: gateway.Route{Channel: "mail", Address: mailbox, Receiver: mailbox},
	}
	linkID := "lnk_" + id
	token = linkKey.Token(linkID)
	l := gateway.PortalLink{ID: linkID, Tenant: tenant, InvoiceID: id, TokenHash: gateway.HashToken(token), Email: mailbox, CreatedAt: now, ExpiresAt: now.Add(400 * 24 * time.Hour)}
	if change != nil {
		change(&inv, &d, &l)
	}
	w.Write(func(tx gateway.Tx) error {
		return errors.Join(tx.InsertInvoice(w.Context(), &inv), tx.InsertDelivery(w.Context(), &d), tx.PutPortalLink(w.Context(), l))
	})
	return token
}

func (w *world) invoice(id string) (inv gateway.Invoice) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) { inv, err = r.Invoice(w.Context(), id); return err })
	return inv
}

func (w *world) deliveries(invoiceID string) (list []gateway.Delivery) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		list, err = r.InvoiceDeliveries(w.Context(), invoiceID)
		return err
	})
	return list
}

func of(invoiceID string) gateway.EventFilter { return gateway.EventFilter{InvoiceID: invoiceID} }
