package ubl

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/formats/invoice"
)

// shared is the folder beside the repository that holds the corpora. Without it
// the test is skipped, but never in the pipeline.
func shared(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(filepath.Dir(dir), "shared")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the shared corpora are missing")
		}
		t.Skip("not run: the shared corpora are missing, no foreign UBL document was read")
	}
	return dir
}

// corpusDocuments are the UBL invoices and credit notes of the corpora that
// their schema accepts.
func corpusDocuments(t testing.TB) (root string, files []string) {
	t.Helper()
	root = filepath.Join(shared(t), "corpora")
	f, err := os.Open(filepath.Join(root, "_expected", "xsd-results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if (row[1] == "UBL-2.1 Invoice" || row[1] == "UBL-2.1 CreditNote") && row[2] == "valid" {
			files = append(files, row[0])
		}
	}
	if len(files) < 250 {
		t.Fatalf("only %d valid documents listed", len(files))
	}
	return root, files
}

// terms are all business terms of an invoice, one per line.
func terms(inv *invoice.Invoice) []string {
	var list []string
	inv.Walk(func(term, path, value string) {
		list = append(list, fmt.Sprintf("%s %s = %q", term, path, value))
	})
	return list
}

// lost are the lines of before that are not in after, and the other way round.
func lost(before, after []string) []string {
	var diff []string
	for _, s := range before {
		if !slices.Contains(after, s) {
			diff = append(diff, "- "+s)
		}
	}
	for _, s := range after {
		if !slices.Contains(before, s) {
			diff = append(diff, "+ "+s)
		}
	}
	return diff
}

func TestCorporaKeepEveryTerm(t *testing.T) {
	root, files := corpusDocuments(t)
	counts := make(map[string]int)
	missing := make(map[string]int)
	for _, name := range files {
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		first, report, err := Read(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, e := range report.Unmodelled {
			counts[generalPath(e.Path)]++
		}
		for _, m := range report.Missing {
			missing[m.Term]++
		}
		written, err := Write(first)
		if err != nil {
			var problems invoice.FieldErrors
			errors.As(err, &problems)
			t.Errorf("%s: write: %v", name, problems)
			continue
		}
		second, again, err := Read(written)
		if err != nil {
			t.Errorf("%s: read again: %v", name, err)
			continue
		}
		if len(again.Unmodelled) > 0 || len(again.Missing) > len(report.Missing) {
			t.Errorf("%s: our own document is not the model: %v", name, again)
		}
		if diff := lost(terms(first), terms(second)); len(diff) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(diff, "\n"))
		}
	}
	golden(t, "testdata/unmodelled.txt", []byte(table(counts)+"\nmandatory terms missing\n"+table(missing)))
}

// TestCheckTotalsAgreesWithTheRules holds our check of the totals against the
// official verdicts on every document that the rules judged.
func TestCheckTotalsAgreesWithTheRules(t *testing.T) {
	root, files := corpusDocuments(t)
	verdicts := officialTotals(t, root)
	compared, broken := 0, 0
	for _, name := range files {
		verdict, judged := verdicts[name]
		if !judged {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		inv, report, err := Read(src)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Missing) > 0 || secondTaxTotal(report) || inv.Extensions != nil {
			continue // amounts that are missing, or that the rules of CEN do not know
		}
		got := make(map[string]bool)
		for _, d := range invoice.CheckTotals(inv) {
			// The rules let a breakdown lack one of several rates; we do not.
			if d.Path != "vat_breakdown" && (d.Rule != "PEPPOL-EN16931-R120" || verdict.peppol) {
				got[d.Rule] = true
			}
		}
		compared++
		broken += min(len(verdict.rules), 1)
		if !maps.Equal(got, verdict.rules) {
			t.Errorf("%s: we find %v, the rules %v", name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(verdict.rules)))
		}
	}
	if compared < 200 || broken < 5 {
		t.Errorf("only %d documents compared, %d of them with a broken total", compared, broken)
	}
}

func secondTaxTotal(report Report) bool {
	return slices.ContainsFunc(report.Unmodelled, func(e Element) bool { return generalPath(e.Path) == "TaxTotal" })
}

type totalsVerdict struct {
	rules  map[string]bool
	peppol bool // judged by the rules of Peppol, too
}

// officialTotals are the broken rules on totals of each document.
func officialTotals(t *testing.T, root string) map[string]totalsVerdict {
	f, err := os.Open(filepath.Join(root, "_expected", "schematron-results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`^(BR-CO-1[0-7]|BR-(S|Z|E|AE|IC|G|O|AF|AG)-08|PEPPOL-EN16931-R120)$`)
	verdicts := make(map[string]totalsVerdict)
	for _, row := range rows {
		peppol := strings.HasPrefix(row[1], "peppol-2026.5-ubl")
		if !peppol && !strings.HasPrefix(row[1], "cen-ubl-") {
			continue
		}
		v, ok := verdicts[row[0]]
		if !ok {
			v.rules = make(map[string]bool)
		}
		v.peppol = v.peppol || peppol
		for field := range strings.FieldsSeq(row[3] + " " + row[4]) {
			if id, _, _ := strings.Cut(field, "="); rule.MatchString(id) {
				v.rules[id] = true
			}
		}
		verdicts[row[0]] = v
	}
	return verdicts
}
