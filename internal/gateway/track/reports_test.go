package track_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/track"
	"facteur.dev/facteur/transport/mail"
)

const token = "abcdefghijklmnopqrstuvwx"

// mailWorld is a supplier whose letter went to the first of two routes.
type mailWorld struct {
	*world
	reports *track.Reports
}

func newMail(t *testing.T, change func(inv *gateway.Invoice, d *gateway.Delivery)) *mailWorld {
	w := &mailWorld{world: newWorld(t)}
	w.reports = &track.Reports{Store: w.Store, Blobs: w.Blobs, Clock: w.Clock, IDs: w.IDs}
	w.Put(gateway.RecordLegalEntity, "seller", `{"name":"Vendeur SAS","electronic_address":{"value":"000123456","scheme":"0225"}}`)
	w.Put(gateway.RecordCustomer, "buyer", `{"name":"Acheteur SAS","electronic_address":{"value":"000234567","scheme":"0225"},
		"routes":[{"channel":"mail","address":"`+mailbox+`"},{"channel":"https.gateway","address":"https://b.example/in"}]}`)
	w.sent("inv_1", func(inv *gateway.Invoice, d *gateway.Delivery, _ *gateway.PortalLink) {
		if change != nil {
			change(inv, d)
		}
	})
	w.Write(func(tx gateway.Tx) error {
		return tx.PutMailToken(t.Context(), gateway.MailToken{Token: token, Tenant: tenant, DeliveryID: "del_00inv_1", CreatedAt: w.Clock.Now()})
	})
	w.Clock.Advance(time.Hour)
	return w
}

func (w *mailWorld) take(letter string) track.Taken {
	w.Helper()
	taken, err := w.reports.Take(w.Context(), strings.NewReader(strings.ReplaceAll(letter, "\n", "\r\n")))
	w.Must(err)
	return taken
}

// dsn is a delivery report about one recipient.
func dsn(date, final, action, status, diagnostic string) string {
	return fmt.Sprintf(`From: MAILER-DAEMON@mx.example
To: <bounces+%s@facteur.example>
Date: %s
Subject: report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

report
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822;%s
Final-Recipient: rfc822;%s
Action: %s
Status: %s
Diagnostic-Code: smtp; %s

--b--
`, token, date, mailbox, final, action, status, diagnostic)
}

const during = "Fri, 20 Nov 2026 09:30:00 +0000"

func TestWhatReportsTell(t *testing.T) {
	for action, want := range map[string]struct {
		kind       gateway.EventType
		grade      gateway.Grade
		transport  string
		deliveries int
		suppressed bool
	}{
		"delivered 2.0.0": {gateway.EventDeliveryReported, gateway.GradeMedium, "delivered", 1, false},
		"relayed 2.0.0":   {gateway.EventDeliveryRelayed, gateway.GradeWeak, "relayed", 1, false},
		"expanded 2.0.0":  {gateway.EventDeliveryRelayed, gateway.GradeWeak, "relayed", 1, false},
		"delayed 4.4.1":   {gateway.EventDeliveryDelayed, gateway.GradeWeak, "delayed", 1, false},
		"failed 5.1.1":    {gateway.EventDeliveryBounced, gateway.GradeMedium, "queued", 2, true},
		"failed 4.4.7":    {gateway.EventDeliveryBounced, gateway.GradeMedium, "queued", 2, false},
		"failed 5.7.1":    {gateway.EventDeliveryBounced, gateway.GradeMedium, "queued", 2, false},
	} {
		w := newMail(t, nil)
		verb, status, _ := strings.Cut(action, " ")
		letter := dsn(during, mailbox, verb, status, "550 <ap@buyer.example>: said by jean.martin@mx.example")
		for range 3 { // the same mail comes in again
			taken := w.take(letter)
			if taken.Kind != mail.DeliveryReport || taken.Tenant != tenant || taken.InvoiceID != "inv_1" || taken.DeliveryID != "del_00inv_1" {
				t.Errorf("%s: %+v", action, taken)
			}
		}
		e := w.Only(of("inv_1"), want.kind)
		body, err := w.Blobs.Get(t.Context(), tenant, e.Evidence)
		w.Must(err)
		if e.Grade != want.grade || e.DeliveryID != "del_00inv_1" || e.ExternalID != "ext-inv_1" || e.Actor.Name != "mx.example" || e.EvidenceType != "message/rfc822" ||
			!strings.Contains(string(body), "Reporting-MTA") || !e.At.Equal(gatewaytest.Start.Add(30*time.Minute)) || e.Personal["recipient"] != mailbox {
			t.Errorf("%s: %+v", action, e)
		}
		if data := string(e.Data); strings.Contains(data, "ap@buyer") || strings.Contains(data, "jean.martin@") || !strings.Contains(data, "a…@buyer.example") {
			t.Errorf("%s: people's addresses are kept for ever: %s", action, data)
		}
		if got := w.invoice("inv_1").Status.Transport().State; got != want.transport {
			t.Errorf("%s: %s", action, got)
		}
		deliveries := w.deliveries("inv_1")
		if len(deliveries) != want.deliveries || want.deliveries == 2 && (deliveries[1].Route.Address != "https://b.example/in" || deliveries[1].MessageID == deliveries[0].MessageID) {
			t.Errorf("%s: %+v", action, deliveries)
		}
		w.Read(func(r gateway.Reader) error {
			s, err := r.Suppressed(t.Context(), "AP@Buyer.example")
			if stopped := err == nil; stopped != want.suppressed || stopped && (s.EventID != e.ID || strings.Contains(s.Reason, "jean")) {
				t.Errorf("%s: %+v %v", action, s, err)
			}
			return nil
		})
	}
}

