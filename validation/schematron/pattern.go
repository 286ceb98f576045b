package schematron

import (
	"regexp"
	"strings"

	"github.com/lestrrat-go/helium"
)

const spaceXSL = "http://www.w3.org/1999/XSL/Transform"

// spreadPatterns rewrites match patterns with a parenthesised union, as XSLT 3.0
// allows them. The processor refuses those that a step follows, and evaluates
// the others from the root for every node, so that its time grows with the
// square of a document. The union is spread over the rest of the path, which
// matches the same nodes.
func spreadPatterns(sheet *helium.Document) error {
	root := sheet.DocumentElement()
	if root == nil {
		return nil
	}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		e, ok := n.(*helium.Element)
		if !ok || e.URI() != spaceXSL || e.LocalName() != "template" {
			continue
		}
		match, ok := e.GetAttribute("match")
		if !ok {
			continue
		}
		if spread := spreadUnions(match); spread != match {
			if err := e.SetAttribute("match", spread); err != nil {
				return err
			}
		}
	}
	return nil
}

// spreadUnions turns "(a | b)[p]/c" into "a[p]/c | b[p]/c", wherever the group
// stands in the path. A group whose predicate may count positions stays.
func spreadUnions(pattern string) string {
	var out []string
	for _, path := range splitTop(pattern, '|') {
		out = append(out, spreadPath(strings.TrimSpace(path))...)
	}
	return strings.Join(out, " | ")
}

func spreadPath(path string) []string {
	start, end := findGroup(path)
	if start < 0 {
		return []string{path}
	}
	var out []string
	for _, alternative := range splitTop(path[start+1:end], '|') {
		out = append(out, spreadPath(path[:start]+strings.TrimSpace(alternative)+path[end+1:])...)
	}
	return out
}

// findGroup returns the parentheses of the first group outside predicates that
// begins a step and can be spread; -1 when there is none.
func findGroup(path string) (start, end int) {
	start = -1
	for at := range outside(path) {
		switch path[at] {
		case '(':
			if before := strings.TrimSpace(path[:at]); before == "" || strings.HasSuffix(before, "/") {
				start = at
			}
		case ')':
			if start >= 0 && !counts(path[at+1:]) {
				return start, at
			}
			start = -1
		}
	}
	return -1, -1
}

// counts reports whether a predicate that stands first in rest may be about
// positions: they are other ones in the parts of a union than in the whole.
func counts(rest string) bool {
	rest = strings.TrimSpace(rest)
	if !strings.HasPrefix(rest, "[") {
		return false
	}
	predicates := rest
	for at := range outside(rest) {
		if rest[at] == '/' {
			predicates = rest[:at]
			break
		}
	}
	return strings.Contains(predicates, "position()") || strings.Contains(predicates, "last()") || number.MatchString(predicates)
}

// number matches a predicate that is a number.
var number = regexp.MustCompile(`\[\s*[0-9]+\s*\]`)

// splitTop splits at a separator outside parentheses, predicates and quotes.
func splitTop(s string, separator byte) []string {
	var out []string
	from := 0
	for at := range outside(s) {
		if s[at] == separator {
			out = append(out, s[from:at])
			from = at + 1
		}
	}
	return append(out, s[from:])
}

// outside yields the offsets of the characters outside quotes, predicates and
// parentheses; of those it yields the outermost parentheses themselves.
func outside(s string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		var quote byte
		round, square := 0, 0
		for i := 0; i < len(s); i++ {
			c := s[i]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
				continue
			case c == '\'' || c == '"':
				quote = c
				continue
			case c == '[':
				square++
				continue
			case c == ']':
				square--
				continue
			case square > 0:
				continue
			case c == ')':
				round--
			}
			if round == 0 && !yield(i) {
				return
			}
			if c == '(' {
				round++
			}
		}
	}
}
