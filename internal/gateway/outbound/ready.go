package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/transport"
)

const mediaXML = "application/xml"

// ready takes the number and writes everything that a sent invoice needs, in
// one transaction: documents, seal, verdicts, delivery and the task to send it.
func (s *Preparing) ready(ctx context.Context, t gateway.Task, c *candidate, name string) error {
	document, err := s.Blobs.Put(ctx, t.Tenant, c.document)
	if err != nil {
		return err
	}
	seal, err := s.Blobs.Put(ctx, t.Tenant, c.seal)
	if err != nil {
		return err
	}
	s.probe("invoice.blobs_stored")
	model, err := json.Marshal(c.model)
	if err != nil {
		return err
	}
	err = s.Store.For(t.Tenant).Write(ctx, func(tx gateway.Tx) error {
		row, err := s.current(ctx, tx, t, c)
		if err != nil || row == nil {
			return err
		}
		now := s.Clock.Now()
		if err := row.Move(gateway.InvoiceReady); err != nil {
			return err
		}
		row.LegalEntity, row.Customer, row.Model = c.row.LegalEntity, c.row.Customer, model
		row.Number, row.Hold, row.HoldDetail, row.UpdatedAt = c.model.Number, "", nil, now
		describe(row, c.model)
		if err := settleOrder(ctx, tx, row); err != nil {
			return err
		}
		// By the record: documents name one seller in more than one way.
		row.BusinessKey = InvoiceKey(surest(records.EntityKeys(c.entity)), c.model)
		if c.series != nil {
			if err := take(ctx, tx, *c.series, c.model, row.ID, now); err != nil {
				return err
			}
		}
		if err := tx.UpdateInvoice(ctx, row); err != nil {
			return err
		}
		if err := insertDocuments(ctx, tx, c, row.ID, name, document, seal, now); err != nil {
			return err
		}
		if err := s.verdict(ctx, tx, c, row.ID); err != nil {
			return err
		}
		if err := s.event(ctx, tx, row, gateway.EventInvoiceReady, map[string]any{"number": row.Number, "sha256": document, "valid": c.result.Valid}, seal); err != nil {
			return err
		}
		if err := s.link(ctx, tx, c, row.ID, now); err != nil {
			return err
		}
		if err := s.dispatch(ctx, tx, c, row, document, now); err != nil {
			return err
		}
		if err := tx.EndTask(ctx, t); err != nil {
			return err
		}
		s.probe("invoice.before_ready_commit")
		return nil
	})
	s.probe("invoice.ready_committed")
	var duplicate *gateway.Error
	if !errors.As(err, &duplicate) || !errors.Is(err, gateway.ErrDuplicate) {
		return err
	}
	if strings.HasPrefix(duplicate.Ref, gateway.PrefixOrder+"_") {
		c.stop(holdRecords, Hold{Text: duplicate.Message + " as " + duplicate.Ref + ": cancel this invoice"})
	} else {
		c.stop(holdNumber, Hold{Duplicate: duplicate.Ref, Text: "an invoice of this seller with number " + c.model.Number + " exists already"})
	}
	return s.holdBack(ctx, t, c)
}

// settleOrder tells the order of an invoice whose it is, where that was found
// out only after the draft was made: no other order of that number may be
// invoiced beside it.
func settleOrder(ctx context.Context, tx gateway.Tx, inv *gateway.Invoice) error {
	if inv.OrderID == "" || inv.CreditOf != "" {
		return nil
	}
	o, err := tx.Order(ctx, inv.OrderID)
	if err != nil || o.Customer == inv.Customer && o.LegalEntity == inv.LegalEntity {
		return err
	}
	if err := settle(ctx, tx, &o, inv.LegalEntity, inv.Customer); err != nil {
		return err
	}
	return tx.UpdateOrder(ctx, &o)
}

