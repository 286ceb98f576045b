package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/inbound"
	"facteur.dev/facteur/internal/gateway/records"
	"facteur.dev/facteur/internal/intake"
)

// operation says of a route what the program does not.
type operation struct {
	id, summary, about string
	takes              map[string]any // media type → type or schema of the body
	optional           bool           // the body
	example            string         // of a JSON body
	status             int            // of success, 200 when zero
	gives              any            // a type, a schema, or nil for no body
	media              string         // of what it gives, JSON when empty
	tagged             bool           // has an ETag
	matched            bool           // knows If-Match
}

// ref is a schema that is published beside the description.
func ref(name string) object { return object{"$ref": "/schemas/" + name + ".json"} }

var (
	text     = object{"type": "string"}
	anything = object{}
	file     = object{"type": "string", "contentEncoding": "binary"}
)

// operations is every route. Its key is method and path.
var operations = map[string]operation{
	"GET /healthz":       {id: "health", summary: "Is the process alive?", gives: object{"type": "object", "properties": object{"status": text}}},
	"GET /readyz":        {id: "readiness", summary: "Can it work?", about: "503 as long as something it needs is missing.", gives: object{"type": "object", "properties": object{"status": text}}},
	"GET /openapi.json":  {id: "describe", summary: "This description", gives: object{"type": "object"}},
	"GET /schemas/:name": {id: "getSchema", summary: "The JSON Schema of what is submitted", about: "`order.json`, `delivery.json` or `invoice.json`.", gives: object{"type": "object"}, media: "application/schema+json"},
	"GET /identity":      {id: "getIdentity", summary: "The keys that this gateway signs with", about: "Give `key_id` and `public_key` to the gateways that shall trust this one, and `audit_key` to auditors.", gives: Identity{}},
	"POST /in/:tenant":   {id: "receive", summary: "A message of another gateway", about: "Signed as RFC 9421 says, over the digest of RFC 9530; the package transport/https says which fields. The answer is a signed receipt.", takes: map[string]any{"*/*": file}, status: 202, gives: anything, media: "*/*"},

	"POST /v1/orders": {
		id: "submitOrder", summary: "Submit a sales order, or a table of them",
		about: "An order as JSON, as UBL 2.1 Order, or a CSV or XLSX table of orders (docs/csv.md). The invoices due follow by themselves. One order is answered with 201; a table with 207 and the outcome of each order.",
		takes: map[string]any{intake.JSON: ref("order"), intake.XML: text, intake.CSV: text, intake.XLSX: file},
		example: `{"number":"4500001234","external_id":"SO-1001","issue_date":"2026-11-19","currency":"EUR","billing":"on_order","buyer":{"account_number":"C-1001"},
			"lines":[{"id":"10","item":{"seller_id":"LAM-100"},"quantity":"24","unit":"C62","price":{"net":"89.90"}}]}`,
		status: 201, gives: gateway.Order{},
	},
	"GET /v1/orders":     {id: "listOrders", summary: "Orders, the newest first", gives: gateway.List[listedOrder]{}},
	"GET /v1/orders/:id": {id: "getOrder", summary: "An order and what is still open of it", gives: gateway.Order{}, tagged: true},
	"POST /v1/orders/:id/deliveries": {
		id: "submitDelivery", summary: "Submit a delivery note of an order", about: "As JSON or UBL 2.1 DespatchAdvice, for all of the order or a part. The invoice for what was delivered follows by itself.",
		takes:   map[string]any{intake.JSON: ref("delivery"), intake.XML: text},
		example: `{"id":"DN-17","date":"2026-11-20","lines":[{"id":"1","order_line":"10","quantity":"12"}]}`, status: 201, gives: gateway.OrderDelivery{},
	},
	"GET /v1/orders/:id/deliveries": {id: "listDeliveryNotes", summary: "The delivery notes of an order", gives: gateway.List[gateway.OrderDelivery]{}},

	"POST /v1/invoices": {
		id: "submitInvoice", summary: "Submit a finished invoice", about: "One that an ERP made, as JSON or UBL 2.1 Invoice or CreditNote. Its totals are checked and never recomputed, its number stays, its bytes are kept; UBL is sent as it is.",
		takes: map[string]any{intake.JSON: ref("invoice"), intake.XML: text}, status: 201, gives: gateway.Invoice{},
	},
	"GET /v1/invoices":     {id: "listInvoices", summary: "Invoices and credit notes, the newest first", gives: gateway.List[listedInvoice]{}},
	"GET /v1/invoices/:id": {id: "getInvoice", summary: "An invoice, where it stands and why", gives: invoiceView{}, tagged: true},
	"PATCH /v1/invoices/:id": {
		id: "correctInvoice", summary: "Correct a held invoice and send it on its way again",
		about:   "A JSON merge patch (RFC 7396) of the fields that do not follow from the order, the records or the number series; `lines` is a list of patches, each with the `id` of its line. A finished invoice is corrected where it was made.",
		takes:   map[string]any{intake.JSON: object{"type": "object"}, "application/merge-patch+json": object{"type": "object"}},
		example: `{"buyer_reference":"SERVICE-42","lines":[{"id":"10","buyer_accounting_reference":"6063"}]}`, gives: invoiceView{}, matched: true,
	},
	"GET /v1/invoices/:id/timeline":          {id: "getTimeline", summary: "What happened to an invoice, with the evidence", gives: timeline{}},
	"GET /v1/invoices/:id/documents":         {id: "listDocuments", summary: "The files of an invoice", gives: gateway.List[gateway.Document]{}},
	"GET /v1/invoices/:id/documents/:sha256": {id: "getDocument", summary: "A file of an invoice, byte for byte", gives: file, media: "*/*", tagged: true},
	"GET /v1/invoices/:id/verdicts":          {id: "listVerdicts", summary: "What the checks said of an invoice", gives: gateway.List[gateway.VerdictRecord]{}},
	"GET /v1/invoices/:id/deliveries":        {id: "listDeliveries", summary: "How an invoice was carried, with each attempt", gives: gateway.List[deliveryView]{}},
	"GET /v1/invoices/:id/links":             {id: "listLinks", summary: "The portal links of an invoice", about: "Whoever has such an address can open the invoice.", gives: gateway.List[link]{}},
	"POST /v1/invoices/:id/credit": {
		id: "creditInvoice", summary: "Make the credit note for an invoice", about: "Of all that is left of it, or by line. Two equal parts need two idempotency keys.",
		takes: map[string]any{intake.JSON: billing.Selection{}}, optional: true, example: `{"lines":[{"line":"10","quantity":"2"}],"reason":"Two came broken"}`, status: 201, gives: gateway.Invoice{},
	},
	"POST /v1/invoices/:id/release": {id: "releaseInvoice", summary: "Check a held invoice again and send it on its way", about: "With the records as they are now.", takes: none, optional: true, gives: invoiceView{}, matched: true},
	"POST /v1/invoices/:id/cancel":  {id: "cancelInvoice", summary: "Cancel an invoice that has no number yet", takes: body(cancellation{}), example: `{"reason":"ordered twice"}`, gives: invoiceView{}, matched: true},
	"POST /v1/invoices/:id/resend":  {id: "resendInvoice", summary: "Send an invoice again that certainly did not arrive", takes: none, optional: true, gives: invoiceView{}, matched: true},
	"GET /v1/deliveries/:id":        {id: "getDelivery", summary: "A delivery with each attempt", gives: deliveryView{}, tagged: true},
	"POST /v1/deliveries/:id/resolve": {
		id: "resolveDelivery", summary: "Say what became of a delivery that nobody knows of", about: "One that did not arrive goes on by the customer's next route.",
		takes: body(resolution{}), example: `{"arrived":true,"reason":"they found it, says Ms Weber"}`, gives: gateway.Delivery{},
	},
	"GET /v1/report":        {id: "getReport", summary: "How many invoices stand where", gives: gateway.List[gateway.Count]{}},
	"GET /v1/number-series": {id: "listNumberSeries", summary: "The number series and the gaps in them", about: "There should be no gaps.", gives: gateway.List[seriesView]{}},

	"GET /v1/inbox":                  {id: "listInbox", summary: "Received documents, the newest first", gives: gateway.List[listedInbound]{}},
	"GET /v1/inbox/:id":              {id: "getInbound", summary: "A received document", gives: gateway.Inbound{}, tagged: true},
	"GET /v1/inbox/:id/document":     {id: "getInboundDocument", summary: "A received document, byte for byte", gives: file, media: "*/*", tagged: true},
	"GET /v1/inbox/:id/verdicts":     {id: "listInboundVerdicts", summary: "What the checks said of a received document", gives: gateway.List[gateway.VerdictRecord]{}},
	"GET /v1/inbox/:id/timeline":     {id: "getInboundTimeline", summary: "What happened to a received document", gives: gateway.List[gateway.Event]{}},
	"GET /v1/inbox/:id/deliveries":   {id: "listReplies", summary: "How the answers to a received document were carried", gives: gateway.List[deliveryView]{}},
	"POST /v1/inbox/:id/acknowledge": {id: "acknowledge", summary: "Say that the AP system has a document", takes: none, optional: true, gives: gateway.Inbound{}},
	"POST /v1/inbox/:id/answer": {
		id: "answer", summary: "Answer a received invoice", about: "The answer goes back to the supplier. Approving and refusing take the permission *decide*; nothing follows them. `reason` is a code of OPStatusReason; a dispute or refusal needs `text`.",
		takes: body(verdict{}), example: `{"decision":"dispute","reason":"PRI","text":"We agreed on 85.00"}`, gives: gateway.Inbound{},
	},

	"GET /v1/events": {
		id: "listEvents", summary: "Sealed events, in their order", about: "Ask after `next` of the answer before: no event is missed and none comes twice. An empty page is the end for now.",
		gives: eventList{},
	},
	"GET /v1/events/log":   {id: "exportLog", summary: "The audit log as evidence that verifies offline", about: "See docs/audit-log.md; `facteur verify` checks it.", gives: text, media: "application/jsonl"},
	"GET /v1/webhooks":     {id: "listWebhooks", summary: "The webhooks", gives: gateway.List[gateway.Webhook]{}},
	"GET /v1/webhooks/:id": {id: "getWebhook", summary: "A webhook", gives: gateway.Webhook{}},
	"POST /v1/webhooks": {
		id: "createWebhook", summary: "Make a webhook", about: "Messages are signed as Standard Webhooks says, with the secret of the answer, which is not shown again.",
		takes: body(newWebhook{}), example: `{"url":"https://erp.example.com/facteur","types":["invoice.","answer.refused"]}`, status: 201, gives: webhookView{},
	},
	"DELETE /v1/webhooks/:id":                {id: "deleteWebhook", summary: "Delete a webhook", status: 204},
	"POST /v1/webhooks/:id/test":             {id: "testWebhook", summary: "Send a test message", takes: none, optional: true, status: 202, gives: gateway.WebhookDelivery{}},
	"GET /v1/webhooks/:id/deliveries":        {id: "listMessages", summary: "The messages of a webhook, the newest first", gives: gateway.List[gateway.WebhookDelivery]{}},
	"POST /v1/webhook-deliveries/:id/replay": {id: "replayMessage", summary: "Send a message again, under the same id", takes: none, optional: true, status: 202, gives: gateway.WebhookDelivery{}},

	"GET /v1/legal-entities":         {id: "listLegalEntities", summary: "The legal entities", gives: gateway.List[gateway.Record]{}},
	"GET /v1/legal-entities/:id":     {id: "getLegalEntity", summary: "A legal entity", gives: gateway.Record{}, tagged: true},
	"PUT /v1/legal-entities/:id":     {id: "putLegalEntity", summary: "Write a version of a legal entity", takes: body(billing.LegalEntity{}), example: `{"name":"Ateliers Lumière SARL","vat_identifier":"FR31000123455","address":{"city":"Lyon","country":"FR"},"invoice_numbers":"FA-{yyyy}-{n:5}"}`, gives: gateway.Record{}, matched: true},
	"POST /v1/legal-entities/import": {id: "importLegalEntities", summary: "Import a table of legal entities", takes: table, status: 207, gives: gateway.List[row]{}},
	"GET /v1/customers":              {id: "listCustomers", summary: "The customers", gives: gateway.List[gateway.Record]{}},
	"GET /v1/customers/:id":          {id: "getCustomer", summary: "A customer", gives: gateway.Record{}, tagged: true},
	"PUT /v1/customers/:id":          {id: "putCustomer", summary: "Write a version of a customer", takes: body(billing.Customer{}), example: `{"name":"Épicerie Générale du Nord SA","account_number":"C-1001","routes":[{"channel":"mail","address":"factures@egn.example"}]}`, gives: gateway.Record{}, matched: true},
	"POST /v1/customers/import":      {id: "importCustomers", summary: "Import a table of customers", takes: table, status: 207, gives: gateway.List[row]{}},
	"GET /v1/items":                  {id: "listItems", summary: "The items", gives: gateway.List[gateway.Record]{}},
	"GET /v1/items/:id":              {id: "getItem", summary: "An item", gives: gateway.Record{}, tagged: true},
	"PUT /v1/items/:id":              {id: "putItem", summary: "Write a version of an item", takes: body(billing.Item{}), example: `{"seller_id":"LAM-100","name":"Lampe de bureau","unit":"C62","vat":{"category":"S","rate":"20"}}`, gives: gateway.Record{}, matched: true},
	"POST /v1/items/import":          {id: "importItems", summary: "Import a table of items", takes: table, status: 207, gives: gateway.List[row]{}},
	"GET /v1/billing-profiles":       {id: "listProfiles", summary: "The customers' billing profiles", gives: gateway.List[gateway.Record]{}},
	"GET /v1/billing-profiles/:id":   {id: "getProfile", summary: "A billing profile", gives: gateway.Record{}, tagged: true},
	"PUT /v1/billing-profiles/:id":   {id: "putProfile", summary: "Write a version of a billing profile", about: "The examples in it must come out as it says.", takes: map[string]any{intake.JSON: object{"type": "object"}}, gives: gateway.Record{}, matched: true},
	"GET /v1/peers":                  {id: "listPeers", summary: "The gateways that documents are exchanged with", gives: gateway.List[gateway.Record]{}},
	"GET /v1/peers/:id":              {id: "getPeer", summary: "Another gateway", gives: gateway.Record{}, tagged: true},
	"PUT /v1/peers/:id":              {id: "putPeer", summary: "Write a version of another gateway", about: "Its `/identity` tells the key.", takes: body(records.Peer{}), gives: gateway.Record{}, matched: true},
}

