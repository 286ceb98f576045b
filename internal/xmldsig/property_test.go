package xmldsig

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// element is a document that can be written in many ways.
type element struct {
	name     string // with prefix p, q or none
	attrs    [][2]string
	children []any // element or string
}

var (
	names  = rapid.SampledFrom([]string{"a", "b", "p:a", "q:b", "p:c"})
	values = rapid.StringMatching(`[ -~é€\t\n]{0,8}`)
)

func drawElement(t *rapid.T, depth int) element {
	e := element{name: names.Draw(t, "name")}
	for _, name := range []string{"x", "y", "p:x", "q:x"} {
		if rapid.Bool().Draw(t, "has "+name) {
			e.attrs = append(e.attrs, [2]string{name, values.Draw(t, name)})
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "children") {
		if depth > 0 && rapid.Bool().Draw(t, "element") {
			e.children = append(e.children, drawElement(t, depth-1))
		} else {
			e.children = append(e.children, values.Draw(t, "text"))
		}
	}
	return e
}

// write writes the element in a way that the drawn choices decide: order and
// quotes of attributes, white space in tags, references, CDATA sections, empty
// elements, and where the namespaces are declared again.
func (e element) write(t *rapid.T, b *strings.Builder, root bool) {
	choice := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "style") }
	space := func() string { return []string{" ", "\n", "  \t"}[choice(3)] }
	items := []string{}
	if root || choice(4) == 0 {
		items = append(items, "xmlns='urn:d'", "xmlns:p='urn:p'", "xmlns:q='urn:q'")
	}
	for _, a := range e.attrs {
		quote := []string{"'", "\""}[choice(2)]
		items = append(items, a[0]+"="+quote+escape(a[1], choice(2) == 0)+quote)
	}
	items = rapid.Permutation(items).Draw(t, "order")
	b.WriteString("<" + e.name)
	for _, item := range items {
		b.WriteString(space() + item)
	}
	if len(e.children) == 0 && choice(2) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	for _, c := range e.children {
		switch c := c.(type) {
		case element:
			c.write(t, b, false)
		case string:
			if choice(3) == 0 && !strings.Contains(c, "]]>") {
				b.WriteString("<![CDATA[" + c + "]]>")
			} else {
				b.WriteString(escape(c, choice(2) == 0))
			}
		}
	}
	b.WriteString("</" + e.name + strings.TrimLeft(space(), " ") + ">")
}

// escape writes what must be written as references, in one of two ways.
func escape(s string, numbers bool) string {
	var b strings.Builder
	for _, r := range s {
		if numbers && r != 'a' || strings.ContainsRune("&<>\"'\t\n", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestFormDoesNotDependOnStyle writes one document in two ways: the exclusive
// forms are equal. With one value changed they are not.
func TestFormDoesNotDependOnStyle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawElement(t, 3)
		form := func() string {
			var b strings.Builder
			e.write(t, &b, true)
			return canonical(t, parse(t, b.String()).Node(0), Method{Algorithm: ExclusiveC14N})
		}
		one, two := form(), form()
		if one != two {
			t.Fatalf("one\n%s\ntwo\n%s", one, two)
		}
		e.attrs = append([][2]string{{"z", "new"}}, e.attrs...)
		if changed := form(); changed == one {
			t.Fatalf("a change is not in the form\n%s", one)
		}
	})
}
