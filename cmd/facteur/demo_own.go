package main

import (
	"context"
	"fmt"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/intake"
)

// theirInvoice submits a finished invoice; seller and buyer become records.
func (d *demo) theirInvoice(ctx context.Context, name, media string, content []byte) error {
	inv, err := intake.Invoice(media, content)
	if err != nil {
		return err
	}
	seller := billing.LegalEntity{
		Name: inv.Seller.Name, VATIdentifier: inv.Seller.VATIdentifier, LegalRegistration: inv.Seller.LegalRegistration,
		Identifiers: inv.Seller.Identifiers, ElectronicAddress: inv.Seller.ElectronicAddress, Address: inv.Seller.Address,
	}
	buyer := billing.Customer{
		Name: inv.Buyer.Name, VATIdentifier: inv.Buyer.VATIdentifier, LegalRegistration: inv.Buyer.LegalRegistration,
		ElectronicAddress: inv.Buyer.ElectronicAddress, Address: inv.Buyer.Address, Contact: inv.Buyer.Contact,
	}
	if err := d.sides(ctx, name, seller, buyer); err != nil {
		return err
	}
	a, err := d.node.intake.SubmitInvoice(ctx, demoSupplier, outbound.Submission{Actor: demoActor, Source: content, SourceType: media, Filename: name}, name, inv)
	if err != nil {
		return err
	}
	d.watch(name, a.Ref)
	return nil
}

// theirOrders submits orders; seller, buyer and taxed items become records.
func (d *demo) theirOrders(ctx context.Context, name, media string, content []byte) error {
	list, err := intake.Orders(media, content)
	if err != nil {
		return err
	}
	for i, o := range list {
		id := fmt.Sprintf("%s-%d", name, i+1)
		if err := d.sides(ctx, id, entityOf(o.Seller), customerOf(o.Buyer)); err != nil {
			return err
		}
		a, err := d.node.intake.SubmitOrder(ctx, demoSupplier, outbound.Submission{
			Key: fmt.Sprintf("%s#%d", outbound.KeyOf(content), i), Actor: demoActor, Source: content, SourceType: media, Filename: name,
		}, o)
		if err != nil {
			return err
		}
		d.watch(id, a.Ref)
	}
	return nil
}

func (d *demo) watch(name, ref string) {
	fmt.Fprintf(d.out, "  %-18.18s submitted\n", name)
	d.seen = append(d.seen, &shown{name: fmt.Sprintf("%.18s", name), ref: ref, want: reach{transport: "received"}, count: 1, told: map[string]string{}})
}

func entityOf(p order.Party) billing.LegalEntity {
	return billing.LegalEntity{
		Name: p.Name, VATIdentifier: p.VATIdentifier, LegalRegistration: p.LegalRegistration, Identifiers: p.Identifiers,
		ElectronicAddress: p.ElectronicAddress, Address: p.Address, Contact: p.Contact, Billing: string(order.OnOrder),
	}
}

func customerOf(p order.Party) billing.Customer {
	return billing.Customer{
		Name: p.Name, VATIdentifier: p.VATIdentifier, LegalRegistration: p.LegalRegistration, Identifiers: p.Identifiers,
		AccountNumber: p.AccountNumber, ElectronicAddress: p.ElectronicAddress, Address: p.Address, Contact: p.Contact,
	}
}

// sides makes records of the two sides that a document names, unless there are
// some already, and leads the buyer's route to the customers' tenant.
func (d *demo) sides(ctx context.Context, id string, seller billing.LegalEntity, buyer billing.Customer) error {
	if buyer.ElectronicAddress.IsZero() {
		buyer.ElectronicAddress = invoice.Identifier{Scheme: "9999", Value: "buyer-of-" + id}
	}
	var known [2]int
	err := d.node.store.For(demoSupplier).Read(ctx, func(r gateway.Reader) (err error) {
		if _, known[0], err = records.Find(ctx, r, gateway.RecordLegalEntity, records.EntityKeys(seller), d.app.Now()); err != nil {
			return err
		}
		_, known[1], err = records.Find(ctx, r, gateway.RecordCustomer, records.CustomerKeys(buyer), d.app.Now())
		return err
	})
	if err != nil {
		return err
	}
	if known[0] == 0 && seller.Name != "" {
		if seller.ElectronicAddress.IsZero() {
			seller.ElectronicAddress = invoice.Identifier{Scheme: "9999", Value: "seller-of-" + id}
		}
		if err := d.put(ctx, demoSupplier, gateway.RecordLegalEntity, recordID("seller-", id), seller); err != nil {
			return err
		}
	}
	if known[1] == 0 && buyer.Name != "" {
		if _, err := d.customer(ctx, billing.Record[billing.Customer]{ID: recordID("buyer-", id), Value: withRoute(buyer)}); err != nil {
			return err
		}
	}
	return d.introduceAll(ctx)
}

// withRoute gives a customer the way through this gateway.
func withRoute(c billing.Customer) billing.Customer {
	c.Routes = []billing.Route{{Channel: "https.gateway"}}
	return c
}

// introduceAll makes peers of all participants that have records by now.
func (d *demo) introduceAll(ctx context.Context) error {
	var customers, suppliers []string
	err := d.node.store.For(demoSupplier).Read(ctx, func(r gateway.Reader) error {
		list, err := r.Records(ctx, gateway.RecordCustomer, gateway.Page{Limit: 500})
		if err != nil {
			return err
		}
		for _, rec := range list.Items {
			c, err := records.Typed[billing.Customer](rec)
			if err != nil {
				return err
			}
			customers = append(customers, records.Participant(c.Value.ElectronicAddress))
		}
		if list, err = r.Records(ctx, gateway.RecordLegalEntity, gateway.Page{Limit: 500}); err != nil {
			return err
		}
		for _, rec := range list.Items {
			e, err := records.Typed[billing.LegalEntity](rec)
			if err != nil {
				return err
			}
			suppliers = append(suppliers, records.Participant(e.Value.ElectronicAddress))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.introduce(ctx, customers, suppliers)
}

// recordID makes a record id of a file name.
func recordID(prefix, name string) string {
	safe := []rune(prefix)
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			safe = append(safe, r)
		} else {
			safe = append(safe, '_')
		}
	}
	return string(safe[:min(len(safe), 100)])
}
