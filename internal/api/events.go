package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/gateway"
)

// eventTypes are the types that can be asked for.
var eventTypes = []gateway.EventType{
	gateway.EventOrderReceived, gateway.EventOrderRejected, gateway.EventOrderDelivered, gateway.EventOrderInvoiced,
	gateway.EventInvoiceDrafted, gateway.EventInvoiceChecked, gateway.EventInvoiceHeld, gateway.EventInvoiceRejected,
	gateway.EventInvoiceCorrected, gateway.EventInvoiceReleased, gateway.EventInvoiceOverridden, gateway.EventInvoiceReady,
	gateway.EventInvoiceSent, gateway.EventInvoiceClosed, gateway.EventInvoiceCredited, gateway.EventInvoiceCancelled,
	gateway.EventDeliveryQueued, gateway.EventDeliveryAttempt, gateway.EventDeliveryAccepted, gateway.EventDeliveryReceipt,
	gateway.EventDeliveryRetrying, gateway.EventDeliveryUnknown, gateway.EventDeliveryFailed, gateway.EventDeliveryResolved,
	gateway.EventDeliveryReported, gateway.EventDeliveryRelayed, gateway.EventDeliveryDelayed, gateway.EventDeliveryBounced,
	gateway.EventPortalOpened, gateway.EventPortalViewed,
	gateway.EventAnswerInProcess, gateway.EventAnswerApproved, gateway.EventAnswerPartly, gateway.EventAnswerDisputed,
	gateway.EventAnswerRefused, gateway.EventAnswerRejected,
	gateway.EventMoneyAnnounced, gateway.EventMoneyReceived,
	gateway.EventInboundReceived, gateway.EventInboundChecked, gateway.EventInboundQuarantined, gateway.EventInboundAvailable,
	gateway.EventInboundForwarded, gateway.EventInboundAcknowledged, gateway.EventInboundAnswered,
	gateway.EventWebhookDisabled, gateway.EventRecordChanged, gateway.EventAccessChanged,
}

// eventList is a page of sealed events; Next is the number to ask after.
type eventList struct {
	Items []gateway.Event `json:"items"`
	Next  int64           `json:"next"`
}

// events gives sealed events after a sequence number. A reader that asks after the
// last number it was given misses none and gets none twice.
func (a *API) events(c echo.Context) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	after := int64(0)
	if p.After != "" {
		if after, err = strconv.ParseInt(p.After, 10, 64); err != nil || after < 0 {
			return invalid("?after", "query", "after is the number of the last event seen")
		}
	}
	f := gateway.EventFilter{OrderID: c.QueryParam("order_id"), InvoiceID: c.QueryParam("invoice_id"), InboundID: c.QueryParam("inbound_id")}
	for _, text := range c.QueryParams()["type"] {
		if !slices.Contains(eventTypes, gateway.EventType(text)) {
			return invalid("?type", "query", fmt.Sprintf("there are no events of type %.40q", text))
		}
		f.Types = append(f.Types, gateway.EventType(text))
	}
	out, err := find(a, c, func(ctx context.Context, r gateway.Reader) (eventList, error) {
		items, err := r.EventsAfter(ctx, after, f, p.Size())
		out := eventList{Items: append([]gateway.Event{}, items...), Next: after}
		if n := len(items); n > 0 {
			out.Next = items[n-1].Seq
		}
		return out, err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// exportLog writes the audit log. One that fails in the middle ends in a broken
// connection: it must not look whole.
func (a *API) exportLog(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/jsonl")
	h.Set(echo.HeaderContentDisposition, `attachment; filename=evidence.jsonl`)
	ctx := c.Request().Context()
	err := a.ExportLog(ctx, tenant(c), c.Response())
	if err != nil && c.Response().Committed {
		a.Log.ErrorContext(ctx, "the export of the audit log broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		h.Del(echo.HeaderContentDisposition)
	}
	return err
}
