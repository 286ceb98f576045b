package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/answer"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/i18n"
	"facteur.dev/facteur/internal/intake"
)

// reach is where an invoice should get to, and what a person does on the way.
type reach struct {
	transport string // "received" (signed receipt) or "taken" (a server's word)
	answer    string // the customer's answer, "" for none
	correct   string // merge patch that a person applies when it is held
}

// demoSteps are our ten orders in the order in which they come.
var demoSteps = []struct {
	order string
	notes []string
	what  string
	reach reach
}{
	{"01-goods.order.json", nil, "goods, freight and a line discount", reach{transport: "received", answer: "approved"}},
	{"02-services.order.json", nil, "services of a month, with cost centres", reach{transport: "received", answer: "disputed"}},
	{"03-mixed-vat.order.csv", nil, "CSV; three VAT rates; by e-mail", reach{transport: "taken"}},
	{"04-partial.order.json", []string{"04-partial.delivery-1.json", "04-partial.delivery-2.xml"}, "intra-community, two deliveries; by e-mail", reach{transport: "taken"}},
	{"05-brewery.order.xml", []string{"05-brewery.delivery.xml"}, "UBL order and despatch advice; to an AP endpoint", reach{transport: "taken"}},
	{"06-reverse-charge.order.json", nil, "reverse charge", reach{transport: "taken"}},
	{"07-requirements.order.json", nil, "lacks the cost centre that the customer demands", reach{transport: "received", correct: `{"buyer_accounting_reference":"CC-7720"}`}},
	{"08-dead-endpoint.order.json", nil, "to an endpoint that is dead and recovers", reach{transport: "taken"}},
	{"09-return.order.json", nil, "a return: a credit note", reach{transport: "received"}},
	{"10-french.order.csv", nil, "a French spreadsheet, windows-1252", reach{transport: "received"}},
}

// shown is a submitted order or invoice and what was last told of it.
type shown struct {
	name  string
	ref   string // order or invoice id
	want  reach
	count int // invoices it should become
	told  map[string]string
	done  bool
}

// records writes the records of both tenants.
func (d *demo) records(ctx context.Context) error {
	var customers []billing.Record[billing.Customer]
	var entities []billing.Record[billing.LegalEntity]
	var items []billing.Record[billing.Item]
	for name, into := range map[string]any{"customers": &customers, "legal_entities": &entities, "items": &items} {
		b, err := demoFile("records/" + name + ".json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return err
		}
	}
	for _, e := range entities {
		if err := d.put(ctx, demoSupplier, gateway.RecordLegalEntity, e.ID, e.Value); err != nil {
			return err
		}
	}
	for _, i := range items {
		if err := d.put(ctx, demoSupplier, gateway.RecordItem, i.ID, i.Value); err != nil {
			return err
		}
	}
	if err := d.put(ctx, demoSupplier, gateway.RecordProfile, "cost-centre", demoProfile); err != nil {
		return err
	}
	var participants []string
	for _, c := range customers {
		p, err := d.customer(ctx, c)
		if err != nil {
			return err
		}
		participants = append(participants, p)
	}
	return d.introduce(ctx, participants, []string{records.Participant(entities[0].Value.ElectronicAddress)})
}

// demoProfile is what one customer demands of its invoices.
var demoProfile = json.RawMessage(`{"name":"Cost centre on every invoice","fields":{"cost_centre":{"required":true,"pattern":"CC-[0-9]{4}","sample":"CC-7720"}}}`)

// customer leads a customer's routes to this machine and gives it a legal entity
// on the customers' tenant. It returns its participant id.
func (d *demo) customer(ctx context.Context, c billing.Record[billing.Customer]) (string, error) {
	v := c.Value
	participant := records.Participant(v.ElectronicAddress)
	for i := range v.Routes {
		switch r := &v.Routes[i]; {
		case r.Channel == "https.gateway":
			r.Address, r.Receiver = d.node.public+"/in/"+string(demoCustomer), participant
		case r.Channel == "https.ap" && strings.Contains(r.Address, "phenix"):
			r.Address, r.Idempotent = "https://"+d.peers.late.String()+"/invoices", true
		case r.Channel == "https.ap":
			r.Address, r.Idempotent = "https://"+d.peers.ap.Addr().String()+"/invoices", true
		}
	}
	if c.ID == "hopital-saint-eloi" {
		v.Profile = "cost-centre"
	}
	if err := d.put(ctx, demoSupplier, gateway.RecordCustomer, c.ID, v); err != nil {
		return "", err
	}
	return participant, d.put(ctx, demoCustomer, gateway.RecordLegalEntity, c.ID, billing.LegalEntity{
		Name: v.Name, VATIdentifier: v.VATIdentifier, ElectronicAddress: v.ElectronicAddress, Address: v.Address,
	})
}

