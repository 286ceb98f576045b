package intake

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/sheet"
)

var update = flag.Bool("update", false, "write the tables of docs/csv.md")

const page = "../../docs/csv.md"

// The page lists the columns that are read, and no others.
func TestDocumentedColumns(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	for _, kind := range []string{"order", "customer", "legal_entity", "item"} {
		columns := RecordColumns(kind)
		if kind == "order" {
			columns = sheet.OrderColumns()
		}
		begin := fmt.Sprintf("<!-- columns of %s -->\n", kind)
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, "<!-- end -->\n")
		if !ok || !ok2 {
			t.Fatalf("the page has no table of %s", kind)
		}
		want = before + begin + table(columns) + "<!-- end -->\n" + after
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b, err = os.ReadFile(page); err != nil || string(b) != want {
		t.Errorf("docs/csv.md does not list the columns that are read; write it with: go test ./internal/intake -update (%v)", err)
	}
}

var kindNames = map[sheet.Kind]string{
	sheet.Text: "text", sheet.Code: "code", sheet.Number: "number", sheet.Percent: "percentage", sheet.Date: "date",
}

func table(columns []sheet.Column) string {
	var b strings.Builder
	b.WriteString("| Column | French | Key | Holds |\n|---|---|---|---|\n")
	for _, c := range columns {
		holds := kindNames[c.Kind]
		if c.Required {
			holds += ", required"
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", c.Headers[0], c.Headers[1], c.Key, holds)
	}
	return b.String()
}

// The examples of the page are taken as they stand.
func TestDocumentedTable(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if example, ok := strings.CutPrefix(line, "    "); ok && strings.Contains(example, ";") {
			lines = append(lines, example)
		}
	}
	list, err := Orders(CSV, []byte(strings.Join(lines, "")))
	if err != nil || len(list) != 1 || len(list[0].Lines) != 2 || list[0].IssueDate.String() != "2026-03-02" {
		t.Fatalf("%d orders, %v", len(list), err)
	}
	prices := []string{list[0].Lines[0].Price.Net.String(), list[0].Lines[1].Price.Net.String()}
	if !slices.Equal(prices, []string{"89.9", "212.5"}) && !slices.Equal(prices, []string{"89.90", "212.50"}) {
		t.Errorf("prices %v", prices)
	}
}
