package web

import (
	"slices"
	"time"

	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/i18n"
)

// group is where an invoice stands, as this morning's report counts it. Every
// invoice is in exactly one.
type group string

// Groups, those that need somebody first.
const (
	groupHeld      group = "held"
	groupBounced   group = "bounced"
	groupUnknown   group = "unknown"
	groupRefused   group = "refused" // or disputed, or rejected by the receiver's checks
	groupNeverSent group = "never_sent"
	groupSent      group = "sent"
	groupConfirmed group = "confirmed"
	groupEnded     group = "ended" // rejected, cancelled, superseded: not counted
)

// reported lists the groups of the report in the order in which they are shown.
var reported = []group{groupHeld, groupBounced, groupUnknown, groupRefused, groupNeverSent, groupSent, groupConfirmed}

// tone is the colour of a state: the only thing that has one.
type tone string

// Tones.
const (
	toneBad  tone = "bad"  // it went wrong
	toneWarn tone = "warn" // somebody has to decide
	toneWait tone = "wait" // on its way
	toneGood tone = "good"
	toneOff  tone = "off" // over
)

var groupTones = map[group]tone{
	groupHeld: toneWarn, groupBounced: toneBad, groupUnknown: toneWarn, groupRefused: toneBad,
	groupNeverSent: toneWait, groupSent: toneWait, groupConfirmed: toneGood, groupEnded: toneOff,
}

// attention tells that a group needs somebody to act.
func (g group) attention() bool {
	return g == groupHeld || g == groupBounced || g == groupUnknown || g == groupRefused
}

// What the other side's word makes of an invoice, whatever the channel says.
var answerGroups = map[string]group{
	"disputed": groupRefused, "refused": groupRefused, "rejected": groupRefused,
	"approved": groupConfirmed, "partly_approved": groupConfirmed, "in_process": groupConfirmed,
}

// What the channel's word makes of it.
var transportGroups = map[string]group{
	"bounced": groupBounced, "unknown": groupUnknown,
	"received": groupConfirmed, "delivered": groupConfirmed, "opened": groupConfirmed, "viewed": groupConfirmed,
	"taken": groupSent, "relayed": groupSent, "delayed": groupSent,
}

// groupOf sorts a standing into its group.
func groupOf(state gateway.InvoiceState, transport, answer string) group {
	switch state {
	case gateway.InvoiceHeld:
		return groupHeld
	case gateway.InvoiceRejected, gateway.InvoiceCancelled, gateway.InvoiceSuperseded:
		return groupEnded
	case gateway.InvoiceDraft:
		return groupNeverSent
	}
	if g, ok := answerGroups[answer]; ok {
		return g
	}
	if g, ok := transportGroups[transport]; ok {
		return g
	}
	if state == gateway.InvoiceReady {
		return groupNeverSent
	}
	return groupSent
}

func groupOfInvoice(inv gateway.Invoice) group {
	return groupOf(inv.State, inv.Status.Transport().State, inv.Status.Answer().State)
}

// states are those that an invoice of a group can be in.
func (g group) states() []gateway.InvoiceState {
	switch g {
	case groupHeld:
		return []gateway.InvoiceState{gateway.InvoiceHeld}
	case groupNeverSent:
		return []gateway.InvoiceState{gateway.InvoiceDraft, gateway.InvoiceReady}
	case groupEnded:
		return []gateway.InvoiceState{gateway.InvoiceRejected, gateway.InvoiceCancelled, gateway.InvoiceSuperseded}
	}
	return []gateway.InvoiceState{gateway.InvoiceReady, gateway.InvoiceSent, gateway.InvoiceClosed}
}

// confirmedDays is how far back the report counts what needs nobody any more.
const confirmedDays = 7

// report is this morning's report.
type report struct {
	Day       time.Time
	Attention []reportRow
	Quiet     []reportRow
	// Waiting is how many invoices need somebody.
	Waiting int
}

// reportRow is one count with what to do next.
type reportRow struct {
	Group group
	N     int
	// Since limits the list behind the count, as YYYY-MM-DD.
	Since string
}

// reportOf sums counts up: open are those of all time, recent those since a day.
func reportOf(open, recent []gateway.Count, now, since time.Time) report {
	r := report{Day: now}
	for _, g := range reported {
		counts, row := open, reportRow{Group: g}
		if g == groupConfirmed {
			counts, row.Since = recent, since.Format(time.DateOnly)
		}
		for _, c := range counts {
			if groupOf(c.State, c.Transport, c.Answer) == g {
				row.N += int(c.N)
			}
		}
		if g.attention() {
			r.Attention = append(r.Attention, row)
			r.Waiting += row.N
		} else {
			r.Quiet = append(r.Quiet, row)
		}
	}
	return r
}

// startOf is midnight so many days before a moment, in its zone.
func startOf(now time.Time, daysBefore int) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d-daysBefore, 0, 0, 0, 0, now.Location())
}

// standing is the most telling word on an invoice for a list.
func standing(inv gateway.Invoice) (key i18n.Key, t tone) {
	g := groupOfInvoice(inv)
	t = groupTones[g]
	switch {
	case g == groupHeld:
		return i18n.Key("stand.held." + inv.Hold), t
	case g == groupEnded || inv.State == gateway.InvoiceDraft:
		return i18n.Key("state." + string(inv.State)), t
	case inv.Status.Money().State != "":
		return i18n.Key("money." + inv.Status.Money().State), toneGood
	case inv.Status.Answer().State != "":
		return i18n.Key("answer." + inv.Status.Answer().State), t
	case inv.Status.Transport().State == "failed":
		return "transport.failed", toneBad
	case inv.Status.Transport().State == "taken":
		return "stand.taken", t
	case inv.Status.Transport().State != "":
		return i18n.Key("transport." + inv.Status.Transport().State), t
	}
	return i18n.Key("state." + string(inv.State)), t
}

// validGroup reads a group from an address.
func validGroup(s string) (group, bool) {
	g := group(s)
	return g, slices.Contains(reported, g) || g == groupEnded
}