var (
	none  = map[string]any{intake.JSON: object{"type": "object", "maxProperties": 0}}
	table = map[string]any{intake.CSV: text, intake.XLSX: file}
)

func body(v any) map[string]any { return map[string]any{intake.JSON: v} }

// parameters are those that a path or a query may have.
var parameters = map[string]object{
	"after":          {"description": "The cursor `next` of the page before.", "schema": text},
	"limit":          {"description": "How many items at most.", "schema": object{"type": "integer", "minimum": 1, "maximum": 500, "default": 50}},
	"customer":       {"description": "Record id of the customer.", "schema": text},
	"external_id":    {"description": "Your own id of the order or invoice. It comes back in every event.", "schema": text},
	"number":         {"description": "The number of the document.", "schema": text},
	"order_id":       {"description": "The order.", "schema": text},
	"invoice_id":     {"description": "The invoice.", "schema": text},
	"inbound_id":     {"description": "The received document.", "schema": text},
	"credit_of":      {"description": "The invoice that is credited.", "schema": text},
	"q":              {"description": "A part of the number, the external id or the customer's name.", "schema": text},
	"since":          {"description": "From this moment on: RFC 3339, or a date for its start in UTC.", "schema": text},
	"until":          {"description": "Before this moment.", "schema": text},
	"unacknowledged": {"description": "Only what the AP system does not have yet.", "schema": object{"type": "boolean"}},
	"type":           {"description": "Types of events; may stand several times.", "schema": object{"type": "array", "items": object{"$ref": "#/components/schemas/EventType"}}},
	"version":        {"description": "The version, the newest when absent.", "schema": object{"type": "integer", "minimum": 1}},
	"valid_from":     {"description": "From when the version counts: RFC 3339, or a date for its start in UTC. Now when absent.", "schema": text},
	"id":             {"description": "The record.", "schema": text},
	"sha256":         {"description": "The digest of the file, in hexadecimal.", "schema": text},
	"name":           {"description": "The schema.", "schema": text},
	"tenant":         {"description": "The tenant that the message is for.", "schema": text},
}

