package gateway

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page is docs/states.md by its headings.
func page(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range regexp.MustCompile(`(?m)^##+ `).Split(string(src), -1)[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		sections[heading] = text
	}
	return sections
}

// arrows are the moves that a section draws, as "from --> to".
func arrows(section string) []string {
	var drawn []string
	for _, m := range regexp.MustCompile(`(?m)^ +(\S+) --> (\S+)$`).FindAllStringSubmatch(section, -1) {
		drawn = append(drawn, m[1]+" --> "+m[2])
	}
	slices.Sort(drawn)
	return drawn
}

// rows are the cells of a section's table, without its head; code marks are dropped.
func rows(section string) [][]string {
	var table [][]string
	for _, line := range strings.Split(section, "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, "`", ""), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		table = append(table, cells)
	}
	return table[min(1, len(table)):]
}

// machine writes a table of moves the way it is drawn.
func machine[S ~string](first S, states []S, moves map[S][]S) []string {
	drawn := []string{"[*] --> " + string(first)}
	for _, from := range states {
		if len(moves[from]) == 0 {
			drawn = append(drawn, string(from)+" --> [*]")
		}
		for _, to := range moves[from] {
			drawn = append(drawn, string(from)+" --> "+string(to))
		}
	}
	slices.Sort(drawn)
	return drawn
}

func names[S ~string](states []S) []string {
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = string(s)
	}
	return slices.Sorted(slices.Values(list))
}

// TestStatesDrawn holds the drawings of docs/states.md against the table of moves,
// and asks that each state is explained once.
func TestStatesDrawn(t *testing.T) {
	sections := page(t)
	for _, c := range []struct {
		heading string
		moves   []string
		states  []string
	}{
		{"Invoice", machine(InvoiceDraft, InvoiceStates, invoiceMoves), names(InvoiceStates)},
		{"Delivery", machine(DeliveryQueued, DeliveryStates, deliveryMoves), names(DeliveryStates)},
		{"Inbound", machine(InboundReceived, InboundStates, inboundMoves), names(InboundStates)},
	} {
		if diff := cmp.Diff(c.moves, arrows(sections[c.heading])); diff != "" {
			t.Errorf("%s: the drawing (+) is not the table (-):\n%s", c.heading, diff)
		}
		var explained []string
		for _, row := range rows(sections[c.heading]) {
			explained = append(explained, row[0])
		}
		slices.Sort(explained)
		if diff := cmp.Diff(c.states, explained); diff != "" {
			t.Errorf("%s: the states explained (+) are not those there are (-):\n%s", c.heading, diff)
		}
	}
}

// TestAxesListed holds the tables of the three axes against the code.
func TestAxesListed(t *testing.T) {
	var transport, answer, money []string
	for event, r := range transportRank {
		transport = append(transport, fmt.Sprintf("%d %s %s", r.rank, r.state, event))
	}
	for event, state := range answerState {
		answer = append(answer, fmt.Sprintf("%s %s", state, event))
	}
	for event, state := range moneyState {
		money = append(money, fmt.Sprintf("%s %s", state, event))
	}
	sections := page(t)
	for heading, c := range map[string]struct {
		want    []string
		columns int
	}{"Transport": {transport, 3}, "Answer": {answer, 2}, "Money": {money, 2}} {
		var listed []string
		for _, row := range rows(sections[heading]) {
			listed = append(listed, strings.Join(row[:c.columns], " "))
		}
		slices.Sort(c.want)
		slices.Sort(listed)
		if diff := cmp.Diff(c.want, listed); diff != "" {
			t.Errorf("%s: the table (+) is not the code (-):\n%s", heading, diff)
		}
	}
}
