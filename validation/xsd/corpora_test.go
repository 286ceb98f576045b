package xsd_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/xsd"
)

// TestCorpora compares every verdict with xmllint's, for all documents and all
// schemas that the catalogue has.
func TestCorpora(t *testing.T) {
	root := corporaDir(t)
	catalogue := packs(t)
	v := newValidator(t)
	rules := map[string]string{"UBL-2.1": "ubl-2.1", "CII-D16B": "cii-d16b", "CII-D22B": "cii-d22b"}
	judged, differing := map[string]int{}, 0
	var took time.Duration
	for _, row := range expectations(t, root) {
		file, schema, result := row[0], strings.Fields(row[1]), row[2]
		id := rules[schema[0]]
		pack, err := catalogue.FindStage(schemas.StageXSD, id, "")
		if err != nil {
			t.Fatalf("%s: %v", row[1], err)
		}
		doc, err := validation.Parse(read(t, filepath.Join(root, file)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if len(schema) == 2 {
			if _, ok := pack.Entry(doc.Namespace, doc.Root); !ok {
				t.Logf("%s: %s has no schema for %s here", file, id, doc.Root)
				continue
			}
		}
		start := time.Now()
		verdict := packStage(v, catalogue, pack).Check(t.Context(), doc)
		took += time.Since(start)
		judged[id]++
		if otherCodes(id, verdict, result) {
			differing++
			continue
		}
		if !verdict.Ran || verdict.OK() != (result == "valid") {
			t.Errorf("%s by %s: ran %v (%s), valid %v, want %s", file, row[1], verdict.Ran, verdict.Reason, verdict.OK(), result)
		}
		for _, f := range verdict.Findings {
			if f.Line == 0 || f.Location == "" || !strings.HasPrefix(f.Rule, "cvc-") {
				t.Errorf("%s: finding without line or location: %+v", file, f)
			}
		}
	}
	if judged["ubl-2.1"] < 300 || judged["cii-d16b"] < 100 || judged["cii-d22b"] < 100 {
		t.Errorf("judged only %v", judged)
	}
	if differing > 12 {
		t.Errorf("%d documents use codes that D22B does not have", differing)
	}
	t.Logf("judged %v, %v in all", judged, took.Round(time.Millisecond))
}

// otherCodes reports a document that only uses codes which the D22B schemas of
// the catalogue do not list and those behind the expectations do: xmllint finds
// the same with the catalogue's files.
func otherCodes(id string, v validation.Verdict, expected string) bool {
	if id != "cii-d22b" || expected != "valid" || v.OK() || !v.Ran {
		return false
	}
	for _, f := range v.Findings {
		if f.Rule != "cvc-enumeration-valid" {
			return false
		}
	}
	return true
}

func expectations(t *testing.T, root string) [][]string {
	f, err := os.Open(filepath.Join(root, "_expected", "xsd-results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// packStage is the check against all documents of a pack.
func packStage(v *xsd.Validator, catalogue *schemas.Catalogue, p schemas.Pack) validation.Stage {
	rs := validation.RuleSet{Stage: validation.StageXSD, ID: p.ID, Version: p.Version, SHA256: p.SHA256()}
	return v.Stage(rs, func() ([]schemas.Import, error) {
		imports, err := catalogue.Imports(p)
		for _, e := range p.Entries() {
			if err != nil {
				return nil, err
			}
			var path string
			path, err = catalogue.Path(p, e.Path)
			imports = append(imports, schemas.Import{Namespace: e.Namespace, Path: path})
		}
		return imports, err
	})
}

// TestEveryPackLoads parses each XML schema of the catalogue.
func TestEveryPackLoads(t *testing.T) {
	catalogue := packs(t)
	v := newValidator(t)
	loaded := 0
	for _, p := range catalogue.Lock().Packs() {
		if p.Stage != schemas.StageXSD {
			continue
		}
		start := time.Now()
		verdict := packStage(v, catalogue, p).Check(t.Context(), document(t, "<unknown/>"))
		if !verdict.Ran {
			t.Errorf("%s: %s", p.Name(), verdict.Reason)
			continue
		}
		if len(verdict.Findings) != 1 || verdict.Findings[0].Rule != "cvc-elt.1" {
			t.Errorf("%s: %+v", p.Name(), verdict.Findings)
		}
		loaded++
		t.Logf("%s: %v", p.Name(), time.Since(start).Round(100*time.Microsecond))
	}
	if loaded < 20 {
		t.Errorf("%d schemas loaded", loaded)
	}
}

// corporaDir is ../shared/corpora beside the repository.
func corporaDir(t *testing.T) string {
	t.Helper()
	return need(t, filepath.Join(repository(t), "..", "shared", "corpora"), "the documents of the corpora were not judged")
}

// packs is the catalogue over the rule packs that `facteur schemas sync` fetched.
func packs(t testing.TB) *schemas.Catalogue {
	t.Helper()
	c, err := schemas.Open(need(t, filepath.Join(repository(t), ".facteur", "packs"), "the official schemas were not used"))
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

func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above this test")
	return ""
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
