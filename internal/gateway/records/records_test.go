package records_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"facteur.dev/facteur/internal/billing"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/gatewaytest"
	"facteur.dev/facteur/internal/gateway/records"
)

const tenant = gatewaytest.Tenant

var anna = gateway.Actor{Kind: "user", ID: "usr_1", Name: "Anna Martin"}

func put(w *gatewaytest.World, kind gateway.RecordKind, id, body string, ifVersion int64, from time.Time) (gateway.Record, error) {
	return w.Book.Put(w.Context(), tenant, anna, gateway.Record{Kind: kind, ID: id, Body: json.RawMessage(body), ValidFrom: from}, ifVersion)
}

func TestVersionsAreKept(t *testing.T) {
	w := gatewaytest.New(t)
	for i, name := range []string{"Un", "Deux", "Trois"} {
		w.Clock.Advance(time.Hour)
		r, err := put(w, gateway.RecordCustomer, "c-1", `{"name":"`+name+`"}`, -1, time.Time{})
		w.Must(err)
		if r.Version != int64(i+1) || !r.ValidFrom.Equal(w.Clock.Now()) || !r.CreatedAt.Equal(w.Clock.Now()) || r.CreatedBy != anna {
			t.Errorf("%+v", r)
		}
	}
	w.Read(func(r gateway.Reader) error {
		for version, name := range map[int64]string{0: "Trois", 1: "Un", 2: "Deux", 3: "Trois"} {
			rec, err := r.Record(w.Context(), gateway.RecordCustomer, "c-1", version)
			if err != nil || !strings.Contains(string(rec.Body), name) {
				t.Errorf("version %d: %s %v", version, rec.Body, err)
			}
		}
		for hours, name := range map[int]string{1: "Un", 2: "Deux", 3: "Trois", 300: "Trois"} {
			rec, err := r.RecordAt(w.Context(), gateway.RecordCustomer, "c-1", gatewaytest.Start.Add(time.Duration(hours)*time.Hour))
			if err != nil || !strings.Contains(string(rec.Body), name) {
				t.Errorf("after %d h: %s %v", hours, rec.Body, err)
			}
		}
		if _, err := r.RecordAt(w.Context(), gateway.RecordCustomer, "c-1", gatewaytest.Start); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("before the first: %v", err)
		}
		events, err := r.Unsealed(w.Context(), 10)
		var told []string
		for _, e := range events {
			told = append(told, string(e.Type)+" "+string(e.Data)+" "+e.ActorName())
		}
		if diff := cmp.Diff([]string{
			`record.changed {"id":"c-1","kind":"customer","version":1} Anna Martin`,
			`record.changed {"id":"c-1","kind":"customer","version":2} Anna Martin`,
			`record.changed {"id":"c-1","kind":"customer","version":3} Anna Martin`,
		}, told); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

func TestIfVersion(t *testing.T) {
	w := gatewaytest.New(t)
	body := `{"name":"Acheteur"}`
	_, err := put(w, gateway.RecordCustomer, "c", body, 1, time.Time{})
	w.Fails(err, "conflict")
	_, err = put(w, gateway.RecordCustomer, "c", body, 0, time.Time{})
	w.Must(err)
	_, err = put(w, gateway.RecordCustomer, "c", body, 0, time.Time{})
	w.Fails(err, "conflict")
	var e *gateway.Error
	if !errors.As(err, &e) || e.Ref != "c" {
		t.Errorf("points at %+v", e)
	}
	_, err = put(w, gateway.RecordCustomer, "c", body, 1, time.Time{})
	w.Must(err)
	_, err = put(w, gateway.RecordCustomer, "c", body, 1, time.Time{})
	w.Fails(err, "conflict")

	// Of many who read version 2, one writes version 3.
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = put(w, gateway.RecordCustomer, "c", body, 2, time.Time{}) })
	}
	wg.Wait()
	written := 0
	for _, err := range errs {
		if err == nil {
			written++
		} else if gateway.Code(err) != "conflict" {
			t.Error(err)
		}
	}
	if written != 1 {
		t.Errorf("%d writers succeeded", written)
	}
}

