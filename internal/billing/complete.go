package billing

import (
	"fmt"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// completer knows the records that complete an order.
type completer struct {
	in           *Input
	entityName   string
	customerName string
	items        []itemRecord // by order line
	vats         []taxed      // by order line
}

func newCompleter(in *Input) *completer {
	c := &completer{in: in}
	if e := in.Records.LegalEntity; e != nil {
		c.entityName = fmt.Sprintf("legal entity record %s v%d", e.ID, e.Version)
	}
	if r := in.Records.Customer; r != nil {
		c.customerName = fmt.Sprintf("customer record %s v%d", r.ID, r.Version)
	}
	index := indexItems(in.Records.Items)
	c.items = make([]itemRecord, 0, len(in.Order.Lines))
	c.vats = make([]taxed, 0, len(in.Order.Lines))
	for i := range in.Order.Lines {
		line := &in.Order.Lines[i]
		item := index.find(&line.Item)
		c.items = append(c.items, item)
		c.vats = append(c.vats, c.vatOf(line, item))
	}
	return c
}

// entity is the seller's record; an empty one stands for none.
func (c *completer) entity() *LegalEntity {
	if c.in.Records.LegalEntity == nil {
		return &LegalEntity{}
	}
	return &c.in.Records.LegalEntity.Value
}

// customer is the buyer's record; an empty one stands for none.
func (c *completer) customer() *Customer {
	if c.in.Records.Customer == nil {
		return &Customer{}
	}
	return &c.in.Records.Customer.Value
}

// lookedAt names the records of the parties, for a reason.
func (c *completer) lookedAt() string {
	return either(c.customerName, "a customer record") + " nor " + either(c.entityName, "a legal entity record")
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// billing is what makes an invoice due.
func (c *completer) billing() (order.Billing, []Source) {
	if b := c.in.Order.Billing; b != "" {
		return b, nil
	}
	if b := c.customer().Billing; b != "" {
		return order.Billing(b), []Source{{Path: "billing", Value: b, From: c.customerName}}
	}
	if b := c.entity().Billing; b != "" {
		return order.Billing(b), []Source{{Path: "billing", Value: b, From: c.entityName}}
	}
	return "", nil
}

// units are the units of the order lines, from the order or the item's record.
func (c *completer) units() map[string]string {
	units := make(map[string]string, len(c.in.Order.Lines))
	for i := range c.in.Order.Lines {
		line := &c.in.Order.Lines[i]
		units[line.ID] = either(line.Unit, c.items[i].Value.Unit)
	}
	return units
}

// itemRecord is the record of an order line's item; without ID there is none.
type itemRecord struct {
	Record[Item]
	ambiguous bool // several records match
}

func (r itemRecord) name() string { return fmt.Sprintf("item record %s v%d", r.ID, r.Version) }

// lacks says why the record does not give a value.
func (r itemRecord) lacks(what string) string {
	switch {
	case r.ambiguous:
		return "several item records match"
	case r.ID == "":
		return "no item record matches"
	default:
		return r.name() + " has no " + what + " either"
	}
}

type itemIndex struct {
	items []Record[Item]
	byKey map[string][]int
}

func indexItems(items []Record[Item]) itemIndex {
	index := itemIndex{items, make(map[string][]int, 2*len(items))}
	for i := range items {
		item := &items[i].Value
		for _, key := range itemKeys(item.SellerID, item.StandardID) {
			index.byKey[key] = append(index.byKey[key], i)
		}
	}
	return index
}

// itemKeys are the seller's article number and the standard identifier, without
// regard to case and surrounding space.
func itemKeys(sellerID string, standard invoice.Identifier) []string {
	var keys []string
	if id := strings.TrimSpace(sellerID); id != "" {
		keys = append(keys, "seller:"+strings.ToUpper(id))
	}
	if id := strings.TrimSpace(standard.Value); id != "" {
		keys = append(keys, "standard:"+standard.Scheme+":"+strings.ToUpper(id))
	}
	return keys
}

// find takes the record with the seller's article number, or else the one with
// the standard identifier.
func (index itemIndex) find(item *invoice.Item) itemRecord {
	for _, key := range itemKeys(item.SellerID, item.StandardID) {
		switch found := index.byKey[key]; len(found) {
		case 0:
			continue
		case 1:
			return itemRecord{Record: index.items[found[0]]}
		default:
			return itemRecord{ambiguous: true}
		}
	}
	return itemRecord{}
}

// taxed is how an order line is taxed.
type taxed struct {
	category           string
	rate               *invoice.Decimal
	reason, reasonCode string
	from               string // the record it comes from, empty for the order
	why                string // why there is no category
}

func (t taxed) String() string {
	if t.rate == nil {
		return t.category
	}
	return t.category + " " + t.rate.String() + " %"
}

// vatOf takes the order's word, or the item's record for the customer's treatment.
func (c *completer) vatOf(line *order.Line, item itemRecord) taxed {
	if v := line.VAT; v != nil && v.Category != "" {
		t := taxed{category: v.Category, rate: v.Rate, reason: v.ExemptionReason, reasonCode: v.ExemptionReasonCode}
		if t.rate == nil {
			t.rate = impliedRate(t.category)
		}
		return t
	}
	if item.ID == "" {
		return taxed{why: fmt.Sprintf("order line %s has no VAT category and %s", line.ID, item.lacks(""))}
	}
	vat := item.Value.VAT
	if treatment := c.customer().VATTreatment; treatment != "" {
		v, ok := item.Value.VATTreatments[treatment]
		if !ok {
			return taxed{why: fmt.Sprintf("%s has no VAT for the treatment %q of %s", item.name(), treatment, c.customerName)}
		}
		vat = &v
	}
	if vat == nil || vat.Category == "" {
		return taxed{why: fmt.Sprintf("order line %s has no VAT category and %s", line.ID, item.lacks("VAT category"))}
	}
	t := taxed{
		category: vat.Category, rate: vat.Rate, reason: vat.ExemptionReason, reasonCode: vat.ExemptionReasonCode,
		from: item.name(),
	}
	if t.rate == nil {
		t.rate = impliedRate(t.category)
	}
	return t
}

// impliedRate is the rate 0 of the categories that have no other (BR-Z-05,
// BR-E-05, BR-AE-05, BR-IC-05, BR-G-05).
func impliedRate(category string) *invoice.Decimal {
	if strings.Contains(" Z E AE K G ", " "+category+" ") {
		return zero.Ptr()
	}
	return nil
}
