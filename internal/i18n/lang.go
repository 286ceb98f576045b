package i18n

import (
	"strings"

	"golang.org/x/text/language"
)

// Lang is a language that Facteur speaks to people, as its ISO 639-1 code.
type Lang string

// Languages.
const (
	EN Lang = "en"
	FR Lang = "fr"
)

// Fallback is the language of a text that has no other.
const Fallback = EN

// maxHeader bounds the Accept-Language header that is read.
const maxHeader = 512

// Languages lists all languages.
func Languages() []Lang { return []Lang{EN, FR} }

// Parse reads a language tag such as "fr" or "fr-CA"; ok is false when
// Facteur does not speak that language.
func Parse(tag string) (lang Lang, ok bool) {
	base, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	for _, lang := range Languages() {
		if strings.EqualFold(base, string(lang)) {
			return lang, true
		}
	}
	return Fallback, false
}

// Negotiate picks the language that an Accept-Language header likes best, or
// fallback when it likes none of ours.
func Negotiate(header string, fallback Lang) Lang {
	if header == "" || len(header) > maxHeader {
		return fallback
	}
	wanted, weights, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return fallback
	}
	for i, tag := range wanted { // in order of preference
		base, confidence := tag.Base()
		if weights[i] <= 0 || confidence == language.No {
			continue
		}
		if lang, ok := Parse(base.String()); ok {
			return lang
		}
	}
	return fallback
}

// tag is the language for golang.org/x/text.
func (l Lang) tag() language.Tag {
	if l == FR {
		return language.French
	}
	return language.English
}
