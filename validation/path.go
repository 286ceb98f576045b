package validation

import (
	"strconv"
	"strings"
)

// parsePath reads a location path; false when it is of no form that
// Document.Locate documents.
func parsePath(xpath string) ([]step, bool) {
	rest := strings.TrimSpace(xpath)
	if rest == "/" {
		return nil, true
	}
	var steps []step
	for rest != "" {
		if rest[0] != '/' || len(steps) > maxSteps {
			return nil, false
		}
		var s step
		var ok bool
		if s, rest, ok = parseStep(rest[1:]); !ok {
			return nil, false
		}
		steps = append(steps, s)
	}
	return steps, len(steps) > 0
}

// maxSteps bounds a path; the reader takes no document nested as deep.
const maxSteps = 1024

func parseStep(in string) (s step, rest string, ok bool) {
	s.position = 1
	if strings.HasPrefix(in, "@") {
		s.attribute = true
		in = in[1:]
	}
	end := strings.IndexAny(in, "/[")
	if end < 0 {
		end = len(in)
	}
	name := in[:end]
	rest = in[end:]
	if prefix, local, found := strings.Cut(name, ":"); found {
		s.prefix, s.local = prefix, local
	} else if name != "*" {
		s.local = name
	}
	for strings.HasPrefix(rest, "[") {
		var predicate string
		if predicate, rest, ok = cutPredicate(rest); !ok || !s.apply(predicate) {
			return s, "", false
		}
	}
	return s, rest, s.local != "" && !strings.ContainsAny(s.local, " ()='\"*@$")
}

// cutPredicate splits "[…]rest"; brackets inside quotes do not count.
func cutPredicate(in string) (predicate, rest string, ok bool) {
	var quote byte
	for i := 1; i < len(in); i++ {
		switch c := in[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			return strings.TrimSpace(in[1:i]), in[i+1:], true
		}
	}
	return "", "", false
}

// apply takes a position or conditions on local-name() and namespace-uri().
func (s *step) apply(predicate string) bool {
	if n, err := strconv.Atoi(predicate); err == nil {
		s.position = n
		return n > 0
	}
	for _, condition := range strings.Split(predicate, " and ") {
		function, value, ok := strings.Cut(condition, "=")
		value = strings.TrimSpace(value)
		if !ok || len(value) < 2 || value[0] != value[len(value)-1] || value[0] != '\'' && value[0] != '"' {
			return false
		}
		value = value[1 : len(value)-1]
		switch strings.TrimSpace(function) {
		case "local-name()":
			s.local = value
		case "namespace-uri()":
			s.space, s.spaced = value, true
		default:
			return false
		}
	}
	return true
}