var stateTypes = map[string]reflect.Type{
	"/v1/orders": reflect.TypeFor[gateway.OrderState](), "/v1/invoices": reflect.TypeFor[gateway.InvoiceState](), "/v1/inbox": reflect.TypeFor[gateway.InboundState](),
}

var pathParameter = regexp.MustCompile(`:([a-z0-9]+)`)

// template is a path of a route as the description writes it.
func template(path string) string { return pathParameter.ReplaceAllString(path, "{$1}") }

// generate makes openapi.json of the routes, the table and the types.
func generate(t *testing.T) []byte {
	t.Helper()
	s := &schemas{components: object{}, types: map[string]reflect.Type{}, comments: comments(t, ".", "../gateway", "../gateway/records", "../gateway/outbound", "../gateway/inbound",
		"../gateway/answer", "../billing", "../../formats/invoice", "../../validation", "../../transport")}
	s.components["EventType"] = withEnum(object{"type": "string"}, reflect.TypeFor[gateway.EventType]())
	var a API
	a.Receive = func(gateway.TenantID) http.Handler { return nil }
	paths := object{}
	for _, r := range append(a.openRoutes(), a.routes()...) {
		op, ok := operations[r.method+" "+r.path]
		if !ok {
			t.Fatalf("the table of operations has no %s %s", r.method, r.path)
		}
		at := template(r.path)
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at].(object)[strings.ToLower(r.method)] = s.describe(r, op)
	}
	problemSchema := s.of(reflect.TypeFor[problem]())
	responses := object{}
	for name, text := range problems {
		responses[name] = object{"description": text, "content": object{"application/problem+json": object{"schema": problemSchema}}}
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Facteur", "version": "1",
			"description": "From a sales order to an invoice that the customer has received, opened and accepted, with proof. docs/api.md is a tour, docs/errors.md lists the codes of problems, docs/csv.md the columns of tables.",
		},
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"servers":           []any{object{"url": "/"}},
		"security":          []any{object{"key": []any{}}},
		"tags":              tags,
		"paths":             paths,
		"webhooks":          s.webhooks(),
		"components": object{
			"schemas": s.components, "responses": responses,
			"securitySchemes": object{"key": object{"type": "http", "scheme": "bearer", "description": "An API key, as `facteur key create` makes it."}},
		},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var tags = []any{
	object{"name": "orders", "description": "Sales orders and their delivery notes."},
	object{"name": "invoices", "description": "Invoices and credit notes on their way to the customer."},
	object{"name": "inbox", "description": "Documents that others sent."},
	object{"name": "events", "description": "What happened, the audit log, and webhooks."},
	object{"name": "records", "description": "What orders are completed from. Each change is a new version."},
	object{"name": "gateway", "description": "The gateway itself; no key is needed."},
}