// After a bounce nothing else starts a route: not the same report with other
// bytes, not one that comes after a person acted.
func TestBounceStartsTheNextRouteOnce(t *testing.T) {
	w := newMail(t, nil)
	w.take(dsn(during, mailbox, "failed", "5.1.1", "a"))
	w.take(dsn(during, mailbox, "failed", "5.1.1", "b"))
	if d := w.deliveries("inv_1"); len(d) != 2 || len(w.Due(gateway.TaskSendDelivery)) != 1 {
		t.Errorf("%d deliveries, %d due", len(d), len(w.Due(gateway.TaskSendDelivery)))
	}
}

// A bounce proves nothing once somebody has the invoice.
func TestBounceAgainstProof(t *testing.T) {
	for name, prove := range map[string]func(w *mailWorld){
		"delivered to the mailbox": func(w *mailWorld) { w.take(dsn(during, mailbox, "delivered", "2.0.0", "ok")) },
		"opened": func(w *mailWorld) {
			link := linkKey.Token("lnk_inv_1")
			_, err := w.portal.Open(w.Context(), link, w.form(link), visitor)
			w.Must(err)
		},
		"answered": func(w *mailWorld) {
			w.Write(func(tx gateway.Tx) error {
				inv, err := tx.Invoice(w.Context(), "inv_1")
				if err != nil {
					return err
				}
				return gateway.Append(w.Context(), tx, &inv, gateway.Event{
					ID: "evt_a", Type: gateway.EventAnswerApproved, At: w.Clock.Now(), RecordedAt: w.Clock.Now(), InvoiceID: "inv_1", Actor: gateway.Actor{Kind: "peer"},
				})
			})
		},
	} {
		w := newMail(t, nil)
		prove(w)
		w.take(dsn(during, mailbox, "failed", "5.2.2", "full"))
		w.Only(of("inv_1"), gateway.EventDeliveryBounced)
		if d := w.deliveries("inv_1"); len(d) != 1 {
			t.Errorf("%s: %d deliveries", name, len(d))
		}
	}
}

// A report about someone behind the address is told, and does no more.
func TestReportAboutAnother(t *testing.T) {
	w := newMail(t, nil)
	w.take(dsn(during, "bob@buyer.example", "failed", "5.1.1", "unknown"))
	if e := w.Only(of("inv_1"), gateway.EventDeliveryBounced); e.Personal["recipient"] != "bob@buyer.example" {
		t.Errorf("%+v", e)
	}
	w.Read(func(r gateway.Reader) error {
		for _, address := range []string{mailbox, "bob@buyer.example"} {
			if _, err := r.Suppressed(t.Context(), address); !errors.Is(err, gateway.ErrNotFound) {
				t.Errorf("%s is stopped: %v", address, err)
			}
		}
		return nil
	})
	if d := w.deliveries("inv_1"); len(d) != 1 {
		t.Errorf("%d deliveries", len(d))
	}
}