// introduce makes the two tenants each other's peers.
func (d *demo) introduce(ctx context.Context, customers, suppliers []string) error {
	id := d.node.identity()
	if err := d.put(ctx, demoSupplier, gateway.RecordPeer, "customers", records.Peer{
		Name: "Customers", Participants: customers, URL: d.node.public + "/in/" + string(demoCustomer), KeyID: id.KeyID, PublicKey: id.PublicKey,
	}); err != nil {
		return err
	}
	return d.put(ctx, demoCustomer, gateway.RecordPeer, "supplier", records.Peer{
		Name: "Supplier", Participants: suppliers, URL: d.node.public + "/in/" + string(demoSupplier), KeyID: id.KeyID, PublicKey: id.PublicKey,
	})
}

func (d *demo) put(ctx context.Context, tenant gateway.TenantID, kind gateway.RecordKind, id string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = d.node.book.Put(ctx, tenant, demoActor, gateway.Record{Kind: kind, ID: id, Body: body}, -1)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return nil
}

// demoActor is the person who works at the supplier's desk.
var demoActor = gateway.Actor{Kind: "user", ID: "usr_demo", Name: "Camille Moreau"}

// ours runs the ten orders.
func (d *demo) ours(ctx context.Context) error {
	fmt.Fprintf(d.out, "Ten orders of %s:\n", "Ateliers Lumière SARL")
	for _, step := range demoSteps {
		content, err := demoFile(step.order)
		if err != nil {
			return err
		}
		s := &shown{name: strings.SplitN(step.order, ".", 2)[0], want: step.reach, count: max(1, len(step.notes)), told: map[string]string{}}
		if s.ref, err = d.order(ctx, step.order, content); err != nil {
			return fmt.Errorf("%s: %w", step.order, err)
		}
		fmt.Fprintf(d.out, "  %-18s %s\n", s.name, step.what)
		for _, note := range step.notes {
			if err := d.note(ctx, s.ref, note); err != nil {
				return fmt.Errorf("%s: %w", note, err)
			}
		}
		d.seen = append(d.seen, s)
	}
	return nil
}

func (d *demo) order(ctx context.Context, name string, content []byte) (string, error) {
	media := intake.MediaType("", name, content)
	list, err := intake.Orders(media, content)
	if err != nil {
		return "", err
	}
	a, err := d.node.intake.SubmitOrder(ctx, demoSupplier, outbound.Submission{Key: name, Actor: demoActor, Source: content, SourceType: media, Filename: name}, list[0])
	return a.Ref, err
}

func (d *demo) note(ctx context.Context, orderID, name string) error {
	content, err := demoFile(name)
	if err != nil {
		return err
	}
	media := intake.MediaType("", name, content)
	note, err := intake.Delivery(media, content)
	if err != nil {
		return err
	}
	_, err = d.node.intake.SubmitDelivery(ctx, demoSupplier, orderID, outbound.Submission{Key: name, Actor: demoActor, Source: content, SourceType: media}, note)
	return err
}

// theirs runs a user's own orders and finished invoices. What their records
// would say is taken from the documents themselves; what those lack is told.
func (d *demo) theirs(ctx context.Context, files []string) error {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return environmentError("demo.file", err, "")
		}
		media := intake.MediaType("", file, content)
		kind, err := intake.KindOf(media, content)
		if err != nil {
			return wanting("demo.file", file+": "+err.Error())
		}
		name := filepath.Base(file)
		switch kind {
		case intake.KindInvoice:
			err = d.theirInvoice(ctx, name, media, content)
		case intake.KindOrder:
			err = d.theirOrders(ctx, name, media, content)
		default:
			err = errors.New("a delivery note alone makes no invoice; give its order")
		}
		if err != nil {
			return wanting("demo.file", file+": "+err.Error())
		}
	}
	return nil
}

