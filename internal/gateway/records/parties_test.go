package records_test

import (
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/records"
)

// parties finds the sides of an order at a moment.
func parties(w *gatewaytest.World, o order.Order, at time.Time) (p records.Pair) {
	w.Helper()
	w.Read(func(r gateway.Reader) (err error) {
		p, err = records.Parties(w.Context(), r, &o, at)
		return err
	})
	return p
}

// missing lists what could not be found, as path and why.
func missing(p records.Pair) string {
	var out []string
	for _, m := range p.Missing {
		out = append(out, m.Path+" "+m.Term+" "+m.Why)
	}
	return strings.Join(out, "; ")
}

func TestPartiesOfAnOrder(t *testing.T) {
	w := gatewaytest.New(t)
	w.Put(gateway.RecordLegalEntity, "paris", `{"name":"Vendeur SAS","vat_identifier":"FR40000123456"}`)
	w.Put(gateway.RecordCustomer, "lyon", `{"name":"Hôtel Lyon","account_number":"C-1","vat_identifier":"FR75000234567","identifiers":[{"value":"4012345000016","scheme":"0088"}]}`)
	w.Put(gateway.RecordCustomer, "nice", `{"name":"Hôtel Nice","account_number":"C-2","vat_identifier":"FR75000234567","identifiers":[{"value":"4012345000023","scheme":"0088"}]}`)
	w.Put(gateway.RecordCustomer, "metz", `{"name":"Hôtel Metz","account_number":"C-3"}`)
	w.Put(gateway.RecordCustomer, "caen", `{"name":"HOTEL METZ","account_number":"C-4"}`)
	const no, two = "/buyer BG-7 no customer record matches what the document says", "/buyer BG-7 2 customer records match what the document says"
	gln := func(v string) []invoice.Identifier { return []invoice.Identifier{{Value: v, Scheme: "0088"}} }
	for name, c := range map[string]struct {
		buyer    order.Party
		customer string
		missing  string
	}{
		"account":                               {order.Party{AccountNumber: "c-1"}, "lyon", ""},
		"account of nobody":                     {order.Party{AccountNumber: "C1"}, "", no},
		"name, as people write it":              {order.Party{Name: "HOTEL  LYON"}, "lyon", ""},
		"name of two":                           {order.Party{Name: "Hôtel Metz"}, "", two},
		"name of two, and account":              {order.Party{Name: "Hôtel Metz", AccountNumber: "C-4"}, "caen", ""},
		"VAT number of two":                     {order.Party{VATIdentifier: "FR 75 000 234 567"}, "", two},
		"VAT number of two, and GLN":            {order.Party{VATIdentifier: "FR75000234567", Identifiers: gln("4012345000023")}, "nice", ""},
		"VAT number of two, and name":           {order.Party{VATIdentifier: "FR75000234567", Name: "Hotel Lyon"}, "lyon", ""},
		"VAT number of two, GLN of no":          {order.Party{VATIdentifier: "FR75000234567", Identifiers: gln("4012345000030")}, "", two},
		"VAT number of two, account of a third": {order.Party{VATIdentifier: "FR75000234567", AccountNumber: "C-3"}, "", two},
		"unknown VAT number, known account":     {order.Party{VATIdentifier: "FR00000000000", AccountNumber: "C-3"}, "metz", ""},
		"another VAT number, known name":        {order.Party{VATIdentifier: "BE0000234567", Name: "Hôtel Lyon"}, "", no},
		"another VAT number, known account":     {order.Party{VATIdentifier: "BE0000234567", AccountNumber: "C-1"}, "", no},
		"GLN of another scheme":                 {order.Party{Identifiers: []invoice.Identifier{{Value: "4012345000016", Scheme: "0060"}}}, "", no},
		"nothing":                               {order.Party{}, "", no},
	} {
		p := parties(w, order.Order{Buyer: c.buyer}, w.Clock.Now())
		if p.Customer.ID != c.customer || missing(p) != c.missing || p.Entity.ID != "paris" {
			t.Errorf("%s: entity %q, customer %q, missing %q", name, p.Entity.ID, p.Customer.ID, missing(p))
		}
	}
	billed := order.Order{Buyer: order.Party{AccountNumber: "C-1"}, InvoiceTo: &order.Party{AccountNumber: "C-3"}}
	if p := parties(w, billed, w.Clock.Now()); p.Customer.ID != "metz" {
		t.Errorf("the invoice goes to %q", p.Customer.ID)
	}
}