func tagOf(path string) string {
	for tag, prefixes := range map[string][]string{
		"orders": {"/v1/orders"}, "invoices": {"/v1/invoices", "/v1/deliveries", "/v1/report", "/v1/number-series"}, "inbox": {"/v1/inbox"},
		"events": {"/v1/events", "/v1/webhook"},
	} {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) }) {
			return tag
		}
	}
	if strings.HasPrefix(path, "/v1/") {
		return "records"
	}
	return "gateway"
}

// problems are the refusals that operations share.
var problems = map[string]string{
	"BadRequest":   "The body cannot be read.",
	"Unauthorized": "There is no valid API key.",
	"Forbidden":    "The role of the key does not allow this.",
	"NotFound":     "There is no such record in the key's tenant.",
	"Conflict":     "The record's state does not allow this, or it was submitted before: `link` names the first.",
	"Precondition": "The record has another version than the condition names.",
	"TooLarge":     "The body is larger than is taken.",
	"MediaType":    "The body is of a type that is not understood here.",
	"Invalid":      "`errors` names the wrong places; or the idempotency key was used with another body.",
	"TooMany":      "Too many wrong keys came from this address.",
	"Fault":        "Something went wrong on the gateway's side; `retryable` tells whether to try again.",
}

// describe is the description of one operation.
func (s *schemas) describe(r route, op operation) object {
	responses := object{"default": response("Fault")}
	o := object{"operationId": op.id, "summary": op.summary, "tags": []string{tagOf(r.path)}, "responses": responses}
	if op.about != "" {
		o["description"] = op.about
	}
	var list []any
	for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		list = append(list, parameter(m[1], "path", true))
		responses["404"] = response("NotFound")
	}
	for _, name := range r.query {
		list = append(list, s.query(r.path, name))
	}
	if r.action == "" {
		o["security"] = []any{}
	} else {
		o["x-permission"] = string(r.action)
		var roles []string
		for _, role := range access.Roles() {
			if access.Can(role, r.action) {
				roles = append(roles, string(role))
			}
		}
		o["x-roles"] = roles
		for status, name := range map[string]string{"401": "Unauthorized", "403": "Forbidden", "422": "Invalid", "429": "TooMany"} {
			responses[status] = response(name)
		}
	}
	if r.action != "" && (r.method == "POST" || r.method == "PATCH" || r.method == "PUT") {
		list = append(list, header("Idempotency-Key", "Your key of this write, 1 to 200 characters: a repetition under it is answered as the first time."))
		for status, name := range map[string]string{"400": "BadRequest", "409": "Conflict", "413": "TooLarge", "415": "MediaType"} {
			responses[status] = response(name)
		}
	}
	headers := object{}
	if op.matched {
		list = append(list, header("If-Match", "The ETag of the version that is meant."))
		if r.method == "PUT" {
			list = append(list, header("If-None-Match", "`*`: only when there is no such record."))
		}
		responses["412"] = response("Precondition")
	}
	if op.tagged {
		list = append(list, header("If-None-Match", "The ETag of what you have."))
		responses["304"] = object{"description": "You have it."}
	}
	if op.tagged || op.matched {
		headers["ETag"] = object{"description": "The version.", "schema": text}
	}
	if list != nil {
		o["parameters"] = list
	}
	if op.takes != nil {
		o["requestBody"] = s.requestBody(op)
	}
	s.success(r, op, responses, headers)
	return o
}

