package i18n

import (
	"fmt"
	"strconv"
	"time"
)

var months = map[Lang][12]string{
	EN: {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	FR: {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
}

var shortMonths = map[Lang][12]string{
	EN: {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"},
	FR: {"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."},
}

// Date writes the day of t in full: "22 November 2026" or "1er novembre 2026".
func Date(lang Lang, t time.Time) string { return date(lang, t, months) }

// ShortDate writes the day of t for tables, with the month as a word because
// figures are read differently: "22 Nov 2026".
func ShortDate(lang Lang, t time.Time) string { return date(lang, t, shortMonths) }

// DateTime writes the day and time of t with its time zone:
// "22 November 2026, 08:30:05 UTC". Convert t to the reader's zone before.
func DateTime(lang Lang, t time.Time) string {
	return fmt.Sprintf("%s, %s", Date(lang, t), t.Format("15:04:05 MST"))
}

func date(lang Lang, t time.Time, names map[Lang][12]string) string {
	words, ok := names[lang]
	if !ok {
		lang, words = Fallback, names[Fallback]
	}
	day := strconv.Itoa(t.Day())
	if lang == FR && t.Day() == 1 {
		day = "1er"
	}
	return day + noBreak + words[t.Month()-1] + " " + strconv.Itoa(t.Year())
}