// An order that names no seller is the only legal entity's; with two it is held,
// and one that names another seller is, too.
func TestOnlyLegalEntity(t *testing.T) {
	w := gatewaytest.New(t)
	w.Put(gateway.RecordCustomer, "c", `{"name":"Acheteur","account_number":"C-1"}`)
	o := order.Order{Buyer: order.Party{AccountNumber: "C-1"}}
	if p := parties(w, o, w.Clock.Now()); missing(p) != "/seller BG-4 no legal entity record matches what the document says" {
		t.Errorf("without any: %s", missing(p))
	}
	w.Put(gateway.RecordLegalEntity, "paris", `{"name":"Vendeur Paris"}`)
	if p := parties(w, o, w.Clock.Now()); p.Entity.ID != "paris" || p.Entity.Version != 1 || p.Entity.Value.Name != "Vendeur Paris" {
		t.Errorf("with one: %+v %s", p.Entity, missing(p))
	}
	if p := parties(w, o, gatewaytest.Start.Add(-time.Hour)); missing(p) != "/seller BG-4 no legal entity record matches what the document says; /buyer BG-7 no customer record matches what the document says" {
		t.Errorf("before it counts: %s", missing(p))
	}
	other := o
	other.Seller = order.Party{Name: "Vendeur Lyon"}
	if p := parties(w, other, w.Clock.Now()); p.Entity.ID != "" {
		t.Errorf("an order to another seller is %q's", p.Entity.ID)
	}
	w.Put(gateway.RecordLegalEntity, "lyon", `{"name":"Vendeur Lyon"}`)
	if p := parties(w, o, w.Clock.Now()); missing(p) != "/seller BG-4 2 legal entity records match what the document says" {
		t.Errorf("with two: %s", missing(p))
	}
	if p := parties(w, other, w.Clock.Now()); p.Entity.ID != "lyon" {
		t.Errorf("by name: %q", p.Entity.ID)
	}
}

func TestPartiesOfAnInvoice(t *testing.T) {
	w := gatewaytest.New(t)
	w.Put(gateway.RecordLegalEntity, "paris", `{"name":"Vendeur","legal_registration":{"value":"000 123 456","scheme":"0002"}}`)
	w.Put(gateway.RecordCustomer, "c", `{"name":"Acheteur","identifiers":[{"value":"4012345000016","scheme":"0088"}]}`)
	inv := &invoice.Invoice{}
	inv.Seller.LegalRegistration = invoice.Identifier{Value: "000123456", Scheme: "0002"}
	inv.Buyer.Identifier = invoice.Identifier{Value: "4012345000016", Scheme: "0088"}
	w.Read(func(r gateway.Reader) error {
		p, err := records.PartiesOfInvoice(w.Context(), r, inv, w.Clock.Now())
		if err != nil || p.Entity.ID != "paris" || p.Customer.ID != "c" || len(p.Missing) != 0 {
			t.Errorf("%+v %v", p, err)
		}
		return nil
	})
}

// A record counts from its day; what was true before stays true for before.
func TestRecordsCountFromTheirDay(t *testing.T) {
	w := gatewaytest.New(t)
	tomorrow := w.Clock.Now().Add(24 * time.Hour)
	w.Put(gateway.RecordLegalEntity, "e", `{"name":"Vendeur"}`)
	w.Put(gateway.RecordCustomer, "c", `{"name":"Acheteur","account_number":"C-1","language":"fr"}`)
	_, err := put(w, gateway.RecordCustomer, "c", `{"name":"Acheteur","account_number":"C-1","language":"en"}`, 1, tomorrow)
	w.Must(err)
	_, err = put(w, gateway.RecordCustomer, "later", `{"name":"Later","vat_identifier":"FR75000234567","account_number":"C-9"}`, 0, tomorrow)
	w.Must(err)
	o := order.Order{Buyer: order.Party{AccountNumber: "C-1"}}
	for at, language := range map[time.Time]string{w.Clock.Now(): "fr", tomorrow.Add(-time.Second): "fr", tomorrow: "en"} {
		if p := parties(w, o, at); p.Customer.Value.Language != language {
			t.Errorf("at %s: version %d", at, p.Customer.Version)
		}
	}
	o.Buyer = order.Party{VATIdentifier: "FR75000234567"}
	if p := parties(w, o, w.Clock.Now()); p.Customer.ID != "" {
		t.Error("a record of tomorrow was taken today")
	}
	if p := parties(w, o, tomorrow); p.Customer.ID != "later" {
		t.Errorf("tomorrow: %s", missing(p))
	}
	w.Read(func(r gateway.Reader) error {
		p, err := records.ByID(w.Context(), r, "e", "c", w.Clock.Now())
		if err != nil || p.Customer.Version != 1 {
			t.Errorf("%+v %v", p, err)
		}
		_, err = records.ByID(w.Context(), r, "e", "later", w.Clock.Now())
		w.Fails(err, "not_found")
		_, err = records.ByID(w.Context(), r, "x", "c", w.Clock.Now())
		w.Fails(err, "not_found")
		rec, err := r.Record(w.Context(), gateway.RecordCustomer, "c", 2)
		if err != nil {
			return err
		}
		typed, err := records.Typed[billing.Customer](rec)
		if err != nil || typed.ID != "c" || typed.Version != 2 || typed.Value.Language != "en" {
			t.Errorf("%+v %v", typed, err)
		}
		rec.Body = []byte("{")
		if _, err := records.Typed[billing.Customer](rec); err == nil || !strings.Contains(err.Error(), "customer c version 2") {
			t.Error(err)
		}
		return nil
	})
}

func TestParticipant(t *testing.T) {
	for _, c := range []struct {
		address invoice.Identifier
		want    string
	}{
		{invoice.Identifier{}, ""},
		{invoice.Identifier{Scheme: "0088"}, ""},
		{invoice.Identifier{Value: "x"}, "x"},
		{invoice.Identifier{Value: "000123456", Scheme: "0225"}, "iso6523-actorid-upis::0225:000123456"},
	} {
		if got := records.Participant(c.address); got != c.want {
			t.Errorf("%+v: %q", c.address, got)
		}
	}
}