// success describes the good answers.
func (s *schemas) success(r route, op operation, responses, headers object) {
	status := max(op.status, 200)
	good := object{"description": "Done."}
	if op.gives != nil {
		media := op.media
		if media == "" {
			media = intake.JSON
		}
		good["content"] = object{media: object{"schema": s.any(op.gives)}}
	}
	if r.action != "" && r.method != "GET" && r.method != "DELETE" {
		headers["Idempotent-Replayed"] = object{"description": "`true` when this was answered before.", "schema": text}
	}
	if status == 201 {
		headers["Location"] = object{"description": "Where the record is.", "schema": text}
	}
	if len(headers) > 0 {
		good["headers"] = headers
	}
	responses[fmt.Sprint(status)] = good
	if r.method == "PUT" {
		first := maps.Clone(good)
		first["description"] = "The first version."
		responses["201"] = first
	}
	if op.id == "submitOrder" {
		responses["207"] = object{"description": "The outcome of each order of a table.", "content": object{intake.JSON: object{"schema": s.any(gateway.List[row]{})}}}
	}
}

// any is the schema of a value's type, or the schema that it is.
func (s *schemas) any(v any) object {
	if schema, ok := v.(object); ok {
		return schema
	}
	return s.of(reflect.TypeOf(v))
}