func TestWrongBodiesNameThePlace(t *testing.T) {
	w := gatewaytest.New(t)
	key := peerKey(t)
	for _, c := range []struct {
		kind gateway.RecordKind
		body string
		path string
		code string
	}{
		{gateway.RecordCustomer, ``, "", "json.syntax"},
		{gateway.RecordCustomer, `[]`, "", "field.type"},
		{gateway.RecordCustomer, `null`, "/name", "field.missing"},
		{gateway.RecordCustomer, `{"name":"A"} {}`, "", "json.syntax"},
		{gateway.RecordCustomer, `{"name":"A","nam`, "", "json.syntax"},
		{gateway.RecordCustomer, `{"name":"A","address":{"city":"P","cuntry":"FR"}}`, "/address/cuntry", "field.unknown"},
		{gateway.RecordCustomer, `{"name":"A","Name":"B"}`, "/Name", "field.unknown"},
		{gateway.RecordCustomer, `{"name":"A","name":"B"}`, "/name", "json.duplicate"},
		{gateway.RecordCustomer, `{"name":7}`, "/name", "field.type"},
		{gateway.RecordCustomer, `{"name":"A","address":{"city":["P"]}}`, "/address/city", "field.type"},
		{gateway.RecordCustomer, `{"name":"\ud800"}`, "/name", "json.syntax"},
		{gateway.RecordCustomer, `{"name":" "}`, "/name", "field.missing"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"mail","address":"a@b.example"},{"channel":"fax","address":"1"}]}`, "/routes/1/channel", "field.value"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"sink","address":"sink:accepts"}]}`, "/routes/0/channel", "field.value"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"https.ap","address":"http://a.example"}]}`, "/routes/0/address", "field.value"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"https.gateway","address":"https://u:p@a.example"}]}`, "/routes/0/address", "field.value"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"mail","address":"a b@c.example"}]}`, "/routes/0/address", "field.value"},
		{gateway.RecordCustomer, `{"name":"A","routes":[{"channel":"mail","address":"a@"}]}`, "/routes/0/address", "field.value"},
		{gateway.RecordLegalEntity, `{"vat_identifier":"FR1"}`, "/name", "field.missing"},
		{gateway.RecordLegalEntity, `{"name":"A","invoice_numbers":"FA-{yyyy}"}`, "/invoice_numbers", "field.value"},
		{gateway.RecordLegalEntity, `{"name":"A","credit_note_numbers":"{n:0}"}`, "/credit_note_numbers", "field.value"},
		{gateway.RecordItem, `{"seller_id":"1","vat":{"rate":"x"},"name":"A"}`, "/vat/rate", "field.value"},
		{gateway.RecordPeer, `{"name":"P"}`, "/key_id", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k"}`, "/participants", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k","participants":["0088:1",""],"public_key":` + key + `}`, "/participants/1", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k","participants":["0088:1\n"],"public_key":` + key + `}`, "/participants/0", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k","participants":["0088:1"],"url":"http://a.example","public_key":` + key + `}`, "/url", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k","participants":["0088:1"],"public_key":"x"}`, "/public_key", "peer"},
		{gateway.RecordPeer, `{"name":"P","key_id":"k","participants":["0088:1"],"public_key":"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}`, "/public_key", "peer"},
		{gateway.RecordItem, `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, "", "json.too_large"},
	} {
		_, err := put(w, c.kind, "r", c.body, -1, time.Time{})
		var e *gateway.Error
		if !errors.As(err, &e) || e.Code != "invalid" || len(e.Fields) != 1 || e.Fields[0].Path != c.path || e.Fields[0].Code != c.code || e.Fields[0].Message == "" {
			t.Errorf("%s %.80s: %v %+v", c.kind, c.body, err, e)
		}
	}
	_, err := put(w, "nonsense", "r", `{}`, -1, time.Time{})
	w.Fails(err, "invalid")
	for _, id := range []string{"", "a b", "-a", "a/b", "é\x00", strings.Repeat("a", 101), "\xff"} {
		_, err := put(w, gateway.RecordCustomer, id, `{"name":"A"}`, -1, time.Time{})
		w.Fails(err, "invalid")
	}
	_, err = put(w, gateway.RecordCustomer, "Épicerie-1@x_y.z+", `{"name":"A"}`, -1, time.Time{})
	w.Must(err)
	w.Read(func(r gateway.Reader) error {
		for _, kind := range []gateway.RecordKind{gateway.RecordCustomer, gateway.RecordLegalEntity, gateway.RecordItem, gateway.RecordPeer} {
			if _, err := r.Record(w.Context(), kind, "r", 0); !errors.Is(err, gateway.ErrNotFound) {
				t.Errorf("a refused %s was written: %v", kind, err)
			}
		}
		return nil
	})
}

func TestProfilesAreCheckedBeforeTheyAreKept(t *testing.T) {
	w := gatewaytest.New(t)
	wrong := gateway.ErrInvalid.With("an example fails", nil)
	w.Book.CheckProfile = func(_ context.Context, id string, body json.RawMessage) error {
		if id != "p" || string(body) == `{"bad":1}` {
			return wrong
		}
		return nil
	}
	if _, err := put(w, gateway.RecordProfile, "p", `{"bad":1}`, -1, time.Time{}); !errors.Is(err, wrong) {
		t.Error(err)
	}
	r, err := put(w, gateway.RecordProfile, "p", `{"name":"good"}`, -1, time.Time{})
	if err != nil || r.Version != 1 || string(r.Body) != `{"name":"good"}` {
		t.Errorf("%+v %v", r, err)
	}
}

func TestKeys(t *testing.T) {
	entity := func(vat, reg, addr, id, name string) []string {
		body := `{"name":` + quote(name) + `,"vat_identifier":` + quote(vat) + `,"legal_registration":{"value":` + quote(reg) + `,"scheme":"0002"},
			"electronic_address":{"value":` + quote(addr) + `,"scheme":"EM"},"identifiers":[{"value":` + quote(id) + `,"scheme":"0088"}]}`
		var e billing.LegalEntity
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		return records.EntityKeys(e)
	}
	want := []string{"vat::BE0123456789", "reg:0002:RCSPARISB123", "addr:EM:A.B@X.EXAMPLE", "id:0088:4012345000009", "name::SOCIETEGENERALELUCAS&CO"}
	if diff := cmp.Diff(want, entity("be 0123.456.789", "RCS Paris B-123", "a.b@x.example", "40 12345 00000 9", "Société Générale – L'Ucas & Co.")); diff != "" {
		t.Error(diff)
	}
	// The same letters in other codings, widths and cases.
	if diff := cmp.Diff(want, entity("ＢＥ\u00a00123 456/789", "rcs paris (b) 123", " A.B@X.example", "4012345000009", "SOCIE\u0301TE\u0301 GENERALE L\u2019UCAS&CO")); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		a, b billing.Customer
		same bool
	}{
		{billing.Customer{Name: "Straße 1"}, billing.Customer{Name: "STRASSE 1"}, true},
		{billing.Customer{Name: "Müller"}, billing.Customer{Name: "Muller"}, true},
		{billing.Customer{Name: "Müller & Co"}, billing.Customer{Name: "Müller Co"}, false},
		{billing.Customer{AccountNumber: "1-23"}, billing.Customer{AccountNumber: "12-3"}, false},
		{billing.Customer{AccountNumber: "c-1 "}, billing.Customer{AccountNumber: "C-1"}, true},
		{billing.Customer{AccountNumber: "é1"}, billing.Customer{AccountNumber: "e1"}, false},
	} {
		if got := cmp.Equal(records.CustomerKeys(c.a), records.CustomerKeys(c.b)); got != c.same {
			t.Errorf("%v and %v", records.CustomerKeys(c.a), records.CustomerKeys(c.b))
		}
	}
	items := func(id string) []string { return records.ItemKeys(billing.Item{SellerID: id}) }
	if cmp.Equal(items("10-5"), items("105")) || cmp.Equal(items("1.5"), items("15")) || !cmp.Equal(items("ab-1"), items(" AB-1")) {
		t.Error("articles are mixed up")
	}
	if got := records.Keys(records.Identity{VATIdentifier: " .-", Name: "\t"}); len(got) != 0 {
		t.Errorf("keys of nothing: %q", got)
	}
	long := strings.Repeat("x", 1<<20)
	for _, k := range []string{records.Keys(records.Identity{Name: long})[0], records.AddressKey(long, long), records.AddressKey("0088", long)} {
		if len(k) > 300 {
			t.Errorf("a key of %d bytes", len(k))
		}
	}
	if records.AddressKey("0088", long) == records.AddressKey("0088", long+"y") || records.AddressKey("EM", "a.b@c") == records.AddressKey("EM", "ab@c") {
		t.Error("two addresses have one key")
	}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// However people space, punctuate and capitalise a name or an official number, it
// is found; a digit more or less is another one.
func TestSpellingsOfOneParty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[1-9][0-9]{8}`).Draw(t, "digits")
		name := rapid.StringMatching(`[A-Z][a-zéèçöß]{2,8}`).Draw(t, "name")
		noise := func(s string, between []string) string {
			var out strings.Builder
			for _, r := range s {
				out.WriteString(rapid.SampledFrom(between).Draw(t, "noise"))
				if rapid.Bool().Draw(t, "upper") {
					out.WriteString(strings.ToUpper(string(r)))
				} else {
					out.WriteString(norm.NFD.String(string(r)))
				}
			}
			return out.String()
		}
		one := records.Keys(records.Identity{VATIdentifier: "FR12" + digits, Name: name})
		again := records.Keys(records.Identity{
			VATIdentifier: noise("FR12"+digits, []string{"", "", " ", ".", "-", "\u00a0"}), Name: noise(name, []string{"", "", " ", ".", "'", "\u2019"}),
		})
		if diff := cmp.Diff(one, again); diff != "" {
			t.Fatal(diff)
		}
		other := records.Keys(records.Identity{VATIdentifier: "FR12" + digits + rapid.StringMatching(`[0-9]`).Draw(t, "more"), Name: name + "x"})
		if one[0] == other[0] || one[1] == other[1] {
			t.Fatalf("%q and %q", one, other)
		}
	})
}
