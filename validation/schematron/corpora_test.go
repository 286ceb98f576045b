package schematron_test

import (
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
)

// sampled is how many of the documents of a rule set the ordinary tests judge;
// FACTEUR_CORPORA=all judges all of them, by all rule sets.
const sampled = 40

// lacking are the documents that the expectations judged with a later version
// of the rules than can be had (MLS 1.0.1, which compares one pattern without
// regard to case).
var lacking = []string{"peppol-mls/bad/mls-11d.xml"}

// expectation is a row of _expected/schematron-results.csv.
type expectation struct {
	file, artefact   string
	stops            bool // the rules stop on this document
	errors, warnings string
}

// TestCorpora compares the failed rules with those that Saxon found.
func TestCorpora(t *testing.T) {
	all := os.Getenv("FACTEUR_CORPORA") == "all"
	root := corporaDir(t)
	catalogue := packs(t)
	checker := schematron.New(schematron.XSLT{})
	groups := map[string][]expectation{}
	for _, e := range expectations(t, root) {
		groups[e.artefact] = append(groups[e.artefact], e)
	}
	judged := 0
	for _, p := range catalogue.Lock().Packs() {
		rows := groups[p.ExpectedID]
		if p.Stage != schemas.StageSchematron || len(rows) == 0 {
			continue
		}
		official := p.ID == "cen-ubl" || p.ID == "peppol-ubl"
		if !all {
			if !official && p.ID != "cen-cii" {
				continue
			}
			rows = sample(rows, sampled, !official)
		}
		delete(groups, p.ExpectedID)
		judged += len(rows)
		t.Run(p.ExpectedID, func(t *testing.T) {
			t.Parallel()
			compareAll(t, root, checkStage(checker, catalogue, p), rows)
		})
	}
	if judged < 60 {
		t.Errorf("only %d documents were judged", judged)
	}
	if all {
		for artefact, rows := range groups {
			t.Logf("no rules here for %s: %d rows not compared", artefact, len(rows))
		}
	}
}

func compareAll(t *testing.T, root string, stage validation.Stage, rows []expectation) {
	var took time.Duration
	for _, e := range rows {
		if slices.Contains(lacking, e.file) {
			t.Logf("%s: not compared, the expectation is of later rules", e.file)
			continue
		}
		doc, err := validation.Parse(read(t, filepath.Join(root, e.file)))
		if err != nil {
			t.Errorf("%s: %v", e.file, err)
			continue
		}
		start := time.Now()
		v := stage.Check(t.Context(), doc)
		took += time.Since(start)
		if e.stops {
			if v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDynamic) {
				t.Errorf("%s: ran %v (%s), but the rules stop on it", e.file, v.Ran, v.Reason)
			}
			continue
		}
		if !v.Ran {
			t.Errorf("%s: did not run: %s", e.file, v.Reason)
			continue
		}
		errors, warnings := counts(v)
		if errors != e.errors || warnings != e.warnings {
			t.Errorf("%s:\n got errors %q warnings %q\nwant errors %q warnings %q", e.file, errors, warnings, e.errors, e.warnings)
		}
		if v.OK() != (e.errors == "") {
			t.Errorf("%s: OK() = %v", e.file, v.OK())
		}
		for _, f := range v.Findings {
			if f.Line == 0 || f.Location == "" || f.Message == "" {
				t.Errorf("%s: finding without line, location or message: %+v", e.file, f)
			}
		}
	}
	t.Logf("%d documents, %v each", len(rows), (took / time.Duration(max(len(rows), 1))).Round(time.Millisecond))
}

// counts writes findings as the expectations do: "BR-01=1 BR-02=3".
func counts(v validation.Verdict) (errors, warnings string) {
	e, w := map[string]int{}, map[string]int{}
	for _, f := range v.Findings {
		switch {
		case f.Severity.Fails():
			e[f.Rule]++
		case f.Severity == validation.SeverityWarning:
			w[f.Rule]++
		}
	}
	return joinCounts(e), joinCounts(w)
}

func joinCounts(m map[string]int) string {
	var out []string
	for rule, n := range m {
		out = append(out, fmt.Sprintf("%s=%d", rule, n))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func sortCounts(s string) string {
	out := strings.Fields(s)
	slices.Sort(out)
	return strings.Join(out, " ")
}

// sample picks n rows by the hash of the file's name, and always the rows whose
// rules stop; only those when few is set.
func sample(rows []expectation, n int, few bool) []expectation {
	hash := func(e expectation) uint32 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(e.file))
		return h.Sum32()
	}
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b expectation) int { return int(int64(hash(a)) - int64(hash(b))) })
	var out []expectation
	for i, e := range rows {
		if e.stops || i < n && !few {
			out = append(out, e)
		}
	}
	return out
}

func expectations(t *testing.T, root string) []expectation {
	f, err := os.Open(filepath.Join(root, "_expected", "schematron-results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []expectation
	for _, r := range records[1:] {
		out = append(out, expectation{
			file: r[0], artefact: r[1], stops: strings.HasPrefix(r[2], "RUNERR"),
			errors: sortCounts(r[3]), warnings: sortCounts(r[4]),
		})
	}
	if len(out) < 500 {
		t.Fatalf("%d expectations", len(out))
	}
	return out
}

func checkStage(c *schematron.Checker, catalogue *schemas.Catalogue, p schemas.Pack) validation.Stage {
	entry := p.Entries()[0]
	rs := validation.RuleSet{Stage: validation.StageSchematron, ID: p.ID, Version: p.Version, SHA256: entry.SHA256}
	return c.Stage(rs, func(name string) ([]byte, error) {
		if name == "" {
			return catalogue.Read(p, entry.Path)
		}
		return catalogue.Read(p, filepath.ToSlash(filepath.Join(filepath.Dir(entry.Path), name)))
	})
}

// corporaDir is ../shared/corpora beside the repository.
func corporaDir(t *testing.T) string {
	t.Helper()
	return need(t, filepath.Join(repository(t), "..", "shared", "corpora"), "the documents of the corpora were not judged")
}

// packs is the catalogue over the rule packs that `facteur schemas sync` fetched.
func packs(t testing.TB) *schemas.Catalogue {
	t.Helper()
	dir := need(t, filepath.Join(repository(t), ".facteur", "packs"), "the official rules were not run")
	c, err := schemas.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func need(t testing.TB, dir, otherwise string) string {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", dir, otherwise)
	}
	t.Skipf("%s is missing: %s", dir, otherwise)
	return ""
}

var repository = func() func(t testing.TB) string {
	find := sync.OnceValue(func() string {
		_, file, _, _ := runtime.Caller(0)
		for dir := filepath.Dir(file); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return dir
			}
		}
		return ""
	})
	return func(t testing.TB) string {
		t.Helper()
		if find() == "" {
			t.Fatal("no go.mod above this test")
		}
		return find()
	}
}()

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
