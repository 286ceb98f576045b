package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
)

// Pair is the two sides of an invoice, as the records know them.
type Pair struct {
	Entity   billing.Record[billing.LegalEntity]
	Customer billing.Record[billing.Customer]
	// Missing says which side could not be found, and why.
	Missing []billing.MissingField
}

// Parties finds the two sides that an order names. An order that names no
// seller belongs to the tenant's only legal entity.
func Parties(ctx context.Context, r gateway.Reader, o *order.Order, at time.Time) (Pair, error) {
	buyer := o.Buyer
	if o.InvoiceTo != nil {
		buyer = *o.InvoiceTo
	}
	return find(ctx, r, fromParty(o.Seller), fromParty(buyer), at)
}

// PartiesOfInvoice finds the two sides that a finished invoice names.
func PartiesOfInvoice(ctx context.Context, r gateway.Reader, inv *invoice.Invoice, at time.Time) (Pair, error) {
	seller := Identity{
		VATIdentifier: inv.Seller.VATIdentifier, LegalRegistration: inv.Seller.LegalRegistration,
		ElectronicAddress: inv.Seller.ElectronicAddress, Identifiers: inv.Seller.Identifiers, Name: inv.Seller.Name,
	}
	buyer := Identity{
		VATIdentifier: inv.Buyer.VATIdentifier, LegalRegistration: inv.Buyer.LegalRegistration,
		ElectronicAddress: inv.Buyer.ElectronicAddress, Name: inv.Buyer.Name,
	}
	if !inv.Buyer.Identifier.IsZero() {
		buyer.Identifiers = []invoice.Identifier{inv.Buyer.Identifier}
	}
	return find(ctx, r, seller, buyer, at)
}

// ByID gives the two sides whose record ids are known, at a moment.
func ByID(ctx context.Context, r gateway.Reader, entity, customer string, at time.Time) (Pair, error) {
	var p Pair
	e, err := r.RecordAt(ctx, gateway.RecordLegalEntity, entity, at)
	if err != nil {
		return p, fmt.Errorf("legal entity %s: %w", entity, err)
	}
	if p.Entity, err = Typed[billing.LegalEntity](e); err != nil {
		return p, err
	}
	c, err := r.RecordAt(ctx, gateway.RecordCustomer, customer, at)
	if err != nil {
		return p, fmt.Errorf("customer %s: %w", customer, err)
	}
	p.Customer, err = Typed[billing.Customer](c)
	return p, err
}

func fromParty(p order.Party) Identity {
	return Identity{
		VATIdentifier: p.VATIdentifier, LegalRegistration: p.LegalRegistration, ElectronicAddress: p.ElectronicAddress,
		Identifiers: p.Identifiers, AccountNumber: p.AccountNumber, Name: p.Name,
	}
}

func find(ctx context.Context, r gateway.Reader, seller, buyer Identity, at time.Time) (Pair, error) {
	var p Pair
	e, n, err := Find(ctx, r, gateway.RecordLegalEntity, Keys(seller), at)
	if err != nil {
		return p, err
	}
	if n == 0 && len(Keys(seller)) == 0 {
		if e, n, err = only(ctx, r, at); err != nil {
			return p, err
		}
	}
	if n == 1 {
		if p.Entity, err = Typed[billing.LegalEntity](e); err != nil {
			return p, err
		}
	} else {
		p.Missing = append(p.Missing, billing.MissingField{Path: "/seller", Term: "BG-4", Why: why("legal entity", n)})
	}
	c, n, err := Find(ctx, r, gateway.RecordCustomer, Keys(buyer), at)
	if err != nil {
		return p, err
	}
	if n == 1 {
		p.Customer, err = Typed[billing.Customer](c)
	} else {
		p.Missing = append(p.Missing, billing.MissingField{Path: "/buyer", Term: "BG-7", Why: why("customer", n)})
	}
	return p, err
}

// only gives the tenant's legal entity when there is exactly one.
func only(ctx context.Context, r gateway.Reader, at time.Time) (gateway.Record, int, error) {
	list, err := r.Records(ctx, gateway.RecordLegalEntity, gateway.Page{Limit: 2})
	if err != nil || len(list.Items) != 1 {
		return gateway.Record{}, len(list.Items), err
	}
	rec, err := r.RecordAt(ctx, gateway.RecordLegalEntity, list.Items[0].ID, at)
	if errors.Is(err, gateway.ErrNotFound) {
		return gateway.Record{}, 0, nil
	}
	return rec, 1, err
}

func why(what string, n int) string {
	if n == 0 {
		return "no " + what + " record matches what the document says"
	}
	return fmt.Sprintf("%d %s records match what the document says", n, what)
}
