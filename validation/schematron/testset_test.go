package schematron_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/xmltree"
	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/schematron"
)

const spaceTestSet = "http://difi.no/xsd/vefa/validator/1.0"

// unitTest is one test of a publisher's testSet file: a fragment, and the rules
// it is about.
type unitTest struct {
	file, number, artefact string
	hits                   string // "error:R*n warning:R*n" that Saxon found in scope
}

// eager is the file whose rules stop on an empty amount: the processor computes
// a global variable that no rule asks for there, which Saxon leaves alone. Such
// a document is not judged, and so not valid.
const eager = "peppol-poacc/unit-order/PEPPOL-T01-R003.xml"

// TestExpectedTestSets runs the publishers' unit tests of their rules; a sample
// of them unless FACTEUR_CORPORA=all.
func TestExpectedTestSets(t *testing.T) {
	root := corporaDir(t)
	catalogue := packs(t)
	checker := schematron.New(schematron.XSLT{})
	tests := unitTests(t, root)
	if os.Getenv("FACTEUR_CORPORA") != "all" {
		tests = sampleTests(tests, sampled)
	}
	stages := map[string]validation.Stage{}
	for _, u := range tests {
		if stages[u.artefact] == nil {
			stages[u.artefact] = checkStage(checker, catalogue, testSetPack(t, catalogue, u.artefact))
		}
		fragment, scope := readTest(t, filepath.Join(root, u.file), u.number)
		v := stages[u.artefact].Check(t.Context(), document(t, string(fragment)))
		if u.file == eager && strings.HasPrefix(v.Reason, validation.ReasonDynamic) {
			t.Logf("%s %s: not judged: %s", u.file, u.number, v.Reason)
			continue
		}
		if !v.Ran {
			t.Errorf("%s %s: did not run: %s", u.file, u.number, v.Reason)
			continue
		}
		if got := hitsInScope(v, scope); got != u.hits {
			t.Errorf("%s %s:\n got %q\nwant %q", u.file, u.number, got, u.hits)
		}
	}
	t.Logf("%d unit tests of %d rule sets", len(tests), len(stages))
}

func unitTests(t *testing.T, root string) []unitTest {
	f, err := os.Open(filepath.Join(root, "_expected", "testset-results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []unitTest
	for _, r := range records[1:] {
		out = append(out, unitTest{file: r[0], number: r[1], artefact: r[3], hits: sortCounts(r[5])})
	}
	if len(out) < 1000 {
		t.Fatalf("%d unit tests", len(out))
	}
	return out
}

// sampleTests picks n tests by the hash of their name.
func sampleTests(tests []unitTest, n int) []unitTest {
	hash := func(u unitTest) uint32 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(u.file + " " + u.number))
		return h.Sum32()
	}
	tests = slices.Clone(tests)
	slices.SortFunc(tests, func(a, b unitTest) int { return cmp.Compare(hash(a), hash(b)) })
	return tests[:n]
}

// testSetPack returns the rules that the expectations name: "cen-ubl-1.3.16",
// "peppol-2025.5-T01".
func testSetPack(t *testing.T, catalogue *schemas.Catalogue, artefact string) schemas.Pack {
	parts := strings.Split(artefact, "-")
	id, version := parts[0]+"-"+strings.ToLower(parts[2]), parts[1]
	if parts[0] == "cen" {
		id, version = parts[0]+"-"+parts[1], parts[2]
	}
	p, err := catalogue.FindStage(schemas.StageSchematron, id, version)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readTest returns the fragment of a test as a document of its own, with the
// namespaces that are in scope, and the rules that the test is about.
func readTest(t *testing.T, file, number string) (fragment []byte, scope []string) {
	tree, err := xmltree.Parse(read(t, file), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	at := 0
	scope = scopeOf(tree.Root())
	for test := range tree.Root().All(spaceTestSet, "test") {
		if at++; strconv.Itoa(at) != number {
			continue
		}
		scope = append(scope, scopeOf(test)...)
		for n := range test.Children() {
			if n.Space() != spaceTestSet {
				return standAlone(tree, n), scope
			}
		}
	}
	t.Fatalf("%s has no test %s", file, number)
	return nil, nil
}

func scopeOf(n xmltree.Node) []string {
	var out []string
	for s := range n.Child(spaceTestSet, "assert").All(spaceTestSet, "scope") {
		out = append(out, strings.TrimSpace(s.Text()))
	}
	return out
}

// standAlone cuts an element out of its document and declares the namespaces
// that its ancestors did.
func standAlone(tree *xmltree.Document, n xmltree.Node) []byte {
	declared := map[string]bool{}
	for _, d := range n.Namespaces() {
		declared[d.Prefix] = true
	}
	var more bytes.Buffer
	for a := n.Parent(); a.Exists(); a = a.Parent() {
		for _, d := range a.Namespaces() {
			if !declared[d.Prefix] {
				declared[d.Prefix] = true
				more.WriteString(" xmlns" + strings.TrimSuffix(":"+d.Prefix, ":") + `="` + d.URI + `"`)
			}
		}
	}
	start, end := n.Offset()
	name := start + 1 + len(n.QName())
	return slices.Concat(tree.Source()[start:name], more.Bytes(), tree.Source()[name:end])
}

// hitsInScope writes the findings that a test is about as the expectations do.
func hitsInScope(v validation.Verdict, scope []string) string {
	hits := map[string]int{}
	for _, f := range v.Findings {
		if len(scope) > 0 && !slices.Contains(scope, f.Rule) {
			continue
		}
		kind := "error"
		if f.Severity == validation.SeverityWarning {
			kind = "warning"
		}
		hits[kind+":"+f.Rule]++
	}
	var out []string
	for rule, n := range hits {
		out = append(out, rule+"*"+strconv.Itoa(n))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
