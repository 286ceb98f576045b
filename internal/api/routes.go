package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// route is one operation, the permission it needs, and the query parameters that
// it knows. openapi.json describes each.
type route struct {
	method, path string
	action       access.Action // "" for everybody
	handler      echo.HandlerFunc
	query        []string
}

// methods are those of the route: what can be got can be asked for its head.
func (r route) methods() []string {
	if r.method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{r.method}
}

func get(path string, action access.Action, h echo.HandlerFunc, query ...string) route {
	return route{http.MethodGet, path, action, h, query}
}

func post(path string, action access.Action, h echo.HandlerFunc, query ...string) route {
	return route{http.MethodPost, path, action, h, query}
}

// openRoutes are for everybody.
func (a *API) openRoutes() []route {
	routes := []route{
		get("/healthz", "", a.healthy),
		get("/readyz", "", a.ready),
		get("/openapi.json", "", openAPI),
		get("/schemas/:name", "", schema),
		get("/identity", "", a.identity),
	}
	if a.Receive != nil {
		routes = append(routes, post("/in/:tenant", "", a.receive))
	}
	return routes
}

// routes is the whole of /v1.
func (a *API) routes() []route {
	routes := []route{
		post("/orders", access.ActionSubmit, a.submitOrder, "external_id"),
		get("/orders", access.ActionRead, a.listOrders, "after", "limit", "state", "customer", "external_id", "number"),
		get("/orders/:id", access.ActionRead, a.getOrder),
		post("/orders/:id/deliveries", access.ActionSubmit, a.submitDelivery),
		get("/orders/:id/deliveries", access.ActionRead, a.listNotes),

		post("/invoices", access.ActionSubmit, a.submitInvoice, "external_id"),
		get("/invoices", access.ActionRead, a.listInvoices,
			"after", "limit", "state", "customer", "order_id", "external_id", "credit_of", "q", "since", "until"),
		get("/invoices/:id", access.ActionRead, a.getInvoice),
		{http.MethodPatch, "/invoices/:id", access.ActionCorrect, a.once(a.correctInvoice), nil},
		get("/invoices/:id/timeline", access.ActionRead, a.invoiceTimeline),
		get("/invoices/:id/documents", access.ActionRead, a.invoiceDocuments),
		get("/invoices/:id/documents/:sha256", access.ActionRead, a.invoiceDocument),
		get("/invoices/:id/verdicts", access.ActionRead, a.invoiceVerdicts),
		get("/invoices/:id/deliveries", access.ActionRead, a.invoiceDeliveries),
		get("/invoices/:id/links", access.ActionCorrect, a.invoiceLinks),
		post("/invoices/:id/credit", access.ActionSubmit, a.creditInvoice),
		post("/invoices/:id/release", access.ActionCorrect, a.once(a.releaseInvoice)),
		post("/invoices/:id/cancel", access.ActionCorrect, a.once(a.cancelInvoice)),
		post("/invoices/:id/resend", access.ActionResolve, a.once(a.resendInvoice)),
		get("/deliveries/:id", access.ActionRead, a.getDelivery),
		post("/deliveries/:id/resolve", access.ActionResolve, a.once(a.resolveDelivery)),
		get("/report", access.ActionRead, a.report, "since", "until"),
		get("/number-series", access.ActionRead, a.numberSeries),

		get("/inbox", access.ActionRead, a.listInbox, "after", "limit", "state", "unacknowledged", "number"),
		get("/inbox/:id", access.ActionRead, a.getInbound),
		get("/inbox/:id/document", access.ActionRead, a.inboundDocument),
		get("/inbox/:id/verdicts", access.ActionRead, a.inboundVerdicts),
		get("/inbox/:id/timeline", access.ActionRead, a.inboundTimeline),
		get("/inbox/:id/deliveries", access.ActionRead, a.inboundReplies),
		post("/inbox/:id/acknowledge", access.ActionAcknowledge, a.once(a.acknowledge)),
		post("/inbox/:id/answer", access.ActionDispute, a.once(a.decide)),

		get("/events", access.ActionRead, a.events, "after", "limit", "type", "order_id", "invoice_id", "inbound_id"),
		get("/events/log", access.ActionAudit, a.exportLog),
		get("/webhooks", access.ActionWebhooks, a.listWebhooks),
		post("/webhooks", access.ActionWebhooks, a.createWebhook),
		get("/webhooks/:id", access.ActionWebhooks, a.getWebhook),
		{http.MethodDelete, "/webhooks/:id", access.ActionWebhooks, a.deleteWebhook, nil},
		post("/webhooks/:id/test", access.ActionWebhooks, a.once(a.testWebhook)),
		get("/webhooks/:id/deliveries", access.ActionWebhooks, a.webhookDeliveries, "after", "limit"),
		post("/webhook-deliveries/:id/replay", access.ActionWebhooks, a.once(a.replayWebhook)),
	}
	for _, k := range recordRoutes {
		routes = append(routes,
			get(k.path, access.ActionRead, a.listRecords(k.kind), "after", "limit"),
			get(k.path+"/:id", access.ActionRead, a.getRecord(k.kind), "version"),
			route{http.MethodPut, k.path + "/:id", k.write, a.once(a.putRecord(k.kind)), []string{"valid_from"}},
		)
		if k.table {
			routes = append(routes, post(k.path+"/import", k.write, a.once(a.importRecords(k.kind))))
		}
	}
	for i := range routes {
		routes[i].path = "/v1" + routes[i].path
	}
	return routes
}

// recordRoutes are the kinds of records, where they are, who may write them, and
// whether they come as a table too.
var recordRoutes = []struct {
	kind  gateway.RecordKind
	path  string
	write access.Action
	table bool
}{
	{gateway.RecordLegalEntity, "/legal-entities", access.ActionRecords, true},
	{gateway.RecordCustomer, "/customers", access.ActionRecords, true},
	{gateway.RecordItem, "/items", access.ActionRecords, true},
	{gateway.RecordProfile, "/billing-profiles", access.ActionProfiles, false},
	{gateway.RecordPeer, "/peers", access.ActionAccess, false},
}
