package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/track"
)

const bounceToken = "abcdefghijklmnopqrstuvwx"

// bounce is a delivery report to an address.
func bounce(to, action, status string) string {
	return strings.ReplaceAll(fmt.Sprintf(`From: mailer-daemon@mx.example
To: %s
Subject: Undelivered
Date: Sun, 22 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; accounts@customer.example
Action: %s
Status: %s

--b--
`, to, action, status), "\n", "\r\n")
}

// mailedInvoice is a data directory with one invoice that went by mail.
func mailedInvoice(t *testing.T) (dataDir string) {
	t.Helper()
	dataDir = t.TempDir()
	db := filepath.Join(dataDir, "facteur.db")
	command(t, 0, db, "", "tenant", "create", "acme", "--name", "Acme", "--mode", "live")
	conf, err := config.Load(config.Sources{NoFile: true, Flags: map[string]string{"data_dir": dataDir}})
	if err != nil {
		t.Fatal(err)
	}
	store, closeStore, err := openStore(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Add(-time.Hour)
	err = store.For("acme").Write(t.Context(), func(tx gateway.Tx) error {
		ctx := t.Context()
		inv := gateway.Invoice{ID: "inv_1", ExternalID: "SO-1", State: gateway.InvoiceSent, Kind: "invoice", Currency: "EUR", Number: "FA-1", Model: json.RawMessage(`{}`), CreatedAt: now, UpdatedAt: now}
		d := gateway.Delivery{
			ID: "del_1", InvoiceID: "inv_1", Purpose: "invoice", MessageID: "msg_1", State: gateway.DeliveryAccepted, CreatedAt: now, UpdatedAt: now,
			Route: gateway.Route{Channel: "mail", Address: "accounts@customer.example"},
		}
		// The customer has no other route, so the bounce ends there.
		for kind, id := range map[gateway.RecordKind]string{gateway.RecordLegalEntity: "us", gateway.RecordCustomer: "them"} {
			if err := tx.PutRecord(ctx, &gateway.Record{Kind: kind, ID: id, ValidFrom: now, Body: json.RawMessage(`{"name":"` + id + `"}`), CreatedAt: now}); err != nil {
				return err
			}
		}
		inv.LegalEntity, inv.Customer = "us", "them"
		return errors.Join(
			tx.InsertInvoice(ctx, &inv), tx.InsertDelivery(ctx, &d),
			tx.PutMailToken(ctx, gateway.MailToken{Token: bounceToken, Tenant: "acme", DeliveryID: "del_1", CreatedAt: now}),
		)
	})
	if err := errors.Join(err, closeStore()); err != nil {
		t.Fatal(err)
	}
	return dataDir
}

func TestMailReport(t *testing.T) {
	dataDir := mailedInvoice(t)
	report := func(want int, mail string) (track.Taken, string) {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run([]string{"--data-dir", dataDir, "mail-report", "--format", "json"}, strings.NewReader(mail), &out, &errs, nil); got != want {
			t.Fatalf("status %d, want %d: %s", got, want, errs.String())
		}
		var taken track.Taken
		if want == 0 {
			if err := json.Unmarshal(out.Bytes(), &taken); err != nil {
				t.Fatal(err)
			}
		}
		return taken, errs.String()
	}
	ours := "Bounces <bounces+" + bounceToken + "@in.supplier.example>"
	taken, _ := report(0, bounce(ours, "failed", "5.1.1"))
	if taken.InvoiceID != "inv_1" || taken.DeliveryID != "del_1" || taken.Tenant != "acme" || !slices.Equal(taken.Events, []gateway.EventType{gateway.EventDeliveryBounced}) {
		t.Errorf("%+v", taken)
	}
	// The mail server gives it again, because it did not hear that it was taken.
	if taken, _ = report(0, bounce(ours, "failed", "5.1.1")); len(taken.Events) != 0 {
		t.Errorf("%+v", taken)
	}
	// A mail of a person to that address is taken, and tells nothing.
	if taken, _ = report(0, "From: a@b.example\r\nTo: "+ours+"\r\n\r\nWho are you?\r\n"); len(taken.Events) != 0 || taken.InvoiceID != "inv_1" {
		t.Errorf("%+v", taken)
	}
	for name, mail := range map[string]string{
		"another token": bounce("bounces+"+strings.Repeat("z", 24)+"@in.supplier.example", "failed", "5.1.1"),
		"no token":      bounce("info@supplier.example", "failed", "5.1.1"),
		"empty":         "",
		"no mail":       "\x00\x01\x02",
		"too large":     bounce(ours, "delivered", "2.0.0") + strings.Repeat("x", 3<<20),
	} {
		if _, said := report(1, mail); said == "" {
			t.Errorf("%s: nothing was said", name)
		}
	}
	readStore(t, filepath.Join(dataDir, "facteur.db"), "acme", func(ctx context.Context, r gateway.Reader) error {
		events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: "inv_1"})
		if err != nil || len(events) != 1 || events[0].Evidence == "" || events[0].ExternalID != "SO-1" {
			t.Errorf("events %+v, %v", events, err)
		}
		inv, err := r.Invoice(ctx, "inv_1")
		if err != nil || inv.Status.Transport().State != "bounced" {
			t.Errorf("status %+v, %v", inv.Status, err)
		}
		_, err = r.Suppressed(ctx, "accounts@customer.example")
		return err
	})
	// What cannot be stored is told apart: the mail server must keep the mail.
	for _, broken := range []string{"database=/dev/null/facteur.db", "data_dir=/dev/null"} {
		var out, errs bytes.Buffer
		if got := run([]string{"--data-dir", dataDir, "--set", broken, "mail-report"}, strings.NewReader(bounce(ours, "failed", "5.1.1")), &out, &errs, nil); got != statusEnvironment {
			t.Errorf("%s: status %d: %s", broken, got, errs.String())
		}
	}
}