// A report settles what nobody knew, also where the worker died in the middle; it
// leaves a worker that is at it alone.
func TestReportSettles(t *testing.T) {
	lease := func(w *mailWorld) gateway.Task {
		w.Write(func(tx gateway.Tx) error {
			return tx.AddTask(t.Context(), gateway.Task{ID: "tsk_1", Tenant: tenant, Kind: gateway.TaskSendDelivery, Ref: "del_00inv_1", DueAt: w.Clock.Now(), CreatedAt: w.Clock.Now()})
		})
		return w.Claim(w.Due(gateway.TaskSendDelivery)[0])
	}
	for name, c := range map[string]struct {
		state           gateway.DeliveryState
		action, status  string
		working, died   bool
		want            gateway.DeliveryState
		invoice         gateway.InvoiceState
		deliveries      int
		resolved, sents int
	}{
		"unknown, delivered":      {gateway.DeliveryUnknown, "delivered", "2.0.0", false, false, gateway.DeliveryAccepted, gateway.InvoiceSent, 1, 1, 1},
		"unknown, delayed":        {gateway.DeliveryUnknown, "delayed", "4.0.0", false, false, gateway.DeliveryAccepted, gateway.InvoiceSent, 1, 1, 1},
		"unknown, failed":         {gateway.DeliveryUnknown, "failed", "5.1.1", false, false, gateway.DeliveryFailed, gateway.InvoiceReady, 2, 1, 0},
		"worker died, delivered":  {gateway.DeliverySending, "delivered", "2.0.0", true, true, gateway.DeliveryAccepted, gateway.InvoiceSent, 1, 1, 1},
		"worker died, failed":     {gateway.DeliverySending, "failed", "5.1.1", true, true, gateway.DeliveryFailed, gateway.InvoiceReady, 2, 1, 0},
		"worker at it, delivered": {gateway.DeliverySending, "delivered", "2.0.0", true, false, gateway.DeliverySending, gateway.InvoiceReady, 1, 0, 0},
		"accepted, delivered":     {gateway.DeliveryAccepted, "delivered", "2.0.0", false, false, gateway.DeliveryAccepted, gateway.InvoiceReady, 1, 0, 0},
	} {
		w := newMail(t, func(inv *gateway.Invoice, d *gateway.Delivery) { inv.State, d.State = gateway.InvoiceReady, c.state })
		if c.working {
			lease(w)
		}
		if c.died {
			w.Clock.Advance(2 * time.Minute)
		}
		w.take(dsn(during, mailbox, c.action, c.status, "x"))
		counts := map[gateway.EventType]int{}
		for _, kind := range w.Events(of("inv_1")) {
			counts[kind]++
		}
		d := w.deliveries("inv_1")
		if d[0].State != c.want || w.invoice("inv_1").State != c.invoice || len(d) != c.deliveries || counts[gateway.EventDeliveryResolved] != c.resolved || counts[gateway.EventInvoiceSent] != c.sents {
			t.Errorf("%s: %s, %s, %d deliveries, %v", name, d[0].State, w.invoice("inv_1").State, len(d), counts)
		}
	}
}

// What a server writes as its date counts where it is possible.
func TestDatesThatCannotBe(t *testing.T) {
	for date, want := range map[string]time.Duration{
		during:                             30 * time.Minute,
		"Fri, 20 Nov 2026 10:30:00 +0100":  30 * time.Minute,
		"Fri, 20 Nov 2026 08:59:59 +0000":  time.Hour, // before it was sent
		"Fri, 20 Nov 2026 10:00:01 +0000":  time.Hour, // not yet
		"Thu, 01 Jan 1970 00:00:00 +0000":  time.Hour,
		"Fri, 31 Dec 9999 23:59:59 -1200":  time.Hour,
		"Fri, 20 Nov 20266 09:30:00 +0000": time.Hour,
		"yesterday":                        time.Hour,
		"":                                 time.Hour,
	} {
		w := newMail(t, nil)
		w.take(dsn(date, mailbox, "delivered", "2.0.0", "ok"))
		if e := w.Only(of("inv_1"), gateway.EventDeliveryReported); !e.At.Equal(gatewaytest.Start.Add(want)) || !e.RecordedAt.Equal(w.Clock.Now()) {
			t.Errorf("%q: happened at %s", date, e.At)
		}
	}
}