// insertDocuments writes the rows of the document and its seal.
func insertDocuments(ctx context.Context, tx gateway.Tx, c *candidate, id, name, document, seal string, now time.Time) error {
	for _, d := range []gateway.Document{
		{
			SHA256: document, Role: "invoice", Syntax: c.result.Document.Syntax, Customization: c.result.Document.Customization,
			MediaType: mediaXML, Filename: name, Size: int64(len(c.document)),
		},
		{
			SHA256: seal, Role: "seal", Syntax: "xades", MediaType: mediaXML,
			Filename: strings.TrimSuffix(name, ".xml") + ".xades.xml", Size: int64(len(c.seal)),
		},
	} {
		d.InvoiceID, d.CreatedAt = id, now
		if err := tx.InsertDocument(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// dispatch queues the invoice on the customer's first route. A customer without
// one that can be used is told on the timeline: nobody would hear of it otherwise.
func (s *Preparing) dispatch(ctx context.Context, tx gateway.Tx, c *candidate, row *gateway.Invoice, document string, now time.Time) error {
	queued, err := queue(ctx, tx, s.IDs, now, c.tenant, row, document, c.entity, c.customer, 0)
	if err != nil || queued {
		return err
	}
	return s.event(ctx, tx, row, gateway.EventDeliveryFailed, map[string]any{
		"code": "route.none", "detail": "the customer's record has no route that can be used",
	}, "")
}

// linkLife is how long a portal link works.
const linkLife = 400 * 24 * time.Hour

// link lets the customer see the invoice in the portal. One-time codes go to the
// mailbox that the records name.
func (s *Preparing) link(ctx context.Context, tx gateway.Tx, c *candidate, id string, now time.Time) error {
	mailbox := ""
	for _, route := range c.customer.Routes {
		if route.Channel == transport.ChannelMail {
			mailbox = route.Address
			break
		}
	}
	if mailbox == "" && c.customer.Contact != nil {
		mailbox = c.customer.Contact.Email
	}
	linkID := s.IDs.New(gateway.PrefixPortalLink)
	return tx.PutPortalLink(ctx, gateway.PortalLink{
		ID: linkID, Tenant: c.tenant.ID, InvoiceID: id, TokenHash: gateway.HashToken(s.Links.Token(linkID)),
		Email: mailbox, CreatedAt: now, ExpiresAt: now.Add(linkLife),
	})
}

// nextNumber reads the series an invoice belongs to and the number it would get.
func nextNumber(ctx context.Context, r gateway.Reader, entityID string, entity billing.LegalEntity, inv *invoice.Invoice) (gateway.NumberSeries, string, error) {
	kind, text := "invoice", entity.InvoiceNumbers
	if inv.IsCreditNote() {
		kind, text = "credit_note", cmp.Or(entity.CreditNoteNumbers, "CN-"+cmp.Or(entity.InvoiceNumbers, gateway.DefaultNumberPattern))
	}
	text = cmp.Or(text, gateway.DefaultNumberPattern)
	pattern, err := gateway.ParseNumberPattern(text)
	if err != nil {
		return gateway.NumberSeries{}, "", err
	}
	date := inv.IssueDate.Time(time.UTC)
	series, err := r.Series(ctx, entityID, kind, pattern.Period(date))
	if errors.Is(err, gateway.ErrNotFound) {
		series, err = gateway.NumberSeries{LegalEntity: entityID, Kind: kind, Period: pattern.Period(date), Pattern: text, Next: 1}, nil
	}
	return series, pattern.Format(date, series.Next), err
}

// take records that an invoice has the series' next number.
func take(ctx context.Context, tx gateway.Tx, series gateway.NumberSeries, inv *invoice.Invoice, id string, now time.Time) error {
	if _, err := tx.Series(ctx, series.LegalEntity, series.Kind, series.Period); errors.Is(err, gateway.ErrNotFound) {
		if err := tx.PutSeries(ctx, series); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	n := series.Next
	series.LastDate = inv.IssueDate.String()
	return tx.TakeNumber(ctx, gateway.NumberTaken{Series: series, N: n, Number: inv.Number, InvoiceID: id, TakenAt: now})
}

// filename names the document after the seller's number, in safe characters.
func filename(inv *invoice.Invoice) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, inv.Number)
	return strings.TrimLeft(cmp.Or(safe, "invoice"), ".") + ".xml"
}

func problems(fields invoice.FieldErrors) []gateway.FieldProblem {
	out := make([]gateway.FieldProblem, len(fields))
	for i, f := range fields {
		out[i] = gateway.FieldProblem{Path: f.Path, Code: f.Code, Term: f.Term, Message: f.Message}
	}
	return out
}
