package i18n

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
)

// Key names a message.
type Key string

// Text is a message in every language. A word in braces stands for an
// argument: "Invoice {number}". A message that counts has two forms with a
// bar between them, for one and for more: "{n} invoice|{n} invoices".
type Text struct {
	EN, FR string
}

// in returns the text in one language; it is empty when it is missing.
func (t Text) in(lang Lang) string {
	switch lang {
	case EN:
		return t.EN
	case FR:
		return t.FR
	}
	return ""
}

// Catalogue is a set of messages. A package that speaks to people keeps one
// and tests it with Check.
type Catalogue map[Key]Text

// Arg is the value of a word in braces.
type Arg struct {
	name, value string
	count       int
	counts      bool
}

// A gives the word name a value, which is put in as it is.
func A(name, value string) Arg { return Arg{name: name, value: value} }

// N gives the word n a number and picks the form of the message that goes
// with it.
func N(n int) Arg { return Arg{name: "n", count: n, counts: true} }

// Text returns the message in the language, or in the fallback language, with
// its arguments put in. A key that does not exist is returned in angle
// brackets, so that it is seen.
func (c Catalogue) Text(lang Lang, key Key, args ...Arg) string {
	text, ok := c[key]
	if !ok {
		return "⟨" + string(key) + "⟩"
	}
	form := text.in(lang)
	if form == "" {
		lang, form = Fallback, text.in(Fallback)
	}
	pairs := make([]string, 0, 2*len(args))
	for _, arg := range args {
		if arg.counts {
			form = pick(lang, form, arg.count)
			arg.value = Number(lang, fmt.Sprint(arg.count))
		}
		pairs = append(pairs, "{"+arg.name+"}", arg.value)
	}
	return strings.NewReplacer(pairs...).Replace(form)
}

// pick returns the form of a text for a count.
func pick(lang Lang, text string, n int) string {
	one, other, counts := strings.Cut(text, "|")
	if counts && plural.Cardinal.MatchPlural(lang.tag(), max(n, -n), 0, 0, 0, 0) != plural.One {
		return other
	}
	return one
}

var word = regexp.MustCompile(`\{[a-z_]+\}`)

// Check tells whether every message is there in every language, with the same
// words in braces and the same number of forms.
func (c Catalogue) Check() error {
	for _, key := range slices.Sorted(maps.Keys(c)) {
		want := shape(c[key].in(Fallback))
		for _, lang := range Languages() {
			text := c[key].in(lang)
			switch got := shape(text); {
			case strings.TrimSpace(text) == "":
				return fmt.Errorf("i18n: %s is missing in %s", key, lang)
			case got != want:
				return fmt.Errorf("i18n: %s has %s in %s, but %s in %s", key, got, lang, want, Fallback)
			case strings.ContainsAny(word.ReplaceAllString(text, ""), "{}"):
				return fmt.Errorf("i18n: %s has a brace that names nothing in %s", key, lang)
			}
		}
	}
	return nil
}

// shape describes the words and forms of a text.
func shape(text string) string {
	words := word.FindAllString(text, -1)
	slices.Sort(words)
	return fmt.Sprintf("%d forms with %v", strings.Count(text, "|")+1, slices.Compact(words))
}
