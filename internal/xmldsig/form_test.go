package xmldsig

import (
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
)

// TestSignatureForm breaks the form of a signature; what is wrong is refused
// while reading, or by the reference that has it.
func TestSignatureForm(t *testing.T) {
	key := testECDSA(t)
	good := string(signSample(t, key))
	const method = `<ds:SignatureMethod Algorithm="` + ECDSASHA256 + `"/>`
	const exclusive = `<ds:Transform Algorithm="` + ExclusiveC14N + `"/>`
	for _, c := range []struct{ name, old, new, code string }{
		{"nothing", "", "", ""},
		{"no method", method, "", CodeMalformed},
		{"method twice", method, method + method, CodeMalformed},
		{"unknown element", method, method + "<ds:X/>", CodeMalformed},
		{"text in SignedInfo", method, method + "x", CodeMalformed},
		{"text before SignedInfo", "<ds:SignedInfo>", "x<ds:SignedInfo>", CodeMalformed},
		{"foreign element", "<ds:SignedInfo>", "<x/><ds:SignedInfo>", CodeMalformed},
		{"no algorithm", `ds:SignatureMethod Algorithm`, `ds:SignatureMethod A`, CodeMalformed},
		{"HMAC", ECDSASHA256, Namespace + "hmac-sha1", CodeUnsupported},
		{"RSA method, ECDSA key", ECDSASHA256, RSASHA256, CodeValue},
		{"longer hash", ECDSASHA256, ECDSASHA512, CodeValue},
		{"parameter of the method", method, strings.Replace(method, "/>", "><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>", 1), CodeUnsupported},
		{"SHA-1", SHA256, Namespace + "sha1", CodeValue},
		{"canonicalization 1.1", `Method Algorithm="` + ExclusiveC14N, `Method Algorithm="http://www.w3.org/2006/12/xml-c14n11`, CodeUnsupported},
		{"XPath", exclusive, strings.Replace(exclusive, ExclusiveC14N, "http://www.w3.org/TR/1999/REC-xpath-19991116", 1), CodeValue},
		{"two prefix lists", "<ec:InclusiveNamespaces", `<InclusiveNamespaces xmlns="` + ExclusiveC14N + `" PrefixList="x"/><ec:InclusiveNamespaces`, CodeMalformed},
		{"no prefix list", "PrefixList=", "X=", CodeMalformed},
		{"value is no base64", "<ds:SignatureValue>", "<ds:SignatureValue>*", CodeMalformed},
		{"value of wrong length", "<ds:SignatureValue>", "<ds:SignatureValue>AAAA", CodeValue},
		{"value with an element", "<ds:SignatureValue>", "<ds:SignatureValue><x/>", CodeMalformed},
		{"digest empty", "<ds:DigestValue>", "<ds:DigestValue></ds:DigestValue><ds:DigestValue>", CodeMalformed},
		{"too many references", "<ds:Reference ", strings.Repeat(`<ds:Reference URI=""><ds:DigestMethod Algorithm="`+SHA256+`"/><ds:DigestValue>AA==</ds:DigestValue></ds:Reference>`, 64) + "<ds:Reference ", CodeMalformed},
		{"too many transforms", exclusive, strings.Repeat(exclusive, 5), CodeMalformed},
	} {
		changed := strings.Replace(good, c.old, c.new, 1)
		if changed == good && c.old != "" {
			t.Fatalf("%s: nothing to change", c.name)
		}
		if err := verify(t, []byte(changed), key.Public()); code(err) != c.code {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
	if _, err := ReadSignature(xmltree.Node{}); code(err) != CodeMalformed {
		t.Errorf("absent signature: %v", err)
	}
}

func TestReferenceForm(t *testing.T) {
	const head = `<d Id="x"><ds:Signature xmlns:ds="` + Namespace + `"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + ExclusiveC14N +
		`"/><ds:SignatureMethod Algorithm="` + RSASHA256 + `"/>`
	const tail = `</ds:SignedInfo><ds:SignatureValue>AA==</ds:SignatureValue></ds:Signature></d>`
	transform := func(algorithms ...string) string {
		var b strings.Builder
		b.WriteString("<ds:Transforms>")
		for _, a := range algorithms {
			b.WriteString(`<ds:Transform Algorithm="` + a + `"/>`)
		}
		return b.String() + "</ds:Transforms>"
	}
	for _, c := range []struct{ name, uri, transforms, digest, code string }{
		{"changed", `URI="#x"`, "", SHA256, CodeDigest},
		{"no URI", "", "", SHA256, CodeReference},
		{"other document", `URI="x.xml"`, "", SHA256, CodeReference},
		{"fragment of another", `URI="x.xml#x"`, "", SHA256, CodeReference},
		{"empty fragment", `URI="#"`, "", SHA256, CodeReference},
		{"XPointer", `URI="#xpointer(/)"`, "", SHA256, CodeReference},
		{"unknown id", `URI="#y"`, "", SHA256, CodeReference},
		{"unknown digest", `URI="#x"`, "", Namespace + "sha1", CodeUnsupported},
		{"XSLT", `URI="#x"`, transform("http://www.w3.org/TR/1999/REC-xslt-19991116"), SHA256, CodeUnsupported},
		{"enveloped last", `URI="#x"`, transform(ExclusiveC14N, EnvelopedSignature), SHA256, CodeUnsupported},
		{"enveloped twice", `URI="#x"`, transform(EnvelopedSignature, EnvelopedSignature), SHA256, CodeUnsupported},
		{"two canonicalizations", `URI="#x"`, transform(ExclusiveC14N, InclusiveC14N), SHA256, CodeUnsupported},
	} {
		src := head + "<ds:Reference " + c.uri + ">" + c.transforms + `<ds:DigestMethod Algorithm="` + c.digest + `"/><ds:DigestValue>AA==</ds:DigestValue></ds:Reference>` + tail
		s, err := ReadSignature(find(t, parse(t, src), "Signature"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := s.References[0]
		if err := r.CheckTarget(); code(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
		if err := r.CheckBytes(nil); err == nil {
			t.Errorf("%s: holds for no bytes", c.name)
		}
	}
}

func TestByID(t *testing.T) {
	d := parse(t, `<a xmlns:wsu="`+wsuSpace+`" xmlns:o="urn:o"><b Id="1"/><b ID="2"/><b id="3"/><b wsu:Id="4"/><b xml:id="5"/>`+
		`<b o:Id="6"/><b Id="7"/><b wsu:Id="7"/><b Id="8" ID="8"/></a>`)
	for id, want := range map[string]string{
		"1": "/a[1]/b[1]", "2": "/a[1]/b[2]", "3": "/a[1]/b[3]", "4": "/a[1]/b[4]", "5": "/a[1]/b[5]", "6": "", "7": "", "8": "/a[1]/b[9]", "9": "",
	} {
		n, err := ByID(d, id)
		if n.Path() != want || (err == nil) != (want != "") || err != nil && code(err) != CodeReference {
			t.Errorf("%s: %q %v", id, n.Path(), err)
		}
	}
}

// FuzzCanonical asserts for every document and each of its first elements that
// the canonical form reads again and is its own canonical form, and that a
// signature in it is read or refused with a code.
func FuzzCanonical(f *testing.F) {
	seeds := append([]string{signedDocument, string(signSample(f, testECDSA(f)))}, cases...)
	if len(seeds) < 20 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, src := range seeds {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := xmltree.Parse(src, xmltree.Limits{Bytes: 1 << 18})
		if err != nil {
			return
		}
		nodes := []xmltree.Node{d.Node(0), d.Root()}
		for n := range d.Root().Children() {
			nodes = append(nodes, n)
		}
		for _, n := range nodes[:min(len(nodes), 5)] {
			for _, a := range []string{InclusiveC14N, InclusiveC14NWithComments, ExclusiveC14N, ExclusiveC14NWithComments} {
				checkFixpoint(t, n, Method{Algorithm: a})
			}
		}
		if n := search(d, "Signature"); n.Exists() {
			s, err := ReadSignature(n)
			if err != nil && code(err) == "" {
				t.Errorf("%T: %v", err, err)
			}
			if err == nil && (len(s.References) == 0 || len(s.Value) == 0 || s.Algorithm == "") {
				t.Error("a signature without references, value or algorithm")
			}
		}
	})
}

func checkFixpoint(t *testing.T, n xmltree.Node, m Method) {
	t.Helper()
	once, err := Canonical(n, m, xmltree.Node{})
	if err != nil {
		if code(err) == "" {
			t.Errorf("%T: %v", err, err)
		}
		return
	}
	d, err := xmltree.Parse(once, xmltree.Limits{Attributes: 10_000})
	if err != nil {
		t.Fatalf("canonical form does not read: %v\n%s", err, once)
	}
	if d.Root().Text() != n.Document().Root().Text() && n.Kind() == xmltree.DocumentNode {
		t.Fatalf("text changed:\n%s", once)
	}
	twice, err := Canonical(d.Node(0), m, xmltree.Node{})
	if err != nil || string(twice) != string(once) {
		t.Fatalf("%v\nonce  %q\ntwice %q", err, once, twice)
	}
}
