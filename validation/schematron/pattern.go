package schematron

import (
	"strings"

	"github.com/lestrrat-go/helium"
)

const spaceXSL = "http://www.w3.org/1999/XSL/Transform"

// spreadPatterns rewrites the match patterns of a stylesheet that the processor
// does not read, although XSLT 3.0 allows them: a parenthesised union followed
// by a step. The union is spread over the path, which matches the same nodes.
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

// spreadUnions turns "(a | b)/c" into "a/c | b/c", wherever the group stands in
// the path. Groups that only predicates follow stay as they are.
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
// begins a step and that a further step follows; -1 when there is none.
func findGroup(path string) (start, end int) {
	start = -1
	for at := range outside(path) {
		switch path[at] {
		case '(':
			if before := strings.TrimSpace(path[:at]); before == "" || strings.HasSuffix(before, "/") {
				start = at
			}
		case ')':
			if start >= 0 && hasStep(path[at+1:]) {
				return start, at
			}
			start = -1
		}
	}
	return -1, -1
}

// hasStep reports whether a step stands outside predicates.
func hasStep(rest string) bool {
	for at := range outside(rest) {
		if rest[at] == '/' {
			return true
		}
	}
	return false
}

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
