package web

import (
	"net/http"
	"testing"
)

func TestLandingLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	inv := w.order("universite", "U-1", "")
	if inv.State != "sent" {
		t.Fatalf("the invoice is %s: %s", inv.State, inv.HoldDetail)
	}
	c := w.client()
	page := c.page("/p/" + w.token(inv.ID))
	wantText(t, page, "Ateliers Lumière SARL", "FR31000123455", "FA-2026-00001", "Show the invoice")
	_ = http.StatusOK
}
