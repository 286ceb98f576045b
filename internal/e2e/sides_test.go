package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// The two companies of the tests.
const (
	sellerID = "iso6523-actorid-upis::0225:000123456"
	buyerID  = "iso6523-actorid-upis::0225:000234567"
)

const (
	sellerRecord = `{"name":"Vendeur SAS","vat_identifier":"FR40000123456","legal_registration":{"value":"000123456","scheme":"0002"},
		"electronic_address":{"value":"000123456","scheme":"0225"},"address":{"line1":"1 rue A","city":"Paris","post_code":"75001","country":"FR"},
		"accounts":[{"iban":"FR7630006000011234567890189"}],"terms":{"net_days":30},"invoice_numbers":"FA-{yyyy}-{n:5}"}`
	buyerEntity = `{"name":"Acheteur SAS","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
		"address":{"line1":"2 rue B","city":"Lille","post_code":"59000","country":"FR"}}`
	itemRecord = `{"seller_id":"SKU-1","name":"Vis","unit":"C62","vat":{"category":"S","rate":"20"}}`
)

// buyerRecord is the customer as its supplier knows it; routes are JSON.
func buyerRecord(routes string) string {
	return `{"name":"Acheteur SAS","account_number":"C-1","vat_identifier":"FR75000234567","electronic_address":{"value":"000234567","scheme":"0225"},
		"address":{"line1":"2 rue B","city":"Lille","post_code":"59000","country":"FR"},"routes":[` + routes + `]}`
}

// supplier gives an account the records of a seller with one customer.
func (a *account) supplier(routes string) *account {
	a.g.t.Helper()
	a.put("/v1/legal-entities/seller", sellerRecord).is(http.StatusCreated)
	a.put("/v1/customers/buyer", buyerRecord(routes)).is(http.StatusCreated)
	a.put("/v1/items/sku-1", itemRecord).is(http.StatusCreated)
	return a
}

// door is where other gateways reach an account.
func (a *account) door() string { return a.g.url + "/in/" + a.tenant }

// gatewayRoute is the route to an account on a gateway.
func gatewayRoute(to *account) string {
	return fmt.Sprintf(`{"channel":"https.gateway","address":%q,"receiver":%q}`, to.door(), buyerID)
}

// introduce makes a supplier and a customer each other's peers.
func introduce(seller, buyer *account) {
	seller.g.t.Helper()
	buyer.put("/v1/legal-entities/buyer", buyerEntity).is(http.StatusCreated)
	seller.knows(buyer, buyerID)
	buyer.knows(seller, sellerID)
}

// knows makes another account, which speaks for a participant, a peer.
func (a *account) knows(other *account, participant string) {
	a.g.t.Helper()
	id := other.g.identity()
	peer, err := json.Marshal(map[string]any{
		"name": other.tenant, "participants": []string{participant}, "url": other.door(), "key_id": id.KeyID, "public_key": id.PublicKey,
	})
	a.put("/v1/peers/"+other.tenant, string(must(a.g.t, peer, err))).is(http.StatusCreated)
}

// order is an order of the customer; its external id is "ext-0007" for 7.
func order(n int) string {
	return fmt.Sprintf(`{"number":"PO-%04d","external_id":"ext-%04d","issue_date":"2026-11-20","currency":"EUR","billing":"on_order",
		"buyer":{"account_number":"C-1"},"lines":[{"id":"1","item":{"seller_id":"SKU-1"},"quantity":"%d","price":{"net":"10.00"}}]}`, n, n, 1+n%7)
}

// placed submits an order and waits for the path of its invoice.
func (a *account) placed(n int) string {
	a.g.t.Helper()
	a.post("/v1/orders", order(n), fmt.Sprintf("Idempotency-Key: order-%d", n)).is(http.StatusCreated)
	return a.invoiceOf(fmt.Sprintf("ext-%04d", n))
}
