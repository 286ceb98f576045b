package https

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"facteur.dev/facteur/transport"
)

type vectorFile struct {
	Seed    string            `json:"ed25519_seed"`
	Keys    map[string]string `json:"keys"`
	Vectors []struct {
		Name    string `json:"name"`
		Key     string `json:"key"`
		Alg     string `json:"alg"`
		Label   string `json:"label"`
		Request struct {
			request
			Query string `json:"query"`
		} `json:"request"`
		Response  *response `json:"response"`
		Input     string    `json:"signature_input"`
		Signature string    `json:"signature"`
		Base      []string  `json:"base"`
		Invalid   bool      `json:"invalid"`
	} `json:"vectors"`
}

func vectors(t *testing.T) vectorFile {
	t.Helper()
	b, err := os.ReadFile("testdata/rfc9421/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Vectors) < 8 {
		t.Fatalf("only %d vectors", len(f.Vectors))
	}
	return f
}

func TestVectorsRFC9421(t *testing.T) {
	f := vectors(t)
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			block, _ := pem.Decode([]byte(f.Keys[v.Key]))
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			x := exchange{request: v.Request.request, response: v.Response}
			x.request.Query = v.Request.Query
			all, err := signatures(fields{"signature-input": v.Input, "signature": v.Signature}, func(string) bool { return true })
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			base, err := all[0].base(x)
			if err != nil || string(base) != strings.Join(v.Base, "\n") {
				t.Fatalf("base %v:\n%s", err, base)
			}
			if err := verifyBase(key, v.Alg, base, all[0].value); (err == nil) == v.Invalid {
				t.Errorf("verify: %v", err)
			}
			if err := verifyBase(key, v.Alg, append(base, ' '), all[0].value); err == nil {
				t.Error("a changed base verifies")
			}
		})
	}
}

