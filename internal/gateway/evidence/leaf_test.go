package evidence

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLeafBytes(t *testing.T) {
	var random counter
	leaf, err := NewLeaf(Entry{
		Seq: 7, EventID: "evt_7",
		Event:    []byte(` { "z": [1, -2, true, null], "a": {"é": "\u00e9\u0001/", "B": "1.50"} } `),
		Personal: map[string]string{"ip": "192.0.2.1"},
	}, &random)
	if err != nil {
		t.Fatal(err)
	}
	// The commitment is HMAC-SHA-256 with key 0x01…0x20 over "ip", NUL, "192.0.2.1",
	// as computed with openssl.
	const want = `{"event":{"a":{"B":"1.50","é":"é\u0001/"},"z":[1,-2,true,null]},"id":"evt_7",` +
		`"personal":{"ip":"2a794ef4d9aecbb5c5fda2794aa8315428ce988616d663abdac6b50bd26d2346"},"seq":7,"v":1}`
	if string(leaf.Bytes) != want {
		t.Errorf("got %s\nwant %s", leaf.Bytes, want)
	}
	body, err := parseLeaf(leaf.Bytes)
	if err != nil || body.Seq != 7 || body.EventID != "evt_7" {
		t.Errorf("read back: %+v, %v", body, err)
	}
}

func TestCommitmentHides(t *testing.T) {
	salt := []byte(strings.Repeat("s", saltSize))
	one := Commitment(salt, "ip", "192.0.2.1")
	for name, other := range map[string]string{
		"value":    Commitment(salt, "ip", "192.0.2.2"),
		"name":     Commitment(salt, "iq", "192.0.2.1"),
		"salt":     Commitment([]byte(strings.Repeat("t", saltSize)), "ip", "192.0.2.1"),
		"boundary": Commitment(salt, "ip1", "92.0.2.1"),
	} {
		if one == other {
			t.Errorf("another %s gives the same commitment", name)
		}
	}
}

func TestEntryRefused(t *testing.T) {
	for name, e := range map[string]Entry{
		"no id":            {Event: []byte(`{}`)},
		"long id":          {EventID: strings.Repeat("x", 300), Event: []byte(`{}`)},
		"no event":         {EventID: "e"},
		"not an object":    {EventID: "e", Event: []byte(`[]`)},
		"not JSON":         {EventID: "e", Event: []byte(`{`)},
		"two values":       {EventID: "e", Event: []byte(`{} {}`)},
		"fraction":         {EventID: "e", Event: []byte(`{"a":1.5}`)},
		"exponent":         {EventID: "e", Event: []byte(`{"a":[1e2]}`)},
		"negative zero":    {EventID: "e", Event: []byte(`{"a":-0}`)},
		"54 bits":          {EventID: "e", Event: []byte(`{"a":9007199254740992}`)},
		"doubled name":     {EventID: "e", Event: []byte(`{"a":1,"a":2}`)},
		"bad UTF-8":        {EventID: "e", Event: []byte("{\"a\":\"\xff\"}")},
		"lone surrogate":   {EventID: "e", Event: []byte(`{"a":"\ud800"}`)},
		"too large":        {EventID: "e", Event: []byte(`{"a":"` + strings.Repeat("x", maxEvent) + `"}`)},
		"personal no name": {EventID: "e", Event: []byte(`{}`), Personal: map[string]string{"": "x"}},
		"personal NUL":     {EventID: "e", Event: []byte(`{}`), Personal: map[string]string{"a\x00": "x"}},
		"personal UTF-8":   {EventID: "e", Event: []byte(`{}`), Personal: map[string]string{"a": "\xff"}},
		"personal large":   {EventID: "e", Event: []byte(`{}`), Personal: map[string]string{"a": strings.Repeat("x", maxValue+1)}},
	} {
		var random counter
		if err := e.Check(); err == nil {
			t.Errorf("%s: Check passes", name)
		}
		e.Seq = 1
		if _, err := NewLeaf(e, &random); err == nil {
			t.Errorf("%s: a leaf was made", name)
		}
	}
	if _, err := NewLeaf(Entry{EventID: "e", Event: []byte(`{}`)}, new(counter)); err == nil {
		t.Error("a leaf without a number was made")
	}
	if _, err := NewLeaf(Entry{Seq: 1, EventID: "e", Event: []byte(`{}`), Personal: map[string]string{"a": "b"}}, strings.NewReader("short")); err == nil {
		t.Error("a leaf was made without enough randomness")
	}
}

// What Check lets through has one canonical form, which stays as it is.
func TestCanonicalIsStable(t *testing.T) {
	values := rapid.MapOf(rapid.String(), rapid.OneOf(
		rapid.Map(rapid.Int64Range(-1<<53+1, 1<<53-1), func(n int64) any { return n }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	))
	rapid.Check(t, func(t *rapid.T) {
		value := values.Draw(t, "value")
		first, err := encode(value)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Canonical(first)
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s, %v", first, second, err)
		}
		var back map[string]any
		if err := decode(first, &back); err != nil || len(back) != len(value) {
			t.Fatalf("read back %v, %v", back, err)
		}
	})
}
