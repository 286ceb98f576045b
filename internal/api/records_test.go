package api

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/gateway"
)

func TestRecords(t *testing.T) {
	w := newWorld(t)
	for _, k := range recordRoutes {
		body := map[gateway.RecordKind]string{
			gateway.RecordLegalEntity: sellerRecord, gateway.RecordCustomer: buyerRecord, gateway.RecordItem: itemRecord,
			gateway.RecordProfile: `{"name":"p"}`, gateway.RecordPeer: anotherPeer,
		}[k.kind]
		path := "/v1" + k.path + "/" + url.PathEscape("né+w@1")
		q := request{method: "PUT", path: path, body: body, header: map[string]string{"If-None-Match": "*"}}
		r := w.expect(w.send(q), 201)
		if r.header.Get("ETag") != `"1"` {
			t.Errorf("%s: ETag %s", path, r.header.Get("ETag"))
		}
		w.refused(path+" again", w.send(q), 412, "conflict", "")
		q.header = map[string]string{"If-Match": `"1"`}
		r = w.expect(w.send(q), 200)
		if rec := into[gateway.Record](w, r); rec.Version != 2 || rec.ID != "né+w@1" || rec.Kind != k.kind || r.header.Get("ETag") != `"2"` {
			t.Errorf("%s: %+v", path, rec)
		}
		w.refused(path+" over another's change", w.send(q), 412, "conflict", "")
		if got := w.expect(w.get(path), 200); got.header.Get("ETag") != `"2"` {
			t.Errorf("%s: ETag %s", path, got.header.Get("ETag"))
		}
		if got := into[gateway.Record](w, w.expect(w.get(path+"?version=1"), 200)); got.Version != 1 {
			t.Errorf("%s: version %d", path, got.Version)
		}
		w.refused(path+" of no such version", w.get(path+"?version=9"), 404, "not_found", "")
		w.refused(path+" of no version", w.get(path+"?version=new"), 422, "invalid", "query at ?version")
		w.refused(path+" that is not JSON", w.send(request{method: "PUT", path: path, body: "{"}), 400, "intake.unreadable", "json.syntax at line 1, column 2")
		w.refused(path+" that is a list", w.send(request{method: "PUT", path: path, body: "[]", header: map[string]string{"Content-Type": "application/json"}}), 422, "invalid", "field.type at ")
		w.refused(path+" with a NUL", w.send(request{method: "PUT", path: path, body: `{"name":"a\u0000"}`}), 422, "invalid", "text.character at /name")
		unknown := w.send(request{method: "PUT", path: path, body: `{"name":"a","nam":"b"}`})
		if p := into[problem](w, unknown); unknown.status != 422 || p.Code != "invalid" || !strings.Contains(string(unknown.body), "nam") {
			t.Errorf("%s with an unknown field: %s", path, unknown.body)
		}
		w.expect(w.get("/v1"+k.path+"?limit=1"), 200)
	}
	profile := `{"name":"Retail","fields":{"order_reference":{"required":true,"pattern":"("}}}`
	w.refused("a profile that cannot be used", w.send(request{method: "PUT", path: "/v1/billing-profiles/p", body: profile}), 422, "invalid", "pattern.invalid at fields.order_reference.pattern")
	w.refused("an id with a slash", w.send(request{method: "PUT", path: "/v1/items/a%2Fb", body: itemRecord}), 422, "invalid", "")
	w.refused("a date that is none", w.send(request{method: "PUT", path: "/v1/items/x?valid_from=soon", body: itemRecord}), 422, "invalid", "date.invalid at ?valid_from")
	dated := w.expect(w.send(request{method: "PUT", path: "/v1/items/x?valid_from=2027-01-01", body: itemRecord}), 201)
	if rec := into[gateway.Record](w, dated); rec.ValidFrom.String() != "2027-01-01 00:00:00 +0000 UTC" || rec.CreatedBy.Kind != "api_key" {
		t.Errorf("got %+v", rec)
	}
	weak := request{method: "PUT", path: "/v1/items/x", body: itemRecord, header: map[string]string{"If-Match": `W/"1"`}}
	w.refused("a weak tag", w.send(weak), 422, "invalid", "header at If-Match")
	weak.header = map[string]string{"If-None-Match": `"1"`}
	w.refused("a write unless", w.send(weak), 422, "invalid", "header at If-None-Match")
	keyed := request{method: "PUT", path: "/v1/items/keyed", body: itemRecord, key: "k"}
	first := w.expect(w.send(keyed), 201)
	if again := w.send(keyed); again.status != 201 || !bytes.Equal(again.body, first.body) || again.header.Get("ETag") != `"1"` {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	keyed.path += "?valid_from=2027-01-01"
	w.refused("the key with another date", w.send(keyed), 422, "idempotency_key_reused", "")
}

func TestImportOfRecords(t *testing.T) {
	w := newWorld(t)
	table := "Identifiant;Nom;Numéro de client;Canal;Adresse du canal;Délai en jours\n" +
		"buyer;Acheteur & Cie SAS;;;;\n" +
		"new;Nouveau SARL;C-9;mail;a@new.example;45\n" +
		"bad id!;Autre;;;;\n"
	q := request{method: "POST", path: "/v1/customers/import", body: table, header: map[string]string{"Content-Type": "text/csv"}}
	rows := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	if len(rows) != 3 || rows[0].Status != 200 || rows[1].Status != 201 || rows[2].Status != 422 || rows[2].Problem.Code != "invalid" || rows[2].Row != 4 {
		t.Fatalf("got %+v", rows)
	}
	// What the table does not say stays.
	got := into[gateway.Record](w, w.expect(w.get("/v1/customers/buyer"), 200))
	for _, want := range []string{`"name":"Acheteur \u0026 Cie SAS"`, `"account_number":"C-1"`, `"address":"https://a.example/in"`, `"city":"Lille"`} {
		if !strings.Contains(string(got.Body), want) {
			t.Errorf("%s is gone: %s", want, got.Body)
		}
	}
	// The same table again says nothing new.
	before := w.rows()
	again := into[gateway.List[row]](w, w.expect(w.send(q), 207)).Items
	if again[0].Status != 200 || again[1].Status != 200 || into[gateway.Record](w, reply{body: again[1].Record}).Version != 1 {
		t.Errorf("got %+v", again)
	}
	if after := w.rows(); after["records"] != before["records"] || after["events"] != before["events"] {
		t.Errorf("an import without news wrote something: %v, before %v", after, before)
	}
	w.refused("an unknown column", w.send(request{method: "POST", path: q.path, body: "Id,Nam\nx,y\n", header: q.header}), 422, "intake.invalid", `sheet.unknown_column at row 1, column "Nam"`)
	w.refused("a table of peers", w.send(request{method: "POST", path: "/v1/peers/import", body: table, header: q.header}), 405, "method_not_allowed", "")
	w.refused("JSON", w.post(q.path, `{"id":"x"}`), 415, "intake.media_type", "")
	items := into[gateway.List[row]](w, w.expect(w.send(request{
		method: "POST", path: "/v1/items/import", body: "id,name,seller_id,VAT category,VAT rate\nvis,Vis,V-1,S,20 %\n", header: q.header, key: "i1",
	}), 207)).Items
	if items[0].Status != 201 {
		t.Errorf("got %+v", items)
	}
	entities := into[gateway.List[row]](w, w.expect(w.send(request{
		method: "POST", path: "/v1/legal-entities/import", body: "id,Invoice numbers\nseller,{n}{n}\n", header: q.header,
	}), 207)).Items
	if entities[0].Status != 422 {
		t.Errorf("a bad number pattern: %+v", entities)
	}
}
