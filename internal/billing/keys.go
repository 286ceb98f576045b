package billing

import (
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// Keys are what documents may say of the company, most telling first. A record
// with a key of an order's party is that party.
func (e *LegalEntity) Keys() []string {
	var k keys
	k.identifier("address", e.ElectronicAddress)
	k.text("vat", e.VATIdentifier)
	k.identifier("legal", e.LegalRegistration)
	for _, id := range e.Identifiers {
		k.identifier("id", id)
	}
	return k
}

// Keys are what documents may say of the customer, most telling first.
func (c *Customer) Keys() []string {
	var k keys
	k.text("account", c.AccountNumber)
	k.identifier("address", c.ElectronicAddress)
	k.text("vat", c.VATIdentifier)
	k.identifier("legal", c.LegalRegistration)
	for _, id := range c.Identifiers {
		k.identifier("id", id)
	}
	return k
}

// Keys are what documents may say of the item, most telling first.
func (i *Item) Keys() []string {
	return ItemKeys(&invoice.Item{SellerID: i.SellerID, StandardID: i.StandardID})
}

// SellerKeys are the keys of the order's seller, to look for a legal entity with.
// The account number is the buyer's for it and no key.
func SellerKeys(p *order.Party) []string {
	seller := *p
	seller.AccountNumber = ""
	return BuyerKeys(&seller)
}

// BuyerKeys are the keys of the order's buyer, to look for a customer with.
func BuyerKeys(p *order.Party) []string {
	return (&Customer{
		AccountNumber: p.AccountNumber, ElectronicAddress: p.ElectronicAddress, VATIdentifier: p.VATIdentifier,
		LegalRegistration: p.LegalRegistration, Identifiers: p.Identifiers,
	}).Keys()
}

// ItemKeys are the keys of an order line's item, to look for a record with.
func ItemKeys(item *invoice.Item) []string {
	var k keys
	k.text("seller_id", item.SellerID)
	k.identifier("standard_id", item.StandardID)
	return k
}

type keys []string

// text adds a key for a text that is compared without spaces and case.
func (k *keys) text(kind, value string) {
	if value = strings.ToUpper(strings.Join(strings.Fields(value), "")); value != "" {
		*k = append(*k, kind+":"+value)
	}
}

func (k *keys) identifier(kind string, id invoice.Identifier) {
	if id.Value != "" {
		k.text(kind, id.Scheme+":"+id.Value)
	}
}
