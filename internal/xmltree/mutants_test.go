package xmltree

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// snippets are what mutants are made of.
var snippets = []string{
	"<", ">", "/", "/>", "</", "</a>", "<a>", "<b/>", "<p:b/>", "a", "p:", ":", "=", "'", "\"", "&", ";", "#", "&#", "&#x", "&lt;", "&#10;",
	"&#xD800;", "]]>", "<![CDATA[", "<!--", "-->", "--", "-", "<?", "?>", "?", "<?p ", "xml", "<?xml ", " ", "\n", "\r", "\t", "!", "[", "]",
	" xmlns='u'", " xmlns:p='u'", " xmlns:q='u'", " p:a='1'", " q:a='1'", " a='1'", " xmlns=''", " xmlns:p=''", "xmlns:", "xml:", "\x0B",
	"\xC3\xA9", "\xC3", "\xEF\xBF\xBE", "\xEF\xBB\xBF", "\xCC\x80", "0", "1", ".", "_",
}

// mutate inserts, deletes, doubles or overwrites a few pieces of a document.
func mutate(r *rand.Rand, doc []byte) []byte {
	out := bytes.Clone(doc)
	for range 1 + r.IntN(3) {
		i := r.IntN(len(out) + 1)
		j := min(len(out), i+1+r.IntN(4))
		s := snippets[r.IntN(len(snippets))]
		switch r.IntN(4) {
		case 0:
			out = append(out[:i:i], append([]byte(s), out[i:]...)...)
		case 1:
			out = append(out[:i:i], out[j:]...)
		case 2:
			out = append(out[:j:j], out[i:]...)
		case 3:
			out = append(out[:i:i], append([]byte(s), out[j:]...)...)
		}
	}
	return out
}

// TestMutantsLikeLibxml2 breaks small documents at random and asks libxml2.
func TestMutantsLikeLibxml2(t *testing.T) {
	needXmllint(t)
	r := rand.New(rand.NewPCG(1, 2))
	seeds := [][]byte{[]byte(sample), []byte("<p:a xmlns:p='u' xmlns:q='v' p:x='1' q:x='&#9;2'>&lt;<![CDATA[x]]>]]<p:b></p:b><!-- c --><?p d?></p:a>")}
	for _, src := range accepted {
		if len(src) < 200 {
			seeds = append(seeds, []byte(src))
		}
	}
	var docs [][]byte
	var ours []error
	for len(docs) < 5000 {
		doc := mutate(r, seeds[r.IntN(len(seeds))])
		_, err := Parse(doc, Limits{})
		if c := code(err); c == CodeVersion || c == CodeEncoding || bytes.Contains(doc, []byte("<!DOCTYPE")) {
			continue // we are stricter there
		}
		docs, ours = append(docs, doc), append(ours, err)
	}
	dir := t.TempDir()
	files := writeCases(t, dir, docs)
	theirs := xmllintRefuses(t, dir, files)
	good := 0
	for i, f := range files {
		complaint, no := theirs[f]
		if no != (ours[i] != nil) {
			t.Errorf("%q: we say %v, libxml2 says %q", docs[i], ours[i], complaint)
		}
		if !no {
			good++
		}
	}
	if good < 300 {
		t.Errorf("only %d of %d mutants are well-formed", good, len(docs))
	}
}