// Ed25519 is deterministic: signing the B.2.6 request must give the RFC's own signature.
func TestSignVectorB26(t *testing.T) {
	f := vectors(t)
	seed, err := base64.RawURLEncoding.DecodeString(f.Seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range f.Vectors {
		if !strings.HasPrefix(v.Name, "B.2.6") {
			continue
		}
		s := transport.NewSigner(v.Key, ed25519.NewKeyFromSeed(seed))
		sig, err := signBase(rand.Reader, s, v.Alg, []byte(strings.Join(v.Base, "\n")))
		if err != nil || v.Label+"=:"+base64.StdEncoding.EncodeToString(sig)+":" != v.Signature {
			t.Fatalf("%x %v", sig, err)
		}
		return
	}
	t.Fatal("no vector B.2.6")
}

func TestAlgorithmMustFitKey(t *testing.T) {
	f := vectors(t)
	for id, own := range map[string][]string{
		"test-key-rsa-pss": {algRSAPSS, algRSAv15}, "test-key-ecc-p256": {algECDSA256}, "test-key-ed25519": {algEd25519},
	} {
		block, _ := pem.Decode([]byte(f.Keys[id]))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, alg := range []string{algRSAPSS, algRSAv15, algECDSA256, algEd25519, "hmac-sha256", "none", ""} {
			err := verifyBase(key, alg, []byte("x"), make([]byte, 64))
			fits := strings.Contains(strings.Join(own, " ")+" ", alg+" ") && alg != ""
			if err == nil || (err == errSignature) != fits {
				t.Errorf("%s with %q: %v", id, alg, err)
			}
		}
	}
	if err := verifyBase(nil, algEd25519, nil, nil); err == nil {
		t.Error("no key verifies")
	}
	if _, err := algorithm(crypto.PublicKey("text")); err == nil {
		t.Error("a text is a key")
	}
}

func TestUnreadableSignatures(t *testing.T) {
	const value = `a=:AAAA:`
	for input, signature := range map[string]string{
		``:                                      value,
		`a=`:                                    value,
		`a="x";tag="t"`:                         value,
		`a=("x");tag="other"`:                   value,
		`a=("X");tag="t"`:                       value,
		`a=(x);tag="t"`:                         value,
		`a=("x" "x");tag="t"`:                   value,
		`a=("x";sf);tag="t"`:                    value,
		`a=("x";key="k");tag="t"`:               value,
		`a=("x";bs);tag="t"`:                    value,
		`a=("x";tr);tag="t"`:                    value,
		`a=("x";req=?0);tag="t"`:                value,
		`a=("@query-param";name="q");tag="t"`:   value,
		`a=("x");tag="t", b=("x");tag="t"`:      value + `, b=:AAAA:`,
		`a=("x");tag="t"`:                       ``,
		`a=("x") ; tag="t"`:                     `a=:A`,
		`a=("x");tag="t";created=1618884473.5 `: `a="AAAA"`,
		`b=("x");tag="t"`:                       value,
	} {
		if s, err := theSignature(fields{"signature-input": input, "signature": signature}, "t"); err == nil {
			t.Errorf("%s with %s was read: %+v", input, signature, s)
		}
	}
}

func TestMissingComponents(t *testing.T) {
	x := exchange{request: request{Method: "POST", Fields: fields{"a": "1", "lines": "1\n\"@status\": 200"}}}
	for _, c := range []component{{name: "b"}, {name: "@status"}, {name: "@unknown"}, {name: "a", req: true}, {name: "lines"}, {name: "@method", req: true}} {
		if v, err := x.value(c); err == nil {
			t.Errorf("%+v has the value %q", c, v)
		}
	}
	x.response = &response{Status: 200}
	for _, c := range []component{{name: "a"}, {name: "@method"}, {name: "@status", req: true}} {
		if v, err := x.value(c); err == nil {
			t.Errorf("%+v has the value %q", c, v)
		}
	}
	// A field cannot pose as a derived component.
	x = exchange{request: request{Fields: fields{"@status": "200", "@target-uri": "x"}}}
	if _, err := x.value(component{name: "@target-uri"}); err == nil {
		t.Error("a field posed as a derived component")
	}
}

// Whatever is signed verifies, and no other request verifies with the same signature.
func TestSignedRequestsAreBound(t *testing.T) {
	key := newKey(t, "k")
	text := rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?`)
	rapid.Check(t, func(t *rapid.T) {
		draw := func() (request, http.Header) {
			h := http.Header{}
			for _, n := range []string{"Content-Digest", "Content-Type", HeaderMessageID, HeaderSender, HeaderReceiver} {
				for range rapid.IntRange(1, 2).Draw(t, "lines") {
					h.Add(n, text.Draw(t, n))
				}
			}
			return request{
				Method: "POST", Authority: rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "authority"),
				Path: "/" + rapid.StringMatching(`[a-z]{0,2}`).Draw(t, "path"), Fields: combine(h),
			}, h
		}
		a, _ := draw()
		input, value, err := sign(rand.Reader, key, algEd25519, exchange{request: a}, requestCovered(), signParams{created: noon, tag: tagRequest})
		if err != nil {
			t.Fatal(err)
		}
		s, err := theSignature(fields{"signature-input": input, "signature": value}, tagRequest)
		if err != nil {
			t.Fatal(err)
		}
		base, err := s.base(exchange{request: a})
		if err != nil || verifyBase(key.Public(), s.alg, base, s.value) != nil {
			t.Fatalf("own signature does not verify: %v", err)
		}
		b, _ := draw()
		other, err := s.base(exchange{request: b})
		if err != nil {
			t.Fatal(err)
		}
		same := a.Authority == b.Authority && a.Path == b.Path
		for n := range a.Fields {
			same = same && a.Fields[n] == b.Fields[n]
		}
		if same != bytes.Equal(base, other) || same != (verifyBase(key.Public(), s.alg, other, s.value) == nil) {
			t.Fatalf("requests confused:\n%s\n%s", base, other)
		}
	})
}

func TestContentDigest(t *testing.T) {
	m := message("1", "hello")
	if got, err := readContentDigest(contentDigest(m.SHA256)); err != nil || got != m.SHA256 {
		t.Fatalf("%x %v", got, err)
	}
	// RFC 9530, appendix D: the digest of {"hello": "world"} and a line feed.
	sum, err := readContentDigest(`sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:, ` +
		`sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:`)
	if err != nil || sum[0] != 0x44 {
		t.Fatalf("%x %v", sum, err)
	}
	for _, bad := range []string{"", "sha-256", "sha-256=1", "sha-256=:AAAA:", "sha-512=:AAAA:", "sha-256=(:AAAA:)", "%"} {
		if _, err := readContentDigest(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzSignature(f *testing.F) {
	file, err := os.ReadFile("testdata/rfc9421/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	var v vectorFile
	if err := json.Unmarshal(file, &v); err != nil || len(v.Vectors) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, v := range v.Vectors {
		f.Add(v.Input, v.Signature)
	}
	f.Add(`sig=("a";req "b");created=1;keyid="k";alg="ed25519";tag="t";expires=2`, `sig=:AAAA:`)
	f.Fuzz(func(t *testing.T, input, value string) {
		all, err := signatures(fields{"signature-input": input, "signature": value}, func(string) bool { return true })
		if err != nil {
			return
		}
		x := exchange{request: request{Method: "POST", Authority: "a", Path: "/", Fields: fields{"a": "1", "date": "x"}}}
		for _, s := range all {
			base, err := s.base(x)
			if err != nil {
				continue
			}
			// The base has one line per component and one for the parameters, and says what is covered.
			if n := bytes.Count(base, []byte("\n")); n != len(s.covered) {
				t.Fatalf("%d lines for %d components: %q", n+1, len(s.covered), base)
			}
			if !bytes.Contains(base, []byte("\"@signature-params\": (")) {
				t.Fatalf("no parameters in %q", base)
			}
		}
	})
}
