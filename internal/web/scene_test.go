package web

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// scene is a morning in which everything has happened once.
type scene struct {
	*world
	viewed, opened, approved, disputed, bounced, unknown, retrying, hostile gateway.Invoice
	heldRecords, heldRules, heldRequirements, credit                        gateway.Invoice
	available, decided, rejected, duplicate                                 gateway.Inbound
}

func newScene(w *world) *scene {
	w.Helper()
	s := &scene{world: w}
	s.approved = w.order("epicerie", "4500018233", "")
	w.tell(s.approved, gateway.EventAnswerInProcess, gateway.GradeBuyerAct, "", "")
	w.tell(s.approved, gateway.EventAnswerApproved, gateway.GradeBuyerAct, "", "")
	w.tell(s.approved, gateway.EventMoneyAnnounced, gateway.GradeBuyerAct, "", "")
	s.disputed = w.order("epicerie", "4500018240", "")
	w.tell(s.disputed, gateway.EventAnswerDisputed, gateway.GradeBuyerAct, "", `{"clarifications":[{"list":"OPStatusReason","code":"QTY","text":"Nous n’avons reçu que dix suspensions sur douze."}]}`)
	s.opened = w.order("universite", "UN-2026-118", "")
	wantOK(w, w.client().press(w.token(s.opened.ID), "", nil))
	s.viewed = w.order("universite", "UN-2026-121", "")
	visitor := w.client()
	wantOK(w, visitor.press(w.token(s.viewed.ID), "", nil))
	wantOK(w, visitor.press(w.token(s.viewed.ID), "/code", nil))
	wantOK(w, visitor.press(w.token(s.viewed.ID), "/prove", url.Values{"code": {w.codes[len(w.codes)-1]}}))
	s.bounced = w.order("mueller", "BE-77-2026", "")
	w.tell(s.bounced, gateway.EventDeliveryBounced, gateway.GradeMedium, w.deliveries(s.bounced.ID)[0].ID, `{"status":"5.1.1","diagnostic":"550 no such user here"}`)
	s.unknown = w.order("leeuw", "GL/2026/298", "")
	s.retrying = w.order("phenix", "PX-55", "")
	s.hostile = w.order("hostile", "<b>bold</b>", "")
	s.heldRequirements = w.order("hopital", "HSE-204511", "")
	s.heldRecords = w.order("universite", "UN-2026-130", `,"lines":[{"id":"1","item":{"seller_id":"NOVAT"},"quantity":"3","price":{"net":"19.90"}}]`)
	s.heldRules = w.order("universite", "UN-2026-131", `,"lines":[{"id":"1","item":{"seller_id":"LAM-200","name":"WITHOUT-VAT"},"quantity":"1","price":{"net":"198.00"}}]`)

	operator := w.as(supplier, access.RoleOperator)
	r := operator.post("/invoices/"+s.disputed.ID+"/credit", url.Values{"reason": {"Deux suspensions manquaient à la livraison."}})
	if r.StatusCode != http.StatusSeeOther {
		w.Fatalf("credit: %d %s", r.StatusCode, text(r.body))
	}
	w.drain()
	w.read(supplier, func(r gateway.Reader) error {
		list, err := r.Invoices(w.Context(), gateway.InvoiceFilter{CreditOf: s.disputed.ID}, gateway.Page{})
		if err == nil && len(list.Items) == 1 {
			s.credit = list.Items[0]
		}
		return err
	})

	document := w.document(s.approved.ID)
	s.decided = w.receive(document)
	s.duplicate = w.receive(append(bytes.Clone(document), '\n'))
	s.available = w.receive(w.document(s.disputed.ID))
	s.rejected = w.receive(bytes.Replace(w.document(s.opened.ID), []byte("FR31000123455"), []byte("WITHOUT-VAT"), 1))
	approver := w.as(customer, access.RoleApprover)
	if r := approver.post("/inbox/"+s.decided.ID+"/answer", url.Values{"decision": {"approve"}}); r.StatusCode != http.StatusSeeOther {
		w.Fatalf("answer: %d %s", r.StatusCode, text(r.body))
	}
	w.drain()
	w.clock.advance(time.Minute)
	return s
}

func wantOK(w *world, r response) {
	w.Helper()
	if r.StatusCode != http.StatusOK {
		w.Fatalf("status %d: %s", r.StatusCode, text(r.body))
	}
}