func TestMailThatIsNoReport(t *testing.T) {
	for name, kind := range map[string]mail.ReportKind{"out-of-office": mail.AutoReply, "person-answers": mail.OtherMail, "mdn-deleted": mail.Disposition} {
		w := newMail(t, nil)
		letter, err := os.ReadFile(filepath.Join("..", "..", "..", "transport", "mail", "testdata", "reports", name+".eml"))
		w.Must(err)
		text := strings.ReplaceAll(string(letter), "\r\n", "\n")
		if !strings.Contains(strings.ToLower(text), "+"+token+"@") {
			text = "Delivered-To: bounces+" + token + "@in.supplier.example\n" + text
		}
		for range 2 {
			taken := w.take(text)
			if taken.Kind != kind || len(taken.Events) != 0 || taken.InvoiceID != "inv_1" {
				t.Errorf("%s: %+v", name, taken)
			}
		}
		if got := w.Events(of("inv_1")); len(got) != 0 {
			t.Errorf("%s is an event: %v", name, got)
		}
		var docs []gateway.Document
		w.Read(func(r gateway.Reader) (err error) { docs, err = r.InvoiceDocuments(t.Context(), "inv_1"); return err })
		if len(docs) != 1 || docs[0].Role != "mail" || docs[0].MediaType != "message/rfc822" || docs[0].Size == 0 {
			t.Errorf("%s: kept as %+v", name, docs)
		}
	}
}

// A report with several recipients: each is told, and one success outweighs.
func TestSeveralRecipients(t *testing.T) {
	w := newMail(t, nil)
	letter, err := os.ReadFile("../../../transport/mail/testdata/reports/several-recipients.eml")
	w.Must(err)
	taken := w.take(strings.ReplaceAll(string(letter), "\r\n", "\n"))
	want := []gateway.EventType{gateway.EventDeliveryReported, gateway.EventDeliveryRelayed, gateway.EventDeliveryBounced, gateway.EventDeliveryBounced}
	if diff := cmp.Diff(want, taken.Events); diff != "" {
		t.Error(diff)
	}
	if got := w.invoice("inv_1").Status.Transport().State; got != "delivered" || len(w.deliveries("inv_1")) != 1 {
		t.Errorf("%s, %d deliveries", got, len(w.deliveries("inv_1")))
	}
}

func TestMailsThatAreRefused(t *testing.T) {
	w := newMail(t, nil)
	good := dsn(during, mailbox, "delivered", "2.0.0", "ok")
	for name, c := range map[string]struct{ letter, code string }{
		"nothing":          {"", "invalid"},
		"too large":        {good + strings.Repeat("x", 2<<20), "invalid"},
		"no token":         {strings.ReplaceAll(good, "+"+token, ""), "not_found"},
		"a foreign token":  {strings.ReplaceAll(good, token, "bbbbbbbbbbbbbbbbbbbbbbbb"), "not_found"},
		"half a token":     {strings.ReplaceAll(good, token, token[:12]), "not_found"},
		"no bounce at all": {"From: a@b.example\nTo: c@d.example\n\nHello", "not_found"},
	} {
		taken, err := w.reports.Take(t.Context(), strings.NewReader(strings.ReplaceAll(c.letter, "\n", "\r\n")))
		if gateway.Code(err) != c.code || len(taken.Events) != 0 || taken.Tenant != "" {
			t.Errorf("%s: %+v %v", name, taken, err)
		}
	}
	if got := w.Events(of("inv_1")); len(got) != 0 {
		t.Errorf("%v", got)
	}
	boom := errors.New("boom")
	if _, err := w.reports.Take(t.Context(), &brokenReader{boom}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

type brokenReader struct{ err error }

func (b *brokenReader) Read([]byte) (int, error) { return 0, b.err }

// Fields that no log could take do not keep a bounce from being known.
func TestStrangeReports(t *testing.T) {
	w := newMail(t, nil)
	w.take(dsn(during, "\xff\x00é"+strings.Repeat("x", 20_000)+"@x.example", "failed", "5.1.1", strings.Repeat("a@b.example ", 5000)+"\xfe"))
	e := w.Only(of("inv_1"), gateway.EventDeliveryBounced)
	if len(e.Personal["recipient"]) > 300 || len(e.Data) > 4000 {
		t.Errorf("%d bytes of %+v", len(e.Data), e.Personal)
	}
}