func (s *schemas) requestBody(op operation) object {
	content := object{}
	for media, v := range op.takes {
		content[media] = object{"schema": s.any(v)}
	}
	if op.example != "" {
		var example any
		if err := json.Unmarshal([]byte(op.example), &example); err != nil {
			panic(op.id + ": " + err.Error())
		}
		content[intake.JSON].(object)["example"] = example
	}
	return object{"required": !op.optional, "content": content}
}

func response(name string) object { return object{"$ref": "#/components/responses/" + name} }

func parameter(name, in string, required bool) object {
	p := object{"name": name, "in": in}
	for k, v := range parameters[name] {
		p[k] = v
	}
	if parameters[name] == nil {
		panic("the parameter " + name + " is not described")
	}
	if required {
		p["required"] = true
	}
	return p
}

func header(name, text string) object {
	return object{"name": name, "in": "header", "description": text, "schema": object{"type": "string"}}
}

func (s *schemas) query(path, name string) object {
	switch {
	case name == "state":
		values := withEnum(object{"type": "string"}, stateTypes[path])
		if path == "/v1/orders" {
			return object{"name": name, "in": "query", "description": "The state.", "schema": values}
		}
		return object{"name": name, "in": "query", "description": "States; may stand several times.", "schema": object{"type": "array", "items": values}}
	case path == "/v1/events" && name == "after":
		return object{"name": name, "in": "query", "description": "The number of the last event seen.", "schema": object{"type": "integer", "minimum": 0, "default": 0}}
	}
	return parameter(name, "query", false)
}

// webhooks are the messages that go out.
func (s *schemas) webhooks() object {
	message := func(summary string, schema object) object {
		return object{"post": object{
			"summary": summary, "security": []any{},
			"parameters": []any{
				header("webhook-id", "The id of the message, the same on every retry."), header("webhook-timestamp", "When it was sent, in seconds."),
				header("webhook-signature", "The signature of Standard Webhooks over id, timestamp and body."),
			},
			"requestBody": object{"content": object{intake.JSON: object{"schema": schema}}},
			"responses":   object{"2XX": object{"description": "Taken."}, "410": object{"description": "Never send here again."}},
		}}
	}
	return object{
		"event": message("Something happened", object{
			"type": "object", "required": []string{"type", "timestamp", "data"},
			"properties": object{"type": text, "timestamp": object{"type": "string", "format": "date-time"}, "data": s.of(reflect.TypeFor[gateway.Event]())},
		}),
		"inbound.document": message("A document came in, for a webhook that forwards", s.of(reflect.TypeFor[inbound.Forwarded]())),
	}
}