// await tells what happens and acts for the people, until all is where it
// should be or patience ends.
func (d *demo) await(ctx context.Context, patience time.Duration) error {
	fmt.Fprintln(d.out)
	start := d.app.Now()
	for {
		left := 0
		for _, s := range d.seen {
			if err := d.look(ctx, s); err != nil {
				return err
			}
			if !s.done {
				left++
			}
		}
		if left == 0 {
			fmt.Fprintf(d.out, "\nAll is where it should be after %.1f s.\n", d.app.Now().Sub(start).Seconds())
			return nil
		}
		if d.app.Now().Sub(start) > patience {
			return wanting("demo.late", fmt.Sprintf("%d of %d are not where they should be", left, len(d.seen)))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// look tells what is new of one order or invoice.
func (d *demo) look(ctx context.Context, s *shown) error {
	var list []gateway.Invoice
	var reason string
	err := d.node.store.For(demoSupplier).Read(ctx, func(r gateway.Reader) error {
		if strings.HasPrefix(s.ref, gateway.PrefixInvoice) {
			inv, err := r.Invoice(ctx, s.ref)
			list = []gateway.Invoice{inv}
			return err
		}
		o, err := r.Order(ctx, s.ref)
		if err != nil {
			return err
		}
		reason = o.Reason
		found, err := r.Invoices(ctx, gateway.InvoiceFilter{OrderID: s.ref}, gateway.Page{})
		list = found.Items
		return err
	})
	if err != nil {
		return err
	}
	if len(list) == 0 && reason != "" {
		d.tell(s, "order", "", "waits: "+reason)
	}
	there := 0
	for _, inv := range list {
		arrived, err := d.follow(ctx, s, inv)
		if err != nil {
			return err
		}
		if arrived {
			there++
		}
	}
	s.done = there >= s.count
	return nil
}

// follow tells where an invoice is, acts on it, and reports whether it arrived.
func (d *demo) follow(ctx context.Context, s *shown, inv gateway.Invoice) (bool, error) {
	transport, answered := inv.Status.Transport(), inv.Status.Answer()
	text := string(inv.State)
	if inv.State == gateway.InvoiceHeld {
		var h outbound.Hold
		if err := json.Unmarshal(inv.HoldDetail, &h); err == nil {
			text += ": " + h.Text
		}
	}
	if transport.State != "" {
		text = transport.State
	}
	if answered.State != "" {
		text += ", " + answered.State + " by the customer"
	}
	if transport.State == "failed" || transport.State == "retrying" || transport.State == "unknown" {
		why, err := d.why(ctx, inv.ID)
		if err != nil {
			return false, err
		}
		text += ": " + why
	}
	d.tell(s, inv.ID, inv.Number+"  "+i18n.Amount(i18n.EN, inv.Payable.String(), inv.Currency), text)
	if inv.State == gateway.InvoiceHeld && s.want.correct != "" && s.told["corrected"] == "" {
		s.told["corrected"] = "yes"
		_, err := d.node.desk.Correct(ctx, demoSupplier, inv.ID, demoActor, json.RawMessage(s.want.correct))
		return false, err
	}
	if transport.State == "received" && s.want.answer != "" && s.told["answered"] == "" {
		return false, d.decide(ctx, s, inv)
	}
	if s.want.answer != "" && answered.State != s.want.answer {
		return false, nil
	}
	return transport.State == s.want.transport || transport.Grade > gateway.GradeStrong-1 && s.want.transport == "taken", nil
}

// why gives what the last delivery of an invoice says of itself.
func (d *demo) why(ctx context.Context, invoiceID string) (why string, err error) {
	err = d.node.store.For(demoSupplier).Read(ctx, func(r gateway.Reader) error {
		deliveries, err := r.InvoiceDeliveries(ctx, invoiceID)
		if n := len(deliveries); n > 0 {
			why = deliveries[n-1].Detail
		}
		return err
	})
	return why, err
}

// decide lets the customer answer what it received.
func (d *demo) decide(ctx context.Context, s *shown, inv gateway.Invoice) error {
	var found []gateway.Inbound
	err := d.node.store.For(demoCustomer).Read(ctx, func(r gateway.Reader) error {
		list, err := r.Inbounds(ctx, gateway.InboundFilter{Number: inv.Number, States: []gateway.InboundState{gateway.InboundAvailable}}, gateway.Page{})
		found = list.Items
		return err
	})
	if err != nil || len(found) == 0 {
		return err
	}
	s.told["answered"] = "yes"
	buyer := gateway.Actor{Kind: "user", ID: "usr_buyer", Name: "Dominique Petit"}
	if s.want.answer == "approved" {
		_, err = d.node.answers.Decide(ctx, demoCustomer, found[0].ID, buyer, answer.Approve, "", "")
	} else {
		_, err = d.node.answers.Decide(ctx, demoCustomer, found[0].ID, buyer, answer.Dispute, "QTY", "We count one hour less.")
	}
	return err
}

// tell prints a line when something changed.
func (d *demo) tell(s *shown, id, what, text string) {
	line := what + " " + text
	if s.told[id] == line {
		return
	}
	s.told[id] = line
	fmt.Fprintf(d.out, "  %-18s %-32s %s\n", s.name, what, text)
}
