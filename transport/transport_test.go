package transport

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func good() Message {
	return Message{
		ID: "01J.a_b-c+d@gw:1", Sender: "iso6523-actorid-upis::0208:0123456789", Receiver: "0088:4012345000009",
		ContentType: "application/xml; charset=UTF-8", Body: []byte("<Invoice/>"), SHA256: sha256.Sum256([]byte("<Invoice/>")),
	}
}

func TestCheck(t *testing.T) {
	m := good()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Message)
		code   string
	}{
		"no id":             {func(m *Message) { m.ID = "" }, CodeMessage},
		"long id":           {func(m *Message) { m.ID = strings.Repeat("a", 201) }, CodeMessage},
		"id with space":     {func(m *Message) { m.ID = "a b" }, CodeMessage},
		"id with bracket":   {func(m *Message) { m.ID = "a>b" }, CodeMessage},
		"id with line":      {func(m *Message) { m.ID = "a\nb" }, CodeMessage},
		"id with accent":    {func(m *Message) { m.ID = "é" }, CodeMessage},
		"no body":           {func(m *Message) { m.Body = nil }, CodeMessage},
		"other body":        {func(m *Message) { m.Body = []byte("x") }, CodeDigest},
		"no sender":         {func(m *Message) { m.Sender = "" }, CodeMessage},
		"no receiver":       {func(m *Message) { m.Receiver = "" }, CodeMessage},
		"no content type":   {func(m *Message) { m.ContentType = "" }, CodeMessage},
		"sender with line":  {func(m *Message) { m.Sender = "a\r\nX: y" }, CodeMessage},
		"leading space":     {func(m *Message) { m.Receiver = " a" }, CodeMessage},
		"trailing space":    {func(m *Message) { m.Process = "a " }, CodeMessage},
		"type with accent":  {func(m *Message) { m.DocumentType = "é" }, CodeMessage},
		"giant identifiers": {func(m *Message) { m.DocumentType = strings.Repeat("a", 1001) }, CodeMessage},
	} {
		m := good()
		c.change(&m)
		var e *Error
		if err := m.Check(); !errors.As(err, &e) || e.Code != c.code || e.Retry {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "  a \t\r\n b ": "a b", "a\x00b": "a b", "bell\a": "bell", "\x1b[31mred": "[31mred",
		"été": "été", "bad \xff byte": "bad byte", "right\u202eleft": "right left", "zero\u200bwidth": "zero width",
		strings.Repeat("x", 299) + " y": strings.Repeat("x", 299), strings.Repeat("x", 299) + "é": strings.Repeat("x", 299),
	} {
		if got := Safe(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := Safe(strings.Repeat("x", rapid.IntRange(0, 310).Draw(t, "filling")) + string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "bytes")))
		if len(s) > 300 || !utf8.ValidString(s) || s != Safe(s) || s != strings.TrimSpace(s) ||
			strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Fatalf("%q", s)
		}
	})
}

func TestKeyRing(t *testing.T) {
	key := func(n byte) ed25519.PublicKey {
		return ed25519.NewKeyFromSeed(append(make([]byte, 31), n)).Public().(ed25519.PublicKey)
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ring := KeyRing{
		{ID: "a", Public: key(1), Participants: []string{"p", "q"}, NotAfter: day},
		{ID: "a", Public: key(2), Participants: []string{"p"}, NotBefore: day.Add(time.Second)},
		{ID: "b", Public: key(3), Participants: nil},
	}
	for _, c := range []struct {
		id, participant string
		at              time.Time
		want            byte
	}{
		{"a", "p", day, 1},
		{"a", "q", day, 1},
		{"a", "p", day.Add(time.Second), 2},
		{"a", "q", day.Add(time.Second), 0},
		{"a", "p", day.Add(time.Millisecond), 0},
		{"a", "", day, 0},
		{"b", "p", day, 0},
		{"c", "p", day, 0},
		{"", "p", day, 0},
	} {
		got, err := ring.PublicKey(t.Context(), c.id, c.participant, c.at)
		if c.want != 0 {
			if err != nil || !key(c.want).Equal(got) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeKey || e.Retry || got != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestEndpointJSON(t *testing.T) {
	want := Endpoint{Channel: ChannelAP, Address: "https://ap.example/in", PeerID: "p", Bearer: "token-name", Identity: "cert-name", Idempotent: true}
	b, err := json.Marshal(want)
	if err != nil || string(b) != `{"channel":"https.ap","address":"https://ap.example/in","peer_id":"p","bearer":"token-name","identity":"cert-name","idempotent":true}` {
		t.Fatal(string(b), err)
	}
	var got Endpoint
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Error(cmp.Diff(want, got), err)
	}
}

func ExampleError() {
	err := error(Fault(CodeEndpoint, "the address %q is no https URL", "ftp://x").Because(errors.New("scheme ftp")))
	var e *Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, e.Retry, e.Safe())
	}
	fmt.Println(err)
	// Output:
	// transport.endpoint false the address "ftp://x" is no https URL
	// transport.endpoint: the address "ftp://x" is no https URL: scheme ftp
}
